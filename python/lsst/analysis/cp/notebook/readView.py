# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Reading of windows of exposures from Butler repositories."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np

from lsst.analysis.cp.core.pyramid import PyramidReader, View
from lsst.daf.butler import DatasetNotFoundError, DimensionNameError

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DataCoordinate, DatasetRef

__all__ = ["openPyramid", "readView"]

_SUFFIX = "_pyramid"

Centre = tuple[float, float] | tuple[int | str, float, float]


def readView(
    butler: Butler,
    dataId: DataCoordinate | Mapping[str, Any],
    centre: Centre,
    width: float | tuple[float, float],
    *,
    datasetType: str | None = None,
    plane: str = "image",
    factor: int | None = None,
    maxPixels: int = 1024,
    collections: str | Sequence[str] | None = None,
) -> View:
    """Read a window of an exposure, at the finest resolution that fits.

    No more is read than an index and the tiles under the window, whatever the size of the exposure and
    wherever it is stored. To read several windows of an exposure, use `openPyramid`.

    Parameters
    ----------
    butler
        The repository.
    dataId
        The exposure (or calibration), as in ``{"instrument": "LSSTCam", "exposure": 2026070200001}``.
    centre
        Where to look: (x, y) on the focal plane in mm, or (detector, x, y) with the identifier or name of a
        detector and a position on it in pixels.
    width
        Width of the window, or width and height, mm.
    datasetType
        Name of the dataset type; by default the only one ending in ``_pyramid`` that has this data ID. One of
        exposures goes before one of calibrations, which have some of the same dimensions.
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
        of its fields.

    Warns
    -----
    UserWarning
        Warned if a detector in the window has no such image in the exposure, or the window shows no pixel
        of a detector or none that has a value.

    Raises
    ------
    lsst.daf.butler.DatasetNotFoundError
        Raised if there is no such pyramid.
    lsst.daf.butler.MissingDatasetTypeError
        Raised if the repository does not know the dataset type.
    lsst.analysis.cp.core.pyramid.PyramidFileError
        Raised if the dataset is no pyramid, is one of another version, or what is read of it is damaged. It
        is a `ValueError`.
    ValueError
        Raised if it is not said which pyramid is meant, or the window lies outside the focal plane, is too
        wide, or names what the pyramid does not have.
    """
    with openPyramid(butler, dataId, datasetType=datasetType, collections=collections) as reader:
        place = centre if len(centre) == 2 else reader.toFocalPlane(*centre)
        view = reader.read(place, width, plane=plane, factor=factor, maxPixels=maxPixels)
        labels = {own.placement.detectorId: own.placement.label for own in reader.detectors}
        problems = []
        if view.missing:
            problems.append(f"no {plane!r} of {', '.join(labels[number] for number in view.missing)}")
        # A mask is 0 where there is no pixel, as where there is a good one.
        if view.nTiles == 0 or not np.isfinite(view.image).any():
            problems.append("no pixel with a value in the window")
        if problems:
            warnings.warn(f"The pyramid {reader.name} has {' and '.join(problems)}.", stacklevel=2)
        return view


@contextmanager
def openPyramid(
    butler: Butler,
    dataId: DataCoordinate | Mapping[str, Any],
    *,
    datasetType: str | None = None,
    collections: str | Sequence[str] | None = None,
) -> Iterator[PyramidReader]:
    """Open a pyramid, to read several windows; see `readView` for the parameters.

    Yields
    ------
    reader
        The reader; it is closed with the block.
    """
    ref = _findPyramid(butler, dataId, datasetType, collections)
    uri = butler.getURI(ref)
    with uri.open("rb") as file:
        yield PyramidReader(cast("BinaryIO", file), name=f"{ref.datasetType.name}@{ref.dataId} at {uri}")


def _findPyramid(
    butler: Butler,
    dataId: DataCoordinate | Mapping[str, Any],
    datasetType: str | None,
    collections: str | Sequence[str] | None,
) -> DatasetRef:
    """Find the dataset of the type that is named, or else of the only type of pyramids that has one."""
    if datasetType is not None:
        names = [datasetType]
    else:
        names = sorted(known.name for known in butler.registry.queryDatasetTypes(f"*{_SUFFIX}"))
    refs: list[DatasetRef] = []
    for name in names:
        try:
            ref = butler.find_dataset(name, dataId, collections=collections)
        except DimensionNameError:
            # A type that nobody named may have dimensions that are not given.
            if datasetType is not None:
                raise
            continue
        if ref is not None:
            refs.append(ref)
    # Calibrations have some of the dimensions of exposures, and are found by the data ID of one, too.
    most = max((len(ref.dataId.required) for ref in refs), default=0)
    refs = [ref for ref in refs if len(ref.dataId.required) == most]
    if not refs:
        searched = butler.collections.defaults if collections is None else collections
        raise DatasetNotFoundError(
            f"There is no pyramid of {dataId} in collections {searched}; searched for dataset types {names}."
        )
    if len(refs) > 1:
        choices = [ref.datasetType.name for ref in refs]
        raise ValueError(f"There are several pyramids of {dataId}; say with datasetType which: {choices}.")
    return refs[0]
