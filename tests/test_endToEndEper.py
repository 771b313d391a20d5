# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Trails in the overscan of flats, from simulated pixels to metrics and plots."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from pipelineRuns import SimulatedRepository, findPlots, readPipeline

from lsst.analysis.cp.tasks import MeasureEperTask
from lsst.daf.butler import Butler
from lsst.obs.lsst import Latiss

simulator = pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of the stand-ins")
pytestmark = pytest.mark.slow

FAULTS = simulator.parseFaults(
    [
        "serialCti detector:0 amplifiers:C03",
        "parallelCti detector:0 amplifiers:C05",
        "maskedAmplifier detector:0 amplifiers:C11",
    ]
)
# Not in the order of the signals.
SIGNALS = (50_000.0, 3_000.0, 30_000.0, 100_000.0)
EXPOSURES = [simulator.ExposureInfo(20260105, number, observationType="flat") for number in (11, 12, 13, 14)]


@pytest.fixture(scope="module")
def trails(tmp_path_factory) -> Butler:
    """Measure the trails of a detector, parallel ones too, and draw them."""
    repository = SimulatedRepository(tmp_path_factory.mktemp("eper") / "butler", Latiss)
    butler = simulator.makeRepository(repository.root, Latiss, EXPOSURES)
    signals = {exposure.id: signal for exposure, signal in zip(EXPOSURES, SIGNALS, strict=True)}
    run = simulator.storeCtiStatistics(butler, Latiss(), Latiss().getCamera(), signals, FAULTS)
    repository.collections.insert(0, run)
    pipeline = readPipeline("LATISS/analyzeEper.yaml")
    pipeline.addConfigOverride("measureEper", "doMeasureParallel", True)
    repository.run(pipeline, "u/first")
    repository.run("trendEper.yaml", "u/trend")
    return repository.open()


def test_faults_are_beyond_the_limits_and_no_others(trails):
    expected = {
        (result.amplifier, test)
        for result in simulator.listExpectedCtiResults(FAULTS, Latiss().getCamera())
        for test in result.failures - {"GLOBAL_CTI"}
    }
    limits = {"SERIAL_CTI": 5e-6, "PARALLEL_CTI": 3e-6}
    rows = trails.get("cpEperResults")
    found = {
        (str(row["amplifier"]), key)
        for row in rows
        for key, limit in limits.items()
        if row[f"EPER_{key}"] >= limit
    }
    assert found == expected
    bundle = trails.get("cpEperRun_metrics")
    for key, tool in {"SERIAL_CTI": "eperSerialCti", "PARALLEL_CTI": "eperParallelCti"}.items():
        values = {m.metric_name.metric: m.quantity.value for m in bundle[tool]}
        assert values["nFailed"] == sum(test == key for _, test in expected)
        # Of the masked amplifier nothing is known.
        assert values["nValid"] == 15
        assert values["quantityMax"] == pytest.approx(np.nanmax(rows[f"EPER_{key}"]) / limits[key], rel=1e-9)


def test_numbers_are_those_of_the_statistics(trails):
    """Against the stored dictionaries, with loops over exposures."""
    stored = [trails.get("cpCtiStatistics", exposure=info.id, detector=0)["CTI"] for info in EXPOSURES]
    camera = Latiss().getCamera()
    for row in trails.get("cpEperResults"):
        name = str(row["amplifier"])
        amp = {amp.getName(): amp for amp in camera[0]}[name]
        n_rows = amp.getRawDataBBox().getHeight()
        n_columns = amp.getRawDataBBox().getWidth() + amp.getRawPrescanBBox().getWidth()
        for key, line, number in (("SERIAL", "COLUMN", n_columns), ("PARALLEL", "ROW", n_rows)):
            curve = sorted(
                (
                    own["IMAGE_MEAN"],
                    sum(own[f"{key}_OVERSCAN_VALUES"][:2]) / own[f"LAST_{line}_MEAN"] / number,
                )
                for own in (statistics[name] for statistics in stored)
            )
            expected = np.transpose(curve) if name != "C11" else np.full((2, 4), np.nan)
            np.testing.assert_array_equal(row["EPER_SIGNALS"], expected[0])
            np.testing.assert_allclose(row[f"EPER_{key}_CURVE"], expected[1], rtol=1e-12)
            # Two of four flats are in the range.
            np.testing.assert_allclose(row[f"EPER_{key}_CTI"], expected[1, 1:3].mean(), rtol=1e-12)
        assert row["EPER_N_EXPOSURES"] == (0 if name == "C11" else 4)


