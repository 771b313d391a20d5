# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Storing simulated calibrations of detectors."""

__all__ = ["SimulatedCalibration", "certifyCalibrations", "listSimulated", "putCalibrations"]

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lsst.daf.butler import Butler, CollectionType, DatasetRef, DatasetType, Timespan

from .fault import Fault, FaultKind, selectFaults


def putCalibrations(
    butler: Butler,
    instrument: Any,
    name: str,
    storageClass: str,
    calibrations: Iterable[tuple[Mapping[str, int], Any]],
    dimensions: Sequence[str] = ("detector",),
) -> list[DatasetRef]:
    """Store calibrations in a run of their own.

    Parameters
    ----------
    butler
        A writeable butler of a repository made by `makeRepository`.
    instrument
        The instrument.
    name, storageClass
        Name of the type of dataset, and its storage class.
    calibrations
        Data IDs, without the instrument, with their calibrations, which are taken one by one.
    dimensions
        What is in the data IDs.

    Returns
    -------
    refs
        Of what is stored.
    """
    run = instrument.makeCollectionName(f"calib/{name}/simulated")
    butler.collections.register(run)
    named = ("instrument", *dimensions)
    dataset_type = DatasetType(name, named, storageClass, isCalibration=True, universe=butler.dimensions)
    butler.registry.registerDatasetType(dataset_type)
    with butler.transaction():
        return [
            butler.put(calibration, dataset_type, {"instrument": instrument.getName(), **data_id}, run=run)
            for data_id, calibration in calibrations
        ]


def certifyCalibrations(
    butler: Butler, instrument: Any, name: str, storageClass: str, calibrations: Iterable[tuple[int, Any]]
) -> None:
    """Store calibrations, and certify them for all time.

    Parameters
    ----------
    butler
        A writeable butler of a repository made by `makeRepository`.
    instrument
        The instrument.
    name, storageClass
        Name of the type of dataset, and its storage class.
    calibrations
        Ids of detectors with their calibrations, which are taken one by one.
    """
    named = (({"detector": detector}, calibration) for detector, calibration in calibrations)
    refs = putCalibrations(butler, instrument, name, storageClass, named)
    certified = instrument.makeCalibrationCollectionName()
    butler.collections.register(certified, CollectionType.CALIBRATION)
    butler.registry.certify(certified, refs, Timespan(None, None))


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


@dataclass(frozen=True)
class SimulatedCalibration:
    """A kind of calibration that is simulated.

    Parameters
    ----------
    name, storageClass
        Name of the type of dataset, and its storage class.
    simulate
        Makes the calibration of a detector, of the detector, its camera, its faults and the seed.
    """

    name: str
    storageClass: str
    simulate: Callable[..., Any]

    def store(
        self,
        butler: Butler,
        instrument: Any,
        camera: Any,
        faults: Iterable[Fault] = (),
        *,
        seed: int = 1,
        detectors: Iterable[int] | None = None,
    ) -> None:
        """Simulate the calibrations of detectors, and certify them for all time.

        Parameters
        ----------
        butler
            A writeable butler of a repository made by `makeRepository`.
        instrument
            The instrument.
        camera
            Its camera.
        faults
            Faults of the simulation. A missing detector has no calibration.
        seed
            Seed of the simulation.
        detectors
            Ids of the detectors; all of the camera if None.
        """
        calibrations = (
            (detector.getId(), self.simulate(detector, camera, own, seed=seed))
            for detector, own in listSimulated(camera, faults, detectors)
        )
        certifyCalibrations(butler, instrument, self.name, self.storageClass, calibrations)
