# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The artists of figures of images."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from astropy.table import Table
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.testing import assert_allclose, assert_array_equal

from lsst.analysis.cp.actions.plot.image import DetectorImagePlot, FocalPlaneImagePlot
from lsst.analysis.cp.actions.plot.image.drawing import ImageArtists, drawImage, drawProjections
from lsst.analysis.cp.actions.plot.image.scale import GAP, MASKED, ImageStyle
from lsst.analysis.cp.actions.plot.image.view import ImageView
from lsst.analysis.cp.actions.plot.style import UNDER
from lsst.analysis.cp.core import FocalPlaneGeometry
from lsst.utils.plotting import make_figure


def makeAxes(view: ImageView) -> Axes:
    ax = make_figure(figsize=(9, 9), dpi=100).add_axes((0, 0, 1, 1))
    ax.set(xlim=view.frame.extent[:2], ylim=view.frame.extent[2:])
    return ax


def draw(view: ImageView) -> ImageArtists:
    return drawImage(makeAxes(view), view, ImageStyle.forColourMap(view.scale.colourMap))


def vertices(polygons: object) -> np.ndarray:
    return np.array([path.vertices[:4] for path in polygons.get_paths()])


def labelsOf(artists: ImageArtists) -> list[str]:
    return [handle.get_label() for handle in artists.key]


@pytest.fixture
def mosaicView(camera: Sequence, makeAction: Callable, makeMosaic: Callable, culprits: Table) -> ImageView:
    """Return the view of a mosaic without detector 20, without values on 94, and with failures."""
    data = makeMosaic(d20=None, d94=np.full((80, 100), np.nan)) | {"culprits": culprits}
    return makeAction(FocalPlaneImagePlot).prepare(data, camera)


def test_pixels_are_those_of_the_view(mosaicView: ImageView) -> None:
    pixels = draw(mosaicView).pixels
    assert_array_equal(pixels.image, mosaicView.image)
    assert pixels.extent == mosaicView.frame.extent
    limits = mosaicView.scale.limits
    assert (pixels.mappable.norm.vmin, pixels.mappable.norm.vmax) == (limits.low, limits.high)
    assert pixels.mappable.cmap.name == "PuOr"


def test_outlines_lie_around_the_pixels(mosaicView: ImageView, geometry: FocalPlaneGeometry) -> None:
    outlines, _ = draw(mosaicView).outlines
    own = geometry.detectorCorners
    distance = np.linalg.norm(vertices(outlines) - own.mean(axis=1, keepdims=True), axis=2)
    inner = np.linalg.norm(own - own.mean(axis=1, keepdims=True), axis=2)
    assert (distance > inner).all()
    # The inner edge of the line, half of 0.72 points to either side of it, is outside the pixels.
    millimetres = np.ptp(mosaicView.frame.extent[:2]) / 648
    assert (distance - inner >= np.sqrt(2) * 0.36 * millimetres).all()
    assert (distance - inner < np.sqrt(2) * 2.0 * millimetres).all()


def test_detectors_with_failures_stand_out(mosaicView: ImageView) -> None:
    all_outlines, stressed = draw(mosaicView).outlines
    assert len(vertices(stressed)) == 2
    assert stressed.get_linewidth()[0] > all_outlines.get_linewidth()[0]


def test_amplifiers_are_outlined_where_there_are_some(
    mosaicView: ImageView, geometry: FocalPlaneGeometry
) -> None:
    lines = draw(mosaicView).ampOutlines
    # Two rows of four amplifiers have six sides between neighbours of a row, and four between the rows.
    assert len(lines.get_segments()) == 20
    middle = np.array(lines.get_segments()[:10]).mean(axis=1)
    x0, y0 = geometry.detectorCorners[0, 0]
    assert_allclose(np.unique(middle[:, 0].round(6) - x0), np.arange(1, 8) * 0.125, atol=1e-6)
    assert_allclose(np.unique(middle[:, 1].round(6) - y0), [0.2, 0.4, 0.6], atol=1e-6)
    assert lines.get_alpha() < 0.5


def test_failing_amplifiers_are_framed_inside(mosaicView: ImageView, geometry: FocalPlaneGeometry) -> None:
    halo, line = draw(mosaicView).failing
    own = geometry.ampCorners[[1, 6, 8]]
    centre = own.mean(axis=1, keepdims=True)
    assert (np.linalg.norm(vertices(line) - centre, axis=2) < np.linalg.norm(own - centre, axis=2)).all()
    assert_array_equal(vertices(line), vertices(halo))
    assert halo.get_linewidth()[0] > line.get_linewidth()[0]


def test_narrow_amplifiers_have_no_halo(
    camera: Sequence, makeAction: Callable, makeMosaic: Callable, culprits: Table
) -> None:
    view = makeAction(FocalPlaneImagePlot).prepare(makeMosaic() | {"culprits": culprits}, camera)
    ax = makeAxes(view)
    ax.set_position((0, 0, 0.1, 0.1))
    assert len(drawImage(ax, view, ImageStyle()).failing) == 1


