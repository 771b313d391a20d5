# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The whole pipeline, from simulated pixels to metrics and plots, on a small camera."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pipelineRuns import WITHOUT_PLOTS, SimulatedRepository, findPlots, readPipeline

from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.report import Verdict, collectReport
from lsst.daf.butler import Butler
from lsst.obs.lsst import Latiss, LsstComCam
from lsst.pipe.base import Pipeline

simulator = pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of the stand-ins")
pytestmark = pytest.mark.slow

EXPOSURES = (simulator.ExposureInfo(20260801, 1), simulator.ExposureInfo(20260801, 2))
FIRST, SECOND = (info.id for info in EXPOSURES)
DETECTORS = (0, 4)
LABELS = "verifyBiasIsr,verifyBiasDet,verifyBiasExp,verifyBias,analyzeBiasCore"
Kind = simulator.FaultKind
FAULTS = (
    simulator.Fault(Kind.HOT_NOISE, "R22_S00", ("C03",), 1.4, exposures=(FIRST,)),
    simulator.Fault(Kind.OFFSET_MEAN, 4, ("C11",)),
    simulator.Fault(Kind.MISSING_DETECTOR, 4, exposures=(SECOND,)),
)


DARKS = tuple(
    simulator.ExposureInfo(20260801, number, observationType="dark", exposureTime=time)
    for number, time in ((1, 0.0), (2, 100.0))
)
DARK_TIMES = {info.id: info.exposureTime for info in DARKS}
DARK_FAULTS = (
    simulator.Fault(Kind.HOT_NOISE, 0, ("C03",), 1.4, exposures=(FIRST,)),
    simulator.Fault(Kind.OFFSET_MEAN, 0, ("C11",)),
    simulator.Fault(Kind.EXCESS_DARK_CURRENT, 0, ("C05",), 0.5),
    simulator.Fault(Kind.DEAD_AMPLIFIER, 0, ("C14",), exposures=(SECOND,)),
)
RAFT_FAULTS = (
    simulator.Fault(Kind.LIGHT_LEAK, 0, (), 0.6, exposures=(SECOND,)),
    simulator.Fault(Kind.MISSING_DETECTOR, 4, exposures=(SECOND,)),
)


def run(
    root: Path, pipeline: Pipeline, instrument: type, where: str = "", exposures=EXPOSURES, *, visits=False
) -> Butler:
    """Run a pipeline on the exposures of a camera with fewer rows."""
    repository = SimulatedRepository(root, instrument)
    camera = simulator.shrinkCamera(instrument().getCamera(), 4)
    butler = simulator.makeRepository(root, instrument, exposures, camera=camera)
    if visits:
        simulator.defineVisits(butler, repository.name)
    repository.run(pipeline, where=where)
    return repository.open()


@pytest.fixture(scope="module")
def butler(tmp_path_factory) -> Butler:
    """Run the pipeline of LSSTComCam on two of its detectors."""
    pipeline = readPipeline(f"LSSTComCam/verifyBias.yaml#{LABELS}")
    pipeline.addConfigOverride("verifyBiasIsr", "faults", [fault.toText() for fault in FAULTS])
    pipeline.addConfigOverride("verifyBiasDet", "ampCornerBoxSize", 50)
    root = tmp_path_factory.mktemp("endToEnd") / "butler"
    return run(root, pipeline, LsstComCam, f"detector IN {DETECTORS}")


@pytest.fixture(scope="module")
def darks(tmp_path_factory) -> Butler:
    """Run all of the pipeline of darks of LATISS."""
    pipeline = readPipeline("LATISS/verifyDark.yaml")
    pipeline.addConfigOverride("verifyDarkIsr", "faults", [fault.toText() for fault in DARK_FAULTS])
    return run(tmp_path_factory.mktemp("darks") / "butler", pipeline, Latiss, exposures=DARKS)


def runAfterwards(butler: Butler, path: str, collection: str) -> Butler:
    """Run another pipeline of LATISS on what a butler has, into a collection of its own."""
    root = Path(butler._config.configDir.ospath)
    return SimulatedRepository(root, Latiss, ["u/test", "LATISS/defaults"]).run(path, collection)


def makePages(butler: Butler, product: str) -> Butler:
    """Make the pages of each detector of LATISS over a run, from what a butler has."""
    title = product.title()
    path = f"analyze{title}.yaml#analyze{title}RunDetExtended"
    return runAfterwards(butler, path, f"u/{product}Pages")


