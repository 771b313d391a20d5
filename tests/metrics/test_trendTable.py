# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from dataclasses import fields, replace

import numpy as np
import pyarrow.parquet
import pytest
from astropy.table import Table

from lsst.analysis.cp.metrics import TREND_SCHEMA, Labels, TrendTable, TrendTableError
from lsst.daf.butler.formatters.parquet import arrow_to_astropy, astropy_to_arrow

N = 4


@pytest.fixture
def table():
    """Make rows that lack one thing or another."""
    return TrendTable(
        topic=Labels.fromValues(["cpB_b", "cpB_b", "cpA_a", "cpA_a"]),
        metric=Labels.fromValues(["b", "b", "a", "a"]),
        measurement=Labels.fromValues(["min", "max", "min", "max"]),
        value=np.array([1 / 3, np.nan, 0.0, 1e-300]),
        unit=Labels.fromValues(["electron", "", None, "adu"]),
        nValid=np.array([16, 0, -1, 3]),
        level=Labels.constant("detector", N),
        instrument=Labels.constant("LSSTCam", N),
        detector=np.array([0, 94, -1, 204]),
        detectorName=Labels.fromValues(["R01_S00", None, None, "R44_SW1"]),
        raft=Labels.fromValues(["R01", None, None, "R44"]),
        physicalType=Labels.fromValues(["ITL", None, None, "ITL_WF"]),
        exposure=np.array([2026010100001, 2026010100002, -1, -1]),
        day_obs=np.array([20260101, 20260101, -1, -1]),
        physical_filter=Labels.constant(None, N),
        mjd=np.array([61042.1, 61042.2, np.nan, 61042.0]),
        run=Labels.constant("u/run", N),
        threshold=np.array([0.05, np.nan, np.nan, 0.0]),
        passed=Labels.fromValues(["good", None, "unknown", "failed"]),
    )


def listColumns(table):
    return {
        name: (column.values.tolist(), column.present.tolist()) if isinstance(column, Labels) else column
        for name, column in table.columns().items()
    }


def assertEqual(first, second):
    for name, column in listColumns(first).items():
        np.testing.assert_array_equal(column, listColumns(second)[name], name)


def store(table, path):
    """Write and read a table as the Butler does with ArrowAstropy."""
    pyarrow.parquet.write_table(astropy_to_arrow(table), path)
    return arrow_to_astropy(pyarrow.parquet.read_table(path))


def test_every_column_is_declared():
    assert [field.name for field in fields(TrendTable)] == [column.name for column in TREND_SCHEMA]


def test_storing_loses_nothing(table, tmp_path):
    assertEqual(TrendTable.fromTable(store(table.toTable(), tmp_path / "t")), table)


def test_an_empty_table_is_stored(tmp_path):
    empty = TrendTable.concatenate([])
    assert len(TrendTable.fromTable(store(empty.toTable(), tmp_path / "t"))) == 0


def test_what_is_absent_is_masked(table):
    converted = table.toTable()
    assert converted["detector"].mask.tolist() == [False, False, True, False]
    assert converted["threshold"].mask.tolist() == [False, True, True, False]
    assert converted["unit"].mask.tolist() == [False, False, True, False]
    assert converted["physical_filter"].mask.all()


def test_an_invalid_value_is_nan_and_not_masked(table):
    assert not hasattr(table.toTable()["value"], "mask")
    assert np.isnan(table.toTable()["value"][1])


def test_columns_have_units_and_descriptions(table):
    converted = table.toTable()
    assert converted["mjd"].unit == "d"
    assert all(converted[column.name].description == column.description for column in TREND_SCHEMA)


def test_joined_tables_keep_their_rows(table):
    joined = TrendTable.concatenate([table.select(np.array([2, 3])), table.select(np.array([0, 1]))])
    assertEqual(joined.select(np.array([2, 3, 0, 1])), table)


def test_a_table_shows_its_size(table):
    assert repr(table) == "TrendTable(4 values of 2 topics)"


def test_rows_are_chosen_by_a_mask(table):
    assert table.select(table.detector >= 0).value.tolist()[0] == 1 / 3
    assert len(table.select(table.detector >= 0)) == 3


