# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Data IDs as people write them: with names, with what contradicts itself, and with what is no data ID."""

import pytest
from notebookRepository import EXPOSURES, RUNS

from lsst.analysis.cp.notebook import listPlots, readMetrics, readPlot, readStructures, readSummary, readTrend
from lsst.daf.butler import DatasetNotFoundError

EXPOSURE = {"exposure": EXPOSURES[0]}
READERS = (listPlots, readPlot, readMetrics, readStructures, readSummary)


@pytest.mark.parametrize(
    "detector",
    [
        {"detector": "R22_S01"},
        {"detector.full_name": "R22_S01"},
        {"raft": "R22", "name_in_raft": "S01"},
    ],
)
def test_metrics_of_a_detector_by_its_name_are_of_no_other(butler, detector):
    metrics = readMetrics(butler, "bias", EXPOSURE | detector)
    assert set(metrics["level"]) == {"detector"}
    assert set(metrics["detector"]) == {1}


@pytest.mark.parametrize("read", [readMetrics, readSummary, readPlot, listPlots])
@pytest.mark.parametrize("implied", [{"physical_filter": "r_57"}, {"band": "r"}])
def test_nothing_is_found_of_another_filter(butler, read, implied):
    name = "bias" if read in (readMetrics, readSummary) else "biasNoise"
    assert len(read(butler, name, EXPOSURE).__dict__)
    with pytest.raises(DatasetNotFoundError, match=rf"There are those of .*{EXPOSURES[0]}"):
        read(butler, name, EXPOSURE | implied)


def test_filter_of_the_exposure_may_be_named(butler):
    assert readPlot(butler, "biasNoise", EXPOSURE | {"physical_filter": "unknown"}).size == (150, 100)


@pytest.mark.parametrize(
    "dataId",
    [
        {"detector": "R22_S00"},
        {"detector.full_name": "R22_S00"},
        {"day_obs": 20260101, "seq_num": 1, "detector": 0},
        {"exposure": str(EXPOSURES[0]), "detector": 0},
    ],
)
def test_list_takes_the_data_ids_of_single_plots(butler, dataId):
    (plot,) = listPlots(butler, "bias", dataId)
    assert (plot["exposure"], plot["detector"]) == (EXPOSURES[0], 0)


def test_numbers_in_a_day_are_of_exposures_alone(butler):
    plots = listPlots(butler, "bias", {"seq_num": 1})
    assert set(plots["exposure"]) == {EXPOSURES[0], EXPOSURES[2]}


def test_list_takes_patterns_of_collections(butler):
    expected = listPlots(butler, "bias", collections=RUNS[0])
    assert listPlots(butler, "bias", collections="u/cp/*").as_array().tolist() == expected.as_array().tolist()


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("value", [None, [EXPOSURES[0]], 2**70, "nothing"])
def test_values_that_cannot_be_name_those_that_are(butler, read, value):
    with pytest.raises(DatasetNotFoundError, match=rf"There are those of .*{EXPOSURES[0]}"):
        read(butler, "bias", {"exposure": value})


def test_number_that_no_history_has_is_named(butler):
    with pytest.raises(ValueError, match="1180591620717411303424 is no exposure"):
        readTrend(butler, "biasNoise", {"exposure": 2**70})


@pytest.mark.parametrize("read", [*READERS, readTrend])
@pytest.mark.parametrize("dataId", [EXPOSURES[0], {5: EXPOSURES[0]}, [("exposure", EXPOSURES[0])]])
def test_what_is_no_data_id_is_said(butler, read, dataId):
    with pytest.raises(TypeError, match="is no data ID; expected dimensions with values"):
        read(butler, "biasNoise" if read is readTrend else "bias", dataId)


@pytest.mark.parametrize("read", READERS)
def test_what_is_no_name_is_said(butler, read):
    with pytest.raises(TypeError, match=r"None is no name of .*; expected text"):
        read(butler, None, EXPOSURE)
