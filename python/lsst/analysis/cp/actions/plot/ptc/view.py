# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Photon transfer curves of the amplifiers of a detector, read from a calibration or a table."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numexpr
import numpy as np

from lsst.analysis.cp.actions.plot.ampGrid.layout import GridLayout, placePanels
from lsst.analysis.cp.actions.plot.curves import CurvePanel
from lsst.analysis.cp.actions.plot.text import describeLimits, formatNumber, listFirst, plural
from lsst.analysis.cp.catalogue import Product, StoredLimits, getProduct
from lsst.analysis.cp.core import ColumnError, FocalPlaneGeometry, idColumn
from lsst.analysis.cp.core.amps import FAILED, judge, thresholdsOf
from lsst.analysis.cp.core.columns import floatColumn
from lsst.analysis.cp.core.epochs import vectorColumn
from lsst.analysis.cp.core.typing import BoolArray, FloatArray, NameArray
from lsst.analysis.tools.interfaces import KeyedData

__all__ = ["PtcCurves", "headline", "limitLists", "shortNames"]

_A00_FITS = {"EXPAPPROXIMATION": "ptcFitPars", "FULLCOVARIANCE": "aMatrix"}
"""Fits that have a00, and the attribute of which it is the first element."""

_SCALARS = {"PTC_GAIN": "gain", "PTC_NOISE": "noise", "PTC_TURNOFF": "ptcTurnoff"}
"""What the tests compare, by the names of the catalogue, and the attributes that have it."""

