# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What a repository has of an exposure by now: tables of detectors, failures, raws."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lsst.analysis.cp.report.production.reasons import readFailure
from lsst.daf.butler import MissingDatasetTypeError

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DataCoordinate, DatasetRef

__all__ = ["Arrivals", "Member", "Production"]

type Member = tuple[int, int]
"""Ids of an exposure and a detector."""

RAW = "raw"
"""Dataset type of what the camera has sent."""


@dataclass(frozen=True, kw_only=True)
class Production:
    """What became of quanta by now.

    Parameters
    ----------
    begun
        Exposures and detectors that a task has begun with.
    failures
        Why others will have no results.
    """

    begun: frozenset[Member] = frozenset()
    failures: Mapping[Member, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Arrivals:
    """Asks a repository what it has of some exposures.

    Parameters
    ----------
    butler
        The repository.
    instrument
        Name of the instrument.
    exposures
        Ids of the exposures.
    collections
        Collections to search, in their order. What is added to chains among them is found.
    where
        Expression that data IDs fulfil; empty if all do.
    """

    butler: Butler
    instrument: str
    exposures: Sequence[int]
    collections: Sequence[str]
    where: str = ""

    def find(self, datasetType: str) -> dict[Member, DatasetRef]:
        """Find the datasets of a type of exposures and detectors; none if the repository has no such type."""
        # Results are taken at once: an open query keeps others from writing to a SQLite repository.
        with self.butler.query() as query:
            try:
                results = query.datasets(datasetType, self.collections, find_first=True)
            except MissingDatasetTypeError:
                return {}
            given = query.expression_factory.exposure.in_iterable(self.exposures)
            results = results.where(given, instrument=self.instrument)
            if self.where:
                results = results.where(self.where)
            return {_memberOf(ref.dataId): ref for ref in results}

    def findRaws(self) -> set[Member]:
        """Find what the camera has sent."""
        return set(self.find(RAW))

    def findProduction(self, labels: Iterable[str], datasetType: str) -> Production:
        """Find which detectors are worked on, and which will have no dataset of a type.

        Parameters
        ----------
        labels
            Labels of the tasks whose quanta lead to the dataset, that which writes it first.
        datasetType
            The type.

        Returns
        -------
        production
            What is begun, and what has failed, or made nothing. A failure that an earlier attempt left is
            none while the latest RUN collection has nothing of the detector.
        """
        # In this order: what is found later is written earlier.
        names = list(labels)
        logs = {label: self.find(f"{label}_log") for label in names}
        metadata = {label: self.find(f"{label}_metadata") for label in names}
        there = self.find(datasetType)
        latest = self._findLatest([*logs.values(), *metadata.values()])
        failures = dict.fromkeys(metadata[names[0]], f"{names[0]} made no {datasetType}")
        for label in names:
            for member, log in logs[label].items():
                if member not in metadata[label] and log.run == latest:
                    failures[member] = f"{label} failed: {self._explain(log)}"
        return Production(
            begun=frozenset().union(*logs.values(), *metadata.values()),
            failures={member: reason for member, reason in failures.items() if member not in there},
        )

    def _findLatest(self, found: Iterable[dict[Member, DatasetRef]]) -> str:
        """Tell which RUN collection of those that have something is searched first."""
        runs = {ref.run for refs in found for ref in refs.values()}
        searched = self.butler.collections.query(list(self.collections), flatten_chains=True)
        return next((run for run in searched if run in runs), "")

    def _explain(self, log: DatasetRef) -> str:
        try:
            return readFailure(self.butler, log)
        except Exception as error:
            # Whatever is in a file that is gone or damaged.
            return f"its log cannot be read: {type(error).__name__}: {error}"


def _memberOf(dataId: DataCoordinate) -> Member:
    return int(dataId["exposure"]), int(dataId["detector"])
