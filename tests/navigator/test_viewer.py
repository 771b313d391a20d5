# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The viewer of pyramids in a real browser, by mouse and by keyboard."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from browsers import NARROW, WIDE, readAddress, watchPage
from PIL import Image
from runningServer import runServer
from viewerRepository import (
    COMBINED,
    DETECTORS,
    EXPOSURES,
    FAILED,
    FAULTS,
    NO_DATA,
    PYRAMID,
    SHIFT,
    STRUCTURES,
    ViewerRepository,
    makeLatissRepository,
    makeTurnedRepository,
    makeViewerRepository,
)

from lsst.afw.cameraGeom import FOCAL_PLANE, PIXELS
from lsst.analysis.cp.core.pyramid import PyramidReader
from lsst.geom import Point2D

pytestmark = pytest.mark.slow
PIXEL = 0.04
"""Side of a pixel of the camera in the tests, mm."""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> ViewerRepository:
    return makeViewerRepository(tmp_path_factory.mktemp("viewer") / "repository")


@pytest.fixture(scope="module")
def address(repository: ViewerRepository) -> Iterator[str]:
    with runServer(repository.root) as address:
        yield f"{address}/view"


@pytest.fixture(scope="module")
def first(address: str, repository: ViewerRepository) -> str:
    """Return the address of the viewer of the exposure with faults."""
    return f"{address}/{repository.idOf(EXPOSURES[0])}"


@dataclass
class Viewer:
    """A page with the viewer."""

    page: object

    def open(self, address: str, **query: object) -> Viewer:
        """Go to a viewer, and wait until it is drawn."""
        self.page.goto(address + "?" + "&".join(f"{key}={value}" for key, value in query.items()))
        return self.wait()

    def wait(self) -> Viewer:
        """Wait until all is loaded, drawn, and in the address."""
        self.page.wait_for_selector("#canvas[data-ready=true]")
        self.page.wait_for_timeout(700)
        self.page.wait_for_selector("#canvas[data-ready=true]")
        return self

    @property
    def state(self) -> dict[str, str]:
        """What the address says."""
        return {key: values[0] for key, values in parse_qs(urlsplit(readAddress(self.page)).query).items()}

    @property
    def box(self) -> dict[str, float]:
        return self.page.locator("#canvas").bounding_box()

    def placeOf(self, x: float, y: float, pixel: float = PIXEL) -> tuple[float, float]:
        """Find a point of the focal plane on the screen, by what the address says."""
        state, box = self.state, self.box
        scale = float(state["zoom"]) / pixel
        return (
            box["x"] + box["width"] / 2 + scale * (x - float(state["x"])),
            box["y"] + box["height"] / 2 - scale * (y - float(state["y"])),
        )

    def point(self, x: float, y: float, pixel: float = PIXEL) -> str:
        """Move the mouse to a point of the focal plane; return what the viewer says."""
        self.page.mouse.move(*self.placeOf(x, y, pixel))
        self.page.wait_for_timeout(50)
        return self.page.text_content("#status")

    def press(self, *keys: str) -> Viewer:
        for key in keys:
            self.page.keyboard.press(key)
            self.page.wait_for_timeout(350)
        return self.wait()

    def coloursAround(self, x: float, y: float, reach: int = 0) -> np.ndarray:
        """Take a picture of the screen around a point of the focal plane; shape (n, n, 3)."""
        self.page.mouse.move(1, 1)
        left, top = (int(place) for place in self.placeOf(x, y))
        with Image.open(io.BytesIO(self.page.screenshot())) as picture:
            box = left - reach, top - reach, left + reach + 1, top + reach + 1
            return np.array(picture.convert("RGB").crop(box)).astype(int)

    def colourAt(self, x: float, y: float) -> list[int]:
        """Read the colour of the screen at a point of the focal plane."""
        return self.coloursAround(x, y)[0, 0].tolist()

    def isFramed(self, place: tuple[float, float], reach: int = 4) -> bool:
        """Tell whether a coloured line is near a point of the focal plane: the images are grey."""
        return bool((np.ptp(self.coloursAround(*place, reach), axis=2) > 60).any())


@pytest.fixture
def viewer(browser, request) -> Iterator[Viewer]:
    """Open a page, which is watched."""
    own = ("http://127.0.0.1:", "data:", "blob:")
    with watchPage(browser, getattr(request, "param", WIDE), own) as page:
        yield Viewer(page)


