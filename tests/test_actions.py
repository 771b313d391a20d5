# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Actions and tools on small tables, without tasks."""

from __future__ import annotations

import numpy as np
import pytest

from lsst.analysis.cp.actions.keyedData import AMP_TABLE, AmpFlags, AmpValues, EncodeAmps, encodeAmps
from lsst.analysis.cp.actions.metric import AmpSummaryMetric, DetectorMetrics, FailureMetric, StructureMetric
from lsst.analysis.cp.actions.plot import FocalPlaneGeometryPlot
from lsst.analysis.cp.atools import AmpFailureTool, AmpTestTool, StructureTool, addTools
from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.core import COUNTED_TYPES, DetectorSelection
from lsst.analysis.cp.core.amps import ReferenceValues, culpritsTable
from lsst.analysis.cp.tasks import AmpAnalysisExposureTask, AmpAnalysisRunConfig
from lsst.analysis.cp.tasks.merge import ExpMergeAnalysisTask
from lsst.analysis.tools.interfaces import NoPlot
from lsst.obs.lsst import Latiss, LsstCam, LsstComCam

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


def encode(data, camera, tests=(), **kwargs):
    """Encode columns, as tools do before they measure."""
    return makeAction(EncodeAmps, tests=list(tests))(data, camera=camera, **kwargs)


def getValues(measured) -> dict[str, float]:
    return {name: m.quantity.value for name, m in measured.items()}


def test_metric_of_an_exposure(data, camera):
    metric = makeAction(AmpSummaryMetric, test="NOISE")
    values = getValues(metric(encode(data, camera)))
    assert (values["min"], values["median"], values["max"]) == (1.0, 8.5, 16.0)
    assert (values["nAmps"], values["nValid"], values["nTested"], values["nFailed"]) == (16, 16, 16, 2)
    assert (values["nDetectors"], values["nDetectorsFailed"]) == (1, 1)


@pytest.mark.parametrize("level", ["detector", "exposure", "run"])
@pytest.mark.parametrize("test", getProduct("bias").keys())
def test_measurements_are_as_declared(data, camera, test, level):
    """What the metric says that it makes is what it makes, with the same units, of full and empty tables."""
    metric = makeAction(AmpSummaryMetric, test=test, level=level)
    for part in (data, {name: column[:0] for name, column in data.items()}):
        part = part | dict.fromkeys(getProduct("bias")[test].statisticColumns, part["BIAS_NOISE"])
        measured = metric(encode(part, camera, [test]))
        assert {name: str(m.quantity.unit) for name, m in measured.items()} == metric.units


def test_metric_without_test_is_refused(data, camera):
    with pytest.raises(KeyError, match="bias has no test ''"):
        AmpSummaryMetric()(encode(data, camera))


def test_read_noise_of_reference(data, camera):
    reference = ReferenceValues(
        detector=np.zeros(16, int), amplifier=data["amplifier"], readNoise=np.full(16, 4.0), gain=np.ones(16)
    )
    metric = makeAction(AmpSummaryMetric, test="NOISE")
    values = getValues(metric(encode(data, camera, reference=reference)))
    assert values["quantityMax"] == (16.0 - 4.0) / 4.0


def test_several_exposures_are_refused(data, camera):
    data["exposure"][0] = EXPOSURE + 1
    metric = makeAction(AmpSummaryMetric, test="NOISE", level="exposure")
    with pytest.raises(ValueError, match="rows of 2 exposures, expected those of one"):
        metric(encode(data, camera))


def test_several_detectors_are_refused(data):
    data["detector"][8:] = 1
    metric = makeAction(AmpSummaryMetric, test="NOISE", level="detector")
    with pytest.raises(ValueError, match="rows of 2 detectors, expected those of one"):
        metric(encode(data, LsstComCam().getCamera()))


def test_metrics_of_selected_sensors(data, camera):
    metric = makeAction(AmpSummaryMetric, test="NOISE", physicalTypes=["E2V"])
    values = getValues(metric(encode(data, camera)))
    assert (values["nAmps"], values["nDetectors"]) == (0, 0)


def test_input_is_unchanged(data, camera):
    before = {name: column.copy() for name, column in data.items()}
    makeTool(AmpTestTool, test="NOISE")(data, camera=camera)
    for name, column in before.items():
        np.testing.assert_array_equal(data[name], column)


def test_tags_are_notes(data, camera):
    measured = makeAction(AmpSummaryMetric, test="NOISE")(encode(data, camera), metric_tags=["a"])
    assert dict(measured["min"].notes) == {"min.metric_tags": ["a"]}