def test_missing_and_masked_are_hatched_each_in_its_way(
    mosaicView: ImageView, geometry: FocalPlaneGeometry
) -> None:
    artists = draw(mosaicView)
    missing = artists.missing.get_path().to_polygons(closed_only=True)
    assert_allclose([polygon[:4] for polygon in missing], geometry.detectorCorners[[2]])
    masked = artists.masked.get_path().to_polygons(closed_only=True)
    assert_allclose([polygon[:4] for polygon in masked], geometry.ampCorners[8:16])
    assert artists.missing.get_hatch() != artists.masked.get_hatch()


def test_what_nobody_asked_for_is_outlined_and_not_missing(
    camera: Sequence, makeAction: Callable, makeMosaic: Callable, geometry: FocalPlaneGeometry
) -> None:
    data = makeMosaic(d94=None, d20=None) | {"notRequested": geometry.layout.detectorId[[1]]}
    view = makeAction(FocalPlaneImagePlot).prepare(data, camera)
    assert view.headline == "2 of 3 requested detectors with an image"
    artists = draw(view)
    missing = artists.missing.get_path().to_polygons(closed_only=True)
    assert_allclose([polygon[:4] for polygon in missing], geometry.detectorCorners[[2]])
    (outlines,) = artists.notRequested
    assert_allclose(vertices(outlines)[:, :4], geometry.detectorCorners[[1]])
    labels = [handle.get_label() for handle in artists.key]
    assert {"detectors without an image: 1", "detectors not requested: 1"} <= set(labels)
    names = [text.get_text() for text in artists.names]
    assert geometry.layout.detectorName[2] in names
    assert geometry.layout.detectorName[1] not in names
    assert "Without an image: 1" in [lines[0] for lines in view.lists if lines]


def test_every_detector_is_named(mosaicView: ImageView) -> None:
    names = draw(mosaicView).names
    texts = [name.get_text() for name in names]
    assert {"R00_S0", "R00_S1", "R01_S0", "R01_S1"} <= set(texts)
    assert texts.count("C00") == 2


def test_key_names_and_counts_what_is_there(mosaicView: ImageView) -> None:
    labels = labelsOf(draw(mosaicView))
    assert labels[:3] == [
        "detectors without an image: 1",
        "amplifiers without a value: 8",
        "failing a test: 3",
    ]
    limits = mosaicView.scale.limits
    assert [label.rsplit(": ")[1] for label in labels[3:]] == [str(limits.nAbove), str(limits.nBelow)]


def test_key_of_a_map_of_significances(camera: Sequence, makeAction: Callable, makeMosaic: Callable) -> None:
    action = makeAction(FocalPlaneImagePlot, quantity="significance", threshold=6.0)
    image = np.ones((80, 100))
    image[5, 5] = image[30, 60] = -9.0
    image[7, 7] = 99.0
    view = action.prepare(makeMosaic(d3=image, d94=2.0, d20=2.0, d7=2.0), camera)
    assert labelsOf(draw(view)) == ["pixels above 6: 3"]


def test_structures_are_ringed_and_numbered(
    camera: Sequence, makeAction: Callable, detectorData: dict, structures: Table
) -> None:
    artists = draw(makeAction(DetectorImagePlot).prepare(detectorData | {"structures": structures}, camera))
    assert_array_equal(artists.marks.get_offsets(), [[40.0, 30.0], [10.0, 20.0], [70.0, 50.0]])
    assert [number.get_text() for number in artists.numbers] == ["1", "2", "3"]
    assert len(artists.marks.get_facecolor()) == 0
    assert "marked structures: 3" in labelsOf(artists)


def test_nothing_is_marked_if_all_is_well(camera: Sequence, makeAction: Callable, detectorData: dict) -> None:
    action = makeAction(DetectorImagePlot, plotMin=-100.0, plotMax=100.0)
    artists = draw(action.prepare(detectorData, camera))
    assert artists.key == ()
    assert artists.failing == ()
    assert artists.missing is artists.masked is artists.marks is None


def test_colours_beyond_the_scale_are_not_on_it() -> None:
    for name in ("viridis", "cividis", "PuOr", "RdBu_r", "significance"):
        style = ImageStyle.forColourMap(name)
        assert len({UNDER, style.over, MASKED, GAP}) == 4
        assert np.ptp(to_rgb(MASKED)) < 0.01


def drawBeside(view: ImageView) -> tuple[Axes, Axes, list, list]:
    figure = make_figure()
    axes = figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2)
    return *axes, *drawProjections(*axes, view)


