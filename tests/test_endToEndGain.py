# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Gains of pairs of flats, from simulated pairs to metrics, plots and histories."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pipelineRuns import SimulatedRepository, findPlots

from lsst.analysis.cp.tasks import MeasureFlatPairGainTask, MeasureGainTask
from lsst.daf.butler import Butler
from lsst.ip.isr import PhotonTransferCurveDataset
from lsst.obs.lsst import Latiss, LsstComCam

simulator = pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of the stand-ins")

Kind = simulator.FaultKind
FAULTS = {
    Latiss: (
        simulator.Fault(Kind.WRONG_GAIN, 0, ("C03",)),
        simulator.Fault(Kind.CHANGED_GAIN, 0, ("C04",)),
        simulator.Fault(Kind.HOT_NOISE, 0, ("C05",)),
        simulator.Fault(Kind.MASKED_AMPLIFIER, 0, ("C11",)),
    ),
    LsstComCam: (
        simulator.Fault(Kind.CHANGED_GAIN, "R22_S11", ("C03",)),
        simulator.Fault(Kind.MISSING_DETECTOR, 3),
    ),
}


@pytest.fixture(scope="module", params=[Latiss, pytest.param(LsstComCam, marks=pytest.mark.slow)])
def gains(request, tmp_path_factory) -> tuple[Butler, type]:
    """Measure the gains of all detectors in two runs, and make their history."""
    instrument = request.param
    repository = SimulatedRepository(tmp_path_factory.mktemp("gain") / "butler", instrument)
    butler = simulator.makeRepository(repository.root, instrument, ())
    simulator.PTCS.store(butler, instrument(), instrument().getCamera(), FAULTS[instrument])
    repository.run("analyzeGain.yaml", "u/first")
    repository.run("analyzeGain.yaml#gainCore", "u/second", inputs=repository.collections[-1:])
    repository.run("trendGain.yaml", "u/trend")
    return repository.open(), instrument


def test_faults_are_the_culprits(gains):
    butler, instrument = gains
    results = simulator.listExpectedGainResults(FAULTS[instrument], instrument().getCamera())
    expected = {
        (result.detector, result.amplifier, test)
        for result in results
        for test in result.failures - {"PTC_AGREEMENT"}
    }
    culprits = butler.get("cpGainRun_culprits")
    failed = culprits[culprits["status"] == "failed"]
    found = {(int(row["detector"]), str(row["amplifier"]), str(row["test"])) for row in failed}
    assert found == expected
    unknown = culprits[culprits["status"] == "unknown"]
    lost = {int(row["detector"]) for row in unknown}
    assert lost == {result.detector for result in results if result.untested or not result.amplifier}
    if instrument is Latiss:
        assert set(unknown["amplifier"]) == {"C11"}


def test_gains_are_those_of_the_pairs(gains):
    """Against the calibration, with loops over its pairs."""
    butler, instrument = gains
    slopes = {"ITL": 0.00027, "E2V": 0.00046}
    rows = butler.get("cpGainResults")
    camera = instrument().getCamera()
    assert len(rows) > 0
    calibs = {}
    for row in rows:
        detector, name = camera[int(row["detector"])], str(row["amplifier"])
        if detector.getId() not in calibs:
            calibs[detector.getId()] = butler.get("ptc", detector=detector.getId())
        ptc = calibs[detector.getId()]
        pairs = sorted(
            (abs(mean - 1e4), mean, gain, noise)
            for mean, gain, noise, used in zip(
                ptc.rawMeans[name], ptc.gainList[name], ptc.noiseList[name], ptc.expIdMask[name], strict=True
            )
            if used
        )
        assert row["GAIN_AMP_GAIN"] == {amp.getName(): amp for amp in detector}[name].getGain()
        if not pairs:
            assert np.isnan(row["GAIN_GAIN_FROM_FLAT_PAIR"])
            continue
        _, mean, gain, noise = pairs[0]
        assert (row["GAIN_MEAN_FLUX_FLAT_PAIR"], row["GAIN_GAIN_FROM_FLAT_PAIR"]) == (mean, gain)
        assert row["GAIN_ISR_NOISE"] == noise
        assert row["GAIN_PTC_GAIN"] == ptc.gain[name]
        factor = 1 - slopes[detector.getPhysicalType()] * mean / 100
        assert row["GAIN_GAIN_CORRECTION_FACTOR"] == pytest.approx(factor, rel=1e-12)


