# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import numpy as np
import pyarrow as pa
import pytest

from lsst.analysis.cp.metrics import (
    KEY_SCHEMA,
    TREND_SCHEMA,
    DetectorName,
    Records,
    TrendTableError,
    makeTrendTable,
    unreadDatasets,
)

NAN = np.nan
GOOD_COUNTS = {"nAmps": 16.0, "nValid": 16.0, "nTested": 16.0, "nFailed": 0.0}


KEY = {
    "instrument": "LSSTCam",
    "detector": 94,
    "exposure": 2026010100001,
    "day_obs": 20260101,
    "mjd": 61042.0,
    "time_source": "exposure",
    "run": "run",
}


def makeRecords(metric="biasNoise", *, values, units=None, zeroIsAbsent=False, topic=None, **key):
    """Make one record, or as many as there are values of the key."""
    values = {name: np.atleast_1d(np.asarray(value, dtype=np.float64)) for name, value in values.items()}
    n = max((len(column) for column in values.values()), default=1)
    columns = {name: value if isinstance(value, list) else [value] * n for name, value in (KEY | key).items()}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return Records(
        topic=topic or f"cpBiasExpDet_{metric}",
        metric=metric,
        keys=pa.Table.from_pylist(rows, schema=KEY_SCHEMA),
        values=values,
        units=units or {},
        zeroIsAbsent=zeroIsAbsent,
    )


def readColumn(records, column="value", **kwargs):
    table = makeTrendTable([records], **kwargs)
    return dict(zip(table["measurement"].to_pylist(), table[column].to_pylist(), strict=True))


@pytest.mark.parametrize(
    ("measurement", "given", "value", "unit", "expected"),
    [
        ("median", "1000 electron", 0.005, "electron", 5.0),
        ("quantityMax", "%", 7.0, "", 0.07),
        ("median", "adu", 5.0, "adu", 5.0),
        ("median", "electron", 5.0, "electron", 5.0),
        ("median", None, 5.0, None, 5.0),
    ],
)
def test_values_are_in_the_unit_of_the_catalogue_if_they_can_be(measurement, given, value, unit, expected):
    records = makeRecords(values=GOOD_COUNTS | {measurement: value}, units={measurement: given})
    assert readColumn(records)[measurement] == pytest.approx(expected, rel=1e-15)
    assert readColumn(records, "unit")[measurement] == unit
    if measurement == "quantityMax":
        assert readColumn(records, "passed")[measurement] == "failed"


@pytest.mark.parametrize("zeroIsAbsent", [False, True])
@pytest.mark.parametrize("nValid", [0.0, NAN])
def test_nothing_is_taken_where_nothing_is_valid(nValid, zeroIsAbsent):
    names = ("min", "median", "max", "quantityMin", "quantityMedian", "quantityMax")
    values = dict.fromkeys(names, 0.0) | {"nValid": nValid, "nAmps": 16.0}
    result = readColumn(makeRecords(values=values, zeroIsAbsent=zeroIsAbsent))
    assert all(np.isnan(result[name]) for name in names)
    assert result["nAmps"] == 16.0


def test_a_zero_that_is_valid_stays():
    assert readColumn(makeRecords(values={"median": 0.0, "nValid": 1.0}))["median"] == 0.0


def test_the_score_of_no_structure_is_not_valid():
    records = makeRecords("biasStructures", values={"nLine": 0.0, "maxLineScore": 0.0, "nGlow": 1.0})
    assert np.isnan(readColumn(records)["maxLineScore"])


@pytest.mark.parametrize("value", [NAN, np.inf, -np.inf])
def test_what_is_not_finite_is_not_valid(value):
    assert np.isnan(readColumn(makeRecords(values={"median": value, "nValid": 1.0}))["median"])


@pytest.mark.parametrize(
    ("zeroIsAbsent", "lowest", "expected"),
    [(True, 0.0, NAN), (False, 0.0, 0.0), (True, -0.01, 0.0)],
)
def test_quantities_that_all_are_zero_may_be_absent(zeroIsAbsent, lowest, expected):
    values = {"quantityMin": lowest, "quantityMedian": 0.0, "quantityMax": 0.0, "nValid": 16.0}
    result = readColumn(makeRecords(values=values, zeroIsAbsent=zeroIsAbsent))
    np.testing.assert_equal(result["quantityMax"], expected)


@pytest.mark.parametrize(
    ("value", "expected"), [(0.05, "good"), (np.nextafter(0.05, 1.0), "failed"), (NAN, "unknown")]
)
def test_a_tested_quantity_is_judged_by_the_catalogue(value, expected):
    records = makeRecords(values={"quantityMax": value, "nValid": 16.0})
    assert readColumn(records, "passed")["quantityMax"] == expected
    assert readColumn(records, "threshold")["quantityMax"] == 0.05


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({}, "good"),
        ({"nFailed": 1.0}, "failed"),
        ({"nTested": 15.0}, "unknown"),
        ({"nValid": 15.0}, "unknown"),
        ({"nAmpsMissing": 1.0}, "unknown"),
        (dict.fromkeys(GOOD_COUNTS, 0.0), "unknown"),
        ({"nFailed": NAN}, "unknown"),
    ],
)
def test_no_failure_is_good_if_all_were_tested(counts, expected):
    records = makeRecords(values=GOOD_COUNTS | counts)
    assert readColumn(records, "passed")["nFailed"] == expected


