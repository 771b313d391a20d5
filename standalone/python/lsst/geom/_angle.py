# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Angles that know their unit."""

from __future__ import annotations

__all__ = ["Angle", "AngleUnit", "arcseconds", "degrees", "radians"]

import math

import numpy as np


class AngleUnit:
    """Unit of an angle; a number times a unit is an `Angle`.

    Parameters
    ----------
    size
        Size of the unit, in radians.
    """

    __slots__ = ("_size",)

    def __init__(self, size: float) -> None:
        self._size = float(size)

    def __mul__(self, value: object) -> Angle:
        if not isinstance(value, int | float | np.number):
            raise NotImplementedError(f"Cannot multiply an angle unit by {value!r}.")
        return Angle(float(value), self)

    __rmul__ = __mul__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AngleUnit) and self._size == other._size

    def __hash__(self) -> int:
        return hash(self._size)

    def __reduce__(self) -> tuple[type[AngleUnit], tuple[float]]:
        return AngleUnit, (self._size,)


radians = AngleUnit(1.0)
degrees = AngleUnit(math.pi / 180.0)
arcseconds = AngleUnit(math.pi / 180.0 / 3600.0)


class Angle:
    """Angle, kept in radians.

    Parameters
    ----------
    val
        Size of the angle.
    units
        Unit of ``val``.
    """

    __slots__ = ("_value",)

    def __init__(self, val: float = 0.0, units: AngleUnit = radians) -> None:
        self._value = float(val) * units._size

    def asAngularUnits(self, units: AngleUnit) -> float:
        """Return the angle in the given unit."""
        return self._value / units._size

    def asRadians(self) -> float:
        """Return the angle in radians."""
        return self._value

    def asDegrees(self) -> float:
        """Return the angle in degrees."""
        return self.asAngularUnits(degrees)

    def __float__(self) -> float:
        return self._value

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Angle | int | float):
            return self._value == float(other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self._value)

    def __lt__(self, other: Angle | float) -> bool:
        return self._value < float(other)

    def __le__(self, other: Angle | float) -> bool:
        return self._value <= float(other)

    def __gt__(self, other: Angle | float) -> bool:
        return self._value > float(other)

    def __ge__(self, other: Angle | float) -> bool:
        return self._value >= float(other)

    def __add__(self, other: Angle) -> Angle:
        return Angle(self._value + other._value) if isinstance(other, Angle) else NotImplemented

    def __sub__(self, other: Angle) -> Angle:
        return Angle(self._value - other._value) if isinstance(other, Angle) else NotImplemented

    def __mul__(self, factor: object) -> Angle:
        if not isinstance(factor, int | float | np.number):
            return NotImplemented
        return Angle(self._value * float(factor))

    __rmul__ = __mul__

    def __truediv__(self, divisor: object) -> Angle:
        if not isinstance(divisor, int | float | np.number):
            return NotImplemented
        return Angle(self._value / float(divisor))

    def __neg__(self) -> Angle:
        return Angle(-self._value)

    def __abs__(self) -> Angle:
        return Angle(abs(self._value))

    def __reduce__(self) -> tuple[type[Angle], tuple[float]]:
        return Angle, (self._value,)

    def __str__(self) -> str:
        return f"{self._value:g} rad"

    def __repr__(self) -> str:
        size = self.asDegrees()
        text = f"{size:0.17g}" if math.isfinite(size) else f"float('{size}')"
        return f"Angle({text}, degrees)"
