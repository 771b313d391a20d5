# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The verification of linearizers: tables of the real task, and faults of simulated sensors."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from pyarrow import parquet

from lsst.afw.cameraGeom import Camera
from lsst.afw.image import ImageF
from lsst.cp.simulator import (
    LinearityModel,
    listExpectedLinearizerResults,
    parseFaults,
    simulateLinearizer,
)
from lsst.cp.verify import CpVerifyLinearityTask
from lsst.daf.butler.formatters.parquet import arrow_to_astropy, astropy_to_arrow
from lsst.ip.isr import IsrCalib
from lsst.obs.lsst import LsstCam, LsstComCam

FAULTS = parseFaults(
    [
        "linearityChange detector:4 amplifiers:C01",
        "lowTurnoff detector:4 amplifiers:C02",
        "maskedAmplifier detector:4 amplifiers:C03",
        "missingDetector detector:7",
    ]
)
FOLDERS = ("linearity_spline", "linearity_spline_node1", "linearity_squared")


@pytest.fixture(scope="module")
def camera() -> Camera:
    return LsstComCam().getCamera()


@pytest.fixture(scope="module")
def task() -> CpVerifyLinearityTask:
    return CpVerifyLinearityTask(config=CpVerifyLinearityTask.ConfigClass())


@pytest.fixture(scope="module")
def linearizers(camera):
    """Simulate the two linearizers of a detector with each fault."""
    own = [fault for fault in FAULTS if fault.detector == 4]
    first = simulateLinearizer(camera[4], camera, own, seed=3)
    return first, simulateLinearizer(camera[4], camera, own, seed=3, first=first)


def findResiduals(linearizer) -> dict[str, float]:
    """Find the largest ratio of value and knot above 0 of each amplifier (percent)."""
    splits = {name: np.split(c, 2) for name, c in linearizer.linearityCoeffs.items()}
    return {
        name: float(np.max(np.abs(values[1:] / knots[1:])) * 100)
        for name, (knots, values) in splits.items()
        if knots.any()
    }


@pytest.mark.parametrize("detector", [4, 8])
@pytest.mark.parametrize("folder", FOLDERS)
def test_table_is_that_of_cp_verify(task, sharedData, folder, detector):
    path = sharedData / "tables" / folder
    own = Camera.readFits(str(sharedData / "cameras" / "LSSTComCam.fits"))
    calib = IsrCalib.readFits(str(path / f"linearizer_{detector}.fits"))
    found = task.run(calib, own, {"instrument": "LSSTComCam", "detector": detector}).outputResults
    expected = arrow_to_astropy(parquet.read_table(path / f"verifyLinearizerDetResults_{detector}.parq"))
    found = arrow_to_astropy(astropy_to_arrow(found))
    assert found.colnames == expected.colnames
    for name in found.colnames:
        # Where the row of the detector has no vector, what is written is the memory.
        rows = slice(-1) if found[name].ndim == 2 else slice(None)
        assert_array_equal(found[name][rows], expected[name][rows], name)
        if found[name].ndim == 1:
            masks = [getattr(column, "mask", np.zeros(17, bool)) for column in (found[name], expected[name])]
            assert_array_equal(*masks)


@pytest.mark.parametrize(
    ("kind", "coefficients", "passes"),
    [
        ("Spline", [1, 100, 0.01, 1], True),
        ("Spline", [1, 100, 0.01, -1.01], False),
        ("Spline", [0, 100, 0, 0], False),
        ("Spline", [1, 100, 0, np.nan], True),
        ("Squared", [0, 0, -1e-6], True),
        ("Squared", [0, 0, 1.1e-6], False),
        ("Polynomial", [0, 0, 1e-7, 1e-10], True),
        ("Polynomial", [0, 0, 1e-7, 2e-10], False),
        ("Polynomial", [0, 0, 2e-6, 1e-9], False),
        ("None", [0, 0], False),
        ("DoubleSpline", [1, 1, 0, 0, 0, 0], False),
    ],
)
def test_verdicts_are_those_of_cp_verify(task, kind, coefficients, passes):
    own = {"LINEARITY_TYPE": kind, "LINEARITY_COEFFS": np.array(coefficients, float)}
    results, success = task.verify(None, {"AMP": {"C00": own}})
    assert results["AMP"]["C00"] == {"MAX_RESIDUAL_ERROR": passes, "SUCCESS": passes}
    assert success is passes


