# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What a page of photon transfer curves shows, as plain arrays and text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numexpr
import numpy as np

from lsst.analysis.cp.actions.plot.ampGrid.layout import GridLayout, placePanels
from lsst.analysis.cp.actions.plot.text import describeLimits, formatNumber, listFirst, plural
from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.core import FocalPlaneGeometry
from lsst.analysis.cp.core.amps import FAILED, judge
from lsst.analysis.cp.core.typing import BoolArray, FloatArray

__all__ = ["PtcPanel", "PtcView", "preparePtcs"]

_STEPS = 200
"""Number of points of a fitted curve."""

_A00_FITS = {"EXPAPPROXIMATION": "ptcFitPars", "FULLCOVARIANCE": "aMatrix"}
"""Fits that have a00, and the attribute of which it is the first element."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PtcPanel:
    """The curve of one amplifier.

    Parameters
    ----------
    name
        Name of the amplifier.
    means, variances
        Of all pairs of flats, in adu and adu^2, shape (nPairs,); empty if it has none.
    used
        Whether the fit used the pair, shape (nPairs,).
    fitMeans, fitVariances
        The fitted curve, shape (nSteps,); empty if there is none.
    turnoff
        Mean at which the variance turns off (adu); NaN if there is none.
    lines
        What was fitted, in words.
    failed
        Keys of the tests whose limits the fit does not keep.
    """

    name: str
    means: FloatArray
    variances: FloatArray
    used: BoolArray
    fitMeans: FloatArray
    fitVariances: FloatArray
    turnoff: float
    lines: tuple[str, ...]
    failed: tuple[str, ...]

    @property
    def hasFit(self) -> bool:
        """Whether there is a fitted curve."""
        return bool(np.isfinite(self.fitVariances).any())


@dataclass(frozen=True, kw_only=True, eq=False)
class PtcView:
    """Everything that a page of photon transfer curves shows.

    Parameters
    ----------
    layout
        Places of the panels.
    panels
        Curves, one an amplifier of the detector.
    xLimits, yLimits
        Ends of the logarithmic axes that all panels share.
    detector
        Name of the detector, and its vendor.
    headline
        A summary.
    isBad
        Whether that is bad news.
    lists
        Titles with lines of what to look at first.
    """

    layout: GridLayout
    panels: tuple[PtcPanel, ...]
    xLimits: tuple[float, float]
    yLimits: tuple[float, float]
    detector: str
    headline: str
    isBad: bool
    lists: tuple[tuple[str, ...], ...]


def preparePtcs(calib: Any, geometry: FocalPlaneGeometry, nListed: int = 16) -> PtcView:
    """Lay out the curves of a detector; no matplotlib is involved.

    Parameters
    ----------
    calib
        A `lsst.ip.isr.PhotonTransferCurveDataset`. Not modified.
    geometry
        The camera, with the nominal gains and read noises.
    nListed
        Lines in a list beside the grid, at most.

    Returns
    -------
    view
        The view to draw. Tests are those of the catalogue that have a limit; a fit that is not finite keeps
        none.

    Raises
    ------
    AmpKeyError
        Raised if the camera has no such detector.
    """
    layout = geometry.layout
    (index,) = layout.findDetectors(np.array([calib.getMetadata()["DETECTOR"]], dtype=np.int64))
    own = np.flatnonzero(layout.ampDetector == index)
    models = _evaluate(calib)
    values = _gatherValues(calib, layout.ampName[own].tolist(), layout.ampGain[own], layout.ampReadNoise[own])
    failed = _findFailed(values, np.full(len(own), layout.physicalType[index]))
    panels = tuple(
        _preparePanel(calib, name, models, {key: column[i] for key, column in values.items()}, failed[i])
        for i, name in enumerate(layout.ampName[own].tolist())
    )
    bad, none = (
        [panel for panel in panels if panel.failed],
        [p.name for p in panels if not len(p.means)],
    )
    words = [plural(len(panels), "amplifier"), f"fit {calib.ptcFitType}"]
    words += [f"outside of limits: {', '.join(panel.name for panel in bad)}"] if bad else []
    words += [f"without data: {', '.join(none)}"] if none else []
    lines = [f"{panel.name:<6}{', '.join(panel.failed)}" for panel in bad]
    limits = [
        f"{test.key} {describeLimits(test)} {test.quantityUnit}"
        for test in getProduct("ptc")
        if test.quantity is not None
    ]
    return PtcView(
        layout=placePanels(geometry.ampEdges[own]),
        panels=panels,
        xLimits=_findLimits([panel.means for panel in panels]),
        yLimits=_findLimits([panel.variances for panel in panels]),
        detector=f"{layout.detectorName[index]}, {layout.physicalType[index]}",
        headline="; ".join(words),
        isBad=bool(bad or none),
        lists=(
            listFirst("Outside of limits, by the nominal values of the camera", lines, nListed),
            listFirst("Limits", limits, nListed),
        ),
    )


def _evaluate(calib: Any) -> Mapping[str, tuple[FloatArray, FloatArray]]:
    """Evaluate the fits of all amplifiers, from the least mean to the largest of the detector."""
    everything = np.concatenate([np.ravel(calib.rawMeans[name]) for name in calib.ampNames])
    positive = everything[np.isfinite(everything) & (everything > 0)]
    if not len(positive):
        return {}
    means = np.geomspace(positive.min(), positive.max(), _STEPS)
    models = calib.evalPtcModel(means)
    # Of a fit of covariances, the variance is that without lag.
    return {name: (means, model if np.ndim(model) == 1 else model[:, 0, 0]) for name, model in models.items()}


def _gatherValues(
    calib: Any, names: list[str], gain: FloatArray, readNoise: FloatArray
) -> dict[str, FloatArray]:
    """Get what the tests compare, by the names of the catalogue, each of shape (nAmps,)."""
    has_a00 = _A00_FITS.get(str(calib.ptcFitType))

    def collect(attribute: str) -> FloatArray:
        known = getattr(calib, attribute)
        firsts = [np.ravel(known[name]) if name in known else np.empty(0) for name in names]
        return np.array([first[0] if len(first) else np.nan for first in firsts], dtype=np.float64)

    return {
        "PTC_GAIN": collect("gain"),
        "PTC_NOISE": collect("noise"),
        "PTC_TURNOFF": collect("ptcTurnoff"),
        "PTC_BFE_A00": np.full(len(names), np.nan) if has_a00 is None else collect(has_a00),
        "AMP_GAIN": gain,
        "AMP_NOISE": readNoise,
    }


def _findFailed(values: Mapping[str, FloatArray], physicalType: Any) -> list[tuple[str, ...]]:
    """Name the tests whose limit each amplifier does not keep."""
    found: list[list[str]] = [[] for _ in physicalType]
    for test in getProduct("ptc"):
        if test.quantity is not None and np.isfinite(values[str(test.statistic)]).any():
            quantity = numexpr.evaluate(test.quantity, local_dict=dict(values), global_dict={})
            verdicts = judge(test, quantity, physicalType)
            for i in np.flatnonzero((verdicts == FAILED) | ~np.isfinite(quantity)):
                found[i].append(test.key)
    return [tuple(keys) for keys in found]


def _preparePanel(
    calib: Any,
    name: str,
    models: Mapping[str, tuple[FloatArray, FloatArray]],
    values: Mapping[str, float],
    failed: tuple[str, ...],
) -> PtcPanel:
    """Take the curve of an amplifier out of the calibration."""
    nothing = np.empty(0)
    means = np.asarray(calib.rawMeans.get(name, nothing), dtype=np.float64)
    fit = models.get(name, (nothing, nothing))
    lines = (
        f"gain {formatNumber(values['PTC_GAIN'], 4)}",
        f"noise {formatNumber(values['PTC_NOISE'], 3)}",
        f"a00 {formatNumber(values['PTC_BFE_A00'], 3)}",
        f"turnoff {formatNumber(values['PTC_TURNOFF'], 3)}",
    )
    return PtcPanel(
        name=name,
        means=means,
        variances=np.asarray(calib.rawVars.get(name, nothing), dtype=np.float64),
        used=np.asarray(calib.expIdMask.get(name, nothing), dtype=bool),
        fitMeans=fit[0],
        fitVariances=fit[1],
        turnoff=float(values["PTC_TURNOFF"]),
        lines=lines,
        failed=failed,
    )


def _findLimits(columns: list[FloatArray]) -> tuple[float, float]:
    """Choose the ends of a logarithmic axis that holds all positive values."""
    values = np.concatenate([*columns, np.empty(0)])
    positive = values[np.isfinite(values) & (values > 0)]
    return (0.7 * positive.min(), 1.5 * positive.max()) if len(positive) else (1.0, 10.0)
