# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tasks that put images of detectors together, and make views of rafts and of the focal plane."""

from __future__ import annotations

__all__ = ["FocalPlaneMosaicViewTask", "RaftImageViewTask"]

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.core.images import FocalPlaneMosaic
from lsst.analysis.cp.tasks.runner import ToolRunner, describeInput, putOutputs, raiseFailures, runTools
from lsst.daf.butler import DatasetRef
from lsst.pipe.base import (
    InputQuantizedConnection,
    OutputQuantizedConnection,
    QuantumContext,
    Struct,
)

from .config import FocalPlaneMosaicViewConfig, RaftImageViewConfig
from .data import gridKeys, presenceKeys
from .reading import DetectorImages, readFailures
from .tasks import ImageViewTask, readStretch

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera


class MosaicViewTask(ImageViewTask):
    """Base of tasks that put images of detectors together.

    The tools get what those of `FocalPlaneImageViewTask` get, and the vectors of `presenceKeys`. An
    image that cannot be used is logged and shown as missing.
    """

    def runQuantum(
        self,
        butlerQC: QuantumContext,
        inputRefs: InputQuantizedConnection,
        outputRefs: OutputQuantizedConnection,
    ) -> None:
        """Make the views, write all that could be made, and raise if a tool failed.

        Parameters
        ----------
        butlerQC
            Gets and puts the datasets of the quantum.
        inputRefs, outputRefs
            The quantum's datasets.

        Raises
        ------
        lsst.pipe.base.AnnotatedPartialOutputsError
            Raised if a tool failed.
        """
        inputs = butlerQC.get(inputRefs)
        camera = inputs["camera"]
        images = DetectorImages(
            inputs["data"],
            camera,
            binning=self.config.inputBinning,
            excludedPlanes=self.config.excludedPlanes,
            log=self.log,
        )
        plot_info = describeInput(inputs["data"][0].ref, butlerQC.quantum.dataId)
        stretch = readStretch(inputs.get("wholeImage"), camera, self.config.inputBinning, self.log)
        errors: dict[str, str] = {}
        for name, detectors, refs in self.splitOutputs(camera, outputRefs):
            runner = ToolRunner(self.log, plot_info | ({"raft": name} if name else {}))
            extras = stretch | readFailures(inputs.get("culprits"), detectors)
            outputs = self.run(
                images.restrict(detectors),
                detectors=detectors,
                camera=camera,
                runner=runner,
                extras=extras,
            )
            putOutputs(butlerQC, outputs, refs.items(), runner)
            errors |= {f"{name} {tool}".strip(): text for tool, text in runner.failures.items()}
        raiseFailures(self, errors)

    def splitOutputs(
        self, camera: Camera, outputRefs: OutputQuantizedConnection
    ) -> Iterator[tuple[str, list[int], dict[str, DatasetRef]]]:
        """Say which detectors make which outputs.

        Parameters
        ----------
        camera
            The camera.
        outputRefs
            The quantum's outputs.

        Yields
        ------
        name
            Name of a part of the camera; empty for the whole.
        detectors
            Ids of its detectors.
        refs
            Where its outputs go, by the name of the connection.
        """
        raise NotImplementedError("A subclass says what is put together.")

    def run(
        self,
        images: DetectorImages,
        *,
        detectors: Collection[int],
        camera: Camera,
        runner: ToolRunner,
        extras: Mapping[str, Any] | None = None,
    ) -> Struct:
        """Put images together and run the tools.

        Parameters
        ----------
        images
            Images of the detectors, read one at a time.
        detectors
            Ids of the detectors that the view holds, with or without image.
        camera
            The camera.
        runner
            Runs the tools, and remembers which failed.
        extras
            What else the tools get: the vectors of `readFailures`, the sample of `readStretch`.

        Returns
        -------
        outputs : `lsst.pipe.base.Struct`
            ``metrics``, and the figures by the names of their connections.
        """
        mosaic = FocalPlaneMosaic(
            cameraGeometry(camera), self.config.inputBinning * self.config.binning, detectors
        )
        for image in images:
            mosaic.add(image.detector, self.binDetector(image))
        view = {
            "image": mosaic.image,
            **gridKeys(mosaic.grid),
            **presenceKeys(mosaic.added, images.missing),
            **(extras or {}),
        }
        return runTools(self.config, view, runner, camera)


class FocalPlaneMosaicViewTask(MosaicViewTask):
    """Make views of the focal plane from images of detectors."""

    ConfigClass = FocalPlaneMosaicViewConfig
    _DefaultName = "focalPlaneMosaicView"

    def splitOutputs(
        self, camera: Camera, outputRefs: OutputQuantizedConnection
    ) -> Iterator[tuple[str, list[int], dict[str, DatasetRef]]]:
        """Take all detectors of the camera together; see `MosaicViewTask.splitOutputs`."""
        refs = {name: ref for name, ref in outputRefs if isinstance(ref, DatasetRef)}
        yield "", [detector.getId() for detector in camera], refs


class RaftImageViewTask(MosaicViewTask):
    """Make views of rafts from images of detectors.

    A raft is what the detectors' names have before the underscore (``R22_S11``). Its plots are stored under
    its detector of the lowest id that has an image.
    """

    ConfigClass = RaftImageViewConfig
    _DefaultName = "raftImageView"

    def splitOutputs(
        self, camera: Camera, outputRefs: OutputQuantizedConnection
    ) -> Iterator[tuple[str, list[int], dict[str, DatasetRef]]]:
        """Take the detectors of each raft together; see `MosaicViewTask.splitOutputs`."""
        rafts: dict[str, list[int]] = {}
        for detector in camera:
            rafts.setdefault(detector.getName().partition("_")[0], []).append(detector.getId())
        by_detector: dict[int, dict[str, DatasetRef]] = {}
        for name, refs in outputRefs:
            for ref in refs if isinstance(refs, Iterable) else [refs]:
                by_detector.setdefault(int(ref.dataId["detector"]), {})[name] = ref
        for raft, detectors in rafts.items():
            if stored := sorted(by_detector.keys() & set(detectors)):
                yield raft, detectors, by_detector[stored[0]]
