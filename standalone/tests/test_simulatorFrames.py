# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Simulated pixels, and what ISR measures of them."""

import numpy as np
import pytest

from lsst.cp.simulator.binning import binBits, binMean
from lsst.cp.simulator.events import addCosmicRays, addSmoothHits
from lsst.cp.simulator.fault import Fault, FaultKind
from lsst.cp.simulator.frames import AmplifierGeometry, FrameModel, RawAmplifier, makeCombinedBias, makeRaw
from lsst.cp.simulator.isrStatistics import (
    findBiasShifts,
    measureCorrelations,
    measurePercentiles,
    measureProfiles,
)
from lsst.cp.simulator.overscan import correctOverscan
from lsst.cp.simulator.randomStreams import RandomStreams
from lsst.cp.simulator.residual import simulateResidual
from lsst.pipe.tasks.repair import CosmicRayConfig, TooManyCosmicRays, findCosmicRays

STREAMS = RandomStreams(1, "X", 3, 7)
ROWS, COLUMNS = 300, 100


def makeGeometries(number: int = 2, readNoise: float = 6.0) -> list[AmplifierGeometry]:
    """Make amplifiers side by side, every other one read out from its right."""
    return [
        AmplifierGeometry(
            name=f"C0{n}",
            rows=slice(0, ROWS),
            columns=slice(n * COLUMNS, (n + 1) * COLUMNS),
            overscanShape=(ROWS, 64),
            flipX=bool(n % 2),
            flipY=False,
            gain=1.5,
            readNoise=readNoise,
        )
        for n in range(number)
    ]


def simulate(*faults: Fault, number: int = 2, streams: RandomStreams = STREAMS, **model: float):
    shape = (ROWS, number * COLUMNS)
    return simulateResidual(makeGeometries(number), shape, FrameModel(**model), streams, faults)


def test_same_data_id_same_pixels() -> None:
    first, second = simulate(), simulate()
    np.testing.assert_array_equal(first.image, second.image)
    np.testing.assert_array_equal(first.overscans["C00"].raw, second.overscans["C00"].raw)
    assert first.percentiles == second.percentiles


@pytest.mark.parametrize(
    "streams",
    [
        RandomStreams(2, "X", 3, 7),
        RandomStreams(1, "Y", 3, 7),
        RandomStreams(1, "X", 4, 7),
        RandomStreams(1, "X", 3, 8),
    ],
)
def test_other_data_id_other_pixels(streams) -> None:
    same = simulate(cosmicRayRate=0).image == simulate(streams=streams, cosmicRayRate=0).image
    assert np.mean(same) < 1e-3


def test_combined_bias_stays_between_exposures() -> None:
    assert simulate().percentiles == simulate(streams=RandomStreams(1, "X", 3, 8)).percentiles


def test_a_fault_leaves_other_amplifiers_alone() -> None:
    clean = simulate(cosmicRayRate=0).image
    hot = simulate(Fault(FaultKind.HOT_NOISE, 3, ("C01",)), cosmicRayRate=0).image
    np.testing.assert_array_equal(hot[:, :COLUMNS], clean[:, :COLUMNS])
    assert np.std(hot[:, COLUMNS:]) == pytest.approx(1.5 * np.std(clean[:, COLUMNS:]), rel=0.02)


def test_noise_is_read_noise_and_overscan_and_combined_bias() -> None:
    image = simulate(cosmicRayRate=0, numCombined=4, stepSigma=0).image
    # A median of 58 columns has a variance of about pi/2/58, the combined bias one of 1/4.
    expected = 6 * np.sqrt(1 + np.pi / 2 / 58 + 1 / 4)
    assert np.std(image) == pytest.approx(expected, rel=0.01)
    assert abs(np.mean(image)) < 0.1


def test_readout_order_is_turned() -> None:
    glow = Fault(FaultKind.CORNER_GLOW, 3, ("C00", "C01"), 4.0)
    difference = simulate(glow).image - simulate().image
    assert difference[0, 0] == pytest.approx(24, rel=1e-3)
    assert difference[0, -1] == pytest.approx(24, rel=1e-3)
    assert abs(difference[-1, 0]) < 0.1
    assert abs(difference[0, COLUMNS]) < 0.1


def test_offset_is_in_the_image_only() -> None:
    clean, offset = simulate(), simulate(Fault(FaultKind.OFFSET_MEAN, 3, ("C00",), 2.0))
    difference = offset.image[:, :COLUMNS] - clean.image[:, :COLUMNS]
    np.testing.assert_allclose(difference, 12.0, atol=1e-3)
    np.testing.assert_array_equal(offset.overscans["C00"].raw, clean.overscans["C00"].raw)


