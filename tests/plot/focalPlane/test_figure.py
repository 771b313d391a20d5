# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The artists of the figures, and what the plot of analysis_tools gets wrong."""

import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.colors import BoundaryNorm, same_color, to_hex
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch
from numpy.testing import assert_allclose, assert_array_equal

from lsst.analysis.cp.actions.plot.countColours import ZERO
from lsst.analysis.cp.actions.plot.focalPlane import FailureMapPlot, FocalPlaneGeometryPlot
from lsst.analysis.cp.actions.plot.focalPlane.draw import (
    FocalPlaneArtists,
    drawFocalPlane,
)
from lsst.analysis.cp.actions.plot.style import FAILING, UNDER_COLOURS, overColours
from lsst.analysis.tools.atools import CalibStatisticFocalPlanePlot
from lsst.utils.plotting import make_figure


def makeAction(kind: type = FocalPlaneGeometryPlot, **fields: Any) -> FocalPlaneGeometryPlot:
    action = kind()
    for name, value in ({"zAxisLabel": "Noise"} | fields).items():
        setattr(action, name, value)
    action.validate()
    return action


def draw(action: FocalPlaneGeometryPlot, data: dict, camera: Sequence) -> FocalPlaneArtists:
    return drawFocalPlane(make_figure().add_subplot(), action.prepare(data, camera), action.colourMap)


