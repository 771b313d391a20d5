# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Writing of an exposure as a pyramid: levels from full resolution to one tile."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import astropy.io.fits
import numpy as np
import numpy.typing as npt
from astropy.io.fits import Header

from lsst.analysis.cp.core.geometry import FocalPlaneGeometry
from lsst.analysis.cp.core.images.binning import binImage, bitsOfPlanes
from lsst.analysis.cp.core.images.mosaic import FocalPlaneMosaic
from lsst.analysis.cp.core.images.placement import DetectorPlacement
from lsst.analysis.cp.core.masked import fillMasked, fillMaskedFlags
from lsst.analysis.cp.core.typing import BoolArray, Float32Array

from .checksums import addTileChecksums
from .index import (
    CHECKSUM_CARDS,
    FORMAT_VERSION,
    MOSAIC,
    PLACE_CARDS,
    PLANES,
    TILE_SIZE,
    ImageKey,
    IndexPlace,
    PyramidIndex,
    StoredDetector,
    StoredImage,
    hduBytes,
    prefixLength,
)
from .levels import meanLevels, measureNoise, peakLevels

__all__ = ["DETECTOR_FACTORS", "MOSAIC_FACTOR", "PyramidWriter", "compressedHdu"]

DETECTOR_FACTORS = (1, 2, 4)
"""Factors at which the detectors are kept apart, each in its own orientation."""

MOSAIC_FACTOR = 8
"""Factor of the finest mosaic of the focal plane."""

_DITHER = 2
"""SUBTRACTIVE_DITHER_2, which keeps zeros; see `astropy.io.fits.CompImageHDU`."""


