# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Conversion of table columns, whatever their type and mask, into plain arrays."""

from typing import Any

import astropy.units as u
import numpy as np
import numpy.typing as npt

from lsst.analysis.cp.core.typing import BoolArray, FlagArray, FloatArray, IdArray, NameArray

__all__ = [
    "ColumnError",
    "ColumnUnitError",
    "convertUnit",
    "flagColumn",
    "floatColumn",
    "idColumn",
    "nameColumn",
    "splitColumn",
    "vectorColumn",
]


_LARGEST_ID = np.iinfo(np.int64).max


class ColumnError(ValueError):
    """A column of a table is missing or cannot be read."""


class ColumnUnitError(ColumnError):
    """A column of a table is in a unit that cannot be converted."""


def splitColumn(column: Any) -> tuple[npt.NDArray[Any], BoolArray | None]:
    """Part a column into its values and its mask.

    Parameters
    ----------
    column
        A column of numpy, astropy, pandas or pyarrow, or a list.

    Returns
    -------
    values
        The values; integers with missing ones among them are never made floats.
    mask
        Where there is no value; None where nothing is masked.
    """
    if hasattr(column, "to_pylist"):
        # Of pyarrow, which makes floats of integers that have nulls.
        return np.array(column.to_pylist(), dtype=object), None
    # Pandas has a method mask, which is something else.
    if hasattr(column, "isna"):
        missing = np.asarray(column.isna())
        # Without this, it makes floats of integers with missing ones among them.
        return (np.asarray(column, dtype=object), missing) if missing.any() else (np.asarray(column), None)
    mask = getattr(column, "mask", None)
    values = np.asarray(column)
    if not isinstance(mask, np.ndarray) or not mask.any():
        return values, None
    return values, mask


def _checkShape(values: npt.NDArray[Any], name: str) -> None:
    if values.ndim != 1:
        raise ColumnError(f"column {name!r} holds arrays of shape {values.shape[1:]}, expected scalars")


def convertUnit(values: FloatArray, given: object, wanted: str, name: str) -> FloatArray:
    """Convert numbers to the unit that they are read in.

    Parameters
    ----------
    values
        Numbers, any shape.
    given
        Their unit, as astropy has or spells it. None and dimensionless are no unit: the numbers are then in
        the wanted one.
    wanted
        The unit to convert to, as astropy spells it; empty if dimensionless.
    name
        Name of the column, for messages.

    Returns
    -------
    converted
        The same shape; the same array if there is nothing to convert. Infinite where it is too large.

    Raises
    ------
    ColumnUnitError
        If the unit is not known, or cannot be converted.
    """
    if given is None or given == "":
        return values
    target = u.Unit(wanted)
    try:
        unit = u.Unit(given, parse_strict="silent")
    except TypeError as error:
        raise ColumnUnitError(f"column {name!r} has {given!r} for a unit") from error
    if unit in (target, u.dimensionless_unscaled):
        return values
    try:
        with np.errstate(over="ignore"):
            return np.asarray(unit.to(target, values), dtype=np.float64)
    except (u.UnitsError, TypeError, ValueError) as error:
        raise ColumnUnitError(
            f"column {name!r} has the unit {str(given)!r}, which cannot be converted to {wanted!r}"
        ) from error