def placeOf(repository: ViewerRepository, detector: int, x: float, y: float) -> tuple[float, float]:
    """Find a pixel on the focal plane as the camera says."""
    transform = repository.camera[detector].getTransform(PIXELS, FOCAL_PLANE)
    point = transform.applyForward(Point2D(x, y))
    return point.getX(), point.getY()


@pytest.mark.parametrize("fault", FAULTS)
def test_value_at_a_pixel(viewer, first, repository, fault):
    x, y = placeOf(repository, *fault)
    viewer.open(first, x=x + 1.3, y=y - 0.7, zoom=8)
    said = viewer.point(x, y)
    assert f"{repository.camera[fault[0]].getName()} ({fault[0]})" in said
    assert f"x {fault[1]}, y {fault[2]} · {FAULTS[fault]:g} electron [BAD]" in said.replace(
        " [no mask]", ""
    ) or (f"x {fault[1]}, y {fault[2]} · {FAULTS[fault]:g} electron" in said)
    beside = viewer.point(*placeOf(repository, fault[0], fault[1] + 1, fault[2]))
    assert (
        f"x {fault[1] + 1}, y {fault[2]} · {(fault[1] + 1) / 1024 + DETECTORS[fault[0]]:.7g} elec" in beside
    )


def test_link_to_a_detector_shows_it(viewer, first, repository):
    viewer.open(first, detector=94)
    x, y = placeOf(repository, 94, *(0.5 * size for size in repository.camera[94].getBBox().getDimensions()))
    box = viewer.box
    middle = box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"]
    assert viewer.placeOf(x, y) == pytest.approx(middle, abs=2)
    assert f"{repository.camera[94].getName()} (94)" in viewer.point(x, y)


def test_amplifier_is_that_of_the_camera(viewer, first, repository):
    viewer.open(first, x=0, y=0, zoom=0.8)
    detector = repository.camera[94]
    for name in ("C05", "C12"):
        box = detector[name].getBBox()
        place = placeOf(repository, 94, box.getMinX() + 60, box.getMinY() + 200)
        assert f" · {name} · " in viewer.point(*place)


def test_zoom_by_wheel_keeps_what_is_under_the_mouse(viewer, first, repository):
    fault = (94, 300, 200)
    place = placeOf(repository, *fault)
    viewer.open(first)
    assert "mean of" in viewer.point(*place)
    before = float(viewer.state["zoom"])
    for _ in range(11):
        viewer.page.mouse.wheel(0, -240)
        viewer.page.wait_for_timeout(30)
    viewer.wait()
    assert float(viewer.state["zoom"]) > 60 * before
    assert "x 300, y 200 · 1234.5 electron" in viewer.point(*place)


def test_zoom_by_keys(viewer, first, repository):
    x, y = placeOf(repository, 81, 600, 411)
    viewer.open(first, x=x, y=y, zoom=0.25)
    viewer.press("+", "+", "+", "+")
    assert float(viewer.state["zoom"]) == pytest.approx(4.0)
    assert "x 600, y 411 · 55.125 electron" in viewer.point(x, y)
    viewer.press("-")
    assert float(viewer.state["zoom"]) == pytest.approx(2.0)
    viewer.press("1")
    assert float(viewer.state["zoom"]) == pytest.approx(1.0)
    left = float(viewer.state["x"])
    viewer.press("ArrowRight", "ArrowUp")
    assert float(viewer.state["x"]) - left == pytest.approx(viewer.box["width"] / 8 * PIXEL, abs=0.01)
    viewer.press("0")
    assert float(viewer.state["zoom"]) < 0.1


def test_drag_moves_the_image_with_the_mouse(viewer, first, repository):
    x, y = placeOf(repository, 94, 300, 200)
    viewer.open(first, x=x, y=y, zoom=4)
    viewer.page.mouse.move(*viewer.placeOf(x, y))
    viewer.page.mouse.down()
    viewer.page.mouse.move(400, 300)
    viewer.page.mouse.move(300, 500, steps=4)
    viewer.page.mouse.up()
    viewer.wait()
    assert viewer.placeOf(x, y) == pytest.approx((300, 500), abs=0.6)
    assert "x 300, y 200 · 1234.5 electron" in viewer.page.text_content("#status")


