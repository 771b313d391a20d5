# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Actions and tools on small tables, without tasks."""

from __future__ import annotations

import numpy as np
import pytest

from lsst.analysis.cp.actions.keyedData import AmpColumns, AmpFlags, AmpValues, LoadAmpColumns, findAmpResults
from lsst.analysis.cp.actions.metric import AmpSummaryMetric, FailureMetric, SummaryRowMetric
from lsst.analysis.cp.atools import AmpFailureTool, AmpTestTool, SummaryRowTool, addBiasTools, addTestTools
from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.core.amps import ReferenceValues, detectorSummaryTable, summarizeAmps
from lsst.analysis.cp.tasks import AmpAnalysisExposureTask, AmpAnalysisRunConfig
from lsst.analysis.cp.tasks.merge import ExpMergeAnalysisTask
from lsst.analysis.tools.interfaces import NoPlot
from lsst.obs.lsst import Latiss, LsstComCam

EXPOSURE = 7


@pytest.fixture(scope="module")
def camera():
    return Latiss().getCamera()


@pytest.fixture
def data(camera) -> dict:
    """Results of LATISS: noise 1 to 16 electrons, the last two amplifiers failed."""
    n = 16
    columns = {
        "exposure": np.full(n, EXPOSURE),
        "detector": np.zeros(n, dtype=int),
        "amplifier": np.array([amp.getName() for amp in camera[0].getAmplifiers()]),
    }
    for name in ("MEAN", "NOISE", "CR_NOISE", "AMP_CORNER"):
        columns[f"BIAS_{name}"] = np.arange(1.0, n + 1)
    for name in ("MEAN", "NOISE", "CR_NOISE", "SUCCESS"):
        columns[f"BIAS_VERIFY_{name}"] = np.arange(n) < n - 2
    return columns


def makeAction(actionClass, **fields):
    action = actionClass()
    for name, value in fields.items():
        setattr(action, name, value)
    return action


def makeTool(toolClass, **fields):
    tool = makeAction(toolClass, **fields)
    tool.produce.plot = NoPlot
    tool.finalize()
    tool.identity = "tool"
    return tool


def getValues(measured) -> dict[str, float]:
    return {name: m.quantity.value for name, m in measured.items()}


def test_metricOfAnExposure(data, camera):
    metric = makeAction(AmpSummaryMetric, test="NOISE")
    values = getValues(metric(data, camera=camera))
    assert (values["min"], values["median"], values["max"]) == (1.0, 8.5, 16.0)
    assert (values["nAmps"], values["nValid"], values["nTested"], values["nFailed"]) == (16, 16, 16, 2)
    assert (values["nDetectors"], values["nDetectorsFailed"]) == (1, 1)


@pytest.mark.parametrize("level", ["detector", "exposure", "run"])
@pytest.mark.parametrize("test", getProduct("bias").keys())
def test_measurementsAreAsDeclared(data, camera, test, level):
    """What the metric says that it makes is what it makes, with the same units, of full and empty tables."""
    metric = makeAction(AmpSummaryMetric, test=test, level=level)
    for part in (data, {name: column[:0] for name, column in data.items()}):
        part = part | dict.fromkeys(getProduct("bias")[test].statisticColumns, part["BIAS_NOISE"])
        measured = metric(part, camera=camera)
        assert {name: str(m.quantity.unit) for name, m in measured.items()} == metric.units


def test_metricWithoutTestIsRefused(data, camera):
    with pytest.raises(KeyError, match="bias has no test ''"):
        AmpSummaryMetric()(data, camera=camera)


def test_readNoiseOfReference(data, camera):
    reference = ReferenceValues(
        detector=np.zeros(16, int), amplifier=data["amplifier"], readNoise=np.full(16, 4.0), gain=np.ones(16)
    )
    metric = makeAction(AmpSummaryMetric, test="NOISE")
    values = getValues(metric(data, camera=camera, reference=reference))
    assert values["quantityMax"] == (16.0 - 4.0) / 4.0


def test_severalExposuresAreRefused(data, camera):
    data["exposure"][0] = EXPOSURE + 1
    metric = makeAction(AmpSummaryMetric, test="NOISE", level="exposure")
    with pytest.raises(ValueError, match="rows of 2 exposures, expected those of one"):
        metric(data, camera=camera)


def test_severalDetectorsAreRefused(data):
    data["detector"][8:] = 1
    metric = makeAction(AmpSummaryMetric, test="NOISE", level="detector")
    with pytest.raises(ValueError, match="rows of 2 detectors, expected those of one"):
        metric(data, camera=LsstComCam().getCamera())


def test_metricsOfSelectedSensors(data, camera):
    metric = makeAction(AmpSummaryMetric, test="NOISE", physicalTypes=["E2V"])
    values = getValues(metric(data, camera=camera))
    assert (values["nAmps"], values["nDetectors"]) == (0, 0)


