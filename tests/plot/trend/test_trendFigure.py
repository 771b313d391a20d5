# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The artists and the page of a plot of a trend."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import same_color
from matplotlib.figure import Figure
from numpy.testing import assert_allclose, assert_array_equal

from lsst.analysis.cp.actions.plot.style import FAILING, LINE_LOOKS
from lsst.analysis.cp.actions.plot.trend import TrendPlot
from lsst.analysis.cp.actions.plot.trend.drawing import (
    TrendArtists,
    drawCounts,
    drawTrend,
    trendKey,
)
from lsst.analysis.cp.actions.plot.trend.view import TrendView
from lsst.analysis.cp.core.history import findTrends, gatherSeries
from lsst.utils.plotting import make_figure

MJD, GAP = 61100.0, (30, 45)


def makeRows(values: np.ndarray, **columns: Any) -> dict[str, Any]:
    """Make rows of values of shape (detectors, days); on the days of the gap there are none."""
    detector, day = np.indices(values.shape).reshape(2, -1)
    dates = np.datetime64("2026-03-01") + np.arange(values.shape[1]).astype("timedelta64[D]")
    numbers = np.array([int(str(date).replace("-", "")) for date in dates], dtype=np.int64)
    rows = {
        "value": values.ravel(),
        "mjd": MJD + day,
        "exposure": numbers[day] * 100000 + 1,
        "day_obs": numbers[day],
        "detectorName": np.array([f"D{i:03d}" for i in range(len(values))])[detector],
        "physicalType": np.where(np.arange(len(values)) < 12, "E2V", "ITL")[detector],
    }
    rows |= {name: np.broadcast_to(column, values.shape).ravel() for name, column in columns.items()}
    kept = (day < GAP[0]) | (day >= GAP[1])
    return {name: column[kept] for name, column in rows.items()}


def makeHistory(n_detectors: int, n_days: int = 75) -> np.ndarray:
    """Make histories, of which the first steps on day 55."""
    values = 5.0 + np.random.default_rng(5).normal(0.0, 0.05, (n_detectors, n_days))
    values[0, 55:] += 1.0
    return values


def search(rows: dict[str, Any], **options: str) -> dict[str, Any]:
    """Lay rows out as series, and search them."""
    series = gatherSeries(rows, **options)
    return {"trendSeries": series, "trendFindings": findTrends(series)}


def prepare(
    values: np.ndarray, *, action: dict[str, Any] | None = None, epoch: str = "auto", **columns: Any
) -> TrendView:
    plot = TrendPlot()
    for name, value in ({"yAxisLabel": "Noise", "unit": "electron"} | (action or {})).items():
        setattr(plot, name, value)
    return plot.prepare(search(makeRows(values, **columns), epoch=epoch))


def draw(view: TrendView) -> tuple[Axes, TrendArtists]:
    ax = make_figure().add_subplot()
    return ax, drawTrend(ax, view)


def labelsOf(view: TrendView) -> list[str]:
    return [str(handle.get_label()) for handle in trendKey(view, draw(view)[1])]


