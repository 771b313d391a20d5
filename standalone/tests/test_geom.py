# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Points, boxes and angles, against sets of pixels and plain arithmetic."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsst.geom import (
    Angle,
    Box2D,
    Box2I,
    Extent2D,
    Extent2I,
    Point2D,
    Point2I,
    Point3D,
    SpherePoint,
    arcseconds,
    degrees,
    radians,
)

# A busy machine is no failure.
steady = settings(deadline=None)

coordinates = st.integers(-6, 6)
points = st.builds(Point2I, coordinates, coordinates)
boxes = st.builds(lambda a, b: Box2I(a, b, invert=False), points, points)


def pixelsOf(box: Box2I) -> set[tuple[int, int]]:
    """Return the pixels of a box as a set, found by their limits alone."""
    return {
        (x, y)
        for x in range(box.minX, box.maxX + 1)
        for y in range(box.minY, box.maxY + 1)
        if not box.isEmpty()
    }


@steady
@given(boxes, boxes)
def test_clipped_to_is_intersection(a: Box2I, b: Box2I):
    assert pixelsOf(a.clippedTo(b)) == pixelsOf(a) & pixelsOf(b)
    assert a.overlaps(b) == bool(pixelsOf(a) & pixelsOf(b))


@steady
@given(boxes, boxes)
def test_contains_is_subset(a: Box2I, b: Box2I):
    assert a.contains(b) == (pixelsOf(b) <= pixelsOf(a))


@steady
@given(boxes, points)
def test_contains_point(box: Box2I, point: Point2I):
    assert box.contains(point) == (point in box) == (tuple(point) in pixelsOf(box))


@steady
@given(boxes, boxes)
def test_expanded_to_is_smallest_that_holds_both(a: Box2I, b: Box2I):
    together = pixelsOf(a) | pixelsOf(b)
    expected = Box2I()
    if together:
        xs, ys = zip(*together, strict=True)
        expected = Box2I(Point2I(min(xs), min(ys)), Point2I(max(xs), max(ys)))
    assert a.expandedTo(b) == expected


@steady
@given(boxes, coordinates, coordinates)
def test_shifted_by_moves_each_pixel(box: Box2I, dx: int, dy: int):
    assert pixelsOf(box.shiftedBy(Extent2I(dx, dy))) == {(x + dx, y + dy) for x, y in pixelsOf(box)}


@steady
@given(boxes)
def test_box_of_floats_covers_the_pixels(box: Box2I):
    area = Box2D(box)
    assert area.getWidth() * area.getHeight() == len(pixelsOf(box))
    assert Box2I(area, Box2I.SHRINK) == box


@steady
@given(boxes)
def test_box_survives_pickling_and_copying(box: Box2I):
    assert pickle.loads(pickle.dumps(box)) == Box2I(box) == box


@steady
@given(boxes, st.integers(20, 30))
def test_flipping_twice_is_nothing(box: Box2I, width: int):
    flipped = Box2I(box)
    flipped.flipLR(width)
    assert pixelsOf(flipped) == {(width - 1 - x, y) for x, y in pixelsOf(box)}
    flipped.flipTB(width)
    flipped.flipLR(width)
    flipped.flipTB(width)
    assert flipped == box


def test_maximum_of_pixels_is_inclusive():
    box = Box2I(Point2I(3, 4), Extent2I(10, 20))
    assert (box.getMax(), box.getEndX(), box.getEndY()) == (Point2I(12, 23), 13, 24)
    assert [tuple(corner) for corner in box.getCorners()] == [(3, 4), (12, 4), (12, 23), (3, 23)]


def test_constructors_by_name():
    expected = Box2I(Point2I(1, 2), Extent2I(3, 4))
    assert Box2I(corner=Point2I(1, 2), dimensions=Extent2I(3, 4)) == expected
    assert Box2I(minimum=Point2I(1, 2), maximum=Point2I(3, 5)) == expected
    assert Box2I(other=expected) == expected


def test_reversed_limits_are_swapped_unless_told_not_to():
    assert Box2I(Point2I(5, 5), Point2I(3, 9)) == Box2I(Point2I(3, 5), Point2I(5, 9))
    assert Box2I(Point2I(5, 5), Extent2I(-3, 2)) == Box2I(Point2I(3, 5), Extent2I(3, 2))
    assert Box2I(Point2I(5, 5), Point2I(3, 9), invert=False).isEmpty()
    assert Box2D(Point2D(1, 1), Point2D(0, 0)) == Box2D(Point2D(0, 0), Point2D(1, 1))
    assert Box2D(Point2D(1, 1), Point2D(0, 0), invert=False).isEmpty()