def test_inputIsUnchanged(data, camera):
    before = {name: column.copy() for name, column in data.items()}
    makeAction(AmpSummaryMetric, test="NOISE")(data, camera=camera)
    for name, column in before.items():
        np.testing.assert_array_equal(data[name], column)


def test_tagsAreNotes(data, camera):
    measured = makeAction(AmpSummaryMetric, test="NOISE")(data, camera=camera, metric_tags=["a"])
    assert dict(measured["min"].notes) == {"min.metric_tags": ["a"]}


def test_failureMetric(data, camera):
    values = getValues(FailureMetric()(data, camera=camera))
    assert values == {
        "nAmps": 16,
        "nAmpsFailed": 2,
        "nDetectorsGood": 0,
        "nDetectorsFailed": 1,
        "nDetectorsUnknown": 0,
    }


def test_failuresOfOneDetectorLeaveOutTheOthers(data):
    camera = LsstComCam().getCamera()
    values = getValues(FailureMetric(level="detector")(data, camera=camera))
    assert {name: values[name] for name in values if name.startswith("nDetectors")} == {
        "nDetectorsGood": 0,
        "nDetectorsFailed": 1,
        "nDetectorsUnknown": 0,
    }


@pytest.fixture
def run(data):
    """Return three exposures, in two of which NOISE fails on three amplifiers of the only detector."""
    repeated = {name: np.concatenate([column] * 3) for name, column in data.items()}
    repeated["exposure"] = np.repeat([1, 2, 3], 16)
    for name in repeated:
        if "_VERIFY_" in name:
            repeated[name] = np.full(48, True)
    repeated["BIAS_VERIFY_NOISE"][[0, 1, 2, 16, 17, 18]] = False
    return repeated


@pytest.mark.parametrize(("limit", "over", "failed"), [(3, 2, 1), (4, 0, 0)])
def test_majorityRule(run, camera, limit, over, failed):
    everything = FailureMetric(level="run", maxFailuresPerDetector=limit)(run, camera=camera)
    noise = makeAction(AmpSummaryMetric, test="NOISE", level="run", maxFailuresPerDetector=limit)
    for values in (getValues(everything), getValues(noise(run, camera=camera))):
        assert values["nExposures"] == 3
        assert (values["nExposuresOverLimit"], values["majorityFailed"]) == (over, failed)


def test_measurementsDoNotDependOnWhatElseWasReduced(run, camera):
    """Other tests of a shared reduction fail everywhere; SUCCESS, beside which alone it counts, does not."""
    run["BIAS_VERIFY_READ_NOISE_CONSISTENT"] = np.full(48, False)
    everything = [test.key for test in getProduct("bias") if test.verify is not None]
    shared = AmpColumns(run, findAmpResults(run, "bias", everything, camera=camera))
    for metric in (
        FailureMetric(tests=["MEAN"], level="run", maxFailuresPerDetector=3),
        makeAction(AmpSummaryMetric, test="READ_NOISE_CONSISTENT", level="run", maxFailuresPerDetector=3),
    ):
        values = getValues(metric(run, camera=camera))
        np.testing.assert_equal(getValues(metric(shared, camera=camera)), values)
        assert (values["nExposuresOverLimit"], values["majorityFailed"]) == (0, 0)


def test_summaryRow(data, camera):
    results = findAmpResults(data, "bias", ["NOISE"], camera=camera)
    table = detectorSummaryTable(summarizeAmps(results.ampTable))
    row = dict(zip(table.colnames, table[0], strict=True))
    measured = makeAction(SummaryRowMetric, test="NOISE")(row)
    assert getValues(measured)["median"] == 8.5
    assert {name: str(m.quantity.unit) for name, m in measured.items()} == makeAction(
        SummaryRowMetric, test="NOISE"
    ).units


def test_loadTakesWhatThereIs(data):
    del data["BIAS_VERIFY_NOISE"]
    loaded = makeAction(LoadAmpColumns, tests=["NOISE"])(data)
    assert set(loaded) == {"exposure", "detector", "amplifier", "BIAS_NOISE"}


def test_loadAddsColumnsOnce():
    action = makeAction(LoadAmpColumns, tests=["NOISE"])
    action.addInputSchema([("BIAS_NOISE", None), ("mjd", None)])
    names = [name for name, _ in action.getInputSchema()]
    assert names == ["exposure", "detector", "amplifier", "BIAS_NOISE", "BIAS_VERIFY_NOISE", "mjd"]


def test_valuesAndFlags(data, camera):
    values = makeAction(AmpValues, test="NOISE")(data, camera=camera)
    np.testing.assert_array_equal(values["z"], np.arange(1.0, 17.0))
    np.testing.assert_array_equal(values["flag"], np.arange(16) < 14)
    assert list(values["amplifier"]) == list(data["amplifier"])


def test_valuesOfTestedQuantity(data, camera):
    values = makeAction(AmpValues, test="CR_NOISE", value="quantity")(data, camera=camera)
    np.testing.assert_array_equal(values["z"], 0.0)


