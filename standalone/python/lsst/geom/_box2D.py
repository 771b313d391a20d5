# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Boxes of floats."""

from __future__ import annotations

__all__ = ["Box2D"]

import math
from typing import Any

import numpy as np

from ._boxArguments import BoxArguments, PixelBox, operandOf
from ._coordinates import Extent2D, Point2D


class Box2D:
    """Rectangle of floats; the minimum belongs to it, the maximum does not.

    Made of nothing (empty), of two corners, of a corner and dimensions, or of another box. A `Box2I` becomes
    the area of its pixels: from half a pixel below its minimum to half a pixel above its maximum.

    Parameters
    ----------
    minimum, corner
        Corner (`Point2D`), or the box to copy (`Box2I` or `Box2D`).
    maximum, dimensions
        Opposite corner (`Point2D`) or dimensions (`Extent2D`).
    invert
        Swap reversed limits; if `False`, they make an empty box.

    Raises
    ------
    TypeError
        Raised if the arguments are of other types.
    """

    __slots__ = ("_x0", "_x1", "_y0", "_y1")

    Point = Point2D
    Extent = Extent2D

    def __init__(self, *args: Any, **named: Any) -> None:
        values = BoxArguments(type(self).__name__, args, named, ("invert",))
        limits: tuple[float, float, float, float] | None = None
        if len(values.given) == 1:
            limits = self._fromBox(values.given[0])
        elif values.given:
            limits = self._fromPair(values.given[0], values.given[1], values.option("invert", True))
        if limits is None or not (limits[0] < limits[2] and limits[1] < limits[3]):
            limits = (math.nan,) * 4
        self._x0, self._y0, self._x1, self._y1 = limits

    @staticmethod
    def _fromBox(other: Any) -> tuple[float, float, float, float] | None:
        if isinstance(other, Box2D):
            return other._x0, other._y0, other._x1, other._y1
        if not isinstance(other, PixelBox):
            raise TypeError(f"Box2D takes a box or two corners, got {other!r}")
        if other.isEmpty():
            return None
        return other.minX - 0.5, other.minY - 0.5, other.maxX + 0.5, other.maxY + 0.5

    @staticmethod
    def _fromPair(corner: Any, second: Any, invert: bool) -> tuple[float, float, float, float]:
        if not isinstance(corner, Point2D) or not isinstance(second, Point2D | Extent2D):
            raise TypeError(f"Box2D takes Point2D and Point2D or Extent2D, got {corner!r} and {second!r}")
        opposite = corner + second if isinstance(second, Extent2D) else second
        if not invert:
            return corner.x, corner.y, opposite.x, opposite.y
        xs, ys = sorted((corner.x, opposite.x)), sorted((corner.y, opposite.y))
        return xs[0], ys[0], xs[1], ys[1]

    def getMin(self) -> Point2D:
        """Return the lower left corner."""
        return Point2D(self._x0, self._y0)

    def getMinX(self) -> float:
        """Return the left edge."""
        return self._x0

    def getMinY(self) -> float:
        """Return the lower edge."""
        return self._y0

    def getMax(self) -> Point2D:
        """Return the upper right corner."""
        return Point2D(self._x1, self._y1)

    def getMaxX(self) -> float:
        """Return the right edge."""
        return self._x1

    def getMaxY(self) -> float:
        """Return the upper edge."""
        return self._y1

    def getDimensions(self) -> Extent2D:
        """Return width and height, 0 if empty."""
        return Extent2D(self.getWidth(), self.getHeight())

    def getWidth(self) -> float:
        """Return the width, 0 if empty."""
        return 0.0 if self.isEmpty() else self._x1 - self._x0

    def getHeight(self) -> float:
        """Return the height, 0 if empty."""
        return 0.0 if self.isEmpty() else self._y1 - self._y0

    minX = property(getMinX)
    minY = property(getMinY)
    maxX = property(getMaxX)
    maxY = property(getMaxY)
    width = property(getWidth)
    height = property(getHeight)

    def getCorners(self) -> list[Point2D]:
        """Return the four corners, counterclockwise from the lower left."""
        x0, y0, x1, y1 = self._x0, self._y0, self._x1, self._y1
        return [Point2D(x0, y0), Point2D(x1, y0), Point2D(x1, y1), Point2D(x0, y1)]

    def isEmpty(self) -> bool:
        """Return whether the box has no area."""
        return math.isnan(self._x0)

    def contains(self, *args: Any, **named: Any) -> Any:
        """Return whether a point, each of arrays ``x, y`` or a box is inside; an empty box always is."""
        other = operandOf(args, named)
        if isinstance(other, Box2D):
            if other.isEmpty():
                return True
            inside = self._x0 <= other._x0 and other._x1 <= self._x1
            return inside and self._y0 <= other._y0 and other._y1 <= self._y1
        x, y = other
        within = (x >= self._x0) & (x < self._x1) & (y >= self._y0) & (y < self._y1)
        return within if isinstance(within, np.ndarray) else bool(within)

    def __contains__(self, other: Point2D | Box2D) -> bool:
        return bool(self.contains(other))

    def overlaps(self, other: Box2D) -> bool:
        """Return whether the boxes share an area."""
        return not self.clippedTo(other).isEmpty()

    def clippedTo(self, other: Box2D) -> Box2D:
        """Return the area that is in both boxes."""
        if self.isEmpty() or other.isEmpty():
            return Box2D()
        return Box2D(
            Point2D(max(self._x0, other._x0), max(self._y0, other._y0)),
            Point2D(min(self._x1, other._x1), min(self._y1, other._y1)),
            invert=False,
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Box2D):
            return NotImplemented
        if self.isEmpty() or other.isEmpty():
            return self.isEmpty() and other.isEmpty()
        return (self._x0, self._y0, self._x1, self._y1) == (other._x0, other._y0, other._x1, other._y1)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return Box2D, (self.getMin(), self.getMax())

    def __str__(self) -> str:
        return f"(minimum={self.getMin()}, maximum={self.getMax()})"

    def __repr__(self) -> str:
        return f"Box2D(corner={self.getMin()!r}, dimensions={self.getDimensions()!r})"
