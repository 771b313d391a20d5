# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The verification of one detector, on exposures made by hand."""

import numpy as np
import pytest

import lsst.cp.verify
from lsst.afw.image import ExposureF
from lsst.cp.simulator import shrinkCamera
from lsst.obs.lsst import LsstComCam
from lsst.pex.config import FieldValidationError

DIMENSIONS = {"instrument": "LSSTComCam", "exposure": 2026070200001, "detector": 4}
CORNER = 20


@pytest.fixture(scope="module")
def detector():
    return shrinkCamera(LsstComCam.getCamera(), 16)[4]


@pytest.fixture
def exposure(detector):
    """Residual with the nominal noise and the header keys that the task reads."""
    exposure = ExposureF(detector.getBBox())
    exposure.setDetector(detector)
    random = np.random.default_rng(6)
    for amp in detector:
        view = exposure[amp.getBBox()]
        noise = amp.getReadNoise()
        view.image.array[:] = random.normal(0, noise, view.image.array.shape)
        view.variance.array[:] = noise**2
        key = f"LSST ISR OVERSCAN RESIDUAL SERIAL STDEV {amp.getName()}"
        exposure.getMetadata()[key] = noise / amp.getGain()
    return exposure


@pytest.fixture
def isrStatistics(detector):
    names = [amp.getName() for amp in detector]
    levels = (0.0, 5.0, 16.0, 50.0, 84.0, 95.0, 100.0)
    return {
        "MJD": 61223.5,
        "BIASSHIFT": {
            name: {"LOCAL_NOISE": 0.5, "BIAS_SHIFTS": [[1.0, 40.0, 38, 44]] * n}
            for n, name in enumerate(names)
        },
        "CALIBDIST": {
            name: {f"LSST CALIB BIAS {name} DISTRIBUTION {level}-PCT": level for level in levels}
            for name in names
        },
        "PROJECTION": {
            "AMP_HPROJECTION": {name: [1.0] * (5 + n) for n, name in enumerate(names)},
            "AMP_VPROJECTION": {name: [2.0] * 8 for name in names},
        },
        "AMPCORR": [
            {"detector": 4, "ampName": a, "ampComp": b, "imageCorr": 0.1} for a in names for b in names
        ],
    }


def run(exposure, isrStatistics=None, **fields):
    config = lsst.cp.verify.CpVerifyBiasConfig(ampCornerBoxSize=CORNER, **fields)
    if isrStatistics is not None:
        config.useIsrStatistics = config.hasMatrixCatalog = True
    task = lsst.cp.verify.CpVerifyBiasTask(config=config)
    return task.run(exposure, camera=None, isrStatistics=isrStatistics, dimensions=DIMENSIONS)


def runDark(exposure, isrStatistics=None):
    config = lsst.cp.verify.CpVerifyDarkConfig(useIsrStatistics=isrStatistics is not None)
    task = lsst.cp.verify.CpVerifyDarkTask(config=config)
    return task.run(exposure, camera=None, isrStatistics=isrStatistics, dimensions=DIMENSIONS)


def pixelsOf(exposure, name: str) -> np.ndarray:
    return exposure[exposure.getDetector()[name].getBBox()].image.array


def test_clean_exposure_passes(exposure) -> None:
    stats = run(exposure).outputStats
    assert set(stats) == {"AMP", "METADATA", "VERIFY", "SUCCESS"}
    assert stats["SUCCESS"] is True
    expected = dict.fromkeys(("MEAN", "NOISE", "CR_NOISE", "SUCCESS", "READ_NOISE_CONSISTENT"), True)
    assert all(result == expected for result in stats["VERIFY"]["AMP"].values())
    assert len(stats["VERIFY"]["AMP"]) == 16


def test_statistics_are_plain_numbers(exposure) -> None:
    stats = run(exposure).outputStats
    values = [value for values in stats["AMP"].values() for value in values.values()]
    assert {type(value) for value in values} == {float}
    flags = [flag for flags in stats["VERIFY"]["AMP"].values() for flag in flags.values()]
    assert {type(flag) for flag in flags} == {bool}


