# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pages as they are written: no pixel of the image is lost on the way."""

import io
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from matplotlib import colormaps
from matplotlib.backend_bases import RendererBase
from matplotlib.colors import Normalize, to_rgb
from matplotlib.figure import Figure
from numpy.testing import assert_array_equal
from PIL import Image

from lsst.afw.cameraGeom import FOCAL_PLANE, PIXELS, Camera
from lsst.analysis.cp.actions.plot.image import DetectorImagePlot, FocalPlaneImagePlot
from lsst.analysis.cp.actions.plot.image.pixelImage import PixelImage
from lsst.analysis.cp.actions.plot.image.scale import ImageStyle
from lsst.analysis.cp.core import FocalPlaneGeometry
from lsst.analysis.cp.core.images import FocalPlaneMosaic
from lsst.utils.plotting import make_figure

COLOURS = colormaps["viridis"].with_extremes(bad="#0000")


def readPage(figure: Figure) -> np.ndarray:
    """Return the colours (rows downwards, columns, 3) of the PNG file that a figure becomes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    with Image.open(buffer) as image:
        return np.asarray(image.convert("RGB"))


def cutImage(figure: Figure, shape: tuple[int, int]) -> np.ndarray:
    """Return the part of the page that shows the image, as blocks (ny, nx, zoom, zoom, 3) from below."""
    ax = figure.axes[0]
    (pixels,) = (artist for artist in ax.artists if isinstance(artist, PixelImage))
    left, right, bottom, top = pixels.extent
    corners = ax.transData.transform([(left, bottom), (right, top)])
    (x0, y0), (x1, y1) = np.rint(corners).astype(int)
    assert np.abs(corners - np.rint(corners)).max() < 0.01
    zoom = (x1 - x0) // shape[1]
    assert (x1 - x0, y1 - y0) == (zoom * shape[1], zoom * shape[0])
    page = readPage(figure)[::-1][y0:y1, x0:x1]
    return page.reshape(shape[0], zoom, shape[1], zoom, 3).swapaxes(1, 2)


def nearness(colours: np.ndarray, colour: str) -> np.ndarray:
    """Return the greatest difference of a channel from a colour."""
    return np.abs(colours / 255 - to_rgb(colour)).max(axis=-1)


class Recorder(RendererBase):
    """A renderer that keeps the images that are drawn, or only their sizes."""

    def __init__(self, keep: bool = True) -> None:
        super().__init__()
        self.keep = keep
        self.strips: list[tuple[float, float, np.ndarray]] = []

    def draw_image(self, gc: object, x: float, y: float, im: np.ndarray, transform: object = None) -> None:
        self.strips.append((x, y, im if self.keep else np.zeros(len(im))))


def drawPixels(image: np.ndarray, width: int, height: int, keep: bool = True) -> Recorder:
    ax = make_figure(figsize=(width / 100, height / 100), dpi=100).add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, 1), ylim=(0, 1))
    pixels = PixelImage(
        image, (0, 1, 0, 1), Normalize(0.0, 1.0), colormaps["viridis"].with_extremes(bad="#0000")
    )
    ax.add_artist(pixels)
    recorder = Recorder(keep)
    pixels.draw(recorder)
    return recorder


@pytest.mark.parametrize("zoom", [1, 3])
def test_each_pixel_is_a_block(zoom: int) -> None:
    image = np.random.default_rng(4).random((400, 300)).astype(np.float32)
    image[7, 9] = np.nan
    recorder = drawPixels(image, 300 * zoom, 400 * zoom)
    drawn = np.concatenate([strip for _, _, strip in recorder.strips])
    expected = COLOURS(np.ma.masked_invalid(image), bytes=True)
    assert_array_equal(drawn, expected.repeat(zoom, axis=0).repeat(zoom, axis=1))
    starts = np.cumsum([0, *(len(strip) for _, _, strip in recorder.strips)])[:-1]
    assert [(x, y) for x, y, _ in recorder.strips] == [(0, start) for start in starts.tolist()]


def test_smaller_page_takes_pixels_as_they_are() -> None:
    image = np.arange(100.0, dtype=np.float32).reshape(10, 10) / 100
    (strip,) = (strip for _, _, strip in drawPixels(image, 5, 5).strips)
    assert_array_equal(strip, colormaps["viridis"](image[1::2, 1::2], bytes=True))


def test_drawing_a_large_image_takes_little_memory() -> None:
    image = np.zeros((4000, 4000), dtype=np.float32)
    drawPixels(image[:10, :10], 10, 10)
    tracemalloc.start()
    drawPixels(image, 4000, 4000, keep=False)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64e6


def test_hidden_image_is_not_drawn() -> None:
    ax = make_figure().add_subplot()
    pixels = PixelImage(np.zeros((2, 2)), (0, 1, 0, 1), Normalize(0, 1), colormaps["viridis"], visible=False)
    ax.add_artist(pixels)
    recorder = Recorder()
    pixels.draw(recorder)
    assert recorder.strips == []


@pytest.mark.parametrize("binning", [1, 5])
def test_detector_page_holds_each_pixel(camera: Sequence, makeAction: Callable, binning: int) -> None:
    shape = 80 // binning, 100 // binning
    image = np.random.default_rng(5).uniform(-1.0, 1.0, shape).astype(np.float32)
    action = makeAction(DetectorImagePlot, plotMin=-1.0, plotMax=1.0)
    blocks = cutImage(action({"image": image, "detector": 3}, camera=camera), shape)
    expected = colormaps["PuOr"](Normalize(-1, 1)(image), bytes=True)[..., :3]
    middle = blocks[:, :, blocks.shape[2] // 2, blocks.shape[3] // 2]
    right = (middle == expected).all(axis=-1)
    # Names cover the others.
    assert right.mean() > 0.9
    assert right[-shape[0] // 4 :].all()


@pytest.mark.parametrize("place", [(0, 0), (0, 99), (79, 99), (40, 25), (39, 24), (11, 50)])
def test_one_pixel_of_a_mosaic_reaches_the_page(
    camera: Sequence, makeAction: Callable, makeMosaic: Callable, culprits: Table, place: tuple[int, int]
) -> None:
    image = np.ones((80, 100))
    image[place] = 9.0
    data = makeMosaic(d3=0.0, d20=0.0, d94=image, d7=0.0)
    row, column = np.argwhere(data["image"] == 9.0)[0]
    action = makeAction(FocalPlaneImagePlot, quantity="significance", threshold=6.0, plotMax=7.0)
    blocks = cutImage(action(data, camera=camera), data["image"].shape)
    style = ImageStyle.forColourMap("significance")
    seen = nearness(blocks, style.over)
    assert seen[row, column].min() < 0.02
    # Nothing else in the image is so bright; letters are not white, and lines let dark pixels show through.
    bright = np.argwhere(seen.min(axis=(2, 3)) < 0.02)
    detectors = np.isfinite(data["image"])[tuple(bright.T)]
    assert_array_equal(bright[detectors], [[row, column]])


def test_hot_column_under_the_outline_of_an_amplifier_is_seen(
    camera: Sequence, makeAction: Callable, makeMosaic: Callable
) -> None:
    image = np.ones((80, 100))
    image[:40, 25] = 9.0
    data = makeMosaic(d3=image)
    column = np.argwhere(data["image"] == 9.0)[:, 1][0]
    action = makeAction(FocalPlaneImagePlot, quantity="significance", threshold=6.0, plotMax=7.0)
    blocks = cutImage(action(data, camera=camera), data["image"].shape)
    rows = np.argwhere(data["image"][:, column] == 9.0)[:, 0]
    light = blocks.mean(axis=(2, 3, 4))
    contrast = light[rows, column] - light[rows, column + 3]
    assert (contrast[10:] > 100).all()


def test_focal_plane_of_205_detectors_holds_each_pixel(sharedData: Path, makeAction: Callable) -> None:
    camera = Camera.readFits(str(sharedData / "cameras" / "LSSTCam.fits"))
    geometry = FocalPlaneGeometry.fromCamera(camera, PIXELS, FOCAL_PLANE)
    mosaic = FocalPlaneMosaic(geometry, 16)
    for detector, (x0, y0, x1, y1) in zip(
        geometry.layout.detectorId.tolist(), geometry.detectorEdges, strict=True
    ):
        image = np.ones((round(y1 - y0) // 16, round(x1 - x0) // 16), dtype=np.float32)
        image[0, 0] = image[0, -1] = image[-1, 0] = image[-1, -1] = 20.0
        image[image.shape[0] // 2, image.shape[1] // 2] = 20.0
        mosaic.add(detector, image)
    grid = mosaic.grid
    assert 3900 < max(grid.shape) <= 4096
    data = {"image": mosaic.image, "x0": grid.x0, "y0": grid.y0, "pixelSize": grid.pixelSize}
    action = makeAction(FocalPlaneImagePlot, quantity="significance", threshold=6.2, plotMax=10.0)
    blocks = cutImage(action(data, camera=camera), grid.shape)
    seen = nearness(blocks[:, :, 0, 0], ImageStyle.forColourMap("significance").over) < 0.25
    bright = mosaic.image == 20.0
    assert bright.sum() == 5 * 205
    # The few others lie under the names of their detectors.
    assert seen[bright].mean() > 0.97


def test_page_is_written_as_the_butler_does(
    camera: Sequence, makeAction: Callable, detectorData: dict, tmp_path: Path
) -> None:
    figure = makeAction(DetectorImagePlot)(detectorData, camera=camera)
    path = tmp_path / "page.png"
    figure.savefig(path, metadata={"Title": "view"})
    with Image.open(path) as image:
        assert image.text["Title"] == "view"
        assert image.size == figure.canvas.get_width_height()


@pytest.mark.parametrize("name", ["pdf", "svg"])
def test_other_formats_are_written(
    camera: Sequence, makeAction: Callable, detectorData: dict, name: str
) -> None:
    buffer = io.BytesIO()
    makeAction(DetectorImagePlot)(detectorData, camera=camera).savefig(buffer, format=name)
    assert len(buffer.getvalue()) > 10_000


def test_missing_detectors_look_different_from_masked(
    camera: Sequence, makeAction: Callable, makeMosaic: Callable
) -> None:
    data = makeMosaic(d3=None, d94=np.full((80, 100), np.nan))
    blocks = cutImage(makeAction(FocalPlaneImagePlot)(data, camera=camera), data["image"].shape)
    origin = np.array([data["x0"], data["y0"]])
    shares = []
    for centre in ([10.5, 5.25], [11.6, 5.5]):
        column, row = np.rint((centre - origin) / data["pixelSize"]).astype(int)
        own = blocks[row - 15 : row + 15, column - 15 : column + 15]
        shares.append(float(np.mean(nearness(own, "white") < 0.05)))
    assert shares[0] > shares[1] + 0.1
