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

from lsst.analysis.cp.catalogue import SENSOR_GROUPS, getProduct
from lsst.analysis.cp.night import NIGHT_PRODUCTS, STEPS
from lsst.analysis.cp.night.work import findLabels
from lsst.pipe.base import LabelSpecifier, Pipeline, PipelineGraph
from lsst.pipe.base.pipelineIR import PipelineIR

ROOT = Path(__file__).parents[1]
PIPELINES = ROOT / "pipelines"
INSTRUMENTS = {
    "LATISS": "lsst.obs.lsst.Latiss",
    "LSSTComCam": "lsst.obs.lsst.LsstComCam",
    "LSSTCam": "lsst.obs.lsst.LsstCam",
}
CAMERAS = tuple(INSTRUMENTS)
EXPOSED = ("bias", "dark", "flat", "defects")
"""Products of which each exposure is verified. Labels, datasets and contracts follow from the name."""

CALIBRATIONS = ("crosstalk", "linearizer", "ptc")
"""Products of which the calibration itself is verified: they have no exposures, and no images."""

PRODUCTS = (*EXPOSED, *CALIBRATIONS)
"""Products with merges."""

BINNED = ("bias", "dark", "flat")
"""Products of which cp_verify bins the exposures; views of the others bin the pixels, and have masks."""

OF_DETECTORS = ("crosstalk",)
"""Products whose tests are all of detectors: the failures of their amplifiers are not counted."""

SERIES = {
    "dark": {"darkCurrent"},
    "flat": {"flatRateByDate", "flatRateByExposureTime", "flatGainStability"},
}
"""Tools of a run that look at its exposures one by one."""

every_camera = pytest.mark.parametrize("camera", CAMERAS)
every_product = pytest.mark.parametrize("product", PRODUCTS)
every_exposed_product = pytest.mark.parametrize("product", EXPOSED)


def listMerges(product: str) -> dict[str, str]:
    """List the merges of a product: level by label."""
    label = f"verify{product.title()}"
    of_exposures = {f"{label}Exp": "exposure"} if product in EXPOSED else {}
    return of_exposures | {label: "run"}


def listCore(product: str) -> set[str]:
    """List the tasks that make of stored tables what the merges make."""
    ends = ("ExpDet", "Exp", "Run") if product in EXPOSED else ("RunDet", "Run")
    return {f"analyze{product.title()}{end}" for end in ends}


def listExtended(product: str) -> set[str]:
    """List the tasks whose plots are made on demand."""
    ends = ("Exp",) if product in EXPOSED else ()
    ends += ("Run", *(("RunDet",) if product in SERIES else ()))
    return {f"analyze{product.title()}{end}Extended" for end in ends}


def listPages(product: str, camera: str) -> dict[str, str]:
    """List the tasks that make pages of detectors and rafts on demand, with their inputs."""
    if product == "ptc":
        return {"analyzePtcCurvesExtended": "ptc", "analyzePtcPairsExtended": "verifyPtcDetResults"}
    if product == "linearizer":
        return {"analyzeLinearizerCurvesExtended": "verifyLinearizerSecondLinearizer"}
    if product == "crosstalk":
        ends = ("", *(("Raft",) if camera != "LATISS" else ()))
        return {f"analyzeCrosstalk{end}MatricesExtended": "verifyCrosstalk" for end in ends}
    if product != "bias":
        return {}
    pages = {"Profiles": "verifyBiasDetResults", "Correlations": "verifyBiasDetMatrix"}
    pages |= {"RaftCorrelations": "verifyBiasDetMatrix"} if camera != "LATISS" else {}
    return {f"analyzeBias{what}Extended": name for what, name in pages.items()}


def listComparisons(product: str) -> set[str]:
    """List the tasks that lay calibrations of two runs upon each other, which have a subset of their own."""
    return {"analyzePtcComparison"} if product == "ptc" else set()


