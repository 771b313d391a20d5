# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Limits in the metadata of tables."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from astropy.table import Table

from lsst.analysis.cp.catalogue import CatalogueError, StoredLimits, getProduct, products
from lsst.analysis.cp.core.tableLimits import LIMITS_KEY, describeLimits, readTableLimits, recordLimits


@pytest.mark.parametrize("name", products())
def test_limits_are_read_as_they_were_written(name):
    product = getProduct(name)
    file = StringIO()
    recordLimits(Table({"detector": [1]}), product.tests).write(file, format="ascii.ecsv")
    meta = Table.read(file.getvalue(), format="ascii.ecsv").meta
    assert readTableLimits(meta, product) == product


def test_limits_of_a_run_replace_those_of_the_catalogue():
    product = getProduct("linearizer")
    of_run = product.withLimits(StoredLimits({"maxResidualThresholdSpline": 0.25}, "config of the run"))
    read = readTableLimits({LIMITS_KEY: describeLimits(of_run.tests)}, product)
    assert (read["SPLINE_RESIDUAL"].threshold, product["SPLINE_RESIDUAL"].threshold) == (0.25, 1.0)
    assert read["SPLINE_RESIDUAL"].thresholdSource == "config of the run"
    assert read["HIGHER_TERMS"] == product["HIGHER_TERMS"]


def test_without_limits_the_catalogue_counts():
    product = getProduct("bias")
    assert readTableLimits({}, product) == product


def test_limits_of_tests_that_are_not_known_are_passed_over():
    product = getProduct("bias")
    assert readTableLimits({LIMITS_KEY: {"OF_LATER": {"threshold": 1.0}}}, product) == product


@pytest.mark.parametrize(
    "limit", ["wide", {"threshold": "wide", "operator": "<"}, {"threshold": 1.0}, {"operator": "<"}, None]
)
def test_what_is_no_limit_is_named(limit: Any):
    with pytest.raises(CatalogueError, match="NOISE"):
        readTableLimits({LIMITS_KEY: {"NOISE": limit}}, getProduct("bias"))


def test_limits_that_are_no_mapping_are_refused():
    with pytest.raises(CatalogueError, match="expected those of each test"):
        readTableLimits({LIMITS_KEY: [1.0]}, getProduct("bias"))
