# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What a plot of a trend shows: places of epochs, bands, named series, ranges and words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lsst.analysis.cp import __version__
from lsst.analysis.cp.actions.plot.text import plural
from lsst.analysis.cp.actions.plot.trend import TrendPlot
from lsst.analysis.cp.actions.plot.trend.axis import findEpochGaps, padSegment, placeEpochs, splitSegments
from lsst.analysis.cp.actions.plot.trend.text import describeGap
from lsst.analysis.cp.actions.plot.trend.view import TrendView
from lsst.analysis.cp.core.history import TrendSeries, findTrends, gatherSeries

MJD = 61100.0
N_DETECTORS = 30
DRIFTING, OUTLYING, STEPPING = 3, 9, (14, 15, 16)
STEP_DAY = 40
N_DAYS = 80


def makeRows(values: Any, days: Any = None, **columns: Any) -> dict[str, Any]:
    """Make rows of values of shape (detectors, epochs), of one exposure a day unless days are given."""
    values = np.asarray(values, dtype=float)
    detector, epoch = np.indices(values.shape).reshape(2, -1)
    days = np.arange(values.shape[1], dtype=float) if days is None else np.asarray(days, dtype=float)
    dates = np.datetime64("2026-03-01") + np.floor(days).astype("timedelta64[D]")
    numbers = np.array([int(str(date).replace("-", "")) for date in dates])
    names = np.array([f"R{i // 9:02d}_S{i % 9 // 3}{i % 3}" for i in range(values.shape[0])])
    rows = {
        "value": values.ravel(),
        "mjd": MJD + days[epoch],
        "exposure": (numbers * 100000 + np.arange(len(days)))[epoch],
        "day_obs": numbers[epoch],
        "detectorName": names[detector],
        "raft": np.array([name[:3] for name in names])[detector],
        "physicalType": np.where(np.arange(values.shape[0]) < 18, "E2V", "ITL")[detector],
    }
    return rows | {name: np.broadcast_to(c, values.shape).ravel() for name, c in columns.items()}


def makeHistory() -> np.ndarray:
    """Make histories of a camera: one drifts, one is outlying, three step together, and the others stay."""
    rng = np.random.default_rng(3)
    values = 5.0 + rng.normal(0.0, 0.05, (N_DETECTORS, N_DAYS)) + rng.normal(0.0, 0.1, (N_DETECTORS, 1))
    values[DRIFTING] += 0.01 * np.arange(N_DAYS)
    values[OUTLYING] += 1.5
    values[STEPPING, STEP_DAY:] += 0.5
    return values


def makeAction(**fields: Any) -> TrendPlot:
    action = TrendPlot()
    for name, value in ({"yAxisLabel": "Noise", "unit": "electron"} | fields).items():
        setattr(action, name, value)
    action.validate()
    return action


def search(rows: dict[str, Any]) -> dict[str, Any]:
    """Lay rows out as series of detectors, and search them."""
    series = gatherSeries(rows)
    return {"trendSeries": series, "trendFindings": findTrends(series)}


def prepare(rows: dict[str, Any], **fields: Any) -> TrendView:
    return makeAction(**fields).prepare(search(rows))


def makeSeries(days: Any) -> TrendSeries:
    return gatherSeries(makeRows(np.ones((1, len(days))), days))


@pytest.fixture(scope="module")
def view() -> TrendView:
    return prepare(makeRows(makeHistory()))


def listed(view: TrendView, title: str) -> tuple[str, ...]:
    (lines,) = [lines[1:] for lines in view.lists if lines[0].startswith(title)]
    return lines


def test_bands_are_those_of_each_vendor(view: TrendView) -> None:
    assert [(band.label, band.nSeries) for band in view.bands] == [("E2V", 18), ("ITL", 12)]
    assert_allclose(view.bands[0].median, np.median(makeHistory()[:18], axis=0))


def test_bands_are_ordered_and_hold_their_share(view: TrendView) -> None:
    assert (np.diff(view.bands[0].quantiles, axis=0) >= 0).all()
    low, high = view.bands[0].quantiles[[0, 4]]
    inside = (makeHistory()[:18] >= low) & (makeHistory()[:18] <= high)
    assert 0.8 < inside.mean() < 0.95


def test_band_of_few_is_not_stretched_by_one() -> None:
    values = np.ones((9, 3)) + 0.01 * np.arange(9)[:, np.newaxis]
    values[4] = 100.0
    (band,) = prepare(makeRows(values)).bands
    assert band.quantiles.max() < 1.1


