# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The whole pipeline, from simulated pixels to metrics and plots, on a small camera."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from lsst.daf.butler import Butler
from lsst.obs.lsst import LsstComCam
from lsst.pipe.base import Pipeline
from lsst.pipe.base.simple_pipeline_executor import SimplePipelineExecutor

simulator = pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of the stand-ins")

ROOT = Path(__file__).parents[1]
EXPOSURES = (simulator.ExposureInfo(20260801, 1), simulator.ExposureInfo(20260801, 2))
FIRST, SECOND = (info.id for info in EXPOSURES)
DETECTORS = (0, 4)
LABELS = "verifyBiasIsr,verifyBiasDet,verifyBiasExp,verifyBias,analyzeBiasCore"
Kind = simulator.FaultKind
FAULTS = (
    simulator.Fault(Kind.HOT_NOISE, "R22_S00", ("C03",), 1.4, exposures=(FIRST,)),
    simulator.Fault(Kind.OFFSET_MEAN, 4, ("C11",)),
    simulator.Fault(Kind.MISSING_DETECTOR, 4, exposures=(SECOND,)),
)


@pytest.fixture(scope="module")
def butler(tmp_path_factory) -> Butler:
    """Run the pipeline of LSSTComCam on two of its detectors, with fewer rows."""
    root = tmp_path_factory.mktemp("endToEnd") / "butler"
    camera = simulator.shrinkCamera(LsstComCam().getCamera(), 4)
    simulator.makeRepository(root, LsstComCam, EXPOSURES, camera=camera)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CP_VERIFY_DIR", str(ROOT / "standalone"))
        patch.setenv("ANALYSIS_TOOLS_DIR", str(ROOT / "standalone"))
        patch.setenv("ANALYSIS_CP_DIR", str(ROOT))
        pipeline = Pipeline.from_uri(f"{ROOT}/pipelines/LSSTComCam/verifyBias.yaml#{LABELS}")
    pipeline.addConfigOverride("verifyBiasIsr", "faults", [fault.toText() for fault in FAULTS])
    pipeline.addConfigOverride("verifyBiasDet", "ampCornerBoxSize", 50)
    executor = SimplePipelineExecutor.from_pipeline(
        pipeline,
        where=f"instrument='LSSTComCam' AND detector IN {DETECTORS}",
        butler=SimplePipelineExecutor.prep_butler(str(root), ["LSSTComCam/defaults"], "u/test"),
    )
    executor.run(register_dataset_types=True)
    return Butler.from_config(
        str(root), collections=["u/test", "LSSTComCam/defaults"], instrument="LSSTComCam"
    )


def getValues(butler: Butler, name: str, tool: str, **data_id: int) -> dict[str, float]:
    """Get the values of one tool."""
    return {str(m.metric_name): m.quantity.value for m in butler.get(name, **data_id)[tool]}


def test_noToolFailed(butler):
    for label in ("verifyBiasExp", "verifyBias"):
        for ref in butler.query_datasets(f"{label}_metadata"):
            assert "toolFailures" not in butler.get(ref)[label]


def test_culpritsAreTheInjectedOnes(butler):
    table = butler.get("cpBiasRun_culprits")
    found = defaultdict(set)
    for row in table[(table["status"] == "failed")]:
        found[row["exposure"], row["detector"], row["amplifier"]].add(row["test"])
    expected = simulator.listExpectedResults(FAULTS, LsstComCam().getCamera(), (FIRST, SECOND))
    injected = {(r.exposure, r.detector, r.amplifier): set(r.failures) for r in expected if r.failures}
    assert len(injected) == 2
    assert found == injected


def test_missingDetectorIsUnknown(butler):
    table = butler.get("cpBiasExp_detectorSummary", exposure=SECOND)
    (row,) = table[table["detector"] == 4]
    assert (row["nAmps"], row["status"]) == (0, "unknown")


def test_healthyDetectorIsGood(butler):
    table = butler.get("cpBiasExp_detectorSummary", exposure=SECOND)
    (row,) = table[table["detector"] == 0]
    assert (row["nAmpsMissing"], row["status"]) == (0, "good")


def test_metricsOfTheDetector(butler):
    values = getValues(butler, "cpBiasExpDet_metrics", "biasNoise", exposure=FIRST, detector=0)
    assert (values["nAmps"], values["nTested"], values["nFailed"]) == (16, 16, 1)
    assert values["quantityMax"] == pytest.approx(0.4, abs=0.1)


def test_metricsOfTheRun(butler):
    values = getValues(butler, "cpBiasRun_metrics", "biasMean")
    assert (values["nAmps"], values["nFailed"], values["nExposuresFailed"]) == (48, 1, 1)


def test_readNoiseIsTheHeaders(butler):
    for ref in butler.query_datasets("cpBiasExp_ampSummary"):
        assert set(butler.get(ref)["readNoiseSource"]) == {"header"}


@pytest.mark.parametrize("name", ["biasNoise_FocalPlaneGeometryPlot", "biasFailures_FailureMapPlot"])
def test_plotsAreWritten(butler, name):
    uris = [butler.getURI(ref) for ref in butler.query_datasets(f"cpBiasExp_{name}")]
    uris.append(butler.getURI(f"cpBiasRun_{name}"))
    assert len(uris) == 3
    assert all(uri.read(8) == b"\x89PNG\r\n\x1a\n" for uri in uris)
