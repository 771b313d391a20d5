# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lsst.analysis.cp.core.limits import ColourLimits, countScale, robustLimits


def test_outliers_do_not_stretch_the_range() -> None:
    values = np.append(np.random.default_rng(1).normal(10.0, 1.0, 3000), [1e5, -1e5])
    limits = robustLimits(values)
    assert limits.low == pytest.approx(6.0, abs=0.3)
    assert limits.high == pytest.approx(14.0, abs=0.3)
    assert (limits.nBelow, limits.nAbove, limits.extend) == (1, 1, "both")


def test_range_is_cut_to_the_values_that_occur() -> None:
    assert robustLimits([1.0, 2.0, 3.0, 4.0]) == ColourLimits(1.0, 4.0, 0, 0)


def test_zero_scatter_falls_back_to_percentiles() -> None:
    values = np.concatenate([np.zeros(90), np.full(9, 5.0), [1000.0]])
    limits = robustLimits(values)
    assert limits.low == 0.0
    assert 5.0 <= limits.high < 20.0
    assert limits.nAbove == 1


def test_zero_scatter_with_one_outlier_shows_it() -> None:
    assert robustLimits(np.append(np.zeros(1000), 50.0)) == ColourLimits(0.0, 50.0, 0, 0)


@pytest.mark.parametrize("value", [0.0, 5.0, -3e-6])
def test_equal_values_get_a_padded_range(value: float) -> None:
    limits = robustLimits([value] * 4)
    assert limits.low < value < limits.high


@pytest.mark.parametrize("values", [[], [np.nan, np.inf]])
def test_no_finite_value(values: list[float]) -> None:
    assert robustLimits(values) == ColourLimits(0.0, 1.0, 0, 0)


@pytest.mark.parametrize(("low", "high"), [(0.0, None), (None, 0.0), (0.0, 2.0)])
def test_zero_is_a_limit_like_any_other(low: float | None, high: float | None) -> None:
    limits = robustLimits([-1.0, 0.5, 1.0, 3.0], low, high)
    assert low is None or limits.low == 0.0
    assert high is None or limits.high == high


@pytest.mark.parametrize(("low", "high"), [(100.0, None), (None, -100.0)])
def test_limit_beyond_all_values(low: float | None, high: float | None) -> None:
    limits = robustLimits([1.0, 2.0, 3.0], low, high)
    assert limits.low < limits.high
    assert limits.nBelow + limits.nAbove == 3


def test_limits_in_wrong_order() -> None:
    with pytest.raises(ValueError, match=r"less than the upper; got 2.0 and 1.0"):
        robustLimits([1.0], 2.0, 1.0)


def test_range_is_symmetric_about_centre() -> None:
    assert robustLimits([-1.0, 0.0, 1.0, 2.0, 3.0], centre=1.5) == ColourLimits(-1.0, 4.0, 0, 0)


finite = st.floats(-1e9, 1e9)


@given(
    arrays(np.float64, st.integers(0, 40), elements=st.floats(width=32)),
    st.none() | finite,
    st.none() | finite,
    st.none() | finite,
)
@example(np.array([1.0]), 5.0, None, None)
@example(np.array([1.0]), None, -5.0, None)
@example(np.array([1.0, 1.0 + 1e-15]), None, None, 1e9)
def test_range_is_never_empty(
    values: np.ndarray, low: float | None, high: float | None, centre: float | None
) -> None:
    if low is not None and high is not None and low >= high:
        return
    limits = robustLimits(values, low, high, centre=centre)
    shown = values[np.isfinite(values)]
    assert np.isfinite([limits.low, limits.high]).all()
    assert limits.low < limits.high
    assert limits.nBelow == sum(shown < limits.low)
    assert limits.nAbove == sum(shown > limits.high)


@pytest.mark.parametrize(
    ("most", "labels"),
    [
        (0, ("0", "1")),
        (1, ("0", "1")),
        (4, ("0", "1", "2", "3", "4")),
        (7, ("0", "1", "2", "3", "4", "5", "6", "7")),
        (20, ("0", "1-5", "6-10", "11-15", "16-20")),
        (300, ("0", "1-50", "51-100", "101-150", "151-200", "201-250", "251-300")),
    ],
)
def test_classes_of_counts(most: int, labels: tuple[str, ...]) -> None:
    assert countScale(most).labels == labels


@given(st.integers(0, 10**6), st.integers(2, 12))
def test_every_count_has_one_class(most: int, nClasses: int) -> None:
    scale = countScale(most, nClasses)
    assert 2 <= len(scale.labels) == len(scale.ticks) <= nClasses
    assert list(scale.boundaries[:2]) == [-0.5, 0.5]
    assert scale.boundaries[-1] > most
    assert len(set(np.diff(scale.boundaries[1:]))) == 1


@pytest.mark.parametrize("most", [-1, np.nan, np.inf])
def test_what_is_no_count(most: float) -> None:
    with pytest.raises(ValueError, match="Expected a count and at least 2 classes"):
        countScale(most)


def test_second_bulk_is_in_range_and_outliers_are_not() -> None:
    values = np.concatenate([np.linspace(0.0, 1.0, 900), np.full(90, 3.0), np.full(10, 50.0)])
    limits = robustLimits(values)
    assert limits.high == 3.0
    assert limits.nAbove == 10


def test_largest_numbers_do_not_overflow() -> None:
    values = np.random.default_rng(2).normal(0.0, 1.0, 1000) + 8.0
    expected, limits = robustLimits(values), robustLimits(values * 1e307)
    assert limits.low == pytest.approx(expected.low * 1e307)
    assert limits.high == pytest.approx(expected.high * 1e307)
    both = robustLimits([-1.7e308, 1.7e308])
    assert (both.low, both.high) == (-1.7e308, 1.7e308)
    assert np.isfinite(robustLimits([1.75e308]).high)


@pytest.mark.parametrize(
    ("values", "ends", "centre", "rule"),
    [
        ([1.0, 2.0, 3.0], (None, None), None, "all values"),
        ([0.0] * 1000 + [50.0], (None, None), None, "all values"),
        ([], (None, None), None, "no values"),
        ([*np.linspace(0, 1, 99), 1e6], (None, None), None, "median ± 4 σ MAD, up to 8 to hold 96 %"),
        ([0.0] * 90 + [5.0] * 9 + [1000.0], (None, None), None, "percentiles 1 to 99"),
        ([1.0, 2.0, 3.0], (0.0, None), None, "all values, lower end given"),
        ([1.0, 2.0, 3.0], (1.5, 2.5), None, "lower end given, upper end given"),
        ([1.0, 2.0, 3.0], (5.0, None), None, "lower end given"),
        ([-1.0, 3.0], (None, None), 0.5, "all values, symmetric about 0.5"),
    ],
)
def test_rule_says_how_the_range_was_chosen(
    values: list[float], ends: tuple[float | None, float | None], centre: float | None, rule: str
) -> None:
    assert robustLimits(values, *ends, centre=centre).rule == rule


def test_other_values_are_counted_in_the_same_range() -> None:
    limits = robustLimits([1.0, 2.0, 3.0]).counting([[0.0, 1.0], [np.nan, 9.0]])
    assert limits == ColourLimits(1.0, 3.0, 1, 1)


def test_masked_values_are_not_counted_outside() -> None:
    values = np.ma.masked_array([0.0, 1.0, 5.0, -5.0, 7.0], mask=[0, 0, 1, 1, 0])
    limits = robustLimits([0.0, 1.0], 0.0, 1.0).counting(values)
    assert (limits.nBelow, limits.nAbove) == (0, 1)
