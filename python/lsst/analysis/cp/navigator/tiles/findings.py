# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What was found in an exposure: amplifiers that failed tests, and structures in the image."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lsst.analysis.cp.core.amps import FAILED, STATUS_NAMES
from lsst.analysis.cp.metrics import nameDataset
from lsst.analysis.cp.notebook.search import Kind, matchTypes
from lsst.daf.butler import Butler, DatasetRef

from .readers import PYRAMID_SUFFIX
from .related import productOf

if TYPE_CHECKING:
    import numpy.typing as npt
    from astropy.table import Table

__all__ = ["FailedAmplifier", "Findings", "Structure", "findFailed", "findStructures", "readFindings"]

_CULPRITS = Kind("table of culprits", "tables of culprits", ending="_culprits")
_STRUCTURES = "_structures"

MOST_STRUCTURES = 500
"""Number of structures that are listed, the highest ranks."""

_NUMBERS = ("x", "y", "width", "height", "score")
_NEEDED = ("rank", "kind", "detector", "detectorName", "amplifier", *_NUMBERS)


@dataclass(frozen=True, kw_only=True)
class FailedAmplifier:
    """An amplifier, or a detector as a whole, that failed a test or several.

    Parameters
    ----------
    detector
        Identifier of the detector.
    amplifier
        Name of the amplifier; empty for the detector.
    tests
        Keys of the tests.
    reasons
        Why, in the order of the tests.
    """

    detector: int
    amplifier: str
    tests: tuple[str, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Structure:
    """A structure in the image; see `~lsst.analysis.cp.core.structures.Structures`.

    Parameters
    ----------
    rank
        1 for the worst.
    kind
        What it is.
    detector, detectorName, amplifier
        Where it is.
    x, y
        Its centre on the detector, pixels.
    width, height
        Size of the box around it, pixels.
    score
        Significance, standard deviations.
    """

    rank: int
    kind: str
    detector: int
    detectorName: str
    amplifier: str
    x: float
    y: float
    width: float
    height: float
    score: float | None


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What was found in an exposure.

    Parameters
    ----------
    failed
        Amplifiers and detectors that failed tests; None if it is not known, as no table could be read.
    structures
        The structures of the highest ranks; None if they are not known.
    nStructures
        Number of all of them.
    sources
        Tables that were read.
    problems
        What could not be read, or is not there, in words.
    """

    failed: tuple[FailedAmplifier, ...] | None
    structures: tuple[Structure, ...] | None
    nStructures: int
    sources: tuple[str, ...]
    problems: tuple[str, ...]


def readFindings(butler: Butler, ref: DatasetRef, collections: Sequence[str]) -> Findings:
    """Read what was found in an exposure. A table that cannot be read is named, and the others are.

    Parameters
    ----------
    butler
        The repository.
    ref
        The pyramid of the exposure.
    collections
        Where to search.

    Returns
    -------
    findings
        What was found.
    """
    reading = _Reading(butler)
    tables = reading.read("culprits", _findCulprits(butler, ref, collections), collections)
    exposure = _exposureOf(ref)
    usable = [each for each in tables if reading.take(partial(findFailed, [each], exposure)) is not None]
    failed = findFailed(usable, exposure) if usable else None
    of_structures = reading.read("structures", _findStructures(butler, ref, collections), collections)
    structures = reading.take(lambda: findStructures(of_structures[0])) if of_structures else None
    return Findings(
        failed=failed,
        structures=structures,
        nStructures=len(of_structures[0]) if structures is not None else 0,
        sources=tuple(reading.sources),
        problems=tuple(reading.problems),
    )


@dataclass(frozen=True)
class _Reading:
    """Reads tables, and keeps what was read and what could not be."""

    butler: Butler
    sources: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def read(self, what: str, refs: Sequence[DatasetRef], collections: Sequence[str]) -> list[Table]:
        """Read those that can be read."""
        if not refs:
            self.problems.append(f"There is no table of {what} in {', '.join(collections)}.")
        tables = []
        for ref in refs:
            try:
                tables.append(self.butler.get(ref))
            except Exception as error:
                # What is in a file is not in our hands.
                self.problems.append(f"{nameDataset(ref)} cannot be read: {type(error).__name__}.")
            else:
                self.sources.append(nameDataset(ref))
        return tables

    def take[Found](self, find: Callable[[], Found]) -> Found | None:
        """Take something from tables; None if they lack a column, or have something else in it."""
        try:
            return find()
        except KeyError as error:
            self.problems.append(f"A table lacks a column: {error}.")
        except (TypeError, ValueError, np.ma.MAError) as error:
            self.problems.append(f"A table cannot be used: {error}")
        return None


def findFailed(tables: Iterable[Table], exposure: int | None) -> tuple[FailedAmplifier, ...]:
    """Find the amplifiers, and the detectors as wholes, that failed.

    Parameters
    ----------
    tables
        Tables of culprits.
    exposure
        The exposure that is meant, where a table has several; None for all.

    Returns
    -------
    failed
        Sorted by detector and amplifier.

    Raises
    ------
    KeyError
        Raised if a table lacks a column.
    ValueError
        Raised if what says the status is no text, or what says the exposure no whole numbers: nothing would
        seem to have failed.
    """
    found: dict[tuple[int, str], dict[str, str]] = {}
    for table in tables:
        chosen = _areEqual(table, "status", STATUS_NAMES[FAILED])
        if exposure is not None and "exposure" in table.colnames:
            chosen &= _areEqual(table, "exposure", exposure)
        rows: Any = table["detector", "amplifier", "test", "reason"][chosen]
        for detector, amplifier, test, reason in rows.iterrows():
            # A row of a whole exposure has no detector.
            if detector >= 0:
                found.setdefault((int(detector), str(amplifier)), {}).setdefault(str(test), str(reason))
    return tuple(
        FailedAmplifier(
            detector=detector, amplifier=amplifier, tests=tuple(tests), reasons=tuple(tests.values())
        )
        for (detector, amplifier), tests in sorted(found.items())
    )


def _areEqual(table: Table, name: str, value: int | str) -> npt.NDArray[np.bool_]:
    """Tell which rows have a value in a column; those without any do not."""
    column = table[name]
    kinds, expected = ("iu", "whole numbers") if isinstance(value, int) else ("UO", "text")
    if len(column) and column.dtype.kind not in kinds:
        raise ValueError(f"Expected {expected} in its column {name!r}, got {column.dtype}.")
    equal: npt.NDArray[np.bool_] = np.ma.getdata(column) == value
    return np.asarray(equal & ~np.ma.getmaskarray(column), dtype=bool)


def findStructures(table: Table) -> tuple[Structure, ...]:
    """Take the structures of the highest ranks from a table.

    Parameters
    ----------
    table
        Table of `~lsst.analysis.cp.core.structures.rankStructures`.

    Returns
    -------
    structures
        At most `MOST_STRUCTURES`, the worst first. Those without a rank or a place are left out.
    """
    rows = table[list(_NEEDED)]
    rows = rows[~np.ma.getmaskarray(rows["rank"]) & ~np.ma.getmaskarray(rows["detector"])]
    for name in _NUMBERS:
        rows[name] = np.ma.filled(np.ma.asarray(rows[name], dtype=np.float64), np.nan)
    first: Any = rows[np.argsort(np.asarray(rows["rank"]), kind="stable")[:MOST_STRUCTURES]]
    structures = []
    for rank, kind, detector, name, amplifier, *numbers in first.iterrows():
        x, y, width, height, score = (float(value) for value in numbers)
        if all(math.isfinite(value) for value in (x, y, width, height)):
            structures.append(
                Structure(
                    rank=int(rank),
                    kind=str(kind),
                    detector=int(detector),
                    detectorName=str(name),
                    amplifier=str(amplifier),
                    x=x,
                    y=y,
                    width=width,
                    height=height,
                    score=score if math.isfinite(score) else None,
                )
            )
    return tuple(structures)


def _findCulprits(butler: Butler, ref: DatasetRef, collections: Sequence[str]) -> list[DatasetRef]:
    """Find the tables of culprits of a pyramid: those of its own exposure, or else those of the run."""
    product = productOf(ref.datasetType.name)
    if not product:
        return []
    found = []
    for name in matchTypes(butler, _CULPRITS, product, list(collections)):
        dimensions = butler.get_dataset_type(name).dimensions
        if dimensions <= ref.dimensions:
            one = butler.find_dataset(name, ref.dataId.subset(dimensions), collections=list(collections))
            found += [one] if one is not None else []
    own = [each for each in found if each.dimensions.required == ref.dimensions.required]
    return own or found


def _findStructures(butler: Butler, ref: DatasetRef, collections: Sequence[str]) -> list[DatasetRef]:
    """Find the table that was made together with a pyramid: one, or none."""
    name = ref.datasetType.name.removesuffix(PYRAMID_SUFFIX) + _STRUCTURES
    if not butler.registry.queryDatasetTypes(name):
        return []
    searched = list(dict.fromkeys([ref.run, *collections]))
    found = butler.find_dataset(name, ref.dataId, collections=searched)
    return [] if found is None else [found]


def _exposureOf(ref: DatasetRef) -> int | None:
    return int(ref.dataId["exposure"]) if "exposure" in ref.dimensions.required else None
