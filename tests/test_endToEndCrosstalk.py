# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Crosstalk, from simulated coefficients to metrics and plots."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from pipelineRuns import SimulatedRepository, findPlots, readPipeline

from lsst.analysis.cp.catalogue import getProduct
from lsst.daf.butler import Butler
from lsst.ip.isr import IsrCalib
from lsst.obs.lsst import Latiss, LsstComCam

simulator = pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of the stand-ins")
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
Kind = simulator.FaultKind
FAULTS = {
    Latiss: (
        simulator.Fault(Kind.STRONG_CROSSTALK, 0, ("C03", "C14")),
        simulator.Fault(Kind.MASKED_AMPLIFIER, 0, ("C11",)),
    ),
    LsstComCam: (
        simulator.Fault(Kind.FLIPPED_CROSSTALK, 0, ("C03", "C04")),
        simulator.Fault(Kind.SELF_CROSSTALK, "R22_S11", ("C11",)),
        simulator.Fault(Kind.MISSING_DETECTOR, 3),
    ),
}
DETECTORS = {Latiss: (0,), LsstComCam: (0, 3, 4, 5)}
SHARED = Path(os.environ.get("ANALYSIS_CP_SHARED", ROOT.parent / "shared")) / "data" / "crosstalk"
MEASURED = {4: SHARED / "r01_s11.ecsv", 5: SHARED / "r10_s00.ecsv"}
"""Files of coefficients that were measured, of sensors of the same vendor, where they are present."""


@pytest.fixture(scope="module", params=[Latiss, LsstComCam])
def crosstalks(request, tmp_path_factory) -> tuple[Butler, type]:
    """Verify the crosstalk of some detectors, and make the plots on demand."""
    instrument, detectors = request.param, DETECTORS[request.param]
    repository = SimulatedRepository(tmp_path_factory.mktemp("crosstalk") / "butler", instrument)
    butler = simulator.makeRepository(repository.root, instrument, ())
    model = simulator.CrosstalkModel(nearest={"ITL": 2.4e-4}, interChip=1e-5)
    camera = instrument().getCamera()
    files = {number: path for number, path in MEASURED.items() if number in detectors and path.exists()}
    known = {number: IsrCalib.readText(str(path)) for number, path in files.items()}
    for number, calib in known.items():
        # They stand for coefficients of this camera; those of another detector are refused.
        calib.updateMetadata(camera=camera, detector=camera[number])
    simulator.storeCrosstalks(butler, instrument(), camera, known, detectors=detectors, model=model)
    pipeline = readPipeline(f"{repository.name}/verifyCrosstalk.yaml")
    lines = [fault.toText() for fault in FAULTS[instrument]]
    pipeline.addConfigOverride("verifyCrosstalkSolve", "faults", lines)
    where = f"detector IN {(*detectors, -1)}"
    repository.run(pipeline, "u/merged", where)
    repository.run("analyzeCrosstalk.yaml#crosstalkExtended", "u/extended", where)
    repository.run("analyzeCrosstalkCoefficients.yaml", "u/coefficients", where)
    repository.run("trendCrosstalk.yaml", "u/trend")
    repository.run("trendCrosstalkCoefficients.yaml", "u/coefficientTrend")
    return repository.open(), instrument


def test_detectors_with_faults_of_crosstalk_are_the_culprits(crosstalks):
    butler, instrument = crosstalks
    expected = {
        (result.detector, test)
        for result in simulator.listExpectedCrosstalkResults(FAULTS[instrument], instrument().getCamera())
        for test in result.failures
    }
    culprits = butler.get("cpCrosstalkRun_culprits")
    assert {"exposure"}.isdisjoint(culprits.colnames)
    failed = culprits[culprits["status"] == "failed"]
    assert {(int(row["detector"]), str(row["test"])) for row in failed} == expected
    assert len(expected) == {Latiss: 1, LsstComCam: 2}[instrument]
    summary = butler.get("cpCrosstalkRun_detectorSummary")
    status = dict(zip(summary["detector"].tolist(), summary["status"].tolist(), strict=True))
    bad = {detector for detector, _ in expected}
    known = set(DETECTORS[instrument]) - {3}
    assert status == {d: "failed" if d in bad else "good" if d in known else "unknown" for d in status}


