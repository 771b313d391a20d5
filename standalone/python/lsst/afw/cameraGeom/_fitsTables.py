# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""FITS binary tables as ``lsst.afw.table`` (version 3) writes and reads them.

Astropy parses and formats the headers. The rows are taken from the bytes directly: its columns of strings of
variable length are two orders of magnitude slower, and it has no way to write the same layout.
"""

from __future__ import annotations

__all__ = ["Field", "Table", "packTables", "readTables", "writeTables"]

import os
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import astropy.io.fits as fits
import numpy as np

_TABLE_VERSION = 3
_BLOCK = 2880
_DTYPES = {"J": ">i4", "D": ">f8", "E": ">f4", "B": "u1", "A": "S1"}
_DESCRIPTORS = {"P": ">i4", "Q": ">i8"}
_TFORM = re.compile(r"(?P<count>\d*)(?P<descriptor>[PQ]?)(?P<letter>[A-Z])")
_CLASS_COMMENT = "Field template used by lsst.afw.table"


@dataclass(frozen=True)
class Field:
    """Column of a table of afw.

    Parameters
    ----------
    name
        Name of the column.
    form
        FITS letter: J (int), D (float), A (string), B (bytes), E (float32); X is a flag, one bit.
    doc
        What the column holds.
    unit
        Unit, as afw spells it.
    template
        Field template of afw: Scalar, Angle, Array or String.
    width
        Length of a fixed string; strings are otherwise of variable length, as arrays always are.
    """

    name: str
    form: str
    doc: str
    unit: str = ""
    template: str = "Scalar"
    width: int = 0

    @property
    def isVariable(self) -> bool:
        """Whether the values are kept in the heap."""
        return self.template in ("Array", "String") and not self.width


@dataclass
class Table:
    """Table of afw: header values beyond the columns, and the columns by name."""

    header: dict[str, Any]
    columns: dict[str, list[Any]]
    nRows: int

    def getColumn(self, name: str) -> list[Any]:
        """Return a column.

        Raises
        ------
        ValueError
            Raised if there is none of that name.
        """
        if name not in self.columns:
            raise ValueError(f"table {self.header.get('EXTNAME')!r} has no column {name!r}")
        return self.columns[name]


def readTables(fileName: str | os.PathLike[str], classes: Collection[str] | None = None) -> list[Table]:
    """Read the binary tables of a FITS file.

    Parameters
    ----------
    fileName
        Path of the file.
    classes
        Classes of the objects of an archive that are wanted: tables of others are left without columns.

    Raises
    ------
    ValueError
        Raised if a table is cut off or has a column of a kind that afw does not write.
    OSError
        Raised if it is not a FITS file.
    """
    tables = []
    with fits.open(fileName, memmap=False, lazy_load_hdus=False) as hdus, Path(fileName).open("rb") as file:
        for hdu in hdus:
            if not isinstance(hdu, fits.BinTableHDU):
                continue
            info = hdu.fileinfo()
            held = set(hdu.header["AR_NAME*"].values())
            if classes is not None and held and held.isdisjoint(classes):
                tables.append(Table(dict(hdu.header), {}, hdu.header["NAXIS2"]))
                continue
            file.seek(info["datLoc"])
            tables.append(_readTable(hdu.header, file.read(info["datSpan"])))
    return tables


def _readTable(header: fits.Header, data: bytes) -> Table:
    width, n_rows, heap_size = header["NAXIS1"], header["NAXIS2"], header["PCOUNT"]
    if len(data) < width * n_rows + heap_size:
        raise ValueError(f"table {header.get('EXTNAME')!r} is cut off")
    start = header.get("THEAP", width * n_rows)
    rows = np.frombuffer(data, dtype=np.uint8, count=width * n_rows).reshape(n_rows, width)
    columns: dict[str, list[Any]] = {}
    offset = 0
    for number in range(1, header["TFIELDS"] + 1):
        size, values = _readColumn(header, number, rows[:, offset:], data[start:])
        offset += size
        columns.update(values)
    return Table(dict(header), columns, n_rows)


def _readColumn(
    header: fits.Header, number: int, rows: np.ndarray, heap: bytes
) -> tuple[int, dict[str, list[Any]]]:
    """Read the column that starts the given bytes of each row; return its size too."""
    name, form = header[f"TTYPE{number}"], header[f"TFORM{number}"]
    match = _TFORM.match(form)
    if match is None or match["letter"] not in (*_DTYPES, "X"):
        raise ValueError(f"column {name!r} has the unknown format {form!r}")
    count, letter = int(match["count"] or 1), match["letter"]
    if letter == "X":
        size = (count + 7) // 8
        bits = np.unpackbits(np.ascontiguousarray(rows[:, :size]), axis=1).astype(bool)
        return size, {header[f"TFLAG{bit + 1}"]: bits[:, bit].tolist() for bit in range(count)}
    if match["descriptor"]:
        descriptor = np.dtype(_DESCRIPTORS[match["descriptor"]])
        pairs = _view(rows, 2 * descriptor.itemsize, descriptor)
        return 2 * descriptor.itemsize, {name: _readHeap(pairs, heap, letter)}
    dtype = np.dtype(f"S{count}") if letter == "A" else np.dtype(_DTYPES[letter])
    values = _view(rows, dtype.itemsize, dtype)[:, 0].tolist()
    return dtype.itemsize, {name: [_toText(v) for v in values] if letter == "A" else values}


def _view(rows: np.ndarray, size: int, dtype: np.dtype) -> np.ndarray:
    return np.ascontiguousarray(rows[:, :size]).view(dtype)


def _readHeap(pairs: np.ndarray, heap: bytes, letter: str) -> list[Any]:
    dtype = np.dtype(_DTYPES[letter])
    values: list[Any] = []
    for count, offset in pairs.tolist():
        part = heap[offset : offset + count * dtype.itemsize]
        if letter in "AB":
            values.append(_toText(part) if letter == "A" else part)
        else:
            values.append(np.frombuffer(part, dtype=dtype).astype(dtype.newbyteorder("=")))
    return values


def _toText(value: bytes) -> str:
    # In strings that were never set, and behind the end of others, afw leaves what was in memory.
    return value.split(b"\0", 1)[0].rstrip(b" ").decode(errors="replace")


def writeTables(fileName: str | os.PathLike[str], tables: Iterable[tuple[Sequence[Field], Table]]) -> None:
    """Write tables to a FITS file; one that is there is replaced when the new one is complete.

    Parameters
    ----------
    fileName
        Path of the file.
    tables
        Fields in their order, and the table.
    """
    primary = fits.PrimaryHDU().header
    primary["EXTEND"] = True
    blocks = [primary.tostring().encode("ascii"), *packTables(tables)]
    path = Path(fileName)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            file.writelines(blocks)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def packTables(tables: Iterable[tuple[Sequence[Field], Table]]) -> list[bytes]:
    """Return the bytes of tables as they follow other HDUs in a FITS file.

    Parameters
    ----------
    tables
        Fields in their order, and the table.
    """
    blocks = []
    for fields, table in tables:
        rows, heap = _packRows(fields, table)
        header = _makeHeader(fields, table, rows, heap)
        blocks += [header.tostring().encode("ascii"), _pad(rows.tobytes() + heap)]
    return blocks


def _pad(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % _BLOCK)


def _packRows(fields: Sequence[Field], table: Table) -> tuple[np.ndarray, bytes]:
    """Return the rows, as a structured array, and the heap."""
    flags = [field for field in fields if field.form == "X"]
    layout: list[Any] = [("flags", "u1", ((len(flags) + 7) // 8,))] if flags else []
    layout += [(field.name, _rowType(field)) for field in fields if field.form != "X"]
    rows = np.zeros(table.nRows, dtype=layout)
    if flags:
        bits = np.array([table.getColumn(field.name) for field in flags], dtype=bool).T
        rows["flags"] = np.packbits(bits.reshape(table.nRows, len(flags)), axis=1)
    for field in fields:
        if field.form != "X" and not field.isVariable:
            values = table.getColumn(field.name)
            # CFITSIO pads with blanks.
            rows[field.name] = [value.ljust(field.width) for value in values] if field.width else values
    return rows, _fillHeap(rows, [field for field in fields if field.isVariable], table)


def _rowType(field: Field) -> Any:
    if field.isVariable:
        return np.dtype((">i8", (2,)))
    return np.dtype(f"S{field.width}") if field.width else np.dtype(_DTYPES[field.form])


def _fillHeap(rows: np.ndarray, fields: Sequence[Field], table: Table) -> bytes:
    heap = bytearray()
    for index in range(table.nRows):
        for field in fields:
            value = table.getColumn(field.name)[index]
            dtype = np.dtype(_DTYPES[field.form])
            part = _toBytes(value, dtype)
            rows[field.name][index] = (len(part) // dtype.itemsize, len(heap))
            heap += part
    return bytes(heap)


def _toBytes(value: Any, dtype: np.dtype) -> bytes:
    if dtype.kind == "S":
        if not isinstance(value, str):
            raise TypeError(f"Cannot write {value!r} where a text is needed.")
        # CFITSIO stores an empty string as one NUL.
        return value.encode() or b"\0"
    return value if isinstance(value, bytes) else np.asarray(value).astype(dtype).tobytes()


def _makeHeader(fields: Sequence[Field], table: Table, rows: np.ndarray, heap: bytes) -> fits.Header:
    flags = [field for field in fields if field.form == "X"]
    stored = [field for field in fields if field.form != "X"]
    cards: list[tuple[Any, ...]] = [
        ("XTENSION", "BINTABLE", "binary table extension"),
        ("BITPIX", 8, "8-bit bytes"),
        ("NAXIS", 2, "2-dimensional binary table"),
        ("NAXIS1", rows.dtype.itemsize, "width of table in bytes"),
        ("NAXIS2", table.nRows, "number of rows in table"),
        ("PCOUNT", len(heap), "size of special data area"),
        ("GCOUNT", 1, "one data group (required keyword)"),
        ("TFIELDS", len(stored) + bool(flags), "number of fields in each row"),
    ]
    if flags:
        cards += [("TTYPE1", "flags"), ("TFORM1", f"{len(flags)}X"), ("FLAGCOL", 1)]
    # Flags stand among the columns, since afw compares the order of fields.
    for field in fields:
        if field in flags:
            number = flags.index(field) + 1
            cards += [(f"TFLAG{number}", field.name), (f"TFDOC{number}", field.doc)]
        else:
            cards += _columnCards(field, stored.index(field) + 1 + bool(flags), rows)
    cards += table.header.items()
    cards.append(("HIERARCH AFW_TABLE_VERSION", _TABLE_VERSION))
    return fits.Header([fits.Card(*card) for card in cards])


def _columnCards(field: Field, number: int, rows: np.ndarray) -> list[tuple[Any, ...]]:
    if field.isVariable:
        longest = int(rows[field.name][:, 0].max()) if len(rows) else 0
        form = f"1Q{field.form}({longest})"
    else:
        form = f"{field.width or 1}{field.form}"
    cards: list[tuple[Any, ...]] = [
        (f"TTYPE{number}", field.name),
        (f"TFORM{number}", form),
        (f"TDOC{number}", field.doc),
    ]
    if field.unit:
        cards.append((f"TUNIT{number}", field.unit))
    return [*cards, (f"TCCLS{number}", field.template, _CLASS_COMMENT)]
