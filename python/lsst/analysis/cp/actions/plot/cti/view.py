# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What a page of charge transfer inefficiency against signal shows, as plain arrays and text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lsst.analysis.cp.actions.plot.text import formatNumber, listFirst, plural
from lsst.analysis.cp.core import FocalPlaneGeometry
from lsst.analysis.cp.core.calibrations import averageInefficiency
from lsst.analysis.cp.core.typing import BoolArray, FloatArray, NameArray

__all__ = ["CtiPanel", "CtiView", "prepareCti"]


@dataclass(frozen=True, kw_only=True, eq=False)
class CtiPanel:
    """Inefficiencies in one direction.

    Parameters
    ----------
    label
        Which direction it is.
    signals, estimates
        Signals (electron) and inefficiencies of a transfer of each amplifier, each of shape (nFlats,); empty
        if there is none.
    averages
        Medians in the range of signals, shape (nAmps,); NaN where there is none.
    turnoffs
        Signals above which the inefficiencies rise (electron), shape (nAmps,); NaN where there is none.
    limit
        What the averages are to be below.
    """

    label: str
    signals: tuple[FloatArray, ...]
    estimates: tuple[FloatArray, ...]
    averages: FloatArray
    turnoffs: FloatArray
    limit: float

    @property
    def beyond(self) -> BoolArray:
        """Whether an average is not below the limit, shape (nAmps,)."""
        return self.averages >= self.limit


@dataclass(frozen=True, kw_only=True, eq=False)
class CtiView:
    """Everything that a page of inefficiencies shows.

    Parameters
    ----------
    names
        Names of the amplifiers, shape (nAmps,).
    panels
        Serial and parallel inefficiencies.
    signalRange
        Range of signals of the averages (electron).
    detector
        Name of the detector, and its vendor.
    headline
        A summary.
    isBad
        Whether that is bad news.
    lists
        Titles with lines of what to look at first.
    """

    names: NameArray
    panels: tuple[CtiPanel, ...]
    signalRange: tuple[float, float]
    detector: str
    headline: str
    isBad: bool
    lists: tuple[tuple[str, ...], ...]


def prepareCti(
    calib: Any,
    geometry: FocalPlaneGeometry,
    *,
    limits: tuple[float, float],
    signalRange: tuple[float, float],
    nListed: int = 16,
) -> CtiView:
    """Collect the inefficiencies of a detector; no matplotlib is involved.

    Parameters
    ----------
    calib
        A `lsst.ip.isr.DeferredChargeCalib`. Not modified.
    geometry
        The camera.
    limits
        Limits of the serial and the parallel inefficiency.
    signalRange
        Range of signals over which they are averaged (electron).
    nListed
        Lines in each list, at most.

    Returns
    -------
    view
        The view to draw.

    Raises
    ------
    AmpKeyError
        Raised if the camera has no such detector.
    """
    layout = geometry.layout
    (index,) = layout.findDetectors(np.array([calib.getMetadata()["DETECTOR"]], dtype=np.int64))
    names = layout.ampName[layout.ampDetector == index]
    panels = tuple(
        _preparePanel(calib, names, direction, limit, signalRange)
        for direction, limit in zip(("serial", "parallel"), limits, strict=True)
    )
    words, lists, n_bad = [plural(len(names), "amplifier")], [], 0
    for panel in panels:
        bad, lost = names[panel.beyond].tolist(), names[np.isnan(panel.averages)].tolist()
        n_bad += len(bad) + len(lost)
        words += [f"{panel.label} beyond the limit: {', '.join(bad)}"] if bad else []
        words += [f"{panel.label} unknown: {', '.join(lost)}"] if lost else []
        order = np.argsort(-panel.averages, kind="stable")
        lines = [
            f"{names[i]:<6}{formatNumber(panel.averages[i], 3):>10}{formatNumber(panel.turnoffs[i], 3):>10}"
            for i in order.tolist()
            if np.isfinite(panel.averages[i])
        ]
        lists.append(listFirst(f"{panel.label.capitalize()}: median in the range, turnoff", lines, nListed))
    return CtiView(
        names=names,
        panels=panels,
        signalRange=signalRange,
        detector=f"{layout.detectorName[index]}, {layout.physicalType[index]}",
        headline="; ".join(words),
        isBad=n_bad > 0,
        lists=tuple(lists),
    )


def _preparePanel(
    calib: Any, names: NameArray, direction: str, limit: float, signalRange: tuple[float, float]
) -> CtiPanel:
    """Collect the inefficiencies in one direction."""
    estimates = getattr(calib, f"{direction}Eper")
    turnoffs = getattr(calib, f"{direction}CtiTurnoff")
    signals = tuple(np.asarray(calib.signals.get(name, ()), dtype=np.float64) for name in names.tolist())
    curves = tuple(np.asarray(estimates.get(name, ()), dtype=np.float64) for name in names.tolist())
    return CtiPanel(
        label=direction,
        signals=signals,
        estimates=curves,
        averages=np.array(
            [averageInefficiency(*pair, signalRange) for pair in zip(signals, curves, strict=True)]
        ),
        turnoffs=np.array([float(turnoffs.get(name, np.nan)) for name in names.tolist()]),
        limit=limit,
    )
