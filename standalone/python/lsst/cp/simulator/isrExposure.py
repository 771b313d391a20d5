# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Exposures of simulated pixels, as ISR gives them."""

__all__ = ["binExposure", "makeIsrExposure"]

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

import lsst.geom
from lsst.afw.image import ExposureF, ImageF, MaskX, VisitInfo, makeMaskedImage

from .binning import binBits, binMean
from .isrHeader import makeIsrHeader
from .residual import DetectorResidual
from .scene import Scene


def makeIsrExposure(
    scene: Scene, residual: DetectorResidual, applied: Collection[str], unit: str
) -> ExposureF:
    """Make the exposure of a detector.

    Parameters
    ----------
    scene
        The detector in this exposure.
    residual
        Its pixels.
    applied
        Names of the corrections that the header says were applied.
    unit
        Unit of the pixels, as the header says it.

    Returns
    -------
    exposure
        Image, mask and variance, with the detector and the header of ISR; pixels are not copied.
    """
    mask = residual.isBad.astype(np.int32) * MaskX.getPlaneBitMask("BAD")
    exposure = _joinPlanes(residual.image, mask, residual.variance, scene.detector.getBBox().getMin())
    exposure.setDetector(scene.detector)
    exposure.getInfo().setVisitInfo(
        VisitInfo(exposureTime=scene.exposureTime, darkTime=scene.darkTime, id=scene.exposure)
    )
    header = exposure.getMetadata()
    for key, value in makeIsrHeader(scene.geometries, residual.overscans, scene.mjd, applied).items():
        header[key] = value
    header["LSST ISR UNITS"] = unit
    return exposure


def binExposure(exposure: ExposureF, factor: int) -> ExposureF:
    """Bin as ip_isr does.

    Parameters
    ----------
    exposure
        An exposure.
    factor
        Rows and columns that become one.

    Returns
    -------
    binned
        Mean pixels, and all bits of the mask; detector and header are taken over.
    """
    binned = _joinPlanes(
        binMean(exposure.image.array, factor),
        binBits(exposure.mask.array, factor),
        binMean(exposure.variance.array, factor) / np.float32(factor**2),
        exposure.getXY0(),
    )
    binned.setInfo(exposure.getInfo())
    return binned


def _joinPlanes(
    image: npt.NDArray[np.float32],
    mask: npt.NDArray[np.int32],
    variance: npt.NDArray[np.float32],
    xy0: lsst.geom.Point2I,
) -> ExposureF:
    """Make an exposure of arrays, without a copy."""
    return ExposureF(
        makeMaskedImage(
            ImageF(image, deep=False, xy0=xy0),
            MaskX(mask, deep=False, xy0=xy0),
            ImageF(variance, deep=False, xy0=xy0),
        )
    )