def test_failure_metric(data, camera):
    values = getValues(FailureMetric()(encode(data, camera)))
    assert values == {
        "nAmps": 16,
        "nAmpsFailed": 2,
        "nAmpsSuspicious": 1,  # a noise of 1 electron
        "nDetectorsGood": 0,
        "nDetectorsFailed": 1,
        "nDetectorsUnknown": 0,
    }


def test_suspicious_amplifiers_are_counted_once_and_beside_the_verdicts(data, camera):
    data["BIAS_NOISE"][3] = data["BIAS_CR_NOISE"][3] = data["BIAS_NOISE"][5] = 0.0
    values = getValues(FailureMetric()(encode(data, camera)))
    assert values["nAmpsSuspicious"] == 3
    assert (values["nAmpsFailed"], values["nDetectorsFailed"]) == (2, 1)


def test_failures_of_one_detector_leave_out_the_others(data):
    camera = LsstComCam().getCamera()
    values = getValues(FailureMetric(level="detector")(encode(data, camera)))
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
def test_majority_rule(run, camera, limit, over, failed):
    everything = FailureMetric(level="run", maxFailuresPerDetector=limit)(encode(run, camera))
    noise = makeAction(AmpSummaryMetric, test="NOISE", level="run", maxFailuresPerDetector=limit)
    for values in (getValues(everything), getValues(noise(encode(run, camera)))):
        assert values["nExposures"] == 3
        assert (values["nExposuresOverLimit"], values["majorityFailed"]) == (over, failed)


def test_measurements_do_not_depend_on_what_else_was_reduced(run, camera):
    """Other tests of a shared table fail everywhere; SUCCESS, beside which alone it counts, does not."""
    run["BIAS_VERIFY_READ_NOISE_CONSISTENT"] = np.full(48, False)
    run["BIAS_READ_NOISE_ADU"] = np.full(48, 5.0)
    shared = encode(run, camera, [test.key for test in getProduct("bias") if test.verify is not None])
    for metric, key in (
        (FailureMetric(tests=["MEAN"], level="run", maxFailuresPerDetector=3), "MEAN"),
        (
            makeAction(AmpSummaryMetric, test="READ_NOISE_CONSISTENT", level="run", maxFailuresPerDetector=3),
            "READ_NOISE_CONSISTENT",
        ),
    ):
        values = getValues(metric(encode(run, camera, [key])))
        shared_values = getValues(metric(shared))
        if key == "MEAN":
            # The status of a detector is that over the tests of the metric.
            assert shared_values["nDetectorsGood"] == values["nDetectorsGood"] == 3
        np.testing.assert_equal(shared_values, values)
        assert (values["nExposuresOverLimit"], values["majorityFailed"]) == (0, 0)


def test_metrics_of_detectors(data):
    """One action measures all detectors of the camera; that without rows has counts of 0."""
    camera = LsstComCam().getCamera()
    metrics = DetectorMetrics()
    measured = metrics(encode(data, camera))
    assert set(measured) == {(EXPOSURE, detector.getId()) for detector in camera}
    assert set(measured[EXPOSURE, 0]) == set(metrics.units)
    values = {str(m.metric_name): m.quantity for m in measured[EXPOSURE, 0]["biasNoise"]}
    assert {name: str(value.unit) for name, value in values.items()} == metrics.units["biasNoise"]
    assert (values["median"].value, values["nFailed"].value) == (8.5, 2)
    empty = {str(m.metric_name): m.quantity.value for m in measured[EXPOSURE, 8]["biasNoise"]}
    assert (empty["nAmps"], empty["nValid"]) == (0, 0)
    assert np.isnan(empty["min"])


def test_statistic_of_a_run_is_not_measured_in_each_exposure():
    units = DetectorMetrics().units, DetectorMetrics(level="runDetector").units
    assert ["biasDist50Pct" in names for names in units] == [False, True]


def test_encoding_takes_what_there_is(data, camera):
    del data["BIAS_AMP_CORNER"]
    assert len(encode(data, camera, ["NOISE"])[AMP_TABLE]) == 16


def test_encoded_results_are_not_encoded_again(data, camera):
    encoded = encode(data, camera)
    assert EncodeAmps()({**data, **encoded}, camera=camera)[AMP_TABLE] is encoded[AMP_TABLE]


def test_tool_without_encoded_results_says_so(data):
    with pytest.raises(ValueError, match="no encoded results 'ampTable'; they have BIAS_AMP_CORNER"):
        makeAction(AmpSummaryMetric, test="NOISE")(data)