@pytest.fixture(scope="module")
def raftDarks(tmp_path_factory) -> Butler:
    """Run the merges of darks of two detectors of LSSTComCam."""
    labels = "verifyDarkIsr,verifyDarkDet,verifyDarkExp,verifyDark"
    pipeline = readPipeline(f"LSSTComCam/verifyDark.yaml#{labels}")
    pipeline.addConfigOverride("verifyDarkIsr", "faults", [fault.toText() for fault in RAFT_FAULTS])
    for label in ("verifyDarkExp", "verifyDark"):
        pipeline.addConfigPython(label, WITHOUT_PLOTS)
    where = f"detector IN {DETECTORS}"
    return run(tmp_path_factory.mktemp("raftDarks") / "butler", pipeline, LsstComCam, where, DARKS)


def test_a_report_has_the_verdict_of_the_run(butler):
    """The second detector has no results in the second exposure; the faults are in the first two places."""
    report = collectReport(butler, "u/test", where=f"detector IN {DETECTORS}")
    (product,) = report.products
    assert [exposure.exposure for exposure in product.exposures] == [FIRST, SECOND]
    assert [exposure.nDetectorsMissing for exposure in product.exposures] == [0, 1]
    assert product.verdict is Verdict.UNKNOWN
    assert product.reasons[0] == "1 detector (R22_S11) has no results in at least one exposure."
    noise = next(each for each in product.tests if each.test.key == "NOISE")
    layout = report.layout
    failed = np.flatnonzero(noise.nFailed)
    assert layout.detectorId[layout.ampDetector[failed]].tolist() == [0]
    assert layout.ampName[failed].tolist() == ["C03"]
    assert noise.worstExposure[failed].tolist() == [FIRST]
    assert {plot.level for plot in product.plots} == {"exposure", "run"}
    assert "analysis_cp" in report.versions


def test_tables_have_the_limits(butler):
    table = butler.get(
        "cpBiasRun_detectorSummary", parameters={"strip_astropy_meta_yaml": False, "columns": ["detector"]}
    )
    noise = getProduct("bias")["NOISE"]
    assert table.meta["limits"]["NOISE"] == {
        "operator": "<=",
        "threshold": 0.05,
        "unit": "",
        "source": noise.thresholdSource,
    }


def getValues(butler: Butler, name: str, tool: str, **data_id: int) -> dict[str, float]:
    """Get the values of one tool."""
    return {str(m.metric_name): m.quantity.value for m in butler.get(name, **data_id)[tool]}


def test_no_tool_failed(butler):
    for label in ("verifyBiasExp", "verifyBias"):
        for ref in butler.query_datasets(f"{label}_metadata"):
            assert "toolFailures" not in butler.get(ref)[label]


def assertInjected(culprits, expected):
    """Compare the failures with what the faults lead to."""
    found = defaultdict(set)
    for row in culprits[culprits["status"] == "failed"]:
        found[row["exposure"], row["detector"], row["amplifier"]].add(row["test"])
    injected = {(r.exposure, r.detector, r.amplifier): set(r.failures) for r in expected if r.failures}
    assert found == injected
    assert len(injected) > 1


def test_culprits_are_the_injected_ones(butler):
    expected = simulator.listExpectedResults(FAULTS, LsstComCam().getCamera(), (FIRST, SECOND))
    culprits = butler.get("cpBiasRun_culprits")
    assertInjected(culprits, expected)
    # Those that were not verified are unknown. None is suspicious, as there are no dead ones.
    assert set(culprits["status"]) == {"failed", "unknown"}


def test_missing_detector_is_unknown(butler):
    table = butler.get("cpBiasExp_detectorSummary", exposure=SECOND)
    (row,) = table[table["detector"] == 4]
    assert (row["nAmps"], row["status"]) == (0, "unknown")


def test_healthy_detector_is_good(butler):
    table = butler.get("cpBiasExp_detectorSummary", exposure=SECOND)
    (row,) = table[table["detector"] == 0]
    assert (row["nAmpsMissing"], row["status"]) == (0, "good")


def test_metrics_of_the_detector(butler):
    values = getValues(butler, "cpBiasExpDet_metrics", "biasNoise", exposure=FIRST, detector=0)
    assert (values["nAmps"], values["nTested"], values["nFailed"]) == (16, 16, 1)
    assert values["quantityMax"] == pytest.approx(0.4, abs=0.1)


def test_metrics_of_the_run(butler):
    values = getValues(butler, "cpBiasRun_metrics", "biasMean")
    assert (values["nAmps"], values["nFailed"], values["nExposuresFailed"]) == (48, 1, 1)


def test_read_noise_is_the_headers(butler):
    for ref in butler.query_datasets("cpBiasExp_ampSummary"):
        assert set(butler.get(ref)["readNoiseSource"]) == {"header"}


