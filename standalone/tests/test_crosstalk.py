# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Crosstalk: the files of the real class, tables of the real task, and faults of simulated detectors."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from astropy.io import fits
from astropy.table import Table
from numpy.testing import assert_allclose, assert_array_equal
from pyarrow import parquet

from lsst.afw.cameraGeom import Camera
from lsst.cp.simulator import (
    CrosstalkModel,
    SimulateCrosstalkSolveTask,
    listExpectedCrosstalkResults,
    measureCrosstalk,
    parseFaults,
    simulateCrosstalk,
)
from lsst.cp.verify import CpVerifyCrosstalkTask
from lsst.daf.butler.formatters.parquet import arrow_to_astropy
from lsst.ip.isr import CrosstalkCalib, IsrCalib
from lsst.obs.lsst import LsstCam
from lsst.pipe.base import NoWorkFound

MATRICES = {
    "coeffs": "CT_COEFFS",
    "coeffErr": "CT_ERRORS",
    "coeffNum": "CT_COUNTS",
    "coeffValid": "CT_VALID",
    "coeffsSqr": "CT_COEFFS_SQR",
    "coeffErrSqr": "CT_ERRORS_SQR",
    "ampGainRatios": "CT_AMP_GAIN_RATIOS",
}
MEASURED = ("r00_sg0", "r01_s11", "r10_s00", "r22_s00", "r22_s11", "r44_sw1")
FAULTS = parseFaults(
    [
        "strongCrosstalk detector:R22_S11 amplifiers:C00,C17",
        "flippedCrosstalk detector:R01_S00 amplifiers:C03,C04",
        "selfCrosstalk detector:R44_SW1 amplifiers:C12",
        "maskedAmplifier detector:R22_S01 amplifiers:C05",
        "missingDetector detector:R22_S02",
    ]
)


@pytest.fixture(scope="module")
def camera() -> Camera:
    return LsstCam().getCamera()


@pytest.fixture(scope="module")
def task() -> CpVerifyCrosstalkTask:
    return CpVerifyCrosstalkTask(config=CpVerifyCrosstalkTask.ConfigClass())


@pytest.fixture(scope="module")
def solve() -> SimulateCrosstalkSolveTask:
    config = SimulateCrosstalkSolveTask.ConfigClass()
    config.faults = [fault.toText() for fault in FAULTS]
    return SimulateCrosstalkSolveTask(config=config)


@pytest.fixture(params=[4, 7])
def stored(request, sharedData) -> tuple[str, int]:
    """Return the start of the path of files that the real packages have written, and their detector."""
    return str(sharedData / "tables" / "crosstalk"), request.param


def test_file_is_written_as_it_was_read(stored, tmp_path):
    folder, detector = stored
    file = f"{folder}/crosstalk_{detector}.fits"
    calib = IsrCalib.readFits(file)
    assert isinstance(calib, CrosstalkCalib)
    assert calib.getMetadata()["DETECTOR"] == detector
    difference = fits.FITSDiff(file, calib.writeFits(str(tmp_path / "copy.fits")))
    assert difference.identical, difference.report()


@pytest.mark.parametrize("name", MEASURED)
def test_measured_coefficients_are_those_of_the_file(sharedData, name):
    file = str(sharedData / "crosstalk" / f"{name}.ecsv")
    calib, table = IsrCalib.readText(file), Table.read(file, format="ascii.ecsv")
    n = table.meta["NAMP"]
    assert (calib.nAmp, calib.hasCrosstalk, calib.crosstalkRatiosUnits) == (n, True, "electron")
    for attribute, column in MATRICES.items():
        matrix = getattr(calib, attribute)
        assert matrix.shape == (n, n)
        assert_array_equal(matrix.ravel(), np.ravel(table[column]), attribute)
    assert_array_equal(calib.fitGains, np.ravel(table["CT_FIT_GAINS"]))
    # As the real class, which has None where a file has none.
    assert calib.interChip is None


def test_coefficients_of_other_detectors_are_kept(camera, tmp_path):
    model = CrosstalkModel(nearest={"E2V": 2e-4}, interChip=1e-5)
    calib = simulateCrosstalk(camera["R22_S11"], camera, seed=1, model=model)
    assert set(calib.interChip) == {f"R22_S{i}{j}" for i in range(3) for j in range(3)} - {"R22_S11"}
    copy = CrosstalkCalib.readFits(calib.writeFits(str(tmp_path / "copy.fits")))
    assert copy.interChip.keys() == calib.interChip.keys()
    for name, matrix in calib.interChip.items():
        assert_array_equal(copy.interChip[name], matrix)


def test_file_without_coefficients(tmp_path):
    calib = CrosstalkCalib(nAmp=2)
    file = calib.writeFits(str(tmp_path / "none.fits"))
    copy = IsrCalib.readFits(file)
    assert (copy.hasCrosstalk, copy.nAmp, copy.coeffs) == (False, 0, None)


def test_what_an_older_file_lacks_is_not_known():
    calib = CrosstalkCalib(nAmp=2)
    calib.hasCrosstalk, calib.crosstalkRatiosUnits = True, "electron"
    [table] = calib.toTable()
    table.remove_columns(["CT_VALID", "CT_COEFFS_SQR"])
    table["CT_FIT_GAINS"] = [[1.7]]
    table.meta["CROSSTALK_VERSION"] = 1.0
    copy = CrosstalkCalib.fromTable([table])
    assert copy.crosstalkRatiosUnits == "adu"
    assert copy.coeffValid.all()
    assert_array_equal(copy.coeffsSqr, np.zeros((2, 2)))
    assert_array_equal(copy.fitGains, np.zeros(2))


