# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The demonstration runs each task after those whose outputs it takes."""

import sys

import pytest
from generatedFiles import ROOT

from lsst.obs.lsst import Latiss
from lsst.pipe.base import Pipeline

simulator = pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of the stand-ins")

PIPELINE = ROOT / "pipelines" / "LATISS" / "verifyBias.yaml"


def readLabels(command):
    """Read the labels of the tasks that a command runs."""
    return command[command.index("-p") + 1].partition("#")[2].split(",")


@pytest.fixture
def stages(tmp_path, monkeypatch):
    """Plan the runs of two exposures of LATISS on two cores."""
    monkeypatch.syspath_prepend(str(ROOT / "demo"))
    from pipetaskRun import PipetaskRun

    exposures = [simulator.ExposureInfo(20260301, i) for i in (1, 2)]
    root = tmp_path / "repository"
    simulator.makeRepository(root, Latiss, exposures, camera=simulator.shrinkCamera(Latiss().getCamera(), 16))
    yield PipetaskRun(root, PIPELINE, "LATISS/defaults", "demo/verifyBias").plan(2)
    for name in ("pipetaskRun", "progress"):
        sys.modules.pop(name, None)


def test_tasks_run_after_those_whose_outputs_they_take(stages):
    stage_of = {
        label: i
        for i, stage in enumerate(stages)
        for command in stage.commands
        for label in readLabels(command)
    }
    graph = Pipeline.fromFile(str(PIPELINE)).to_graph()
    assert set(stage_of) == set(graph.tasks)
    for label in graph.tasks:
        for edge in graph.tasks[label].inputs.values():
            producer = graph.producer_of(edge.dataset_type_name)
            if producer is not None:
                assert stage_of[producer.label] <= stage_of[label]
    # Commands of a stage do not see each other's outputs.
    assert stage_of["viewBiasExpResidual"] < stage_of["viewBiasExpDet"]
    assert stage_of["viewBiasExpResidual"] < stage_of["viewBiasExp"]


def test_views_take_the_structures_and_share_the_exposures(stages):
    commands = [command for command in stages[-1].commands if readLabels(command) == ["viewBiasExpDet"]]
    [structures] = [
        command
        for stage in stages
        for command in stage.commands
        if "viewBiasExpResidual" in readLabels(command)
    ]
    run = structures[structures.index("--output-run") + 1]
    assert [run in command[command.index("-i") + 1].split(",") for command in commands] == [True, True]
    queries = {command[command.index("-d") + 1] for command in commands}
    assert queries == {"exposure IN (2026030100001)", "exposure IN (2026030100002)"}
    runs = [command[command.index("--output-run") + 1] for command in stages[-1].commands]
    assert len(set(runs)) == len(runs)
