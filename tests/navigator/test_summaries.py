# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Summaries for the Plot Navigator hold all plots, in groups that it shows, and nothing that is not so."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from astropy.time import TimeDelta
from navigatorReader import PlotNavigatorReader
from registries import Registries
from summaryRepository import EARLY, EXPOSURES, INSTRUMENT, LATE, OLD, RUN, SummaryRepository

from lsst.analysis.cp.navigator.summaries import (
    NoPlotsError,
    PlotSearch,
    nameFile,
    nameFolder,
    writeSummary,
)
from lsst.daf.butler import MissingCollectionError, Timespan

ODD = "u/name/x y%?#é"
LARGE = 2**53 + 1


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, registries: Registries) -> Path:
    with registries.hosting():
        made = SummaryRepository(tmp_path_factory.mktemp("summaries") / "repository")
    made.fill()
    made.butler.close()
    return made.root


@pytest.fixture
def repository(template: Path, tmp_path: Path, registries: Registries) -> Iterator[SummaryRepository]:
    made = SummaryRepository(registries.copy(template, tmp_path / "repository"))
    yield made
    made.butler.close()


def summarize(repository: SummaryRepository, collection: str = RUN) -> PlotNavigatorReader:
    written = writeSummary(repository.butler, collection, repository.root.parent / "out" / "label")
    read = PlotNavigatorReader.fromFile(written.path)
    assert read.collection == collection
    assert sum(read.listTypes().values()) == written.nPlots
    assert len(read.listTypes()) == written.nTypes
    assert read.note == " ".join(written.remarks)
    return read


def test_every_plot_is_listed_once_and_nothing_else(repository):
    read = summarize(repository)
    plots = [
        ref
        for ref in repository.butler.query_all_datasets(RUN, limit=None)
        if ref.datasetType.storageClass_name == "Plot"
    ]
    counts = {}
    for ref in plots:
        counts[ref.datasetType.name] = counts.get(ref.datasetType.name, 0) + 1
    assert len(counts) == 7
    assert read.listTypes() == counts
    ids = [plot.id for name in counts for plot in read.showType(name)]
    assert sorted(ids) == sorted(str(ref.id) for ref in plots)


def test_data_ids_are_those_of_the_datasets(repository):
    read = summarize(repository)
    for name in read.listTypes():
        for plot in read.showType(name):
            ref = repository.butler.get_dataset(UUID(plot.id))
            data_id = dict(plot.dataId)
            if "exposure" in data_id:
                assert data_id.pop("visit") == data_id["exposure"]
            assert data_id == dict(ref.dataId.required)
            assert ref.datasetType.name == name


def test_groups_are_those_that_the_plot_navigator_shows(repository):
    read = summarize(repository)
    assert {group: set(types) for group, types in read.groups.items()} == {
        "tracts": {"object_sky_Plot"},
        "visits": {"cpBiasExp_noise_Plot", "cpBiasDet_noise_Plot", "calexp_sky_Plot"},
        "global": {"cpBiasRun_noise_Plot", "cpPtcDetector_noise_Plot", "cpFlatRun_noise_Plot"},
    }


def test_exposures_are_found_by_data_id(repository):
    read = summarize(repository)
    first, second, third, last = sorted(EXPOSURES)
    counts = {77: 3, first: 4, second: 1, third: 4, last: 1}
    assert read.listNumbers("visits", "visit") == counts
    assert read.listNumbers("tracts", "tract") == {5: 2, 9: 2}
    page = read.showVisit(third)
    assert {name: len(plots) for name, plots in page.items()} == {
        "cpBiasExp_noise_Plot": 1,
        "cpBiasDet_noise_Plot": 3,
    }
    assert "An exposure is listed as a visit: visit repeats its number." in read.note
    assert "Plots of no visit and no tract are found by plot name." in read.note