def test_statistics_of_pixels(exposure) -> None:
    pixelsOf(exposure, "C05")[10, 10] = 4000
    values = run(exposure).outputStats["AMP"]["C05"]
    pixels = pixelsOf(exposure, "C05").astype(float)
    assert values["MEAN"] == pytest.approx(pixels.mean(), rel=1e-9)
    others = np.delete(pixels.ravel(), 10 * pixels.shape[1] + 10)
    assert values["NOISE"] == pytest.approx(others.std(ddof=1), rel=1e-6)
    # The ray is replaced by a median of its neighbours.
    assert values["CR_NOISE"] == pytest.approx(others.std(ddof=1), rel=5e-3)


@pytest.mark.parametrize(
    ("change", "failed"),
    [
        (lambda pixels, noise: pixels + 1.3 * noise, {"MEAN"}),
        (lambda pixels, noise: pixels * 1.2, {"NOISE"}),
        (lambda pixels, noise: pixels * 0.8, set()),
        (lambda pixels, noise: np.zeros_like(pixels), {"MEAN", "CR_NOISE"}),
        (lambda pixels, noise: np.full_like(pixels, np.nan), {"MEAN", "NOISE", "CR_NOISE"}),
    ],
    ids=["offset", "hot", "cold", "dead", "nan"],
)
def test_flags(exposure, change, failed) -> None:
    noise = exposure.getDetector()["C12"].getReadNoise()
    pixelsOf(exposure, "C12")[:] = change(pixelsOf(exposure, "C12"), noise)
    stats = run(exposure).outputStats
    flags = stats["VERIFY"]["AMP"].pop("C12")
    assert {test for test, passed in flags.items() if not passed} - {"SUCCESS"} == failed
    assert flags["SUCCESS"] is stats["SUCCESS"] is (not failed)
    assert all(all(others.values()) for others in stats["VERIFY"]["AMP"].values())


def test_masked_pixels_are_left_out(exposure) -> None:
    view = exposure[exposure.getDetector()["C03"].getBBox()]
    view.image.array[:50] = 1e5
    view.mask.array[:50] = exposure.mask.getPlaneBitMask("BAD")
    assert run(exposure).outputStats["AMP"]["C03"]["MEAN"] < 1


def test_unmasked_statistics_see_all_pixels(exposure) -> None:
    view = exposure[exposure.getDetector()["C03"].getBBox()]
    view.mask.array[:] = exposure.mask.getPlaneBitMask("BAD")
    values = run(exposure, unmaskedImageStatKeywords={"ALL": "STDEV"}).outputStats["AMP"]["C03"]
    assert np.isnan(values["MEAN"])
    assert values["ALL"] == pytest.approx(np.std(view.image.array.astype(float), ddof=1))


@pytest.mark.parametrize(("factor", "consistent"), [(1.2, False), (0.5, True), (np.nan, False)])
def test_overscan_noise_is_no_part_of_success(exposure, factor, consistent) -> None:
    key = "LSST ISR OVERSCAN RESIDUAL SERIAL STDEV C00"
    exposure.getMetadata()[key] = exposure.getMetadata()[key] * factor
    flags = run(exposure).outputStats["VERIFY"]["AMP"]["C00"]
    assert flags["READ_NOISE_CONSISTENT"] is consistent
    assert flags["SUCCESS"] is True
    assert list(flags)[-1] == "READ_NOISE_CONSISTENT"


def test_zero_overscan_noise_is_not_tested(exposure) -> None:
    exposure.getMetadata()["LSST ISR OVERSCAN RESIDUAL SERIAL STDEV C00"] = 0.0
    assert "READ_NOISE_CONSISTENT" not in run(exposure).outputStats["VERIFY"]["AMP"]["C00"]


def test_header_read_noise_comes_first(exposure) -> None:
    nominal = exposure.getDetector()["C00"].getReadNoise()
    exposure.getMetadata()["LSST ISR READNOISE C00"] = nominal / 2
    assert run(exposure).outputStats["VERIFY"]["AMP"]["C00"]["NOISE"] is False