def test_values_and_flags(data, camera):
    values = makeAction(AmpValues, test="NOISE")(encode(data, camera))
    np.testing.assert_array_equal(values["z"], np.arange(1.0, 17.0))
    np.testing.assert_array_equal(values["flag"], np.arange(16) < 14)
    np.testing.assert_array_equal(values["ampIndex"], np.arange(16))


def test_values_of_tested_quantity(data, camera):
    values = makeAction(AmpValues, test="CR_NOISE", value="quantity")(encode(data, camera))
    np.testing.assert_array_equal(values["z"], 0.0)


def test_values_of_test_without_statistic(data, camera):
    values = makeAction(AmpValues, test="SUCCESS")(encode(data, camera))
    assert np.isnan(values["z"]).all()


def test_flags_of_all_tests(data, camera):
    tests = ["MEAN", "READ_NOISE_CONSISTENT"]
    selected = AmpFlags(tests=tests)(encode(data, camera, tests))
    np.testing.assert_array_equal(selected["flags"], [np.arange(16) < 14, np.full(16, -1)])
    np.testing.assert_array_equal(selected["ampIndex"], np.arange(16))


def test_tool_measures(data, camera):
    tool = makeTool(AmpTestTool, test="MEAN")
    values = getValues(tool(data, camera=camera))
    assert (values["tool_max"], values["tool_nFailed"]) == (16.0, 2)


def test_tool_asks_for_its_columns():
    names = {name for name, _ in makeTool(AmpTestTool, test="CR_NOISE").getInputSchema()}
    expected = {"BIAS_NOISE", "BIAS_CR_NOISE", "BIAS_VERIFY_CR_NOISE"}
    assert names == expected | {"exposure", "detector", "amplifier"}


def test_rows_that_a_prep_changes_are_reduced_anew(data, camera):
    class FirstHalf(EncodeAmps):
        def __call__(self, data, **kwargs):
            half = {name: column[:8] for name, column in data.items() if name != AMP_TABLE}
            return super().__call__(half, **kwargs)

    tool = makeAction(AmpTestTool, test="NOISE")
    tool.prep = FirstHalf
    tool.produce.plot = NoPlot
    tool.finalize()
    shared = {**data, **encode(data, camera)}
    assert getValues(makeAction(AmpSummaryMetric, test="NOISE")(shared))["nAmps"] == 16
    assert getValues(tool(shared, camera=camera))["nAmps"] == 8


def test_plot_is_labelled_from_the_catalogue():
    tool = makeAction(AmpTestTool, test="NOISE")
    tool.finalize()
    plot = tool.produce.plot
    assert (plot.zAxisLabel, plot.unit, list(plot.tests)) == (
        "Clipped noise of the residual bias",
        "electron",
        ["4.3 NOISE"],
    )
    assert (plot.threshold, plot.quantityLabel, list(plot.listedKeys)) == (0.05, "(NOISE - RN)/RN", ["RN"])


@pytest.mark.parametrize("product", ["bias", "dark"])
def test_every_test_with_a_limit_is_mapped_with_its_tested_quantity(data, camera, product):
    config = AmpAnalysisExposureTask.ConfigClass()
    addTools(config, product, "exposure")
    config.freeze()
    prefix = product.upper()
    results = {name.replace("BIAS", prefix): column for name, column in data.items()}
    tests = [test for test in getProduct(product) if test.quantity is not None and test.counts]
    assert len(tests) == 4
    for test in tests:
        results |= {name: np.ones(16) for name in test.statisticColumns}
        results |= {test.verifyColumn: np.ones(16, bool)}
        tool = getattr(config.atools, test.toolName)
        rows = tool.process(tool.prep(results, camera=camera))
        view = tool.produce.plot.prepare(rows, camera)
        assert view.beside.threshold == test.threshold
        table = rows[AMP_TABLE]
        np.testing.assert_array_equal(view.beside.patches.value[:16], table.quantity(test))
        assert set(test.comparedNames) <= set(view.listing.header.split())


def test_plot_of_tested_quantity_has_the_threshold():
    tool = makeAction(AmpTestTool, test="NOISE")
    tool.process.value = "quantity"
    tool.finalize()
    plot = tool.produce.plot
    assert (plot.zAxisLabel, plot.unit, plot.threshold, plot.operator) == ("(NOISE - RN)/RN", "", 0.05, "<=")


def headOf(tool, data, camera) -> list[int]:
    """Return the numbers of the first words on a tool's plot: how many failed, of how many."""
    rows = tool.process(tool.prep(data, camera=camera))
    words = tool.produce.plot.prepare(rows, camera).headline.split()
    return [int(words[0]), int(words[2])]


