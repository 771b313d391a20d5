# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Reading of all exposures of a product, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from lsst.analysis.cp.catalogue import Product, getProduct
from lsst.analysis.cp.core import CameraLayout
from lsst.analysis.cp.core.typing import BoolArray, FlagArray
from lsst.analysis.cp.metrics import nameDataset
from lsst.analysis.cp.report.model import Problem

from .culprits import compress, findUnknown, readCulprits
from .reading import EpochContent, TestCounts, encodeEpoch, readEpoch, readExposureRows
from .search import EpochTables, Section
from .stored import StoredTable
from .tally import StatusTally, TestTally

if TYPE_CHECKING:
    from astropy.table import Table

    from lsst.daf.butler import Butler

__all__ = ["GatheredEpoch", "GatheredSection", "gatherSection", "gatherTables"]


@dataclass(frozen=True, kw_only=True, eq=False)
class GatheredEpoch:
    """What is kept of one exposure.

    Parameters
    ----------
    tables
        Its tables.
    hasResults
        Which detectors have results, shape (nDetectors,).
    status
        Their status over all tests whose verdicts count, shape (nDetectors,).
    counts
        What the rule of verdicts counts, by the key of the test.
    """

    tables: EpochTables
    hasResults: BoolArray
    status: FlagArray
    counts: Mapping[str, TestCounts]


@dataclass(kw_only=True, eq=False)
class GatheredSection:
    """What is kept of a product.

    Parameters
    ----------
    section
        What was found of it.
    layout
        The camera.
    product
        The product, with the limits of the first tables that were read.
    epochs
        Exposures that were read, sorted.
    tallies
        By the key of each test that the tables have.
    status, testStatus
        Status of detectors over all tests whose verdicts count, and in each test.
    ampsMissing
        Which amplifiers have no results in some exposure, shape (nAmps,).
    culprits
        Tables of culprits.
    unknownTests
        Keys of tests of which something is listed as unknown.
    problems
        What could not be read.
    """

    section: Section
    layout: CameraLayout
    product: Product
    epochs: list[GatheredEpoch] = field(default_factory=list)
    tallies: dict[str, TestTally] = field(default_factory=dict)
    status: StatusTally
    testStatus: dict[str, StatusTally] = field(default_factory=dict)
    ampsMissing: BoolArray
    culprits: list[pa.Table] = field(default_factory=list)
    unknownTests: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def wasRun(self, key: str) -> bool:
        """Tell whether something without a verdict of a test is unknown."""
        test = self.product[key]
        if not test.isTested or test.presence == "onFailure":
            return False
        is_known = key in self.tallies and self.tallies[key].isKnown
        return test.presence == "always" or is_known or key in self.unknownTests


def gatherSection(
    butler: Butler, section: Section, layout: CameraLayout, counted: BoolArray, exposures: Sequence[int]
) -> GatheredSection:
    """Read all exposures of a product.

    Parameters
    ----------
    butler
        The repository.
    section
        What was found of the product.
    layout
        The camera.
    counted
        Detectors that the rule of verdicts counts, shape (nDetectors,).
    exposures
        Ids of all exposures of the report, those included that have no tables.

    Returns
    -------
    gathered
        What is kept. What cannot be read costs nothing but itself.
    """
    gathered = _gatherNothing(section, layout)
    of_run: dict[str, Product] = {}
    for tables in section.epochs.values():
        read = _attempt(
            gathered,
            _nameEpoch(section, tables),
            lambda tables=tables: readEpoch(  # type: ignore[misc]
                butler, tables, section.product, layout, counted, of_run.get(tables.run)
            ),
        )
        if read is None:
            continue
        if not of_run:
            gathered.product = read.product
        of_run[tables.run] = read.product
        _addEpoch(gathered, tables, read)
        _addExposureRows(butler, gathered, tables, read.product, exposures)
        _addCulprits(butler, gathered, tables)
    return gathered