def test_header_without_overscan_keys(exposure) -> None:
    for amp in exposure.getDetector():
        exposure.getMetadata().remove(f"LSST ISR OVERSCAN RESIDUAL SERIAL STDEV {amp.getName()}")
    stats = run(exposure).outputStats
    assert stats["METADATA"] == {}
    assert "READ_NOISE_CONSISTENT" not in stats["VERIFY"]["AMP"]["C00"]


def test_too_many_cosmic_rays_fail_processing(exposure) -> None:
    config = lsst.cp.verify.CpVerifyBiasConfig(ampCornerBoxSize=CORNER)
    config.repair.cosmicray.nCrPixelMax = 3
    exposure.image.array[5:200:20, 7:200:20] = 1e4
    stats = (
        lsst.cp.verify.CpVerifyBiasTask(config=config).run(exposure, None, dimensions=DIMENSIONS).outputStats
    )
    assert all(values["FORCE_FAILURE"] is True for values in stats["AMP"].values())
    assert all(flags["PROCESSING"] is flags["SUCCESS"] is False for flags in stats["VERIFY"]["AMP"].values())


@pytest.mark.parametrize("name", ["C00", "C07", "C10", "C17"])
def test_corner_box_is_that_of_cp_verify(exposure, name) -> None:
    amp = exposure.getDetector()[name]
    box = amp.getBBox()
    x = box.getMaxX() - CORNER if amp.getRawFlipX() else box.getMinX()
    y = box.getMaxY() - CORNER if amp.getRawFlipY() else box.getMinY()
    exposure.image.array[y : y + CORNER, x : x + CORNER] += 100
    assert run(exposure).outputStats["AMP"][name]["AMP_CORNER"] == pytest.approx(100, abs=2)


def test_table_columns(exposure, isrStatistics) -> None:
    table = run(exposure, isrStatistics).outputResults
    levels = (0.0, 5.0, 16.0, 50.0, 84.0, 95.0, 100.0)
    expected = {
        "instrument": "U",
        **dict.fromkeys(("exposure", "detector"), "i"),
        "mjd": "f",
        "amplifier": "U",
        **dict.fromkeys(("BIAS_MEAN", "BIAS_NOISE", "BIAS_CR_NOISE", "BIAS_AMP_CORNER"), "f"),
        **dict.fromkeys((f"BIAS_VERIFY_{key}" for key in ("MEAN", "NOISE", "CR_NOISE", "SUCCESS")), "b"),
        "BIAS_VERIFY_READ_NOISE_CONSISTENT": "b",
        "BIAS_READ_NOISE_ADU": "f",
        "BIAS_BIAS_SHIFT_COUNT": "i",
        "BIAS_BIAS_SHIFT_NOISE": "f",
        **dict.fromkeys((f"BIAS_BIAS_DIST_{level}_PCT" for level in levels), "f"),
        "BIAS_SERIAL_PROF": "f",
        "BIAS_PARALLEL_PROF": "f",
    }
    assert {name: table[name].dtype.kind for name in table.colnames} == expected
    assert table.colnames == list(expected)


def test_table_values(exposure, isrStatistics) -> None:
    result = run(exposure, isrStatistics)
    table = result.outputResults
    assert list(table["amplifier"]) == [amp.getName() for amp in exposure.getDetector()]
    assert set(table["mjd"]) == {61223.5}
    assert list(table["BIAS_BIAS_SHIFT_COUNT"]) == list(range(16))
    assert set(table["BIAS_BIAS_DIST_84.0_PCT"]) == {84.0}
    amps = result.outputStats["AMP"]
    assert list(table["BIAS_NOISE"]) == [amps[name]["NOISE"] for name in table["amplifier"]]
    profile = table["BIAS_SERIAL_PROF"][2]
    assert profile.shape == (20,)
    assert np.count_nonzero(np.isnan(profile)) == 20 - 7
    assert len(result.outputMatrix) == 256


