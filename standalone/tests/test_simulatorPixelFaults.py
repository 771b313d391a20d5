# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Faults of the pixel level: what is drawn, what is added, and that the truth says so."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from lsst.cp.simulator import (
    Fault,
    FaultKind,
    FrameNoise,
    SimulateBiasIsrTask,
    addPixelFault,
    drawPixelFault,
    listExpectedResults,
    listInjectedFaults,
    parseFaults,
    shrinkCamera,
    simulateFrame,
)
from lsst.cp.simulator.correlatedNoise import makeRowNoise
from lsst.cp.simulator.events import addCosmicRays, addLine
from lsst.cp.simulator.faultKind import TRAITS
from lsst.cp.verify import CpVerifyBiasTask
from lsst.obs.lsst import Latiss, LsstComCam

SHAPE = (400, 300)
REGION = (slice(50, 350), slice(100, 250))
NOISE = 4.0
KINDS = [kind for kind in FaultKind if TRAITS[kind].isStructure]
INSIDE = [FaultKind.HOT_PIXEL, FaultKind.BRIGHT_COLUMN, FaultKind.ROW_PATTERN, FaultKind.COLUMN_PATTERN]
AMPLIFIERS = [(slice(y, y + 200), slice(x, x + 150)) for y in (0, 200) for x in (0, 150)]


def draw(kind, seed=1, **given):
    return drawPixelFault(kind, REGION, NOISE, np.random.default_rng(seed), **given)


def add(fault, shape=SHAPE):
    image = np.zeros(shape, dtype=np.float32)
    addPixelFault(image, fault)
    return image


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not FaultKind.DEAD_AMPLIFIER])
def test_drawn_values_are_in_their_ranges(kind) -> None:
    faults = [draw(kind, seed) for seed in range(200)]
    traits = TRAITS[kind]
    assert all(traits.drawn[0] <= fault.amplitude <= traits.drawn[1] for fault in faults)
    assert all(100 <= fault.x <= 249 and 50 <= fault.y <= 349 for fault in faults)
    assert {fault.size == 0 for fault in faults} == {not traits.sizeUnit}
    assert {fault.angle == 0 for fault in faults} == {"angle" not in traits.places}
    # Uniform numbers: the standard error of the mean of 200 is 2% of their range.
    middle = np.mean([fault.amplitude for fault in faults])
    assert middle == pytest.approx(np.mean(traits.drawn), abs=0.1 * np.ptp(traits.drawn))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_given_leaves_the_rest_as_it_is(kind) -> None:
    assert draw(kind, amplitude=0.5) == replace(draw(kind), amplitude=0.5)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not FaultKind.DEAD_AMPLIFIER])
def test_faults_of_the_drawn_amplitudes_are_harmless(kind) -> None:
    amplifiers = ("C00",) * TRAITS[kind].minAmplifiers
    assert Fault(kind, 0, amplifiers).expectedFailures == frozenset()


@pytest.mark.parametrize("kind", [*INSIDE, FaultKind.SCRATCH])
def test_nothing_outside_of_the_region(kind) -> None:
    for seed in range(20):
        image = add(draw(kind, seed))
        assert np.abs(image[REGION]).max() > 0
        image[45:355, 95:255] = 0
        assert not image.any()


def test_hot_pixel() -> None:
    image = add(draw(FaultKind.HOT_PIXEL, x=120, y=60, amplitude=8.0))
    assert image[60, 120] == pytest.approx(8 * NOISE)
    assert np.count_nonzero(image) == 1


@pytest.mark.parametrize("rows", [300, 117])
def test_bright_column_raises_its_mean(rows) -> None:
    fault = draw(FaultKind.BRIGHT_COLUMN, x=130, size=rows, amplitude=7.0)
    column = add(fault)[REGION][:, 30]
    assert np.count_nonzero(column) == rows
    assert np.mean(column) == pytest.approx(7 * NOISE / np.sqrt(300), rel=1e-5)
    assert np.flatnonzero(column).mean() + 50 == fault.y


def test_corner_glow() -> None:
    fault = draw(FaultKind.CORNER_GLOW, size=20.0, amplitude=2.0)
    assert fault.x in (100, 249)
    assert fault.y in (50, 349)
    image = add(fault)[REGION]
    corner = 0 if fault.y == 50 else -1, 0 if fault.x == 100 else -1
    assert image[corner] == image.max() == pytest.approx(2 * NOISE)
    step = 20 if corner[0] == 0 else -20
    assert image[corner[0] + step, corner[1]] == pytest.approx(2 * NOISE / math.e, rel=1e-5)


