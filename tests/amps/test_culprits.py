# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import numpy as np
import pytest
from astropy.table import MaskedColumn, Table

from lsst.analysis.cp.core.amps import culpritsTable


def rowsOf(table, *names):
    return [tuple(row) for row in table[list(names)].iterrows()]


def test_good_run_has_none(passing, read):
    table = culpritsTable(read(passing))
    assert len(table) == 0
    assert table["exposure"].dtype == np.int64
    assert table["test"].dtype.kind == table["status"].dtype.kind == "U"
    assert table["quantity"].dtype == table["threshold"].dtype == np.float64


def test_failure_is_listed_with_its_quantity_and_threshold(passing, read, bias):
    row = 33
    passing["BIAS_VERIFY_NOISE"] = np.arange(108) != row
    amp_table = read(passing)
    table = culpritsTable(amp_table)
    assert len(table) == 1
    found = dict(zip(table.colnames, table[0], strict=True))
    assert found == {
        "exposure": passing["exposure"][row],
        "detector": passing["detector"][row],
        "detectorName": amp_table.layout.detectorName[amp_table.rows["amplifier"].detectorIndex[row]],
        "amplifier": passing["amplifier"][row],
        "test": "NOISE",
        "section": "4.3",
        "quantity": amp_table.quantity(bias["NOISE"])[row],
        "threshold": 0.05,
        "status": "failed",
        "reason": "failed",
    }


@pytest.mark.parametrize(
    ("flag", "value", "status", "reason"),
    [
        (False, np.nan, "failed", "failed; NOISE is not finite"),
        (True, np.inf, "unknown", "NOISE is not finite"),
        (None, 5.0, "unknown", "not tested"),
        (None, np.nan, "unknown", "not tested"),
    ],
)
def test_reason(passing, read, flag, value, status, reason):
    row = 33
    passing["BIAS_VERIFY_NOISE"] = np.where(np.arange(108) == row, flag, True).astype(object)
    passing["BIAS_NOISE"] = np.where(np.arange(108) == row, value, passing["BIAS_NOISE"])
    table = culpritsTable(read(passing))
    assert rowsOf(table, "test", "status", "reason") == [("NOISE", status, reason)]


def test_missing_amplifiers_are_unknown_in_every_test_that_was_run(passing, read):
    del passing["BIAS_VERIFY_READ_NOISE_CONSISTENT"]
    kept = np.arange(108) != 33
    table = culpritsTable(read({name: values[kept] for name, values in passing.items()}))
    assert rowsOf(table, "test", "status", "reason") == [
        (key, "unknown", "no row in the table") for key in ("MEAN", "NOISE", "CR_NOISE")
    ]
    assert set(table["amplifier"]) == {passing["amplifier"][33]}


def test_sum_of_the_tests_is_listed_only_without_another(passing, read):
    passing["BIAS_VERIFY_SUCCESS"] = ~np.isin(np.arange(108), [10, 33])
    passing["BIAS_VERIFY_MEAN"] = np.arange(108) != 33
    table = culpritsTable(read(passing))
    assert sorted(table["test"]) == ["MEAN", "SUCCESS"]


def test_verdict_on_failure_only(passing, read):
    mask = np.arange(108) != 33
    passing["BIAS_VERIFY_PROCESSING"] = MaskedColumn(np.zeros(108, bool), mask=mask)
    assert rowsOf(culpritsTable(read(passing)), "test", "status") == [("PROCESSING", "failed")]


def test_every_failure_is_listed_once_and_in_order(columns, read, bias):
    columns["BIAS_VERIFY_SUCCESS"] = np.full(108, True)
    table = culpritsTable(read(columns))
    names = ("exposure", "detector", "amplifier")
    expected = {
        (*(columns[name][row].item() for name in names), test.key)
        for test in bias
        if test.verifyColumn is not None
        for row in np.flatnonzero(~columns[test.verifyColumn])
    }
    found = rowsOf(table, *names, "test")
    assert len(found) == len(expected)
    assert set(found) == expected
    detectors = [21, 5, 7, 30, 31]
    keys = [(e, detectors.index(d), a, bias.keys().index(k)) for e, d, a, k in found]
    assert keys == sorted(keys)


def test_empty_table_lists_all_that_is_missing(columns, read):
    table = culpritsTable(read({name: v[:0] for name, v in columns.items()}, exposures=[101]))
    assert len(table) == 36 * 4
    assert set(table["status"]) == {"unknown"}
    assert isinstance(table, Table)
