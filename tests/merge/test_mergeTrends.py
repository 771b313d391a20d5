# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The metrics that a merge leaves are read as one history, from bundles or from tables."""

import numpy as np
import pytest

from lsst.analysis.cp.metrics import Labels, readButler
from lsst.analysis.cp.tasks.merge import ExpMergeAnalysisTask
from lsst.pipe.base import PipelineGraph

EXPOSURES = (2026010100001, 2026010100002)


@pytest.fixture(scope="module")
def merged(comCam, addMerge):
    """Merge the detectors of two exposures, of which the second lacks detector 3."""
    graph = PipelineGraph()
    addMerge(graph, "trendMerge", ExpMergeAnalysisTask, "verifyBiasDet", "trendMergeOut")
    return comCam.run(graph)


@pytest.fixture(scope="module")
def table(merged, comCam):
    """Read the detector summary tables."""
    names = "cpTrendMerge_detectorSummary"
    return readButler(merged, merged.collections.defaults, datasetTypes=names, product="bias")


def test_tablesHoldTheMetricsOfDetectors(merged, comCam, table):
    collections = merged.collections.defaults
    bundles = readButler(merged, collections, datasetTypes="cpTrendMergeDet_metrics", camera=comCam.camera)
    missing = (table.detector == 3) & (table.exposure == EXPOSURES[1])
    assert missing.any()
    found = table.select(~missing)
    for name, column in bundles.columns().items():
        other = found.columns()[name]
        if isinstance(column, Labels):
            column, other = (np.where(each.present, each.values, "-") for each in (column, other))
        np.testing.assert_array_equal(column, other, name)


def test_aMissingDetectorHasNoValues(table):
    rows = (table.detector == 3) & (table.exposure == EXPOSURES[1])
    medians = table.select(rows & table.measurement.isName("median"))
    assert set(medians.nValid.tolist()) == {0}
    assert np.isnan(medians.value).all()


def test_verdictsAreThoseOfTheTables(merged, table):
    """What the summary calls good has passed, and what it calls failed has not."""
    for exposure in EXPOSURES:
        summary = merged.get("cpTrendMerge_detectorSummary", exposure=exposure)
        rows = table.metric.isName("biasNoise") & table.measurement.isName("nFailed")
        own = table.select(rows & (table.exposure == exposure))
        assert own.detector.tolist() == summary["detector"].tolist()
        assert own.passed.values.tolist() == summary["NOISE_status"].tolist()
