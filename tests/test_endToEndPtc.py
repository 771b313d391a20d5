# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Photon transfer curves, from simulated pairs of flats to metrics and plots."""

from __future__ import annotations

import numpy as np
import pytest
from pipelineRuns import WITHOUT_PLOTS, SimulatedRepository, findPlots, readPipeline

from lsst.analysis.cp.actions.plot import PtcComparisonPlot
from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.tasks.limits import readLimits
from lsst.daf.butler import Butler
from lsst.obs.lsst import Latiss, LsstComCam

simulator = pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of the stand-ins")

Kind = simulator.FaultKind
FAULTS = {
    Latiss: (
        simulator.Fault(Kind.WRONG_GAIN, 0, ("C03",)),
        simulator.Fault(Kind.MASKED_AMPLIFIER, 0, ("C11",)),
    ),
    LsstComCam: (
        simulator.Fault(Kind.HOT_NOISE, 0, ("C03",)),
        simulator.Fault(Kind.LOW_TURNOFF, "R22_S11", ("C11", "C12")),
        simulator.Fault(Kind.MISSING_DETECTOR, 3),
    ),
}


LIMITS = {"noiseThreshold": 4.0, "a00MaxITL": 0.0}
"""Limits of the verification of LATISS that are not the defaults of cp_verify."""


@pytest.fixture(scope="module", params=[Latiss, pytest.param(LsstComCam, marks=pytest.mark.slow)])
def repository(request, tmp_path_factory) -> SimulatedRepository:
    """Verify the photon transfer curves of some detectors, and make the plots on demand of the tables."""
    instrument = request.param
    repository = SimulatedRepository(tmp_path_factory.mktemp("ptc") / "butler", instrument)
    butler = simulator.makeRepository(repository.root, instrument, ())
    detectors = (0, 3, 4) if instrument is LsstComCam else (0,)
    camera = instrument().getCamera()
    simulator.PTCS.store(butler, instrument(), camera, FAULTS[instrument], detectors=detectors)
    # A detector without curves would stop the graph: that of a prerequisite, as in cp_verify.
    where = f"detector IN {(*sorted({*detectors} - {3}), -1)}"
    merged = readPipeline(f"{repository.name}/verifyPtc.yaml")
    if instrument is Latiss:
        for field, value in LIMITS.items():
            merged.addConfigOverride("verifyPtcDet", field, value)
        merged.addConfigPython("verifyPtc", f"config.limits.update({LIMITS})")
    repository.run(merged, "u/merged", where)
    repository.run("analyzePtc.yaml#ptcExtended", "u/extended", where)
    return repository


@pytest.fixture(scope="module")
def ptcs(repository) -> tuple[Butler, type]:
    """Get a butler of them, and the instrument."""
    collections = ["u/extended", "u/merged", f"{repository.name}/defaults"]
    return repository.open(*collections), repository.instrument


def test_faults_of_photon_transfer_curves_are_the_culprits(ptcs):
    butler, instrument = ptcs
    expected = {
        (result.detector, result.amplifier, test)
        for result in simulator.listExpectedPtcResults(FAULTS[instrument], instrument().getCamera())
        for test in result.failures
    }
    culprits = butler.get("cpPtcRun_culprits")
    assert "exposure" not in culprits.colnames
    failed = culprits[culprits["status"] == "failed"]
    found = {(int(row["detector"]), str(row["amplifier"]), str(row["test"])) for row in failed}
    assert found == expected
    unknown = culprits[culprits["status"] != "failed"]
    # Of LSSTComCam, two of nine detectors are verified, one of them without a fault of its own.
    absent = set() if instrument is Latiss else set(range(9)) - {0, 4}
    assert {int(row["detector"]) for row in unknown} == absent
    summary = butler.get("cpPtcRun_detectorSummary")
    status = dict(zip(summary["detector"].tolist(), summary["status"].tolist(), strict=True))
    assert status == {d: "unknown" if d in absent else "failed" for d in status}


