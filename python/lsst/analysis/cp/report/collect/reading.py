# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Reading of the tables of one exposure: the rows of each test, and what the rule of verdicts counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lsst.analysis.cp.catalogue import Product, VerifyTest, getProduct
from lsst.analysis.cp.core import CameraLayout, ColumnError
from lsst.analysis.cp.core.amps import FAILED, GOOD, UNKNOWN
from lsst.analysis.cp.core.tableLimits import readTableLimits
from lsst.analysis.cp.core.typing import BoolArray, FlagArray, IdArray, IndexArray
from lsst.analysis.cp.metrics import readBundle

from .stored import StoredTable
from .tally import TestRows

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

    from .search import EpochTables

__all__ = ["EpochContent", "TestCounts", "encodeEpoch", "readEpoch", "readExposureRows"]

_AMP_ENDINGS = ("_value", "_quantity", "_status", "_suspicious")
_DETECTOR_COLUMNS = ("detector", "nAmps", "nAmpsMissing", "nDetectors", "status")
_DETECTOR_ENDINGS = ("_min", "_quantityMin", "_status", "_nSuspicious")


@dataclass(frozen=True, kw_only=True, eq=False)
class TestCounts:
    """What the rule of verdicts counts of one test in one exposure, of the detectors that it counts.

    Parameters
    ----------
    nFailed
        Number of failed amplifiers, or detectors.
    nUnknown
        Number of those that should have a verdict and have none.
    untested
        Detectors, whether they are counted or not, that have results, but no verdict of any of their rows;
        shape (nDetectors,).
    """

    __test__ = False

    nFailed: int
    nUnknown: int
    untested: BoolArray


@dataclass(frozen=True, kw_only=True, eq=False)
class EpochContent:
    """What the tables of one exposure hold.

    Parameters
    ----------
    product
        The product, with the limits of the tables.
    rows
        Rows of each test by its key; several parts if the tables are of several exposures.
    counts
        By the key of each test that has a status.
    hasResults
        Which detectors have results, shape (nDetectors,).
    ampsMissing
        Which amplifiers have none, shape (nAmps,); none of them if no test is of amplifiers.
    status
        Status codes of detectors over all tests whose verdicts count, shape (nDetectors,).
    testStatus
        The same of each test, by its key.
    """

    product: Product
    rows: Mapping[str, list[TestRows]]
    counts: Mapping[str, TestCounts]
    hasResults: BoolArray
    ampsMissing: BoolArray
    status: FlagArray
    testStatus: Mapping[str, FlagArray] = field(default_factory=dict)


def readEpoch(
    butler: Butler,
    tables: EpochTables,
    product: str,
    layout: CameraLayout,
    counted: BoolArray,
    known: Product | None = None,
) -> EpochContent:
    """Read the tables of one exposure, but for the culprits.

    Parameters
    ----------
    butler
        The repository.
    tables
        The tables.
    product
        Name of the product.
    layout
        The camera.
    counted
        Detectors that the rule of verdicts counts, shape (nDetectors,).
    known
        The product with the limits of the RUN of the tables, if these were read before.

    Returns
    -------
    content
        What they hold.

    Raises
    ------
    ColumnError
        If a table or a column is absent or holds something else than it should.
    AmpKeyError
        If a detector or an amplifier is not in the camera.
    """
    for name in ("ampSummary", "detectorSummary"):
        if name not in tables.refs:
            raise ColumnError(f"there is no table {name} of it in {tables.run}")
    keys = getProduct(product).keys()
    of_amps = frozenset(f"{key}{ending}" for key in keys for ending in _AMP_ENDINGS)
    of_detectors = frozenset(f"{key}{ending}" for key in keys for ending in _DETECTOR_ENDINGS)
    amps = StoredTable.read(
        butler,
        tables.refs["ampSummary"],
        ({"exposure", "detector", "amplifier"} | of_amps).__contains__,
        withMeta=known is None,
    )
    detectors = StoredTable.read(
        butler, tables.refs["detectorSummary"], ({*_DETECTOR_COLUMNS} | of_detectors).__contains__
    )
    return encodeEpoch(amps, detectors, tables.epoch, product, layout, counted, known)


def encodeEpoch(
    amps: StoredTable,
    detectors: StoredTable,
    epoch: int,
    product: str,
    layout: CameraLayout,
    counted: BoolArray,
    known: Product | None = None,
) -> EpochContent:
    """Encode the tables of one exposure.

    Parameters
    ----------
    amps, detectors
        Its tables of amplifiers and of detectors.
    epoch
        Its id.
    product, layout, counted, known
        As those of `readEpoch`.

    Returns
    -------
    content
        What the tables hold.

    Raises
    ------
    ColumnError
        If a column is absent or holds something else than it should.
    AmpKeyError
        If a detector or an amplifier is not in the camera.
    """
    _checkExposure(amps, epoch, product)
    chosen = _chooseProduct(product, amps, detectors)
    if known is None:
        known = readTableLimits(amps.meta, chosen)
    elif known.gainsApplied != chosen.gainsApplied:
        raise ColumnError("its units are not those of the other exposures")
    return _EpochReader(known, layout, counted, amps, detectors).read()


