# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import dataclasses
import re
from importlib import resources

import astropy.units as u
import pytest

from lsst.analysis.cp.catalogue import (
    CatalogueError,
    ImageKind,
    Product,
    StoredLimits,
    VerifyTest,
    getProduct,
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
    return VerifyTest(**(given | fields))


def test_bias_has_all_tests_of_dmtn_101():
    sections = {test.key: test.section for test in getProduct("bias") if test.verify is not None}
    assert sections == {
        "MEAN": "4.2",
        "NOISE": "4.3",
        "CR_NOISE": "4.4",
        "PROCESSING": "",
        "READ_NOISE_CONSISTENT": "",
        "MEAN_WITHIN_ERROR": "4.2",
        "NOISE_TWO_SIDED": "4.3",
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


def test_columns_of_flat_are_those_of_cp_verify():
    percentiles = ("0.0", "5.0", "16.0", "50.0", "84.0", "95.0", "100.0")
    columns = {
        "amplifier": {"FLAT_MEAN", "FLAT_NOISE", "FLAT_VERIFY_NOISE", "FLAT_VERIFY_SUCCESS"}
        | {f"FLAT_FLAT_DIST_{level}_PCT" for level in percentiles},
        "detector": {"FLAT_DET_MEAN", "FLAT_DET_SCATTER", "FLAT_DET_VERIFY_SCATTER"},
        "exposure": {"flat_SCATTER", "flat_VERIFY_SCATTER"},
    }
    flat = getProduct("flat")
    assert columns == {
        row: {column for test in flat if test.row == row for column in test.inputColumns} for row in columns
    }


def test_columns_of_defects_are_those_of_cp_verify():
    """There are no verdicts in its tables."""
    measured = {"DEFECT_PIXELS", "OUTLIERS", "MEDIAN", "STDEV", "MIN", "MAX"}
    columns = measured | {f"UNC_{name}" for name in measured} | {"STAT_OUTLIERS", "FRAC"}
    columns |= {f"UNMASKED_{name}" for name in ("MIN", "MAX", "STDEV", "OUTLIERS")}
    defects = getProduct("defects")
    found = {
        row: {column for test in defects if test.row == row for column in test.inputColumns}
        for row in ("amplifier", "detector")
    }
    assert found == {
        "amplifier": {f"DEFECTS_{name}" for name in columns},
        "detector": {"DEFECTS_N_BAD_COLUMNS"},
    }
    assert all(test.isComputed for test in defects if test.isTested)


def test_units_of_defects():
    """Numbers of pixels and a fraction have none, levels are in electrons."""
    units = {test.statistic: test.unit for test in getProduct("defects")}
    assert {name for name, unit in units.items() if unit == "electron"} == {
        f"{kind}{name}"
        for kind in ("", "UNC_", "UNMASKED_")
        for name in ("MEDIAN", "STDEV", "MIN", "MAX")
        if (kind, name) != ("UNMASKED_", "MEDIAN")
    }
    assert set(units.values()) == {"", "electron"}


@pytest.mark.parametrize(
    ("product", "key", "name"),
    [
        ("bias", "NOISE", "4.3 NOISE"),
        ("defects", "STDEV", "STDEV (computed)"),
        ("flat", "NOISE_WITH_READ_NOISE", "NOISE_WITH_READ_NOISE (computed)"),
    ],
)
def test_name_says_that_a_verdict_is_computed(product, key, name):
    assert getProduct(product)[key].name == name


@pytest.mark.parametrize(
    ("product", "ours", "setAside"),
    [
        ("bias", ["MEAN_WITHIN_ERROR", "NOISE_TWO_SIDED"], []),
        ("dark", ["MEAN_WITHIN_ERROR", "NOISE_TWO_SIDED"], []),
        ("flat", ["NOISE_WITH_READ_NOISE", "EXP_SCATTER_FRACTION"], ["EXP_SCATTER"]),
        ("defects", ["OUTLIERS_LEFT", "STDEV_RATIO", "GOOD_MASKED"], ["PROB_TEST"]),
    ],
)
def test_verdicts_that_do_not_count(product, ours, setAside):
    declared = getProduct(product)
    assert [test.key for test in declared if test.isOurs] == ours
    assert [test.key for test in declared if test.setAside] == setAside
    counted = [test.key for test in declared if test.counts]
    assert counted == [test.key for test in declared if test.isTested and test.key not in (*ours, *setAside)]
    own = [test.key for test in declared.ownVerdicts()]
    assert own == [key for key in counted if not declared[key].verdict]
    # Who names such a test wants it.
    named = [own[0], *ours, *setAside]
    assert [test.key for test in declared.ownVerdicts(named)] == named


def test_means_are_read_with_the_test_that_has_them():
    flat = getProduct("flat")
    assert [test.key for test in flat.needed(["EXP_SCATTER_FRACTION"])] == [
        "EXP_SCATTER_FRACTION",
        "DET_MEAN",
    ]
    assert flat["EXP_SCATTER_FRACTION"].inputColumns == ("flat_SCATTER",)
    assert flat.inputColumns(["EXP_SCATTER_FRACTION"])[3:] == ("flat_SCATTER", "FLAT_DET_MEAN")


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


def test_columns_of_a_test_with_a_prefix_of_its_own():
    test = make(prefix="bias", statistic="S", verify="any_NAME", quantity="S/T", operator="<", threshold=1.0)
    assert test.statisticColumn == "bias_S"
    assert test.verifyColumn == "any_NAME"
    assert test.inputColumns == ("bias_S", "bias_T", "any_NAME")


def test_computed_verdict_has_no_column():
    test = make(quantity="X/Y", **TESTED)
    assert test.isTested
    assert test.verifyColumn is None
    assert test.inputColumns == ("BIAS_X", "BIAS_Y")


@pytest.mark.parametrize(
    ("key", "parts"),
    [
        ("NOISE", {"statistic", "quantity", "verdict", "plausibility"}),
        ("MEAN", {"statistic", "quantity", "verdict"}),
        ("SUCCESS", {"verdict"}),
        ("AMP_CORNER", {"statistic"}),
    ],
)
def test_parts_of_a_test(key, parts):
    test = getProduct("bias")[key]
    kinds = ("statistic", "quantity", "verdict", "plausibility")
    assert {part for part in kinds if test.has(part)} == parts
    assert test.isTested is ("verdict" in parts)


def test_verdicts_that_do_not_sum_up_others():
    bias = getProduct("bias")
    own = ["MEAN", "NOISE", "CR_NOISE", "PROCESSING", "READ_NOISE_CONSISTENT"]
    assert [test.key for test in bias.ownVerdicts()] == own
    assert [test.key for test in bias.ownVerdicts(["SUCCESS", "NOISE", "AMP_CORNER", "MEAN"])] == [
        "NOISE",
        "MEAN",
    ]


@pytest.mark.parametrize(
    ("keys", "needed"),
    [
        (["NOISE"], ["NOISE"]),
        (["READ_NOISE_CONSISTENT"], ["READ_NOISE_CONSISTENT", "SUCCESS"]),
        (["SUCCESS", "READ_NOISE_CONSISTENT"], ["SUCCESS", "READ_NOISE_CONSISTENT"]),
    ],
)
def test_verdicts_that_the_majority_rule_needs_are_read_too(keys, needed):
    bias = getProduct("bias")
    assert [test.key for test in bias.needed(keys)] == needed
    columns = [column for key in needed for column in bias[key].inputColumns]
    assert bias.inputColumns(keys) == ("exposure", "detector", "amplifier", *dict.fromkeys(columns))


@pytest.mark.parametrize(("epoch", "n_columns"), [("exposure", 3), ("visit", 3), ("none", 2)])
def test_columns_that_identify_a_row(epoch, n_columns):
    product = dataclasses.replace(makeProduct(make()), epoch=epoch)
    assert product.inputColumns() == (*("exposure", "detector", "amplifier")[-n_columns:], "BIAS_X")


@pytest.mark.parametrize(
    ("name", "epoch", "images"),
    [
        ("bias", "exposure", {"exposure", "combined"}),
        ("flat", "exposure", {"exposure", "combined"}),
        ("defects", "visit", {"exposure", "mask"}),
        ("science", "exposure", {"exposure"}),
    ],
)
def test_epochs_and_images_of_products(name, epoch, images):
    product = getProduct(name)
    assert product.epoch == epoch
    assert product.images.keys() == images
    for kind in product.images.values():
        assert kind.label
        assert u.Unit(kind.unit) is not None


def test_images_of_bias():
    assert dict(getProduct("bias").images) == {
        "exposure": ImageKind(label="Residual bias", unit="electron", aboutZero=True),
        "combined": ImageKind(label="Combined bias", unit="electron", aboutZero=True),
    }


def test_product_is_a_collection_of_tests():
    bias = getProduct("bias")
    assert "NOISE" in bias
    assert "NONE" not in bias
    assert list(bias) == list(bias.tests)
    with pytest.raises(KeyError, match="bias has no test 'NONE'; it has MEAN, NOISE"):
        bias["NONE"]


def test_unknown_product():
    with pytest.raises(KeyError, match="no product 'moon' in the catalogue; it has bfk, bias"):
        getProduct("moon")


def test_declarations_are_frozen():
    with pytest.raises(AttributeError, match="cannot assign"):
        getProduct("bias").tests[0].threshold = 2.0


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"row": "raft"}, "test 'X' of bias: row is 'raft', expected one of amplifier, detector, exposure"),
        ({"varies": "night"}, "varies is 'night', expected one of epoch, run"),
        ({"presence": "never"}, "presence is 'never', expected one of always, conditional, onFailure"),
        ({"operator": "=>"}, "operator is '=>', expected one of"),
        ({"unit": "elektron"}, "unit 'elektron' is no unit of astropy"),
        ({"quantityUnit": "elektron"}, "quantityUnit 'elektron' is no unit of astropy"),
        ({"statistic": None}, "neither a statistic nor a verify column is given"),
        ({"verify": "X", "threshold": 1.0}, "quantity, operator and threshold must be given together"),
        ({"verify": "computed"}, "a computed verdict needs a tested quantity"),
        (
            {"quantity": "X", "operator": "<", "threshold": 1.0},
            "quantity is given without a verify column",
        ),
        ({"description": " "}, "the description is empty"),
        ({"isOurs": True, "verify": "X"}, "a test of ours has the verdict 'computed', not 'X'"),
        ({"setAside": "It cannot pass."}, "only a test of cp_verify can be set aside"),
        ({"means": {"M": "X"}}, "means are those of exposures, not of amplifiers"),
        ({"means": {"M": "X"}, "row": "exposure"}, "means of M are given, which the quantity does not name"),
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


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"plausibleAbove": "RN +"}, r"plausibleAbove 'RN \+' cannot be evaluated"),
        ({"plausibleAbove": "0.0"}, "plausibleAbove '0.0' is no real function"),
        ({"plausibleAbove": "0.2*X"}, "plausibleAbove names X, expected RN, GAIN"),
        ({"plausibleAbove": "RN", "row": "detector"}, "given without a statistic of amplifiers"),
        ({"plausibleAbove": "RN", "statistic": None, "verify": "V"}, "given without a statistic of amp"),
    ],
)
def test_wrong_plausibility_is_an_error(fields, message):
    with pytest.raises(CatalogueError, match=message):
        make(**fields)


