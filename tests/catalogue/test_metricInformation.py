# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Thresholds in the format of analysis_tools' metricInformation.yaml."""

import math
from pathlib import Path

import pytest
import yaml

from lsst.analysis.cp.catalogue import Level, getProduct, measurementUnits, products
from lsst.pipe.base import Pipeline

ROOT = Path(__file__).parents[2]
TESTS = {test.toolName: test for name in products() for test in getProduct(name)}
# What each entry of the file of analysis_tools has.
FIELDS = ["lowThreshold", "highThreshold", "divergent", "plot", "debugGroup", "atoolsFile", "description"]
CAMERA = ROOT / "pipelines" / "LSSTCam"


def fileOf(product: str) -> str:
    """Name the file of a product's pipeline."""
    return f"verify{product.capitalize()}.yaml"


@pytest.fixture(scope="module")
def entries():
    return yaml.safe_load((ROOT / "metricInfo" / "metricInformation.yaml").read_text())


def test_entries_have_the_fields_of_upstream(entries):
    assert {tuple(entry) for entry in entries.values()} == {tuple(FIELDS)}


def test_each_test_that_counts_has_its_thresholds_and_no_other(entries):
    expected = {}
    for tool, test in TESTS.items():
        if test.counts:
            expected[f"{tool}_nFailed"] = (-math.inf, 0)
            if test.operator in ("<", "<="):
                expected[f"{tool}_quantityMax"] = (-math.inf, test.threshold)
            if test.operator in (">", ">="):
                expected[f"{tool}_quantityMin"] = (test.threshold, math.inf)
    assert {name: (e["lowThreshold"], e["highThreshold"]) for name, e in entries.items()} == expected
    assert expected["biasNoise_quantityMax"] == (-math.inf, 0.05)


def test_names_are_those_of_columns_of_a_table_of_metrics(entries):
    """Such a column is called after the tool and the measurement of the bundle."""
    for name in entries:
        tool, measurement = name.split("_")
        assert measurement in measurementUnits(TESTS[tool], Level("exposure", "exposure"))


@pytest.mark.parametrize("product", [name for name in products() if (CAMERA / fileOf(name)).exists()])
def test_plots_are_outputs_of_the_pipelines(entries, product):
    graph = Pipeline.fromFile(str(CAMERA / fileOf(product))).to_graph()
    plots = {
        edge.dataset_type_name
        for node in graph.tasks.values()
        for edge in node.iter_all_outputs()
        if edge.storage_class_name == "Plot"
    }
    named = {entry["plot"] for entry in entries.values() if entry["debugGroup"] == product}
    assert named
    assert named <= plots
