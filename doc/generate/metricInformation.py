# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Thresholds of metrics in the format of analysis_tools' ``metricInformation.yaml``.

A metric is named ``<tool>_<measurement>``, as the column of a table of metrics.
"""

import math
from collections.abc import Mapping
from typing import Any

import yaml
from pipelineTopics import Topic
from verifyMetrics import Limit, productsWithTests, testLimits

from lsst.analysis.cp.catalogue import Level, Product, VerifyTest, explainMeasurement

__all__ = ["METRIC_INFORMATION", "metricInformationFile"]

METRIC_INFORMATION = "metricInfo/metricInformation.yaml"
"""The file, relative to the root of the package."""

_NOTICE = """\
# Generated from the catalogue of lsst.analysis.cp; do not edit.
# Entries for the metricInformation.yaml of analysis_tools, whose readers look for metrics by these names.
"""


def metricInformationFile(topics: Mapping[str, Topic]) -> dict[str, str]:
    """Generate the file.

    Parameters
    ----------
    topics
        All topics by name.

    Returns
    -------
    files
        Its text by its path, relative to the root of the package.
    """
    entries = {}
    for product in productsWithTests():
        for test in product:
            for limit in testLimits(test):
                entries[f"{test.toolName}_{limit.measurement}"] = _describe(product, test, limit, topics)
    text = yaml.safe_dump(entries, sort_keys=False, allow_unicode=True, width=110)
    return {METRIC_INFORMATION: _NOTICE + text}


def _describe(
    product: Product, test: VerifyTest, limit: Limit, topics: Mapping[str, Topic]
) -> dict[str, Any]:
    """Describe the threshold of one metric."""
    is_upper = limit.operator.startswith("<")
    return {
        "lowThreshold": -math.inf if is_upper else limit.value,
        "highThreshold": limit.value if is_upper else math.inf,
        "divergent": False,
        "plot": _plotName(product, test, topics),
        "debugGroup": product.name,
        "atoolsFile": "amps.py",
        "description": f"{explainMeasurement(test, limit.measurement)} {test.description.strip()}",
    }


def _plotName(product: Product, test: VerifyTest, topics: Mapping[str, Topic]) -> str | None:
    """Name the plot of an exposure that shows the test: its map, or that of all failures."""
    tool, plot = product.failureToolName, "FailureMapPlot"
    if test.plotted and test.row != "exposure":
        tool, plot = test.toolName, "FocalPlaneGeometryPlot"
    of_camera = {*Level("exposure", product.epoch).dimensions}
    for topic in topics.values():
        if topic.tool == tool and of_camera <= {*topic.dimensions} and "detector" not in topic.dimensions:
            return f"{topic.datasetType.removesuffix('metrics')}{tool}_{plot}"
    return None