@pytest.mark.parametrize("name", ["bias", "dark"])
def test_noises_have_to_be_plausible(name):
    declared = {test.key: test.plausibleAbove for test in getProduct(name) if test.plausibleAbove}
    expected = {"NOISE": "0.2*RN", "CR_NOISE": "0.2*RN", "READ_NOISE_CONSISTENT": "0.2*RN/GAIN"}
    if name == "bias":
        expected["BIAS_SHIFT_NOISE"] = "0.02*RN/GAIN"
    assert declared == expected


@pytest.mark.parametrize(
    ("operator", "threshold", "message"),
    [
        ("<", (0.0, 1.0), r"operator '<' does not go with threshold \(0.0, 1.0\)"),
        ("inside", 1.0, "operator 'inside' does not go with threshold 1.0"),
        ("inside", (1.0, 1.0), r"threshold \(1.0, 1.0\) is no interval"),
        ("inside", (2.0, 1.0), r"threshold \(2.0, 1.0\) is no interval"),
        ("inside", (1.0, 2.0, 3.0), "is no interval"),
        ("inside", {"E2V": (0.0, 1.0), "ITL": 1.0}, "operator 'inside' does not go with threshold 1.0"),
        ("<", {"E2V": (0.0, 1.0)}, "operator '<' does not go with threshold"),
    ],
)
def test_operator_that_does_not_fit_the_threshold_is_an_error(operator, threshold, message):
    with pytest.raises(CatalogueError, match=message):
        make(verify="computed", quantity="X", operator=operator, threshold=threshold)


