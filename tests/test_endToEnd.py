# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The whole pipeline, from simulated pixels to metrics and plots, on a small camera."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from lsst.daf.butler import Butler
from lsst.obs.lsst import Latiss, LsstComCam
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


DARK_FAULTS = (
    simulator.Fault(Kind.HOT_NOISE, 0, ("C03",), 1.4, exposures=(FIRST,)),
    simulator.Fault(Kind.OFFSET_MEAN, 0, ("C11",)),
)


def readPipeline(path: str) -> Pipeline:
    """Read one of our pipelines, over the stand-ins."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CP_VERIFY_DIR", str(ROOT / "standalone"))
        patch.setenv("ANALYSIS_TOOLS_DIR", str(ROOT / "standalone"))
        patch.setenv("ANALYSIS_CP_DIR", str(ROOT))
        return Pipeline.from_uri(f"{ROOT}/pipelines/{path}")


def run(root: Path, pipeline: Pipeline, instrument: type, where: str = "") -> Butler:
    """Run a pipeline on the exposures of a camera with fewer rows."""
    name = instrument.getName()
    camera = simulator.shrinkCamera(instrument().getCamera(), 4)
    simulator.makeRepository(root, instrument, EXPOSURES, camera=camera)
    butler = SimplePipelineExecutor.prep_butler(str(root), [f"{name}/defaults"], "u/test")
    where = f"instrument='{name}'{where}"
    SimplePipelineExecutor.from_pipeline(pipeline, where=where, butler=butler).run(
        register_dataset_types=True
    )
    return Butler.from_config(str(root), collections=["u/test", f"{name}/defaults"], instrument=name)


@pytest.fixture(scope="module")
def butler(tmp_path_factory) -> Butler:
    """Run the pipeline of LSSTComCam on two of its detectors."""
    pipeline = readPipeline(f"LSSTComCam/verifyBias.yaml#{LABELS}")
    pipeline.addConfigOverride("verifyBiasIsr", "faults", [fault.toText() for fault in FAULTS])
    pipeline.addConfigOverride("verifyBiasDet", "ampCornerBoxSize", 50)
    root = tmp_path_factory.mktemp("endToEnd") / "butler"
    return run(root, pipeline, LsstComCam, f" AND detector IN {DETECTORS}")


@pytest.fixture(scope="module")
def darks(tmp_path_factory) -> Butler:
    """Run all of the pipeline of darks of LATISS."""
    pipeline = readPipeline("LATISS/verifyDark.yaml")
    pipeline.addConfigOverride("verifyDarkIsr", "faults", [fault.toText() for fault in DARK_FAULTS])
    return run(tmp_path_factory.mktemp("darks") / "butler", pipeline, Latiss)


def getValues(butler: Butler, name: str, tool: str, **data_id: int) -> dict[str, float]:
    """Get the values of one tool."""
    return {str(m.metric_name): m.quantity.value for m in butler.get(name, **data_id)[tool]}


def test_no_tool_failed(butler):
    for label in ("verifyBiasExp", "verifyBias"):
        for ref in butler.query_datasets(f"{label}_metadata"):
            assert "toolFailures" not in butler.get(ref)[label]


def assertInjected(culprits, faults, instrument):
    """Compare the failures with what the faults lead to."""
    found = defaultdict(set)
    for row in culprits[culprits["status"] == "failed"]:
        found[row["exposure"], row["detector"], row["amplifier"]].add(row["test"])
    expected = simulator.listExpectedResults(faults, instrument().getCamera(), (FIRST, SECOND))
    injected = {(r.exposure, r.detector, r.amplifier): set(r.failures) for r in expected if r.failures}
    assert found == injected
    assert len(injected) > 1


def test_culprits_are_the_injected_ones(butler):
    assertInjected(butler.get("cpBiasRun_culprits"), FAULTS, LsstComCam)


def test_missing_detector_is_unknown(butler):
    table = butler.get("cpBiasExp_detectorSummary", exposure=SECOND)
    (row,) = table[table["detector"] == 4]
    assert (row["nAmps"], row["status"]) == (0, "unknown")


def test_healthy_detector_is_good(butler):
    table = butler.get("cpBiasExp_detectorSummary", exposure=SECOND)
    (row,) = table[table["detector"] == 0]
    assert (row["nAmpsMissing"], row["status"]) == (0, "good")


def test_metrics_of_the_detector(butler):
    values = getValues(butler, "cpBiasExpDet_metrics", "biasNoise", exposure=FIRST, detector=0)
    assert (values["nAmps"], values["nTested"], values["nFailed"]) == (16, 16, 1)
    assert values["quantityMax"] == pytest.approx(0.4, abs=0.1)


def test_metrics_of_the_run(butler):
    values = getValues(butler, "cpBiasRun_metrics", "biasMean")
    assert (values["nAmps"], values["nFailed"], values["nExposuresFailed"]) == (48, 1, 1)


def test_read_noise_is_the_headers(butler):
    for ref in butler.query_datasets("cpBiasExp_ampSummary"):
        assert set(butler.get(ref)["readNoiseSource"]) == {"header"}


@pytest.mark.parametrize("name", ["biasNoise_FocalPlaneGeometryPlot", "biasFailures_FailureMapPlot"])
def test_plots_are_written(butler, name):
    uris = [butler.getURI(ref) for ref in butler.query_datasets(f"cpBiasExp_{name}")]
    uris.append(butler.getURI(f"cpBiasRun_{name}"))
    assert len(uris) == 3
    assert all(uri.read(8) == b"\x89PNG\r\n\x1a\n" for uri in uris)


def test_culprits_of_darks_are_the_injected_ones(darks):
    assertInjected(darks.get("cpDarkRun_culprits"), DARK_FAULTS, Latiss)


def test_metrics_of_darks(darks):
    values = getValues(darks, "cpDarkExpDet_metrics", "darkNoise", exposure=FIRST, detector=0)
    assert (values["nAmps"], values["nTested"], values["nFailed"]) == (16, 16, 1)
    assert values["quantityMax"] == pytest.approx(0.4, abs=0.1)
    values = getValues(darks, "cpDarkRun_metrics", "darkMean")
    assert (values["nAmps"], values["nFailed"], values["nExposuresFailed"]) == (32, 2, 2)


def test_absent_percentiles_of_the_combined_dark_are_not_valid(darks):
    values = getValues(darks, "cpDarkRun_metrics", "darkDist50Pct")
    assert (values["nAmps"], values["nValid"]) == (32, 0)
    for label in ("verifyDarkExp", "verifyDark"):
        for ref in darks.query_datasets(f"{label}_metadata"):
            assert "toolFailures" not in darks.get(ref)[label]


def test_views_of_darks_are_written(darks):
    names = ("cpDarkExpView_darkImage_FocalPlaneImagePlot", "cpDarkExpResidual_structures")
    for name in (*names, "cpDarkExp_darkFailures_FailureMapPlot"):
        assert len(darks.query_datasets(name)) == 2
    assert len(darks.query_datasets("cpDarkExpDetView_darkImage_DetectorImagePlot")) == 2