def listViews(product: str, camera: str) -> set[str]:
    """List the views of a product; LATISS has no raft."""
    if product not in EXPOSED:
        return set()
    ends = ("Det", "", "Residual", *(("Raft",) if camera != "LATISS" else ()))
    ends += () if product in BINNED else ("DetMask", "Mask")
    return {f"view{product.title()}Exp{end}" for end in ends}


def listOwnContracts(product: str, camera: str) -> set[str]:
    """List the contracts of the analysis and of the views."""
    merge, view = f"verify{product.title()}", f"view{product.title()}Exp"
    if product == "crosstalk":
        return set()
    if product not in EXPOSED:
        verifying = "verifyLinearizerCalib" if product == "linearizer" else f"{merge}Det"
        # cp_verify has these two of photon transfer curves under another name, so that nothing checks them.
        return {
            f"{merge}.connections.input{kind} == {verifying}.connections.output{kind}"
            for kind in ("Stats", "Results")
        } | {
            f'{merge}.limits["{field}"] == {verifying}.{field}'
            for field in getProduct(product).configuredLimits
        }
    isr, mosaic = f"{merge}Isr", f"mosaic{product.title()}Exp8"
    structures = f"connections.structures == {view}Residual.connections.outputName + '_structures'"
    of_all = {
        f"{merge}Exp.connections.verifiedExposures == {isr}.connections.outputExposure",
        f"{merge}.connections.inputOutputName == {merge}Exp.connections.outputName",
        f"{merge}.product == {merge}Exp.product",
        f"{merge}Exp.gainsApplied == {isr}.doApplyGains",
        f"{merge}.gainsApplied == {merge}Exp.gainsApplied",
        f"{view}Det.connections.inputOutputName == {merge}Exp.connections.outputName",
        f"{view}Det.gainsApplied == {merge}Exp.gainsApplied",
        f"{view}Det.{structures}",
        f"{view}.{structures}",
    }
    others = listViews(product, camera) - {f"{view}Det"}
    of_all |= {f"{label}.gainsApplied == {view}Det.gainsApplied" for label in others}
    if product not in BINNED:
        return (
            of_all
            | {
                # cp_verify has none of the two merges.
                f"{merge}.connections.inputStats == {merge}Exp.connections.outputStats",
                f"{merge}.connections.inputResults == {merge}Exp.connections.outputResults",
                f"{view}Det.connections.data == {isr}.connections.outputExposure",
            }
            | {f"{label}.connections.data == {view}Det.connections.data" for label in others}
            | {f"{label}.{structures}" for label in others if not label.endswith("Residual")}
        )
    found = of_all | {
        f"{view}Det.connections.data == {isr}.connections.outputBin1Exposure",
        f"{view}Det.inputBinning == {isr}.binFactor1",
        f"{view}.connections.data == {mosaic}.connections.outputData",
        f"{view}.inputBinning == {mosaic}.binning",
        f"{view}Residual.connections.data == {isr}.connections.outputExposure",
        f"{view}Det.connections.wholeImage == {view}.connections.data",
        f"{view}.inputBinning == {view}Det.inputBinning",
        f"{view}.connections.inputOutputName == {view}Det.connections.inputOutputName",
        f"{view}Residual.connections.inputOutputName == {view}Det.connections.inputOutputName",
    }
    of_rafts = {
        f"{view}Raft.connections.data == {view}Det.connections.data",
        f"{view}Raft.inputBinning == {view}Det.inputBinning",
        f"{view}Raft.connections.wholeImage == {view}.connections.data",
        f"{view}Raft.connections.inputOutputName == {view}Det.connections.inputOutputName",
        f"{view}Raft.{structures}",
    }
    return found | (of_rafts if camera != "LATISS" else set())


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


def findImported(upstream: Path, camera: str, product: str) -> str:
    """Find the pipeline that ours of a camera imports: the ingredient, where cp_verify has no other."""
    name = f"verify{product.title()}.yaml"
    own = upstream / camera / name
    return str(own if own.exists() else upstream / "_ingredients" / name)


@pytest.fixture
def pair(upstream: Path, camera: str, product: str) -> tuple[PipelineIR, PipelineIR]:
    """Read our pipeline of a camera, and the one that it imports."""
    ours = PipelineIR.from_uri(str(PIPELINES / camera / f"verify{product.title()}.yaml"))
    return ours, PipelineIR.from_uri(findImported(upstream, camera, product))


