# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tasks that make views of one image: of a detector, or of the focal plane."""

from __future__ import annotations

__all__ = ["DetectorImageViewTask", "FocalPlaneImageViewTask", "ImageViewTask"]

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from lsst.analysis.cp.core.images import BinningStatistic, binImage
from lsst.analysis.cp.core.typing import BoolArray, Float32Array
from lsst.analysis.cp.tasks.runner import ToolRunner, describeInput, putOutputs, raiseFailures, runTools
from lsst.pipe.base import (
    InputQuantizedConnection,
    OutputQuantizedConnection,
    PipelineTask,
    QuantumContext,
    Struct,
)

from .config import DetectorImageViewConfig, FocalPlaneImageViewConfig, ImageViewConfig
from .data import gridKeys, placeCameraImage
from .reading import (
    DetectorImage,
    UnusableImageError,
    checkDetectorImage,
    readDetectorImage,
    readFailures,
    readFocalPlaneImage,
    sampleImage,
)

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera
    from lsst.daf.butler import DeferredDatasetHandle
    from lsst.utils.logging import LsstLogAdapter


class ImageViewTask(PipelineTask):
    """Base of tasks that make views of images.

    All that can be made is written, and then the quantum fails if a tool did.
    """

    ConfigClass = ImageViewConfig
    config: ImageViewConfig

    def binDetector(self, image: DetectorImage) -> Float32Array:
        """Bin what is seen of a detector, as the configuration says.

        Parameters
        ----------
        image
            Image of the detector.

        Returns
        -------
        binned
            One pixel a bin; shape (rows, columns). NaN where all are left out.
        """
        if self.config.source == "image":
            return self.bin(image.image, image.excluded)
        known = [plane for plane in self.config.maskPlanes if plane in image.planes]
        bits = sum(1 << image.planes[plane] for plane in set(known))
        return self.bin(((image.mask & bits) != 0).astype(np.float32))

    def bin(self, image: npt.NDArray[np.floating], excluded: BoolArray | None = None) -> Float32Array:
        """Bin an image for the view, as the configuration says.

        Parameters
        ----------
        image
            Pixels (rows, columns); shape (ny, nx).
        excluded
            True for pixels to leave out; shape (ny, nx).

        Returns
        -------
        binned
            One pixel a bin; shape (rows, columns). NaN where all are left out.
        """
        statistic = cast(BinningStatistic, self.config.statistic)
        return binImage(image, self.config.binning, statistic, excluded=excluded)


@contextmanager
def logUnusable(log: LsstLogAdapter) -> Iterator[None]:
    """Log why a quantum has no view, which the middleware tells only in detail.

    Parameters
    ----------
    log
        Where it is logged.
    """
    try:
        yield
    except UnusableImageError as error:
        log.warning("There is no view: %s", error)
        raise


def readStretch(
    handle: DeferredDatasetHandle | None, camera: Camera, binning: int, log: LsstLogAdapter
) -> dict[str, Any]:
    """Sample the image of the focal plane for the range of the colours.

    Parameters
    ----------
    handle
        Handle of the image; None if there is none.
    camera
        The camera.
    binning
        Factor by which it is binned.
    log
        Where an image that cannot be used is logged.

    Returns
    -------
    sample
        Pixels as ``stretchSample``; nothing if there is no image that can be used, so that the view has a
        range of its own.
    """
    if handle is None:
        return {}
    try:
        return {"stretchSample": sampleImage(handle, placeCameraImage(camera, binning).shape)}
    except UnusableImageError as error:
        log.warning("The view has a range of colours of its own: %s", error)
        return {}


