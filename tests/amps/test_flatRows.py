# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Flats of a small camera, made by hand: what fails, what is set aside, what is averaged over exposures."""

import statistics

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table

from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.core import DetectorSelection
from lsst.analysis.cp.core.amps import FAILED, GOOD, UNKNOWN, culpritsTable, summarize

EVERYTHING = DetectorSelection(detectorTypes=None)
EXPOSURES = (101, 102)
MEANS = {21: 20000.0, 5: 21000.0, 7: 19000.0, 30: 20000.0, 31: 20500.0}
NOISY = (102, 5, "C01")
SCATTERED = (101, 7)


def listRows(layout):
    """List rows as cp_verify merges them: an amplifier of one exposure fails, a detector of the other."""
    rows = []
    for exposure in EXPOSURES:
        for i, detector in enumerate(layout.detectorId.tolist()):
            common = {"exposure": exposure, "detector": detector}
            for name in layout.ampName[layout.ampDetector == i].tolist():
                passed = (exposure, detector, name) != NOISY
                values = {"FLAT_MEAN": MEANS[detector], "FLAT_NOISE": 140.0 if passed else 160.0}
                verdicts = {"FLAT_VERIFY_NOISE": passed, "FLAT_VERIFY_SUCCESS": passed}
                rows.append(common | {"amplifier": name} | values | verdicts)
            passed = (exposure, detector) != SCATTERED
            values = {"FLAT_DET_MEAN": MEANS[detector], "FLAT_DET_SCATTER": 100.0 if passed else 1500.0}
            rows.append(common | values | {"FLAT_DET_VERIFY_SCATTER": passed})
        # The detector of such a row means nothing.
        spread = statistics.pstdev(MEANS.values())
        first = int(layout.detectorId[0])
        rows.append(
            {"exposure": exposure, "detector": first, "flat_SCATTER": spread, "flat_VERIFY_SCATTER": False}
        )
    return rows


@pytest.fixture
def readRows(read):
    """Read rows, whose absent values are masked above what parquet leaves beneath."""

    def readThem(rows, **options):
        table = Table({name: [row[name] for row in rows] for name in ("exposure", "detector")})
        for name in sorted({name for row in rows for name in row} - set(table.colnames)):
            kind = bool if "VERIFY" in name else str if name == "amplifier" else float
            beneath = {bool: True, str: "", float: np.nan}[kind]
            values = np.array([row.get(name, beneath) for row in rows], dtype=kind)
            table[name] = MaskedColumn(values, mask=[name not in row for row in rows])
        return read(table, getProduct("flat"), **options)

    return readThem


@pytest.fixture
def flat(readRows, layout):
    return readRows(listRows(layout))


def test_what_fails_is_listed_and_what_is_set_aside_is_not(flat):
    found = [
        tuple(row) for row in culpritsTable(flat)[["exposure", "detector", "amplifier", "test", "status"]]
    ]
    assert found == [(*SCATTERED, "", "DET_SCATTER", "failed"), (*NOISY, "NOISE", "failed")]


def test_status_of_detectors(flat, layout):
    summary = summarize(flat, "detector")
    keys = zip(summary.exposure.tolist(), layout.detectorId[summary.detectorIndex].tolist(), strict=True)
    status = dict(zip(keys, summary.status.tolist(), strict=True))
    assert {key for key, code in status.items() if code == FAILED} == {SCATTERED, NOISY[:2]}
    assert set(status.values()) == {FAILED, GOOD}


def test_exposure_whose_only_failure_is_set_aside_is_good(readRows, layout):
    rows = [row for row in listRows(layout) if row["exposure"] == 101 and row["detector"] != SCATTERED[1]]
    table = readRows(rows)
    some = summarize(table, "exposure", EVERYTHING)
    # One detector is missing.
    assert some.status.tolist() == [UNKNOWN]
    whole = [row for row in listRows(layout) if row["exposure"] == 101]
    for row in whole:
        row.update({"FLAT_DET_VERIFY_SCATTER": True} if "FLAT_DET_SCATTER" in row else {})
    summary = summarize(readRows(whole), "exposure", EVERYTHING)
    assert summary.status.tolist() == [GOOD]
    assert summary.tests["EXP_SCATTER"].values["nFailed"].tolist() == [1]
    assert summary.tests["EXP_SCATTER"].status.tolist() == [FAILED]


def test_exposure_without_a_row_of_its_own_is_complete(readRows, layout):
    rows = [row for row in listRows(layout) if (row["exposure"], "flat_SCATTER" in row) != (102, True)]
    summary = summarize(readRows(rows), "exposure", EVERYTHING)
    assert summary.complete.tolist() == [True, True]
    assert summary.tests["EXP_SCATTER"].values["nTested"].tolist() == [1, 0]


def test_scatter_of_detectors_as_a_fraction(flat):
    test = getProduct("flat")["EXP_SCATTER_FRACTION"]
    expected = statistics.pstdev(MEANS.values()) / statistics.mean(MEANS.values())
    assert flat.quantity(test).tolist() == pytest.approx([expected] * 2)
    assert flat.verdict(test).tolist() == [GOOD, GOOD]
    run = summarize(flat, "run", EVERYTHING).tests["EXP_SCATTER_FRACTION"].values
    assert run["quantityMax"].tolist() == pytest.approx([expected])
    assert run["nFailed"].tolist() == [0]


def test_mean_is_that_of_the_finite_detectors_of_the_exposure(readRows, layout):
    rows = listRows(layout)
    for row in rows:
        if row["exposure"] == 101 and "FLAT_DET_MEAN" in row:
            row["FLAT_DET_MEAN"] = np.nan if row["detector"] == 5 else 2 * row["FLAT_DET_MEAN"]
        if row["exposure"] == 102 and "FLAT_DET_MEAN" in row:
            row["FLAT_DET_MEAN"] = np.nan
    table = readRows(rows, tests=["EXP_SCATTER_FRACTION"])
    finite = [2 * mean for detector, mean in MEANS.items() if detector != 5]
    test = getProduct("flat")["EXP_SCATTER_FRACTION"]
    found = table.quantity(test)
    assert found[0] == pytest.approx(statistics.pstdev(MEANS.values()) / statistics.mean(finite))
    assert np.isnan(found[1])
    assert table.verdict(test).tolist() == [GOOD, UNKNOWN]


def test_noise_of_the_failing_amplifier(flat):
    values = summarize(flat, "run", EVERYTHING).tests["NOISE"].values
    quantities = [140.0 / mean**0.5 for mean in MEANS.values()]
    assert values["quantityMax"].tolist() == pytest.approx([160.0 / MEANS[5] ** 0.5])
    assert values["quantityMin"].tolist() == pytest.approx([min(quantities)])
    assert (values["nFailed"].tolist(), values["nTested"].tolist()) == ([1], [2 * 36])
    assert values["nExposuresFailed"].tolist() == [1]