def floatColumn(column: Any, name: str, unit: str | None = None) -> FloatArray:
    """Read a statistic.

    Parameters
    ----------
    column
        Numbers, booleans or objects (None is no value), shape (n,), possibly masked, and possibly with a
        unit.
    name
        Name of the column, for messages.
    unit
        The unit that is wanted, as astropy spells it; None to take the numbers as they are.

    Returns
    -------
    values
        Shape (n,); NaN where masked or None. It may share memory with the column.

    Raises
    ------
    ColumnError
        If the column is not one-dimensional, or holds something that is no number.
    ColumnUnitError
        If it is in a unit that cannot be converted.
    """
    values, mask = splitColumn(column)
    _checkShape(values, name)
    if values.dtype.kind not in "fiubO":
        raise ColumnError(f"column {name!r} has type {values.dtype}, expected numbers")
    if values.dtype.kind == "O":
        objects = values.tolist() if mask is None else np.where(mask, np.nan, values).tolist()
        if texts := [value for value in objects if isinstance(value, str | bytes)]:
            raise ColumnError(f"column {name!r} holds {texts[0]!r}, expected numbers")
        values = np.array(objects, dtype=object)
        _checkShape(values, name)
    try:
        floats = np.ascontiguousarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ColumnError(f"column {name!r} holds a value that is no number: {error}") from error
    if unit is not None:
        floats = convertUnit(floats, getattr(column, "unit", None), unit, name)
    return floats if mask is None else np.where(mask, np.nan, floats)


def flagColumn(column: Any, name: str) -> FlagArray:
    """Read a verdict.

    Parameters
    ----------
    column
        Booleans, numbers 0 and 1, or objects (None is no verdict), shape (n,), possibly masked.
    name
        Name of the column, for messages.

    Returns
    -------
    flags
        1 passed, 0 failed, -1 untested (masked, None or NaN), shape (n,).

    Raises
    ------
    ColumnError
        If the column holds something else.
    """
    values, mask = splitColumn(column)
    if values.dtype.kind == "b":
        _checkShape(values, name)
        flags = values.astype(np.int8)
    else:
        floats = floatColumn(column, name)
        untested = np.isnan(floats)
        wrong = ~untested & (floats != 0) & (floats != 1)
        if wrong.any():
            raise ColumnError(f"column {name!r} holds {floats[wrong][0]!r}, expected True or False")
        flags = np.where(untested, -1, floats).astype(np.int8)
    if mask is not None:
        flags[mask] = -1
    return flags


def idColumn(column: Any, name: str) -> tuple[IdArray, BoolArray]:
    """Read an integer identifier.

    Parameters
    ----------
    column
        Whole numbers, floats of which the type holds every whole number so far (below 2**53, or 2**24 in
        single precision), or objects (None is no identifier), shape (n,), possibly masked.
    name
        Name of the column, for messages.

    Returns
    -------
    ids
        Shape (n,); arbitrary where there is none.
    present
        Whether there is one, shape (n,).

    Raises
    ------
    ColumnError
        If the column holds something that is no whole number, a float that may have been rounded, or a number
        that 64 bits with a sign do not hold.
    """
    values, mask = splitColumn(column)
    _checkShape(values, name)
    present = np.ones(len(values), bool) if mask is None else ~mask
    if values.dtype.kind in "iu":
        if len(large := values[present & (values > _LARGEST_ID)]):
            raise ColumnError(f"column {name!r} holds {large[0]}, and no id is above 2**63 - 1")
        return values.astype(np.int64, copy=False), present
    if values.dtype.kind == "O":
        objects = np.where(present, values, np.array(None)).tolist()
        whole = [None if value is None else _readWhole(value, name) for value in objects]
        present = np.array([number is not None for number in whole], dtype=bool)
        return np.array([number or 0 for number in whole], dtype=np.int64), present
    floats = floatColumn(column, name)
    present = np.isfinite(floats)
    _checkWhole(floats[present], values.dtype, name)
    return np.where(present, floats, 0).astype(np.int64), present


def _readWhole(value: object, name: str) -> int | None:
    """Read an identifier among objects; None if there is none."""
    if isinstance(value, int | np.integer):
        if value > _LARGEST_ID or value < -_LARGEST_ID:
            raise ColumnError(f"column {name!r} holds {value}, and no id is above 2**63 - 1")
        return int(value)
    number = floatColumn(np.array([value], dtype=object), name)
    if not np.isfinite(number[0]):
        return None
    _checkWhole(number, np.asarray(value).dtype, name)
    return int(number[0])


