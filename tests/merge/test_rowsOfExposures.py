# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Rows of exposures in the merged tables of real flats, which are repeated or absent."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from astropy.table import Table, vstack
from pyarrow import parquet

from lsst.analysis.cp.atools import addTools
from lsst.analysis.cp.tasks.merge import FlatExpMergeAnalysisTask, RunMergeByFilterAnalysisTask
from lsst.analysis.cp.tasks.runner import ToolRunner
from lsst.analysis.tools.interfaces import NoPlot
from lsst.daf.butler.formatters.parquet import arrow_to_astropy
from lsst.obs.lsst import LsstComCam

EXPOSURES = (2024110501201, 2024110501202)
KINDS = {"exposure": FlatExpMergeAnalysisTask, "run": RunMergeByFilterAnalysisTask}
FILES = {"exposure": f"verifyFlatExpResults_{EXPOSURES[0]}_r_03", "run": "verifyFlatResults_r_03"}


def isOfExposure(table: Table) -> Any:
    """Tell which rows are of exposures."""
    return ~np.ma.getmaskarray(table["flat_SCATTER"])


def repeatRow(table: Table) -> Table:
    """Repeat the row of the first exposure."""
    return vstack([table, table[np.flatnonzero(isOfExposure(table))[:1]]])


def removeColumns(table: Table) -> Table:
    """Remove the rows of exposures with their columns, as if nobody measured exposures."""
    kept = table[~isOfExposure(table)]
    kept.remove_columns([name for name in kept.colnames if name.startswith("flat_")])
    return kept


def removeRow(table: Table) -> Table:
    """Remove the row of the first exposure."""
    return table[np.arange(len(table)) != np.flatnonzero(isOfExposure(table))[0]]


@pytest.fixture(scope="module")
def load(sharedData) -> Callable[[str], Table]:
    """Return a reader of the tables of cp_verify."""
    folder = sharedData / "tables" / "flat"
    if not folder.is_dir():
        pytest.skip(f"needs the results of cp_verify: no directory {folder}")
    return lambda level: arrow_to_astropy(parquet.read_table(folder / f"{FILES[level]}.parq"))


def analyze(table: Table, level: str) -> tuple[Any, dict[str, str]]:
    """Analyze a merged table; return the outputs, and what failed."""
    config = KINDS[level].ConfigClass()
    config.connections.outputName = "cpFlat"
    addTools(config, "flat", level)
    for name, tool in config.atools.items():
        if name != "flatFailuresByAmp":
            tool.produce.plot = NoPlot
    config.freeze()
    camera = LsstComCam().getCamera()
    detectors = [(EXPOSURES[0] if level == "exposure" else None, detector.getId()) for detector in camera]
    runner = ToolRunner(logging.getLogger(__name__), {})
    outputs = KINDS[level](config=config).analyze(table.columns, runner, camera=camera, detectors=detectors)
    return outputs, runner.failures


def describe(bundle: Any) -> dict[str, dict[str, str]]:
    """Describe a bundle, so that equal ones compare equal with NaN."""
    return {
        tool: {str(m.metric_name): str(m.quantity) for m in measured} for tool, measured in bundle.items()
    }


@pytest.mark.parametrize("level", KINDS)
def test_repeated_row_of_an_exposure_costs_the_exposure(load, level):
    """All is as if the exposure had no row of its own."""
    expected, _ = analyze(removeRow(load(level)), level)
    outputs, failures = analyze(repeatRow(load(level)), level)
    message = f"1 exposure(s) have more than one row: exposure {EXPOSURES[0]}"
    assert failures == {f"exposure {EXPOSURES[0]}": f"AmpKeyError: {message}"}
    assert describe(outputs.metrics) == describe(expected.metrics)
    for name in ("detectorSummary", "ampSummary", "culprits"):
        assert getattr(outputs, name).pformat(-1, -1) == getattr(expected, name).pformat(-1, -1)


@pytest.mark.parametrize("level", KINDS)
def test_absent_columns_of_exposures_cost_no_detector(load, level):
    message = "lacks required column(s) flat_SCATTER, flat_VERIFY_SCATTER"
    expected, failures = analyze(load(level), level)
    assert failures == {}
    outputs, failures = analyze(removeColumns(load(level)), level)
    assert {"reduction", "flatExpScatter", "flatExpScatterFraction"} <= failures.keys()
    assert message in failures["reduction"]
    assert message in failures["flatExpScatter"]
    found, known = describe(outputs.metrics), describe(expected.metrics)
    of_exposures = {"flatExpScatter", "flatExpScatterFraction"}
    assert found.keys() == known.keys() - of_exposures
    assert {tool: known[tool] for tool in found} == found
    assert [describe(bundle) for bundle in outputs.detectorMetrics] == [
        describe(bundle) for bundle in expected.detectorMetrics
    ]
    for name in ("detectorSummary", "ampSummary"):
        assert getattr(outputs, name).pformat(-1, -1) == getattr(expected, name).pformat(-1, -1)
    culprits = expected.culprits[~np.isin(expected.culprits["test"], ["EXP_SCATTER", "EXP_SCATTER_FRACTION"])]
    assert outputs.culprits.pformat(-1, -1) == culprits.pformat(-1, -1)
    assert hasattr(outputs, "cpFlat_flatFailuresByAmp_AmpFailuresPlot")


@pytest.mark.parametrize("level", KINDS)
def test_exposure_without_a_row_has_no_scatter(load, level):
    table = load(level)
    outputs, failures = analyze(removeRow(table), level)
    assert failures == {}
    left = np.asarray(table["flat_SCATTER"][isOfExposure(table)], dtype=float)[1:]
    for tool in ("flatExpScatter", "flatExpScatterFraction"):
        measured = {str(m.metric_name): m.quantity.value for m in outputs.metrics[tool]}
        assert measured["nExposures"] == measured["nValid"] == measured["nTested"] == len(left)
        np.testing.assert_allclose(measured["median"], left[0] if len(left) else np.nan, rtol=1e-12)
