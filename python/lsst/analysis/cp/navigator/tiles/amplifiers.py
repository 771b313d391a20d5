# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Where the amplifiers of a camera are on its detectors."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from cachetools import LRUCache

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.core import FocalPlaneGeometry
from lsst.analysis.cp.report.collect.camera import findCamera
from lsst.daf.butler import Butler

__all__ = ["AmplifierBoxes", "Cameras", "listAmplifiers"]

_MOST_CAMERAS = 4
"""Number of cameras that are remembered."""


@dataclass(frozen=True)
class AmplifierBoxes:
    """Amplifiers of a detector, in the order of the camera.

    Parameters
    ----------
    detector
        Identifier of the detector.
    names
        Their names.
    edges
        Edges (xMin, yMin, xMax, yMax) of each on the detector in pixels; whole numbers are pixel centres.
    """

    detector: int
    names: tuple[str, ...]
    edges: tuple[tuple[float, float, float, float], ...]


@dataclass(frozen=True)
class Cameras:
    """Remembers cameras, which take seconds to read. It may be used by several threads."""

    _known: LRUCache[tuple[str, tuple[str, ...]], tuple[AmplifierBoxes, ...]] = field(
        default_factory=lambda: LRUCache(_MOST_CAMERAS)
    )
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def amplifiers(
        self, butler: Butler, instrument: str, collections: tuple[str, ...]
    ) -> tuple[AmplifierBoxes, ...]:
        """List the amplifiers of an instrument, those of each detector together.

        Parameters
        ----------
        butler
            The repository.
        instrument
            Name of the instrument.
        collections
            Where to search for its camera first.

        Returns
        -------
        amplifiers
            One entry a detector.

        Raises
        ------
        LookupError
            Raised if there is no camera.
        """
        key = instrument, collections
        # Who asks for the same camera meanwhile waits for it, and does not read it, too.
        with self._lock:
            if key not in self._known:
                geometry = cameraGeometry(findCamera(butler, instrument, collections))
                self._known[key] = listAmplifiers(geometry)
            return self._known[key]


def listAmplifiers(geometry: FocalPlaneGeometry) -> tuple[AmplifierBoxes, ...]:
    """List the amplifiers of each detector.

    Parameters
    ----------
    geometry
        The camera.

    Returns
    -------
    amplifiers
        One entry a detector.
    """
    layout = geometry.layout
    listed = []
    for i, detector in enumerate(layout.detectorId.tolist()):
        own = layout.ampDetector == i
        edges = tuple((x0, y0, x1, y1) for x0, y0, x1, y1 in geometry.ampEdges[own].tolist())
        listed.append(AmplifierBoxes(detector, tuple(layout.ampName[own].tolist()), edges))
    return tuple(listed)