def test_field_of_a_configuration_holds_a_number():
    given = {"verify": "X", "quantity": "X", "operator": "<", "thresholdField": "maxX"}
    assert make(**given, threshold=1.0).thresholdField == "maxX"
    with pytest.raises(CatalogueError, match="field 'maxX' does not go with {'E2V': 1.0}"):
        make(**given, threshold={"E2V": 1.0})


def test_limits_of_a_run_take_the_place_of_those_of_their_fields():
    given = {"verify": "X", "quantity": "X", "operator": "inside"}
    threshold = {"E2V": (-3.0, -2.0), "ITL": (-4.0, 1.0)}
    fields = {"E2V": ("minE", "maxE"), "ITL": ("minI", "maxI")}
    test = make(**given, threshold=threshold, thresholdField=fields, thresholdSource="literal")
    assert test.thresholdFields == {"minE", "maxE", "minI", "maxI"}
    known = {"minE": -9, "maxE": -8.0, "minI": -7.0, "maxI": -6.0, "other": 1.0}
    stored = test.withLimits(StoredLimits(known, "config of u/me"))
    assert stored.threshold == {"E2V": (-9.0, -8.0), "ITL": (-7.0, -6.0)}
    assert stored.thresholdSource == "config of u/me"
    # Of an older configuration that lacks a field, nothing is half taken.
    assert test.withLimits(StoredLimits({"minE": -9.0}, "config of u/me")) is test
    with pytest.raises(CatalogueError, match="is no interval"):
        test.withLimits(StoredLimits(known | {"maxI": -7.5}, "config of u/me"))


