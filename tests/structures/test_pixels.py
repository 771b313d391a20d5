# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Single pixels, and groups of touching ones."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.ndimage import label
from scipy.special import ndtr

from lsst.analysis.cp.core.images import binImage
from lsst.analysis.cp.core.structures import (
    STRUCTURE_KINDS,
    DetectionThresholds,
    Structures,
    findStructures,
    joinStructures,
    markStructures,
    measureSignificance,
)


def addMuons(image, number, rng):
    """Add the charge of muons, diffused by 0.3 pixels."""
    y, x = np.ogrid[:15, :15]
    for _ in range(number):
        start = rng.integers(0, image.shape[0] - 15), rng.integers(0, image.shape[1] - 15)
        center = rng.uniform(3, 11, 2)
        slope = rng.uniform(-0.2, 0.2, 2)
        for step in range(10):
            parts = []
            for axis, at in ((y, center[0] + slope[0] * step), (x, center[1] + slope[1] * step)):
                parts.append(ndtr((axis + 0.5 - at) / 0.3) - ndtr((axis - 0.5 - at) / 0.3))
            image[start[0] : start[0] + 15, start[1] : start[1] + 15] += 600 * parts[0] * parts[1]


def test_clean_frame_has_no_structure(makeFrame, findIn):
    assert len(findIn(makeFrame(1))) == 0


@pytest.mark.parametrize("height", [100, -100])
def test_pixel_is_found_where_it_is(makeFrame, findIn, height):
    image = makeFrame(2)
    image[410, 333] = height
    found = findIn(image)
    assert found.kind.tolist() == ["pixel"]
    assert (found.x[0], found.y[0], found.width[0], found.height[0]) == (333, 410, 1, 1)
    assert found.amplifier[0] == 5
    assert found.nPixels[0] == 1
    assert found.amplitude[0] == pytest.approx(height, abs=2)
    assert found.score[0] == pytest.approx(20, rel=0.05)
    assert found.threshold[0] == 6.2


@pytest.mark.parametrize(("down", "right"), [(0, 1), (1, 0), (1, 1), (1, -1)])
def test_touching_pixels_are_an_event(makeFrame, findIn, down, right):
    image = makeFrame(3)
    image[200, 100] += 500
    image[200 + down, 100 + right] += 50
    found = findIn(image)
    assert found.kind.tolist() == ["event"]
    assert found.nPixels[0] == 2
    assert (found.width[0], found.height[0]) == (1 + abs(right), 1 + down)
    assert (found.x[0], found.y[0]) == (100 + right / 2, 200 + down / 2)
    assert found.amplitude[0] == pytest.approx(500, abs=20)


def test_pixels_of_one_row_apart_are_two(makeFrame, findIn):
    image = makeFrame(4)
    image[200, 100] = image[200, 102] = 100
    assert findIn(image).kind.tolist() == ["pixel", "pixel"]


def test_ends_of_rows_do_not_touch(makeFrame, findIn):
    image = makeFrame(5)
    image[200, 1023] = image[201, 0] = 100
    found = findIn(image)
    assert found.kind.tolist() == ["event", "event"]
    assert_array_equal(np.sort(found.x), [0, 1023])


@pytest.mark.parametrize(("y", "x"), [(0, 100), (599, 100), (100, 0), (100, 1023), (0, 0)])
def test_pixel_on_the_border_may_be_a_cut_event(makeFrame, findIn, y, x):
    image = makeFrame(6)
    image[y, x] = 100
    assert findIn(image).kind.tolist() == ["event"]


def test_pixel_beside_an_excluded_one_may_be_a_cut_event(makeFrame, findIn):
    image = makeFrame(7)
    image[100, 100] = 100
    excluded = np.zeros(image.shape, dtype=bool)
    excluded[101, 101] = True
    assert findIn(image, excluded).kind.tolist() == ["event"]


def test_event_crosses_amplifiers(makeFrame, findIn):
    image = makeFrame(8)
    image[298:302, 255:257] = 200
    found = findIn(image)
    assert found.kind.tolist() == ["event"]
    assert found.nPixels[0] == 8


def test_cosmic_rays_are_events(makeFrame, findIn):
    image = makeFrame(9)
    addMuons(image, 100, np.random.default_rng(9))
    found = findIn(image)
    assert set(found.kind) == {"event"}
    assert 80 < len(found) <= 100


def test_groups_are_those_of_scipy(makeFrame, amps):
    image = makeFrame(10)
    rng = np.random.default_rng(10)
    image[rng.random(image.shape) < 0.003] += 80
    significance = measureSignificance(image, np.zeros(image.shape, dtype=bool), amps)
    far = np.abs(significance.values) > 4.5
    labels, number = label(far, np.ones((3, 3)))
    thresholds = DetectionThresholds(pixel=4.5, column=90, row=90, extended=90)
    found = findStructures(significance, amps, thresholds, maxPerKind=10**6)
    assert number > 1000
    assert len(found) == number
    assert_array_equal(np.sort(found.nPixels), np.sort(np.bincount(labels.ravel())[1:]))


