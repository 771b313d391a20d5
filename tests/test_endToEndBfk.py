# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Brighter-fatter kernels, from simulated correlations to metrics and plots."""

from __future__ import annotations

import numpy as np
import pytest
from pipelineRuns import SimulatedRepository, findPlots

from lsst.daf.butler import Butler
from lsst.obs.lsst import Latiss

simulator = pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of the stand-ins")
pytestmark = pytest.mark.slow

FAULTS = simulator.parseFaults(
    [
        "flippedKernel detector:0 amplifiers:C03",
        "strongBrighterFatter detector:0 amplifiers:C05",
        "maskedAmplifier detector:0 amplifiers:C11",
    ]
)


@pytest.fixture(scope="module")
def kernels(tmp_path_factory) -> Butler:
    """Measure the kernels of a detector, and draw them."""
    repository = SimulatedRepository(tmp_path_factory.mktemp("bfk") / "butler", Latiss)
    butler = simulator.makeRepository(repository.root, Latiss, ())
    simulator.KERNELS.store(butler, Latiss(), Latiss().getCamera(), FAULTS)
    repository.run("analyzeBfk.yaml", "u/first")
    repository.run("trendBfk.yaml", "u/trend")
    return repository.open()


def test_numbers_are_those_of_the_kernels(kernels):
    bfk = kernels.get("bfk", detector=0)
    rows = kernels.get("cpBfkResults")
    assert len(rows) == 16
    for row in rows:
        kernel, correlations = (arrays[row["amplifier"]] for arrays in (bfk.ampKernels, bfk.meanXcorrs))
        assert row["BFK_VALID"] == bfk.valid[row["amplifier"]]
        if not kernel.any():
            assert np.isnan([row["BFK_KERNEL_CENTRE"], row["BFK_KERNEL_SUM"], row["BFK_XCORR_SUM"]]).all()
            continue
        assert row["BFK_KERNEL_CENTRE"] == kernel[8, 8]
        assert row["BFK_KERNEL_SUM"] == pytest.approx(sum(kernel.ravel().tolist()), rel=1e-9)
        assert row["BFK_XCORR_CENTRE"] == correlations[8, 8]
        # Charge is conserved.
        assert abs(row["BFK_XCORR_SUM"]) < 1e-9 * abs(row["BFK_XCORR_CENTRE"])


def test_kernels_that_are_not_valid_are_counted(kernels):
    expected = {
        result.amplifier
        for result in simulator.listExpectedKernelResults(FAULTS, Latiss().getCamera())
        if "VALID" in result.failures
    }
    rows = kernels.get("cpBfkResults")
    assert set(rows["amplifier"][rows["BFK_VALID"] == 0]) == expected == {"C03", "C11"}
    values = {m.metric_name.metric: m.quantity for m in kernels.get("cpBfkRun_metrics")["bfkValid"]}
    assert values["nFailed"].value == 2
    centre = {m.metric_name.metric: m.quantity for m in kernels.get("cpBfkRun_metrics")["bfkKernelCentre"]}
    assert centre["median"].value == pytest.approx(np.nanmedian(rows["BFK_KERNEL_CENTRE"]), rel=1e-12)
    assert centre["median"].unit.to_string() == "1 / electron"
    assert centre["nValid"].value == 15


def test_strength_of_the_effect_shows_in_the_kernel(kernels):
    rows = {str(row["amplifier"]): row["BFK_KERNEL_CENTRE"] for row in kernels.get("cpBfkResults")}
    ratio = rows["C05"] / np.median([rows[f"C1{i}"] for i in (0, 2, 3, 4, 5, 6, 7)])
    assert ratio == pytest.approx(7e-6 / 1.7e-6, rel=0.1)


def test_tests_of_stars_are_in_no_table_yet(kernels):
    assert not any("BRIGHT_SLOPE" in name for name in kernels.get("cpBfkResults").colnames)
    values = {
        m.metric_name.metric: m.quantity.value for m in kernels.get("cpBfkRun_metrics")["bfkBrightSlope"]
    }
    assert values["nTested"] == 0
    assert len(kernels.get("cpBfkRun_culprits")) == 0


def test_plots_are_written(kernels):
    found = findPlots(kernels, "Bfk")
    assert {
        "cpBfkRun_bfkKernelCentre_FocalPlaneGeometryPlot",
        "cpBfkRun_bfkKernelSum_FocalPlaneGeometryPlot",
        "cpBfkKernelsExtended_bfkKernels_KernelGridPlot",
        "cpBfkRunExtended_bfkByVendor_VendorHistogramPlot",
        "cpBfkTrend_bfkKernelCentreByDetector_TrendPlot",
    } <= found.keys()
    assert "toolFailures" not in kernels.get("analyzeBfkRun_metadata")["analyzeBfkRun"]
