# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Results of verification, checked and encoded once for every reduction, table and plot."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numexpr
import numpy as np

from lsst.analysis.cp.catalogue import EXPOSURE_NAMES, REFERENCE_NAMES, Product, VerifyTest
from lsst.analysis.cp.core.camera import CameraLayout
from lsst.analysis.cp.core.columns import (
    ColumnUnitError,
    flagColumn,
    floatColumn,
    idColumn,
    nameColumn,
)
from lsst.analysis.cp.core.typing import (
    AnyArray,
    BoolArray,
    FlagArray,
    FloatArray,
    IdArray,
    IndexArray,
    NameArray,
)

from .reference import ReferenceValues
from .rows import Columns, EncodedRows, checkLength, encodeRows, findAbsent, tellRows
from .times import ExposureTimes
from .vectors import ReducedVectors, reduceVectors
from .verdicts import FAILED, GOOD, UNKNOWN, judge

__all__ = ["AmpTable"]

_LOG = logging.getLogger(__name__)

# In tables of crosstalk, the name that stands for all amplifiers of a detector.
_WHOLE_DETECTOR = "detector"


@dataclass(frozen=True, kw_only=True, eq=False)
class AmpTable:
    """Results of verification: of amplifiers, and of detectors and exposures where tests have such rows.

    Make it with `fromColumns`, which checks everything. What belongs to a test has the shape (n,) of the rows
    of its kind, in the order of the table that was read.

    Parameters
    ----------
    product
        The product that was verified.
    layout
        The camera, or the part of it that is expected to have results.
    tests
        Tests that were read.
    epoch
        What tells the results apart, one of the catalogue's ``EPOCHS``.
    exposures
        Ids of the exposures or visits that are expected or have rows, sorted, shape (nExposures,). Without
        epochs there is one id, which means nothing.
    rows
        Rows of each kind, by the catalogue's ``ROWS``.
    times
        Times of the exposures, as far as they are known, in their order.
    statistics
        Statistics by column, those that are derived included, float64; NaN where there is no value.
    flags
        Verdicts that were read by column: 1 passed, 0 failed, -1 untested.
    readNoise, gain
        Nominal read noise (electron) and gain (electron/adu) of each amplifier row; NaN where it is unknown.
    readNoiseSource
        Where the read noise comes from, of each amplifier row.
    absentColumns
        Columns of conditional tests that the table does not have.
    leftOut
        Where a value of a statistic was left out because it is no measurement, or because the row has other
        vectors than it is made of, by column; only columns in which there is one.
    """

    product: Product
    layout: CameraLayout
    tests: tuple[VerifyTest, ...]
    epoch: str
    exposures: IdArray
    rows: Mapping[str, EncodedRows]
    times: ExposureTimes
    statistics: Mapping[str, FloatArray]
    flags: Mapping[str, FlagArray]
    readNoise: FloatArray
    gain: FloatArray
    readNoiseSource: NameArray
    absentColumns: frozenset[str]
    leftOut: Mapping[str, BoolArray]

    @classmethod
    def fromColumns(
        cls,
        data: Columns,
        product: Product,
        layout: CameraLayout,
        *,
        tests: Iterable[str] = (),
        epoch: str | None = None,
        reference: ReferenceValues | None = None,
        exposures: Iterable[int] | None = None,
    ) -> AmpTable:
        """Check and encode a table of results.

        Parameters
        ----------
        data
            Columns ``exposure`` (unless there are no epochs), ``detector``, ``amplifier`` and those of the
            tests, each of shape (n,). Masked and object columns, integers and booleans are understood. A
            statistic with a unit is converted to that of the catalogue. Not modified; the encoded rows may
            share its memory. A row without an amplifier is one of a detector; if there are tests of
            exposures, it is one of an exposure where one has a result, or where there is no detector. Rows
            of which no test asks are left out.
        product
            The product that was verified.
        layout
            The camera.
        tests
            Keys of the tests to read, with which those of the means in their quantities are read, too; all
            of the product if empty.
        epoch
            What tells the results apart, one of the catalogue's ``EPOCHS``; that of the product if None.
        reference
            Nominal read noise and gain that the verification used, those of the camera where absent; and
            times of exposures, of which none is known if absent.
        exposures
            Exposures that are expected to have rows, for completeness.

        Returns
        -------
        table
            The encoded rows.

        Raises
        ------
        ColumnError
            If a required column is missing, cannot be read, or is in a unit that cannot be converted.
        AmpKeyError
            If a detector or amplifier is not in the camera, or a row occurs twice.
        """
        epoch = product.epoch if epoch is None else epoch
        chosen = product.withMeans(tests)
        absent = findAbsent(data, product, chosen, hasEpochs=epoch != "none")
        names, named = nameColumn(data["amplifier"], "amplifier")
        units = {name: product.columnUnit(name) for test in chosen for name in test.statisticColumns}
        verdicts = dict.fromkeys(test.verifyColumn for test in chosen if test.verifyColumn)
        columns: dict[str, AnyArray | None] = dict.fromkeys((*units, *verdicts))
        reduced = {str(test.statisticColumn): test for test in chosen if test.vectors is not None}
        for name in columns.keys() - absent - reduced.keys():
            column = data[name]
            values = (
                _readStatistic(column, name, units[name], product)
                if name in units
                else flagColumn(column, name)
            )
            columns[name] = checkLength(values, name, len(names))
        detector, has_detector = idColumn(data["detector"], "detector")
        checkLength(has_detector, "detector", len(names))
        is_amp = named & (names != _WHOLE_DETECTOR)
        made = _reduceAll(data, list(reduced.values()), absent, is_amp, np.where(has_detector, detector, -1))
        columns |= {name: found.values for name, found in made.items()}
        absent |= {name for name in reduced if columns[name] is None}
        kinds = tellRows(is_amp, has_detector, product, chosen, columns)
        ids, rows = encodeRows(data, names, kinds, layout, epoch, exposures)
        amps = rows["amplifier"]
        reference = ReferenceValues.empty() if reference is None else reference
        nominal = reference.match(ids[amps.epochIndex], amps.member, layout)
        taken: dict[str, Any] = {}
        for name, kind in {name: test.row for test in chosen for name in test.encodedColumns}.items():
            # Where columns were converted, nobody else has these: they go as the rows are taken.
            own, column = rows[kind], columns.pop(name)
            nothing = np.nan if name in units else np.int8(UNKNOWN)
            taken[name] = np.full(len(own), nothing) if column is None else own.take(column)
        left_out = _leaveOut(taken, chosen)
        for name, found in made.items():
            if (other := ~found.isKind[rows[reduced[name].row].source]).any():
                left_out[name] = other
        statistics = {name: taken[name] for name in units}
        table = cls(
            product=product,
            layout=layout,
            tests=chosen,
            epoch=epoch,
            exposures=ids,
            rows=rows,
            times=reference.times.match(ids),
            statistics=statistics,
            flags={name: taken[name] for name in verdicts},
            readNoise=nominal.readNoise,
            gain=nominal.gain,
            readNoiseSource=nominal.source,
            absentColumns=absent,
            leftOut=left_out,
        )
        for test in chosen:
            if test.derived is not None:
                values = table._evaluate(test.derived, test.derivedNames, test, test.unit)
                statistics[str(test.statisticColumn)] = np.where(np.isfinite(values), values, np.nan)
        return table

    def __len__(self) -> int:
        return len(self.ampIndex)

    @property
    def exposureIndex(self) -> IndexArray:
        """Index of each amplifier row into the exposures."""
        return self.rows["amplifier"].epochIndex

    @property
    def ampIndex(self) -> IndexArray:
        """Index of each amplifier row into the amplifiers of the layout."""
        return self.rows["amplifier"].member

    @cached_property
    def physicalType(self) -> Mapping[str, NameArray]:
        """Physical type of the sensor of each row, by the kind of the rows; empty for rows of exposures."""
        types = {kind: self.layout.physicalType[rows.detectorIndex] for kind, rows in self.rows.items()}
        return types | {"exposure": np.full(len(self.rows["exposure"]), "")}

    def variable(self, name: str, test: VerifyTest) -> FloatArray:
        """Get what a name in the expression of a tested quantity stands for.

        Parameters
        ----------
        name
            A statistic without prefix, one of the catalogue's ``REFERENCE_NAMES``, or of the ``means`` of the
            test.
        test
            The test.

        Returns
        -------
        values
            Shape (n,). A time that is not above 0 is NaN, as it divides.
        """
        if name in test.means:
            return self._averageExposures(self.product[test.means[name]])[self.rows[test.row].epochIndex]
        if name in EXPOSURE_NAMES:
            time = {"DARK_TIME": self.times.darkTime, "EXPOSURE_TIME": self.times.exposureTime}[name]
            return np.where(time > 0, time, np.nan)[self.rows[test.row].epochIndex]
        if name in REFERENCE_NAMES:
            pixels = self.layout.ampPixels[self.ampIndex].astype(np.float64)
            return {"RN": self.readNoise, "GAIN": self.gain, "N_PIXELS": pixels}[name]
        return self.statistics[f"{test.prefix}_{name}"]

    def _averageExposures(self, test: VerifyTest) -> FloatArray:
        """Average the finite statistics of a test in each exposure, NaN if there is none; (nExposures,)."""
        values = self.statistics[str(test.statisticColumn)]
        finite = np.isfinite(values)
        epoch, n = self.rows[test.row].epochIndex[finite], len(self.exposures)
        counts = np.bincount(epoch, minlength=n)
        sums = np.bincount(epoch, weights=values[finite], minlength=n)
        return np.divide(sums, counts, out=np.full(n, np.nan), where=counts > 0)

    def quantity(self, test: VerifyTest) -> FloatArray | None:
        """Evaluate the tested quantity of a test, if it has one.

        Parameters
        ----------
        test
            A test that was read.

        Returns
        -------
        quantity
            Shape (n,), in the test's ``quantityUnit``; not finite where a variable is not, or a divisor is 0;
            NaN where ``untestedWithout`` has no finite value.
            None if the test has no tested quantity.
        """
        if test.quantity is None:
            return None
        unit = self.product[test.key].quantityUnit
        quantity = self._evaluate(test.quantity, test.quantityNames, test, unit)
        if test.untestedWithout:
            return np.where(np.isfinite(self.variable(test.untestedWithout, test)), quantity, np.nan)
        return quantity

    def needsGain(self, test: VerifyTest) -> bool:
        """Tell whether the tested quantity is of electrons, where statistics are in ADU."""
        return not self.product.gainsApplied and bool(
            test.quantity is not None
            and self.product.awaitsGain(
                test, test.quantity, test.quantityNames, self.product[test.key].quantityUnit
            )
        )

    def _evaluate(self, expression: str, names: tuple[str, ...], test: VerifyTest, unit: str) -> FloatArray:
        """Evaluate an expression of a test in every row, of electrons where its unit is not one of ADU."""
        variables = {name: self.variable(name, test) for name in names}
        if not self.product.gainsApplied:
            for name in self.product.awaitsGain(test, expression, names, unit):
                variables[name] = variables[name] * self._gainOf(test)
        values: FloatArray = _compile(expression, names)(*variables.values(), ex_uses_vml=False)
        return values

    def _gainOf(self, test: VerifyTest) -> FloatArray:
        """Get the gain of each row of a test: a detector or an exposure has no single one."""
        return self.gain if test.row == "amplifier" else np.full(len(self.rows[test.row]), np.nan)

    def verdict(self, test: VerifyTest) -> FlagArray | None:
        """Get the verdicts of a test: those that were read, or that follow from its threshold.

        Parameters
        ----------
        test
            A test that was read.

        Returns
        -------
        verdicts
            1 passed, 0 failed, -1 untested, shape (n,); None if nothing is tested.
        """
        if test.verifyColumn is not None:
            return self.flags[test.verifyColumn]
        quantity = self.quantity(test)
        return None if quantity is None else judge(test, quantity, self.physicalType[test.row])

    def status(self, test: VerifyTest) -> FlagArray | None:
        """Tell which rows are good, failed or unknown in a test.

        Parameters
        ----------
        test
            A test that was read.

        Returns
        -------
        status
            Codes, shape (n,): failed where the verdict is False; unknown where there is none, no finite
            statistic, or a tested quantity that is NaN, as one without a nominal value; also where the
            quantity does not pass that cp_verify has compared in ADU with electrons. None if nothing is
            tested.
        """
        verdict = self.verdict(test)
        if verdict is None:
            return None
        known = np.ones(len(verdict), dtype=bool)
        if test.statisticColumn is not None:
            known &= np.isfinite(self.statistics[test.statisticColumn])
        if (quantity := self.quantity(test)) is not None:
            known &= ~np.isnan(quantity)
            if self.needsGain(test):
                known &= judge(test, quantity, self.physicalType[test.row]) == GOOD
        return np.where((verdict == GOOD) & ~known, UNKNOWN, verdict).astype(np.int8)

    def failed(self, test: VerifyTest) -> BoolArray:
        """Tell which rows have the verdict False, shape (n,); none if nothing is tested."""
        verdict = self.verdict(test)
        return np.zeros(len(self.rows[test.row]), bool) if verdict is None else verdict == FAILED

    def suspicious(self, test: VerifyTest) -> BoolArray:
        """Tell which rows have a statistic that is too low to be plausible, whatever the verdict.

        Parameters
        ----------
        test
            A test that was read.

        Returns
        -------
        suspicious
            Where the statistic is a number that does not exceed 0, or what ``plausibleAbove`` of the test
            says, shape (n,); nowhere if the test does not say.
        """
        if test.plausibleAbove is None or test.statisticColumn is None:
            return np.zeros(len(self.rows[test.row]), dtype=bool)
        value = self.statistics[test.statisticColumn]
        least = self._evaluate(test.plausibleAbove, test.plausibleNames, test, test.unit)
        # Without a nominal value, what has to be exceeded is NaN, and 0 remains.
        return (value <= 0) | (value * (self._gainOf(test) if self.product[test.key].inAdu else 1) <= least)

    def wasRun(self, test: VerifyTest) -> bool:
        """Tell whether a row without a verdict of a test is unknown.

        Parameters
        ----------
        test
            A test that was read.

        Returns
        -------
        wasRun
            False if nothing is tested, if a verdict is written on failure only, or if the table has no
            verdicts of this conditional test.
        """
        columns = test.statisticColumns if test.verifyColumn is None else (test.verifyColumn,)
        return test.isTested and test.presence != "onFailure" and self.absentColumns.isdisjoint(columns)


