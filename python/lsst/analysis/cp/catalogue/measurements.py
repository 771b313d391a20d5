# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The table of measurements: all that tools emit of a test, and what it means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from .level import LEVELS, Level

if TYPE_CHECKING:
    from .verifyTest import VerifyTest

__all__ = [
    "MEASUREMENTS",
    "MeasurementKind",
    "ROWS",
    "explainMeasurement",
    "measurementUnits",
    "measurementsOf",
    "summaryColumn",
    "validityCount",
]

ROWS = {"amplifier": "amplifiers", "detector": "detectors", "exposure": "exposures"}
"""What one row of a test may be, with the plural."""

_CAMERA = ("exposure", "run")
_EVERYWHERE = MappingProxyType(dict.fromkeys(("amplifier", "detector"), LEVELS) | {"exposure": _CAMERA})


@dataclass(frozen=True, kw_only=True)
class MeasurementKind:
    """One measurement that tools emit of a test.

    Parameters
    ----------
    name
        Name of the measurement, which is that of the field in Sasquatch.
    meaning
        What it is, in a sentence with the places ``{statistic}``, ``{quantity}``, ``{key}`` and ``{rows}``
        (plural of what one row of the test is).
    of
        What it is made of: ``"statistic"``, ``"quantity"``, ``"verdict"``, ``"plausibility"`` or
        ``"rows"``. A test that lacks it does not have the measurement.
    unitOf
        Whose unit it has: ``"statistic"`` or ``"quantity"``; empty for counts, which have none.
    levels
        Levels at which it is made, by what one row of the test is.
    countsEpochs
        Whether it counts exposures or visits, so that there is none without these.
    validWhere
        Name of the count that is 0 where the measurement has no value; None if it always has one.
    worse
        End at which the amplifier is that decides: ``"low"``, ``"high"``; None if none does.
    words
        What it is, in the label of an axis after the name of the statistic; empty if it has no such label.
    """

    name: str
    meaning: str
    of: str
    unitOf: str = ""
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _EVERYWHERE)
    countsEpochs: bool = False
    validWhere: str | None = None
    worse: str | None = None
    words: str = ""

    def isMadeAt(self, row: str, level: Level) -> bool:
        """Tell whether tests with such rows have the measurement at a level."""
        return level.name in self.levels.get(row, ()) and (level.hasEpochs or not self.countsEpochs)


def _reduction(name: str, of: str, what: str, worse: str | None, words: str) -> MeasurementKind:
    meaning = f"{what} of {{{of}}} over {{rows}}."
    return MeasurementKind(
        name=name, meaning=meaning, of=of, unitOf=of, validWhere="nValid", worse=worse, words=words
    )


