# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Names and units of the measurements that tools emit."""

from .product import Test

__all__ = ["MEASUREMENT_LEVELS", "measurementUnits", "summaryColumn", "validityCount"]

_SHARED = ("nAmps", "nExposures")

_COMPLETENESS = ("nDetectors", "nDetectorsMissing", "nAmpsMissing")

_COUNTS: dict[str, tuple[str, ...]] = {
    "detector": (),
    "runDetector": ("nExposures",),
    "exposure": _COMPLETENESS,
    "run": (*_COMPLETENESS, "nExposures"),
}
_TEST_COUNTS: dict[str, tuple[str, ...]] = {
    "detector": (),
    "runDetector": ("nExposuresFailed",),
    "exposure": ("nDetectorsFailed",),
    "run": ("nDetectorsFailed", "nExposuresFailed", "nExposuresOverLimit", "majorityFailed"),
}

MEASUREMENT_LEVELS = tuple(_COUNTS)
"""What one bundle belongs to: a detector of an exposure, a detector of a run, an exposure, or a run."""


def measurementUnits(test: Test, level: str) -> dict[str, str]:
    """Get the measurements of a test, which depend on its declaration and the level only.

    Parameters
    ----------
    test
        The test.
    level
        One of `MEASUREMENT_LEVELS`.

    Returns
    -------
    units
        Unit of each measurement by its name, as astropy spells it; empty for counts.

    Raises
    ------
    KeyError
        If there is no such level.
    """
    units: dict[str, str] = {}
    counts: tuple[str, ...] = ("nAmps", *_COUNTS[level])
    if test.statistic is not None:
        units |= dict.fromkeys(("min", "median", "max"), test.unit)
        counts += ("nValid",)
    if test.quantity is not None:
        units |= dict.fromkeys(("quantityMin", "quantityMedian", "quantityMax"), test.quantityUnit)
    if test.verify is not None:
        counts += ("nTested", "nFailed", *_TEST_COUNTS[level])
    return units | dict.fromkeys(counts, "")


def summaryColumn(test: Test, measurement: str) -> str:
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
    return measurement if measurement in _SHARED else f"{test.key}_{measurement}"


_REDUCTIONS = frozenset(("min", "median", "max", "quantityMin", "quantityMedian", "quantityMax"))


def validityCount(measurement: str) -> str | None:
    """Name the measurement that tells whether another is valid.

    Parameters
    ----------
    measurement
        Name of the other.

    Returns
    -------
    name
        Where this is 0, the other is not valid, whatever its value; None if it always is valid.
    """
    if measurement in _REDUCTIONS:
        return "nValid"
    if measurement.startswith("max") and measurement.endswith("Score"):
        return f"n{measurement.removeprefix('max').removesuffix('Score')}"
    return None
