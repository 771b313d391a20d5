# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Columns of few names in many rows."""

from __future__ import annotations

__all__ = ["Labels"]

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from lsst.analysis.cp.core.typing import BoolArray, NameArray


@dataclass(frozen=True, eq=False)
class Labels:
    """A column of names, each stored once.

    Parameters
    ----------
    codes
        Index into ``names`` of each row, -1 where a row has no name, shape (n,). Made read-only.
    names
        The names, each once, in any order; rows need not use all.

    Raises
    ------
    ValueError
        Raised if a code is no index, or a name is given twice.
    """

    codes: npt.NDArray[np.int32]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        codes = np.asarray(self.codes)
        if codes.ndim != 1 or codes.dtype.kind != "i":
            raise ValueError(f"codes have shape {codes.shape} and type {codes.dtype}, expected integers (n,)")
        if len(codes) and not -1 <= codes.min() <= codes.max() < len(self.names):
            raise ValueError(f"codes from {codes.min()} to {codes.max()} for {len(self.names)} names")
        if len(set(self.names)) != len(self.names):
            raise ValueError(f"names are given twice: {sorted(self.names)}")
        codes = codes.astype(np.int32, copy=False).view()
        codes.flags.writeable = False
        object.__setattr__(self, "codes", codes)

    @classmethod
    def fromValues(cls, values: Iterable[str | None]) -> Labels:
        """Make a column from a name for each row, None where there is none."""
        index: dict[str, int] = {}
        codes = [-1 if value is None else index.setdefault(str(value), len(index)) for value in values]
        return cls(np.array(codes, dtype=np.int32), tuple(index))

    @classmethod
    def fromArray(cls, values: npt.NDArray[Any], present: BoolArray | None = None) -> Labels:
        """Make a column from an array of names, shape (n,), and where they count (everywhere if None)."""
        names, indices = np.unique(np.asarray(values, dtype=np.str_), return_inverse=True)
        codes = indices.astype(np.int32)
        if present is not None:
            codes[~present] = -1
        return cls(codes, tuple(names.tolist()))

    @classmethod
    def constant(cls, name: str | None, length: int) -> Labels:
        """Make a column of one name (or of none, if None)."""
        return cls(np.full(length, -1 if name is None else 0, np.int32), () if name is None else (name,))

    @classmethod
    def concatenate(cls, parts: Sequence[Labels]) -> Labels:
        """Join columns, one after the other."""
        index: dict[str, int] = {}
        codes = [np.empty(0, np.int32)]
        for part in parts:
            # The last entry is for rows without a name.
            new = [index.setdefault(name, len(index)) for name in part.names] + [-1]
            codes.append(np.array(new, dtype=np.int32)[part.codes])
        return cls(np.concatenate(codes), tuple(index))

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, index: Any) -> Labels:
        """Choose rows by a mask, a slice or indices, shape (n,) or (m,)."""
        return Labels(np.atleast_1d(self.codes[index]), self.names)

    def isName(self, *names: str) -> BoolArray:
        """Tell which rows have one of some names, shape (n,)."""
        return np.isin(self.codes, [code for code, name in enumerate(self.names) if name in names])

    @property
    def present(self) -> BoolArray:
        """Whether each row has a name, shape (n,)."""
        return self.codes >= 0

    @cached_property
    def values(self) -> NameArray:
        """Name of each row, empty where it has none, shape (n,)."""
        return np.array([*self.names, ""], dtype=np.str_)[self.codes]

    @cached_property
    def ranks(self) -> npt.NDArray[np.int32]:
        """Place of each row's name in alphabetical order, -1 where it has none, shape (n,)."""
        order = np.argsort(np.array(self.names, dtype=np.str_))
        places = np.full(len(self.names) + 1, -1, dtype=np.int32)
        places[order] = np.arange(len(order), dtype=np.int32)
        return places[self.codes]
