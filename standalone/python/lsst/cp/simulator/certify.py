# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Simulated calibrations of detectors in a repository, which hold for all time."""

__all__ = ["certifyCalibrations", "listSimulated"]

from collections.abc import Iterable, Iterator
from typing import Any

from lsst.daf.butler import Butler, CollectionType, DatasetType, Timespan

from .fault import Fault, FaultKind, selectFaults


def listSimulated(
    camera: Any, faults: Iterable[Fault], detectors: Iterable[int] | None = None
) -> Iterator[tuple[Any, tuple[Fault, ...]]]:
    """List the detectors that have a calibration, with their faults.

    Parameters
    ----------
    camera
        The camera.
    faults
        Faults of the simulation. A missing detector has no calibration.
    detectors
        Ids of the detectors; all of the camera if None.

    Yields
    ------
    detector
        The detector.
    faults
        Its faults.
    """
    known = tuple(faults)
    chosen = {detector.getId() for detector in camera} if detectors is None else set(detectors)
    for detector in camera:
        own = tuple(selectFaults(known, 0, detector.getId(), detector.getName()))
        is_missing = any(fault.kind is FaultKind.MISSING_DETECTOR for fault in own)
        if detector.getId() in chosen and not is_missing:
            yield detector, own


def certifyCalibrations(
    butler: Butler, instrument: Any, name: str, storageClass: str, calibs: Iterable[tuple[int, Any]]
) -> None:
    """Store calibrations, and certify them for all time.

    Parameters
    ----------
    butler
        A writeable butler of a repository made by `makeRepository`.
    instrument
        The instrument.
    name, storageClass
        Dataset type and its storage class.
    calibs
        Ids of detectors, and their calibrations.
    """
    run = instrument.makeCollectionName(f"calib/{name}/simulated")
    calibrations = instrument.makeCalibrationCollectionName()
    butler.collections.register(run)
    butler.collections.register(calibrations, CollectionType.CALIBRATION)
    dimensions = ("instrument", "detector")
    dataset_type = DatasetType(name, dimensions, storageClass, isCalibration=True, universe=butler.dimensions)
    butler.registry.registerDatasetType(dataset_type)
    with butler.transaction():
        refs = [
            butler.put(
                calib, dataset_type, {"instrument": instrument.getName(), "detector": detector}, run=run
            )
            for detector, calib in calibs
        ]
        butler.registry.certify(calibrations, refs, Timespan(None, None))
