# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tools for views of images, of any product."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, cast

from lsst.analysis.cp.actions.keyedData import SelectImage
from lsst.analysis.cp.actions.metric import StructureMetric
from lsst.analysis.cp.actions.plot.image import DetectorImagePlot, FocalPlaneImagePlot, StructureStampsPlot
from lsst.analysis.cp.catalogue import SENSOR_GROUPS, ImageKind, getProduct
from lsst.analysis.cp.core import COUNTED_TYPES
from lsst.analysis.tools.interfaces import AnalysisTool, NoPlot
from lsst.pex.config import Field, ListField

from .toolSets import addTool

if TYPE_CHECKING:
    from lsst.analysis.tools.interfaces import AnalysisBaseConfig

__all__ = [
    "DetectorImageTool",
    "FocalPlaneImageTool",
    "StructureTool",
    "addMaskViewTool",
    "addResidualTools",
    "addStructureSensorTools",
    "addViewTools",
]


class ImageTool(AnalysisTool):
    """Base of tools that plot one image of the data, with whatever else these have."""

    parameterizedBand: bool = False
    propagateData: bool = True

    plane = Field[str](doc="Key of the image.", default="image")

    def setDefaults(self) -> None:
        """Choose the image."""
        super().setDefaults()
        self.process = SelectImage

    def finalize(self) -> None:
        """Hand the name of the image, and how the plot chooses colours, to the action that selects it."""
        if isinstance(self.process, SelectImage):
            self.process.plane = self.plane
            if isinstance(plot := self.produce.plot, DetectorImagePlot | FocalPlaneImagePlot):
                for name in ("stretch", "percentile", "centre"):
                    setattr(self.process, name, getattr(plot, name))


class DetectorImageTool(ImageTool):
    """Plot of the image of a detector."""

    def setDefaults(self) -> None:
        """Choose the plot."""
        super().setDefaults()
        self.produce.plot = DetectorImagePlot


class FocalPlaneImageTool(ImageTool):
    """Plot of an image of the focal plane, or of a part of it."""

    def setDefaults(self) -> None:
        """Choose the plot."""
        super().setDefaults()
        self.produce.plot = FocalPlaneImagePlot


class StructureTool(AnalysisTool):
    """Metrics of the structures that were found, and a plot of them if one is chosen."""

    parameterizedBand: bool = False
    propagateData: bool = True

    detectorTypes = ListField[str](
        doc="Types of detectors to include; all if empty.", default=list(COUNTED_TYPES)
    )
    physicalTypes = ListField[str](doc="Vendors of detectors to include; all if empty.", default=[])

    def setDefaults(self) -> None:
        """Choose the metrics."""
        super().setDefaults()
        self.produce.metric = StructureMetric
        self.produce.plot = NoPlot

    def finalize(self) -> None:
        """Hand the choice of detectors to the metrics."""
        if isinstance(metric := self.produce.metric, StructureMetric):
            metric.detectorTypes = list(self.detectorTypes)
            metric.physicalTypes = list(self.physicalTypes)


def addViewTools(config: AnalysisBaseConfig, product: str, part: str, images: str = "exposure") -> None:
    """Add the plots of an image: on one scale, and with each amplifier brought to the same scale.

    Parameters
    ----------
    config
        Configuration of a task that makes views.
    product
        Name of the product, with which the names of the tools begin.
    part
        What the task makes views of: ``"detector"``, or ``"focalPlane"`` (also for rafts).
    images
        What it makes views of, a key of the ``images`` of the product in the catalogue.

    Raises
    ------
    ValueError
        Raised if there are no views of such a part, or the product has no such images.
    """
    tool, kind = _toolOf(part), _imagesOf(config, product, images)
    for name, scope, scale in (
        (f"{product}Image", "image", "one scale for all"),
        (f"{product}ImageByAmp", "amplifier", "each amplifier on its own level and scale"),
    ):
        plot: Any = addTool(config.atools, name, tool).produce.plot
        _describe(plot, kind, f"{kind.label}, {scale}", aboutZero=kind.aboutZero or scope == "amplifier")
        plot.scope = scope


