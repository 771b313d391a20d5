# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Reading of windows of exposures from Butler repositories."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

import numpy as np

from lsst.analysis.cp.core.pyramid import PyramidReader, View
from lsst.analysis.cp.metrics import nameDataset

from .imageWindow import ImageWindow
from .readTables import readStructures
from .search import DataIdLike, Kind, findOne

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

__all__ = ["openPyramid", "readStructureView", "readView"]

_PYRAMIDS = Kind("image", "images", ending="_pyramid")

_LEAST, _MOST = 64, 512
"""Side of the window around a structure, pixels."""

_STRUCTURE_COLUMNS = frozenset(
    ("rank", "width", "height", "detector", "x", "y", "kind", "detectorName", "amplifier", "score")
)

Centre = tuple[float, float] | tuple[int | str, float, float]


def readView(
    butler: Butler,
    name: str,
    dataId: DataIdLike,
    centre: Centre,
    width: float | tuple[float, float],
    *,
    plane: str = "image",
    factor: int | None = None,
    maxPixels: int = 1024,
    collections: str | Sequence[str] | None = None,
) -> ImageWindow:
    """Read a window of an exposure, at the finest resolution that fits.

    No more is read than an index and the tiles under the window, whatever the size of the exposure and
    wherever it is stored. To read several windows of an exposure, use `openPyramid`.

    Parameters
    ----------
    butler
        The repository.
    name
        Which image is meant: that of a product (``bias``) or, if it has several, the dataset type
        (``cpBiasExpResidual_pyramid``), in which ``*`` stands for any text.
    dataId
        The exposure (or calibration), as in ``{"instrument": "LSSTCam", "exposure": 2026070200001}``.
    centre
        Where to look: (x, y) on the focal plane in mm, or (detector, x, y) with the identifier or name of a
        detector and a position on it in pixels.
    width
        Width of the window, or width and height, mm.
    plane
        ``image``, ``mask`` or ``significance``.
    factor
        Side of a pixel of the view, in pixels of the detectors; by default the finest that needs no more than
        ``maxPixels``.
    maxPixels
        Most pixels along either axis.
    collections
        Where to search; by default the collections of the Butler.

    Returns
    -------
    view
        Its pixels, and where they lie on the focal plane; see `~lsst.analysis.cp.core.pyramid.View` for all
        of its fields. A notebook shows it.

    Warns
    -----
    UserWarning
        Warned if a detector in the window has no such image in the exposure, or the window shows no pixel
        of a detector or none that has a value.

    Raises
    ------
    lsst.daf.butler.MissingCollectionError, lsst.daf.butler.DatasetNotFoundError
        Raised if there is no such collection, or no such image, or the data ID lacks a dimension; they name
        what there is.
    lsst.analysis.cp.core.pyramid.PyramidFileError
        Raised if the dataset is no pyramid, is one of another version, or what is read of it is damaged. It
        is a `ValueError`.
    ValueError
        Raised if several images are meant, or the window lies outside the focal plane, is too
        wide, or names what the pyramid does not have.
    """
    with openPyramid(butler, name, dataId, collections=collections) as reader:
        place = centre if len(centre) == 2 else reader.toFocalPlane(*centre)
        view = reader.read(place, width, plane=plane, factor=factor, maxPixels=maxPixels)
        if problems := _findProblems(view, reader):
            warnings.warn(f"The pyramid {reader.name} has {' and '.join(problems)}.", stacklevel=2)
        return ImageWindow.fromView(view, _describePlace(centre, view.factor), _nameSource(reader))


def readStructureView(
    butler: Butler,
    name: str,
    dataId: DataIdLike = None,
    rank: int = 1,
    *,
    width: float | tuple[float, float] | None = None,
    plane: str = "image",
    collections: str | Sequence[str] | None = None,
) -> ImageWindow:
    """Read the pixels around a structure; `readView` has the other parameters, the warnings and the errors.

    Parameters
    ----------
    butler, name, dataId, plane, collections
        As in `readView`.
    rank
        Which structure is meant, as in the table of `readStructures`; by default the worst.
    width
        Width of the window, or width and height, mm; by default three times the structure, but no less than
        64 and no more than 512 pixels.

    Returns
    -------
    view
        The pixels, with the structure in the middle. A notebook shows it.

    Raises
    ------
    ValueError
        Raised if there is no structure of this rank, or the table lacks a column.
    """
    structures = readStructures(butler, name, dataId, collections=collections)
    if lacking := sorted(_STRUCTURE_COLUMNS.difference(structures.colnames)):
        raise ValueError(f"{structures.meta['dataset']} lacks column(s) {', '.join(lacking)}.")
    found = structures[structures["rank"] == rank]
    if len(found) != 1:
        raise ValueError(f"There is no structure of rank {rank!r}: there are {len(structures)}.")
    own = found[0]
    with openPyramid(butler, name, dataId, collections=collections) as reader:
        n_pixels = min(max(3 * max(own["width"], own["height"]), _LEAST), _MOST)
        place = reader.toFocalPlane(int(own["detector"]), float(own["x"]), float(own["y"]))
        view = reader.read(place, width or n_pixels * reader.pixelSize, plane=plane)
        title = f"{rank}  {own['kind']}  {own['detectorName']} {own['amplifier']}"
        return ImageWindow.fromView(view, f"{title.strip()}, {own['score']:.3g} σ", _nameSource(reader))


def _nameSource(reader: PyramidReader) -> str:
    """Name the dataset, without its file."""
    return reader.name.partition(" at ")[0]


def _findProblems(view: View, reader: PyramidReader) -> list[str]:
    """Say what is missing in a window."""
    labels = {own.placement.detectorId: own.placement.label for own in reader.detectors}
    problems = []
    if view.missing:
        problems.append(f"no {view.plane!r} of {', '.join(labels[number] for number in view.missing)}")
    # A mask is 0 where there is no pixel, as where there is a good one.
    if view.nTiles == 0 or not np.isfinite(view.image).any():
        problems.append("no pixel with a value in the window")
    return problems


def _describePlace(centre: Centre, factor: int) -> str:
    """Say in a line where a window is, and how large its pixels are."""
    where = (
        f"x {centre[0]:g} mm, y {centre[1]:g} mm"
        if len(centre) == 2
        else f"detector {centre[0]}, x {centre[1]:g}, y {centre[2]:g}"
    )
    return f"{where}, {'pixel by pixel' if factor == 1 else f'{factor} × {factor} pixels each'}"


@contextmanager
def openPyramid(
    butler: Butler,
    name: str,
    dataId: DataIdLike,
    *,
    collections: str | Sequence[str] | None = None,
) -> Iterator[PyramidReader]:
    """Open a pyramid, to read several windows; see `readView` for the parameters.

    Yields
    ------
    reader
        The reader; it is closed with the block.
    """
    ref = findOne(butler, _PYRAMIDS, name, dataId, collections)
    uri = butler.getURI(ref)
    with uri.open("rb") as file:
        yield PyramidReader(cast("BinaryIO", file), name=f"{nameDataset(ref)} at {uri}")
