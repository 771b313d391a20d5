# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Connections and configuration of the task that looks at exposures at full resolution."""

from __future__ import annotations

from lsst.analysis.cp.tasks.views.config import ImageInputConfig, ImageInputConnections
from lsst.pex.config import ChoiceField, Field
from lsst.pipe.base import connectionTypes as cT

__all__ = ["ResidualPyramidConfig", "ResidualPyramidConnections"]

IMAGE_OUTPUTS = ("pyramid", "structures", "meanMosaic", "significanceMosaic")


class ResidualPyramidConnections(ImageInputConnections, dimensions={"instrument"}):
    """Connections of the task that looks at exposures at full resolution."""

    pyramid = cT.Output(
        doc="The exposure and its significance (as in the mosaic) from full resolution to one tile; as an "
        "image, the coarsest.",
        name="{outputName}_pyramid",
        storageClass="ImageF",
    )
    structures = cT.Output(
        doc="Structures that were found in the images, the most significant first.",
        name="{outputName}_structures",
        storageClass="ArrowAstropy",
    )
    meanMosaic = cT.Output(
        doc="The focal plane, mean of the pixels of each bin.",
        name="{outputName}_meanMosaic",
        storageClass="ImageF",
    )
    significanceMosaic = cT.Output(
        doc="The focal plane, largest significance of the pixels of each bin, or that of the column, row, "
        "glow or dead amplifier that they belong to if this is higher.",
        name="{outputName}_significanceMosaic",
        storageClass="ImageF",
    )

    def __init__(self, *, config: ResidualPyramidConfig) -> None:
        super().__init__(config=config)
        if not config.doWritePyramid:
            self.outputs.remove("pyramid")


class ResidualPyramidConfig(ImageInputConfig, pipelineConnections=ResidualPyramidConnections):
    """Configuration of the task that looks at exposures at full resolution."""

    gathersDetectors = True

    mosaicBinning = Field[int](
        doc="Side of a pixel of the mosaics, in pixels of the detectors.",
        default=16,
        check=lambda factor: factor >= 1,
    )
    falseAlarmBudget = Field[float](
        doc="Share of clean detectors in which a pixel or a column is found by chance.",
        default=0.01,
        check=lambda share: 0 < share < 1,
    )
    backgroundBoxSize = Field[int](
        doc="Side of the boxes in which the local background is measured, pixels.",
        default=64,
        check=lambda side: side >= 4,
    )
    maxStructures = Field[int](
        doc="Largest number of structures of a kind and detector in the table, which counts all; the "
        "strongest are kept.",
        default=20,
        check=lambda number: number > 0,
    )
    numStamps = Field[int](
        doc="Number of structures, the most conspicuous of all detectors, to show in postage stamps.",
        default=16,
        check=lambda number: number >= 0,
    )
    doWritePyramid = Field[bool](
        doc="Write the pyramid? It is made in the directory for temporary files (TMPDIR), which needs room "
        "for it: about 1.4 bytes a pixel, 4.6 GB for LSSTCam. On the repository's file system it is not "
        "copied from there.",
        default=True,
    )
    finestFactor = ChoiceField[int](
        doc="Finest level of the pyramid: side of its pixels in pixels of the detectors.",
        default=1,
        allowed={
            1: "The pixels as they are.",
            2: "Means of two by two pixels.",
            4: "Means of four by four pixels.",
            8: "Mosaics of the focal plane only.",
        },
    )
    unit = Field[str](doc="Unit of the pixels, as FITS writes it.", default="electron")

    def setDefaults(self) -> None:
        """Take exposures, at full resolution."""
        super().setDefaults()
        self.storageClass = "Exposure"