_KINDS = (
    _reduction("min", "statistic", "Minimum", "low", "least amplifier"),
    _reduction("median", "statistic", "Median", None, "median of amplifiers"),
    _reduction("max", "statistic", "Maximum", "high", "largest amplifier"),
    _reduction("quantityMin", "quantity", "Minimum", "low", "least amplifier"),
    _reduction("quantityMedian", "quantity", "Median", None, "median of amplifiers"),
    _reduction("quantityMax", "quantity", "Maximum", "high", "largest amplifier"),
    MeasurementKind(
        name="nAmps", meaning="Number of amplifiers with results.", of="rows", levels={"amplifier": LEVELS}
    ),
    MeasurementKind(
        name="nDetectors",
        meaning="Number of detectors with results.",
        of="rows",
        levels={"amplifier": _CAMERA, "detector": LEVELS},
    ),
    MeasurementKind(
        name="nDetectorsMissing",
        meaning="Number of detectors without results.",
        of="rows",
        levels={"amplifier": _CAMERA, "detector": _CAMERA},
    ),
    MeasurementKind(
        name="nAmpsMissing",
        meaning="Number of amplifiers without results.",
        of="rows",
        levels={"amplifier": _CAMERA},
    ),
    MeasurementKind(
        name="nExposures",
        meaning="Number of exposures.",
        of="rows",
        levels=dict.fromkeys(("amplifier", "detector"), ("runDetector", "run")) | {"exposure": _CAMERA},
        countsEpochs=True,
    ),
    MeasurementKind(name="nValid", meaning="Number of {rows} with a finite {statistic}.", of="statistic"),
    MeasurementKind(name="nTested", meaning="Number of {rows} with a verdict of {key}.", of="verdict"),
    MeasurementKind(
        name="nFailed",
        meaning="Number of {rows} that failed {key}.",
        of="verdict",
        worse="high",
        words="failed",
    ),
    MeasurementKind(
        name="nSuspicious",
        meaning="Number of {rows} whose {statistic} is too low to be plausible, whatever the verdict.",
        of="plausibility",
        worse="high",
        words="suspicious",
    ),
    MeasurementKind(
        name="nDetectorsFailed",
        meaning="Number of detectors with an amplifier that failed {key}.",
        of="verdict",
        levels=dict.fromkeys(("amplifier", "detector"), _CAMERA),
        worse="high",
    ),
    MeasurementKind(
        name="nExposuresFailed",
        meaning="Number of exposures with an amplifier that failed {key}.",
        of="verdict",
        levels=dict.fromkeys(("amplifier", "detector"), ("runDetector", "run")) | {"exposure": ("run",)},
        countsEpochs=True,
        worse="high",
    ),
    MeasurementKind(
        name="nExposuresOverLimit",
        meaning="Number of exposures in which {key} failed for the majority of detectors.",
        of="verdict",
        levels=dict.fromkeys(("amplifier", "detector"), ("run",)),
        countsEpochs=True,
        worse="high",
    ),
    MeasurementKind(
        name="majorityFailed",
        meaning="Whether {key} failed for the majority of detectors in the majority of exposures.",
        of="verdict",
        levels=dict.fromkeys(("amplifier", "detector"), ("run",)),
        countsEpochs=True,
        worse="high",
    ),
)

MEASUREMENTS: Mapping[str, MeasurementKind] = MappingProxyType({kind.name: kind for kind in _KINDS})
"""All measurements of tests by name, in the order in which they are emitted."""


@cache
def measurementsOf(test: VerifyTest, level: Level) -> tuple[MeasurementKind, ...]:
    """List what tools emit of a test at a level; never the data decide.

    Parameters
    ----------
    test
        The test.
    level
        The level.

    Returns
    -------
    kinds
        In the order of `MEASUREMENTS`; none if the test is not measured at this level, as a statistic that is
        the same in all exposures is not measured in each.
    """
    if not test.isMeasuredAt(level):
        return ()
    return tuple(
        kind for kind in _KINDS if kind.isMadeAt(test.row, level) and (kind.of == "rows" or test.has(kind.of))
    )


@cache
def measurementUnits(test: VerifyTest, level: Level) -> Mapping[str, str]:
    """Get the unit of each measurement of a test.

    Parameters
    ----------
    test
        The test.
    level
        The level.

    Returns
    -------
    units
        By the name of the measurement, as astropy spells it; empty for counts.
    """
    units = {kind.name: test.measurementUnit(kind.name) for kind in measurementsOf(test, level)}
    return MappingProxyType(units)


_SCORE = re.compile(r"max(\w+)Score")


def validityCount(measurement: str) -> str | None:
    """Name the measurement that tells whether another has a value.

    Parameters
    ----------
    measurement
        Name of the other: of a test, or of the structures in an image.

    Returns
    -------
    name
        Where this is 0, the other has no value, whatever is stored; None if it always has one.
    """
    if match := _SCORE.fullmatch(measurement):
        return f"n{match.group(1)}"
    kind = MEASUREMENTS.get(measurement)
    return None if kind is None else kind.validWhere


def summaryColumn(test: VerifyTest, measurement: str) -> str:
    """Name the column of detector summary tables that holds a measurement.

    Parameters
    ----------
    test
        The test.
    measurement
        Name of the measurement.

    Returns
    -------
    column
        Counts that all tests share have columns without the test's key before them.
    """
    return measurement if MEASUREMENTS[measurement].of == "rows" else f"{test.key}_{measurement}"


def explainMeasurement(test: VerifyTest, measurement: str) -> str:
    """Say in a sentence what a measurement of a test is; `KeyError` if there is no such measurement."""
    return MEASUREMENTS[measurement].meaning.format(
        statistic=test.statistic, quantity=test.quantity, key=test.key, rows=ROWS[test.row]
    )