@pytest.mark.parametrize(("zoom", "factor"), [(0.5, 2), (0.25, 4), (0.1, 16)])
def test_values_of_coarser_pixels_are_means(viewer, first, repository, zoom, factor):
    """A mean over pixels that the test takes from the file itself."""
    x, y = placeOf(repository, 94, 300, 200)
    with PyramidReader(repository.pathOf(EXPOSURES[0])) as reader:
        view = reader.read((x, y), 3 * factor * reader.pixelSize, factor=factor)
    column, row = (round(float(pixel)) for pixel in view.grid.toPixels(x, y))
    value = view.image[row, column]
    middle = [float(place) for place in view.grid.toFocalPlane(column, row)]
    viewer.open(first, x=x, y=y, zoom=zoom)
    said = viewer.point(*middle)
    match = re.search(rf"mean of {factor} × {factor} pixels: (\S+) electron", said)
    assert float(match[1]) == pytest.approx(float(value), rel=1e-6)


def test_significance_is_a_peak(viewer, first, repository):
    x, y = placeOf(repository, 94, 300, 200)
    viewer.open(first, x=x, y=y, zoom=2, plane="significance")
    said = viewer.point(x, y)
    assert re.search(r"largest of 2 × 2 pixels: 123\d\.\d+", said)
    assert "electron" not in said


def test_pixel_without_data(viewer, first, repository):
    x, y = placeOf(repository, *NO_DATA)
    viewer.open(first, x=x, y=y, zoom=8, frames="")
    assert "x 500, y 120 · no value" in viewer.point(x, y)
    viewer.page.mouse.move(5, 5)
    # None of the colours of the map, which are greys.
    assert len(set(viewer.colourAt(x, y))) == 3
    assert len(set(viewer.colourAt(x + 2 * PIXEL, y))) == 1


def test_gap_and_detector_without_image(viewer, first, repository):
    viewer.open(first, x=0, y=0, zoom=0.3)
    name = repository.camera[93].getName()
    said = viewer.point(*placeOf(repository, 93, 800, 400))
    assert said.startswith(f"{name} (93) · ")
    assert "electron" not in said
    assert viewer.point(21.1, 0.0).startswith("no detector")


def test_pixels_of_the_screen_are_pixels_of_the_file(viewer, first, repository):
    x, y = placeOf(repository, 81, 600, 411)
    link = {"low": 9.0, "high": 12.0, "limits": "manual", "frames": ""}
    viewer.open(first, x=x, y=y, zoom=8, **link)
    columns = np.arange(560, 640, 10)
    for column in columns.tolist():
        part = (column / 1024 + 10.0 - 9.0) / 3.0
        shown = viewer.colourAt(*placeOf(repository, 81, column, 440))
        assert shown == pytest.approx([round(255 * part)] * 3, abs=1)
    # The pixel of the fault has the size that it should.
    assert viewer.colourAt(x, y) == [255] * 3
    for step in (0.45, -0.45):
        assert viewer.colourAt(x + step * PIXEL, y) == [255] * 3
        assert viewer.colourAt(x + 1.3 * step / 0.45 * PIXEL / 2, y) != [255] * 3


def test_limits_and_stretch(viewer, first, repository):
    x, y = placeOf(repository, 94, 512, 300)
    viewer.open(first, x=x, y=y, zoom=4)
    page = viewer.page
    page.fill("#low", "0")
    page.fill("#high", "2")
    page.press("#high", "Enter")
    viewer.wait()
    assert page.input_value("#limits") == "manual"
    assert viewer.colourAt(x, y)[0] == pytest.approx(64, abs=1)
    page.select_option("#stretch", "sqrt")
    viewer.wait()
    assert viewer.colourAt(x, y)[0] == pytest.approx(128, abs=1)
    page.select_option("#stretch", "asinh")
    viewer.wait()
    assert viewer.colourAt(x, y)[0] == pytest.approx(255 * np.arcsinh(2.5) / np.arcsinh(10), abs=1)
    page.select_option("#colours", "viridis")
    viewer.wait()
    assert len(set(viewer.colourAt(x, y))) == 3
    page.fill("#low", "5")
    page.press("#low", "Enter")
    assert page.evaluate("document.getElementById('low').validity.customError")
    assert float(viewer.state["low"]) == 0


