# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What pages of panels show: series of values against a time of the exposures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lsst.analysis.cp.actions.plot.text import chooseTitle
from lsst.analysis.cp.core.limits import robustLimits
from lsst.analysis.cp.core.typing import BoolArray, FloatArray, IndexArray

from .axis import ExposureAxis

__all__ = ["SeriesPanel", "SeriesView", "chooseRange", "pageTitle"]

_MARGIN = 0.06


@dataclass(frozen=True, kw_only=True, eq=False)
class SeriesPanel:
    """One panel of a page.

    Parameters
    ----------
    title
        What its series have in common; empty if the page says it.
    place
        Its row and column on the page.
    axis
        Places of the exposures.
    values
        Value of each series in each exposure, shape (nSeries, nExposures); NaN where there is none.
    looks
        Number of the colour and marker of each series, shape (nSeries,).
    lines
        Value at 0 and slope of a line for each series, shape (nSeries, 2), NaN where it has none; no rows if
        there are no lines.
    absent
        Names of the series that are missed, and have no value.
    """

    title: str
    place: tuple[int, int]
    axis: ExposureAxis
    values: FloatArray
    looks: IndexArray
    lines: FloatArray
    absent: tuple[str, ...] = ()

    @property
    def shown(self) -> BoolArray:
        """Which values have a place on the axis, shape (nSeries, nExposures)."""
        return np.isfinite(self.values) & np.isfinite(self.axis.x)


@dataclass(frozen=True, kw_only=True, eq=False)
class SeriesView:
    """A page of panels that share the axis of values.

    Parameters
    ----------
    panels
        The panels.
    shape
        Number of rows and columns of panels.
    yLimits
        Ends of the axis of values.
    nBelow, nAbove
        Number of values outside.
    yLabel
        What the values are, with unit.
    title, headline, provenance
        Lines at the top.
    keyTitle
        What the labels of the key are.
    key
        Number of each colour and marker that occurs, with a label.
    lists
        Title and lines of each list beside the panels.
    """

    panels: tuple[SeriesPanel, ...]
    shape: tuple[int, int]
    yLimits: tuple[float, float]
    nBelow: int
    nAbove: int
    yLabel: str
    title: str
    headline: str
    provenance: tuple[str, ...]
    keyTitle: str
    key: tuple[tuple[int, str], ...]
    lists: tuple[tuple[str, ...], ...]


def chooseRange(
    panels: Sequence[SeriesPanel], held: Sequence[float] = ()
) -> tuple[tuple[float, float], int, int]:
    """Choose a range that a few values cannot stretch and that holds others, and count values outside it."""
    values = np.concatenate([panel.values[panel.shown] for panel in panels] or [np.empty(0)])
    limits = robustLimits(values)
    margin = _MARGIN * (limits.high - limits.low)
    low, high = min(limits.low - margin, *held, np.inf), max(limits.high + margin, *held, -np.inf)
    return (float(low), float(high)), int(np.sum(values < low)), int(np.sum(values > high))


def pageTitle(title: str, plotInfo: Mapping[str, object], label: str, *parts: str) -> str:
    """Join the title of a page with the part of the camera, if it shows only one, and the filter."""
    band = plotInfo.get("physical_filter")
    return ", ".join([chooseTitle(title, plotInfo, label), *parts, *([f"filter {band}"] if band else [])])
