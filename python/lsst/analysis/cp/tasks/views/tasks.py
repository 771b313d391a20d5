# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tasks that make views of images: of detectors, of rafts, and of the focal plane."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.core.images import BinningStatistic, FocalPlaneMosaic, binImage, bitsOfPlanes
from lsst.analysis.cp.core.typing import Float32Array
from lsst.analysis.cp.tasks.rafts import splitByRaft
from lsst.analysis.cp.tasks.runner import (
    ToolRunner,
    describeInputs,
    listInputs,
    putOutputs,
    raiseFailures,
    runTools,
)
from lsst.pipe.base import (
    InputQuantizedConnection,
    OutputQuantizedConnection,
    PipelineTask,
    QuantumContext,
    Struct,
)

from .config import (
    DetectorImageViewConfig,
    FocalPlaneImageViewConfig,
    FocalPlaneMosaicViewConfig,
    ImageViewConfig,
    RaftImageViewConfig,
)
from .data import gridKeys, placeCameraImage, presenceKeys
from .reading import (
    DetectorImage,
    DetectorImages,
    UnusableImageError,
    readCulprits,
    readDetectorImage,
    readFocalPlaneImage,
    readStructureTable,
    sampleImage,
)

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera

    type Refs = Iterable[tuple[str, Any]]
    """Names of connections, and where their datasets go."""

__all__ = [
    "DetectorImageViewTask",
    "FocalPlaneImageViewTask",
    "FocalPlaneMosaicViewTask",
    "ImageViewTask",
    "RaftImageViewTask",
]


class ImageViewTask[Source](PipelineTask):
    """Base of tasks that make views of images.

    All that can be made is written, and then the quantum fails if a tool did. All tools get ``culprits``, the
    table of `readCulprits`, and ``structures``, that of `ResidualPyramidTask`, where there are any; and
    ``stretchSample``, pixels of all of the focal plane, where there is an image of it. A subclass says what
    else they get.
    """

    ConfigClass = ImageViewConfig
    config: ImageViewConfig

    def runQuantum(
        self,
        butlerQC: QuantumContext,
        inputRefs: InputQuantizedConnection,
        outputRefs: OutputQuantizedConnection,
    ) -> None:
        """Make the views and write them.

        Raises
        ------
        UnusableImageError
            Raised if the one image of the view cannot be read, or does not belong to the camera.
        lsst.pipe.base.AnnotatedPartialOutputsError
            Raised if a tool failed.
        """
        inputs = butlerQC.get(inputRefs)
        camera, data = inputs["camera"], inputs["data"]
        handles = data if self.config.gathersDetectors else [data]
        plot_info = describeInputs(
            [handle.ref for handle in handles], butlerQC.quantum.dataId, listInputs(inputRefs)
        )
        extras = self.readExtras(inputs, plot_info.get("exposure"))
        failures: dict[str, str] = {}
        try:
            for part, source, refs in self.readParts(data, camera, outputRefs):
                runner = ToolRunner(self.log, plot_info | ({"raft": part} if part else {}))
                outputs = self.run(source, camera=camera, runner=runner, extras=extras)
                putOutputs(butlerQC, outputs, refs, runner)
                failures |= {f"{part} {tool}".strip(): text for tool, text in runner.failures.items()}
        except UnusableImageError as error:
            # The middleware tells this only in detail.
            self.log.warning("There is no view: %s", error)
            raise
        raiseFailures(self, failures)

    def readExtras(self, inputs: Mapping[str, Any], exposure: int | None) -> dict[str, Any]:
        """Read ``culprits``, ``structures`` and ``stretchSample``, as far as inputs have any of use."""
        extras: dict[str, Any] = readCulprits(inputs.get("culprits", ()), exposure)
        if (whole := inputs.get("wholeImage")) is not None:
            shape = placeCameraImage(inputs["camera"], self.config.inputBinning).shape
            try:
                extras["stretchSample"] = sampleImage(whole, shape)
            except UnusableImageError as error:
                self.log.warning("The view has a range of colours of its own: %s", error)
        if (structures := inputs.get("structures")) is not None:
            try:
                extras["structures"] = readStructureTable(structures)
            except UnusableImageError as error:
                self.log.warning("No structures are marked: %s", error)
        return extras

    def readParts(
        self, data: Any, camera: Camera, outputRefs: OutputQuantizedConnection
    ) -> Iterator[tuple[str, Source, Refs]]:
        """Read the images, and say which of them make which outputs.

        Parameters
        ----------
        data
            Handle of the image; handles of all of them if the task gathers detectors.
        camera
            The camera.
        outputRefs
            The quantum's outputs.

        Yields
        ------
        part
            Name of a part of the camera; empty for all that the quantum has.
        source
            Its image or images.
        refs
            Where its outputs go.
        """
        raise NotImplementedError("A subclass reads the images.")

    def makeView(self, source: Source, camera: Camera) -> dict[str, Any]:
        """Bin and place the pixels: give what the tools get, ``image`` and where it lies."""
        raise NotImplementedError("A subclass makes the view.")

    def run(
        self,
        source: Source,
        *,
        camera: Camera,
        runner: ToolRunner,
        extras: Mapping[str, Any] | None = None,
    ) -> Struct:
        """Make the view and run the tools.

        Parameters
        ----------
        source
            What `readParts` has read.
        camera
            The camera.
        runner
            Runs the tools, and remembers which failed.
        extras
            What else the tools get, see `readExtras`.

        Returns
        -------
        outputs : `lsst.pipe.base.Struct`
            What `runTools` makes.
        """
        view = self.makeView(source, camera) | dict(extras or {})
        return runTools(self.config, view, runner, camera=camera)

    def binDetector(self, image: DetectorImage) -> Float32Array:
        """Bin what is seen of a detector: one pixel a bin, NaN where all of its pixels are left out."""
        statistic = cast(BinningStatistic, self.config.statistic)
        if self.config.source == "image":
            return binImage(image.image, self.config.binning, statistic, excluded=image.excluded)
        known = [plane for plane in self.config.maskPlanes if plane in image.planes]
        bits = bitsOfPlanes(image.mask.dtype, image.planes, known)
        return binImage(((image.mask & bits) != 0).astype(np.float32), self.config.binning, statistic)


