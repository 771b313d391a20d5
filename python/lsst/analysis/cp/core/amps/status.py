# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The three-valued status: good, failed or unknown."""

import numpy as np

from lsst.analysis.cp.core.typing import BoolArray, FlagArray, NameArray

__all__ = ["FAILED", "GOOD", "STATUS_NAMES", "UNKNOWN", "combineStatus", "statusNames"]

UNKNOWN = -1
FAILED = 0
GOOD = 1

STATUS_NAMES = {GOOD: "good", FAILED: "failed", UNKNOWN: "unknown"}
"""Name of each status code."""

# Indexed by code, so that UNKNOWN (-1) takes the last.
_NAMES = np.array([STATUS_NAMES[FAILED], STATUS_NAMES[GOOD], STATUS_NAMES[UNKNOWN]])


def combineStatus(failed: BoolArray, complete: BoolArray) -> FlagArray:
    """Roll up the status of parts.

    Parameters
    ----------
    failed
        Where any part failed, any shape.
    complete
        Where every expected part is known to be good or failed, same shape.

    Returns
    -------
    status
        FAILED where a part failed, else UNKNOWN where one is not known, else GOOD.
    """
    return np.where(failed, FAILED, np.where(complete, GOOD, UNKNOWN)).astype(np.int8)


def statusNames(status: FlagArray) -> NameArray:
    """Translate status codes.

    Parameters
    ----------
    status
        Codes, any shape.

    Returns
    -------
    names
        ``"good"``, ``"failed"`` or ``"unknown"``, same shape.
    """
    return _NAMES[status]
