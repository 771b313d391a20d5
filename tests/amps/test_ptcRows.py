# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tables of photon transfer curves that have what real ones may have."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lsst.analysis.cp.catalogue import CatalogueError, getProduct, readProduct
from lsst.analysis.cp.core import DetectorSelection
from lsst.analysis.cp.core.amps import AmpTable, ampSummaryTable, culpritsTable, margins, summarize

LAGS = ("10", "01", "11", "20", "02")
VERDICTS = ("PTC_GAIN", "PTC_NOISE", "PTC_TURNOFF", "PTC_BFE_A00", "NOISE_SIGNAL_INDEPENDENCE", "SUCCESS")
ABSENT = """
product: p
prefix: P
title: P
epoch: none
statistics:
  A: {{unit: "", label: A, description: A., absentWhere: {condition}}}
  B: {{unit: "", label: B, description: B.}}
"""


class ScalarsOnly(dict[str, Any]):
    """Columns of which those that hold vectors must not be touched."""

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        assert np.ndim(value) == 1, f"vector {name} is read"
        return value


@pytest.fixture
def columns(layout) -> ScalarsOnly:
    """Make a complete table in which all amplifiers pass."""
    n = layout.nAmps
    found = ScalarsOnly(
        instrument=np.full(n, "camera"),
        detector=layout.detectorId[layout.ampDetector],
        mjd=np.full(n, np.nan),
        amplifier=layout.ampName,
        PTC_PTC_GAIN=np.full(n, 1.53),
        PTC_AMP_GAIN=np.full(n, 1.5),
        PTC_PTC_NOISE=np.full(n, 6.0),
        PTC_AMP_NOISE=np.full(n, 6.0),
        PTC_PTC_TURNOFF=np.full(n, 7e4),
        PTC_PTC_FIT_TYPE=np.full(n, "EXPAPPROXIMATION"),
        PTC_PTC_MAX_RAW_MEANS=np.full(n, 8e4),
        PTC_PTC_BFE_A00=np.full(n, -3e-6),
        PTC_PTC_ROW_MEAN_VARIANCE_SLOPE=np.ones(n),
        PTC_PTC_RAW_MEANS=np.full((n, 3), np.nan),
        PTC_PTC_EXP_ID_MASK=np.ones((n, 3), dtype=bool),
    )
    for lag in LAGS:
        found[f"PTC_PTC_COV_{lag}_FIT_SLOPE"] = np.full(n, 0.02)
        found[f"PTC_PTC_COV_{lag}_FIT_OFFSET"] = np.full(n, -9.0)
        found[f"PTC_PTC_COV_{lag}_FIT_SUCCESS"] = np.ones(n, dtype=bool)
    return ScalarsOnly(found | {f"PTC_VERIFY_{key}": np.ones(n, dtype=bool) for key in VERDICTS})


@pytest.fixture
def readPtc(layout):
    """Return what encodes a table."""
    return lambda columns: AmpTable.fromColumns(columns, getProduct("ptc"), layout)