def test_mask_is_shown_over_the_image(viewer, first, repository):
    x, y = placeOf(repository, 94, 700, 900)
    viewer.open(first, x=x, y=y, zoom=8, frames="")
    assert len(set(viewer.colourAt(x, y))) == 1
    viewer.page.click("#masks summary")
    viewer.page.click("#mask-planes input[value=BAD]")
    viewer.wait()
    assert len(set(viewer.colourAt(x, y))) > 1
    assert "[BAD]" in viewer.point(x, y)
    assert "[no mask]" in viewer.point(x + 3 * PIXEL, y)
    assert viewer.state["mask"] == "BAD"


def test_failed_amplifier_is_framed_where_it_is(viewer, first, repository):
    box = repository.camera[FAILED[0]][FAILED[1]].getBBox()
    viewer.open(first, x=0, y=0, zoom=0.7, frames="failed")
    middle = 0.5 * (box.getMinY() + box.getMaxY())
    edges = [placeOf(repository, 94, x, middle) for x in (box.getMinX() - 0.5, box.getMaxX() + 0.5)]
    assert all(viewer.isFramed(edge) for edge in edges)
    assert not viewer.isFramed(placeOf(repository, 94, box.getMinX() + 60, middle))
    assert not viewer.isFramed(placeOf(repository, 94, box.getMaxX() + 60, middle))
    assert "failed: NOISE, MEAN" in viewer.point(*placeOf(repository, 94, box.getMinX() + 60, middle))
    viewer.page.uncheck("#show-failed")
    viewer.wait()
    assert not any(viewer.isFramed(edge) for edge in edges)


def test_failed_amplifier_in_the_list_is_gone_to(viewer, first, repository):
    viewer.open(first)
    viewer.page.click("#failed button:has-text('R22_S11 C05 NOISE, MEAN')")
    viewer.wait()
    box = repository.camera[94]["C05"].getBBox()
    middle = [0.5 * (box.getMinX() + box.getMaxX()), 0.5 * (box.getMinY() + box.getMaxY())]
    x, y = placeOf(repository, 94, *middle)
    assert (float(viewer.state["x"]), float(viewer.state["y"])) == pytest.approx((x, y), abs=PIXEL)


def test_structure_is_framed_and_clicked(viewer, first, repository):
    _, _, detector, x, y, width, height = STRUCTURES[1]
    place = placeOf(repository, detector, x, y)
    viewer.open(first, x=place[0], y=place[1], zoom=0.9, frames="structures")
    end = placeOf(repository, detector, x, y + height / 2 + 2)
    assert viewer.isFramed(end, 6)
    assert not viewer.isFramed(placeOf(repository, detector, x, y + height / 2 + 40), 6)
    viewer.page.mouse.click(*viewer.placeOf(*place))
    viewer.wait()
    assert viewer.state["structure"] == "2"
    assert float(viewer.state["x"]) == pytest.approx(place[0], abs=PIXEL)
    assert viewer.page.get_attribute("#structures button[data-rank='2']", "aria-current") == "true"


def test_structures_by_keys(viewer, first, repository):
    viewer.open(first)
    for key, rank in (("n", 1), ("n", 2), ("n", 1), ("p", 2)):
        viewer.press(key)
        _, _, detector, x, y, *_ = STRUCTURES[rank - 1]
        assert viewer.state["structure"] == str(rank)
        place = placeOf(repository, detector, x, y)
        assert (float(viewer.state["x"]), float(viewer.state["y"])) == pytest.approx(place, abs=1e-3)
    viewer.press("p")
    assert "1234.5 electron" in viewer.point(*placeOf(repository, 94, 300, 200))


def test_blink_keeps_the_view(viewer, first, repository):
    x, y = placeOf(repository, 81, 700, 500)
    second = repository.idOf(EXPOSURES[1])
    viewer.open(first, x=x, y=y, zoom=3, blink=second, low=0, high=20, limits="manual")
    values = {}
    view = {key: viewer.state[key] for key in ("x", "y", "zoom", "low", "high")}
    for name in ("First", "Second", "First"):
        assert viewer.page.text_content("#shown").startswith(f"{name}: LSSTCam exposure")
        said = viewer.point(x, y)
        values[name] = float(re.search(r"y 500 · (\S+) electron", said)[1])
        assert view == {key: viewer.state[key] for key in view}
        viewer.press("b")
    assert values["First"] == pytest.approx(700 / 1024 + 10)
    assert values["Second"] - values["First"] == pytest.approx(SHIFT)