def test_dead_amplifier_replaces() -> None:
    image = np.ones(SHAPE, dtype=np.float32)
    addPixelFault(image, draw(FaultKind.DEAD_AMPLIFIER))
    assert not image[REGION].any()
    assert image.sum() == image.size - 300 * 150


def test_scratch_has_its_length_angle_and_height() -> None:
    fault = draw(FaultKind.SCRATCH, x=170, y=200, size=100, angle=30.0, amplitude=3.0)
    image = add(fault)
    rows, columns = np.nonzero(image > 0.5 * image.max())
    ends = np.argmin(columns), np.argmax(columns)
    length = np.hypot(np.ptp(columns[list(ends)]), np.ptp(rows[list(ends)]))
    assert length == pytest.approx(100, abs=3)
    assert np.degrees(np.arctan(np.polyfit(columns, rows, 1)[0])) == pytest.approx(30, abs=0.5)
    assert image.max() == pytest.approx(3 * NOISE, rel=0.05)
    assert ndimage.label(image > 0.5 * image.max(), np.ones((3, 3)))[1] == 1


def test_streak_crosses_the_detector() -> None:
    fault = drawPixelFault(
        FaultKind.STREAK,
        (slice(0, 400), slice(0, 300)),
        NOISE,
        np.random.default_rng(1),
        x=150.0,
        y=200.0,
        angle=20.0,
        size=2.0,
        amplitude=1.0,
    )
    image = add(fault)
    crests = image.argmax(axis=0)
    np.testing.assert_allclose(crests, 200 + (np.arange(300) - 150) * math.tan(math.radians(20)), atol=1)
    np.testing.assert_allclose(image.max(axis=0), NOISE, rtol=0.05)
    # Over a column, the profile is wider by the cosine.
    area = NOISE * np.sqrt(2 * np.pi * (4 + 1 / 12)) / math.cos(math.radians(20))
    np.testing.assert_allclose(image.sum(axis=0), area, rtol=1e-3)


def test_gradient() -> None:
    image = add(draw(FaultKind.GRADIENT, angle=210.0, amplitude=0.8))[REGION]
    assert np.ptp(image) == pytest.approx(0.8 * NOISE, rel=1e-4)
    assert abs(image.mean()) < 1e-5
    slope_y, slope_x = (np.diff(image, axis=axis).mean() for axis in (0, 1))
    assert np.degrees(np.arctan2(slope_y, slope_x)) % 360 == pytest.approx(210, abs=0.1)


@pytest.mark.parametrize(("kind", "axis"), [(FaultKind.ROW_PATTERN, 0), (FaultKind.COLUMN_PATTERN, 1)])
def test_patterns(kind, axis) -> None:
    image = add(draw(kind, size=10.0, amplitude=0.2))[REGION]
    assert image.std() == pytest.approx(0.2 * NOISE, rel=1e-3)
    assert np.ptp(image, axis=1 - axis).max() == pytest.approx(0, abs=1e-6)
    wave = image.take(0, axis=1 - axis)
    assert np.argmax(np.abs(np.fft.rfft(wave))) == len(wave) / 10


def test_a_place_outside_is_refused() -> None:
    with pytest.raises(ValueError, match="hotPixel: expected x from 100 to 249, got 99"):
        draw(FaultKind.HOT_PIXEL, x=99)


def test_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="hotNoise are no structures in the pixels"):
        draw(FaultKind.HOT_NOISE)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("hotNoise detector:0 amplifiers:C00 x:3", "this kind has no x"),
        ("hotPixel detector:0 amplifiers:C00 size:3 angle:2", "this kind has no angle or size"),
        ("hotPixel detector:0 amplifiers:C00,C01 x:3", "a place needs a single amplifier, got 2"),
        ("scratch detector:0 amplifiers:C00 size:0", "positive size"),
        ("streak detector:0 x:inf", "expected a finite place"),
        ("streak detector:0 amplifiers:C00", "expected no amplifiers, got 1"),
    ],
)
def test_refused(entry, message) -> None:
    with pytest.raises(ValueError, match=message):
        parseFaults([entry])


def test_places_are_written() -> None:
    fault = Fault(FaultKind.SCRATCH, 3, ("C00",), 2.5, x=3.5, y=4.0, size=20.0, angle=45.0)
    assert (
        fault.toText() == "scratch detector:3 amplifiers:C00 amplitude:2.5 x:3.5 y:4.0 size:20.0 angle:45.0"
    )
    assert parseFaults([fault.toText()]) == (fault,)


