# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import logging
from dataclasses import replace

import astropy.units as u
import numpy as np
import pyarrow as pa
import pytest
from astropy.table import Column, MaskedColumn, QTable, Table
from numpy.testing import assert_allclose, assert_array_equal

from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.core import AmpKeyError, ColumnError, ColumnUnitError
from lsst.analysis.cp.core.amps import (
    AmpTable,
    ReferenceValues,
    ampSummaryTable,
    detectorSummaryTable,
    summarize,
)


def test_rows_keep_their_order(columns, read, keysOf):
    table = read(columns)
    keys = keysOf(table)
    assert len(table) == 3 * 36
    assert_array_equal(keys.exposure, columns["exposure"])
    assert_array_equal(keys.detector, columns["detector"])
    assert_array_equal(keys.amplifier, columns["amplifier"])
    assert_array_equal(table.rows["amplifier"].source, np.arange(108))
    assert {kind: len(rows) for kind, rows in table.rows.items()} == {
        "amplifier": 108,
        "detector": 0,
        "exposure": 0,
    }
    assert_array_equal(table.statistics["BIAS_NOISE"], columns["BIAS_NOISE"])
    assert_array_equal(table.flags["BIAS_VERIFY_MEAN"], columns["BIAS_VERIFY_MEAN"])


@pytest.mark.parametrize("form", [Table, lambda c: Table(c, masked=True), dict])
def test_any_mapping_of_columns_is_read(columns, read, form):
    assert_array_equal(read(form(columns)).statistics["BIAS_MEAN"], columns["BIAS_MEAN"])


def test_input_is_unchanged(columns, read):
    before = {name: values.copy() for name, values in columns.items()}
    for values in columns.values():
        values.flags.writeable = False
    read(columns)
    for name, values in columns.items():
        assert_array_equal(values, before[name])


@pytest.mark.parametrize(
    ("name", "convert"),
    [
        ("amplifier", lambda v: v.astype("S3")),
        ("amplifier", lambda v: v.astype(object)),
        ("amplifier", lambda v: v.astype("U20")),
        ("detector", lambda v: v.astype(np.uint8)),
        ("detector", lambda v: v.astype(float)),
        ("exposure", lambda v: v.astype(object)),
        ("BIAS_VERIFY_MEAN", lambda v: v.astype(np.int64)),
        ("BIAS_VERIFY_MEAN", lambda v: v.astype(object)),
        ("BIAS_NOISE", lambda v: v.astype(object)),
    ],
)
def test_type_of_a_column_does_not_matter(columns, read, name, convert):
    converted = read({**columns, name: convert(columns[name])})
    expected = read(columns)
    assert_array_equal(converted.ampIndex, expected.ampIndex)
    assert_array_equal(converted.exposureIndex, expected.exposureIndex)
    assert_array_equal(converted.flags["BIAS_VERIFY_MEAN"], expected.flags["BIAS_VERIFY_MEAN"])
    assert_array_equal(converted.statistics["BIAS_NOISE"], expected.statistics["BIAS_NOISE"])


def test_integer_statistic(columns, read):
    columns["BIAS_BIAS_SHIFT_COUNT"] = np.arange(len(columns["exposure"]))
    values = read(columns).statistics["BIAS_BIAS_SHIFT_COUNT"]
    assert values.dtype == np.float64
    assert_array_equal(values, columns["BIAS_BIAS_SHIFT_COUNT"])


def test_masked_statistic_is_nan_and_masked_verdict_untested(columns, read):
    mask = np.arange(len(columns["exposure"])) % 3 == 0
    columns["BIAS_NOISE"] = MaskedColumn(columns["BIAS_NOISE"], mask=mask)
    columns["BIAS_VERIFY_NOISE"] = MaskedColumn(columns["BIAS_VERIFY_NOISE"], mask=mask)
    table = read(columns)
    assert_array_equal(np.isnan(table.statistics["BIAS_NOISE"]), mask)
    assert_array_equal(table.flags["BIAS_VERIFY_NOISE"] == -1, mask)


@pytest.mark.parametrize("form", [Table, QTable])
def test_statistic_in_another_unit_is_converted(columns, read, bias, form):
    expected = read(columns)
    table = form(columns)
    table["BIAS_NOISE"] = Column(columns["BIAS_NOISE"] / 1000, unit=1000 * u.electron)
    table["BIAS_READ_NOISE_ADU"] = Column(columns["BIAS_READ_NOISE_ADU"] * 1000, unit=0.001 * u.adu)
    found = read(table)
    for key in ("MEAN", "NOISE", "CR_NOISE", "READ_NOISE_CONSISTENT"):
        assert_allclose(found.quantity(bias[key]), expected.quantity(bias[key]), rtol=1e-12)
    assert_allclose(found.statistics["BIAS_NOISE"], columns["BIAS_NOISE"], rtol=1e-15)


