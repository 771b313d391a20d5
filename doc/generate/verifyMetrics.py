# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Metric definitions and specifications of lsst.verify, generated from the catalogue.

The files are in the layout of verify_metrics. A metric is named ``<tool>_<measurement>``.
"""

from typing import Any

import yaml

from lsst.analysis.cp.catalogue import (
    MEASUREMENT_LEVELS,
    Product,
    Test,
    getProduct,
    measurementUnits,
    products,
)

__all__ = ["PACKAGE", "verifyMetricsFiles"]

PACKAGE = "analysis_cp"
"""Name of the package that the metrics belong to."""

_NOTICE = "# Generated from the catalogue of lsst.analysis.cp; do not edit.\n"

_MEANINGS = {
    "min": "Minimum of {statistic} over amplifiers.",
    "median": "Median of {statistic} over amplifiers.",
    "max": "Maximum of {statistic} over amplifiers.",
    "quantityMin": "Minimum of {quantity} over amplifiers.",
    "quantityMedian": "Median of {quantity} over amplifiers.",
    "quantityMax": "Maximum of {quantity} over amplifiers.",
    "nAmps": "Number of amplifiers with results.",
    "nValid": "Number of amplifiers with a finite {statistic}.",
    "nTested": "Number of amplifiers with a verdict of {key}.",
    "nFailed": "Number of amplifiers that failed {key}.",
    "nDetectors": "Number of detectors with results.",
    "nDetectorsFailed": "Number of detectors with an amplifier that failed {key}.",
    "nDetectorsMissing": "Number of detectors without results.",
    "nAmpsMissing": "Number of amplifiers without results.",
    "nExposures": "Number of exposures.",
    "nExposuresFailed": "Number of exposures with an amplifier that failed {key}.",
    "nExposuresOverLimit": "Number of exposures in which {key} failed for the majority of detectors.",
    "majorityFailed": "Whether {key} failed for the majority of detectors in the majority of exposures.",
}


def verifyMetricsFiles() -> dict[str, str]:
    """Generate all files.

    Returns
    -------
    files
        Text of each file by its path, relative to the directory of the metrics package.
    """
    chosen = [getProduct(name) for name in products()]
    definitions = {}
    for product in chosen:
        for test in product:
            definitions.update(_defineMetrics(product, test))
    files = {f"metrics/{PACKAGE}.yaml": _NOTICE + _dump(definitions)}
    for product in chosen:
        documents = [spec for test in product for spec in _specify(test)]
        text = "".join(f"---\n{_dump(document)}" for document in documents)
        files[f"specs/{PACKAGE}/{product.name}.yaml"] = _NOTICE + text
    return files


def _defineMetrics(product: Product, test: Test) -> dict[str, dict[str, Any]]:
    """Define the metrics of all measurements of a test, at any level."""
    units: dict[str, str] = {}
    for level in MEASUREMENT_LEVELS:
        units |= measurementUnits(test, level)
    section = f", section {test.section}" if test.section else ""
    reference = {"doc": f"{product.document}{section}", "url": product.url}
    definitions = {}
    for name, unit in units.items():
        meaning = _MEANINGS[name].format(statistic=test.statistic, quantity=test.quantity, key=test.key)
        definitions[f"{test.toolName}_{name}"] = {
            "description": f"{meaning} {product.title} {test.key}: {test.description}",
            "unit": unit,
            # Only a test that the document defines may refer to it.
            **({"reference": reference} if test.section else {}),
            "tags": [product.name, test.key],
        }
    return definitions


def _specify(test: Test) -> list[dict[str, Any]]:
    """Specify the limits of a test's worst tested quantity and of its number of failures."""
    tags = [test.product, test.key]
    specs = []
    if test.operator is not None:
        worst = "quantityMax" if test.operator.startswith("<") else "quantityMin"
        threshold = {"operator": test.operator, "value": test.threshold, "unit": test.quantityUnit}
        metric = f"{test.toolName}_{worst}"
        specs.append({"metric": metric, "name": "threshold", "threshold": threshold, "tags": tags})
    if test.verify is not None:
        threshold = {"operator": "<=", "value": 0, "unit": ""}
        metric = f"{test.toolName}_nFailed"
        specs.append({"metric": metric, "name": "noFailure", "threshold": threshold, "tags": tags})
    return specs


class _Dumper(yaml.SafeDumper):
    """A dumper that repeats what occurs twice, for readers."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _dump(document: object) -> str:
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
