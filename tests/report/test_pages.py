# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pages: their numbers are those of the report, their links lead somewhere, and nothing hostile is markup."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from astropy.table import Table
from bs4 import BeautifulSoup

sys.path.append(str(Path(__file__).parent / "support"))

from syntheticReport import HOSTILE, Recipe, makeReport

from lsst.afw.cameraGeom import Camera
from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.core import FocalPlaneGeometry
from lsst.analysis.cp.core.amps import FAILED, GOOD, UNKNOWN
from lsst.analysis.cp.report.model import Missing, QuantumState, RunReport, TaskReport, Verdict
from lsst.analysis.cp.report.pages import writePages
from lsst.analysis.cp.report.pages.cells import notes
from lsst.analysis.cp.report.pages.site import fileNames

pytest.importorskip("jinja2", reason="needs the extra [report]")

SIGNS = {"✗": "f", "?": "u", "✓": "g", "·": "x"}
PRODUCTS = ("bias", "flat:i_39", "ptc", "crosstalk")


def partOf(camera: Camera, raft: str = "R22") -> FocalPlaneGeometry:
    """Measure a raft of the real camera, and two detectors of another."""
    names = (f"{raft}_", "R00_SG")
    return cameraGeometry.__wrapped__([each for each in camera if each.getName().startswith(names)])


@pytest.fixture(scope="module")
def report(lsstCam: Camera) -> RunReport:
    return makeReport(partOf(lsstCam), Recipe(products=PRODUCTS, failing=0.05, lost=(5,)))


