# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Columns of amplifier results, with the reduction that several tools share."""

from __future__ import annotations

__all__ = ["AmpColumns", "findAmpResults", "verdictKeys"]

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.core.amps import AmpResults, AmpTable

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera
    from lsst.analysis.cp.core.amps import ReferenceValues


class AmpColumns(dict[str, Any]):
    """Columns of amplifier results that carry their reduction, so that tools run on the same rows share it.

    An action that changes the rows returns another mapping, and with it the reduction is left behind.

    Parameters
    ----------
    columns
        Columns of the table.
    results
        Reductions of exactly these rows.
    """

    def __init__(self, columns: Mapping[str, Any], results: AmpResults) -> None:
        super().__init__(columns)
        self.results = results


def verdictKeys(product: str, keys: Iterable[str] = ()) -> list[str]:
    """List tests that have a verdict of their own.

    Parameters
    ----------
    product
        Name of the product.
    keys
        Keys of the tests; if empty, all with a verdict that does not sum up others.

    Returns
    -------
    keys
        Keys of the tests.
    """
    tests = getProduct(product)
    return list(keys) or [test.key for test in tests if test.verify is not None and not test.verdict]


def findAmpResults(
    data: Mapping[str, Any],
    product: str,
    tests: Iterable[str],
    *,
    camera: Camera,
    reference: ReferenceValues | None = None,
    exposures: Iterable[int] | None = None,
    **kwargs: Any,
) -> AmpResults:
    """Get the reductions that the data carry, or make those of some tests.

    Parameters
    ----------
    data
        Columns of amplifier results.
    product
        Product that was verified.
    tests
        Keys of the tests that are needed.
    camera
        Camera that the results belong to.
    reference
        Nominal read noise and gain; those of the camera where absent.
    exposures
        Exposures that are expected to have rows.
    **kwargs
        Not used: the further arguments of tools.

    Returns
    -------
    results
        Reductions of at least these tests.
    """
    declared = getProduct(product)
    keys = declared.neededKeys(tests)
    if isinstance(data, AmpColumns) and {declared[key] for key in keys} <= set(data.results.ampTable.tests):
        return data.results
    table = AmpTable.fromColumns(
        data, declared, cameraGeometry(camera).layout, tests=keys, reference=reference, exposures=exposures
    )
    return AmpResults(ampTable=table)
