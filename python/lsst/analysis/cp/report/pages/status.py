# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The status of what pages show: its sign, its word, and how several are taken together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from lsst.analysis.cp.core.amps import FAILED, GOOD, UNKNOWN
from lsst.analysis.cp.core.typing import FlagArray
from lsst.analysis.cp.report.model import ProductReport, ReportedTest, Verdict

__all__ = ["LOOKS", "NOT_EXPECTED", "VERDICT_LOOKS", "Look", "ampStatus", "shownStatus", "worstStatus"]

NOT_EXPECTED = -2
"""Status of what should have no results."""


class Look(NamedTuple):
    """How a status is shown: colour is never the only sign.

    Parameters
    ----------
    style
        Class of the style sheet.
    sign
        One character.
    word
        The status in words.
    """

    style: str
    sign: str
    word: str


LOOKS: Mapping[int, Look] = MappingProxyType(
    {
        FAILED: Look("f", "✗", "failed"),
        UNKNOWN: Look("u", "?", "unknown"),
        GOOD: Look("g", "✓", "good"),
        NOT_EXPECTED: Look("x", "·", "not expected"),
    }
)
"""How each status is shown, the worst first."""

VERDICT_LOOKS: Mapping[Verdict, Look] = MappingProxyType(
    {
        Verdict.MAY_NOT: Look("f", "✗", Verdict.MAY_NOT.value),
        Verdict.UNKNOWN: Look("u", "?", Verdict.UNKNOWN.value),
        Verdict.NOT_JUDGED: Look("x", "·", Verdict.NOT_JUDGED.value),
        Verdict.MAY: Look("g", "✓", Verdict.MAY.value),
    }
)
"""How each verdict is shown."""


def worstStatus(parts: Iterable[FlagArray], shape: int) -> FlagArray:
    """Take statuses together: failed if one is, else unknown if one is, else good if one is.

    Parameters
    ----------
    parts
        Codes, each of shape (n,).
    shape
        The number n.

    Returns
    -------
    status
        Codes, shape (n,); `NOT_EXPECTED` where nothing is expected, or there are no parts.
    """
    status = np.full(shape, NOT_EXPECTED, dtype=np.int8)
    stacked = list(parts)
    for code in (GOOD, UNKNOWN, FAILED):
        for part in stacked:
            status[part == code] = code
    return status


def shownStatus(each: ReportedTest, status: FlagArray | None = None) -> FlagArray:
    """Tell how the status of a test is shown: what it did not have to judge is not unknown.

    Parameters
    ----------
    each
        The test.
    status
        Codes, such as those of detectors; by default those of its members, of any shape.

    Returns
    -------
    status
        Codes of the same shape, with `NOT_EXPECTED` where a verdict is absent because none is due.
    """
    given = each.status if status is None else status
    return given if each.wasRun else np.where(given == UNKNOWN, NOT_EXPECTED, given).astype(np.int8)


def ampStatus(product: ProductReport, nAmps: int) -> FlagArray:
    """Take the tests of amplifiers that count together.

    Parameters
    ----------
    product
        The product.
    nAmps
        Number of amplifiers of the camera.

    Returns
    -------
    status
        Codes, shape (nAmps,); `NOT_EXPECTED` if no test of amplifiers counts.
    """
    counted = [
        shownStatus(each) for each in product.tests if each.test.counts and each.test.row == "amplifier"
    ]
    return worstStatus(counted, nAmps)