def render(figure: Figure) -> bytes:
    """Render a figure, so that errors of drawing show."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=40)
    return buffer.getvalue()


def test_line_of_a_series_has_its_values_and_ends_at_the_gap() -> None:
    view = prepare(makeHistory(1))
    _, artists = draw(view)
    x, y = artists.lines[0].get_data()
    assert_array_equal(y[np.isfinite(y)], view.series.values[0])
    assert_allclose(x[np.isfinite(x)], view.axis.x)
    assert np.isnan(y[GAP[0]])


def test_line_goes_on_where_only_its_series_lacks_a_value() -> None:
    values = makeHistory(2)
    values[0, 10] = np.nan
    _, artists = draw(prepare(values))
    assert np.isfinite(artists.lines[0].get_ydata()[8:12]).all()


def test_level_jumps_at_the_change() -> None:
    view = prepare(makeHistory(1))
    _, artists = draw(view)
    (level,) = artists.levels
    x, y = level.get_data()
    (step,) = view.findings.changeEpoch
    before = np.flatnonzero(x == view.axis.x[step - 1])[0]
    assert np.isnan(y[before + 1])
    assert_allclose(y[before + 2] - y[before], 1.0, atol=0.06)


def test_change_is_marked_between_the_levels() -> None:
    view = prepare(makeHistory(1))
    _, artists = draw(view)
    (place,) = np.asarray(artists.changes.get_offsets())
    assert_allclose(place, [view.axis.x[view.findings.changeEpoch[0]], 5.5], atol=0.05)


def test_bands_follow_the_quantiles_with_colour_and_line_of_their_kind() -> None:
    view = prepare(makeHistory(20))
    _, artists = draw(view)
    for band, (outer, inner, median) in zip(view.bands, artists.bands, strict=True):
        y = median.get_ydata()
        assert_array_equal(np.unique(y[np.isfinite(y)]), np.unique(band.median))
        for part, (low, high) in ((outer, (0, 4)), (inner, (1, 3))):
            vertices = np.concatenate([path.vertices for path in part.get_paths()])
            limits = np.min(band.quantiles[low]), np.max(band.quantiles[high])
            assert_allclose([vertices[:, 1].min(), vertices[:, 1].max()], limits)
    lines = [median for _, _, median in artists.bands]
    assert len({line.get_linestyle() for line in lines}) == len({line.get_color() for line in lines}) == 2


def test_band_is_open_at_the_gap() -> None:
    view = prepare(makeHistory(20))
    _, artists = draw(view)
    assert len(artists.bands[0][0].get_paths()) == 2


def test_band_of_a_single_epoch_is_visible() -> None:
    _, artists = draw(prepare(makeHistory(20, 1)))
    (path,) = artists.bands[0][0].get_paths()
    assert np.ptp(path.vertices[:, 0]) > 0


def test_band_of_an_epoch_between_empty_ones_is_visible() -> None:
    values = makeHistory(20, 20)
    values[:12, [4, 6]] = np.nan
    _, artists = draw(prepare(values))
    assert len(artists.bands[0][0].get_paths()) == 3


def test_named_series_differ_by_marker_and_colour() -> None:
    _, artists = draw(prepare(makeHistory(8)))
    assert len({line.get_marker() for line in artists.lines}) == 8
    assert len({line.get_color() for line in artists.lines}) == 8


def test_long_history_has_pale_values_and_a_level_with_markers() -> None:
    view = prepare(makeHistory(3, 400))
    _, artists = draw(view)
    assert {line.get_alpha() for line in artists.lines} == {0.45}
    assert [line.get_marker() for line in artists.levels] == [LINE_LOOKS[i][1] for i in range(3)]
    assert all(line.get_marker() == "None" for line in artists.lines)


@pytest.mark.parametrize("values", [np.zeros((1, 75)), np.full((2, 75), 3.0), np.arange(75.0)[None, :] % 3])
@pytest.mark.parametrize("threshold", [None, 0.0])
def test_ticks_of_counts_are_whole_numbers(values: np.ndarray, threshold: float | None) -> None:
    ax, _ = draw(prepare(values, **({} if threshold is None else {"threshold": threshold})))
    low, high = ax.get_ylim()
    ticks = [tick for tick in ax.get_yticks().tolist() if low <= tick <= high]
    assert len(ticks) > 1
    assert ticks == np.round(ticks).tolist()
    assert low > -1.0


@pytest.mark.parametrize(("operator", "end"), [("<=", 1), (">=", 0)])
def test_side_on_which_values_fail_is_hatched(operator: str, end: int) -> None:
    view = prepare(makeHistory(3), action={"operator": operator}, threshold=5.5)
    ax, artists = draw(view)
    assert_array_equal(artists.threshold.get_ydata(), 5.5)
    assert artists.threshold.get_xdata()[[0, -1]].tolist() == list(view.axis.limits)
    y = artists.failingSide.get_paths()[0].vertices[:, 1]
    assert sorted({float(y.min()), float(y.max())}) == sorted({5.5, view.yLimits[end]})
    assert artists.failingSide.get_hatch() == "///"
    assert ax.get_ylim() == view.yLimits


def test_threshold_that_changed_is_a_step() -> None:
    threshold = np.where(np.arange(75) < 50, 5.5, 5.7)
    _, artists = draw(prepare(makeHistory(3), threshold=threshold))
    assert sorted(set(artists.threshold.get_ydata())) == [5.5, 5.7]
    assert artists.threshold.get_drawstyle() == "steps-post"


def test_failing_values_are_ringed() -> None:
    values = makeHistory(3)
    passed = np.full(values.shape, True)
    passed[1, [4, 60]] = False
    view = prepare(values, passed=passed)
    _, artists = draw(view)
    assert_allclose(np.asarray(artists.failing.get_offsets())[:, 1], values[1, [4, 60]])
    assert same_color(artists.failing.get_edgecolor()[0], FAILING)
    assert len(artists.failing.get_facecolor()) == 0


def test_values_beyond_the_axis_are_marked_at_its_edge() -> None:
    values = makeHistory(3)
    values[1, 7], values[2, 8] = 100.0, -100.0
    view = prepare(values)
    ax, artists = draw(view)
    assert_allclose(np.asarray(artists.above.get_offsets())[:, 0], view.axis.x[7])
    assert_allclose(np.asarray(artists.below.get_offsets())[:, 0], view.axis.x[8])
    assert artists.above.get_offset_transform() == ax.get_xaxis_transform()


def test_gap_is_shaded_between_its_epochs_and_says_how_long() -> None:
    view = prepare(makeHistory(3))
    ax, artists = draw(view)
    (gap,) = artists.gaps
    start, stop = view.axis.gapEdges[0]
    assert start < gap.get_x() < gap.get_x() + gap.get_width() < stop
    assert [text.get_text() for text in ax.texts] == ["16 d"]


def test_bars_count_failing_upwards_and_changing_downwards() -> None:
    values = makeHistory(20)
    passed = np.full(values.shape, True)
    passed[:4, 12] = False
    view = prepare(values, passed=passed)
    failing, changing = drawCounts(make_figure().add_subplot(), view)
    assert [bar.get_height() for bar in failing] == view.nFailing.tolist()
    assert sum(bar.get_height() for bar in changing) == -1
    assert failing[12].get_height() == 4


def test_key_explains_what_occurs() -> None:
    values = makeHistory(20)
    values[0, 7] = 100.0
    passed = np.full(values.shape, True)
    passed[0, 4] = False
    view = prepare(values, passed=passed, threshold=6.5)
    assert labelsOf(view)[:4] == [
        "median of 12 E2V detectors",
        "half of them, and 90 %",
        "median of 8 ITL detectors",
        "half of them, and 90 %",
    ]
    end = f"above {float(f'{view.yLimits[1]:.3g}'):.4g}: 1"
    assert labelsOf(view)[4:] == [
        "D000", "limit: ≤ 6.5 electron", "failed", "change point", "level and drift", end, "no data",
    ]  # fmt: skip


def test_key_tells_of_a_threshold_that_is_far() -> None:
    assert "limit: ≤ 99 electron (beyond the axis)" in labelsOf(prepare(makeHistory(3), threshold=99.0))


def test_key_of_one_quiet_series_is_its_name() -> None:
    assert labelsOf(prepare(np.full((1, 20), 5.0))) == ["D000"]


def test_axis_of_a_sequence_names_exposures() -> None:
    view = prepare(makeHistory(3), action={"xAxis": "sequence"}, epoch="exposure")
    ax, _ = draw(view)
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert labels == list(view.axis.tickLabels)
    assert labels[0] == "2026030100001"


def test_axis_of_days_names_the_month_of_each() -> None:
    ax, _ = draw(prepare(makeHistory(3)))
    axis = ax.xaxis
    labels = axis.get_major_formatter().format_ticks(axis.get_majorticklocs())
    assert [label for label in labels if label.isdecimal()] == []
    assert {"Mar 15", "Apr", "May"} <= set(labels)
    assert axis.get_major_formatter().get_offset() == "2026"


@pytest.mark.parametrize(
    ("n_detectors", "n_days", "action"),
    [
        (1, 1, {}),
        (20, 75, {}),
        (20, 75, {"xAxis": "sequence"}),
        (20, 400, {"nNamed": 0, "nListed": 0}),
        (3, 75, {"seriesBy": "physicalType"}),
        (3, 75, {"seriesBy": "all"}),
    ],
)
def test_figure_is_drawn(n_detectors: int, n_days: int, action: dict[str, Any]) -> None:
    plot = TrendPlot()
    for name, value in action.items():
        setattr(plot, name, value)
    rows = makeRows(makeHistory(n_detectors, n_days), threshold=6.0, passed=True)
    figure = plot(search(rows, by=plot.seriesBy), plotInfo={"plotName": "biasNoise", "instrument": "LSSTCam"})
    assert figure.texts[0].get_text() == "biasNoise"
    assert render(figure).startswith(b"\x89PNG")


@pytest.mark.parametrize("n_days", [0, 5])
def test_figure_of_no_values_says_so(n_days: int) -> None:
    figure = TrendPlot()(search(makeRows(np.full((12, n_days), np.nan))))
    assert [text.get_text() for text in figure.axes[0].texts] == ["No finite values"]
    assert render(figure)


def test_counts_are_shown_only_if_there_are_any() -> None:
    quiet, loud = (
        TrendPlot()(search(makeRows(values))) for values in (np.full((2, 75), 5.0), makeHistory(2))
    )
    assert (len(quiet.axes), len(loud.axes)) == (1, 2)
    assert loud.axes[0].get_xlim() == loud.axes[1].get_xlim()


def test_plot_info_is_not_modified() -> None:
    info = {"plotName": "biasNoise"}
    TrendPlot()(search(makeRows(makeHistory(2))), plotInfo=info)
    assert info == {"plotName": "biasNoise"}


def test_rows_are_not_modified() -> None:
    rows = makeRows(makeHistory(12))
    before = {name: column.copy() for name, column in rows.items()}
    TrendPlot()(search(rows))
    assert all(np.array_equal(rows[name], before[name]) for name in rows)
