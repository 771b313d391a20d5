# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Views of the other products and of combined calibrations, and of repositories that lack some images."""

from __future__ import annotations

from collections import Counter

import pytest

from lsst.analysis.cp.actions.plot.image import plots
from lsst.analysis.cp.atools import addViewTools
from lsst.analysis.cp.tasks import FocalPlaneMosaicViewConfig, ToolFailuresError
from lsst.utils.plotting import make_figure

EXPOSURES = ("Dark", "Flat", "Science")
CALIBRATIONS = ("CombinedBias", "CombinedDark", "CombinedFlat")


@pytest.fixture(scope="module")
def repository(makeRepository):
    """Make a repository that the tests fill, each under names of its own."""
    return makeRepository()


@pytest.fixture
def emptyRepository(makeRepository):
    """Make a repository without any image."""
    return makeRepository()


@pytest.fixture(autouse=True)
def smallFigures(monkeypatch) -> None:
    """Prepare all that is shown, and draw nothing: that is for the tests of plots."""
    monkeypatch.setattr(plots, "makeImageFigure", lambda view: make_figure(figsize=(1, 1)))


def listOutputs(butler) -> dict[str, int]:
    """Count the outputs of the analysis by their types."""
    found = {}
    for dataset_type in butler.registry.queryDatasetTypes("cp*"):
        if refs := butler.query_datasets(dataset_type, explain=False):
            found[dataset_type.name] = len(refs)
    return found


def expectOutputs(product: str, outputName: str, nDetectors: int) -> dict[str, int]:
    """List what the views of a product write."""
    plots = {
        f"{outputName}{view}_{product}{tool}_{plot}": number
        for view, plot, number in (
            ("DetView", "DetectorImagePlot", nDetectors),
            ("RaftView", "FocalPlaneImagePlot", 1),
            ("View", "FocalPlaneImagePlot", 1),
        )
        for tool in ("Image", "ImageByAmp")
    }
    residual = f"{outputName}Residual"
    names = ("metrics", "pyramid", "structures", "meanMosaic", "significanceMosaic")
    plots |= {f"{residual}_{product}{tool}_FocalPlaneImagePlot": 1 for tool in ("Mean", "Significance")}
    plots[f"{residual}_{product}Structures_StructureStampsPlot"] = 1
    return plots | {f"{residual}_{name}": 1 for name in names}


@pytest.mark.parametrize("name", EXPOSURES)
def test_views_of_exposures(repository, readPipeline, name):
    mosaic = "verifyScience8" if name == "Science" else f"verify{name}Residual8"
    repository.fill(f"verify{name}IsrExp", f"verify{name}IsrExpBin8", mosaic)
    butler = repository.run(readPipeline(f"LSSTComCam/view{name}.yaml"))
    assert listOutputs(butler) == expectOutputs(name.lower(), f"cp{name}Exp", 2)


def test_views_of_defects(repository, readPipeline):
    repository.fill("verifyDefectsIsrExp")
    repository.defineVisit()
    butler = repository.run(readPipeline("LSSTComCam/viewDefects.yaml"))
    expected = expectOutputs("defects", "cpDefectsExp", 2)
    expected |= {
        "cpDefectsExpDetMaskView_defectsMask_DetectorImagePlot": 2,
        "cpDefectsExpMaskView_defectsMask_FocalPlaneImagePlot": 1,
    }
    assert listOutputs(butler) == expected


@pytest.mark.parametrize("name", CALIBRATIONS)
def test_views_of_combined_calibrations(repository, readPipeline, name):
    product = name.removeprefix("Combined").lower()
    filters = ("physical_filter",) if product == "flat" else ()
    names = (product, f"{product}Bin8", f"{product}Mosaic8")
    repository.fill(*names, dimensions=("instrument", *filters), isCalibration=True)
    butler = repository.run(readPipeline(f"LSSTComCam/view{name}.yaml"))
    assert listOutputs(butler) == expectOutputs(product, f"cp{name}", 2)
    (ref,) = butler.query_datasets(f"cp{name}Residual_structures")
    assert set(ref.dimensions.required) == {"instrument", *filters}


def countQuanta(repository, pipeline) -> dict[str, int]:
    """Count the quanta of the tasks of a pipeline."""
    executor, _ = repository.prepare(pipeline)
    return dict(Counter(node.task_node.label for node in executor.quantum_graph))


def test_absent_failures_empty_nothing(repository, readPipeline):
    repository.fill("verifyBiasIsrExp", "verifyBiasIsrExpBin8", "verifyBiasResidual8")
    quanta = countQuanta(repository, readPipeline("LSSTComCam/analyzeBias.yaml#biasViews"))
    expected = {"viewBiasExpDet": 2, "viewBiasExpRaft": 1, "viewBiasExp": 1, "viewBiasExpResidual": 1}
    assert quanta == expected


def test_absent_binned_images_cost_their_views_only(emptyRepository, readPipeline):
    emptyRepository.fill("verifyBiasIsrExp")
    quanta = countQuanta(emptyRepository, readPipeline("LSSTComCam/analyzeBias.yaml#biasViews"))
    assert quanta == {"viewBiasExpResidual": 1}


def test_absent_images_do_not_cost_the_tables(emptyRepository, readPipeline):
    emptyRepository.fillTables()
    quanta = countQuanta(emptyRepository, readPipeline("LSSTComCam/analyzeBias.yaml"))
    # There are no correlations, either.
    labels = ("Exp", "ExpDet", "Run", "ExpExtended", "RunExtended", "ProfilesExtended")
    assert quanta == {f"analyzeBias{label}": 1 for label in labels}


def test_failing_tool_costs_its_plot_only(emptyRepository, readPipeline, monkeypatch):
    def fail(view, **kwargs):
        raise ZeroDivisionError("no figure")

    monkeypatch.setattr(plots, "makeImageFigure", fail)
    emptyRepository.fill("verifyDefectsIsrExp")
    pipeline = readPipeline("LSSTComCam/viewDefects.yaml#viewDefectsExpResidual")
    # Without failures to frame, the exposure need not belong to a visit.
    pipeline.addConfigOverride("viewDefectsExpResidual", "doFrameFailures", False)
    with pytest.raises(
        ToolFailuresError, match=r"2 analysis tool\(s\) failed: defectsMean: ZeroDivisionError"
    ):
        emptyRepository.run(pipeline)
    written = listOutputs(emptyRepository.open("run1"))
    expected = expectOutputs("defects", "cpDefectsExp", 2)
    names = {name for name in expected if "Residual" in name and not name.endswith("ImagePlot")}
    assert written.keys() == names


@pytest.mark.parametrize(
    ("product", "chosen", "epoch"),
    [("defects", None, "visit"), ("flat", None, "exposure"), ("defects", "exposure", "exposure")],
)
def test_failures_are_looked_up_as_the_product_is_merged(product, chosen, epoch):
    config = FocalPlaneMosaicViewConfig()
    config.connections.outputName = "view"
    config.failureEpoch = chosen
    addViewTools(config, product, "focalPlane")
    config.freeze()
    connections = config.connections.ConnectionsClass(config=config)
    assert set(connections.culprits.dimensions) == {"instrument", epoch}