@pytest.mark.parametrize(
    ("gainsApplied", "unit", "wanted", "gains"),
    [(True, "adu", "electron", "applied"), (False, "electron", "adu", "not applied")],
)
def test_statistic_in_the_unit_of_other_gains_is_an_error(columns, read, gainsApplied, unit, wanted, gains):
    columns["BIAS_NOISE"] = Column(columns["BIAS_NOISE"], unit=unit)
    message = (
        f"column 'BIAS_NOISE' has the unit '{unit}', which cannot be converted to '{wanted}', "
        rf"as the gains are said to be {gains} \(gainsApplied\)"
    )
    with pytest.raises(ColumnUnitError, match=message):
        read(columns, getProduct("bias", gainsApplied))


@pytest.mark.parametrize("absent", ["masked", "empty"])
def test_rows_of_which_no_test_asks_are_left_out_with_a_word(columns, read, caplog, absent):
    other = np.arange(len(columns["exposure"])) % 4 == 1
    if absent == "masked":
        columns["amplifier"] = MaskedColumn(columns["amplifier"], mask=other)
    else:
        columns["amplifier"] = np.where(other, "", columns["amplifier"])
    columns["detector"] = np.where(other, 99, columns["detector"])
    columns["exposure"] = np.where(other, 999, columns["exposure"])
    with caplog.at_level(logging.INFO):
        table = read(columns)
    assert [record.getMessage() for record in caplog.records] == [
        "27 row(s) of detectors are left out: no test is of such rows."
    ]
    assert table.exposures.tolist() == [101, 102, 103]
    assert_array_equal(table.rows["amplifier"].source, np.flatnonzero(~other))
    assert_array_equal(table.statistics["BIAS_MEAN"], columns["BIAS_MEAN"][~other])
    assert_array_equal(table.flags["BIAS_VERIFY_MEAN"], columns["BIAS_VERIFY_MEAN"][~other])


def test_missing_required_columns_are_named(columns, read):
    del columns["BIAS_NOISE"], columns["detector"]
    with pytest.raises(
        ColumnError, match=r"bias results lacks required column\(s\) detector, BIAS_NOISE; it has"
    ):
        read(columns)


def test_missing_optional_column_is_named_in_a_warning(columns, read, caplog):
    del columns["BIAS_BIAS_SHIFT_COUNT"], columns["BIAS_VERIFY_READ_NOISE_CONSISTENT"]
    with caplog.at_level(logging.WARNING):
        table = read(columns)
    assert [record.getMessage() for record in caplog.records] == [
        "bias: columns are absent, so these are skipped: READ_NOISE_CONSISTENT "
        "(BIAS_VERIFY_READ_NOISE_CONSISTENT), BIAS_SHIFT_COUNT (BIAS_BIAS_SHIFT_COUNT)."
    ]
    assert np.isnan(table.statistics["BIAS_BIAS_SHIFT_COUNT"]).all()
    assert (table.flags["BIAS_VERIFY_READ_NOISE_CONSISTENT"] == -1).all()
    assert table.absentColumns == {"BIAS_BIAS_SHIFT_COUNT", "BIAS_VERIFY_READ_NOISE_CONSISTENT"}


def test_verdict_that_is_written_on_failure_only_may_be_absent(columns, read, caplog, bias):
    del columns["BIAS_VERIFY_PROCESSING"]
    table = read(columns)
    assert not caplog.records
    assert not table.wasRun(bias["PROCESSING"])


def test_only_the_columns_of_chosen_tests_are_needed(columns, read, bias):
    wanted = bias.inputColumns(["NOISE"])
    table = read({name: columns[name] for name in wanted}, tests=["NOISE"])
    assert [test.key for test in table.tests] == ["NOISE"]
    assert wanted == ("exposure", "detector", "amplifier", "BIAS_NOISE", "BIAS_VERIFY_NOISE")


def test_unknown_amplifier_is_named(columns, read):
    columns["amplifier"] = np.where(np.arange(108) == 7, "C99", columns["amplifier"])
    where = rf"amplifier 'C99' of detector {columns['detector'][7]} \(R0.*\) is not in the camera"
    with pytest.raises(AmpKeyError, match=where):
        read(columns)


def test_amplifier_of_another_detector_is_unknown(columns, read):
    first = np.flatnonzero(columns["detector"] == 31)[0]
    columns["amplifier"] = np.where(np.arange(108) == first, "C13", columns["amplifier"])
    with pytest.raises(AmpKeyError, match=r"'C13' of detector 31 \(R00_SW0\) is not in the camera"):
        read(columns)


def test_detectors_that_are_not_in_the_camera_are_named(columns, read):
    columns["detector"] = np.where(columns["detector"] == 5, 188, columns["detector"])
    with pytest.raises(AmpKeyError, match=r"detector\(s\) 188 are not in the camera"):
        read(columns)


