# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Statistics that are made of the vectors of a table."""

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from lsst.analysis.cp.catalogue import (
    REDUCTIONS,
    CatalogueError,
    StoredLimits,
    getProduct,
    products,
    readProduct,
)
from lsst.analysis.cp.core import ColumnError, vectorColumn
from lsst.analysis.cp.core.amps import (
    GOOD,
    AmpTable,
    ampSummaryTable,
    culpritsTable,
    statusNames,
    summarize,
)
from lsst.analysis.cp.core.amps.vectors import _FUNCTIONS

KNOTS = np.array([0.0, 1e4, 2e4, 4e4])
VALUES = np.array([0.0, -30.0, 100.0, 80.0])
SPLINE = np.concatenate([KNOTS, VALUES])
MADE = """
product: p
prefix: P
title: P
epoch: none
statistics:
  A:
    unit: ""
    label: A
    description: A.
    vectors: {vectors}
"""


def make(reduction: str, *vectors: Any) -> list[float]:
    return _FUNCTIONS[reduction](np.array(vectors, dtype=float)).tolist()


@pytest.fixture
def columns(layout) -> dict[str, Any]:
    """Make a table of splines of which all keep the limit, as cp_verify writes it."""
    n = layout.nAmps
    return {
        "detector": layout.detectorId[layout.ampDetector],
        "amplifier": layout.ampName,
        "LINEARITY_COEFFS": np.tile(SPLINE, (n, 1)),
        "LINEARITY_LINEARITY_TYPE": np.full(n, "Spline"),
        "LINEARITY_FIT_RESIDUALS": np.tile([3.0, -4.0, np.nan], (n, 1)),
        "LINEARITY_MAX_RESIDUAL_ERROR": np.zeros(n, bool),
        "LINEARITY_SUCCESS": np.zeros(n, bool),
    }


@pytest.fixture
def read(layout):
    """Return what encodes a table."""
    return lambda columns: AmpTable.fromColumns(columns, getProduct("linearizer"), layout)


def test_every_reduction_has_words_and_a_function():
    assert _FUNCTIONS.keys() == REDUCTIONS.keys()
    used = {test.vectors.reduction for name in products() for test in getProduct(name) if test.vectors}
    assert used == REDUCTIONS.keys()


@pytest.mark.parametrize(
    ("coefficients", "residual", "knot", "end"),
    [
        (SPLINE, 0.5, 2e4, 4e4),
        ([1.0, 100.0, 0.02, 3.0], 3.0, 100.0, 100.0),
        ([1.0, 100.0, -0.05, 3.0], 5.0, 1.0, 100.0),
        # A value at the knot 0 is no fraction of the signal.
        ([0.0, 100.0, 1.0, 3.0], math.inf, 0.0, 100.0),
        ([0.0, 0.0], 0.0, 0.0, 0.0),
        ([0.0, 100.0, 0.0, np.nan], np.nan, np.nan, np.nan),
        ([0.0, np.inf, 0.0, 1.0], np.nan, np.nan, np.nan),
        ([100.0, 0.0, 0.0, 1.0], np.nan, np.nan, np.nan),
        ([0.0, 100.0, 0.0], np.nan, np.nan, np.nan),
        # Knots alone.
        (np.arange(10.0), np.nan, np.nan, np.nan),
    ],
)
def test_splines(coefficients, residual, knot, end):
    assert make("splineResidual", coefficients) == pytest.approx([residual], nan_ok=True)
    assert make("splineResidualKnot", coefficients) == pytest.approx([knot], nan_ok=True)
    assert make("lastKnot", coefficients) == pytest.approx([end], nan_ok=True)


@pytest.mark.parametrize(
    ("coefficients", "third", "higher"),
    [
        ([0.0, 0.0, -3e-6], 3e-6, 0.0),
        ([9.0, 9.0, 1e-7, 1e-10, -1e-12], 1e-7, math.sqrt(1e-5)),
        ([0.0, 0.0, 0.0, 0.0], 0.0, 0.0),
        ([0.0, 0.0, 0.0, 1e-9], 0.0, math.inf),
        ([0.0, 0.0, np.nan, 1e-9], np.nan, np.nan),
        ([1e-6], np.nan, np.nan),
    ],
)
def test_polynomials(coefficients, third, higher):
    assert make("thirdTerm", coefficients) == pytest.approx([third], nan_ok=True)
    assert make("higherTerm", coefficients) == pytest.approx([higher], nan_ok=True)


@given(
    st.lists(
        st.floats(-1e-4, 1e-4).map(lambda value: value if abs(value) > 1e-30 else 0.0), min_size=3, max_size=6
    )
)
def test_limit_of_higher_terms_is_the_relation_of_cp_verify(coefficients):
    terms = np.abs(coefficients[2:])
    limits = [terms[0] * 1e-3**order for order in range(len(terms))]
    (found,) = make("higherTerm", coefficients)
    # Next to the limit, rounding decides.
    if all(
        not math.isclose(term, limit, rel_tol=1e-9) for term, limit in zip(terms[1:], limits[1:], strict=True)
    ):
        assert (found <= 1e-3) == all(terms[1:] <= limits[1:])


