# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Postage stamps of ranked structures, cut from stored pyramids."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from astropy.table import Row
from PIL import Image

from lsst.analysis.cp.core.images import stretchLimits
from lsst.analysis.cp.core.pyramid import PyramidFileError, PyramidReader
from lsst.analysis.cp.core.structures import TRANSIENT_KINDS
from lsst.analysis.cp.core.typing import FloatArray
from lsst.analysis.cp.notebook import openPyramid
from lsst.daf.butler import DatasetNotFoundError, MissingCollectionError

from .model import Problem, ProductReport, RunReport

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

__all__ = ["N_STAMPS", "WrittenStamp", "foremostRows", "toPicture", "writeStamps"]

N_STAMPS = 12
"""Number of structures of a product that have a stamp."""

_LEAST, _MOST = 64, 512
_PIXELS = 128
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class WrittenStamp:
    """A stamp in the folder of a report.

    Parameters
    ----------
    file
        Its PNG file, from the folder.
    caption
        What it shows.
    """

    file: str
    caption: str


def foremostRows(product: ProductReport) -> list[int]:
    """List the rows of the structures of a product that are to have a stamp, the foremost first."""
    if not len(product.structures):
        return []
    lasting = ~np.isin(np.asarray(product.structures["kind"]).astype(str), TRANSIENT_KINDS)
    return [int(row) for row in np.flatnonzero(lasting)[:N_STAMPS]]


def writeStamps(
    report: RunReport, folder: Path, butler: Butler
) -> tuple[dict[tuple[str, int], WrittenStamp], list[Problem]]:
    """Write the stamps of the foremost structures of all products.

    Parameters
    ----------
    report
        The report.
    folder
        The folder of the report.
    butler
        The repository of the pyramids.

    Returns
    -------
    stamps
        Those that were written, by the name of the product and the row in its structures.
    problems
        Pyramids that could not be read. That there is none is no problem: a stamp is then not shown.
    """
    (folder / "stamps").mkdir(exist_ok=True)
    stamps: dict[tuple[str, int], WrittenStamp] = {}
    problems: list[Problem] = []
    for i, product in enumerate(report.products):
        for exposure, rows in _groupByExposure(product):
            data_id = {"instrument": report.instrument} | ({"exposure": exposure} if exposure >= 0 else {})
            try:
                with openPyramid(
                    butler, product.product.name, data_id, collections=report.collections
                ) as reader:
                    for row in rows:
                        file = f"stamps/{i}-{row}.png"
                        caption = _write(reader, product.structures[row], folder / file)
                        stamps[product.name, row] = WrittenStamp(file, caption)
            except (DatasetNotFoundError, MissingCollectionError) as error:
                _LOG.info("no stamps of %s: %s", product.title, error)
            except (PyramidFileError, OSError, ValueError) as error:
                named = f"pyramid of {product.product.name}" + (
                    f", exposure {exposure}" if exposure >= 0 else ""
                )
                problems.append(Problem(dataset=named, reason=f"{type(error).__name__}: {error}"))
    return stamps, problems


def _groupByExposure(product: ProductReport) -> Iterator[tuple[int, list[int]]]:
    """Yield exposures, -1 for none, with the rows that are theirs."""
    groups: dict[int, list[int]] = {}
    for row in foremostRows(product):
        has_exposure = "exposure" in product.structures.colnames
        exposure = int(product.structures["exposure"][row]) if has_exposure else -1
        groups.setdefault(exposure, []).append(row)
    yield from groups.items()


def _write(reader: PyramidReader, structure: Row, file: Path) -> str:
    """Write the pixels around a structure, and say what their greys mean."""
    side = min(max(3 * max(structure["width"], structure["height"]), _LEAST), _MOST)
    place = reader.toFocalPlane(int(structure["detector"]), float(structure["x"]), float(structure["y"]))
    view = reader.read(place, side * reader.pixelSize, maxPixels=_PIXELS)
    pixels = np.asarray(view.image, dtype=np.float64)
    low, high = stretchLimits(pixels, "zscale")
    toPicture(pixels, low, high).save(file, optimize=True)
    return f"{side} × {side} pixels, black {low:.4g} to white {high:.4g} {view.unit}".strip()


def toPicture(
    pixels: FloatArray, low: float, high: float, absent: tuple[int, int, int] = (120, 0, 0)
) -> Image.Image:
    """Make a picture of pixels.

    Parameters
    ----------
    pixels
        Values (rows, columns); shape (ny, nx).
    low, high
        Values of black and of white.
    absent
        Red, green and blue of those that are NaN or infinite, 0 to 255; dark red by default.

    Returns
    -------
    picture
        The picture, the first row at the bottom.
    """
    scaled = np.clip((pixels - low) / (high - low), 0.0, 1.0)
    is_finite = np.isfinite(pixels)
    grey = np.where(is_finite, 255.0 * scaled, 0.0).astype(np.uint8)
    colours = np.where(is_finite[..., np.newaxis], grey[..., np.newaxis], np.asarray(absent, dtype=np.uint8))
    return Image.fromarray(colours[::-1])
