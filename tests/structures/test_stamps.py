# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Postage stamps of structures."""

import numpy as np
import pytest
from astropy.table import Table
from numpy.testing import assert_array_equal

from lsst.analysis.cp.core.structures import (
    LINE_BINS,
    Structures,
    cutStamps,
    foremostStamps,
    joinStructures,
    stampsOfRows,
)

IMAGE = np.arange(200 * 300, dtype=np.float32).reshape(200, 300)
ALL = np.zeros(IMAGE.shape, dtype=bool)


def makeRow(kind="pixel", x=100.0, y=80.0, width=1, height=1, score=12.0, threshold=6.0):
    box = {"x": x, "y": y, "width": width, "height": height}
    rest = {"amplifier": 0, "nPixels": 1, "amplitude": 1.0}
    return Structures.make(kind, score=score, threshold=threshold, **box, **rest)


@pytest.mark.parametrize("size", [15, 16])
def test_small_structures_are_shown_pixel_by_pixel(size):
    (stamp,) = cutStamps(IMAGE, ALL, makeRow(), 7, number=3, size=size)
    assert (stamp.binning, stamp.detector, stamp.image.shape) == ((1, 1), 7, (size, size))
    # The pixel that contains the place of the structure, by its value.
    column, row = (int(np.floor(100 - stamp.left)), int(np.floor(80 - stamp.bottom)))
    assert stamp.image[row, column] == 80 * 300 + 100
    assert {column, row} <= {(size - 1) // 2, size // 2}


def test_a_short_line_is_shown_pixel_by_pixel():
    (stamp,) = cutStamps(IMAGE, ALL, makeRow("column", 50.0, 99.5, 1, 30), 0, number=1, size=32)
    assert stamp.binning == (1, 1)
    rows = slice(int(stamp.bottom + 0.5), int(stamp.bottom + 0.5) + 32)
    columns = slice(int(stamp.left + 0.5), int(stamp.left + 0.5) + 32)
    assert_array_equal(stamp.image, IMAGE[rows, columns])


@pytest.mark.parametrize("kind", ["column", "row"])
def test_a_faint_line_stands_out_in_its_stamp(kind):
    noise = np.random.default_rng(3).normal(0, 10.0, (300, 400)).astype(np.float32)
    # 12 sigma of the mean of 200 pixels, but less than one of each.
    noise[50:250, 60] += 12 * 10 / np.sqrt(200)
    excluded = np.zeros(noise.shape, dtype=bool)
    excluded[120:130] = True
    box = {"x": 60.0, "y": 149.5, "width": 1, "height": 200}
    image, none = noise, excluded
    if kind == "row":
        box = {"x": box["y"], "y": box["x"], "width": 200, "height": 1}
        image, none = noise.T, excluded.T
    (stamp,) = cutStamps(image, none, makeRow(kind, **box), 0, number=1, size=32)
    left, right, bottom, top = stamp.extent
    shown, along, ends = stamp.image, (bottom, top), (left, right)
    if kind == "row":
        shown, along, ends = shown.T, ends, along
    assert (shown.shape, sorted(stamp.binning)) == ((LINE_BINS, 32), [1, 19])
    assert along[1] - along[0] == LINE_BINS * 19
    # All of the line is there, and it is where the axes say.
    assert along[0] < 50 < 250 < along[1]
    column = int(np.floor(60 - ends[0]))
    inner = shown[4:12]
    others = np.delete(inner.mean(axis=0), column)
    assert inner.mean(axis=0)[column] > others.mean() + 6 * others.std()
    # A mean by hand, in a bin with excluded pixels.
    first = round(along[0] + 0.5)
    part = (119 - first) // 19
    rows = np.arange(first + 19 * part, first + 19 * (part + 1))
    rows = rows[~excluded[rows, 0]]
    assert len(rows) < 19
    assert shown[part, column] == pytest.approx(noise[rows, 60].astype(float).mean(), rel=1e-5)


def test_wide_structures_are_shown_with_their_surroundings():
    (stamp,) = cutStamps(IMAGE, ALL, makeRow("glow", 150.0, 100.0, 64, 40), 0, number=1, size=32)
    assert stamp.binning == (3, 3)
    assert stamp.extent == (stamp.left, stamp.left + 96, stamp.bottom, stamp.bottom + 96)
    assert stamp.left < 150 - 32 < 150 + 32 < stamp.left + 96
    first = int(stamp.bottom + 0.5), int(stamp.left + 0.5)
    assert stamp.image[4, 5] == pytest.approx(
        IMAGE[first[0] + 12 : first[0] + 15, first[1] + 15 : first[1] + 18].mean()
    )


@pytest.mark.parametrize(("x", "y"), [(0.0, 0.0), (299.0, 199.0), (299.0, 0.0)])
def test_beyond_the_detector_there_is_no_value(x, y):
    excluded = ALL.copy()
    excluded[100] = True
    (stamp,) = cutStamps(IMAGE, excluded, makeRow(x=x, y=y), 0, number=1, size=20)
    assert stamp.image.shape == (20, 20)
    seen = [
        np.isin(np.arange(20) + first + 0.5, np.arange(end)).sum()
        for first, end in ((stamp.left, 300), (stamp.bottom, 200))
    ]
    assert np.isfinite(stamp.image).sum() == np.prod(seen) < 200
    column, row = int(np.floor(x - stamp.left)), int(np.floor(y - stamp.bottom))
    assert stamp.image[row, column] == y * 300 + x


def test_excluded_pixels_have_no_value():
    excluded = ALL.copy()
    excluded[81, 99] = True
    (stamp,) = cutStamps(IMAGE, excluded, makeRow(), 0, number=1, size=16)
    assert np.isnan(stamp.image).sum() == 1
    assert np.isnan(stamp.image[int(81 - stamp.bottom), int(99 - stamp.left)])


@pytest.mark.parametrize("size", [16, 64])
def test_masked_pixels_have_no_value(size):
    hidden = np.random.default_rng(4).random(IMAGE.shape) < 0.3
    rows = joinStructures([makeRow(), makeRow("glow", 100.0, 80.0, 64, 64)])
    expected = cutStamps(np.where(hidden, np.nan, IMAGE), ALL, rows, 0, number=2, size=size)
    spoilt = np.where(hidden, 1e300, IMAGE)
    for image, excluded in (
        (np.ma.MaskedArray(spoilt, hidden), ALL),
        (spoilt, hidden),
        (spoilt, np.ma.MaskedArray(ALL, hidden)),
    ):
        for one, other in zip(
            cutStamps(image, excluded, rows, 0, number=2, size=size), expected, strict=True
        ):
            assert_array_equal(one.image, other.image)


def test_the_foremost_of_all_detectors_are_kept_and_events_are_not():
    rows = [makeRow("event", score=900.0), makeRow(x=5.0, score=20.0), makeRow("row", y=9.0, score=8.0)]
    stamps = cutStamps(IMAGE, ALL, joinStructures(rows), 3, number=5, size=8)
    assert [stamp.kind for stamp in stamps] == ["pixel", "row"]
    others = cutStamps(IMAGE, ALL, makeRow("glow", score=10.0), 4, number=5, size=8)
    assert [stamp.detector for stamp in foremostStamps([*stamps, *others], 2)] == [3, 4]


def test_stamps_are_found_by_rank():
    rows = [makeRow(x=5.0, score=20.0), makeRow(x=6.0, score=30.0)]
    stamps = cutStamps(IMAGE, ALL, joinStructures(rows), 3, number=5, size=8)
    names = ("detector", "kind", "x", "y")
    table = Table(
        rows=[(3, "pixel", 6.0, 80.0), (3, "event", 1.0, 1.0), (3, "pixel", 5.0, 80.0)], names=names
    )
    assert [(row, stamp.x) for row, stamp in stampsOfRows(stamps, table, 2)] == [(0, 6.0), (2, 5.0)]
    assert [row for row, _ in stampsOfRows(stamps[1:], table, 2)] == [2]