def test_plots_are_written(butler):
    found = findPlots(butler, "Bias")
    for name in ("biasNoise_FocalPlaneGeometryPlot", "biasFailures_FailureMapPlot"):
        assert (found[f"cpBiasExp_{name}"], found[f"cpBiasRun_{name}"]) == (2, 1)


def test_culprits_of_darks_are_the_injected_ones(darks):
    expected = simulator.listExpectedDarkResults(DARK_FAULTS, Latiss().getCamera(), DARK_TIMES)
    assertInjected(darks.get("cpDarkRun_culprits"), expected)


def test_culprits_of_leaking_and_missing_detectors(raftDarks):
    culprits = raftDarks.get("cpDarkRun_culprits")
    expected = simulator.listExpectedDarkResults(RAFT_FAULTS, LsstComCam().getCamera(), DARK_TIMES)
    assertInjected(culprits, expected)
    unknown = culprits[(culprits["exposure"] == SECOND) & (culprits["detector"] == 4)]
    assert set(unknown["status"]) == {"unknown"}
    table = raftDarks.get("cpDarkExp_detectorSummary", exposure=SECOND)
    status = dict(zip(table["detector"].tolist(), table["status"].tolist(), strict=True))
    assert (status[0], status[4]) == ("failed", "unknown")


def test_metrics_of_darks(darks):
    values = getValues(darks, "cpDarkExpDet_metrics", "darkNoise", exposure=FIRST, detector=0)
    assert (values["nAmps"], values["nTested"], values["nFailed"]) == (16, 16, 1)
    assert values["quantityMax"] == pytest.approx(0.4, abs=0.1)
    values = getValues(darks, "cpDarkRun_metrics", "darkMean")
    assert (values["nAmps"], values["nFailed"], values["nExposuresFailed"]) == (32, 4, 2)


def test_dark_current_of_the_run_is_that_of_its_table(darks):
    table = darks.get("verifyDarkResults")
    first, second = (table[table["exposure"] == info.id] for info in DARKS)
    assert list(first["amplifier"]) == list(second["amplifier"])
    slopes = np.array(second["DARK_MEAN"] - first["DARK_MEAN"]) / 100.0
    # As injected.
    assert slopes[list(first["amplifier"]).index("C05")] == pytest.approx(0.5, abs=0.02)
    values = getValues(darks, "cpDarkRun_metrics", "darkCurrent")
    assert (values["nAmps"], values["nValid"]) == (16, 16)
    for name, expected in (("min", slopes.min()), ("median", np.median(slopes)), ("max", slopes.max())):
        assert values[name] == pytest.approx(expected, rel=1e-9)
    assert darks.getURI("cpDarkRun_darkCurrent_SlopeMapPlot").exists()


def test_pages_of_dark_current_are_made_on_demand(darks):
    pages = makePages(darks, "dark")
    (ref,) = pages.query_datasets("cpDarkRunDetExtended_darkCurrentByAmp_DetectorSeriesPlot")
    assert ref.dataId["detector"] == 0
    assert findPlots(pages, "Dark")[ref.datasetType.name] == 1


def test_rate_of_a_dark_is_its_mean_over_the_dark_time(darks):
    table = darks.get("verifyDarkExpResults", exposure=SECOND)
    found = darks.get("cpDarkExp_ampSummary", exposure=SECOND)
    rates = dict(zip(found["amplifier"].tolist(), found["MEAN_RATE_value"].tolist(), strict=True))
    for row in table:
        assert rates[str(row["amplifier"])] == pytest.approx(row["DARK_MEAN"] / 100, rel=1e-12)
    assert rates["C05"] == pytest.approx(0.5, abs=0.02)
    assert set(found["darkTimeSource"]) == {"record"}
    # The first has a dark time of 0.
    values = getValues(darks, "cpDarkExp_metrics", "darkMeanRate", exposure=FIRST)
    assert (values["nAmps"], values["nValid"]) == (16, 0)
    assert getValues(darks, "cpDarkRun_metrics", "darkMeanRate")["nValid"] == 16
    assert darks.query_datasets("cpDarkExp_darkMeanRate_FocalPlaneGeometryPlot")


