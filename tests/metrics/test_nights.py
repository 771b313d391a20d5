# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tables of nights lose nothing of what they are made of."""

import numpy as np
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsst.analysis.cp.metrics import DetectorName, makeTrendTable, unreadDatasets
from lsst.analysis.cp.metrics.criteria import WantedMetrics
from lsst.analysis.cp.metrics.gatherer import RecordGatherer
from lsst.analysis.cp.metrics.nights import listNightInputs, makeNightTable, readNight
from lsst.daf.butler.formatters.parquet import arrow_to_astropy

DETECTORS = {
    ("LSSTCam", 0): DetectorName("R01_S00", "R01", "ITL", 16),
    ("LSSTCam", 1): DetectorName("R00_SW1", "R00", "ITL_WF", 8),
}
EPOCHS = (2026040100001, 2026040100002, 2026040100003)
SUMMARIES = [(epoch, f"u/run{epoch % 2}") for epoch in EPOCHS]
"""Exposure and run of each."""
UNITS = (
    {"min": "electron", "median": "electron", "nFailed": ""},
    {"min": "adu", "median": "adu", "nFailed": ""},
    {"median": "electron"},
)


def gather(kinds, seed=1):
    """Gather two tests of each exposure, which are measured in a way of their own; of None there is one."""
    rng = np.random.default_rng(seed)
    gatherer = RecordGatherer()
    for (epoch, run), kind in zip(SUMMARIES, kinds, strict=False):
        seconds = 1.775e9 + rng.uniform(0.0, 1e4)
        keys = [("LSSTCam", i, epoch, 20260401, None, seconds, "exposure", run) for i in (0, 1)]
        rows = gatherer.addKeys(keys)
        for tool, units in (
            ("biasMean", UNITS[0]),
            *([("biasNoise", UNITS[kind])] if kind is not None else ()),
        ):
            values = rng.normal(size=(2, len(units)))
            values[1, 0] = np.nan
            gatherer.add(f"cpBiasExpDet_{tool}", tool, units, rows, values)
    return gatherer


def makeNight(gatherer):
    inputs = {f"id{epoch}": (epoch, run) for epoch, run in SUMMARIES}
    return makeNightTable(gatherer, DETECTORS, unread={"a": "lost"}, inputs=inputs)


def store(table, path):
    pyarrow.parquet.write_table(table, path)
    return pyarrow.parquet.read_table(path)


def assertSame(first, second):
    assert first.schema.names == second.schema.names
    for name in first.schema.names:
        np.testing.assert_array_equal(first[name].to_pylist(), second[name].to_pylist(), name)


def readAll(night, summaries=SUMMARIES, wanted=None):
    gatherer = RecordGatherer()
    content = readNight(night, summaries, wanted or WantedMetrics(), gatherer)
    return makeTrendTable(gatherer.records(), detectors=content.detectors)


@given(kinds=st.lists(st.sampled_from([0, 1, 2, None]), max_size=3), seed=st.integers(0, 9))
def test_nothing_is_lost_of_summaries_of_any_kind(kinds, seed, tmp_path_factory):
    """Some have other units, or not all measurements, or not all tests."""
    gatherer = gather(kinds, seed)
    night = store(makeNight(gatherer), tmp_path_factory.getbasetemp() / "night")
    assertSame(readAll(night), makeTrendTable(gatherer.records(), detectors=DETECTORS))


def test_exposures_are_chosen(tmp_path):
    night = store(makeNight(gather([0, 1, 2])), tmp_path / "night")
    table = readAll(night, SUMMARIES[1:2])
    assert set(table["exposure"].to_pylist()) == {EPOCHS[1]}
    assert set(table["unit"].to_pylist()) == {"adu", "electron", ""}
    # Summaries of other runs are others.
    assert len(readAll(night, [(EPOCHS[1], "u/another")])) == 0
    assert len(readAll(night, ())) == 0


def test_metrics_and_measurements_are_chosen(tmp_path):
    night = store(makeNight(gather([0, 1, 2])), tmp_path / "night")
    table = readAll(night, wanted=WantedMetrics(["biasNoise"], ["median"]))
    assert set(table["metric"].to_pylist()) == {"biasNoise"}
    # What tells whether a value is valid is read, too.
    assert set(table["measurement"].to_pylist()) <= {"median", "nFailed"}


def test_table_names_what_it_is_made_of(tmp_path):
    night = store(makeNight(gather([0, 1, 2])), tmp_path / "night")
    assert listNightInputs(night)[f"id{EPOCHS[0]}"] == (EPOCHS[0], "u/run1")
    assert unreadDatasets(night) == {"a": "lost"}


def test_people_can_read_it(tmp_path):
    """It is what the Butler makes an astropy table of."""
    table = arrow_to_astropy(store(makeNight(gather([0, 1, 2])), tmp_path / "night"))
    assert len(table) == 2 * len(EPOCHS)
    assert str(table["biasNoise_median"].unit) == "electron"
    assert str(table["biasNoise_median_adu"].unit) == "adu"
    assert table["biasNoise_median"].mask.tolist() == [False, False, True, True, False, False]
    assert set(table["detectorName"]) == {"R01_S00", "R00_SW1"}
    assert table["unixTime"].unit == "s"


def test_a_damaged_table_adds_nothing(tmp_path):
    night = store(makeNight(gather([0, 0, 0])), tmp_path / "night")
    gatherer = RecordGatherer()
    with pytest.raises(KeyError):
        readNight(night.drop_columns(["nAmps"]), SUMMARIES, WantedMetrics(), gatherer)
    assert list(gatherer.records()) == []
    assert len(gatherer.keys) == 0


def test_an_empty_night_is_a_table(tmp_path):
    night = store(makeNight(RecordGatherer()), tmp_path / "night")
    assert night.num_rows == 0
    assertSame(readAll(night), makeTrendTable([]))
