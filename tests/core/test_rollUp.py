# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lsst.analysis.cp.catalogue import measurementUnits
from lsst.analysis.cp.core import DetectorSelection
from lsst.analysis.cp.core.amps import summarizeAmps, summarizeExposures, summarizeRun, summarizeRunDetectors

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


def slowMeasurements(test, table, rows, slowReduction):
    expected = {"nAmps": len(rows)}
    if test.statisticColumn is not None:
        values = slowReduction(table.statistics[test.statisticColumn][rows])
        expected |= dict(zip(("min", "median", "max", "nValid"), values, strict=True))
    if test.quantity is not None:
        values = slowReduction(table.quantity(test)[rows])[:3]
        expected |= dict(zip(("quantityMin", "quantityMedian", "quantityMax"), values, strict=True))
    if test.verifyColumn is not None:
        flags = table.flags[test.verifyColumn][rows].tolist()
        expected |= {"nTested": len(flags) - flags.count(-1), "nFailed": flags.count(0)}
    return expected


def failedOf(test, table, rows, values):
    """List what failed a test, each once."""
    if test.verifyColumn is None:
        return set()
    return {int(values[row]) for row in rows if table.flags[test.verifyColumn][row] == 0}


def test_exposures_against_a_slow_computation(incomplete, read, bias, slowReduction, selected):
    selection, ids = selected
    table = read(incomplete)
    summary = summarizeExposures(table, summarizeAmps(table), selection=selection)
    assert summary.exposure.tolist() == [101, 102, 103]
    for segment, exposure in enumerate(summary.exposure):
        rows = np.flatnonzero((table.exposure == exposure) & np.isin(table.detector, list(ids)))
        present = {int(table.detector[row]) for row in rows}
        for test in bias:
            expected = slowMeasurements(test, table, rows, slowReduction)
            expected |= {"nDetectors": len(present), "nDetectorsMissing": len(ids - present)}
            expected["nAmpsMissing"] = sum({31: 4}.get(i, 8) for i in ids) - len(rows)
            if test.verifyColumn is not None:
                expected["nDetectorsFailed"] = len(failedOf(test, table, rows, table.detector))
            found = {name: v.value[segment] for name, v in summary.measurements(test.key).items()}
            assert found == expected


def test_run_against_a_slow_computation(incomplete, read, bias, slowReduction, selected):
    selection, ids = selected
    table = read(incomplete)
    summary = summarizeRun(table, summarizeAmps(table), selection=selection, maxFailuresPerDetector=1)
    rows = np.flatnonzero(np.isin(table.detector, list(ids)))
    in_every = {i for i in ids if len(set(table.exposure[table.detector == i].tolist())) == 3}
    for test in bias:
        expected = slowMeasurements(test, table, rows, slowReduction)
        expected |= {"nDetectors": len(ids), "nDetectorsMissing": len(ids - in_every), "nExposures": 3}
        expected["nAmpsMissing"] = 3 * sum({31: 4}.get(i, 8) for i in ids) - len(rows)
        found = {name: v.value[0] for name, v in summary.measurements(test.key).items()}
        if test.verifyColumn is not None:
            expected["nDetectorsFailed"] = len(failedOf(test, table, rows, table.detector))
            expected["nExposuresFailed"] = len(failedOf(test, table, rows, table.exposure))
            del found["nExposuresOverLimit"], found["majorityFailed"]
        assert found == expected


def test_detectors_of_a_run_against_a_slow_computation(incomplete, read, bias, slowReduction):
    table = read(incomplete)
    summary = summarizeRunDetectors(table, summarizeAmps(table))
    for segment, detector in enumerate(table.layout.detectorId):
        rows = np.flatnonzero(table.detector == detector)
        for test in bias:
            expected = slowMeasurements(test, table, rows, slowReduction)
            expected["nExposures"] = len(set(table.exposure[rows].tolist()))
            if test.verifyColumn is not None:
                expected["nExposuresFailed"] = len(failedOf(test, table, rows, table.exposure))
            found = {name: v.value[segment] for name, v in summary.measurements(test.key).items()}
            assert found == expected
    assert_array_equal(summary.present[2], [False] * 8)
    assert_array_equal(summary.present[3], [True] * 7 + [False])


@pytest.mark.parametrize("level", ["exposure", "run", "runDetector"])
def test_measurements_have_the_names_and_units_of_the_catalogue(columns, read, bias, level):
    table = read(columns)
    reduce = {"exposure": summarizeExposures, "run": summarizeRun, "runDetector": summarizeRunDetectors}[
        level
    ]
    summary = reduce(table, summarizeAmps(table))
    assert summary.level == level
    for test in bias:
        units = {name: str(v.unit) for name, v in summary.measurements(test.key).items()}
        assert units == measurementUnits(test, level)


def test_status_ignores_detectors_that_are_not_selected(columns, read):
    for name in columns:
        if "_VERIFY_" in name:
            columns[name] = columns["detector"] != 30
    table = read(columns)
    detectors = summarizeAmps(table)
    assert summarizeRun(table, detectors).status.tolist() == [1]
    guiders = summarizeRun(table, detectors, selection=DetectorSelection(detectorTypes=("GUIDER",)))
    assert guiders.status.tolist() == [0]


def test_exposure_without_rows_is_unknown(columns, read):
    table = read(columns, exposures=[104])
    detectors = summarizeAmps(table)
    exposures = summarizeExposures(table, detectors)
    assert exposures.status[3] == -1
    assert exposures.counts["nDetectorsMissing"].tolist() == [0, 0, 0, 3]
    assert summarizeRun(table, detectors).counts["nAmpsMissing"].tolist() == [24]


@pytest.mark.parametrize("exposures", [[], [101]])
def test_empty_table(columns, read, exposures):
    table = read({name: values[:0] for name, values in columns.items()}, exposures=exposures)
    detectors = summarizeAmps(table)
    run = summarizeRun(table, detectors)
    assert run.nAmps.tolist() == [0]
    assert run.status.tolist() == [-1]
    assert np.isnan(run.tests["NOISE"].statistic.median).all()
    assert len(summarizeExposures(table, detectors)) == len(exposures)


def test_selection_of_nothing_is_unknown(columns, read):
    table = read(columns)
    none = DetectorSelection(physicalTypes=("none",))
    run = summarizeRun(table, summarizeAmps(table), selection=none)
    assert run.nAmps.tolist() == [0]
    assert run.status.tolist() == [-1]
    assert run.tests["NOISE"].statistic.nValid.tolist() == [0]
