# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The text of a summary: which plots are in which group, and what is said of each."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .search import Entry, PlotSearch, orderKeys
from .visits import LARGEST, OtherVisits

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetType

__all__ = ["SummaryContent"]

_BANDS = frozenset("ugrizy")
"""Bands that the Plot Navigator shows."""

_AS_VISITS = "An exposure is listed as a visit: visit repeats its number."
_BY_NAME = "Plots of no visit and no tract are found by plot name."
_CERTIFIED = "valid is the range of validity for which a plot is certified."


@dataclass(frozen=True)
class _Listed:
    """Plots of one type that go to a group.

    Parameters
    ----------
    datasetType
        The type.
    entries
        The plots, sorted.
    asVisits
        Whether exposures take the place of visits.
    """

    datasetType: DatasetType
    entries: list[Entry]
    asVisits: bool = False


class SummaryContent:
    """The text of the summary of a collection.

    Each type is in one group: the Plot Navigator counts the plots of a type in the last group that has it.
    It wants a tract of each entry of the first group, and a visit of each of the second.

    Parameters
    ----------
    butler
        The repository.
    search
        Where the plots are.

    Attributes
    ----------
    counts
        Number of plots by type; of what was written until now.
    """

    def __init__(self, butler: Butler, search: PlotSearch) -> None:
        self._butler = butler
        self._search = search
        self._other_visits = OtherVisits(butler)
        self.counts: Counter[str] = Counter()
        # Each once, in the order in which they come up.
        self._notes: dict[str, None] = {}
        self._hidden: Counter[str] = Counter()

    def write(self) -> Iterator[str]:
        """Yield the parts of the text, which is ASCII."""
        tracts: list[DatasetType] = []
        visits: list[DatasetType] = []
        others: list[DatasetType] = []
        for each in self._search.datasetTypes:
            names = each.dimensions.required
            group = tracts if "tract" in names else visits if {"visit", "exposure"} & names else others
            group.append(each)
        yield '{"tracts": {'
        yield from self._writeTypes(self._read(tracts))
        yield '},\n"visits": {'
        yield from self._writeTypes(self._chooseVisits(visits, others))
        yield '},\n"global": {'
        n_before = len(self.counts)
        yield from self._writeTypes(self._read(sorted(others, key=lambda each: each.name)))
        if len(self.counts) > n_before:
            self._notes.setdefault(_BY_NAME)
        yield f'}},\n"note": {json.dumps(" ".join(self.listRemarks()))}}}\n'

    def listRemarks(self) -> tuple[str, ...]:
        """List what a reader has to know of what was written until now, in sentences."""
        remarks = tuple(self._notes)
        if not self._hidden:
            return remarks
        bands = ", ".join(sorted(self._hidden))
        return (
            *remarks,
            f"Counted, but not shown: {self._hidden.total()} of the band {bands}.",
        )

    def _read(self, datasetTypes: Iterable[DatasetType]) -> Iterator[_Listed]:
        for each in datasetTypes:
            yield _Listed(each, self._search.read(self._butler, each))

    def _chooseVisits(
        self, datasetTypes: Iterable[DatasetType], others: list[DatasetType]
    ) -> Iterator[_Listed]:
        """Yield the types whose plots may all be listed by visit; add the rest to a list."""
        for listed in self._read(datasetTypes):
            if reason := self._explainNoVisit(listed.datasetType, listed.entries):
                self._notes.setdefault(f"{listed.datasetType.name} is found by plot name only: {reason}.")
                others.append(listed.datasetType)
            elif "visit" in listed.datasetType.dimensions.required or not listed.entries:
                yield listed
            else:
                self._notes.setdefault(_AS_VISITS)
                yield replace(listed, asVisits=True)

    def _explainNoVisit(self, datasetType: DatasetType, entries: list[Entry]) -> str:
        """Say why some plots cannot be listed by visit; empty if all can."""
        keys = orderKeys(datasetType)
        name = "visit" if "visit" in keys else "exposure"
        numbers: dict[str, set[int]] = {}
        for entry in entries:
            data_id = dict(zip(keys, entry.values, strict=True))
            numbers.setdefault(str(data_id["instrument"]), set()).add(int(data_id[name]))
        if large := [number for each in numbers.values() for number in each if number > LARGEST]:
            return f"browsers cannot read the {name} {min(large)}"
        for instrument, exposures in sorted(numbers.items() if name == "exposure" else ()):
            if others := self._other_visits.find(instrument, exposures):
                return f"the visit {min(others)} of {instrument} is not of the exposure of this number"
        return ""

    def _writeTypes(self, types: Iterable[_Listed]) -> Iterator[str]:
        """Yield the text of a group."""
        before_type = "\n"
        for listed in types:
            # The Plot Navigator fails on a type without plots.
            if listed.entries:
                self.counts[listed.datasetType.name] = len(listed.entries)
                yield f"{before_type}{json.dumps(listed.datasetType.name)}: ["
                before_type, before_entry = ",\n", "\n"
                for text in self._writeEntries(listed):
                    yield before_entry + text
                    before_entry = ",\n"
                yield "]"

    def _writeEntries(self, listed: _Listed) -> Iterator[str]:
        keys = orderKeys(listed.datasetType)
        for entry in listed.entries:
            shown = dict(zip(keys, map(_makeExact, entry.values), strict=True))
            if shown.get("band", "u") not in _BANDS:
                self._hidden[str(shown["band"])] += 1
            if listed.asVisits:
                shown["visit"] = shown["exposure"]
            if entry.described:
                shown["valid"] = entry.described
                self._notes.setdefault(_CERTIFIED)
            yield json.dumps({"dataId": json.dumps(shown), "id": entry.id})


def _makeExact(value: int | str) -> int | str:
    """Make a text of an integer that browsers do not read exactly."""
    return str(value) if isinstance(value, int) and value > LARGEST else value