def contracts(pipeline: PipelineIR) -> set[str]:
    return {contract.contract for contract in pipeline.contracts}


def test_every_product_with_merges_is_tested():
    ingredients = {path.stem for path in PIPELINES.glob("_ingredients/verify*.yaml")}
    assert ingredients == {f"verify{product.title()}" for product in PRODUCTS}


@every_camera
@every_product
def test_labels_are_the_imported_ones_and_views(pair, camera, product):
    ours, theirs = pair
    assert ours.tasks.keys() == theirs.tasks.keys() | listViews(product, camera)


@every_camera
@every_product
def test_instrument_is_the_imported_one(pair, camera):
    ours, theirs = pair
    # An ingredient has none.
    assert ours.instrument == (theirs.instrument or INSTRUMENTS[camera])


@every_camera
@every_product
def test_other_tasks_are_unchanged(pair, product):
    ours, theirs = pair
    for label in theirs.tasks.keys() - listMerges(product).keys():
        assert ours.tasks[label] == theirs.tasks[label]


@every_camera
@every_product
def test_contracts_are_the_imported_ones_and_ours(pair, camera, product):
    ours, theirs = pair
    assert contracts(ours) == contracts(theirs) | listOwnContracts(product, camera)


@every_camera
@every_product
def test_config_of_merges_has_the_imported_one(pair, product):
    ours, theirs = pair
    for label, level in listMerges(product).items():
        merged: dict[str, object] = {}
        for part in ours.tasks[label].config:
            merged |= part.rest
        (imported,) = theirs.tasks[label].config
        assert imported.rest.items() <= merged.items()
        added = {"connections.outputName"}
        if product in EXPOSED:
            own = "verifiedExposures" if level == "exposure" else "inputOutputName"
            added |= {f"connections.{own}"}
        if product == "linearizer":
            added |= {"connections.verifyConfig"}
        assert merged.keys() - imported.rest.keys() == added


@every_camera
@every_product
def test_class_of_merges_is_a_child(pair, product):
    ours, theirs = pair
    for label in listMerges(product):
        parent = theirs.tasks[label].klass.removeprefix("lsst.cp.verify.CpVerify").removesuffix("Task")
        assert ours.tasks[label].klass == f"lsst.analysis.cp.tasks.{parent}AnalysisTask"


@cache
def resolve(path: str) -> PipelineGraph:
    """Resolve the configuration of a pipeline."""
    return Pipeline.fromFile(path).to_graph()