def test_own_criteria_of_darks_count_in_no_status(darks):
    summary = darks.get("cpDarkExp_ampSummary", exposure=FIRST)
    boxes = {amp.getName(): amp.getBBox() for amp in darks.get("camera", instrument="LATISS")[0]}
    pixels = {name: box.getWidth() * box.getHeight() for name, box in boxes.items()}
    for row in summary:
        mean, noise, read_noise = row["MEAN_value"], row["NOISE_value"], row["readNoise"]
        expected = abs(mean) / (noise / pixels[str(row["amplifier"])] ** 0.5)
        assert row["MEAN_WITHIN_ERROR_quantity"] == pytest.approx(expected)
        assert row["MEAN_WITHIN_ERROR_status"] == ("good" if expected <= 5 else "failed")
        assert row["NOISE_TWO_SIDED_quantity"] == pytest.approx(abs(noise - read_noise) / read_noise)
    assert "failed" in set(summary["MEAN_WITHIN_ERROR_status"])
    assert set(darks.get("cpDarkExp_culprits", exposure=FIRST)["test"]) == {"MEAN", "NOISE"} | {
        "READ_NOISE_CONSISTENT"
    }


def test_percentiles_of_the_combined_dark(darks):
    values = getValues(darks, "cpDarkRun_metrics", "darkDist50Pct")
    assert (values["nAmps"], values["nValid"]) == (32, 32)
    assert values["max"] < 0.01
    for label in ("verifyDarkExp", "verifyDark"):
        for ref in darks.query_datasets(f"{label}_metadata"):
            assert "toolFailures" not in darks.get(ref)[label]


def test_history_of_darks(darks):
    read = runAfterwards(darks, "trendDark.yaml", "u/trend")
    trend = read.get("cpDarkTrend_trend")
    rows = trend[(trend["metric"] == "darkMeanRate") & (trend["measurement"] == "median")]
    assert set(rows["unit"]) == {"electron / s"}
    assert [bool(math.isfinite(value)) for value in rows["value"].tolist()].count(True) == 1


def test_views_of_darks_are_written(darks):
    found = findPlots(darks, "Dark")
    for name in (
        "cpDarkExpView_darkImage_FocalPlaneImagePlot",
        "cpDarkExpDetView_darkImage_DetectorImagePlot",
        "cpDarkExp_darkFailures_FailureMapPlot",
    ):
        assert found[name] == 2
    assert len(darks.query_datasets("cpDarkExpResidual_structures")) == 2


@pytest.fixture(scope="module")
def darksInAdu(tmp_path_factory) -> Butler:
    """Run the merges of one detector without gains."""
    labels = ("verifyDarkIsr", "verifyDarkDet", "verifyDarkExp", "verifyDark")
    pipeline = readPipeline(f"LATISS/verifyDark.yaml#{','.join(labels)}")
    pipeline.addConfigOverride("verifyDarkIsr", "doApplyGains", False)
    for label in labels[2:]:
        pipeline.addConfigOverride(label, "gainsApplied", False)
    return run(tmp_path_factory.mktemp("darksInAdu") / "butler", pipeline, Latiss, exposures=DARKS)


def test_metrics_and_tables_of_darks_without_gains_are_in_adu(darksInAdu):
    factors = []
    table = darksInAdu.get("cpDarkExp_ampSummary", exposure=SECOND)
    results = darksInAdu.get("verifyDarkExpResults", exposure=SECOND)
    amps = {amp.getName(): amp for amp in darksInAdu.get("camera", instrument="LATISS")[0]}
    own = dict(zip(results["amplifier"].tolist(), results, strict=True))
    for row in table:
        name = str(row["amplifier"])
        gain, read_noise = amps[name].getGain(), amps[name].getReadNoise()
        assert row["NOISE_value"] == own[name]["DARK_NOISE"]
        expected = (row["NOISE_value"] * gain - read_noise) / read_noise
        assert row["NOISE_quantity"] == pytest.approx(expected, rel=1e-9)
        factors.append(row["NOISE_value"] * gain / read_noise)
    # Multiplied by the gain, the noise is that of the readout.
    assert np.median(factors) == pytest.approx(1.0, abs=0.1)
    units = {name: str(table[name].unit) for name in table.colnames}
    assert {name: unit for name, unit in units.items() if "electron" in unit} == {
        "readNoise": "electron",
        "gain": "electron / adu",
    }
    for name in ("cpDarkExp_metrics", "cpDarkRun_metrics"):
        data_id = {"exposure": SECOND} if "Exp" in name else {}
        for measurements in darksInAdu.get(name, **data_id).values():
            for each in measurements:
                assert "electron" not in str(each.quantity.unit), each.metric_name
    current = {str(m.metric_name): m.quantity for m in darksInAdu.get("cpDarkRun_metrics")["darkCurrent"]}
    assert str(current["median"].unit) == "adu / s"
    for label in ("verifyDarkExp", "verifyDark"):
        plots = {name: tool.produce.plot for name, tool in darksInAdu.get(f"{label}_config").atools.items()}
        units = {name: plot.unit for name, plot in plots.items() if hasattr(plot, "unit")}
        assert "electron" not in " ".join(units.values())
        assert (units["darkNoise"], units["darkMeanRate"]) == ("adu", "adu / s")


