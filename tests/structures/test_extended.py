# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Structures wider than the boxes of the background."""

import numpy as np
import pytest

from lsst.analysis.cp.core.structures import DetectionThresholds, findStructures, measureSignificance

Y, X = np.mgrid[:600, :1024]


def test_gradient_of_the_detector_is_one(makeFrame, findIn):
    found = findIn(makeFrame(61) + (4 * X / 1024 - 2 * Y / 600).astype(np.float32))
    assert found.select("gradient").amplifier.tolist() == [-1]
    assert found.select("gradient").amplitude[0] == pytest.approx(6, rel=0.2)
    assert (found.x[0], found.y[0], found.width[0], found.height[0]) == (511.5, 299.5, 1024, 600)


def test_gradient_of_one_amplifier_is_its_own(makeFrame, findIn, amps):
    image = makeFrame(62)
    image[amps[6]] += 4 * (X / 256)[amps[0]]
    found = findIn(image).select("gradient")
    assert found.amplifier.tolist() == [6]
    assert found.amplitude[0] == pytest.approx(4, rel=0.2)


def test_glow_is_found_in_its_corner(makeFrame, findIn, amps):
    image = makeFrame(63)
    image[amps[1]] += 20 * np.exp(-np.hypot(Y, X) / 40)[amps[0]]
    found = findIn(image).select("glow")
    assert found.amplifier.tolist() == [1]
    assert found.x[0] < 256 + 96
    assert found.y[0] < 96
    assert found.amplitude[0] > 5


def test_hollow_is_a_glow_below_the_level(makeFrame, findIn, amps):
    image = makeFrame(64)
    image[amps[2]] -= 5 * np.exp(-0.5 * ((Y - 150) ** 2 + (X - 128) ** 2) / 40**2)[amps[0]]
    found = findIn(image).select("glow")
    assert found.amplifier.tolist() == [2]
    assert found.amplitude[0] < -2
    assert abs(found.x[0] - 640) < 40
    assert abs(found.y[0] - 150) < 40


@pytest.mark.parametrize("noise", [0.0, 1e-4])
def test_dead_amplifier(makeFrame, findIn, amps, noise):
    image = makeFrame(67)
    image[amps[3]] = np.random.default_rng(67).normal(0, noise, (300, 256))
    image[50, 800] += 100
    found = findIn(image)
    assert found.kind.tolist() == ["deadAmplifier"]
    assert found.amplifier[0] == 3
    assert found.amplitude[0] == pytest.approx(noise, rel=0.05)
    assert (found.x[0], found.y[0], found.width[0], found.height[0]) == (895.5, 149.5, 256, 300)


def test_amplifier_of_low_noise_is_not_dead(makeFrame, findIn):
    assert len(findIn(makeFrame(68, [5, 5, 5, 2, 5, 5, 9, 9]))) == 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 100), (100, 1), (2, 50), (3, 3), (65, 65), (65, 1)])
@pytest.mark.parametrize("value", [None, 65535])
def test_amplifiers_of_any_size_are_searched(shape, value):
    image = np.random.default_rng(68).normal(0, 5, shape) if value is None else np.full(shape, value)
    image[-1, -1] += 0 if value else 1000
    amps = [tuple(slice(0, n) for n in shape)]
    significance = measureSignificance(image, np.zeros(shape, dtype=bool), amps)
    found = findStructures(significance, amps, DetectionThresholds.fromBudget(amps))
    if image.size < 20:
        assert significance.unsearched[0]
    else:
        assert (found.kind.tolist() == ["deadAmplifier"]) == (value is not None)
        assert len(found) > 0


def test_excluded_amplifier_is_not_dead(makeFrame, findIn, amps):
    image = makeFrame(69)
    image[amps[3]] = np.nan
    assert len(findIn(image)) == 0


def test_constant_detector_is_dead_throughout(findIn):
    found = findIn(np.full((600, 1024), 3, dtype=np.float32))
    assert found.kind.tolist() == ["deadAmplifier"] * 8
