# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Ranges of colour scales that show the bulk of the values and are never empty."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from scipy.stats import median_abs_deviation

from lsst.analysis.cp.core.masked import fillMasked
from lsst.analysis.cp.core.typing import FloatArray

__all__ = ["ColourLimits", "CountScale", "countScale", "robustLimits"]


_LARGE = 1e307
"""Absolute value from which differences may overflow."""


@dataclass(frozen=True)
class ColourLimits:
    """Range of a colour scale.

    Parameters
    ----------
    low, high
        Ends of the range, in the unit of the values; ``low`` < ``high``.
    nBelow, nAbove
        Number of finite values outside the range.
    rule
        How the range was chosen, in words; ranges that differ in this alone are equal.
    """

    low: float
    high: float
    nBelow: int
    nAbove: int
    rule: str = field(default="", compare=False)

    def counting(self, values: npt.ArrayLike) -> ColourLimits:
        """Return the same range with the number of other values outside; NaN and masked are left out."""
        array = fillMasked(values)
        sides = (array < self.low, array > self.high)
        below, above = (int(np.count_nonzero(np.isfinite(array) & side)) for side in sides)
        return replace(self, nBelow=below, nAbove=above)

    @property
    def extend(self) -> str:
        """Which ends values exceed: ``neither``, ``min``, ``max`` or ``both``, as matplotlib says it."""
        if self.nBelow and self.nAbove:
            return "both"
        return "min" if self.nBelow else "max" if self.nAbove else "neither"


def robustLimits(
    values: npt.ArrayLike,
    low: float | None = None,
    high: float | None = None,
    *,
    centre: float | None = None,
    nSigma: float = 4.0,
) -> ColourLimits:
    """Choose a range that a few outliers cannot stretch and equal values cannot close.

    The first of these that is not empty is taken: median plus or minus ``nSigma`` times the scaled median
    absolute deviation, widened up to twice that to hold the percentiles 2 and 98 (a camera of two vendors has
    two bulks), and cut to the values that occur; the range from percentile 1 to 99; the full range; a range
    padded around the single value. Ends that are given are kept.

    Parameters
    ----------
    values
        Values to show; any shape. NaN, infinite and masked ones are left out.
    low, high
        Ends that the caller wants; zero is an end like any other.
    centre
        Value in the middle of a range that is symmetric about it.
    nSigma
        Half width in standard deviations of the bulk.

    Returns
    -------
    limits
        The range, how many values lie outside, and the rule in words.

    Raises
    ------
    ValueError
        Raised if the ends that are given leave no range.
    """
    if low is not None and high is not None and not low < high:
        raise ValueError(f"The lower limit must be less than the upper; got {low!r} and {high!r}.")
    array = fillMasked(values).astype(np.float64).ravel()
    finite = array[np.isfinite(array)]
    # Of a quarter of very large values no sum or difference overflows.
    unit = 4.0 if np.abs(finite).max(initial=0.0) > _LARGE else 1.0
    largest = float(np.finfo(np.float64).max)
    for *scaled, name in _candidates(finite / unit, nSigma):
        start, stop = (end * unit for end in scaled)
        if centre is not None:
            half = max(abs(start - centre), abs(stop - centre))
            start, stop = centre - half, centre + half
        start, stop = max(start, -largest), min(stop, largest)
        start, stop = start if low is None else low, stop if high is None else high
        if start < stop:
            rule = name
            break
    else:
        # All values lie beyond the end that is given, or too close to it for floating point.
        start, stop = (start, start + _padding(start)) if high is None else (stop - _padding(stop), stop)
        rule = ""
    limits = ColourLimits(start, stop, 0, 0).counting(finite)
    if not (limits.nBelow or limits.nAbove) and len(finite):
        rule = "all values"
    ends = (("lower", low), ("upper", high))
    given = [f"{end} end given" for end, value in ends if value is not None]
    parts = [rule if len(given) < 2 else "", *given, "" if centre is None else f"symmetric about {centre:g}"]
    return replace(limits, rule=", ".join(part for part in parts if part))


def _candidates(finite: FloatArray, nSigma: float) -> Iterator[tuple[float, float, str]]:
    """Yield ranges from the most robust to the one that is never empty, with their names."""
    if len(finite) == 0:
        yield 0.0, 1.0, "no values"
        return
    least, most = float(finite.min()), float(finite.max())
    median = float(np.median(finite))
    reach = nSigma * float(median_abs_deviation(finite, scale="normal"))
    # Percentiles are taken inwards, so that the one outlier of a few values is none of them.
    low = min(median - reach, float(np.percentile(finite, 2.0, method="higher")))
    high = max(median + reach, float(np.percentile(finite, 98.0, method="lower")))
    start, stop = max(low, median - 2 * reach, least), min(high, median + 2 * reach, most)
    yield start, stop, f"median ± {nSigma:g} σ MAD, up to {2 * nSigma:g} to hold 96 %"
    first, last = np.percentile(finite, [1.0, 99.0])
    yield float(first), float(last), "percentiles 1 to 99"
    yield least, most, "all values"
    yield median - _padding(median), median + _padding(median), "all values"


def _padding(value: float) -> float:
    """Return a width that is visible beside a value."""
    return 0.05 * abs(value) or 1.0


@dataclass(frozen=True, eq=False)
class CountScale:
    """Discrete colour scale of whole numbers, in which zero has a colour of its own.

    Parameters
    ----------
    boundaries
        Edges of the classes, halfway between whole numbers; shape (nClasses + 1,).
    ticks
        Middle of each class; shape (nClasses,).
    labels
        What each class holds: ``"3"`` or ``"6-10"``.
    """

    boundaries: FloatArray
    ticks: FloatArray
    labels: tuple[str, ...]


def countScale(most: float, nClasses: int = 8) -> CountScale:
    """Divide the whole numbers from zero to ``most`` into classes.

    Parameters
    ----------
    most
        Largest count to show.
    nClasses
        Number of classes at most; the one of zero is among them.

    Returns
    -------
    scale
        Zero alone, then classes of equal and round width; there is always one above zero.

    Raises
    ------
    ValueError
        Raised if a class above zero is not allowed for, or ``most`` is not a number of things.
    """
    if not (np.isfinite(most) and most >= 0 and nClasses >= 2):
        raise ValueError(f"Expected a count and at least 2 classes; got {most!r} and {nClasses!r}.")
    top = max(int(np.ceil(most)), 1)
    widths = (digit * 10**decade for decade in itertools.count() for digit in (1, 2, 5))
    width = next(width for width in widths if width * (nClasses - 1) >= top)
    upper = np.arange(0, top + width, width)
    boundaries = np.concatenate([[-0.5], upper + 0.5])
    lower = np.concatenate([[0], upper[:-1] + 1])
    labels = tuple(f"{a}" if a == b else f"{a}-{b}" for a, b in zip(lower, upper, strict=True))
    return CountScale(boundaries, 0.5 * (boundaries[:-1] + boundaries[1:]), labels)