def _checkExposure(amps: StoredTable, exposure: int, product: str) -> None:
    """Refuse a table that is one of another exposure than its data ID says."""
    if getProduct(product).epoch == "exposure" and "exposure" in amps:
        others = sorted({*amps.counts("exposure").tolist()} - {exposure})
        if others:
            raise ColumnError(f"its rows are of exposure {others[0]}")


def _chooseProduct(name: str, amps: StoredTable, detectors: StoredTable) -> Product:
    """Tell by the units whether the pipeline has applied the gains."""
    wrong: dict[bool, list[str]] = {}
    for applied in (True, False):
        product = getProduct(name, applied)
        wrong[applied] = [
            column
            for test in product
            for table, column in ((amps, f"{test.key}_value"), (detectors, f"{test.key}_min"))
            if column in table and not table.isInUnit(column, test.unit)
        ]
        if not wrong[applied]:
            return product
    column = wrong[True][0]
    unit = (amps if column in amps else detectors).unit(column)
    raise ColumnError(f"column {column!r} has the unit {unit!r}, which is not that of the catalogue")


class _EpochReader:
    """Encodes the tables of one exposure."""

    def __init__(
        self,
        product: Product,
        layout: CameraLayout,
        counted: BoolArray,
        amps: StoredTable,
        detectors: StoredTable,
    ) -> None:
        self.product, self.layout, self.counted = product, layout, counted
        self.amps, self.detectors = amps, detectors
        self.member = layout.findAmps(amps.counts("detector"), amps.names("amplifier"))
        self.detectorIndex = layout.findDetectors(detectors.counts("detector"))
        _refuseRepeated(self.detectorIndex)
        self.parts = list(self._splitExposures())

    def _splitExposures(self) -> Iterator[IndexArray]:
        """Split the rows of amplifiers by exposure, of which a visit may have several."""
        has_exposures = "exposure" in self.amps and len(self.amps)
        exposure: IdArray = self.amps.counts("exposure") if has_exposures else np.zeros(len(self.amps), int)
        for each in np.unique(exposure) if len(exposure) else [0]:
            rows = np.flatnonzero(exposure == each)
            _refuseRepeated(self.member[rows])
            yield rows

    def read(self) -> EpochContent:
        """Read all tests."""
        rows: dict[str, list[TestRows]] = {}
        for test in self.product:
            if found := self._readRows(test):
                rows[test.key] = found
        has_amps = any(self.product[key].row == "amplifier" for key in rows)
        has_results = self._findResults()
        present = np.ones(self.layout.nAmps, dtype=bool)
        for part in self.parts:
            # An amplifier that one exposure of a visit lacks is missing, whatever the others have.
            present &= np.isin(np.arange(self.layout.nAmps), self.member[part])
        return EpochContent(
            product=self.product,
            rows=rows,
            counts={
                key: self._count(self.product[key], found, rows, has_results)
                for key, found in rows.items()
                if found[0].status is not None
            },
            hasResults=has_results,
            ampsMissing=~present & has_amps,
            status=self._spread(self.detectors.status("status")),
            testStatus={
                key: self._spread(self.detectors.status(f"{key}_status"))
                for key in rows
                if f"{key}_status" in self.detectors
            },
        )

    def _readRows(self, test: VerifyTest) -> list[TestRows]:
        """Read the rows of a test of amplifiers or detectors; none if the tables do not have it."""
        if test.row == "amplifier":
            found = self._rowsOf(test, self.amps, ("value", "quantity"), "suspicious", self.member)
            return [] if found is None else [found.take(rows) for rows in self.parts]
        if test.row == "detector":
            # A detector has one row: its minimum is the value itself.
            index = self.detectorIndex
            found = self._rowsOf(test, self.detectors, ("min", "quantityMin"), "", index)
            return [] if found is None else [found.take(np.flatnonzero(self._findResults()[index]))]
        return []

    def _rowsOf(
        self,
        test: VerifyTest,
        table: StoredTable,
        names: tuple[str, str],
        suspicious: str,
        member: IndexArray,
    ) -> TestRows | None:
        columns = {
            "value": (f"{test.key}_{names[0]}", test.unit),
            "quantity": (f"{test.key}_{names[1]}", test.quantityUnit),
        }
        status = f"{test.key}_status"
        if status not in table and columns["value"][0] not in table:
            return None
        n = len(member)
        numbers = {
            name: table.numbers(column, unit) if column in table else np.full(n, np.nan)
            for name, (column, unit) in columns.items()
        }
        codes = table.status(status) if status in table else None
        if codes is not None:
            # As merges do it: nothing is good of which there is no number.
            has_numbers = np.ones(n, dtype=bool)
            for name, (column, _) in columns.items():
                if column in table:
                    has_numbers &= ~np.isnan(numbers[name])
            codes = np.where((codes == GOOD) & ~has_numbers, UNKNOWN, codes).astype(np.int8)
        flagged = f"{test.key}_{suspicious}"
        detector = self.layout.ampDetector[member] if test.row == "amplifier" else member
        return TestRows(
            member=member,
            physicalType=self.layout.physicalType[detector],
            status=codes,
            suspicious=table.flags(flagged) if flagged in table else np.zeros(n, dtype=bool),
            **numbers,
        )

    def _findResults(self) -> BoolArray:
        """Tell which detectors have results, shape (nDetectors,)."""
        counts = [self.detectors.counts(name) for name in ("nAmps", "nDetectors") if name in self.detectors]
        if not counts:
            raise ColumnError("it has neither a column 'nAmps' nor 'nDetectors'")
        found = np.zeros(self.layout.nDetectors, dtype=bool)
        found[self.detectorIndex] = np.max(counts, axis=0) > 0
        # A detector of which a visit has rows of some exposures only has not the results of all.
        seen = np.zeros((len(self.parts), self.layout.nDetectors), dtype=bool)
        for i, part in enumerate(self.parts):
            seen[i, self.layout.ampDetector[self.member[part]]] = True
        return found & (seen.all(axis=0) | ~seen.any(axis=0))

    def _spread(self, status: FlagArray) -> FlagArray:
        """Spread the codes of the rows over all detectors; unknown where there is no row."""
        codes = np.full(self.layout.nDetectors, UNKNOWN, dtype=np.int8)
        codes[self.detectorIndex] = status
        return codes

    def _count(
        self,
        test: VerifyTest,
        parts: list[TestRows],
        others: Mapping[str, list[TestRows]],
        hasResults: BoolArray,
    ) -> TestCounts:
        """Count the failures of a test, and those that it may have besides."""
        n_failed = n_known = 0
        tested = np.zeros(self.layout.nDetectors, dtype=bool)
        verdicts = [
            others[other.key]
            for other in self.product
            if not test.inVerdict and other.verdict and other.row == test.row and other.key in others
        ]
        for i, rows in enumerate(parts):
            detector = self.layout.ampDetector[rows.member] if test.row == "amplifier" else rows.member
            failed = np.asarray(rows.status == FAILED)
            for other in verdicts:
                # Such a failure is listed only for an amplifier whose verdict over all tests is False.
                failed = failed & (other[i].status == FAILED)
            is_known = rows.status != UNKNOWN
            n_failed += int(np.count_nonzero(failed & self.counted[detector]))
            n_known += int(np.count_nonzero(is_known & self.counted[detector]))
            tested[detector[is_known]] = True
        in_detector = self.layout.ampsPerDetector if test.row == "amplifier" else np.ones_like(tested, int)
        n_expected = int(in_detector[self.counted].sum()) * len(parts)
        return TestCounts(nFailed=n_failed, nUnknown=n_expected - n_known, untested=hasResults & ~tested)