def test_band_skips_missing_values() -> None:
    values = np.ones((10, 4))
    values[:, 2] = np.nan
    values[0, 1] = np.nan
    (band,) = prepare(makeRows(values)).bands
    assert_array_equal(np.isfinite(band.median), [True, True, False, True])


def test_few_series_are_all_named_and_have_no_band() -> None:
    view = prepare(makeRows(np.ones((8, 5))))
    assert view.bands == ()
    assert view.named.tolist() == list(range(8))


def test_named_are_those_in_which_something_was_found(view: TrendView) -> None:
    assert set(view.named.tolist()) == {DRIFTING, OUTLYING, *STEPPING}


def test_each_kind_of_finding_is_named_before_the_second_of_any() -> None:
    named = set(prepare(makeRows(makeHistory()), nNamed=3).named.tolist())
    assert {DRIFTING, OUTLYING} < named
    assert len(named & set(STEPPING)) == 1


def test_nothing_is_named_if_all_is_well() -> None:
    values = 5.0 + np.random.default_rng(1).normal(0.0, 0.05, (20, 40))
    assert len(prepare(makeRows(values)).named) == 0


def test_failing_series_is_named() -> None:
    values = 5.0 + np.random.default_rng(1).normal(0.0, 0.05, (20, 40))
    passed = np.full((20, 40), "good", dtype="<U6")
    passed[6, -1] = "failed"
    passed[7, 3:9] = "failed"
    view = prepare(makeRows(values, passed=passed))
    assert view.named.tolist() == [6, 7]
    assert view.isAlarming
    assert listed(view, "Failed") == ("R00_S20 1/40, the last too", "R00_S21 6/40")


def test_numbers_of_failing_and_changing_are_counted() -> None:
    passed = np.full((N_DETECTORS, N_DAYS), True)
    passed[:5, 10] = False
    view = prepare(makeRows(makeHistory(), passed=passed))
    assert_array_equal(view.nFailing, 5 * (np.arange(N_DAYS) == 10))
    assert view.nChanging.sum() == len(view.findings.changeEpoch)
    assert view.nChanging[STEP_DAY - 1 : STEP_DAY + 2].sum() == 3


def test_headline_counts_what_was_found(view: TrendView) -> None:
    assert view.headline.startswith("30 detectors, 80 days, 3 changed, 1 drifting, 1 outlying")


def test_headline_says_that_nothing_was_found() -> None:
    assert prepare(makeRows(np.ones((3, 12)))).headline == "3 detectors, 12 days, no change, no drift"


@pytest.mark.parametrize("n", [1, 3, 9])
def test_few_epochs_are_too_few_to_judge(n: int) -> None:
    headline = prepare(makeRows(np.ones((3, n)))).headline
    assert (
        headline == f"3 detectors, {plural(n, 'exposure')}, too few to judge changes and drifts (10 needed)"
    )


def test_found_drifts_are_told_though_changes_cannot_be_judged() -> None:
    values = 100.0 * np.arange(9) + np.random.default_rng(1).normal(0.0, 1.0, (4, 9))
    headline = prepare(makeRows(values)).headline
    assert headline == "4 detectors, 9 exposures, 4 drifting, too few to judge changes (10 needed)"


