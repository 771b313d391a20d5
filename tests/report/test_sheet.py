# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The certification sheet and its commands, the exported tables, and the copies of plots and pixels."""

from __future__ import annotations

import csv
import re
import shlex
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from bs4 import BeautifulSoup
from click.testing import CliRunner
from PIL import Image
from registries import Registries

sys.path.append(str(Path(__file__).parent / "support"))

from plotRepository import RUN, PlotRepository, makeRepository, nameType
from syntheticReport import FIRST_EXPOSURE, HOSTILE, Recipe, makeReport

from lsst.afw.cameraGeom import Camera
from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.report.exports import exposuresTable, membersTable, writeTable
from lsst.analysis.cp.report.model import Certification, RunReport, Verdict
from lsst.analysis.cp.report.pages import writePages
from lsst.analysis.cp.report.pages.sheet import (
    Calibration,
    certifyCommand,
    findCalibrations,
    makeSheet,
    whereClause,
)
from lsst.analysis.cp.report.pages.site import Site
from lsst.daf.butler import Butler, CollectionType
from lsst.daf.butler.cli.butler import cli

CERTIFICATION = Certification(
    collection="LSSTCam/calib/new", beginDate="2026-03-01T00:00:00", endDate="2026-04-01T00:00:00"
)


@pytest.fixture(scope="module")
def report(lsstCam: Camera) -> RunReport:
    geometry = cameraGeometry.__wrapped__(
        [each for each in lsstCam if each.getName().startswith(("R22_", "R01_"))]
    )
    made = makeReport(geometry, Recipe(products=("bias", "ptc"), failing=0.05, lost=()))
    return replace(made, certification=CERTIFICATION)


@pytest.fixture(scope="module")
def repository(
    tmp_path_factory: pytest.TempPathFactory, report: RunReport, pyramidPath: Path, registries: Registries
) -> PlotRepository:
    with registries.hosting():
        return makeRepository(tmp_path_factory.mktemp("plots") / "repository", report, pyramidPath)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, report: RunReport, repository: PlotRepository) -> Path:
    folder = tmp_path_factory.mktemp("report")
    with repository.open() as butler:
        assert writePages(repository.addTo(report), folder, butler) == ()
    return folder


def readPage(folder: Path, name: str) -> BeautifulSoup:
    return BeautifulSoup((folder / name).read_text(), "html.parser")


def test_commands_of_the_sheet_certify(folder, repository, report, registries, tmp_path):
    """Run the very line that the sheet shows, on a copy of the repository."""
    (line,) = [each.text for each in readPage(folder, "certification.html")("pre") if "butler" in each.text]
    copy = registries.copy(repository.root, tmp_path / "repository")
    with Butler.from_config(str(copy), writeable=True) as butler:
        butler.collections.register("LSSTCam/calib/new", CollectionType.CALIBRATION)
    words = shlex.split(line)
    assert words[:3] == ["butler", "certify-calibrations", report.repository]
    result = CliRunner().invoke(cli, [words[1], str(copy), *words[3:]])
    assert result.exit_code == 0, result.output
    with Butler.from_config(str(copy)) as butler:
        found = list(butler.registry.queryDatasetAssociations("bias", "LSSTCam/calib/new"))
    assert sorted(each.ref.dataId["detector"] for each in found) == sorted([repository.bad, repository.good])
    assert {each.timespan.begin.isot for each in found} == {"2026-03-01T00:00:00.000000"}


def test_calibrations_are_found_once(repository):
    with repository.open() as butler:
        found = findCalibrations(butler, [RUN], "LSSTCam")
    assert found == [Calibration(datasetType="bias", run=RUN, number=2)]


def test_what_is_not_told_is_left_to_the_reader(report):
    line = certifyCommand(
        replace(report, certification=Certification()), Calibration(datasetType="bias", run="a b", number=1)
    )
    assert line == "butler certify-calibrations /repo/main 'a b' CALIBRATION_COLLECTION bias"


