# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pages of a true report through the server, in a browser: they look and work as they do from files."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsers import follow
from flipRepository import FlipRepository
from registries import ON_SQLITE_ALONE
from runningServer import runServer

sys.path.append(str(Path(__file__).parents[1] / "report" / "support"))

from plotRepository import makeRepository
from syntheticReport import Recipe, makeReport

from lsst.afw.cameraGeom import Camera
from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.report.folder import writeReport

pytestmark = [pytest.mark.slow, ON_SQLITE_ALONE]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, lsstCam: Camera, pyramidPath: Path) -> Path:
    """Write a report of two guiders and a raft, with plots."""
    chosen = [each for each in lsstCam if each.getName().startswith(("R22_", "R00_SG"))]
    recipe = Recipe(products=("bias", "ptc"), failing=0.02, lost=(2,))
    report = makeReport(cameraGeometry.__wrapped__(chosen), recipe)
    root = tmp_path_factory.mktemp("report")
    stored = makeRepository(root / "repository", report, pyramidPath)
    with stored.open() as butler:
        writeReport(stored.addTo(report), root / "report", butler)
    return root / "report"


@pytest.fixture(scope="module")
def address(flips: FlipRepository, folder: Path) -> Iterator[str]:
    with runServer(flips.root, folder) as address:
        yield address


def test_from_the_collections_to_a_plot_of_the_report(page, address):
    page.goto(address)
    follow(page, "a:text-is('Run report')")
    follow(page, "#rafts-list + ul a:text-is('R22')")
    follow(page, "#overview a >> nth=0")
    assert page.url.startswith(f"{address}/report/detectors/")
    assert page.evaluate("getComputedStyle(document.querySelector('nav.top')).position") == "sticky"
    page.goto(f"{address}/report/products/bias.html")
    before = page.locator("#matrix-bias tbody tr").first.inner_text()
    page.click("#matrix-bias thead button >> nth=1")
    page.click("#matrix-bias thead button >> nth=1")
    assert page.locator("#matrix-bias tbody tr").first.inner_text() != before
    page.goto(f"{address}/report/index.html#plots")
    follow(page, ".plots a >> nth=0")
    assert page.evaluate("document.images[0].naturalWidth") == 600


def test_each_page_loads_all_that_it_shows(page, address, folder):
    names = [str(each.relative_to(folder)) for each in sorted(folder.rglob("*.html"))]
    assert {"index.html", "certification.html", "production.html"} <= set(names)
    for name in names:
        page.goto(f"{address}/report/{name}")
        page.wait_for_load_state("networkidle")
        lost = page.evaluate(
            "[...document.images].filter(each => each.complete && !each.naturalWidth).length"
        )
        assert lost == 0, name


def test_the_sheet_keeps_its_own_style(page, address):
    page.goto(f"{address}/report/certification.html")
    assert page.evaluate("document.styleSheets[0].cssRules.length") > 10
