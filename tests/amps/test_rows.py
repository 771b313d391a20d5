# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Rows of detectors and exposures beside those of amplifiers, as flats and crosstalk have them."""

import logging

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from lsst.analysis.cp.catalogue import LEVELS, Level, readProduct
from lsst.analysis.cp.core import AmpKeyError, DetectorSelection
from lsst.analysis.cp.core.amps import (
    FAILED,
    GOOD,
    UNKNOWN,
    ampSummaryTable,
    culpritsTable,
    detectorSummaryTable,
    runCountsTable,
    summarize,
)

EVERYTHING = DetectorSelection(detectorTypes=None)
EXPOSURES = (101, 102)
SCATTER = {21: 10.0, 5: 20.0, 7: 30.0, 30: 40.0, 31: 100.0}

# What is beneath the mask of a table that was written and read.
BENEATH = {bool: True, str: "", float: np.nan}

COLUMNS = {
    "amplifier": str,
    "FLAT_NOISE": float,
    "FLAT_VERIFY_NOISE": bool,
    "FLAT_DET_MEAN": float,
    "FLAT_DET_SCATTER": float,
    "FLAT_DET_VERIFY_SCATTER": bool,
    "flat_SCATTER": float,
    "flat_VERIFY_SCATTER": bool,
}


def makeTable(rows):
    """Make a table of rows by column; what a row does not name is masked."""
    table = Table({name: [row[name] for row in rows] for name in ("exposure", "detector")})
    for name, kind in COLUMNS.items():
        values = np.array([row.get(name, BENEATH[kind]) for row in rows], dtype=kind)
        table[name] = MaskedColumn(values, mask=[name not in row for row in rows])
    return table


@pytest.fixture(scope="module")
def flatRows(layout):
    """List the rows of all amplifiers, detectors and exposures, of which only one detector has failed."""
    rows = []
    for exposure in EXPOSURES:
        for i, detector in enumerate(layout.detectorId.tolist()):
            common = {"exposure": exposure, "detector": detector}
            for name in layout.ampName[layout.ampDetector == i].tolist():
                rows.append({**common, "amplifier": name, "FLAT_NOISE": 5.0, "FLAT_VERIFY_NOISE": True})
            scatter = SCATTER[detector] + (exposure == 102)
            found = {"FLAT_DET_MEAN": 1000.0, "FLAT_DET_SCATTER": scatter}
            rows.append({**common, **found, "FLAT_DET_VERIFY_SCATTER": detector != 31})
        first = int(layout.detectorId[0])
        found = {"flat_SCATTER": float(exposure), "flat_VERIFY_SCATTER": True}
        rows.append({"exposure": exposure, "detector": first, **found})
    return rows


@pytest.fixture
def flat(makeProduct):
    return makeProduct("flat")


@pytest.fixture
def readFlat(read, flat):
    return lambda rows, **options: read(makeTable(rows), flat, **options)


def isOfDetector(row):
    return "FLAT_DET_SCATTER" in row


def isOfExposure(row):
    return "flat_SCATTER" in row


def test_rows_of_each_kind_are_told_apart(flatRows, readFlat, layout, keysOf):
    table = readFlat(flatRows)
    sources = {
        "amplifier": [i for i, row in enumerate(flatRows) if "amplifier" in row],
        "detector": [i for i, row in enumerate(flatRows) if isOfDetector(row)],
        "exposure": [i for i, row in enumerate(flatRows) if isOfExposure(row)],
    }
    assert {kind: rows.source.tolist() for kind, rows in table.rows.items()} == sources
    for kind, own in sources.items():
        keys = keysOf(table, kind)
        assert keys.exposure.tolist() == [flatRows[i]["exposure"] for i in own]
        if kind != "exposure":
            assert keys.detector.tolist() == [flatRows[i]["detector"] for i in own]
    assert len(table) == 72
    assert table.statistics["FLAT_NOISE"].tolist() == [5.0] * 72
    assert table.statistics["FLAT_DET_SCATTER"].tolist() == [*SCATTER.values(), 11.0, 21.0, 31.0, 41.0, 101.0]
    assert table.statistics["flat_SCATTER"].tolist() == [101.0, 102.0]
    assert table.flags["flat_VERIFY_SCATTER"].tolist() == [1, 1]
    assert table.flags["FLAT_DET_VERIFY_SCATTER"].tolist() == [1, 1, 1, 1, 0] * 2
    assert table.physicalType["detector"].tolist() == layout.physicalType.tolist() * 2