@pytest.fixture(scope="module")
def folder(report: RunReport, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    assert writePages(report, folder) == ()
    return folder


@pytest.fixture(scope="module")
def read(folder: Path) -> Callable[[str], BeautifulSoup]:
    return lambda name: BeautifulSoup((folder / name).read_text(), "html.parser")


def numberIn(element) -> float:
    """Read the number of a cell, or a part of it, with all of its digits."""
    text = element.get("data-value") or element.find(string=True, recursive=False)
    return float("nan") if (text := text.lstrip("✗✓?· ")) == "–" else float(text.replace("∞", "inf"))


@pytest.mark.parametrize("place", range(9))
def test_numbers_of_amplifiers_are_those_of_the_report(report, read, place):
    detector = int(np.flatnonzero(report.layout.detectorType == "SCIENCE")[place])
    start = int(report.layout.firstAmp[detector])
    page = read(f"detectors/{report.layout.detectorName[detector]}.html")
    n_checked = 0
    for product in report.products:
        tests = [each for each in product.tests if each.test.row == "amplifier"]
        rows = page.select(f"#{product.name}-amplifiers tbody tr")
        assert len(rows) == (16 if tests else 0)
        for amp, row in enumerate(rows, start=start):
            assert row.th.text == report.layout.ampName[amp]
            for each, cell in zip(tests, row("td"), strict=True):
                np.testing.assert_equal(numberIn(cell), each.value[amp])
                if (quantity := cell.find("i")) is not None:
                    np.testing.assert_equal(numberIn(quantity), each.quantity[amp])
                elif each.test.quantity is not None:
                    assert each.test.quantity == each.test.statistic
                if each.test.isTested:
                    assert SIGNS[cell.text[0]] == {FAILED: "f", UNKNOWN: "u"}.get(each.status[amp], "g")
                    assert SIGNS[cell.text[0]] in cell["class"]
                if product.exposures and each.test.isTested:
                    counts, *worst = cell.small.text.split()
                    assert counts == f"{each.nFailed[amp]}/{each.nTested[amp]}"
                    assert [int(one) for one in worst] == [
                        one for one in [each.worstExposure[amp]] if one >= 0
                    ]
                n_checked += 1
    assert n_checked > 500


def test_numbers_of_matrices_are_those_of_the_report(report, read):
    product = report.products[0]
    tests = [i for i, each in enumerate(product.tests) if each.test.isTested]
    rows = read("products/bias.html").select("#matrix-bias tbody tr")
    assert len(rows) == report.layout.nDetectors
    names = report.layout.detectorName.tolist()
    for row in rows:
        detector = names.index(row.th.text)
        cells = row("td")[-len(tests) :]
        for i, cell in zip(tests, cells, strict=True):
            sign, *number = cell.text.split()
            if detector not in product.expected:
                assert sign == "·"
                continue
            assert (sign == "✗") == (product.matrix[detector, i] == FAILED)
            assert (sign == "?") == (product.matrix[detector, i] == UNKNOWN)
            assert [int(one) for one in number] == [one for one in [product.failed[detector, i]] if one]


def test_what_was_not_due_is_not_unknown(lsstCam, tmp_path):
    report = makeReport(partOf(lsstCam), Recipe(products=("bias",), nExposures=1, lost=()))
    product = report.products[0]
    (i,) = [i for i, each in enumerate(product.tests) if each.test.key == "PROCESSING"]
    tests, matrix = list(product.tests), product.matrix.copy()
    tests[i] = replace(tests[i], status=np.full_like(tests[i].status, UNKNOWN), wasRun=False)
    matrix[:, i] = UNKNOWN
    others = [j for j, each in enumerate(tests) if each.test.counts and j != i]
    is_good = (matrix[:, others] == GOOD).all(axis=1)
    status = np.where(is_good, GOOD, product.detectorStatus).astype(np.int8)
    writePages(
        replace(
            report, products=(replace(product, tests=tuple(tests), matrix=matrix, detectorStatus=status),)
        ),
        tmp_path,
    )
    name = str(report.layout.detectorName[product.expected[is_good[product.expected]][0]])
    page = BeautifulSoup((tmp_path / "detectors" / f"{name}.html").read_text(), "html.parser")
    assert page.select("#bias-amplifiers td.u") == []
    assert len(page.select("#bias-amplifiers tr.g")) == 16
    assert page.select("svg.map g.u") == []


def test_notes_of_the_catalogue_are_markup():
    page = BeautifulSoup(notes("One ``a<b``.\n- **Two**: :doc:`there`"), "html.parser")
    assert [each.text for each in page("p")] == ["One a<b."]
    assert page.p.code.text == "a<b"
    assert [each.text for each in page("li")] == ["Two: there"]
    assert page.li.strong.text == "Two"


def test_rafts_are_counted(report, read):
    (head,) = read("index.html").select("#rafts thead")
    column = [each.text for each in head("th")].index("R22")
    rows = {
        row("td")[0].text: row
        for row in read("index.html").select("#rafts tbody tr")
        if "Bias" in row.th.text
    }
    product = report.products[0]
    assert set(rows) == {
        each.test.key for each in product.tests if each.test.counts and not each.test.verdict
    }
    for i, each in enumerate(product.tests):
        if each.test.key in rows:
            n_failed = int(np.sum(product.matrix[product.expected, i] == FAILED))
            cell = rows[each.test.key].select("th, td")[column]
            assert cell.text.split()[:2] == ["✗", str(n_failed)] if n_failed else cell.text[0] in "?✓"


def test_distances_are_worst_first_and_exact(report, read):
    product = report.products[0]
    (table,) = read("products/bias.html").select("#distances tbody")
    keys = [row("td")[1].find(string=True) for row in table("tr")]
    shown = [numberIn(row("td")[3]) for row in table("tr")]
    is_other = [not product.product[key].counts for key in keys]
    assert list(zip(is_other, shown, strict=True)) == sorted(zip(is_other, shown, strict=True))
    assert any(is_other)
    for each in product.tests:
        if each.test.quantity is not None:
            own = [value for key, value in zip(keys, shown, strict=True) if key == each.test.key]
            assert own == np.sort(each.margin)[: len(own)].tolist()
            assert len(own) == 12


def test_nothing_is_good_by_absence(report, read):
    lost = str(report.layout.detectorName[5])
    page = read(f"detectors/{lost}.html")
    assert page.select("#overview tbody td.g") == []
    assert page.select("#bias-amplifiers tbody td.g") == []
    assert "no row in the table" in page.select("#bias-culprits")[0].text
    (link,) = [each for each in read("index.html").select("#map-bias a") if lost in each.title.text]
    assert "unknown" in link.title.text
    assert link.find("text").text == "?"


def test_what_is_not_expected_is_said(report, read):
    guider = next(str(name) for name in report.layout.detectorName if "SG" in name)
    assert "No results are expected in: Bias, " in read(f"detectors/{guider}.html").text
    (link,) = [each for each in read("products/bias.html").select("svg.map a") if guider in each.title.text]
    assert "not expected" in link.title.text


def test_every_link_leads_to_a_file_and_place_that_there_is(folder):
    pages = {path: BeautifulSoup(path.read_text(), "html.parser") for path in folder.rglob("*.html")}
    anchors = {path: {each["id"] for each in page.select("[id]")} for path, page in pages.items()}
    n_links = 0
    for path, page in pages.items():
        for element in page.select("[href], [src]"):
            address = urlsplit(element.get("href") or element.get("src"))
            if address.scheme in ("https", "data") or address.path.endswith("verdict.json"):
                continue
            target = (path.parent / unquote(address.path)).resolve() if address.path else path
            assert target.is_file(), (path.name, address)
            place = address.fragment.removeprefix("at=")
            if place and "=" not in place:
                assert unquote(place) in anchors[target], (path.name, address)
            n_links += 1
    assert n_links > 1000


@pytest.mark.parametrize(
    "name", ["index.html", "products/bias.html", "rafts/R22.html", "detectors/R22_S11.html"]
)
def test_ids_are_unique_and_signs_beside_colours(read, name):
    page = read(name)
    ids = [each["id"] for each in page.select("[id]")]
    assert len(ids) == len(set(ids))
    for style in "fug":
        for cell in page.select(f"td.{style}"):
            assert cell.text.lstrip()[0] in "✗?✓-0123456789–", cell
        for group in page.select(f"svg.map g.{style}"):
            assert group["fill"] == f"url(#pat-{style})"
            assert style == "g" or all(link.find("text") for link in group("a"))


def test_pages_may_load_nothing_foreign(folder):
    for path in folder.rglob("*.html"):
        page = BeautifulSoup(path.read_text(), "html.parser")
        (policy,) = page.select("meta[http-equiv=Content-Security-Policy]")
        assert policy["content"].startswith("default-src 'none';")
        assert "unsafe" not in policy["content"]
        for element in page.select("[src], link[href]"):
            assert not urlsplit(element.get("src") or element["href"]).netloc
        assert page.select("[style], [onclick], [onload]") == []


class Elements(HTMLParser):
    """Collects the names of elements and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.seen |= {tag} | {f"{tag}@{name}" for name, _ in attrs}


def elementsIn(folder: Path) -> set[str]:
    found = Elements()
    for path in folder.rglob("*.html"):
        found.feed(path.read_text())
    return found.seen


def test_hostile_strings_are_only_text(lsstCam, tmp_path):
    geometry = partOf(lsstCam)
    folders = []
    for hostile in (False, True):
        folders.append(tmp_path / str(hostile))
        folders[-1].mkdir()
        writePages(
            makeReport(geometry, Recipe(products=PRODUCTS, failing=0.2, lost=(0, 1), hostile=hostile)),
            folders[-1],
        )
    assert elementsIn(folders[1]) - elementsIn(folders[0]) == set()
    # The detectors with hostile names are a raft of their own.
    assert len(list(folders[0].rglob("*"))) + 1 == len(list(folders[1].rglob("*")))
    for path in folders[1].rglob("*"):
        assert re.fullmatch(r"[\w.-]+", path.name), path
    page = BeautifulSoup((folders[1] / "index.html").read_text(), "html.parser")
    assert any(HOSTILE.split("\n")[0] in each.text for each in page.select("code"))
    assert "49" not in page.title.text


def test_a_report_without_products_is_unknown(lsstCam, tmp_path):
    report = replace(makeReport(partOf(lsstCam), Recipe(products=())), tasks=(), versions={}, problems=())
    writePages(report, tmp_path)
    page = BeautifulSoup((tmp_path / "index.html").read_text(), "html.parser")
    assert page.select(".banner")[0].text.strip() == "? unknown"
    assert "There are no results of any product" in page.text
    assert "It is not known what was expected." in page.text


def test_a_product_without_results_is_no_good(lsstCam, tmp_path):
    report = makeReport(partOf(lsstCam), Recipe(products=("bias",), nExposures=0, lost=tuple(range(20)[:11])))
    product = replace(
        report.products[0],
        tests=(),
        culprits=Table(),
        structures=Table(),
        verdict=Verdict.UNKNOWN,
        matrix=np.zeros((report.layout.nDetectors, 0), np.int8),
        failed=np.zeros((report.layout.nDetectors, 0), int),
    )
    writePages(replace(report, products=(product,)), tmp_path)
    page = BeautifulSoup((tmp_path / "index.html").read_text(), "html.parser")
    assert page.select("#verdicts tbody td .mark.g") == []
    assert page.select("svg.map g.g") == []


def test_names_of_files_are_plain_and_differ():
    names = ("R22_S11", "r22_s11", "../up", "", "a b", "R22_S12")
    files = fileNames(names, (f"detector-{i}" for i in range(6)))
    assert files == ("R22_S11", "detector-1", "detector-2", "detector-3", "detector-4", "R22_S12")


def test_the_majority_rule_is_stated(report, read):
    text = " ".join(read("products/bias.html").text.split())
    n = int(np.sum(report.layout.detectorType[report.products[0].expected] == "SCIENCE"))
    assert "over the limit in at least 2 of 3 exposures" in text
    assert f"in at least {8 * (n // 2 + 1)} amplifiers, or {n // 2 + 1} of {n} science detectors" in text
    assert getProduct("bias").epoch == "exposure"


def test_few_detectors_are_drawn_by_amplifiers(lsstCam, tmp_path):
    geometry = cameraGeometry.__wrapped__([each for each in lsstCam if each.getName() == "R22_S11"])
    report = makeReport(geometry, Recipe(products=("bias", "crosstalk"), failing=0.1, lost=()))
    writePages(report, tmp_path)
    page = BeautifulSoup((tmp_path / "index.html").read_text(), "html.parser")
    assert len(page.select("#map-bias svg.map a")) == 16
    assert {each["href"] for each in page.select("#map-bias svg.map a")} == {"detectors/R22_S11.html#bias"}
    # Crosstalk has no tests of amplifiers.
    assert len(page.select("#map-crosstalk svg.map a")) == 1


def test_files_have_names_of_their_own():
    """A detector may be called as the file of another one, whose name is none for files."""
    files = fileNames(["detector-2", "a/b"], ["detector-1", "detector-2"])
    assert files == ("detector-2", "detector-2-")


@pytest.mark.parametrize(
    ("isExact", "nLost", "style", "words"),
    [
        (True, 0, "g", "All expected quanta succeeded."),
        (False, 0, "x", "known with the quantum graph only"),
        (True, 1, "u", None),
    ],
)
def test_tasks_are_green_only_where_it_is_known_what_was_expected(
    report, tmp_path, isExact, nLost, style, words
):
    lost = (Missing(dataId="detector 1", detector=1, exposure=-1, state=QuantumState.LOST),) * nLost
    task = TaskReport(
        task="verifyBias",
        nExpected=3,
        nSucceeded=3 - nLost,
        nFailed=0,
        nBlocked=0,
        nNotYet=0,
        nLost=nLost,
        nExpectedSource="",
        isExact=isExact,
        missing=lost,
    )
    writePages(replace(report, tasks=(task,)), tmp_path)
    for name in ("index.html", "production.html"):
        page = BeautifulSoup((tmp_path / name).read_text(), "html.parser")
        (row,) = page.select("#tasks tbody tr")
        assert SIGNS[row.th.text[0]] == style
        assert [int(cell.text) for cell in row.select("td.n")] == [3, 3 - nLost, 0, 0, 0, nLost]
        assert words is None or words in page.text
        assert (words == "All expected quanta succeeded.") == ("All expected quanta succeeded." in page.text)