def test_blink_against_the_combined_calibration_by_mouse(viewer, first, repository):
    viewer.open(first)
    assert viewer.page.is_disabled("#blink")
    viewer.page.click("#combined li:has-text('cpCombinedBiasResidual') button:has-text('Second')")
    viewer.wait()
    assert viewer.state["blink"] == repository.idOf(COMBINED)
    viewer.page.click("#blink")
    viewer.wait()
    assert viewer.state["shown"] == "second"
    viewer.page.check("#blinking")
    shown = set()
    for _ in range(30):
        shown.add(viewer.page.text_content("#shown").partition(":")[0])
        viewer.page.wait_for_timeout(100)
    assert shown == {"First", "Second"}
    viewer.page.uncheck("#blinking")
    viewer.page.click("#no-partner")
    viewer.wait()
    assert "blink" not in viewer.state


def test_other_exposures_in_the_same_view(viewer, first, repository):
    x, y = placeOf(repository, 94, 600, 300)
    viewer.open(first, x=x, y=y, zoom=3)
    assert viewer.page.is_disabled("#previous")
    viewer.press("]")
    assert repository.idOf(EXPOSURES[1]) in readAddress(viewer.page)
    assert float(viewer.state["x"]) == pytest.approx(x, abs=1e-4)
    assert f"{600 / 1024 + SHIFT:.7g} electron" in viewer.point(x, y)
    viewer.press("[")
    assert repository.idOf(EXPOSURES[0]) in readAddress(viewer.page)
    viewer.page.go_back()
    viewer.wait()
    assert repository.idOf(EXPOSURES[1]) in readAddress(viewer.page)
    assert f"{600 / 1024 + SHIFT:.7g} electron" in viewer.point(x, y)


def test_exposures_of_a_day_are_listed(viewer, first, repository):
    viewer.open(first)
    viewer.page.fill("#day", "20260301")
    viewer.page.click("#search button")
    viewer.page.wait_for_selector("#exposures li >> nth=2")
    assert viewer.page.locator("#exposures li").count() == 3
    viewer.page.click("#exposures li >> nth=1 >> button:has-text('Open')")
    viewer.page.wait_for_url(f"**/{repository.idOf(EXPOSURES[1])}*")


def test_damaged_tile_is_said_and_the_rest_is_shown(viewer, address, repository):
    viewer.page.expected = "502 (Bad Gateway)"
    x, y = placeOf(repository, 94, 500, 500)
    viewer.open(f"{address}/{repository.idOf(EXPOSURES[2])}", x=x, y=y, zoom=0.999)
    problems = viewer.page.text_content("#problems")
    assert "'image' of detector 94 at factor 1 is damaged: the checksum of tile 3 is wrong" in problems
    assert "damaged" in viewer.point(*placeOf(repository, 94, 700, 700))
    assert "x 300, y 200 · 1234.5 electron" in viewer.point(*placeOf(repository, 94, 300, 200))
    corner = placeOf(repository, 94, 511.5, 700)
    assert viewer.isFramed(corner, 12)


def test_tiles_of_a_busy_server_are_asked_for_again(viewer, first, repository):
    viewer.page.expected = "503 (Service Unavailable)"
    busy: list[str] = []

    def answer(route):
        if route.request.url in busy:
            route.continue_()
        else:
            busy.append(route.request.url)
            route.fulfill(status=503, json={"detail": "The database does not answer."})

    viewer.page.route("**/tile/**", answer)
    detector, x, y = next(iter(FAULTS))
    place = placeOf(repository, detector, x, y)
    viewer.open(first, x=place[0], y=place[1], zoom=8)
    assert busy
    viewer.page.wait_for_timeout(4500)
    assert f"x {x}, y {y} · {FAULTS[detector, x, y]:g} electron" in viewer.wait().point(*place)


def test_file_that_is_gone_is_said(viewer, address, repository):
    viewer.page.expected = "404 (Not Found)"
    viewer.page.goto(f"{address}/{repository.idOf(EXPOSURES[3])}")
    viewer.page.wait_for_selector("#problems li")
    assert "cannot be opened" in viewer.page.text_content("#status")