def test_all_that_passes_is_good_without_exposures_and_vectors(readPtc, columns, layout):
    table = readPtc(columns)
    run = summarize(table, "run")
    assert run.status.tolist() == [1]
    assert not table.leftOut
    assert ampSummaryTable(table).colnames[0] == "detector"
    quantities = {test.key: table.quantity(test) for test in table.tests if test.quantity is not None}
    expected = {"PTC_GAIN": 2.0, "PTC_NOISE": 0.0, "PTC_TURNOFF": 7e4 * 1.53, "PTC_BFE_A00": -3e-6}
    assert quantities.keys() == expected.keys()
    for key, value in expected.items():
        np.testing.assert_allclose(quantities[key], np.full(layout.nAmps, value), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("slope", "offset", "success", "isAbsent"),
    [
        # What the fit begins with, and stores where an amplifier has no pairs.
        (1.0, 0.0, True, True),
        (0.02, 1.0, False, True),
        (1.0, -3.0, True, False),
        (0.5, 0.0, True, False),
        (np.nan, np.nan, True, False),
    ],
)
@pytest.mark.parametrize("lag", LAGS)
def test_fits_that_are_none_are_left_out(readPtc, columns, layout, lag, slope, offset, success, isAbsent):
    names = [f"PTC_PTC_COV_{lag}_FIT_{kind}" for kind in ("SLOPE", "OFFSET", "SUCCESS")]
    for name, value in zip(names, (slope, offset, success), strict=True):
        columns[name] = np.where(np.arange(layout.nAmps) == 1, value, columns[name])
    table = readPtc(columns)
    for name in names[:2]:
        assert np.isnan(table.statistics[name][1]) == (isAbsent or np.isnan(slope))
    # A fit that did not converge has a flag, but no numbers.
    assert np.isnan(table.statistics[names[2]][1]) == (isAbsent and success)
    written = ampSummaryTable(table)
    amp = f"{layout.detectorName[layout.ampDetector[1]]} {layout.ampName[1]}"
    for i, name in enumerate(names):
        description = written[f"{name.removeprefix('PTC_')}_value"].description
        is_named = description.endswith(f" Left out of {amp}: not measured.")
        assert is_named == ("Left out" in description) == (isAbsent and (i < 2 or success))
    key = names[0].removeprefix("PTC_")
    n_absent = isAbsent or np.isnan(slope)
    run = summarize(table, "run", DetectorSelection(detectorTypes=None))
    assert run.tests[key].values["nValid"].tolist() == [layout.nAmps - n_absent]


def test_no_limit_of_a_vendor_that_is_not_known(readPtc, columns, layout):
    other = replace(layout, physicalType=np.full(layout.nDetectors, "OTHER"))
    table = AmpTable.fromColumns(columns, getProduct("ptc"), other)
    test = getProduct("ptc")["PTC_BFE_A00"]
    quantity = table.quantity(test)
    assert np.isnan(margins(test, quantity, table.physicalType["amplifier"])).all()
    # cp_verify writes no table of such a sensor.
    lost = ScalarsOnly({name: dict.__getitem__(columns, name)[:0] for name in columns})
    culprits = culpritsTable(readPtc(lost))
    assert set(culprits["status"]) == {"unknown"}
    assert set(culprits["reason"]) == {"no row in the table"}


def test_fit_without_a00_skips_its_test(readPtc, columns, caplog):
    del columns["PTC_PTC_BFE_A00"], columns["PTC_VERIFY_PTC_BFE_A00"]
    columns["PTC_PTC_FIT_TYPE"][:] = "POLYNOMIAL"
    table = readPtc(columns)
    assert "PTC_BFE_A00 (PTC_PTC_BFE_A00, PTC_VERIFY_PTC_BFE_A00)" in caplog.text
    run = summarize(table, "run")
    assert run.status.tolist() == [1]
    assert run.tests["PTC_BFE_A00"].values["nTested"].tolist() == [0]


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("A", "no condition of a statistic"),
        ("A == C", "names C, which is no stored statistic"),
        ("A == RN", "names RN, which is no statistic"),
        ("A ===", "cannot be evaluated"),
    ],
)
def test_wrong_condition_is_an_error(condition, message):
    with pytest.raises(CatalogueError, match=message):
        readProduct(ABSENT.format(condition=condition), "p.yaml")


def test_condition_without_a_statistic_is_an_error():
    text = ABSENT.format(condition="A == B").replace("statistics:", "tests:")
    text = text.replace("A: {unit", "A: {verify: P_VERIFY_A, unit").replace("  B:", "  B: #")
    with pytest.raises(CatalogueError, match="absentWhere is given without a stored statistic"):
        readProduct(text, "p.yaml")


def test_conditions_are_those_of_the_stored_values(layout):
    """A value that is left out does not hide another."""
    text = ABSENT.format(condition="B == 1").replace(
        "description: B.", "description: B., absentWhere: A == 1"
    )
    n = layout.nAmps
    columns = {
        "detector": layout.detectorId[layout.ampDetector],
        "amplifier": layout.ampName,
        "P_A": np.ones(n),
        "P_B": np.ones(n),
    }
    table = AmpTable.fromColumns(columns, readProduct(text, "p.yaml"), layout)
    for name in ("P_A", "P_B"):
        assert_array_equal(table.statistics[name], np.full(n, np.nan))
    assert_array_equal(columns["P_A"], np.ones(n))
