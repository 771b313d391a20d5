# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Views of exposures frame the failures of a merge by visit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lsst.afw.image import ExposureF, MaskedImageF
from lsst.analysis.cp.actions.plot.image import plots
from lsst.analysis.cp.tasks import VisitExpMergeAnalysisTask
from lsst.geom import Extent2I
from lsst.obs.lsst import LsstComCam
from lsst.pipe.base import Pipeline, PipelineGraph
from lsst.utils.plotting import make_figure

PIPELINES = Path(__file__).parents[2] / "pipelines"
DETECTOR = 4
BINNING = 64


def makeImage(detector) -> ExposureF:
    """Make a binned image of a detector."""
    width, height = detector.getBBox().getDimensions()
    image = MaskedImageF(Extent2I(width // BINNING, height // BINNING))
    image.image.array[:] = np.random.default_rng(1).normal(0.0, 5.0, image.image.array.shape)
    exposure = ExposureF(image)
    exposure.setDetector(detector)
    return exposure


@pytest.fixture(scope="module")
def defects(comCam):
    """Add the image of a detector to a repository that has visits."""
    comCam.register("verifyDefectsIsrExp", "Exposure", ("instrument", "exposure", "detector"))
    image = makeImage(comCam.camera[DETECTOR])
    comCam.put("verifyDefectsIsrExp", image, exposure=comCam.exposures[0], detector=DETECTOR)
    return comCam


def makePipeline(addMerge, subset: str = "", **fields) -> PipelineGraph:
    """Join a merge by visit and views of defects, all views with the same changes of their configuration."""
    pipeline = Pipeline.from_uri(f"{PIPELINES}/LSSTComCam/viewDefects.yaml{subset}")
    for label in pipeline.task_labels:
        for name, value in fields.items():
            pipeline.addConfigOverride(label, name, value)
    graph = pipeline.to_graph()
    merge_fields = {"hasMatrixCatalog": False, "mergeDimension": "detector"}
    addMerge(graph, "defectsExp", VisitExpMergeAnalysisTask, "verifyBiasDet", "defectsExp", **merge_fields)
    return graph


def test_each_view_gets_the_culprits_of_its_visit(defects, addMerge):
    executor = defects.prepare(makePipeline(addMerge))
    views = [node for node in executor.quantum_graph if node.task_node.label != "defectsExp"]
    assert len({node.task_node.label for node in views}) == len(views) == 6
    for node in views:
        assert node.quantum.dataId["exposure"] == defects.exposures[0]
        (ref,) = node.quantum.inputs["cpDefectsExp_culprits"]
        assert dict(ref.dataId.required) == {"instrument": "LSSTComCam", "visit": defects.exposures[0]}


def test_views_need_no_visit_without_frames(defects, addMerge):
    executor = defects.prepare(makePipeline(addMerge, "#viewDefectsExpDet", doFrameFailures=False))
    (view,) = (node for node in executor.quantum_graph if node.task_node.label == "viewDefectsExpDet")
    assert "cpDefectsExp_culprits" not in view.quantum.inputs


def test_failures_of_the_visit_are_framed(defects, addMerge, monkeypatch):
    views = []

    def keep(view):
        views.append(view)
        return make_figure(figsize=(1, 1))

    monkeypatch.setattr(plots, "makeImageFigure", keep)
    butler = defects.run(makePipeline(addMerge, "#viewDefectsExpDet", inputBinning=BINNING, binning=1))
    culprits = butler.get("cpDefectsExp_culprits", visit=defects.exposures[0])
    rows = (culprits["detector"] == DETECTOR) & (culprits["status"] == "failed")
    failed = set(culprits["amplifier"][rows])
    assert failed
    for view in views:
        layout = view.frame.geometry.layout
        assert set(layout.ampName[view.failures.amps]) == failed
        assert set(layout.detectorId[layout.ampDetector[view.failures.amps]]) == {DETECTOR}
    assert len(views) == 2


def test_failures_of_another_exposure_of_the_visit_are_not_framed(makeRepository, addMerge, monkeypatch):
    repository = makeRepository(LsstComCam)
    repository.putDetectors()
    repository.register("verifyDefectsIsrExp", "Exposure", ("instrument", "exposure", "detector"))
    first, second = repository.exposures
    image = makeImage(repository.camera[DETECTOR])
    repository.put("verifyDefectsIsrExp", image, exposure=first, detector=DETECTOR)
    repository.butler.registry.syncDimensionData(
        "visit_definition", {"instrument": "LSSTComCam", "exposure": second, "visit": first}
    )
    views = []
    monkeypatch.setattr(plots, "makeImageFigure", lambda view: views.append(view) or make_figure())
    graph = makePipeline(addMerge, "#viewDefectsExpDet", inputBinning=BINNING, binning=1)
    butler = repository.run(graph, where=f"visit = {first}")
    culprits = butler.get("cpDefectsExp_culprits", visit=first)
    culprits = culprits[(culprits["detector"] == DETECTOR) & (culprits["status"] == "failed")]
    own, other = (set(culprits["amplifier"][culprits["exposure"] == id]) for id in (first, second))
    assert other - own
    for view in views:
        layout = view.frame.geometry.layout
        assert set(layout.ampName[view.failures.amps]) == own
    assert len(views) == 2
