# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from astropy.table import Table

from lsst.analysis.cp.metrics import (
    TREND_SCHEMA,
    TrendTableError,
    fromTable,
    splitByMetric,
    toStored,
    toTable,
    unreadDatasets,
)
from lsst.daf.butler.formatters.parquet import arrow_to_astropy, astropy_to_arrow

N = 4
LARGE = 2**53 + 1


@pytest.fixture
def columns():
    """Make rows that lack one thing or another."""
    return {
        "topic": ["cpB_b", "cpB_b", "cpA_a", "cpA_a"],
        "metric": ["b", "b", "a", "a"],
        "measurement": ["min", "max", "min", "max"],
        "value": [1 / 3, np.nan, 0.0, 1e-300],
        "unit": ["electron", "", None, "adu"],
        "nValid": [16, 0, None, 3],
        "level": ["detector"] * N,
        "instrument": ["LSSTCam"] * N,
        "detector": [0, 94, None, 204],
        "detectorName": ["R01_S00", None, None, "R44_SW1"],
        "raft": ["R01", None, None, "R44"],
        "physicalType": ["ITL", None, None, "ITL_WF"],
        "exposure": [2026010100001, LARGE, None, None],
        "day_obs": [20260101, 20260101, None, None],
        "physical_filter": [None] * N,
        "mjd": [61042.1, 61042.2, None, 61042.0],
        "time_source": ["exposure", "exposure", "night", "run"],
        "run": ["u/run"] * N,
        "threshold": [0.05, None, None, 0.0],
        "passed": ["good", None, "unknown", "failed"],
    }


@pytest.fixture
def table(columns):
    # One line of a file, however long.
    inputs = {f"{i:032x}": [2026030100000 + i, "u/run"] for i in range(1000)} | {"none": [None, "u/run"]}
    metadata = {
        "sources": '["u/run"]',
        "unread": '{"a b": "lost"}',
        "inputs": json.dumps(inputs, separators=(",", ":")),
    }
    return pa.Table.from_pydict(columns, schema=TREND_SCHEMA.with_metadata(metadata))


def store(table, path):
    """Write and read a table as the Butler does with ArrowAstropy."""
    pyarrow.parquet.write_table(astropy_to_arrow(table), path)
    return arrow_to_astropy(pyarrow.parquet.read_table(path))


def assertEqual(first, second):
    assert first.schema.equals(second.schema, check_metadata=True)
    assert len(first) == len(second)
    for name in first.column_names:
        np.testing.assert_array_equal(first[name].to_pylist(), second[name].to_pylist(), name)


def test_storing_loses_nothing(table, tmp_path):
    assertEqual(fromTable(store(toTable(table), tmp_path / "t")), table)


def test_an_empty_table_is_stored(tmp_path):
    empty = TREND_SCHEMA.empty_table()
    assertEqual(fromTable(store(toTable(empty), tmp_path / "t")), empty)


def test_chosen_rows_are_stored(table, tmp_path):
    """Parts of tables whose names have other codes make one, too."""
    parts = pa.concat_tables([table.slice(2), table.slice(0, 2)]).unify_dictionaries()
    rows = fromTable(store(toTable(parts), tmp_path / "t"))
    assertEqual(rows.take([2, 3, 0, 1]), table)


def test_what_is_absent_is_masked(table):
    converted = toTable(table)
    assert converted["detector"].mask.tolist() == [False, False, True, False]
    assert converted["threshold"].mask.tolist() == [False, True, True, False]
    assert converted["unit"].mask.tolist() == [False, False, True, False]
    assert converted["physical_filter"].mask.all()


def test_integers_stay_integers(table):
    assert toTable(table)["exposure"][1] == LARGE


def test_an_invalid_value_is_nan_and_not_masked(table):
    assert not hasattr(toTable(table)["value"], "mask")
    assert np.isnan(toTable(table)["value"][1])


def test_columns_have_units_and_descriptions(table):
    converted = toTable(table)
    assert converted["mjd"].unit == "d"
    assert converted["value"].unit is None
    assert all(converted[field.name].description for field in TREND_SCHEMA)