_VECTORS = {"rowMeanVariance": "rowMeanVariance", "noise": "noiseList"}
"""What is measured of each pair besides mean and variance, and the attributes that have it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PtcCurves:
    """Pairs of flats of the amplifiers of a detector, in the order of the camera, and what was fitted.

    Pairs are padded to the largest number of an amplifier: there is nothing, and none is used.

    Parameters
    ----------
    layout
        Places of panels, one an amplifier.
    names
        Names of the amplifiers, shape (nAmps,).
    detector, sensor
        Name of the detector, and the physical type of its sensor.
    fitType
        Kind of the fit, as ip_isr calls it; empty if the source does not tell.
    means
        Means of the pairs, adu, shape (nAmps, nPairs); NaN where there is none.
    used
        Whether the fit used the pair, shape (nAmps, nPairs).
    vectors
        What else is measured of the pairs, by name, each of shape (nAmps, nPairs).
    values
        Numbers of the amplifiers by the names of the catalogue, each of shape (nAmps,); NaN where there is
        none.
    nColumns
        Columns of pixels of each amplifier, shape (nAmps,).
    failed
        Keys of the tests that each amplifier does not pass.
    product
        The tests, with the limits of the run.
    model
        What evaluates the fitted variances at means, shape (n,), as (nAmps, n); None if nothing can.
    """

    layout: GridLayout
    names: NameArray
    detector: str
    sensor: str
    fitType: str
    means: FloatArray
    used: BoolArray
    vectors: Mapping[str, FloatArray]
    values: Mapping[str, FloatArray]
    nColumns: FloatArray
    failed: tuple[tuple[str, ...], ...]
    product: Product
    model: Callable[[FloatArray], FloatArray] | None = None

    @property
    def hasData(self) -> BoolArray:
        """Whether an amplifier has any pair, shape (nAmps,)."""
        return np.asarray(np.isfinite(self.means).any(axis=1))

    @classmethod
    def fromCalibration(
        cls, calib: Any, geometry: FocalPlaneGeometry, limits: StoredLimits | None = None
    ) -> PtcCurves:
        """Read a calibration.

        Parameters
        ----------
        calib
            A `lsst.ip.isr.PhotonTransferCurveDataset`. Not modified.
        geometry
            The camera, with the nominal gains and read noises.
        limits
            Limits with which the run was verified; those of the catalogue if None.

        Returns
        -------
        curves
            The curves, with ``variance``, ``weight`` (the inverse of its standard deviation),
            ``rowMeanVariance`` (all in adu^2 or its inverse) and ``noise`` (adu) of the overscan. Tests are
            those of the catalogue that have a limit; a fit that is not finite keeps none.

        Raises
        ------
        AmpKeyError
            Raised if the camera has no such detector.
        """
        layout = geometry.layout
        own = _findAmps(geometry, calib.getMetadata()["DETECTOR"])
        names = layout.ampName[own].tolist()

        def collect(attribute: str, fill: float = np.nan) -> FloatArray:
            return _stack(getattr(calib, attribute), names, fill)

        means = collect("rawMeans")
        vectors = {key: _fit(collect(attribute), means.shape[1]) for key, attribute in _VECTORS.items()}
        vectors["variance"] = _fit(collect("rawVars"), means.shape[1])
        weights = {
            name: weight[:, 0, 0]
            for name, weight in calib.covariancesSqrtWeights.items()
            if np.ndim(weight) == 3 and weight.shape[1]
        }
        vectors["weight"] = _fit(_stack(weights, names, np.nan), means.shape[1])
        values = {key: collect(attribute)[:, 0] for key, attribute in _SCALARS.items()}
        has_a00 = _A00_FITS.get(str(calib.ptcFitType))
        values["PTC_BFE_A00"] = collect(has_a00)[:, 0] if has_a00 else np.full(len(own), np.nan)
        values |= {"AMP_GAIN": layout.ampGain[own], "AMP_NOISE": layout.ampReadNoise[own]}
        product = getProduct("ptc").withLimits(limits)
        return cls(
            **_describe(geometry, own),
            fitType=str(calib.ptcFitType),
            means=means,
            used=(_fit(collect("expIdMask", 0.0), means.shape[1]) == 1) & np.isfinite(means),
            vectors=vectors,
            values=values,
            failed=_findFailed(product, values, layout.physicalType[layout.ampDetector[own]]),
            product=product,
            model=lambda means: _evaluate(calib, names, means),
        )

    @classmethod
    def fromTable(
        cls,
        data: KeyedData,
        geometry: FocalPlaneGeometry,
        *,
        vectors: Iterable[str],
        values: Iterable[str],
    ) -> PtcCurves:
        """Read the rows of one detector of a table of results.

        Parameters
        ----------
        data
            Columns ``detector``, ``amplifier``, those of means and masks of the pairs, and those that are
            named. Masks that are padded with True, and vectors that are padded with NaN, are understood.
        geometry
            The camera.
        vectors, values
            Names of columns of vectors and of numbers, as the catalogue calls these.

        Returns
        -------
        curves
            The curves, without tests. A number is NaN where the catalogue says that it is no measurement.

        Raises
        ------
        ColumnError
            Raised if a column cannot be read, or the rows are not of one detector.
        AmpKeyError
            Raised if the camera has no such detector or amplifier.
        """
        product = getProduct("ptc")
        known: Mapping[str, Any] = data
        ids = np.unique(idColumn(known["detector"], "detector")[0])
        if len(ids) != 1:
            raise ColumnError(f"expected rows of one detector, got {len(ids)}: {ids[:5].tolist()}")
        own = _findAmps(geometry, int(ids[0]))
        rows = geometry.layout.memberOfAmp[geometry.layout.ampIndex(known["detector"], known["amplifier"])]

        def place(column: FloatArray) -> FloatArray:
            placed = np.full((len(own), *column.shape[1:]), np.nan)
            placed[rows] = column
            return placed

        def vector(name: str) -> FloatArray:
            column = f"{product.prefix}_{name}"
            return place(vectorColumn(known[column], column))

        means = vector("PTC_RAW_MEANS")
        raw = {name: floatColumn(known[f"{product.prefix}_{name}"], name) for name in values}
        numbers = {}
        for name, column in raw.items():
            absent = product[name].absentWhere
            wrong = numexpr.evaluate(absent, local_dict=raw, global_dict={}) if absent else False
            numbers[name] = place(np.where(wrong, np.nan, column))
        return cls(
            **_describe(geometry, own),
            fitType="",
            means=means,
            used=(vector("PTC_EXP_ID_MASK") == 1) & np.isfinite(means),
            vectors={name: vector(name) for name in vectors},
            values=numbers,
            failed=((),) * len(own),
            product=product,
        )

    def makePanels(self, make: Callable[[int], CurvePanel]) -> tuple[CurvePanel, ...]:
        """Make a panel of each amplifier with data by its number, and one that says so of each without."""
        return tuple(
            make(i) if has_data else CurvePanel(name=str(self.names[i]), series=(), lacks="no data")
            for i, has_data in enumerate(self.hasData.tolist())
        )


def headline(curves: PtcCurves, panels: Iterable[CurvePanel], failing: str) -> tuple[str, bool]:
    """Sum up which amplifiers fail, as ``failing`` words it, and which lack something; and if any does."""
    shown = list(panels)
    words = [plural(len(shown), "amplifier")]
    words += [f"fit {curves.fitType}"] if curves.fitType else []
    bad = [panel.name for panel in shown if panel.failed]
    lacking: dict[str, list[str]] = {}
    for panel in shown:
        if panel.lacks:
            lacking.setdefault(panel.lacks, []).append(panel.name)
    words += [f"{failing}: {', '.join(bad)}"] if bad else []
    words += [f"{lacks}: {', '.join(names)}" for lacks, names in lacking.items()]
    return "; ".join(words), bool(bad or lacking)


def limitLists(curves: PtcCurves, nListed: int) -> tuple[tuple[str, ...], ...]:
    """List the amplifiers outside of limits, and the limits of their sensor with their sources."""
    lines = [
        f"{name:<6}{', '.join(failed)}"
        for name, failed in zip(curves.names.tolist(), curves.failed, strict=True)
        if failed
    ]
    tests = [test for test in curves.product if test.quantity is not None]
    limits = []
    for test in tests:
        low, high = (ends[0] for ends in thresholdsOf(test, np.array([curves.sensor])))
        words = f"{formatNumber(low)} to {formatNumber(high)}"
        if test.limit is not None:
            words = describeLimits(test)
        limits.append(f"{test.key} {words if low == low else 'none'} {test.quantityUnit}")
    defaults = {test.thresholdSource for test in getProduct("ptc")}
    sources = (
        "defaults of cp_verify" if test.thresholdSource in defaults else test.thresholdSource
        for test in tests
    )
    limits += [f"from: {source}" for source in dict.fromkeys(sources)]
    limits.append("nominal values: those of the camera")
    return listFirst("Outside of limits", lines, nListed), listFirst("Limits", limits, nListed)


def shortNames(keys: Iterable[str]) -> tuple[str, ...]:
    """Name tests within the width of a panel."""
    return tuple(key.removeprefix("PTC_").removeprefix("BFE_").lower() for key in keys)


def _findAmps(geometry: FocalPlaneGeometry, detector: int) -> Any:
    """Find the amplifiers of a detector in the camera."""
    (index,) = geometry.layout.findDetectors(np.array([detector], dtype=np.int64))
    return np.flatnonzero(geometry.layout.ampDetector == index)


def _describe(geometry: FocalPlaneGeometry, own: Any) -> dict[str, Any]:
    """Describe the amplifiers of a detector as the camera has them."""
    layout = geometry.layout
    index = layout.ampDetector[own[0]]
    edges = geometry.ampEdges[own]
    return {
        "layout": placePanels(edges),
        "names": layout.ampName[own],
        "detector": str(layout.detectorName[index]),
        "sensor": str(layout.physicalType[index]),
        "nColumns": edges[:, 2] - edges[:, 0],
    }


def _stack(known: Mapping[str, Any], names: Iterable[str], fill: float) -> FloatArray:
    """Stack values of amplifiers, flattened, as (nAmps, n); those that are shorter, or none, are filled."""
    rows = [np.ravel(np.asarray(known.get(name, ()), dtype=np.float64)) for name in names]
    stacked = np.full((len(rows), max(1, *map(len, rows))), fill)
    for row, values in zip(stacked, rows, strict=True):
        row[: len(values)] = values
    return stacked


def _fit(values: FloatArray, length: int) -> FloatArray:
    """Cut rows to a length, or fill them up to it with NaN."""
    fitted = np.full((len(values), length), np.nan)
    n = min(length, values.shape[1])
    fitted[:, :n] = values[:, :n]
    return fitted


def _evaluate(calib: Any, names: list[str], means: FloatArray) -> FloatArray:
    """Evaluate the fitted variances of amplifiers, (nAmps, n); NaN for what is no fit that can be."""
    variances = np.full((len(names), len(means)), np.nan)
    alone = copy.copy(calib)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # That a kind of fit is deprecated does not matter to its picture.
        warnings.simplefilter("ignore", FutureWarning)
        for row, name in zip(variances, names, strict=True):
            # One by one, as an amplifier without parameters makes the whole fail.
            alone.ampNames = [name]
            with suppress(RuntimeError, ValueError, TypeError, IndexError, KeyError):
                model = alone.evalPtcModel(means)[name]
                # Of a fit of covariances, the variance is that without lag.
                row[:] = model if np.ndim(model) == 1 else model[:, 0, 0]
    return variances


def _findFailed(
    product: Product, values: Mapping[str, FloatArray], physicalType: NameArray
) -> tuple[tuple[str, ...], ...]:
    """Name the tests whose limit each amplifier does not keep."""
    found: list[list[str]] = [[] for _ in physicalType]
    for test in product:
        is_made = test.presence == "always" or np.isfinite(values[str(test.statistic)]).any()
        if test.quantity is not None and is_made:
            quantity = numexpr.evaluate(test.quantity, local_dict=dict(values), global_dict={})
            verdicts = judge(test, quantity, physicalType)
            for i in np.flatnonzero((verdicts == FAILED) | ~np.isfinite(quantity)):
                found[i].append(test.key)
    return tuple(tuple(keys) for keys in found)
