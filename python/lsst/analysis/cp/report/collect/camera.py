# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The camera of an instrument, and its detectors that should have results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.core import CameraLayout, DetectorSelection, FocalPlaneGeometry
from lsst.analysis.cp.core.typing import BoolArray
from lsst.daf.butler import ButlerUserError
from lsst.pipe.base import Instrument

from .scope import ReportError, Scope

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera
    from lsst.daf.butler import Butler

__all__ = ["findAllowed", "findCamera", "findCounted", "readGeometry"]


def readGeometry(scope: Scope) -> FocalPlaneGeometry:
    """Read the camera: as it is stored for the collections or the instrument, or as it is built in.

    Parameters
    ----------
    scope
        What is meant.

    Returns
    -------
    geometry
        Names and places of the detectors and amplifiers.

    Raises
    ------
    ReportError
        Raised if there is no camera.
    """
    try:
        return cameraGeometry(findCamera(scope.butler, scope.instrument, scope.given))
    except LookupError as error:
        raise ReportError(str(error)) from error


def findCamera(butler: Butler, instrument: str, collections: Sequence[str]) -> Camera:
    """Find the camera: as it is stored for collections or the instrument, or as it is built in.

    Parameters
    ----------
    butler
        The repository.
    instrument
        Name of the instrument.
    collections
        Where to search first.

    Returns
    -------
    camera
        The camera.

    Raises
    ------
    LookupError
        Raised if there is none, or the one that is stored cannot be read: its own is not taken in its place.
    """
    # In most chains it is in the unbounded calibrations of the instrument.
    for searched in (collections, [f"{instrument}/calib/unbounded"]):
        try:
            return butler.get("camera", instrument=instrument, collections=list(searched))
        except ButlerUserError:
            continue
        except Exception as error:
            # Whatever reads it may raise anything of a file that is gone or damaged.
            raise LookupError(
                f"The camera of {instrument} in {', '.join(searched)} cannot be read: "
                f"{type(error).__name__}: {error}"
            ) from error
    try:
        made: Any = Instrument.fromName(instrument, butler.registry)
        return made.getCamera()
    except Exception as error:
        raise LookupError(
            f"There is no camera of {instrument}: none is stored in the collections, and its own "
            f"cannot be made: {type(error).__name__}: {error}"
        ) from error


def findAllowed(scope: Scope, layout: CameraLayout) -> BoolArray:
    """Tell which detectors fulfil the expression of a scope, shape (nDetectors,)."""
    if not scope.where:
        return np.ones(layout.nDetectors, dtype=bool)
    records = scope.butler.query_dimension_records(
        "detector", instrument=scope.instrument, where=scope.where, limit=None, explain=False
    )
    return np.isin(layout.detectorId, [record.id for record in records])


def findCounted(layout: CameraLayout, allowed: BoolArray) -> BoolArray:
    """Tell which detectors the rule of verdicts counts.

    Parameters
    ----------
    layout
        The camera.
    allowed
        Detectors that are meant, shape (nDetectors,).

    Returns
    -------
    counted
        Those of them that metrics count, too; all of them if there are none. Shape (nDetectors,).
    """
    counted = allowed & DetectorSelection().mask(layout)
    return counted if counted.any() else allowed