def gatherTables(
    section: Section, layout: CameraLayout, counted: BoolArray, tables: Mapping[str, Table]
) -> GatheredSection:
    """Take the only exposure of a product from tables in memory.

    Parameters
    ----------
    section
        The product, with the exposure.
    layout
        The camera.
    counted
        Detectors that the rule of verdicts counts, shape (nDetectors,).
    tables
        Tables of the exposure, as merges write them, by the ends of the names of their types.

    Returns
    -------
    gathered
        What would be kept if they were stored, without tests of the exposure as a whole.

    Raises
    ------
    ColumnError
        If a column holds something else than it should.
    """
    gathered = _gatherNothing(section, layout)
    (epoch,) = section.epochs.values()
    amps, detectors, culprits = (
        StoredTable.convert(tables[name]) for name in ("ampSummary", "detectorSummary", "culprits")
    )
    read = encodeEpoch(amps, detectors, epoch.epoch, section.product, layout, counted)
    gathered.product = read.product
    _addEpoch(gathered, epoch, read)
    _keepCulprits(gathered, compress(culprits))
    return gathered


def _gatherNothing(section: Section, layout: CameraLayout) -> GatheredSection:
    """Begin to gather a product."""
    return GatheredSection(
        section=section,
        layout=layout,
        product=getProduct(section.product),
        status=StatusTally(layout.nDetectors),
        ampsMissing=np.zeros(layout.nAmps, dtype=bool),
    )


def _nameEpoch(section: Section, tables: EpochTables) -> str:
    """Name the tables of an exposure in messages."""
    first = tables.refs.get("ampSummary") or next(iter(tables.refs.values()))
    return nameDataset(first).replace(first.datasetType.name, f"{section.output} tables", 1)


def _attempt[T](gathered: GatheredSection, name: str, read: Callable[[], T]) -> T | None:
    """Read something; note why, if it cannot be read."""
    try:
        return read()
    except Exception as error:
        # What is in a file, and how it may be lost, is not in our hands.
        reason = f"cannot be read: {type(error).__name__}: {next(iter(str(error).splitlines()), '')}"
        gathered.problems.append(Problem(dataset=name, reason=reason))
        return None


def _addEpoch(gathered: GatheredSection, tables: EpochTables, read: EpochContent) -> None:
    """Add what was read of one exposure."""
    layout = gathered.layout
    members = {"amplifier": layout.nAmps, "detector": layout.nDetectors}
    for key, parts in read.rows.items():
        test = read.product[key]
        tally = gathered.tallies.setdefault(key, TestTally(test, members[test.row]))
        for rows in parts:
            tally.add(rows, test, tables.epoch)
    gathered.status.add(read.status)
    for key, status in read.testStatus.items():
        gathered.testStatus.setdefault(key, StatusTally(layout.nDetectors)).add(status)
    gathered.ampsMissing |= read.ampsMissing
    gathered.epochs.append(
        GatheredEpoch(tables=tables, hasResults=read.hasResults, status=read.status, counts=read.counts)
    )


def _addExposureRows(
    butler: Butler,
    gathered: GatheredSection,
    tables: EpochTables,
    product: Product,
    exposures: Sequence[int],
) -> None:
    """Add the tests of an exposure as a whole, whose members are the exposures."""
    name = f"{gathered.section.output}_metrics of {tables.epoch} in {tables.run}"
    read = _attempt(gathered, name, lambda: readExposureRows(butler, tables, product)) or {}
    for key, rows in read.items():
        tally = gathered.tallies.setdefault(key, TestTally(product[key], len(exposures)))
        tally.add(rows.at(np.array([exposures.index(tables.epoch)])), product[key], tables.epoch)


def _addCulprits(butler: Butler, gathered: GatheredSection, tables: EpochTables) -> None:
    """Add the culprits of one exposure."""
    name = f"{gathered.section.output}_culprits of {tables.epoch} in {tables.run}"
    if "culprits" not in tables.refs:
        gathered.problems.append(Problem(dataset=name, reason="there is no such table"))
        return
    read = _attempt(gathered, name, lambda: readCulprits(butler, tables.refs["culprits"]))
    if read is not None:
        _keepCulprits(gathered, read)


def _keepCulprits(gathered: GatheredSection, culprits: pa.Table) -> None:
    """Keep a table of culprits, and which tests have something unknown."""
    gathered.culprits.append(culprits)
    gathered.unknownTests |= findUnknown([culprits])
