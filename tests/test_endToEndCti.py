# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Charge transfer inefficiencies, from simulated trails to metrics and plots."""

from __future__ import annotations

import numpy as np
import pytest
from pipelineRuns import SimulatedRepository, findPlots, readPipeline

from lsst.analysis.cp.tasks import MeasureCtiTask
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


@pytest.fixture(scope="module")
def transfers(tmp_path_factory) -> Butler:
    """Measure the inefficiencies of a detector, parallel ones too, and draw them."""
    repository = SimulatedRepository(tmp_path_factory.mktemp("cti") / "butler", Latiss)
    butler = simulator.makeRepository(repository.root, Latiss, ())
    simulator.CTIS.store(butler, Latiss(), Latiss().getCamera(), FAULTS)
    pipeline = readPipeline("LATISS/analyzeCti.yaml")
    pipeline.addConfigOverride("measureCti", "doMeasureParallel", True)
    repository.run(pipeline, "u/first")
    repository.run("trendCti.yaml", "u/trend")
    return repository.open()


def test_faults_are_beyond_the_limits_and_no_others(transfers):
    expected = {
        (result.amplifier, test)
        for result in simulator.listExpectedCtiResults(FAULTS, Latiss().getCamera())
        for test in result.failures
    }
    limits = {"SERIAL_CTI": 5e-6, "GLOBAL_CTI": 5e-6, "PARALLEL_CTI": 3e-6}
    rows = transfers.get("cpCtiResults")
    found = {
        (str(row["amplifier"]), key)
        for row in rows
        for key, limit in limits.items()
        if row[f"CTI_{key}"] >= limit
    }
    assert found == expected
    bundle = transfers.get("cpCtiRun_metrics")
    for key, tool in {
        "SERIAL_CTI": "ctiSerialCti", "PARALLEL_CTI": "ctiParallelCti", "GLOBAL_CTI": "ctiGlobalCti"
    }.items():  # fmt: skip
        values = {m.metric_name.metric: m.quantity.value for m in bundle[tool]}
        assert values["nFailed"] == sum(test == key for _, test in expected)
        # Of the masked amplifier nothing is known, nor is a fit of 0 a measurement.
        assert values["nValid"] == 15
        assert values["quantityMax"] == pytest.approx(np.nanmax(rows[f"CTI_{key}"]) / limits[key], rel=1e-9)


def test_numbers_are_those_of_the_calibration(transfers):
    cti = transfers.get("cti", detector=0)
    for row in transfers.get("cpCtiResults"):
        name = str(row["amplifier"])
        inside = (cti.signals[name] >= 2e4) & (cti.signals[name] <= 6e4)
        for key, estimates in (("SERIAL", cti.serialEper), ("PARALLEL", cti.parallelEper)):
            values = np.sort(estimates[name][inside])
            middle = values[[(len(values) - 1) // 2, len(values) // 2]].mean()
            np.testing.assert_allclose(row[f"CTI_{key}_CTI"], middle, rtol=1e-12)
        assert row["CTI_GLOBAL_CTI"] == cti.globalCti[name]
        assert row["CTI_SERIAL_TURNOFF"] == cti.serialCtiTurnoff[name] or name == "C11"


def test_measured_are_the_injected_inefficiencies(transfers):
    rows = {str(row["amplifier"]): row for row in transfers.get("cpCtiResults")}
    assert rows["C03"]["CTI_SERIAL_CTI"] == pytest.approx(2e-5, rel=0.02)
    assert rows["C05"]["CTI_PARALLEL_CTI"] == pytest.approx(1e-5, rel=0.02)


def test_nothing_counts_as_a_test_of_cp_verify(transfers):
    assert len(transfers.get("cpCtiRun_culprits")) == 0


def test_parallel_values_are_left_out_by_default():
    camera = Latiss().getCamera()
    cti = simulator.simulateCti(camera[0], camera, seed=3)
    task = MeasureCtiTask(config=MeasureCtiTask.ConfigClass())
    measured = task.amplifierStatistics(cti, camera=camera)
    assert len(measured) == 16
    for own in measured.values():
        assert np.isnan([own["PARALLEL_CTI"], own["PARALLEL_TURNOFF"]]).all()
        assert np.isfinite([own["SERIAL_CTI"], own["SERIAL_TURNOFF"]]).all()


def test_plots_are_written(transfers):
    found = findPlots(transfers, "Cti")
    assert {
        "cpCtiRun_ctiSerialCti_FocalPlaneGeometryPlot",
        "cpCtiRun_ctiParallelCti_FocalPlaneGeometryPlot",
        "cpCtiRun_ctiSerialTurnoff_FocalPlaneGeometryPlot",
        "cpCtiCurvesExtended_ctiCurves_CtiCurvePlot",
        "cpCtiRunExtended_ctiByVendor_VendorHistogramPlot",
        "cpCtiTrend_ctiSerialCtiByDetector_TrendPlot",
    } <= found.keys()
    assert "toolFailures" not in transfers.get("analyzeCtiRun_metadata")["analyzeCtiRun"]


@pytest.mark.parametrize("field", ["serialLimit", "parallelLimit"])
def test_page_and_table_have_to_have_the_same_limits(field):
    pipeline = readPipeline("LATISS/analyzeCti.yaml")
    pipeline.addConfigOverride("measureCti", field, 1e-6)
    with pytest.raises(Exception, match=f"measureCti.{field}"):
        pipeline.to_graph()
