# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What a page of charge transfer inefficiency against signal shows, as plain arrays and text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lsst.analysis.cp.actions.plot.text import formatNumber, listFirst, plural
from lsst.analysis.cp.core import ColumnError, FocalPlaneGeometry, idColumn, nameColumn
from lsst.analysis.cp.core.calibrations import averageInefficiency
from lsst.analysis.cp.core.epochs import vectorColumn
from lsst.analysis.cp.core.typing import BoolArray, FloatArray, NameArray

__all__ = ["COLUMNS", "CtiPanel", "CtiView", "TransferCurves", "prepareCti"]

COLUMNS = ("detector", "amplifier", "EPER_SIGNALS", "EPER_SERIAL_CURVE", "EPER_PARALLEL_CURVE")
"""Columns of a table of a detector; the last three are signals, serial and parallel inefficiencies."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TransferCurves:
    """Inefficiencies of the amplifiers of a detector, wherever they are from.

    Parameters
    ----------
    detector
        Id of the detector.
    signals, serial, parallel
        Signals (electron) and inefficiencies of a transfer by the name of the amplifier, each of shape
        (nFlats,).
    turnoffs
        Signals above which the serial and the parallel inefficiencies rise (electron), by the name of the
        amplifier.
    """

    detector: int
    signals: Mapping[str, FloatArray]
    serial: Mapping[str, FloatArray]
    parallel: Mapping[str, FloatArray]
    turnoffs: tuple[Mapping[str, float], Mapping[str, float]] = ({}, {})

    @classmethod
    def fromCalib(cls, calib: Any) -> TransferCurves:
        """Take those of a `lsst.ip.isr.DeferredChargeCalib`."""
        return cls(
            detector=int(calib.getMetadata()["DETECTOR"]),
            signals=calib.signals,
            serial=calib.serialEper,
            parallel=calib.parallelEper,
            turnoffs=(calib.serialCtiTurnoff, calib.parallelCtiTurnoff),
        )

    @classmethod
    def fromColumns(cls, data: Mapping[str, Any]) -> TransferCurves:
        """Take those of `COLUMNS`.

        Raises
        ------
        ColumnError
            Raised if the rows are not of one detector, or a column cannot be read.
        """
        ids, present = idColumn(data["detector"], "detector")
        if len(detectors := np.unique(ids[present])) != 1:
            raise ColumnError(f"expected rows of one detector, got {detectors[:5].tolist()}")
        names, _ = nameColumn(data["amplifier"], "amplifier")
        signals, serial, parallel = (
            dict(zip(names.tolist(), vectorColumn(data[column], column), strict=True))
            for column in COLUMNS[2:]
        )
        return cls(detector=int(detectors[0]), signals=signals, serial=serial, parallel=parallel)


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

    @property
    def hasTurnoffs(self) -> bool:
        """Whether any turnoff is known."""
        return bool(np.isfinite(self.turnoffs).any())


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
    curves: TransferCurves,
    geometry: FocalPlaneGeometry,
    *,
    limits: tuple[float, float],
    signalRange: tuple[float, float],
    nListed: int = 16,
) -> CtiView:
    """Collect the inefficiencies of a detector; no matplotlib is involved.

    Parameters
    ----------
    curves
        Inefficiencies of a detector. Not modified.
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
    (index,) = layout.findDetectors(np.array([curves.detector], dtype=np.int64))
    names = layout.ampName[layout.ampDetector == index]
    directions = (("serial", curves.serial), ("parallel", curves.parallel))
    panels = tuple(
        _preparePanel(label, curves.signals, estimates, turnoffs, names, limit, signalRange)
        for (label, estimates), turnoffs, limit in zip(directions, curves.turnoffs, limits, strict=True)
    )
    words, lists, n_bad = [plural(len(names), "amplifier")], [], 0
    for panel in panels:
        bad, lost = names[panel.beyond].tolist(), names[np.isnan(panel.averages)].tolist()
        words += [f"{panel.label} beyond the limit: {', '.join(bad)}"] if bad else []
        if len(lost) == len(names):
            words.append(f"no {panel.label} values")
            # Parallel values are left out on purpose.
            lost *= panel.label == "serial"
        elif lost:
            words.append(f"{panel.label} unknown: {', '.join(lost)}")
        n_bad += len(bad) + len(lost)
        order = np.argsort(-panel.averages, kind="stable")
        lines = [
            f"{names[i]:<6}{formatNumber(panel.averages[i], 3):>10}"
            + (f"{formatNumber(panel.turnoffs[i], 3):>10}" if panel.hasTurnoffs else "")
            for i in order.tolist()
            if np.isfinite(panel.averages[i])
        ]
        heads = "median in the range" + ", turnoff" * panel.hasTurnoffs
        lists.append(listFirst(f"{panel.label.capitalize()}: {heads}", lines, nListed))
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
    label: str,
    signals: Mapping[str, FloatArray],
    estimates: Mapping[str, FloatArray],
    turnoffs: Mapping[str, float],
    names: NameArray,
    limit: float,
    signalRange: tuple[float, float],
) -> CtiPanel:
    """Collect the inefficiencies in one direction."""
    lines, curves = (
        tuple(np.asarray(vectors.get(name, ()), dtype=np.float64) for name in names.tolist())
        for vectors in (signals, estimates)
    )
    return CtiPanel(
        label=label,
        signals=lines,
        estimates=curves,
        averages=np.array(
            [averageInefficiency(*pair, signalRange) for pair in zip(lines, curves, strict=True)]
        ),
        turnoffs=np.array([float(turnoffs.get(name, np.nan)) for name in names.tolist()]),
        limit=limit,
    )