def test_captions_come_in_order(repository):
    read = summarize(repository)
    first, second, third, last = sorted(EXPOSURES)
    assert [plot.caption for plot in read.showType("cpBiasExp_noise_Plot")] == [
        f"exposure: {each}, visit: {each}" for each in (first, second, third, last)
    ]
    assert [plot.caption for plot in read.showType("cpBiasDet_noise_Plot")] == [
        f"exposure: {each}, detector: {i}, visit: {each}" for each in (first, third) for i in (0, 4, 8)
    ]
    detectors = read.showType("cpPtcDetector_noise_Plot")
    assert [plot.caption for plot in detectors] == ["detector: 0", "detector: 4", "detector: 8"]
    filters = [plot.caption for plot in read.showType("cpFlatRun_noise_Plot")]
    assert filters == [f"physical_filter: {name}" for name in ("g_01", "r_03", "i_06")]
    assert [plot.caption for plot in read.showType("cpBiasRun_noise_Plot")] == [""]


def test_the_first_of_a_chain_is_found(repository):
    [old] = repository.put("cpBiasRun_noise_Plot", [{}], run=OLD)
    [other] = repository.put("cpBiasOld_noise_Plot", [{}], run=OLD)
    [new] = [ref.id for ref in repository.butler.query_datasets("cpBiasRun_noise_Plot", RUN)]
    for children, found in (((RUN, OLD), new), ((OLD, RUN), old)):
        inner = repository.chain("u/me/inner", *children)
        read = summarize(repository, repository.chain("u/me/verifyBias", inner))
        assert [plot.id for plot in read.showType("cpBiasRun_noise_Plot")] == [str(found)]
        assert [plot.id for plot in read.showType("cpBiasOld_noise_Plot")] == [str(other)]


def test_certified_plots_say_for_when(repository):
    of_detectors = [{"detector": 0}, {"detector": 1}]
    early, late = (
        repository.put("ptcVarMean", of_detectors, run=run, isCalibration=True) for run in (OLD, RUN)
    )
    repository.certify("LSSTComCam/calib", late, LATE)
    repository.certify("LSSTComCam/calib", early, EARLY)
    read = summarize(repository, "LSSTComCam/calib")
    before = "until 2026-03-01T00:00:00 TAI"
    after = "from 2026-03-01T00:00:00 until 2026-04-01T12:00:00.5 TAI"
    plots = read.showType("ptcVarMean")
    assert [(plot.caption, plot.id) for plot in plots] == [
        (f"detector: 0, valid: {before}", str(early[0])),
        (f"detector: 0, valid: {after}", str(late[0])),
        (f"detector: 1, valid: {before}", str(early[1])),
        (f"detector: 1, valid: {after}", str(late[1])),
    ]
    assert set(read.groups["global"]) == {"ptcVarMean"}
    assert "valid is the range of validity for which a plot is certified." in read.note


def test_a_plot_that_is_certified_and_in_a_run_is_listed_once(repository):
    certified, free = repository.put("ptcVarMean", [{"detector": 0}, {"detector": 1}], isCalibration=True)
    repository.certify("LSSTComCam/calib", [certified], Timespan(None, None))
    for children in ((RUN, "LSSTComCam/calib"), ("LSSTComCam/calib", RUN)):
        read = summarize(repository, repository.chain("u/me/both", *children))
        plots = read.showType("ptcVarMean")
        assert [(plot.caption, plot.id) for plot in plots] == [
            ("detector: 0, valid: always", str(certified)),
            ("detector: 1", str(free)),
        ]


def test_of_two_calibration_collections_the_first_counts(repository):
    [one] = repository.put("ptcVarMean", [{"detector": 0}], isCalibration=True)
    [two] = repository.put("ptcVarMean", [{"detector": 0}], run=OLD, isCalibration=True)
    repository.certify("calib/one", [one], LATE)
    repository.certify("calib/two", [two], LATE)
    read = summarize(repository, repository.chain("u/me/calib", "calib/two", "calib/one"))
    assert [plot.id for plot in read.showType("ptcVarMean")] == [str(two)]


def test_ranges_of_validity_that_differ_by_a_millisecond_are_two(repository):
    [one] = repository.put("ptcVarMean", [{"detector": 0}], isCalibration=True)
    later = Timespan(LATE.begin + TimeDelta(0.001, format="sec"), None)
    repository.certify("calib/one", [one], Timespan(LATE.begin, None))
    repository.certify("calib/two", [one], later)
    read = summarize(repository, repository.chain("u/me/calib", "calib/two", "calib/one"))
    assert [plot.caption for plot in read.showType("ptcVarMean")] == [
        "detector: 0, valid: from 2026-03-01T00:00:00 TAI",
        "detector: 0, valid: from 2026-03-01T00:00:00.001 TAI",
    ]


