# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Series that are laid out from rows, and what is found in them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from lsst.analysis.cp.core import ColumnError
from lsst.analysis.cp.core.amps import FAILED, GOOD, UNKNOWN
from lsst.analysis.cp.core.history import TrendSeries, findTrends, gatherSeries

DAY = 20260301
MJD = 61100.3


def makeRows(values: Any, **columns: Any) -> dict[str, Any]:
    """Make rows of values of shape (detectors, exposures), one exposure a day."""
    values = np.asarray(values, dtype=float)
    detector, epoch = np.indices(values.shape).reshape(2, -1)
    days = np.array([DAY + i if i < 31 else 20260401 + i - 31 for i in range(values.shape[1])])
    rows = {
        "value": values.ravel(),
        "mjd": MJD + epoch,
        "exposure": days[epoch] * 100000 + 1,
        "day_obs": days[epoch],
        "detectorName": np.array([f"R0{i // 2}_S0{i % 2}" for i in range(values.shape[0])])[detector],
        "raft": np.array([f"R0{i // 2}" for i in range(values.shape[0])])[detector],
        "physicalType": np.array([("E2V", "ITL")[i // 2 % 2] for i in range(values.shape[0])])[detector],
        "nValid": np.full(values.size, 16),
    }
    return rows | {name: np.asarray(column).ravel() for name, column in columns.items()}


def makeSeries(values: Any, **columns: Any) -> TrendSeries:
    return gatherSeries(makeRows(values, **columns), epoch="exposure")


def test_values_are_by_detector_and_exposure() -> None:
    values = np.arange(12.0).reshape(4, 3)
    series = makeSeries(values)
    assert_array_equal(series.values, values)
    assert series.names.tolist() == ["R00_S00", "R00_S01", "R01_S00", "R01_S01"]
    assert series.groups.tolist() == ["E2V", "E2V", "ITL", "ITL"]
    assert_allclose(series.mjd, MJD + np.arange(3))
    assert_array_equal(series.exposure, (DAY + np.arange(3)) * 100000 + 1)


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(random: Any) -> None:
    rows = makeRows(np.arange(12.0).reshape(4, 3))
    order = list(range(12))
    random.shuffle(order)
    shuffled = gatherSeries({name: column[order] for name, column in rows.items()})
    assert_array_equal(shuffled.values, np.arange(12.0).reshape(4, 3))


@pytest.mark.parametrize(
    ("statistic", "expected"), [("min", [0.0, 1.0]), ("median", [1.5, 2.5]), ("max", [9.0, 10.0])]
)
def test_rafts_reduce_their_detectors(statistic: str, expected: list[float]) -> None:
    values = np.array([[0.0, 1.0], [3.0, 4.0], [9.0, 10.0], [0.0, 1.0]])
    rows = makeRows(values) | {"raft": np.full(8, "R00")}
    series = gatherSeries(rows, by="raft", statistic=statistic)
    assert series.names.tolist() == ["R00"]
    assert_allclose(series.values[0], expected)


def test_values_without_valid_amplifiers_are_gaps() -> None:
    series = makeSeries([[0.0, 5.0, np.inf]], nValid=[0, 16, 16])
    assert_array_equal(series.values, [[np.nan, 5.0, np.nan]])


def test_status_is_the_worst_of_the_rows() -> None:
    rows = makeRows(np.ones((2, 4)), passed=[["good", "good", "unknown", ""], ["failed", "unknown", "", ""]])
    series = gatherSeries(rows, by="all", epoch="exposure")
    assert_array_equal(series.status, [[FAILED, GOOD, UNKNOWN, UNKNOWN]])


def test_flags_are_verdicts_too() -> None:
    assert_array_equal(makeSeries([[1.0, 2.0]], passed=[True, False]).status, [[GOOD, FAILED]])


def test_unknown_verdict_is_an_error() -> None:
    with pytest.raises(ColumnError, match=r"'passed' holds 'maybe', expected good, failed, unknown"):
        makeSeries([[1.0]], passed=["maybe"])


def test_few_days_are_shown_by_exposure() -> None:
    assert gatherSeries(makeRows(np.ones((1, 9)))).epochKind == "exposure"


def test_many_days_are_reduced_to_days() -> None:
    rows = makeRows(np.arange(20.0).reshape(1, 20))
    rows["day_obs"] = DAY + np.arange(20) // 2
    series = gatherSeries(rows)
    assert (series.epochKind, series.nEpochs) == ("day", 10)
    assert_allclose(series.values[0], 0.5 + 2 * np.arange(10))
    assert_allclose(series.mjd, MJD + 0.5 + 2 * np.arange(10))


def test_rows_without_time_are_of_a_night() -> None:
    """Their exposures have no instants that could be told apart."""
    rows = makeRows(np.array([[1.0, 2.0, 3.0]]))
    rows |= {"mjd": np.full(3, np.nan), "day_obs": DAY + np.array([0, 0, 1])}
    series = gatherSeries(rows)
    assert (series.epochKind, series.nEpochs) == ("day", 2)
    assert_array_equal(series.values, [[1.5, 3.0]])


def test_rows_without_time_get_the_night_of_their_day() -> None:
    rows = makeRows(np.ones((1, 2)))
    rows["mjd"] = np.full(2, np.nan)
    # 2026-03-01 begins at MJD 61100, and its night is in the middle 0.67 days after noon.
    assert_allclose(gatherSeries(rows).mjd, [61101.17, 61102.17])


def test_rows_without_time_and_day_are_an_error() -> None:
    rows = makeRows(np.ones((1, 3))) | {"mjd": np.array([MJD, np.nan, np.nan]), "day_obs": np.zeros(3, int)}
    with pytest.raises(ColumnError, match="2 of 3 rows have neither mjd nor day_obs"):
        gatherSeries(rows)


@pytest.mark.parametrize("day", [7, 20261345, 20260230, 20260100, 2**62])
def test_days_that_are_none_are_named(day: int) -> None:
    rows = makeRows([[1.0, 2.0]], mjd=[np.nan, MJD], day_obs=[day, DAY])
    with pytest.raises(ColumnError, match="column 'day_obs' holds what is no day YYYYMMDD"):
        gatherSeries(rows)


@pytest.mark.parametrize("mjd", [1e300, -1e300, 1e18, 3e6, -7e5])
def test_times_of_no_calendar_are_named(mjd: float) -> None:
    with pytest.raises(ColumnError, match="column 'mjd' holds .*, which is no day of the years 1 to 9999"):
        makeSeries([[1.0, 2.0]], mjd=[mjd, MJD])


@pytest.mark.parametrize("form", ["masked", "zero", "absent"])
def test_rows_without_day_meet_those_of_their_night(form: str) -> None:
    """Half of the exposures are before, half after midnight; detector 1 has no days."""
    rows = makeRows(np.arange(60.0).reshape(2, 30))
    rows["day_obs"] = np.tile(DAY + np.repeat(np.arange(15), 2), 2)
    # 2026-03-01 begins at MJD 61100, its night at noon.
    rows["mjd"] = 61100.0 + np.tile(np.repeat(np.arange(15), 2) + np.tile([0.9, 1.2], 15), 2)
    expected = gatherSeries(rows, epoch="day")
    lacking = rows["detectorName"] == "R00_S01"
    days = {
        "masked": np.ma.masked_array(rows["day_obs"], lacking),
        "zero": np.where(lacking, 0, rows["day_obs"]),
        "absent": np.where(lacking, None, rows["day_obs"].astype(object)),
    }
    found = gatherSeries(rows | {"day_obs": days[form]}, epoch="day")
    assert expected.nEpochs == found.nEpochs == 15
    assert_array_equal(found.values, expected.values)
    assert_array_equal(found.dayObs, DAY + np.arange(15))
    without = gatherSeries({name: rows[name] for name in rows if name != "day_obs"}, epoch="day")
    assert_array_equal(without.values, expected.values)


def test_rows_without_exposure_meet_those_of_their_time() -> None:
    rows = makeRows(np.arange(12.0).reshape(2, 6))
    rows["exposure"] = np.where(rows["detectorName"] == "R00_S01", 0, rows["exposure"])
    series = gatherSeries(rows, epoch="exposure")
    assert_array_equal(series.values, np.arange(12.0).reshape(2, 6))
    assert (series.exposure > 0).all()


def test_row_without_exposure_is_none_of_several_at_its_time() -> None:
    rows = makeRows(np.arange(3.0).reshape(1, 3)) | {"mjd": np.full(3, MJD)}
    rows["exposure"] = np.array([5, 6, 0])
    assert sorted(gatherSeries(rows, epoch="exposure").values[0]) == [0.0, 1.0, 2.0]


def test_days_decide_what_an_epoch_is_also_where_rows_do_not_say_them() -> None:
    rows = makeRows(np.ones((1, 20))) | {"day_obs": np.zeros(20, int)}
    assert gatherSeries(rows).epochKind == "day"


def test_exposure_of_an_epoch_is_exact() -> None:
    rows = makeRows(np.ones((2, 3)))
    rows["exposure"] = 2**60 + np.array([5, 3, 7, 5, 3, 7])
    assert gatherSeries(rows, epoch="exposure").exposure.tolist() == [2**60 + i for i in (5, 3, 7)]


@pytest.mark.parametrize("epoch", ["auto", "exposure", "day"])
def test_exposures_of_nights_without_times_are_no_outliers(epoch: str) -> None:
    """20 exposures a night of white noise, of which only the night is known."""
    values = noise(12, 60)
    rows = makeRows(values)
    night, place = np.divmod(np.tile(np.arange(60), 12), 20)
    rows |= {"day_obs": DAY + night, "exposure": (DAY + night) * 100000 + place + 1}
    rows["mjd"] = np.full(720, np.nan)
    assert np.abs(values - 5.0).max() < 4 * 0.05
    assert len(findTrends(gatherSeries(rows, epoch=epoch)).outlierSeries) == 0
    values[3, 37] += 1.0
    found = findTrends(gatherSeries(rows | {"value": values.ravel()}, epoch="exposure"))
    assert (found.outlierSeries.tolist(), found.outlierEpoch.tolist()) == ([3], [37])


def test_rows_without_raft_are_left_out() -> None:
    rows = makeRows(np.ones((2, 2))) | {"raft": np.array(["R00", "R00", "", ""])}
    assert gatherSeries(rows, by="raft").names.tolist() == ["R00"]


def test_missing_column_is_named() -> None:
    with pytest.raises(ColumnError, match="a trend needs the column 'raft'"):
        gatherSeries({"value": np.ones(1), "mjd": np.ones(1)}, by="raft")


@pytest.mark.parametrize("option", [{"by": "amp"}, {"epoch": "year"}, {"statistic": "mean"}])
def test_unknown_option_is_named(option: dict[str, str]) -> None:
    ((name, value),) = option.items()
    with pytest.raises(ValueError, match=f"{name} is '{value}', expected one of"):
        gatherSeries(makeRows(np.ones((1, 1))), **option)


def test_no_rows_make_no_series() -> None:
    series = gatherSeries({name: column[:0] for name, column in makeRows(np.ones((1, 1))).items()})
    assert (series.nSeries, series.nEpochs, series.hasValues) == (0, 0, False)
    assert not findTrends(series).interest.any()
    assert series.epochNoun == "exposure"


def test_threshold_is_that_of_the_epoch() -> None:
    series = makeSeries(np.ones((2, 2)), threshold=[[1.0, 2.0], [1.0, np.nan]])
    assert_array_equal(series.threshold, [1.0, 2.0])
    assert series.lastThreshold == 2.0


def test_rows_of_a_run_are_epochs_by_their_time() -> None:
    rows = makeRows(np.array([[1.0, 2.0, 3.0]])) | {"exposure": np.full(3, -1), "day_obs": np.full(3, -1)}
    assert_array_equal(gatherSeries(rows).values, [[1.0, 2.0, 3.0]])


def noise(n_series: int, n_epochs: int, seed: int = 1) -> np.ndarray:
    return 5.0 + np.random.default_rng(seed).normal(0.0, 0.05, (n_series, n_epochs))


def test_change_is_found_in_its_series_and_epoch() -> None:
    values = noise(4, 40)
    values[2, 25:] += 1.0
    findings = findTrends(makeSeries(values))
    assert (findings.changeSeries.tolist(), findings.changeEpoch.tolist()) == ([2], [25])
    assert_allclose(findings.changeAfter - findings.changeBefore, 1.0, atol=0.06)
    assert np.argmax(findings.interest) == 2


def test_drift_is_in_units_a_year() -> None:
    values = noise(3, 60)
    values[1] += 2.0 * np.arange(60) / 365.25
    findings = findTrends(makeSeries(values))
    assert findings.drifting.tolist() == [False, True, False]
    assert findings.slope[1] == pytest.approx(2.0, rel=0.25)


def test_outlying_series_of_its_kind_is_found() -> None:
    values = noise(20, 12)
    values += np.random.default_rng(2).normal(0.0, 0.1, (20, 1))
    values[7] += 3.0
    findings = findTrends(gatherSeries(makeRows(values) | {"physicalType": np.full(240, "E2V")}))
    assert np.flatnonzero(findings.outlying).tolist() == [7]


def test_two_kinds_are_not_compared_with_each_other() -> None:
    values = noise(20, 12)
    values += 3.0 * (np.arange(20) // 2 % 2)[:, np.newaxis]
    assert not findTrends(makeSeries(values)).outlying.any()


def test_outlier_is_found_at_its_epoch() -> None:
    values = noise(3, 30)
    values[0, 11] += 4.0
    findings = findTrends(makeSeries(values))
    assert (findings.outlierSeries.tolist(), findings.outlierEpoch.tolist()) == ([0], [11])
    assert findings.outlierScore[0] > 20