class PyramidWriter:
    """Writes the pyramid of an exposure, one detector after another.

    Kept are, for each detector in its own orientation, the image at factors 1, 2 and 4 (the mean of the
    pixels that are not excluded), the mask at factor 1, and the significance at factors 2 and 4 (the largest
    absolute value); then mosaics of the focal plane of image and significance at factors 8, 16, ... until one
    fits in a tile. Memory is that of two mosaics at factor 8 and one detector. Nothing is at ``path`` before
    `finish`, which leaving the ``with`` block calls; if an exception ends the block, nothing is left behind.

    Parameters
    ----------
    path
        Name of the file, which is overwritten.
    geometry
        The camera.
    finestFactor
        Finest factor to keep: 1, 2, 4 or 8. The mask is kept at 1 only.
    levelsPerSigma
        Steps of rounding in one standard deviation of the noise; with 16, rounding adds 0.02% to the noise.
    unit
        Unit of the image, as FITS writes it.

    Raises
    ------
    ValueError
        Raised if a parameter has another value, or the camera no detectors.
    """

    def __init__(
        self,
        path: str | Path,
        geometry: FocalPlaneGeometry,
        *,
        finestFactor: int = 1,
        levelsPerSigma: float = 16.0,
        unit: str = "",
    ) -> None:
        if finestFactor not in (*DETECTOR_FACTORS, MOSAIC_FACTOR):
            raise ValueError(f"Expected a finest factor of 1, 2, 4 or 8; got {finestFactor!r}.")
        if not levelsPerSigma > 0:
            raise ValueError(f"Expected a number of steps a sigma above 0; got {levelsPerSigma!r}.")
        self._path = Path(path)
        self._partPath = self._path.with_name(self._path.name + ".part")
        self._finest = finestFactor
        self._levelsPerSigma = levelsPerSigma
        self._unit = unit
        self._detectors: dict[int, StoredDetector] = {}
        for i, edges in enumerate(geometry.detectorEdges):
            placement = DetectorPlacement.fromGeometry(geometry, i)
            x0, y0 = (round(edge + 0.5) for edge in edges[:2].tolist())
            self._detectors[placement.detectorId] = StoredDetector(placement, x0, y0)
        self._mosaics = {
            plane: FocalPlaneMosaic(geometry, MOSAIC_FACTOR) for plane in ("image", "significance")
        }
        grid, factor = self._mosaics["image"].grid, MOSAIC_FACTOR
        self._grids = {factor: grid}
        while max(grid.shape) > TILE_SIZE:
            grid, factor = grid.binned(2), 2 * factor
            self._grids[factor] = grid
        self._images = dict.fromkeys(self._allKeys(), StoredImage())
        self._noises: dict[int, float] = {}
        self._file = self._partPath.open("wb")
        self._writeStart(np.full(self._grids[self._coarsest].shape, np.nan, dtype=np.float32))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self.finish()
        finally:
            self._file.close()
            self._partPath.unlink(missing_ok=True)

    def addDetector(
        self,
        detectorId: int,
        image: npt.NDArray[np.floating],
        excluded: BoolArray,
        *,
        mask: npt.NDArray[np.integer] | None = None,
        planes: Mapping[str, int] | None = None,
        significance: Float32Array | None = None,
        noise: float | npt.NDArray[np.floating] | None = None,
    ) -> None:
        """Write a detector.

        Parameters
        ----------
        detectorId
            The detector.
        image
            Its pixels (rows, columns), at full resolution; shape (ny, nx). At factor 1 those without data
            (bit NO_DATA, or not finite) become NaN, and all others stay, excluded or not.
        excluded
            True for pixels that do not count at the factors above 1; shape (ny, nx). Bins without a pixel
            that counts are NaN.
        mask
            Bits of each pixel, of which 32 are kept; shape (ny, nx).
        planes
            Number of the bit of each mask plane.
        significance
            Signed significance of each pixel; shape (ny, nx). Masked pixels do not count, as in the image.
        noise
            Noise of the image in its unit, from which the step of rounding follows: that of the detector, or
            one for each amplifier, of which the median counts. Measured from the image if None. Without any
            noise (0 or NaN) nothing is rounded.

        Raises
        ------
        ValueError
            Raised if the detector is not in the camera or was added before, an array has the wrong shape, or
            the mask has a bit beyond 32.
        """
        self._check(detectorId, image=image, excluded=excluded, mask=mask, significance=significance)
        if mask is not None:
            _checkBits(mask)
        image, excluded = fillMasked(image), fillMaskedFlags(excluded)
        if significance is not None:
            significance = fillMasked(significance)
        infinite = ~np.isfinite(image)
        left_out = excluded | infinite
        sigma = measureNoise(image, left_out) if noise is None else _typical(noise)
        if self._finest == 1:
            infinite |= _noData(mask, planes or {})
            with np.errstate(over="ignore"):
                pixels = image.astype(np.float32, copy=False)
            infinite |= ~np.isfinite(pixels)
            if infinite.any():
                pixels = np.where(infinite, np.float32(np.nan), pixels)
            self._put(ImageKey(detectorId, "image", 1), pixels, sigma)
            if mask is not None:
                self._put(ImageKey(detectorId, "mask", 1), mask.astype(np.int32, copy=False), 0.0, planes)
        self._mosaics["image"].addUnbinned(detectorId, image, "mean", excluded=left_out)
        self._addLevels(detectorId, "image", meanLevels(image, left_out), sigma)
        if significance is not None:
            left_out |= ~np.isfinite(significance)
            self._addLevels(detectorId, "significance", peakLevels(significance, left_out), None)
            self._mosaics["significance"].addUnbinned(
                detectorId, np.abs(significance), "max", excluded=left_out
            )
        given = {"image": image, "mask": mask if self._finest == 1 else None, "significance": significance}
        kept = tuple(plane for plane in PLANES if given[plane] is not None)
        self._detectors[detectorId] = replace(self._detectors[detectorId], planes=kept)
        self._noises[detectorId] = sigma

    def finish(self) -> None:
        """Write the mosaics and the index, and give the file its name."""
        sigma = _typical(list(self._noises.values()))
        overview = self._mosaics["image"].image
        for plane, mosaic in self._mosaics.items():
            pixels = mosaic.image
            for factor in self._grids:
                if factor > MOSAIC_FACTOR:
                    pixels = binImage(pixels, 2, "mean" if plane == "image" else "max")
                if mosaic.added:
                    self._put(
                        ImageKey(MOSAIC, plane, factor), pixels, sigma / factor if plane == "image" else 1.0
                    )
            if plane == "image":
                overview = pixels
        self._writeStart(overview)
        self._file.close()
        self._partPath.replace(self._path)

    @property
    def _coarsest(self) -> int:
        return max(self._grids)

    def _allKeys(self) -> list[ImageKey]:
        """Return the keys of all images that there can be, so that the length of the index is known."""
        factors = [factor for factor in DETECTOR_FACTORS if factor >= self._finest]
        kept = [
            (plane, factor)
            for plane in PLANES
            for factor in factors
            if not (plane == "mask" and factor > 1) and not (plane == "significance" and factor == 1)
        ]
        mosaics = [ImageKey(MOSAIC, plane, factor) for plane in self._mosaics for factor in self._grids]
        return mosaics + [ImageKey(detector, *image) for detector in self._detectors for image in kept]

    def _check(self, detectorId: int, **arrays: npt.NDArray[np.generic] | None) -> None:
        if detectorId not in self._detectors:
            raise ValueError(
                f"Detector {detectorId!r} is not among the {len(self._detectors)} of the camera; "
                f"the pyramid {self._path} cannot hold it."
            )
        placement = self._detectors[detectorId].placement
        if detectorId in self._noises:
            raise ValueError(f"The pyramid {self._path} has {placement.label} already.")
        for name, array in arrays.items():
            if array is not None and array.shape != placement.shape:
                raise ValueError(
                    f"Array {name!r} of {placement.label} has shape {array.shape}; "
                    f"expected {placement.shape}."
                )

    def _addLevels(
        self, detectorId: int, plane: str, levels: Mapping[int, Float32Array], sigma: float | None
    ) -> None:
        """Keep the levels of a detector; of an image with the given noise, or else of a significance."""
        for factor, pixels in levels.items():
            key = ImageKey(detectorId, plane, factor)
            if key in self._images:
                self._put(key, pixels, 1.0 if sigma is None else sigma / factor)

    def _put(
        self,
        key: ImageKey,
        pixels: Float32Array | npt.NDArray[np.int32],
        sigma: float,
        planes: Mapping[str, int] | None = None,
    ) -> None:
        """Append an image to the file.

        It is rounded to a fixed part of the noise, for noise does not compress: finer steps would store
        random digits. The noise of a mean falls with the factor.
        """
        header = self._headerOf(key, planes or {})
        step = sigma / self._levelsPerSigma if sigma > 0 else None
        content = addTileChecksums(hduBytes(compressedHdu(pixels, header, step, seed=key.detector)))
        prefix = prefixLength(content)
        grid = self._grids[key.factor] if key.detector == MOSAIC else None
        self._images[key] = StoredImage(
            offset=self._file.tell(),
            length=len(content),
            prefix=prefix,
            checksum=zlib.crc32(content[:prefix]),
            shape=(pixels.shape[0], pixels.shape[1]),
            x0=grid.x0 if grid else 0.0,
            y0=grid.y0 if grid else 0.0,
        )
        self._file.write(content)

    def _headerOf(self, key: ImageKey, planes: Mapping[str, int]) -> Header:
        if key.detector == MOSAIC:
            grid = self._grids[key.factor]
            header, name = _linearWcs((grid.x0, grid.y0), np.diag([grid.pixelSize] * 2)), "MOSAIC"
        else:
            placement = self._detectors[key.detector].placement
            binned = placement.binned(key.factor)
            header, name = _linearWcs(binned.origin, binned.matrix), placement.name
            header["DETECTOR"] = (key.detector, "Identifier of the detector")
            header["DETNAME"] = (name, "Name of the detector")
        header["EXTNAME"] = f"{name}_{key.plane}_{key.factor}".upper()
        header["PLANE"] = (key.plane, "What the pixels are")
        header["FACTOR"] = (key.factor, "Side of a pixel, pixels of the detector")
        if key.plane == "image" and self._unit:
            header["BUNIT"] = self._unit
        for plane, bit in planes.items():
            card = f"MP_{plane}"
            header[card if len(card) <= 8 else f"HIERARCH {card}"] = bit
        return header

    def _writeStart(self, overview: Float32Array) -> None:
        """Write all that comes before the images; its length does not depend on what is in it.

        So it is written twice: first to reserve the place, and at the end with what is known by then.
        """
        header = self._headerOf(ImageKey(MOSAIC, "image", self._coarsest), {})
        header["EXTNAME"] = "OVERVIEW"
        image = hduBytes(astropy.io.fits.ImageHDU(overview, header))
        offset = len(self._primaryHeader(IndexPlace(0, 0, 0, 0), (0, 0)))
        index = PyramidIndex(images=self._images, detectors=tuple(self._detectors.values()))
        tables, place = index.toBytes(offset + len(image))
        content = image + tables
        rows = place.images - offset
        checksums = zlib.crc32(content[:rows]), zlib.crc32(content[rows : place.end - offset])
        self._file.seek(0)
        self._file.write(self._primaryHeader(place, checksums) + content)

    def _primaryHeader(self, place: IndexPlace, checksums: tuple[int, int]) -> bytes:
        header = astropy.io.fits.PrimaryHDU().header
        header["EXTEND"] = True
        header["PYRVERS"] = (FORMAT_VERSION, "Version of the layout of this pyramid")
        pixel_size = self._grids[MOSAIC_FACTOR].pixelSize / MOSAIC_FACTOR
        header["PYRPIXEL"] = (pixel_size, "[mm] Side of a pixel of factor 1")
        meanings = ("[byte] First row of INDEX", "Rows of INDEX", "[byte] First row of DETECTORS", "Its rows")
        for card, value, meaning in zip(PLACE_CARDS, place, meanings, strict=True):
            header[card] = (value, meaning)
        checked = ("CRC-32 of what is before the rows of INDEX", "CRC-32 of INDEX and DETECTORS")
        for card, value, meaning in zip(CHECKSUM_CARDS, checksums, checked, strict=True):
            header[card] = (value, meaning)
        hdu = astropy.io.fits.PrimaryHDU(header=header)
        hdu.add_checksum(when="of this header")
        return hdu.header.tostring().encode()


