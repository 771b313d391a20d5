# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Points and extents: positions and differences of positions, of integers (pixels) or floats."""

from __future__ import annotations

__all__ = ["Extent2D", "Extent2I", "Point2D", "Point2I", "Point3D"]

import math
import operator
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Self

import numpy as np


class _Coordinates:
    """Mutable tuple of ``dimensions`` numbers of one type."""

    __slots__ = ("_values",)

    dimensions: ClassVar[int] = 2
    _integer: ClassVar[bool] = False

    def __init__(self, *values: Any, **named: Any) -> None:
        if named:
            values = self._byName(values, named)
        if len(values) == self.dimensions:
            converted = [self._convert(value) for value in values]
        elif not values:
            converted = [self._convert(0)] * self.dimensions
        elif len(values) == 1:
            converted = self._fromOne(values[0])
        else:
            raise TypeError(f"{type(self).__name__} takes {self.dimensions} coordinates, got {values!r}")
        self._values = converted

    def _convert(self, value: Any) -> Any:
        """Convert a coordinate as C++ does: a float becomes an integer by losing its fraction."""
        if not self._integer:
            return float(value)
        return int(value) if isinstance(value, float) else operator.index(value)

    def _byName(self, values: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        names = "xyz"[len(values) : self.dimensions]
        if set(named) == {"value"} and not values:
            return (named["value"],)
        if set(named) != set(names):
            raise TypeError(f"{type(self).__name__} takes x and y, got {values!r} and {named!r}")
        return (*values, *(named[name] for name in names))

    def _fromOne(self, value: Any) -> list[Any]:
        if isinstance(value, _Coordinates | Sequence | np.ndarray):
            if isinstance(value, str) or len(value) != self.dimensions:
                raise TypeError(f"{type(self).__name__} takes {self.dimensions} coordinates, got {value!r}")
            rounds = isinstance(value, _Coordinates) and self._integer
            return [math.floor(v + 0.5) if rounds else self._convert(v) for v in value]
        return [self._convert(value)] * self.dimensions

    def getX(self) -> Any:
        """Return the x coordinate."""
        return self._values[0]

    def getY(self) -> Any:
        """Return the y coordinate."""
        return self._values[1]

    def setX(self, x: Any) -> None:
        """Set the x coordinate."""
        self._values[0] = self._convert(x)

    def setY(self, y: Any) -> None:
        """Set the y coordinate."""
        self._values[1] = self._convert(y)

    x = property(getX, setX)
    y = property(getY, setY)

    def clone(self) -> Self:
        """Return a copy."""
        return type(self)(*self._values)

    def __getitem__(self, index: int) -> Any:
        return self._values[index]

    def __setitem__(self, index: int, value: Any) -> None:
        self._values[index] = self._convert(value)

    def __len__(self) -> int:
        return self.dimensions

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return bool(self._values == other._values)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]:
        return type(self), tuple(self._values)

    def __str__(self) -> str:
        return "({})".format(", ".join(f"{v:0.5g}" for v in self._values))

    def __repr__(self) -> str:
        values = (f"{v:0.17g}" if math.isfinite(v) else f"float('{v}')" for v in self._values)
        return f"{type(self).__name__}({', '.join(values)})"

    def _sum(self, other: _Coordinates, sign: int) -> list[Any]:
        return [a + sign * b for a, b in zip(self._values, other._values, strict=True)]


class _Point(_Coordinates):
    """Position; a point plus or minus an extent is a point, the difference of two points is an extent."""

    __slots__ = ()

    def __add__(self, other: _Extent) -> Any:
        if not isinstance(other, _Extent):
            return NotImplemented
        return _pointOf(self, other)(*self._sum(other, 1))

    def __sub__(self, other: _Coordinates) -> Any:
        if isinstance(other, _Extent):
            return _pointOf(self, other)(*self._sum(other, -1))
        if isinstance(other, _Point) and other.dimensions == self.dimensions:
            return _extentOf(self, other)(*self._sum(other, -1))
        return NotImplemented


class _Extent(_Coordinates):
    """Difference of two positions."""

    __slots__ = ()

    def __add__(self, other: _Coordinates) -> Any:
        if isinstance(other, _Extent):
            return _extentOf(self, other)(*self._sum(other, 1))
        return _pointOf(self, other)(*self._sum(other, 1)) if isinstance(other, _Point) else NotImplemented

    def __sub__(self, other: _Extent) -> Any:
        if not isinstance(other, _Extent):
            return NotImplemented
        return _extentOf(self, other)(*self._sum(other, -1))

    def __mul__(self, factor: object) -> Any:
        if not isinstance(factor, int | float | np.number):
            return NotImplemented
        kind = type(self) if isinstance(factor, int | np.integer) else Extent2D
        return kind(*(v * factor for v in self._values))

    __rmul__ = __mul__

    def __truediv__(self, divisor: float) -> Extent2D:
        return Extent2D(*(v / divisor for v in self._values))

    def __neg__(self) -> Self:
        return type(self)(*(-v for v in self._values))


class Point2D(_Point):
    """Position in the plane, of floats."""

    __slots__ = ()


class Point2I(_Point):
    """Pixel position, of integers; made of a `Point2D` it rounds to the nearest."""

    __slots__ = ()
    _integer = True


class Point3D(_Point):
    """Position in space, of floats."""

    __slots__ = ()
    dimensions = 3

    def getZ(self) -> float:
        """Return the z coordinate."""
        return float(self._values[2])

    def setZ(self, z: float) -> None:
        """Set the z coordinate."""
        self._values[2] = float(z)

    z = property(getZ, setZ)


class Extent2D(_Extent):
    """Difference of two positions in the plane, of floats."""

    __slots__ = ()


class Extent2I(_Extent):
    """Difference of two pixel positions, of integers."""

    __slots__ = ()
    _integer = True

    def __floordiv__(self, divisor: int) -> Extent2I:
        return Extent2I(*(v // divisor for v in self._values))


def _pointOf(a: _Coordinates, b: _Coordinates) -> type[_Point]:
    return Point2I if a._integer and b._integer else Point2D


def _extentOf(a: _Coordinates, b: _Coordinates) -> type[_Extent]:
    return Extent2I if a._integer and b._integer else Extent2D
