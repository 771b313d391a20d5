# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Rejection of cosmic rays at the place of ``lsst.pipe.tasks.repair`` (pipe_tasks, 2026-06).

The method differs from that of pipe_tasks. There, ``findCosmicRays`` compares each pixel with its opposite
neighbours, by the variance plane and by the PSF, and interpolates over what it finds along rows and columns.
Here, L.A.Cosmic (van Dokkum 2001, PASP 113, 1420) in the implementation of astroscrappy compares the
Laplacian of the image with the variance plane, and replaces what it finds by the median of the good pixels
around. Both find sharp events and leave smooth ones. No PSF is needed here, so sharpness is not judged by
it. No background is subtracted. Interpolation over defects is left out.
"""

__all__ = ["CosmicRayConfig", "RepairConfig", "RepairTask", "TooManyCosmicRays"]

from typing import Any, override

import numpy as np
import numpy.typing as npt
from astroscrappy import detect_cosmics

from lsst.pex.config import Config, ConfigField, Field, RangeField
from lsst.pipe.base import AlgorithmError, Task

_TILE_SIZE = 32
"""Side of the squares in which candidates are looked at (pixels)."""

_TILE_MARGIN = 8
"""Pixels around a tile that its filters see: more than the 7x7 median reaches in three iterations."""

_CANDIDATE_FRACTION = 0.75
"""A Laplacian at the limit needs a pixel at nearly the limit; this leaves room for its neighbours' noise."""


class TooManyCosmicRays(AlgorithmError):  # noqa: N818
    """More pixels are affected than the configuration allows.

    Parameters
    ----------
    maxCosmicRays
        The allowed number of pixels.
    """

    def __init__(self, maxCosmicRays: int) -> None:
        self._maxCosmicRays = maxCosmicRays
        super().__init__(f"Cosmic ray task found more than {maxCosmicRays} affected pixels.")

    @property
    @override
    def metadata(self) -> dict[str, int]:
        return {"maxCosmicRays": self._maxCosmicRays}


class CosmicRayConfig(Config):
    """How to find cosmic rays: fields of ``FindCosmicRaysConfig`` that have a meaning here."""

    nCrPixelMax = Field[int](doc="Largest number of affected pixels in an exposure.", default=10000)
    minSigma = Field[float](doc="Limit of detection (sigma of the variance plane).", default=6.0)
    niteration = RangeField[int](doc="Number of iterations.", default=3, min=1)
    keepCRs = Field[bool](doc="Leave the pixels as they are and only mask them?", default=False)


class RepairConfig(Config):
    """Configuration of `RepairTask`."""

    doCosmicRay = Field[bool](doc="Find cosmic rays?", default=True)
    cosmicray = ConfigField[CosmicRayConfig](doc="How to find cosmic rays.")


class RepairTask(Task):
    """Find cosmic rays in an exposure, mask them as CR and replace them."""

    ConfigClass = RepairConfig
    _DefaultName = "repair"

    def run(self, exposure: Any, defects: None = None, keepCRs: bool | None = None) -> None:
        """Repair an exposure in place.

        Parameters
        ----------
        exposure
            Exposure whose variance plane is that of a frame without cosmic rays. It is left as it was if
            there are too many of them.
        defects
            Has to be `None`.
        keepCRs
            Mask cosmic rays without replacing them? `None` asks the configuration.

        Raises
        ------
        TooManyCosmicRays
            Raised if more pixels are affected than ``cosmicray.nCrPixelMax``.
        NotImplementedError
            Raised if there are defects.
        """
        if defects is not None:
            raise NotImplementedError("This stand-in of RepairTask does not interpolate over defects.")
        if not self.config.doCosmicRay:
            return
        is_cosmic_ray, cleaned = findCosmicRays(
            exposure.image.array, exposure.variance.array, self.config.cosmicray
        )
        mask = exposure.mask
        bit = mask.getPlaneBitMask("CR")
        mask.array[:] &= ~np.array(bit, dtype=mask.array.dtype)
        mask.array[is_cosmic_ray] |= bit
        if not (self.config.cosmicray.keepCRs if keepCRs is None else keepCRs):
            exposure.image.array[is_cosmic_ray] = cleaned


