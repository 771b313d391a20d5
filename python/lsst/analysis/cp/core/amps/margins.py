# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""How far tested quantities are from their limits, on one scale for limits of all kinds."""

from collections.abc import Mapping

import numpy as np

from lsst.analysis.cp.catalogue import VerifyTest
from lsst.analysis.cp.core.typing import FloatArray, NameArray

from .verdicts import thresholdsOf

__all__ = ["HALF_WIDTHS", "LIMITS", "marginUnit", "margins"]

LIMITS = "in limits"
"""Unit of the margin to a limit that is a number."""

HALF_WIDTHS = "in half widths"
"""Unit of the margin to the nearer end of an interval."""


def marginUnit(test: VerifyTest) -> str:
    """Tell in which unit the margins of a test are.

    Parameters
    ----------
    test
        A test with a tested quantity.

    Returns
    -------
    unit
        `LIMITS` or `HALF_WIDTHS`; where a limit of the test is 0, which is no unit, that of the quantity.
    """
    given = test.threshold.values() if isinstance(test.threshold, Mapping) else (test.threshold,)
    if test.operator == "inside":
        return HALF_WIDTHS
    return LIMITS if all(given) else test.quantityUnit


def margins(test: VerifyTest, quantity: FloatArray, physicalType: NameArray) -> FloatArray:
    """Measure how far quantities are on the good side of their limits.

    Parameters
    ----------
    test
        A test with a tested quantity.
    quantity
        The quantity, shape (n,), in its unit.
    physicalType
        Physical type of the sensor of each row, shape (n,).

    Returns
    -------
    margins
        0 at the limit and negative beyond it, in the unit that `marginUnit` tells, shape (n,): 1 where the
        quantity is 0, or in the middle of an interval. NaN where the quantity is NaN or there is no limit;
        infinite where the quantity is.
    """
    low, high = thresholdsOf(test, physicalType)
    if test.operator == "inside":
        # Halves do not overflow where the ends do not.
        scale = high / 2 - low / 2
    elif marginUnit(test) == LIMITS:
        scale = np.abs(np.where(np.isinf(low), high, low))
    else:
        scale = np.ones(len(quantity))
    with np.errstate(over="ignore", invalid="ignore"):
        distance = np.minimum(quantity / scale - low / scale, high / scale - quantity / scale)
    # An infinite quantity is as far from an end that does not exist as from one that does.
    beyond = np.isinf(quantity) & ~np.isnan(scale)
    good_side = np.where(quantity > 0, np.isinf(high), np.isinf(low))
    return np.where(beyond, np.where(good_side, np.inf, -np.inf), distance)
