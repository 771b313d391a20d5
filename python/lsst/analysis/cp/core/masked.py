# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Arrays that carry a mask, as plain ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.utils.masked import Masked

from lsst.analysis.cp.core.typing import BoolArray

__all__ = ["fillMasked", "fillMaskedFlags"]


def _split(values: object) -> tuple[npt.NDArray[Any], BoolArray | None]:
    """Return the values, and where they are masked; None for nowhere."""
    if isinstance(values, np.ma.MaskedArray):
        return np.ma.getdata(values), np.ma.getmaskarray(values)
    if isinstance(values, Masked):
        return np.asarray(values.unmasked), np.asarray(values.mask)
    return np.asarray(values), None


def fillMasked(values: object) -> npt.NDArray[Any]:
    """Give masked numbers the value NaN, which `numpy.asarray` would show as they are.

    Parameters
    ----------
    values
        Numbers, perhaps a `numpy.ma.MaskedArray` or `astropy.utils.masked.Masked`; any shape.

    Returns
    -------
    plain
        Array without a mask; that which was given, if none is masked. Whole numbers become double precision
        where any is masked.
    """
    plain, mask = _split(values)
    if mask is None or not mask.any():
        return plain
    dtype = plain.dtype if plain.dtype.kind == "f" else np.dtype(np.float64)
    return np.where(mask, np.array(np.nan, dtype), plain)


def fillMaskedFlags(flags: object) -> npt.NDArray[Any]:
    """Set the flags that are masked: what is not known to be good is left out.

    Parameters
    ----------
    flags
        True where something is left out; any shape.

    Returns
    -------
    plain
        Array without a mask, of the same type.
    """
    plain, mask = _split(flags)
    return plain if mask is None else plain | mask