@pytest.mark.parametrize("name", ["header", "camera"])
def test_nominal_values_that_are_given_twice_are_an_error(columns, read, name):
    reference = ReferenceValues(
        exposure=None if name == "header" else np.array([101, 101]),
        detector=np.array([5, 5]),
        amplifier=np.array(["C00", "C00"]),
        readNoise=np.ones(2),
        gain=np.ones(2),
    )
    with pytest.raises(AmpKeyError, match="given more than once"):
        read(columns, reference=reference)


def test_duplicate_rows_are_named(columns, read):
    twice = {name: np.concatenate([values, values[[3, 50]]]) for name, values in columns.items()}
    row = " ".join(f"{name} {columns[name][3]}" for name in ("exposure", "detector", "amplifier"))
    with pytest.raises(AmpKeyError, match=r"2 amplifier\(s\) have more than one row: ") as caught:
        read(twice)
    assert row in str(caught.value)


@pytest.mark.parametrize("name", ["exposure", "detector"])
def test_amplifier_without_exposure_or_detector_is_an_error(columns, read, name):
    columns[name] = MaskedColumn(columns[name], mask=np.arange(108) == 4)
    with pytest.raises(AmpKeyError, match=rf"1 amplifier row\(s\) have no {name}"):
        read(columns)


def test_vector_where_a_number_is_expected_is_an_error(columns, read):
    columns["BIAS_MEAN"] = np.ones((108, 3))
    with pytest.raises(ColumnError, match="column 'BIAS_MEAN' holds arrays"):
        read(columns)


@pytest.mark.parametrize("name", ["exposure", "BIAS_MEAN", "BIAS_VERIFY_MEAN"])
def test_column_of_another_length_is_an_error(columns, read, name):
    columns[name] = columns[name][:-1]
    with pytest.raises(ColumnError, match=rf"column '{name}' has 107 rows, expected 108"):
        read(columns)


def test_empty_table(columns, read):
    table = read({name: values[:0] for name, values in columns.items()}, exposures=[7, 5])
    assert len(table) == 0
    assert table.exposures.tolist() == [5, 7]


def test_table_that_has_lost_the_types_of_its_columns_when_empty(columns, read):
    assert len(read({name: np.array([]) for name in columns})) == 0


@pytest.mark.parametrize("form", ["plain", "object", "pyarrow"])
def test_large_exposure_ids_are_exact(columns, read, form):
    large = 2**60 + columns["exposure"]
    forms = {
        "plain": lambda: large.astype(np.uint64),
        "object": lambda: large.astype(object),
        "pyarrow": lambda: pa.array(large),
    }
    table = read({**columns, "exposure": forms[form]()}, exposures=[2**60 + 999])
    assert table.exposures.tolist() == [2**60 + i for i in (101, 102, 103, 999)]
    assert_array_equal(table.exposures[table.exposureIndex], large)
    assert set(ampSummaryTable(table)["exposure"].tolist()) == {2**60 + i for i in (101, 102, 103)}


def test_expected_exposures_join_those_with_rows(columns, read):
    assert read(columns, exposures=[99, 102]).exposures.tolist() == [99, 101, 102, 103]


@pytest.mark.parametrize(
    ("key", "formula"),
    [
        ("MEAN", lambda c, rn, g: abs(c["BIAS_MEAN"]) / c["BIAS_NOISE"]),
        ("NOISE", lambda c, rn, g: (c["BIAS_NOISE"] - rn) / rn),
        ("CR_NOISE", lambda c, rn, g: abs(c["BIAS_NOISE"] - c["BIAS_CR_NOISE"]) / c["BIAS_CR_NOISE"]),
        ("READ_NOISE_CONSISTENT", lambda c, rn, g: (g * c["BIAS_READ_NOISE_ADU"] - rn) / rn),
    ],
)
def test_tested_quantities_follow_dmtn_101(columns, read, bias, layout, key, formula):
    table = read(columns)
    expected = formula(columns, layout.ampReadNoise[table.ampIndex], layout.ampGain[table.ampIndex])
    assert_allclose(table.quantity(bias[key]), expected, rtol=1e-15, atol=0)


def test_test_without_quantity(columns, read, bias):
    assert read(columns).quantity(bias["SUCCESS"]) is None


