# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Rows and columns, and amplifiers of which they scatter."""

import numpy as np
import pytest

from lsst.analysis.cp.core.structures import joinStructures


@pytest.mark.parametrize("sign", [1, -1])
def test_faint_column_is_found(makeFrame, findIn, amps, sign):
    # Ten times the noise of the mean of 300 pixels: 0.6 noises a pixel.
    height = sign * 10 * 5 / np.sqrt(300)
    image = makeFrame(31)
    image[amps[5]][:, 100] += height
    found = findIn(image)
    assert found.kind.tolist() == ["column"]
    assert (found.x[0], found.y[0], found.width[0], found.height[0]) == (356, 449.5, 1, 300)
    assert found.amplifier[0] == 5
    assert found.score[0] == pytest.approx(10, abs=4)
    assert found.amplitude[0] == pytest.approx(height, abs=4 * 5 / np.sqrt(300))


def test_faint_row_is_found(makeFrame, findIn, amps):
    image = makeFrame(32)
    image[amps[2]][40] += 20 * 5 / np.sqrt(256)
    found = findIn(image)
    assert found.kind.tolist() == ["row"]
    assert (found.x[0], found.y[0], found.width[0], found.height[0]) == (639.5, 40, 256, 1)


def test_adjacent_columns_are_one(makeFrame, findIn):
    image = makeFrame(33)
    image[:300, 20:23] += 5
    found = findIn(image)
    assert found.kind.tolist() == ["column"]
    assert (found.x[0], found.width[0], found.nPixels[0]) == (21, 3, 900)


def test_opposite_neighbours_are_two(makeFrame, findIn):
    image = makeFrame(34)
    image[:300, 20] += 5
    image[:300, 21] -= 5
    assert findIn(image).kind.tolist() == ["column", "column"]


@pytest.mark.parametrize("noises", [2, 3.7, 6, 50, 1e4])
def test_bright_column_is_not_taken_apart(makeFrame, findIn, noises):
    image = makeFrame(35)
    image[:300, 700] += 5 * noises
    found = findIn(image)
    assert found.kind.tolist() == ["column"]
    assert found.amplitude[0] == pytest.approx(5 * noises, rel=0.2)


def test_column_of_a_hundred_rows_is_found(makeFrame, findIn):
    image = makeFrame(36)
    image[100:200, 700] += 50
    found = findIn(image)
    assert found.kind.tolist() == ["column"]
    assert found.amplitude[0] == pytest.approx(50 / 3, rel=0.15)


def test_bright_pixel_on_a_column_is_found(makeFrame, findIn):
    image = makeFrame(37)
    image[:300, 700] += 5
    image[150, 700] += 500
    assert findIn(image).kind.tolist() == ["pixel", "column"]


def test_column_of_both_signs_is_found(makeFrame, findIn):
    image = makeFrame(38)
    image[:300, 700] += np.random.default_rng(38).choice([-100, 100], 300)
    assert findIn(image).kind.tolist() == ["column"]


def test_outlier_does_not_make_a_column(makeFrame, findIn):
    image = makeFrame(39)
    image[100, 700] = 1e6
    image[200:230, 500:502] = 1e5
    assert set(findIn(image).kind) == {"pixel", "event"}


def test_column_crosses_a_bright_row(makeFrame, findIn):
    image = makeFrame(40)
    image[100, 512:768] += 1000
    image[:300, 700] += 500
    found = findIn(image)
    assert sorted(found.kind) == ["column", "row"]
    assert found.select("row").amplitude[0] == pytest.approx(1000, rel=0.02)
    assert found.select("column").amplitude[0] == pytest.approx(500, rel=0.02)


def test_partly_excluded_column_is_found(makeFrame, findIn):
    image = makeFrame(41)
    image[:300, 700] += 5
    image[:200, 700] = np.nan
    found = findIn(image)
    assert found.kind.tolist() == ["column"]
    assert found.nPixels[0] == 100
    assert found.score[0] == pytest.approx(10, abs=4)


def test_nearly_excluded_column_is_not_looked_at(makeFrame, findIn):
    image = makeFrame(42)
    excluded = np.zeros(image.shape, dtype=bool)
    excluded[:280, 700] = True
    image[280:300, 700] += 15
    assert len(findIn(image, excluded).select("column")) == 0


def test_columns_that_all_scatter_are_a_pattern(makeFrame, findIn, amps):
    image = makeFrame(43)
    image[amps[3]] += np.random.default_rng(43).normal(0, 1.0, 256)
    found = findIn(image)
    assert found.kind.tolist() == ["columnPattern"]
    assert found.amplifier[0] == 3
    assert found.amplitude[0] == pytest.approx(1.0, rel=0.2)


def test_columns_that_scatter_in_all_amplifiers_are_no_columns(makeFrame, findIn):
    rng = np.random.default_rng(44)
    found = joinStructures(
        findIn(makeFrame(seed) + rng.normal(0, 0.3, 1024).astype(np.float32)) for seed in range(50, 60)
    )
    assert len(found.select("column")) == 0


def test_wave_along_columns_is_a_row_pattern(makeFrame, findIn, amps):
    image = makeFrame(45)
    image[amps[4]] += 4 * np.sin(2 * np.pi * np.arange(300) / 11)[:, None]
    found = findIn(image)
    assert found.kind.tolist() == ["rowPattern"]
    assert found.amplitude[0] == pytest.approx(4 / np.sqrt(2), rel=0.15)