def test_rows_are_sorted_by_topic_and_measurement(table):
    ordered = table.sort()
    assert ordered.topic.values.tolist() == ["cpA_a", "cpA_a", "cpB_b", "cpB_b"]
    assert ordered.measurement.values.tolist() == ["max", "min", "max", "min"]


def test_arrays_cannot_be_changed(table):
    with pytest.raises(ValueError, match="read-only"):
        table.value[0] = 0.0
    with pytest.raises(ValueError, match="read-only"):
        table.topic.codes[0] = 0


def test_arrays_of_the_caller_can(table):
    value = np.zeros(N)
    replace(table, value=value)
    value[0] = 1.0


@pytest.mark.parametrize(
    ("name", "column", "message"),
    [
        ("value", np.zeros(3), r"'value' has 3 rows, but 'topic' has 4"),
        ("value", np.zeros(N, np.float32), r"'value' has shape \(4,\) and type float32, expected .* float64"),
        ("detector", np.zeros((N, 1), int), r"'detector' has shape \(4, 1\)"),
        ("run", Labels.fromValues(["a", "b", None, "c"]), "'run' has no value in row 2"),
        ("level", Labels.constant("amp", N), "'level' holds 'amp', expected one of detector, runDetector"),
        ("passed", Labels.constant("bad", N), "'passed' holds 'bad', expected one of good, failed, unknown"),
    ],
)
def test_wrong_columns_are_refused(table, name, column, message):
    with pytest.raises(TrendTableError, match=message):
        replace(table, **{name: column})


def test_a_table_that_lacks_columns_is_refused(table):
    converted = table.toTable()
    converted.remove_columns(["mjd", "run"])
    with pytest.raises(TrendTableError, match="lacks column.s. mjd, run; it has topic, metric"):
        TrendTable.fromTable(converted)


def test_a_table_with_a_column_of_another_kind_is_refused(table):
    converted = table.toTable()
    converted["value"] = ["a"] * N
    with pytest.raises(TrendTableError, match="column 'value' has type <U1, expected numbers"):
        TrendTable.fromTable(converted)


def test_labels_of_arrays_and_values_are_the_same():
    first = Labels.fromValues(["b", None, "a", "b"])
    second = Labels.fromArray(np.array(["b", "x", "a", "b"]), np.array([True, False, True, True]))
    assert first.values.tolist() == second.values.tolist() == ["b", "", "a", "b"]
    assert first.present.tolist() == second.present.tolist() == [True, False, True, True]


def test_joined_labels_share_their_names():
    joined = Labels.concatenate([Labels.fromValues(["a", "b"]), Labels.fromValues(["b", None, "c"])])
    assert joined.values.tolist() == ["a", "b", "b", "", "c"]
    assert joined.names == ("a", "b", "c")


def test_labels_are_ranked_by_name():
    assert Labels.fromValues(["b", None, "a", "c"]).ranks.tolist() == [1, -1, 0, 2]


def test_rows_with_a_name_are_found():
    labels = Labels.fromValues(["b", None, "a", "b"])
    assert labels.isName("b", "x").tolist() == [True, False, False, True]


@pytest.mark.parametrize(
    ("codes", "names", "message"),
    [
        ([0, 2], ("a", "b"), "codes from 0 to 2 for 2 names"),
        ([-2], ("a",), "codes from -2 to -2 for 1 names"),
        ([0], ("a", "a"), "names are given twice"),
        ([0.5], ("a",), "expected integers"),
    ],
)
def test_wrong_labels_are_refused(codes, names, message):
    with pytest.raises(ValueError, match=message):
        Labels(np.array(codes), names)


def test_tables_of_others_are_read():
    """A table without masks and with wider types is one, too."""
    columns = {column.name: ["detector" if column.name == "level" else "x"] for column in TREND_SCHEMA}
    columns |= {column.name: [1] for column in TREND_SCHEMA if column.kind != "label"}
    columns |= {"passed": np.array(["good"], dtype=object), "more": [1]}
    table = TrendTable.fromTable(Table(columns))
    assert (table.value[0], table.detector[0], table.passed.values[0]) == (1.0, 1, "good")
