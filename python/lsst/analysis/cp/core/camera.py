# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What a camera holds: detectors, their kinds, and their amplifiers, as arrays."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from lsst.analysis.cp.core.columns import idColumn, nameColumn
from lsst.analysis.cp.core.typing import BoolArray, FloatArray, IdArray, IndexArray, NameArray

__all__ = ["COUNTED_TYPES", "AmpKeyError", "CameraLayout", "DetectorSelection", "cameraLayout"]

COUNTED_TYPES = ("SCIENCE",)
"""Types of the detectors that metrics and the heads of maps count, unless they are told others."""

_SHOWN = 5


class AmpKeyError(ValueError):
    """Rows of a table do not fit the camera, or each other.

    Parameters
    ----------
    message
        What is wrong.
    rows
        Which of the rows that were looked up are wrong, shape (n,); empty if it is not known.
    tables
        Names of the tables that wrong rows of a merged table come from; then ``rows`` are all rows of these.
    """

    def __init__(self, message: str, rows: npt.ArrayLike = (), tables: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.rows: IndexArray = np.asarray(rows, dtype=np.intp)
        self.tables = tables


@dataclass(frozen=True, kw_only=True, eq=False)
class CameraLayout:
    """Detectors and amplifiers of a camera.

    Amplifiers of a detector are contiguous, in the order of the camera.

    Parameters
    ----------
    detectorId
        Detector ids, shape (nDet,), unique.
    detectorName
        Detector names (``"R22_S11"``), shape (nDet,).
    detectorType
        Detector types (``"SCIENCE"``, ``"GUIDER"``, ``"WAVEFRONT"``), shape (nDet,).
    physicalType
        Vendors or types of sensor (``"E2V"``, ``"ITL"``), shape (nDet,).
    ampDetector
        Index into the detectors that each amplifier belongs to, shape (nAmp,), non-decreasing.
    ampName
        Amplifier names, shape (nAmp,), unique in their detector.
    ampGain
        Nominal gain of each amplifier, shape (nAmp,), electron/adu.
    ampReadNoise
        Nominal read noise of each amplifier, shape (nAmp,), electron.
    ampPixels
        Number of pixels of the imaging section of each amplifier, shape (nAmp,).

    Raises
    ------
    ValueError
        If there is no amplifier, shapes disagree, ids or names are repeated, or amplifiers are not grouped by
        detector.
    """

    detectorId: IdArray
    detectorName: NameArray
    detectorType: NameArray
    physicalType: NameArray
    ampDetector: IndexArray
    ampName: NameArray
    ampGain: FloatArray
    ampReadNoise: FloatArray
    ampPixels: IdArray

    def __post_init__(self) -> None:
        if self.nDetectors == 0 or self.nAmps == 0:
            raise ValueError("a CameraLayout needs at least one detector and one amplifier")
        for group, n in (
            (("detectorName", "detectorType", "physicalType"), self.nDetectors),
            (("ampDetector", "ampGain", "ampReadNoise", "ampPixels"), self.nAmps),
        ):
            for name in group:
                if (shape := getattr(self, name).shape) != (n,):
                    raise ValueError(f"CameraLayout.{name} has shape {shape}, expected {(n,)}")
        if len(np.unique(self.detectorId)) != self.nDetectors:
            raise ValueError("CameraLayout.detectorId holds an id twice")
        if np.any(np.diff(self.ampDetector) < 0):
            raise ValueError("CameraLayout.ampDetector is not grouped by detector in the detectors' order")
        if not 0 <= self.ampDetector[0] <= self.ampDetector[-1] < self.nDetectors:
            raise ValueError(f"CameraLayout.ampDetector holds an index outside 0..{self.nDetectors - 1}")
        pairs = list(zip(self.ampDetector.tolist(), self.ampName.tolist(), strict=True))
        if len(set(pairs)) != len(pairs):
            raise ValueError("CameraLayout.ampName holds a name twice in one detector")

    @classmethod
    def fromCamera(cls, camera: Iterable[Any]) -> CameraLayout:
        """Make the layout of a camera.

        Parameters
        ----------
        camera
            An `lsst.afw.cameraGeom.Camera`, or an iterable of detectors with its interface.

        Returns
        -------
        layout
            Its detectors in the order of the camera.
        """
        detectors = list(camera)
        amps = [list(detector.getAmplifiers()) for detector in detectors]
        flat = [amp for group in amps for amp in group]
        return cls(
            detectorId=np.array([detector.getId() for detector in detectors], dtype=np.int64),
            detectorName=np.array([detector.getName() for detector in detectors], dtype=np.str_),
            detectorType=np.array([detector.getType().name for detector in detectors], dtype=np.str_),
            physicalType=np.array([detector.getPhysicalType() for detector in detectors], dtype=np.str_),
            ampDetector=np.repeat(np.arange(len(detectors)), [len(group) for group in amps]),
            ampName=np.array([amp.getName() for amp in flat], dtype=np.str_),
            ampGain=np.array([amp.getGain() for amp in flat], dtype=np.float64),
            ampReadNoise=np.array([amp.getReadNoise() for amp in flat], dtype=np.float64),
            ampPixels=np.array([_countPixels(amp.getBBox()) for amp in flat], dtype=np.int64),
        )

    @property
    def nDetectors(self) -> int:
        """Number of detectors."""
        return len(self.detectorId)

    @property
    def nAmps(self) -> int:
        """Number of amplifiers of all detectors."""
        return len(self.ampName)

    @cached_property
    def ampsPerDetector(self) -> IndexArray:
        """Number of amplifiers of each detector, shape (nDet,)."""
        return np.bincount(self.ampDetector, minlength=self.nDetectors)

    @cached_property
    def firstAmp(self) -> IndexArray:
        """Index of the first amplifier of each detector, shape (nDet,)."""
        return np.cumsum(self.ampsPerDetector) - self.ampsPerDetector

    @cached_property
    def memberOfAmp(self) -> IndexArray:
        """Place of each amplifier in its detector, shape (nAmp,)."""
        return np.arange(self.nAmps) - self.firstAmp[self.ampDetector]

    def findDetectors(self, detector: IdArray) -> IndexArray:
        """Look up detectors by id.

        Parameters
        ----------
        detector
            Detector ids, shape (n,).

        Returns
        -------
        index
            Index into the detectors of the layout, shape (n,).

        Raises
        ------
        AmpKeyError
            If a detector is not in the camera.
        """
        order = np.argsort(self.detectorId)
        rank = np.searchsorted(self.detectorId, detector, sorter=order)
        index = order[np.minimum(rank, self.nDetectors - 1)]
        if len(bad := np.flatnonzero(self.detectorId[index] != detector)):
            unknown = np.unique(detector[bad])
            listed = "; ".join(map(str, unknown[:_SHOWN])) + ("; ..." if len(unknown) > _SHOWN else "")
            raise AmpKeyError(f"detector(s) {listed} are not in the camera", bad)
        return index

    def findAmps(self, detector: IdArray, name: NameArray) -> IndexArray:
        """Look up amplifiers by detector id and name.

        Parameters
        ----------
        detector
            Detector ids, shape (n,).
        name
            Amplifier names, shape (n,).

        Returns
        -------
        index
            Index into the amplifiers of the layout, shape (n,).

        Raises
        ------
        AmpKeyError
            If a detector or amplifier is not in the camera.
        """
        detector_index = self.findDetectors(detector)
        # A camera has few different names: a table of detectors by names holds all amplifiers.
        known, name_of_amp = np.unique(self.ampName, return_inverse=True)
        table = np.full((self.nDetectors, len(known)), -1)
        table[self.ampDetector, name_of_amp] = np.arange(self.nAmps)
        code = np.minimum(np.searchsorted(known, name), len(known) - 1)
        index = np.where(known[code] == name, table[detector_index, code], -1)
        if len(bad := np.flatnonzero(index < 0)):
            first = bad[0]
            where = self.detectorName[detector_index[first]]
            what = f"amplifier {str(name[first])!r} of detector {detector[first]} ({where})"
            raise AmpKeyError(f"{what} is not in the camera", bad)
        return index

    def ampIndex(self, detector: npt.ArrayLike, amplifier: npt.ArrayLike) -> IndexArray:
        """Find rows' amplifiers by name.

        Parameters
        ----------
        detector
            Identifiers of detectors; shape (n,).
        amplifier
            Names of amplifiers; shape (n,). A row without one (masked, None or empty) is of another level,
            such as one row a detector, and gives -1.

        Returns
        -------
        index
            Positions in the layout; shape (n,).

        Raises
        ------
        AmpKeyError
            If a detector is not in the camera or has no amplifier of that name.
        ColumnError
            If what is given holds something else.
        """
        ids, present = idColumn(detector, "detector")
        names, named = nameColumn(amplifier, "amplifier")
        rows = present & named
        index = np.full(len(ids), -1, dtype=np.intp)
        index[rows] = self.findAmps(ids[rows], names[rows])
        return index

    def select(self, detectors: Collection[int]) -> CameraLayout:
        """Keep only some detectors.

        Parameters
        ----------
        detectors
            Ids to keep.

        Returns
        -------
        layout
            The part, in the order of the camera.

        Raises
        ------
        ValueError
            If an id is not in the camera, or none is given.
        """
        wanted = np.array(sorted(detectors), dtype=np.int64)
        if len(unknown := np.setdiff1d(wanted, self.detectorId)):
            raise ValueError(f"detectors {unknown.tolist()} are not in the camera")
        keep = np.isin(self.detectorId, wanted)
        keep_amp = keep[self.ampDetector]
        return CameraLayout(
            detectorId=self.detectorId[keep],
            detectorName=self.detectorName[keep],
            detectorType=self.detectorType[keep],
            physicalType=self.physicalType[keep],
            ampDetector=(np.cumsum(keep) - 1)[self.ampDetector[keep_amp]],
            ampName=self.ampName[keep_amp],
            ampGain=self.ampGain[keep_amp],
            ampReadNoise=self.ampReadNoise[keep_amp],
            ampPixels=self.ampPixels[keep_amp],
        )


def _countPixels(box: Any) -> int:
    return int(box.getWidth()) * int(box.getHeight())


@dataclass(frozen=True, kw_only=True)
class DetectorSelection:
    """Which detectors of a camera enter a summary.

    Parameters
    ----------
    detectorTypes
        Types to keep; all if None.
    physicalTypes
        Vendors to keep; all if None.
    """

    detectorTypes: tuple[str, ...] | None = COUNTED_TYPES
    physicalTypes: tuple[str, ...] | None = None

    def mask(self, layout: CameraLayout) -> BoolArray:
        """Tell which detectors are selected.

        Parameters
        ----------
        layout
            The camera.

        Returns
        -------
        mask
            True for the selected detectors, shape (nDet,).
        """
        mask = np.ones(layout.nDetectors, dtype=bool)
        if self.detectorTypes is not None:
            mask &= np.isin(layout.detectorType, self.detectorTypes)
        if self.physicalTypes is not None:
            mask &= np.isin(layout.physicalType, self.physicalTypes)
        return mask


@lru_cache(maxsize=8)
def cameraLayout(camera: Any) -> CameraLayout:
    """Get the layout of a camera, made once for each camera of a process.

    Parameters
    ----------
    camera
        An `lsst.afw.cameraGeom.Camera`.

    Returns
    -------
    layout
        Its detectors and amplifiers.
    """
    return CameraLayout.fromCamera(camera)