def test_valuesOfTestWithoutStatistic(data, camera):
    values = makeAction(AmpValues, test="SUCCESS")(data, camera=camera)
    assert np.isnan(values["z"]).all()


def test_flagsOfAbsentTestsAreNan(data, camera):
    flags = AmpFlags()(data, camera=camera)
    assert np.isnan(flags["BIAS_VERIFY_READ_NOISE_CONSISTENT"]).all()
    np.testing.assert_array_equal(flags["BIAS_VERIFY_MEAN"], np.arange(16) < 14)


def test_toolMeasures(data, camera):
    tool = makeTool(AmpTestTool, test="MEAN")
    values = getValues(tool(data, camera=camera))
    assert (values["tool_max"], values["tool_nFailed"]) == (16.0, 2)


def test_toolAsksForItsColumns():
    names = {name for name, _ in makeTool(AmpTestTool, test="CR_NOISE").getInputSchema()}
    expected = {"BIAS_NOISE", "BIAS_CR_NOISE", "BIAS_VERIFY_CR_NOISE"}
    assert names == expected | {"exposure", "detector", "amplifier"}


def test_rowsThatAPrepChangesAreReducedAnew(data, camera):
    """A shared reduction is used for the rows that it belongs to, and no others."""

    class FirstHalf(LoadAmpColumns):
        def __call__(self, data, **kwargs):
            return {name: column[:8] for name, column in super().__call__(data, **kwargs).items()}

    tool = makeAction(AmpTestTool, test="NOISE")
    tool.prep = FirstHalf
    tool.produce.plot = NoPlot
    tool.finalize()
    shared = AmpColumns(data, findAmpResults(data, "bias", ["NOISE"], camera=camera))
    assert getValues(makeAction(AmpSummaryMetric, test="NOISE")(shared, camera=camera))["nAmps"] == 16
    assert getValues(tool(shared, camera=camera))["nAmps"] == 8


def test_plotIsLabelledFromTheCatalogue():
    tool = makeAction(AmpTestTool, test="NOISE")
    tool.finalize()
    plot = tool.produce.plot
    assert (plot.zAxisLabel, plot.unit, list(plot.tests)) == (
        "Clipped noise of the residual bias",
        "electron",
        ["4.3 NOISE"],
    )
    assert plot.threshold is None


def test_plotOfTestedQuantityHasTheThreshold():
    tool = makeAction(AmpTestTool, test="NOISE")
    tool.process.value = "quantity"
    tool.finalize()
    plot = tool.produce.plot
    assert (plot.zAxisLabel, plot.unit, plot.threshold, plot.operator) == ("(NOISE - RN)/RN", "", 0.05, "<=")


def test_labelOfRunSaysHowExposuresAreCombined():
    tool = makeAction(AmpTestTool, test="NOISE", level="run")
    tool.finalize()
    assert tool.produce.plot.zAxisLabel == "Clipped noise of the residual bias, median over exposures"


@pytest.mark.parametrize(
    ("tool", "colours"),
    [
        ("biasMean", ("linear", "RdBu_r", 0.0, "median")),
        ("biasNoise", ("linear", "viridis", None, "median")),
        ("biasShiftCount", ("count", "viridis", None, "sum")),
    ],
)
def test_coloursFitTheStatistic(tool, colours):
    config = AmpAnalysisRunConfig()
    addBiasTools(config, "run")
    plot = getattr(config.atools, tool).produce.plot
    assert (plot.colourScale, plot.colourMap, plot.centre, plot.statistic) == colours


def test_configuredLabelIsKept():
    tool = makeAction(AmpTestTool, test="NOISE")
    tool.produce.plot.zAxisLabel = "Noise of the bias"
    tool.finalize()
    assert tool.produce.plot.zAxisLabel == "Noise of the bias"


def test_failureToolCountsEveryTest():
    tool = AmpFailureTool()
    tool.finalize()
    verdicts = [test.verifyColumn for test in getProduct("bias") if test.verify and not test.verdict]
    assert list(tool.produce.plot.flagKeys) == verdicts


def test_rowToolMeasures():
    tool = makeTool(SummaryRowTool, test="PROCESSING")
    values = getValues(tool({"nAmps": 16, "PROCESSING_nTested": 1, "PROCESSING_nFailed": 1}))
    assert values == {"tool_nAmps": 16, "tool_nTested": 1, "tool_nFailed": 1}


def test_everyTestHasATool():
    config = ExpMergeAnalysisTask.ConfigClass()
    addTestTools(config, "bias", "exposure")
    expected = {test.toolName for test in getProduct("bias")}
    assert set(config.atools.fieldNames) == expected | {"biasFailures"}
    assert set(config.detectorAtools.fieldNames) == expected


def test_onlyPlottedTestsHavePlots():
    config = AmpAnalysisExposureTask.ConfigClass()
    addTestTools(config, "bias", "exposure", plotted=("NOISE",))
    plots = [name for name, tool in config.atools.items() if not isinstance(tool.produce.plot, NoPlot)]
    assert sorted(plots) == ["biasFailures", "biasNoise"]