@pytest.mark.parametrize(("amplitude", "expected"), [(0.1, set()), (0.6, {"NOISE"})])
def test_strong_patterns_fail_the_noise(amplitude, expected) -> None:
    assert Fault(FaultKind.ROW_PATTERN, 0, ("C00",), amplitude).expectedFailures == expected


@pytest.fixture(scope="module")
def camera():
    return shrinkCamera(LsstComCam.getCamera(), 16)


def listInjected(faults, camera, seed=1):
    return listInjectedFaults(faults, camera, [7, 8], instrument="LSSTComCam", seed=seed)


def test_truth_has_each_amplifier_and_exposure(camera) -> None:
    faults = parseFaults(
        [
            "hotPixel detector:R22_S01 amplifiers:C00,C01",
            "streak detector:R22_S02 exposures:8",
            "hotPixel detector:3 amplifiers:C05",
            "missingDetector detector:3 exposures:7",
            "hotNoise detector:0 amplifiers:C00",
        ]
    )
    found = listInjected(faults, camera)
    assert [(item.exposure, item.detectorName, item.amplifier, item.fault.kind) for item in found] == [
        (7, "R22_S01", "C00", "hotPixel"),
        (7, "R22_S01", "C01", "hotPixel"),
        (8, "R22_S01", "C00", "hotPixel"),
        (8, "R22_S01", "C01", "hotPixel"),
        (8, "R22_S02", "", "streak"),
        (8, "R22_S10", "C05", "hotPixel"),
    ]


def test_defects_stay_and_streaks_move(camera) -> None:
    faults = parseFaults(["scratch detector:0 amplifiers:C00", "streak detector:0"])
    first, second = (
        [item.fault for item in listInjected(faults, camera) if item.exposure == e] for e in (7, 8)
    )
    assert first[0] == second[0]
    assert first[1] != second[1]
    assert listInjected(faults, camera, seed=2)[0].fault != first[0]


def test_equal_faults_are_at_different_places(camera) -> None:
    faults = parseFaults(["hotPixel detector:0 amplifiers:C00"] * 3)
    assert len({(item.fault.x, item.fault.y) for item in listInjected(faults, camera)}) == 3


def test_other_faults_do_not_move_afault(camera) -> None:
    faults = parseFaults(["gradient detector:0", "hotPixel detector:0 amplifiers:C00"])
    assert listInjected(faults, camera)[1] == listInjected(faults[1:], camera)[0]


def test_the_truth_is_what_the_task_adds(camera) -> None:
    lines = [
        "hotPixel detector:0 amplifiers:C00",
        "brightColumn detector:0 amplifiers:C03",
        "scratch detector:0 amplifiers:C11",
        "gradient detector:0",
        "rowPattern detector:0 amplifiers:C05",
        "columnPattern detector:0 amplifiers:C06",
        "cornerGlow detector:0 amplifiers:C13",
        "deadAmplifier detector:0 amplifiers:C14",
        "streak detector:0",
    ]

    def run(faults):
        task = SimulateBiasIsrTask(config=SimulateBiasIsrTask.ConfigClass(faults=faults))
        return task.run(camera, "LSSTComCam", 7, 0, 60000.0).outputExposure.image.array

    faulty = run(lines)
    expected = np.zeros_like(faulty)
    for item in listInjected(parseFaults(lines), camera):
        if item.exposure == 7:
            addPixelFault(expected, item.fault)
            if item.fault.kind is FaultKind.DEAD_AMPLIFIER:
                dead = item.fault.region
    assert np.ptp(faulty[dead]) == 0
    added = faulty - run([])
    added[dead] = expected[dead] = 0
    np.testing.assert_allclose(added, expected, atol=2e-3)


def test_pixel_faults_expect_no_failure(camera) -> None:
    faults = parseFaults(["hotPixel detector:0 amplifiers:C00", "streak detector:0"])
    (result,) = listExpectedResults(faults, camera, [7])
    assert (result.amplifier, result.failures, result.statistics) == ("C00", frozenset(), frozenset())