def test_empty_boxes():
    assert Box2I(Point2I(2, 3), Extent2I(0, 5)).isEmpty()
    assert (Box2I().getWidth(), Box2I().getHeight(), Box2D().getWidth()) == (0, 0, 0.0)
    assert Box2D(Point2D(1, 1), Point2D(1, 2)).isEmpty()
    assert Box2D() == Box2D()


def test_box_of_floats_is_half_open():
    box = Box2D(Point2D(0, 0), Extent2D(2, 1))
    assert box.contains(Point2D(0, 0))
    assert not box.contains(Point2D(2, 0.5))
    assert box.contains(Box2D(Point2D(1, 0), Point2D(2, 1)))
    np.testing.assert_array_equal(
        box.contains(np.array([0.0, 1.9, 2.0]), np.full(3, 0.5)), [True, True, False]
    )


def test_expanding_takes_pixels_that_are_touched():
    box = Box2D(Point2D(0.6, 0.6), Point2D(2.4, 2.6))
    assert Box2I(box) == Box2I(Point2I(1, 1), Point2I(2, 3))
    assert Box2I(box, Box2I.SHRINK) == Box2I(Point2I(2, 2), Point2I(1, 2), invert=False)


@pytest.mark.parametrize(
    "arguments", [(1, 2), (Point2D(0, 0), Point2D(1, 1)), (Point2I(), 3), ("x",), (1, 2, 3)]
)
def test_box_refuses_other_types(arguments: tuple[object, ...]):
    with pytest.raises(TypeError, match="Box2I"):
        Box2I(*arguments)


def test_box_of_infinite_floats_is_refused():
    with pytest.raises(ValueError, match="not finite"):
        Box2I(Box2D(Point2D(0, 0), Point2D(math.inf, 1)))


def test_arithmetic_of_points_and_extents():
    assert Point2I(1, 2) + Extent2I(3, 4) == Point2I(4, 6)
    assert Point2I(1, 2) + Extent2D(0.5, 0.5) == Point2D(1.5, 2.5)
    assert Point2I(4, 6) - Point2I(1, 2) == Extent2I(3, 4)
    assert Extent2I(3, 4) * 2 == Extent2I(6, 8)
    assert Extent2I(3, 4) / 2 == Extent2D(1.5, 2.0)
    assert Extent2I(-3, 4) // 2 == Extent2I(-2, 2)
    assert -Extent2D(1, -2) == Extent2D(-1, 2)
    with pytest.raises(TypeError):
        Point2I(1, 2) + Point2I(1, 2)


def test_conversion_of_points():
    assert Point2I(Point2D(1.5, -0.6)) == Point2I(2, -1)
    assert Point2D(np.array([1.0, 2.0])) == Point2D([1, 2]) == Point2D(x=1, y=2)
    assert Point2D(Point2I(1, 2)) == Point2D(1.0, 2.0)
    assert Point2D(1.0, 2.0) != Point2I(1, 2)
    assert tuple(Point3D(1, 2, 3)) == (1.0, 2.0, 3.0)


def test_points_can_be_changed():
    point = Point2I(1, 2)
    copy = point.clone()
    point.x, point[1] = 5, 6
    assert (point, copy) == (Point2I(5, 6), Point2I(1, 2))


@pytest.mark.parametrize("arguments", [(1, 2, 3), ("ab",), ([1, 2, 3],), (None,)])
def test_point_refuses_other_arguments(arguments: tuple[object, ...]):
    with pytest.raises(TypeError):
        Point2I(*arguments)


def test_text():
    assert (
        repr(Box2I(Point2I(1, 2), Extent2I(3, 4))) == "Box2I(corner=Point2I(1, 2), dimensions=Extent2I(3, 4))"
    )
    assert str(Box2I(Point2I(1, 2), Extent2I(3, 4))) == "(minimum=(1, 2), maximum=(3, 5))"
    assert repr(Point2D(0.1, math.nan)) == "Point2D(0.10000000000000001, float('nan'))"
    assert repr(90 * degrees) == "Angle(90, degrees)"


def test_units_of_angles():
    assert (180 * degrees).asRadians() == math.pi
    assert Angle(0.5, radians) == 0.5
    assert (3600 * arcseconds).asDegrees() == pytest.approx(1.0)
    assert pickle.loads(pickle.dumps(3 * degrees)) == 3 * degrees


def test_arithmetic_of_angles():
    assert 2 * Angle(1.5) / 3 + Angle(1) - Angle(0.5) == Angle(1.5)
    assert abs(-Angle(1)) == Angle(1)
    assert Angle(1) < Angle(2)
    with pytest.raises(TypeError):
        Angle(1) / Angle(2)
    with pytest.raises(NotImplementedError, match="angle unit"):
        degrees * Angle(1)


def test_position_on_the_sky_is_refused():
    with pytest.raises(NotImplementedError, match=r"stand-in of lsst\.geom has no positions on the sky"):
        SpherePoint(0.0, 91.0, units=degrees)