@pytest.mark.parametrize("expected", [1e-8, 1e-6, 4e-6])
def test_terms_of_polynomials_are_judged_by_the_configuration_of_cp_verify(columns, layout, expected):
    product = getProduct("linearizer").withLimits(
        StoredLimits({"expectedQuadraticCoeffPolynomial": expected}, "config of u/me")
    )
    second, third = np.random.default_rng(1).uniform(-9, -5, (2, layout.nAmps))
    terms = np.column_stack([10**second, 10 ** (second + 0.5 * third)])
    columns["LINEARITY_COEFFS"] = np.column_stack([np.zeros((layout.nAmps, 2)), terms])
    columns["LINEARITY_LINEARITY_TYPE"] = np.full(layout.nAmps, "Polynomial")
    table = AmpTable.fromColumns(columns, product, layout)
    # As CpVerifyLinearityTask.verify compares.
    epsilon = math.sqrt(expected)
    passed = {
        "QUADRATIC_TERM": terms[:, 0] <= epsilon**2,
        "HIGHER_TERMS": terms[:, 1] <= terms[:, 0] * epsilon,
    }
    for key, own in passed.items():
        assert 0 < own.sum() < len(own)
        assert_array_equal(table.verdict(product[key]) == GOOD, own)
        assert product[key].thresholdSource == "config of u/me"


def test_root_mean_square_leaves_out_what_is_not_finite():
    assert make("rootMeanSquare", [3.0, -4.0, np.nan], [np.nan, np.nan, 2.0]) == [math.sqrt(12.5), 2.0]


def test_all_that_passes_is_good(read, columns, layout):
    table = read(columns)
    assert summarize(table, "run").status.tolist() == [1]
    assert table.leftOut == {}
    assert_allclose(table.statistics["LINEARITY_SPLINE_RESIDUAL"], np.full(layout.nAmps, 0.5))
    assert table.absentColumns == {"LINEARITY_QUADRATIC_TERM", "LINEARITY_HIGHER_TERMS"}


def test_residual_above_the_limit_fails(read, columns, layout):
    columns["LINEARITY_COEFFS"][2, 6] = 300.0
    culprits = culpritsTable(read(columns))
    assert len(culprits) == 1
    amp = layout.ampName[2]
    assert (culprits["amplifier"][0], culprits["test"][0], culprits["status"][0]) == (
        amp,
        "SPLINE_RESIDUAL",
        "failed",
    )
    assert culprits["quantity"][0] == pytest.approx(1.5)


def test_amplifier_without_a_fit_is_unknown_and_named(read, columns, layout):
    """As cp_pipe fills it: zeros, and the type None."""
    columns["LINEARITY_LINEARITY_TYPE"] = np.where(np.arange(layout.nAmps) == 1, "None", "Spline")
    for name in ("COEFFS", "FIT_RESIDUALS"):
        columns[f"LINEARITY_{name}"][1] = 0
    table = read(columns)
    statuses = statusNames(table.status(table.product["SPLINE_RESIDUAL"]))
    assert statuses.tolist() == ["good", "unknown", *["good"] * (layout.nAmps - 2)]
    written = ampSummaryTable(table)
    words = f" Left out of {layout.detectorName[layout.ampDetector[1]]} {layout.ampName[1]}: not measured."
    for key in ("SPLINE_RESIDUAL", "SPLINE_END", "SPLINE_RESIDUAL_KNOT", "FIT_RESIDUALS_RMS"):
        assert np.isnan(written[f"{key}_value"]).tolist() == [i == 1 for i in range(layout.nAmps)]
        assert written[f"{key}_value"].description.endswith(words)


def test_table_without_any_fit_is_unknown(read, columns, layout):
    columns["LINEARITY_LINEARITY_TYPE"] = np.full(layout.nAmps, "None")
    assert summarize(read(columns), "run").status.tolist() == [-1]


def test_padded_vectors_of_a_detector_are_read_to_their_end(read, columns, layout):
    """After a merge, vectors of a detector with fewer knots are padded with NaN."""
    short = layout.ampDetector == 1
    wide = np.full((layout.nAmps, 12), np.nan)
    wide[:, :8] = SPLINE
    wide[short, :4], wide[short, 4:] = [0, 50, 0, -1], np.nan
    wide[~short] = np.concatenate([np.arange(6.0) * 1e4, [0, 0, 0, 0, 0, 90]])
    columns["LINEARITY_COEFFS"] = wide
    table = read(columns)
    assert_allclose(table.statistics["LINEARITY_SPLINE_RESIDUAL"], np.where(short, 2.0, 0.18))
    assert_allclose(table.statistics["LINEARITY_SPLINE_END"], np.where(short, 50.0, 5e4))