def test_amplifiers_that_a_camera_has_may_not_be_missing():
    detectors = {("LSSTCam", 94): DetectorName(nAmps=17)}
    records = makeRecords(values=GOOD_COUNTS)
    assert readColumn(records, "passed", detectors=detectors)["nFailed"] == "unknown"


@pytest.mark.parametrize("metric", ["biasFailures", "biasAmpCorner"])
def test_what_is_not_tested_has_no_verdict(metric):
    records = makeRecords(metric, values=GOOD_COUNTS | {"quantityMax": 0.1})
    assert set(readColumn(records, "passed").values()) == {None}
    assert set(readColumn(records, "threshold").values()) == {None}


def test_a_value_in_another_unit_is_not_judged():
    records = makeRecords(values={"quantityMax": 0.1, "nValid": 1.0}, units={"quantityMax": "adu"})
    assert readColumn(records, "passed")["quantityMax"] is None


def test_vendors_have_the_limits_of_their_test():
    records = makeRecords("biasNoiseE2V", values={"quantityMax": 0.1, "nValid": 1.0})
    assert readColumn(records, "passed")["quantityMax"] == "failed"


@pytest.mark.parametrize(
    ("exposure", "detector", "level"),
    [(1, 0, "detector"), (1, None, "exposure"), (None, 0, "runDetector"), (None, None, "run")],
)
def test_the_level_follows_from_the_data_id(exposure, detector, level):
    records = makeRecords(values={"nAmps": 1.0}, exposure=exposure, detector=detector)
    assert readColumn(records, "level")["nAmps"] == level


def test_units_are_those_of_the_catalogue_where_none_are_stored():
    records = makeRecords(values={"median": 1.0, "nValid": 1.0}, units={"nValid": "ct"})
    assert readColumn(records, "unit") == {"median": "electron", "nValid": "ct"}


def test_the_unit_of_an_unknown_metric_is_not_known():
    table = makeTrendTable([makeRecords("other", values={"mean": 1.0, "nThings": 1.0})])
    assert table["unit"].to_pylist() == [None, ""]


def test_counts_judge_measurements_that_are_asked_for_alone():
    records = makeRecords(values=GOOD_COUNTS)
    assert readColumn(records, "passed", measurements=["nFailed"]) == {"nFailed": "good"}


def test_detectors_of_several_instruments_are_told_apart():
    detectors = {
        ("LSSTCam", 94): DetectorName(name="R22_S11", raft="R22", physicalType="E2V"),
        ("LATISS", 0): DetectorName(name="RXX_S00"),
    }
    records = [
        makeRecords(values={"nAmps": 1.0}),
        makeRecords(values={"nAmps": 1.0}, detector=0, instrument="LATISS"),
        makeRecords(values={"nAmps": 1.0}, detector=0, instrument=None),
    ]
    table = makeTrendTable(records, detectors=detectors)
    assert table["detectorName"].to_pylist() == [None, "RXX_S00", "R22_S11"]
    assert table["physicalType"].to_pylist() == [None, None, "E2V"]


def test_input_is_not_changed():
    values = {"median": np.array([0.0]), "nValid": np.array([0.0])}
    makeTrendTable([makeRecords(values=values)])
    assert values["median"][0] == 0.0


def test_rows_are_sorted():
    """By topic, measurement, instrument, filter, detector, time, exposure and run, whatever comes first."""
    parts = [
        makeRecords(topic="b_b", values={"min": [1.0, 2.0]}, detector=[1, None]),
        makeRecords(topic="a_a", values={"min": [3.0, 4.0, 5.0]}, mjd=[2.0, 1.0, None], run=["x", "z", "y"]),
        makeRecords(topic="a_a", values={"max": [6.0, 7.0], "min": [8.0, 9.0]}, physical_filter=["r", "g"]),
        makeRecords(topic="a_a", values={"min": [10.0, 11.0]}, run=["b", "a"]),
    ]
    expected = [7.0, 6.0, 4.0, 3.0, 11.0, 10.0, 5.0, 9.0, 8.0, 2.0, 1.0]
    assert makeTrendTable(parts)["value"].to_pylist() == expected


def test_a_table_of_no_records_has_all_columns():
    assert makeTrendTable([]).schema.equals(TREND_SCHEMA, check_metadata=True)
    assert len(makeTrendTable([makeRecords(values={"min": []})])) == 0


def test_a_table_names_its_sources_and_what_was_not_read():
    table = makeTrendTable([], sources=["u/run"], unread={"name": "reason"})
    assert table.schema.metadata[b"sources"] == b'["u/run"]'
    assert unreadDatasets(table) == {"name": "reason"}


def test_wrong_keys_are_refused():
    keys = makeRecords(values={"min": 1.0}).keys
    with pytest.raises(TrendTableError, match="keys of t have the columns"):
        Records(topic="t", metric="m", keys=keys.drop_columns(["run"]), values={})
    with pytest.raises(TrendTableError, match="t has 1 keys, but 2 values"):
        Records(topic="t", metric="m", keys=keys, values={"min": np.zeros(2)})
