# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A task that measures the tearing of flats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lsst.analysis.cp.core.calibrations import (
    IMPACT_PIXELS,
    TEARING_LIMIT,
    boundaryDeviations,
    columnProfile,
    pairNeighbours,
    tearingOfAmps,
)
from lsst.analysis.cp.core.epochs import medianOverEpochs
from lsst.analysis.cp.core.typing import FloatArray
from lsst.pex.config import Field, ListField
from lsst.pipe.base import connectionTypes as cT

from .measureStatistics import (
    DetectorStatistics,
    MeasureStatisticsConfig,
    MeasureStatisticsConnections,
    MeasureStatisticsTask,
)

if TYPE_CHECKING:
    from lsst.afw.image import Exposure

__all__ = [
    "MeasureFlatTearingConfig",
    "MeasureFlatTearingConnections",
    "MeasureFlatTearingTask",
    "MeasureTearingConfig",
    "MeasureTearingTask",
]


class MeasureTearingConfig(MeasureStatisticsConfig, pipelineConnections=MeasureStatisticsConnections):
    """Configuration of `MeasureTearingTask`."""

    numImpactPixels = Field[int](
        doc="Columns on either side of a boundary of amplifiers that are looked at.",
        default=IMPACT_PIXELS,
        check=lambda number: number > 0,
    )
    limit = Field[float](
        doc="Deviation of the response at a boundary that is to be kept below.",
        default=TEARING_LIMIT,
        check=lambda limit: limit > 0,
    )

    def setDefaults(self) -> None:
        """Name the columns."""
        super().setDefaults()
        self.stageName = "TEARING"


class MeasureTearingTask(MeasureStatisticsTask):
    """Measure the deviation of the response of flats at the boundaries of amplifiers (divisadero).

    It is measured of the medians over flats of the profiles that ip_isr makes.
    """

    ConfigClass = MeasureTearingConfig
    config: MeasureTearingConfig
    _DefaultName = "measureTearing"
    product = "tearing"
    kind = "DIVISADERO"
    switch = "doDivisaderoStatistics"

    def amplifierStatistics(
        self, inputCalib: DetectorStatistics, camera: Any = None, exposure: Any = None
    ) -> dict[str, dict[str, Any]]:
        """Measure each amplifier of the camera; what the statistics do not have is NaN."""
        amps = list(camera[inputCalib.detector])
        stacks = [self._stackProfiles(inputCalib, amp.getName(), amp.getBBox().getWidth()) for amp in amps]
        profiles = [medianOverEpochs(stack) for stack in stacks]
        tearing = self._measureTearing(profiles, amps)
        return {
            amp.getName(): {
                # Neighbours say nothing of an amplifier without a profile.
                "MAX": float(tearing[i]) if np.isfinite(profiles[i]).any() else np.nan,
                "LIMIT": self.config.limit,
                "LARGEST": self._findLargest(inputCalib, amp.getName()),
                "N_EXPOSURES": float(np.isfinite(stacks[i]).any(axis=1).sum()),
                "PROFILE": profiles[i],
            }
            for i, amp in enumerate(amps)
        }

    def _measureTearing(self, profiles: Sequence[FloatArray], amps: Sequence[Any]) -> FloatArray:
        """Measure the largest deviation at the boundaries of each amplifier of a detector, shape (nAmps,)."""
        boxes = [amp.getBBox() for amp in amps]
        edges = [(box.getMinX(), box.getMinY(), box.getMaxX() + 1, box.getMaxY() + 1) for box in boxes]
        pairs = pairNeighbours(np.array(edges, dtype=np.float64))
        return tearingOfAmps(
            boundaryDeviations(profiles, pairs, self.config.numImpactPixels), pairs, len(amps)
        )

    def _stackProfiles(self, statistics: DetectorStatistics, name: str, width: int) -> FloatArray:
        """Stack the profiles of an amplifier in all exposures, shape (nExposures, width)."""
        profiles = [np.full(width, np.nan)]
        for own in statistics.iterate(name):
            profile = np.asarray(own.get("DIVISADERO_PROFILE", ()), dtype=np.float64)
            if profile.shape == (width,):
                profiles.append(profile)
            else:
                self.log.warning("A profile of %s has the shape %s, not (%d,)", name, profile.shape, width)
        return np.stack(profiles)

    def _findLargest(self, statistics: DetectorStatistics, name: str) -> float:
        """Find the largest deviation that was found in a single flat."""
        values = [float(own.get("DIVISADERO_MAX", np.nan)) for own in statistics.iterate(name)]
        return max((value for value in values if np.isfinite(value)), default=np.nan)


class MeasureFlatTearingConnections(MeasureStatisticsConnections, dimensions={"instrument", "detector"}):
    """Combined flats of a detector in all filters, and what is measured of them."""

    data = cT.Input(
        doc="Combined flats.",
        name="flat",
        storageClass="ExposureF",
        dimensions=("instrument", "detector", "physical_filter"),
        isCalibration=True,
        multiple=True,
        deferLoad=True,
    )


class MeasureFlatTearingConfig(MeasureTearingConfig, pipelineConnections=MeasureFlatTearingConnections):
    """Configuration of `MeasureFlatTearingTask`."""

    rows = ListField[int](
        doc="First row from the readout of which means are taken, and the one after the last.",
        default=[10, 210],
        length=2,
    )
    numEdgePixels = Field[int](
        doc="Columns at either side of an amplifier that the line through it does not take.",
        default=25,
        check=lambda number: number >= 0,
    )
    badMask = ListField[str](
        doc="Planes of the mask whose pixels are left out.", default=["BAD", "SAT", "NO_DATA"]
    )


class MeasureFlatTearingTask(MeasureTearingTask):
    """Measure the same of combined flats, of which it makes the profiles as eo_pipe and ip_isr do."""

    ConfigClass = MeasureFlatTearingConfig
    config: MeasureFlatTearingConfig
    _DefaultName = "measureFlatTearing"

    def takeStatistics(self, dataset: Exposure, detector: Any) -> Mapping[str, Mapping[str, Any]]:
        """Make the profiles of a combined flat, and their deviations, as ip_isr stores them."""
        image, mask = dataset.image.array, dataset.mask
        planes = [plane for plane in self.config.badMask if plane in mask.getMaskPlaneDict()]
        is_bad = (mask.array & mask.getPlaneBitMask(planes)) != 0
        amps = list(detector)
        profiles = []
        for amp in amps:
            box = amp.getBBox()
            own = slice(box.getMinY(), box.getMaxY() + 1), slice(box.getMinX(), box.getMaxX() + 1)
            pixels = np.where(is_bad[own], np.nan, image[own])
            from_readout = pixels[:: -1 if amp.getRawFlipY() else 1]
            first, last = self.config.rows
            profiles.append(columnProfile(from_readout[first:last], self.config.numEdgePixels))
        tearing = self._measureTearing(profiles, amps)
        return {
            amp.getName(): {"DIVISADERO_PROFILE": profile, "DIVISADERO_MAX": float(largest)}
            for amp, profile, largest in zip(amps, profiles, tearing, strict=True)
        }