def test_tables_say_that_the_stored_coefficients_are_not_read(crosstalks):
    butler, _ = crosstalks
    for name in ("detectorSummary", "ampSummary", "culprits"):
        table = butler.get(f"cpCrosstalkRun_{name}", parameters={"strip_astropy_meta_yaml": False})
        reasons = table.meta["notRead"]
        assert reasons == getProduct("crosstalk").notRead
        assert reasons.keys() == {"verifyCrosstalkMatrix.coefficient"}


def test_metrics_of_crosstalk(crosstalks):
    butler, _ = crosstalks
    rows = butler.get("verifyCrosstalkResults")
    tool = "crosstalkNoSignificantDetection"
    values = {m.metric_name.metric: m.quantity.value for m in butler.get("cpCrosstalkRun_metrics")[tool]}
    numbers = rows["CROSSTALK_N_VALID"].tolist()
    for name, reduced in (("min", min), ("median", np.median), ("max", max)):
        assert values[name] == values[f"quantity{name.title()}"] == reduced(numbers)
    assert values["nFailed"] == (rows["CROSSTALK_VERIFY_NO_SIGNIFICANT_DETECTION"] == 0).sum()
    assert values["nDetectors"] == values["nValid"] == len(rows)
    for row in rows:
        bundle = butler.get("cpCrosstalkRunDet_metrics", detector=row["detector"])
        own = {m.metric_name.metric: m.quantity.value for m in bundle[tool]}
        assert own["max"] == row["CROSSTALK_N_VALID"]
        assert own["nFailed"] == (row["CROSSTALK_N_VALID"] > 0)
        calib = butler.get("verifyCrosstalk", detector=row["detector"])
        assert row["CROSSTALK_N_VALID"] == np.count_nonzero(calib.coeffValid)


def test_plots_of_crosstalk_are_written(crosstalks):
    butler, instrument = crosstalks
    found = findPlots(butler, "Crosstalk")
    assert {
        "cpCrosstalkRun_crosstalkNoSignificantDetection_FocalPlaneGeometryPlot",
        "cpCrosstalkRun_crosstalkFailureTable_FailureTablePlot",
        "cpCrosstalkRunExtended_crosstalkMargins_MarginStripPlot",
        "cpCrosstalkMatricesExtended_crosstalkMatrices_CrosstalkPlot",
    } <= found.keys()
    assert "cpCrosstalkRun_crosstalkFailuresByAmp_AmpFailuresPlot" not in found
    raft = "cpCrosstalkRaftMatricesExtended_crosstalkMatrices_CrosstalkPlot"
    assert (raft in found) == (instrument is LsstComCam)


@pytest.mark.parametrize("label", ["verifyCrosstalk", "analyzeCrosstalkCoefficientsRun"])
def test_no_tool_of_crosstalk_failed(crosstalks, label):
    butler, _ = crosstalks
    assert "toolFailures" not in butler.get(f"{label}_metadata")[label]


def findPairs(instrument: type) -> dict[int, list[tuple[str, str]]]:
    """Find the sources and the amplifiers that see them of the faults of pairs, by detector."""
    camera = instrument().getCamera()
    found: dict[int, list[tuple[str, str]]] = {}
    for fault in FAULTS[instrument]:
        if fault.kind in (Kind.STRONG_CROSSTALK, Kind.FLIPPED_CROSSTALK):
            found.setdefault(camera[fault.detector].getId(), []).append(fault.amplifiers)
    return found


