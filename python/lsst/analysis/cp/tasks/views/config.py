# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Connections and configuration of the tasks that make views of images."""

from __future__ import annotations

__all__ = [
    "DetectorImageViewConfig",
    "DetectorImageViewConnections",
    "FocalPlaneImageViewConfig",
    "FocalPlaneImageViewConnections",
    "FocalPlaneMosaicViewConfig",
    "FocalPlaneMosaicViewConnections",
    "ImageInputConfig",
    "ImageViewConfig",
    "ImageViewConnections",
    "ImagesOfDetectorsConnections",
    "RaftImageViewConfig",
    "RaftImageViewConnections",
]

import dataclasses
from collections.abc import Collection

from lsst.analysis.cp.core.images import BINNING_STATISTICS, EXCLUDED_PLANES
from lsst.analysis.tools.interfaces import AnalysisBaseConfig, AnalysisBaseConnections
from lsst.pex.config import ChoiceField, Field, FieldValidationError, ListField
from lsst.pipe.base import connectionTypes as cT


class ImageViewConnections(
    AnalysisBaseConnections,
    dimensions={"instrument"},
    defaultTemplates={"outputName": "Placeholder", "inputOutputName": "cpBiasExp"},
):
    """What all views have: images, the camera, and the failures to frame.

    The configuration gives the dimensions. No input that is absent empties a quantum graph: without an image
    there is no view of it, and without a table of failures nothing is framed.
    """

    data = cT.Input(
        doc="Images to view.",
        name="verifyBiasIsrExpBin8",
        storageClass="ExposureF",
        deferLoad=True,
        # Images are often not kept; their absence must not empty the graph of what else is run.
        deferGraphConstraint=True,
    )
    camera = cT.PrerequisiteInput(
        doc="Camera that the images belong to.",
        name="camera",
        storageClass="Camera",
        dimensions=("instrument",),
        isCalibration=True,
    )
    culprits = cT.Input(
        doc="Amplifiers and tests that failed, to be framed.",
        name="{inputOutputName}_culprits",
        storageClass="ArrowAstropy",
        dimensions=("instrument", "exposure"),
        deferLoad=True,
        minimum=0,
        deferGraphConstraint=True,
    )

    def __init__(self, *, config: ImageInputConfig) -> None:
        self.dimensions.clear()
        self.dimensions.update(config.dimensions)
        super().__init__(config=config)
        self._setData(config, self.dimensions)
        if "exposure" not in self.dimensions or not config.doFrameFailures:
            self.inputs.remove("culprits")

    def _setData(self, config: ImageInputConfig, dimensions: Collection[str]) -> None:
        self.data = dataclasses.replace(
            self.data,
            dimensions=dimensions,
            storageClass=config.storageClass,
            isCalibration=config.isCalibration,
        )


class ImageInputConfig(AnalysisBaseConfig, pipelineConnections=ImageViewConnections):
    """Configuration that all tasks on images have."""

    dimensions = ListField[str](doc="Dimensions of a quantum.", default=["exposure", "instrument"])
    storageClass = Field[str](doc="Storage class of the images.", default="ExposureF")
    isCalibration = Field[bool](
        doc="Are the images certified calibrations, looked up by their range of validity?", default=False
    )
    excludedPlanes = ListField[str](
        doc="Mask planes whose pixels are left out. Where an image is binned already, a bin has every plane "
        "that any of its pixels had.",
        default=list(EXCLUDED_PLANES),
    )
    doFrameFailures = Field[bool](
        doc="Frame the amplifiers that failed a test, where the table of failures exists?", default=True
    )

    def setDefaults(self) -> None:
        """Make the names of topics unique."""
        super().setDefaults()
        self.addOutputNamePrefix = True


class ImageViewConfig(ImageInputConfig, pipelineConnections=ImageViewConnections):
    """Configuration that all views have."""

    source = ChoiceField[str](
        doc="What is seen of exposures.",
        default="image",
        allowed={"image": "Their pixels.", "mask": "1 where one of maskPlanes is set, else 0."},
    )
    maskPlanes = ListField[str](doc="Mask planes that are seen if the source is mask.", default=["BAD"])
    inputBinning = Field[int](
        doc="Factor by which the images are binned already.", default=1, check=lambda factor: factor >= 1
    )
    binning = Field[int](
        doc="Factor by which they are binned for the view.", default=1, check=lambda factor: factor >= 1
    )
    statistic = ChoiceField[str](
        doc="Statistic of the pixels of a bin. All but the mean and the median keep a defect of one pixel "
        "visible.",
        default="mean",
        allowed=dict.fromkeys(BINNING_STATISTICS, ""),
    )


