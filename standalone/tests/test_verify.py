# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

import json
import math

import astropy.units as u
import numpy as np
import pytest

from lsst.verify import Measurement, Name


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ({"package": "p"}, ("p", None, None)),
        ({"package": "p.m"}, ("p", "m", None)),
        ({"package": "p.m.s"}, ("p", "m", "s")),
        ({"metric": "m"}, (None, "m", None)),
        ({"metric": "p.m"}, ("p", "m", None)),
        ({"spec": "s"}, (None, None, "s")),
        ({"spec": "m.s"}, (None, "m", "s")),
        ({"spec": "p.m.s"}, ("p", "m", "s")),
        ({"package": "p", "metric": "m"}, ("p", "m", None)),
        ({"package": "p.m", "metric": "m", "spec": "s"}, ("p", "m", "s")),
        ({"metric": Name("p.m"), "spec": "s"}, ("p", "m", "s")),
    ],
)
def test_name_is_taken_apart(arguments, parts):
    name = Name(**arguments)
    assert (name.package, name.metric, name.spec) == parts
    assert str(name) == ".".join(part for part in parts if part)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"package": "a.b.c.d"}, "Cannot parse package name: 'a.b.c.d'"),
        ({"metric": "a.b.c"}, "Cannot parse metric name"),
        ({"spec": "a.b.c.d"}, "Cannot parse spec name"),
        ({"package": "a.b", "metric": "c"}, "conflicting metric='c'"),
        ({"package": "a", "metric": "b.c"}, "conflicting package='b'"),
        ({"package": "a", "spec": "b"}, "Missing 'metric'"),
        ({"metric": Name(spec="s")}, "does not include metric information"),
    ],
)
def test_name_that_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(TypeError, match=message):
        Name(**arguments)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (Name("p"), "Name('p')"),
        (Name("p.m"), "Name('p', 'm')"),
        (Name("p.m.s"), "Name('p', 'm', 's')"),
        (Name(metric="m"), "Name(metric='m')"),
        (Name(spec="s"), "Name(spec='s')"),
        (Name(spec="m.s"), "Name(metric='m', spec='s')"),
    ],
)
def test_name_is_shown_as_it_is_made(name, text):
    assert repr(name) == text
    assert eval(text) == name


def test_names_are_keys():
    assert {Name("p.m"): 1}[Name(package="p", metric="m")] == 1
    assert Name("p.m") != Name("p.n")


def test_json_has_upstreams_keys():
    measurement = Measurement("median", 1.5 * u.electron, notes={"metric_tags": ["bias"]})
    assert measurement.json == {
        "metric": "median",
        "identifier": measurement.identifier,
        "value": 1.5,
        "unit": "electron",
        "blob_refs": [],
    }


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_value_that_is_not_finite_is_null(value):
    assert Measurement("median", value * u.adu).json["value"] is None
    assert Measurement.deserialize(**Measurement("m", value * u.adu).json).quantity.unit == u.adu


def test_null_is_read_as_nan():
    assert math.isnan(Measurement.deserialize("m", "id", None, "adu").quantity.value)


def test_zero_is_anumber():
    assert Measurement("m", 0.0 * u.adu).json["value"] == 0.0


def test_count_is_dimensionless():
    document = Measurement("nFailed", 3).json
    assert (document["value"], document["unit"]) == (3.0, "")


def test_measurement_without_quantity():
    document = Measurement("m").json
    assert document["value"] is None
    assert document["unit"] is None


def test_what_is_written_is_read():
    measurement = Measurement("p.m", np.float64(2.5) * u.electron)
    copy = Measurement.deserialize(**json.loads(json.dumps(measurement.json)))
    assert copy == measurement
    assert copy.identifier == measurement.identifier
    assert copy.metric_name == Name("p.m")


@pytest.mark.parametrize(
    "other",
    [Measurement("m", 2 * u.m), Measurement("n", 1 * u.m), Measurement("m", 1 * u.m, notes={"a": 1})],
    ids=["value", "name", "notes"],
)
def test_measurements_that_differ_are_unequal(other):
    assert Measurement("m", 1 * u.m) != other


def test_units_are_converted_to_compare():
    assert Measurement("m", 1 * u.m) == Measurement("m", 100 * u.cm)


def test_identifiers_differ():
    assert Measurement("m", 1).identifier != Measurement("m", 1).identifier


def test_notes_are_found_with_and_without_the_name():
    notes = Measurement("min", 1, notes={"metric_tags": ["a"]}).notes
    assert notes["metric_tags"] == notes["min.metric_tags"] == ["a"]
    assert dict(notes.items()) == {"min.metric_tags": ["a"]}
    assert "metric_tags" in notes
    del notes["metric_tags"]
    assert len(notes) == 0


def test_measurement_is_shown():
    assert str(Measurement("m", 1.5 * u.adu)) == "m: 1.5 adu"
    text = "Measurement('m', <Quantity 1.5 adu>, notes={'m.a': 1})"
    assert repr(Measurement("m", 1.5 * u.adu, notes={"a": 1})) == text


def test_name_of_aspecification_is_no_metric():
    with pytest.raises(TypeError, match=r"Expected p\.m\.s to be a metric's name"):
        Measurement(Name("p.m.s"), 1)


def test_things_that_are_no_numbers_are_refused():
    with pytest.raises(TypeError, match="cannot be coerced"):
        Measurement("m", [{}])


@pytest.mark.parametrize("argument", ["blobs", "extras"])
def test_what_is_left_out_is_refused(argument):
    with pytest.raises(NotImplementedError, match="no blobs and extras"):
        Measurement("m", 1, **{argument: {"a": 1}})


def test_metric_definition_is_refused():
    with pytest.raises(NotImplementedError, match="no metric definitions"):
        Measurement(object(), 1)
