# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Simulated flats: their pixels against the model, and what their faults have to trip."""

import numpy as np
import pytest

import lsst.cp.verify
from lsst.cp.simulator import (
    Fault,
    FaultKind,
    SimulateBiasIsrTask,
    SimulateFlatIsrTask,
    listExpectedFlatResults,
    listExpectedTearingResults,
    makeRepository,
    parseFaults,
    shrinkCamera,
    storeCombinedFlats,
)
from lsst.obs.lsst import Latiss, LsstCam, LsstComCam
from lsst.pex.config import FieldValidationError

EXPOSURE = 2026080100001
FLUX, A00 = 50_000.0, -3e-6


@pytest.fixture(scope="module")
def camera():
    return shrinkCamera(LsstCam.getCamera(), 8)


def simulate(camera, detector, faults=(), exposure=EXPOSURE, **fields):
    config = SimulateFlatIsrTask.ConfigClass(faults=[fault.toText() for fault in faults], **fields)
    config.validate()
    return SimulateFlatIsrTask(config=config).run(camera, "LSSTCam", exposure, detector, 60000.0)


def verify(simulated, detector):
    config = lsst.cp.verify.CpVerifyFlatConfig(useIsrStatistics=True)
    dimensions = {"instrument": "LSSTCam", "exposure": EXPOSURE, "detector": detector, "physical_filter": "r"}
    return lsst.cp.verify.CpVerifyFlatTask(config=config).run(
        simulated.outputExposure, None, isrStatistics=simulated.outputStatistics, dimensions=dimensions
    )


# Of an edge and the centre of the focal plane; a guider, and a wavefront sensor that is turned.
@pytest.mark.parametrize("detector", [0, 94, 189, 191])
def test_clean_flat_passes_everywhere(camera, detector) -> None:
    stats = verify(simulate(camera, detector), detector).outputStats
    quantities = [values["NOISE"] / values["MEAN"] ** 0.5 for values in stats["AMP"].values()]
    assert 0.88 < min(quantities)
    assert max(quantities) < 1
    assert stats["DET"]["MEAN"] == pytest.approx(FLUX, rel=0.01)
    assert stats["SUCCESS"] is True


def test_noise_is_that_of_photons_and_readout(camera) -> None:
    (middle,) = [detector for detector in camera if detector.getName() == "R22_S11"]
    simulated = simulate(camera, middle.getId(), illuminationGradient=0.0)
    stats = verify(simulated, middle.getId()).outputStats
    assert middle.getPhysicalType() == "E2V"
    for amp in middle:
        values = stats["AMP"][amp.getName()]
        # Of the combined flat there is a hundredth.
        variance = FLUX * (1 + A00 * FLUX) + amp.getReadNoise() ** 2 + FLUX / 100
        number = amp.getBBox().getWidth() * amp.getBBox().getHeight()
        assert values["MEAN"] == pytest.approx(FLUX, abs=5 * (variance / number) ** 0.5)
        assert values["NOISE"] == pytest.approx(variance**0.5, rel=5 / (2 * number) ** 0.5 + 0.02)
        view = simulated.outputExposure[amp.getBBox()]
        assert view.variance.array.mean() == pytest.approx(FLUX + amp.getReadNoise() ** 2, rel=0.01)


def test_combined_flat_has_vignetting_and_the_step_of_vendors(camera) -> None:
    medians = {}
    for detector in camera:
        if detector.getName() in ("R22_S11", "R02_S11", "R34_S22"):
            percentiles = simulate(camera, detector.getId()).outputStatistics["CALIBDIST"]
            found = [
                percentiles[a.getName()][f"LSST CALIB FLAT {a.getName()} DISTRIBUTION 50.0-PCT"]
                for a in detector
            ]
            medians[detector.getName(), detector.getPhysicalType()] = np.array(found)
    assert {vendor for _, vendor in medians} == {"E2V", "ITL"}
    for (name, vendor), found in medians.items():
        step = {"E2V": 1.0, "ITL": 0.96}[vendor]
        lost = 1 - found / step
        assert lost.max() < 0.065
        if name == "R22_S11":
            np.testing.assert_allclose(found, step, atol=2e-3)


def test_light_of_exposures_differs_by_a_gradient(camera) -> None:
    means = np.array(
        [
            [
                verify(simulate(camera, detector, exposure=exposure), detector).outputStats["DET"]["MEAN"]
                for detector in (0, 94, 188)
            ]
            for exposure in (EXPOSURE, EXPOSURE + 1)
        ]
    )
    # Opposite edges are off by opposite parts of up to 0.5%, the centre is not.
    changes = means / FLUX - 1
    np.testing.assert_allclose(changes[:, 1], 0, atol=2e-4)
    np.testing.assert_allclose(changes[:, 0], -changes[:, 2], atol=2e-4)
    assert np.abs(changes).max() < 0.006
    assert abs(changes[0, 0] - changes[1, 0]) > 2e-4


def test_header_and_statistics_are_those_of_flats(camera) -> None:
    simulated = simulate(camera, 94)
    header = simulated.outputExposure.getMetadata()
    assert [header[f"LSST ISR {name} APPLIED"] for name in ("BIAS", "DARK", "FLAT")] == [True] * 3
    assert simulated.outputStatistics.keys() == {"CALIBDIST", "MJD"}


