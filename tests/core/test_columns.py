# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import astropy.units as u
import numpy as np
import pyarrow as pa
import pytest
from astropy.table import Column, MaskedColumn, Table
from numpy.testing import assert_allclose, assert_array_equal

from lsst.analysis.cp.core import ColumnError, convertUnit, flagColumn, floatColumn, idColumn, nameColumn

KILOELECTRON = u.def_unit("kiloelectron", 1000 * u.electron)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (np.array([1.5, np.nan]), [1.5, np.nan]),
        (np.array([1, 2], dtype=np.int16), [1.0, 2.0]),
        (np.array([True, False]), [1.0, 0.0]),
        (np.array([1.5, 2.5], dtype=">f4"), [1.5, 2.5]),
        (np.array([1.5, None, 3], dtype=object), [1.5, np.nan, 3.0]),
        (np.ma.masked_array([1.0, 2.0], mask=[False, True]), [1.0, np.nan]),
        (MaskedColumn([1, 2], mask=[True, False]), [np.nan, 2.0]),
        (np.ma.masked_array(np.array([None, "x"], dtype=object), mask=[False, True]), [np.nan, np.nan]),
        ([1.0, 2.0], [1.0, 2.0]),
    ],
)
def test_floats(column, expected):
    values = floatColumn(column, "X")
    assert values.dtype == np.float64
    assert_array_equal(values, expected)


def test_strided_floats_become_contiguous():
    assert floatColumn(np.arange(10.0)[::2], "X").flags.c_contiguous


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (np.array(["a"]), "column 'X' has type <U1, expected numbers"),
        (np.array([1.0, "5.0"], dtype=object), "column 'X' holds '5.0', expected numbers"),
        (np.array([{}, 1], dtype=object), "column 'X' holds a value that is no number"),
        (np.ones((2, 3)), r"column 'X' holds arrays of shape \(3,\), expected scalars"),
        (np.array([1j]), "has type complex128"),
    ],
)
def test_wrong_floats_are_an_error(column, message):
    with pytest.raises(ColumnError, match=message):
        floatColumn(column, "X")


@pytest.mark.parametrize(
    ("column", "wanted", "expected"),
    [
        (Column([1.0, 2.0], unit=1000 * u.electron), "electron", [1000.0, 2000.0]),
        (Column([1.0, 2.0], unit=KILOELECTRON), "electron", [1000.0, 2000.0]),
        (Column([1, 2], unit="electron"), "electron", [1.0, 2.0]),
        (MaskedColumn([1.0, 2.0], mask=[False, True], unit="ks"), "s", [1000.0, np.nan]),
        (np.array([1.0, 2.0]) * u.mJy, "Jy", [0.001, 0.002]),
        (Column([50.0, 100.0], unit=u.percent), "", [0.5, 1.0]),
        (Column([1.0, 2.0], unit="electron / ks"), "electron / s", [0.001, 0.002]),
        (Column([1.0, 2.0]), "electron", [1.0, 2.0]),
        (Column([1.0, 2.0], unit=""), "electron", [1.0, 2.0]),
        (np.array([1.0, 2.0]), "electron", [1.0, 2.0]),
        (Column([1.0, 2.0], unit=KILOELECTRON), None, [1.0, 2.0]),
    ],
)
def test_floats_of_another_unit_are_converted(column, wanted, expected):
    assert_allclose(floatColumn(column, "X", wanted), expected, rtol=1e-15)


@pytest.mark.parametrize(
    ("given", "wanted"), [("adu", "electron"), ("e-", "electron"), ("%", "electron"), ("electron", "")]
)
def test_unit_that_cannot_be_converted_is_an_error(given, wanted):
    column = Column([1.0, 2.0], unit=u.Unit(given, parse_strict="silent"))
    message = f"column 'X' has the unit '{given}', which cannot be converted to '{wanted}'"
    with pytest.raises(ColumnError, match=message):
        floatColumn(column, "X", wanted)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (np.array([True, False]), [1, 0]),
        (np.array([1, 0]), [1, 0]),
        (np.array([1.0, 0.0, np.nan]), [1, 0, -1]),
        (np.array([True, None, False], dtype=object), [1, -1, 0]),
        (np.ma.masked_array([True, False], mask=[False, True]), [1, -1]),
    ],
)
def test_flags(column, expected):
    flags = flagColumn(column, "X")
    assert flags.dtype == np.int8
    assert_array_equal(flags, expected)


def test_flags_of_other_values_are_an_error():
    with pytest.raises(ColumnError, match=r"column 'X' holds .*2\.0.*, expected True or False"):
        flagColumn(np.array([1, 2]), "X")