def addResidualTools(config: AnalysisBaseConfig, product: str, images: str = "exposure") -> None:
    """Add the plots of the two mosaics that keep structure visible, and the metrics of what was found.

    Parameters
    ----------
    config
        Configuration of a `~lsst.analysis.cp.tasks.ResidualPyramidTask`, which gets the unit of the images.
    product
        Name of the product, with which the names of the tools begin.
    images
        What it looks at, a key of the ``images`` of the product in the catalogue.

    Raises
    ------
    ValueError
        Raised if the product has no such images.
    """
    kind = _imagesOf(config, product, images)
    cast(Any, config).unit = kind.unit
    mean = addTool(config.atools, f"{product}Mean", FocalPlaneImageTool, plane="mean")
    _describe(mean.produce.plot, kind, f"{kind.label}, mean of each bin", aboutZero=kind.aboutZero)
    significance = addTool(config.atools, f"{product}Significance", FocalPlaneImageTool, plane="significance")
    words_of = f"{kind.label[0].lower()}{kind.label[1:]}"
    words = f"Largest significance of a {words_of}"
    significance.produce.plot.quantity = "significance"
    significance.produce.plot.zAxisLabel, significance.produce.plot.title = words, f"{words} in each bin"
    structures = addTool(config.atools, f"{product}Structures", StructureTool)
    structures.produce.plot = StructureStampsPlot
    stamps = structures.produce.plot
    stamps.title, stamps.unit = f"Most conspicuous structures of the {words_of}", kind.unit


def addStructureSensorTools(
    config: AnalysisBaseConfig, product: str, groups: Collection[str] = tuple(SENSOR_GROUPS)
) -> None:
    """Add metrics of the structures of each vendor, and of guiders and wavefront sensors.

    Parameters
    ----------
    config
        Configuration of a `~lsst.analysis.cp.tasks.ResidualPyramidTask`.
    product
        Name of the product, with which the names of the tools begin.
    groups
        Keys of the catalogue's `SENSOR_GROUPS`.
    """
    for group in groups:
        addTool(config.atools, f"{product}Structures{group}", StructureTool, **SENSOR_GROUPS[group])


def addMaskViewTool(config: AnalysisBaseConfig, product: str, part: str) -> None:
    """Add a plot of a mask: a task whose ``source`` is ``mask`` makes an image that is 1 where it is set.

    Parameters
    ----------
    config
        Configuration of a task that makes views.
    product
        Name of the product, with which the name of the tool begins.
    part
        What the task makes views of: ``"detector"`` or ``"focalPlane"``.

    Raises
    ------
    ValueError
        Raised if there are no views of such a part, or the product has no mask.
    """
    kind = _imagesOf(config, product, "mask")
    plot: Any = addTool(config.atools, f"{product}Mask", _toolOf(part)).produce.plot
    _describe(plot, kind, kind.label, aboutZero=kind.aboutZero)
    plot.plotMin, plot.plotMax = 0.0, 1.0


def _imagesOf(config: AnalysisBaseConfig, product: str, images: str) -> ImageKind:
    """Look up how images are shown, and tell the task by what the failures of the product are merged.

    The unit is that of pipelines that apply the gains; tasks of others change it when they are configured.
    """
    declared, task_config = getProduct(product), cast(Any, config)
    if images not in declared.images:
        known = ", ".join(declared.images)
        raise ValueError(f"Expected images of {product}, one of {known}; got {images!r}.")
    if declared.epoch != "none":
        task_config.failureEpoch = task_config.failureEpoch or declared.epoch
    return declared.images[images]


def _toolOf(part: str) -> type[ImageTool]:
    tools: dict[str, type[ImageTool]] = {"detector": DetectorImageTool, "focalPlane": FocalPlaneImageTool}
    if part not in tools:
        raise ValueError(f"Expected views of one of {', '.join(tools)}; got {part!r}.")
    return tools[part]


def _describe(plot: Any, kind: ImageKind, title: str, *, aboutZero: bool) -> None:
    """Tell a plot what it shows, and choose colours that diverge from 0 or do not."""
    plot.title, plot.zAxisLabel, plot.unit = title, kind.label, kind.unit
    if not aboutZero:
        plot.stretch, plot.colourMap = "zscale", "viridis"
