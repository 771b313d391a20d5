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

They differ on clusters of cosmic rays: run by the real ``CpVerifyBiasTask`` on simulated exposures,
``CR_NOISE`` differed by 0.34, relative, in an amplifier with injected cosmic rays, with another verdict, and
by no more than 2e-4 in all others.
"""

__all__ = ["CosmicRayConfig", "RepairConfig", "RepairTask", "TooManyCosmicRays"]

from dataclasses import dataclass
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
    niteration = RangeField(dtype=int, doc="Number of iterations.", default=3, min=1)
    keepCRs = Field[bool](doc="Leave the pixels as they are and only mask them?", default=False)


class RepairConfig(Config):
    """Configuration of `RepairTask`."""

    doCosmicRay = Field[bool](doc="Find cosmic rays?", default=True)
    cosmicray = ConfigField[CosmicRayConfig](doc="How to find cosmic rays.")


class RepairTask(Task):
    """Find cosmic rays in an exposure, mask them as CR and replace them."""

    ConfigClass = RepairConfig
    config: RepairConfig
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
        hit = findCosmicRays(exposure.image.array, exposure.variance.array, self.config.cosmicray)
        mask = exposure.mask
        bit = mask.getPlaneBitMask("CR")
        mask.array[:] &= ~np.array(bit, dtype=mask.array.dtype)
        mask.array[hit.rows, hit.columns] |= bit
        if not (self.config.cosmicray.keepCRs if keepCRs is None else keepCRs):
            exposure.image.array[hit.rows, hit.columns] = hit.replacements


@dataclass(frozen=True)
class CosmicRayPixels:
    """Pixels hit by cosmic rays.

    Parameters
    ----------
    rows, columns
        Where they are.
    replacements
        Values to put there.
    """

    rows: npt.NDArray[np.intp]
    columns: npt.NDArray[np.intp]
    replacements: npt.NDArray[np.float32]


def findCosmicRays(
    image: npt.NDArray[np.float32], variance: npt.NDArray[np.float32], config: CosmicRayConfig
) -> CosmicRayPixels:
    """Find cosmic rays, looking only at the tiles that have bright pixels.

    Parameters
    ----------
    image
        Pixels; not finite ones are ignored. It is mirrored at its edges, which L.A.Cosmic leaves out.
    variance
        Their variance without cosmic rays, of the same shape.
    config
        How to find cosmic rays.

    Returns
    -------
    pixels
        Affected pixels.

    Raises
    ------
    TooManyCosmicRays
        Raised if more pixels are affected than allowed.
    """
    empty = np.empty(0, dtype=np.intp)
    found = [(empty, empty, np.empty(0, dtype=np.float32))]
    number = 0
    for y, x in _listTiles(image, variance, _CANDIDATE_FRACTION * config.minSigma):
        outer = np.ix_(_spanTile(y, image.shape[0]), _spanTile(x, image.shape[1]))
        is_hit, cleaned = _runLaCosmic(image[outer], variance[outer], config)
        core = (slice(_TILE_MARGIN, -_TILE_MARGIN),) * 2
        rows, columns = np.nonzero(is_hit[core])
        found.append((rows + y, columns + x, cleaned[core][rows, columns]))
        number += len(rows)
        if number > config.nCrPixelMax:
            raise TooManyCosmicRays(config.nCrPixelMax)
    return CosmicRayPixels(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _listTiles(
    image: npt.NDArray[np.float32], variance: npt.NDArray[np.float32], numSigma: float
) -> list[tuple[int, int]]:
    """List the first pixels of the tiles that have a bright pixel in or close to them."""
    rows, columns = _findBright(image, variance, numSigma)
    shape = tuple(-(-size // _TILE_SIZE) for size in image.shape)
    reach = 2
    is_bright = np.zeros(shape, dtype=bool)
    for dy in (-reach, reach):
        for dx in (-reach, reach):
            y = np.clip(rows + dy, 0, image.shape[0] - 1) // _TILE_SIZE
            x = np.clip(columns + dx, 0, image.shape[1] - 1) // _TILE_SIZE
            is_bright[y, x] = True
    return [(int(y) * _TILE_SIZE, int(x) * _TILE_SIZE) for y, x in np.argwhere(is_bright)]


def _findBright(
    image: npt.NDArray[np.float32], variance: npt.NDArray[np.float32], num_sigma: float
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Find pixels above a limit, some rows at a time: faster than with arrays that leave the cache."""
    found = []
    for first in range(0, image.shape[0], _TILE_SIZE):
        block = slice(first, first + _TILE_SIZE)
        is_bright = image[block] > np.float32(num_sigma) * np.sqrt(variance[block])
        found.append(np.argwhere(is_bright) + (first, 0))
    rows, columns = np.concatenate(found).T
    return rows, columns


def _spanTile(first: int, size: int) -> npt.NDArray[np.intp]:
    """List the places along an axis of a tile and its margins, mirrored at the ends of the axis."""
    places = np.abs(np.arange(first - _TILE_MARGIN, min(first + _TILE_SIZE, size) + _TILE_MARGIN))
    return np.minimum(places, 2 * (size - 1) - places)


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
