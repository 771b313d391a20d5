# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Values and flags of encoded results, as plots take them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from lsst.analysis.cp.actions.plot.text import describeLimits
from lsst.analysis.cp.catalogue import VerifyTest
from lsst.analysis.cp.core.amps import AmpTable, margins
from lsst.analysis.cp.core.typing import FlagArray
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataAction, KeyedDataSchema, Vector
from lsst.pex.config import ChoiceField, Field, ListField

from .ampEncoding import AMP_TABLE, getAmpTable

__all__ = ["AmpFlags", "AmpResults", "AmpValues"]


class AmpResults(KeyedDataAction):
    """Hand the encoded results on, as they are."""

    def getInputSchema(self) -> KeyedDataSchema:
        """Name the encoded results."""
        return [(AMP_TABLE, AmpTable)]

    def __call__(self, data: KeyedData, **kwargs: Any) -> KeyedData:
        """Select the encoded results under the key ``ampTable``; keyword arguments are not used."""
        results: dict[str, Any] = {AMP_TABLE: getAmpTable(data)}
        return results


class AmpValues(KeyedDataAction):
    """Select the rows of one test: their value, and whether they passed."""

    test = Field[str](doc="Key of the test; there is no default.", default="")
    value = ChoiceField[str](
        doc="What to give as z.",
        default="statistic",
        allowed={
            "statistic": "The measured statistic.",
            "quantity": "The tested quantity.",
            "margin": "The distance of the tested quantity to its limit, negative beyond it.",
        },
    )

    def getInputSchema(self) -> KeyedDataSchema:
        """Name the encoded results."""
        return [(AMP_TABLE, AmpTable)]

    def getOutputSchema(self) -> KeyedDataSchema:
        """Name the vectors that are made."""
        return [(name, Vector) for name in ("ampIndex", "z", "flag", "quantity", "margin", "suspicious")]

    def __call__(self, data: KeyedData, **kwargs: Any) -> KeyedData:
        """Select values.

        Parameters
        ----------
        data
            Encoded results under the key ``ampTable``.
        **kwargs
            Not used.

        Returns
        -------
        values
            The encoded results; ``z``, and ``flag`` (1 passed, 0 failed, NaN untested) if anything is
            tested; ``ampIndex``, places of the rows in the layout of the camera, or the ids ``detector``
            for a test whose rows are detectors; the tested ``quantity``, if there is one and it is not ``z``,
            and its ``margin`` likewise (see `lsst.analysis.cp.core.amps.margins`); by their names the other
            variables of its expression; and ``suspicious``, whether the value is too low to be plausible, if
            the test can tell. The limits in words, with their source, are ``limits``; and one that holds for
            all sensors is ``threshold``, unless ``z`` is a margin.
        """
        table = getAmpTable(data)
        test = table.product[self.test]
        rows = table.rows[test.row]
        known = {}
        if test.statisticColumn is not None:
            known["statistic"] = table.statistics[test.statisticColumn]
        if (quantity := table.quantity(test)) is not None:
            known["quantity"] = quantity
            known["margin"] = margins(test, quantity, table.physicalType[test.row])
        selected: dict[str, Any] = {
            AMP_TABLE: table,
            "z": known.pop(self.value, np.full(len(rows), np.nan)),
        }
        known.pop("statistic", None)
        selected |= known
        if test.row == "amplifier":
            selected["ampIndex"] = rows.member
        else:
            selected["detector"] = table.layout.detectorId[rows.detectorIndex]
        if test.quantity is not None:
            limits = f"{describeLimits(test)} {test.quantityUnit}".strip()
            selected["limits"] = f"{limits} ({test.thresholdSource})" if test.thresholdSource else limits
            if test.limit is not None and self.value != "margin":
                selected["threshold"] = test.limit
        for name in test.comparedNames:
            selected[name] = table.variable(name, test)
        if test.has("plausibility"):
            selected["suspicious"] = table.suspicious(test)
        if (verdict := table.verdict(test)) is not None:
            selected["flag"] = np.where(verdict < 0, np.nan, verdict)
        return selected


class AmpFlags(KeyedDataAction):
    """Select the verdicts of all tests whose rows are amplifiers, and of those whose rows are detectors."""

    tests = ListField[str](
        doc="Keys of tests with a verdict; if empty, all that do not sum up others.", default=[]
    )

    def getInputSchema(self) -> KeyedDataSchema:
        """Name the encoded results."""
        return [(AMP_TABLE, AmpTable)]

    def __call__(self, data: KeyedData, **kwargs: Any) -> KeyedData:
        """Select flags.

        Parameters
        ----------
        data
            Encoded results under the key ``ampTable``.
        **kwargs
            Not used.

        Returns
        -------
        flags
            The encoded results; ``flags``, 1 passed, 0 failed, -1 untested, shape (nTests, nRows); and
            ``ampIndex``, places of the rows in the layout of the camera, shape (nRows,). The same of the
            rows of detectors in ``detectorFlags`` and ``detectorIndex``.
        """
        table = getAmpTable(data)
        tests = table.product.ownVerdicts(self.tests)
        selected: dict[str, Any] = {
            AMP_TABLE: table,
            "ampIndex": table.ampIndex,
            "flags": _stackVerdicts(table, "amplifier", tests),
            "detectorIndex": table.rows["detector"].member,
            "detectorFlags": _stackVerdicts(table, "detector", tests),
        }
        return selected


def _stackVerdicts(table: AmpTable, kind: str, tests: Iterable[VerifyTest]) -> FlagArray:
    """Stack the verdicts of the tests of a kind of rows, shape (nTests, nRows)."""
    flags = [table.verdict(test) for test in tests if test.row == kind]
    return np.array(flags, dtype=np.int8).reshape(len(flags), len(table.rows[kind]))