def _typical(noise: npt.ArrayLike) -> float:
    """Return the median of the noises that are known; NaN without any."""
    noises = np.atleast_1d(np.asarray(noise, dtype=np.float64))
    known = noises[np.isfinite(noises) & (noises > 0)]
    return float(np.median(known)) if known.size else np.nan


def _checkBits(mask: npt.NDArray[np.integer]) -> None:
    """Raise if the mask has a bit that the 32 bits of the file do not hold."""
    if mask.dtype.itemsize > 4 and (high := int(np.bitwise_or.reduce(mask, axis=None)) & ~0xFFFFFFFF):
        bits = [bit for bit in range(32, 64) if high >> bit & 1]
        raise ValueError(f"A pyramid keeps 32 bits of a mask, and pixels have bits {bits}.")


def _noData(mask: npt.NDArray[np.integer] | None, planes: Mapping[str, int]) -> BoolArray | bool:
    """Return where the mask says that there is no data; False for nowhere."""
    if mask is None or "NO_DATA" not in planes:
        return False
    bit = bitsOfPlanes(mask.dtype, planes, ["NO_DATA"])
    # Most images have none, which is found out faster than where they are.
    return (mask & bit) != 0 if np.bitwise_or.reduce(mask, axis=None) & bit else False


def compressedHdu(
    pixels: Float32Array | npt.NDArray[np.int32],
    header: Header,
    step: float | None = None,
    seed: int = 1,
) -> astropy.io.fits.CompImageHDU:
    """Compress an image, tile by tile.

    Parameters
    ----------
    pixels
        The pixels (rows, columns); shape (ny, nx). NaN stays NaN.
    header
        What to say about them.
    step
        Step to which floats are rounded (with subtractive dithering: what is read is at most half a step off,
        and zeros stay zeros); a tile whose range needs more than 32 bits is kept as it is. None keeps all.
        Integers are always kept.
    seed
        Seed of the dithering; any whole number.

    Returns
    -------
    hdu
        The image.
    """
    tile_shape = tuple(min(TILE_SIZE, size) for size in pixels.shape)
    if pixels.dtype.kind == "f" and step is None:
        return astropy.io.fits.CompImageHDU(
            pixels, header, compression_type="GZIP_2", tile_shape=tile_shape, quantize_level=0.0
        )
    return astropy.io.fits.CompImageHDU(
        pixels,
        header,
        compression_type="RICE_1",
        tile_shape=tile_shape,
        quantize_level=-(step or 0.0),
        quantize_method=_DITHER,
        dither_seed=1 + seed % 10000,
    )


def _linearWcs(origin: npt.ArrayLike, matrix: npt.ArrayLike) -> Header:
    """Make the header that says where the pixels of an image lie on the focal plane.

    ``origin`` is the centre of pixel [0, 0] in mm, ``matrix`` the step of one column (first column) and one
    row (second), mm: a linear world coordinate system of axes FOCALX and FOCALY (Greisen & Calabretta 2002,
    A&A 395, 1061, doi:10.1051/0004-6361:20021326).
    """
    start, step = np.asarray(origin, dtype=np.float64), np.asarray(matrix, dtype=np.float64)
    header = Header()
    header["WCSNAME"] = ("FOCAL_PLANE", "Position on the focal plane")
    for i in (0, 1):
        header[f"CTYPE{i + 1}"] = "FOCAL" + "XY"[i]
        header[f"CUNIT{i + 1}"] = "mm"
        header[f"CRPIX{i + 1}"] = 1.0
        header[f"CRVAL{i + 1}"] = float(start[i])
        for j in (0, 1):
            header[f"CD{i + 1}_{j + 1}"] = float(step[i, j])
    return header