@pytest.mark.parametrize(
    ("other", "words"), [(Verdict.MAY, "To certify:"), (Verdict.MAY_NOT, "Not to be run")]
)
def test_one_line_certifies_all_filters(report, other, words):
    """Flats of two filters are of one dataset type: neither may be certified if one may not."""
    bias = report.products[0]
    both = [
        replace(bias, name="bias-a", title="a", verdict=Verdict.MAY),
        replace(bias, name="bias-b", title="b", verdict=other),
    ]
    calibration = Calibration(datasetType="bias", run=RUN, number=2)
    page = makeSheet(Site(report=replace(report, products=tuple(both))), [calibration])
    before = [
        each.find_previous("p").text
        for each in BeautifulSoup(page, "html.parser")("pre")
        if "butler" in each.text
    ]
    assert len(before) == 2
    assert all(each.startswith(words) for each in before)


def test_where_clauses_leave_exposures_out(repository, report):
    clause = whereClause(report.products[0])
    assert clause == f"exposure NOT IN ({FIRST_EXPOSURE})"
    with repository.open() as butler:
        found = {
            where: butler.query_datasets(
                nameType("exposure"), instrument="LSSTCam", where=where, explain=False
            )
            for where in ("", clause)
        }
    assert (len(found[""]), len(found[clause])) == (1, 0)
    assert whereClause(report.products[1]) == ""


def test_sheet_stands_alone(folder, report):
    path = folder / "certification.html"
    assert path.stat().st_size < 2_000_000
    page = readPage(folder, "certification.html")
    assert page.select("[src], script, link:not([rel=icon])") == []
    assert "2026-03-01T00:00:00 – 2026-04-01T00:00:00" in page.text
    marks = [each.text for each in page.select("tbody .mark")]
    assert [text.split(maxsplit=1)[1] for text in marks] == [each.verdict.value for each in report.products]
    assert len(page.select("[contenteditable]")) == 4 * len(report.products) + 1
    text = " ".join(page.text.split())
    for product in report.products:
        for reason in product.reasons:
            assert reason in text


def test_sheet_counts_expected_members_only(report, folder):
    (section, *_) = [
        each for each in readPage(folder, "certification.html")("section") if each.h2.text == "Bias"
    ]
    rows = {row("td")[0].text: row("td") for row in section.select("tbody tr")}
    for each in report.products[0].tests:
        if each.test.key in rows:
            good, failed, unknown = (int(cell.text.strip("✗? ")) for cell in rows[each.test.key][3:6])
            assert good + failed + unknown == report.layout.nAmps
            assert failed == int(np.sum(each.nFailed > 0))


@pytest.mark.parametrize(
    ("verdict", "words"), [(Verdict.MAY, "To certify:"), (Verdict.MAY_NOT, "Not to be run")]
)
def test_line_is_offered_where_the_verdict_allows(report, verdict, words):
    product = replace(report.products[0], verdict=verdict)
    page = makeSheet(
        Site(report=replace(report, products=(product,))),
        [Calibration(datasetType="bias", run="r", number=1)],
    )
    assert words in page


def test_exports_hold_the_arrays(folder, report):
    product, layout = report.products[0], report.layout
    for ending, form in (("csv", "ascii.csv"), ("ecsv", "ascii.ecsv")):
        table = Table.read(folder / "tables" / f"bias-amplifiers.{ending}", format=form)
        assert table["amplifier"].tolist() == layout.ampName.tolist()
        assert table["detector"].tolist() == layout.detectorId[layout.ampDetector].tolist()
        for each in product.tests:
            if each.test.statistic:
                np.testing.assert_array_equal(np.asarray(table[f"{each.test.key}_value"], float), each.value)
            if each.test.isTested:
                assert table[f"{each.test.key}_nFailed"].tolist() == each.nFailed.tolist()
    assert str(table["NOISE_value"].unit) == "electron"
    exposures = Table.read(folder / "tables" / "bias-exposures.ecsv")
    assert exposures["exposure"].tolist() == [each.exposure for each in product.exposures]
    assert exposuresTable(product).colnames == exposures.colnames
    culprits = Table.read(folder / "tables" / "bias-culprits.ecsv")
    assert culprits["reason"].tolist() == product.culprits["reason"].tolist()


