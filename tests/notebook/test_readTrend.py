# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Histories in notebooks."""

import numpy as np
import pytest
from notebookRepository import EXPOSURES, RUNS, makeAmpTable
from services.metricRepository import MetricRepository

from lsst.analysis.cp.core.amps import detectorSummaryTable, summarize
from lsst.analysis.cp.metrics import readButler, toTable
from lsst.analysis.cp.notebook import readTrend
from lsst.daf.butler import DatasetNotFoundError

DETECTOR = 3


@pytest.fixture
def changed(repository, tmp_path):
    """Copy the repository, to be changed; it is opened for writing."""
    copied = MetricRepository(repository.copy(tmp_path / "copy").root)
    with copied.butler:
        yield copied


def expected(noise):
    return np.median(noise.reshape(9, 16)[DETECTOR])


def makeTrend(changed, **wanted):
    """Make the history as the task does."""
    return toTable(readButler(changed.butler, RUNS[0], datasetTypes=["cpBiasExp_detectorSummary"], **wanted))


def putTrend(changed):
    """Store the history, and lose the tables that it was made of."""
    changed.put("cpBiasTrend_trend", makeTrend(changed), "ArrowAstropy")
    for exposure in EXPOSURES:
        changed.butler.getURI("cpBiasExp_detectorSummary", exposure=exposure, instrument="LSSTComCam",
                              collections=RUNS[0]).remove()  # fmt: skip


def putSummary(changed, seed, exposure, run):
    """Verify an exposure once more; return its noise."""
    table = makeAmpTable(seed, exposure)
    summary = detectorSummaryTable(summarize(table, "detector"))
    changed.put("cpBiasExp_detectorSummary", summary, "ArrowAstropy", exposure=exposure, run=run)
    return table.statistics["BIAS_NOISE"]


def test_history_is_that_of_the_detector(repository, butler):
    trend = readTrend(butler, "biasNoise", {"detector": DETECTOR})
    assert trend["exposure"].tolist() == list(EXPOSURES)
    np.testing.assert_allclose(
        trend["value"], [expected(repository.noise[each]) for each in EXPOSURES], rtol=1e-14
    )
    assert str(trend["value"].unit) == "electron"
    assert set(trend["detector"]) == {DETECTOR}
    assert (np.diff(trend["mjd"]) > 0).all()
    assert all(column.description for column in trend.itercols())
    assert trend.meta["sources"] == [RUNS[0]]


def test_detector_by_name_is_the_same(butler):
    by_id = readTrend(butler, "biasNoise", {"detector": DETECTOR})
    by_name = readTrend(butler, "biasNoise", {"detector": "R22_S10"})
    assert by_name["value"].tolist() == by_id["value"].tolist()


def test_all_detectors_and_another_measurement(butler):
    failed = readTrend(butler, "biasNoise", measurement="nFailed")
    assert len(failed) == 9 * len(EXPOSURES)
    assert set(failed["detector"][failed["value"] > 0]) == {DETECTOR}
    assert failed["value"].unit is None or str(failed["value"].unit) == ""


def test_stored_history_needs_no_summaries(repository, changed):
    putTrend(changed)
    with repository.open() as butler:
        whole = readTrend(butler, "biasNoise", {"detector": DETECTOR})
    stored = readTrend(changed.butler, "biasNoise", {"detector": DETECTOR}, collections=RUNS[0])
    assert stored.colnames == whole.colnames
    for name in whole.colnames:
        np.testing.assert_array_equal(stored[name], whole[name])


@pytest.mark.parametrize(("name", "measurement"), [("biasNoise", "max"), ("biasMean", "median")])
def test_what_a_stored_history_leaves_out_is_of_all_exposures(changed, name, measurement):
    """A table has the measurements of the tools of its task only."""
    whole = readTrend(changed.butler, name, measurement=measurement, collections=RUNS[0])
    few = makeTrend(changed, metrics=["biasNoise"], measurements=["median"])
    changed.put("cpBiasTrend_trend", few, "ArrowAstropy")
    trend = readTrend(changed.butler, name, measurement=measurement, collections=RUNS[0])
    assert trend["exposure"].tolist() == whole["exposure"].tolist()
    np.testing.assert_array_equal(trend["value"], whole["value"])