def test_row_of_a_detector_that_has_copies_of_vectors_is_none(read, columns, layout):
    extra = {name: np.concatenate([column, column[:1]]) for name, column in columns.items()}
    is_extra = np.arange(layout.nAmps + 1) == layout.nAmps
    extra["amplifier"] = np.ma.masked_array(extra["amplifier"], mask=is_extra)
    extra["LINEARITY_MAX_RESIDUAL_ERROR"] = np.ma.masked_array(np.ones(len(is_extra), bool), mask=is_extra)
    extra["LINEARITY_COEFFS"][-1, 6] = 1e4
    table = read(extra)
    assert len(table) == layout.nAmps
    assert not table.leftOut
    assert table.statistics["LINEARITY_SPLINE_RESIDUAL"].max() == pytest.approx(0.5)


def test_order_of_rows_is_kept(read, columns, layout):
    columns["LINEARITY_COEFFS"][:, 6] = 100.0 + np.arange(layout.nAmps)
    order = np.random.default_rng(1).permutation(layout.nAmps)
    found = read({name: column[order] for name, column in columns.items()})
    assert_allclose(found.statistics["LINEARITY_SPLINE_RESIDUAL"], (100.0 + order) / 200)


def test_columns_are_not_changed(read, columns):
    before = {name: column.copy() for name, column in columns.items()}
    read(columns)
    for name, column in before.items():
        assert_array_equal(columns[name], column)


@pytest.mark.parametrize(
    ("name", "column", "message"),
    [
        ("COEFFS", lambda n: np.zeros(n), "column 'LINEARITY_COEFFS' has type float64 and shape"),
        ("COEFFS", lambda n: np.full((n, 2), "x"), "expected vectors of numbers"),
        ("LINEARITY_TYPE", lambda n: np.zeros(n), "expected strings"),
    ],
)
def test_wrong_columns_are_named(read, columns, layout, name, column, message):
    columns[f"LINEARITY_{name}"] = column(layout.nAmps)
    with pytest.raises(ColumnError, match=message):
        read(columns)


def test_table_without_vectors_skips_the_tests(read, columns, caplog):
    del columns["LINEARITY_COEFFS"]
    table = read(columns)
    assert "SPLINE_RESIDUAL (LINEARITY_COEFFS)" in caplog.text
    assert summarize(table, "run").status.tolist() == [-1]


@pytest.mark.parametrize(
    "column",
    [
        np.ma.masked_array([[1, 2], [3, 4]], mask=[[False, False], [False, True]]),
        np.array([[1.0, 2.0], [3.0, np.nan]], dtype=">f4"),
        np.array([np.array([1, 2]), [3.0]], dtype=object),
        np.array([[1, 2], [3, None]], dtype=object),
        pa.array([[1, 2], [3, None]]),
        pa.array([[1, 2], [3]]),
    ],
)
def test_vectors_of_any_kind_are_read(column):
    assert_array_equal(vectorColumn(column, "X"), [[1, 2], [3, np.nan]])


def test_absent_vector_is_nan():
    assert_array_equal(vectorColumn(np.array([None, [1.0]], dtype=object), "X"), [[np.nan], [1.0]])


@pytest.mark.parametrize("column", [np.array([[["a"]], [1]], dtype=object), np.array([3, [4]], dtype=object)])
def test_what_is_no_vector_is_an_error(column):
    with pytest.raises(ColumnError, match="column 'X' holds"):
        vectorColumn(column, "X")


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        ("{reduction: none, columns: [V]}", "'A' of p: vectors: .*'none', expected one of"),
        ("{reduction: lastKnot}", "vectors lacks columns"),
        ("{reduction: lastKnot, columns: V}", "columns is 'V', expected a list of text"),
        ("{reduction: lastKnot, columns: [V], kindColumn: K}", "must be given together"),
        ("{reduction: lastKnot, columns: [V]}, derived: 2*B", "derived"),
    ],
)
def test_wrong_declaration_is_an_error(vectors, message):
    text = MADE.format(vectors=vectors.split("}")[0] + "}")
    if "derived" in vectors:
        text += "    derived: 2*B\n"
    with pytest.raises(CatalogueError, match=message):
        readProduct(text, "p.yaml")


def test_vectors_without_kinds_are_of_all_rows(layout):
    product = readProduct(MADE.format(vectors="{reduction: rootMeanSquare, columns: [V]}"), "p.yaml")
    assert product.inputColumns() == ("detector", "amplifier", "P_V")
    data = {
        "detector": layout.detectorId[layout.ampDetector],
        "amplifier": layout.ampName,
        "P_V": np.full((layout.nAmps, 2), 3.0),
    }
    table = AmpTable.fromColumns(data, product, layout)
    assert_array_equal(table.statistics["P_A"], np.full(layout.nAmps, 3.0))