def test_flags_leave_their_column_alone():
    column = np.ma.masked_array([True, False], mask=[False, True])
    flagColumn(column, "X")
    assert_array_equal(column.data, [True, False])


@pytest.mark.parametrize(
    ("column", "ids", "present"),
    [
        (np.array([3, 4], dtype=np.uint16), [3, 4], [True, True]),
        (np.array([2026070200123.0, np.nan]), [2026070200123, 0], [True, False]),
        (np.ma.masked_array([3, 4], mask=[True, False]), [3, 4], [False, True]),
        (np.array([3, None], dtype=object), [3, 0], [True, False]),
    ],
)
def test_ids(column, ids, present):
    values, found = idColumn(column, "X")
    assert_array_equal(values[found], np.array(ids)[present])
    assert_array_equal(found, present)


def test_broken_id_is_an_error():
    with pytest.raises(ColumnError, match="column 'X' holds a number that is not whole"):
        idColumn(np.array([1.5]), "X")


@pytest.mark.parametrize(
    ("column", "names"),
    [
        (np.array(["C00", "C01"]), ["C00", "C01"]),
        (np.array([b"C00", b"C01"]), ["C00", "C01"]),
        (np.array(["C00", "C01"], dtype=">U3"), ["C00", "C01"]),
        (np.array(["C00", None, b"C01"], dtype=object), ["C00", None, "C01"]),
        (np.array(["C00", ""]), ["C00", None]),
        (np.ma.masked_array(["C00", "C01"], mask=[True, False]), [None, "C01"]),
        (MaskedColumn([b"C00", b"C01"], mask=[True, False]), [None, "C01"]),
    ],
)
def test_names(column, names):
    values, present = nameColumn(column, "X")
    found = [str(value) if there else None for value, there in zip(values, present, strict=True)]
    assert found == names


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (np.array([1, 2]), "column 'X' has type int64, expected strings"),
        (np.array(["a", 2], dtype=object), r"column 'X' holds \['int', 'str'\], expected strings"),
        (np.array([b"\xff"]), "column 'X' holds bytes that are no ASCII text"),
        (np.array([["a"]]), "holds arrays of shape"),
    ],
)
def test_wrong_names_are_an_error(column, message):
    with pytest.raises(ColumnError, match=message):
        nameColumn(column, "X")


def test_no_name_is_read_under_a_mask():
    hidden = np.array(["header", "C01", "C02"])
    for column in (
        np.ma.masked_array(hidden, mask=[True, False, False]),
        MaskedColumn(hidden.astype(object), mask=[True, False, False]),
        MaskedColumn(hidden.astype("S6"), mask=[True, False, False]),
    ):
        names, present = nameColumn(column, "X")
        assert names.tolist() == ["", "C01", "C02"]
        assert present.tolist() == [False, True, True]


class Nullable:
    """A column as pandas has it, which tells by a method where it has no value."""

    def __init__(self, values, isna):
        self._values, self._isna = np.array(values, dtype=object), np.array(isna)

    def isna(self):
        return self._isna

    def mask(self):
        raise AssertionError("is not a mask")

    def __array__(self, dtype=None, copy=None):
        return self._values


class RoundingNullable(Nullable):
    """Stands for a nullable column of pandas 3, which makes floats of integers unless asked for objects."""

    def __array__(self, dtype=None, copy=None):
        if dtype == np.dtype(object):
            return self._values
        return np.where(self.isna(), np.nan, np.where(self.isna(), 0, self._values).astype(float))


# More than a float64 tells apart, up to the largest integer of 64 bits with a sign.
LARGE = [2**53 + 1, 2**53 + 3, 2**60 + 7, 2**63 - 1]


@pytest.mark.parametrize("large", LARGE)
@pytest.mark.parametrize(
    "make",
    [
        lambda id: np.array([id, None], dtype=object),
        lambda id: [id, None],
        lambda id: np.array([np.uint64(id), None], dtype=object),
        lambda id: np.array([id, np.nan], dtype=object),
        lambda id: np.ma.masked_array([id, 0], mask=[False, True]),
        lambda id: np.ma.masked_array(np.array([id, None], dtype=object), mask=[False, True]),
        lambda id: np.ma.masked_array(np.array([id, 2**63 + 5], np.uint64), mask=[False, True]),
        lambda id: MaskedColumn([id, 1], mask=[False, True]),
        lambda id: MaskedColumn([id, None], dtype=object),
        lambda id: Table({"X": MaskedColumn(np.array([id, 1], np.uint64), mask=[False, True])})["X"],
        lambda id: Nullable([id, "nothing"], [False, True]),
        lambda id: RoundingNullable([id, "nothing"], [False, True]),
        lambda id: pa.array([id, None], pa.int64()),
        lambda id: pa.chunked_array([[id], [None]], pa.uint64()),
    ],
)
def test_identifiers_that_a_float_would_round_are_exact(make, large):
    ids, present = idColumn(make(large), "X")
    assert present.tolist() == [True, False]
    assert ids.dtype == np.int64
    assert int(ids[0]) == large


