# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Reading of the nominal read noise and gain that the verification used."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.table import Table, vstack

from lsst.analysis.cp.core.amps import HEADER_SOURCE, ReferenceValues
from lsst.pipe.base import connectionTypes as cT

if TYPE_CHECKING:
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


def readHeaders(handles: Sequence[DeferredDatasetHandle], camera: Camera) -> ReferenceValues:
    """Read the headers of verified exposures, where instrument signature removal left what it used.

    Only the ``metadata`` component is read. A value that the header does not have is NaN; of a header that
    cannot be read there is none.
    """
    rows = []
    for handle, header in _getEach(handles, component="metadata"):
        exposure, detector = handle.dataId["exposure"], handle.dataId["detector"]
        for amp in camera[detector].getAmplifiers():
            name = amp.getName()
            values = [_getFloat(header, key.format(name)) for key in (READ_NOISE_KEY, GAIN_KEY)]
            rows.append((exposure, detector, name, *values))
    return _makeReference(
        Table(
            rows=rows,
            names=("exposure", "detector", "amplifier", "readNoise", "gain"),
            dtype=(np.int64, np.int64, np.str_, np.float64, np.float64),
        )
    )


def readAmpSummaries(handles: Sequence[DeferredDatasetHandle]) -> ReferenceValues:
    """Take the values that amplifier tables of exposures have, the read noise only if it is from a header."""
    names = ["exposure", "detector", "amplifier", "readNoise", "gain", "readNoiseSource"]
    tables = [table for _, table in _getEach(handles, parameters={"columns": names})]
    if not tables:
        return ReferenceValues.empty()
    merged = vstack(tables, metadata_conflicts="silent")
    # What is left out is found in the camera again, and keeps that as its source.
    merged["readNoise"][merged["readNoiseSource"] != HEADER_SOURCE] = np.nan
    return _makeReference(merged)


def _getEach(
    handles: Iterable[DeferredDatasetHandle], **kwargs: Any
) -> Iterator[tuple[DeferredDatasetHandle, Any]]:
    """Get datasets one by one; one that cannot be read costs its own values only."""
    for handle in handles:
        try:
            dataset = handle.get(**kwargs)
        except Exception:
            _LOG.warning("Nominal values of %s are the camera's: it cannot be read.", handle, exc_info=True)
        else:
            yield handle, dataset


def _getFloat(header: Mapping[str, Any], key: str) -> float:
    """Get a number, NaN if there is none."""
    try:
        return float(header[key]) if key in header else np.nan
    except (TypeError, ValueError):
        _LOG.warning("Header key %r holds %r, expected a number.", key, header[key])
        return np.nan


def _makeReference(table: Table) -> ReferenceValues:
    return ReferenceValues(
        exposure=np.asarray(table["exposure"], dtype=np.int64),
        detector=np.asarray(table["detector"], dtype=np.int64),
        amplifier=np.asarray(table["amplifier"], dtype=np.str_),
        readNoise=np.asarray(table["readNoise"], dtype=np.float64),
        gain=np.asarray(table["gain"], dtype=np.float64),
        source=HEADER_SOURCE,
    )
