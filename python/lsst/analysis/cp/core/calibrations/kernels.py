# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Numbers that describe brighter-fatter kernels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lsst.analysis.cp.core.typing import FloatArray

__all__ = ["KernelShape", "hasKernel", "measureKernel"]


@dataclass(frozen=True, kw_only=True)
class KernelShape:
    """What a kernel is like; all is NaN if there is none.

    Parameters
    ----------
    centre
        Value at the centre.
    total
        Sum over all pixels.
    edge
        Largest absolute value at the edge, over that at the centre; NaN if that is 0.
    asymmetry
        Difference of the neighbours of the centre along the first axis from those along the second, over
        their sum.
    """

    centre: float = np.nan
    total: float = np.nan
    edge: float = np.nan
    asymmetry: float = np.nan


def hasKernel(kernel: FloatArray) -> bool:
    """Tell a kernel from the zeros, or the empty array, that stand where none could be made."""
    return kernel.ndim == 2 and min(kernel.shape) >= 3 and bool(kernel.any() and np.isfinite(kernel).all())


def measureKernel(kernel: FloatArray) -> KernelShape:
    """Describe a kernel.

    Parameters
    ----------
    kernel
        The kernel, shape (n, n), n odd. One with a value that is not finite is none, nor is one of zeros.

    Returns
    -------
    shape
        Its numbers, in the unit of the kernel.
    """
    if not hasKernel(kernel):
        return KernelShape()
    kernel = np.asarray(kernel, dtype=np.float64)
    i, j = (n // 2 for n in kernel.shape)
    centre = float(kernel[i, j])
    border = np.concatenate([kernel[0], kernel[-1], kernel[:, 0], kernel[:, -1]])
    along_first, along_second = (float(kernel[at].sum()) for at in (([i - 1, i + 1], j), (i, [j - 1, j + 1])))
    neighbours = along_first + along_second
    return KernelShape(
        centre=centre,
        total=float(kernel.sum()),
        edge=float(np.abs(border).max()) / abs(centre) if centre else np.nan,
        asymmetry=(along_first - along_second) / neighbours if neighbours else np.nan,
    )
