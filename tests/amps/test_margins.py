# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Distances to limits of every kind, against numbers by hand and against the verdicts."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsst.analysis.cp.catalogue import VerifyTest, getProduct, products
from lsst.analysis.cp.core.amps import FAILED, GOOD, UNKNOWN, judge, margins, marginUnit

INF, NAN = np.inf, np.nan
BY_SENSOR = {"ITL": (-4.0, 2.0), "E2V": (1.0, 3.0)}

LIMITS = [
    ("<", 0.05),
    ("<=", 0.0),
    (">=", -3.0),
    (">", 90000.0),
    ("inside", (-4.0, 2.0)),
    ("inside", BY_SENSOR),
]
"""A limit of each kind that the catalogue allows."""


def makeTest(operator: str, threshold: object, unit: str = "electron") -> VerifyTest:
    return VerifyTest(
        product="bias",
        prefix="BIAS",
        key="X",
        statistic="X",
        verify="computed",
        quantity="X",
        quantityUnit=unit,
        operator=operator,
        threshold=threshold,
        description="Whatever.",
    )


def marginsOf(operator, threshold, quantity, sensors="E2V"):
    values = np.asarray(quantity, dtype=np.float64)
    return margins(makeTest(operator, threshold), values, np.full(len(values), sensors)).tolist()


@pytest.mark.parametrize(
    ("operator", "threshold", "quantity", "expected"),
    [
        ("<=", 0.05, [0.0, 0.05, 0.1, -0.05], [1.0, 0.0, -1.0, 2.0]),
        (">", 90000.0, [0.0, 90000.0, 135000.0], [-1.0, 0.0, 0.5]),
        (">=", -2.0, [-2.0, -4.0, 0.0], [0.0, -1.0, 1.0]),
        ("<", -2.0, [-2.0, -4.0, 0.0], [0.0, 1.0, -1.0]),
        ("<=", 0.0, [0.0, 7.0, -3.0], [0.0, -7.0, 3.0]),
        ("inside", (-4.0, 2.0), [-1.0, -4.0, 2.0, 5.0, 0.5], [1.0, 0.0, 0.0, -1.0, 0.5]),
    ],
)
def test_margins_by_hand(operator, threshold, quantity, expected):
    assert marginsOf(operator, threshold, quantity) == pytest.approx(expected, abs=1e-12)


def test_limits_of_each_sensor():
    test = makeTest("inside", BY_SENSOR)
    sensors = np.array(["ITL", "E2V", "E2V", "ITL_G"])
    found = margins(test, np.array([0.5, 2.0, 3.5, 0.0]), sensors).tolist()
    assert found[:3] == pytest.approx([0.5, 1.0, -0.5])
    # No limit is declared for the guider.
    assert math.isnan(found[3])


@pytest.mark.parametrize(("operator", "threshold"), LIMITS)
def test_what_is_no_number_has_no_margin(operator, threshold):
    assert math.isnan(marginsOf(operator, threshold, [NAN])[0])


@pytest.mark.parametrize(
    ("operator", "threshold", "expected"),
    [
        ("<", 0.05, [-INF, INF]),
        ("<=", 0.0, [-INF, INF]),
        (">", 3.0, [INF, -INF]),
        ("inside", (-4.0, 2.0), [-INF] * 2),
    ],
)
def test_infinite_quantities(operator, threshold, expected):
    assert marginsOf(operator, threshold, [INF, -INF]) == expected


@pytest.mark.parametrize(("operator", "threshold"), LIMITS)
@given(quantity=st.floats(-1e6, 1e6))
def test_sign_is_the_verdict(operator, threshold, quantity):
    test, sensors = makeTest(operator, threshold), np.array(["ITL"])
    margin = margins(test, np.array([quantity]), sensors)[0]
    verdict = judge(test, np.array([quantity]), sensors)[0]
    # Next to the limit the margin may round to 0.
    assert margin * (1 if verdict == GOOD else -1) >= 0
    assert verdict in (GOOD, FAILED)


@given(scale=st.floats(1e-3, 1e3), quantity=st.floats(-10, 10))
def test_margin_does_not_depend_on_the_unit_of_the_quantity(scale, quantity):
    for operator, threshold in (("<=", 0.05), (">", 3.0)):
        (margin,) = marginsOf(operator, threshold, [quantity])
        (scaled,) = marginsOf(operator, scale * threshold, [scale * quantity])
        assert scaled == pytest.approx(margin, rel=1e-9, abs=1e-9)


def test_huge_quantities_do_not_overflow_where_the_margin_does_not():
    assert marginsOf("inside", (-1.7e308, 1.7e308), [0.0, 1.7e308]) == [1.0, 0.0]


@pytest.mark.parametrize(
    ("operator", "threshold", "unit"),
    [
        ("<=", 0.05, "in limits"),
        ("<=", 0.0, "electron"),
        ("inside", (-4.0, 2.0), "in half widths"),
        ("<", {"E2V": 1.0, "ITL": 2.0}, "in limits"),
        ("<", {"E2V": 1.0, "ITL": 0.0}, "electron"),
    ],
)
def test_unit_of_margins(operator, threshold, unit):
    assert marginUnit(makeTest(operator, threshold)) == unit


@pytest.mark.parametrize("product", products())
def test_every_limit_of_the_catalogue_has_a_margin(product):
    sensors = np.array(["ITL", "E2V"])
    for test in getProduct(product):
        if test.quantity is not None:
            for quantity in (np.array([-7.0, 0.3]), np.array([NAN, 1e9])):
                found, verdict = margins(test, quantity, sensors), judge(test, quantity, sensors)
                assert np.isnan(found).tolist() == (verdict == UNKNOWN).tolist()
