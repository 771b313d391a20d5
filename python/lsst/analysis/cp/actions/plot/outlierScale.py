# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Colours of values inside and outside a range, all of them in order."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
from matplotlib.colors import Colormap, FuncNorm, LinearSegmentedColormap, ListedColormap
from matplotlib.ticker import MaxNLocator

from lsst.analysis.cp.core.limits import ColourLimits
from lsst.analysis.cp.core.typing import FloatArray

from .style import UNDER_COLOURS, overColours

__all__ = ["OutlierScale"]

_SHARE = 0.1
"""Part of the scale that the values beyond one end have."""

_N_COLOURS = 500


class OutlierScale:
    """A linear scale within a range, with a logarithmic end of other colours for what is outside.

    Parameters
    ----------
    limits
        The range; values outside are told from its ``nBelow`` and ``nAbove``.
    values
        Finite values to be shown, any shape.
    colourMap
        Name of the colour map of matplotlib that the range gets.
    """

    def __init__(self, limits: ColourLimits, values: FloatArray, colourMap: str) -> None:
        self._limits = limits
        self._below = _SHARE if limits.nBelow else 0.0
        self._above = _SHARE if limits.nAbove else 0.0
        self.low = float(np.min(values)) if limits.nBelow else limits.low
        self.high = float(np.max(values)) if limits.nAbove else limits.high
        self._name = colourMap
        # Where the range begins and ends on the scale: its ends have colours of the range.
        self._first = self._below + 0.5 / _N_COLOURS * (self._below > 0)
        self._last = 1.0 - self._above - 0.5 / _N_COLOURS * (self._above > 0)
        # An outlier may be so near that its distance vanishes.
        self._reachBelow = float(self._distance(limits.low, self.low)) or 1.0
        self._reachAbove = float(self._distance(self.high, limits.high)) or 1.0

    @property
    def norm(self) -> FuncNorm:
        """From values to places on the scale, 0 to 1."""
        return FuncNorm((self._toPlace, self._toValue), self.low, self.high)

    @property
    def colourMap(self) -> Colormap:
        """From places on the scale to colours."""
        numbers = [round(share * _N_COLOURS) for share in (self._below, self._above)]
        parts = (
            (LinearSegmentedColormap.from_list("below", UNDER_COLOURS[::-1]), numbers[0]),
            (matplotlib.colormaps[self._name], _N_COLOURS - sum(numbers)),
            (LinearSegmentedColormap.from_list("above", overColours(self._name)), numbers[1]),
        )
        colours = [part(np.linspace(0.0, 1.0, number)) for part, number in parts]
        return ListedColormap(np.concatenate(colours), name=self._name)

    @property
    def ticks(self) -> FloatArray:
        """Values to label: round ones in the range, and the least and greatest of those outside."""
        low, high = self._limits.low, self._limits.high
        inside = np.asarray(MaxNLocator(7, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))
        # Rounding must not lose the ticks at the ends.
        slack = 1e-9 * (high - low)
        inside = inside[(inside >= low - slack) & (inside <= high + slack)]
        ends = [self.low] * (self._below > 0), [self.high] * (self._above > 0)
        return np.concatenate([ends[0], inside, ends[1]])

    def _toPlace(self, values: Any) -> FloatArray:
        """Place values on the scale."""
        low, high = self._limits.low, self._limits.high
        array = np.asarray(values, dtype=np.float64)
        # Halves do not overflow where the values do not.
        inside = (np.clip(array, low, high) / 2 - low / 2) / (high / 2 - low / 2)
        place = self._first + (self._last - self._first) * inside
        above = 1.0 - self._above + self._above * self._distance(array, high) / self._reachAbove
        below = self._below - self._below * self._distance(low, array) / self._reachBelow
        return np.where(array > high, above, np.where(array < low, below, place))

    def _toValue(self, places: Any) -> FloatArray:
        """Tell which values are at places on the scale."""
        low, high = self._limits.low, self._limits.high
        place = np.asarray(places, dtype=np.float64)
        share = np.clip((place - self._first) / (self._last - self._first), 0.0, 1.0)
        value = low * (1.0 - share) + high * share
        half_width = high / 2 - low / 2
        with np.errstate(over="ignore"):
            if self._above:
                share = np.clip((place - 1.0 + self._above) / self._above, 0.0, 1.0)
                value += 2 * (half_width * np.expm1(share * self._reachAbove))
            if self._below:
                share = np.clip((self._below - place) / self._below, 0.0, 1.0)
                value -= 2 * (half_width * np.expm1(share * self._reachBelow))
        return np.clip(value, self.low, self.high)

    def _distance(self, upper: Any, lower: Any) -> FloatArray:
        """Return the logarithm of 1 plus how far one is above another, in widths of the range; 0 if below."""
        half_width = np.log(self._limits.high / 2 - self._limits.low / 2)
        above = np.maximum(np.divide(upper, 2) - np.divide(lower, 2), 0.0)
        with np.errstate(divide="ignore"):
            return np.logaddexp(0.0, np.log(above) - half_width)