DETECTOR_ROWS = ("min", "median", "max", "quantityMin", "quantityMedian", "quantityMax")
COUNTS = ("nValid", "nTested", "nFailed")


@pytest.mark.parametrize(
    ("level", "names"),
    [
        ("detector", (*DETECTOR_ROWS, "nDetectors", *COUNTS)),
        ("runDetector", (*DETECTOR_ROWS, "nDetectors", "nExposures", *COUNTS, "nExposuresFailed")),
        ("exposure", (*DETECTOR_ROWS, "nDetectors", "nDetectorsMissing", *COUNTS, "nDetectorsFailed")),
        (
            "run",
            (
                *(*DETECTOR_ROWS, "nDetectors", "nDetectorsMissing", "nExposures", *COUNTS),
                *("nDetectorsFailed", "nExposuresFailed", "nExposuresOverLimit", "majorityFailed"),
            ),
        ),
    ],
)
def test_names_of_the_measurements_of_a_test_of_detectors(flatRows, readFlat, emitted, level, names):
    assert tuple(emitted(summarize(readFlat(flatRows), level), "DET_SCATTER")) == names


@pytest.mark.parametrize(
    ("level", "names"),
    [
        ("exposure", ("min", "median", "max", "nExposures", *COUNTS)),
        ("run", ("min", "median", "max", "nExposures", *COUNTS, "nExposuresFailed")),
    ],
)
def test_names_of_the_measurements_of_a_test_of_exposures(flatRows, readFlat, emitted, level, names):
    assert tuple(emitted(summarize(readFlat(flatRows), level), "EXP_SCATTER")) == names


@pytest.mark.parametrize("level", ["detector", "runDetector"])
def test_test_of_exposures_is_not_measured_for_detectors(flatRows, readFlat, level):
    assert list(summarize(readFlat(flatRows), level).tests) == ["NOISE", "DET_SCATTER", "DET_MEAN"]


def test_rows_of_detectors_are_those_of_each_detector(flatRows, readFlat, emitted, layout):
    summary = summarize(readFlat(flatRows), "detector")
    found = emitted(summary, "DET_SCATTER")
    expected = [SCATTER[i] for i in layout.detectorId.tolist()] + [11.0, 21.0, 31.0, 41.0, 101.0]
    for name in ("min", "median", "max"):
        assert found[name].tolist() == expected
    assert_array_equal(found["quantityMax"], np.array(expected) / 1000.0)
    assert found["nDetectors"].tolist() == found["nValid"].tolist() == found["nTested"].tolist() == [1] * 10
    assert found["nFailed"].tolist() == [0, 0, 0, 0, 1] * 2
    assert summary.tests["NOISE"].values["nFailed"].tolist() == [0] * 10
    assert summary.tests["NOISE"].status.tolist() == [GOOD] * 10
    assert summary.status.tolist() == [GOOD, GOOD, GOOD, GOOD, FAILED] * 2
    assert summary.nAmps.tolist() == [8, 8, 8, 8, 4] * 2


def test_rows_of_detectors_are_reduced_over_a_run(flatRows, readFlat, emitted):
    rows = [
        row for row in flatRows if not (isOfDetector(row) and row["detector"] == 7) or row["exposure"] == 101
    ]
    found = emitted(summarize(readFlat(rows), "runDetector"), "DET_SCATTER")
    assert found["median"].tolist() == [10.5, 20.5, 30.0, 40.5, 100.5]
    assert found["nExposures"].tolist() == [2, 2, 1, 2, 2]
    assert found["nDetectors"].tolist() == [1] * 5
    assert found["nTested"].tolist() == [2, 2, 1, 2, 2]
    assert found["nFailed"].tolist() == found["nExposuresFailed"].tolist() == [0, 0, 0, 0, 2]


