# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Ways through a report in a real browser, from files: nothing fails, and no host is asked for anything."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parent / "support"))

from browsers import NARROW, WIDE, follow, readAddress, watchPage
from plotRepository import PlotRepository, makeRepository
from syntheticReport import Recipe, makeReport

from lsst.afw.cameraGeom import Camera
from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.report.model import RunReport
from lsst.analysis.cp.report.pages import writePages

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def report(lsstCam: Camera) -> RunReport:
    """Make a report of two rafts and two guiders."""
    chosen = [each for each in lsstCam if each.getName().startswith(("R22_", "R01_", "R00_SG"))]
    recipe = Recipe(products=("bias", "ptc"), failing=0.02, lost=(2,))
    return makeReport(cameraGeometry.__wrapped__(chosen), recipe)


@pytest.fixture(scope="module")
def repository(
    tmp_path_factory: pytest.TempPathFactory, report: RunReport, pyramidPath: Path
) -> PlotRepository:
    return makeRepository(tmp_path_factory.mktemp("browser") / "repository", report, pyramidPath)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, report: RunReport, repository: PlotRepository) -> Path:
    folder = tmp_path_factory.mktemp("report")
    with repository.open() as butler:
        writePages(repository.addTo(report), folder, butler)
    return folder


@pytest.fixture
def page(browser, request) -> Iterator[object]:
    """Open a page, which is watched: it may ask no host for anything."""
    with watchPage(browser, getattr(request, "param", WIDE), ("file:", "data:"), timeout=5000) as page:
        yield page


def nameOf(report: RunReport, detector: int) -> str:
    return str(report.layout.detectorName[report.layout.detectorId == detector][0])


def shownRows(page, table: str) -> list[str]:
    """Read the first cells of the rows that are shown."""
    return page.eval_on_selector_all(
        f"#{table} tbody tr",
        "rows => rows.filter(row => row.offsetParent).map(row => row.cells[0].textContent)",
    )


def test_from_the_run_to_an_image(page, folder, report, repository):
    name = nameOf(report, repository.bad)
    page.goto(f"file://{folder}/index.html")
    follow(page, f"#rafts-list + ul a:text-is('{name.split('_')[0]}')")
    assert page.title().startswith(f"Raft {name.split('_')[0]}")
    follow(page, f"#overview a:text-is('{name}')")
    assert page.title().startswith(name)
    follow(page, "svg.map g.f a >> nth=0")
    assert page.evaluate("decodeURIComponent(location.hash)").startswith("#bias-C")
    anchor = page.evaluate("location.hash.slice(1)")
    assert "here" in page.get_attribute(f"#{anchor}", "class")
    follow(page, ".plots a >> nth=0")
    assert page.url.endswith(".png")
    assert page.evaluate("document.images[0].naturalWidth") == 600


def test_back_button_restores_the_view(page, folder):
    page.goto(f"file://{folder}/products/bias.html")
    before = shownRows(page, "matrix-bias")
    page.click("#matrix-bias thead button >> nth=1")
    page.click("#matrix-bias thead button >> nth=1")
    down = shownRows(page, "matrix-bias")
    assert down != before
    follow(page, "#matrix-bias tbody a >> nth=0")
    page.go_back()
    assert shownRows(page, "matrix-bias") == down
    page.go_back()
    page.go_back()
    assert shownRows(page, "matrix-bias") == before


def test_addresses_restore_the_view(page, folder):
    page.goto(f"file://{folder}/products/bias.html#find.matrix-bias=R22_&sort.matrix-bias=1.down")
    names = [f"R22_S{i}{j}" for i in range(3) for j in range(3)]
    assert shownRows(page, "matrix-bias") == names[::-1]
    assert page.input_value(".tools:has(+ .scroll #matrix-bias) input[type=search]") == "R22_"
    page.goto(f"file://{folder}/index.html#tab.maps=map-ptc")
    assert page.is_visible("#map-ptc svg")
    assert not page.is_visible("#map-all")
    page.goto(f"file://{folder}/detectors/R22_S11.html#bias-C10")
    assert "here" in page.get_attribute("#bias-C10", "class")
    assert page.evaluate("document.querySelector('#bias-C10').getBoundingClientRect().top") < WIDE["height"]


