# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Darks of one detector after ISR, as arrays.

The charge that a pixel collects in a dark time T, in electrons, has the mean

    D = T * [dark current + hot pixels + glow + faults]

and Poisson noise. ISR subtracts the combined dark times T: that is the same rate (electron/s) without the
faults, with the read noise of the darks that it is made of.
"""

__all__ = ["DarkModel", "addCharge", "makeCombinedDark", "meanLeak"]

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .fault import FaultKind
from .frames import AmplifierGeometry
from .randomStreams import RandomStreams
from .scene import Scene

FloatArray = npt.NDArray[np.float32]

_HOT_RATES = (1.0, 30.0)
"""Range of the dark current of hot pixels (electron/s), of which each factor is as frequent."""

_GLOW_SCALE = 150.0
"""Distance in which the glow of the corner of a detector falls by a factor e (pixels)."""

_LEAK_FALL = 0.5
"""Part of the light of a leak that is lost from the first column of a detector to the last."""


@dataclass(frozen=True)
class DarkModel:
    """What clean darks look like.

    Parameters
    ----------
    darkCurrent
        Dark current of all pixels (electron/s).
    hotFraction
        Part of the pixels that are hot.
    glow
        Glow at the first corner of a detector (electron/s).
    numCombined
        Number of darks in the combined dark.
    combinedTime
        Their dark time (s).
    """

    darkCurrent: float = 0.0005
    hotFraction: float = 1e-4
    glow: float = 0.003
    numCombined: int = 100
    combinedTime: float = 600.0


def makeCombinedDark(
    geometry: AmplifierGeometry, model: DarkModel, streams: RandomStreams
) -> tuple[FloatArray, FloatArray]:
    """Make the charge that an amplifier collects in a second, and the combined dark that has measured it.

    Parameters
    ----------
    geometry
        The amplifier.
    model
        What darks look like.
    streams
        Random numbers of the detector, without exposure.

    Returns
    -------
    rate, combined
        The true rate and the measured one (electron/s), of the amplifier's shape in the assembled image.
    """
    rows, columns = (np.arange(part.start, part.stop) for part in (geometry.rows, geometry.columns))
    distance = np.hypot(rows[:, None], columns)
    rate = (model.darkCurrent + model.glow * np.exp(-distance / _GLOW_SCALE)).astype(np.float32)
    random = streams.make("dark current", geometry.name)
    n_hot = random.binomial(rate.size, model.hotFraction)
    hot = random.choice(rate.size, n_hot, replace=False)
    rate.ravel()[hot] += np.exp(random.uniform(*map(math.log, _HOT_RATES), size=n_hot)).astype(np.float32)
    noise = random.standard_normal(geometry.shape, dtype=np.float32)
    noise *= np.float32(geometry.readNoise / np.sqrt(model.numCombined) / model.combinedTime)
    return rate, rate + noise


def addCharge(pixels: FloatArray, rate: FloatArray, geometry: AmplifierGeometry, scene: Scene) -> None:
    """Add the charge that an amplifier collects in an exposure, with its noise.

    Parameters
    ----------
    pixels
        What the amplifier reads without charge (electron), in the order of the assembled image; changed.
    rate
        Its true rate (electron/s), of the same shape.
    geometry
        The amplifier.
    scene
        Its detector in this exposure.
    """
    total = rate.astype(np.float64)
    for fault in scene.faultsOf(geometry.name):
        if fault.kind is FaultKind.EXCESS_DARK_CURRENT:
            total += fault.strength
        elif fault.kind is FaultKind.LIGHT_LEAK:
            columns = np.arange(geometry.columns.start, geometry.columns.stop)
            total += fault.strength * (1 - _LEAK_FALL * columns / scene.shape[1])
    random = scene.streams.make("charge", geometry.name)
    pixels += random.poisson(total * scene.darkTime).astype(np.float32)


def meanLeak(columns: slice, width: int) -> float:
    """Tell which part of the light of a leak the columns of an amplifier get on average."""
    return 1 - _LEAK_FALL * 0.5 * (columns.start + columns.stop - 1) / width
