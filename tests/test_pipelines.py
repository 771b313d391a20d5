# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Our pipelines against those of cp_verify that they import."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

import pytest

from lsst.pipe.base import Pipeline, PipelineGraph
from lsst.pipe.base.pipelineIR import PipelineIR

ROOT = Path(__file__).parents[1]
PIPELINES = ROOT / "pipelines"
CAMERAS = ("LATISS", "LSSTComCam", "LSSTCam")
MERGES = {"verifyBiasExp": "exposure", "verifyBias": "run"}
VIEWS = ("viewBiasExpDet", "viewBiasExpRaft", "viewBiasExp", "viewBiasExpResidual")
OWN_CONTRACTS = {
    "verifyBiasExp.connections.verifiedExposures == verifyBiasIsr.connections.outputExposure",
    "verifyBias.connections.inputOutputName == verifyBiasExp.connections.outputName",
    "verifyBias.product == verifyBiasExp.product",
}
VIEW_CONTRACTS = {
    "viewBiasExpDet.connections.data == verifyBiasIsr.connections.outputBin1Exposure",
    "viewBiasExpDet.inputBinning == verifyBiasIsr.binFactor1",
    "viewBiasExp.connections.data == mosaicBiasExp8.connections.outputData",
    "viewBiasExp.inputBinning == mosaicBiasExp8.binning",
    "viewBiasExpResidual.connections.data == verifyBiasIsr.connections.outputExposure",
    "viewBiasExpDet.connections.inputOutputName == verifyBiasExp.connections.outputName",
    "viewBiasExpDet.connections.wholeImage == viewBiasExp.connections.data",
    "viewBiasExp.inputBinning == viewBiasExpDet.inputBinning",
    "viewBiasExp.connections.inputOutputName == viewBiasExpDet.connections.inputOutputName",
    "viewBiasExpResidual.connections.inputOutputName == viewBiasExpDet.connections.inputOutputName",
}
RAFT_CONTRACTS = {
    "viewBiasExpRaft.connections.data == viewBiasExpDet.connections.data",
    "viewBiasExpRaft.inputBinning == viewBiasExpDet.inputBinning",
    "viewBiasExpRaft.connections.wholeImage == viewBiasExp.connections.data",
    "viewBiasExpRaft.connections.inputOutputName == viewBiasExpDet.connections.inputOutputName",
}
every_camera = pytest.mark.parametrize("camera", CAMERAS)


def findUpstream() -> list[Path]:
    """Find the directories that have cp_verify and analysis_tools: the stand-ins, and given checkouts."""
    found = [ROOT / "standalone"]
    if "CP_VERIFY_DIR" in os.environ:
        found = [Path(os.environ["CP_VERIFY_DIR"])]
    if "UPSTREAM_DIR" in os.environ:
        found.append(Path(os.environ["UPSTREAM_DIR"]))
    return found


@pytest.fixture(params=findUpstream(), ids=lambda path: path.name)
def upstream(request, monkeypatch) -> Path:
    """Point to one version of the imported pipelines; return the directory of cp_verify's."""
    is_checkouts = (request.param / "cp_verify").is_dir()
    cp_verify = request.param / "cp_verify" if is_checkouts else request.param
    tools = (
        request.param / "analysis_tools" if is_checkouts else os.environ.get("ANALYSIS_TOOLS_DIR", cp_verify)
    )
    monkeypatch.setenv("CP_VERIFY_DIR", str(cp_verify))
    monkeypatch.setenv("ANALYSIS_TOOLS_DIR", str(tools))
    monkeypatch.setenv("ANALYSIS_CP_DIR", str(ROOT))
    return cp_verify / "pipelines"


@pytest.fixture
def pair(upstream: Path, camera: str) -> tuple[PipelineIR, PipelineIR]:
    """Read our pipeline of a camera, and the one that it imports."""
    ours, theirs = (
        PipelineIR.from_uri(str(top / camera / "verifyBias.yaml")) for top in (PIPELINES, upstream)
    )
    return ours, theirs


def contracts(pipeline: PipelineIR) -> set[str]:
    return {contract.contract for contract in pipeline.contracts}


def expectedViews(camera: str) -> set[str]:
    """List the views of a camera; LATISS has no raft."""
    return set(VIEWS) - ({"viewBiasExpRaft"} if camera == "LATISS" else set())


@every_camera
def test_labelsAreTheImportedOnesAndViews(pair, camera):
    ours, theirs = pair
    assert ours.tasks.keys() == theirs.tasks.keys() | expectedViews(camera)