def _checkWhole(floats: FloatArray, given: np.dtype[Any], name: str) -> None:
    """Raise unless floats are whole numbers that the given type, of which they are made, holds exactly."""
    digits = np.finfo(given).nmant + 1 if given.kind == "f" else 53
    exact = 2.0 ** min(digits, 53)
    if np.any(floats != np.floor(floats)):
        raise ColumnError(f"column {name!r} holds a number that is not whole")
    if len(large := floats[np.abs(floats) >= exact]):
        raise ColumnError(
            f"column {name!r} holds {large[0]:.0f} as a float, "
            f"which does not tell ids from {exact:.0f} on apart"
        )


def nameColumn(column: Any, name: str) -> tuple[NameArray, BoolArray]:
    """Read a name.

    Parameters
    ----------
    column
        Strings, bytes or objects (None is no name), shape (n,), possibly masked.
    name
        Name of the column, for messages.

    Returns
    -------
    names
        Shape (n,); empty where there is none.
    present
        Whether there is one (masked, None and empty are none), shape (n,).

    Raises
    ------
    ColumnError
        If the column does not hold strings.
    """
    values, mask = splitColumn(column)
    _checkShape(values, name)
    present = np.ones(len(values), bool) if mask is None else ~mask
    if values.dtype.kind == "O":
        present &= np.array([value is not None for value in values.tolist()], dtype=bool)
        values = np.where(present, values, "")
        kinds = set(map(type, values.tolist()))
        if kinds - {str, bytes, np.str_, np.bytes_}:
            raise ColumnError(f"column {name!r} holds {sorted(k.__name__ for k in kinds)}, expected strings")
        if kinds & {bytes, np.bytes_}:
            values = np.array([v.decode() if isinstance(v, bytes) else v for v in values.tolist()])
    if values.dtype.kind == "S":
        try:
            values = values.astype(np.str_)
        except UnicodeDecodeError as error:
            raise ColumnError(f"column {name!r} holds bytes that are no ASCII text: {error}") from error
    if len(values) and values.dtype.kind not in "OUT":
        raise ColumnError(f"column {name!r} has type {values.dtype}, expected strings")
    names = np.asarray(values, dtype=np.str_)
    names = np.asarray(names, dtype=names.dtype.newbyteorder("="))
    if not present.all():
        names = np.where(present, names, "")
    return names, names != ""


def vectorColumn(column: Any, name: str) -> FloatArray:
    """Read a vector of each row.

    Parameters
    ----------
    column
        Numbers of shape (n, length), possibly masked, or n objects that are vectors (None is no vector).
    name
        Name of the column, for messages.

    Returns
    -------
    vectors
        Shape (n, length); NaN where masked, and where a vector is shorter than the longest. It may share
        memory with the column.

    Raises
    ------
    ColumnError
        If the column holds something else.
    """
    values, mask = splitColumn(column)
    if values.dtype.kind == "O":
        return _stackVectors(values, np.zeros(len(values), bool) if mask is None else mask, name)
    if values.ndim != 2 or values.dtype.kind not in "fiub":
        raise ColumnError(
            f"column {name!r} has type {values.dtype} and shape {values.shape}, expected vectors of numbers"
        )
    floats = np.asarray(values, dtype=np.float64)
    return floats if mask is None else np.where(mask, np.nan, floats)


def _stackVectors(values: npt.NDArray[Any], mask: BoolArray, name: str) -> FloatArray:
    """Make one array of vectors that are objects, shape (n, length)."""
    known = [() if lost or row is None else row for row, lost in zip(values, mask, strict=True)]
    try:
        rows = [np.asarray(row, dtype=np.float64) for row in known]
    except (TypeError, ValueError) as error:
        raise ColumnError(f"column {name!r} holds what is no vector of numbers: {error}") from error
    if any(row.ndim != 1 for row in rows):
        raise ColumnError(f"column {name!r} holds objects that are no vectors")
    vectors = np.full((len(rows), max(map(len, rows), default=0)), np.nan)
    for vector, row in zip(vectors, rows, strict=True):
        vector[: len(row)] = row
    return vectors