def test_metrics_are_those_of_the_table(gains):
    butler, instrument = gains
    rows = butler.get("cpGainResults")
    corrected = rows["GAIN_GAIN_FROM_FLAT_PAIR"] * rows["GAIN_GAIN_CORRECTION_FACTOR"]
    for tool, nominal in (("gainFromFlatPair", "GAIN_AMP_GAIN"), ("gainPtcAgreement", "GAIN_PTC_GAIN")):
        values = {m.metric_name.metric: m.quantity for m in butler.get("cpGainRun_metrics")[tool]}
        quantity = 100 * np.abs(corrected - rows[nominal]) / rows[nominal]
        assert values["quantityMax"].value == pytest.approx(np.nanmax(quantity), rel=1e-9)
        assert str(values["quantityMax"].unit) == "%"
        assert values["nFailed"].value == np.count_nonzero(quantity >= 5) > 0
        assert values["nTested"].value == np.count_nonzero(np.isfinite(quantity))
    own = {
        m.metric_name.metric: m.quantity.value
        for m in butler.get("cpGainRunDet_metrics", detector=0)["gainCorrected"]
    }
    part = np.asarray(corrected[rows["detector"] == 0])
    assert own["median"] == pytest.approx(np.nanmedian(part), rel=1e-12)


def test_statistics_name_what_did_not_pass(gains):
    butler, instrument = gains
    stats = butler.get("cpGainStats")
    assert stats["SUCCESS"] is False
    camera = instrument().getCamera()
    expected = {
        f"{result.amplifier} {test}"
        for result in simulator.listExpectedGainResults(FAULTS[instrument], camera)
        # As in cp_verify, what cannot be compared has not passed.
        for test in (result.failures | result.untested) - {"PTC_AGREEMENT"}
    }
    assert {
        text for name, own in stats.items() if name != "SUCCESS" for text in own.get("FAILURES", ())
    } == expected


def test_plots_and_history_are_written(gains):
    butler, _ = gains
    found = findPlots(butler, "Gain")
    maps = {
        f"cpGainRun_gain{name}_FocalPlaneGeometryPlot"
        for name in ("Corrected", "Difference", "PtcDifference")
    }
    assert maps <= found.keys()
    assert {
        "cpGainRun_gainFromFlatPairComparison_AgreementPlot",
        "cpGainRun_gainPtcAgreementComparison_AgreementPlot",
        "cpGainRun_gainFailures_FailureMapPlot",
        "cpGainRunExtended_gainByVendor_VendorHistogramPlot",
        "cpGainTrend_gainDifferenceByDetector_TrendPlot",
    } <= found.keys()
    history = butler.get("cpGainTrend_trend")
    assert len(set(history["run"])) == 2
    assert "toolFailures" not in butler.get("analyzeGainRun_metadata")["analyzeGainRun"]


MODEL = simulator.PtcModel(signals=(500.0, 2_000.0, 9_000.0, 12_000.0, 30_000.0, 60_000.0))
EXPOSURES = [simulator.ExposureInfo(20260801, number + 1, observationType="flat") for number in range(6)]
DAMAGED = EXPOSURES[3].id


@pytest.fixture(scope="module", params=[False, True], ids=["pairs", "pairs and curve"])
def pairs(request, tmp_path_factory) -> tuple[Butler, bool]:
    """Measure the gains of pairs of flats of which one is damaged, with the curve of others, and without."""
    repository = SimulatedRepository(tmp_path_factory.mktemp("pairs") / "butler", Latiss)
    camera, ids = Latiss().getCamera(), [info.id for info in EXPOSURES]
    butler = simulator.makeRepository(repository.root, Latiss, EXPOSURES)
    simulator.storePairs(butler, Latiss(), camera, ids, FAULTS[Latiss], model=MODEL)
    repository.collections.insert(0, "LATISS/calib/cpPtcPartial/simulated")
    uri = repository.open().getURI("cpPtcPartial", exposure=DAMAGED, detector=0)
    Path(uri.ospath).write_bytes(uri.read()[:3000])
    if request.param:
        simulator.PTCS.store(butler, Latiss(), camera, seed=7)
    repository.run("analyzeGainFromFlatPairs.yaml#gainCore", "u/gains")
    return repository.open(), request.param


