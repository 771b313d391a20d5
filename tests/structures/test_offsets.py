# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Amplifiers that are off: one finding each, named after the one whose level is another."""

import numpy as np
import pytest

from lsst.analysis.cp.core.structures import DetectionThresholds, findStructures, measureSignificance

Y, X = np.mgrid[:600, :1024]


def _offsets(found):
    """Return amplitude by amplifier of what is listed but pixels, rows and columns."""
    kinds = ("offset", "glow", "gradient", "deadAmplifier", "cluster")
    rows = found.select(*kinds)
    return {
        (kind, int(amp)): float(a)
        for kind, amp, a in zip(rows.kind, rows.amplifier, rows.amplitude, strict=True)
    }


def _expectedOffset(image, amps, amp):
    """Return the median of an amplifier minus that of all others."""
    medians = np.array([np.median(image[box]) for box in amps])
    return medians[amp] - np.median(np.delete(medians, amp))


@pytest.mark.parametrize("size", [10, -10, 300])
@pytest.mark.parametrize("off", range(8))
def test_amplifier_that_is_off_is_one_finding(makeFrame, findIn, amps, off, size):
    image = makeFrame(65)
    image[amps[off]] += size
    found = findIn(image)
    assert found.kind.tolist() == ["offset"]
    assert found.amplifier.tolist() == [off]
    rows, columns = amps[off]
    assert (found.x[0], found.y[0]) == (
        (columns.start + columns.stop - 1) / 2,
        (rows.start + rows.stop - 1) / 2,
    )
    assert (found.width[0], found.height[0], found.nPixels[0]) == (256, 300, 256 * 300)
    assert found.amplitude[0] == pytest.approx(_expectedOffset(image, amps, off), abs=1)


def test_amplifiers_that_are_off_side_by_side_are_one_finding_each(makeFrame, findIn, amps):
    image = makeFrame(70)
    for off, size in {5: 10, 6: 20, 0: -15}.items():
        image[amps[off]] += size
    assert _offsets(findIn(image)) == pytest.approx(
        {("offset", 5): 10, ("offset", 6): 20, ("offset", 0): -15}, abs=1.5
    )


def test_half_of_a_detector_that_is_off_is_named_not_the_other_half(makeFrame, findIn, amps):
    image = makeFrame(71)
    image[300:] += 10
    assert _offsets(findIn(image)) == pytest.approx({("offset", amp): 10 for amp in range(4, 8)}, abs=1.5)


def test_offset_is_found_on_a_gradient(makeFrame, findIn, amps):
    image = makeFrame(72) + (0.05 * X - 0.02 * Y).astype(np.float32)
    image[amps[7]] += 10
    assert _offsets(findIn(image)) == pytest.approx({("gradient", -1): 63.2, ("offset", 7): 10}, abs=2)


@pytest.mark.parametrize("light", [0.05 * X, 400 - ((X - 511.5) ** 2 + (Y - 299.5) ** 2) / 2500])
def test_smooth_light_is_no_offset(makeFrame, findIn, light):
    assert len(findIn(makeFrame(66) + light.astype(np.float32)).select("offset")) == 0


def test_amplifier_with_a_gradient_of_its_own_is_one_finding(makeFrame, findIn, amps):
    image = makeFrame(73)
    image[amps[4]] += (8 * (X / 256 + Y / 300 - 1))[amps[0]]
    assert _offsets(findIn(image)).keys() == {("gradient", 4)}


def test_amplifier_may_be_off_and_have_a_gradient(makeFrame, findIn, amps):
    image = makeFrame(74)
    image[amps[6]] += (8 * (X / 256 - 0.5))[amps[0]] + 20
    found = _offsets(findIn(image))
    assert found.keys() == {("gradient", 6), ("offset", 6)}
    assert found["offset", 6] == pytest.approx(20, abs=1.5)


def _findIn(image, *widths):
    """Find the structures of amplifiers side by side."""
    edges = np.cumsum([0, *widths]).tolist()
    amps = tuple((slice(0, len(image)), slice(*ends)) for ends in zip(edges[:-1], edges[1:], strict=True))
    significance = measureSignificance(image, np.zeros(image.shape, bool), amps)
    return findStructures(significance, amps, DetectionThresholds.fromBudget(amps))


def test_glow_along_a_side_is_no_offset():
    image = np.random.default_rng(75).normal(0, 5, (640, 1536)).astype(np.float32)
    x = np.arange(512)
    image[:400, 512:1024] += (80 * np.exp(-x / 40)).astype(np.float32)
    found = _offsets(_findIn(image, 512, 512, 512)).keys()
    assert ("glow", 1) in found
    assert ("offset", 1) not in found
    assert ("offset", 0) not in found


def test_amplifier_beside_dead_ones_may_be_off(makeFrame, findIn, amps):
    image = makeFrame(76)
    image[amps[3]] = image[amps[6]] = 0
    image[amps[7]] += 10
    found = _offsets(findIn(image)).keys()
    assert found == {("deadAmplifier", 3), ("deadAmplifier", 6)}, "it shares no side with a live one"
    image[amps[5]] -= 10
    assert ("offset", 5) in _offsets(findIn(image)).keys()


def test_of_two_amplifiers_the_one_farther_from_zero_is_off():
    image = np.random.default_rng(77).normal(0, 5, (300, 400)).astype(np.float32)
    image[:, 200:] += 10
    found = _findIn(image, 200, 200)
    assert (found.kind.tolist(), found.amplifier.tolist()) == (["offset"], [1])