@pytest.mark.parametrize("kind", ["Squared", "Polynomial"])
def test_coefficients_of_cp_pipe_are_an_error_as_at_cp_verify(task, kind):
    own = {"LINEARITY_TYPE": kind, "LINEARITY_COEFFS": np.array([1e-7])}
    with pytest.raises(IndexError):
        task.verify(None, {"AMP": {"C00": own}})


def test_lookup_table_is_an_error_as_at_cp_verify(task, camera, linearizers):
    second = linearizers[1]
    second.linearityType["C00"], second.tableData = "LookupTable", np.zeros((2, 9))
    try:
        with pytest.raises(IndexError):
            task.run(second, camera, {"instrument": "LSSTComCam", "detector": 4})
    finally:
        second.linearityType["C00"], second.tableData = "Spline", None


def test_faults_are_those_that_are_expected(linearizers, camera):
    expected = {
        result.amplifier: (result.failures, result.untested)
        for result in listExpectedLinearizerResults(FAULTS, camera)
        if result.detector == 4
    }
    failing, nothing = frozenset({"SPLINE_RESIDUAL"}), frozenset()
    assert expected == {"C01": (failing, nothing), "C02": (nothing, nothing), "C03": (nothing, failing)}
    residuals = findResiduals(linearizers[1])
    assert {name for name, value in residuals.items() if value > 1} == {"C01"}
    assert linearizers[1].ampNames == [amp.getName() for amp in camera[4]]
    assert residuals.keys() == {*linearizers[1].ampNames} - {"C03"}
    assert linearizers[1].linearityType["C03"] == "None"


def test_turnoff_is_the_full_well(linearizers):
    for linearizer in linearizers:
        low = linearizer.linearityTurnoff["C02"] * linearizer.inputGain["C02"]
        assert low == pytest.approx(60_000, rel=0.08)
        assert linearizer.linearityMaxSignal["C02"] > linearizer.linearityTurnoff["C02"]
        assert linearizer.linearityTurnoff["C00"] * linearizer.inputGain["C00"] > 95_000
        for name, kind in linearizer.linearityType.items():
            if kind == "Spline":
                knots = np.split(linearizer.linearityCoeffs[name], 2)[0]
                assert knots[-1] == linearizer.linearityTurnoff[name] + 1


def test_first_linearizer_makes_the_response_linear(linearizers):
    """Its own flats, corrected, are proportional to the time of exposure; uncorrected they are not."""
    first = linearizers[0]
    for name in first.ampNames:
        if first.linearityType[name] == "None":
            continue
        used = first.inputMask[name]
        times, means = first.inputAbscissa[name][used], first.inputOrdinate[name][used]
        image = ImageF(means[np.newaxis].astype(np.float32))
        first.getLinearityTypeByName("Spline")()(image, coeffs=first.linearityCoeffs[name])
        corrected = image.array[0] / times
        assert np.ptp(corrected[10:]) / np.mean(corrected) < 0.004
        assert np.ptp(means[10:] / times[10:]) / np.mean(means / times) > 0.004
        residuals = first.fitResiduals[name][used]
        assert np.abs(residuals[10:] / means[10:]).max() < 0.004
        assert np.isnan(first.fitResiduals[name][~used]).all()


@pytest.mark.parametrize(("detector", "vendor", "curvature"), [(94, "E2V", 0.008), (0, "ITL", 0.012)])
def test_vendors_differ(detector, vendor, curvature):
    camera = LsstCam().getCamera()
    assert camera[detector].getPhysicalType() == vendor
    first = simulateLinearizer(camera[detector], camera, seed=1)
    losses = []
    for name in first.ampNames:
        times, means = first.inputAbscissa[name], first.inputOrdinate[name] * first.inputGain[name]
        used = first.inputMask[name] & (times > 10)
        # The response is a parabola of the time.
        losses.append(-np.polyfit(times[used], means[used] / times[used], 1)[0] / 1000 * 100)
    assert np.mean(losses) == pytest.approx(curvature, rel=0.1)


def test_simulation_is_repeatable(camera):
    model = LinearityModel(signals=tuple(np.linspace(50, 130_000, 20)), nKnots=5)
    first, again, other = (
        simulateLinearizer(camera[0], camera, seed=seed, model=model) for seed in (1, 1, 2)
    )
    assert_array_equal(first.linearityCoeffs["C00"], again.linearityCoeffs["C00"])
    assert len(first.linearityCoeffs["C00"]) == 10
    assert (first.inputOrdinate["C00"] != other.inputOrdinate["C00"]).all()
