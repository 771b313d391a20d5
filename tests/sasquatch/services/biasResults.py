# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Results of bias verification with every column of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from astropy.table import Table

from lsst.analysis.cp.catalogue import getProduct

__all__ = ["makeColumns"]


def makeColumns(camera: Iterable[Any], exposure: int, kind: str) -> dict[str, Any]:
    """Make the columns of results of an exposure.

    They are ``"valid"``, all ``"invalid"``, or ``"empty"``, without rows.
    """
    detectors = [] if kind == "empty" else camera
    rows = [(d.getId(), amp.getName()) for d in detectors for amp in d.getAmplifiers()]
    table = Table({"exposure": np.full(len(rows), exposure)})
    table["detector"] = np.array([row[0] for row in rows], dtype=int)
    table["amplifier"] = np.array([row[1] for row in rows], dtype=str)
    value = np.nan if kind == "invalid" else 1.0
    for test in getProduct("bias"):
        for column in test.inputColumns:
            is_flag = column == test.verifyColumn
            table.setdefault(column, np.full(len(rows), kind != "invalid" if is_flag else value))
    return dict(table.columns)
