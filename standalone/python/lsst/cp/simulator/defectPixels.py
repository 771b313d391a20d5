# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Defects of an amplifier in its pixels, and the mask that should know them.

Defects stay the same in all exposures. A mask is too small where a column is not in it, and too large where
it covers a region of good pixels.
"""

__all__ = ["DefectModel", "addDefects"]

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .fault import FaultKind
from .frames import AmplifierGeometry
from .scene import Scene


@dataclass(frozen=True)
class DefectModel:
    """What the defects of good amplifiers are like, all of which are masked.

    Parameters
    ----------
    numHotPixels
        Number of hot pixels of an amplifier.
    columnFraction
        Part of the amplifiers that have a bright column, and of those that have a dark one.
    excess
        Height of hot pixels and bright columns (electron).
    darkResponse
        What is left of the light in a dark column.
    """

    numHotPixels: int = 12
    columnFraction: float = 0.125
    excess: float = 8000.0
    darkResponse: float = 0.3


def addDefects(
    pixels: npt.NDArray[np.float32],
    geometry: AmplifierGeometry,
    model: DefectModel,
    noise: float,
    scene: Scene,
) -> npt.NDArray[np.bool_]:
    """Add the defects of an amplifier.

    Parameters
    ----------
    pixels
        Pixels of the amplifier in a flat (electron); changed.
    geometry
        The amplifier.
    model
        What the defects are like.
    noise
        Noise of a pixel (electron).
    scene
        Its detector in this exposure.

    Returns
    -------
    isMasked
        Whether the mask says that a pixel is a defect, of the shape of ``pixels``.
    """
    height, width = pixels.shape
    random = scene.commonStreams.make("defects", geometry.name)
    dark, bright, *others = random.permutation(width).tolist()
    has_dark, has_bright = random.uniform(size=2) < model.columnFraction
    masked = np.zeros(pixels.shape, dtype=bool)
    if has_dark:
        pixels[:, dark] *= np.float32(model.darkResponse)
        masked[:, dark] = True
    if has_bright:
        pixels[:, bright] += np.float32(model.excess)
        masked[:, bright] = True
    places = random.choice(pixels.size, model.numHotPixels, replace=False)
    hot = np.zeros(pixels.shape, dtype=bool)
    hot.flat[places] = True
    # In a dark column a hot pixel might be as bright as the others.
    hot &= ~masked
    pixels[hot] += np.float32(model.excess)
    masked |= hot
    for fault in scene.faultsOf(geometry.name):
        if fault.kind is FaultKind.UNMASKED_COLUMN:
            pixels[:, others.pop()] += np.float32(fault.strength * noise)
        elif fault.kind is FaultKind.OVER_MASKED:
            side = np.sqrt(fault.strength)
            rows, columns = max(round(side * height), 1), max(round(side * width), 1)
            row, column = random.integers(height - rows + 1), random.integers(width - columns + 1)
            masked[row : row + rows, column : column + columns] = True
    return masked
