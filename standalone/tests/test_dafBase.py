# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

import copy
import datetime
import math
import pickle

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lsst.daf.base import DateTime, PropertyList, PropertySet

DATE = "2009-04-02T07:26:39.314159265"

scalars = st.one_of(
    st.booleans(),
    st.integers(-(2**62), 2**62),
    st.floats(),
    st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S", "Zs"])),
    st.none(),
)
metadata = st.dictionaries(
    st.text("ABCDEFGHIJ -_", min_size=1), st.tuples(scalars, st.text("abc ", max_size=9)), max_size=9
)


def make_list(content: dict) -> PropertyList:
    result = PropertyList()
    for name, (value, comment) in content.items():
        result.set(name, value, comment)
    return result


@pytest.fixture
def example() -> PropertyList:
    result = PropertyList()
    result.set("RA", 1.5, "degrees")
    result.set("LINES", ["one", "two"], "two lines")
    result.set("NONE", None)
    return result


def test_scalar_of_an_array_is_its_last_value(example: PropertyList) -> None:
    assert example["LINES"] == example.get("LINES") == example.getScalar("LINES") == "two"


def test_array_has_all_values(example: PropertyList) -> None:
    assert example.getArray("LINES") == ["one", "two"]


def test_absent_key_has_adefault(example: PropertyList) -> None:
    assert example.get("ABSENT") is None
    assert example.get("ABSENT", 3) == 3


@pytest.mark.parametrize("access", [PropertyList.getScalar, PropertyList.getArray, PropertyList.__getitem__])
def test_absent_key_is_an_error(example: PropertyList, access) -> None:
    with pytest.raises(KeyError, match="ABSENT not found"):
        access(example, "ABSENT")


def test_undefined_value(example: PropertyList) -> None:
    assert example.isUndefined("NONE")
    assert not example.isUndefined("RA")
    assert not example.isUndefined("ABSENT")


def test_order_is_that_of_first_setting(example: PropertyList) -> None:
    example.set("RA", "changed")
    example["LAST"] = 1
    assert list(example) == ["RA", "LINES", "NONE", "LAST"]


def test_to_dict_has_arrays_as_lists(example: PropertyList) -> None:
    assert example.toDict() == {"RA": 1.5, "LINES": ["one", "two"], "NONE": None}


def test_to_list_has_one_entry_avalue(example: PropertyList) -> None:
    lines = [("LINES", "one", "two lines"), ("LINES", "two", "two lines")]
    assert example.toList() == [("RA", 1.5, "degrees"), *lines, ("NONE", None, "")]


def test_comment_stays_unless_given(example: PropertyList) -> None:
    example.set("RA", 2.5)
    assert example.getComment("RA") == "degrees"
    example.set("RA", 2.5, "")
    assert example.getComment("RA") == ""


def test_comment_by_its_suffix(example: PropertyList) -> None:
    example["RA#COMMENT"] = "radians"
    assert (example["RA"], example.getComment("RA")) == (1.5, "radians")


def test_comment_of_an_absent_key(example: PropertyList) -> None:
    with pytest.raises(KeyError, match="ABSENT not found"):
        example.setComment("ABSENT", "text")


def test_add_appends(example: PropertyList) -> None:
    example.add("LINES", "three")
    example.add("NEW", [1, 2])
    assert example.getArray("LINES") == ["one", "two", "three"]
    assert example.getArray("NEW") == [1, 2]


def test_add_of_another_type_is_an_error(example: PropertyList) -> None:
    with pytest.raises(TypeError, match="LINES has type str, not int"):
        example.add("LINES", 3)


def test_set_of_nothing_changes_nothing(example: PropertyList) -> None:
    example.set("RA", [])
    assert example["RA"] == 1.5


@pytest.mark.parametrize(
    ("value", "plain"),
    [(np.int16(3), 3), (np.float64(2.5), 2.5), (np.str_("a"), "a"), (True, True), (2**40, 2**40)],
)
def test_values_become_plain(value, plain) -> None:
    result = PropertyList()
    result["KEY"] = value
    assert result["KEY"] == plain
    assert type(result["KEY"]) is type(plain)


@pytest.mark.parametrize("value", [np.float32(1), 1j, object(), np.bool_(True)])
def test_other_types_are_an_error(value) -> None:
    with pytest.raises(TypeError, match="Unknown value type for key 'KEY'"):
        PropertyList()["KEY"] = value


def test_mixed_types_are_an_error() -> None:
    with pytest.raises(TypeError, match=r"values of 'KEY' differ in type: \[1, 'a'\]"):
        PropertyList().set("KEY", [1, "a"])


@pytest.mark.parametrize("value", [{"a": 1}, PropertySet()])
def test_nesting_is_left_out(value) -> None:
    with pytest.raises(NotImplementedError, match="nests no containers: 'KEY'"):
        PropertyList()["KEY"] = value


def test_update_takes_comments_and_arrays(example: PropertyList) -> None:
    other = PropertyList()
    other["RA"] = "old"
    other.update(example)
    assert other == example


