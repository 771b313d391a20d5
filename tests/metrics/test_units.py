# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Measurements and units of all tools, without a list of topics."""

import pytest

from lsst.analysis.cp.metrics import declaredMeasurements, measurementUnit

FAILURES = [
    *("nAmps", "nAmpsFailed", "nAmpsSuspicious"),
    *("nDetectorsGood", "nDetectorsFailed", "nDetectorsUnknown"),
]


@pytest.mark.parametrize(
    ("tool", "measurement", "unit"),
    [
        ("biasNoise", "median", "electron"),
        ("biasNoiseE2V", "median", "electron"),
        ("biasNoise", "quantityMax", ""),
        ("biasReadNoiseAdu", "max", "adu"),
        ("biasNoise", "nFailed", ""),
        ("biasNoise", "majorityFailed", ""),
        ("biasFailures", "nAmpsFailed", ""),
        ("biasStructures", "maxGlowScore", ""),
        ("biasNoise", "largestStep", "electron"),
        ("biasNoise", "steepestDrift", "electron / yr"),
        ("biasNoiseByRaft", "median", "electron"),
        ("biasNoiseQuantityByDetector", "steepestDrift", "1 / yr"),
        ("biasSuccessFailuresByDetector", "largestStep", ""),
        ("biasNoise", "unheard", None),
        ("anyTool", "mean", None),
        ("anyTool", "nThings", ""),
    ],
)
def test_unit_of_a_measurement(tool, measurement, unit):
    assert measurementUnit(tool, measurement) == unit


@pytest.mark.parametrize(
    ("level", "more"),
    [("detector", []), ("exposure", []), ("run", ["nExposures", "nExposuresOverLimit", "majorityFailed"])],
)
def test_failures_are_counted_at_each_level(level, more):
    assert list(declaredMeasurements("biasFailures", level)) == FAILURES + more


def test_the_history_of_a_test_is_told_from_the_test():
    """Both tools may have one name."""
    assert "nTested" in declaredMeasurements("biasNoise", "run")
    assert "nChangePoints" in declaredMeasurements("biasNoise", "run", {"nSeries", "median"})


def test_nothing_is_known_of_other_tools():
    assert declaredMeasurements("anyTool", "exposure") == {}
