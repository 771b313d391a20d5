# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

from os import PathLike

import astropy.io.fits
import numpy as np
import numpy.typing as npt

from lsst.daf.base import PropertyList

from ._compression import CompressionAlgorithm, CompressionOptions, QuantizationOptions, ScalingAlgorithm
from ._files import FitsError, naming_file
from ._header import metadata_to_header

__all__ = ["make_image_hdu", "read_pixels"]

_QUANTA = 2.0**32 - 13
"""Integers that a quantised image can use; cfitsio keeps the others."""

_SAMPLE_SIZE = 2**20
"""Pixels, or somewhat fewer, that are enough to measure the noise of an image."""

_QUARTILES_TO_SIGMA = 0.741
"""Standard deviation of a normal distribution over its interquartile range."""


def read_pixels(
    path: str | PathLike[str],
    hdu: astropy.io.fits.ImageHDU | astropy.io.fits.CompImageHDU,
    window: tuple[slice, slice],
    dtype: npt.DTypeLike | None = None,
) -> npt.NDArray:
    """Read a window of an image; tiles outside it are not read.

    Parameters
    ----------
    path : `str` or `os.PathLike`
        Name of the file, for messages.
    hdu : `astropy.io.fits.ImageHDU` or `astropy.io.fits.CompImageHDU`
        The HDU of the image.
    window : `tuple` [`slice`]
        Rows and columns to read.
    dtype : `numpy.dtype`, optional
        Type to return; by default that of the file.

    Returns
    -------
    pixels : `numpy.ndarray`, (rows, columns)
        The pixels, contiguous and in native byte order.

    Raises
    ------
    FitsError
        Raised if the file is damaged or if an integer type was asked for that
        cannot hold what is in the file.
    """
    with naming_file(path, f"read HDU {hdu.name or hdu.ver!r} of"):
        pixels = np.asarray(hdu.section[window])
    wanted = np.dtype(dtype) if dtype is not None else pixels.dtype.newbyteorder("=")
    if wanted.kind != "f" and not np.can_cast(pixels.dtype, wanted):
        raise FitsError(f"HDU {hdu.name!r} of {path} holds {pixels.dtype.name}, which is no {wanted.name}")
    return np.require(pixels, dtype=wanted, requirements=["C", "W", "O"])


def make_image_hdu(
    pixels: npt.NDArray,
    metadata: PropertyList,
    options: CompressionOptions | None = None,
    rejected: npt.NDArray[np.bool_] | None = None,
) -> astropy.io.fits.ImageHDU | astropy.io.fits.CompImageHDU:
    """Make the HDU of an image.

    Parameters
    ----------
    pixels : `numpy.ndarray`, (rows, columns)
        The pixels.
    metadata : `lsst.daf.base.PropertyList`
        What goes in the header.
    options : `CompressionOptions`, optional
        How to compress; by default not at all.
    rejected : `numpy.ndarray` of `bool`, (rows, columns), optional
        Pixels that do not count in the statistics of quantisation.

    Raises
    ------
    ValueError
        Raised if the options do not fit the type of the pixels.
    """
    header = metadata_to_header(metadata)
    if options is None or pixels.size == 0:
        return astropy.io.fits.ImageHDU(pixels, header)
    _check_options(options, pixels.dtype)
    if options.quantization is None:
        return _compress(pixels, header, options)
    level = _quantize_level(options.quantization, pixels, rejected)
    if level == 0.0:
        # A constant image has no quantum, and is small without.
        return _compress(pixels, header, CompressionOptions())
    if level < 0.0:
        header["UZSCALE"] = -level
    if np.isinf(pixels).any():
        # Quantised images have one code for what is not finite, and it reads as NaN.
        pixels = np.where(np.isinf(pixels), np.nan, pixels)
    return _compress(pixels, header, options, level)


def _check_options(options: CompressionOptions, dtype: np.dtype) -> None:
    if options.quantization is not None and dtype.kind != "f":
        raise ValueError(f"Quantization cannot be used on images of {dtype.name}.")
    if (
        options.quantization is None
        and options.algorithm is CompressionAlgorithm.RICE_1
        and dtype.kind == "f"
    ):
        raise ValueError("RICE_1 compression of floating point images requires quantization.")


def _compress(
    pixels: npt.NDArray,
    header: astropy.io.fits.Header,
    options: CompressionOptions,
    level: float = 0.0,
) -> astropy.io.fits.CompImageHDU:
    """Make a compressed HDU; a level of 0 keeps floats exact."""
    height, width = pixels.shape
    quantization = options.quantization or QuantizationOptions()
    return astropy.io.fits.CompImageHDU(
        pixels,
        header,
        compression_type=options.algorithm.value,
        tile_shape=(options.tile_height or height, options.tile_width or width),
        quantize_level=level,
        quantize_method=quantization.dither.value,
        dither_seed=quantization.seed,
    )


def _quantize_level(
    options: QuantizationOptions, pixels: npt.NDArray, rejected: npt.NDArray[np.bool_] | None
) -> float:
    """Return the level as FITS libraries take it: negative if it is the quantum itself."""
    if options.scaling is ScalingAlgorithm.STDEV_CFITSIO:
        return options.level
    if options.scaling is ScalingAlgorithm.MANUAL:
        return -options.level
    if options.scaling is ScalingAlgorithm.RANGE:
        values = _good_values(pixels, rejected, 1)
        return -(float(np.ptp(values)) / _QUANTA) if values.size else 0.0
    # An odd stride meets all columns of an image whose width is even.
    values = _good_values(pixels, rejected, pixels.size // _SAMPLE_SIZE | 1)
    if not values.size:
        return 0.0
    lower, upper = values.size // 4, values.size // 4 + values.size // 2
    values.partition((lower, upper))
    return -_QUARTILES_TO_SIGMA * (float(values[upper]) - float(values[lower])) / options.level


def _good_values(
    pixels: npt.NDArray, rejected: npt.NDArray[np.bool_] | None, stride: int
) -> npt.NDArray[np.floating]:
    """Return a copy of every so-manieth pixel, without those that do not count."""
    values = pixels.ravel()[::stride]
    good = np.isfinite(values)
    if rejected is not None:
        good &= ~rejected.ravel()[::stride]
    return values[good]
