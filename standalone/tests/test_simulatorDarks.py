# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Simulated darks: their pixels against the model, and what their faults have to trip."""

import numpy as np
import pytest

import lsst.cp.verify
from lsst.cp.simulator import (
    Fault,
    FaultKind,
    SimulateBiasIsrTask,
    SimulateDarkIsrTask,
    SimulateFlatIsrTask,
    listExpectedDarkResults,
    shrinkCamera,
)
from lsst.obs.lsst import LsstCam
from lsst.pex.config import FieldValidationError

EXPOSURE = 2026080100001
TESTS = ("MEAN", "NOISE", "CR_NOISE", "READ_NOISE_CONSISTENT")


@pytest.fixture(scope="module")
def camera():
    return shrinkCamera(LsstCam.getCamera(), 8)


def simulate(camera, detector, time, faults=(), **fields):
    config = SimulateDarkIsrTask.ConfigClass(faults=[fault.toText() for fault in faults], **fields)
    config.validate()
    task = SimulateDarkIsrTask(config=config)
    return task.run(camera, "LSSTCam", EXPOSURE, detector, 60000.0, exposureTime=time, darkTime=time + 0.5)


def verify(simulated, detector):
    config = lsst.cp.verify.CpVerifyDarkConfig(useIsrStatistics=True)
    dimensions = {"instrument": "LSSTCam", "exposure": EXPOSURE, "detector": detector}
    return lsst.cp.verify.CpVerifyDarkTask(config=config).run(
        simulated.outputExposure, None, isrStatistics=simulated.outputStatistics, dimensions=dimensions
    )


def findFailures(results):
    """Name the tests that failed, by amplifier."""
    found = {
        str(row["amplifier"]): {test for test in TESTS if row[f"DARK_VERIFY_{test}"] is np.False_}
        for row in results
    }
    return {name: tests for name, tests in found.items() if tests}


# An E2V and an ITL sensor, a guider, and a wavefront sensor that is turned.
@pytest.mark.parametrize("time", [0.0, 300.0])
@pytest.mark.parametrize("detector", [0, 94, 189, 195])
def test_clean_dark_passes_everywhere(camera, detector, time) -> None:
    results = verify(simulate(camera, detector, time), detector)
    assert findFailures(results.outputResults) == {}
    assert results.outputStats["SUCCESS"] is True


def test_header_has_the_times_and_the_corrections(camera) -> None:
    simulated = simulate(camera, 94, 30.0)
    info = simulated.outputExposure.getInfo().getVisitInfo()
    assert (info.getExposureTime(), info.getDarkTime(), info.getId()) == (30.0, 30.5, EXPOSURE)
    header = simulated.outputExposure.getMetadata()
    assert [header[f"LSST ISR {name} APPLIED"] for name in ("BIAS", "DARK", "FLAT")] == [True, True, False]
    assert simulated.outputStatistics.keys() == {"CALIBDIST", "MJD"}


def test_combined_dark_has_dark_current_hot_pixels_and_glow(camera) -> None:
    rate = 0.02
    found = simulate(camera, 94, 0.0, darkCurrent=rate, glow=0.5, hotFraction=1e-3).outputStatistics[
        "CALIBDIST"
    ]
    amps = [amp.getName() for amp in camera[94]]
    levels = {
        level: np.array([found[a][f"LSST CALIB DARK {a} DISTRIBUTION {level}-PCT"] for a in amps])
        for level in (50.0, 100.0)
    }
    for amp, median in zip(camera[94], levels[50.0].tolist(), strict=True):
        box = amp.getBBox()
        y, x = np.ogrid[box.getMinY() : box.getMaxY() + 1, box.getMinX() : box.getMaxX() + 1]
        # The glow of the first corner falls with the distance.
        assert median == pytest.approx(rate + np.median(0.5 * np.exp(-np.hypot(x, y) / 150)), rel=0.02)
    # Hot pixels have up to 30 electrons a second.
    assert (levels[100.0] > 10).all()
    assert (levels[100.0] < 31).all()


def test_noise_is_that_of_readout_and_of_the_charge(camera) -> None:
    """The residual has no mean; its noise has that of the collected charge."""
    time, rate = 300.0, 0.1
    detector = camera[94]
    options = {"darkCurrent": rate, "glow": 0.0, "hotFraction": 0.0, "commonFraction": 0.0}
    simulated = simulate(camera, 94, time, **options)
    stats = verify(simulated, 94).outputStats["AMP"]
    for amp in detector:
        charge, read_noise = rate * (time + 0.5), amp.getReadNoise()
        # The row medians of the overscan, and the combined bias and dark, have parts of the read noise.
        variance = charge + read_noise**2 * (1 + np.pi / 2 / 64 + 0.01 + 0.0025)
        assert stats[amp.getName()]["NOISE"] == pytest.approx(variance**0.5, rel=0.02)
        assert abs(stats[amp.getName()]["MEAN"]) < 1
        view = simulated.outputExposure[amp.getBBox()]
        assert np.median(view.variance.array) == pytest.approx(charge + read_noise**2, rel=0.05)


@pytest.mark.parametrize("time", [9.5, 99.5])
def test_excess_dark_current_grows_with_the_dark_time(camera, time) -> None:
    faults = [Fault(FaultKind.EXCESS_DARK_CURRENT, 94, ("C03",), 2.0)]
    stats = verify(simulate(camera, 94, time, faults, stepSigma=0.0), 94).outputStats["AMP"]
    clean = verify(simulate(camera, 94, time, stepSigma=0.0), 94).outputStats["AMP"]
    excess = {name: stats[name]["MEAN"] - clean[name]["MEAN"] for name in stats}
    assert excess.pop("C03") / (time + 0.5) == pytest.approx(2.0, rel=0.01)
    assert max(map(abs, excess.values())) == 0


