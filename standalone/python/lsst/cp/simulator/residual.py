# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The residual of one detector in one bias exposure: raw frame, corrected by overscan and combined bias."""

__all__ = ["DetectorResidual", "divideByGains", "simulateResidual"]

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from .events import addCosmicRays, addSmoothHits
from .fault import Fault, FaultKind
from .frames import AmplifierGeometry, FrameModel, RawAmplifier, makeCombinedBias, makeRaw
from .isrStatistics import measurePercentiles
from .overscan import OverscanResult, correctOverscan
from .pixelFaults import addPixelFault, drawDetectorFaults
from .randomStreams import RandomStreams


@dataclass(frozen=True)
class DetectorResidual:
    """A detector after ISR.

    Parameters
    ----------
    image
        Residual image, assembled and without overscans (electron).
    variance
        Its variance, of the same shape (electron squared).
    isBad
        Whether a pixel is known as bad, of the same shape.
    overscans
        What the overscan correction found, by amplifier; `None` for one that is known as bad.
    percentiles
        Distribution of the combined calibration by amplifier and header key.
    """

    image: npt.NDArray[np.float32]
    variance: npt.NDArray[np.float32]
    isBad: npt.NDArray[np.bool_]
    overscans: dict[str, OverscanResult | None]
    percentiles: dict[str, dict[str, float]]


def simulateResidual(
    geometries: Sequence[AmplifierGeometry],
    shape: tuple[int, int],
    model: FrameModel,
    streams: RandomStreams,
    faults: Sequence[Fault] = (),
) -> DetectorResidual:
    """Simulate a detector in one exposure of a bias.

    Parameters
    ----------
    geometries
        Its amplifiers, in the order of the camera.
    shape
        Rows and columns of the assembled image.
    model
        What frames look like.
    streams
        Random numbers of the detector in this exposure.
    faults
        Faults of the detector in this exposure.

    Returns
    -------
    residual
        Image, overscans and combined bias. The variance is the square of the nominal read noise, as there is
        no signal to add to it.
    """
    image, variance = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
    is_bad = np.zeros(shape, dtype=bool)
    overscans: dict[str, OverscanResult | None] = {}
    percentiles: dict[str, dict[str, float]] = {}
    shared: dict[str, RawAmplifier] = {}
    for geometry in geometries:
        of_amplifier = [fault for fault in faults if geometry.name in fault.amplifiers]
        kinds = {fault.kind for fault in of_amplifier}
        combined = makeCombinedBias(
            geometry, model, replace(streams, exposure=None), isDead=FaultKind.DEAD_AMPLIFIER in kinds
        )
        percentiles[geometry.name] = measurePercentiles(combined.pixels, geometry.name)
        raw = makeRaw(geometry, model, streams, combined, of_amplifier, shared)
        overscan = correctOverscan(raw)
        is_masked = FaultKind.MASKED_AMPLIFIER in kinds
        overscans[geometry.name] = None if is_masked else overscan
        pixels = raw.data
        pixels *= np.float32(geometry.gain)
        pixels -= combined.pixels
        image[geometry.pixels] = geometry.assemble(pixels)
        variance[geometry.pixels] = geometry.readNoise**2
        is_bad[geometry.pixels] = is_masked
    _addEvents(image, geometries, model, streams, faults)
    return DetectorResidual(image, variance, is_bad, overscans, percentiles)


def divideByGains(
    residual: DetectorResidual, geometries: Sequence[AmplifierGeometry], *, ofCombined: bool
) -> DetectorResidual:
    """Turn electrons into ADU.

    Parameters
    ----------
    residual
        A detector.
    geometries
        Its amplifiers.
    ofCombined
        Whether the combined calibration is in electrons, too.

    Returns
    -------
    divided
        A copy with pixels, variance and, if so, the combined calibration in ADU.
    """
    image, variance, percentiles = residual.image.copy(), residual.variance.copy(), dict(residual.percentiles)
    for geometry in geometries:
        image[geometry.pixels] /= np.float32(geometry.gain)
        variance[geometry.pixels] /= np.float32(geometry.gain**2)
        if ofCombined:
            own = percentiles[geometry.name].items()
            percentiles[geometry.name] = {key: value / geometry.gain for key, value in own}
    return replace(residual, image=image, variance=variance, percentiles=percentiles)


def _addEvents(
    image: npt.NDArray[np.float32],
    geometries: Sequence[AmplifierGeometry],
    model: FrameModel,
    streams: RandomStreams,
    faults: Sequence[Fault],
) -> None:
    """Add events and structures where there are live amplifiers to see them."""
    addCosmicRays(image, model.cosmicRayRate, streams.make("cosmic rays"))
    for geometry in geometries:
        view = image[geometry.pixels]
        for fault in faults:
            if geometry.name not in fault.amplifiers:
                continue
            if fault.kind is FaultKind.COSMIC_RAYS:
                random = streams.make("smooth hits", geometry.name)
                addSmoothHits(view, geometry.readNoise, fault.strength, random)
    drawn = [fault for _, fault in drawDetectorFaults(faults, geometries, image.shape, streams)]
    for pixel_fault in sorted(drawn, key=lambda fault: fault.kind is FaultKind.DEAD_AMPLIFIER):
        addPixelFault(image, pixel_fault)
