# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lsst.analysis.cp.core import DetectorSelection
from lsst.analysis.cp.core.amps import summarize

SELECTIONS = {
    "science": (None, {21, 5, 7}),
    "all": (DetectorSelection(detectorTypes=None), {21, 5, 7, 30, 31}),
    "ITL": (DetectorSelection(physicalTypes=("ITL",)), {5, 7}),
    "guider": (DetectorSelection(detectorTypes=("GUIDER",)), {30}),
}


@pytest.fixture(params=SELECTIONS)
def selected(request):
    return SELECTIONS[request.param]


@pytest.fixture
def incomplete(columns):
    """Make a table that lacks detector 7 in exposure 102, and one more amplifier of the guider."""
    amp = (columns["detector"] == 30) & (columns["exposure"] == 103) & (columns["amplifier"] == "C13")
    lost = ((columns["detector"] == 7) & (columns["exposure"] == 102)) | amp
    return {name: values[~lost] for name, values in columns.items()}


@pytest.fixture
def failedRows(slowVerdicts):
    """List the rows that failed a test."""

    def find(test, table, rows):
        verdicts = slowVerdicts(table, test, rows)
        return [row for row, verdict in zip(rows.tolist(), verdicts, strict=True) if verdict == 0]

    return find


def test_exposures_against_a_slow_computation(
    incomplete, read, bias, slowMeasurements, keysOf, emitted, selected, failedRows
):
    selection, ids = selected
    table = read(incomplete)
    keys = keysOf(table)
    summary = summarize(table, "exposure", selection)
    assert summary.exposure.tolist() == [101, 102, 103]
    assert list(summary.tests) == [test.key for test in bias if test.varies == "epoch"]
    for group, exposure in enumerate(summary.exposure):
        rows = np.flatnonzero((keys.exposure == exposure) & np.isin(keys.detector, list(ids)))
        present = {int(keys.detector[row]) for row in rows}
        for key, reduced in summary.tests.items():
            expected = {"nAmps": len(rows), **slowMeasurements(table, reduced.test, rows)}
            expected |= {"nDetectors": len(present), "nDetectorsMissing": len(ids - present)}
            expected["nAmpsMissing"] = sum({31: 4}.get(i, 8) for i in ids) - len(rows)
            if reduced.test.isTested:
                expected["nDetectorsFailed"] = len(
                    set(keys.detector[failedRows(reduced.test, table, rows)].tolist())
                )
            assert {name: v[group] for name, v in emitted(summary, key).items()} == expected


def test_run_against_a_slow_computation(
    incomplete, read, bias, slowMeasurements, keysOf, emitted, selected, failedRows
):
    selection, ids = selected
    table = read(incomplete)
    keys = keysOf(table)
    summary = summarize(table, "run", selection, maxFailuresPerDetector=1)
    rows = np.flatnonzero(np.isin(keys.detector, list(ids)))
    in_every = {i for i in ids if len(set(keys.exposure[keys.detector == i].tolist())) == 3}
    assert list(summary.tests) == list(bias.keys())
    for test in bias:
        expected = {"nAmps": len(rows), **slowMeasurements(table, test, rows)}
        expected |= {"nDetectors": len(ids), "nDetectorsMissing": len(ids - in_every), "nExposures": 3}
        expected["nAmpsMissing"] = 3 * sum({31: 4}.get(i, 8) for i in ids) - len(rows)
        if test.isTested:
            expected["nDetectorsFailed"] = len(set(keys.detector[failedRows(test, table, rows)].tolist()))
            expected["nExposuresFailed"] = len(set(keys.exposure[failedRows(test, table, rows)].tolist()))
            counted = failedRows(test, table, rows)
            if not test.inVerdict:
                counted = [row for row in counted if table.flags["BIAS_VERIFY_SUCCESS"][row] == 0]
            failures = [np.count_nonzero(keys.exposure[counted] == e) for e in (101, 102, 103)]
            n_over = sum(n >= len(ids) // 2 + 1 for n in failures)
            expected |= {"nExposuresOverLimit": n_over, "majorityFailed": int(n_over >= 2)}
        assert {name: v[0] for name, v in emitted(summary, test.key).items()} == expected


def test_detectors_of_a_run_against_a_slow_computation(
    incomplete, read, bias, slowMeasurements, keysOf, emitted, failedRows
):
    table = read(incomplete)
    keys = keysOf(table)
    summary = summarize(table, "runDetector")
    assert list(summary.tests) == list(bias.keys())
    for group, detector in enumerate(table.layout.detectorId):
        rows = np.flatnonzero(keys.detector == detector)
        for test in bias:
            expected = {"nAmps": len(rows), **slowMeasurements(table, test, rows)}
            expected["nExposures"] = len(set(keys.exposure[rows].tolist()))
            if test.isTested:
                expected["nExposuresFailed"] = len(set(keys.exposure[failedRows(test, table, rows)].tolist()))
            assert {name: v[group] for name, v in emitted(summary, test.key).items()} == expected
    assert_array_equal(summary.present[2], [False] * 8)
    assert_array_equal(summary.present[3], [True] * 7 + [False])


def test_status_ignores_detectors_that_are_not_selected(columns, read):
    for name in columns:
        if "_VERIFY_" in name:
            columns[name] = columns["detector"] != 30
    table = read(columns)
    assert summarize(table, "run").status.tolist() == [1]
    guiders = summarize(table, "run", DetectorSelection(detectorTypes=("GUIDER",)))
    assert guiders.status.tolist() == [0]


def test_exposure_without_rows_is_unknown(columns, read, emitted):
    table = read(columns, exposures=[104])
    exposures = summarize(table, "exposure")
    assert exposures.status[3] == -1
    assert emitted(exposures, "NOISE")["nDetectorsMissing"].tolist() == [0, 0, 0, 3]
    assert summarize(table, "run").nAmpsMissing.tolist() == [24]


@pytest.mark.parametrize("exposures", [[], [101]])
def test_empty_table(columns, read, exposures):
    table = read({name: values[:0] for name, values in columns.items()}, exposures=exposures)
    run = summarize(table, "run")
    assert run.nAmps.tolist() == [0]
    assert run.status.tolist() == [-1]
    assert np.isnan(run.tests["NOISE"].values["median"]).all()
    assert len(summarize(table, "exposure")) == len(exposures)
    assert len(summarize(table, "detector")) == 5 * len(exposures)
    assert summarize(table, "runDetector").status.tolist() == [-1] * 5


def test_selection_of_nothing_is_unknown(columns, read):
    run = summarize(read(columns), "run", DetectorSelection(physicalTypes=("none",)))
    assert run.nAmps.tolist() == [0]
    assert run.status.tolist() == [-1]
    assert run.tests["NOISE"].values["nValid"].tolist() == [0]