FLATS = tuple(
    simulator.ExposureInfo(20260801, number, filter_, "flat", 10.0)
    for number, filter_ in ((1, "SDSSr_65mm"), (2, "SDSSr_65mm"), (3, "SDSSg_65mm"))
)
THIRD = FLATS[2].id
FLAT_FAULTS = (
    simulator.Fault(Kind.GAIN_STEP, 0, ("C03",), 1.5, exposures=(FIRST,)),
    simulator.Fault(Kind.MASKED_AMPLIFIER, 0, ("C11",), exposures=(SECOND,)),
    simulator.Fault(Kind.DEAD_AMPLIFIER, 0, ("C15",), exposures=(THIRD,)),
)


@pytest.fixture(scope="module")
def flats(tmp_path_factory) -> Butler:
    """Run all of the pipeline of flats of LATISS."""
    pipeline = readPipeline("LATISS/verifyFlat.yaml")
    pipeline.addConfigOverride("verifyFlatIsr", "faults", [fault.toText() for fault in FLAT_FAULTS])
    return run(tmp_path_factory.mktemp("flats") / "butler", pipeline, Latiss, exposures=FLATS)


def assertFlatsInjected(culprits, faults, instrument, exposures):
    """Compare the failures of a run with what the faults lead to."""
    found = {
        (row["exposure"], row["detector"], row["amplifier"]): row["test"]
        for row in culprits[culprits["status"] == "failed"]
    }
    expected = {
        (result.exposure, result.detector, result.amplifier): test
        for result in simulator.listExpectedFlatResults(faults, instrument().getCamera(), exposures)
        for test in result.failures
    }
    assert found == expected
    assert expected


@pytest.mark.parametrize(("band", "exposures"), [("r", (FIRST, SECOND)), ("g", (THIRD,))])
def test_culprits_of_flats_are_the_injected_ones(flats, band, exposures):
    culprits = flats.get("cpFlatRun_culprits", physical_filter=f"SDSS{band}_65mm")
    assertFlatsInjected(culprits, FLAT_FAULTS, Latiss, exposures)


@pytest.mark.parametrize(
    "name", ["RateByDate_RaftSeriesPlot", "RateByExposureTime_RaftSeriesPlot", "GainStability_RaftGainPlot"]
)
def test_series_of_flats_are_drawn_in_each_filter(flats, name):
    refs = flats.query_datasets(f"cpFlatRun_flat{name}")
    assert {ref.dataId["physical_filter"] for ref in refs} == {"SDSSr_65mm", "SDSSg_65mm"}


def test_pages_of_flats_are_made_on_demand(flats):
    refs = makePages(flats, "flat").query_datasets("cpFlatRunDetExtended_flatRateByAmp_DetectorSeriesPlot")
    found = {(ref.dataId["physical_filter"], ref.dataId["detector"]) for ref in refs}
    assert found == {("SDSSr_65mm", 0), ("SDSSg_65mm", 0)}


def test_filters_are_analysed_apart_from_stored_tables(flats):
    found = runAfterwards(flats, "analyzeFlat.yaml#analyzeFlatRun", "u/flatAnalysis")
    for band, exposures in (("r", (FIRST, SECOND)), ("g", (THIRD,))):
        physical_filter = f"SDSS{band}_65mm"
        tables = [flats.get("verifyFlatExpResults", exposure=exposure) for exposure in exposures]
        columns = [table["FLAT_MEAN"][~np.ma.getmaskarray(table["amplifier"])] for table in tables]
        means = np.concatenate([np.asarray(column, dtype=float) for column in columns])
        means = means[np.isfinite(means)]
        values = getValues(found, "cpFlatRun_metrics", "flatMean", physical_filter=physical_filter)
        assert (values["nAmps"], values["nExposures"]) == (16 * len(exposures), len(exposures))
        assert (values["nValid"], values["max"]) == (len(means), means.max())
        assert values["median"] == pytest.approx(np.median(means), rel=1e-12)
        merged = flats.get("cpFlatRun_metrics", physical_filter=physical_filter)
        stored = found.get("cpFlatRun_metrics", physical_filter=physical_filter)
        assert describe(stored) == describe(merged)