def render(figure: Figure) -> bytes:
    """Render a figure, so that errors of drawing show."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=40)
    return buffer.getvalue()


def textsOf(figure: Figure) -> str:
    legends = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    return "\n".join([text.get_text() for text in figure.texts] + legends)


def linesOf(ax: Any) -> list[float]:
    """Return the heights of the horizontal lines."""
    return [line.get_ydata()[0] for line in ax.lines]


def assertNoOverlap(figure: Figure) -> None:
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    items = [*figure.texts, *figure.legends, *(ax for ax in figure.axes)]
    boxes = [item.get_tightbbox(renderer) for item in items]
    page = figure.bbox
    for i, box in enumerate(boxes):
        assert page.x0 <= box.x0 <= box.x1 <= page.x1, items[i]
        assert page.y0 <= box.y0 <= box.y1 <= page.y1, items[i]
        for other in boxes[i + 1 :]:
            assert not box.padded(-1).overlaps(other.padded(-1)), (items[i], other)


def vertices(polygons: Any) -> np.ndarray:
    return np.array([path.vertices[:4] for path in polygons.get_paths()])


@pytest.fixture
def mixedRows(rows: dict) -> dict:
    """Return rows: 2 is NaN, 4 failed, 6 is high, 8 is low, 9 is NaN and failed, 30 and 31 lack."""
    rows["z"] = 10.0 + np.arange(32) % 3
    rows["z"][[2, 6, 8, 9]] = np.nan, 1000.0, -1000.0, np.nan
    rows["flag"] = ~np.isin(np.arange(32), [4, 9])
    return {key: column[:30] for key, column in rows.items()}


def test_patches_of_each_state_are_artists_of_their_own(camera: Sequence, mixedRows: dict) -> None:
    action = makeAction()
    view = action.prepare(mixedRows, camera)
    artists = draw(action, mixedRows, camera)
    shown = np.setdiff1d(np.arange(30), [2, 9])
    assert_allclose(vertices(artists.values), view.geometry.ampCorners[shown])
    assert_array_equal(artists.values.get_array(), mixedRows["z"][shown])
    assert_allclose(artists.noValue.get_path().to_polygons(closed_only=True)[0][:4], view.corners[2])
    assert len(artists.noValue.get_path().to_polygons()) == len(artists.noData.get_path().to_polygons()) == 2
    assert_allclose(vertices(artists.failing[0]), view.corners[[4, 9]])


def test_states_differ_by_more_than_colour(camera: Sequence, mixedRows: dict) -> None:
    artists = draw(makeAction(), mixedRows, camera)
    hatches = {artists.values.get_hatch(), artists.noData.get_hatch(), artists.noValue.get_hatch()}
    assert len(hatches) == 3
    halo, line = artists.failing
    assert halo.get_linewidth()[0] > line.get_linewidth()[0] > artists.values.get_linewidth()[0]
    assert len(artists.above.get_offsets()) == len(artists.below.get_offsets()) == 1
    marks = [artist.get_paths()[0].vertices for artist in (artists.above, artists.below)]
    assert not np.array_equal(*marks)


def test_key_names_and_counts_what_is_there(camera: Sequence, mixedRows: dict) -> None:
    artists = draw(makeAction(threshold=11.0, unit="electron"), mixedRows, camera)
    assert [handle.get_label() for handle in artists.key] == [
        "no data: 2",
        "without finite value: 2",
        "failing: 2",
        "above 16.93: 1",
        "below 5.07: 1",
        "limit: ≤ 11 electron",
    ]


def test_key_is_empty_if_all_is_well(camera: Sequence, rows: dict) -> None:
    assert draw(makeAction(), rows, camera).key == ()


def test_all_detectors_are_outlined(camera: Sequence, rows: dict) -> None:
    action = makeAction()
    data = {key: column[:8] for key, column in rows.items()}
    artists = draw(action, data, camera)
    assert_allclose(vertices(artists.outlines), action.prepare(data, camera).geometry.detectorCorners)


def test_level_detector_draws_detectors(camera: Sequence, rows: dict) -> None:
    artists = draw(makeAction(level="detector"), rows, camera)
    assert_allclose(vertices(artists.values), vertices(artists.outlines))
    assert_array_equal(artists.values.get_array(), [3.5, 11.5, 19.5, 27.5])


def test_values_are_not_clipped(camera: Sequence, mixedRows: dict) -> None:
    values = draw(makeAction(), mixedRows, camera).values
    assert values.get_array().max() == 1000.0
    assert to_hex(values.to_rgba([1000.0])[0]) == overColours("viridis")[-1]
    assert to_hex(values.to_rgba([-1000.0])[0]) == UNDER_COLOURS[-1]


def test_outliers_have_colours_of_their_own_in_order(camera: Sequence, rows: dict) -> None:
    rows["z"] = 10.0 + np.arange(32) % 3
    rows["z"][:4] = 30.0, 300.0, -30.0, 3000.0
    values = draw(makeAction(), rows, camera).values
    limits = makeAction().prepare(rows, camera).limits
    places = np.asarray(values.norm([-30.0, limits.low, 11.0, limits.high, 30.0, 300.0, 3000.0]))
    assert_allclose(places[[0, 1, 3, 6]], [0.0, 0.101, 0.899, 1.0], atol=1e-12)
    assert (np.diff(places) > 0.001).all()
    inside = {to_hex(colour) for colour in values.to_rgba([limits.low, 11.0, limits.high])}
    assert inside.isdisjoint(map(to_hex, values.to_rgba([-30.0, 30.0, 300.0, 3000.0])))


@pytest.mark.parametrize(
    ("colourMap", "centre"), [("viridis", None), ("cividis", None), ("PuOr", 20.0), ("RdBu_r", 20.0)]
)
def test_colour_map(camera: Sequence, rows: dict, colourMap: str, centre: float | None) -> None:
    values = draw(makeAction(colourMap=colourMap, centre=centre), rows, camera).values
    assert values.cmap.name == colourMap
    middle = 15.5 if centre is None else centre
    assert_allclose(values.to_rgba([middle])[0], colormaps[colourMap](0.5), atol=0.01)


def test_counts_have_a_colour_each(camera: Sequence, rows: dict) -> None:
    rows["z"] = np.where(rows["z"] < 28, 0, rows["z"] - 27)
    artists = draw(makeAction(colourScale="count"), rows, camera)
    assert isinstance(artists.values.norm, BoundaryNorm)
    colours = {to_hex(colour) for colour in artists.values.to_rgba([0, 1, 2, 3, 4])}
    assert len(colours) == 5
    assert ZERO in colours


def test_zero_failures_are_not_untested_nor_missing(camera: Sequence, rows: dict) -> None:
    data = {key: column[:31] for key, column in rows.items()} | {"flags": np.ones((1, 31), dtype=np.int8)}
    data["flags"][0, [0, 1]] = 0, -1
    artists = draw(makeAction(FailureMapPlot), data, camera)
    assert len(artists.values.get_array()) == 30
    assert len(artists.noValue.get_path().to_polygons()) == len(artists.noData.get_path().to_polygons()) == 1
    assert [handle.get_label() for handle in artists.key] == ["no data: 1", "not tested: 1"]
    assert_allclose(vertices(artists.failing[0])[0], vertices(artists.values)[0])


def test_detectors_that_fail_by_themselves_are_framed(camera: Sequence, rows: dict) -> None:
    flags = {
        "flags": np.ones((1, 32), dtype=np.int8),
        "detectorFlags": np.array([[1, 1, 0, 1]], dtype=np.int8),
    }
    data = rows | flags | {"detectorIndex": np.arange(4)}
    artists = draw(makeAction(FailureMapPlot, detectorTests=["SCATTER"]), data, camera)
    halo, line = artists.failingDetectors
    assert_allclose(vertices(halo), vertices(line))
    assert_allclose(vertices(line)[0], vertices(artists.outlines)[2])
    assert same_color(line.get_edgecolor()[0], FAILING)
    assert "detector failing by itself: 1" in [handle.get_label() for handle in artists.key]
    assert artists.failing == ()
    assert draw(makeAction(FailureMapPlot), data, camera).failingDetectors == ()


def test_figure_says_what_it_shows(camera: Sequence, mixedRows: dict) -> None:
    info = {"plotName": "biasNoise", "run": "u/run", "instrument": "LATISS", "exposure": 5}
    figure = makeAction(unit="electron", threshold=11.0)(mixedRows, camera=camera, plotInfo=info)
    texts = textsOf(figure)
    for expected in (
        "biasNoise",
        "LATISS   exposure 5",
        "u/run",
        "2 of 30 tested amplifiers failed on 2 detectors",
        "R00_S0 C10",
        "median",
        "failing: 2",
    ):
        assert expected in texts
    ax, bar = figure.axes
    assert (ax.get_xlabel(), ax.get_ylabel(), bar.get_ylabel()) == ("x (mm)", "y (mm)", "Noise (electron)")
    assert {text.get_text() for text in ax.texts} == {"R00_S0", "R00_S1", "R01_S0", "R01_S1"}
    assert 11.0 in linesOf(bar)


def test_threshold_off_the_scale_is_told_in_the_key(camera: Sequence, rows: dict) -> None:
    figure = makeAction(threshold=90000.0)(rows, camera=camera)
    assert "limit: ≤ 90000 (off the scale)" in textsOf(figure)
    assert 90000.0 not in linesOf(figure.axes[1])


def test_counts_on_the_colour_bar_are_whole(camera: Sequence, rows: dict) -> None:
    rows["flags"] = np.array([rows["z"] > 3])
    figure = makeAction(FailureMapPlot)(rows, camera=camera)
    figure.draw_without_rendering()
    assert [label.get_text() for label in figure.axes[1].get_yticklabels()] == ["0", "1"]


def test_histogram_is_of_what_the_map_shows(camera: Sequence, rows: dict) -> None:
    data = {key: np.tile(column, 5) for key, column in rows.items()}
    figure = makeAction(addHistogram=True, histBins=10, histLog=True)(data, camera=camera)
    histogram = figure.axes[2]
    assert [step.get_label() for step in stepsOf(histogram)] == ["E2V", "ITL"]
    counts = [step.get_data().values.sum() for step in stepsOf(histogram)]
    assert counts == [16, 16]
    assert len(stepsOf(histogram)[0].get_data().values) == 10
    assert histogram.get_yscale() == "log"
    assert (histogram.get_xlabel(), histogram.get_ylabel()) == ("Noise", "amplifiers")


def test_histogram_of_counts_has_whole_numbers(camera: Sequence, rows: dict) -> None:
    rows["flags"] = np.array([rows["z"] > 3])
    figure = makeAction(FailureMapPlot, addHistogram=True)(rows, camera=camera)
    histogram = figure.axes[2]
    for ticks in (histogram.get_xticks(), histogram.get_yticks()):
        assert_array_equal(ticks, np.round(ticks))


def test_histogram_has_zero_as_a_limit(camera: Sequence, rows: dict) -> None:
    rows["z"] -= 10.0
    figure = makeAction(addHistogram=True, plotMin=0.0)(rows, camera=camera)
    steps = stepsOf(figure.axes[2])
    # Those below are counted before the limit.
    assert steps[0].get_data().edges[1] == 0.0
    assert sum(step.get_data().values[0] for step in steps) == 10


def stepsOf(ax: Any) -> list[StepPatch]:
    return [patch for patch in ax.patches if isinstance(patch, StepPatch)]


def test_histogram_counts_all_values(camera: Sequence, mixedRows: dict) -> None:
    figure = makeAction(addHistogram=True, histBins=10)(mixedRows, camera=camera)
    histogram = figure.axes[2]
    steps = stepsOf(histogram)
    # 30 rows, two of which are NaN; one value is above the range and one below.
    assert sum(step.get_data().values.sum() for step in steps) == 28
    assert [sum(step.get_data().values[end] for step in steps) for end in (0, -1)] == [1, 1]
    assert [text.get_text() for text in histogram.texts] == ["1", "1"]


@pytest.mark.parametrize("log", [None, False, True])
def test_counts_of_the_histogram_are_whole_numbers(camera: Sequence, rows: dict, log: bool | None) -> None:
    figure = makeAction(addHistogram=True, histLog=log)(rows, camera=camera)
    figure.draw_without_rendering()
    labels = [label.get_text() for label in figure.axes[2].get_yticklabels()]
    assert labels
    assert all(label.isdigit() for label in labels)


@pytest.mark.parametrize(("amount", "scale"), [(20, "linear"), (400, "log")])
def test_many_patches_are_counted_on_a_logarithmic_axis(
    makeCamera: Callable, amount: int, scale: str
) -> None:
    camera = makeCamera(*((2.0 * i, 0.0, 0.0) for i in range(amount)))
    data = {"detector": np.arange(amount), "z": np.arange(amount) % 3.0}
    figure = makeAction(addHistogram=True, level="detector")(data, camera=camera)
    assert figure.axes[2].get_yscale() == scale


@pytest.mark.parametrize("showStats", [True, False])
def test_limits_do_not_depend_on_statistics(camera: Sequence, rows: dict, showStats: bool) -> None:
    figure = makeAction(showStats=showStats)(rows, camera=camera)
    assert figure.axes[0].collections[1].get_clim() == (0.0, 31.0)
    assert ("σ MAD" in textsOf(figure)) == showStats
    assert render(figure)


def test_turned_detector_is_not_mirrored(makeCamera: Callable) -> None:
    turned = makeCamera((0.0, 0.0, np.pi / 2))
    data = {"detector": [0, 0], "amplifier": ["C00", "C03"], "z": [1.0, 2.0]}
    first, last = vertices(draw(makeAction(), data, turned).values).mean(axis=1)
    # Columns run along +y, rows along -x.
    assert first[1] < last[1]
    assert (first[0], last[0]) == pytest.approx((-0.2, -0.2))


def test_neighbours_share_their_edge(camera: Sequence, rows: dict) -> None:
    left, right = vertices(draw(makeAction(), rows, camera).values)[:2]
    assert_allclose(left[[1, 2]], right[[0, 3]])


def test_outlier_is_seen_where_scatter_is_zero(camera: Sequence, rows: dict) -> None:
    rows["z"] = np.where(np.arange(32) == 5, 40.0, 1.0)
    values = draw(makeAction(), rows, camera).values
    ordinary, outlier = values.to_rgba([1.0, 40.0])
    assert np.abs(ordinary - outlier).max() > 0.3


def test_nan_does_not_bias_the_median(camera: Sequence) -> None:
    data = {"detector": np.full(4, 3), "amplifier": np.full(4, "C00"), "z": np.array([1.0, np.nan, 2.0, 3.0])}
    assert_array_equal(draw(makeAction(statistic="median"), data, camera).values.get_array(), [2.0])


@pytest.mark.parametrize(
    ("n", "plotInfo"), [(0, None), (0, {}), (1, {}), (32, {"bands": ["u"]}), (32, {"plotName": None})]
)
def test_any_amount_of_data_is_drawn(camera: Sequence, rows: dict, n: int, plotInfo: dict | None) -> None:
    data = {key: column[:n] for key, column in rows.items()}
    figure = makeAction(addHistogram=True)(data, camera=camera, plotInfo=plotInfo)
    assert render(figure).startswith(b"\x89PNG")
    assert ("No data to plot" in {text.get_text() for text in figure.axes[0].texts}) == (n == 0)


@pytest.mark.parametrize("level", ["amplifier", "detector"])
def test_all_nan_is_drawn(camera: Sequence, rows: dict, level: str) -> None:
    figure = makeAction(level=level)(rows | {"z": np.full(32, np.nan)}, camera=camera)
    assert render(figure)
    assert "No finite value to plot" in {text.get_text() for text in figure.axes[0].texts}


@pytest.mark.parametrize("outliers", [[1e300], [-1e300, 1e300], [1e-300]])
def test_extreme_outliers_are_drawn(camera: Sequence, rows: dict, outliers: list[float]) -> None:
    rows["z"] = 10.0 + np.arange(32) % 3
    rows["z"][: len(outliers)] = outliers
    assert render(makeAction(addHistogram=True)(rows, camera=camera))


def test_draw_takes_any_axes(camera: Sequence, rows: dict) -> None:
    figure = make_figure()
    view = makeAction().prepare(rows, camera)
    for ax in figure.subplots(1, 2):
        drawFocalPlane(ax, view, "viridis")
    assert [len(ax.collections) for ax in figure.axes] == [2, 2]
    assert render(figure)


def test_long_lists_stay_on_the_page(camera: Sequence, rows: dict) -> None:
    figure = makeAction(nListed=200, addHistogram=True)(rows, camera=camera)
    renderer = figure.canvas.get_renderer()
    boxes = [text.get_window_extent(renderer) for text in figure.texts]
    assert min(box.y0 for box in boxes) > figure.axes[2].get_window_extent(renderer).y1


@pytest.mark.parametrize(
    "label", ["Noise", "95th percentile of the residual combined bias, median over exposures"]
)
def test_no_texts_overlap(camera: Sequence, mixedRows: dict, label: str) -> None:
    action = makeAction(
        zAxisLabel=label, title=label, unit="electron", threshold=11.0, addHistogram=True, tests=["4.3"]
    )
    info = {"plotName": "biasNoise", "run": "u/run", "tableName": "t", "instrument": "LATISS"}
    figure = action(mixedRows, camera=camera, plotInfo=info)
    assertNoOverlap(figure)


def test_pyplot_knows_nothing(camera: Sequence, rows: dict) -> None:
    import matplotlib.pyplot as plt  # noqa: TID251 - to see that it holds no figure

    makeAction()(rows, camera=camera)
    assert plt.get_fignums() == []


def test_it_takes_the_place_of_the_plot_of_a_calibration_tool(camera: Sequence, rows: dict) -> None:
    tool = CalibStatisticFocalPlanePlot()
    tool.produce.plot = FocalPlaneGeometryPlot
    tool.produce.plot.statistic = "median"
    tool.quantityKey, tool.unit = "BIAS_NOISE", "electron"
    tool.finalize()
    data = {key: rows[key] for key in ("detector", "amplifier")} | {"BIAS_NOISE": rows["z"]}
    results = tool(data, camera=camera, plotInfo={"run": "u/run", "tableName": "verifyBiasResults"})
    (figure,) = (result for result in results.values() if isinstance(result, Figure))
    assert_array_equal(figure.axes[0].collections[1].get_array(), rows["z"])
    assert figure.axes[1].get_ylabel() == "Median of bias_noise (electron)"


@pytest.fixture
def tested(rows: dict) -> dict:
    """Return rows with a tested quantity, of which 4 is over the limit 1 though its value is the least."""
    rows["z"] = 10.0 + np.arange(32) % 3
    rows["z"][4] = 8.0
    rows["RN"] = np.full(32, 5.0)
    rows["quantity"] = 0.1 * (np.arange(32) % 4)
    rows["quantity"][4] = 1.5
    rows["flag"] = rows["quantity"] < 1
    return rows


def makeTested(**fields: Any) -> FocalPlaneGeometryPlot:
    return makeAction(
        threshold=1.0, operator="<", quantityLabel="|Z|/RN", listedKeys=["RN"], addHistogram=True, **fields
    )


def test_tested_quantity_is_mapped_beside_the_statistic(camera: Sequence, tested: dict) -> None:
    figure = makeTested(unit="electron")(tested, camera=camera)
    assert [ax.get_ylabel() for ax in figure.axes] == [
        "y (mm)", "Noise (electron)", "amplifiers", "y (mm)", "|Z|/RN", "amplifiers",
    ]  # fmt: skip
    assert 1.0 in linesOf(figure.axes[4])
    assert [line.get_xdata()[0] for line in figure.axes[5].lines] == [1.0]
    assert figure.axes[2].lines[:] == []


def test_failing_amplifier_stands_out_by_its_tested_quantity(camera: Sequence, tested: dict) -> None:
    view = makeTested().prepare(tested, camera).beside
    assert view.limits.high == 1.0
    assert_array_equal(np.flatnonzero(view.above), [4])
    colours = drawFocalPlane(make_figure().add_subplot(), view, "viridis").values.to_rgba([0.0, 1.0, 1.5])
    assert to_hex(colours[2]) == overColours("viridis")[-1]
    assert to_hex(colours[1]) == to_hex(colormaps["viridis"](1.0))


def test_list_gives_value_reference_quantity_and_limit(camera: Sequence, tested: dict) -> None:
    listing = makeTested().prepare(tested, camera).listing
    assert listing.title == "Failing (limit: < 1)"
    assert listing.header.split() == ["value", "RN", "quantity"]
    assert [line.split() for line in listing.lines] == [["R00_S0", "C10", "8", "5", "1.5"]]


def test_closest_to_the_limit_come_first_where_nothing_fails(camera: Sequence, tested: dict) -> None:
    tested["quantity"][4], tested["quantity"][9], tested["flag"][4] = 0.2, 0.9, True
    listing = makeTested(nListed=1).prepare(tested, camera).listing
    assert listing.title == "Closest to the limit (limit: < 1)"
    assert listing.lines[0].startswith("R00_S1 C01")


@pytest.mark.parametrize(("operator", "worst"), [("<=", 3.0), (">", -2.0)])
def test_worst_of_the_exposures_is_mapped(camera: Sequence, rows: dict, operator: str, worst: float) -> None:
    data = {key: np.tile(column, 3) for key, column in rows.items()}
    data["quantity"] = np.repeat([3.0, -2.0, 0.0], 32)
    view = makeAction(operator=operator, threshold=0.5).prepare(data, camera)
    assert_array_equal(view.beside.patches.value, worst)


def test_no_quantity_no_second_map(camera: Sequence, rows: dict) -> None:
    assert makeAction(threshold=1.0).prepare(rows, camera).beside is None


def test_texts_of_two_maps_do_not_overlap(camera: Sequence, tested: dict) -> None:
    assertNoOverlap(makeTested(unit="electron", tests=["4.3"])(tested, camera=camera, plotInfo={"run": "u"}))


def test_suspicious_patches_are_marked_apart_from_failing_ones(camera: Sequence, rows: dict) -> None:
    rows |= {"suspicious": np.arange(32) == 5, "flag": np.arange(32) != 9}
    artists = draw(makeAction(), rows, camera)
    corners = makeAction().prepare(rows, camera).corners[5]
    ((x, y),) = artists.suspicious.get_offsets()
    assert corners[:, 0].min() < x < corners[:, 0].max()
    assert corners[:, 1].min() < y < corners[:, 1].max()
    assert [handle.get_label() for handle in artists.key] == ["failing: 1", "suspicious: 1"]


@pytest.mark.parametrize("kind", [FocalPlaneGeometryPlot, FailureMapPlot])
def test_what_is_not_there_yet_looks_other_than_what_is_missing(
    camera: Sequence, rows: dict, kind: type
) -> None:
    data = {key: column[np.isin(rows["detector"], (3, 20))] for key, column in rows.items()}
    data |= {"ampIndex": np.r_[0:8, 16:24], "flags": np.ones((1, 16), dtype=np.int8)}
    action = makeAction(kind)
    artists = drawFocalPlane(
        make_figure().add_subplot(), action.prepare(data, camera, {"notYet": [94]}), action.colourMap
    )
    assert len(artists.notYet.get_path().vertices) == len(artists.noData.get_path().vertices) == 8 * 6
    assert not same_color(artists.notYet.get_facecolor(), artists.noData.get_facecolor())
    assert artists.notYet.get_hatch() != artists.noData.get_hatch()
    assert [handle.get_label() for handle in artists.key][:2] == ["no data: 8", "not yet: 8"]
    figure = action(data, camera=camera, plotInfo={"notYet": [94]})
    assert "Not yet: 1 detector" in textsOf(figure)
    assertNoOverlap(figure)
