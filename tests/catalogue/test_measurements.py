# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import dataclasses
import re

import astropy.units as u
import pytest

from lsst.analysis.cp.catalogue import (
    EPOCHS,
    LEVELS,
    MEASUREMENTS,
    ROWS,
    Level,
    getProduct,
    measurementsOf,
    measurementUnits,
    products,
    validityCount,
)

STATISTIC = ("min", "median", "max")
QUANTITY = ("quantityMin", "quantityMedian", "quantityMax")
CAMERA = ("nAmps", "nDetectors", "nDetectorsMissing", "nAmpsMissing")
TESTS = [test for name in products() for test in getProduct(name)]

# What is stored of bias, by level: of every test, and more of those with a statistic, a tested quantity or a
# verdict. Names are those of fields in Sasquatch, which may not change.
STORED = {
    "detector": {
        "rows": {"nAmps"},
        "statistic": {*STATISTIC, "nValid"},
        "quantity": {*QUANTITY},
        "verdict": {"nTested", "nFailed"},
        "plausibility": {"nSuspicious"},
    },
    "runDetector": {
        "rows": {"nAmps", "nExposures"},
        "statistic": {*STATISTIC, "nValid"},
        "quantity": {*QUANTITY},
        "verdict": {"nTested", "nFailed", "nExposuresFailed"},
        "plausibility": {"nSuspicious"},
    },
    "exposure": {
        "rows": {*CAMERA},
        "statistic": {*STATISTIC, "nValid"},
        "quantity": {*QUANTITY},
        "verdict": {"nTested", "nFailed", "nDetectorsFailed"},
        "plausibility": {"nSuspicious"},
    },
    "run": {
        "rows": {*CAMERA, "nExposures"},
        "statistic": {*STATISTIC, "nValid"},
        "quantity": {*QUANTITY},
        "verdict": {
            *("nTested", "nFailed", "nDetectorsFailed"),
            *("nExposuresFailed", "nExposuresOverLimit", "majorityFailed"),
        },
        "plausibility": {"nSuspicious"},
    },
}


def makeTest(row):
    """Make a test with a statistic, a tested quantity and a verdict, whose rows are of any kind."""
    plausible_above = "0.2*RN" if row == "amplifier" else None
    return dataclasses.replace(getProduct("bias")["CR_NOISE"], row=row, plausibleAbove=plausible_above)


def test_order_of_the_measurements_is_stable():
    assert tuple(MEASUREMENTS) == (
        *STATISTIC,
        *QUANTITY,
        *CAMERA,
        *("nExposures", "nValid", "nTested", "nFailed", "nSuspicious", "nDetectorsFailed"),
        *("nExposuresFailed", "nExposuresOverLimit", "majorityFailed"),
    )


def test_table_is_read_only():
    with pytest.raises(TypeError, match="does not support item assignment"):
        MEASUREMENTS["more"] = MEASUREMENTS["min"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        MEASUREMENTS["min"].worse = "high"


@pytest.mark.parametrize("name", MEASUREMENTS)
def test_declaration_is_complete(name):
    kind = MEASUREMENTS[name]
    assert kind.name == name
    assert kind.of in ("statistic", "quantity", "verdict", "plausibility", "rows")
    assert kind.worse in ("low", "high", None)
    assert kind.validWhere is None or kind.validWhere in MEASUREMENTS
    assert kind.levels
    assert kind.levels.keys() <= ROWS.keys()
    assert {level for levels in kind.levels.values() for level in levels} <= set(LEVELS)
    meaning = kind.meaning.format(statistic="S", quantity="Q", key="K", rows="detectors")
    assert meaning[0].isupper()
    assert meaning.endswith(".")
    assert not re.search("[{}]", meaning)
    assert (kind.countsEpochs) is ("Exposures" in name or name == "majorityFailed")


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("median", "Median of NOISE over detectors."),
        ("quantityMax", "Maximum of NOISE/RN over detectors."),
        ("nFailed", "Number of detectors that failed KEY."),
        ("nValid", "Number of detectors with a finite NOISE."),
    ],
)
def test_meaning_names_the_test_and_its_rows(name, meaning):
    given = {"statistic": "NOISE", "quantity": "NOISE/RN", "key": "KEY", "rows": ROWS["detector"]}
    assert MEASUREMENTS[name].meaning.format(**given) == meaning


