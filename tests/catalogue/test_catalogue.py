# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from importlib import resources

import astropy.units as u
import pytest

from lsst.analysis.cp.catalogue import (
    CatalogueError,
    Product,
    Test,
    getProduct,
    measurementUnits,
    products,
    readProduct,
)

PRODUCTS = [getProduct(name) for name in products()]
TESTS = [test for product in PRODUCTS for test in product]


def idOf(test):
    return f"{test.product}-{test.key}"


@pytest.fixture(scope="module")
def text():
    return (resources.files("lsst.analysis.cp.catalogue") / "bias.yaml").read_text()


def make(**fields):
    given = {"product": "bias", "prefix": "BIAS", "key": "X", "statistic": "X", "description": "An X."}
    return Test(**(given | fields))


def test_bias_has_all_tests_of_dmtn_101():
    sections = {test.key: test.section for test in getProduct("bias") if test.verify is not None}
    assert sections == {
        "MEAN": "4.2",
        "NOISE": "4.3",
        "CR_NOISE": "4.4",
        "PROCESSING": "",
        "READ_NOISE_CONSISTENT": "",
        "SUCCESS": "",
    }


def test_columns_of_bias_are_those_of_cp_verify():
    percentiles = ("0.0", "5.0", "16.0", "50.0", "84.0", "95.0", "100.0")
    statistics = [
        "MEAN",
        "NOISE",
        "CR_NOISE",
        "AMP_CORNER",
        "READ_NOISE_ADU",
        "BIAS_SHIFT_COUNT",
        "BIAS_SHIFT_NOISE",
    ]
    statistics += [f"BIAS_DIST_{level}_PCT" for level in percentiles]
    verdicts = ["MEAN", "NOISE", "CR_NOISE", "PROCESSING", "READ_NOISE_CONSISTENT", "SUCCESS"]
    expected = {f"BIAS_{name}" for name in statistics} | {f"BIAS_VERIFY_{name}" for name in verdicts}
    columns = getProduct("bias").inputColumns()
    assert columns[:3] == ("exposure", "detector", "amplifier")
    assert set(columns[3:]) == expected
    assert len(columns) == len(set(columns))


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("NOISE", "biasNoise"),
        ("CR_NOISE", "biasCrNoise"),
        ("READ_NOISE_ADU", "biasReadNoiseAdu"),
        ("BIAS_SHIFT_COUNT", "biasShiftCount"),
        ("BIAS_DIST_50.0_PCT", "biasDist50Pct"),
        ("BIAS_DIST_2.5_PCT", "biasDist2p5Pct"),
    ],
)
def test_name_of_a_tool(key, name):
    assert make(key=key).toolName == name


@pytest.mark.parametrize("test", TESTS, ids=idOf)
def test_declaration_is_complete(test):
    assert test.toolName.isidentifier()
    assert test.description.endswith(".")
    assert u.Unit(test.unit) is not None
    assert (test.threshold is None) == (test.thresholdSource == "")


def test_tools_are_unique_across_products():
    names = [test.toolName for test in TESTS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("key", "unit"),
    [("READ_NOISE_ADU", u.adu), ("NOISE", u.electron), ("BIAS_SHIFT_COUNT", u.dimensionless_unscaled)],
)
def test_units(key, unit):
    assert u.Unit(getProduct("bias")[key].unit) == unit


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("READ_NOISE_CONSISTENT", ("GAIN", "READ_NOISE_ADU", "RN")),
        ("MEAN", ("MEAN", "NOISE")),
        ("SUCCESS", ()),
    ],
)
def test_names_in_a_quantity(key, names):
    assert getProduct("bias")[key].quantityNames == names


def test_columns_of_one_test():
    assert getProduct("bias")["CR_NOISE"].inputColumns == (
        "BIAS_CR_NOISE",
        "BIAS_NOISE",
        "BIAS_VERIFY_CR_NOISE",
    )


def test_product_is_a_collection_of_tests():
    bias = getProduct("bias")
    assert "NOISE" in bias
    assert "NONE" not in bias
    assert list(bias) == list(bias.tests)
    with pytest.raises(KeyError, match="bias has no test 'NONE'; it has MEAN, NOISE"):
        bias["NONE"]


def test_unknown_product():
    with pytest.raises(KeyError, match="no product 'moon' in the catalogue; it has bias"):
        getProduct("moon")


def test_declarations_are_frozen():
    with pytest.raises(AttributeError, match="cannot assign"):
        getProduct("bias").tests[0].threshold = 2.0


@pytest.mark.parametrize("level", ["detector", "runDetector", "exposure", "run"])
def test_measurements_of_a_stored_statistic_tell_of_no_verdict(level):
    units = measurementUnits(getProduct("bias")["AMP_CORNER"], level)
    assert units["median"] == "electron"
    assert not {"nTested", "nFailed", "nDetectorsFailed", "quantityMax"} & units.keys()


