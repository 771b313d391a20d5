# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Times of the observations that metrics belong to."""

from __future__ import annotations

__all__ = ["ObservationTimes", "toMjd"]

import math
import warnings
from typing import TYPE_CHECKING

import numpy as np
from astropy.time import Time

from lsst.analysis.cp.core.typing import FloatArray

from .calibrations import CalibrationLookup
from .recordTimes import findObservationTime, findRunTime, parseRunTime

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef


class ObservationTimes:
    """Finds the times of datasets, which are those that records in Sasquatch have.

    Parameters
    ----------
    butler
        The repository, for the times of runs that have none in their names; these are not known if None.
    calibrations
        The calibrations that were verified; None if they are not known.
    """

    def __init__(self, butler: Butler | None = None, calibrations: CalibrationLookup | None = None) -> None:
        self._butler = butler
        self._calibrations = calibrations
        self._runTimes: dict[tuple[str, str], float] = {}

    def find(self, ref: DatasetRef) -> float:
        """Find the time of a dataset.

        Parameters
        ----------
        ref
            The dataset, whose data ID must have dimension records.

        Returns
        -------
        time
            Middle of the exposure, else begin of validity of the calibration, else start of the run; s since
            1970 UTC, NaN if not known.

        Raises
        ------
        ValueError
            Raised if the data ID has no dimension records.
        """
        if not ref.dataId.hasRecords():
            raise ValueError(
                f"the data ID of {ref.datasetType.name} {ref.dataId} has no dimension records: query them"
            )
        run_time = self._findRunTime(ref)
        validity_begin = None
        if self._calibrations is not None:
            time, _ = findObservationTime(ref.dataId, None, run_time)
            calibration = self._calibrations.find(dict(ref.dataId.mapping), time)
            validity_begin = None if calibration is None else calibration.validityBegin
        return findObservationTime(ref.dataId, validity_begin, run_time)[0]

    def _findRunTime(self, ref: DatasetRef) -> float:
        key = (ref.run, ref.datasetType.name)
        if key not in self._runTimes:
            if self._butler is None:
                time = parseRunTime(ref.run)
                self._runTimes[key] = math.nan if time is None else time
            else:
                self._runTimes[key] = findRunTime(self._butler, ref)
        return self._runTimes[key]


def toMjd(seconds: FloatArray) -> FloatArray:
    """Convert times.

    Parameters
    ----------
    seconds
        Since 1970 UTC, NaN where there is none, shape (n,).

    Returns
    -------
    mjd
        Modified Julian dates (TAI, days), NaN where there is none, shape (n,).
    """
    known = np.isfinite(seconds)
    result = np.full(len(seconds), np.nan)
    with warnings.catch_warnings():
        # Leap seconds of the years of an open validity range are not known yet.
        warnings.filterwarnings("ignore", message=".*dubious year")
        result[known] = Time(seconds[known], format="unix").tai.mjd
    return result
