# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Results of pipelines that do not apply the gains: in ADU, and compared with electrons as electrons."""

import logging

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lsst.analysis.cp.actions.plot.amps.marginStripPlot import rankMargins
from lsst.analysis.cp.atools import addExtendedTools, addTools
from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.core.amps import (
    GOOD,
    UNKNOWN,
    ExposureTimes,
    ReferenceValues,
    ampSummaryTable,
    culpritsTable,
)
from lsst.analysis.cp.tasks import DetectorPagesTask
from lsst.analysis.cp.tasks.merge import ExpMergeAnalysisTask, RunMergeAnalysisTask
from lsst.analysis.cp.tasks.runner import ToolRunner
from lsst.obs.lsst import LsstComCam

PRODUCTS = ("bias", "dark", "flat")


def inAdu(product, columns, gain):
    """Divide those columns by the gain that are in electrons."""
    in_adu = {test.statisticColumn for test in product.withoutGains() if test.inAdu}
    return {name: values / gain if name in in_adu else values for name, values in columns.items()}


@pytest.fixture
def tables(columns, layout, read):
    """Read the same biases in electrons and in ADU."""
    product = getProduct("bias")
    rows = layout.findAmps(columns["detector"], columns["amplifier"])
    in_adu = inAdu(product, columns, layout.ampGain[rows])
    return read(columns, product), read(in_adu, getProduct("bias", gainsApplied=False))


@pytest.mark.parametrize("name", PRODUCTS)
def test_units_without_gains(name):
    product, other = getProduct(name), getProduct(name, gainsApplied=False)
    assert other.keys() == product.keys()
    for test in product:
        unit = other[test.key].unit
        assert unit == (test.unit if "adu" in test.unit else test.unit.replace("electron", "adu"))
        assert other[test.key].inAdu == (unit != test.unit)
    assert other.images["exposure"].unit == "adu"


def test_quantities_are_the_same_as_with_gains(tables):
    with_gains, without = tables
    for test in with_gains.tests:
        if test.quantity is not None:
            assert_allclose(without.quantity(test), with_gains.quantity(test), rtol=1e-12)
            assert_array_equal(without.suspicious(test), with_gains.suspicious(test))


@pytest.mark.parametrize(
    ("name", "needing"),
    [
        ("bias", {"NOISE", "NOISE_TWO_SIDED"}),
        ("dark", {"NOISE", "NOISE_TWO_SIDED"}),
        ("flat", {"NOISE", "NOISE_WITH_READ_NOISE"}),
    ],
)
def test_gain_is_needed_where_it_does_not_cancel(name, needing):
    product = getProduct(name, gainsApplied=False)
    found = {
        test.key
        for test in product
        if test.quantity and product.awaitsGain(test, test.quantity, test.quantityNames, test.quantityUnit)
    }
    assert found == needing


def test_statistics_stay_in_adu(tables):
    with_gains, without = tables
    gain = with_gains.gain
    assert_allclose(without.statistics["BIAS_NOISE"], with_gains.statistics["BIAS_NOISE"] / gain)
    written = ampSummaryTable(without)
    assert (written["NOISE_value"].unit, written["readNoise"].unit) == ("adu", "electron")
    assert written["READ_NOISE_CONSISTENT_value"].unit == "adu"


def test_unknown_gain_leaves_unknown_what_needs_it(passing, layout, read):
    reference = ReferenceValues(
        detector=np.array([5]),
        amplifier=np.array(["C00"]),
        readNoise=np.ma.masked_all(1),
        gain=np.array([0.0]),
    )
    table = read(passing, getProduct("bias", gainsApplied=False), reference=reference)
    own = (table.rows["amplifier"].detectorIndex == 1) & (layout.ampName[table.ampIndex] == "C00")
    assert np.isnan(table.quantity(table.product["NOISE"])[own]).all()
    assert set(table.status(table.product["NOISE"])[own].tolist()) == {UNKNOWN}
    assert np.isfinite(table.quantity(table.product["MEAN"])[own]).all()
    culprits = culpritsTable(table)
    reasons = culprits[(culprits["test"] == "NOISE") & (culprits["detector"] == 5)]
    assert "passed by cp_verify, but the gain is no positive number" in set(reasons["reason"])


