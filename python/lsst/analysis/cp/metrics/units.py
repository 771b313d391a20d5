# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What each tool measures, and in which units."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cache

import astropy.units as u

from lsst.analysis.cp.catalogue import (
    SENSOR_GROUPS,
    Level,
    Slope,
    findSlope,
    findTest,
    getProduct,
    measurementUnits,
    products,
)
from lsst.analysis.cp.core.structures import STRUCTURE_KINDS

__all__ = [
    "TREND_SUFFIXES",
    "declaredMeasurements",
    "failureUnits",
    "measurementUnit",
    "slopeUnits",
    "structureNames",
    "structureUnits",
    "trendUnits",
    "trendWord",
]

TREND_SUFFIXES: Mapping[str, str] = {
    "detector": "ByDetector",
    "raft": "ByRaft",
    "physicalType": "ByVendor",
    "all": "",
}
"""End of the name of a tool for histories, by what its series belong to."""

_TREND_WORDS = {"median": "", "nFailed": "Failures", "min": "Least", "max": "Largest"}
"""Measurements in names of tools for histories; those of tested quantities have one name."""

_FAILURES = (
    *("nAmps", "nAmpsFailed", "nAmpsSuspicious"),
    *("nDetectorsGood", "nDetectorsFailed", "nDetectorsUnknown"),
)
_MAJORITY = ("nExposures", "nExposuresOverLimit", "majorityFailed")
_STRUCTURES = ("nDetectors", "nDetectorsMissing", "nDetectorsWithStructure")
_HISTORY = (
    *("nSeries", "nEpochs", "nValid", "nChangePoints", "nSeriesChanged", "nSeriesDrifting", "nSeriesApart"),
    *("nOutliers", "nSeriesTested", "nSeriesFailed"),
)
_COUNT = re.compile(r"n[A-Z]\w*|majorityFailed")
"""Names of numbers of things, of tools of the catalogue and of others."""

_STRUCTURE_TOOL = re.compile(rf"\w+Structures({'|'.join(SENSOR_GROUPS)})?")


def failureUnits(level: Level) -> dict[str, str]:
    """List what a tool for the failures of all tests measures: counts, and at level run the majority rule."""
    return dict.fromkeys((*_FAILURES, *(_MAJORITY if level.name == "run" and level.hasEpochs else ())), "")


def slopeUnits(slope: Slope) -> dict[str, str]:
    """List what a tool for a slope measures of the amplifiers of a run."""
    return dict.fromkeys(("min", "median", "max"), slope.unit) | dict.fromkeys(("nAmps", "nValid"), "")


def structureNames(kind: str) -> tuple[str, str]:
    """Name the number of structures of a kind, and their highest significance."""
    capitalized = f"{kind[0].upper()}{kind[1:]}"
    return f"n{capitalized}", f"max{capitalized}Score"


def structureUnits() -> dict[str, str]:
    """List what a tool for structures in images measures; scores are multiples of a standard deviation."""
    return dict.fromkeys(
        (*(name for kind in STRUCTURE_KINDS for name in structureNames(kind)), *_STRUCTURES), ""
    )


def trendUnits(unit: str) -> dict[str, str]:
    """List what a tool for the history of values in a unit measures."""
    a_year = (u.Unit(unit) / u.yr).to_string()
    return dict.fromkeys(_HISTORY, "") | {"median": unit, "largestStep": unit, "steepestDrift": a_year}


def trendWord(measurement: str) -> str:
    """Name a measurement of a test in the name of the tool for its history."""
    return _TREND_WORDS.get(measurement, "Quantity")


@cache
def _trendTools() -> dict[str, str]:
    """Get the unit of the values whose history a tool looks at, by the names of all such tools."""
    return {
        f"{test.toolName}{trendWord(measurement)}{suffix}": test.measurementUnit(measurement)
        for product in products()
        for test in getProduct(product)
        for measurement in (*_TREND_WORDS, "quantityMax")
        for suffix in TREND_SUFFIXES.values()
    }


def declaredMeasurements(tool: str, level: str, stored: Collection[str] = ()) -> Mapping[str, str]:
    """List what a tool measures, whether or not there ever was a value.

    Parameters
    ----------
    tool
        Name of the tool, of which a topic has that after the first underscore.
    level
        What its metrics belong to, one of `~lsst.analysis.cp.catalogue.LEVELS`.
    stored
        Names of measurements of which there are values. They tell a test from its history over all
        exposures, whose tools have the same name.

    Returns
    -------
    units
        Unit of each measurement by its name, as astropy spells it; empty if the tool is not known.
    """
    test = findTest(tool)
    if test is not None and "nSeries" not in stored:
        return measurementUnits(test, Level(level, getProduct(test.product).epoch))
    if tool in _trendTools():
        return trendUnits(_trendTools()[tool])
    if (slope := findSlope(tool)) is not None:
        return slopeUnits(slope)
    for product in map(getProduct, products()):
        if tool == product.failureToolName:
            return failureUnits(Level(level, product.epoch))
    return structureUnits() if _STRUCTURE_TOOL.fullmatch(tool) else {}


def measurementUnit(tool: str, measurement: str) -> str | None:
    """Get the unit of a measurement.

    Parameters
    ----------
    tool
        Name of the tool.
    measurement
        Name of the measurement.

    Returns
    -------
    unit
        As astropy spells it, empty for counts; None if it is not known.
    """
    if _COUNT.fullmatch(measurement):
        return ""
    units = declaredMeasurements(tool, "run", [measurement])
    if measurement not in units and tool in _trendTools():
        units = trendUnits(_trendTools()[tool])
    return units.get(measurement)
