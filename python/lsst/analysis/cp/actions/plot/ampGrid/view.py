# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What a grid of amplifiers shows, as plain arrays and text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lsst.analysis.cp.actions.plot.text import formatNumber, listFirst, plural, pluralOf
from lsst.analysis.cp.core.epochs import EpochStack, binVectors, medianOverEpochs, scatterOverEpochs
from lsst.analysis.cp.core.typing import BoolArray, FloatArray, IdArray, NameArray

from .layout import GridLayout

__all__ = [
    "LEAST_EPOCHS",
    "AmpGridView",
    "CurveSet",
    "chooseAxes",
    "gatherCurves",
    "gridHeadline",
    "gridLists",
]

LEAST_EPOCHS = 3
"""Number of exposures from which they have a scatter."""


_DRAWN = 128
"""Number of points of a curve among others, at most: more of them would hide each other."""

_FEW_SIGMA = 7.0
"""Distance of a point from the median from which it is shown by itself, in units of the scatter."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CurveSet:
    """Curves of all exposures of each amplifier, as they are drawn, and what they have in common.

    Parameters
    ----------
    epochs
        Ids of the exposures, shape (nEpochs,).
    factor
        Number of points that are averaged for the curve of an exposure; 1 where there is no median.
    x, curves
        Places of its points, shape (nBins,), and values, shape (nEpochs, nAmps, nBins).
    centre, scatter
        Median of the curves over exposures, and scaled median absolute deviation, shape (nAmps, nBins); the
        latter is NaN of fewer than `LEAST_EPOCHS`.
    fullX, median
        Places of all points, shape (nPoints,), and their median over exposures, shape (nAmps, nPoints).
    commonSpikes
        Values of those points of the median that are far from its neighbours, NaN for all others,
        shape (nAmps, nPoints).
    spikes
        Values of those points of exposures that are far from the median, NaN for all others, shape (nEpochs,
        nAmps, nPoints).
    level
        Median of the median curve of each amplifier, shape (nAmps,); NaN where there is none.
    hasRows, hasValues
        Whether an amplifier has a row, and a finite value, in any exposure; shape (nAmps,).
    """

    epochs: IdArray
    factor: int
    x: FloatArray
    curves: FloatArray
    centre: FloatArray
    scatter: FloatArray
    fullX: FloatArray
    median: FloatArray
    commonSpikes: FloatArray
    spikes: FloatArray
    level: FloatArray
    hasRows: BoolArray
    hasValues: BoolArray

    @property
    def hasBand(self) -> bool:
        """Whether there are enough exposures for a band."""
        return bool(np.isfinite(self.scatter).any())


@dataclass(frozen=True, kw_only=True, eq=False)
class AmpGridView:
    """Everything that a grid of curves shows.

    Parameters
    ----------
    layout
        Places of the panels.
    names
        Names of the amplifiers, shape (nAmps,).
    curves
        Curves by exposure and amplifier.
    bandWidth
        Half width of the band, in units of the scatter.
    xLimits
        Ends of the axis that all panels share.
    yLimits
        Ends of the other axis of each panel, shape (nAmps, 2). They are of one length.
    shifted
        Whether the axis of a panel is not that of the others, shape (nAmps,).
    axisLabels
        What the axes show, with units.
    noun
        What an epoch is, in the singular.
    title, headline
        What is shown, and a summary.
    isBad
        Whether the headline is bad news.
    provenance
        Lines that say where the data come from.
    lists
        Titles with lines of what to look at first.
    """

    layout: GridLayout
    names: NameArray
    curves: CurveSet
    bandWidth: float
    xLimits: tuple[float, float]
    yLimits: FloatArray
    shifted: BoolArray
    axisLabels: tuple[str, str]
    noun: str
    title: str
    headline: str
    isBad: bool
    provenance: tuple[str, ...]
    lists: tuple[tuple[str, ...], ...]

    @cached_property
    def outside(self) -> FloatArray:
        """Share of what is drawn of each amplifier below and above its axis, shape (nAmps, 2)."""
        low, high = self.yLimits.T[:, np.newaxis, :, np.newaxis]
        values = self.curves.curves
        count = np.maximum(np.isfinite(values).sum(axis=(0, 2)), 1)
        sides = [(values < low).sum(axis=(0, 2)), (values > high).sum(axis=(0, 2))]
        return np.column_stack(sides) / count[:, np.newaxis]


def gatherCurves(stack: EpochStack) -> CurveSet:
    """Reduce curves over exposures, and thin them where there are many."""
    values = stack.values
    many = len(stack.epochs) >= LEAST_EPOCHS
    factor = -(-values.shape[2] // _DRAWN) if many and values.shape[2] else 1
    curves = binVectors(values, factor)
    centre = medianOverEpochs(curves)
    few = np.isfinite(curves).sum(axis=0) < LEAST_EPOCHS
    full_x = np.arange(values.shape[2], dtype=np.float64)
    median = medianOverEpochs(values)
    return CurveSet(
        epochs=stack.epochs,
        factor=factor,
        x=binVectors(full_x, factor),
        curves=curves,
        centre=centre,
        scatter=np.where(few, np.nan, scatterOverEpochs(curves, centre)),
        fullX=full_x,
        median=median,
        commonSpikes=_findSpikes(median[np.newaxis], _medianOfBins(median, factor))[0],
        spikes=_findSpikes(values, median),
        level=medianOverEpochs(median.T),
        hasRows=stack.present.any(axis=0),
        hasValues=np.isfinite(values).any(axis=(0, 2)),
    )


def _medianOfBins(curves: FloatArray, factor: int) -> FloatArray:
    """Give each point of curves, shape (nAmps, nPoints), the median of the points of its bin."""
    n_amps, n_points = curves.shape
    n_bins = -(-n_points // factor)
    padded = np.full((n_amps, n_bins * factor), np.nan)
    padded[:, :n_points] = curves
    median = medianOverEpochs(np.moveaxis(padded.reshape(n_amps, n_bins, factor), 2, 0))
    return np.repeat(median, factor, axis=1)[:, :n_points]


def _findSpikes(values: FloatArray, reference: FloatArray) -> FloatArray:
    """Keep the points of curves that are far from a reference, where all else is NaN.

    The scatter is that of all points of the amplifier. A curve that is shifted as a whole has no spikes.
    """
    deviation = values - reference
    deviation = deviation - medianOverEpochs(np.moveaxis(deviation, 2, 0))[:, :, np.newaxis]
    n_amps = values.shape[1]
    of_amps = np.moveaxis(deviation, 1, 2).reshape(-1, n_amps)
    scatter = scatterOverEpochs(of_amps, np.zeros(n_amps))
    return np.where(np.abs(deviation) > _FEW_SIGMA * scatter[:, np.newaxis], values, np.nan)


def chooseAxes(curves: CurveSet, nSigma: float) -> tuple[FloatArray, BoolArray]:
    """Choose the axes of values: one for all panels, and shifted ones of the same length where it fits not.

    Parameters
    ----------
    curves
        Curves.
    nSigma
        Half length of the axis, in scaled median absolute deviations of what is drawn from the level of its
        amplifier.

    Returns
    -------
    limits
        Ends of the axis of each amplifier, shape (nAmps, 2).
    shifted
        Whether it is not the common one, shape (nAmps,): the level of the amplifier lies outside of that.
    """
    level = curves.level
    known = np.isfinite(level)
    if not known.any():
        return np.tile([0.0, 1.0], (len(level), 1)), np.zeros(len(level), dtype=bool)
    deviations = (curves.curves - level[:, np.newaxis]).reshape(-1, 1)
    half = nSigma * float(scatterOverEpochs(deviations, np.zeros(1))[0])
    if not half > 0:
        half = float(np.nanmax(np.abs(deviations))) or 0.05 * float(np.abs(level[known]).max()) or 1.0
    centre = float(np.median(level[known]))
    shifted = known & (np.abs(level - centre) > half)
    centres = np.where(shifted, level, centre)
    return centres[:, np.newaxis] + [-half, half], shifted


def gridHeadline(curves: CurveSet, names: NameArray, shifted: BoolArray, noun: str) -> tuple[str, bool]:
    """Summarise what is there and what is not; the second tells whether that is bad news."""
    words = [f"{plural(len(names), 'amplifier')}, {plural(len(curves.epochs), noun)}"]
    for chosen, what in (
        (~curves.hasRows, "without data"),
        (curves.hasRows & ~curves.hasValues, "without a value"),
        (shifted, "off the common axis"),
    ):
        if chosen.any():
            words.append(f"{what}: {', '.join(names[chosen].tolist())}")
    return "; ".join(words), len(words) > 1


def gridLists(
    curves: CurveSet, names: NameArray, unit: str, noun: str, nListed: int
) -> tuple[tuple[str, ...], ...]:
    """List the amplifiers whose level is farthest from that of the others, and the most deviant curves."""
    level = curves.level
    known = np.flatnonzero(np.isfinite(level))
    distance = np.abs(level[known] - np.median(level[known])) if len(known) else level[known]
    lines = [
        f"{names[i]:<8}{formatNumber(level[i] + 0.0):>12} {unit}".rstrip()
        for i in known[np.argsort(-distance, kind="stable")]
    ]
    levels = listFirst("Level of amplifiers, farthest first", lines, nListed)
    if not curves.hasBand:
        return (levels,)
    typical = medianOverEpochs(curves.scatter.reshape(-1, 1))[0]
    squares = (curves.curves - curves.centre) ** 2
    finite = np.isfinite(squares)
    number = finite.sum(axis=2)
    rms = np.sqrt(np.where(finite, squares, 0.0).sum(axis=2) / np.maximum(number, 1))
    score = np.where(number > 0, rms, -1.0)
    # Of curves that are equal but for a few, none has a scatter.
    score = score / typical if typical > 0 else score
    deviant = [
        f"{names[amp]:<8}{curves.epochs[layer]} {formatNumber(score[layer, amp], 3):>8}"
        for layer, amp in zip(*np.unravel_index(np.argsort(-score, axis=None), score.shape), strict=True)
        if score[layer, amp] > 0
    ]
    what = "in σ MAD" if typical > 0 else f"in {unit}"
    return levels, listFirst(f"RMS from the median of {pluralOf(noun)}, {what}", deviant, nListed)