def test_darks_are_tested_as_biases(exposure) -> None:
    noise = exposure.getDetector()["C12"].getReadNoise()
    pixelsOf(exposure, "C12")[:] += 1.3 * noise
    pixelsOf(exposure, "C13")[:] *= 1.2
    dark, bias = (result.outputStats for result in (runDark(exposure), run(exposure)))
    assert dark["VERIFY"] == bias["VERIFY"]
    assert not dark["VERIFY"]["AMP"]["C12"]["MEAN"]
    assert dark["SUCCESS"] is False
    for name, values in bias["AMP"].items():
        del values["AMP_CORNER"]
        assert dark["AMP"][name] == values


def test_table_of_darks(exposure, isrStatistics) -> None:
    names = list(isrStatistics["CALIBDIST"])
    levels = (0.0, 5.0, 16.0, 50.0, 84.0, 95.0, 100.0)
    statistics = {
        "MJD": 61223.5,
        "CALIBDIST": {
            name: {f"LSST CALIB DARK {name} DISTRIBUTION {level}-PCT": level for level in levels}
            for name in names
        },
    }
    result = runDark(exposure, statistics)
    # Names and order are those of a table that CpVerifyDarkTask of cp_verify has made.
    assert result.outputResults.colnames == [
        *(
            "instrument",
            "exposure",
            "detector",
            "mjd",
            "amplifier",
            "DARK_MEAN",
            "DARK_NOISE",
            "DARK_CR_NOISE",
        ),
        *(f"DARK_VERIFY_{key}" for key in ("MEAN", "NOISE", "CR_NOISE", "SUCCESS", "READ_NOISE_CONSISTENT")),
        "DARK_READ_NOISE_ADU",
        *(f"DARK_DARK_DIST_{level}_PCT" for level in levels),
    ]
    assert set(result.outputResults["DARK_DARK_DIST_84.0_PCT"]) == {84.0}
    assert len(result.outputMatrix) == 0
    with pytest.raises(KeyError, match="LSST CALIB DARK"):
        runDark(exposure, isrStatistics)


def test_exposure_without_detector(detector) -> None:
    with pytest.raises(RuntimeError, match="has no detector"):
        run(ExposureF(detector.getBBox()))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("doVignette", True, "does not support it; use cp_verify"),
        ("catalogStatKeywords", {"A": "MEAN"}, "does not support it; use cp_verify"),
        ("imageStatKeywords", {"A": "MODE"}, "'MODE' is not one of MEAN, MEDIAN, STDEV, STDEVCLIP"),
    ],
)
def test_configuration_refuses_what_is_left_out(field, value, message) -> None:
    config = lsst.cp.verify.CpVerifyBiasConfig(**{field: value})
    with pytest.raises(FieldValidationError, match=message):
        config.validate()


def test_grown_mask_leaves_more_pixels_out(exposure) -> None:
    exposure.image.array[30, 30] = 1e4
    masked = {"maskNameList": ["CR"], "crImageStatKeywords": {"CR_NOISE": "STDEV"}}
    small = run(exposure, **masked).outputStats["AMP"]
    grown = run(exposure, crGrow=4, **masked).outputStats["AMP"]
    name = next(
        amp.getName()
        for amp in exposure.getDetector()
        if amp.getBBox().getMinX() == amp.getBBox().getMinY() == 0
    )
    assert small[name]["CR_NOISE"] != grown[name]["CR_NOISE"]


@pytest.fixture
def flat(exposure):
    """Flat of 10,000 electrons a pixel, with 0.9 of the photon noise."""
    random = np.random.default_rng(7)
    shape = exposure.image.array.shape
    exposure.image.array[:] = 10_000 + 0.9 * 100 * random.standard_normal(shape, dtype=np.float32)
    return exposure


def runFlat(exposure, **fields):
    task = lsst.cp.verify.CpVerifyFlatTask(config=lsst.cp.verify.CpVerifyFlatConfig(**fields))
    return task.run(exposure, camera=None, dimensions=DIMENSIONS | {"physical_filter": "r_03"})


