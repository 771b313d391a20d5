# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Histograms of values by the kind of their sensor; what is beyond the range is in a wide bin at its end."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import StepPatch
from matplotlib.ticker import MaxNLocator, NullFormatter

from lsst.analysis.cp.core.typing import FloatArray, IndexArray, NameArray

from .style import KIND_LOOKS, OTHER_LOOKS, KindLook

__all__ = ["Histogram", "chooseKindLooks", "chooseTicks", "countValues", "drawSteps", "styleCounts"]

_END = 0.08
"""Width of a bin of what is beyond the range, in ranges."""

_TICK_GLYPH = 0.06
"""Width of a digit of the label of a tick, inches."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Histogram:
    """Numbers of values in bins, by kind.

    Parameters
    ----------
    edges
        Edges of the bins, shape (nBins + 1,). An end beyond which there are values has a wide bin for these.
    counts
        Number of values in each bin, shape (nBins,), by kind; only kinds that have values.
    nBelow, nAbove
        Number of values in the bins of what is beyond the range.
    """

    edges: FloatArray
    counts: Mapping[str, IndexArray]
    nBelow: int
    nAbove: int

    @property
    def most(self) -> int:
        """Height of the tallest bin."""
        return max((int(counts.max()) for counts in self.counts.values()), default=0)


def countValues(values: FloatArray, kinds: NameArray, bins: FloatArray) -> Histogram:
    """Count values in bins.

    Parameters
    ----------
    values
        The values, shape (n,). NaN are left out; infinite ones are beyond the range.
    kinds
        Kind of each value, shape (n,).
    bins
        Edges of the bins within the range, rising, shape (nBins + 1,).

    Returns
    -------
    histogram
        The numbers.
    """
    sides = (values < bins[0], values > bins[-1])
    n_below, n_above = (int(np.count_nonzero(side)) for side in sides)
    width = _END * (bins[-1] - bins[0])
    edges = np.concatenate([[bins[0] - width] * (n_below > 0), bins, [bins[-1] + width] * (n_above > 0)])
    counts = {}
    for kind in np.unique(kinds[~np.isnan(values)]).tolist():
        own = kinds == kind
        # A value at the last edge is within the range.
        within, _ = np.histogram(values[own & (bins[0] <= values) & (values <= bins[-1])], bins)
        below, above = (int(np.count_nonzero(own & side)) for side in sides)
        ends = ([below] * (n_below > 0), [above] * (n_above > 0))
        counts[kind] = np.concatenate([ends[0], within, ends[1]]).astype(np.intp)
    return Histogram(edges=edges, counts=counts, nBelow=n_below, nAbove=n_above)


def chooseKindLooks(kinds: Iterable[str]) -> dict[str, KindLook]:
    """Choose the look of each kind of sensor, in the order of their names."""
    others = itertools.cycle(OTHER_LOOKS)
    return {kind: KIND_LOOKS[kind] if kind in KIND_LOOKS else next(others) for kind in sorted(set(kinds))}


def drawSteps(ax: Axes, histogram: Histogram, looks: Mapping[str, KindLook]) -> tuple[StepPatch, ...]:
    """Draw an outline for each kind, and behind them the ends of the range with the numbers beyond.

    The looks are by kind. The outlines are returned.
    """
    edges = histogram.edges
    steps = []
    for kind, counts in histogram.counts.items():
        colour, dashes, _ = looks[kind]
        steps.append(ax.stairs(counts, edges, color=colour, linestyle=dashes, label=kind, linewidth=1.2))
    for count, first, last in (
        (histogram.nBelow, edges[0], edges[1]),
        (histogram.nAbove, edges[-2], edges[-1]),
    ):
        if count:
            ax.axvspan(first, last, color="0.9", zorder=0)
            ax.text(0.5 * (first + last), 0.96, str(count), transform=ax.get_xaxis_transform(), fontsize=7,
                    va="top", ha="center", fontweight="bold")  # fmt: skip
    return tuple(steps)


def styleCounts(ax: Axes, most: int, *, log: bool) -> None:
    """Set the axis of numbers for a tallest bin, with whole numbers."""
    if log:
        ax.set_yscale("log")
        ax.set_ylim(0.5, 4 * max(most, 1))
        ax.yaxis.set_major_formatter("{x:.0f}")
        ax.yaxis.set_minor_formatter(NullFormatter())
    else:
        ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        ax.set_ylim(0, 1.25 * max(most, 1))


def chooseTicks(ax: Axes, first: float, last: float, *, integer: bool) -> FloatArray:
    """Choose ticks between two values whose labels have room beside each other."""
    width = ax.get_window_extent().width / ax.figure.dpi
    for number in (5, 3, 2, 1):
        ticks = np.asarray(MaxNLocator(number, integer=integer).tick_values(first, last))
        ticks = ticks[(ticks >= first) & (ticks <= last)]
        longest = max((len(np.format_float_positional(x, 10, trim="-")) for x in ticks), default=0)
        if len(ticks) * (longest + 1) * _TICK_GLYPH < width:
            break
    return ticks