def test_coefficients_of_a_camera_are_left_out():
    with pytest.raises(NotImplementedError, match="no coefficients of a camera: use ip_isr"):
        CrosstalkCalib(LsstCam().getCamera()[4])


def test_text_of_another_kind_is_refused():
    with pytest.raises(RuntimeError, match=r"Unknown filename extension: a\.txt"):
        IsrCalib.readText("a.txt")


def test_results_are_those_of_cp_verify(task, stored):
    folder, detector = stored
    calib = IsrCalib.readFits(f"{folder}/crosstalk_{detector}.fits")
    found = task.run(calib, dimensions={"instrument": "LSSTComCam", "detector": detector})
    for kind in ("Results", "Matrix"):
        expected = arrow_to_astropy(parquet.read_table(f"{folder}/verifyCrosstalkDet{kind}_{detector}.parq"))
        table = getattr(found, f"output{kind}")
        assert table.colnames == expected.colnames
        for name in table.colnames:
            assert_array_equal(table[name], expected[name], name)
    stats = Path(f"{folder}/verifyCrosstalkDetStats_{detector}.yaml").read_text()
    assert found.outputStats == yaml.safe_load(stats)


@pytest.mark.parametrize("fault", FAULTS[:4], ids=lambda fault: fault.kind)
def test_faults_fail_the_test_of_their_detector(camera, task, solve, fault):
    expected = {r.detectorName: r.failures for r in listExpectedCrosstalkResults(FAULTS, camera)}
    detector = camera[fault.detector]
    correction = simulateCrosstalk(detector, camera, seed=1)
    calib = solve.run(camera, correction, detector.getId()).outputCrosstalk
    found = task.run(calib, camera, {"instrument": "LSSTCam", "detector": detector.getId()})
    failed = {key for key, passed in found.outputStats["VERIFY"].items() if not passed}
    assert failed == expected[fault.detector]
    assert found.outputStats["DET"]["N_VALID"] == len(failed)


def test_missing_detector_has_no_work(camera, solve):
    correction = simulateCrosstalk(camera["R22_S02"], camera, seed=1)
    with pytest.raises(NoWorkFound, match="R22_S02 is missing"):
        solve.run(camera, correction, camera["R22_S02"].getId())
    (missing,) = (r for r in listExpectedCrosstalkResults(FAULTS, camera) if r.detectorName == "R22_S02")
    assert (missing.amplifier, missing.failures) == ("", frozenset())


def test_what_is_left_is_what_was_injected(camera):
    detector, names = camera["R22_S11"], [amp.getName() for amp in camera["R22_S11"]]
    correction = simulateCrosstalk(detector, camera, seed=3)
    faults = parseFaults(
        [
            "strongCrosstalk detector:R22_S11 amplifiers:C00,C17 amplitude:2e-4",
            "flippedCrosstalk detector:R22_S11 amplifiers:C03,C04",
            "selfCrosstalk detector:R22_S11 amplifiers:C12 amplitude:5e-5",
            "maskedAmplifier detector:R22_S11 amplifiers:C05",
        ]
    )
    calib = measureCrosstalk(detector, camera, correction, faults, seed=3)
    expected = np.zeros((16, 16))
    at = names.index
    expected[at("C00"), at("C17")] = 2e-4
    expected[at("C03"), at("C04")] = -2 * correction.coeffs[at("C03"), at("C04")]
    np.fill_diagonal(expected, np.nan)
    expected[at("C12"), at("C12")] = 5e-5
    expected[at("C05")] = expected[:, at("C05")] = np.nan
    assert_allclose(calib.coeffs, expected, atol=5e-6)
    assert_array_equal(calib.coeffNum == 0, np.isnan(expected))
    assert_array_equal(calib.coeffValid, np.nan_to_num(np.abs(expected)) > 0)


@pytest.mark.parametrize(("name", "vendor"), [("R22_S11", 1.8e-4), ("R01_S00", 2.4e-4), ("R44_SW1", 2.4e-4)])
def test_neighbours_have_the_strongest_crosstalk(camera, name, vendor):
    detector = camera[name]
    matrix = simulateCrosstalk(detector, camera, seed=1).coeffs
    n = len(detector)
    assert matrix.shape == (n, n)
    boxes = [amp.getBBox() for amp in detector]
    near = np.array([
        [a.getMinY() == b.getMinY() and abs(a.getMinX() - b.getMinX()) == a.getWidth() for b in boxes]
        for a in boxes
    ])  # fmt: skip
    assert near.sum() == 2 * (n - n // 8)
    assert matrix[near].mean() == pytest.approx(vendor, rel=0.1)
    assert matrix[near].min() > 2 * matrix[~near].max()
    assert_array_equal(np.diag(matrix), 0)


def test_simulation_is_repeatable(camera):
    first, again, other = (simulateCrosstalk(camera[94], camera, seed=seed) for seed in (1, 1, 2))
    assert_array_equal(first.coeffs, again.coeffs)
    off = ~np.eye(16, dtype=bool)
    assert (first.coeffs != other.coeffs)[off].all()
