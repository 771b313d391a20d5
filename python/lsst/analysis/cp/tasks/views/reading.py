# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Reading of images of detectors, one at a time, and of the failures to frame on them."""

from __future__ import annotations

import copy
import functools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from astropy.table import Table, vstack

from lsst.analysis.cp.core.images import EXCLUDED_PLANES, excludedPixels
from lsst.analysis.cp.core.typing import BoolArray, Float32Array
from lsst.geom import Box2I, Extent2I, Point2I
from lsst.pipe.base import UnprocessableDataError

if TYPE_CHECKING:
    from uuid import UUID

    from lsst.afw.cameraGeom import Camera
    from lsst.daf.butler import DeferredDatasetHandle
    from lsst.utils.logging import LsstLogAdapter

__all__ = [
    "DetectorImage",
    "DetectorImages",
    "UnusableImageError",
    "readCulprits",
    "readDetectorImage",
    "readFocalPlaneImage",
    "readStructureTable",
    "sampleImage",
]

SAMPLE_WINDOW = 160
"""Side of the windows in which an image is sampled, pixels."""

SAMPLE_WINDOWS = 6
"""Number of windows along each axis."""


class UnusableImageError(UnprocessableDataError):
    """An image cannot be read, or is not what it is said to be.

    Parameters
    ----------
    name
        The dataset.
    reason
        What is wrong with it, in a few words.
    detail
        What else there is to say.
    """

    def __init__(self, name: str, reason: str, detail: str = "") -> None:
        self.reason = reason
        super().__init__(": ".join(filter(None, (name, reason, detail))))


@dataclass(frozen=True, kw_only=True, eq=False)
class DetectorImage:
    """Pixels of one detector.

    Parameters
    ----------
    detector
        Id of the detector.
    name
        Dataset type and data ID, for messages.
    image
        Pixels (rows, columns), row 0 at the lowest y of the detector; shape (ny, nx).
    mask
        Bits of each pixel; shape (ny, nx).
    planes
        Number of the bit of each mask plane.
    excluded
        True for pixels that are left out: not finite, or with a bit of the planes that are; shape (ny, nx).
    """

    detector: int
    name: str
    image: Float32Array
    mask: npt.NDArray[np.int32]
    planes: Mapping[str, int]
    excluded: BoolArray


class DetectorImages:
    """Images of the detectors of an exposure or a calibration, of which one at a time is in memory.

    An image that cannot be used is logged, remembered with the reason, and passed over: one bad detector does
    not cost the view of the others.

    Parameters
    ----------
    handles
        Handles of the images, with the dimension ``detector``.
    camera
        Camera that the images belong to.
    binning
        Factor by which they are binned.
    excludedPlanes
        Mask planes whose pixels are left out.
    requested
        Names of the detectors that are requested; all if empty.
    log
        Where images that are passed over are logged.

    Raises
    ------
    ValueError
        Raised if the camera has no detector of a name that is requested.
    """

    def __init__(
        self,
        handles: Sequence[DeferredDatasetHandle],
        camera: Camera,
        *,
        binning: int = 1,
        excludedPlanes: Collection[str] = EXCLUDED_PLANES,
        requested: Collection[str] = (),
        log: LsstLogAdapter,
    ) -> None:
        names = {detector.getName(): detector.getId() for detector in camera}
        if unknown := sorted(set(requested) - names.keys()):
            raise ValueError(f"The camera {camera.getName()} has no detectors {', '.join(unknown)}.")
        self.notRequested: set[int] = {i for name, i in names.items() if requested and name not in requested}
        """Ids of detectors that nobody asked for."""
        by_id = {int(handle.dataId["detector"]): handle for handle in handles}
        self._handles = {i: handle for i, handle in by_id.items() if i not in self.notRequested}
        self._camera = camera
        self._binning = binning
        self._planes = excludedPlanes
        self._log = log
        self.detectors: list[int] = [detector.getId() for detector in camera]
        """Ids of all detectors, with or without an image."""
        self.missing: dict[int, str] = {
            detector: "no image"
            for detector in self.detectors
            if detector not in self._handles and detector not in self.notRequested
        }
        """Why a detector is missing, by its id; complete after the iteration."""

    def __iter__(self) -> Iterator[DetectorImage]:
        for detector, handle in sorted(self._handles.items()):
            try:
                image = readDetectorImage(
                    handle, self._camera, binning=self._binning, excludedPlanes=self._planes
                )
            except UnusableImageError as error:
                self.markMissing(detector, error.reason, str(error))
                continue
            yield image
            # Two detectors would be in memory while the next is read.
            del image

    def markMissing(self, detector: int, reason: str, message: str) -> None:
        """Record that a detector is missing, with the reason in a few words, and a message for the log."""
        self.missing[detector] = reason
        self._log.warning("Detector %d is missing from the view: %s", detector, message)

    def restrict(self, detectors: Collection[int]) -> DetectorImages:
        """Keep only some detectors, by their ids; of the others, none is missing or not requested."""
        images = copy.copy(self)
        images.notRequested = self.notRequested.intersection(detectors)
        images.detectors = list(detectors)
        images._handles = {detector: h for detector, h in self._handles.items() if detector in detectors}
        images.missing = {detector: why for detector, why in self.missing.items() if detector in detectors}
        return images


def nameDataset(handle: DeferredDatasetHandle) -> str:
    """Name a dataset for messages: its type, and what is required of its data ID."""
    values = ", ".join(f"{key} {value}" for key, value in handle.dataId.required.items())
    return f"{handle.ref.datasetType.name} ({values})"


def makeUnreadable(name: str, error: Exception) -> UnusableImageError:
    """Say that a dataset cannot be read; formatters raise whatever the file and its library lead to."""
    return UnusableImageError(name, f"cannot be read ({type(error).__name__})", str(error))