class SharedStretchConnections(
    ImageViewConnections,
    dimensions={"instrument", "exposure"},
    defaultTemplates={"outputName": "Placeholder"},
):
    """Connections of a view of a part of the focal plane, whose colours span what is in all of it."""

    wholeImage = cT.Input(
        doc="Image of the focal plane, to choose the range of the colours from.",
        name="verifyBiasResidual8",
        storageClass="ImageF",
        deferLoad=True,
        minimum=0,
        deferGraphConstraint=True,
    )

    def __init__(self, *, config: SharedStretchConfig) -> None:
        super().__init__(config=config)
        whole = self.dimensions - {"detector"}
        self.wholeImage = dataclasses.replace(self.wholeImage, dimensions=whole)
        if not config.doShareStretch:
            self.inputs.remove("wholeImage")


class SharedStretchConfig(ImageViewConfig, pipelineConnections=SharedStretchConnections):
    """Configuration of a view of a part of the focal plane."""

    doShareStretch = Field[bool](
        doc="Choose the range of the colours from the image of all of the focal plane, where there is one, "
        "so that its parts compare? It has to be binned as the view is.",
        default=True,
    )

    def validate(self) -> None:
        """Check that the view can be compared with the image of the focal plane.

        Raises
        ------
        lsst.pex.config.FieldValidationError
            Raised if the view is binned more.
        """
        super().validate()
        if self.doShareStretch and (self.binning != 1 or self.source != "image"):
            raise FieldValidationError(
                type(self).doShareStretch,
                self,
                "the image of the focal plane shows pixels that are binned as the inputs are: with binning "
                f"{self.binning} of source {self.source!r}, set doShareStretch to False",
            )


class DetectorImageViewConnections(
    SharedStretchConnections,
    dimensions={"instrument", "exposure", "detector"},
    defaultTemplates={"outputName": "Placeholder"},
):
    """Connections of the view of one detector."""


class DetectorImageViewConfig(SharedStretchConfig, pipelineConnections=DetectorImageViewConnections):
    """Configuration of the view of one detector."""

    def setDefaults(self) -> None:
        """Take one detector at a time."""
        super().setDefaults()
        self.dimensions = ["detector", "exposure", "instrument"]


class ImagesOfDetectorsConnections(
    ImageViewConnections,
    dimensions={"instrument", "exposure"},
    defaultTemplates={"outputName": "Placeholder"},
):
    """Connections of a view that is put together from images of detectors."""

    def _setData(self, config: ImageInputConfig, dimensions: Collection[str]) -> None:
        super()._setData(config, {*dimensions, "detector"})
        self.data = dataclasses.replace(self.data, multiple=True)


class RaftImageViewConnections(
    ImagesOfDetectorsConnections,
    SharedStretchConnections,
    dimensions={"instrument", "exposure"},
    defaultTemplates={"outputName": "Placeholder"},
):
    """Connections of the views of rafts.

    Rafts are no dimension: the plots of each are stored under its detector of the lowest id that has an
    image.
    """

    def __init__(self, *, config: RaftImageViewConfig) -> None:
        super().__init__(config=config)
        for name in self.outputs - {"metrics"}:
            plot = getattr(self, name)
            dimensions = {*self.dimensions, "detector"}
            setattr(self, name, dataclasses.replace(plot, dimensions=dimensions, multiple=True))


class RaftImageViewConfig(SharedStretchConfig, pipelineConnections=RaftImageViewConnections):
    """Configuration of the views of rafts."""


class FocalPlaneMosaicViewConnections(
    ImagesOfDetectorsConnections,
    dimensions={"instrument", "exposure"},
    defaultTemplates={"outputName": "Placeholder"},
):
    """Connections of a view of the focal plane that is put together from images of detectors."""


class FocalPlaneMosaicViewConfig(ImageViewConfig, pipelineConnections=FocalPlaneMosaicViewConnections):
    """Configuration of a view of the focal plane that is put together from images of detectors."""


class FocalPlaneImageViewConnections(
    ImageViewConnections,
    dimensions={"instrument", "exposure"},
    defaultTemplates={"outputName": "Placeholder"},
):
    """Connections of the view of a stored image of the focal plane."""


class FocalPlaneImageViewConfig(ImageViewConfig, pipelineConnections=FocalPlaneImageViewConnections):
    """Configuration of the view of a stored image of the focal plane."""

    def setDefaults(self) -> None:
        """Take the images of `lsst.pipe.tasks.visualizeVisit`, which have no mask."""
        super().setDefaults()
        self.storageClass = "ImageF"
        self.inputBinning = 8
        self.excludedPlanes = []