def _reduceAll(
    data: Columns,
    tests: Iterable[VerifyTest],
    absent: frozenset[str],
    isAmp: BoolArray,
    detector: IdArray,
) -> dict[str, ReducedVectors]:
    """Make statistics of vectors, by column; those of conditional tests only where a row has such vectors."""
    made = {}
    for test in tests:
        if absent.isdisjoint(test.inputColumns):
            # Rows of detectors have copies of the vectors of an amplifier: on disk, their mask is lost.
            used = isAmp if test.row == "amplifier" else ~isAmp
            found = reduceVectors(data, test, detector, used)
            if test.presence == "always" or found.isKind.any():
                made[str(test.statisticColumn)] = found
    return made


def _readStatistic(column: Any, name: str, unit: str, product: Product) -> FloatArray:
    """Read a statistic, and say of a wrong unit what has decided which one is right."""
    try:
        return floatColumn(column, name, unit)
    except ColumnUnitError as error:
        gains = "applied" if product.gainsApplied else "not applied"
        raise ColumnUnitError(f"{error}, as the gains are said to be {gains} (gainsApplied)") from error


def _leaveOut(columns: dict[str, Any], tests: Iterable[VerifyTest]) -> dict[str, BoolArray]:
    """Replace what is no measurement by NaN, and tell where that is."""
    found: dict[str, BoolArray] = {}
    for test in tests:
        if test.absentWhere is not None:
            stored = (columns[f"{test.prefix}_{name}"] for name in test.absentNames)
            absent = _compile(test.absentWhere, test.absentNames)(*stored, ex_uses_vml=False)
            if absent.any():
                found[str(test.statisticColumn)] = absent
    # Conditions are those of the stored values, so that none is replaced before all are known.
    for name, absent in found.items():
        columns[name] = np.where(absent, np.nan, columns[name])
        _LOG.info("%d value(s) of %s are left out: they are no measurements.", absent.sum(), name)
    return found


@cache
def _compile(expression: str, names: tuple[str, ...]) -> Any:
    """Compile an expression into a function of arrays; `numexpr.evaluate` would parse it every time."""
    return numexpr.NumExpr(expression, signature=[(name, np.float64) for name in names])