def test_cosmic_rays_grow_with_the_dark_time(camera) -> None:
    options = {"hotFraction": 0.0, "glow": 0.0, "cosmicRayRate": 20.0}
    n_bright = [
        int((simulate(camera, 94, time, **options).outputExposure.image.array > 100).sum())
        for time in (0.0, 300.0)
    ]
    assert n_bright[0] < 5
    assert n_bright[1] > 100


FAULTS = (
    Fault(FaultKind.EXCESS_DARK_CURRENT, 94, ("C03",), 0.5),
    Fault(FaultKind.EXCESS_DARK_CURRENT, 94, ("C04",), 0.001),
    Fault(FaultKind.DEAD_AMPLIFIER, 94, ("C05",)),
    Fault(FaultKind.LIGHT_LEAK, 95, (), 1.0),
    Fault(FaultKind.DEAD_AMPLIFIER, 95, ("C11",)),
    Fault(FaultKind.HOT_NOISE, 96, ("C10",)),
    Fault(FaultKind.OFFSET_MEAN, 96, ("C12",)),
    Fault(FaultKind.MASKED_AMPLIFIER, 96, ("C13",)),
    Fault(FaultKind.MISSING_DETECTOR, 97),
    Fault(FaultKind.LIGHT_LEAK, 97, (), 1.0),
)


@pytest.mark.parametrize("time", [0.0, 60.0])
def test_faults_trip_what_they_have_to(camera, time) -> None:
    expected = {
        (result.detector, result.amplifier): set(result.failures)
        for result in listExpectedDarkResults(FAULTS, camera, {EXPOSURE: time})
        if result.failures
    }
    found = {
        (detector, amplifier): tests
        for detector in (94, 95, 96)
        for amplifier, tests in findFailures(
            verify(simulate(camera, detector, time - 0.5, FAULTS), detector).outputResults
        ).items()
    }
    masked = found.pop((96, "C13"))
    # Of a masked amplifier there is no overscan.
    assert expected.pop((96, "C13")) - masked <= {"READ_NOISE_CONSISTENT"}
    assert found == expected
    assert ((94, "C03") in expected) == (time > 0)
    assert ((95, "C00") in expected) == (time > 0)
    assert (94, "C04") not in expected
    assert expected[95, "C11"] == {"MEAN", "CR_NOISE"}


def test_missing_detector_has_one_expectation(camera) -> None:
    results = listExpectedDarkResults(FAULTS, camera, {EXPOSURE: 60.0})
    found = [result for result in results if result.detector == 97]
    assert [(result.amplifier, set(result.failures)) for result in found] == [("", set())]


def test_charge_that_fails_by_chance_is_no_expectation(camera) -> None:
    faults = [Fault(FaultKind.EXCESS_DARK_CURRENT, 94, ("C03",), 0.1)]
    with pytest.raises(
        ValueError, match="A charge of 6 electron in amplifier C03 fails or passes MEAN by chance"
    ):
        listExpectedDarkResults(faults, camera, {EXPOSURE: 60.0})


@pytest.mark.parametrize("kind", [FaultKind.BIAS_SHIFT, FaultKind.GAIN_STEP, FaultKind.CORNER_GLOW])
def test_faults_of_other_products_are_refused(kind) -> None:
    config = SimulateDarkIsrTask.ConfigClass(faults=[f"{kind} detector:0 amplifiers:C00"])
    with pytest.raises(FieldValidationError, match=f"simulates no {kind}; expected one of"):
        config.validate()


@pytest.mark.parametrize("line", ["lightLeak detector:0", "excessDarkCurrent detector:0 amplifiers:C00"])
def test_faults_of_darks_are_refused_by_others(line) -> None:
    config = SimulateBiasIsrTask.ConfigClass(faults=[line])
    with pytest.raises(FieldValidationError, match=f"simulates no {line.split()[0]}; expected one of"):
        config.validate()


def test_faults_of_an_unknown_amplifier_are_refused(camera) -> None:
    with pytest.raises(ValueError, match="the detector has no amplifiers"):
        listExpectedDarkResults([Fault(FaultKind.EXCESS_DARK_CURRENT, 94, ("X9",))], camera, {EXPOSURE: 60.0})


@pytest.mark.parametrize("task", [SimulateBiasIsrTask, SimulateDarkIsrTask, SimulateFlatIsrTask])
def test_pixels_without_gains_are_those_in_electrons_over_the_gain(camera, task) -> None:
    found = [
        task(config=task.ConfigClass(doApplyGains=applied)).run(camera, "LSSTCam", EXPOSURE, 94, 60000.0)
        for applied in (True, False)
    ]
    with_gains, without = (result.outputExposure for result in found)
    assert with_gains.getMetadata()["LSST ISR UNITS"] == "electron"
    assert without.getMetadata()["LSST ISR UNITS"] == "adu"
    for amp in camera[94]:
        for plane, power in (("image", 1), ("variance", 2)):
            pixels = [getattr(exposure[amp.getBBox()], plane).array for exposure in (with_gains, without)]
            np.testing.assert_allclose(pixels[1], pixels[0] / amp.getGain() ** power, rtol=1e-5, atol=1e-5)
        key = f"LSST CALIB {task.product} {amp.getName()} DISTRIBUTION 84.0-PCT"
        levels = [result.outputStatistics["CALIBDIST"][amp.getName()][key] for result in found]
        # A combined flat has no unit.
        factor = 1 if task is SimulateFlatIsrTask else amp.getGain()
        assert levels[1] == pytest.approx(levels[0] / factor)
