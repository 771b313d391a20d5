# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Every pipeline of standalone/pipelines, by itself and against that of cp_verify."""

import os
from pathlib import Path

import pytest
import yaml

from lsst.pipe.base import Pipeline

PIPELINES = Path(__file__).parents[1] / "pipelines"
CAMERAS = ["LATISS", "LSSTCam", "LSSTComCam"]
MOSAICS = ("mosaic{}Exp64", "mosaic{}Exp8")
PRODUCTS = {
    "Bias": ("analyzeBiasCore", *MOSAICS),
    "Dark": MOSAICS,
    "Flat": MOSAICS,
    "Defects": ("analyzeDefectCore", "verifyUncorrectedDefectsIsr"),
}
"""What the pipelines of a product have beyond those of any product of which each exposure is verified."""
BINNED = [product for product, labels in PRODUCTS.items() if set(MOSAICS) <= set(labels)]

CALIBRATIONS = {
    "Crosstalk": ("verifyCrosstalkSolve",),
    "Linearizer": ("verifyLinearizerSecondLinearizer",),
    "Ptc": ("analyzePtcCore",),
}
"""The same of products of which the calibration itself is verified."""

LEFT_OUT = {
    "Crosstalk": {"verifyCrosstalkIsr", "verifyCrosstalkExtract"},
    "Linearizer": {f"verifyLinearizer{task}" for task in ("Isr", "PtcExtractPair", "PtcSolve")},
    "Ptc": {"analyzePtcDetCore"},
}
"""Tasks of other packages that there are no stand-ins for."""

TESTED = {"Crosstalk": "verifyCrosstalk", "Linearizer": "verifyLinearizerSecondLinearizer", "Ptc": "ptc"}
"""Calibrations that are tested, which are those of the product or measured again."""

TESTING = {"Crosstalk": "verifyCrosstalkDet", "Linearizer": "verifyLinearizerCalib", "Ptc": "verifyPtcDet"}
"""Tasks that test them."""

INGREDIENTS = {"Crosstalk": "verifyCrosstalk", "Linearizer": "verifyLinearizerLSST", "Ptc": "verifyPtc"}
"""Ingredients of the pipelines of cameras of Rubin."""

CAMERAS_OF = {"Crosstalk": ("LSSTCam",)}
"""Cameras that have pipelines of a product at cp_verify, where not all have."""

every_camera = pytest.mark.parametrize("camera", CAMERAS)
every_product = pytest.mark.parametrize("product", PRODUCTS)
every_calibration = pytest.mark.parametrize("product", CALIBRATIONS)


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("CP_VERIFY_DIR", str(PIPELINES.parent))
    monkeypatch.setenv("ANALYSIS_TOOLS_DIR", str(PIPELINES.parent))


@pytest.fixture
def upstream(product: str) -> dict:
    """Read the ingredient of cp_verify, where a checkout is given."""
    path = Path(os.environ.get("UPSTREAM_DIR", "")) / "cp_verify/pipelines/_ingredients"
    if "UPSTREAM_DIR" not in os.environ or not path.is_dir():
        pytest.skip("needs a checkout of cp_verify: set UPSTREAM_DIR to the directory that has it")
    return yaml.safe_load((path / f"verify{product}LSST.yaml").read_text())


def test_pipelines_are_there() -> None:
    files = {f"{path.parent.name}/{path.name}" for path in PIPELINES.glob("[!_]*/verify*.yaml")}
    products = (*PRODUCTS, *CALIBRATIONS)
    assert files == {
        f"{camera}/verify{product}.yaml"
        for product in products
        for camera in CAMERAS_OF.get(product, CAMERAS)
    }


@every_camera
@every_product
def test_pipeline_resolves(camera: str, product: str) -> None:
    pipeline = Pipeline.from_uri(str(PIPELINES / camera / f"verify{product}.yaml"))
    graph = pipeline.to_graph()
    stems = ("verify{}", "verify{}Det", "verify{}Exp", "verify{}Isr", *PRODUCTS[product])
    assert set(graph.tasks) == {stem.format(product) for stem in stems}
    instrument = pipeline.getInstrument()
    assert instrument.split(".")[-1].lower() == camera.lower()
    outputs = {edge.dataset_type_name for task in graph.tasks.values() for edge in task.outputs.values()}
    # Only biases have correlations of amplifiers.
    kinds = ("Stats", "Results", *(("Matrix",) if product == "Bias" else ()))
    assert {f"verify{product}{level}{kind}" for level in ("Det", "Exp", "") for kind in kinds} <= outputs
    ends = ("IsrExp",)
    ends += ("IsrExpBin8", "IsrExpBin64", "Residual8", "Residual64") if product in BINNED else ()
    assert {f"verify{product}{end}" for end in ends} | {"isrStatistics"} <= outputs


