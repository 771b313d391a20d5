# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Names of detectors, which metrics know by their ids only."""

from __future__ import annotations

__all__ = ["DetectorName", "DetectorNames", "DetectorsById", "findRaft"]

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lsst.analysis.cp.core.typing import IdArray

from .labels import Labels

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera


def findRaft(name: str) -> str | None:
    """Take the name of the raft from that of a detector (``R22_S11``); None if it has none."""
    raft, separator, _ = name.partition("_")
    return raft if separator else None


@dataclass(frozen=True, kw_only=True)
class DetectorName:
    """What is known of a detector; None where it is not.

    Parameters
    ----------
    name
        Name of the detector.
    raft
        Name of its raft.
    physicalType
        Its vendor.
    nAmps
        Number of its amplifiers.
    """

    name: str | None = None
    raft: str | None = None
    physicalType: str | None = None
    nAmps: int | None = None


type DetectorsById = Mapping[tuple[str, int], DetectorName]


@dataclass(frozen=True, eq=False)
class DetectorNames:
    """Detectors of any number of instruments.

    Parameters
    ----------
    detectors
        Each detector by the name of its instrument and its id.
    """

    detectors: DetectorsById = field(default_factory=dict)

    @classmethod
    def fromCamera(cls, camera: Camera) -> DetectorNames:
        """Take the detectors of a camera, whose name is that of the instrument."""
        return cls(
            {
                (camera.getName(), int(detector.getId())): DetectorName(
                    name=detector.getName(),
                    raft=findRaft(detector.getName()),
                    physicalType=detector.getPhysicalType() or None,
                    nAmps=len(detector.getAmplifiers()),
                )
                for detector in camera
            }
        )

    def __or__(self, other: DetectorNames) -> DetectorNames:
        """Join; a detector that both have is taken from the second."""
        return DetectorNames({**self.detectors, **other.detectors})

    def find(self, instrument: Labels, detector: IdArray) -> FoundDetectors:
        """Find the detectors of some rows.

        Parameters
        ----------
        instrument
            Instrument of each row, of length n.
        detector
            Id of each row's detector, -1 for none, shape (n,).

        Returns
        -------
        found
            Their names.
        """
        keys, which = np.unique(
            np.column_stack([instrument.codes.astype(np.int64), detector]), axis=0, return_inverse=True
        )
        unknown = DetectorName()
        found = [
            self.detectors.get((instrument.names[code], number), unknown) if code >= 0 else unknown
            for code, number in keys.tolist()
        ]
        rows = which.ravel()
        return FoundDetectors(
            name=Labels.fromValues(item.name for item in found)[rows],
            raft=Labels.fromValues(item.raft for item in found)[rows],
            physicalType=Labels.fromValues(item.physicalType for item in found)[rows],
            nAmps=np.array([-1 if d.nAmps is None else d.nAmps for d in found], dtype=np.int64)[rows],
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class FoundDetectors:
    """Names of the detectors of n rows.

    Parameters
    ----------
    name, raft, physicalType
        Names, of length n.
    nAmps
        Number of amplifiers, -1 where it is not known, shape (n,).
    """

    name: Labels
    raft: Labels
    physicalType: Labels
    nAmps: IdArray
