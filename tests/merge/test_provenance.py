# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Where the results on a figure are from, as tasks tell the tools."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from lsst.analysis.cp import __version__
from lsst.analysis.cp.atools import AmpTestTool, addTools
from lsst.analysis.cp.tasks import AmpAnalysisRunTask
from lsst.analysis.cp.tasks.merge import ExpMergeAnalysisTask, RunMergeAnalysisTask
from lsst.analysis.cp.tasks.runner import ToolRunner, describeInputs, describeRows
from lsst.analysis.tools.interfaces import NoPlot
from lsst.daf.butler.formatters.matplotlib import MatplotlibFormatter
from lsst.obs.lsst import Latiss
from lsst.pipe.base import PipelineGraph
from lsst.resources import ResourcePath
from lsst.utils.logging import getLogger
from lsst.utils.plotting import make_figure

EXPOSURES = (2026010100001, 2026010100002)


@pytest.fixture(scope="module")
def told(makeRepository, addMerge):
    """Run merges of exposures whose inputs are in two collections, and the tools on the merged table.

    What the tools are told is returned by the name of the table.
    """
    repository = makeRepository(Latiss, EXPOSURES)
    repository.putDetectors(skip=lambda exposure, detector: exposure != EXPOSURES[0], brief=True)
    repository.addCollection("later")
    repository.putDetectors(skip=lambda exposure, detector: exposure == EXPOSURES[0], brief=True)
    told = {}
    call = AmpTestTool.__call__

    def listen(self, data, **kwargs):
        info = kwargs["plotInfo"]
        told.setdefault((info["tableName"], "bands" in info, info.get("exposure")), info)
        return call(self, data, **kwargs)

    graph = PipelineGraph()
    addMerge(graph, "biasExp", ExpMergeAnalysisTask, "verifyBiasDet", "verifyBiasExp", hasMatrixCatalog=False)
    addMerge(graph, "biasRun", RunMergeAnalysisTask, "verifyBiasExp", "verifyBias", hasMatrixCatalog=False)
    config = AmpAnalysisRunTask.ConfigClass()
    config.connections.data = "verifyBiasResults"
    config.connections.outputName = "runAnalysis"
    addTools(config, "bias", "run")
    for tool in config.atools:
        tool.produce.plot = NoPlot
    graph.add_task("analysis", AmpAnalysisRunTask, config)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AmpTestTool, "__call__", listen)
        repository.run(graph)
    return told


@pytest.mark.parametrize(("exposure", "collection"), [(EXPOSURES[0], "inputs"), (EXPOSURES[1], "later")])
def test_merge_of_detectors_names_the_collections_that_it_takes_and_gives(told, exposure, collection):
    info = told["verifyBiasExpResults", False, exposure]
    assert [run.split("/")[0] for run in info["run"].split(", ")] == sorted([collection, "run1"])
    assert "exposures" not in info


def test_merge_of_exposures_names_them_and_their_days(told):
    info = told["verifyBiasResults", False, None]
    assert (info["exposures"], info["days"]) == (list(EXPOSURES), [20260101])


def test_stored_table_tells_its_exposures_and_days(told):
    info = told["verifyBiasResults", True, None]
    assert (info["exposures"], info["days"]) == (list(EXPOSURES), [20251231])
    assert info["run"].startswith("run1/")
    assert "," not in info["run"]


def test_day_begins_at_noon():
    # 2026-01-01 11:59, 12:01, and the next morning.
    mjd = np.ma.masked_invalid([61041.4993, 61041.5007, 61042.3, np.nan])
    assert describeRows({"mjd": mjd})["days"] == [20251231, 20260101]


def test_rows_without_dates_tell_none():
    assert describeRows({"mjd": np.full(3, np.nan), "exposure": np.array([5, 5, 4])}) == {"exposures": [4, 5]}


def makeRef(run, name="image"):
    return SimpleNamespace(
        run=run, datasetType=SimpleNamespace(name=name), dataId=SimpleNamespace(mapping={})
    )


def test_collections_of_all_inputs_are_named_and_the_types_of_what_is_shown():
    info = describeInputs([makeRef("b"), makeRef("a")], None, [makeRef("c", "culprits"), makeRef("a")])
    assert info == {"tableName": "image", "run": "a, b, c"}


@pytest.mark.parametrize("odd", [-1.0, 0.0, 1e8, 1e300, -np.inf, np.inf])
def test_what_is_no_date_is_left_out(odd):
    assert describeRows({"mjd": np.array([61041.25, odd])}) == {"days": [20251231]}


def test_dates_that_are_no_numbers_are_left_out():
    assert describeRows({"mjd": np.array(["a"]), "exposure": np.array([4])}) == {"exposures": [4]}


def test_file_of_a_figure_says_where_it_is_from(tmp_path):
    runner = ToolRunner(
        getLogger(__name__), {"tableName": "results", "run": "a, b", "exposure": 1, "raft": ""}
    )
    figures = runner.run([("biasNoise", lambda data, **kwargs: {"noise": make_figure()})], {}, {})
    MatplotlibFormatter.write_local_file(None, figures["noise"], ResourcePath(tmp_path / "noise.png"))
    with Image.open(tmp_path / "noise.png") as picture:
        assert picture.text == {
            "Software": f"analysis_cp {__version__}",
            "Tool": "biasNoise",
            "Inputs": "results",
            "Collections": "a, b",
        }