def test_dead_amplifier_is_constant() -> None:
    dead = simulate(Fault(FaultKind.DEAD_AMPLIFIER, 3, ("C00",)), cosmicRayRate=100)
    assert not dead.image[:, :COLUMNS].any()
    assert np.ptp(dead.overscans["C00"].raw) == 0
    assert dead.overscans["C00"].residualStdev == pytest.approx(0, abs=1e-3)
    assert set(dead.percentiles["C00"].values()) == {0.0}


def test_masked_amplifier_has_no_overscan() -> None:
    assert simulate(Fault(FaultKind.MASKED_AMPLIFIER, 3, ("C01",))).overscans["C01"] is None


def test_correlated_amplifiers() -> None:
    fault = Fault(FaultKind.CORRELATED_AMPLIFIERS, 3, ("C00", "C02"), 0.6)
    found = simulate(fault, number=3, cosmicRayRate=0, numCombined=10_000, driftAmplitude=0)
    images = {f"C0{n}": found.image[:, n * COLUMNS : (n + 1) * COLUMNS] for n in range(3)}
    overscans = {name: result.raw for name, result in found.overscans.items()}
    rows = {(r["ampName"], r["ampComp"]): r for r in measureCorrelations(3, images, overscans)}
    assert rows["C00", "C02"]["overscanCorr"] == pytest.approx(0.604, abs=0.03)
    assert rows["C00", "C02"]["imageCorr"] == pytest.approx(0.604 / 1.027, abs=0.03)
    assert abs(rows["C00", "C01"]["imageCorr"]) < 0.03


def test_overscan_correction() -> None:
    geometry, model = makeGeometries(1)[0], FrameModel()
    combined = makeCombinedBias(geometry, model, STREAMS)
    raw = makeRaw(geometry, model, STREAMS, combined, (), {})
    data, overscan = raw.data.copy(), raw.overscan.copy()
    result = correctOverscan(raw)
    levels = np.median(overscan[:, 3:-3], axis=1)
    np.testing.assert_array_equal(raw.data, data - levels[:, None])
    np.testing.assert_array_equal(result.raw, overscan)
    assert result.median == pytest.approx(np.median(levels))
    residuals = overscan - levels[:, None]
    inside = residuals[np.abs(residuals) < 3 * residuals.std()]
    assert result.residualStdev == pytest.approx(inside.std(), rel=0.01)


def test_profiles_and_percentiles() -> None:
    pixels = np.random.default_rng(1).normal(size=(40, 30)).astype(np.float32)
    profiles = measureProfiles({"C00": pixels})
    np.testing.assert_allclose(
        profiles["AMP_HPROJECTION"]["C00"], pixels.sum(axis=0) / 40, rtol=1e-4, atol=1e-6
    )
    np.testing.assert_allclose(
        profiles["AMP_VPROJECTION"]["C00"], pixels.sum(axis=1) / 30, rtol=1e-4, atol=1e-6
    )
    percentiles = measurePercentiles(pixels, "C00")
    for level in (0.0, 5.0, 16.0, 50.0, 84.0, 95.0, 100.0):
        found = percentiles[f"LSST CALIB BIAS C00 DISTRIBUTION {level}-PCT"]
        assert found == pytest.approx(np.percentile(pixels.astype(float), level), rel=1e-6)


def makeOverscan(*shifts: tuple[int, float]) -> np.ndarray:
    overscan = np.random.default_rng(5).normal(1000, 4, (500, 64)).astype(np.float32)
    for row, height in shifts:
        overscan[row:] += height
    return overscan


def test_no_bias_shift() -> None:
    overscan = makeOverscan()
    found = findBiasShifts(overscan)
    assert found["BIAS_SHIFTS"] == []
    # The high-pass filter takes the lowest fifteenth of the frequencies.
    expected = overscan[:, 3:].mean(axis=1).std() * np.sqrt(14 / 15)
    assert found["LOCAL_NOISE"] == pytest.approx(expected, rel=0.05)


def test_bias_shifts_are_found_where_they_are() -> None:
    found = findBiasShifts(makeOverscan((200, 5.0), (350, -8.0)))["BIAS_SHIFTS"]
    assert [row for _, row, _, _ in found] == pytest.approx([200, 350], abs=2)
    assert [height for height, *_ in found] == pytest.approx([5, -8], rel=0.2)


@pytest.mark.parametrize("overscan", [None, np.full((300, 64), 1000, dtype=np.float32)])
def test_no_overscan_or_aconstant_one_has_no_shifts(overscan) -> None:
    assert findBiasShifts(overscan) == {"LOCAL_NOISE": 0.0, "BIAS_SHIFTS": []}