def test_long_thin_group_is_a_streak(makeFrame, findIn):
    image = makeFrame(11)
    along = np.arange(200)
    image[100 + along // 2, 30 + along] = 100
    found = findIn(image)
    assert found.kind.tolist() == ["streak"]
    assert (found.width[0], found.height[0], found.nPixels[0]) == (200, 100, 200)


def test_large_group_is_a_cluster(makeFrame, findIn):
    image = makeFrame(12)
    image[100:120, 100:118] += 100
    found = findIn(image)
    assert found.kind.tolist() == ["cluster"]
    assert found.nPixels[0] == pytest.approx(360, abs=3)


def test_crowded_amplifier_is_one_cluster(makeFrame, findIn, amps):
    image = makeFrame(13)
    hot = np.random.default_rng(13).random((300, 256)) < 0.05
    image[amps[6]][hot] += 500
    found = findIn(image)
    assert found.kind.tolist() == ["cluster"]
    assert found.amplifier[0] == 6
    assert found.nPixels[0] == hot.sum()
    assert (found.x[0], found.y[0], found.width[0], found.height[0]) == (639.5, 449.5, 256, 300)


@pytest.mark.parametrize(("height", "width"), [(100, 150), (40, 200), (200, 60), (250, 250)])
def test_large_block_is_not_cut_into_rows(makeFrame, findIn, height, width):
    image = makeFrame(17)
    image[310 : 310 + height, 514 : 514 + width] = 1e5
    found = findIn(image)
    assert len(found.select("row", "column", "pixel")) == 0
    assert found.select("cluster", "glow", "offset", "deadAmplifier").amplifier.min() >= 0
    assert len(found) <= 5
    assert (found.amplifier == 6).any()


@pytest.mark.parametrize("width", [2, 12, 31])
def test_adjacent_columns_are_one(makeFrame, findIn, width):
    image = makeFrame(18)
    image[300:, 600 : 600 + width] += 300
    columns = findIn(image).select("column")
    assert (columns.x[0], columns.width[0]) == (600 + (width - 1) / 2, width)


def test_list_is_cut_but_counted(makeFrame, findIn):
    image = makeFrame(14)
    image[10:590:20, 10:1010:50] += np.arange(100, 680)[: 29 * 20].reshape(29, 20)
    found = findIn(image, maxPerKind=5)
    assert found.kind.tolist() == ["pixel"] * 5
    assert_array_equal(found.nFound, 29 * 20)
    assert found.amplitude[0] == pytest.approx(679, abs=20)


def test_noise_of_cauchy_is_bounded(findIn):
    image = np.random.default_rng(15).standard_cauchy((600, 1024)).astype(np.float32)
    assert len(findIn(image)) < 100


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_detector_without_pixels_has_no_structure(findIn, value):
    assert len(findIn(np.full((600, 1024), value, dtype=np.float32))) == 0


def test_amplifiers_must_be_those_measured(makeFrame, amps):
    image = makeFrame(16)
    significance = measureSignificance(image, np.zeros(image.shape, dtype=bool), amps)
    with pytest.raises(ValueError, match="Expected 8 amplifiers as measured, got 7"):
        findStructures(significance, amps[:7], DetectionThresholds.fromBudget(amps))


@pytest.mark.parametrize("factor", [7, 16, 64])
def test_what_is_found_is_visible_in_the_binned_significance(makeFrame, findIn, amps, factor):
    image = makeFrame(17)
    image[:300, 700] += 8 * 5 / np.sqrt(300)
    image[410, 333] = 60
    found = findIn(image)
    assert set(found.kind) == {"pixel", "column"}
    values = measureSignificance(image, np.zeros(image.shape, dtype=bool), amps).values
    binned = binImage(np.abs(values), factor, "max")
    before = binned.copy()
    marked = markStructures(binned, factor, found)
    assert_array_equal(binned, before)
    column = found.select("column")
    assert np.all(marked[: 300 // factor, 700 // factor] >= np.float32(column.score[0]))
    assert marked[410 // factor, 333 // factor] >= np.float32(found.select("pixel").score[0])
    changed = np.argwhere(marked != binned)
    assert set(changed[:, 1]) == {700 // factor}


def test_marks_keep_empty_bins(findIn, makeFrame):
    image = makeFrame(18)
    image[:300, 700] += 5
    marked = markStructures(np.full((38, 64), np.nan, dtype=np.float32), 16, findIn(image))
    assert np.isnan(marked).all()


def test_kinds_are_selected(makeFrame, findIn):
    image = makeFrame(19)
    image[100, 100] = image[200, 200] = image[200, 201] = 100
    found = findIn(image)
    assert found.select("pixel").kind.tolist() == ["pixel"]
    assert len(found.select("pixel", "event")) == 2
    with pytest.raises(ValueError, match=r"Unknown kinds \['pixels'\]; expected some of pixel, column"):
        found.select("pixels")


def test_join_keeps_all_rows(makeFrame, findIn):
    image = makeFrame(20)
    image[100, 100] = 100
    found = findIn(image)
    joined = joinStructures([found, findIn(makeFrame(20)), found])
    assert joined.x.tolist() == [100, 100]
    assert len(joinStructures([])) == 0


def test_every_column_has_a_row_each(makeFrame, findIn):
    image = makeFrame(21)
    image[100, 100] = image[200, 200] = image[200, 201] = 100
    found = findIn(image)
    assert {len(getattr(found, field.name)) for field in dataclasses.fields(Structures)} == {2}
    assert set(found.kind) <= set(STRUCTURE_KINDS)