@pytest.mark.parametrize(
    ("product", "camera"),
    [(product, camera) for product in CALIBRATIONS for camera in CAMERAS_OF.get(product, CAMERAS)],
)
def test_pipeline_of_a_calibration_resolves(camera: str, product: str) -> None:
    pipeline = Pipeline.from_uri(str(PIPELINES / camera / f"verify{product}.yaml"))
    graph = pipeline.to_graph()
    assert set(graph.tasks) == {f"verify{product}", TESTING[product], *CALIBRATIONS[product]}
    outputs = {edge.dataset_type_name for task in graph.tasks.values() for edge in task.outputs.values()}
    assert {
        f"verify{product}{level}{kind}" for level in ("Det", "") for kind in ("Stats", "Results")
    } <= outputs
    inputs = {edge.dataset_type_name for edge in graph.tasks[TESTING[product]].iter_all_inputs()}
    assert inputs == {"camera", TESTED[product]}


@every_calibration
def test_contracts_of_a_calibration_hold(product: str) -> None:
    pipeline = Pipeline.from_uri(str(PIPELINES / "LSSTCam" / f"verify{product}.yaml"))
    pipeline.addConfigOverride(TESTING[product], "connections.outputStats", "other")
    with pytest.raises(Exception, match=f"verify{product}.connections.inputStats == {TESTING[product]}"):
        pipeline.to_graph()


@every_calibration
def test_labels_and_connections_of_a_calibration_are_those_of_cp_verify(product: str) -> None:
    path = Path(os.environ.get("UPSTREAM_DIR", "")) / "cp_verify/pipelines/_ingredients"
    if "UPSTREAM_DIR" not in os.environ or not path.is_dir():
        pytest.skip("needs a checkout of cp_verify: set UPSTREAM_DIR to the directory that has it")
    name = f"{INGREDIENTS[product]}.yaml"
    theirs, ours = (yaml.safe_load((top / name).read_text()) for top in (path, PIPELINES / "_ingredients"))
    assert ours["tasks"].keys() == theirs["tasks"].keys() - LEFT_OUT[product]
    # Those of photon transfer curves are called connections there, so that nothing checks them.
    contracts = theirs.get("contracts", theirs.get("connections"))
    kept = [contract for contract in contracts if not any(label in contract for label in LEFT_OUT[product])]
    assert sorted(ours["contracts"]) == sorted(kept)
    for label, task in ours["tasks"].items():
        if not task["class"].startswith("lsst.cp.simulator"):
            assert task == theirs["tasks"][label]


@pytest.mark.parametrize("product", BINNED)
def test_contracts_hold(product: str) -> None:
    pipeline = Pipeline.from_uri(str(PIPELINES / "LATISS" / f"verify{product}.yaml"))
    pipeline.addConfigOverride(f"verify{product}Isr", "binFactor1", 4)
    with pytest.raises(Exception, match=f"verify{product}Isr.binFactor1 == mosaic{product}Exp8.binning"):
        pipeline.to_graph()


@every_product
def test_labels_connections_and_contracts_are_those_of_cp_verify(upstream, product: str) -> None:
    ours = yaml.safe_load((PIPELINES / f"_ingredients/verify{product}LSST.yaml").read_text())
    assert set(ours["tasks"]) == set(upstream["tasks"])
    assert sorted(ours["contracts"]) == sorted(upstream["contracts"])
    assert ours.get("imports") == upstream.get("imports")
    for label, task in upstream["tasks"].items():
        if isinstance(task, str):
            assert ours["tasks"][label] == task
            continue
        config = {key: value for key, value in task["config"].items() if key != "python"}
        # The simulator reads no raw; vignetting is left out, and off there.
        for key in ("connections.ccdExposure", "doVignette"):
            config.pop(key, None)
        assert config.items() <= ours["tasks"][label]["config"].items(), label
        if not label.endswith("Isr"):
            assert ours["tasks"][label]["class"] == task["class"]