def test_dead_amplifier_of_a_flat_is_not_good(flats):
    culprits = flats.get("cpFlatExp_culprits", exposure=THIRD)
    found = {(row["amplifier"], row["test"], row["status"]) for row in culprits}
    # Its noise of 0 passes the test of cp_verify, which compares it with the root of 0.
    assert found == {
        ("", "DET_SCATTER", "failed"),
        ("C15", "NOISE", "unknown"),
        ("C15", "MEAN", "suspicious"),
    }


def test_metrics_of_flats(flats):
    values = getValues(flats, "cpFlatExpDet_metrics", "flatNoise", exposure=FIRST, detector=0)
    assert (values["nAmps"], values["nTested"], values["nFailed"]) == (16, 16, 1)
    # Of the noise of photons a gain step of 1.5 leaves its root.
    others = getValues(flats, "cpFlatExpDet_metrics", "flatNoise", exposure=SECOND, detector=0)
    assert values["quantityMax"] == pytest.approx(1.5**0.5 * others["quantityMedian"], rel=0.03)
    values = getValues(flats, "cpFlatRun_metrics", "flatMean", physical_filter="SDSSr_65mm")
    assert (values["nAmps"], values["nValid"], values["nExposures"]) == (32, 31, 2)
    assert values["median"] == pytest.approx(50_000, rel=0.01)
    values = getValues(flats, "cpFlatRun_metrics", "flatDist50Pct", physical_filter="SDSSg_65mm")
    assert 0.9 < values["min"] < values["max"] <= 1


def test_scatter_of_one_detector_is_none(flats):
    values = getValues(flats, "cpFlatExp_metrics", "flatExpScatterFraction", exposure=FIRST)
    assert (values["max"], values["quantityMax"], values["nFailed"]) == (0, 0, 0)


def test_no_tool_of_flats_failed(flats):
    for label, number in (("verifyFlatExp", 3), ("verifyFlat", 2)):
        refs = flats.query_datasets(f"{label}_metadata")
        assert len(refs) == number
        for ref in refs:
            assert "toolFailures" not in flats.get(ref)[label]


def test_plots_and_views_of_flats_are_written(flats):
    found = findPlots(flats, "Flat")
    for name in (
        "cpFlatExp_flatMean_FocalPlaneGeometryPlot",
        "cpFlatExp_flatDetScatter_FocalPlaneGeometryPlot",
        "cpFlatExp_flatFailures_FailureMapPlot",
        "cpFlatExpView_flatImage_FocalPlaneImagePlot",
        "cpFlatExpDetView_flatImage_DetectorImagePlot",
    ):
        assert found[name] == 3
    for name in ("flatNoise_FocalPlaneGeometryPlot", "flatRateByDate_RaftSeriesPlot"):
        assert found[f"cpFlatRun_{name}"] == 2
    assert len(flats.query_datasets("cpFlatExpResidual_structures")) == 3


def test_each_filter_has_a_history_of_its_own(flats):
    found = runAfterwards(flats, "trendFlat.yaml", "u/trend")
    for band, exposures in (("r", [FIRST, SECOND]), ("g", [THIRD])):
        table = found.get("cpFlatTrend_trend", physical_filter=f"SDSS{band}_65mm")
        assert set(table["physical_filter"]) == {f"SDSS{band}_65mm"}
        means = table[(table["metric"] == "flatMean") & (table["measurement"] == "median")]
        assert means["exposure"].tolist() == exposures
        assert means["value"].tolist() == [
            getValues(flats, "cpFlatExpDet_metrics", "flatMean", exposure=exposure, detector=0)["median"]
            for exposure in exposures
        ]
        assert len(found.query_datasets("cpFlatTrend_flatMeanByDetector_TrendPlot")) == 2


COM_CAM_FAULTS = (
    simulator.Fault(Kind.GAIN_STEP, 4, ("C11", "C12", "C13"), 0.7),
    simulator.Fault(Kind.EXCESS_LIGHT, "R22_S00", ("C05",), exposures=(SECOND,)),
    simulator.Fault(Kind.MISSING_DETECTOR, 4, exposures=(SECOND,)),
)


@pytest.fixture(scope="module")
def comCamFlats(tmp_path_factory) -> Butler:
    """Run the pipeline of flats of LSSTComCam on two of its detectors."""
    pipeline = readPipeline("LSSTComCam/verifyFlat.yaml#verifyFlatIsr,verifyFlatDet,verifyFlatExp,verifyFlat")
    pipeline.addConfigOverride("verifyFlatIsr", "faults", [fault.toText() for fault in COM_CAM_FAULTS])
    for label in ("verifyFlatExp", "verifyFlat"):
        pipeline.addConfigPython(label, WITHOUT_PLOTS)
    infos = [replace(info, physicalFilter="r_03") for info in FLATS[:2]]
    root = tmp_path_factory.mktemp("comCamFlats") / "butler"
    return run(root, pipeline, LsstComCam, f"detector IN {DETECTORS}", exposures=infos)


