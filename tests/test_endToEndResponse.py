# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The response of amplifiers, from simulated flats to metrics, maps and histories."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pipelineRuns import SimulatedRepository, findPlots

from lsst.analysis.cp.tasks import MeasureResponseTask
from lsst.daf.butler import Butler
from lsst.ip.isr import IsrCalib
from lsst.obs.lsst import LsstComCam

simulator = pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of the stand-ins")
pytestmark = pytest.mark.slow

DETECTORS = (0, 4)
FAULTS = simulator.parseFaults(
    [
        "lowTurnoff detector:4 amplifiers:C05",
        "curvedResponse detector:4 amplifiers:C07",
        "maskedAmplifier detector:4 amplifiers:C11",
    ]
)


@pytest.fixture(scope="module")
def responses(tmp_path_factory) -> Butler:
    """Measure the response of two detectors, and draw it."""
    repository = SimulatedRepository(tmp_path_factory.mktemp("response") / "butler", LsstComCam)
    butler = simulator.makeRepository(repository.root, LsstComCam, ())
    camera = LsstComCam().getCamera()
    simulator.LINEARIZERS.store(butler, LsstComCam(), camera, FAULTS, detectors=DETECTORS)
    repository.run("analyzeResponse.yaml", "u/first")
    repository.run("trendResponse.yaml", "u/trend")
    return repository.open()


def measureMetrics(butler: Butler, tool: str) -> dict:
    return {m.metric_name.metric: m.quantity for m in butler.get("cpResponseRun_metrics")[tool]}


def test_numbers_are_those_of_the_linearizers(responses):
    rows = responses.get("cpResponseResults")
    assert len(rows) == 32
    for row in rows:
        name = str(row["amplifier"])
        calib = responses.get("linearizer", detector=row["detector"])
        assert_array_equal(row["RESPONSE_TURNOFF"], calib.linearityTurnoff[name])
        assert_array_equal(row["RESPONSE_MAX_SIGNAL"], calib.linearityMaxSignal[name])
        if calib.linearityType[name] == "None":
            assert np.isnan(
                [row[f"RESPONSE_{key}"] for key in ("INPUT_GAIN", "SCATTER", "MAX_DEVIATION")]
            ).all()
            continue
        assert row["RESPONSE_INPUT_GAIN"] == calib.inputGain[name]
        assert row["RESPONSE_SCATTER"] == 100 * calib.fitResidualsSigmaMad[name]
        means, times = calib.inputOrdinate[name], calib.inputAbscissa[name]
        chosen = calib.inputMask[name] & (means * calib.inputGain[name] >= 1000)
        expected = np.abs(1 - calib.linearFit[name][1] * times / means)[chosen].max()
        assert_allclose(row["RESPONSE_MAX_DEVIATION"], 100 * expected, rtol=1e-3)
        assert row["RESPONSE_MAX_DEVIATION"] > 0.3


def test_faults_are_beyond_the_limit_and_no_others(responses):
    expected = {
        (result.detector, result.amplifier): result
        for result in simulator.listExpectedResponseResults(FAULTS, LsstComCam().getCamera())
    }
    for row in responses.get("cpResponseResults"):
        result = expected.get((row["detector"], str(row["amplifier"])))
        is_untested = result is not None and result.untested == {"MAX_DEVIATION"}
        is_failed = result is not None and result.failures == {"MAX_DEVIATION"}
        assert np.isnan(row["RESPONSE_MAX_DEVIATION"]) == is_untested
        assert (row["RESPONSE_MAX_DEVIATION"] > 2) == is_failed
    assert sorted(amplifier for _, amplifier in expected) == ["C05", "C07", "C11"]


def test_metrics_are_those_of_the_amplifiers(responses):
    rows = responses.get("cpResponseResults")
    turnoffs = np.array(rows["RESPONSE_TURNOFF"], dtype=float)
    values = measureMetrics(responses, "responseTurnoff")
    assert values["nValid"].value == np.isfinite(turnoffs).sum() == 31
    assert values["min"].value == np.nanmin(turnoffs)
    assert values["median"].value == np.nanmedian(turnoffs)
    charges = turnoffs * np.array(rows["RESPONSE_INPUT_GAIN"], dtype=float)
    charge = measureMetrics(responses, "responseTurnoffCharge")
    assert charge["max"].value == pytest.approx(np.nanmax(charges), rel=1e-12)
    assert charge["max"].unit.to_string() == "electron"
    deviation = measureMetrics(responses, "responseMaxDeviation")
    assert (deviation["nFailed"].value, deviation["nTested"].value) == (1, 31)


def test_low_turnoff_is_the_least(responses):
    rows = responses.get("cpResponseResults")
    lowest = rows[int(np.nanargmin(rows["RESPONSE_TURNOFF"]))]
    assert (lowest["detector"], lowest["amplifier"]) == (4, "C05")
    assert lowest["RESPONSE_TURNOFF"] * lowest["RESPONSE_INPUT_GAIN"] == pytest.approx(60_000, rel=0.08)


def test_maps_and_histories_are_written(responses):
    found = findPlots(responses, "Response")
    maps = ("Turnoff", "TurnoffCharge", "MaxSignal", "MaxDeviation")
    assert {f"cpResponseRun_response{name}_FocalPlaneGeometryPlot" for name in maps} <= found.keys()
    assert "cpResponseRunExtended_responseByVendor_VendorHistogramPlot" in found
    assert "cpResponseTrend_responseTurnoffByDetector_TrendPlot" in found
    assert "toolFailures" not in responses.get("analyzeResponseRun_metadata")["analyzeResponseRun"]


@pytest.mark.parametrize("kind", ["spline", "spline_node1", "squared"])
def test_files_of_the_real_class_are_measured(kind, sharedData):
    calib = IsrCalib.readFits(str(sharedData / "tables" / f"linearity_{kind}" / "linearizer_4.fits"))
    task = MeasureResponseTask(config=MeasureResponseTask.ConfigClass())
    measured = task.amplifierStatistics(calib, LsstComCam().getCamera())
    assert {own["TURNOFF"] for own in measured.values()} == {90_000.0}
    assert {own["MAX_SIGNAL"] for own in measured.values()} == {95_000.0}
    assert all(own["MAX_DEVIATION"] > 0 for own in measured.values())


def test_file_without_the_flats_has_no_deviation():
    camera = LsstComCam().getCamera()
    calib = simulator.simulateLinearizer(camera[4], camera, seed=1)
    calib.fitResidualsUnmasked["C00"] = np.array([0.0])
    calib.inputMask["C01"] = np.zeros(len(calib.inputMask["C01"]), dtype=bool)
    task = MeasureResponseTask(config=MeasureResponseTask.ConfigClass())
    measured = task.amplifierStatistics(calib, camera)
    absent = {name for name, own in measured.items() if np.isnan(own["MAX_DEVIATION"])}
    assert absent == {"C00", "C01"}
    assert measured["C00"]["TURNOFF"] == calib.linearityTurnoff["C00"]