def test_limits_of_a_run_leave_tests_without_fields():
    assert getProduct("bias").withLimits(StoredLimits({"gainThreshold": 1.0}, "x")) == getProduct("bias")
    ptc = getProduct("ptc").withLimits(StoredLimits({"gainThreshold": 1.0}, "x"))
    assert [test.key for test in ptc if test.thresholdSource == "x"] == ["PTC_GAIN"]
    assert ptc["PTC_GAIN"].limit == 1.0


def test_fields_of_limits_are_those_of_the_task_with_these_defaults():
    config = pytest.importorskip("lsst.cp.verify").CpVerifyPtcConfig()
    for test in getProduct("ptc"):
        if test.thresholdFields:
            known = {name: getattr(config, name) for name in test.thresholdFields}
            assert test.withLimits(StoredLimits(known, test.thresholdSource)) == test


@pytest.mark.parametrize(
    ("operator", "threshold", "limit"),
    [("<", 2.0, 2.0), ("inside", (1.0, 2.0), None), ("<", {"E2V": 2.0}, None)],
)
def test_limit_is_a_threshold_of_all_rows(operator, threshold, limit):
    assert make(verify="X", quantity="X", operator=operator, threshold=threshold).limit == limit
    assert make().limit is None


@pytest.mark.parametrize(
    ("written", "threshold"),
    [
        ("1.5", 1.5),
        ("[1.0, 2.0]", (1.0, 2.0)),
        ("{E2V: 1.0, ITL: 2.0}", {"E2V": 1.0, "ITL": 2.0}),
        ("{E2V: [1.0, 2.0]}", {"E2V": (1.0, 2.0)}),
    ],
)
def test_threshold_of_a_file(written, threshold):
    operator = "inside" if "[" in written else "<"
    product = readProduct(
        f"""
product: a
prefix: A
title: A
tests:
  X: {{statistic: X, verify: computed, label: X, quantity: X, operator: {operator}, threshold: {written},
    description: X.}}
""",
        "a.yaml",
    )
    assert product["X"].threshold == threshold
    hash(product["X"])


