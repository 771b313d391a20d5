# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Made-up results of verification of any product, in which all tests are passed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from lsst.analysis.cp.catalogue import Product, StoredLimits, getProduct
from lsst.analysis.cp.core import CameraLayout
from lsst.analysis.cp.core.amps import FAILED, AmpTable, judge

__all__ = ["Columns", "makeAmpTable", "makeColumns"]

type Columns = dict[str, npt.NDArray[Any]]

type Recipe = Callable[[CameraLayout], Any]

SCATTER = 0.002
"""Relative scatter of all statistics."""

# What statistics are that must not be about 1: numbers, or what follows from the camera.
CENTRES: Mapping[str, Mapping[str, float | Recipe]] = {
    "bias": {
        "MEAN": 0.01,
        "NOISE": lambda layout: 0.97 * layout.ampReadNoise,
        "CR_NOISE": lambda layout: 0.97 * layout.ampReadNoise,
        "READ_NOISE_ADU": lambda layout: 0.97 * layout.ampReadNoise / layout.ampGain,
    },
    "defects": {"OUTLIERS": 10.0, "UNMASKED_OUTLIERS": 100.0, "STDEV": 5.0, "UNMASKED_STDEV": 6.0}
    | {"MIN": -10.0, "UNMASKED_MIN": -100.0, "MAX": 10.0, "UNMASKED_MAX": 100.0, "FRAC": 0.001},
    "flat": {"MEAN": 2.0e4, "NOISE": 130.0, "DET_SCATTER": 100.0, "DET_MEAN": 2.0e4} | {"SCATTER": 500.0},
    "ptc": {
        "PTC_GAIN": lambda layout: layout.ampGain,
        "AMP_GAIN": lambda layout: layout.ampGain,
        "PTC_NOISE": lambda layout: layout.ampReadNoise,
        "AMP_NOISE": lambda layout: layout.ampReadNoise,
        "PTC_TURNOFF": 1.0e5,
        "PTC_BFE_A00": -3.0e-6,
    },
    "linearizer": {"SPLINE_RESIDUAL": 0.1, "QUADRATIC_TERM": 1e-8, "HIGHER_TERMS": 1e-8},
    "crosstalk": {"N_VALID": 0.0},
    "gain": {
        "CORRECTED": lambda layout: layout.ampGain,
        "AMP_GAIN": lambda layout: layout.ampGain,
        "AMP_NOISE": lambda layout: layout.ampReadNoise,
        "ISR_NOISE": lambda layout: layout.ampReadNoise / layout.ampGain,
    },
}


def makeColumns(
    product: Product, layout: CameraLayout, exposure: int | None, rng: np.random.Generator
) -> Columns:
    """Make columns with one row for each amplifier, then for each detector, then for the exposure.

    Parameters
    ----------
    product
        The product.
    layout
        The camera.
    exposure
        Id of the exposure; None if there is none.
    rng
        Gives the scatter.

    Returns
    -------
    columns
        All that tests read; verdicts are True in the rows that tests are of.
    """
    kinds = {test.row for test in product}
    n_amps = layout.nAmps if "amplifier" in kinds else 0
    n_detectors = layout.nDetectors if "detector" in kinds else 0
    n = n_amps + n_detectors + ("exposure" in kinds)
    rows = {
        "amplifier": slice(0, n_amps),
        "detector": slice(n_amps, n_amps + n_detectors),
        "exposure": slice(n_amps + n_detectors, n),
    }
    detector = np.ma.masked_all(n, dtype=np.int64)
    detector[rows["amplifier"]] = layout.detectorId[layout.ampDetector[:n_amps]]
    detector[rows["detector"]] = layout.detectorId[:n_detectors]
    amplifier = np.full(n, "", dtype=object)
    amplifier[rows["amplifier"]] = layout.ampName[:n_amps]
    columns: Columns = {"detector": detector, "amplifier": amplifier.astype(np.str_)}
    if exposure is not None:
        columns["exposure"] = np.full(n, exposure)
    centres = CENTRES.get("bias" if product.name == "dark" else product.name, {})
    for test in product:
        for name in test.inputColumns:
            if name in columns:
                continue
            if test.vectors is not None and name != test.verifyColumn:
                columns[name] = _makeSpline(name, n, rng)
                continue
            is_verdict = name == test.verifyColumn
            centre = centres.get(name.removeprefix(f"{test.prefix}_"), 1.0)
            values = np.ma.masked_all(n, dtype=bool if is_verdict else np.float64)
            place = rows[test.row]
            size = place.stop - place.start
            made = centre(layout) if callable(centre) else np.full(size, centre)
            values[place] = True if is_verdict else made * rng.normal(1.0, SCATTER, size)
            columns[name] = values
    return columns