@pytest.mark.parametrize("large", [2**53, 2**53 + 2, 2**60])
@pytest.mark.parametrize(
    "make",
    [
        lambda id: np.array([float(id), np.nan]),
        lambda id: [id, np.nan],
        lambda id: np.array([float(id), None], dtype=object),
        lambda id: np.ma.masked_array([float(id), 1.0], mask=[False, True]),
    ],
)
def test_floats_that_may_have_been_rounded_are_no_identifiers(make, large):
    with pytest.raises(ColumnError, match=f"column 'X' holds {large} as a float"):
        idColumn(make(large), "X")


@pytest.mark.parametrize(
    ("dtype", "exact"),
    [(np.float16, 2**11), (np.float32, 2**24), (np.float64, 2**53), (np.longdouble, 2**53)],
)
def test_floats_hold_identifiers_up_to_their_precision(dtype, exact):
    for column in (np.array([exact - 1, np.nan], dtype), np.array([dtype(exact - 1), None], dtype=object)):
        ids, present = idColumn(column, "X")
        assert (int(ids[0]), present.tolist()) == (exact - 1, [True, False])
    for column in (np.array([exact], dtype), np.array([dtype(exact), None], dtype=object)):
        with pytest.raises(ColumnError, match=f"does not tell ids from {exact} on apart"):
            idColumn(column, "X")


def test_exposures_in_single_precision_are_no_identifiers():
    with pytest.raises(ColumnError, match="column 'X' holds 2026080043008 as a float"):
        idColumn(np.array([2026080100001], dtype=np.float32), "X")


@pytest.mark.parametrize("large", [2**63, 2**63 + 5, 2**64 - 1])
@pytest.mark.parametrize(
    "make",
    [
        lambda id: np.array([id, 1], dtype=np.uint64),
        lambda id: np.array([id, None], dtype=object),
        lambda id: pa.array([id, None], pa.uint64()),
        lambda id: MaskedColumn(np.array([id, 1], dtype=np.uint64), mask=[False, True]),
    ],
)
def test_identifiers_beyond_64_bits_with_a_sign_are_an_error(make, large):
    with pytest.raises(ColumnError, match=rf"column 'X' holds {large}, and no id is above 2\*\*63 - 1"):
        idColumn(make(large), "X")


@pytest.mark.parametrize("text", ["12", b"12"])
def test_text_is_no_identifier(text):
    with pytest.raises(ColumnError, match="column 'X' holds b?'12', expected numbers"):
        idColumn(np.array([text, 1], dtype=object), "X")


def test_columns_of_pyarrow_and_pandas_are_read():
    assert_array_equal(floatColumn(pa.array([1.5, None]), "X"), [1.5, np.nan])
    assert_array_equal(floatColumn(Nullable([1.5, "nothing"], [False, True]), "X"), [1.5, np.nan])
    assert_array_equal(flagColumn(pa.array([True, None, False]), "X"), [1, -1, 0])
    names, present = nameColumn(pa.array(["C00", None]).dictionary_encode(), "X")
    assert (names[0], present.tolist()) == ("C00", [True, False])


def test_nullable_columns_without_and_with_missing_values_are_read_alike():
    for make in (Nullable, RoundingNullable):
        for missing in ([False, False], [False, True]):
            last = np.nan if missing[1] else 3.0
            assert_array_equal(floatColumn(make([2, 3], missing), "X"), [2.0, last])


def test_numbers_beyond_double_precision_are_named():
    with pytest.raises(ColumnError, match="column 'X' holds a value that is no number: int too large"):
        floatColumn(np.array([10**400], dtype=object), "X")


def test_conversion_beyond_double_precision_is_infinite():
    assert_array_equal(
        floatColumn(Column([1e308, -1e308, 1.0], unit=KILOELECTRON), "X", "electron")[:2], [np.inf, -np.inf]
    )


@pytest.mark.parametrize("unit", [np.ma.masked, object(), [1, 2]])
def test_unit_that_is_none_is_named(unit):
    with pytest.raises(ColumnError, match="column 'X' has .* for a unit"):
        convertUnit(np.ones(1), unit, "electron", "X")


def test_lists_of_one_length_are_no_numbers():
    column = np.empty(2, dtype=object)
    column[:] = [[1, 2], [3, 4]]
    with pytest.raises(ColumnError, match=r"column 'X' holds arrays of shape \(2,\), expected scalars"):
        floatColumn(column, "X")
