# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Times of exposures, and statistics that are divided by them."""

import math

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lsst.analysis.cp.catalogue import getProduct, readProduct
from lsst.analysis.cp.core import DetectorSelection
from lsst.analysis.cp.core.amps import ExposureTimes, ReferenceValues, ampSummaryTable, summarize

EVERYTHING = DetectorSelection(detectorTypes=None)
DARK_TIMES = {101: 30.5, 102: 0.0}

RATES = """
product: rates
prefix: R
title: Rates
statistics:
  MEAN: {row: detector, unit: electron, label: Mean, description: M.}
  RATE: {row: detector, derived: MEAN/EXPOSURE_TIME, unit: electron/s, label: Rate, description: R.}
"""


def makeTimes(source="record", **times):
    """Make times from values by exposure."""
    ids = np.array(sorted({exposure for values in times.values() for exposure in values}), dtype=np.int64)
    columns = {
        name: np.array([values.get(exposure, math.nan) for exposure in ids.tolist()])
        for name, values in times.items()
    }
    return ExposureTimes.fromSource(source, ids, **columns)


@pytest.fixture
def darks(columns, read):
    """Read a dark of three exposures: with a dark time, with one of 0, and with none that is known."""
    dark = {name.replace("BIAS", "DARK"): values for name, values in columns.items()}
    reference = ReferenceValues.empty(
        makeTimes(darkTime=DARK_TIMES, exposureTime=dict.fromkeys(DARK_TIMES, 30.0))
    )
    return read(dark, getProduct("dark"), reference=reference)


def test_times_are_in_the_order_of_the_exposures(darks):
    assert darks.exposures.tolist() == [101, 102, 103]
    assert_array_equal(darks.times.darkTime, [30.5, 0, np.nan])
    assert_array_equal(darks.times.exposureTime, [30, 30, np.nan])
    assert darks.times.darkTimeSource.tolist() == ["record", "record", ""]


def test_rate_is_absent_where_there_is_no_dark_time(darks, keysOf):
    values = darks.statistics["DARK_MEAN_RATE"]
    expected = [
        mean / 30.5 if exposure == 101 else math.nan
        for mean, exposure in zip(darks.statistics["DARK_MEAN"], keysOf(darks).exposure.tolist(), strict=True)
    ]
    np.testing.assert_allclose(values, expected, rtol=1e-15)
    reduced = summarize(darks, "exposure", EVERYTHING).tests["MEAN_RATE"].values
    assert reduced["nValid"].tolist() == [36, 0, 0]
    assert np.isnan(reduced["max"][1:]).all()
    finite = [value for value in expected if math.isfinite(value)]
    assert reduced["max"][0] == pytest.approx(max(finite))


def test_mean_that_is_no_number_has_no_rate(columns, read):
    dark = {name.replace("BIAS", "DARK"): values for name, values in columns.items()}
    dark["DARK_MEAN"] = np.where(dark["exposure"] == 101, np.inf, np.nan)
    times = makeTimes(darkTime=dict.fromkeys((101, 102, 103), 1.0))
    table = read(dark, getProduct("dark"), tests=["MEAN_RATE"], reference=ReferenceValues.empty(times))
    assert np.isnan(table.statistics["DARK_MEAN_RATE"]).all()


def test_rate_without_any_times(columns, read):
    dark = {name.replace("BIAS", "DARK"): values for name, values in columns.items()}
    table = read(dark, getProduct("dark"), tests=["MEAN_RATE"])
    assert np.isnan(table.statistics["DARK_MEAN_RATE"]).all()
    assert set(table.times.darkTimeSource) == {""}


def test_detectors_have_rates(layout, read):
    detectors = layout.detectorId.tolist()
    columns = {
        "exposure": np.repeat([7, 5], len(detectors)),
        "detector": np.tile(detectors, 2),
        "amplifier": np.ma.masked_all(2 * len(detectors), dtype="U3"),
        "R_MEAN": np.arange(2.0 * len(detectors)),
    }
    reference = ReferenceValues.empty(makeTimes(exposureTime={5: 4.0, 7: 2.0}))
    table = read(columns, readProduct(RATES, "rates.yaml"), reference=reference)
    times = np.repeat([2.0, 4.0], len(detectors))
    assert_array_equal(table.statistics["R_RATE"], columns["R_MEAN"] / times)


def test_amplifier_table_has_times_and_sources(darks):
    table = ampSummaryTable(darks)
    assert (table["darkTime"].unit, table["exposureTime"].unit) == ("s", "s")
    assert_array_equal(table["darkTime"], darks.times.darkTime[darks.exposureIndex])
    assert set(table["darkTimeSource"][table["exposure"] == 103]) == {""}
    assert set(table["exposureTimeSource"][table["exposure"] == 102]) == {"record"}


def test_first_source_that_knows_a_time_is_taken():
    record = makeTimes(darkTime={3: 30.0, 1: 10.0}, mjd={3: 60000.5})
    header = makeTimes("header", darkTime={3: 31.0, 2: 20.0}, exposureTime={3: 29.0})
    joined = ExposureTimes.join([record, header, ExposureTimes.unknown()])
    assert joined.exposure.tolist() == [1, 2, 3]
    assert joined.darkTime.tolist() == [10, 20, 30]
    assert joined.darkTimeSource.tolist() == ["record", "header", "record"]
    assert_array_equal(joined.exposureTime, [np.nan, np.nan, 29])
    assert joined.exposureTimeSource.tolist() == ["", "", "header"]
    assert_array_equal(joined.mjd, [np.nan, np.nan, 60000.5])


def test_nothing_joined_is_nothing():
    assert ExposureTimes.join([]).exposure.tolist() == []
    assert np.isnan(ExposureTimes.unknown().match(np.array([5])).darkTime).all()


@pytest.mark.parametrize("bad", [-1.0, math.inf, math.nan])
def test_time_that_is_none_is_unknown(bad):
    times = makeTimes(darkTime={1: bad, 2: 0.0})
    assert_array_equal(times.darkTime, [np.nan, 0])
    assert times.darkTimeSource.tolist() == ["", "record"]


def test_large_ids_are_exact():
    ids = np.array([2024110501102, 2024110501101])
    times = ExposureTimes.fromSource("record", ids, darkTime=np.array([2.0, 1.0]))
    assert times.match(np.array([2024110501101, 2024110501103, 2024110501102])).darkTime.tolist()[::2] == [
        1,
        2,
    ]