def test_an_exposure_with_its_own_visit_is_listed_with_it(repository):
    repository.addVisit(EXPOSURES[0], EXPOSURES[:2])
    assert "cpBiasExp_noise_Plot" in summarize(repository).groups["visits"]


def test_the_number_of_another_visit_is_not_given_to_an_exposure(repository):
    """A plot would stand on the page of a visit that has nothing to do with it."""
    repository.addVisit(EXPOSURES[3], EXPOSURES[1:2])
    read = summarize(repository)
    assert set(read.groups["visits"]) == {"cpBiasDet_noise_Plot", "calexp_sky_Plot"}
    assert {"instrument": INSTRUMENT, "exposure": EXPOSURES[3]} in [
        plot.dataId for plot in read.showType("cpBiasExp_noise_Plot")
    ]
    assert (
        f"cpBiasExp_noise_Plot is found by plot name only: the visit {EXPOSURES[3]} of LSSTComCam is not of "
        "the exposure of this number." in read.note
    )


def test_a_visit_of_no_exposures_is_another(repository):
    repository.addVisit(EXPOSURES[0], [])
    assert "cpBiasExp_noise_Plot" in summarize(repository).groups["global"]


def test_numbers_that_browsers_cannot_read_are_text(repository):
    repository.addExposures([LARGE])
    repository.put("cpBiasExp_noise_Plot", [{"exposure": LARGE}])
    read = summarize(repository)
    plots = read.showType("cpBiasExp_noise_Plot")
    assert f"exposure: {LARGE}" in [plot.caption for plot in plots]
    assert "cpBiasExp_noise_Plot" in read.groups["global"]
    assert f"found by plot name only: browsers cannot read the exposure {LARGE}." in read.note


def test_visits_that_browsers_cannot_read_are_text(repository):
    repository.addVisit(LARGE, EXPOSURES[:1])
    repository.put("calexp_sky_Plot", [{"visit": LARGE, "detector": 1}])
    read = summarize(repository)
    assert f"visit: {LARGE}, detector: 1" in [plot.caption for plot in read.showType("calexp_sky_Plot")]
    assert "calexp_sky_Plot" not in read.groups["visits"]


def test_plots_of_hidden_bands_are_named(repository):
    repository.put("object_sky_Plot", [{"skymap": "sky", "tract": 5, "band": "white"}])
    read = summarize(repository)
    assert read.listTypes()["object_sky_Plot"] == 5
    assert "Counted, but not shown: 1 of the band white." in read.note


def test_types_whose_plots_are_gone_are_left_out(repository):
    """The Plot Navigator fails on a type without plots; the Butler remembers the type."""
    repository.remove(repository.butler.query_datasets("cpBiasRun_noise_Plot", RUN))
    info = repository.butler.collections.get_info(RUN, include_summary=True)
    assert "cpBiasRun_noise_Plot" in info.dataset_types
    assert "cpBiasRun_noise_Plot" not in summarize(repository).listTypes()


@pytest.mark.parametrize("gone", [True, False])
def test_without_plots_nothing_is_written(repository, tmp_path, gone):
    if gone:
        [id] = repository.put("cpBiasRun_noise_Plot", [{}], run="empty")
        repository.remove([repository.butler.get_dataset(id)])
    else:
        repository.put("cpBiasRun_metrics", [{}], "empty", storageClass="StructuredDataDict")
    old = tmp_path / "out" / nameFile("empty")
    old.parent.mkdir()
    old.write_bytes(b"old")
    with pytest.raises(NoPlotsError, match="There are no plots in empty"):
        writeSummary(repository.butler, "empty", tmp_path / "out")
    assert [each.name for each in old.parent.iterdir()] == [old.name]
    assert old.read_bytes() == b"old"