def test_culprits_of_flats_of_a_raft_are_the_injected_ones(comCamFlats):
    culprits = comCamFlats.get("cpFlatRun_culprits", physical_filter="r_03")
    assertFlatsInjected(culprits, COM_CAM_FAULTS, LsstComCam, (FIRST, SECOND))


def test_scatter_of_the_detectors_of_a_raft(comCamFlats):
    scatter = getValues(comCamFlats, "cpFlatExp_metrics", "flatExpScatter", exposure=FIRST)
    fraction = getValues(comCamFlats, "cpFlatExp_metrics", "flatExpScatterFraction", exposure=FIRST)
    means = [
        getValues(comCamFlats, "cpFlatExpDet_metrics", "flatDetMean", exposure=FIRST, detector=detector)[
            "max"
        ]
        for detector in DETECTORS
    ]
    # Of two values the standard deviation is half of their difference.
    assert scatter["max"] == pytest.approx(abs(means[0] - means[1]) / 2, rel=1e-9)
    assert fraction["quantityMax"] == pytest.approx(abs(means[0] - means[1]) / sum(means), rel=1e-9)
    # A gain step of 0.7 in 3 of 16 amplifiers takes 5.6% of the mean of the detector.
    assert fraction["quantityMax"] == pytest.approx(0.0563 / 2 / (1 - 0.0563 / 2), rel=0.1)
    # It is below the limit as a fraction, and cp_verify compares it with electrons.
    assert (scatter["nFailed"], fraction["nFailed"]) == (1, 0)


def test_missing_detector_of_a_flat_is_unknown(comCamFlats):
    table = comCamFlats.get("cpFlatExp_detectorSummary", exposure=SECOND)
    status = dict(zip(table["detector"].tolist(), table["status"].tolist(), strict=True))
    assert (status[0], status[4]) == ("failed", "unknown")


DEFECT_FAULTS = (
    simulator.Fault(Kind.UNMASKED_COLUMN, 0, ("C03",)),
    simulator.Fault(Kind.OVER_MASKED, 0, ("C11",)),
    simulator.Fault(Kind.MASKED_AMPLIFIER, 0, ("C15",), exposures=(SECOND,)),
    simulator.Fault(Kind.MISSING_DETECTOR, 4, exposures=(SECOND,)),
)
DEFECT_LABELS = ",".join(f"verify{label}" for label in ("DefectsIsr", "UncorrectedDefectsIsr", "DefectsDet"))


@pytest.fixture(scope="module", params=[Latiss, LsstComCam], ids=["LATISS", "LSSTComCam"])
def instrument(request) -> type:
    return request.param


@pytest.fixture(scope="module")
def defects(instrument, tmp_path_factory) -> Butler:
    """Run the pipeline of defects, on visits without regions of the sky."""
    name = instrument.getName()
    is_raft = instrument is LsstComCam
    infos = [replace(info, physicalFilter="r_03" if is_raft else "SDSSr_65mm") for info in FLATS[:2]]
    labels = f"{DEFECT_LABELS},verifyDefectsExp,verifyDefects,analyzeDefectCore"
    pipeline = readPipeline(f"{name}/verifyDefects.yaml#{labels}")
    faults = [fault.toText() for fault in DEFECT_FAULTS if is_raft or fault.detector == 0]
    for label in ("verifyDefectsIsr", "verifyUncorrectedDefectsIsr"):
        pipeline.addConfigOverride(label, "faults", faults)
    pipeline.addConfigOverride("verifyDefectsExp", "doCompareVerdicts", True)
    root = tmp_path_factory.mktemp("defects") / "butler"
    where = f"detector IN {DETECTORS}" if is_raft else ""
    return run(root, pipeline, instrument, where, exposures=infos, visits=True)


def test_faults_of_masks_are_found(defects, instrument):
    found = {}
    for visit in (FIRST, SECOND):
        table = defects.get("cpDefectsExp_ampSummary", visit=visit)
        for row in table:
            if failures := {
                key for key in ("OUTLIERS_LEFT", "GOOD_MASKED") if row[f"{key}_status"] == "failed"
            }:
                found[visit, row["detector"], row["amplifier"]] = failures
    camera = instrument().getCamera()
    faults = [fault for fault in DEFECT_FAULTS if len(camera) > 1 or fault.detector == 0]
    expected = simulator.listExpectedDefectsResults(faults, camera, (FIRST, SECOND))
    assert found == {(r.exposure, r.detector, r.amplifier): set(r.failures) for r in expected if r.failures}
    assert len(found) == 4