def _makeSpline(name: str, n: int, rng: np.random.Generator) -> npt.NDArray[Any]:
    """Make what describes a spline that corrects the signal by a thousandth, of all other vectors ones."""
    if name.endswith("_TYPE"):
        return np.full(n, "Spline")
    if name.endswith("COEFFS"):
        knots = np.array([0.0, 2.0e4, 4.0e4, 6.0e4])
        return np.hstack([np.tile(knots, (n, 1)), knots * 0.001 * rng.normal(1.0, SCATTER, (n, 1))])
    return np.ones((n, 4))


def makeAmpTable(
    name: str,
    layout: CameraLayout,
    exposure: int | None = None,
    *,
    seed: int = 0,
    change: Callable[[Columns], object] = lambda columns: None,
    keep: Callable[[Columns], npt.NDArray[np.bool_]] | None = None,
    gainsApplied: bool = True,
    fields: Mapping[str, Any] | None = None,
) -> AmpTable:
    """Make encoded results of a product.

    Parameters
    ----------
    name
        The product.
    layout
        The camera.
    exposure
        Id of the exposure; None if there is none.
    seed
        Of the scatter.
    change
        Changes columns in place, to make failures.
    keep
        Tells which rows there are; all if None.
    gainsApplied
        Whether the pipeline applies the gains.
    fields
        Limits of the run by the fields of cp_verify's configuration, and their source as ``source``.

    Returns
    -------
    table
        The results, in which stored verdicts say what follows from quantity and limit, where there are such;
        what has no number has passed.
    """
    product = getProduct(name, gainsApplied)
    if fields is not None:
        values = {key: value for key, value in fields.items() if key != "source"}
        product = product.withLimits(StoredLimits(values, fields["source"]))
    columns = makeColumns(product, layout, exposure, np.random.default_rng(seed))
    change(columns)
    if keep is not None:
        kept = keep(columns)
        columns = {key: values[kept] for key, values in columns.items()}
    epoch = "none" if exposure is None else product.epoch
    options: dict[str, Any] = {"epoch": epoch}
    if exposure is not None:
        options["exposures"] = [exposure]
    table = AmpTable.fromColumns(columns, product, layout, **options)
    _judge(table, columns)
    return AmpTable.fromColumns(columns, product, layout, **options)


def _judge(table: AmpTable, columns: Columns) -> None:
    """Let stored verdicts that are True say what follows from quantity and limit."""
    for test in table.tests:
        quantity = table.quantity(test)
        if test.verifyColumn is None or quantity is None:
            continue
        passed = judge(test, quantity, table.physicalType[test.row]) != FAILED
        source = table.rows[test.row].source
        columns[test.verifyColumn][source] &= passed
    for test in table.tests:
        if test.verdict and test.verifyColumn is not None:
            source = table.rows[test.row].source
            for other in table.tests:
                if other.verifyColumn and other.inVerdict and other.row == test.row and not other.isOurs:
                    columns[test.verifyColumn][source] &= columns[other.verifyColumn][source]