@pytest.mark.parametrize(
    ("worse", "names"),
    [
        ("low", {"min", "quantityMin"}),
        (
            "high",
            {
                *("max", "quantityMax", "nFailed", "nSuspicious", "nDetectorsFailed", "nExposuresFailed"),
                *("nExposuresOverLimit", "majorityFailed"),
            },
        ),
    ],
)
def test_end_that_decides(worse, names):
    assert {name for name, kind in MEASUREMENTS.items() if kind.worse == worse} == names


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("test", getProduct("bias").tests, ids=lambda test: test.key)
def test_measurements_of_bias_are_those_that_are_stored(test, level):
    kinds = ("statistic", "quantity", "verdict", "plausibility")
    parts = {"rows", *(part for part in kinds if test.has(part))}
    names = set().union(*(STORED[level][part] for part in parts))
    if test.varies == "run" and level in ("detector", "exposure"):
        names = set()
    found = measurementsOf(test, Level(level))
    assert {kind.name for kind in found} == names
    order = list(MEASUREMENTS)
    assert [kind.name for kind in found] == sorted(names, key=order.index)


def test_only_the_distribution_of_the_combined_bias_is_measured_once_a_run():
    keys = {test.key for test in getProduct("bias") if not measurementsOf(test, Level("exposure"))}
    assert keys == {f"BIAS_DIST_{p}_PCT" for p in ("0.0", "5.0", "16.0", "50.0", "84.0", "95.0", "100.0")}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("row", ROWS)
def test_measurements_by_the_rows_of_a_test(row, level):
    found = measurementUnits(makeTest(row), Level(level)).keys()
    stored = set().union(*STORED[level].values())
    if row == "detector":
        stored = stored - {"nAmps", "nAmpsMissing", "nSuspicious"} | {"nDetectors"}
    elif row == "exposure":
        failed = {"nExposuresFailed"} if level == "run" else set()
        stored = {*STATISTIC, *QUANTITY, "nExposures", "nValid", "nTested", "nFailed"} | failed
        if level in ("detector", "runDetector"):
            stored = set()
    assert found == stored


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("row", ["amplifier", "detector"])
def test_no_exposures_are_counted_without_epochs(row, level):
    found = measurementUnits(makeTest(row), Level(level, "none")).keys()
    as_stored = set().union(*STORED[level].values())
    if row == "detector":
        as_stored = as_stored - {"nAmps", "nAmpsMissing", "nSuspicious"} | {"nDetectors"}
    assert found == {name for name in as_stored if "Exposure" not in name and name != "majorityFailed"}


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.key)
def test_units(test):
    for level in LEVELS:
        for epoch in EPOCHS:
            for name, unit in measurementUnits(test, Level(level, epoch)).items():
                expected = test.unit if name in STATISTIC else test.quantityUnit if name in QUANTITY else ""
                assert unit == test.measurementUnit(name) == expected
                assert u.Unit(unit) is not None


def test_measurements_of_a_test_with_their_units():
    units = measurementUnits(getProduct("bias")["NOISE"], Level("exposure"))
    counts = ("nAmps", "nValid", "nTested", "nFailed", "nSuspicious")
    counts += ("nDetectors", "nDetectorsFailed", "nDetectorsMissing", "nAmpsMissing")
    expected = dict.fromkeys(counts, "") | dict.fromkeys(("min", "median", "max"), "electron")
    assert units == expected | dict.fromkeys(("quantityMin", "quantityMedian", "quantityMax"), "")


@pytest.mark.parametrize("level", LEVELS)
def test_measurements_of_a_stored_statistic_tell_of_no_verdict(level):
    units = measurementUnits(getProduct("bias")["AMP_CORNER"], Level(level))
    assert units["median"] == "electron"
    assert not {"nTested", "nFailed", "nDetectorsFailed", "quantityMax"} & units.keys()


def test_unit_of_something_else_is_none():
    assert getProduct("bias")["NOISE"].measurementUnit("unheard") == ""


@pytest.mark.parametrize("name", MEASUREMENTS)
def test_count_that_tells_of_a_value(name):
    expected = "nValid" if name in (*STATISTIC, *QUANTITY) else None
    assert validityCount(name) == expected
    if expected:
        for row in ROWS:
            names = measurementUnits(makeTest(row), Level("run")).keys()
            assert {name, expected} <= names


@pytest.mark.parametrize(
    ("name", "count"),
    [("maxLineScore", "nLine"), ("maxExtendedScore", "nExtended"), ("maxScore", None), ("unheard", None)],
)
def test_count_that_tells_of_structures(name, count):
    assert validityCount(name) == count