def test_an_absent_collection_is_an_error(repository, tmp_path):
    with pytest.raises(MissingCollectionError, match="u/nobody"):
        writeSummary(repository.butler, "u/nobody", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_names_of_any_kind_lead_to_their_own_collection(repository):
    """To a query of the Butler ``?`` is a pattern."""
    similar = ODD.replace("?", "!")
    [one] = repository.put("cpBiasRun_noise_Plot", [{}], run=ODD)
    [two] = repository.put("cpBiasRun_noise_Plot", [{}], run=similar)
    for name, id in ((ODD, one), (similar, two)):
        read = summarize(repository, name)
        assert [plot.id for plot in read.showType("cpBiasRun_noise_Plot")] == [str(id)]


NAMES = {
    "LATISS/calib": "LATISS%2Fcalib",
    ODD: "u%2Fname%2Fx%20y%25%3F%23%C3%A9",
    "~a.b-c_d!e*f'g(h)": "~a.b-c_d!e*f'g(h)",
    "a%2Fb+c&d=e@f,g:h;i$j": "a%252Fb%2Bc%26d%3De%40f%2Cg%3Ah%3Bi%24j",
    "\N{GRINNING FACE}": "%F0%9F%98%80",
}


@pytest.mark.parametrize(("name", "encoded"), NAMES.items())
def test_names_of_files_are_encoded_as_browsers_do(name, encoded):
    assert nameFile(name) == f"collection_{encoded}.json.gz"
    assert nameFolder(name) == encoded


def test_node_encodes_the_same():
    if (node := shutil.which("node")) is None:
        pytest.skip("needs node")
    script = "console.log(JSON.stringify(JSON.parse(process.argv[1]).map(encodeURIComponent)))"
    command = [node, "-e", script, json.dumps(list(NAMES))]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(result.stdout) == list(NAMES.values())


@pytest.mark.parametrize("label", ["", ".", ".."])
def test_labels_that_are_no_folders_are_refused(label):
    with pytest.raises(ValueError, match="is no label"):
        nameFolder(label)


def test_equal_plots_give_equal_bytes(repository, tmp_path):
    files = [writeSummary(repository.butler, RUN, tmp_path / name).path for name in ("one", "two")]
    one, two = (file.read_bytes() for file in files)
    assert one == two
    # Neither a time nor a name of a file is in the head of the compressed file.
    assert one[3:8] == bytes(5)
    assert gzip.decompress(one).isascii()


def test_the_order_of_storing_does_not_count(template, tmp_path):
    texts = []
    for name, order in (("one", 1), ("two", -1)):
        made = SummaryRepository(tmp_path / name)
        made.addExposures(EXPOSURES[::order])
        made.put("cpBiasExp_noise_Plot", [{"exposure": each} for each in EXPOSURES[::order]])
        read = summarize(made)
        texts.append([entry["dataId"] for entry in read.groups["visits"]["cpBiasExp_noise_Plot"]])
        made.butler.close()
        shutil.rmtree(tmp_path / "out")
    assert texts[0] == texts[1]


def test_an_old_summary_stays_until_the_new_one_is_complete(repository, tmp_path, monkeypatch):
    path = writeSummary(repository.butler, RUN, tmp_path / "out").path
    before = path.read_bytes()
    seen = []
    read = PlotSearch.read

    def failing(self, butler, datasetType):
        seen.append((path.read_bytes() == before, len(list(path.parent.iterdir()))))
        if len(seen) == 4:
            raise OSError("disk full")
        return read(self, butler, datasetType)

    monkeypatch.setattr(PlotSearch, "read", failing)
    with pytest.raises(OSError, match="disk full"):
        writeSummary(repository.butler, RUN, tmp_path / "out")
    assert seen == [(True, 2)] * 4
    assert list(path.parent.iterdir()) == [path]
    assert path.read_bytes() == before


def test_a_new_summary_takes_the_place_of_the_old_one(repository, tmp_path):
    path = writeSummary(repository.butler, RUN, tmp_path / "out").path
    repository.put("cpBiasNew_noise_Plot", [{}])
    assert writeSummary(repository.butler, RUN, tmp_path / "out").path == path
    assert "cpBiasNew_noise_Plot" in PlotNavigatorReader.fromFile(path).listTypes()
    assert path.stat().st_mode & 0o777 == (tmp_path / "repository" / "butler.yaml").stat().st_mode & 0o777


def test_the_extra_web_is_not_needed():
    code = (
        "import sys, lsst.analysis.cp.cli.summaryScript;"
        "print(*(name for name in ('fastapi', 'uvicorn', 'starlette', 'jinja2', 'cachetools') "
        "if name in sys.modules))"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout.split() == []