def test_values_that_are_in_two_stored_histories_are_taken_once(changed):
    changed.put("cpBiasOtherTrend_trend", makeTrend(changed), "ArrowAstropy")
    putTrend(changed)
    trend = readTrend(changed.butler, "biasNoise", {"detector": DETECTOR}, collections=RUNS[0])
    assert trend["exposure"].tolist() == list(EXPOSURES)


def test_exposure_that_was_verified_again_replaces_the_stored_one(repository, changed):
    putTrend(changed)
    noise = putSummary(changed, 99, EXPOSURES[1], RUNS[1])
    data_id, chain = {"detector": DETECTOR}, [RUNS[1], RUNS[0]]
    trend = readTrend(changed.butler, "biasNoise", data_id, collections=chain)
    values = [expected(repository.noise[each]) for each in EXPOSURES]
    values[1] = expected(noise)
    np.testing.assert_allclose(trend["value"], values, rtol=1e-14)
    assert trend["run"].tolist() == [RUNS[0], RUNS[1], RUNS[0]]
    # The other way round nothing was verified again.
    trend = readTrend(changed.butler, "biasNoise", data_id, collections=chain[::-1])
    assert set(trend["run"]) == {RUNS[0]}


def test_summary_that_was_replaced_in_its_run_is_read_again(repository, changed):
    putTrend(changed)
    butler = changed.butler
    data_id = {"instrument": "LSSTComCam", "exposure": EXPOSURES[1]}
    butler.pruneDatasets(
        [butler.find_dataset("cpBiasExp_detectorSummary", data_id, collections=RUNS[0])],
        disassociate=True,
        unstore=True,
        purge=True,
    )
    noise = putSummary(changed, 99, EXPOSURES[1], RUNS[0])
    trend = readTrend(butler, "biasNoise", {"detector": DETECTOR}, collections=RUNS[0])
    values = [expected(repository.noise[each]) for each in EXPOSURES]
    values[1] = expected(noise)
    np.testing.assert_allclose(trend["value"], values, rtol=1e-14)


def test_values_of_summaries_that_are_gone_are_told(changed):
    putTrend(changed)
    butler = changed.butler
    refs = butler.query_datasets("cpBiasExp_detectorSummary", collections=RUNS[0])
    gone = [ref for ref in refs if ref.dataId["exposure"] == EXPOSURES[0]]
    butler.pruneDatasets(gone, disassociate=True, unstore=True, purge=True)
    with pytest.warns(UserWarning, match=f"values of summaries that are no longer there: {RUNS[0]}"):
        trend = readTrend(butler, "biasNoise", {"detector": DETECTOR}, collections=RUNS[0])
    assert trend["exposure"].tolist() == list(EXPOSURES)


def test_lost_summary_is_named_and_costs_itself(changed):
    lost = changed.butler.getURI(
        "cpBiasExp_detectorSummary", exposure=EXPOSURES[0], instrument="LSSTComCam", collections=RUNS[0]
    )
    lost.remove()
    with pytest.warns(UserWarning, match=rf"cannot be read: cpBiasExp_detectorSummary .*{EXPOSURES[0]}"):
        trend = readTrend(changed.butler, "biasNoise", {"detector": DETECTOR}, collections=RUNS[0])
    assert trend["exposure"].tolist() == list(EXPOSURES[1:])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "biasNose"}, "no metric 'biasNose'.* similar: biasNoise"),
        ({"measurement": "mean"}, "no measurement 'mean'; it has min, median"),
        ({"dataId": {"raft": "R22"}}, "chosen by raft: expected some of instrument, detector"),
        ({"dataId": {"exposure": "today"}}, "'today' is no exposure: it is compared with int64"),
    ],
)
def test_what_cannot_be_is_an_error(butler, arguments, message):
    with pytest.raises(ValueError, match=message):
        readTrend(butler, **({"name": "biasNoise"} | arguments))


def test_what_is_absent_is_an_error(butler):
    with pytest.raises(DatasetNotFoundError, match=r"no median of biasNoise .*: 99}.* detector\(s\) 0, 1, 2"):
        readTrend(butler, "biasNoise", {"detector": 99})
    with pytest.raises(DatasetNotFoundError, match="no summary of detectors called 'dark'.*cpBiasExp_"):
        readTrend(butler, "darkNoise")
