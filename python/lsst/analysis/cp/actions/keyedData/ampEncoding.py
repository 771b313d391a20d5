# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Encoding of results, which is done once for all tools of a task."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lsst.analysis.cp.catalogue import EPOCHS, StoredLimits, getProduct
from lsst.analysis.cp.core import cameraLayout
from lsst.analysis.cp.core.amps import AmpTable
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataAction, KeyedDataSchema, Vector
from lsst.pex.config import ChoiceField, Field, ListField

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera
    from lsst.analysis.cp.core.amps import Columns, ReferenceValues

__all__ = ["AMP_TABLE", "EncodeAmps", "encodeAmps", "getAmpTable"]

AMP_TABLE = "ampTable"
"""Key of the encoded results in the data of tools."""


def encodeAmps(
    data: Columns,
    product: str,
    tests: Iterable[str] = (),
    *,
    camera: Camera,
    epoch: str | None = None,
    reference: ReferenceValues | None = None,
    exposures: Iterable[int] | None = None,
    gainsApplied: bool = True,
    limits: StoredLimits | None = None,
    **kwargs: Any,
) -> AmpTable:
    """Encode a table of results.

    Parameters
    ----------
    data
        Columns of results.
    product
        Product that was verified.
    tests
        Keys of the tests that are needed; all of the product if empty.
    camera
        Camera that the results belong to.
    epoch
        What tells the results apart, one of the catalogue's ``EPOCHS``; that of the product if None.
    reference
        Nominal read noise and gain; those of the camera where absent.
    exposures
        Exposures that are expected to have rows.
    gainsApplied
        Whether the statistics are in electrons; else they are in ADU.
    limits
        Limits with which the run was verified; those of the catalogue if None.
    **kwargs
        Not used: the further arguments of tools.

    Returns
    -------
    table
        Results of at least these tests.
    """
    declared = getProduct(product, gainsApplied).withLimits(limits)
    return AmpTable.fromColumns(
        data,
        declared,
        cameraLayout(camera),
        tests=[test.key for test in declared.needed(tests)],
        epoch=epoch,
        reference=reference,
        exposures=exposures,
    )


def getAmpTable(data: KeyedData) -> AmpTable:
    """Get the encoded results from the data of a tool.

    Parameters
    ----------
    data
        Data that went through `EncodeAmps`.

    Returns
    -------
    table
        The results.

    Raises
    ------
    ValueError
        Raised if there are none.
    """
    table: Any = data.get(AMP_TABLE)
    if not isinstance(table, AmpTable):
        names = ", ".join(sorted(data))
        raise ValueError(f"the data have no encoded results {AMP_TABLE!r}; they have {names}")
    return table


class EncodeAmps(KeyedDataAction):
    """Encode the columns that some tests need, unless the data hold encoded results already."""

    product = Field[str](doc="Product that was verified.", default="bias")
    tests = ListField[str](doc="Keys of the tests; all of the product if empty.", default=[])
    epoch = ChoiceField[str](
        doc="What tells the results apart.", default="exposure", allowed=dict.fromkeys(EPOCHS, "")
    )
    gainsApplied = Field[bool](doc="Are statistics in electrons, and not in ADU?", default=True)

    def getInputSchema(self) -> KeyedDataSchema:
        """Name the columns of the tests; a table may lack those of conditional tests."""
        columns = getProduct(self.product).inputColumns(list(self.tests))
        return [(name, Vector) for name in columns if (name, self.epoch) != ("exposure", "none")]

    def addInputSchema(self, inputSchema: KeyedDataSchema) -> None:
        """Add nothing: what follows takes the encoded results."""

    def __call__(self, data: KeyedData, **kwargs: Any) -> KeyedData:
        """Encode.

        Parameters
        ----------
        data
            A table, a mapping of columns, or encoded results under the key ``ampTable``.
        **kwargs
            ``camera``, and as far as known ``reference``, ``exposures`` and ``limits``.

        Returns
        -------
        encoded
            The results under the key ``ampTable``.
        """
        encoded: dict[str, Any] = {}
        if AMP_TABLE in set(data.keys()):  # A table of astropy would look for a row.
            encoded[AMP_TABLE] = data[AMP_TABLE]
        else:
            arguments = {"epoch": self.epoch, "gainsApplied": self.gainsApplied, **kwargs}
            encoded[AMP_TABLE] = encodeAmps(data, self.product, list(self.tests), **arguments)
        return encoded
