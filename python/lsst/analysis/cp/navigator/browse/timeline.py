# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Calibrations and when they are valid, as far as the Butler finds them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from lsst.analysis.cp.metrics import Association, readAssociations
from lsst.daf.butler import CollectionType

from .validity import Validity, findGaps, findPieces

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

__all__ = [
    "DataKey",
    "Gap",
    "Period",
    "SearchOrder",
    "Step",
    "Timeline",
    "TooManyError",
    "findSearchOrder",
    "readTimeline",
]

type DataKey = tuple[int | str, ...]
"""Values of the required dimensions of a dataset type, in the order of these."""


class TooManyError(ValueError):
    """There are more datasets in collections than are looked at."""


@dataclass(frozen=True)
class SearchOrder:
    """The collections in which a Butler looks for calibrations.

    Parameters
    ----------
    names
        All, in the order of search, with the dataset types that may be in each.
    calibrations
        Names of those that have ranges of validity.
    """

    names: Mapping[str, frozenset[str]]
    calibrations: frozenset[str]

    @property
    def types(self) -> list[str]:
        """Names of the dataset types that are, or were, certified in these."""
        return sorted({each for name in self.calibrations for each in self.names[name]})

    def holding(self, datasetType: str) -> list[str]:
        """Name the collections in which there may be datasets of a type, in the order of search."""
        return [name for name, types in self.names.items() if datasetType in types]


class Step(NamedTuple):
    """A number of calibrations that does not change for a while.

    Parameters
    ----------
    validity
        When.
    n
        The number.
    """

    validity: Validity
    n: int


class Gap(NamedTuple):
    """A time in which there is no valid calibration.

    Parameters
    ----------
    validity
        When.
    keys
        Of which data IDs, sorted.
    """

    validity: Validity
    keys: tuple[DataKey, ...]


@dataclass(frozen=True)
class Period:
    """Calibrations of one type that were made in one run and are valid in one range.

    Parameters
    ----------
    collection
        Where they are certified; a RUN or TAGGED collection, in which they are found at any time, is named
        here, too.
    rank
        Place of this collection in the order of search.
    isCertified
        Whether that is a CALIBRATION collection.
    validity
        When they are valid.
    run
        RUN collection that holds them.
    datasets
        Their ids, by data ID.
    found
        Parts of the range, in the order of time, and how many of them are found then; the others are hidden
        by collections that are searched before this one.
    """

    collection: str
    rank: int
    isCertified: bool
    validity: Validity
    run: str
    datasets: Mapping[DataKey, UUID] = field(repr=False)
    found: tuple[Step, ...]

    @property
    def isHidden(self) -> bool:
        """Whether none of them is ever found."""
        return all(step.n == 0 for step in self.found)

    @property
    def isWhole(self) -> bool:
        """Whether all of them are found at all times of the range."""
        return self.found == (Step(self.validity, len(self.datasets)),)


@dataclass(frozen=True)
class Timeline:
    """The calibrations of a type in collections, and when they are valid.

    Parameters
    ----------
    datasetType
        Name of the type.
    dimensions
        Its required dimensions.
    periods
        The calibrations, in the order of search of their collections, then of time.
    gaps
        When some have no valid calibration, from the first time on at which any has one until the last, in
        the order of time.
    nNever
        Number of certifications whose range has no time in it.
    """

    datasetType: str
    dimensions: tuple[str, ...]
    periods: tuple[Period, ...]
    gaps: tuple[Gap, ...] = ()
    nNever: int = 0

    @cached_property
    def keys(self) -> tuple[DataKey, ...]:
        """All data IDs that have a calibration at some time, sorted."""
        return tuple(sorted({key for period in self.periods for key in period.datasets}))

    @cached_property
    def lacking(self) -> tuple[Step, ...]:
        """How many data IDs have no valid calibration, at all times of gaps."""
        counted = Counter({gap.validity: len(gap.keys) for gap in self.gaps})
        ends = [time for validity in counted for time in validity]
        steps = _makeSteps(counted, Validity(min(ends), max(ends))) if ends else ()
        return tuple(step for step in steps if step.n)

    def findMissing(self, period: Period) -> list[DataKey]:
        """List the data IDs that have calibrations in other periods, and none in one.

        Those only that differ from one of the period in nothing but the detector: a period of one filter
        lacks none of another filter.
        """
        present = {self._others[key] for key in period.datasets}
        return [key for key in self.keys if key not in period.datasets and self._others[key] in present]

    def findWhen(self, period: Period, key: DataKey) -> list[Validity]:
        """List the times in which the calibration of a period is found for a data ID."""
        claims = [each for each in self.periods if key in each.datasets]
        return [validity for each, validity in findPieces(claims) if each is period]

    @cached_property
    def _others(self) -> dict[DataKey, DataKey]:
        """What data IDs have beside the detector."""
        kept = [i for i, name in enumerate(self.dimensions) if name != "detector"]
        return {key: tuple(key[i] for i in kept) for key in self.keys}

    def findAt(self, time: int) -> tuple[list[tuple[Period, list[DataKey]]], list[DataKey]]:
        """Find what is valid at a time, as ``butler.get`` does.

        Parameters
        ----------
        time
            TAI, ns since 1970.

        Returns
        -------
        found
            Periods, and the data IDs whose calibration is that of the period.
        lacking
            Data IDs without a valid calibration.
        """
        known: set[DataKey] = set()
        found = []
        for period in self.periods:
            if period.validity.covers(time) and (new := [key for key in period.datasets if key not in known]):
                known.update(new)
                found.append((period, sorted(new)))
        return found, [key for key in self.keys if key not in known]


