# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Encoding of a merged table of which a part is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from lsst.analysis.cp.core.camera import AmpKeyError

from .rows import Columns
from .table import AmpTable

__all__ = ["leaveOutWrong"]


def leaveOutWrong(data: Columns, encode: Callable[[Columns], AmpTable]) -> tuple[AmpTable, Mapping[str, str]]:
    """Encode a merged table without those tables that do not fit the camera, or repeat rows.

    A wrong row costs all rows of its exposure and detector, which come from one table, and no others; a wrong
    row of an exposure costs those of the exposure as a whole.

    Parameters
    ----------
    data
        Columns of the table. Not modified.
    encode
        Encodes columns, and raises `AmpKeyError` with the rows that are wrong.

    Returns
    -------
    table
        What is encoded.
    leftOut
        Why tables are left out, by their names.

    Raises
    ------
    AmpKeyError
        Raised if it is not known which tables are wrong.
    """
    left_out: dict[str, str] = {}
    while True:
        try:
            return encode(data), left_out
        except AmpKeyError as error:
            if not error.tables:
                raise
            left_out |= dict.fromkeys(error.tables, f"{type(error).__name__}: {error}")
            columns = {name: data[name] for name in set(data.keys())}
            keep = np.ones(len(columns["amplifier"]), dtype=bool)
            keep[error.rows] = False
            data = {name: column[keep] for name, column in columns.items()}