def test_the_keyboard_is_enough(page, folder):
    page.goto(f"file://{folder}/index.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.focus("#map-all svg a >> nth=0")
    start = page.evaluate("document.activeElement.getAttribute('href')")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    end = page.evaluate("document.activeElement.getAttribute('href')")
    assert end != start
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{end}")
    page.keyboard.press("n")
    page.wait_for_url(lambda url: end not in url)
    page.keyboard.press("p")
    page.wait_for_url(f"**/{end}")
    page.keyboard.press("/")
    page.keyboard.type("C1")
    rows = shownRows(page, page.evaluate("document.querySelector('table.cells').id"))
    assert rows == [f"C1{i}" for i in range(8)]


def test_filter_finds_words_and_what_is_not_good(page, folder, report):
    page.goto(f"file://{folder}/products/bias.html")
    tools = page.locator(".tools:has(+ .scroll #matrix-bias)")
    tools.locator("input[type=search]").fill("failed r01")
    product, names = report.products[0], report.layout.detectorName
    wanted = {
        name for name, code in zip(names, product.detectorStatus, strict=True) if code == 0 and "R01" in name
    }
    assert wanted
    assert set(shownRows(page, "matrix-bias")) == wanted
    assert tools.locator("output").text_content() == f"{len(wanted)} of {len(names)} rows"
    tools.locator("input[type=search]").fill("")
    tools.locator("input[type=checkbox]").check()
    bad = {names[i] for i in product.expected if product.detectorStatus[i] != 1}
    assert set(shownRows(page, "matrix-bias")) == bad
    assert "bad.matrix-bias=1" in readAddress(page)


def test_sort_is_by_all_digits(page, folder, report):
    detector = int(np.flatnonzero(report.layout.detectorName == "R22_S11")[0])
    start = int(report.layout.firstAmp[detector])
    (each,) = [each for each in report.products[0].tests if each.test.key == "NOISE"]
    order = np.argsort(each.value[start : start + 16], kind="stable")
    page.goto(f"file://{folder}/detectors/R22_S11.html")
    head = page.locator("#bias-amplifiers thead th").filter(has_text="NOISE4.3").first.locator("button")
    head.click()
    names = report.layout.ampName[start : start + 16]
    assert shownRows(page, "bias-amplifiers") == names[order].tolist()
    head.click()
    assert shownRows(page, "bias-amplifiers") == names[order[::-1]].tolist()
    assert page.locator("th[aria-sort=descending]").count() == 1


@pytest.mark.parametrize("name", ["index.html", "certification.html"])
def test_pages_print(page, folder, tmp_path, name):
    page.goto(f"file://{folder}/{name}")
    content = page.pdf(path=str(tmp_path / "report.pdf"))
    assert content.startswith(b"%PDF")
    page.emulate_media(media="print")
    assert page.locator("nav.top:visible, .tools:visible").count() == 0


@pytest.mark.parametrize("page", [NARROW], indirect=True)
def test_small_screens_scroll_down_only(page, folder):
    names = ("index.html", "products/bias.html", "rafts/R22.html", "detectors/R22_S11.html")
    for name in (*names, "certification.html", "production.html"):
        page.goto(f"file://{folder}/{name}")
        assert page.evaluate("document.documentElement.scrollWidth") == NARROW["width"], name


def test_tabs_choose_a_map(page, folder):
    page.goto(f"file://{folder}/index.html")
    page.click("[role=tab]:text-is('PTC')")
    assert page.is_visible("#map-ptc svg")
    assert not page.is_visible("#map-all")
    page.keyboard.press("ArrowLeft")
    assert page.is_visible("#map-bias svg")
    page.go_back()
    assert page.is_visible("#map-ptc svg")


def test_hostile_strings_execute_nothing(page, lsstCam, tmp_path):
    chosen = [each for each in lsstCam if each.getName().startswith(("R22_", "R00_SG"))]
    recipe = Recipe(products=("bias", "crosstalk"), failing=0.1, lost=(1,), hostile=True)
    writePages(makeReport(cameraGeometry.__wrapped__(chosen), recipe), tmp_path)
    for path in sorted(tmp_path.rglob("*.html")):
        page.goto(f"file://{path}")
        assert page.title() != "pwned", path
        assert page.locator("[onerror], main script").count() == 0
    page.goto(
        f"file://{tmp_path}/index.html#find.verdicts=%3Cimg%20src=x%20onerror=document.title='pwned'%3E&at=<script>"
    )
    page.locator("svg.map a >> nth=0").hover()
    assert page.title() != "pwned"
