# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Calibrations that metrics were measured on, and their ranges of validity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from astropy.time import Time

from lsst.daf.butler import CollectionType

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
        """Tell whether the calibration is valid at a time, s since 1970 UTC."""
        begins = self.validityBegin is None or self.validityBegin <= time
        return begins and (self.validityEnd is None or time < self.validityEnd)


@dataclass(frozen=True, kw_only=True, slots=True)
class Certification:
    """A calibration, and the data id that it is certified for.

    Parameters
    ----------
    calibration
        The calibration.
    dataId
        Its instrument, and its detector and filter if it has them.
    """

    calibration: Calibration
    dataId: Mapping[str, int | str]

    def matches(self, dataId: Mapping[str, int | str]) -> bool:
        """Tell whether a data id has none of these with another value."""
        return all(dataId.get(name, value) == value for name, value in self.dataId.items())


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
        butler
            The repository.
        datasetType
            Dataset type of the calibrations, such as ``bias``.
        collections
            Calibration collections to search, and chains of these.

        Returns
        -------
        lookup
            Their lookup.

        Raises
        ------
        lsst.daf.butler.MissingDatasetTypeError
            Raised if the repository has no such dataset type.
        lsst.daf.butler.MissingCollectionError
            Raised if it has not one of the collections.
        ValueError
            Raised if none is certified in these.
        """
        names = butler.collections.query(
            collections, collection_types=CollectionType.CALIBRATION, flatten_chains=True
        )
        associations = butler.registry.queryDatasetAssociations(
            datasetType, collections=names, collectionTypes={CollectionType.CALIBRATION}
        )
        found = [
            Certification(
                calibration=Calibration(
                    collection=association.collection,
                    run=association.ref.run,
                    datasetId=association.ref.id,
                    validityBegin=_bound(association.timespan and association.timespan.begin),
                    validityEnd=_bound(association.timespan and association.timespan.end),
                ),
                dataId={
                    name: association.ref.dataId[name]
                    for name in _IDENTIFYING
                    if name in association.ref.dataId.dimensions
                },
            )
            for association in associations
        ]
        if not found:
            raise ValueError(f"no {datasetType} is certified in {', '.join(names) or collections}")
        return cls(sorted(found, key=lambda item: names.index(item.calibration.collection)))

    def find(self, dataId: Mapping[str, int | str], time: float) -> Calibration | None:
        """Find the calibration that metrics were measured on.

        Parameters
        ----------
        dataId
            Data id of the metrics.
        time
            Time of the observation or, for metrics without one, of the run; s since 1970 UTC.

        Returns
        -------
        calibration
            The first that is valid at that time. For metrics without observation, which may be older than
            the certification, the only one whatever its validity. None if there is no such.
        """
        key = tuple(dataId.get(name) for name in _IDENTIFYING)
        if key not in self._found:
            self._found[key] = _join(
                item.calibration for item in self._certifications if item.matches(dataId)
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
            joined[key] = Calibration(
                collection=key[0],
                run=first.run if first.run == calibration.run else "",
                validityBegin=key[1],
                validityEnd=key[2],
            )
    return list(joined.values())