def makeProduct(*tests):
    return Product(name="bias", prefix="BIAS", title="Bias", document="D", url="U", tests=tests)


TESTED = {"verify": "computed", "operator": "<", "threshold": 1.0}


@pytest.mark.parametrize("name", ["RN", "GAIN"])
@pytest.mark.parametrize("row", ["detector", "exposure"])
def test_nominal_values_are_those_of_amplifiers(name, row):
    makeProduct(make(quantity=f"X/{name}", **TESTED))
    message = f"names {name}, which is no stored statistic of the product in rows of {row}s, nor"
    with pytest.raises(CatalogueError, match=message):
        makeProduct(make(quantity=f"X/{name}", row=row, **TESTED))


@pytest.mark.parametrize("row", ["amplifier", "detector", "exposure"])
def test_times_are_those_of_all_rows(row):
    rate = make(key="RATE", statistic="RATE", derived="X/DARK_TIME", unit="electron/s", row=row)
    assert rate.inputColumns == ("BIAS_X",)
    assert (rate.statisticColumn, rate.derivedNames) == ("BIAS_RATE", ("DARK_TIME", "X"))
    makeProduct(make(row=row), rate)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"derived": "X/", "statistic": "Y"}, "derived 'X/' cannot be evaluated"),
        ({"derived": "X", "statistic": None, "verify": "V"}, "a derived statistic has a name and no verdict"),
        ({"derived": "X", "statistic": "Y", "verify": "V"}, "a derived statistic has a name and no verdict"),
    ],
)
def test_derived_statistic_that_cannot_be(fields, message):
    with pytest.raises(CatalogueError, match=message):
        make(key="Y", **fields)


@pytest.mark.parametrize("expression", ["Y", "Z/X"])
def test_statistics_are_derived_from_stored_ones(expression):
    tests = [make(key=key, statistic=key, derived="X") for key in ("Y", "Z")]
    other = make(key="W", statistic="W", derived=expression)
    with pytest.raises(CatalogueError, match="derived '.*' names [YZ], which is no stored statistic"):
        makeProduct(make(), *tests, other)


@pytest.mark.parametrize("other", [{"row": "detector"}, {"prefix": "bias"}])
def test_quantity_of_a_statistic_of_other_rows_is_an_error(other):
    tests = (make(quantity="X/Y", **TESTED), make(key="Y", statistic="Y", **other))
    with pytest.raises(
        CatalogueError, match="names Y, which is no stored statistic of the product in rows of amp"
    ):
        makeProduct(*tests)


def test_column_that_is_read_from_rows_of_two_kinds_is_an_error():
    tests = (make(), make(key="Y", row="detector"))
    with pytest.raises(
        CatalogueError, match="column BIAS_X is read from rows of amplifiers and of detectors"
    ):
        makeProduct(*tests)


@pytest.mark.parametrize("key", ["NONE", "X", "Y"])
def test_mean_of_what_is_no_statistic_of_detectors_is_an_error(key):
    test = make(row="exposure", quantity="X/M", means={"M": key}, **TESTED)
    with pytest.raises(CatalogueError, match=f"{key} is no statistic of amplifiers or detectors"):
        makeProduct(test, make(key="Y", statistic=None, verify="Y_VERDICT"))


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("unit", "electron", "adu"),
        ("absentWhere", "X == 0", "X == 1"),
        ("absentWhere", None, "X == 0"),
        ("derived", None, "1.5*X"),
    ],
)
def test_column_of_which_two_things_are_said_is_an_error(name, first, second):
    tests = (make(**{name: first}), make(key="Y", **{name: second}))
    message = f"product bias: column BIAS_X has {name} {first!r} and {second!r}"
    with pytest.raises(CatalogueError, match=re.escape(message)):
        makeProduct(*tests)


def test_column_of_which_the_same_is_said_twice():
    tests = tuple(make(key=key, absentWhere="X == 0") for key in "XY")
    assert makeProduct(*tests).keys() == ("X", "Y")


def test_unit_of_a_column():
    bias = getProduct("bias")
    assert bias.columnUnit("BIAS_READ_NOISE_ADU") == "adu"
    assert bias.columnUnit("BIAS_NOISE") == "electron"