def test_metrics_of_photon_transfer_curves(ptcs):
    butler, instrument = ptcs
    rows = butler.get("verifyPtcResults")
    values = {m.metric_name.metric: m.quantity for m in butler.get("cpPtcRun_metrics")["ptcGain"]}
    quantity = 100 * abs(rows["PTC_PTC_GAIN"] / rows["PTC_AMP_GAIN"] - 1)
    finite = quantity[quantity == quantity]
    assert values["quantityMax"].value == pytest.approx(max(finite), rel=1e-9)
    assert str(values["quantityMax"].unit) == "%"
    assert values["median"].unit.to_string() == "electron / adu"
    assert values["nFailed"].value == (rows["PTC_VERIFY_PTC_GAIN"] == 0).sum()
    assert values["nValid"].value == len(finite)
    assert "nExposures" not in values
    bundle = butler.get("cpPtcRunDet_metrics", detector=0)
    own = {m.metric_name.metric: m.quantity.value for m in bundle["ptcNoise"]}
    part = rows[rows["detector"] == 0]
    assert own["nAmps"] == len(part) == 16
    assert own["nFailed"] == (part["PTC_VERIFY_PTC_NOISE"] == 0).sum() == 1
    of_sensor = butler.get("cpPtcRun_metrics").keys()
    assert {"ptcFailures", "ptcTurnoff", "ptcBfeA00", "ptcCov10FitSlope"} <= of_sensor


def test_photon_transfer_curve_without_pairs_is_named(ptcs):
    butler, instrument = ptcs
    table = butler.get("cpPtcRun_ampSummary")
    columns = [name for name in table.colnames if "_COV_" in name]
    assert len(columns) == 15
    for name in columns:
        is_named = table[name].description.endswith("Left out of RXX_S00 C11: not measured.")
        assert is_named == (instrument is Latiss)
        assert np.isnan(table[name]).sum() == (instrument is Latiss)


def test_plots_of_photon_transfer_curves_are_written(ptcs):
    butler, _ = ptcs
    found = findPlots(butler, "Ptc")
    maps = {"ptcGain", "ptcNoise", "ptcTurnoff", "ptcBfeA00", "ptcMaxRawMeans", "ptcRowMeanVarianceSlope"}
    assert {f"cpPtcRun_{name}_FocalPlaneGeometryPlot" for name in maps} <= found.keys()
    assert "cpPtcRun_ptcFailures_FailureMapPlot" in found
    pages = {"ptcCurves_PtcGridPlot", "ptcCurvesLinear_PtcGridPlot", "ptcResiduals_PtcResidualPlot"}
    pages |= {"ptcNoises_PtcNoisePlot"}
    assert {f"cpPtcCurvesExtended_{name}" for name in pages} <= found.keys()
    pages = {"ptcCovariances_PtcCovariancePlot", "ptcRowMeans_PtcRowMeanPlot"}
    assert {f"cpPtcPairsExtended_{name}" for name in pages} <= found.keys()
    assert "cpPtcRunExtended_ptcBfeA00Margin_FocalPlaneGeometryPlot" in found


def test_limits_are_those_of_the_configuration_that_is_stored(ptcs):
    butler, instrument = ptcs
    given = LIMITS if instrument is Latiss else {}
    limits = readLimits([butler.getDeferred("verifyPtcDet_config")], getProduct("ptc"))
    assert limits.values.keys() == getProduct("ptc").configuredLimits.keys()
    assert {name: limits.values[name] for name in given} == given
    culprits = butler.get("cpPtcRun_culprits")
    thresholds = {
        test: set(culprits["threshold"][culprits["test"] == test]) for test in ("PTC_NOISE", "PTC_BFE_A00")
    }
    # Of an interval, an amplifier without a fit has the upper end.
    a00 = {given.get("a00MaxITL", 6.91e-7)}
    assert thresholds == {"PTC_NOISE": {given.get("noiseThreshold", 5.0)}, "PTC_BFE_A00": a00}
    assert "PTC_NOISE: limits of verifyPtc;" in culprits["threshold"].description