def findSearchOrder(butler: Butler, collection: str) -> SearchOrder:
    """Find the collections of a chain in which there are calibrations.

    Parameters
    ----------
    butler
        The repository.
    collection
        A chain, or a CALIBRATION collection.

    Returns
    -------
    order
        The order of search; without names if it has no CALIBRATION collection.

    Raises
    ------
    lsst.daf.butler.MissingCollectionError
        Raised if there is no such collection.
    """
    # A pattern would be taken by the query below.
    butler.collections.get_info(collection)
    infos = butler.collections.query_info(collection, flatten_chains=True, include_summary=True)
    names = {info.name: info.dataset_types or frozenset() for info in infos}
    calibrations = {info.name for info in infos if info.type is CollectionType.CALIBRATION}
    return SearchOrder({n: frozenset(types) for n, types in names.items()}, frozenset(calibrations))


def readTimeline(
    butler: Butler,
    datasetType: str,
    order: SearchOrder,
    values: Mapping[str, int | str] | None = None,
    detectors: Sequence[int] | None = None,
    *,
    limit: int = 100_000,
) -> Timeline:
    """Read when the calibrations of a type are valid.

    Parameters
    ----------
    butler
        The repository.
    datasetType
        The type.
    order
        The collections.
    values
        Which are meant, by dimension; by default all. Dimensions that the type does not have do not matter.
    detectors
        Ids of the detectors that are meant; by default all.
    limit
        The largest number that is looked at.

    Returns
    -------
    timeline
        Their ranges of validity. It has no periods if there are none.

    Raises
    ------
    lsst.daf.butler.MissingDatasetTypeError
        Raised if the repository has no such type.
    TooManyError
        Raised if there are more than the limit.
    """
    dimensions = tuple(butler.get_dataset_type(datasetType).dimensions.required)
    given = {name: value for name, value in (values or {}).items() if name in dimensions}
    where = ""
    if detectors is not None and "detector" in dimensions:
        where = f"detector IN ({', '.join(map(str, detectors))})"
    names = order.holding(datasetType)
    certifications = _Certifications(names)
    for row in readAssociations(butler, datasetType, names, data_id=given, where=where):
        certifications.add(row)
        if certifications.n > limit:
            raise TooManyError(
                f"More than {limit} calibrations of type {datasetType} are in {', '.join(names)}: select an "
                "instrument, a detector or a filter."
            )
    pieces = certifications.findPieces()
    counted: defaultdict[_Certified, Counter[Validity]] = defaultdict(Counter)
    for each in pieces.values():
        for owner, validity in each:
            counted[owner][validity] += 1
    periods = tuple(
        Period(
            collection=names[each.rank],
            rank=each.rank,
            isCertified=names[each.rank] in order.calibrations,
            validity=each.validity,
            run=each.run,
            datasets=datasets,
            found=_makeSteps(counted[each], each.validity),
        )
        for each, datasets in sorted(certifications.datasets.items())
    )
    return Timeline(datasetType, dimensions, periods, _collectGaps(pieces), certifications.nNever)


class _Certified(NamedTuple):
    """What calibrations of a period share: the rank of their collection, their validity, and their run."""

    rank: int
    validity: Validity
    run: str


class _Certifications:
    """Datasets of a type, by what they share."""

    def __init__(self, names: Sequence[str]) -> None:
        self._ranks = {name: rank for rank, name in enumerate(names)}
        self.datasets: defaultdict[_Certified, dict[DataKey, UUID]] = defaultdict(dict)
        self.n = self.nNever = 0

    def add(self, row: Association) -> None:
        """Add a dataset of a collection."""
        self.n += 1
        validity = Validity(*row.timespan.nsec)
        if validity.begin >= validity.end:
            self.nNever += 1
            return
        certified = _Certified(self._ranks[row.collection], validity, row.run)
        self.datasets[certified][tuple(row.dataId.values())] = row.datasetId

    def findPieces(self) -> dict[DataKey, list[tuple[_Certified, Validity]]]:
        """Find, for each data ID, what is found when."""
        claims: defaultdict[DataKey, list[_Certified]] = defaultdict(list)
        for certified, datasets in self.datasets.items():
            for key in datasets:
                claims[key].append(certified)
        return {key: list(findPieces(each)) for key, each in claims.items()}


def _makeSteps(counted: Mapping[Validity, int], within: Validity) -> tuple[Step, ...]:
    """Sum up how many there are, at all times of a range."""
    changes: Counter[int] = Counter({within.begin: 0, within.end: 0})
    for validity, n in counted.items():
        changes[validity.begin] += n
        changes[validity.end] -= n
    times = [time for time in sorted(changes) if changes[time] or time in within]
    numbers = accumulate(changes[time] for time in times)
    return tuple(Step(Validity(*each), n) for each, n in zip(pairwise(times), numbers, strict=False))


def _collectGaps(pieces: Mapping[DataKey, Sequence[tuple[_Certified, Validity]]]) -> tuple[Gap, ...]:
    """Collect the gaps of data IDs that are the same."""
    if not pieces:
        return ()
    within = Validity(
        min(each[0][1].begin for each in pieces.values()), max(each[-1][1].end for each in pieces.values())
    )
    gaps: defaultdict[Validity, list[DataKey]] = defaultdict(list)
    for key, each in pieces.items():
        for gap in findGaps([validity for _, validity in each], within):
            gaps[gap].append(key)
    return tuple(Gap(validity, tuple(sorted(keys))) for validity, keys in sorted(gaps.items()))
