# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Connections and configuration of the tasks that make views of images."""

from __future__ import annotations

from typing import ClassVar

from lsst.analysis.cp.core.images import BINNING_STATISTICS, EXCLUDED_PLANES
from lsst.analysis.cp.tasks.connections import (
    CAMERA,
    ConfiguredDimensionsConfig,
    ConfiguredDimensionsConnections,
)
from lsst.analysis.cp.tasks.rafts import storeByDetector
from lsst.pex.config import ChoiceField, Field, FieldValidationError, ListField
from lsst.pipe.base import connectionTypes as cT

__all__ = [
    "DetectorImageViewConfig",
    "FocalPlaneImageViewConfig",
    "FocalPlaneMosaicViewConfig",
    "ImageInputConfig",
    "ImageInputConnections",
    "ImageViewConfig",
    "ImageViewConnections",
    "RaftImageViewConfig",
    "RaftImageViewConnections",
]

EPOCHS = {
    "exposure": "A merge by exposure.",
    "visit": "A merge by visit. It is looked up by the visits that an exposure belongs to: an exposure that "
    "belongs to none is not in the quantum graph.",
}
"""Dimensions by which the results of an epoch are merged, and what wrote the table."""


class ImageInputConnections(
    ConfiguredDimensionsConnections,
    dimensions={"instrument"},
    defaultTemplates={"inputOutputName": "cpBiasExp"},
):
    """Inputs of all tasks on images: the images, the camera, and the failures to frame.

    An absent input never empties a quantum graph: without an image
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
    camera = CAMERA
    culprits = cT.Input(
        doc="Amplifiers and tests that failed, to be framed.",
        name="{inputOutputName}_culprits",
        storageClass="ArrowAstropy",
        # An exposure may belong to several visits.
        multiple=True,
        deferLoad=True,
        minimum=0,
        deferGraphConstraint=True,
    )

    def __init__(self, *, config: ImageInputConfig) -> None:
        super().__init__(config=config)
        self.redeclare(
            "data",
            dimensions={*config.dimensions, "detector"} if config.gathersDetectors else config.dimensions,
            multiple=config.gathersDetectors,
            storageClass=config.storageClass,
            isCalibration=config.isCalibration,
        )
        own_epochs = [epoch for epoch in EPOCHS if epoch in config.dimensions]
        if own_epochs and config.doFrameFailures:
            self.redeclare("culprits", dimensions=("instrument", config.failureEpoch or own_epochs[0]))
        else:
            self.inputs.remove("culprits")


class ImageInputConfig(ConfiguredDimensionsConfig, pipelineConnections=ImageInputConnections):
    """Configuration of all tasks on images."""

    gathersDetectors: ClassVar[bool] = False
    """Whether a quantum takes the images of all detectors, or one image."""

    storageClass = Field[str](doc="Storage class of the images.", default="ExposureF")
    isCalibration = Field[bool](
        doc="Are the images certified calibrations, looked up by their range of validity?", default=False
    )
    excludedPlanes = ListField[str](
        doc="Mask planes whose pixels are left out. Where an image is binned already, a bin has every plane "
        "that any of its pixels had.",
        default=list(EXCLUDED_PLANES),
    )
    requestedDetectors = ListField[str](
        doc="Names of the detectors that are requested where a view gathers many; all if empty. The others "
        "are not read, and shown as not requested instead of missing.",
        default=[],
    )
    doFrameFailures = Field[bool](
        doc="Frame the amplifiers that failed a test, where the table of failures exists?", default=True
    )
    failureEpoch = ChoiceField[str](
        doc="What the table of failures was merged by. If None, as the product is whose tools are added, or "
        "else as the dimensions of a quantum say.",
        default=None,
        optional=True,
        allowed=EPOCHS,
    )

    def setDefaults(self) -> None:
        """Take exposures."""
        super().setDefaults()
        self.dimensions = ["exposure", "instrument"]

    def validate(self) -> None:
        """Check that there is something to choose from.

        Raises
        ------
        lsst.pex.config.FieldValidationError
            Raised if detectors are requested of a view of one image.
        """
        super().validate()
        if self.requestedDetectors and not self.gathersDetectors:
            raise FieldValidationError(
                type(self).requestedDetectors, self, "the view is of one image and gathers no detectors"
            )


class ImageViewConnections(ImageInputConnections, dimensions={"instrument"}):
    """Connections of a view of an image."""

    wholeImage = cT.Input(
        doc="Image of the focal plane, to choose the range of the colours from.",
        name="verifyBiasResidual8",
        storageClass="ImageF",
        deferLoad=True,
        minimum=0,
        deferGraphConstraint=True,
    )

    structures = cT.Input(
        doc="Structures that were found in the images, to be marked.",
        name="{inputOutputName}Residual_structures",
        storageClass="ArrowAstropy",
        deferLoad=True,
        minimum=0,
        deferGraphConstraint=True,
    )

    def __init__(self, *, config: ImageViewConfig) -> None:
        super().__init__(config=config)
        if config.doMarkStructures:
            self.redeclare("structures", dimensions=self.dimensions - {"detector"})
        else:
            self.inputs.remove("structures")
        if config.doShareStretch:
            self.redeclare("wholeImage", dimensions=self.dimensions - {"detector"})
        else:
            self.inputs.remove("wholeImage")


class ImageViewConfig(ImageInputConfig, pipelineConnections=ImageViewConnections):
    """Configuration of all views."""

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
    doMarkStructures = Field[bool](
        doc="Mark the structures that were found at full resolution, where their table exists?",
        default=False,
    )
    doShareStretch = Field[bool](
        doc="Choose the range of the colours from the image of all of the focal plane, where there is one, "
        "so that its parts compare? It has to be binned as the view is.",
        default=False,
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


class DetectorImageViewConfig(ImageViewConfig):
    """Configuration of the view of one detector."""

    def setDefaults(self) -> None:
        """Take one detector at a time, and compare it with the others."""
        super().setDefaults()
        self.dimensions = ["detector", "exposure", "instrument"]
        self.doShareStretch = True


class FocalPlaneMosaicViewConfig(ImageViewConfig):
    """Configuration of a view of the focal plane that is put together from images of detectors."""

    gathersDetectors = True


class RaftImageViewConnections(ImageViewConnections, dimensions={"instrument"}):
    """Connections of the views of rafts.

    Rafts are no dimension: the plots of each are stored under its detector of the lowest id that has an
    image.
    """

    def __init__(self, *, config: RaftImageViewConfig) -> None:
        super().__init__(config=config)
        storeByDetector(self)


class RaftImageViewConfig(FocalPlaneMosaicViewConfig, pipelineConnections=RaftImageViewConnections):
    """Configuration of the views of rafts."""

    def setDefaults(self) -> None:
        """Compare the rafts with each other."""
        super().setDefaults()
        self.doShareStretch = True


class FocalPlaneImageViewConfig(ImageViewConfig):
    """Configuration of the view of a stored image of the focal plane."""

    def setDefaults(self) -> None:
        """Take the images of `lsst.pipe.tasks.visualizeVisit`, which have no mask."""
        super().setDefaults()
        self.storageClass = "ImageF"
        self.inputBinning = 8
        self.excludedPlanes = []
