# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Mosaics of binned exposures (pipe_tasks, 2026-06).

Left out: the tasks that bin, and those for calibrations; ISR makes the binned exposures.
"""

__all__ = ["VisualizeMosaicExpConfig", "VisualizeMosaicExpConnections", "VisualizeMosaicExpTask"]

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lsst.afw.image import ImageF
from lsst.pex.config import Field, ListField
from lsst.pipe.base import PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct
from lsst.pipe.base import connectionTypes as cT

from .focalPlaneMosaic import makeMosaic


class VisualizeMosaicExpConnections(PipelineTaskConnections, dimensions={"instrument", "visit"}):
    """Connections whose dimensions are set by the configuration."""

    camera = cT.PrerequisiteInput(
        name="camera",
        doc="Camera that gives the layout.",
        storageClass="Camera",
        dimensions=("instrument",),
        isCalibration=True,
    )
    inputExps = cT.Input(
        name="calexpBin",
        doc="Binned exposures.",
        storageClass="ExposureF",
        dimensions=("instrument", "visit", "detector"),
        multiple=True,
    )
    outputData = cT.Output(
        name="calexpFocalPlane",
        doc="Image of the focal plane.",
        storageClass="ImageF",
        dimensions=("instrument", "visit"),
    )

    def __init__(self, *, config: Any = None) -> None:
        super().__init__(config=config)
        if config:
            self.dimensions.clear()
            self.dimensions.update(config.dimensions)
            self.inputExps = dataclasses.replace(
                self.inputExps,
                storageClass=config.storageClass,
                dimensions=[*config.dimensions, "detector"],
            )
            self.outputData = dataclasses.replace(self.outputData, dimensions=config.dimensions)


class VisualizeMosaicExpConfig(PipelineTaskConfig, pipelineConnections=VisualizeMosaicExpConnections):
    """Configuration of `VisualizeMosaicExpTask`."""

    storageClass = Field[str](doc="Storage class of the binned exposures.", default="ExposureF")
    dimensions = ListField[str](
        doc="Dimensions of the task and its output; the inputs have 'detector' as well.",
        default=["instrument", "visit"],
    )
    binning = Field[int](doc="Factor by which the exposures were binned.", default=8)


class VisualizeMosaicExpTask(PipelineTask):
    """Put binned exposures together to an image of the focal plane."""

    ConfigClass = VisualizeMosaicExpConfig
    config: VisualizeMosaicExpConfig
    _DefaultName = "VisualizeMosaicExp"

    def run(self, inputExps: Sequence[Any], camera: Any, inputIds: Sequence[int] | None = None) -> Struct:
        """Make a mosaic.

        Parameters
        ----------
        inputExps
            Binned exposures or images.
        camera
            Camera that gives the layout.
        inputIds
            Detector IDs of ``inputExps``; by default those of their detectors.

        Returns
        -------
        outputData : `lsst.afw.image.ImageF`
            The focal plane, with NaN where there are no data.
        """
        ids = inputIds or [exposure.getDetector().getId() for exposure in inputExps]
        images = {id_: _getPixels(exposure) for id_, exposure in zip(ids, inputExps, strict=True)}
        mosaic = makeMosaic(camera, images, self.config.binning)
        output = ImageF(mosaic.shape[1], mosaic.shape[0])
        output.array[:] = mosaic
        return Struct(outputData=output)


def _getPixels(exposure: Any) -> npt.NDArray[np.float32]:
    """Take the pixels of an exposure, masked image or image, with NaN where there are no data."""
    if not hasattr(exposure, "mask"):
        return exposure.array
    has_no_data = (exposure.mask.array & exposure.mask.getPlaneBitMask("NO_DATA")) != 0
    return np.where(has_no_data, np.float32(np.nan), exposure.image.array)