class DetectorImageViewTask(ImageViewTask[DetectorImage]):
    """Make views of one detector.

    The tools get the pixels as ``image`` (rows, columns), row 0 at the lowest y of the detector, NaN where
    they are left out; the side of one in detector pixels as ``binning``; and the detector's id as
    ``detector``.
    """

    ConfigClass = DetectorImageViewConfig
    _DefaultName = "detectorImageView"

    def readParts(
        self, data: Any, camera: Camera, outputRefs: OutputQuantizedConnection
    ) -> Iterator[tuple[str, DetectorImage, Refs]]:
        """Read the image of the detector; see `ImageViewTask.readParts`."""
        binning, planes = self.config.inputBinning, self.config.excludedPlanes
        yield "", readDetectorImage(data, camera, binning=binning, excludedPlanes=planes), outputRefs

    def makeView(self, source: DetectorImage, camera: Camera) -> dict[str, Any]:
        """Bin the detector; see `ImageViewTask.makeView`."""
        return {
            "image": self.binDetector(source),
            "binning": self.config.inputBinning * self.config.binning,
            "detector": source.detector,
        }


class FocalPlaneImageViewTask(ImageViewTask[Float32Array]):
    """Make views of a stored image of the focal plane, as ``VisualizeMosaicExpTask`` makes it.

    The tools get the pixels as ``image`` (rows along y of the focal plane, columns along x), NaN where there
    are none; the centre of pixel [0, 0] as ``x0`` and ``y0`` and the side of a pixel as ``pixelSize``, mm.
    """

    ConfigClass = FocalPlaneImageViewConfig
    _DefaultName = "focalPlaneImageView"

    def readParts(
        self, data: Any, camera: Camera, outputRefs: OutputQuantizedConnection
    ) -> Iterator[tuple[str, Float32Array, Refs]]:
        """Read the image; see `ImageViewTask.readParts`."""
        expected = placeCameraImage(camera, self.config.inputBinning).shape
        yield "", readFocalPlaneImage(data, expected), outputRefs

    def makeView(self, source: Float32Array, camera: Camera) -> dict[str, Any]:
        """Bin and place the image; see `ImageViewTask.makeView`."""
        grid = placeCameraImage(camera, self.config.inputBinning).binned(self.config.binning)
        statistic = cast(BinningStatistic, self.config.statistic)
        return {"image": binImage(source, self.config.binning, statistic), **gridKeys(grid)}


class FocalPlaneMosaicViewTask(ImageViewTask[DetectorImages]):
    """Make views of the focal plane from images of detectors.

    The tools get what those of `FocalPlaneImageViewTask` get; and ``imageDetectors``, ``missing`` and
    ``notRequested``, the detectors that have an image, that have none, and that nobody asked for, as
    `presenceKeys` gives them. An image that cannot be used is logged and shown as missing.
    """

    ConfigClass = FocalPlaneMosaicViewConfig
    _DefaultName = "focalPlaneMosaicView"

    def readParts(
        self, data: Any, camera: Camera, outputRefs: OutputQuantizedConnection
    ) -> Iterator[tuple[str, DetectorImages, Refs]]:
        """Take all detectors together; see `ImageViewTask.readParts`."""
        images = DetectorImages(
            data,
            camera,
            binning=self.config.inputBinning,
            excludedPlanes=self.config.excludedPlanes,
            requested=self.config.requestedDetectors,
            log=self.log,
        )
        yield "", images, outputRefs

    def makeView(self, source: DetectorImages, camera: Camera) -> dict[str, Any]:
        """Bin the detectors and put them together; see `ImageViewTask.makeView`."""
        binning = self.config.inputBinning * self.config.binning
        mosaic = FocalPlaneMosaic(cameraGeometry(camera), binning, source.detectors)
        for image in source:
            mosaic.add(image.detector, self.binDetector(image))
        return {"image": mosaic.image, **gridKeys(mosaic.grid), **presenceKeys(mosaic, source)}


class RaftImageViewTask(FocalPlaneMosaicViewTask):
    """Make views of rafts from images of detectors.

    A raft is what the detectors' names have before the underscore (``R22_S11``). Its plots are stored under
    its detector of the lowest id that has an image. The tools get what those of `FocalPlaneMosaicViewTask`
    get.
    """

    ConfigClass = RaftImageViewConfig
    _DefaultName = "raftImageView"

    def readParts(
        self, data: Any, camera: Camera, outputRefs: OutputQuantizedConnection
    ) -> Iterator[tuple[str, DetectorImages, Refs]]:
        """Take the detectors of each raft together; see `ImageViewTask.readParts`."""
        ((_, images, _),) = super().readParts(data, camera, outputRefs)
        for raft, detectors, refs in splitByRaft(camera, outputRefs):
            yield raft, images.restrict(detectors), refs