def test_least_history_in_which_a_change_is_found_is_judged() -> None:
    for n, expected in ((9, "too few to judge"), (10, "4 changed")):
        step = 100.0 * (np.arange(n) >= n // 2) + np.random.default_rng(1).normal(0.0, 1.0, (4, n))
        assert expected in prepare(makeRows(step)).headline


def test_short_histories_among_long_ones_are_counted() -> None:
    values = np.ones((4, 12))
    values[1, 3:] = np.nan
    values[2] = np.nan
    headline = prepare(makeRows(values)).headline
    assert headline.endswith("no change, no drift, 1 with too few values to judge")


def test_headline_counts_what_failed_last() -> None:
    passed = [["good", "failed", "good"], ["good", "good", "failed"]]
    view = prepare(makeRows(np.ones((2, 3)), passed=passed))
    assert view.headline.endswith("1 of 2 tested failed on the last exposure")


def test_changes_are_listed_together() -> None:
    values = makeHistory()
    values[STEPPING, STEP_DAY:] += 5.0
    (line,) = listed(prepare(makeRows(values)), "Changes")
    assert line.startswith("20260410 R01_S")
    assert line.endswith(", +2 detectors")


def test_drifts_and_outlying_series_are_listed(view: TrendView) -> None:
    (drift,) = listed(view, "Drifts")
    name, slope = drift.split()
    assert name == "R00_S10"
    assert float(slope) == pytest.approx(3.65, rel=0.1)
    assert [line.split()[0] for line in listed(view, "Outlying detectors")] == ["R01_S00"]


def test_outliers_are_listed_with_their_day() -> None:
    values = 5.0 + np.random.default_rng(1).normal(0.0, 0.05, (3, 40))
    values[1, 30] = 9.0
    (line,) = listed(prepare(makeRows(values)), "Outliers")
    assert line.startswith("20260331 R00_S01 9 (+")


def test_long_lists_are_cut() -> None:
    values = 5.0 + np.random.default_rng(1).normal(0.0, 0.05, (3, 40))
    values[1, [5, 12, 20, 33]] = 9.0
    lines = listed(prepare(makeRows(values), nListed=3), "Outliers")
    assert lines[3:] == ("and 1 more",)


def test_values_are_described_by_vendor() -> None:
    values = np.repeat([[4.0], [5.0], [6.0]], 4, axis=1)
    header, line = listed(prepare(makeRows(values)), "Values")
    assert header.split() == ["n", "median", "σ", "in", "time", "σ", "between"]
    assert line.split() == ["E2V", "3", "5", "0", "1.48"]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([0, 1, 2, 3, 30, 31], [4]),
        ([0, 30, 60, 90, 120], []),
        ([0, 30, 60, 90, 300], [4]),
        ([0, 0.01, 0.02, 300, 300.01], [3]),
        ([0, 1, 3, 4, 6], []),
        ([0], []),
        ([], []),
    ],
)
def test_gaps_are_long_against_the_usual_distance(days: list[float], expected: list[int]) -> None:
    assert findEpochGaps(np.array(days, dtype=float)).tolist() == expected


def test_shortest_gap_may_be_given() -> None:
    assert findEpochGaps(np.array([0.0, 1.0, 2.0, 4.0]), 1.5).tolist() == [3]


def test_axis_of_time_has_dates_and_gaps() -> None:
    axis = placeEpochs(makeSeries([*range(20), *range(40, 60)]))
    assert axis.isTime
    # Days since 1970-01-01.
    assert_allclose(axis.x[0], MJD - 40587.0)
    assert axis.segments == (slice(0, 20), slice(20, 40))
    assert_allclose(axis.gapDays, [21.0])
    assert_allclose(axis.gapEdges - axis.x[0], [[19.0, 40.0]])


def test_mostly_empty_time_is_shown_in_order() -> None:
    axis = placeEpochs(makeSeries([0, 0.1, 0.2, 400, 400.1, 400.2]))
    assert not axis.isTime
    assert_allclose(np.diff(axis.x), [1, 1, 2, 1, 1])
    assert axis.label == "Exposure, in order"


def test_exposures_of_one_night_are_shown_in_time() -> None:
    assert placeEpochs(makeSeries(np.arange(6) / 1440.0)).isTime


def test_exposures_of_many_days_are_shown_in_order() -> None:
    assert not placeEpochs(makeSeries([0, 0.001, 1, 1.001, 2, 2.001])).isTime


def test_axis_may_be_chosen() -> None:
    series = makeSeries(range(20))
    assert_allclose(placeEpochs(series, "sequence").x, np.arange(20.0))


def test_ticks_of_a_sequence_are_exposures_apart_from_each_other() -> None:
    series = makeSeries([0, 0.1, 0.2, 400, 400.1, 400.2])
    axis = placeEpochs(series, "sequence")
    assert axis.tickLabels[0] == str(series.exposure[0])
    assert np.diff(axis.ticks).min() >= (axis.x[-1] - axis.x[0]) / 8
    assert set(axis.tickLabels) <= set(series.exposure.astype(str))


def test_runs_end_where_there_is_no_value() -> None:
    known = np.array([True, True, False, True, False, True, True])
    runs = splitSegments((slice(0, 4), slice(4, 5), slice(5, 7)), known)
    assert runs == [slice(0, 2), slice(3, 4), slice(5, 7)]


def test_single_epoch_has_a_width() -> None:
    axis = placeEpochs(makeSeries([5]))
    x, index = padSegment(axis, axis.segments[0])
    assert x[0] < axis.x[0] < x[2]
    assert index.tolist() == [0, 0, 0]
    assert axis.limits[0] < x[0] < x[2] < axis.limits[1]


def test_range_holds_named_series_and_near_threshold() -> None:
    values = makeHistory()
    view = prepare(makeRows(values, threshold=7.0))
    drawn = values[view.named]
    assert view.yLimits[0] < drawn.min() < drawn.max() < 7.0 < view.yLimits[1]
    assert view.showsThreshold