def test_gains_are_those_of_pairs_by_themselves(pairs):
    """Against the datasets of the pairs, with loops over them."""
    butler, has_curve = pairs
    rows = butler.get("cpGainResults")
    stored = [butler.get("cpPtcPartial", exposure=i.id, detector=0) for i in EXPOSURES if i.id != DAMAGED]
    curve = butler.get("ptc", detector=0) if has_curve else None
    assert len(rows) == 16
    for row in rows:
        name = str(row["amplifier"])
        found = [(pair.rawMeans[name][0], pair.gainList[name][0], pair.noiseList[name][0]) for pair in stored]
        mean, gain, noise = min(found, key=lambda values: abs(values[0] - 1e4))
        if name == "C11":
            # It is masked.
            mean, gain, noise = [np.nan] * 3
        columns = ("MEAN_FLUX_FLAT_PAIR", "GAIN_FROM_FLAT_PAIR", "ISR_NOISE", "PTC_GAIN")
        expected = (mean, gain, noise, np.nan if curve is None else curve.gain[name])
        np.testing.assert_array_equal([row[f"GAIN_{column}"] for column in columns], expected)
    assert 5e3 < np.nanmin(rows["GAIN_MEAN_FLUX_FLAT_PAIR"])
    (left_out,) = butler.get("measureGain_metadata", detector=0)["measureGain"]["pairsLeftOut"]
    assert str(DAMAGED) in left_out


def test_faults_are_the_culprits_of_pairs_by_themselves(pairs):
    results = simulator.listExpectedGainResults(FAULTS[Latiss], Latiss().getCamera())
    expected = {
        (result.amplifier, test) for result in results for test in result.failures - {"PTC_AGREEMENT"}
    }
    culprits = pairs[0].get("cpGainRun_culprits")
    failed = culprits[(culprits["status"] == "failed") & (culprits["test"] != "PTC_AGREEMENT")]
    assert {(str(row["amplifier"]), str(row["test"])) for row in failed} == expected


class Handle:
    """Handle of a dataset in memory."""

    ref = SimpleNamespace(datasetType=SimpleNamespace(name="cpPtcPartial"))

    def __init__(self, calib) -> None:
        self.calib, self.dataId = calib, {"exposure": id(calib)}

    def get(self):
        return self.calib


def test_what_is_no_pair_is_passed_over():
    camera = Latiss().getCamera()
    ptc = simulator.simulatePtc(camera[0], camera, seed=3, model=MODEL)
    stored = [*simulator.splitPtc(ptc, camera[0])]
    other = PhotonTransferCurveDataset(["A"], "PARTIAL")
    dummy = PhotonTransferCurveDataset(ptc.ampNames, "DUMMY")
    task = MeasureFlatPairGainTask(config=MeasureFlatPairGainTask.ConfigClass())
    joined = task.joinPairs(
        [Handle(calib) for calib in (dummy, other, stored[4], dummy, stored[2])], ptc.ampNames
    )
    for name in ptc.ampNames:
        np.testing.assert_array_equal(joined.rawMeans[name], ptc.rawMeans[name][[4, 2]])
        np.testing.assert_array_equal(joined.covariances[name], ptc.covariances[name][[4, 2]])
    assert len(task.metadata["pairsLeftOut"]) == 1
    assert task.joinPairs([Handle(dummy)], ptc.ampNames) is None


def test_amplifier_that_the_calibration_lacks_is_not_known():
    camera = Latiss().getCamera()
    ptc = simulator.simulatePtc(camera[0], camera, seed=3)
    for attribute in ("rawMeans", "gainList", "noiseList", "expIdMask", "gain"):
        del getattr(ptc, attribute)["C07"]
    task = MeasureGainTask(config=MeasureGainTask.ConfigClass())
    measured = task.amplifierStatistics(ptc, camera=camera)
    assert len(measured) == 16
    assert np.isnan([measured["C07"]["GAIN_FROM_FLAT_PAIR"], measured["C07"]["PTC_GAIN"]]).all()
    assert measured["C06"]["PTC_GAIN"] == ptc.gain["C06"]
    verdicts, success = task.verify(ptc, {"AMP": measured}, camera=camera)
    assert not success
    assert [name for name, own in verdicts["AMP"].items() if not own["SUCCESS"]] == ["C07"]