def test_detectors_are_exported(report):
    product = report.products[0]
    table = membersTable(product, report.layout, np.full(report.layout.nDetectors, "R"), "detector")
    index = [each.test.key for each in product.tests].index("NOISE")
    assert table["NOISE_nAmpsFailed"].tolist() == product.failed[:, index].tolist()


def test_hostile_values_survive_export(tmp_path):
    table = Table({"name": [HOSTILE, "", 'a "b", c'], "value": [1.0, np.nan, np.inf]}, masked=True)
    table["value"].mask = [False, False, True]
    writeTable(table, tmp_path / "hostile.name")
    with (tmp_path / "hostile.name.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert [row[0] for row in rows[1:]] == table["name"].tolist()
    # Astropy's reader strips lines.
    found = Table.read(tmp_path / "hostile.name.ecsv", format="ascii.ecsv")
    assert str(found["name"][0]).split() == HOSTILE.split()
    assert found["value"].mask.tolist() == [False, False, True]


def test_plots_of_what_is_not_good_are_copied(folder, repository):
    files = sorted((folder / "plots").glob("*.png"))
    # The raft of the plot has no detector that is bad in this report.
    assert [path.name.split("_")[0] for path in files] == [
        "cpBiasDetector",
        "cpBiasExposure",
        "cpBiasRaft",
        "cpBiasRun",
        "cpBiasTrend",
    ]
    (own,) = [path for path in files if path.name.startswith("cpBiasDetector")]
    assert f"_{repository.bad}_" in own.name
    with repository.open() as butler:
        stored = butler.getURI(
            nameType("detector"), instrument="LSSTCam", exposure=FIRST_EXPOSURE, detector=repository.bad
        )
        assert own.read_bytes() == stored.read()
    with Image.open(own.with_suffix(".jpg")) as thumbnail:
        assert thumbnail.size == (600, 400)


def test_plots_of_good_detectors_are_named(folder, repository, report):
    names = dict(zip(report.layout.detectorId.tolist(), report.layout.detectorName.tolist(), strict=True))
    page = readPage(folder, f"detectors/{names[repository.good]}.html")
    assert [each["src"] for each in page("img") if "cpBiasTrend" not in each["src"]] == []
    (named,) = [each.text for each in page.select("details li")]
    assert re.search(rf"{nameType('detector')} .*detector: {repository.good}\b", named)
    assert RUN in named


def test_pages_of_all_detectors_have_histories(folder, repository, report):
    layout = report.layout
    for detector in (repository.bad, repository.good):
        name = str(layout.detectorName[layout.detectorId == detector][0])
        page = readPage(folder, f"detectors/{name}.html")
        (title,) = [each for each in page("h3") if each.text == "Histories of all detectors"]
        figure = title.find_next("figure")
        assert "TrendPlot" in figure.text
        assert (folder / "detectors" / figure.a["href"]).resolve().is_file()


def test_stamps_are_cut_from_pyramids(folder):
    stamps = sorted((folder / "stamps").glob("*.png"))
    assert [path.name for path in stamps] == ["0-0.png", "0-1.png"]
    with Image.open(stamps[0]) as stamp:
        assert min(stamp.size) >= 60
        pixels = np.asarray(stamp)
        assert pixels.std() > 10
    assert len(readPage(folder, "products/bias.html").select("img.pixels")) == 2


def test_a_lost_plot_costs_itself(repository, report, registries, tmp_path):
    (tmp_path / "report").mkdir()
    copy = replace(repository, root=registries.copy(repository.root, tmp_path / "repository"))
    with copy.open() as butler:
        path = Path(butler.getURI(nameType("run"), instrument="LSSTCam").ospath)
        path.write_bytes(b"\x89PNG\r\n\x1a\nno picture")
        exposure = Path(
            butler.getURI(nameType("exposure"), instrument="LSSTCam", exposure=FIRST_EXPOSURE).ospath
        )
        exposure.unlink()
        problems = writePages(copy.addTo(report), tmp_path / "report", butler)
    assert sorted(each.dataset.split()[0] for each in problems) == [nameType("exposure"), nameType("run")]
    assert len(list((tmp_path / "report" / "plots").glob("*.png"))) == 3
    text = readPage(tmp_path / "report", "index.html").select("#problems")[0].text
    assert nameType("run") in text