def test_a_table_says_where_it_is_from(table, tmp_path):
    assert store(toTable(table), tmp_path / "t").meta["sources"] == ["u/run"]
    assert unreadDatasets(table) == {"a b": "lost"}
    assert unreadDatasets(TREND_SCHEMA.empty_table()) == {}


def test_some_columns_are_converted(table):
    assert toTable(table.select(["run", "value"])).colnames == ["run", "value"]


def test_columns_of_others_are_converted():
    """The result of a computation has no units and no descriptions."""
    converted = toTable(pa.table({"metric": ["a"], "value_mean": [1.5]}))
    assert (converted["metric"][0], converted["value_mean"][0]) == ("a", 1.5)


@pytest.mark.parametrize(
    ("name", "column", "message"),
    [
        ("run", np.ma.MaskedArray(list("abcd"), [0, 0, 1, 0]), "'run' has no value in row 2"),
        ("level", ["amp"] * N, "'level' holds 'amp', expected one of detector, runDetector"),
        ("passed", ["bad"] * N, "'passed' holds 'bad', expected one of good, failed, unknown"),
        ("time_source", ["x"] * N, "'time_source' holds 'x', expected one of exposure, visit"),
        ("value", ["a"] * N, "column 'value' has type <U1, expected numbers"),
        ("detector", [0.5] * N, "column 'detector' holds a number that is not whole"),
    ],
)
def test_wrong_columns_are_refused(table, name, column, message):
    converted = toTable(table)
    converted[name] = column
    with pytest.raises(TrendTableError, match=message):
        fromTable(converted)


def test_a_table_that_lacks_columns_is_refused(table):
    converted = toTable(table)
    converted.remove_columns(["mjd", "run"])
    with pytest.raises(TrendTableError, match="lacks column.s. mjd, run; it has topic, metric"):
        fromTable(converted)


def test_tables_of_others_are_read():
    """A table without masks and with wider types is one, too."""
    names = {"level": "detector", "time_source": "run", "passed": "good"}
    columns = {
        field.name: [names.get(field.name, "x") if pa.types.is_dictionary(field.type) else 1]
        for field in TREND_SCHEMA
    }
    columns |= {"passed": np.array(["good"], dtype=object), "more": [1]}
    (row,) = fromTable(Table(columns)).to_pylist()
    assert (row["value"], row["detector"], row["passed"]) == (1.0, 1, "good")


def storeStored(table, path):
    """Write and read a table as the Butler does with what is no astropy table."""
    pyarrow.parquet.write_table(toStored(table, {"LSST.BUTLER.ID": "some"}), path)
    return arrow_to_astropy(pyarrow.parquet.read_table(path))


@pytest.mark.parametrize("parts", [1, 2, 4, 0])
def test_what_is_stored_directly_is_what_is_stored_of_an_astropy_table(table, tmp_path, parts):
    """In however many chunks, which may share their memory."""
    chunks = [table.slice(i * N // parts, N // parts) for i in range(parts)]
    table = pa.concat_tables([*chunks, *chunks, table.schema.empty_table()])
    expected, found = store(toTable(table), tmp_path / "a"), storeStored(table, tmp_path / "b")
    assert found.meta.pop("LSST.BUTLER.ID") == "some"
    assert found.meta == expected.meta
    for name in expected.colnames:
        assert found[name].dtype == expected[name].dtype, name
        assert (found[name].unit, found[name].description) == (
            expected[name].unit,
            expected[name].description,
        )
        np.testing.assert_array_equal(found[name], expected[name])
        np.testing.assert_array_equal(
            np.ma.getmaskarray(found[name]), np.ma.getmaskarray(expected[name]), name
        )
    assertEqual(fromTable(found), table.combine_chunks())


def test_rows_of_a_metric_are_those_of_all_its_topics(table):
    (names, rows) = zip(*splitByMetric(table).items(), strict=True)
    assert names == ("b", "a")
    assert [each["measurement"].to_pylist() for each in rows] == [["min", "max"]] * 2
    twice = splitByMetric(pa.concat_tables([table, table]))
    assert twice["a"]["value"].to_pylist() == [0.0, 1e-300] * 2
    assert splitByMetric(TREND_SCHEMA.empty_table()) == {}
