# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Results of amplifiers, checked and encoded once for every reduction."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Protocol

import numexpr
import numpy as np

from lsst.analysis.cp.catalogue import KEY_COLUMNS, REFERENCE_NAMES, Product, Test
from lsst.analysis.cp.core.camera import CameraLayout
from lsst.analysis.cp.core.columns import ColumnError, flagColumn, floatColumn
from lsst.analysis.cp.core.typing import FlagArray, FloatArray, IdArray, IndexArray, NameArray

from .keys import AmpKeys, encodeKeys
from .reference import ReferenceValues
from .status import FAILED, GOOD, UNKNOWN

__all__ = ["AmpTable", "Columns"]

_LOG = logging.getLogger(__name__)


class Columns(Protocol):
    """Anything with named columns: an astropy table or a mapping of arrays."""

    def keys(self) -> Iterable[str]:
        """Name the columns."""
        ...

    def __getitem__(self, key: str, /) -> Any: ...


@dataclass(frozen=True, kw_only=True, eq=False)
class AmpTable:
    """Results of n amplifiers, in the order of the table that they were read from.

    Make it with `fromColumns`, which checks everything.

    Parameters
    ----------
    product
        The product that was verified.
    layout
        The camera, or the part of it that is expected to have results.
    tests
        Tests that were read.
    exposures
        Exposure ids that are expected or have rows, sorted, shape (nExp,).
    exposureIndex
        Index into ``exposures``, shape (n,).
    ampIndex
        Index into the amplifiers of the layout, shape (n,).
    statistics
        Statistics by column, float64, shape (n,); NaN where there is no value.
    flags
        Verdicts by column, shape (n,): 1 passed, 0 failed, -1 untested.
    readNoise, gain
        Nominal read noise (electron) and gain (electron/adu) of each row, shape (n,).
    readNoiseSource
        Where the read noise comes from, shape (n,).
    absentColumns
        Columns of conditional tests that the table does not have.
    """

    product: Product
    layout: CameraLayout
    tests: tuple[Test, ...]
    exposures: IdArray
    exposureIndex: IndexArray
    ampIndex: IndexArray
    statistics: Mapping[str, FloatArray]
    flags: Mapping[str, FlagArray]
    readNoise: FloatArray
    gain: FloatArray
    readNoiseSource: NameArray
    absentColumns: frozenset[str]

    @classmethod
    def fromColumns(
        cls,
        data: Columns,
        product: Product,
        layout: CameraLayout,
        *,
        tests: Iterable[str] | None = None,
        reference: ReferenceValues | None = None,
        exposures: Iterable[int] | None = None,
    ) -> AmpTable:
        """Check and encode a table of results.

        Rows of other levels (without an amplifier) are dropped.

        Parameters
        ----------
        data
            Columns ``exposure``, ``detector``, ``amplifier`` and those of the tests, each of shape (n,).
            Masked and object columns, integers and booleans are understood. Not modified.
        product
            The product that was verified.
        layout
            The camera.
        tests
            Keys of the tests to read; all of the product if None.
        reference
            Nominal read noise and gain that the verification used; those of the camera where absent.
        exposures
            Exposures that are expected to have rows, for completeness.

        Returns
        -------
        ampTable
            The amplifier rows.

        Raises
        ------
        ColumnError
            If a required column is missing or cannot be read.
        AmpKeyError
            If a detector or amplifier is not in the camera, or a row occurs twice.
        """
        chosen = product.tests if tests is None else tuple(product[key] for key in tests)
        absent = _findAbsent(data, product, chosen)
        keys = encodeKeys(data, layout, exposures)
        statistics, flags = _readColumns(data, chosen, absent, keys)
        reference = reference if reference is not None else ReferenceValues.empty()
        values = reference.match(keys, layout)
        return cls(
            product=product,
            layout=layout,
            tests=chosen,
            exposures=keys.exposures,
            exposureIndex=keys.exposureIndex,
            ampIndex=keys.ampIndex,
            statistics=statistics,
            flags=flags,
            readNoise=values.readNoise,
            gain=values.gain,
            readNoiseSource=values.source,
            absentColumns=absent,
        )

    def __len__(self) -> int:
        return len(self.ampIndex)

    @cached_property
    def detectorIndex(self) -> IndexArray:
        """Index into the detectors of the layout, shape (n,)."""
        return self.layout.ampDetector[self.ampIndex]

    @property
    def exposure(self) -> IdArray:
        """Exposure ids, shape (n,)."""
        return self.exposures[self.exposureIndex]

    @property
    def detector(self) -> IdArray:
        """Detector ids, shape (n,)."""
        return self.layout.detectorId[self.detectorIndex]

    @property
    def amplifier(self) -> NameArray:
        """Amplifier names, shape (n,)."""
        return self.layout.ampName[self.ampIndex]

    def variable(self, name: str) -> FloatArray:
        """Get what a name in the expression of a tested quantity stands for.

        Parameters
        ----------
        name
            A statistic without prefix, or one of the catalogue's ``REFERENCE_NAMES``.

        Returns
        -------
        values
            Shape (n,).
        """
        if name in REFERENCE_NAMES:
            return {"RN": self.readNoise, "GAIN": self.gain}[name]
        return self.statistics[f"{self.product.prefix}_{name}"]

    def quantity(self, test: Test) -> FloatArray | None:
        """Evaluate the tested quantity of a test, if it has one.

        Parameters
        ----------
        test
            A test that was read.

        Returns
        -------
        quantity
            Shape (n,), in the test's ``quantityUnit``; None if the test has no tested quantity.
        """
        return None if test.quantity is None else self.evaluateQuantity(test)

    def evaluateQuantity(self, test: Test, out: FloatArray | None = None) -> FloatArray:
        """Evaluate the tested quantity of a test.

        Parameters
        ----------
        test
            A test that was read, with a tested quantity.
        out
            Array of shape (n,) to write to; a new one if None.

        Returns
        -------
        quantity
            Shape (n,), in the test's ``quantityUnit``; not finite where a variable is not, or a divisor is 0.

        Raises
        ------
        ValueError
            If the test has no tested quantity.
        """
        if test.quantity is None:
            raise ValueError(f"{test.product} {test.key} has no tested quantity")
        compiled = _compileQuantity(test.quantity, test.quantityNames)
        return compiled(*(self.variable(name) for name in test.quantityNames), out=out, ex_uses_vml=False)

    def status(self, test: Test) -> FlagArray | None:
        """Tell which amplifiers are good, failed or unknown in a test.

        Parameters
        ----------
        test
            A test that was read.

        Returns
        -------
        status
            Codes, shape (n,): failed where the verdict is False; unknown where there is none, or no finite
            statistic. None if nothing is tested.
        """
        if test.verifyColumn is None:
            return None
        flags = self.flags[test.verifyColumn]
        if test.statisticColumn is None:
            return flags
        good = (flags == GOOD) & np.isfinite(self.statistics[test.statisticColumn])
        return np.where(good, GOOD, np.where(flags == FAILED, FAILED, UNKNOWN)).astype(np.int8)

    def wasRun(self, test: Test) -> bool:
        """Tell whether an amplifier without a verdict of a test is unknown.

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
        return (
            test.verifyColumn is not None
            and test.presence != "onFailure"
            and test.verifyColumn not in self.absentColumns
        )


@cache
def _compileQuantity(expression: str, names: tuple[str, ...]) -> Any:
    """Compile an expression into a function of arrays; `numexpr.evaluate` would parse it every time."""
    return numexpr.NumExpr(expression, signature=[(name, np.float64) for name in names])


def _findAbsent(data: Columns, product: Product, tests: tuple[Test, ...]) -> frozenset[str]:
    """Find the columns that are not there, and tell required from conditional."""
    present = set(data.keys())
    required = dict.fromkeys(KEY_COLUMNS)
    required |= dict.fromkeys(c for t in tests if t.presence == "always" for c in t.inputColumns)
    if missing := [column for column in required if column not in present]:
        raise ColumnError(
            f"table of {product.name} results lacks required column(s) {', '.join(missing)}; "
            f"it has {', '.join(sorted(present)) or 'none'}"
        )
    absent = set()
    for test in tests:
        if lost := [column for column in test.inputColumns if column not in present]:
            absent.update(lost)
            if test.presence == "conditional":
                _LOG.warning("%s %s is skipped: no column %s.", product.name, test.key, ", ".join(lost))
    return frozenset(absent)


def _readColumns(
    data: Columns, tests: tuple[Test, ...], absent: frozenset[str], keys: AmpKeys
) -> tuple[dict[str, FloatArray], dict[str, FlagArray]]:
    """Read statistics and verdicts of the amplifier rows."""
    n = len(keys.ampIndex)
    statistics = {}
    flags = {}
    for column in dict.fromkeys(c for test in tests for c in test.statisticColumns):
        if column in absent:
            statistics[column] = np.full(n, np.nan)
        else:
            statistics[column] = keys.take(floatColumn(data[column], column), column)
    for column in dict.fromkeys(test.verifyColumn for test in tests if test.verifyColumn):
        if column in absent:
            flags[column] = np.full(n, UNKNOWN, dtype=np.int8)
        else:
            flags[column] = keys.take(flagColumn(data[column], column), column)
    return statistics, flags
