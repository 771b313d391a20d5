# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Flats of one detector after ISR, as arrays.

The light that an exposure sends to a pixel, in electrons, is

    S = flux * illumination(x, y) * vignetting(r) * vendor * response(pixel)

with focal-plane coordinates x, y and r = hypot(x, y). Photons have the variance ``S (1 + a00 S)``: by the
brighter-fatter effect it grows less than their mean. The combined flat is ``vignetting * vendor * response``
with the noise of the flats that it is made of; it does not know the exposure's own illumination. ISR divides
by it what it has corrected as for a bias, so that a clean flat has the same mean everywhere.
"""

__all__ = ["FlatModel", "FocalPlanePlace", "addLight", "makeCombinedFlat", "tear"]

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lsst.afw.cameraGeom import FOCAL_PLANE, PIXELS
from lsst.geom import Point2D

from .fault import Fault, FaultKind
from .frames import AmplifierGeometry
from .randomStreams import RandomStreams
from .scene import Scene

FloatArray = npt.NDArray[np.float32]

_TORN_COLUMNS = 2
"""Columns at either side of a torn amplifier."""


@dataclass(frozen=True)
class FlatModel:
    """What clean flats look like.

    Parameters
    ----------
    flux
        Light at the centre of the focal plane (electron).
    vignetting
        Part of the light that is lost at the edge of the focal plane.
    illuminationGradient
        Range of the illumination from the centre to the edge, in a direction that each exposure draws.
    responseScatter
        Scatter of the response of the pixels.
    brighterFatter
        Coefficient a00 of the brighter-fatter effect (1/electron).
    fullWell
        Electrons that a pixel holds.
    numCombined
        Number of flats in the combined flat.
    """

    flux: float = 50_000.0
    vignetting: float = 0.06
    illuminationGradient: float = 0.005
    responseScatter: float = 0.005
    brighterFatter: float = -3e-6
    fullWell: float = 150_000.0
    numCombined: int = 100


@dataclass(frozen=True)
class FocalPlanePlace:
    """Where the pixels of a detector are, in units of the radius of the focal plane.

    Parameters
    ----------
    origin
        Place (x, y) of the first pixel of the assembled image.
    column, row
        Steps (x, y) from a column and a row to the next.
    """

    origin: tuple[float, float]
    column: tuple[float, float]
    row: tuple[float, float]

    @classmethod
    def ofDetector(cls, detector: Any, camera: Any) -> "FocalPlanePlace":
        """Take the place from the geometry of a camera.

        Parameters
        ----------
        detector
            A detector of the camera.
        camera
            The camera; its radius is that of the farthest corner of a detector.

        Returns
        -------
        place
            Place of the detector.
        """
        corners = [corner for other in camera for corner in other.getCorners(FOCAL_PLANE)]
        radius = max(np.hypot(corner.getX(), corner.getY()) for corner in corners)
        transform = detector.getTransform(PIXELS, FOCAL_PLANE)
        first = detector.getBBox().getMin()
        pixels = [(first.getX() + x, first.getY() + y) for x, y in ((0, 0), (1, 0), (0, 1))]
        points = [transform.applyForward(Point2D(*pixel)) for pixel in pixels]
        places = [np.array([point.getX(), point.getY()]) / radius for point in points]
        steps = [tuple((place - places[0]).tolist()) for place in places[1:]]
        return cls(origin=tuple(places[0].tolist()), column=steps[0], row=steps[1])

    def find(self, geometry: AmplifierGeometry) -> tuple[FloatArray, FloatArray]:
        """Find the places of the pixels of an amplifier.

        Parameters
        ----------
        geometry
            The amplifier.

        Returns
        -------
        x, y
            Places of its pixels, each of its shape.
        """
        rows, columns = (np.arange(part.start, part.stop) for part in (geometry.rows, geometry.columns))
        x, y = (
            (start + right * columns + up * rows[:, None]).astype(np.float32)
            for start, right, up in zip(self.origin, self.column, self.row, strict=True)
        )
        return x, y


def makeCombinedFlat(
    geometry: AmplifierGeometry,
    place: FocalPlanePlace,
    model: FlatModel,
    vendor: float,
    streams: RandomStreams,
) -> tuple[FloatArray, FloatArray]:
    """Make what an amplifier does to light, and the combined flat that has measured it.

    Parameters
    ----------
    geometry
        The amplifier.
    place
        Place of its detector.
    model
        What flats look like.
    vendor
        Response of the sensors of its vendor.
    streams
        Random numbers of the detector, without exposure.

    Returns
    -------
    response, combined
        The true response and the measured one, of the amplifier's shape in the assembled image.
    """
    x, y = place.find(geometry)
    random = streams.make("response", geometry.name)
    response = random.standard_normal(geometry.shape, dtype=np.float32)
    response *= np.float32(model.responseScatter)
    response += 1
    response *= vendor * (1 - model.vignetting * (x**2 + y**2) ** 2)
    noise = random.standard_normal(geometry.shape, dtype=np.float32)
    noise *= np.float32(1 / np.sqrt(model.flux * model.numCombined))
    return response, response * (1 + noise)


def addLight(
    pixels: FloatArray,
    response: FloatArray,
    geometry: AmplifierGeometry,
    place: FocalPlanePlace,
    model: FlatModel,
    scene: Scene,
) -> None:
    """Add the light of an exposure to an amplifier, with its photon noise.

    Parameters
    ----------
    pixels
        What the amplifier reads without light (electron), in the order of the assembled image; changed.
    response
        Its true response, of the same shape.
    geometry, place
        The amplifier, and the place of its detector.
    model
        What flats look like.
    scene
        Its detector in this exposure.
    """
    faults = scene.faultsOf(geometry.name)
    # All detectors of an exposure see the same light.
    angle = replace(scene.streams, detector=-1).make("light").uniform(0, 2 * np.pi)
    x, y = place.find(geometry)
    light = response * (1 + model.illuminationGradient * (np.cos(angle) * x + np.sin(angle) * y))
    light *= np.float32(model.flux * _join(faults, FaultKind.EXCESS_LIGHT))
    tear(light, faults)
    variance = light * (1 + np.float32(model.brighterFatter) * light)
    noise = scene.streams.make("photons", geometry.name).standard_normal(geometry.shape, dtype=np.float32)
    pixels += light + np.sqrt(np.maximum(variance, 0)) * noise
    np.minimum(pixels, np.float32(model.fullWell), out=pixels)
    pixels *= np.float32(_join(faults, FaultKind.GAIN_STEP))


def tear(light: FloatArray, faults: Sequence[Fault]) -> None:
    """Take away the light at both sides of a torn amplifier.

    Parameters
    ----------
    light
        Light of its pixels; changed.
    faults
        Faults of the amplifier, of any kind.
    """
    left = np.float32(np.prod([1 - fault.strength for fault in faults if fault.kind is FaultKind.TEARING]))
    light[:, :_TORN_COLUMNS] *= left
    light[:, -_TORN_COLUMNS:] *= left


def _join(faults: Sequence[Fault], kind: FaultKind) -> float:
    """Multiply the amplitudes of faults of a kind."""
    return float(np.prod([fault.strength for fault in faults if fault.kind is kind]))