@pytest.mark.usefixtures("upstreamPipelines")
@pytest.mark.parametrize(
    "path", sorted(PIPELINES.glob("[!_]*/*.yaml")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_every_camera_pipeline_resolves(path):
    assert resolve(str(path)).tasks


@pytest.mark.usefixtures("upstreamPipelines")
def test_every_ingredient_is_imported():
    imported = {
        found
        for path in PIPELINES.glob("*/*.yaml")
        for found in re.findall(r"\$ANALYSIS_CP_DIR/pipelines/(\S+)", path.read_text())
    }
    imported = {name for name in imported if name.startswith("_ingredients/")}
    assert imported == {f"_ingredients/{path.name}" for path in PIPELINES.glob("_ingredients/*.yaml")}


@every_camera
def test_each_task_of_a_night_is_in_one_step(upstream, camera):
    """Else it would not run, or twice; and each step needs no more than those before it, of its product."""
    pipeline = PipelineIR.from_uri(str(PIPELINES / camera / "verifyNight.yaml"))
    steps = {step.label(product): product for product in NIGHT_PRODUCTS for step in STEPS}
    found = [label for step in steps for label in pipeline.labeled_subsets[step].subset]
    assert sorted(found) == sorted(pipeline.tasks)
    for step, product in steps.items():
        assert all(product.title() in label for label in pipeline.labeled_subsets[step].subset)


@pytest.mark.usefixtures("upstreamPipelines")
@every_camera
def test_steps_of_a_night_are_in_order(camera):
    pipeline = Pipeline.fromFile(str(PIPELINES / camera / "verifyNight.yaml"))
    for product in NIGHT_PRODUCTS:
        place = {
            label: place
            for place, step in enumerate(STEPS)
            for label in pipeline.subsets[step.label(product)]
        }
        # Products share the dataset type of the statistics of signature removal.
        graph = pipeline.subsetFromLabels(LabelSpecifier(labels=set(place))).to_graph()
        for label, number in place.items():
            assert all(place[later] >= number for later in findLabels(graph, [label]))
            has_epoch = "exposure" in graph.tasks[label].raw_dimensions
            assert has_epoch or number >= 2


@pytest.mark.usefixtures("upstreamPipelines")
@every_camera
@every_product
def test_resolved_inputs_and_outputs_of_merges(camera, product):
    ours = resolve(str(PIPELINES / camera / f"verify{product.title()}.yaml"))
    theirs = resolve(findImported(Path(os.environ["CP_VERIFY_DIR"]) / "pipelines", camera, product))
    for label in listMerges(product):
        mine, parent = ours.tasks[label], theirs.tasks[label]
        for edges in ("inputs", "prerequisite_inputs", "outputs"):
            names = {name: edge.dataset_type_name for name, edge in getattr(parent, edges).items()}
            assert names.items() <= {k: e.dataset_type_name for k, e in getattr(mine, edges).items()}.items()
        assert mine.raw_dimensions == parent.raw_dimensions


BROKEN = [
    ("verify{0}", "connections.inputOutputName", "other", "verify{0}.connections.inputOutputName"),
    ("verify{0}Exp", "connections.verifiedExposures", "other", "verify{0}Exp.connections.verifiedExposures"),
    ("verify{0}Det", "connections.outputResults", "other", "verify{0}Exp.connections.inputResults"),
    ("verify{0}Exp", "connections.outputStats", "other", "verify{0}.connections.inputStats"),
]
"""Label, field and value of a change, and the contract that it breaks, with places for the product."""

BROKEN_BINNED = [
    ("view{0}ExpDet", "inputBinning", 4, "view{0}ExpDet.inputBinning"),
    ("mosaic{0}Exp8", "connections.outputData", "other", "view{0}Exp.connections.data"),
    ("view{0}ExpResidual", "connections.data", "other", "view{0}ExpResidual.connections.data"),
    ("view{0}Exp", "connections.inputOutputName", "other", "view{0}Exp.connections.inputOutputName"),
]
"""The same, of products whose exposures are binned."""

OF_RESULTS = ("verify{0}Det", "connections.outputResults", "other", "verify{0}.connections.inputResults")
# Only biases have matrices.
OF_MATRICES = ("verifyBiasExp", "connections.outputMatrix", "other", "verifyBias.connections.inputMatrix")


@pytest.mark.usefixtures("upstreamPipelines")
@pytest.mark.parametrize(
    ("product", "label", "field", "value", "contract"),
    [(product, *broken) for product in EXPOSED for broken in BROKEN]
    + [(product, *broken) for product in BINNED for broken in BROKEN_BINNED]
    + [("bias", *OF_MATRICES)]
    + [(product, *OF_RESULTS) for product in CALIBRATIONS if product != "linearizer"]
    + [("linearizer", "verify{0}Calib", *OF_RESULTS[1:])]
    + [("linearizer", "verify{0}Calib", "maxResidualThresholdSpline", 2.0, "verify{0}.limits")]
    + [("linearizer", "verify{0}Calib", "expectedQuadraticCoeffPolynomial", 2.0, "verify{0}.limits")]
    + [("ptc", "verify{0}Det", "a00MaxE2V", 0.0, 'verify{0}.limits["a00MaxE2V"]')],
)
def test_broken_contract_is_found(product, label, field, value, contract):
    title = product.title()
    pipeline = Pipeline.fromFile(str(PIPELINES / "LATISS" / f"verify{title}.yaml"))
    pipeline.addConfigOverride(label.format(title), field, value)
    with pytest.raises(Exception, match=re.escape(contract.format(title))):
        pipeline.to_graph()


@pytest.mark.usefixtures("upstreamPipelines")
@every_camera
@every_product
def test_tool_names_are_unique_topics(camera, product):
    """No two bundles of a pipeline send the same tool to the same topic."""
    graph = resolve(str(PIPELINES / camera / f"verify{product.title()}.yaml"))
    topics = []
    for label in listMerges(product):
        config = graph.tasks[label].config
        topics += [f"{config.connections.outputName}_{name}" for name in config.atools.fieldNames]
        topics += [f"{config.connections.outputName}Det_{name}" for name in config.detectorMetrics.units]
        assert config.addOutputNamePrefix
    for label in listViews(product, camera):
        config = graph.tasks[label].config
        topics += [f"{config.connections.outputName}_{name}" for name in config.atools.fieldNames]
        assert config.addOutputNamePrefix
    assert len(topics) == len(set(topics))


@pytest.mark.usefixtures("upstreamPipelines")
@every_camera
@every_product
def test_merges_measure_the_tests_of_their_product(camera, product):
    graph = resolve(str(PIPELINES / camera / f"verify{product.title()}.yaml"))
    declared = getProduct(product)
    for label, level in listMerges(product).items():
        config = graph.tasks[label].config
        assert config.product == config.detectorMetrics.product == product
        expected = {test.toolName for test in declared if level == "run" or test.varies != "run"}
        names = {name for name in config.atools.fieldNames if not name.endswith(tuple(SENSOR_GROUPS))}
        ends = ("Failures", "FailureTable", *(() if product in OF_DETECTORS else ("FailuresByAmp",)))
        series = SERIES.get(product, set()) if level == "run" else set()
        assert names == expected | {f"{product}{end}" for end in ends} | series
        assert {tool.product for tool in config.atools} == {product}


@pytest.mark.usefixtures("upstreamPipelines")
@every_product
def test_sensor_tools_of_lsst_cam(product):
    graph = resolve(str(PIPELINES / "LSSTCam" / f"verify{product.title()}.yaml"))
    for label in listMerges(product):
        names = set(graph.tasks[label].config.atools.fieldNames)
        tool = getProduct(product).tests[0].toolName
        assert {f"{tool}{kind}" for kind in ("", *SENSOR_GROUPS)} <= names


@pytest.mark.usefixtures("upstreamPipelines")
@every_exposed_product
def test_sensor_structures_of_lsst_cam(product):
    graph = resolve(str(PIPELINES / "LSSTCam" / f"verify{product.title()}.yaml"))
    names = set(graph.tasks[f"view{product.title()}ExpResidual"].config.atools.fieldNames)
    assert {f"{product}Structures{kind}" for kind in ("", *SENSOR_GROUPS)} <= names


@pytest.mark.usefixtures("upstreamPipelines")
@every_camera
@every_product
def test_subsets_of_merges_and_views(camera, product):
    pipeline = Pipeline.fromFile(str(PIPELINES / camera / f"verify{product.title()}.yaml"))
    assert pipeline.subsets[f"{product}Merges"] == listMerges(product).keys()
    assert pipeline.subsets.get(f"{product}Views", set()) == listViews(product, camera)


@pytest.mark.usefixtures("upstreamPipelines")
@every_camera
@every_product
def test_stored_tables_are_analysed_by_the_tools_of_the_merges(camera, product):
    """What is made of the tables of plain cp_verify has the names, tools and views of the merges."""
    title = product.title()
    merges = resolve(str(PIPELINES / camera / f"verify{title}.yaml")).tasks
    analyses = resolve(str(PIPELINES / camera / f"analyze{title}.yaml")).tasks
    views = listViews(product, camera)
    of_stored = listCore(product) | listExtended(product) | listPages(product, camera).keys()
    assert analyses.keys() == of_stored | views | listComparisons(product)
    for label, level in listMerges(product).items():
        end = {"exposure": "Exp", "run": "Run"}[level]
        analysis, merge = analyses[f"analyze{title}{end}"], merges[label]
        assert analysis.config.connections.data == merge.config.connections.outputResults
        assert analysis.config.connections.outputName == merge.config.connections.outputName
        assert set(analysis.config.atools.fieldNames) == set(merge.config.atools.fieldNames)
    for label in views:
        assert analyses[label].get_config_str() == merges[label].get_config_str()


@pytest.mark.usefixtures("upstreamPipelines")
@every_camera
@every_product
def test_core_is_metrics_and_extended_is_plots(camera, product):
    """What is made on demand sends nothing, and takes the tables that the merges write."""
    title = product.title()
    path = str(PIPELINES / camera / f"analyze{title}.yaml")
    subsets, tasks = Pipeline.fromFile(path).subsets, resolve(path).tasks
    assert subsets[f"{product}Extended"] == listExtended(product) | listPages(product, camera).keys()
    assert subsets[f"{product}Core"] == listCore(product)
    for label in listExtended(product):
        # The pages of all detectors of a run are made together.
        core = tasks[label.removesuffix("Extended").replace("RunDet", "Run")]
        assert tasks[label].raw_dimensions == core.raw_dimensions
        given, expected = (
            {name: edge.dataset_type_name for name, edge in node.inputs.items()}
            for node in (tasks[label], core)
        )
        assert given == expected
        assert tasks[label].outputs
        assert {edge.storage_class_name for edge in tasks[label].outputs.values()} == {"Plot"}
        name = label.replace("analyze", "cp")
        assert tasks[label].config.connections.outputName == name
        if "RunDet" not in label:
            plots = {edge.parent_dataset_type_name for edge in tasks[label].outputs.values()}
            kinds = {"Margins": "MarginStripPlot", "ByVendor": "VendorHistogramPlot"}
            assert {f"{name}_{product}{what}_{plot}" for what, plot in kinds.items()} < plots


@pytest.mark.usefixtures("upstreamPipelines")
@every_camera
def test_pages_of_detectors_take_the_tables_of_exposures_and_make_plots(camera):
    merged = resolve(str(PIPELINES / camera / "verifyBias.yaml")).tasks["verifyBiasExp"].config.connections
    tasks = resolve(str(PIPELINES / camera / "analyzeBias.yaml")).tasks
    for label, name in listPages("bias", camera).items():
        data = tasks[label].inputs["data"]
        assert data.parent_dataset_type_name == name
        assert name in (merged.inputResults, merged.inputMatrix)
        assert data.raw_dimensions == {"instrument", "exposure", "detector"}
        outputs = tasks[label].outputs.values()
        assert {edge.storage_class_name for edge in outputs} == {"Plot"}
        # A raft is no dimension: its plot is stored under one of its detectors.
        assert {frozenset(edge.raw_dimensions) for edge in outputs} == {frozenset({"instrument", "detector"})}
        assert tasks[label].config.connections.outputName == label.replace("analyze", "cp")


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


@pytest.mark.usefixtures("upstreamPipelines")
def test_every_view_is_listed():
    assert INPUTS.keys() == {path.stem for path in PIPELINES.glob("_ingredients/view*.yaml")}


@pytest.mark.usefixtures("upstreamPipelines")
@pytest.mark.parametrize("name", INPUTS)
def test_inputs_of_views_are_those_of_upstream(name):
    graph = resolve(str(PIPELINES / "_ingredients" / f"{name}.yaml"))
    edges = [edge for task in graph.tasks.values() for edge in task.iter_all_inputs()]
    given = {
        edge.dataset_type_name for edge in edges if graph.producer_of(edge.parent_dataset_type_name) is None
    }
    assert given - {"camera"} == INPUTS[name]


@pytest.mark.usefixtures("upstreamPipelines")
@pytest.mark.parametrize("name", INPUTS)
def test_no_input_of_views_constrains_the_graph(name):
    graph = resolve(str(PIPELINES / "_ingredients" / f"{name}.yaml"))
    for task in graph.tasks.values():
        assert all(edge.defer_query_constraint for edge in task.inputs.values())
