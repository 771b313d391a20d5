# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What a simulation of one detector in one exposure starts from."""

__all__ = ["Scene"]

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from .fault import Fault, FaultKind
from .frames import AmplifierGeometry
from .randomStreams import RandomStreams


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A detector in one exposure, with its faults.

    Parameters
    ----------
    detector
        The ``lsst.afw.cameraGeom.Detector``.
    camera
        Its camera.
    exposure
        Exposure ID.
    streams
        Random numbers of the detector in this exposure.
    faults
        Faults of the detector in this exposure.
    mjd
        Begin of the exposure (days).
    exposureTime, darkTime
        Exposure and dark time (s).
    """

    detector: Any
    camera: Any
    exposure: int
    streams: RandomStreams
    faults: tuple[Fault, ...] = ()
    mjd: float
    exposureTime: float = 0.0
    darkTime: float = 0.0

    @cached_property
    def geometries(self) -> tuple[AmplifierGeometry, ...]:
        """The amplifiers, in the order of the camera."""
        box = self.detector.getBBox()
        return tuple(AmplifierGeometry.fromAmplifier(amplifier, box) for amplifier in self.detector)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the assembled image."""
        box = self.detector.getBBox()
        return box.getHeight(), box.getWidth()

    @property
    def commonStreams(self) -> RandomStreams:
        """Random numbers of the detector that are the same in all exposures."""
        return replace(self.streams, exposure=None)

    @property
    def isMissing(self) -> bool:
        """Whether the detector has no data."""
        return any(fault.kind is FaultKind.MISSING_DETECTOR for fault in self.faults)

    def faultsOf(self, amplifier: str) -> tuple[Fault, ...]:
        """List the faults of an amplifier, by name, among which are those of its whole detector."""
        return tuple(fault for fault in self.faults if not fault.amplifiers or amplifier in fault.amplifiers)

    def isDead(self, amplifier: str) -> bool:
        """Tell whether an amplifier, by name, reads one constant value."""
        return any(fault.kind is FaultKind.DEAD_AMPLIFIER for fault in self.faultsOf(amplifier))
