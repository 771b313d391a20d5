# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What pages of linearizers show, as plain arrays; no matplotlib is involved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lsst.analysis.cp.actions.linearity import linearizerType
from lsst.analysis.cp.actions.plot.ampGrid.layout import GridLayout, placePanels
from lsst.analysis.cp.catalogue import Product, StoredLimits, getProduct
from lsst.analysis.cp.core import FocalPlaneGeometry
from lsst.analysis.cp.core.amps import FAILED, judge, reduceVectors
from lsst.analysis.cp.core.typing import BoolArray, FloatArray

__all__ = ["LinearityCurve", "LinearityCurves", "readLinearity"]

_FITTED = ("Spline", "DoubleSpline")
"""Types whose coefficients have knots."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LinearityCurve:
    """What a linearizer has of an amplifier.

    Parameters
    ----------
    name
        Name of the amplifier.
    exposures
        Exposure time, or charge of the photodiode, of each pair of flats, shape (nPairs,).
    signals
        Their mean signals before the correction (adu), shape (nPairs,).
    corrected
        The same after it, shape (nPairs,).
    residuals
        What is then left from a straight line through the origin (adu), shape (nPairs,).
    used
        Whether the fit used the pair, shape (nPairs,).
    slope
        Slope of that line (adu by the unit of the exposures).
    turnoff, largest
        Signal at which the response turns off, and the largest that was observed (adu); NaN if not known.
    kind
        Type of the linearizer; ``"None"`` if there is none.
    knots, values
        Knots of a spline, and what it subtracts at them (adu), shape (nKnots,); empty for other types.
    residual
        The tested quantity of its type; NaN if there is none.
    failed
        Keys of the tests that it does not pass.
    """

    name: str
    exposures: FloatArray
    signals: FloatArray
    corrected: FloatArray
    residuals: FloatArray
    used: BoolArray
    slope: float
    turnoff: float
    largest: float
    kind: str
    knots: FloatArray
    values: FloatArray
    residual: float
    failed: tuple[str, ...]

    @property
    def hasFit(self) -> bool:
        """Whether the amplifier has a linearizer."""
        return self.kind != "None"


@dataclass(frozen=True, kw_only=True, eq=False)
class LinearityCurves:
    """What a linearizer has of a detector.

    Parameters
    ----------
    layout
        Places of the amplifiers.
    detector, sensor
        Name of the detector, and the physical type of its sensor.
    product
        The product of the catalogue, with the limits of the run.
    amps
        The amplifiers, in the order of the camera.
    calibration
        The linearizer itself, for its corrections.
    """

    layout: GridLayout
    detector: str
    sensor: str
    product: Product
    amps: tuple[LinearityCurve, ...]
    calibration: Any


def readLinearity(
    calib: Any, geometry: FocalPlaneGeometry, limits: StoredLimits | None = None
) -> LinearityCurves:
    """Read a linearizer.

    Parameters
    ----------
    calib
        A `lsst.ip.isr.Linearizer`. Not modified.
    geometry
        The camera.
    limits
        Limits of the run; the defaults of cp_verify if None.

    Returns
    -------
    curves
        What it has.

    Raises
    ------
    AmpKeyError
        Raised if the camera has no such detector.
    """
    layout = geometry.layout
    (index,) = layout.findDetectors(np.array([calib.getMetadata()["DETECTOR"]], dtype=np.int64))
    own = np.flatnonzero(layout.ampDetector == index)
    names = layout.ampName[own].tolist()
    sensor = str(layout.physicalType[index])
    product = getProduct("linearizer").withLimits(limits)
    quantities = _measure(calib, names, product)
    failed = {
        key: judge(product[key], values, np.full(len(own), sensor)) == FAILED
        for key, values in quantities.items()
    }
    known = np.array(list(quantities.values()))
    return LinearityCurves(
        layout=placePanels(geometry.ampEdges[own]),
        detector=str(layout.detectorName[index]),
        sensor=sensor,
        product=product,
        amps=tuple(
            _readAmplifier(
                calib,
                name,
                next((float(value) for value in known[:, i] if np.isfinite(value)), np.nan),
                tuple(key for key, verdicts in failed.items() if verdicts[i]),
            )
            for i, name in enumerate(names)
        ),
        calibration=calib,
    )


def _measure(calib: Any, names: list[str], product: Product) -> dict[str, FloatArray]:
    """Make the tested quantities of all amplifiers as of a table of cp_verify, by the keys of their tests."""
    coefficients = np.empty(len(names), dtype=object)
    coefficients[:] = [np.ravel(calib.linearityCoeffs.get(name, ())) for name in names]
    columns = {
        f"{product.prefix}_COEFFS": coefficients,
        f"{product.prefix}_LINEARITY_TYPE": [linearizerType(calib, name) for name in names],
    }
    everything = np.ones(len(names), dtype=bool)
    return {
        test.key: reduceVectors(columns, test, np.zeros(len(names), dtype=np.int64), everything).values
        for test in product.ownVerdicts()
        if test.vectors is not None
    }


def _readAmplifier(calib: Any, name: str, residual: float, failed: tuple[str, ...]) -> LinearityCurve:
    """Take an amplifier out of a linearizer; what could not be fitted has zeros in it, which are no flats."""
    kind = linearizerType(calib, name)

    def take(values: Mapping[str, Any]) -> FloatArray:
        return np.ravel(np.asarray(values.get(name, ()) if kind != "None" else (), dtype=np.float64))

    signals = take(calib.inputOrdinate)
    vectors = {
        "exposures": take(calib.inputAbscissa),
        "corrected": take(calib.fitResidualsModel),
        "residuals": take(calib.fitResidualsUnmasked),
        "used": take(calib.inputMask).astype(bool),
    }
    line = take(calib.linearFit)
    knots, values = _splitKnots(kind, take(calib.linearityCoeffs))
    return LinearityCurve(
        name=name,
        signals=signals,
        # A file of an older version lacks what was fitted to, or has it of one pair.
        **{key: _fitLength(vector, len(signals)) for key, vector in vectors.items()},
        slope=float(line[1]) if len(line) > 1 else np.nan,
        turnoff=float(calib.linearityTurnoff.get(name, np.nan)),
        largest=float(calib.linearityMaxSignal.get(name, np.nan)),
        kind=kind,
        knots=knots,
        values=values,
        residual=residual,
        failed=failed,
    )


def _fitLength(vector: Any, n: int) -> Any:
    """Keep a vector of the right length; another one holds nothing."""
    if len(vector) == n:
        return vector
    return np.zeros(n, dtype=bool) if vector.dtype == bool else np.full(n, np.nan)


def _splitKnots(kind: str, coefficients: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Find the knots of a spline, and its values; of a double one, those of the first that has any."""
    if kind == "DoubleSpline":
        counts = coefficients[:2].astype(int)
        start = 2 if counts[0] else 2 + 2 * counts[0]
        coefficients = coefficients[start : start + 2 * (counts[0] or counts[1])]
    if kind not in _FITTED or len(coefficients) % 2:
        return np.empty(0), np.empty(0)
    knots, values = np.split(coefficients, 2)
    return knots, values
