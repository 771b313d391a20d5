# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Boxes of pixels."""

from __future__ import annotations

__all__ = ["Box2I"]

import math
from typing import Any, ClassVar

import numpy as np

from ._box2D import Box2D
from ._boxArguments import BoxArguments, EdgeHandling, PixelBox, operandOf
from ._coordinates import Extent2I, Point2I


class Box2I(PixelBox):
    """Rectangle of pixels; minimum and maximum both belong to it.

    Made of nothing (empty), of two corners, of a corner and dimensions, or of another box.

    Parameters
    ----------
    minimum, corner
        Corner pixel (`Point2I`), or the box to copy (`Box2I` or `Box2D`, as ``other``).
    maximum, dimensions
        Opposite corner pixel (`Point2I`) or dimensions in pixels (`Extent2I`).
    invert
        Swap reversed limits; if `False`, they make an empty box.
    edgeHandling
        For a `Box2D`: whether pixels partly inside belong to the result.

    Raises
    ------
    TypeError
        Raised if the arguments are of other types.
    ValueError
        Raised if a `Box2D` is not finite.
    """

    __slots__ = ("_height", "_width", "_x0", "_y0")

    Point = Point2I
    Extent = Extent2I
    EdgeHandlingEnum = EdgeHandling
    EXPAND: ClassVar[EdgeHandling] = EdgeHandling.EXPAND
    SHRINK: ClassVar[EdgeHandling] = EdgeHandling.SHRINK

    def __init__(self, *args: Any, **named: Any) -> None:
        if len(args) == 1 and not named and isinstance(args[0], Box2I):
            self._assign(args[0])
            return
        values = BoxArguments(type(self).__name__, args, named, ("invert", "edgeHandling"))
        if not values.given:
            limits = (0, 0, 0, 0)
        elif len(values.given) == 1:
            limits = self._fromBox(values.given[0], values.option("edgeHandling", self.EXPAND))
        else:
            limits = self._fromPair(values.given[0], values.given[1], values.option("invert", True))
        if limits[2] <= 0 or limits[3] <= 0:
            limits = (0, 0, 0, 0)
        self._x0, self._y0, self._width, self._height = limits

    @classmethod
    def _make(cls, x0: int, y0: int, width: int, height: int) -> Box2I:
        """Make a box from a corner and positive dimensions without checks; tables of thousands use it."""
        box = object.__new__(cls)
        box._x0, box._y0, box._width, box._height = x0, y0, width, height
        return box

    @classmethod
    def _fromLimits(cls, x0: int, y0: int, x1: int, y1: int) -> Box2I:
        """Make a box from inclusive limits; empty if a maximum is below its minimum."""
        return cls(Point2I(x0, y0), Point2I(x1, y1), invert=False)

    @staticmethod
    def _fromPair(corner: Any, second: Any, invert: bool) -> tuple[int, int, int, int]:
        is_extent = isinstance(second, Extent2I)
        if not isinstance(corner, Point2I) or not (is_extent or isinstance(second, Point2I)):
            raise TypeError(f"Box2I takes Point2I and Point2I or Extent2I, got {corner!r} and {second!r}")
        starts, sizes = [], []
        for start, value in zip(corner, second, strict=True):
            size = value if is_extent else value - start + (1 if value >= start else -1)
            if size < 0 and invert:
                start, size = start + size + 1, -size
            starts.append(start)
            sizes.append(size)
        return starts[0], starts[1], sizes[0], sizes[1]

    @staticmethod
    def _fromBox(other: Any, edgeHandling: EdgeHandling) -> tuple[int, int, int, int]:
        if isinstance(other, Box2I):
            return other._x0, other._y0, other._width, other._height
        if not isinstance(other, Box2D):
            raise TypeError(f"Box2I takes a box or two corners, got {other!r}")
        if other.isEmpty():
            return 0, 0, 0, 0
        limits = (*other.getMin(), *other.getMax())
        if not all(math.isfinite(limit) for limit in limits):
            raise ValueError(f"Cannot make a Box2I of {other!r}: it is not finite.")
        margin = 0.5 if edgeHandling is EdgeHandling.EXPAND else -0.5
        x0, y0 = math.ceil(limits[0] - margin), math.ceil(limits[1] - margin)
        return x0, y0, math.floor(limits[2] + margin) - x0 + 1, math.floor(limits[3] + margin) - y0 + 1

    def getMin(self) -> Point2I:
        """Return the lower left pixel."""
        return Point2I(self._x0, self._y0)

    def getMinX(self) -> int:
        """Return the first column."""
        return self._x0

    def getMinY(self) -> int:
        """Return the first row."""
        return self._y0

    def getMax(self) -> Point2I:
        """Return the upper right pixel, which belongs to the box."""
        return Point2I(self.getMaxX(), self.getMaxY())

    def getMaxX(self) -> int:
        """Return the last column."""
        return self._x0 + self._width - 1

    def getMaxY(self) -> int:
        """Return the last row."""
        return self._y0 + self._height - 1

    def getEndX(self) -> int:
        """Return the column after the last."""
        return self._x0 + self._width

    def getEndY(self) -> int:
        """Return the row after the last."""
        return self._y0 + self._height

    def getDimensions(self) -> Extent2I:
        """Return width and height in pixels."""
        return Extent2I(self._width, self._height)

    def getWidth(self) -> int:
        """Return the number of columns."""
        return self._width

    def getHeight(self) -> int:
        """Return the number of rows."""
        return self._height

    minX = property(getMinX)
    minY = property(getMinY)
    maxX = property(getMaxX)
    maxY = property(getMaxY)
    width = property(getWidth)
    height = property(getHeight)

    def getCorners(self) -> list[Point2I]:
        """Return the four corner pixels, counterclockwise from the lower left."""
        x0, y0, x1, y1 = self._x0, self._y0, self.getMaxX(), self.getMaxY()
        return [Point2I(x0, y0), Point2I(x1, y0), Point2I(x1, y1), Point2I(x0, y1)]

    def isEmpty(self) -> bool:
        """Return whether the box has no pixel."""
        return self._width == 0

    def contains(self, *args: Any, **named: Any) -> Any:
        """Return whether a point, each of arrays ``x, y`` or a box is inside; an empty box always is."""
        other = operandOf(args, named)
        if isinstance(other, Box2I):
            if other.isEmpty():
                return True
            return self.contains(other.getMin()) and self.contains(other.getMax())
        x, y = other
        inside = (x >= self._x0) & (x < self.getEndX()) & (y >= self._y0) & (y < self.getEndY())
        return inside if isinstance(inside, np.ndarray) else bool(inside)

    def __contains__(self, other: Point2I | Box2I) -> bool:
        return bool(self.contains(other))

    def overlaps(self, other: Box2I) -> bool:
        """Return whether the boxes share a pixel."""
        return not self.clippedTo(other).isEmpty()

    def clippedTo(self, other: Box2I) -> Box2I:
        """Return the pixels that are in both boxes."""
        if self.isEmpty() or other.isEmpty():
            return Box2I()
        return Box2I._fromLimits(
            max(self._x0, other._x0),
            max(self._y0, other._y0),
            min(self.getMaxX(), other.getMaxX()),
            min(self.getMaxY(), other.getMaxY()),
        )

    def clip(self, other: Box2I) -> None:
        """Keep only the pixels that are in the other box too."""
        self._assign(self.clippedTo(other))

    def expandedTo(self, other: Point2I | Box2I) -> Box2I:
        """Return the smallest box that holds this one and a point or another box."""
        if isinstance(other, Point2I):
            other = Box2I(other, Extent2I(1, 1))
        if self.isEmpty() or other.isEmpty():
            return Box2I(other if self.isEmpty() else self)
        return Box2I._fromLimits(
            min(self._x0, other._x0),
            min(self._y0, other._y0),
            max(self.getMaxX(), other.getMaxX()),
            max(self.getMaxY(), other.getMaxY()),
        )

    def include(self, other: Point2I | Box2I) -> None:
        """Grow to hold a point or another box."""
        self._assign(self.expandedTo(other))

    def shiftedBy(self, offset: Extent2I) -> Box2I:
        """Return the box moved by an offset; an empty box stays."""
        return Box2I() if self.isEmpty() else Box2I(self.getMin() + offset, self.getDimensions())

    def shift(self, offset: Extent2I) -> None:
        """Move by an offset."""
        self._assign(self.shiftedBy(offset))

    def flipLR(self, xextent: int) -> None:
        """Mirror left and right within a parent of the given width."""
        if not self.isEmpty():
            self._x0 = xextent - self.getEndX()

    def flipTB(self, yextent: int) -> None:
        """Mirror top and bottom within a parent of the given height."""
        if not self.isEmpty():
            self._y0 = yextent - self.getEndY()

    def _assign(self, other: Box2I) -> None:
        self._x0, self._y0, self._width, self._height = other._x0, other._y0, other._width, other._height

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Box2I):
            return NotImplemented
        return (self._x0, self._y0, self._width, self._height) == (
            other._x0,
            other._y0,
            other._width,
            other._height,
        )

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return Box2I, (self.getMin(), self.getDimensions())

    def __str__(self) -> str:
        return f"(minimum={self.getMin()}, maximum={self.getMax()})"

    def __repr__(self) -> str:
        return f"Box2I(corner={self.getMin()!r}, dimensions={self.getDimensions()!r})"