@pytest.mark.parametrize(
    ("selection", "ids"),
    [(None, {21, 5, 7}), (EVERYTHING, set(SCATTER)), (DetectorSelection(detectorTypes=("WAVEFRONT",)), {31})],
)
def test_rows_of_detectors_are_reduced_over_the_selected_ones(
    flatRows, readFlat, emitted, flat, slowMeasurements, keysOf, selection, ids
):
    lost = {7, 31}
    rows = [
        row
        for row in flatRows
        if not (isOfDetector(row) and row["detector"] in lost) or row["exposure"] == 101
    ]
    table = readFlat(rows)
    keys, test = keysOf(table, "detector"), flat["DET_SCATTER"]
    selected = np.isin(keys.detector, list(ids))
    exposures = summarize(table, "exposure", selection)
    for group, exposure in enumerate(EXPOSURES):
        own = np.flatnonzero(selected & (keys.exposure == exposure))
        missing = len(ids & lost) * (exposure == 102)
        expected = slowMeasurements(table, test, own)
        expected |= {"nDetectors": len(ids) - missing, "nDetectorsMissing": missing}
        expected["nDetectorsFailed"] = int(31 in ids and exposure == 101)
        found = {name: v[group] for name, v in emitted(exposures, "DET_SCATTER").items()}
        assert found.keys() == expected.keys()
        assert_array_equal(list(found.values()), [expected[name] for name in found])
    run = emitted(summarize(table, "run", selection, maxFailuresPerDetector=1), "DET_SCATTER")
    over = int(ids == {31})
    assert {name: v[0] for name, v in run.items()} == slowMeasurements(
        table, test, np.flatnonzero(selected)
    ) | {
        "nDetectors": len(ids),
        "nDetectorsMissing": len(ids & lost),
        "nExposures": 2,
        "nDetectorsFailed": int(31 in ids),
        "nExposuresFailed": int(31 in ids),
        "nExposuresOverLimit": over,
        "majorityFailed": 0,
    }


def test_rows_of_exposures_are_reduced(flatRows, readFlat, emitted):
    rows = [
        {**row, "flat_VERIFY_SCATTER": row["exposure"] == 101} if isOfExposure(row) else row
        for row in flatRows
    ]
    table = readFlat(rows, exposures=[103])
    exposures = summarize(table, "exposure")
    found = emitted(exposures, "EXP_SCATTER")
    assert_array_equal(found["median"], [101.0, 102.0, np.nan])
    for name, expected in {"nExposures": [1, 1, 0], "nValid": [1, 1, 0], "nFailed": [0, 1, 0]}.items():
        assert found[name].tolist() == expected
    assert exposures.status.tolist() == [GOOD, FAILED, UNKNOWN]
    run = emitted(summarize(table, "run"), "EXP_SCATTER")
    assert {name: v[0] for name, v in run.items()} == {
        **{"min": 101.0, "median": 101.5, "max": 102.0},
        **{"nExposures": 2, "nValid": 2, "nTested": 2, "nFailed": 1, "nExposuresFailed": 1},
    }


def test_detector_of_a_row_of_an_exposure_means_nothing(flatRows, readFlat):
    rows = [{**row, "detector": 99} if isOfExposure(row) else row for row in flatRows]
    table = makeTable(rows)
    table["detector"] = MaskedColumn(table["detector"], mask=[isOfExposure(row) for row in rows])
    for level in LEVELS:
        for one, other in zip(
            summarize(readFlat(rows), level).tests.values(),
            summarize(readFlat(flatRows), level).tests.values(),
            strict=True,
        ):
            for name in one.values:
                assert_array_equal(one.values[name], other.values[name])


@pytest.mark.parametrize("kind", ["detector", "exposure"])
def test_missing_row_is_unknown(flatRows, readFlat, kind):
    own = {"detector": isOfDetector, "exposure": isOfExposure}[kind]
    rows = [row for row in flatRows if not (own(row) and row["exposure"] == 102 and row["detector"] == 21)]
    table = readFlat(rows)
    status = summarize(table, "detector").status.tolist()
    assert status == [GOOD, GOOD, GOOD, GOOD, FAILED, UNKNOWN if kind == "detector" else GOOD, *status[6:]]
    assert summarize(table, "exposure").status.tolist() == [GOOD, UNKNOWN]
    assert summarize(table, "run").status.tolist() == [UNKNOWN]
    [found] = [dict(row) for row in culpritsTable(table) if row["status"] == "unknown"]
    expected = {"exposure": 102, "test": "DET_SCATTER", "detector": 21, "detectorName": "R01_S00"}
    if kind == "exposure":
        expected = {"exposure": 102, "test": "EXP_SCATTER", "detector": -1, "detectorName": ""}
    assert expected.items() <= found.items()
    assert (found["amplifier"], found["reason"]) == ("", "no row in the table")