@pytest.mark.parametrize("types", [["SCIENCE"], ["GUIDER"], ["GUIDER", "WAVEFRONT"], []])
def test_plots_count_the_amplifiers_that_metrics_count(types):
    camera = LsstCam().getCamera()
    pairs = [(detector.getId(), amp.getName()) for detector in camera for amp in detector]
    detector, amplifier = map(np.array, zip(*pairs, strict=True))
    n = len(pairs)
    results = {"exposure": np.full(n, EXPOSURE), "detector": detector, "amplifier": amplifier}
    rng = np.random.default_rng(2)
    for name in getProduct("bias").inputColumns()[3:]:
        results[name] = rng.random(n) > 0.1 if "_VERIFY_" in name else np.full(n, 5.0)
    kinds = ((AmpTestTool, "nFailed", "nTested"), (AmpFailureTool, "nAmpsFailed", "nAmps"))
    for kind, failed, counted in kinds:
        tool = makeAction(kind, detectorTypes=types)
        tool.finalize()
        measured = getValues(tool.produce.metric(tool.prep(results, camera=camera)))
        assert headOf(tool, results, camera) == [measured[failed], measured[counted]]


def test_label_of_run_says_how_exposures_are_combined():
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
def test_colours_fit_the_statistic(tool, colours):
    config = AmpAnalysisRunConfig()
    addTools(config, "bias", "run")
    plot = getattr(config.atools, tool).produce.plot
    assert (plot.colourScale, plot.colourMap, plot.centre, plot.statistic) == colours


def test_configured_label_is_kept():
    tool = makeAction(AmpTestTool, test="NOISE")
    tool.produce.plot.zAxisLabel = "Noise of the bias"
    tool.finalize()
    assert tool.produce.plot.zAxisLabel == "Noise of the bias"


def test_failure_tool_counts_every_test_of_cp_verify():
    tool = AmpFailureTool()
    tool.finalize()
    verdicts = [
        test.key for test in getProduct("bias") if test.verify and not test.verdict and not test.isOurs
    ]
    assert list(tool.process.tests) == verdicts


@pytest.mark.parametrize(("level", "isRun"), [("exposure", False), ("run", True)])
def test_every_test_has_a_tool(level, isRun):
    config = ExpMergeAnalysisTask.ConfigClass()
    addTools(config, "bias", level)
    expected = {test.toolName for test in getProduct("bias") if isRun or test.varies == "epoch"}
    failures = {"biasFailures", "biasFailureTable", "biasFailuresByAmp"}
    assert set(config.atools.fieldNames) == expected | failures
    assert set(config.detectorMetrics.units) == expected


def test_only_plotted_tests_have_plots():
    config = AmpAnalysisExposureTask.ConfigClass()
    addTools(config, "bias", "exposure")
    plots = {name for name, tool in config.atools.items() if not isinstance(tool.produce.plot, NoPlot)}
    failures = {"biasFailures", "biasFailureTable", "biasFailuresByAmp"}
    assert plots == failures | {test.toolName for test in getProduct("bias") if test.plotted}


@pytest.mark.parametrize(
    "owner",
    [AmpSummaryMetric, FailureMetric, StructureMetric, AmpTestTool, FocalPlaneGeometryPlot, StructureTool],
)
def test_all_count_the_same_sensors(owner):
    assert tuple(owner().detectorTypes) == COUNTED_TYPES == DetectorSelection().detectorTypes == ("SCIENCE",)


def test_failures_of_guiders_are_not_counted_but_listed():
    camera = LsstCam().getCamera()
    chosen = [detector for detector in camera if detector.getName() in ("R00_SG0", "R22_S11")]
    rows = [(d.getId(), amp.getName()) for d in chosen for amp in d.getAmplifiers()]
    n = len(rows)
    data = {
        "exposure": np.full(n, EXPOSURE),
        "detector": np.array([detector for detector, _ in rows]),
        "amplifier": np.array([name for _, name in rows]),
        "BIAS_NOISE": np.full(n, 5.0),
        # One amplifier of each fails.
        "BIAS_VERIFY_NOISE": np.arange(n) % 16 != 3,
    }
    table = encodeAmps(data, "bias", ["NOISE"], camera=camera)
    counted = getValues(makeAction(FailureMetric, tests=["NOISE"])({"ampTable": table}))
    every = getValues(makeAction(FailureMetric, tests=["NOISE"], detectorTypes=[])({"ampTable": table}))
    culprits = culpritsTable(table)
    n_listed = np.count_nonzero(culprits["status"] == "failed")
    assert (counted["nAmpsFailed"], every["nAmpsFailed"], n_listed) == (1, 2, 2)
    assert (counted["nDetectorsFailed"], every["nDetectorsFailed"]) == (1, 2)
