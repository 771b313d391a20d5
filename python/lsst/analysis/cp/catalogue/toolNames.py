# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Names of the tools that measure tests, of all detectors and of some."""

from collections.abc import Mapping
from functools import cache

from .reader import getProduct, products
from .slope import Slope
from .verifyTest import VerifyTest

__all__ = ["SENSOR_GROUPS", "findSlope", "findTest"]

SENSOR_GROUPS: Mapping[str, Mapping[str, list[str]]] = {
    "E2V": {"detectorTypes": ["SCIENCE"], "physicalTypes": ["E2V"]},
    "ITL": {"detectorTypes": ["SCIENCE"], "physicalTypes": ["ITL"]},
    "Guider": {"detectorTypes": ["GUIDER"], "physicalTypes": []},
    "Wavefront": {"detectorTypes": ["WAVEFRONT"], "physicalTypes": []},
}
"""Detectors of LSSTCam that have metrics of their own, by the suffix of the tools' names."""


def findTest(toolName: str) -> VerifyTest | None:
    """Find the test that a tool measures.

    Parameters
    ----------
    toolName
        Name of a tool (``"biasNoise"``, or ``"biasNoiseE2V"`` for some of the detectors).

    Returns
    -------
    test
        The test or stored statistic; None if the catalogue has none of this name.
    """
    return _testsByTool().get(toolName)


def findSlope(toolName: str) -> Slope | None:
    """Find the slope that a tool measures.

    Parameters
    ----------
    toolName
        Name of a tool (``"darkCurrent"``).

    Returns
    -------
    slope
        The slope; None if the catalogue has none of this name.
    """
    return _slopesByTool().get(toolName)


@cache
def _slopesByTool() -> dict[str, Slope]:
    return {slope.toolName: slope for name in products() for slope in getProduct(name).slopes}


@cache
def _testsByTool() -> dict[str, VerifyTest]:
    tests = {test.toolName: test for name in products() for test in getProduct(name)}
    groups = {tool + group: test for tool, test in tests.items() for group in SENSOR_GROUPS}
    return groups | tests