@pytest.fixture(scope="module")
def mergedAgain(repository, ptcs) -> tuple[Butler, type]:
    """Merge the stored results of the detectors again."""
    pipeline = readPipeline(f"{repository.name}/verifyPtc.yaml#ptcMerges")
    # Their plots are those of the first merge.
    pipeline.addConfigPython("verifyPtc", WITHOUT_PLOTS)
    repository.run(pipeline, "u/mergedAgain", inputs=["u/merged"])
    repository.run("trendPtc.yaml", "u/trend", inputs=["u/mergedAgain", "u/merged"])
    return repository.open("u/trend", "u/mergedAgain"), repository.instrument


def test_merge_of_an_earlier_run_has_the_limits_of_that(mergedAgain):
    butler, instrument = mergedAgain
    culprits = butler.get("cpPtcRun_culprits")
    stored = butler.find_dataset("verifyPtcDet_config", collections="u/merged").run
    assert f"PTC_NOISE: verifyPtcDet_config of {stored};" in culprits["threshold"].description
    noises = culprits["threshold"][culprits["test"] == "PTC_NOISE"]
    assert set(noises) == {LIMITS["noiseThreshold"] if instrument is Latiss else 5.0}


def test_history_of_photon_transfer_curves_has_each_run(mergedAgain):
    butler, _ = mergedAgain
    trend = butler.get("cpPtcTrend_trend")
    chosen = (trend["metric"] == "ptcGain") & (trend["measurement"] == "median") & (trend["detector"] == 0)
    rows = trend[chosen]
    assert sorted(str(name).split("/2")[0] for name in rows["run"]) == ["u/merged", "u/mergedAgain"]
    table = butler.get("verifyPtcResults")
    gains = table["PTC_PTC_GAIN"][table["detector"] == 0]
    np.testing.assert_allclose(rows["value"], np.nanmedian(gains), rtol=1e-12)
    plots = butler.registry.queryDatasetTypes("cpPtcTrend_ptc*Plot")
    assert {"cpPtcTrend_ptcGainByDetector_TrendPlot"} <= {plot.name for plot in plots}
    assert all(butler.exists(plot) for plot in plots)


def test_limits_of_a_configuration_that_cannot_be_read_are_the_defaults(ptcs, caplog):
    butler, _ = ptcs

    class Lost:
        ref = butler.find_dataset("verifyPtcDet_config")

        def get(self):
            raise ModuleNotFoundError("no cp_verify")

    assert readLimits([], getProduct("ptc")) is None
    assert readLimits([Lost()], getProduct("ptc")) is None
    assert "Limits are the defaults of cp_verify: verifyPtcDet_config" in caplog.text


def test_two_runs_are_compared(repository, ptcs, monkeypatch):
    """Certified curves with those that were made again, of one detector of them."""
    (butler, instrument), name = ptcs, repository.name
    writer = Butler.from_config(str(repository.root), run="u/again", instrument=name)
    again = simulator.simulatePtc(instrument().getCamera()[0], instrument().getCamera(), (), seed=9)
    writer.put(again, "ptc", detector=0)
    shown = []
    prepare = PtcComparisonPlot.prepare

    def listen(self, curves, *args):
        shown.append(curves)
        return prepare(self, curves, *args)

    monkeypatch.setattr(PtcComparisonPlot, "prepare", listen)
    detectors = "detector IN (0, 4)" if instrument is LsstComCam else "detector = 0"
    inputs = ["u/again", f"{name}/defaults"]
    found = repository.run("analyzePtc.yaml#ptcComparison", "u/compared", detectors, inputs)
    refs = found.query_datasets("cpPtcComparison_ptcComparison_PtcComparisonPlot")
    assert [ref.dataId["detector"] for ref in refs] == [0]
    certified = butler.get("ptc", detector=0, collections=f"{name}/defaults")
    (curves,) = shown
    assert list(curves) == [f"{name}/calib/ptc/simulated", "u/again"]
    for each, calib in zip(curves.values(), (certified, again), strict=True):
        np.testing.assert_array_equal(each.values["PTC_GAIN"], [calib.gain[amp] for amp in each.names])


def test_no_tool_of_photon_transfer_curves_failed(ptcs):
    butler, _ = ptcs
    assert "toolFailures" not in butler.get("verifyPtc_metadata")["verifyPtc"]
