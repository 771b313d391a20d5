# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""The Plot Navigator of Rubin, run from its source, shows what is in our summaries, in a real browser."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.parse import quote

import pytest

sys.path.append(str(Path(__file__).parents[1] / "navigator" / "support"))

from navigatorReader import PlotNavigatorReader
from summaryRepository import EARLY, EXPOSURES, LATE, OLD, RUN, SummaryRepository

from lsst.analysis.cp.navigator.summaries import writeSummary

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright, of the extra [test]")
CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium, as apt-get install chromium brings it"),
]

LABEL = "lab/main"
ODD = "u/name/x y%?#é"
CALIB = "LSSTComCam/calib"
NEW = "LSSTComCam/verifyBias"
EXPOSURE_TYPE = "cpBiasExp_noise_Plot"
DETECTOR_TYPE = "cpBiasDet_noise_Plot"
INSTALL = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]
# Pages use a font that would come from another host; this is what the builder reads in its place.
FONTS = 'module.exports = new Proxy({}, {get: () => "@font-face {font-family: Inter; src: local(Arial)}"})'
# Ends what hangs, and nothing that a busy machine is slow at (s).
TIMEOUT = 600
PATIENCE = 120_000
"""For a page, which is built when it is first asked for (ms)."""


@dataclass(frozen=True)
class Navigator:
    """A Plot Navigator, and the summaries that it reads."""

    address: str
    readers: dict[str, PlotNavigatorReader]

    def findPage(self, kind: str, collection: str, *parts: str | int) -> str:
        """Return the address of a page."""
        encoded = (quote(str(part), safe="") for part in (kind, LABEL, collection, *parts))
        return "/".join((self.address, *encoded))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SummaryRepository]:
    """Make a repository with plots of exposures, of nine detectors, and of calibrations."""
    made = SummaryRepository(tmp_path_factory.mktemp("plots") / "repository")
    made.fill()
    both = [{"exposure": EXPOSURES[1], "detector": i} for i in (7, 1, 6, 2, 5, 3)]
    made.put(DETECTOR_TYPE, both)
    of_detectors = [{"detector": i} for i in (1, 0)]
    for run, timespan in ((RUN, LATE), (OLD, EARLY)):
        ids = made.put("ptcVarMean", of_detectors, run=run, isCalibration=True)
        made.certify(CALIB, ids, timespan)
    made.put(EXPOSURE_TYPE, [{"exposure": exposure} for exposure in EXPOSURES[1:]], run=OLD)
    made.put("object_sky_Plot", [{"skymap": "sky", "tract": 5, "band": "white"}])
    made.put("cpBiasRun_noise_Plot", [{}], run=ODD)
    made.chain(NEW, RUN)
    yield made
    made.butler.close()


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the checkout that UPSTREAM_DIR holds, and install what it needs."""
    if "UPSTREAM_DIR" not in os.environ:
        pytest.skip("needs a checkout of plot-navigator: set UPSTREAM_DIR")
    source = Path(os.environ["UPSTREAM_DIR"]) / "plot-navigator"
    if not (source / "package-lock.json").is_file():
        pytest.skip(f"there is no checkout {source}")
    if (npm := shutil.which("npm")) is None or shutil.which("node") is None:
        pytest.skip("needs node and npm")
    leave = shutil.ignore_patterns(".git", "node_modules", ".next", "test_assets")
    copy = shutil.copytree(source, tmp_path_factory.mktemp("navigator") / "app", ignore=leave)
    result = subprocess.run(
        [npm, *INSTALL], cwd=copy, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    if result.returncode:
        pytest.skip(f"needs the registry of npm: {result.stderr[-300:]}")
    return copy


@pytest.fixture(scope="module")
def navigator(application: Path, repository: SummaryRepository) -> Iterator[Navigator]:
    """Run the application on summaries and pictures of the repository."""
    assets = application / "test_assets"
    summaries = [
        writeSummary(repository.butler, name, assets / "summaries" / quote(LABEL, safe=""))
        for name in (RUN, OLD, NEW, CALIB, ODD)
    ]
    pictures = assets / "images" / LABEL
    pictures.mkdir(parents=True)
    for ref in repository.butler.query_all_datasets("*", find_first=False, limit=None):
        shutil.copy(repository.butler.getURI(ref).ospath, pictures / f"{ref.id}.png")
    readers = [PlotNavigatorReader.fromFile(each.path) for each in summaries]
    with runApplication(application) as address:
        yield Navigator(address, {each.collection: each for each in readers})


@contextlib.contextmanager
def runApplication(folder: Path) -> Iterator[str]:
    """Run the application in the mode in which it reads files in place of a bucket."""
    (folder / "fonts.js").write_text(FONTS)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = os.environ | {
        "BASE_URL": "/plot-navigator",
        "ENABLE_TEST_IMAGES": "1",
        "NEXT_FONT_GOOGLE_MOCKED_RESPONSES": str(folder / "fonts.js"),
        "NEXT_TELEMETRY_DISABLED": "1",
        "REPO_URLS": json.dumps({LABEL: ""}),
    }
    command = ["node", "node_modules/next/dist/bin/next", "dev", "-H", "127.0.0.1", "-p", str(port)]
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        address = f"http://127.0.0.1:{port}/plot-navigator"
        awaitPage(address, process, folder / "output")
        yield address
    finally:
        # It has processes of its own.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def awaitPage(address: str, process: subprocess.Popen[bytes], output: Path) -> None:
    """Wait until a page is served."""
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(address, timeout=PATIENCE / 1000).close()
            return
        time.sleep(0.2)
    pytest.fail(f"The Plot Navigator does not run: {output.read_text()[-2000:]}")


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser) -> Iterator[object]:
    """Open a page; at the end fail if an error was thrown, or a request failed."""
    page = browser.new_page(viewport={"width": 1300, "height": 1000})
    page.set_default_timeout(PATIENCE)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("response", lambda each: each.status < 400 or "favicon" in each.url or problems.append(each.url))
    yield page
    page.close()
    assert problems == []


def readTable(page, heading: str) -> dict[str, int]:
    """Read the table whose first column has a heading."""
    rows = page.locator("table", has=page.locator(f"thead td:text-is('{heading}')")).locator("tbody tr")
    cells = [row.locator("td").all_inner_texts() for row in rows.all()]
    return {name: int(count) for name, count in cells}


def readPlots(page) -> list[tuple[str, str]]:
    """Read caption and id of the dataset of each picture on a page, all of which are there."""
    page.wait_for_function("[...document.images].every(image => image.complete)")
    assert page.evaluate("[...document.images].every(image => image.naturalWidth === 60)")
    shown = page.eval_on_selector_all(
        "div:has(> img)",
        "all => all.map(each => [each.firstChild.textContent, each.querySelector('img').src])",
    )
    return [(caption, address.rpartition("/")[2]) for caption, address in shown]


def expect(navigator: Navigator, collection: str, datasetType: str) -> list[tuple[str, str]]:
    """List captions and ids of plots, as another reader understands the summary."""
    shown = navigator.readers[collection].showType(datasetType)
    return [(plot.caption, plot.id) for plot in shown]


def test_collections_are_listed_and_lead_to_their_plots(page, navigator):
    page.goto(navigator.address)
    names = page.locator("tbody tr td:first-child").all_inner_texts()
    assert sorted(names) == sorted(navigator.readers)
    page.click(f"a:text-is('{NEW}')")
    page.wait_for_url("**/collection/**")
    assert readTable(page, "Plot Type") == navigator.readers[NEW].listTypes()


@pytest.mark.parametrize("collection", [RUN, CALIB])
def test_every_type_is_found_by_plot_name(page, navigator, collection):
    page.goto(navigator.findPage("collection", collection))
    assert readTable(page, "Plot Type") == navigator.readers[collection].listTypes()
    note = navigator.readers[collection].note
    if page.locator("button:text-is('More')").count():
        page.click("button:text-is('More')")
    assert page.locator(f"div:text-is({json.dumps(note)})").count() == 1


def test_exposures_are_found_by_data_id(page, navigator):
    reader = navigator.readers[RUN]
    page.goto(navigator.findPage("collection", RUN))
    page.click("text=Select by Data Id")
    page.wait_for_selector("td:text-is('Visit')")
    visits = readTable(page, "Visit")
    assert visits == {str(visit): n for visit, n in reader.listNumbers("visits", "visit").items()}
    assert list(visits) == [str(visit) for visit in (77, *sorted(EXPOSURES))]
    tracts = reader.listNumbers("tracts", "tract")
    assert readTable(page, "Tract") == {str(tract): n for tract, n in tracts.items()}
    page.click(f"a:text-is('{EXPOSURES[1]}')")
    page.wait_for_url(f"**/visit/**/{EXPOSURES[1]}")
    page.wait_for_selector("img")
    groups = page.locator("div.border-b-2").all_inner_texts()
    assert groups == ["cpBiasDet_*", "cpBiasExp_*"]
    shown = reader.showVisit(EXPOSURES[1])
    plots = [plot.id for name in sorted(shown) for plot in shown[name]]
    # Six of each group are on a page.
    detectors = [id for _, id in readPlots(page)][:6]
    assert detectors == plots[:6]
    assert [id for _, id in readPlots(page)][6:] == plots[9:]


def test_plots_of_exposures_are_in_their_order(page, navigator):
    page.goto(navigator.findPage("plot", RUN, EXPOSURE_TYPE))
    assert readPlots(page) == expect(navigator, RUN, EXPOSURE_TYPE)
    captions = [f"exposure: {each}, visit: {each}" for each in sorted(EXPOSURES)]
    assert [caption for caption, _ in readPlots(page)] == captions
    page.click("img >> nth=1")
    enlarged = page.locator("div.fixed")
    assert captions[1] in enlarged.inner_text()
    enlarged.get_by_text(">>").click()
    assert captions[2] in enlarged.inner_text()


def test_plots_of_detectors_are_in_their_order(page, navigator):
    page.goto(navigator.findPage("plot", RUN, DETECTOR_TYPE))
    first = readPlots(page)
    page.click("button:text-is('Next') >> nth=0")
    page.wait_for_function("document.images.length === 2")
    assert [*first, *readPlots(page)] == expect(navigator, RUN, DETECTOR_TYPE)
    low, high = sorted(EXPOSURES[:2])
    captions = [f"exposure: {low}, detector: {i}, visit: {low}" for i in range(9)]
    assert [caption for caption, _ in first][:9] == captions
    assert first[9][0] == f"exposure: {high}, detector: 0, visit: {high}"


@pytest.mark.parametrize(
    ("collection", "datasetType"),
    [
        (RUN, "cpPtcDetector_noise_Plot"),
        (RUN, "cpFlatRun_noise_Plot"),
        (RUN, "cpBiasRun_noise_Plot"),
        (RUN, "calexp_sky_Plot"),
        (CALIB, "ptcVarMean"),
    ],
)
def test_plots_of_calibrations_and_runs_are_in_their_order(page, navigator, collection, datasetType):
    page.goto(navigator.findPage("plot", collection, datasetType))
    plots = readPlots(page)
    assert plots == expect(navigator, collection, datasetType)
    if collection == CALIB:
        assert plots[0][0] == "detector: 0, valid: until 2026-03-01T00:00:00 TAI"
        assert len(plots) == 4


def test_a_plot_has_an_address_of_its_own(page, navigator):
    """Two plots of one detector differ by the range of validity."""
    [entries] = navigator.readers[CALIB].groups["global"].values()
    for entry in entries:
        page.goto(navigator.findPage("plot", CALIB, "ptcVarMean", entry["dataId"]))
        assert [id for _, id in readPlots(page)] == [entry["id"]]


def test_other_bands_are_counted_and_not_shown(page, navigator):
    page.goto(navigator.findPage("plot", RUN, "object_sky_Plot"))
    plots = expect(navigator, RUN, "object_sky_Plot")
    shown = readPlots(page)
    assert shown == [plot for plot in plots if "band: white" not in plot[0]]
    assert len(shown) == len(plots) - 1 == 4
    assert "Counted, but not shown: 1 of the band white." in navigator.readers[RUN].note


def test_collections_are_compared_exposure_by_exposure(page, navigator):
    page.goto(navigator.findPage("plot", RUN, EXPOSURE_TYPE, "compare", LABEL, OLD))
    left = expect(navigator, RUN, EXPOSURE_TYPE)
    right = dict(expect(navigator, OLD, EXPOSURE_TYPE))
    pairs = [[id for caption, id in pair] for pair in readPairs(page)]
    assert len(right) == len(left) - 1
    assert pairs == [[id, *([right[caption]] if caption in right else [])] for caption, id in left]


def readPairs(page) -> list[list[tuple[str, str]]]:
    """Read the rows of a page that compares."""
    plots = dict(enumerate(readPlots(page)))
    rows = page.eval_on_selector_all(
        "div.flex.flex-row.justify-center:has(img)",
        "all => all.map(row => row.querySelectorAll('img').length)",
    )
    numbers = iter(plots)
    return [[plots[next(numbers)] for _ in range(n)] for n in rows]


def test_collections_of_odd_names_are_shown(page, navigator):
    page.goto(navigator.address)
    page.locator("a", has_text=ODD).click()
    page.wait_for_url("**/collection/**")
    page.wait_for_selector("td:text-is('Plot Type')")
    assert page.locator("div.text-2xl").inner_text() == ODD
    page.click("a:text-is('cpBiasRun_noise_Plot')")
    page.wait_for_selector("img")
    assert readPlots(page) == expect(navigator, ODD, "cpBiasRun_noise_Plot")
