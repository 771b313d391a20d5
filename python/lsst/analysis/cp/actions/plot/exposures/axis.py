# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Places of exposures on an axis of time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from lsst.analysis.cp.actions.plot.text import listFirst, plural
from lsst.analysis.cp.core.amps import ExposureTimes
from lsst.analysis.cp.core.typing import FloatArray, IdArray

__all__ = ["AXES", "ExposureAxis", "countExposures", "listUnplaced", "placeExposures"]

AXES = {
    "darkTime": "Dark time, seconds.",
    "exposureTime": "Exposure time, seconds.",
    "mjd": "Date at which the exposure began.",
    "hours": "Hours since the first exposure.",
}
"""What exposures may be placed by."""

_NOUNS = {"darkTime": "dark time", "exposureTime": "exposure time", "mjd": "date", "hours": "date"}

_MARGIN = 0.04


@dataclass(frozen=True, kw_only=True, eq=False)
class ExposureAxis:
    """Places of exposures.

    Parameters
    ----------
    x
        Place of each exposure, shape (nExposures,); NaN where it is not known.
    label
        What the places are, with unit.
    noun
        What an exposure lacks that has no place.
    limits
        Ends of the axis.
    isSequence
        Whether exposures follow each other, so that a line may join them.
    """

    x: FloatArray
    label: str
    noun: str
    limits: tuple[float, float]
    isSequence: bool


def placeExposures(times: ExposureTimes, by: str) -> ExposureAxis:
    """Place exposures by one of `AXES`."""
    known = np.isfinite(times.mjd)
    first = float(times.mjd[known].min()) if known.any() else np.nan
    if by in ("darkTime", "exposureTime"):
        x: FloatArray = getattr(times, by)
        label = "Dark time (s)" if by == "darkTime" else "Exposure time (s)"
    elif by == "hours":
        x = (times.mjd - first) * 24.0
        label = f"Hours since MJD {first:.4f} (TAI)" if known.any() else "Hours"
    else:
        # A date in full leaves no room for the digits that tell exposures of a night apart.
        day = np.floor(first)
        x, label = times.mjd - day, f"MJD - {day:.0f} (TAI)" if known.any() else "MJD"
    finite = x[np.isfinite(x)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    margin = _MARGIN * (high - low) or 0.05 * abs(high) or 1.0
    return ExposureAxis(
        x=x,
        label=label,
        noun=_NOUNS[by],
        limits=(low - margin, high + margin),
        isSequence=by in ("hours", "mjd"),
    )


def countExposures(axes: Iterable[ExposureAxis], exposures: IdArray) -> str:
    """Count exposures, and those that have no place: ``"5 exposures (1 without dark time)"``."""
    numbers = {axis.noun: np.count_nonzero(~np.isfinite(axis.x)) for axis in axes}
    lost = ", ".join(f"{number} without {noun}" for noun, number in numbers.items() if number)
    return plural(len(exposures), "exposure") + (f" ({lost})" if lost else "")


def listUnplaced(
    axes: Iterable[ExposureAxis], exposures: IdArray, nListed: int
) -> tuple[tuple[str, ...], ...]:
    """List the exposures that have no place on an axis, those of each axis below a title."""
    lost = {axis.noun: exposures[~np.isfinite(axis.x)].astype(np.str_).tolist() for axis in axes}
    return tuple(listFirst(f"Exposures without {noun}", ids, nListed) for noun, ids in lost.items() if ids)
