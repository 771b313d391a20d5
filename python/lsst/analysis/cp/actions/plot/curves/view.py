# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What a page of points and lines shows, as plain arrays and text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lsst.analysis.cp.actions.plot.ampGrid.layout import GridLayout
from lsst.analysis.cp.actions.plot.text import formatNumber
from lsst.analysis.cp.core.limits import robustLimits
from lsst.analysis.cp.core.typing import FloatArray

__all__ = ["CurvePanel", "CurvesView", "Look", "Series", "joinWords", "linearLimits", "logLimits"]


@dataclass(frozen=True, kw_only=True)
class Look:
    """How things of one kind look in all panels.

    Parameters
    ----------
    label
        What they are, for the key.
    style
        Properties of their lines, as matplotlib calls them.
    """

    label: str
    style: Mapping[str, Any] = field(hash=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """Points, or the ends of the pieces of a line, of a panel.

    Parameters
    ----------
    kind
        Key of their look.
    x, y
        Where they are, shape (n,); those that are not finite are left out.
    isBeyond
        Whether points outside of the axis are counted in the panel.
    """

    kind: str
    x: FloatArray
    y: FloatArray
    isBeyond: bool = True


@dataclass(frozen=True, kw_only=True, eq=False)
class CurvePanel:
    """What is shown of an amplifier.

    Parameters
    ----------
    name
        Name of the amplifier.
    series
        Points and lines, in the order in which they are drawn.
    marks
        Places on the horizontal axis by the keys of their looks; NaN for none.
    words
        Lines of text.
    failed
        Names of the tests that it does not pass, short.
    lacks
        What it does not have, in a word or two, for which it is hatched; empty if it has all. Without
        series these are its data.
    """

    name: str
    series: tuple[Series, ...]
    marks: Mapping[str, float] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    lacks: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class CurvesView:
    """Everything that a page of points and lines shows.

    Parameters
    ----------
    layout
        Places of the panels.
    panels
        One an amplifier.
    looks
        Looks by key, in the order of the key beside the grid.
    levels
        Heights that all panels mark, by the keys of their looks.
    scales
        Scales of both axes: ``"linear"`` or ``"log"``.
    xLimits, yLimits
        Ends of the axes that all panels share.
    axisLabels
        What is on the axes, with units.
    notes
        Further lines below the key.
    title, headline
        What is shown, and a summary.
    isBad
        Whether that is bad news.
    provenance
        Where it is from.
    lists
        Titles with lines of what to look at first.
    """

    layout: GridLayout
    panels: tuple[CurvePanel, ...]
    looks: Mapping[str, Look]
    levels: tuple[tuple[str, float], ...] = ()
    scales: tuple[str, str] = ("linear", "linear")
    xLimits: tuple[float, float]
    yLimits: tuple[float, float]
    axisLabels: tuple[str, str]
    notes: tuple[str, ...] = ()
    title: str
    headline: str
    isBad: bool
    provenance: tuple[str, ...] = ()
    lists: tuple[tuple[str, ...], ...] = ()


def logLimits(columns: Iterable[FloatArray]) -> tuple[float, float]:
    """Choose the ends of a logarithmic axis that holds all positive values of arrays of any shape."""
    values = np.concatenate([np.ravel(column) for column in columns] or [np.empty(0)])
    positive = values[np.isfinite(values) & (values > 0)]
    return (0.7 * positive.min(), 1.5 * positive.max()) if len(positive) else (1.0, 10.0)


def linearLimits(values: FloatArray, nSigma: float, *extra: float) -> tuple[float, float]:
    """Choose the ends of an axis that holds the bulk of values of any shape, and the ``extra`` ones."""
    limits = robustLimits(values, nSigma=nSigma)
    known = [limits.low, limits.high, *(value for value in extra if np.isfinite(value))]
    margin = 0.05 * (max(known) - min(known))
    return min(known) - margin, max(known) + margin


def joinWords(values: Mapping[str, float], digits: int = 3) -> tuple[str, ...]:
    """Write numbers with their names, those that are not finite as absent."""
    return tuple(
        f"{name} {formatNumber(value, digits) if np.isfinite(value) else '—'}"
        for name, value in values.items()
    )