FAULTS = (
    Fault(FaultKind.GAIN_STEP, 94, ("C00", "C01", "C02"), 0.6),
    Fault(FaultKind.GAIN_STEP, 95, ("C03",), 1.5),
    Fault(FaultKind.DEAD_AMPLIFIER, 96, ("C05",)),
    Fault(FaultKind.MASKED_AMPLIFIER, 97, ("C11",)),
    Fault(FaultKind.EXCESS_LIGHT, 98, ("C12",)),
    Fault(FaultKind.EXCESS_LIGHT, 99, tuple(f"C{row}{column}" for row in "01" for column in range(8))),
    Fault(FaultKind.GAIN_STEP, 100, ("C04",), 0.95),
    Fault(FaultKind.MISSING_DETECTOR, 101),
)


def test_faults_trip_what_they_have_to(camera) -> None:
    expected = {
        (result.detector, result.amplifier): set(result.failures)
        for result in listExpectedFlatResults(FAULTS, camera, [EXPOSURE])
        if result.failures
    }
    found = {}
    for detector in range(94, 101):
        results = verify(simulate(camera, detector, FAULTS), detector).outputResults
        for row in results[:-1]:
            if not row["FLAT_VERIFY_NOISE"]:
                found[detector, row["amplifier"]] = {"NOISE"}
        if not results[-1]["FLAT_DET_VERIFY_SCATTER"]:
            found[detector, ""] = {"DET_SCATTER"}
    assert found == expected
    assert expected.keys() >= {(95, "C03"), (97, "C11"), (98, "C12"), (99, "C00")}
    assert {detector for detector, amplifier in expected if not amplifier} == {94, 95, 96, 98}


def test_saturated_flat_holds_the_full_well(camera) -> None:
    simulated = simulate(camera, 99, FAULTS, responseScatter=0.0)
    means = [values["MEAN"] for values in verify(simulated, 99).outputStats["AMP"].values()]
    assert np.median(means) == pytest.approx(150_000, rel=0.05)


def test_missing_detector_has_one_expectation(camera) -> None:
    found = [
        result for result in listExpectedFlatResults(FAULTS, camera, [EXPOSURE]) if result.detector == 101
    ]
    assert [(result.amplifier, set(result.failures)) for result in found] == [("", set())]


def test_scatter_by_chance_is_no_expectation(camera) -> None:
    faults = [Fault(FaultKind.GAIN_STEP, 94, ("C00",), 0.8)]
    with pytest.raises(ValueError, match="the scatter 0.05[0-9], which passes or fails by chance"):
        listExpectedFlatResults(faults, camera, [EXPOSURE])


@pytest.mark.parametrize("kind", [FaultKind.HOT_NOISE, FaultKind.OFFSET_MEAN])
def test_faults_of_other_products_are_refused(kind) -> None:
    config = SimulateFlatIsrTask.ConfigClass(faults=[f"{kind} detector:0 amplifiers:C00"])
    with pytest.raises(FieldValidationError, match=f"simulates no {kind}; expected one of deadAmp"):
        config.validate()


@pytest.mark.parametrize("kind", [FaultKind.GAIN_STEP, FaultKind.EXCESS_LIGHT])
def test_faults_of_flats_are_refused_by_others(kind) -> None:
    config = SimulateBiasIsrTask.ConfigClass(faults=[f"{kind} detector:0 amplifiers:C00"])
    with pytest.raises(FieldValidationError, match=f"simulates no {kind}; expected one of"):
        config.validate()


def test_small_cameras_have_flats_too() -> None:
    camera = shrinkCamera(LsstComCam.getCamera(), 8)
    stats = verify(SimulateFlatIsrTask().run(camera, "LSSTComCam", EXPOSURE, 8, 0.0), 8).outputStats
    assert stats["SUCCESS"] is True


def test_combined_flats_are_torn_where_faults_say(tmp_path) -> None:
    camera = shrinkCamera(Latiss.getCamera(), 8)
    faults = parseFaults(["tearing detector:RXX_S00 amplifiers:C04 amplitude:0.2"])
    butler = makeRepository(tmp_path / "butler", Latiss, [], camera=camera)
    run = storeCombinedFlats(butler, Latiss(), camera, faults, physicalFilter="SDSSr_65mm~empty")
    flat = butler.get(
        "flat", instrument="LATISS", detector=0, physical_filter="SDSSr_65mm~empty", collections=run
    )
    columns = {amp.getName(): np.median(flat[amp.getBBox()].image.array, axis=0) for amp in camera[0]}
    torn = columns.pop("C04")
    np.testing.assert_allclose(torn[[0, 1, -2, -1]] / np.median(torn), 0.8, atol=0.01)
    assert np.ptp(torn[2:-2]) < 0.02
    assert all(np.ptp(own) < 0.02 for own in columns.values())
    expected = {(result.amplifier, *result.failures) for result in listExpectedTearingResults(faults, camera)}
    assert expected == {("C03", "MAX"), ("C04", "MAX"), ("C05", "MAX")}
