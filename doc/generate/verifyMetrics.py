# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Metric definitions and specifications of lsst.verify, generated from the catalogue.

The files are in the layout of verify_metrics. A metric is named ``<tool>_<measurement>``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from lsst.analysis.cp.catalogue import (
    LEVELS,
    MEASUREMENTS,
    ROWS,
    Level,
    Product,
    Slope,
    VerifyTest,
    getProduct,
    measurementUnits,
    products,
)
from lsst.analysis.cp.metrics.units import slopeUnits

__all__ = ["PACKAGE", "Limit", "productsWithTests", "testLimits", "verifyMetricsFiles"]

PACKAGE = "analysis_cp"
"""Name of the package that the metrics belong to."""

_NOTICE = "# Generated from the catalogue of lsst.analysis.cp; do not edit.\n"


@dataclass(frozen=True)
class Limit:
    """Limit of a measurement, within which it passes.

    Parameters
    ----------
    name
        Name of the limit among those of the measurement.
    measurement
        Name of the measurement.
    operator, value, unit
        It passes where it has this relation to the value, in this unit.
    """

    name: str
    measurement: str
    operator: str
    value: float
    unit: str


def productsWithTests() -> list[Product]:
    """List the products that have tests, sorted by name."""
    return [product for product in map(getProduct, products()) if product.tests]


def testLimits(test: VerifyTest) -> Iterator[Limit]:
    """List the limits of a test's worst tested quantity and of its number of failures.

    Parameters
    ----------
    test
        The test.

    Yields
    ------
    limit
        A limit; none if the verdict of the test does not count.
    """
    if not test.counts:
        return
    if test.limit is not None and test.operator is not None:
        worst = "quantityMax" if test.operator.startswith("<") else "quantityMin"
        yield Limit("threshold", worst, test.operator, test.limit, test.quantityUnit)
    yield Limit("noFailure", "nFailed", "<=", 0, "")


def verifyMetricsFiles() -> dict[str, str]:
    """Generate all files.

    Returns
    -------
    files
        Text of each file by its path, relative to the directory of the metrics package.
    """
    chosen = productsWithTests()
    definitions = {}
    for product in chosen:
        for test in product:
            definitions.update(_defineMetrics(product, test))
        for slope in product.slopes:
            definitions.update(_defineSlope(product, slope))
    files = {f"metrics/{PACKAGE}.yaml": _NOTICE + _dump(definitions)}
    for product in chosen:
        documents = [spec for test in product for spec in _specify(test)]
        text = "".join(f"---\n{_dump(document)}" for document in documents)
        files[f"specs/{PACKAGE}/{product.name}.yaml"] = _NOTICE + text
    return files


def _defineMetrics(product: Product, test: VerifyTest) -> dict[str, dict[str, Any]]:
    """Define the metrics of all measurements of a test, at any level."""
    units: dict[str, str] = {}
    for level in LEVELS:
        units |= measurementUnits(test, Level(level, product.epoch))
    section = f", section {test.section}" if test.section else ""
    reference = {"doc": f"{product.document}{section}", "url": product.url}
    definitions = {}
    for name, unit in units.items():
        meaning = MEASUREMENTS[name].meaning.format(
            statistic=test.statistic, quantity=test.quantity, key=test.key, rows=ROWS[test.row]
        )
        computed = " The verdict is computed, not one of cp_verify."
        if not (test.isComputed and MEASUREMENTS[name].of == "verdict"):
            computed = ""
        definitions[f"{test.toolName}_{name}"] = {
            "description": f"{meaning} {product.title} {test.key}: {test.description}{computed}",
            "unit": unit,
            # Only a test that the document defines may refer to it.
            **({"reference": reference} if test.section else {}),
            "tags": [product.name, test.key],
        }
    return definitions


def _defineSlope(product: Product, slope: Slope) -> dict[str, dict[str, Any]]:
    """Define the metrics of a slope, which a run has."""
    words = {"statistic": "the slope", "rows": "amplifiers"}
    return {
        f"{slope.toolName}_{name}": {
            "description": f"{MEASUREMENTS[name].meaning.format(**words)} {product.title} {slope.key}: "
            f"{slope.description}",
            "unit": unit,
            "tags": [product.name, slope.key],
        }
        for name, unit in slopeUnits(slope).items()
    }


def _specify(test: VerifyTest) -> list[dict[str, Any]]:
    """Specify the limits of a test."""
    return [
        {
            "metric": f"{test.toolName}_{limit.measurement}",
            "name": limit.name,
            "threshold": {"operator": limit.operator, "value": limit.value, "unit": limit.unit},
            "tags": [test.product, test.key],
        }
        for limit in testLimits(test)
    ]


class _Dumper(yaml.SafeDumper):
    """A dumper that repeats what occurs twice, for readers."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _dump(document: object) -> str:
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
