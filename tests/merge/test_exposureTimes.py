# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Times of exposures as tasks find them: in the records of the exposures, else in headers."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.time import Time
from numpy.testing import assert_array_equal

from lsst.afw.image import ExposureF, VisitInfo
from lsst.analysis.cp.atools import addTools
from lsst.analysis.cp.tasks import AmpAnalysisDetectorTask, AmpAnalysisExposureTask, AmpAnalysisRunTask
from lsst.analysis.cp.tasks.merge import ExpMergeAnalysisTask, RunMergeAnalysisTask
from lsst.analysis.cp.tasks.reference import readTimes
from lsst.analysis.tools.interfaces import NoPlot
from lsst.daf.butler import Timespan
from lsst.obs.lsst import Latiss
from lsst.pipe.base import PipelineGraph

EXPOSURES = (2026010100001, 2026010100002, 2026010100003)
BEGIN = Time("2026-01-02T00:00:00", scale="tai")
DARK_TIMES = (30.5, 0.0, None)
"""Of the last the record has none; its header says 100.5 s."""


@pytest.fixture(scope="module")
def latiss(makeRepository):
    """LATISS with three darks, whose records are filled but for one dark time."""
    repository = makeRepository(Latiss, EXPOSURES)
    registry = repository.butler.registry
    for exposure, dark_time in zip(EXPOSURES, DARK_TIMES, strict=True):
        (record,) = registry.queryDimensionRecords("exposure", exposure=exposure, instrument="LATISS")
        changed = record.toDict() | {"dark_time": dark_time, "exposure_time": 30.0}
        changed["timespan"] = Timespan(BEGIN, None)
        registry.insertDimensionData("exposure", changed, replace=True)
    repository.putDetectors("dark")
    repository.register("verifyDarkIsrExp", "Exposure", ("instrument", "exposure", "detector"))
    exposure = ExposureF(4, 4)
    exposure.info.setVisitInfo(VisitInfo(exposureTime=99.0, darkTime=100.5))
    for number in EXPOSURES[1:]:
        repository.put("verifyDarkIsrExp", exposure, exposure=number, detector=0)
    return repository


@pytest.fixture(scope="module")
def merged(latiss, addMerge):
    """Run the merges, then the same tools on the stored tables."""
    graph = PipelineGraph()
    addMerge(graph, "darkExp", ExpMergeAnalysisTask, "verifyDarkDet", "verifyDarkExp", "dark")
    config = graph.tasks["darkExp"].config.copy()
    config.connections.verifiedExposures = "verifyDarkIsrExp"
    graph.reconfigure_tasks(darkExp=config)
    addMerge(graph, "darkRun", RunMergeAnalysisTask, "verifyDarkExp", "verifyDark", "dark")
    config = graph.tasks["darkRun"].config.copy()
    config.connections.inputOutputName = "cpDarkExp"
    graph.reconfigure_tasks(darkRun=config)
    butler = latiss.run(graph)
    latiss.collections.insert(0, f"run{latiss.runs}")
    graph = PipelineGraph()
    for label, task, level, data in (
        ("det", AmpAnalysisDetectorTask, "detector", "verifyDarkDetResults"),
        ("exp", AmpAnalysisExposureTask, "exposure", "verifyDarkExpResults"),
        ("run", AmpAnalysisRunTask, "run", "verifyDarkResults"),
    ):
        config = task.ConfigClass()
        config.connections.data, config.connections.outputName = data, label
        config.connections.verifiedExposures = "verifyDarkIsrExp"
        if level == "run":
            config.connections.exposureResults = "verifyDarkExpResults"
        addTools(config, "dark", level)
        for tool in config.atools:
            tool.produce.plot = NoPlot
        graph.add_task(label, task, config)
    return butler, latiss.run(graph)


def getRate(butler, name, **dataId):
    measured = butler.get(name, **dataId)["darkMeanRate"]
    return {str(m.metric_name): (m.quantity.value, str(m.quantity.unit)) for m in measured}