def test_culprits_of_all_kinds(flatRows, readFlat):
    rows = [dict(row) for row in flatRows]
    next(row for row in rows if row.get("amplifier") == "C01" and row["detector"] == 5)[
        "FLAT_VERIFY_NOISE"
    ] = False
    next(row for row in rows if isOfExposure(row))["flat_VERIFY_SCATTER"] = False
    found = culpritsTable(readFlat(rows))
    names = ("exposure", "detector", "detectorName", "amplifier", "test", "status")
    assert [tuple(row[name] for name in names) for row in found] == [
        (101, -1, "", "", "EXP_SCATTER", "failed"),
        (101, 5, "R01_S01", "C01", "NOISE", "failed"),
        (101, 31, "R00_SW0", "", "DET_SCATTER", "failed"),
        (102, 31, "R00_SW0", "", "DET_SCATTER", "failed"),
    ]
    assert_array_equal(found["quantity"], [np.nan, np.nan, 0.1, 0.101])
    assert_array_equal(found["threshold"], [np.nan, np.nan, 0.05, 0.05])
    assert set(found["reason"]) == {
        "failed",
        "failed: DET_SCATTER/DET_MEAN is 0.1, limit <= 0.05",
        "failed: DET_SCATTER/DET_MEAN is 0.101, limit <= 0.05",
    }


def test_tables_of_detectors_hold_tests_of_detectors_and_no_others(flatRows, readFlat):
    table = readFlat(flatRows)
    for level in ("detector", "runDetector"):
        names = detectorSummaryTable(summarize(table, level)).colnames
        assert {"DET_SCATTER_median", "DET_SCATTER_status", "DET_MEAN_max", "NOISE_nFailed"} <= set(names)
        assert not [name for name in names if name.startswith("EXP_SCATTER") or name.endswith("_nDetectors")]
    for written in (ampSummaryTable(table), runCountsTable(table)):
        assert not [name for name in written.colnames if "SCATTER" in name or "MEAN" in name]
    found = detectorSummaryTable(summarize(table, "detector"))
    assert str(found["DET_SCATTER_median"].unit) == "electron"
    assert found["DET_SCATTER_status"].tolist() == ["good", "good", "good", "good", "failed"] * 2
    assert set(found["missingAmps"]) == {""}


def test_what_no_test_asks_for_is_left_out(flatRows, readFlat, caplog):
    with caplog.at_level(logging.INFO):
        table = readFlat(flatRows, tests=["NOISE"])
    assert {kind: len(rows) for kind, rows in table.rows.items()} == {
        "amplifier": 72,
        "detector": 0,
        "exposure": 0,
    }
    assert summarize(table, "run", EVERYTHING).status.tolist() == [GOOD]
    assert [record.getMessage() for record in caplog.records] == [
        "12 row(s) of detectors are left out: no test is of such rows."
    ]


@pytest.mark.parametrize("key", ["DET_SCATTER", "DET_MEAN"])
def test_row_of_an_exposure_is_none_of_its_first_detector(flatRows, readFlat, caplog, key):
    with caplog.at_level(logging.INFO):
        table = readFlat(flatRows, tests=[key])
    assert table.rows["detector"].source.tolist() == [
        i for i, row in enumerate(flatRows) if isOfDetector(row)
    ]
    assert [record.getMessage() for record in caplog.records] == [
        "2 row(s) of exposures are left out: no test is of such rows."
    ]


def test_tests_of_exposures_alone(flatRows, readFlat, emitted):
    table = readFlat(flatRows, tests=["EXP_SCATTER"])
    run = summarize(table, "run")
    assert emitted(run, "EXP_SCATTER")["nTested"].tolist() == [2]
    assert run.status.tolist() == [GOOD]
    assert summarize(table, "detector").status.tolist() == [UNKNOWN] * 10
    assert len(table.rows["detector"]) == 0


@pytest.mark.parametrize(
    ("isOfKind", "message"),
    [
        (isOfDetector, r"1 detector\(s\) have more than one row: exposure 101 detector 21$"),
        (isOfExposure, r"1 exposure\(s\) have more than one row: exposure 101$"),
    ],
)
def test_second_row_of_a_detector_or_exposure_is_an_error(flatRows, readFlat, isOfKind, message):
    with pytest.raises(AmpKeyError, match=message):
        readFlat([*flatRows, next(filter(isOfKind, flatRows))])


def test_row_of_an_unknown_detector_is_an_error(flatRows, readFlat):
    rows = [
        {**row, "detector": 99} if isOfDetector(row) and row["detector"] == 7 else row for row in flatRows
    ]
    with pytest.raises(AmpKeyError, match=r"detector\(s\) 99 are not in the camera"):
        readFlat(rows)