def test_masked_amplifier_of_a_visit_is_unknown(defects):
    culprits = defects.get("cpDefectsExp_culprits", visit=SECOND)
    rows = culprits[culprits["amplifier"] == "C15"]
    assert set(rows["status"][rows["detector"] == 0]) == {"unknown"}
    # At cp_verify it has failed.
    metadata = defects.get("verifyDefectsExp_metadata", visit=SECOND)["verifyDefectsExp"]
    assert "toolFailures" not in metadata
    differences = metadata.getArray("verdictDifferences")
    assert {line.split()[4] for line in differences} == {"C15"}
    assert all("failed by cp_verify, computed unknown" in line for line in differences)
    assert len(differences) == 3


def test_no_detector_of_a_visit_is_lost(defects, instrument):
    is_raft = instrument is LsstComCam
    amps = {
        (ref.dataId["exposure"], ref.dataId["detector"]): next(
            m.quantity.value for m in defects.get(ref)["defectsStdev"] if str(m.metric_name) == "nAmps"
        )
        for ref in defects.query_datasets("cpDefectsExpDet_metrics")
    }
    # That of the missing detector says that there is nothing.
    expected = {(FIRST, 0): 16, (SECOND, 0): 16}
    assert amps == expected | ({(FIRST, 4): 16, (SECOND, 4): 0} if is_raft else {})
    summary = defects.get("cpDefectsExp_detectorSummary", visit=FIRST)
    assert summary["detector"][summary["nAmps"] == 16].tolist() == ([0, 4] if is_raft else [0])
    assert len(defects.query_datasets("cpDefectsExp_defectsFailures_FailureMapPlot")) == 2


OF_LATISS = pytest.mark.parametrize("instrument", [Latiss], ids=["LATISS"], indirect=True)
"""On LATISS alone, whose pipelines are the same as those of the others."""


def assertDrawn(butler: Butler, pipeline: Pipeline, number: dict[str, int]) -> None:
    """Look for every plot of a pipeline, of which there are as many as visits, or as is said."""
    names = {
        edge.parent_dataset_type_name
        for node in pipeline.to_graph().tasks.values()
        for edge in node.outputs.values()
        if edge.storage_class_name == "Plot"
    }
    assert names
    found = findPlots(butler, "Defects")
    assert {name: found.get(name) for name in names} == {
        name: next((n for start, n in number.items() if name.startswith(start)), 2) for name in names
    }


@OF_LATISS
def test_defects_are_analysed_from_stored_tables(defects):
    """Without the merges of ours, with views and with what is made on demand."""
    found = runAfterwards(defects, "analyzeDefects.yaml", "u/analysis")
    assertDrawn(found, readPipeline("LATISS/analyzeDefects.yaml"), {"cpDefectsRun": 1})
    for visit in (FIRST, SECOND):
        table = defects.get("verifyDefectsExpResults", visit=visit)
        amps = table[~np.ma.getmaskarray(table["amplifier"])]
        outliers = np.asarray(amps["DEFECTS_OUTLIERS"], dtype=float)
        values = getValues(found, "cpDefectsExp_metrics", "defectsOutliersLeft", visit=visit)
        assert (values["nAmps"], values["max"]) == (16, outliers.max())
        assert values["nFailed"] == np.count_nonzero(outliers > 50) == 1
        merged = defects.get("cpDefectsExp_metrics", visit=visit)
        assert describe(found.get("cpDefectsExp_metrics", visit=visit)) == describe(merged)
    assert describe(found.get("cpDefectsRun_metrics")) == describe(defects.get("cpDefectsRun_metrics"))


def describe(bundle) -> dict[str, dict[str, str]]:
    """Describe a bundle, so that equal ones compare equal with NaN."""
    return {
        tool: {str(m.metric_name): str(m.quantity) for m in measured} for tool, measured in bundle.items()
    }


@OF_LATISS
def test_history_of_defects(defects):
    found = runAfterwards(defects, "trendDefects.yaml", "u/trend")
    assertDrawn(found, readPipeline("LATISS/trendDefects.yaml"), {"": 1})
    trend = found.get("cpDefectsTrend_trend")
    rows = trend[(trend["metric"] == "defectsOutliers") & (trend["measurement"] == "max")]
    assert rows["exposure"].tolist() == [FIRST, SECOND]
    # An unmasked column has 500 rows here.
    assert rows["value"].tolist() == [500, 500]