def readExposureRows(butler: Butler, tables: EpochTables, product: Product) -> dict[str, TestRows]:
    """Read the tests of an exposure as a whole, which only its metrics have.

    Parameters
    ----------
    butler
        The repository.
    tables
        The tables of the exposure.
    product
        The product.

    Returns
    -------
    rows
        One row of each test that there are metrics of, by its key.
    """
    tests = [test for test in product if test.row == "exposure"]
    if not tests or "metrics" not in tables.refs:
        return {}
    values = readBundle(butler, tables.refs["metrics"]).values
    return {
        test.key: _rowOfExposure(test, values[test.toolName]) for test in tests if test.toolName in values
    }


def _rowOfExposure(test: VerifyTest, values: Mapping[str, float | None]) -> TestRows:
    """Make the only row of a test of an exposure of its metrics, in which NaN is None."""
    numbers = {name: np.nan if value is None else value for name, value in values.items()}
    value, quantity = (numbers.get(name, np.nan) for name in ("min", "quantityMin"))
    is_known = numbers.get("nTested", 0) > 0 and np.isfinite(value)
    status = FAILED if numbers.get("nFailed", 0) > 0 else GOOD if is_known else UNKNOWN
    return TestRows(
        member=np.zeros(1, dtype=np.intp),
        physicalType=np.array([""]),
        status=np.array([status], dtype=np.int8) if test.isTested else None,
        suspicious=np.zeros(1, dtype=bool),
        value=np.array([value]),
        quantity=np.array([quantity]),
    )


def _refuseRepeated(member: IndexArray) -> None:
    """Refuse rows of which two are of one member."""
    if n_repeated := len(member) - len(np.unique(member)):
        raise ColumnError(f"{n_repeated} row(s) repeat others")
