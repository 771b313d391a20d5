# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

import enum
from typing import Any, ClassVar, overload

import astropy.time
import numpy as np

__all__ = ["DateTime"]


class DateTime:
    """A date and time, kept as whole nanoseconds TAI since 1970.

    Parameters
    ----------
    value : `int`, `float`, `str` or `None`, optional
        Nanoseconds since 1970 (`int`), a date in the given system (`float`)
        or an ISO 8601 date-time (`str`; one that is UTC ends with ``Z``).
        Nothing makes an invalid date.
    args : `DateTime.DateSystem` or `DateTime.Timescale`
        The system of a `float` (default MJD) and then the time scale
        (default TAI); of the others the time scale only.

    Raises
    ------
    ValueError
        Raised if a string is not an ISO 8601 date-time or if its ``Z`` and
        its time scale disagree.
    """

    class Timescale(enum.Enum):
        """Time scales."""

        TAI = "tai"
        UTC = "utc"

    class DateSystem(enum.Enum):
        """Ways to count days."""

        JD = "jd"
        MJD = "mjd"

    TAI: ClassVar = Timescale.TAI
    UTC: ClassVar = Timescale.UTC
    JD: ClassVar = DateSystem.JD
    MJD: ClassVar = DateSystem.MJD
    invalid_nsecs: ClassVar[int] = -(2**63)

    @overload
    def __init__(self, value: int | str | None = None, scale: Timescale = Timescale.TAI, /) -> None: ...

    @overload
    def __init__(
        self, value: float, system: DateSystem = DateSystem.MJD, scale: Timescale = Timescale.TAI, /
    ) -> None: ...

    def __init__(self, value: int | float | str | None = None, *args: Any) -> None:
        self._nsecs = self.invalid_nsecs
        if value is None:
            return
        if isinstance(value, str):
            time = _parse_iso(value, *args)
        elif isinstance(value, float):
            time = _from_days(value, *args)
        else:
            time = _from_nsecs(value, *args)
        self._nsecs = _to_nsecs(time.tai)

    @classmethod
    def now(cls) -> "DateTime":
        """Return the present date and time."""
        return cls(_to_nsecs(astropy.time.Time.now().tai))

    def isValid(self) -> bool:
        """Tell whether a date was given."""
        return self._nsecs != self.invalid_nsecs

    def nsecs(self, scale: Timescale = Timescale.TAI) -> int:
        """Return the nanoseconds since 1970 in a time scale."""
        if scale is self.TAI or not self.isValid():
            return self._nsecs
        return _to_nsecs(getattr(self.toAstropy(), scale.value))

    def get(self, system: DateSystem = DateSystem.MJD, scale: Timescale = Timescale.TAI) -> float:
        """Return the date in days, as a Julian or modified Julian date.

        Raises
        ------
        RuntimeError
            Raised if the date is invalid.
        """
        return float(getattr(getattr(self.toAstropy(), scale.value), system.value))

    def toString(self, scale: Timescale) -> str:
        """Return the date in ISO 8601 with nanoseconds; UTC ends with ``Z``.

        Raises
        ------
        RuntimeError
            Raised if the date is invalid.
        """
        text = getattr(self.toAstropy(), scale.value).isot
        return f"{text}Z" if scale is self.UTC else str(text)

    def toAstropy(self) -> astropy.time.Time:
        """Return the date as an `astropy.time.Time` in TAI.

        Raises
        ------
        RuntimeError
            Raised if the date is invalid.
        """
        if not self.isValid():
            raise RuntimeError("DateTime is not valid")
        return _from_nsecs(self._nsecs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DateTime) and self._nsecs == other._nsecs

    def __lt__(self, other: "DateTime") -> bool:
        return self._nsecs < other._nsecs

    def __hash__(self) -> int:
        return hash(self._nsecs)

    def __repr__(self) -> str:
        return f'DateTime("{self.toString(self.TAI)}", TAI)' if self.isValid() else "DateTime()"


def _from_nsecs(nsecs: int, scale: DateTime.Timescale = DateTime.TAI) -> astropy.time.Time:
    days, rest = divmod(int(nsecs), 86_400 * 10**9)
    return astropy.time.Time(
        days + 40587.0, rest / (86_400 * 1e9), format="mjd", scale=scale.value, precision=9
    )


def _from_days(
    date: float,
    system: DateTime.DateSystem = DateTime.MJD,
    scale: DateTime.Timescale = DateTime.TAI,
) -> astropy.time.Time:
    return astropy.time.Time(date, format=system.value, scale=scale.value, precision=9)


def _parse_iso(text: str, scale: DateTime.Timescale = DateTime.TAI) -> astropy.time.Time:
    if text.endswith("Z") != (scale is DateTime.UTC):
        raise ValueError(f"Date {text!r} must end with 'Z' if, and only if, it is UTC, not {scale.name}")
    return astropy.time.Time(text.removesuffix("Z"), format="isot", scale=scale.value, precision=9)


def _to_nsecs(time: astropy.time.Time) -> int:
    return int(time.datetime64.astype("datetime64[ns]").astype(np.int64))