def test_the_strongest_harmless_faults_fail_no_test() -> None:
    """On amplifiers of full size, that is: a column is a larger part of a smaller one."""
    camera, exposure = Latiss.getCamera(), 7
    faults = parseFaults(
        [
            "hotPixel detector:0 amplifiers:C10 amplitude:200",
            "brightColumn detector:0 amplifiers:C11 amplitude:100 size:500",
            "scratch detector:0 amplifiers:C12 amplitude:10 size:300",
            "rowPattern detector:0 amplifiers:C13 amplitude:0.15",
            "columnPattern detector:0 amplifiers:C14 amplitude:0.15",
            "cornerGlow detector:0 amplifiers:C15 amplitude:4",
            "gradient detector:0 amplitude:1 angle:45",
            # All the way along one amplifier.
            "streak detector:0 x:100 y:100 angle:90 amplitude:1.5 size:2.5",
        ]
    )
    assert not any(fault.expectedFailures for fault in faults)
    task = SimulateBiasIsrTask(
        config=SimulateBiasIsrTask.ConfigClass(faults=[fault.toText() for fault in faults])
    )
    residual = task.run(camera, "LATISS", exposure, 0, 60000.0).outputExposure
    dimensions = {"instrument": "LATISS", "exposure": exposure, "detector": 0}
    verify = CpVerifyBiasTask(config=CpVerifyBiasTask.ConfigClass())
    stats = verify.run(residual, camera=camera, dimensions=dimensions).outputStats
    failed = {
        (amplifier, test)
        for amplifier, flags in stats["VERIFY"]["AMP"].items()
        for test, passed in flags.items()
        if not passed
    }
    assert failed == set()


def test_no_muon_ends_in_one_pixel() -> None:
    image = np.zeros((1000, 1000), dtype=np.float32)
    number = addCosmicRays(image, 400.0, np.random.default_rng(4))
    labels, _ = ndimage.label(image > 25, structure=np.ones((3, 3)))
    inside = np.unique(labels[3:-3, 3:-3])[1:]
    assert np.bincount(labels.ravel())[inside].min() > 1
    # Muons next to each other may merge; a track does not fall apart.
    assert 0.9 * number < len(inside) <= number


@pytest.mark.parametrize("end", [(40.0, 90.0), (12.0, 14.0), (10.0, 10.0)])
def test_line_keeps_its_charge(end) -> None:
    image = np.zeros((60, 110), dtype=np.float32)
    addLine(image, np.array([10.0, 10.0]), np.array(end), 500.0, 0.3)
    assert image.sum() == pytest.approx(500, rel=1e-5)
    centroid = [np.average(index, weights=image) for index in np.indices(image.shape)]
    np.testing.assert_allclose(centroid, (np.array(end) + 10) / 2 - 0.5, atol=1e-3)


def test_point_is_the_integral_of_agaussian() -> None:
    image = np.zeros((9, 9), dtype=np.float32)
    addLine(image, np.array([4.5, 4.5]), np.array([4.5, 4.5]), 1.0, 0.4)
    assert image[4, 4] == pytest.approx(math.erf(0.5 / 0.4 / math.sqrt(2)) ** 2, rel=1e-5)


def test_row_noise() -> None:
    noise = makeRowNoise((20_000, 64), np.random.default_rng(3))
    assert noise.std() == pytest.approx(1, rel=0.01)
    power = np.abs(np.fft.rfft(noise, axis=1)) ** 2
    low, high = power[:, 1].mean(), power[:, 4].mean()
    assert 2 < low / high < 8
    assert abs(np.mean(noise[1:] * noise[:-1])) < 0.01


def test_frame_has_the_stated_noise() -> None:
    noises = np.array([3.0, 4.0, 5.0, 6.0])
    model = FrameNoise(cosmicRayRate=0)
    image = simulateFrame(AMPLIFIERS, SHAPE, noises, 1, model=model)
    for amplifier, noise in zip(AMPLIFIERS, noises, strict=True):
        # 200 rows that share noise make its estimate uncertain by half a per cent.
        assert image[amplifier].std() == pytest.approx(noise, rel=0.02)
    rows = image[AMPLIFIERS[0]].mean(axis=1)
    assert rows.std() == pytest.approx(3 * np.sqrt(1 / 150 + model.rowFraction), rel=0.15)
    shared = np.corrcoef(image[AMPLIFIERS[0]].ravel(), image[AMPLIFIERS[3]].ravel())[0, 1]
    assert shared == pytest.approx(model.commonFraction, abs=0.02)


def test_frame_with_faults_differs_by_them_only() -> None:
    fault = draw(FaultKind.HOT_PIXEL, amplitude=9.0)
    clean, faulty = (simulateFrame(AMPLIFIERS, SHAPE, NOISE, 2, faults) for faults in ((), (fault,)))
    np.testing.assert_allclose(faulty - clean, add(fault), atol=1e-4)


def test_frame_depends_on_its_seed() -> None:
    first, again, other = (simulateFrame(AMPLIFIERS, SHAPE, NOISE, seed) for seed in ([1, 2], [1, 2], [1, 3]))
    np.testing.assert_array_equal(first, again)
    assert np.mean(first == other) < 1e-3