@every_camera
def test_instrumentIsTheImportedOne(pair):
    ours, theirs = pair
    assert ours.instrument == theirs.instrument


@every_camera
def test_otherTasksAreUnchanged(pair):
    ours, theirs = pair
    for label in theirs.tasks.keys() - MERGES.keys():
        assert ours.tasks[label] == theirs.tasks[label]


@every_camera
def test_contractsAreTheImportedOnesAndOurs(pair, camera):
    ours, theirs = pair
    own = OWN_CONTRACTS | VIEW_CONTRACTS | (RAFT_CONTRACTS if camera != "LATISS" else set())
    assert contracts(ours) == contracts(theirs) | own


@every_camera
@pytest.mark.parametrize("label", MERGES)
def test_configOfMergesHasTheImportedOne(pair, label):
    ours, theirs = pair
    merged: dict[str, object] = {}
    for part in ours.tasks[label].config:
        merged |= part.rest
    (imported,) = theirs.tasks[label].config
    assert imported.rest.items() <= merged.items()
    added = {"connections.outputName", "product"}
    added |= (
        {"connections.verifiedExposures"} if label == "verifyBiasExp" else {"connections.inputOutputName"}
    )
    assert merged.keys() - imported.rest.keys() == added


@every_camera
@pytest.mark.parametrize("label", MERGES)
def test_classOfMergesIsAChild(pair, label):
    ours, theirs = pair
    parent = theirs.tasks[label].klass.removeprefix("lsst.cp.verify.CpVerify").removesuffix("Task")
    assert ours.tasks[label].klass == f"lsst.analysis.cp.tasks.{parent}AnalysisTask"


@pytest.fixture
def standIns(monkeypatch) -> None:
    """Use the pipelines that can be resolved here."""
    tree = os.environ.get("CP_VERIFY_DIR", str(ROOT / "standalone"))
    monkeypatch.setenv("CP_VERIFY_DIR", tree)
    monkeypatch.setenv("ANALYSIS_TOOLS_DIR", os.environ.get("ANALYSIS_TOOLS_DIR", tree))
    monkeypatch.setenv("ANALYSIS_CP_DIR", str(ROOT))


@cache
def resolve(path: str) -> PipelineGraph:
    """Resolve the configuration of a pipeline."""
    return Pipeline.fromFile(path).to_graph()


