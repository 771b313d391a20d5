# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Fast look-up of amplifier names."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lsst.analysis.cp.core.typing import IndexArray, NameArray

__all__ = ["encodeNames"]

# Letters of one byte that fit into the integer that a name is packed into.
_LETTERS = 8


def encodeNames(names: NameArray, known: NameArray) -> IndexArray:
    """Find names among a few known ones.

    Parameters
    ----------
    names
        Shape (n,).
    known
        Known names, sorted, shape (m,) with m > 0.

    Returns
    -------
    code
        Index into ``known``, shape (n,); m where a name is not known.
    """
    packed, packed_known = _packNames(names), _packNames(known)
    if packed is not None and packed_known is not None:
        return _lookUp(packed, packed_known)
    used, code_of_row = np.unique(names, return_inverse=True)
    return _lookUp(used, known)[code_of_row]


def _lookUp[T: np.generic](values: npt.NDArray[T], known: npt.NDArray[T]) -> IndexArray:
    """Find values in a sorted array; its length where a value is not in it."""
    code = np.minimum(np.searchsorted(known, values), len(known) - 1)
    code[known[code] != values] = len(known)
    return code


def _packNames(names: NameArray) -> npt.NDArray[np.uint64] | None:
    """Pack short names into integers of the same order, which compare far faster; None if that cannot be."""
    width = names.dtype.itemsize // 4
    if not 0 < width <= _LETTERS:
        return None
    letters = np.ascontiguousarray(names).view(np.uint32).reshape(len(names), width)
    if letters.max(initial=0) > 255:
        return None
    packed = np.zeros(len(names), dtype=np.uint64)
    for i in range(width):
        packed |= letters[:, i].astype(np.uint64) << np.uint64(8 * (_LETTERS - 1 - i))
    return packed