class DetectorImageViewTask(ImageViewTask):
    """Make views of one detector.

    The tools get the pixels as ``image`` (rows, columns), row 0 at the lowest y of the detector, NaN where
    they are left out; the side of one in detector pixels as ``binning``; the detector's id as ``detector``;
    the vectors of `readFailures`, where there are failures; and ``stretchSample``, pixels of all of the focal
    plane, where there is an image of it.
    """

    ConfigClass = DetectorImageViewConfig
    _DefaultName = "detectorImageView"

    def runQuantum(
        self,
        butlerQC: QuantumContext,
        inputRefs: InputQuantizedConnection,
        outputRefs: OutputQuantizedConnection,
    ) -> None:
        """Make the views and write them.

        Parameters
        ----------
        butlerQC
            Gets and puts the datasets of the quantum.
        inputRefs, outputRefs
            The quantum's datasets.

        Raises
        ------
        UnusableImageError
            Raised if the image cannot be read or is not one of the detector.
        lsst.pipe.base.AnnotatedPartialOutputsError
            Raised if a tool failed.
        """
        inputs = butlerQC.get(inputRefs)
        runner = ToolRunner(self.log, describeInput(inputs["data"].ref, butlerQC.quantum.dataId))
        camera = inputs["camera"]
        with logUnusable(self.log):
            image = readDetectorImage(inputs["data"], self.config.excludedPlanes)
            checkDetectorImage(image, camera, self.config.inputBinning)
        extras = readFailures(inputs.get("culprits"), [image.detector])
        extras |= readStretch(inputs.get("wholeImage"), camera, self.config.inputBinning, self.log)
        outputs = self.run(image, camera=camera, runner=runner, extras=extras)
        putOutputs(butlerQC, outputs, outputRefs, runner)
        raiseFailures(self, runner.failures)

    def run(
        self,
        image: DetectorImage,
        *,
        camera: Camera,
        runner: ToolRunner,
        extras: Mapping[str, Any] | None = None,
    ) -> Struct:
        """Bin the image and run the tools.

        Parameters
        ----------
        image
            Image of the detector.
        camera
            Camera that it belongs to.
        runner
            Runs the tools, and remembers which failed.
        extras
            What else the tools get: the vectors of `readFailures`, the sample of `readStretch`.

        Returns
        -------
        outputs : `lsst.pipe.base.Struct`
            ``metrics``, and the figures by the names of their connections.
        """
        view = {
            "image": self.binDetector(image),
            "binning": self.config.inputBinning * self.config.binning,
            "detector": image.detector,
            **(extras or {}),
        }
        return runTools(self.config, view, runner, camera)


class FocalPlaneImageViewTask(ImageViewTask):
    """Make views of a stored image of the focal plane, as ``VisualizeMosaicExpTask`` makes it.

    The tools get the pixels as ``image`` (rows along y of the focal plane, columns along x), NaN where there
    are none; the centre of pixel [0, 0] as ``x0`` and ``y0`` and the side of a pixel as ``pixelSize``, mm;
    and the vectors of `readFailures`, where there are failures.
    """

    ConfigClass = FocalPlaneImageViewConfig
    _DefaultName = "focalPlaneImageView"

    def runQuantum(
        self,
        butlerQC: QuantumContext,
        inputRefs: InputQuantizedConnection,
        outputRefs: OutputQuantizedConnection,
    ) -> None:
        """Make the views and write them.

        Parameters
        ----------
        butlerQC
            Gets and puts the datasets of the quantum.
        inputRefs, outputRefs
            The quantum's datasets.

        Raises
        ------
        UnusableImageError
            Raised if the image cannot be read or is not one of the camera.
        lsst.pipe.base.AnnotatedPartialOutputsError
            Raised if a tool failed.
        """
        inputs = butlerQC.get(inputRefs)
        ref, camera = inputs["data"].ref, inputs["camera"]
        runner = ToolRunner(self.log, describeInput(ref, butlerQC.quantum.dataId))
        with logUnusable(self.log):
            shape = placeCameraImage(camera, self.config.inputBinning).shape
            pixels = readFocalPlaneImage(inputs["data"], shape)
        extras = readFailures(inputs.get("culprits"))
        outputs = self.run(pixels, camera=camera, runner=runner, extras=extras)
        putOutputs(butlerQC, outputs, outputRefs, runner)
        raiseFailures(self, runner.failures)

    def run(
        self,
        image: Float32Array,
        *,
        camera: Camera,
        runner: ToolRunner,
        extras: Mapping[str, Any] | None = None,
    ) -> Struct:
        """Place and bin the image, and run the tools.

        Parameters
        ----------
        image
            Image of the focal plane; shape (ny, nx).
        camera
            Camera that it belongs to.
        runner
            Runs the tools, and remembers which failed.
        extras
            What else the tools get: the vectors of `readFailures`, the sample of `readStretch`.

        Returns
        -------
        outputs : `lsst.pipe.base.Struct`
            ``metrics``, and the figures by the names of their connections.
        """
        grid = placeCameraImage(camera, self.config.inputBinning).binned(self.config.binning)
        view = {"image": self.bin(image), **gridKeys(grid), **(extras or {})}
        return runTools(self.config, view, runner, camera)
