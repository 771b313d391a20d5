# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from lsst.analysis.cp.catalogue import LEVELS
from lsst.analysis.cp.core.amps import ReferenceValues, culpritsTable, summarize

SEEDS = st.integers(0, 2**32 - 1)
quick = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def allNumbers(summary):
    """Put all measurements of all tests side by side, shape (nGroups, nMeasurements)."""
    return np.column_stack([v for key in summary.tests for v in summary.values(key).values()])


def summaries(table):
    return {level: summarize(table, level) for level in LEVELS}


def assertEqual(one, other):
    """Check that two tables of results have the same summaries at all levels."""
    for level in LEVELS:
        before, after = (summarize(table, level) for table in (one, other))
        assert_array_equal(allNumbers(before), allNumbers(after))
        for name in ("status", "complete", "present", "exposure", "detectorIndex"):
            assert_array_equal(getattr(before, name), getattr(after, name))


@quick
@given(seed=SEEDS)
def test_order_of_rows_does_not_matter(makeColumns, read, seed):
    columns = makeColumns(seed=seed)
    order = np.random.default_rng(seed).permutation(len(columns["exposure"]))
    shuffled = {name: values[order] for name, values in columns.items()}
    assertEqual(read(columns), read(shuffled))
    culprits = [culpritsTable(read(data)) for data in (columns, shuffled)]
    for name in culprits[0].colnames:
        assert_array_equal(culprits[0][name], culprits[1][name])


@quick
@given(seed=SEEDS)
def test_rows_of_other_levels_do_not_matter(makeColumns, read, seed):
    columns = makeColumns(seed=seed)
    rng = np.random.default_rng(seed)
    extra = {name: rng.choice(values, 7) for name, values in columns.items()}
    extra["amplifier"] = np.full(7, "")
    order = rng.permutation(len(columns["exposure"]) + 7)
    mixed = {name: np.concatenate([columns[name], extra[name]])[order] for name in columns}
    assertEqual(read(columns), read(mixed))


@quick
@given(seed=SEEDS)
def test_nan_counts_as_no_value(makeColumns, read, seed):
    columns = makeColumns(seed=seed)
    noise = columns["BIAS_AMP_CORNER"].copy()
    spoiled = np.random.default_rng(seed).random(len(noise)) < 0.3
    columns["BIAS_AMP_CORNER"] = np.where(spoiled, np.nan, noise)
    masked = {**columns, "BIAS_AMP_CORNER": np.ma.masked_array(noise, mask=spoiled)}
    assertEqual(read(columns), read(masked))
    for summary in summaries(read(columns)).values():
        assert summary.tests["AMP_CORNER"].values["nValid"].sum() <= summary.nAmps.sum()


@quick
@given(seed=SEEDS, split=st.integers(1, 3))
def test_exposures_are_reduced_apart(makeColumns, read, seed, split):
    columns = makeColumns(exposures=range(4), seed=seed)
    first = columns["exposure"] < split
    parts = [{n: v[own] for n, v in columns.items()} for own in (first, ~first)]
    for level in ("detector", "exposure"):
        whole = summarize(read(columns), level)
        halves = [summarize(read(part), level) for part in parts]
        assert_array_equal(allNumbers(whole), np.vstack([allNumbers(half) for half in halves]))
        assert_array_equal(whole.status, np.concatenate([half.status for half in halves]))


@quick
@given(seed=SEEDS)
def test_detectors_are_reduced_apart(makeColumns, read, layout, seed):
    columns = makeColumns(seed=seed)
    rng = np.random.default_rng(seed)
    kept = rng.random(len(columns["exposure"])) < 0.9
    columns = {name: values[kept] for name, values in columns.items()}
    first = np.sort(rng.choice(layout.detectorId, 2, replace=False))
    expected = [101, 102, 103]
    for level in ("detector", "runDetector"):
        whole = summarize(read(columns, exposures=expected), level)
        for ids in (first, np.setdiff1d(layout.detectorId, first)):
            own = np.isin(columns["detector"], ids)
            part = summarize(read({n: v[own] for n, v in columns.items()}, exposures=expected), level)
            groups = np.isin(layout.detectorId[whole.detectorIndex], ids)
            assert_array_equal(allNumbers(whole)[groups], allNumbers(part)[groups])
            assert_array_equal(whole.status[groups], part.status[groups])
            assert not part.nAmps[~groups].any()


@quick
@given(seed=SEEDS)
def test_extremes_and_counts_of_a_run_are_those_of_its_parts(makeColumns, read, seed):
    table = read(makeColumns(seed=seed))
    made = summaries(table)
    for level, part in made.items():
        of_science = np.ones(len(part), bool)
        if part.level.byDetector:
            of_science = (table.layout.detectorType == "SCIENCE")[part.detectorIndex]
        for key, reduced in part.tests.items():
            own, run = reduced.values, made["run"].tests[key].values
            for name, combine in (
                *(("min", np.min), ("quantityMin", np.min), ("max", np.max), ("quantityMax", np.max)),
                *(("nValid", np.sum), ("nTested", np.sum), ("nFailed", np.sum)),
            ):
                assert (name in own) == (name in run)
                if name in own:
                    assert run[name][0] == combine(own[name][of_science]), level


@quick
@given(seed=SEEDS, factor=st.sampled_from([0.25, 2.0, 1024.0]))
def test_a_change_of_gain_scales_statistics_and_leaves_quantities(makeColumns, read, layout, seed, factor):
    columns = makeColumns(seed=seed)
    scaled = {
        n: v * factor if n in ("BIAS_MEAN", "BIAS_NOISE", "BIAS_CR_NOISE") else v for n, v in columns.items()
    }
    reference = ReferenceValues(
        detector=layout.detectorId[layout.ampDetector],
        amplifier=layout.ampName,
        readNoise=layout.ampReadNoise * factor,
        gain=layout.ampGain * factor,
    )
    one, other = summaries(read(columns)), summaries(read(scaled, reference=reference))
    for level in LEVELS:
        before, after = ({k: t.values for k, t in made[level].tests.items()} for made in (one, other))
        for key in ("MEAN", "NOISE", "CR_NOISE"):
            assert_allclose(after[key]["median"], factor * before[key]["median"])
        for key in ("MEAN", "NOISE", "CR_NOISE", "READ_NOISE_CONSISTENT"):
            for name in ("quantityMin", "quantityMedian", "quantityMax"):
                assert_allclose(after[key][name], before[key][name], rtol=1e-12)


@pytest.mark.parametrize("value", [0.0, -3.5])
def test_equal_values_have_one_statistic(columns, read, value):
    columns["BIAS_AMP_CORNER"] = np.full(108, value)
    for summary in summaries(read(columns)).values():
        corner = summary.tests["AMP_CORNER"].values
        assert {v for name in ("min", "median", "max") for v in corner[name].tolist()} == {value}
