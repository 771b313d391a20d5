# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The limits with which the results in a table were judged, in the metadata of the table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from astropy.table import Table

from lsst.analysis.cp.catalogue import Bounds, CatalogueError, Product, VerifyTest

__all__ = ["LIMITS_KEY", "describeLimits", "readTableLimits", "recordLimits"]

LIMITS_KEY = "limits"
"""Name of the limits in the metadata of a table."""


def describeLimits(tests: Iterable[VerifyTest]) -> dict[str, dict[str, Any]]:
    """Describe the limits of tests by lists, texts and numbers.

    Parameters
    ----------
    tests
        Tests; those without limit are left out.

    Returns
    -------
    limits
        By key of the test: ``operator``; ``threshold``, which is a number, a list of the two ends of an
        interval, or one of these for each physical type of sensor; ``unit`` and ``source``.
    """
    return {
        test.key: {
            "operator": test.operator,
            "threshold": _describe(test.threshold),
            "unit": test.quantityUnit,
            "source": test.thresholdSource,
        }
        for test in tests
        if test.threshold is not None
    }


def _describe(threshold: Any) -> Any:
    if isinstance(threshold, Mapping):
        return {str(sensor): _describe(bounds) for sensor, bounds in threshold.items()}
    return [float(end) for end in threshold] if isinstance(threshold, tuple) else float(threshold)


def recordLimits(table: Table, tests: Iterable[VerifyTest]) -> Table:
    """Write limits into the metadata of a table.

    Parameters
    ----------
    table
        The table, which is changed.
    tests
        The tests that it has results of.

    Returns
    -------
    table
        The same table.
    """
    table.meta[LIMITS_KEY] = describeLimits(tests)
    return table


def readTableLimits(meta: Mapping[str, Any], product: Product) -> Product:
    """Make a product with the limits that a table was made with.

    Parameters
    ----------
    meta
        Metadata of the table.
    product
        The product, as the catalogue has it.

    Returns
    -------
    product
        The product; itself if the metadata have no limits, as those of older versions.

    Raises
    ------
    CatalogueError
        If what is there is no limit.
    """
    stored = meta.get(LIMITS_KEY, {})
    if not isinstance(stored, Mapping):
        raise CatalogueError(f"the limits of the table are {stored!r:.100}, expected those of each test")
    tests = [_withStored(test, stored[test.key]) if test.key in stored else test for test in product]
    return replace(product, tests=tuple(tests))


def _withStored(test: VerifyTest, limit: Any) -> VerifyTest:
    """Make a test with a stored limit."""
    try:
        threshold, operator = _parse(limit["threshold"]), str(limit["operator"])
        return replace(
            test, operator=operator, threshold=threshold, thresholdSource=str(limit.get("source", ""))
        )
    except CatalogueError:
        raise
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise CatalogueError(f"the limit of {test.key} is {limit!r:.100}, which is none") from error


def _parse(threshold: Any) -> Bounds | Mapping[str, Bounds]:
    if isinstance(threshold, Mapping):
        return {str(sensor): _parseBounds(bounds) for sensor, bounds in threshold.items()}
    return _parseBounds(threshold)


def _parseBounds(bounds: Any) -> Bounds:
    if isinstance(bounds, list | tuple):
        low, high = bounds
        return float(low), float(high)
    return float(bounds)
