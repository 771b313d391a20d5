# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Values and flags of amplifiers, as plots take them."""

from __future__ import annotations

__all__ = ["AmpFlags", "AmpValues"]

from typing import Any

import numpy as np

from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.core.amps import AmpTable
from lsst.analysis.cp.core.typing import FloatArray
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataAction, KeyedDataSchema, Vector
from lsst.pex.config import ChoiceField, Field, ListField

from .ampColumns import AmpColumns, findAmpResults, verdictKeys


class AmpValues(KeyedDataAction):
    """Select the amplifier rows of one test: their value, and whether they passed.

    The result has the vectors ``detector``, ``amplifier``, ``z`` and ``flag`` (1 passed, 0 failed, NaN
    untested).
    """

    product = Field[str](doc="Product that was verified.", default="bias")
    test = Field[str](doc="Key of the test; there is no default.", default="")
    value = ChoiceField[str](
        doc="What to give as z.",
        default="statistic",
        allowed={"statistic": "The measured statistic.", "quantity": "The tested quantity."},
    )

    def getInputSchema(self) -> KeyedDataSchema:
        """Name the columns of the test."""
        return [(name, Vector) for name in getProduct(self.product).inputColumns([self.test])]

    def getOutputSchema(self) -> KeyedDataSchema:
        """Name the vectors that are made."""
        return [(name, Vector) for name in ("detector", "amplifier", "z", "flag")]

    def __call__(self, data: KeyedData, **kwargs: Any) -> KeyedData:
        """Select values.

        Parameters
        ----------
        data
            Columns of amplifier results.
        **kwargs
            ``camera``, and as far as known ``reference`` and ``exposures``.

        Returns
        -------
        values
            The vectors, of the amplifier rows only. ``flag`` is left out if nothing is tested.
        """
        results = findAmpResults(data, self.product, [self.test], **kwargs)
        table, test = results.ampTable, getProduct(self.product)[self.test]
        values = table.quantity(test) if self.value == "quantity" else None
        if self.value == "statistic" and test.statisticColumn is not None:
            values = table.statistics[test.statisticColumn]
        vectors = {
            "detector": table.detector,
            "amplifier": table.amplifier,
            "z": np.full(len(table), np.nan) if values is None else values,
        }
        if test.verifyColumn is not None:
            vectors["flag"] = floatFlags(table, test.verifyColumn)
        return AmpColumns(vectors, results)


class AmpFlags(KeyedDataAction):
    """Select the amplifier rows of all tests: whether they passed.

    The result has the vectors ``detector``, ``amplifier`` and one of flags for each test, named as its
    column.
    """

    product = Field[str](doc="Product that was verified.", default="bias")
    tests = ListField[str](
        doc="Keys of tests with a verdict; if empty, all that do not sum up others.", default=[]
    )

    def getInputSchema(self) -> KeyedDataSchema:
        """Name the columns of the tests."""
        return [
            (name, Vector)
            for name in getProduct(self.product).inputColumns(verdictKeys(self.product, self.tests))
        ]

    def __call__(self, data: KeyedData, **kwargs: Any) -> KeyedData:
        """Select flags.

        Parameters
        ----------
        data
            Columns of amplifier results.
        **kwargs
            ``camera``, and as far as known ``reference`` and ``exposures``.

        Returns
        -------
        flags
            The new vectors, of the amplifier rows: 1 passed, 0 failed, NaN untested.
        """
        keys = verdictKeys(self.product, self.tests)
        results = findAmpResults(data, self.product, keys, **kwargs)
        table = results.ampTable
        columns = [getProduct(self.product)[key].verifyColumn for key in keys]
        vectors = {name: floatFlags(table, name) for name in columns if name is not None}
        return AmpColumns({"detector": table.detector, "amplifier": table.amplifier, **vectors}, results)


def floatFlags(table: AmpTable, column: str) -> FloatArray:
    """Write verdicts with NaN for untested, as actions read them."""
    flags = table.flags[column]
    return np.where(flags < 0, np.nan, flags)