@pytest.mark.parametrize(("merge", "analysis"), [("cpDarkExp", "exp"), ("cpDarkExpDet", "det")])
@pytest.mark.parametrize(("number", "time"), [(0, 30.5), (1, None), (2, 100.5)])
def test_mean_is_divided_by_the_dark_time(merged, merge, analysis, number, time):
    data_id = {"exposure": EXPOSURES[number]} | ({"detector": 0} if analysis == "det" else {})
    found = getRate(merged[0], f"{merge}_metrics", **data_id)
    means = np.asarray(merged[0].get("verifyDarkExpResults", exposure=EXPOSURES[number])["DARK_MEAN"])
    assert found["nValid"] == (0 if time is None else 16, "")
    if time is not None:
        assert found["max"] == (pytest.approx(means.max() / time), "electron / s")
    assert_array_equal(
        [value for value, _ in getRate(merged[1], f"{analysis}_metrics", **data_id).values()],
        [value for value, _ in found.values()],
    )


def test_run_knows_the_times_of_its_exposures(merged):
    means = {
        time: np.asarray(merged[0].get("verifyDarkExpResults", exposure=EXPOSURES[number])["DARK_MEAN"])
        for number, time in ((0, 30.5), (2, 100.5))
    }
    rates = np.concatenate([values / time for time, values in means.items()])
    found = getRate(merged[0], "cpDarkRun_metrics")
    assert found["nValid"][0] == 32
    assert found["median"][0] == pytest.approx(np.median(rates))
    # Without headers, the analysis of the stored table of the run does not know the last one.
    stored = getRate(merged[1], "run_metrics")
    assert stored["nValid"][0] == 16
    assert stored["max"][0] == pytest.approx((means[30.5] / 30.5).max())


def test_sources_are_named(merged):
    tables = [merged[0].get("cpDarkExp_ampSummary", exposure=exposure) for exposure in EXPOSURES]
    assert [set(table["darkTimeSource"]) for table in tables] == [{"record"}, {"record"}, {"header"}]
    assert [set(table["exposureTimeSource"]) for table in tables] == [{"record"}] * 3
    assert [table["darkTime"][0] for table in tables] == [30.5, 0, 100.5]
    assert [table["exposureTime"][0] for table in tables] == [30, 30, 30]


def test_begin_is_that_of_the_record(latiss):
    ids = latiss.butler.registry.queryDataIds("exposure", instrument="LATISS").expanded()
    times = readTimes(ids)
    assert times.exposure.tolist() == list(EXPOSURES)
    assert times.mjd.tolist() == [BEGIN.mjd] * 3
    assert np.isnan(readTimes(latiss.butler.registry.queryDataIds("exposure", instrument="LATISS")).mjd).all()


class Handle:
    """A handle of an exposure whose visit information is given, or cannot be read."""

    def __init__(self, exposure, info):
        self.dataId, self._info, self.nReads = {"exposure": exposure}, info, 0

    def get(self, component):
        assert component == "visitInfo"
        self.nReads += 1
        if isinstance(self._info, Exception):
            raise self._info
        return self._info


def test_one_good_header_of_an_exposure_is_enough():
    bad = [Handle(1, FileNotFoundError("no such file")), Handle(1, None)]
    good = [Handle(1, VisitInfo(exposureTime=1.0, darkTime=1.5)) for _ in range(3)]
    times = readTimes([], [*bad, *good, Handle(2, ValueError("broken"))])
    assert (times.exposure.tolist(), times.darkTime.tolist()) == ([1], [1.5])
    assert [handle.nReads for handle in good] == [1, 0, 0]


def test_header_without_times_leaves_them_unknown():
    times = readTimes([], [Handle(1, VisitInfo(exposureTime=2.0))])
    assert times.exposureTimeSource.tolist() == ["header"]
    assert (np.isnan(times.darkTime).tolist(), times.darkTimeSource.tolist()) == ([True], [""])