def test_clean_flat_passes(flat) -> None:
    stats = runFlat(flat).outputStats
    assert set(stats) == {"AMP", "METADATA", "DET", "VERIFY", "SUCCESS"}
    assert stats["SUCCESS"] is True
    assert stats["VERIFY"]["DET"] == {"SCATTER": True, "SUCCESS": True}
    assert all(flags == {"NOISE": True, "SUCCESS": True} for flags in stats["VERIFY"]["AMP"].values())
    means = [values["MEAN"] for values in stats["AMP"].values()]
    assert stats["DET"]["MEAN"] == pytest.approx(np.mean(means), rel=1e-12)
    assert stats["DET"]["SCATTER"] == pytest.approx(np.std(means, ddof=1), rel=1e-9)


@pytest.mark.parametrize(
    ("change", "failed", "scattered"),
    [
        (lambda pixels: 10_000 + (pixels - 10_000) * 1.3, {"NOISE"}, False),
        (lambda pixels: pixels * 0.7, set(), True),
        (lambda pixels: np.zeros_like(pixels), set(), True),
        (lambda pixels: -np.ones_like(pixels), {"NOISE"}, True),
        (lambda pixels: np.full_like(pixels, np.nan), {"NOISE"}, False),
    ],
    ids=["noisy", "step", "dead", "negative", "nan"],
)
def test_flags_of_a_flat(flat, change, failed, scattered) -> None:
    pixelsOf(flat, "C12")[:] = change(pixelsOf(flat, "C12"))
    stats = runFlat(flat).outputStats
    flags = stats["VERIFY"]["AMP"].pop("C12")
    assert {test for test, passed in flags.items() if not passed} - {"SUCCESS"} == failed
    assert all(all(others.values()) for others in stats["VERIFY"]["AMP"].values())
    assert stats["VERIFY"]["DET"]["SCATTER"] is not scattered
    assert stats["SUCCESS"] is False


def test_table_of_flats(flat) -> None:
    levels = (0.0, 5.0, 16.0, 50.0, 84.0, 95.0, 100.0)
    names = [amp.getName() for amp in flat.getDetector()]
    statistics = {
        "MJD": 61223.5,
        "CALIBDIST": {
            name: {f"LSST CALIB FLAT {name} DISTRIBUTION {level}-PCT": level for level in levels}
            for name in names
        },
    }
    config = lsst.cp.verify.CpVerifyFlatConfig(useIsrStatistics=True)
    table = (
        lsst.cp.verify.CpVerifyFlatTask(config=config)
        .run(flat, None, isrStatistics=statistics, dimensions=DIMENSIONS | {"physical_filter": "r_03"})
        .outputResults
    )
    # Names and order are those of a table that CpVerifyFlatTask of cp_verify has made.
    assert table.colnames == [
        *("instrument", "exposure", "detector", "physical_filter", "mjd", "amplifier"),
        *("FLAT_MEAN", "FLAT_NOISE", "FLAT_VERIFY_NOISE", "FLAT_VERIFY_SUCCESS"),
        *(f"FLAT_FLAT_DIST_{level}_PCT" for level in levels),
        *("FLAT_DET_MEAN", "FLAT_DET_SCATTER", "FLAT_DET_VERIFY_SCATTER"),
    ]
    assert len(table) == 17
    assert table["amplifier"][:16].tolist() == names
    last = table[-1]
    assert (last["detector"], last["physical_filter"], last["mjd"]) == (4, "r_03", 61223.5)
    assert all(last[name] is np.ma.masked for name in ("amplifier", "FLAT_MEAN", "FLAT_VERIFY_NOISE"))
    assert table["FLAT_DET_MEAN"].mask.tolist() == [True] * 16 + [False]


def test_detector_statistics_are_those_of_a_subclass(exposure) -> None:
    with pytest.raises(NotImplementedError, match="has detectorStatKeywords but no detectorStatistics"):
        run(exposure, detectorStatKeywords={"MEAN": "MEAN"})
    with pytest.raises(FieldValidationError, match="'MODE' is not one of MEAN"):
        lsst.cp.verify.CpVerifyFlatConfig(detectorStatKeywords={"X": "MODE"}).validate()