def test_projections_follow_the_image(camera: Sequence, makeAction: Callable, detectorData: dict) -> None:
    view = makeAction(DetectorImagePlot).prepare(detectorData, camera)
    column_ax, row_ax, (columns, *_), (rows, *_) = drawBeside(view)
    assert_array_equal(columns.get_data().values, view.projections.columns)
    assert_allclose(columns.get_data().edges, np.arange(101) - 0.5)
    assert_array_equal(rows.get_data().values, view.projections.rows)
    assert rows.orientation == "horizontal"
    assert column_ax.get_ylim() == view.projections.columnLimits
    assert row_ax.get_xlim() == view.projections.rowLimits
    assert column_ax.get_ylabel() == "Mean (electron)"


def test_projections_mark_what_is_beyond(camera: Sequence, makeAction: Callable, detectorData: dict) -> None:
    detectorData["image"][:, 30] = 1e4
    detectorData["image"][50, :] = -1e5
    view = makeAction(DetectorImagePlot, projection="median").prepare(detectorData, camera)
    _, _, (_, above), (_, below) = drawBeside(view)
    assert_allclose(above.get_offsets(), [[30.0, view.projections.columnLimits[1]]])
    assert_allclose(below.get_offsets(), [[view.projections.rowLimits[0], 50.0]])


def test_mosaics_have_no_projections(mosaicView: ImageView) -> None:
    assert mosaicView.projections is None
    with pytest.raises(ValueError, match="has no projections"):
        drawBeside(mosaicView)


def figureOf(action: DetectorImagePlot, data: dict, camera: Sequence, **kwargs: object) -> Figure:
    return action(data, camera=camera, **kwargs)


def test_bar_names_the_unit(camera: Sequence, makeAction: Callable, detectorData: dict) -> None:
    figure = figureOf(makeAction(DetectorImagePlot, zAxisLabel="Dark"), detectorData, camera)
    labels = [ax.get_ylabel() for ax in figure.axes]
    assert labels == ["y (pixel)", "Mean (electron)", "", "Dark (electron)"]


def test_bar_marks_the_threshold(camera: Sequence, makeAction: Callable, detectorData: dict) -> None:
    action = makeAction(DetectorImagePlot, quantity="significance", threshold=6.2)
    figure = figureOf(action, detectorData, camera)
    assert [line.get_ydata()[0] for line in figure.axes[-1].lines] == [6.2, 6.2]
    assert "6.2" in [tick.get_text() for tick in figure.axes[-1].get_yticklabels()]


def test_bar_of_a_curve_has_even_ticks(camera: Sequence, makeAction: Callable, detectorData: dict) -> None:
    action = makeAction(DetectorImagePlot, curve="asinh", plotMin=-10.0, plotMax=10.0)
    bar = figureOf(action, detectorData, camera).axes[-1]
    texts = [tick.get_text() for tick in bar.get_yticklabels()]
    assert (texts[0], texts[4], texts[-1]) == ("-10", "0", "10")


def test_empty_image_has_no_bar_but_a_page(camera: Sequence, makeAction: Callable) -> None:
    figure = figureOf(
        makeAction(DetectorImagePlot), {"image": np.full((80, 100), np.nan), "detector": 3}, camera
    )
    assert len(figure.axes) == 3
    assert "No pixel with a value" in [text.get_text() for text in figure.axes[0].texts]


def test_page_says_where_the_image_is_from(
    camera: Sequence, makeAction: Callable, makeMosaic: Callable
) -> None:
    info = {
        "plotName": "biasView",
        "instrument": "Cam",
        "exposure": 5,
        "run": "u/$x$",
        "tableName": "residual",
    }
    figure = figureOf(makeAction(FocalPlaneImagePlot), makeMosaic(2), camera, plotInfo=info)
    texts = "\n".join(text.get_text() for text in figure.texts)
    for words in ("biasView", "Cam   exposure 5", "u/$x$", "image: residual", "2 × 2 detector pixels"):
        assert words in texts


def test_names_and_numbers_stand_beside_marks(
    camera: Sequence, makeAction: Callable, detectorData: dict, structures: Table
) -> None:
    # On the name of the first amplifier; beside it; and in the middle of another.
    structures["x"], structures["y"] = [3.0, 8.0, 60.0], [2.0, 4.0, 30.0]
    figure = figureOf(makeAction(DetectorImagePlot), detectorData | {"structures": structures}, camera)
    figure.canvas.draw()
    ax = figure.axes[0]
    (rings,) = (artist for artist in ax.collections if isinstance(artist, PathCollection))
    centres = ax.transData.transform(rings.get_offsets())
    radius = np.sqrt(rings.get_sizes()[0]) / 2 * figure.dpi / 72
    boxes = {text.get_text(): text.get_window_extent() for text in ax.texts}
    assert {"C00", "C13", "1", "2", "3"} <= boxes.keys()
    for name in ("C00", "C01", "C10"):
        for x, y in centres:
            nearest = np.clip(x, boxes[name].x0, boxes[name].x1), np.clip(y, boxes[name].y0, boxes[name].y1)
            assert np.hypot(*(np.array(nearest) - (x, y))) > 0.8 * radius, name
        assert not any(boxes[name].overlaps(boxes[number]) for number in "123")
