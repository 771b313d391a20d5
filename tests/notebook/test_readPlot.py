# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""Plots of Butler repositories as pictures."""

import io
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from notebookRepository import EXPOSURES, RUNS

from lsst.analysis.cp.notebook import listPlots, readPlot
from lsst.daf.butler import Butler, DatasetNotFoundError, DatasetType, MissingCollectionError
from lsst.utils.plotting import make_figure

PLOT = "cpBiasExp_biasNoise_FocalPlaneGeometryPlot"
CAMERA = {"instrument": "Camera"}
N_DETECTORS = 12


def makeFigure(width: float):
    figure = make_figure(figsize=(width, 2.0), dpi=50)
    figure.add_subplot().plot([0, 1], [0, width])
    return figure


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """Make a repository with a plot of each of twelve detectors, a table, and a type without plots."""
    path = tmp_path_factory.mktemp("repo")
    Butler.makeRepo(str(path))
    with Butler.from_config(str(path), writeable=True, run="plots") as butler:
        registry = butler.registry
        registry.insertDimensionData("instrument", {**CAMERA, "class_name": "lsst.obs.base.Instrument"})
        for name, storage_class in ((PLOT, "Plot"), ("none_Plot", "Plot"), ("table", "StructuredDataDict")):
            dimensions = ("instrument", "detector")
            registry.registerDatasetType(
                DatasetType(name, dimensions, storage_class, universe=butler.dimensions)
            )
        for i in range(N_DETECTORS):
            registry.insertDimensionData("detector", {**CAMERA, "id": i, "full_name": f"R00_S{i:02}"})
            butler.put(makeFigure(2.0 + i), PLOT, CAMERA, detector=i)
        butler.put({"a": 1}, "table", CAMERA, detector=0)
        registry.registerRun("empty")
    return path


@pytest.fixture
def butlerOfNotebooks(repository):
    with repository.open() as opened:
        yield opened


@pytest.fixture
def butler(root):
    with Butler.from_config(str(root), collections=["plots"]) as opened:
        yield opened


def test_picture_is_the_stored_file(butler):
    picture = readPlot(butler, PLOT, {**CAMERA, "detector": 3})
    assert picture.png == butler.getURI(PLOT, CAMERA, detector=3).read()
    assert picture._repr_png_() == picture.png
    assert picture.ref == butler.find_dataset(PLOT, CAMERA, detector=3)


@pytest.mark.parametrize("detector", [0, 7])
def test_size_is_that_of_the_decoded_picture(butler, detector):
    picture = readPlot(butler, PLOT, {**CAMERA, "detector": detector})
    height, width, _ = matplotlib.image.imread(io.BytesIO(picture.png)).shape
    assert picture.size == (width, height) == ((2 + detector) * 50, 100)


def test_picture_is_saved(butler, tmp_path):
    picture = readPlot(butler, PLOT, {**CAMERA, "detector": 0})
    assert picture.save(tmp_path / "noise.png") == tmp_path / "noise.png"
    assert (tmp_path / "noise.png").read_bytes() == picture.png


def test_repr_has_no_pixels(butler):
    text = repr(readPlot(butler, PLOT, {**CAMERA, "detector": 0}))
    assert PLOT in text
    assert len(text) < 400


def test_defaults_of_the_butler_complete_the_data_id(root):
    with Butler.from_config(str(root), instrument="Camera") as butler:
        assert readPlot(butler, PLOT, {"detector": 1}, collections="plots").size == (150, 100)


def test_plots_in_a_zip_file_are_read(root, butler, tmp_path):
    zipped = butler.retrieve_artifacts_zip(butler.query_datasets(PLOT, "plots"), tmp_path)
    Butler.makeRepo(str(tmp_path / "repo"))
    with Butler.from_config(str(tmp_path / "repo"), writeable=True) as other:
        other.transfer_dimension_records_from(butler, butler.query_datasets(PLOT, "plots"))
        other.ingest_zip(zipped)
        picture = readPlot(other, PLOT, {**CAMERA, "detector": 4}, collections="plots")
    assert picture == readPlot(butler, PLOT, {**CAMERA, "detector": 4})


def test_unknown_name_names_the_similar(butler):
    with pytest.raises(
        DatasetNotFoundError, match=f"no plot called 'biasNois' in plots. Of the 1 .*: {PLOT}"
    ):
        readPlot(butler, "biasNois", {**CAMERA, "detector": 0})


@pytest.mark.parametrize("name", ["biasNoise", "cpBiasExp", "FocalPlaneGeometryPlot", "bias", "cpBias*"])
def test_plot_is_found_by_what_people_call_it(butler, name):
    assert readPlot(butler, name, {**CAMERA, "detector": 0}).ref.datasetType.name == PLOT


@pytest.mark.parametrize("detector", [99, 12])
def test_absent_plot_names_those_that_exist(butler, detector):
    with pytest.raises(DatasetNotFoundError, match=r"There is no .*'detector': 9}.* and more\.") as caught:
        readPlot(butler, PLOT, {**CAMERA, "detector": detector})
    assert str(caught.value).count("'detector'") == 11


def test_absent_plots_of_a_collection(butler):
    with pytest.raises(DatasetNotFoundError, match=r"no plots in empty\. Of the 2 collections .* plots"):
        readPlot(butler, PLOT, {**CAMERA, "detector": 0}, collections="empty")
    with pytest.raises(DatasetNotFoundError, match="no plot called 'none_Plot' in plots"):
        readPlot(butler, "none_Plot", {**CAMERA, "detector": 0})


