# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Reading of the nominal read noise and gain that the verification used."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lsst.analysis.cp.core import cameraLayout, floatColumn, idColumn, nameColumn
from lsst.analysis.cp.core.amps import HEADER_SOURCE, ReferenceValues
from lsst.analysis.cp.core.typing import FloatArray
from lsst.pipe.base import connectionTypes as cT

if TYPE_CHECKING:
    from astropy.table import Table

    from lsst.afw.cameraGeom import Camera
    from lsst.daf.butler import DeferredDatasetHandle

__all__ = ["VERIFIED_EXPOSURES", "readAmpSummaries", "readHeaders"]

_LOG = logging.getLogger(__name__)

READ_NOISE_KEY = "LSST ISR READNOISE {}"
GAIN_KEY = "LSST ISR GAIN {}"

VERIFIED_EXPOSURES = cT.Input(
    doc="Exposures that were verified, of which the header is read: the read noise and gain of each "
    "amplifier. Where there are none, those of the camera are used.",
    name="verifiedExposure",
    storageClass="Exposure",
    dimensions=("instrument", "exposure", "detector"),
    multiple=True,
    deferLoad=True,
    minimum=0,
    # Verified exposures are often not kept; their absence must not empty the quantum graph.
    deferGraphConstraint=True,
)
"""The connection that every task has which reads these headers."""


def readHeaders(handles: Iterable[DeferredDatasetHandle], camera: Camera) -> ReferenceValues:
    """Read the headers of verified exposures, where instrument signature removal left what it used.

    Only the ``metadata`` component is read. A value that the header does not have is masked, one that is no
    number is NaN; of a header that cannot be read there is none.
    """
    return _readEach(handles, partial(_readHeader, camera), component="metadata")


def readAmpSummaries(handles: Iterable[DeferredDatasetHandle], camera: Camera) -> ReferenceValues:
    """Take the values that amplifier tables of exposures have, the read noise only if it is from a header.

    Of a table that cannot be read, or is not of the camera, there is none.
    """
    names = ["exposure", "detector", "amplifier", "readNoise", "gain", "readNoiseSource"]
    return _readEach(handles, partial(_readAmpSummary, camera), parameters={"columns": names})


def _readEach(
    handles: Iterable[DeferredDatasetHandle],
    read: Callable[[DeferredDatasetHandle, Any], ReferenceValues],
    **kwargs: Any,
) -> ReferenceValues:
    """Read datasets one by one; one that cannot be read costs its own values only."""
    parts = []
    for handle in handles:
        try:
            parts.append(read(handle, handle.get(**kwargs)))
        except Exception:
            _LOG.warning("Nominal values of %s are the camera's: it cannot be read.", handle, exc_info=True)
    return ReferenceValues.join(parts) if parts else ReferenceValues.empty()


def _readHeader(camera: Camera, handle: DeferredDatasetHandle, header: Mapping[str, Any]) -> ReferenceValues:
    """Read the values of each amplifier of a detector."""
    names = [amp.getName() for amp in camera[handle.dataId["detector"]].getAmplifiers()]
    return ReferenceValues(
        exposure=np.full(len(names), handle.dataId["exposure"], dtype=np.int64),
        detector=np.full(len(names), handle.dataId["detector"], dtype=np.int64),
        amplifier=np.array(names, dtype=np.str_),
        readNoise=_getFloats(header, [READ_NOISE_KEY.format(name) for name in names]),
        gain=_getFloats(header, [GAIN_KEY.format(name) for name in names]),
        source=HEADER_SOURCE,
    )


def _getFloats(header: Mapping[str, Any], keys: Sequence[str]) -> FloatArray:
    """Get numbers, masked where the header has no such key, NaN where it has no number."""
    values = np.ma.masked_all(len(keys))
    for i, key in enumerate(keys):
        if key in header:
            try:
                values[i] = float(header[key])
            except (TypeError, ValueError, OverflowError):
                _LOG.warning("Header key %r holds %r, expected a number.", key, header[key])
                values[i] = np.nan
    return values


def _readAmpSummary(camera: Camera, handle: DeferredDatasetHandle, table: Table) -> ReferenceValues:
    """Read the values of each row of a table; what the camera gave is found there again."""
    exposure, has_exposure = idColumn(table["exposure"], "exposure")
    detector, has_detector = idColumn(table["detector"], "detector")
    amplifier, has_amplifier = nameColumn(table["amplifier"], "amplifier")
    source, _ = nameColumn(table["readNoiseSource"], "readNoiseSource")
    read_noise = floatColumn(table["readNoise"], "readNoise", "electron")
    gain = floatColumn(table["gain"], "gain", "electron / adu")
    rows = has_exposure & has_detector & has_amplifier
    cameraLayout(camera).findAmps(detector[rows], amplifier[rows])
    return ReferenceValues(
        exposure=exposure[rows],
        detector=detector[rows],
        amplifier=amplifier[rows],
        readNoise=np.ma.masked_where(source != HEADER_SOURCE, read_noise)[rows],
        gain=gain[rows],
        source=HEADER_SOURCE,
    )
