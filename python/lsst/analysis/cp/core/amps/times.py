# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""How long exposures have lasted, and when they were made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lsst.analysis.cp.core.typing import FloatArray, IdArray, NameArray

__all__ = ["RECORD_SOURCE", "ExposureTimes"]

RECORD_SOURCE = "record"
"""Source of a time that the record of the exposure in the Butler holds."""

_SOURCES = {"exposureTime": "exposureTimeSource", "darkTime": "darkTimeSource"}


@dataclass(frozen=True, kw_only=True, eq=False)
class ExposureTimes:
    """Times of some exposures. A time of 0 is one; what is not known, or is negative, is NaN.

    Parameters
    ----------
    exposure
        Exposure ids, each once, shape (m,).
    exposureTime, darkTime
        Exposure time and dark time, shape (m,), s.
    mjd
        Begin of the exposure, shape (m,), days (TAI).
    exposureTimeSource, darkTimeSource
        Where these are from, shape (m,): ``"record"``, ``"header"``, or empty where they are not known.
    """

    exposure: IdArray
    exposureTime: FloatArray
    darkTime: FloatArray
    mjd: FloatArray
    exposureTimeSource: NameArray
    darkTimeSource: NameArray

    @classmethod
    def fromSource(
        cls,
        source: str,
        exposure: IdArray,
        *,
        exposureTime: FloatArray | None = None,
        darkTime: FloatArray | None = None,
        mjd: FloatArray | None = None,
    ) -> ExposureTimes:
        """Make times of one source.

        Parameters
        ----------
        source
            Name of the source.
        exposure
            Exposure ids, each once, shape (m,).
        exposureTime, darkTime, mjd
            As those of the class; None if nothing is known.

        Returns
        -------
        times
            The times.
        """
        n = len(exposure)
        given = {"exposureTime": exposureTime, "darkTime": darkTime, "mjd": mjd}
        values = {}
        for name, known in given.items():
            own = np.full(n, np.nan) if known is None else np.asarray(known, dtype=np.float64)
            values[name] = np.where(np.isfinite(own) & (own >= 0), own, np.nan)
        sources = {key: np.where(np.isnan(values[name]), "", source) for name, key in _SOURCES.items()}
        return cls(exposure=exposure, **values, **sources)

    @classmethod
    def unknown(cls, exposure: IdArray | None = None) -> ExposureTimes:
        """Make times of which none is known, of no exposures if None."""
        return cls.fromSource("", np.empty(0, np.int64) if exposure is None else exposure)

    @classmethod
    def join(cls, parts: Sequence[ExposureTimes]) -> ExposureTimes:
        """Join times: of several values of one exposure, the first that is known is taken."""
        ids = np.unique(np.concatenate([np.empty(0, np.int64), *(part.exposure for part in parts)]))
        joined = cls.unknown(ids)
        for part in reversed(parts):
            own = part.match(ids)
            changes = {}
            for name in ("exposureTime", "darkTime", "mjd"):
                known = ~np.isnan(getattr(own, name))
                for field in (name, _SOURCES.get(name)):
                    if field is not None:
                        changes[field] = np.where(known, getattr(own, field), getattr(joined, field))
            joined = replace(joined, **changes)
        return joined

    def match(self, exposure: IdArray) -> ExposureTimes:
        """Find the times of exposures.

        Parameters
        ----------
        exposure
            Exposure ids, shape (n,).

        Returns
        -------
        times
            Those of each, shape (n,); not known of an exposure that there is not.
        """
        order = np.argsort(self.exposure)
        ids = self.exposure[order]
        place = np.searchsorted(ids, exposure)
        # The last element stands for none.
        found = np.append(ids, -1)[place] == exposure if len(ids) else np.zeros(len(exposure), dtype=bool)
        rows = np.where(found, np.append(order, 0)[place], len(ids))
        values = {name: np.append(getattr(self, name), np.nan)[rows] for name in (*_SOURCES, "mjd")}
        sources = {name: np.append(getattr(self, name), "")[rows] for name in _SOURCES.values()}
        return ExposureTimes(exposure=exposure, **values, **sources)