def test_unknown_collection_names_the_similar(root, butler):
    with pytest.raises(MissingCollectionError, match="'plot'.*the most similar: plots, empty"):
        readPlot(butler, PLOT, {**CAMERA, "detector": 0}, collections="plot")
    with Butler.from_config(str(root)) as bare:
        with pytest.raises(DatasetNotFoundError, match="No collection is given.*: (plots|empty), "):
            readPlot(bare, PLOT, {**CAMERA, "detector": 0})


@pytest.mark.parametrize("dataId", [None, {}, CAMERA])
def test_missing_dimension_names_those_that_exist(butler, dataId):
    with pytest.raises(DatasetNotFoundError, match=r"is not enough to find the plot .*'detector': 0}"):
        readPlot(butler, PLOT, dataId)


def test_table_is_no_plot(butler):
    with pytest.raises(DatasetNotFoundError, match="no plot called 'table'"):
        readPlot(butler, "table", {**CAMERA, "detector": 0})


def test_unknown_dimension_is_named(butler):
    with pytest.raises(DatasetNotFoundError, match=r"'detecter'.*There are those of .*'detector': 0}"):
        readPlot(butler, PLOT, {**CAMERA, "detecter": 0})


def test_damaged_file_is_no_picture(root, butler):
    file = Path(butler.getURI(PLOT, CAMERA, detector=11).ospath)
    content = file.read_bytes()
    # The Butler knows the size of the file.
    file.write_bytes(b"x" * len(content))
    with pytest.raises(ValueError, match="is no PNG: it begins with b'xxxxxxxx'"):
        readPlot(butler, PLOT, {**CAMERA, "detector": 11})
    file.unlink()
    with pytest.raises(FileNotFoundError) as caught:
        readPlot(butler, PLOT, {**CAMERA, "detector": 11})
    assert PLOT in caught.value.__notes__[0]


def test_provenance_is_what_the_file_says(butlerOfNotebooks):
    picture = readPlot(butlerOfNotebooks, "biasNoise", {"exposure": EXPOSURES[1]})
    assert picture.provenance == {
        "Software": "analysis_cp 1.2.3",
        "Tool": "biasNoise",
        "Inputs": "cpBiasExp_ampSummary, cpBiasExp_detectorSummary",
        "Collections": RUNS[0],
    }


def test_data_of_a_plot_are_those_of_its_exposure(butlerOfNotebooks):
    refs = readPlot(butlerOfNotebooks, "biasMean", {"exposure": EXPOSURES[1]}).findData()
    found = {(ref.datasetType.name, ref.dataId["exposure"]) for ref in refs}
    assert found == {("cpBiasExp_ampSummary", EXPOSURES[1]), ("cpBiasExp_detectorSummary", EXPOSURES[1])}
    assert {butlerOfNotebooks.get(ref)["exposure"][0] for ref in refs} == {EXPOSURES[1]}


def test_data_of_a_raft_are_those_of_all_its_detectors(butlerOfNotebooks):
    refs = readPlot(butlerOfNotebooks, "raft", {"exposure": EXPOSURES[0], "detector": 0}).findData()
    assert {(ref.dataId["exposure"], ref.dataId["detector"]) for ref in refs} == {
        (EXPOSURES[0], 0),
        (EXPOSURES[0], 1),
    }


def test_plot_that_says_nothing_has_no_data(butlerOfNotebooks):
    assert readPlot(butlerOfNotebooks, "cpBiasRun").findData() == []


def test_plot_of_an_exposure_is_none_of_the_run(butlerOfNotebooks):
    assert readPlot(butlerOfNotebooks, "biasNoise").size == (450, 100)
    with pytest.raises(
        DatasetNotFoundError, match=r"of {'exposure': 5}\. There are those of (?!.*'LSSTComCam'}[,.])"
    ):
        readPlot(butlerOfNotebooks, "biasNoise", {"exposure": 5})


def test_plots_that_are_meant_are_named(butlerOfNotebooks):
    with pytest.raises(ValueError, match=r"mean 2 plots.*cpBiasExp_biasMean_.*, cpBiasExp_biasNoise_"):
        readPlot(butlerOfNotebooks, "FocalPlaneGeometryPlot", {"exposure": EXPOSURES[1]})


def test_list_has_what_can_be_read(butlerOfNotebooks):
    plots = listPlots(butlerOfNotebooks, "bias")
    assert len(plots) == 2 * len(EXPOSURES) + 3
    assert plots["exposure"].mask.sum() == 1
    for row in plots:
        keys = [key for key in ("exposure", "detector") if not np.ma.is_masked(row[key])]
        data_id = {key: row[key] for key in keys}
        assert readPlot(butlerOfNotebooks, row["datasetType"], data_id).ref.run == row["run"]


def test_list_of_an_exposure(butlerOfNotebooks):
    plots = listPlots(butlerOfNotebooks, "biasNoise", {"exposure": EXPOSURES[2]})
    assert plots["datasetType", "exposure"].as_array().tolist() == [(PLOT, EXPOSURES[2])]
    for data_id in ({"exposure": 5}, {"foo": 5}):
        with pytest.raises(DatasetNotFoundError, match=rf"There are those of .*{EXPOSURES[0]}"):
            listPlots(butlerOfNotebooks, "biasNoise", data_id)
