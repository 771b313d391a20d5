# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Values of the amplifiers in each exposure of a run, and lines through them, as plots take them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from lsst.analysis.cp.catalogue import TIMES
from lsst.analysis.cp.core.amps import AmpTable
from lsst.analysis.cp.core.exposures import exposureGrid, fitLines
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataAction, KeyedDataSchema
from lsst.pex.config import ChoiceField, Field

from .ampEncoding import AMP_TABLE, getAmpTable

if TYPE_CHECKING:
    from lsst.analysis.cp.core.typing import FloatArray, IndexArray

__all__ = ["ExposureValues", "FitSlopes"]

_LOG = logging.getLogger(__name__)


class ExposureValues(KeyedDataAction):
    """Lay out one statistic of amplifiers by exposure."""

    test = Field[str](doc="Key of the test that has the statistic; there is no default.", default="")

    def getInputSchema(self) -> KeyedDataSchema:
        """Name the encoded results."""
        return [(AMP_TABLE, AmpTable)]

    def __call__(self, data: KeyedData, **kwargs: Any) -> KeyedData:
        """Lay out the values.

        Parameters
        ----------
        data
            Encoded results under the key ``ampTable``.
        **kwargs
            ``detector``, the id of the only detector to take, if there is one.

        Returns
        -------
        values
            The encoded results; ``members``, the places in the layout of the camera of all its amplifiers, or
            of those of the detector, shape (nMembers,); ``exposureValues``, the statistic of each in each
            exposure of the results, shape (nExposures, nMembers), NaN where there is none; and ``hasRows``,
            whether a member has a row, shape (nMembers,).
        """
        table = getAmpTable(data)
        members = _membersOf(table, kwargs.get("detector"))
        place = np.full(table.layout.nAmps, -1)
        place[members] = np.arange(len(members))
        own = place[table.ampIndex]
        rows = np.flatnonzero(own >= 0)
        column = table.product[self.test].statisticColumn
        values = table.statistics[str(column)][rows]
        shape = (len(table.exposures), len(members))
        grid = exposureGrid(values, table.exposureIndex[rows], own[rows], shape)
        has_rows = np.bincount(own[rows], minlength=len(members)) > 0
        laid_out: dict[str, Any] = {
            AMP_TABLE: table,
            "members": members,
            "exposureValues": grid,
            "hasRows": has_rows,
        }
        return laid_out


class FitSlopes(ExposureValues):
    """Fit a line to one statistic of each amplifier, against a time of the exposures."""

    against = ChoiceField[str](doc="The time.", default="darkTime", allowed=TIMES)

    def __call__(self, data: KeyedData, **kwargs: Any) -> KeyedData:
        """Fit the lines.

        Parameters
        ----------
        data
            Encoded results under the key ``ampTable``.
        **kwargs
            As for `ExposureValues`.

        Returns
        -------
        values
            What `ExposureValues` gives; the lines as ``lineFits``; and of the amplifiers with rows, of shape
            (n,), their places in the layout as ``ampIndex``, the slope as ``z``, its standard error as
            ``uncertainty``.
        """
        laid_out: dict[str, Any] = {**super().__call__(data, **kwargs)}
        times: FloatArray = getattr(getAmpTable(laid_out).times, self.against)
        if not (known := np.isfinite(times)).all():
            lost = getAmpTable(laid_out).exposures[~known]
            _LOG.warning(
                "%d of %d exposures have no %s, and no part in slopes; the first: %d.",
                len(lost),
                len(known),
                TIMES[self.against],
                lost[0],
            )
        fits = fitLines(times, laid_out["exposureValues"])
        has_rows = laid_out["hasRows"]
        return laid_out | {
            "lineFits": fits,
            "ampIndex": laid_out["members"][has_rows],
            "z": fits.slope[has_rows],
            "uncertainty": fits.slopeError[has_rows],
        }


def _membersOf(table: AmpTable, detector: int | None) -> IndexArray:
    """Get the places of the amplifiers of a detector, or of all if it is None."""
    layout = table.layout
    if detector is None:
        return np.arange(layout.nAmps)
    (index,) = layout.findDetectors(np.array([detector], dtype=np.int64))
    return np.flatnonzero(layout.ampDetector == index)