def test_far_threshold_is_left_out() -> None:
    view = prepare(makeRows(makeHistory(), threshold=100.0))
    assert view.yLimits[1] < 10.0
    assert not view.showsThreshold


def test_one_wrong_value_does_not_stretch_the_range() -> None:
    values = makeHistory()
    values[0, 7] = 1e6
    assert prepare(makeRows(values)).yLimits[1] < 10.0


def test_level_of_a_named_series_is_held_though_the_others_are_close() -> None:
    values = 5.0 + np.random.default_rng(1).normal(0.0, 0.05, (20, 40))
    values[2, 25:] += 1.0
    assert 6.0 < prepare(makeRows(values)).yLimits[1] < 6.5


def test_count_that_is_mostly_zero_is_held() -> None:
    values = np.zeros((20, 40))
    values[2, -1] = 12.0
    passed = values == 0
    assert prepare(makeRows(values, passed=passed)).yLimits[1] > 12.0


def test_range_of_equal_values_is_not_empty() -> None:
    low, high = prepare(makeRows(np.full((2, 4), 3.0))).yLimits
    assert low < 3.0 < high


@pytest.mark.parametrize(
    ("ends", "expected"),
    [({"axisMin": 0.0}, (0.0, None)), ({"axisMax": 0.0}, (None, 0.0)), ({"axisMin": 10.0}, (10.0, None))],
)
def test_given_ends_are_kept(ends: dict[str, float], expected: tuple[float | None, float | None]) -> None:
    limits = prepare(makeRows(makeHistory()), **ends).yLimits
    assert limits[0] < limits[1]
    assert all(end is None or limit == end for limit, end in zip(limits, expected, strict=True))


def test_wrong_ends_are_refused() -> None:
    with pytest.raises(ValueError, match=r"axisMin 2.0 must be less than axisMax 1.0"):
        makeAction(axisMin=2.0, axisMax=1.0)


def test_labels_name_unit_test_and_limit() -> None:
    action = makeAction(tests=["4.3 NOISE"], operator="<")
    info = {"instrument": "LSSTCam", "run": "u/me", "tableName": "t", "plotName": "biasNoise"}
    view = action.prepare(search(makeRows(np.ones((2, 3)), threshold=1.5)), info)
    assert (view.title, view.yLabel) == ("biasNoise", "Noise (electron)")
    assert view.provenance == (
        "LSSTCam   tests: 4.3 NOISE",
        f"collection: u/me   metrics: t   tool: biasNoise   analysis_cp {__version__}",
    )
    assert (view.thresholdLabel, view.failsAbove) == ("limit: < 1.5 electron", True)


@pytest.mark.parametrize("values", [np.full((2, 3), np.nan), np.full((20, 3), np.nan), np.ones((2, 0))])
def test_nothing_to_see_is_said(values: np.ndarray) -> None:
    view = prepare(makeRows(values))
    assert view.message == "No finite values"
    assert (view.bands, len(view.named), view.yLimits) == ((), 0, (0.0, 1.0))


def test_words_of_the_title_are_configured() -> None:
    info = {"plotName": "biasNoise"}
    view = makeAction(title="Noise of the residual bias").prepare(search(makeRows(np.ones((2, 3)))), info)
    assert view.title == "Noise of the residual bias"
    assert view.provenance == (f"tool: biasNoise   analysis_cp {__version__}",)


def test_epochs_without_exposures_are_runs() -> None:
    absent = {"exposure": -1, "day_obs": -1}
    view = prepare(
        makeRows(np.ones((3, 5))) | {n: np.full(15, v) for n, v in absent.items()}, xAxis="sequence"
    )
    assert view.headline == "3 detectors, 5 runs, too few to judge changes and drifts (10 needed)"
    assert view.axis.label == "Run, in order"


def test_found_beforehand_is_used(view: TrendView) -> None:
    again = makeAction().prepare({"trendSeries": view.series, "trendFindings": view.findings})
    assert again.series is view.series
    assert again.findings is view.findings


@pytest.mark.parametrize(("days", "text"), [(3.26, "3.3 d"), (81.4, "81 d"), (1000.0, "2.7 years")])
def test_length_of_a_gap(days: float, text: str) -> None:
    assert describeGap(days) == text


def test_schema_names_series_and_findings() -> None:
    assert [key for key, _ in makeAction().getInputSchema()] == ["trendSeries", "trendFindings"]


@pytest.mark.parametrize(
    ("count", "noun", "text"),
    [(1, "raft", "1 raft"), (0, "raft", "0 rafts"), (1, "series", "1 series"), (2, "series", "2 series")],
)
def test_things_are_counted(count: int, noun: str, text: str) -> None:
    assert plural(count, noun) == text