def readDetectorImage(
    handle: DeferredDatasetHandle,
    camera: Camera,
    *,
    binning: int = 1,
    excludedPlanes: Collection[str] = EXCLUDED_PLANES,
) -> DetectorImage:
    """Read the image and the mask of one detector.

    Parameters
    ----------
    handle
        Handle of an exposure, with the dimension ``detector``.
    camera
        Camera that the detector belongs to.
    binning
        Factor by which the image is binned; the bins that the edges of the detector cut may be there or not.
    excludedPlanes
        Mask planes whose pixels are left out; a plane that the mask does not have leaves out none.

    Returns
    -------
    image
        The pixels, and which are left out; these may be all.

    Raises
    ------
    UnusableImageError
        Raised if the dataset cannot be read, image and mask differ in size, the detector is not in the
        camera, or the image has another size than the detector.
    """
    name = nameDataset(handle)
    try:
        # The variance, a third of the pixels, is not needed.
        image, mask = (handle.get(component=component) for component in ("image", "mask"))
        planes = dict(mask.getMaskPlaneDict())
        known = [plane for plane in excludedPlanes if plane in planes]
        excluded = excludedPixels(image.array, mask.array, planes, known)
    except Exception as error:
        raise makeUnreadable(name, error) from error
    number = int(handle.dataId["detector"])
    detector = camera.get(number)
    if detector is None:
        raise UnusableImageError(name, f"camera {camera.getName()} has no detector {number}")
    width, height = detector.getBBox().getDimensions()
    whole, cut = (height // binning, width // binning), (-(-height // binning), -(-width // binning))
    if image.array.shape not in (whole, cut):
        sizes = " or ".join(f"{size}" for size in dict.fromkeys([whole, cut]))
        raise UnusableImageError(
            name, f"shape {image.array.shape}, expected {sizes} of {detector.getName()} binned by {binning}"
        )
    return DetectorImage(
        detector=number, name=name, image=image.array, mask=mask.array, planes=planes, excluded=excluded
    )


def readFocalPlaneImage(handle: DeferredDatasetHandle, expected: tuple[int, int]) -> Float32Array:
    """Read an image of the focal plane, of which the shape (ny, nx) is known.

    Raises
    ------
    UnusableImageError
        Raised if the image cannot be read, or has another shape.
    """
    name = nameDataset(handle)
    try:
        image = handle.get().array
    except Exception as error:
        raise makeUnreadable(name, error) from error
    if image.shape != expected:
        raise UnusableImageError(name, f"shape {image.shape}, expected that of the camera, {expected}")
    return image


def sampleImage(handle: DeferredDatasetHandle, shape: tuple[int, int]) -> Float32Array:
    """Read a sample of an image of the shape (ny, nx), enough to choose a range of colours.

    The views of all detectors take the sample of one image: a process reads it once.

    Returns
    -------
    sample
        Pixels of windows that are spread evenly, or all of a small image; shape (n,), not to be changed.

    Raises
    ------
    UnusableImageError
        Raised if the image cannot be read, or is smaller.
    """
    try:
        return _readSample(_SampledImage(handle.ref.id, shape, handle))
    except Exception as error:
        raise makeUnreadable(nameDataset(handle), error) from error


@dataclass(frozen=True)
class _SampledImage:
    """An image to sample. Two of one dataset are equal, whoever reads it."""

    id: UUID
    shape: tuple[int, int]
    handle: DeferredDatasetHandle = field(compare=False)


@functools.lru_cache(maxsize=1)
def _readSample(image: _SampledImage) -> Float32Array:
    side, number, shape = SAMPLE_WINDOW, SAMPLE_WINDOWS, image.shape
    boxes = [Box2I(Point2I(0, 0), Extent2I(shape[1], shape[0]))]
    if min(shape) > side * number:
        rows, columns = (np.linspace(0, n - side, number).astype(int).tolist() for n in shape)
        boxes = [Box2I(Point2I(x, y), Extent2I(side, side)) for y in rows for x in columns]
    sample = np.concatenate([image.handle.get(parameters={"bbox": box}).array.ravel() for box in boxes])
    sample.setflags(write=False)
    return sample


def readCulprits(handles: Iterable[DeferredDatasetHandle], exposure: int | None = None) -> dict[str, Table]:
    """Read which amplifiers failed which tests, from the table of each merge that an image belongs to.

    Parameters
    ----------
    handles
        Tables of culprits, with the column ``exposure`` if one is given.
    exposure
        The exposure that is viewed, as a visit may have several; None to take them all.

    Returns
    -------
    culprits
        As ``culprits``, a table with the columns ``detector`` (id), ``amplifier`` and ``test`` (names): one
        row for each test that an amplifier failed. Empty if no merge has a table.
    """
    wanted = {"status": "failed"} | ({} if exposure is None else {"exposure": exposure})
    columns = ["detector", "amplifier", "test"]
    tables = [handle.get(parameters={"columns": [*columns, *wanted]}) for handle in handles]
    if not tables:
        return {}
    table = vstack(tables, metadata_conflicts="silent")
    chosen = np.logical_and.reduce([np.asarray(table[name]) == value for name, value in wanted.items()])
    return {"culprits": table[chosen][columns]}


def readStructureTable(handle: DeferredDatasetHandle) -> Table:
    """Read the structures that were found in an exposure.

    Returns
    -------
    structures
        Table of `~lsst.analysis.cp.core.structures.rankStructures`.

    Raises
    ------
    UnusableImageError
        Raised if it cannot be read.
    """
    try:
        return handle.get()
    except Exception as error:
        raise makeUnreadable(nameDataset(handle), error) from error