def test_correlations_are_numpys() -> None:
    random = np.random.default_rng(2)
    images = {name: random.normal(3, 1, (130, 20)).astype(np.float32) for name in "ABC"}
    overscans = {name: random.normal(1000, 1, (130, 8)).astype(np.float32) for name in "ABC"}
    rows = measureCorrelations(4, images, overscans)
    assert len(rows) == 9
    for row in rows:
        pair = row["ampName"], row["ampComp"]
        for key, arrays in (("imageCorr", images), ("overscanCorr", overscans)):
            expected = np.corrcoef(*(arrays[name].ravel() for name in pair))[0, 1]
            assert row[key] == pytest.approx(expected, abs=1e-9)
        assert row["detector"] == row["detectorComp"] == 4


def test_correlations_of_abad_amplifier() -> None:
    image = {name: np.random.default_rng(2).normal(size=(10, 10)).astype(np.float32) for name in "AB"}
    rows = measureCorrelations(0, image, {"A": None, "B": image["B"]})
    assert [(r["ampName"], r["ampComp"], r["imageCorr"], r["overscanCorr"]) for r in rows] == [
        ("A", "B", 0.0, 0.0),
        ("B", "A", 0.0, 0.0),
        ("B", "B", 1.0, 1.0),
    ]


def test_smooth_hits_raise_the_noise() -> None:
    random = np.random.default_rng(8)
    image = random.normal(0, 6, (400, 500)).astype(np.float32)
    before = image.std()
    addSmoothHits(image, 6.0, 0.3, random)
    assert image.std() == pytest.approx(1.3 * before, rel=0.03)


def test_cosmic_rays_come_at_their_rate() -> None:
    random = np.random.default_rng(9)
    numbers = [addCosmicRays(np.zeros((500, 1000), np.float32), 20.0, random) for _ in range(100)]
    assert np.mean(numbers) == pytest.approx(10, rel=0.1)


def test_cosmic_rays_are_found_and_replaced() -> None:
    random = np.random.default_rng(10)
    clean = random.normal(0, 6, (600, 500)).astype(np.float32)
    image = clean.copy()
    addCosmicRays(image, 60.0, random)
    hit = image != clean
    assert hit.sum() > 50
    found = findCosmicRays(image, np.full(image.shape, 36, np.float32), CosmicRayConfig())
    image[found.rows, found.columns] = found.replacements
    # Wings fainter than the limit may stay.
    assert np.abs(image).max() < 8 * 6
    assert image.std() == pytest.approx(clean.std(), rel=2e-3)
    assert len(found.rows) < 3 * hit.sum()


def test_cosmic_rays_at_edges_are_found() -> None:
    image = np.random.default_rng(11).normal(0, 6, (100, 90)).astype(np.float32)
    places = [(0, 0), (0, 50), (99, 89), (40, 0), (99, 20)]
    for place in places:
        image[place] = 500
    found = findCosmicRays(image, np.full(image.shape, 36, np.float32), CosmicRayConfig())
    assert set(places) <= set(zip(found.rows.tolist(), found.columns.tolist(), strict=True))


def test_tiles_give_what_the_whole_image_gives() -> None:
    import astroscrappy

    random = np.random.default_rng(12)
    image = random.normal(0, 6, (200, 300)).astype(np.float32)
    addCosmicRays(image[20:-20, 20:-20], 300.0, random)
    variance = np.full(image.shape, 36, np.float32)
    whole, _ = astroscrappy.detect_cosmics(
        image, invar=variance, sigclip=6.0, niter=3, satlevel=np.inf, cleantype="medmask"
    )
    found = findCosmicRays(image, variance, CosmicRayConfig())
    assert set(zip(*np.nonzero(whole), strict=True)) == set(zip(found.rows, found.columns, strict=True))


def test_too_many_cosmic_rays() -> None:
    image = np.zeros((64, 64), np.float32)
    image[8::8, 8::8] = 500
    with pytest.raises(TooManyCosmicRays, match="more than 20 affected pixels"):
        findCosmicRays(image, np.ones_like(image), CosmicRayConfig(nCrPixelMax=20))


def test_binning() -> None:
    pixels = np.arange(7 * 9, dtype=np.float32).reshape(7, 9)
    expected = [[pixels[y : y + 3, x : x + 3].mean() for x in (0, 3, 6)] for y in (0, 3)]
    np.testing.assert_allclose(binMean(pixels, 3), expected, rtol=1e-6)
    mask = np.zeros((7, 9), dtype=np.int32)
    mask[1, 1], mask[2, 2], mask[4, 8], mask[6, 0] = 1, 4, 2, 8
    np.testing.assert_array_equal(binBits(mask, 3), [[5, 0, 0], [0, 0, 2]])


def test_narrow_overscan_is_used_whole() -> None:
    overscan = np.tile(np.float32([1, 2, 6, 7]), (4, 1))
    assert correctOverscan(RawAmplifier(np.zeros((4, 5), np.float32), overscan)).median == pytest.approx(4)
