# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import pytest

from lsst.analysis.cp.catalogue import SENSOR_GROUPS, findTest, getProduct, products

TESTS = [test for name in products() for test in getProduct(name)]


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.toolName)
def test_a_test_is_found_by_its_tool(test):
    assert findTest(test.toolName) is test


@pytest.mark.parametrize("group", SENSOR_GROUPS)
def test_a_tool_for_some_detectors_measures_the_same_test(group):
    assert findTest(f"biasNoise{group}") is getProduct("bias")["NOISE"]


@pytest.mark.parametrize("name", ["", "biasFailures", "biasNoiseRatio", "BiasNoise"])
def test_other_tools_measure_no_test(name):
    assert findTest(name) is None