def findCosmicRays(
    image: npt.NDArray[np.float32], variance: npt.NDArray[np.float32], config: CosmicRayConfig
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float32]]:
    """Find cosmic rays, looking only at the tiles that have bright pixels.

    Parameters
    ----------
    image
        Pixels; not finite ones are ignored.
    variance
        Their variance without cosmic rays, of the same shape.
    config
        How to find cosmic rays.

    Returns
    -------
    isCosmicRay
        Whether a pixel is affected, of the shape of ``image``.
    cleaned
        Values to put in the affected pixels, in the order of ``image[isCosmicRay]``.

    Raises
    ------
    TooManyCosmicRays
        Raised if more pixels are affected than allowed.
    """
    is_cosmic_ray = np.zeros(image.shape, dtype=bool)
    replaced: dict[tuple[int, int], npt.NDArray[np.float32]] = {}
    number = 0
    for y, x in _listTiles(image, variance, _CANDIDATE_FRACTION * config.minSigma):
        outer, core = _sliceTile(image.shape, y, x)
        found, clean = _runLaCosmic(image[outer], variance[outer], config)
        tile = (slice(y, y + _TILE_SIZE), slice(x, x + _TILE_SIZE))
        is_cosmic_ray[tile] = found[core]
        replaced[y, x] = clean[core]
        number += int(np.count_nonzero(found[core]))
        if number > config.nCrPixelMax:
            raise TooManyCosmicRays(config.nCrPixelMax)
    rows, columns = np.nonzero(is_cosmic_ray)
    cleaned = np.array(
        [
            replaced[y - y % _TILE_SIZE, x - x % _TILE_SIZE][y % _TILE_SIZE, x % _TILE_SIZE]
            for y, x in zip(rows.tolist(), columns.tolist(), strict=True)
        ],
        dtype=np.float32,
    )
    return is_cosmic_ray, cleaned


def _listTiles(
    image: npt.NDArray[np.float32], variance: npt.NDArray[np.float32], numSigma: float
) -> list[tuple[int, int]]:
    """List the first pixels of the tiles that have a bright pixel in or close to them."""
    rows, columns = np.nonzero(image > np.float32(numSigma) * np.sqrt(variance))
    shape = tuple(-(-size // _TILE_SIZE) for size in image.shape)
    reach = 2
    is_bright = np.zeros(shape, dtype=bool)
    for dy in (-reach, reach):
        for dx in (-reach, reach):
            y = np.clip(rows + dy, 0, image.shape[0] - 1) // _TILE_SIZE
            x = np.clip(columns + dx, 0, image.shape[1] - 1) // _TILE_SIZE
            is_bright[y, x] = True
    return [(int(y) * _TILE_SIZE, int(x) * _TILE_SIZE) for y, x in np.argwhere(is_bright)]


def _sliceTile(shape: tuple[int, ...], y: int, x: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Slice a tile with its margin out of the image, and the tile out of that."""
    outer, core = [], []
    for start, size in zip((y, x), shape, strict=True):
        first = max(start - _TILE_MARGIN, 0)
        outer.append(slice(first, min(start + _TILE_SIZE + _TILE_MARGIN, size)))
        core.append(slice(start - first, min(start + _TILE_SIZE, size) - first))
    return (outer[0], outer[1]), (core[0], core[1])


def _runLaCosmic(
    image: npt.NDArray[np.float32], variance: npt.NDArray[np.float32], config: CosmicRayConfig
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float32]]:
    bad = ~(np.isfinite(image) & np.isfinite(variance) & (variance > 0))
    found, cleaned = detect_cosmics(
        np.where(bad, np.float32(0), image),
        inmask=bad,
        invar=np.where(bad, np.float32(1), variance),
        sigclip=config.minSigma,
        niter=config.niteration,
        satlevel=np.inf,
        cleantype="medmask",
    )
    return found, cleaned