def test_link_restores_the_view(viewer, first, repository, browser):
    x, y = placeOf(repository, 189, 100, 900)
    viewer.open(first, x=x, y=y, zoom=2)
    page = viewer.page
    page.select_option("#stretch", "asinh")
    page.select_option("#colours", "cividis")
    page.click("#masks summary")
    page.click("#mask-planes input[value=SAT]")
    page.uncheck("#show-structures")
    page.click("#combined button:has-text('Second')")
    viewer.press("+", "b")
    page.mouse.move(5, 5)
    link, picture = readAddress(page), page.locator("#canvas").screenshot()
    other = browser.new_page(viewport=WIDE)
    other.goto(link)
    again = Viewer(other).wait()
    assert readAddress(again.page) == link
    assert other.locator("#canvas").screenshot() == picture
    assert other.input_value("#colours") == "cividis"
    other.close()


def test_keys_are_explained(viewer, first, repository):
    viewer.open(first)
    viewer.page.keyboard.press("?")
    assert viewer.page.is_visible("#keys")
    viewer.page.keyboard.press("Escape")
    assert not viewer.page.is_visible("#keys")


def test_keys_typed_into_fields_do_nothing_else(viewer, first, repository):
    viewer.open(first)
    before = viewer.state["zoom"]
    viewer.page.focus("#low")
    viewer.press("1", "0", "n")
    assert viewer.state["zoom"] == before
    assert "structure" not in viewer.state


@pytest.mark.parametrize(
    "query",
    [
        {"x": "nan", "y": "1e400", "zoom": "-5"},
        {"zoom": 1e12, "x": 1e9, "y": -1e9},
        {"plane": "<b>", "stretch": "cube", "colours": "jet", "limits": "none", "mask": "A,<i>"},
        {"low": 5, "high": 1, "limits": "manual"},
    ],
)
def test_odd_links_show_something(viewer, first, repository, query):
    viewer.open(first, **query)
    assert 0 < float(viewer.state["zoom"]) <= 80
    assert abs(float(viewer.state["x"])) < 400
    assert viewer.page.input_value("#plane") == "image"


@pytest.mark.parametrize("place", [(31.5, 7.0), (33.0, 9.0)])
def test_detector_at_any_angle(viewer, tmp_path_factory, pyramidPath, place):
    viewer.page.expected = "404 (Not Found)"
    repository = makeTurnedRepository(tmp_path_factory.mktemp("turned") / "repository", pyramidPath)
    with PyramidReader(pyramidPath) as reader:
        (own,) = (each for each in reader.detectors if each.placement.detectorId == 14)
        column, row = (round(float(pixel)) for pixel in own.placement.toPixels(*place))
        value = reader.readTile(14, "image", 1, row // 512, column // 512)[row % 512, column % 512]
        x, y = reader.toFocalPlane(14, column, row)
    with runServer(repository.root) as address:
        viewer.open(f"{address}/view/{repository.idOf('turned_pyramid')}", x=x, y=y, zoom=6)
        said = viewer.point(x, y, pixel=0.01)
        viewer.page.close()
    assert said.startswith(f"R00_S04 (14) · x {column}, y {row} · ")
    assert float(re.search(r"· (\S+) electron", said)[1]) == pytest.approx(float(value), rel=1e-6)


def test_another_instrument(viewer, tmp_path_factory):
    repository = makeLatissRepository(tmp_path_factory.mktemp("latiss") / "repository")
    with runServer(repository.root) as address:
        viewer.open(f"{address}/view/{repository.idOf(PYRAMID)}")
        x, y = placeOf(repository, 0, 400, 300)
        viewer.point(x, y)
        for _ in range(8):
            viewer.page.mouse.wheel(0, -240)
        viewer.wait()
        said = viewer.point(x, y)
        problems = viewer.page.text_content("#problems")
        assert viewer.page.text_content("#failed") == "Not known."
        assert viewer.page.text_content("#structures-note") == "Not known."
        viewer.page.close()
    assert f"x 400, y 300 · {400 / 1024 + 5:.7g} electron" in said
    assert " · C" in said
    assert "There is no table of structures" in problems


@pytest.mark.parametrize("viewer", [NARROW], indirect=True)
def test_narrow_screen(viewer, first, repository):
    viewer.open(first)
    assert viewer.box["width"] > 380
    assert viewer.box["height"] > 250
    assert viewer.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_no_script_or_style_in_the_page(first, repository, viewer):
    page = viewer.open(first).page
    text = page.request.get(page.url).text()
    assert "<style" not in text
    assert "style=" not in text
    assert re.findall(r"<script[^>]*>", text) == ['<script type="module" src="/static/viewer/main.js">']
