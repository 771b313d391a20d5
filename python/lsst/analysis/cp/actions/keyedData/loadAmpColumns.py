# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Loading of the columns that a tool needs."""

from __future__ import annotations

__all__ = ["LoadAmpColumns"]

from typing import Any

from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataAction, KeyedDataSchema, Vector
from lsst.pex.config import Field, ListField

from .ampColumns import AmpColumns


class LoadAmpColumns(KeyedDataAction):
    """Take from a table the columns that some tests need, as far as it has them.

    Which columns a table can lack is for the reduction to say, since conditional tests leave none.
    """

    product = Field[str](doc="Product that was verified.", default="bias")
    tests = ListField[str](doc="Keys of the tests; all of the product if empty.", default=[])
    extraColumns = ListField[str](doc="Further columns to take.", default=[])

    def getInputSchema(self) -> KeyedDataSchema:
        """Name the columns of the tests."""
        columns = getProduct(self.product).inputColumns(list(self.tests) or None)
        return [(name, Vector) for name in dict.fromkeys((*columns, *self.extraColumns))]

    def addInputSchema(self, inputSchema: KeyedDataSchema) -> None:
        """Take further columns.

        Parameters
        ----------
        inputSchema
            Their names and types.
        """
        known = {name for name, _ in self.getInputSchema()}
        added = [name for name, _ in inputSchema if name not in known]
        self.extraColumns = [*self.extraColumns, *dict.fromkeys(added)]

    def __call__(self, data: KeyedData, **kwargs: Any) -> KeyedData:
        """Take the columns.

        Parameters
        ----------
        data
            A table, or a mapping of columns.
        **kwargs
            Not used.

        Returns
        -------
        columns
            Columns by name, of the same rows.
        """
        present = set(data.keys())
        columns = {name: data[name] for name, _ in self.getInputSchema() if name in present}
        return AmpColumns(columns, data.results) if isinstance(data, AmpColumns) else columns
