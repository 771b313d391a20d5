# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Boxes around rows and columns of an image."""

from __future__ import annotations

__all__ = ["boxOf"]

from .significance import AmpSlices


def boxOf(slices: AmpSlices) -> dict[str, float]:
    """Describe rows and columns of an image as a box.

    Parameters
    ----------
    slices
        Rows and columns.

    Returns
    -------
    box
        Centre and size by the names of the columns of `Structures` (pixels).
    """
    rows, columns = slices
    return {
        "x": (columns.start + columns.stop - 1) / 2,
        "y": (rows.start + rows.stop - 1) / 2,
        "width": columns.stop - columns.start,
        "height": rows.stop - rows.start,
    }
