# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The demonstration runs each task after those whose outputs it takes, on the exposures of its product."""

import sys

import pytest
from generatedFiles import ROOT

from lsst.obs.lsst import Latiss, LsstComCam
from lsst.pipe.base import Pipeline

simulator = pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of the stand-ins")

EXPOSURES = [20260301_00001, 20260301_00002]


def readOption(command, name):
    """Read an option of a command."""
    return command[command.index(name) + 1]


def readLabels(command):
    """Read the labels of the tasks that a command runs."""
    return readOption(command, "-p").partition("#")[2].split(",")


def findPipeline(instrument, product):
    """Find the pipeline of a product."""
    return ROOT / "pipelines" / instrument.getName() / f"verify{product}.yaml"


@pytest.fixture
def plan(tmp_path, monkeypatch):
    """Return a function that plans the runs of two exposures on two cores."""
    monkeypatch.syspath_prepend(str(ROOT / "demo"))
    known = set(sys.modules)
    from pipetaskRun import PipetaskRun

    def planRuns(instrument, product):
        root = tmp_path / instrument.getName()
        if not root.exists():
            # A third one, that is of another product.
            exposures = [simulator.ExposureInfo(20260301, i) for i in (1, 2, 3)]
            camera = simulator.shrinkCamera(instrument().getCamera(), 16)
            simulator.makeRepository(root, instrument, exposures, camera=camera)
        pipeline, inputs = findPipeline(instrument, product), f"{instrument.getName()}/defaults"
        return PipetaskRun(root, pipeline, inputs, f"demo/verify{product}", tuple(EXPOSURES)).plan(2)

    yield planRuns
    # Those of other tests stay: a second copy of a module would not be the same.
    for name in {"commands", "databases", "pipetaskRun", "progress", "stages"} - known:
        sys.modules.pop(name, None)


@pytest.mark.parametrize("product", ["Bias", "Flat"])
def test_tasks_run_after_those_whose_outputs_they_take(plan, product):
    stage_of = {
        label: i
        for i, stage in enumerate(plan(LsstComCam, product))
        for command in stage.commands
        for label in readLabels(command)
    }
    graph = Pipeline.fromFile(str(findPipeline(LsstComCam, product))).to_graph()
    assert set(stage_of) == set(graph.tasks)
    for label in graph.tasks:
        for edge in graph.tasks[label].inputs.values():
            producer = graph.producer_of(edge.dataset_type_name)
            if producer is not None:
                assert stage_of[producer.label] <= stage_of[label]
    # Commands of a stage do not see each other's outputs.
    assert stage_of[f"view{product}ExpResidual"] < stage_of[f"view{product}ExpDet"]
    assert stage_of[f"view{product}ExpResidual"] < stage_of[f"view{product}Exp"]


def test_views_take_the_structures_and_share_the_detectors(plan):
    stages = plan(LsstComCam, "Bias")
    commands = [command for command in stages[-1].commands if readLabels(command) == ["viewBiasExpDet"]]
    [structures] = [
        command
        for stage in stages
        for command in stage.commands
        if "viewBiasExpResidual" in readLabels(command)
    ]
    run = readOption(structures, "--output-run")
    assert [run in readOption(command, "-i").split(",") for command in commands] == [True, True]
    queries = {readOption(command, "-d").partition(" AND ")[2] for command in commands}
    assert queries == {"detector IN (0, 2, 4, 6, 8)", "detector IN (1, 3, 5, 7)"}
    runs = [readOption(command, "--output-run") for command in stages[-1].commands]
    assert len(set(runs)) == len(runs)


def test_exposures_are_those_of_the_product(plan):
    for stage in plan(LsstComCam, "Flat"):
        for command in stage.commands:
            assert readOption(command, "-d").startswith("exposure IN (2026030100001, 2026030100002)")


def test_one_detector_takes_one_command(plan):
    [stage] = plan(Latiss, "Bias")
    [command] = stage.commands
    graph = Pipeline.fromFile(str(findPipeline(Latiss, "Bias"))).to_graph()
    assert set(readLabels(command)) == set(graph.tasks)
    # Of the run there are the merge and upstream's plots, of each exposure all others.
    assert stage.nSteps == 2 + 2 * (len(graph.tasks) - 2)