def test_measurements_of_a_test():
    units = measurementUnits(getProduct("bias")["NOISE"], "exposure")
    counts = ("nAmps", "nValid", "nTested", "nFailed")
    counts += ("nDetectors", "nDetectorsFailed", "nDetectorsMissing", "nAmpsMissing")
    expected = dict.fromkeys(counts, "") | dict.fromkeys(("min", "median", "max"), "electron")
    assert units == expected | dict.fromkeys(("quantityMin", "quantityMedian", "quantityMax"), "")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"level": "raft"}, "test 'X' of bias: level is 'raft', expected one of amp, detector, exposure"),
        ({"presence": "never"}, "presence is 'never', expected one of always, conditional, onFailure"),
        ({"operator": "=>"}, "operator is '=>', expected one of"),
        ({"unit": "elektron"}, "unit 'elektron' is no unit of astropy"),
        ({"quantityUnit": "elektron"}, "quantityUnit 'elektron' is no unit of astropy"),
        ({"statistic": None}, "neither a statistic nor a verify column is given"),
        ({"verify": "X", "threshold": 1.0}, "quantity, operator and threshold must be given together"),
        ({"quantity": "X", "operator": "<", "threshold": 1.0}, "quantity is given without a verify column"),
        ({"description": " "}, "the description is empty"),
    ],
)
def test_wrong_declaration_is_an_error(fields, message):
    with pytest.raises(CatalogueError, match=message):
        make(**fields)


@pytest.mark.parametrize(
    ("quantity", "message"),
    [
        ("X +", "cannot be evaluated: invalid syntax"),
        ("X, RN", "cannot be evaluated"),
        ("unheard(X)", "cannot be evaluated"),
        ("X > RN", "is no real function of a statistic"),
        ("1.0 + 2.0", "is no real function of a statistic"),
    ],
)
def test_wrong_expression_is_an_error(quantity, message):
    with pytest.raises(CatalogueError, match=message):
        make(verify="X", quantity=quantity, operator="<", threshold=1.0)


def test_expression_of_an_unknown_statistic_is_an_error():
    test = make(verify="X", quantity="X/Y", operator="<", threshold=1.0)
    with pytest.raises(CatalogueError, match="quantity 'X/Y' names Y, which is no statistic of the product"):
        Product(name="bias", prefix="BIAS", title="Bias", document="D", url="U", tests=(test,))


@pytest.mark.parametrize(
    ("keys", "message"),
    [(("X", "X"), "product bias: key X is given twice"), (("A_B", "A_b"), "toolName biasAB is given twice")],
)
def test_two_tests_of_one_name_are_an_error(keys, message):
    tests = tuple(make(key=key) for key in keys)
    with pytest.raises(CatalogueError, match=message):
        Product(name="bias", prefix="BIAS", title="Bias", document="D", url="U", tests=tests)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('section: "4.2"', "sektion: 1", r"test 'MEAN' of bias has unknown field\(s\) sektion; known are"),
        ("  NOISE:\n", "  MEAN:\n", r"key 'MEAN' is given twice \(line "),
        ("  AMP_CORNER:\n", "  MEAN:\n", "key MEAN is given twice"),
        ("threshold: 1.0", "threshold: one", "threshold is 'one', expected float"),
        ("verdict: true", "verdict: 1", "verdict is 1, expected bool"),
        ("verify: MEAN", "", "test 'MEAN' of bias lacks verify"),
        ("title: Bias\n", "", "the product lacks title"),
        ("title: Bias\n", "title: 3\n", "title is 3, expected text"),
        ("tests:\n", "colour: red\ntests:\n", r"the product has unknown field\(s\) colour"),
        ("product: bias", "product: [", "while parsing"),
    ],
)
def test_wrong_file_is_an_error(text, old, new, message):
    assert old in text
    with pytest.raises(CatalogueError, match=rf"(?s)^bias\.yaml: .*{message}"):
        readProduct(text.replace(old, new, 1), "bias.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3", "the product is 3, expected fields by name"),
        (
            "{product: a, prefix: A, title: A, document: D, url: U, tests: [], statistics: {}}",
            r"tests is \[\], expected declarations by key",
        ),
        (
            "{product: a, prefix: A, title: A, document: D, url: U, tests: {X: 3}, statistics: {}}",
            "test 'X' of a is 3, expected fields by name",
        ),
    ],
)
def test_file_of_another_shape_is_an_error(text, message):
    with pytest.raises(CatalogueError, match=message):
        readProduct(text, "a.yaml")