def test_amplifiers_that_see_faults_of_crosstalk_are_named(crosstalks):
    """What differs, is not measured, and is of an amplifier with itself, as it was injected."""
    butler, instrument = crosstalks
    rows = butler.get("cpCrosstalkCoefficientsRun_ampSummary")
    pairs, camera = findPairs(instrument), instrument().getCamera()
    kinds = {
        (camera[fault.detector].getId(), amp): fault.kind
        for fault in FAULTS[instrument]
        for amp in fault.amplifiers
    }
    assert len(rows) == 16 * len(set(DETECTORS[instrument]) - {3})
    for row in rows:
        detector, amp = int(row["detector"]), str(row["amplifier"])
        is_masked = kinds.get((detector, amp)) is Kind.MASKED_AMPLIFIER
        n_masked = sum(kind is Kind.MASKED_AMPLIFIER for (d, _), kind in kinds.items() if d == detector)
        n_different = sum(victim == amp for _, victim in pairs.get(detector, ()))
        assert row["NOT_MEASURED_value"] == (15 if is_masked else n_masked)
        assert row["SELF_value"] == (kinds.get((detector, amp)) is Kind.SELF_CROSSTALK)
        if is_masked:
            assert np.isnan(row["DIFFERENT_value"])
            assert row["DIFFERENT_status"] == "unknown"
        else:
            assert row["DIFFERENT_value"] == n_different
            assert row["DIFFERENT_status"] == ("failed" if n_different else "good")


def test_metrics_of_coefficients_are_those_of_the_calibrations(crosstalks):
    butler, instrument = crosstalks
    metrics = butler.get("cpCrosstalkCoefficientsRun_metrics")
    largest = []
    for detector in sorted(set(DETECTORS[instrument]) - {3}):
        calib = butler.get("verifyCrosstalk", detector=detector)
        pairs = ~np.eye(calib.nAmp, dtype=bool)
        seen = [abs(calib.coeffs[pairs[:, i], i]) for i in range(calib.nAmp)]
        own = [float(np.nanmax(values)) for values in seen if np.isfinite(values).any()]
        bundle = butler.get("cpCrosstalkCoefficientsRunDet_metrics", detector=detector)
        values = {m.metric_name.metric: m.quantity.value for m in bundle["crosstalkCoefficientsLargestSeen"]}
        assert (values["min"], values["median"], values["max"]) == (min(own), np.median(own), max(own))
        assert values["nValid"] == len(own)
        largest += own
    values = {m.metric_name.metric: m.quantity.value for m in metrics["crosstalkCoefficientsLargestSeen"]}
    expected = min(largest), np.median(largest), max(largest)
    assert (values["min"], values["median"], values["max"]) == expected
    failed = {m.metric_name.metric: m.quantity.value for m in metrics["crosstalkCoefficientsDifferent"]}
    assert failed["nFailed"] == sum(len(pairs) for pairs in findPairs(instrument).values())


def test_history_of_crosstalk_has_the_run(crosstalks):
    butler, _ = crosstalks
    trend = butler.get("cpCrosstalkTrend_trend")
    tool = "crosstalkNoSignificantDetection"
    chosen = trend[(trend["metric"] == tool) & (trend["measurement"] == "median")]
    numbers = butler.get("verifyCrosstalkResults")["detector", "CROSSTALK_N_VALID"]
    stored = dict(zip(numbers["detector"].tolist(), numbers["CROSSTALK_N_VALID"].tolist(), strict=True))
    of_detectors = chosen[np.isfinite(chosen["value"])]
    assert dict(zip(of_detectors["detector"].tolist(), of_detectors["value"].tolist(), strict=True)) == stored


def test_history_of_coefficients_has_the_run(crosstalks):
    butler, _ = crosstalks
    trend = butler.get("cpCrosstalkCoefficientsTrend_trend")
    chosen = (trend["metric"] == "crosstalkCoefficientsLargestSeen") & (trend["measurement"] == "median")
    history = trend[chosen & np.isfinite(trend["value"])]
    rows = butler.get("cpCrosstalkCoefficientsResults")["detector", "CROSSTALK_LARGEST_SEEN"]
    stored = {
        detector: np.nanmedian(rows["CROSSTALK_LARGEST_SEEN"][rows["detector"] == detector])
        for detector in set(rows["detector"].tolist())
    }
    assert dict(zip(history["detector"].tolist(), history["value"].tolist(), strict=True)) == stored