def test_statistic_without_which_nothing_is_tested_is_read_and_known():
    test = make(quantity="X", untestedWithout="Y", **TESTED)
    assert test.inputColumns == ("BIAS_X", "BIAS_Y")
    assert test.neededNames == ("X", "Y")
    with pytest.raises(CatalogueError, match="untestedWithout 'Y' names Y, which is no stored statistic"):
        makeProduct(test)
    with pytest.raises(CatalogueError, match="untestedWithout is given without a tested quantity"):
        make(untestedWithout="X")


def test_expression_of_an_unknown_statistic_is_an_error():
    test = make(verify="X", quantity="X/Y", operator="<", threshold=1.0)
    with pytest.raises(
        CatalogueError, match="quantity 'X/Y' names Y, which is no stored statistic of the product"
    ):
        makeProduct(test)


@pytest.mark.parametrize(
    ("keys", "message"),
    [(("X", "X"), "product bias: key X is given twice"), (("A_B", "A_b"), "toolName biasAB is given twice")],
)
def test_two_tests_of_one_name_are_an_error(keys, message):
    tests = tuple(make(key=key) for key in keys)
    with pytest.raises(CatalogueError, match=message):
        makeProduct(*tests)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('section: "4.2"', "sektion: 1", r"test 'MEAN' of bias has unknown field\(s\) sektion; known are"),
        ("  NOISE:\n", "  MEAN:\n", r"key 'MEAN' is given twice \(line "),
        ("  AMP_CORNER:\n", "  MEAN:\n", "key MEAN is given twice"),
        ("threshold: 1.0", "threshold: one", "threshold is 'one', expected float"),
        ("verdict: true", "verdict: 1", "verdict is 1, expected bool"),
        ("verify: BIAS_VERIFY_MEAN", "", "test 'MEAN' of bias lacks verify"),
        ("threshold: 1.0", "threshold: [1.0, two]", r"threshold is \[1.0, 'two'\], expected float"),
        ("threshold: 1.0", "threshold: {E2V: one}", "threshold is 'one', expected float"),
        ("label: Mean of the residual bias", "", "test 'MEAN' of bias has a statistic, and no label for it"),
        ("epoch: exposure", "epoch: night", "product bias: epoch is 'night', expected one of"),
        ("prefix: BIAS\n", "", "the product lacks prefix"),
        ("aboutZero: true", "aboutZero: 1", "image 'exposure' of bias: aboutZero is 1, expected bool"),
        ("aboutZero: true", "", "image 'exposure' of bias lacks aboutZero"),
        ("title: Bias\n", "", "the product lacks title"),
        ("title: Bias\n", "title: 3\n", "title is 3, expected text"),
        ("tests:\n", "colour: red\ntests:\n", r"the product has unknown field\(s\) colour"),
        ("product: bias", "product: [", "while parsing"),
        ("tests:\n", "notRead: {X: 3}\ntests:\n", "notRead of bias: X is 3, expected str"),
        (
            "tests:\n",
            "notRead: {BIAS_MEAN: W.}\ntests:\n",
            "column BIAS_MEAN is left out, and read",
        ),
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
        (
            "{product: a, prefix: A, title: A, statistics: {1: {label: L, unit: '', description: D.}}}",
            "test 1 of a: the key is no text",
        ),
        (
            "{product: a, prefix: A, title: A, tests: {FAILURES: {verify: A_V, description: D.}}}",
            "product a: toolName aFailures is given twice",
        ),
    ],
)
def test_file_of_another_shape_is_an_error(text, message):
    with pytest.raises(CatalogueError, match=message):
        readProduct(text, "a.yaml")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"quantity": "sum(N)"}, r"quantity 'sum\(N\)' is no real function of a statistic"),
        ({"threshold": float("nan")}, "the threshold is NaN"),
        ({"threshold": {}}, "no threshold is given"),
    ],
)
def test_quantity_that_judges_nothing_is_an_error(changes, message):
    fields = {"statistic": "N", "verify": "computed", "quantity": "N", "operator": "<", "threshold": 1.0}
    with pytest.raises(CatalogueError, match=message):
        VerifyTest(product="a", prefix="A", key="N", description="N.", **(fields | changes))