def test_measured_are_the_injected_inefficiencies(trails):
    rows = {str(row["amplifier"]): row for row in trails.get("cpEperResults")}
    # The mean of the image is 1.5% larger than that of its last column.
    assert rows["C03"]["EPER_SERIAL_CTI"] == pytest.approx(2e-5, rel=0.003)
    assert rows["C05"]["EPER_PARALLEL_CTI"] == pytest.approx(1e-5, rel=0.01)


def test_parallel_values_are_left_out_by_default():
    camera = Latiss().getCamera()
    statistics = simulator.simulateCtiStatistics(camera[0], 1, 3e4, instrument="LATISS", seed=3)
    task = MeasureEperTask(config=MeasureEperTask.ConfigClass())
    found = task.readStatistics([Handle(1, statistics)], camera[0])
    measured = task.amplifierStatistics(found, camera=camera)
    assert len(measured) == 16
    for own in measured.values():
        assert np.isnan([own["PARALLEL_CTI"], *own["PARALLEL_CURVE"]]).all()
        assert np.isfinite([own["SERIAL_CTI"], *own["SERIAL_CURVE"]]).all()


def test_statistics_of_nothing_have_no_numbers():
    """ISR may have less of an amplifier than is expected."""
    camera = Latiss().getCamera()
    task = MeasureEperTask(config=MeasureEperTask.ConfigClass(doMeasureParallel=True))
    found = task.readStatistics(
        [Handle(1, {"CTI": {"C00": {"IMAGE_MEAN": 3e4, "OVERSCAN_VALUES": []}}})], camera[0]
    )
    for name, own in task.amplifierStatistics(found, camera=camera).items():
        assert np.isnan([own["SERIAL_CTI"], own["PARALLEL_CTI"], *own["SERIAL_CURVE"]]).all()
        assert np.isnan(own["SIGNALS"]).all() == (name != "C00")


class Handle:
    """A handle of the statistics of an exposure of detector 0."""

    def __init__(self, exposure, statistics):
        self.dataId = SimpleNamespace(mapping={"exposure": exposure})
        self._statistics = statistics

    def get(self):
        return self._statistics


def test_plots_are_written(trails):
    found = findPlots(trails, "Eper")
    assert {
        "cpEperRun_eperSerialCti_FocalPlaneGeometryPlot",
        "cpEperRun_eperParallelCti_FocalPlaneGeometryPlot",
        "cpEperCurvesExtended_eperCurves_EperCurvePlot",
        "cpEperRunExtended_eperByVendor_VendorHistogramPlot",
        "cpEperTrend_eperSerialCtiByDetector_TrendPlot",
    } <= found.keys()
    assert "toolFailures" not in trails.get("analyzeEperRun_metadata")["analyzeEperRun"]
    assert len(trails.get("cpEperRun_culprits")) == 0


@pytest.mark.parametrize("field", ["serialLimit", "parallelLimit"])
def test_page_and_table_have_to_have_the_same_limits(field):
    pipeline = readPipeline("LATISS/analyzeEper.yaml")
    pipeline.addConfigOverride("measureEper", field, 1e-6)
    with pytest.raises(Exception, match=f"measureEper.{field}"):
        pipeline.to_graph()
