# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from dataclasses import replace

import astropy.units as u
import numpy as np
import pytest
from astropy.table import MaskedColumn, Table

from lsst.analysis.cp.core.amps import AmpTable, ReferenceValues, culpritsTable


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
        "value": passing["BIAS_NOISE"][row],
        "unit": "electron",
        "readNoise": amp_table.layout.ampReadNoise[amp_table.ampIndex[row]],
        "readNoiseSource": "camera",
        "quantity": amp_table.quantity(bias["NOISE"])[row],
        "operator": "<=",
        "threshold": 0.05,
        "quantityUnit": "",
        "status": "failed",
        "reason": found["reason"],
    }
    assert table["readNoise"].unit == u.electron


@pytest.mark.parametrize(
    ("noise", "reason"),
    [
        (6.0, "failed: (NOISE - RN)/RN is 0.2, limit <= 0.05"),
        (4.0, "failed by cp_verify, but (NOISE - RN)/RN is -0.2, limit <= 0.05"),
    ],
)
def test_failure_is_compared_with_its_limit(passing, layout, bias, noise, reason):
    passing["BIAS_VERIFY_NOISE"] = np.arange(108) != 33
    passing["BIAS_NOISE"] = np.full(108, noise)
    table = culpritsTable(AmpTable.fromColumns(passing, bias, replace(layout, ampReadNoise=np.full(36, 5.0))))
    assert table["reason"].tolist() == [reason]


@pytest.mark.parametrize(
    ("flag", "value", "status", "reason"),
    [
        (False, np.nan, "failed", "failed; NOISE has no value (NaN or masked)"),
        (True, np.nan, "unknown", "passed by cp_verify, but NOISE has no value (NaN or masked)"),
        (True, np.inf, "unknown", "passed by cp_verify, but NOISE is infinite"),
        (None, 5.0, "unknown", "no verdict in BIAS_VERIFY_NOISE (masked or absent)"),
        (
            *(None, np.nan, "unknown"),
            "no verdict in BIAS_VERIFY_NOISE (masked or absent); NOISE has no value (NaN or masked)",
        ),
    ],
)
def test_reason(passing, read, flag, value, status, reason):
    row = 33
    passing["BIAS_VERIFY_NOISE"] = np.where(np.arange(108) == row, flag, True).astype(object)
    passing["BIAS_NOISE"] = np.where(np.arange(108) == row, value, passing["BIAS_NOISE"])
    table = culpritsTable(read(passing))
    own = table[table["test"] == "NOISE"]
    assert rowsOf(own, "status", "reason") == [(status, reason)]


@pytest.mark.parametrize("source", ["camera", "header"])
def test_missing_reference_is_the_reason(passing, layout, bias, source):
    nothing = replace(layout, ampReadNoise=np.zeros(36))
    reference = ReferenceValues(
        detector=np.array([5]), amplifier=np.array(["C00"]), readNoise=np.zeros(1), gain=np.ones(1)
    )
    chosen = {"camera": (nothing, None), "header": (layout, reference)}[source]
    table = culpritsTable(AmpTable.fromColumns(passing, bias, chosen[0], reference=chosen[1]))
    own = table[(table["test"] == "NOISE") & (table["detector"] == 5) & (table["amplifier"] == "C00")]
    expected = ("unknown", f"passed by cp_verify, but the read noise of the {source} is no positive number")
    assert rowsOf(own, "status", "reason") == [expected] * 3
    assert np.isnan(own["readNoise"]).all()
    assert np.isfinite(own["value"]).all()


def test_missing_gain_and_values_of_other_statistics_are_the_reason(passing, layout, bias):
    passing["BIAS_CR_NOISE"] = np.where(np.arange(108) == 33, np.nan, 5.0)
    passing["BIAS_MEAN"] = passing["BIAS_NOISE"] = np.where(np.arange(108) == 34, 0.0, 5.0)
    table = culpritsTable(AmpTable.fromColumns(passing, bias, replace(layout, ampGain=np.zeros(36))))
    reasons = {key: set(table["reason"][table["test"] == key]) for key in table["test"]}
    assert reasons == {
        "CR_NOISE": {"passed by cp_verify, but CR_NOISE has no value (NaN or masked)"},
        "MEAN": {"passed by cp_verify, but abs(MEAN)/NOISE is no number"},
        "NOISE": {"NOISE is 0, too low to be plausible: not above 0"},
        "READ_NOISE_CONSISTENT": {"passed by cp_verify, but the gain is no positive number"},
    }


def test_missing_amplifiers_are_unknown_in_every_test_that_was_run(passing, read):
    del passing["BIAS_VERIFY_READ_NOISE_CONSISTENT"]
    kept = np.arange(108) != 33
    table = culpritsTable(read({name: values[kept] for name, values in passing.items()}))
    assert rowsOf(table, "test", "status", "reason") == [
        (key, "unknown", "no row in the table") for key in ("MEAN", "NOISE", "CR_NOISE")
    ]
    assert set(table["amplifier"]) == {passing["amplifier"][33]}
    assert np.isnan(table["value"]).all()
    assert set(table["readNoiseSource"]) == {""}
    assert table["threshold"].tolist() == [1.0, 0.05, 0.05]
    assert table["operator"].tolist() == ["<", "<=", "<="]


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