@pytest.mark.usefixtures("standIns")
@pytest.mark.parametrize(
    "path", sorted(PIPELINES.glob("[!_]*/*.yaml")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_everyCameraPipelineResolves(path):
    assert resolve(str(path)).tasks


@pytest.mark.usefixtures("standIns")
def test_everyIngredientIsImported():
    imported = {
        found
        for path in PIPELINES.glob("*/*.yaml")
        for found in re.findall(r"\$ANALYSIS_CP_DIR/pipelines/(\S+)", path.read_text())
    }
    assert imported == {f"_ingredients/{path.name}" for path in PIPELINES.glob("_ingredients/*.yaml")}


@pytest.mark.usefixtures("standIns")
@every_camera
def test_resolvedInputsAndOutputsOfMerges(camera):
    ours = resolve(str(PIPELINES / camera / "verifyBias.yaml"))
    theirs = resolve(f"{os.environ['CP_VERIFY_DIR']}/pipelines/{camera}/verifyBias.yaml")
    for label in MERGES:
        mine, parent = ours.tasks[label], theirs.tasks[label]
        for edges in ("inputs", "prerequisite_inputs", "outputs"):
            names = {name: edge.dataset_type_name for name, edge in getattr(parent, edges).items()}
            assert names.items() <= {k: e.dataset_type_name for k, e in getattr(mine, edges).items()}.items()
        assert mine.raw_dimensions == parent.raw_dimensions


@pytest.mark.usefixtures("standIns")
@pytest.mark.parametrize(
    ("label", "field", "value", "contract"),
    [
        ("verifyBias", "connections.inputOutputName", "cpOther", "verifyBias.connections.inputOutputName"),
        (
            "verifyBiasExp",
            "connections.verifiedExposures",
            "other",
            "verifyBiasExp.connections.verifiedExposures",
        ),
        ("verifyBiasDet", "connections.outputResults", "other", "verifyBiasExp.connections.inputResults"),
        ("verifyBiasExp", "connections.outputMatrix", "other", "verifyBias.connections.inputMatrix"),
        ("viewBiasExpDet", "inputBinning", 4, "viewBiasExpDet.inputBinning"),
        ("mosaicBiasExp8", "connections.outputData", "other", "viewBiasExp.connections.data"),
        ("viewBiasExpResidual", "connections.data", "other", "viewBiasExpResidual.connections.data"),
        ("viewBiasExp", "connections.inputOutputName", "other", "viewBiasExp.connections.inputOutputName"),
    ],
)
def test_brokenContractIsFound(label, field, value, contract):
    pipeline = Pipeline.fromFile(str(PIPELINES / "LATISS" / "verifyBias.yaml"))
    pipeline.addConfigOverride(label, field, value)
    with pytest.raises(Exception, match=re.escape(contract)):
        pipeline.to_graph()


@pytest.mark.usefixtures("standIns")
@every_camera
def test_toolNamesAreUniqueTopics(camera):
    """No two bundles of a pipeline send the same tool to the same topic."""
    graph = resolve(str(PIPELINES / camera / "verifyBias.yaml"))
    topics = []
    for label in MERGES:
        config = graph.tasks[label].config
        topics += [f"{config.connections.outputName}_{name}" for name in config.atools.fieldNames]
        topics += [f"{config.connections.outputName}Det_{name}" for name in config.detectorAtools.fieldNames]
        assert config.addOutputNamePrefix
    for label in expectedViews(camera):
        config = graph.tasks[label].config
        topics += [f"{config.connections.outputName}_{name}" for name in config.atools.fieldNames]
        assert config.addOutputNamePrefix
    assert len(topics) == len(set(topics))


@pytest.mark.usefixtures("standIns")
def test_sensorToolsOfLsstCam():
    graph = resolve(str(PIPELINES / "LSSTCam" / "verifyBias.yaml"))
    names = set(graph.tasks["verifyBiasExp"].config.atools.fieldNames)
    assert {f"biasNoise{kind}" for kind in ("", "E2V", "ITL", "Guider", "Wavefront")} <= names


@pytest.mark.usefixtures("standIns")
@every_camera
def test_subsetsOfMergesAndViews(camera):
    pipeline = Pipeline.fromFile(str(PIPELINES / camera / "verifyBias.yaml"))
    assert pipeline.subsets["biasMerges"] == set(MERGES)
    assert pipeline.subsets["biasViews"] == expectedViews(camera)


@pytest.mark.usefixtures("standIns")
def test_sensorStructuresOfLsstCam():
    graph = resolve(str(PIPELINES / "LSSTCam" / "verifyBias.yaml"))
    names = set(graph.tasks["viewBiasExpResidual"].config.atools.fieldNames)
    assert {f"biasStructures{kind}" for kind in ("", "E2V", "ITL", "Guider", "Wavefront")} <= names


INPUTS = {
    "viewBias": {"verifyBiasIsrExpBin8", "verifyBiasResidual8", "verifyBiasIsrExp", "cpBiasExp_culprits"},
    "viewDark": {"verifyDarkIsrExpBin8", "verifyDarkResidual8", "verifyDarkIsrExp", "cpDarkExp_culprits"},
    "viewFlat": {"verifyFlatIsrExpBin8", "verifyFlatResidual8", "verifyFlatIsrExp", "cpFlatExp_culprits"},
    "viewDefects": {"verifyDefectsIsrExp", "cpDefectsExp_culprits"},
    "viewScience": {"verifyScienceIsrExpBin8", "verifyScience8", "verifyScienceIsrExp"},
    "viewCombinedBias": {"biasBin8", "biasMosaic8", "bias"},
    "viewCombinedDark": {"darkBin8", "darkMosaic8", "dark"},
    "viewCombinedFlat": {"flatBin8", "flatMosaic8", "flat"},
}


@pytest.mark.usefixtures("standIns")
def test_everyViewIsListed():
    assert INPUTS.keys() == {path.stem for path in PIPELINES.glob("_ingredients/view*.yaml")}


@pytest.mark.usefixtures("standIns")
@pytest.mark.parametrize("name", INPUTS)
def test_inputsOfViewsAreThoseOfUpstream(name):
    graph = resolve(str(PIPELINES / "_ingredients" / f"{name}.yaml"))
    inputs = {edge.dataset_type_name for task in graph.tasks.values() for edge in task.iter_all_inputs()} - {
        "camera"
    }
    assert inputs == INPUTS[name]


@pytest.mark.usefixtures("standIns")
@pytest.mark.parametrize("name", INPUTS)
def test_noInputOfViewsConstrainsTheGraph(name):
    graph = resolve(str(PIPELINES / "_ingredients" / f"{name}.yaml"))
    for task in graph.tasks.values():
        assert all(edge.defer_query_constraint for edge in task.inputs.values())
