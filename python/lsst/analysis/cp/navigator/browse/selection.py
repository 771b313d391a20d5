# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Which datasets are meant: values of dimensions, as people write them in forms and addresses."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lsst.analysis.cp.metrics.records import findRaft

from .types import isOfRafts

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetType, DimensionGroup, DimensionRecord
    from lsst.daf.butler.queries.expression_factory import ExpressionFactory
    from lsst.daf.butler.queries.tree import Predicate

__all__ = ["RAFT", "Selection", "SelectionError", "readSelection"]

RAFT = "raft"
"""Key of a selection that is no dimension: it stands for the detectors of a raft."""

_NAMES = {"detector": "full_name", "exposure": "obs_id", "visit": "name"}
"""Columns with what people call a dimension that has numbers."""

_BELOW_ALL, _ABOVE_ALL = -1, 1 << 62
_MOST_LETTERS = 256
_MOST_KEYS = 16
_MOST_DIGITS = 18
_N_NAMED = 10
_N_LISTED = 1000


class SelectionError(ValueError):
    """A key or value that selects nothing; the message names it, and what there is.

    Parameters
    ----------
    key
        The key.
    problem
        What is wrong with it.
    """

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"{key}: {problem}")
        self.key = key


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which datasets are meant. Those of types that lack one of its keys are not.

    Parameters
    ----------
    values
        Values by dimension; numbers for detectors, exposures and visits.
    detectors
        Ids of the detectors of a raft, if that is chosen.
    raftOfDetector
        Ids of the detectors of the raft of a detector, if that is chosen: plots of rafts are stored under one
        of them.
    exposures
        First and last exposure of the day, if that is chosen: they are found much faster with these.
    given
        The same as in the address of the page, by key.
    """

    values: Mapping[str, int | str] = field(default_factory=dict)
    detectors: tuple[int, ...] | None = None
    raftOfDetector: tuple[int, ...] = ()
    exposures: tuple[int, int] | None = None
    given: Mapping[str, str] = field(default_factory=dict)

    def lacking(self, dimensions: DimensionGroup) -> list[str]:
        """List the keys that datasets of some dimensions do not have."""
        return [key for key in self.given if _dimensionOf(key) not in dimensions.names]

    def predicates(self, x: ExpressionFactory, datasetType: DatasetType) -> list[Predicate]:
        """Make what datasets have to fulfil.

        Parameters
        ----------
        x
            The columns of a query.
        datasetType
            Type of the datasets, which has the dimensions of the selection.

        Returns
        -------
        predicates
            Those of all keys.
        """
        values = dict(self.values)
        found = []
        if "detector" in values and isOfRafts(datasetType):
            found.append(x.detector.in_iterable(self.raftOfDetector or [values["detector"]]))
            del values["detector"]
        found += [getattr(x, key) == value for key, value in values.items()]
        if self.detectors is not None:
            found.append(x.detector.in_iterable(self.detectors))
        if self.exposures is not None and "exposure" in datasetType.dimensions.names:
            found += [x.exposure >= self.exposures[0], x.exposure <= self.exposures[1]]
            if "detector" in datasetType.dimensions.names:
                # True of all: SQLite then takes the index of this type and collection, in place of that of
                # all datasets of these exposures.
                found += [x.detector > _BELOW_ALL, x.detector < _ABOVE_ALL]
        return found


def _dimensionOf(key: str) -> str:
    return "detector" if key == RAFT else key


def readSelection(
    butler: Butler, given: Mapping[str, str], governors: Mapping[str, Sequence[str]]
) -> Selection:
    """Understand a selection.

    Parameters
    ----------
    butler
        The repository.
    given
        Values by dimension or `RAFT`; those that are empty are left out. Detectors, exposures and visits may
        be given by their numbers or names. What lies in an instrument needs that, too, unless there is but
        one.
    governors
        Instruments (and sky maps) that there are, by the name of the dimension.

    Returns
    -------
    selection
        The selection.

    Raises
    ------
    SelectionError
        Raised if there is no such key or value; it names the key and what there is.
    """
    texts = {key: text.strip() for key, text in given.items() if text.strip()}
    _check(butler, texts)
    values: dict[str, int | str] = {}
    for name in _neededGovernors(butler, texts):
        values[name] = _readGovernor(name, texts.get(name, ""), governors.get(name, ()))
    # Each is looked for among those that belong to the others: that exposure of that instrument.
    scope = dict(values)
    for key, text in texts.items():
        if key not in values and key != RAFT:
            values[key] = _readValue(butler, key, text, scope)
    detectors = _findDetectors(butler, texts[RAFT], scope) if RAFT in texts else None
    of_raft = _findRaftOf(butler, values["detector"], scope) if "detector" in values else ()
    exposures = None
    if "day_obs" in values and "exposure" not in values:
        exposures = _findExposures(butler, values["day_obs"], scope)
    return Selection(
        values=values, detectors=detectors, raftOfDetector=of_raft, exposures=exposures, given=texts
    )


def _check(butler: Butler, texts: Mapping[str, str]) -> None:
    """Refuse what is no key, and too much of anything."""
    dimensions = set(butler.dimensions.dimensions.names)
    for key, text in texts.items():
        if _dimensionOf(key) not in dimensions:
            raise SelectionError(
                key[:_MOST_LETTERS], f"there is no such dimension; {RAFT} is the only other key."
            )
        if len(text) > _MOST_LETTERS or "\0" in text:
            raise SelectionError(key, f"expected at most {_MOST_LETTERS} letters.")
    if len(texts) > _MOST_KEYS:
        raise SelectionError(", ".join(texts), f"expected at most {_MOST_KEYS} keys.")


def _neededGovernors(butler: Butler, texts: Mapping[str, str]) -> list[str]:
    """List the dimensions without which the keys mean nothing."""
    universe = butler.dimensions
    return list(universe.conform(_dimensionOf(key) for key in texts).governors)


def _readGovernor(name: str, text: str, known: Sequence[str]) -> str:
    if text in known:
        return text
    listed = ", ".join(known[:_N_NAMED]) or "none"
    if text:
        raise SelectionError(name, f"there is no {text!r} here. There are: {listed}.")
    if len(known) == 1:
        return known[0]
    raise SelectionError(name, f"say which is meant. There are: {listed}.")


def _readValue(butler: Butler, key: str, text: str, scope: Mapping[str, int | str]) -> int | str:
    """Find the value of a dimension by its number or name."""
    of_key = _scopeOf(butler, key, scope)
    is_number = butler.dimensions.dimensions[key].primaryKey.getPythonType() is int
    if is_number and text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS:
        number = int(text)
        # There are no records of pixels of the sky.
        if key in butler.dimensions.skypix_dimensions.names:
            return number
        if butler.query_dimension_records(key, data_id={**of_key, key: number}, limit=1, explain=False):
            return number
        raise SelectionError(key, f"there is no {text}. {_nameNearest(butler, key, number, of_key)}")
    column = f"{key}.{_NAMES[key]}" if key in _NAMES else key
    if is_number and key not in _NAMES:
        raise SelectionError(key, f"expected a number, got {text!r}.")
    found = butler.query_dimension_records(
        key, data_id=of_key, where=f"{column} = :text", bind={"text": text}, limit=1, explain=False
    )
    if found:
        return found[0].dataId[key]
    raise SelectionError(key, f"there is no {text!r}. {_nameSimilar(butler, key, text, of_key)}")


def _scopeOf(butler: Butler, key: str, scope: Mapping[str, int | str]) -> dict[str, int | str]:
    required = butler.dimensions.dimensions[key].required.names
    return {name: value for name, value in scope.items() if name in required}


def _nameNearest(butler: Butler, key: str, number: int, scope: Mapping[str, int | str]) -> str:
    """Name the nearest numbers below and above one that is not there."""
    below, above = (
        butler.query_dimension_records(
            key,
            data_id=dict(scope),
            where=f"{key} {sign} :number",
            bind={"number": number},
            order_by=order,
            limit=_N_NAMED // 2,
            explain=False,
        )
        for sign, order in (("<", f"-{key}"), (">", key))
    )
    return _list(sorted({record.dataId[key] for record in (*below, *above)}), "The nearest are")


def _nameSimilar(butler: Butler, key: str, text: str, scope: Mapping[str, int | str]) -> str:
    """Name the values whose names are the most similar."""
    records = butler.query_dimension_records(key, data_id=dict(scope), limit=_N_LISTED, explain=False)
    names = [_nameOf(record, key) for record in records]
    return _list(difflib.get_close_matches(text, names, n=_N_NAMED, cutoff=0.0), "The most similar are")


def _nameOf(record: DimensionRecord, key: str) -> str:
    return str(getattr(record, _NAMES[key]) if key in _NAMES else record.dataId[key])


def _list(values: Sequence[object], what: str) -> str:
    return f"{what} {', '.join(map(str, values))}." if values else "There is none."


def _listRafts(butler: Butler, scope: Mapping[str, int | str]) -> dict[int, str | None]:
    """List the rafts of the detectors of an instrument, by the ids of these."""
    records = butler.query_dimension_records("detector", data_id=dict(scope), limit=_N_LISTED, explain=False)
    return {int(record.id): findRaft(record.full_name) for record in records}


def _findDetectors(butler: Butler, raft: str, scope: Mapping[str, int | str]) -> tuple[int, ...]:
    """Find the detectors of a raft."""
    rafts = _listRafts(butler, scope)
    if found := tuple(sorted(number for number, name in rafts.items() if name == raft)):
        return found
    known = sorted({name for name in rafts.values() if name})
    raise SelectionError(RAFT, f"there is no {raft!r}. {_list(known, 'There are')}")


def _findRaftOf(butler: Butler, detector: int | str, scope: Mapping[str, int | str]) -> tuple[int, ...]:
    """Find the detectors of the raft of a detector; none if it is in none."""
    rafts = _listRafts(butler, scope)
    own = rafts.get(int(detector))
    return tuple(sorted(number for number, name in rafts.items() if name is not None and name == own))


def _findExposures(butler: Butler, day: int | str, scope: Mapping[str, int | str]) -> tuple[int, int]:
    """Find the first and the last exposure of a day; a range of none if there is none."""
    ends = [
        butler.query_dimension_records(
            "exposure", data_id={**scope, "day_obs": day}, order_by=order, limit=1, explain=False
        )
        for order in ("exposure", "-exposure")
    ]
    return (ends[0][0].id, ends[1][0].id) if ends[0] else (1, 0)