def test_read_noise_of_the_header_goes_before_that_of_the_camera(columns, read, layout, keysOf):
    reference = ReferenceValues(
        detector=np.array([5, 5, 7]),
        amplifier=np.array(["C00", "C01", "C00"]),
        readNoise=np.ma.array([7.0, 0.0, 9.0], mask=[False, True, False]),
        gain=np.ma.array([2.0, 2.5, 0.0], mask=[False, False, True]),
    )
    table = read(columns, reference=reference)
    given = {(5, "C00"): (7.0, 2.0), (5, "C01"): (None, 2.5), (7, "C00"): (9.0, None)}
    keys = keysOf(table)
    for i, amp in enumerate(table.ampIndex):
        noise, gain = given.get((int(keys.detector[i]), str(keys.amplifier[i])), (None, None))
        assert table.readNoise[i] == (layout.ampReadNoise[amp] if noise is None else noise)
        assert table.gain[i] == (layout.ampGain[amp] if gain is None else gain)
        assert table.readNoiseSource[i] == ("camera" if noise is None else "header")


# What no amplifier has, whatever says so.
NO_NOISE = [0.0, -0.0, -5.0, np.nan, np.inf, -np.inf]


@pytest.mark.parametrize("value", NO_NOISE)
@pytest.mark.parametrize("source", ["camera", "header"])
@pytest.mark.parametrize("name", ["readNoise", "gain"])
def test_nominal_value_that_is_no_positive_number_is_unknown(
    passing, read, bias, layout, name, source, value
):
    field = {"readNoise": "ampReadNoise", "gain": "ampGain"}[name]
    if source == "camera":
        own = replace(layout, **{field: np.where(np.arange(36) == 8, value, getattr(layout, field))})
        table = AmpTable.fromColumns(passing, bias, own)
    else:
        nominal = {"readNoise": np.array([5.0]), "gain": np.array([1.5]), name: np.array([value])}
        reference = ReferenceValues(detector=np.array([5]), amplifier=np.array(["C00"]), **nominal)
        table = read(passing, reference=reference)
    chosen = table.ampIndex == 8
    assert_array_equal(np.isnan(getattr(table, name)), chosen)
    for key in ("NOISE", "READ_NOISE_CONSISTENT"):
        is_lost = chosen if name == "readNoise" or key == "READ_NOISE_CONSISTENT" else np.zeros(108, bool)
        assert_array_equal(np.isnan(table.quantity(bias[key])), is_lost)
        assert_array_equal(table.status(bias[key]) == -1, is_lost)
        # What cp_verify says is left as it is.
        assert_array_equal(table.verdict(bias[key]), np.ones(108))
    assert_array_equal(table.status(bias["MEAN"]), np.ones(108))
    assert set(table.readNoiseSource[chosen]) == {source}
    table = detectorSummaryTable(summarize(table, "runDetector"))
    assert_array_equal(table["status"] == "unknown", table["detector"] == 5)


def test_failure_without_read_noise_is_a_failure(passing, bias, layout):
    passing["BIAS_VERIFY_NOISE"] = np.arange(108) != 33
    nothing = replace(layout, ampReadNoise=np.zeros(36))
    status = AmpTable.fromColumns(passing, bias, nothing).status(bias["NOISE"])
    assert_array_equal(status, np.where(np.arange(108) == 33, 0, -1))


def test_read_noise_of_single_exposures(columns, read, layout, keysOf):
    reference = ReferenceValues(
        exposure=np.array([102, 999]),
        detector=np.array([5, 5]),
        amplifier=np.array(["C00", "C00"]),
        readNoise=np.array([7.0, 8.0]),
        gain=np.array([2.0, 2.0]),
        source="other",
    )
    table = read(columns, reference=reference)
    keys = keysOf(table)
    chosen = (keys.exposure == 102) & (keys.detector == 5) & (keys.amplifier == "C00")
    assert chosen.sum() == 1
    assert_array_equal(table.readNoise == 7.0, chosen)
    assert_array_equal(table.readNoiseSource == "other", chosen)
    assert_array_equal(table.readNoise[~chosen], layout.ampReadNoise[table.ampIndex[~chosen]])


def test_read_noise_of_an_unknown_amplifier_is_an_error(columns, read):
    reference = ReferenceValues(
        detector=np.array([5]), amplifier=np.array(["X"]), readNoise=np.ones(1), gain=np.ones(1)
    )
    with pytest.raises(AmpKeyError, match="amplifier 'X' of detector 5"):
        read(columns, reference=reference)


@pytest.mark.parametrize(
    ("flag", "value", "status"),
    [
        (True, 5.0, 1),
        (False, 5.0, 0),
        (None, 5.0, -1),
        (True, np.nan, -1),
        (False, np.nan, 0),
        (None, np.inf, -1),
    ],
)
def test_status_of_an_amplifier(columns, bias, layout, flag, value, status):
    columns["BIAS_NOISE"] = np.full(108, value)
    columns["BIAS_VERIFY_NOISE"] = np.full(108, flag, dtype=object)
    table = AmpTable.fromColumns(columns, bias, layout)
    assert set(table.status(bias["NOISE"]).tolist()) == {status}


def test_stored_statistic_has_no_status(columns, read, bias):
    assert read(columns).status(bias["AMP_CORNER"]) is None