def test_update_from_amapping() -> None:
    result = PropertyList()
    result.update({"A": 1, "B": [1.0, 2.0]})
    assert result.toDict() == {"A": 1, "B": [1.0, 2.0]}


def test_from_mapping_uses_to_dict() -> None:
    class Metadata:
        def to_dict(self) -> dict:
            return {"A": 1}

    assert PropertySet.from_mapping(Metadata()).toDict() == {"A": 1}


def test_from_mapping_of_something_else() -> None:
    with pytest.raises(ValueError, match="No mapping can be made of metadata of type <class 'int'>"):
        PropertySet.from_mapping(3)


def test_pop_removes(example: PropertyList) -> None:
    assert example.pop("RA") == 1.5
    assert "RA" not in example
    assert example.pop("RA", 7) == 7
    with pytest.raises(KeyError, match="RA"):
        example.pop("RA")


def test_delete_of_an_absent_key(example: PropertyList) -> None:
    del example["RA"]
    with pytest.raises(KeyError, match="RA not present"):
        del example["RA"]


def test_mapping_views(example: PropertyList) -> None:
    assert list(example.keys()) == ["RA", "LINES", "NONE"]
    assert list(example.values()) == [1.5, "two", None]
    assert list(example.items()) == [("RA", 1.5), ("LINES", "two"), ("NONE", None)]
    assert len(example) == 3


def test_text_has_comments_behind_slashes(example: PropertyList) -> None:
    assert str(example) == "RA = 1.5 // degrees\nLINES = [ one, two ] // two lines\nNONE = None\n"


def test_equality_tells_types() -> None:
    assert make_list({"A": (1, "")}) != make_list({"A": (1.0, "")})


def test_equality_tells_comments() -> None:
    assert make_list({"A": (1, "x")}) != make_list({"A": (1, "y")})


def test_equality_of_set_and_list() -> None:
    assert PropertySet() != PropertyList()


@given(metadata)
def test_copies_are_equal(content) -> None:
    original = make_list(content)
    for result in (copy.copy(original), copy.deepcopy(original), pickle.loads(pickle.dumps(original))):
        assert result == original


def test_copy_is_independent(example: PropertyList) -> None:
    result = copy.deepcopy(example)
    result.add("LINES", "three")
    assert example.getArray("LINES") == ["one", "two"]


@given(metadata)
def test_yaml_round_trip(content) -> None:
    original = make_list(content)
    assert yaml.safe_load(yaml.dump(original)) == original


def test_yaml_is_that_of_upstream() -> None:
    content = make_list({"A": (1, "one"), "B": (2**40, ""), "C": (2.5, "")})
    assert yaml.dump(content).startswith("!<lsst.daf.base.PropertyList>\n")
    entries = yaml.dump(content).split("\n", 1)[1]
    assert yaml.safe_load(entries) == [
        ["A", "Int", 1, "one"],
        ["B", "LongLong", 2**40, ""],
        ["C", "Double", 2.5, ""],
    ]


def test_yaml_of_adate() -> None:
    original = PropertySet()
    original["DATE"] = DateTime(DATE, DateTime.TAI)
    assert yaml.safe_load(yaml.dump(original)) == original


def test_nanoseconds_of_autc_date() -> None:
    seconds = datetime.datetime(2009, 4, 2, 7, 26, 39, tzinfo=datetime.UTC).timestamp()
    date = DateTime(f"{DATE}Z", DateTime.UTC)
    assert date.nsecs(DateTime.UTC) == int(seconds) * 10**9 + 314159265
    assert date.nsecs() - date.nsecs(DateTime.UTC) == 34 * 10**9  # Leap seconds of that year.


def test_text_of_adate() -> None:
    date = DateTime(f"{DATE}Z", DateTime.UTC)
    assert date.toString(DateTime.UTC) == f"{DATE}Z"
    assert date.toString(DateTime.TAI) == "2009-04-02T07:27:13.314159265"


def test_day_of_adate() -> None:
    date = DateTime(51544.5, DateTime.MJD, DateTime.TAI)
    assert date.toString(DateTime.TAI) == "2000-01-01T12:00:00.000000000"
    assert date.get() == 51544.5
    assert date.get(DateTime.JD) == 2451545.0


def test_date_of_nanoseconds() -> None:
    assert DateTime(10**18).nsecs() == 10**18


def test_dates_are_ordered() -> None:
    assert DateTime(1) < DateTime(2) == DateTime(2)


def test_present_date() -> None:
    assert math.isclose(
        DateTime.now().nsecs(DateTime.UTC) / 1e9, datetime.datetime.now().timestamp(), abs_tol=60
    )


def test_invalid_date() -> None:
    assert not DateTime().isValid()
    assert repr(DateTime()) == "DateTime()"
    with pytest.raises(RuntimeError, match="not valid"):
        DateTime().get()


@pytest.mark.parametrize(("text", "scale"), [(f"{DATE}Z", DateTime.TAI), (DATE, DateTime.UTC)])
def test_date_text_must_fit_its_scale(text: str, scale: DateTime.Timescale) -> None:
    with pytest.raises(ValueError, match=f"must end with 'Z' if, and only if, it is UTC, not {scale.name}"):
        DateTime(text, scale)