def test_row_of_a_detector_without_one_is_an_error(flatRows, read, flat):
    table = makeTable(flatRows)
    table["detector"] = MaskedColumn(table["detector"], mask=[isOfDetector(row) for row in flatRows])
    with pytest.raises(AmpKeyError, match=r"10 detector row\(s\) have no detector"):
        read(table, flat)


def test_thresholds_by_sensor_do_not_hold_for_exposures(flatRows, read):
    product = readProduct(
        """
product: flat
prefix: FLAT
title: Flat
tests:
  SCATTER: {row: exposure, prefix: flat, statistic: SCATTER, verify: computed, unit: electron, label: S,
    quantity: SCATTER, operator: "<", threshold: {E2V: 1000.0}, description: E.}
""",
        "flat.yaml",
    )
    table = read(makeTable(flatRows), product)
    assert table.verdict(product["SCATTER"]).tolist() == [UNKNOWN] * 2
    assert np.isnan(culpritsTable(table)["threshold"]).all()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1))
def test_order_of_rows_does_not_matter(flatRows, readFlat, seed):
    rng = np.random.default_rng(seed)
    rows = [dict(row) for row in flatRows if rng.random() < 0.9]
    for row in rows:
        row.update({name: bool(rng.random() < 0.8) for name in row if "_VERIFY_" in name})
    one, other = readFlat(rows), readFlat([rows[i] for i in rng.permutation(len(rows))])
    for level in LEVELS:
        before, after = (summarize(table, level) for table in (one, other))
        assert_array_equal(before.status, after.status)
        for key, reduced in before.tests.items():
            for name, values in reduced.values.items():
                assert_array_equal(values, after.tests[key].values[name])
    culprits = [culpritsTable(table) for table in (one, other)]
    for name in culprits[0].colnames:
        assert_array_equal(culprits[0][name], culprits[1][name])


@pytest.fixture
def crosstalk():
    """Make a table of crosstalk, whose rows of detectors have an amplifier of that name."""
    return {
        "detector": np.array([7, 21, 5]),
        "amplifier": np.array(["detector"] * 3),
        "CROSSTALK_N_VALID": np.array([3, 0, 1]),
        "CROSSTALK_VERIFY_NO_SIGNIFICANT_DETECTION": np.array([False, True, True]),
    }


def test_amplifier_of_the_name_detector_stands_for_its_detector(crosstalk, read, makeProduct, emitted):
    table = read(crosstalk, makeProduct("crosstalk"))
    assert (len(table), len(table.rows["detector"])) == (0, 3)
    key = "NO_SIGNIFICANT_DETECTION"
    detectors = summarize(table, "detector")
    assert detectors.tests[key].values["nFailed"].tolist() == [0, 0, 1, 0, 0]
    assert_array_equal(detectors.tests[key].values["max"], [0.0, 1.0, 3.0, np.nan, np.nan])
    assert detectors.status.tolist() == [GOOD, GOOD, FAILED, UNKNOWN, UNKNOWN]
    run = emitted(summarize(table, "run"), key)
    assert {name: v[0] for name, v in run.items()} == {
        **{"min": 0.0, "median": 1.0, "max": 3.0, "nDetectors": 3, "nDetectorsMissing": 0},
        **{"nValid": 3, "nTested": 3, "nFailed": 1, "nDetectorsFailed": 1},
    }
    assert summarize(table, "run").status.tolist() == [FAILED]
    [failed] = [dict(row) for row in culpritsTable(table) if row["status"] == "failed"]
    assert (failed["detector"], failed["amplifier"], failed["test"]) == (7, "", key)


def test_detector_is_good_without_rows_of_amplifiers_where_no_test_is_of_such(crosstalk, read, makeProduct):
    crosstalk["CROSSTALK_VERIFY_NO_SIGNIFICANT_DETECTION"] = np.full(3, True)
    run = summarize(read(crosstalk, makeProduct("crosstalk")), "run")
    assert run.status.tolist() == [GOOD]
    assert run.complete.tolist() == [True]


def test_row_of_a_whole_detector_is_left_out_where_no_test_is_of_such(columns, read, bias):
    more = {name: np.append(values, values[:1]) for name, values in columns.items()}
    more["amplifier"] = np.append(columns["amplifier"], "detector")
    table = read(more)
    assert_array_equal(table.rows["amplifier"].source, np.arange(108))
    assert_array_equal(table.statistics["BIAS_NOISE"], columns["BIAS_NOISE"])


def test_levels_of_a_flat_are_by_exposure(flatRows, readFlat):
    assert summarize(readFlat(flatRows), "detector").level == Level("detector", "exposure")
