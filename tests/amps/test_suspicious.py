# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Values that are too low to be plausible, whatever the verdict."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lsst.analysis.cp.core.amps import (
    ampSummaryTable,
    culpritsTable,
    detectorSummaryTable,
    runCountsTable,
    summarize,
)

DEAD = 33


@pytest.fixture
def dead(passing):
    """Make a table in which all pass, as does a dead amplifier, whose noises are 0 or near."""
    for name in ("BIAS_NOISE", "BIAS_READ_NOISE_ADU"):
        passing[name] = np.where(np.arange(108) == DEAD, 0.0, 5.0)
    passing["BIAS_CR_NOISE"] = np.where(np.arange(108) == DEAD, 0.1, 5.0)
    return passing


@pytest.mark.parametrize(
    ("factor", "suspicious"),
    [(-1.0, True), (0.0, True), (0.1, True), (0.19, True), (0.21, False), (1.0, False), (np.inf, False)],
)
def test_noise_is_compared_with_a_fifth_of_the_read_noise(passing, read, bias, layout, factor, suspicious):
    noise = layout.ampReadNoise[read(passing).ampIndex]
    gain = layout.ampGain[read(passing).ampIndex]
    passing["BIAS_NOISE"], passing["BIAS_READ_NOISE_ADU"] = factor * noise, factor * noise / gain
    table = read(passing)
    assert set(table.suspicious(bias["NOISE"])) == {suspicious}
    assert set(table.suspicious(bias["READ_NOISE_CONSISTENT"])) == {suspicious}


def test_unknown_value_is_not_suspicious(passing, read, bias):
    passing["BIAS_NOISE"] = np.full(108, np.nan)
    assert not read(passing).suspicious(bias["NOISE"]).any()


@pytest.mark.parametrize("key", ["MEAN", "AMP_CORNER", "SUCCESS"])
def test_every_value_of_other_statistics_is_plausible(dead, read, bias, key):
    dead["BIAS_MEAN"] = dead["BIAS_AMP_CORNER"] = np.full(108, -3.0)
    assert_array_equal(read(dead).suspicious(bias[key]), np.zeros(108, bool))


def test_verdict_is_unchanged(dead, read, bias):
    table = read(dead)
    assert_array_equal(table.status(bias["NOISE"]), np.ones(108))
    assert set(detectorSummaryTable(summarize(table, "runDetector"))["status"]) == {"good"}


def test_tables_mark_and_count_it(dead, read):
    table = read(dead)
    amps = ampSummaryTable(table)
    for key in ("NOISE", "CR_NOISE", "READ_NOISE_CONSISTENT"):
        assert np.flatnonzero(amps[f"{key}_suspicious"]).tolist() == [DEAD]
        assert amps[f"{key}_status"][DEAD] == "good"
    assert "MEAN_suspicious" not in amps.colnames
    detectors = detectorSummaryTable(summarize(table, "detector"))
    own = (detectors["exposure"] == dead["exposure"][DEAD]) & (
        detectors["detector"] == dead["detector"][DEAD]
    )
    assert_array_equal(detectors["NOISE_nSuspicious"], own)
    run = runCountsTable(table)
    own = (run["detector"] == dead["detector"][DEAD]) & (run["amplifier"] == dead["amplifier"][DEAD])
    assert_array_equal(run["NOISE_nSuspicious"], own)
    assert run["NOISE_nFailed"].sum() == 0


def test_culprits_say_why(dead, read):
    dead["BIAS_CR_NOISE"] = np.full(108, 5.0)
    dead["BIAS_READ_NOISE_ADU"] = np.full(108, 0.1)
    table = culpritsTable(read(dead))
    assert set(table["status"]) == {"suspicious"}
    (row,) = table[table["test"] == "NOISE"]
    assert (row["amplifier"], row["quantity"]) == (dead["amplifier"][DEAD], -1.0)
    assert row["reason"] == "NOISE is 0, too low to be plausible: not above 0"
    others = table[table["test"] == "READ_NOISE_CONSISTENT"]
    assert len(others) == 108
    assert set(others["reason"]) == {"READ_NOISE_ADU is 0.1, too low to be plausible: not above 0.2*RN/GAIN"}


@pytest.mark.parametrize(("flag", "status"), [(False, "failed"), (None, "unknown")])
def test_culprit_with_a_worse_status_is_listed_once(dead, read, flag, status):
    dead["BIAS_VERIFY_NOISE"] = np.where(np.arange(108) == DEAD, flag, True).astype(object)
    table = culpritsTable(read(dead))
    assert table["status"][table["test"] == "NOISE"].tolist() == [status]


def test_sum_of_the_tests_is_listed_beside_a_suspicious_one(dead, read):
    dead["BIAS_VERIFY_SUCCESS"] = np.arange(108) != DEAD
    table = culpritsTable(read(dead))
    assert table["test"][table["status"] == "failed"].tolist() == ["SUCCESS"]
