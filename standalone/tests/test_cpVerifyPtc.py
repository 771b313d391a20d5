# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The verification of photon transfer curves: tables of the real task, and faults of simulated sensors."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pyarrow import parquet

from lsst.afw.cameraGeom import Camera
from lsst.cp.simulator import PtcModel, listExpectedPtcResults, parseFaults, simulatePtc
from lsst.cp.verify import CpVerifyPtcTask
from lsst.daf.butler.formatters.parquet import arrow_to_astropy
from lsst.ip.isr import IsrCalib
from lsst.obs.lsst import LsstComCam

FAULTS = parseFaults(
    [
        "wrongGain detector:4 amplifiers:C01",
        "hotNoise detector:4 amplifiers:C02",
        "lowTurnoff detector:4 amplifiers:C03",
        "strongBrighterFatter detector:4 amplifiers:C04",
        "noiseDrift detector:4 amplifiers:C05",
        "maskedAmplifier detector:4 amplifiers:C06",
        "missingDetector detector:7",
    ]
)


@pytest.fixture(scope="module")
def camera() -> Camera:
    return LsstComCam().getCamera()


@pytest.fixture(scope="module")
def task() -> CpVerifyPtcTask:
    return CpVerifyPtcTask(config=CpVerifyPtcTask.ConfigClass())


@pytest.fixture(scope="module")
def ptc(camera):
    """Simulate a detector with each fault."""
    own = [fault for fault in FAULTS if fault.detector == 4]
    return simulatePtc(camera[4], camera, own, seed=3)


@pytest.fixture(scope="module")
def verified(task, camera, ptc):
    return task.run(ptc, camera, {"instrument": "LSSTComCam", "detector": 4})


@pytest.mark.parametrize(("kind", "detector"), [("expapprox", 0), ("expapprox", 4), ("fullcov", 3)])
def test_table_is_that_of_cp_verify(task, sharedData, kind, detector):
    folder = sharedData / "tables" / f"ptc_{kind}"
    own = Camera.readFits(str(sharedData / "cameras" / "LSSTComCam.fits"))
    calib = IsrCalib.readFits(str(folder / f"ptc_LSSTComCam_{detector}.fits"))
    found = task.run(calib, own, {"instrument": "LSSTComCam", "detector": detector}).outputResults
    expected = arrow_to_astropy(parquet.read_table(folder / f"verifyPtcDetResults_{detector}.parq"))
    assert found.colnames == expected.colnames
    for name in found.colnames:
        if found[name].dtype.kind == "f":
            # The fits of covariances stop where they do.
            assert_allclose(found[name], expected[name], rtol=1e-6, err_msg=name)
        else:
            assert_array_equal(found[name], expected[name], name)


def test_faults_fail_their_tests_and_no_others(verified, camera):
    expected = {
        result.amplifier: result.failures
        for result in listExpectedPtcResults(FAULTS, camera)
        if result.detector == 4
    }
    failed = {
        name: {key for key, passed in results.items() if not passed and key != "SUCCESS"}
        for name, results in verified.outputStats["VERIFY"]["AMP"].items()
    }
    assert len(expected) == 6
    assert {name: keys for name, keys in failed.items() if keys} == expected
    assert verified.outputStats["SUCCESS"] is False


def test_truth_names_a_detector_that_is_missing(camera):
    (missing,) = (result for result in listExpectedPtcResults(FAULTS, camera) if result.detector == 7)
    assert (missing.amplifier, missing.failures) == ("", frozenset())


def test_measured_are_the_injected_values(verified, camera):
    rows = {str(row["amplifier"]): row for row in verified.outputResults}
    amps = {amp.getName(): amp for amp in camera[4]}
    assert rows["C01"]["PTC_PTC_GAIN"] == pytest.approx(1.1 * amps["C01"].getGain(), rel=2e-3)
    assert rows["C02"]["PTC_PTC_NOISE"] == pytest.approx(1.5 * amps["C02"].getReadNoise(), rel=0.02)
    assert rows["C04"]["PTC_PTC_BFE_A00"] == pytest.approx(-7e-6, rel=0.01)
    signals = np.array(PtcModel().signals)
    turnoff = rows["C03"]["PTC_PTC_TURNOFF"] * rows["C03"]["PTC_PTC_GAIN"]
    assert abs(turnoff - 60_000) < np.diff(signals).max()
    clean = [row for name, row in rows.items() if name not in {f"C0{i}" for i in range(1, 7)}]
    for row in clean:
        assert row["PTC_PTC_ROW_MEAN_VARIANCE_SLOPE"] == pytest.approx(1.0, abs=0.03)
        assert row["PTC_PTC_GAIN"] == pytest.approx(row["PTC_AMP_GAIN"], rel=0.03)


def test_amplifier_without_pairs_has_what_its_fits_begin_with(verified, ptc):
    (row,) = (row for row in verified.outputResults if row["amplifier"] == "C06")
    assert ptc.badAmps == ["C06"]
    assert not row["PTC_PTC_EXP_ID_MASK"].any()
    for lag in ("10", "01", "11", "20", "02"):
        found = [row[f"PTC_PTC_COV_{lag}_FIT_{kind}"] for kind in ("SLOPE", "OFFSET", "SUCCESS")]
        assert found == [1.0, 0.0, True]
    assert np.isnan(row["PTC_PTC_ROW_MEAN_VARIANCE_SLOPE"])


def test_other_vendor_is_refused_as_by_cp_verify(task, camera, ptc):
    serial = ptc.getMetadata()["DET_SER"]
    ptc.getMetadata()["DET_SER"] = "OTHER-1"
    try:
        with pytest.raises(RuntimeError, match="Detector type OTHER not one of 'ITL' or 'E2V'"):
            task.run(ptc, camera, {"instrument": "LSSTComCam", "detector": 4})
    finally:
        ptc.getMetadata()["DET_SER"] = serial


def test_simulation_is_repeatable(camera):
    model = PtcModel(signals=tuple(np.linspace(50, 130_000, 9)))
    first, again, other = (simulatePtc(camera[0], camera, seed=seed, model=model) for seed in (1, 1, 2))
    assert_array_equal(first.rawVars["C00"], again.rawVars["C00"])
    assert (first.rawVars["C00"] != other.rawVars["C00"]).all()
    assert (first.rawVars["C00"] != first.rawVars["C01"]).all()
