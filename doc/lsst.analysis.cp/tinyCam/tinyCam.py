# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A camera of three detectors, one of which is turned, and a repository with two biases of it.

``python tinyCam.py <folder>`` makes the repository.
"""

import sys
from typing import ClassVar

from lsst.afw.cameraGeom import Amplifier, Camera, DetectorType, Orientation
from lsst.cp.simulator import ExposureInfo, makeRepository, shrinkCamera
from lsst.geom import Extent2D, Point2D, degrees
from lsst.obs.lsst import Latiss, LsstCam

__all__ = ["TinyCam"]

# Name, place of the centre (mm) and angle.
DETECTORS = (("T0_S0", (-30.0, 0.0), 0.0), ("T0_S1", (30.0, 0.0), 0.0), ("T0_S2", (0.0, 50.0), 30.0))
EXPOSURES = (ExposureInfo(20260301, 1), ExposureInfo(20260301, 2))


class TinyCam(LsstCam):
    """The instrument: its name, its filters, and its camera."""

    instrument: ClassVar[str] = "TinyCam"
    filterDefinitions = Latiss.filterDefinitions

    @classmethod
    def getCamera(cls) -> Camera:
        """Place three copies of a sensor."""
        [sensor] = shrinkCamera(Latiss().getCamera(), 8)
        box = sensor.getBBox()
        centre = Point2D((box.getWidth() - 1) / 2, (box.getHeight() - 1) / 2)
        builder = Camera.Builder(cls.instrument)
        for number, (name, place, angle) in enumerate(DETECTORS):
            detector = builder.add(name, number)
            detector.setType(DetectorType.SCIENCE)
            detector.setPhysicalType("ACME")
            detector.setBBox(box)
            detector.setPixelSize(Extent2D(sensor.getPixelSize()))
            detector.setOrientation(Orientation(Point2D(*place), centre, angle * degrees))
            for amplifier in sensor:
                copy = Amplifier.Builder()
                copy.assign(amplifier)
                detector.append(copy)
        return builder.finish()


if __name__ == "__main__":
    # Not the class of this script: the repository remembers where the instrument is imported from.
    from tinyCam import TinyCam as Instrument

    makeRepository(sys.argv[1], Instrument, EXPOSURES)
