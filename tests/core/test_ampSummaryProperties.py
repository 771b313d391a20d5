# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from lsst.analysis.cp.core.amps import ReferenceValues, summarizeAmps, summarizeExposures, summarizeRun

SEEDS = st.integers(0, 2**32 - 1)
quick = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def allNumbers(summary):
    """Put all measurements of all tests side by side, shape (nSegments, nMeasurements)."""
    return np.column_stack([v.value for key in summary.tests for v in summary.measurements(key).values()])


def summaries(table):
    detectors = summarizeAmps(table)
    return [detectors, summarizeExposures(table, detectors), summarizeRun(table, detectors)]


@quick
@given(seed=SEEDS)
def test_order_of_rows_does_not_matter(makeColumns, read, seed):
    columns = makeColumns(seed=seed)
    order = np.random.default_rng(seed).permutation(len(columns["exposure"]))
    shuffled = {name: values[order] for name, values in columns.items()}
    for one, other in zip(summaries(read(columns)), summaries(read(shuffled)), strict=True):
        assert_array_equal(allNumbers(one), allNumbers(other))
        assert_array_equal(one.status, other.status)


@quick
@given(seed=SEEDS)
def test_rows_of_other_levels_do_not_matter(makeColumns, read, seed):
    columns = makeColumns(seed=seed)
    rng = np.random.default_rng(seed)
    extra = {name: rng.choice(values, 7) for name, values in columns.items()}
    extra["amplifier"] = np.full(7, "")
    order = rng.permutation(len(columns["exposure"]) + 7)
    mixed = {name: np.concatenate([columns[name], extra[name]])[order] for name in columns}
    for one, other in zip(summaries(read(columns)), summaries(read(mixed)), strict=True):
        assert_array_equal(allNumbers(one), allNumbers(other))


@quick
@given(seed=SEEDS)
def test_nan_counts_as_no_value(makeColumns, read, seed):
    columns = makeColumns(seed=seed)
    noise = columns["BIAS_AMP_CORNER"].copy()
    spoiled = np.random.default_rng(seed).random(len(noise)) < 0.3
    columns["BIAS_AMP_CORNER"] = np.where(spoiled, np.nan, noise)
    masked = {**columns, "BIAS_AMP_CORNER": np.ma.masked_array(noise, mask=spoiled)}
    for one, other in zip(summaries(read(columns)), summaries(read(masked)), strict=True):
        assert_array_equal(allNumbers(one), allNumbers(other))
        assert one.tests["AMP_CORNER"].statistic.nValid.sum() <= one.nAmps.sum()


@quick
@given(seed=SEEDS, split=st.integers(1, 3))
def test_exposures_are_reduced_apart(makeColumns, read, seed, split):
    columns = makeColumns(exposures=range(4), seed=seed)
    first = columns["exposure"] < split
    parts = [{n: v[own] for n, v in columns.items()} for own in (first, ~first)]
    for level in (0, 1):
        whole = summaries(read(columns))[level]
        halves = [summaries(read(part))[level] for part in parts]
        assert_array_equal(allNumbers(whole), np.vstack([allNumbers(half) for half in halves]))
        assert_array_equal(whole.status, np.concatenate([half.status for half in halves]))


@quick
@given(seed=SEEDS)
def test_extremes_and_counts_of_a_run_are_those_of_its_detectors(makeColumns, read, seed):
    table = read(makeColumns(seed=seed))
    detectors, exposures, run = summaries(table)
    science = (table.layout.detectorType == "SCIENCE")[detectors.detectorIndex]
    for key, test in run.tests.items():
        for parts in (
            [detectors.tests[key], science],
            [exposures.tests[key], np.ones(len(exposures), bool)],
        ):
            part, chosen = parts
            if test.statistic is not None:
                assert test.statistic.minimum[0] == part.statistic.minimum[chosen].min()
                assert test.statistic.maximum[0] == part.statistic.maximum[chosen].max()
                assert test.statistic.nValid[0] == part.statistic.nValid[chosen].sum()
            if test.verdicts is not None:
                assert test.verdicts.nFailed[0] == part.verdicts.nFailed[chosen].sum()


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
    for before, after in zip(one, other, strict=True):
        for key in ("MEAN", "NOISE", "CR_NOISE"):
            assert_allclose(after.tests[key].statistic.median, factor * before.tests[key].statistic.median)
        for key in ("MEAN", "NOISE", "CR_NOISE", "READ_NOISE_CONSISTENT"):
            for name in ("minimum", "median", "maximum"):
                old, new = (getattr(s.tests[key].quantity, name) for s in (before, after))
                assert_allclose(new, old, rtol=1e-12)


@pytest.mark.parametrize("value", [0.0, -3.5])
def test_equal_values_have_one_statistic(columns, read, value):
    columns["BIAS_AMP_CORNER"] = np.full(108, value)
    for summary in summaries(read(columns)):
        corner = summary.tests["AMP_CORNER"].statistic
        assert {*corner.minimum.tolist(), *corner.median.tolist(), *corner.maximum.tolist()} == {value}
