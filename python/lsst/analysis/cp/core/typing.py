# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Arrays by the type of their elements; docstrings give their shapes."""

import numpy as np
import numpy.typing as npt

__all__ = [
    "AnyArray",
    "BoolArray",
    "FlagArray",
    "Float32Array",
    "FloatArray",
    "IdArray",
    "IndexArray",
    "NameArray",
]

type AnyArray = npt.NDArray[np.generic]
"""Elements of any type."""

type BoolArray = npt.NDArray[np.bool_]
"""Masks."""

type FlagArray = npt.NDArray[np.int8]
"""Small codes, such as those of a status."""

type Float32Array = npt.NDArray[np.float32]
"""Pixels."""

type FloatArray = npt.NDArray[np.float64]
"""Values that are reduced or drawn."""

type IdArray = npt.NDArray[np.int64]
"""Identifiers and counts."""

type IndexArray = npt.NDArray[np.intp]
"""Positions in other arrays."""

type NameArray = npt.NDArray[np.str_]
"""Names."""
