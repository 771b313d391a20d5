# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Calibrations that metrics were measured on, and their ranges of validity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from astropy.time import Time

from lsst.daf.butler import CollectionType

from .associations import readAssociations
from .times import toUnix

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

__all__ = ["Calibration", "CalibrationLookup", "Certification"]

_IDENTIFYING = ("instrument", "detector", "physical_filter")


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """The calibration whose verification gave metrics.

    Parameters
    ----------
    collection
        Collection in which it is certified.
    run
        RUN collection in which it was made; empty where the metrics are of datasets of several.
    datasetId
        Its id; None where the metrics are of several datasets.
    validityBegin, validityEnd
        Validity range, s since 1970 UTC; None where unbounded.
    """

    collection: str
    run: str = ""
    datasetId: UUID | None = None
    validityBegin: float | None = None
    validityEnd: float | None = None

    def covers(self, time: float) -> bool:
        """Tell whether the calibration is valid at a time."""
        begins = self.validityBegin is None or self.validityBegin <= time
        return begins and (self.validityEnd is None or time < self.validityEnd)


class Certification(NamedTuple):
    """A calibration, and its instrument, and its detector and filter as far as it is of one."""

    calibration: Calibration
    dataId: Mapping[str, int | str]


class CalibrationLookup:
    """Finds the calibration that metrics were measured on.

    Parameters
    ----------
    certifications
        All calibrations; those of the collection that is searched first come first.
    """

    def __init__(self, certifications: Iterable[Certification]) -> None:
        self._certifications = tuple(certifications)
        self._found: dict[tuple[int | str | None, ...], list[Calibration]] = {}

    @classmethod
    def fromButler(
        cls, butler: Butler, datasetType: str, collections: str | Iterable[str]
    ) -> CalibrationLookup:
        """Read all calibrations of a type.

        Parameters
        ----------
        butler, datasetType, collections
            The repository, the calibrations' dataset type (``bias``), and calibration collections or chains.

        Returns
        -------
        lookup
            Their lookup.

        Raises
        ------
        ValueError
            Raised if none is certified in these.
        """
        names = butler.collections.query(
            collections, collection_types=CollectionType.CALIBRATION, flatten_chains=True
        )
        found = [
            Certification(
                Calibration(
                    collection=association.collection,
                    run=association.run,
                    datasetId=association.datasetId,
                    validityBegin=_bound(association.timespan.begin),
                    validityEnd=_bound(association.timespan.end),
                ),
                {n: value for n, value in association.dataId.items() if n in _IDENTIFYING},
            )
            for association in readAssociations(butler, datasetType, names)
        ]
        if not found:
            raise ValueError(f"no {datasetType} is certified in {', '.join(names) or collections}")
        return cls(sorted(found, key=lambda item: names.index(item.calibration.collection)))

    def find(self, dataId: Mapping[str, int | str], time: float) -> Calibration | None:
        """Find the calibration that metrics were measured on; None if there is no such.

        That is the first that is valid at the time of the observation or, for metrics without one, of the run
        (s since 1970 UTC); for metrics without observation, which may be older than the certification, the
        only one whatever its validity.
        """
        key = tuple(dataId.get(name) for name in _IDENTIFYING)
        if key not in self._found:
            self._found[key] = _join(
                calibration
                for calibration, certified in self._certifications
                if all(dataId.get(name, value) == value for name, value in certified.items())
            )
        candidates = self._found[key]
        valid = [calibration for calibration in candidates if calibration.covers(time)]
        if not valid and len(candidates) == 1 and not {"exposure", "visit"} & dataId.keys():
            valid = candidates
        return valid[0] if valid else None


def _bound(time: object) -> float | None:
    """Convert a bound of a range of validity; None if there is none."""
    return toUnix(time) if isinstance(time, Time) else None


def _join(calibrations: Iterable[Calibration]) -> list[Calibration]:
    """Make one of all calibrations of a collection with the same range of validity."""
    joined: dict[tuple[str, float | None, float | None], Calibration] = {}
    for calibration in calibrations:
        key = (calibration.collection, calibration.validityBegin, calibration.validityEnd)
        first = joined.setdefault(key, calibration)
        if first is not calibration:
            run = first.run if first.run == calibration.run else ""
            joined[key] = replace(first, run=run, datasetId=None)
    return list(joined.values())