def test_pass_of_adu_against_electrons_is_not_good(passing, layout, read):
    """Noise of 1.15 read noises is below the read noise in ADU, so that cp_verify passes it."""
    rows = layout.findAmps(passing["detector"], passing["amplifier"])
    gain, noise = layout.ampGain[rows], layout.ampReadNoise[rows]
    high = passing["detector"] == 7
    passing["BIAS_NOISE"] = np.where(high, 1.15, 1.0) * noise / gain
    table = read(passing, getProduct("bias", gainsApplied=False))
    test = table.product["NOISE"]
    assert ((passing["BIAS_NOISE"] - noise) / noise <= 0.05).all()
    assert_array_equal(table.status(test), np.where(high, UNKNOWN, GOOD))
    culprits = culpritsTable(table)
    reasons = set(culprits[(culprits["test"] == "NOISE") & (culprits["detector"] == 7)]["reason"])
    assert reasons == {
        "passed by cp_verify, but it has compared ADU with electrons, and (NOISE - RN)/RN does not pass"
    }


def test_rate_of_a_dark_is_in_adu(columns, read):
    dark = {name.replace("BIAS", "DARK"): values for name, values in columns.items()}
    ids = np.array([101, 102, 103])
    times = ExposureTimes.fromSource("record", ids, darkTime=np.full(3, 10.0))
    table = read(dark, getProduct("dark", gainsApplied=False), reference=ReferenceValues.empty(times))
    assert_allclose(table.statistics["DARK_MEAN_RATE"], dark["DARK_MEAN"] / 10)
    assert ampSummaryTable(table)["MEAN_RATE_value"].unit == "adu / s"


def test_tools_of_a_run_are_in_adu():
    """Also those of its exposures one by one, and the pages of its detectors."""
    found = {}
    for product in ("dark", "flat"):
        config, pages = RunMergeAnalysisTask.ConfigClass(), DetectorPagesTask.ConfigClass()
        addTools(config, product, "run")
        addExtendedTools(pages, product, "runDetector")
        for each in (config, pages):
            each.connections.outputName = "cpRun"
            each.gainsApplied = False
            each.freeze()
            found |= dict(each.atools.items())
    tool = found["darkCurrent"]
    assert {tool.produce.metric.units[name] for name in ("min", "median", "max")} == {"adu / s"}
    assert (tool.produce.plot.unit, tool.produce.plot.quantityUnit) == ("adu / s", "adu / s")
    page = found["darkCurrentByAmp"].produce.plot
    assert (page.unit, page.slopeUnit) == ("adu", "adu / s")
    rate = getProduct("flat", gainsApplied=False)["RATE"].unit
    assert rate == "adu / s"
    for name in ("flatRateByDate", "flatRateByExposureTime", "flatRateByAmp"):
        assert found[name].produce.plot.unit == rate
    for name, each in found.items():
        for field in ("unit", "quantityUnit", "slopeUnit"):
            assert "electron" not in getattr(each.produce.plot, field, ""), name


def test_no_margin_without_gains_is_in_electrons(tables):
    """Where a limit is 0, the margin is in the unit of the quantity."""
    _, without = tables
    for test in without.tests:
        if test.quantity is not None:
            assert "electron" not in rankMargins(without, test).unit


def test_metrics_plots_and_tables_of_a_merge_are_in_adu():
    camera = LsstComCam().getCamera()
    keys = [(1, d.getId(), a.getName(), a.getGain(), a.getReadNoise()) for d in camera for a in d]
    exposure, detector, amplifier, gain, noise = map(np.array, zip(*keys, strict=True))
    columns = {"exposure": exposure, "detector": detector, "amplifier": amplifier}
    for test in getProduct("dark"):
        columns |= dict.fromkeys(test.statisticColumns, noise / gain)
        if test.verifyColumn:
            columns[test.verifyColumn] = np.ones(len(keys), dtype=bool)
    config = ExpMergeAnalysisTask.ConfigClass()
    config.connections.outputName = "cpDark"
    addTools(config, "dark", "exposure")
    config.gainsApplied = False
    config.freeze()
    runner = ToolRunner(logging.getLogger(__name__), {"tableName": "t", "run": "r"})
    outputs = ExpMergeAnalysisTask(config=config).analyze(columns, runner, camera=camera, detectors=[(1, 0)])
    assert runner.failures == {}
    found = {str(m.metric_name): m.quantity for m in outputs.metrics["darkNoise"]}
    assert (found["max"].unit, found["quantityMax"].unit) == ("adu", "")
    assert found["max"].value == pytest.approx(max(noise / gain))
    # Converted by the gain, the noise is the read noise.
    assert found["quantityMax"].value == pytest.approx(0, abs=1e-9)
    of_detector = {str(m.metric_name): m.quantity for m in next(outputs.detectorMetrics)["darkNoise"]}
    assert of_detector["max"].unit == "adu"
    assert outputs.detectorSummary["NOISE_max"].unit == "adu"
    assert config.atools.darkNoise.produce.plot.unit == "adu"
    assert config.atools.darkMeanRate.produce.plot.unit == "adu / s"
