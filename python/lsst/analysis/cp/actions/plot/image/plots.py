# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Plots of the image of a detector, and of the focal plane or a part of it."""

from __future__ import annotations

import textwrap
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from matplotlib.figure import Figure

from lsst.afw.cameraGeom import Camera
from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.actions.plot.style import COLOUR_MAPS, DIVERGING, checkEnds
from lsst.analysis.cp.actions.plot.text import (
    LIST_LENGTH,
    chooseTitle,
    describeProvenance,
    listFirst,
    statisticsLines,
    withUnit,
)
from lsst.analysis.cp.core.geometry import FocalPlaneGeometry
from lsst.analysis.cp.core.images import (
    STRETCH_METHODS,
    FocalPlaneMosaic,
    MosaicGrid,
    StretchMethod,
    binImage,
)
from lsst.analysis.cp.core.masked import fillMasked, fillMaskedFlags
from lsst.analysis.cp.core.typing import BoolArray, Float32Array
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, PlotAction, Scalar, Tensor
from lsst.pex.config import ChoiceField, Field

from .figure import makeImageFigure
from .frame import ImageFrame, binningOf, detectorFrame, focalPlaneFrame, leaveOut, turnedDetectorFrame
from .gaps import findAmpGaps
from .marks import nameRaft, placeNames, readFailures, readReasons, readStructures
from .scale import ImageScale, Stretch, scaleAmplifiers, significanceScale, valueScale
from .view import ImageView, Projections, listGaps, projectImage

__all__ = ["DetectorImagePlot", "FocalPlaneImagePlot", "ImagePlot"]


class ImagePlot(PlotAction):
    """Base of the plots of images.

    Optional keys of the data, beside those of the subclasses:

    - ``excluded``, an array of the image's shape that is True for pixels to leave out;
    - ``stretchLow`` and ``stretchHigh``, ends of the colours measured on the whole exposure, so that its
      detectors compare; ``threshold``, in the place of the field;
    - ``culprits``, a table with the columns ``detector`` (identifier), ``amplifier`` (name; masked or empty
      where the detector failed as a whole) and ``test``: one row for each failed test;
    - ``structures``, a table as `~lsst.analysis.cp.core.structures.rankStructures` makes it;
    - ``missing``, a table with the columns ``detector`` (identifier) and ``reason``.
    """

    title = Field[str](doc="Title of the figure, in words; the name of the tool if empty.", default="")
    zAxisLabel = Field[str](doc="What the pixels show.", default="Residual")
    unit = Field[str](doc="Unit of the pixels; empty for none.", default="electron")
    quantity = ChoiceField[str](
        doc="Kind of the pixels.",
        default="value",
        allowed={
            "value": "Values, on a scale by the stretch.",
            "significance": "Absolute significances, on a scale from 0 that changes colour at the threshold.",
        },
    )
    threshold = Field[float](
        doc="Value to mark on the colour scale; a map of significances needs one.",
        default=None,
        optional=True,
    )
    stretch = ChoiceField[str](
        doc="How the range of the colours is chosen.",
        default="symmetric",
        allowed={method: f"See core.images.stretchLimits: {method}." for method in STRETCH_METHODS},
    )
    percentile = Field[float](
        doc="Share of the pixels within the range, in percent; zscale has none.",
        default=99.5,
        check=lambda share: 0 < share <= 100,
    )
    centre = Field[float](doc="Middle of a symmetric range.", default=0.0)
    curve = ChoiceField[str](
        doc="How the colours follow the values.",
        default="linear",
        allowed={
            "linear": "In proportion.",
            "asinh": "In proportion for small values, and by the logarithm for large ones.",
        },
    )
    softening = Field[float](
        doc="Where an asinh curve turns from linear to logarithmic, as a fraction of the (half) range.",
        default=0.1,
        check=lambda fraction: 0 < fraction <= 1,
    )
    scope = ChoiceField[str](
        doc="What shares a scale.",
        default="image",
        allowed={
            "image": "All of the image; of the exposure, where the data tell its range.",
            "amplifier": "Each amplifier is brought to one level and scale, so that faint structure shows.",
        },
    )
    plotMin = Field[float](doc="Lower end of the colours.", default=None, optional=True)
    plotMax = Field[float](doc="Upper end of the colours.", default=None, optional=True)
    colourMap = ChoiceField[str](
        doc="Colour map of values.",
        default="PuOr",
        allowed=COLOUR_MAPS,
    )
    maxPixels = Field[int](
        doc="Longer side of the image on the page, in pixels; a larger image is binned.",
        default=4096,
        check=lambda n: n > 0,
    )
    nListed = Field[int](
        doc="Number of failures, and of structures, to name beside the image.",
        default=15,
        check=lambda n: n >= 0,
    )

    def validate(self) -> None:
        """Check fields that depend on each other."""
        super().validate()
        if self.quantity == "value" and (self.colourMap in DIVERGING) != (self.stretch == "symmetric"):
            raise ValueError(
                "A diverging colour map and a symmetric stretch need each other; "
                f"got {self.colourMap!r} and {self.stretch!r}."
            )
        checkEnds(self, "plotMin", "plotMax")

    def __call__(self, data: KeyedData, **kwargs: Any) -> Mapping[str, Figure] | Figure:
        """Make the figure, with ``camera``, ``plotInfo`` and ``detector`` as `prepare` takes them."""
        known = {key: kwargs[key] for key in ("plotInfo", "detector") if key in kwargs}
        return makeImageFigure(self.prepare(data, kwargs["camera"], **known))

    def prepare(
        self,
        data: KeyedData,
        camera: Camera,
        plotInfo: Mapping[str, object] | None = None,
        detector: int | None = None,
    ) -> ImageView:
        """Reduce the data to what is shown; no matplotlib is involved.

        Parameters
        ----------
        data
            The image and what is marked on it, by key.
        camera
            The camera of the data.
        plotInfo
            Data ID, ``plotName``, ``run`` and ``tableName``; any may be absent.
        detector
            Identifier of the detector if the image is of one; that of the data or of ``plotInfo`` if None.

        Returns
        -------
        view
            The view to draw.

        Raises
        ------
        ValueError
            Raised if the image or its place is missing or does not fit the camera, or what is marked does
            not.
        """
        info = plotInfo or {}
        geometry = cameraGeometry(camera)
        known = (detector, data.get("detector"), info.get("detector"))
        image, frame, missing = self._place(
            self._readImage(data), data, geometry, next((i for i in known if i is not None), None)
        )
        gaps = findAmpGaps(image, frame, missing)
        failures = readFailures(data, geometry, frame.shown)
        structures = readStructures(data, frame, self.nListed)
        pixels, scale = self._scale(image, frame, data)
        names, amp_names, gap_names = placeNames(frame, gaps)
        unit = "σ" if self.quantity == "significance" else self.unit
        lists = (
            (withUnit("Values", unit), *statisticsLines(image, counts=False)),
            ("Colours", *textwrap.wrap(scale.note, LIST_LENGTH)),
            *listGaps(gaps, geometry.layout, readReasons(data, geometry), -(-self.nListed // 3)),
            listFirst("Failing", failures.lines, self.nListed),
            listFirst("Structures (x and y in pixels)", structures.lines, self.nListed),
        )
        return ImageView(
            image=pixels,
            frame=frame,
            scale=scale,
            gaps=gaps,
            failures=failures,
            structures=structures,
            names=names,
            ampNames=amp_names,
            gapNames=gap_names,
            projections=self._project(pixels, scale),
            title=f"{chooseTitle(self.title, info, self.zAxisLabel)}{self._namePart(frame, info)}",
            provenance=(*describeProvenance(info, (), "image"), frame.note),
            lists=tuple(lines for lines in lists if lines),
            message="" if np.isfinite(image).any() else "No pixel with a value",
        )

    def _namePart(self, frame: ImageFrame, plotInfo: Mapping[str, object]) -> str:
        """Return what is appended to the title: the raft or the detector, if it is one."""
        names = frame.geometry.layout.detectorName[frame.shown].tolist()
        if len(names) == 1:
            return f" — detector {names[0]}"
        raft = plotInfo.get("raft") or nameRaft(names)
        return f" — raft {raft}" if raft else ""

    @abstractmethod
    def _place(
        self, full: Float32Array, data: KeyedData, geometry: FocalPlaneGeometry, detector: Any
    ) -> tuple[Float32Array, ImageFrame, BoolArray | None]:
        """Return an image that fits on the page, its frame, and which detectors are known to have none."""

    def _readImage(self, data: KeyedData) -> Float32Array:
        """Return the image, NaN where there is no value."""
        if "image" not in data:
            raise ValueError(f"{type(self).__name__} needs 'image'; the data have {sorted(data)}")
        image = fillMasked(data["image"])
        if image.ndim != 2 or image.size == 0 or image.dtype.kind not in "buif":
            raise ValueError(
                f"{type(self).__name__} needs an 'image' of rows and columns of numbers; "
                f"got shape {image.shape} of {image.dtype}"
            )
        left_out = ~np.isfinite(image)
        if "excluded" in data:
            excluded = fillMaskedFlags(data["excluded"]).astype(bool)
            if excluded.shape != image.shape:
                raise ValueError(
                    f"'excluded' has shape {excluded.shape}; expected {image.shape} as of 'image'"
                )
            left_out |= excluded
        pixels = image.astype(np.float32)
        pixels[left_out] = np.nan
        return np.abs(pixels, out=pixels) if self.quantity == "significance" else pixels

    def _shrink(self, image: Float32Array) -> tuple[Float32Array, int]:
        """Return an image that fits on the page, and the side of its bins; of significances the maxima."""
        factor = -(-max(image.shape) // self.maxPixels)
        if factor == 1:
            return image, 1
        return binImage(image, factor, "max" if self.quantity == "significance" else "mean"), factor

    def _scale(
        self, image: Float32Array, frame: ImageFrame, data: KeyedData
    ) -> tuple[Float32Array, ImageScale]:
        """Return what is coloured, and how."""
        threshold = _readNumber(data, "threshold", self.threshold)
        if self.quantity == "significance":
            if threshold is None and np.isfinite(image).any():
                raise ValueError(f"{type(self).__name__} of significances needs a threshold")
            return image, significanceScale(image, threshold, self.plotMax, withUnit(self.zAxisLabel, "σ"))
        low, high = self.plotMin, self.plotMax
        configured = any(end is not None for end in (low, high))
        source = "ends of the configuration" if configured else "one range for all images of the exposure"
        label, unit, centre = withUnit(self.zAxisLabel, self.unit), self.unit, self.centre
        if self.scope == "amplifier":
            image = scaleAmplifiers(image, frame)
            label, unit, centre = f"({self.zAxisLabel} − median) / scatter of the amplifier", "σ", 0.0
        else:
            low = _readNumber(data, "stretchLow") if low is None else low
            high = _readNumber(data, "stretchHigh") if high is None else high
        return image, valueScale(
            image,
            stretch=Stretch(cast(StretchMethod, self.stretch), self.percentile, centre, low, high, source),
            softening=self.softening if self.curve == "asinh" else None,
            colourMap=self.colourMap,
            threshold=threshold,
            label=label,
            unit=unit,
        )

    def _project(self, image: Float32Array, scale: ImageScale) -> Projections | None:
        """Return reduced columns and rows; none unless a subclass makes them."""
        return None


def _readNumber(data: Mapping[str, Any], key: str, default: float | None = None) -> float | None:
    """Return a finite number, or the default if there is no such key."""
    if key not in data:
        return default
    try:
        number = float(data[key])
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise ValueError(f"Expected a finite number as {key!r}; got {data[key]!r}")
    return number


class DetectorImagePlot(ImagePlot):
    """Image of a detector, with the reduced columns and rows beside it.

    The data have ``image``, the pixels (rows, columns) in the detector's own orientation, all of them or
    binned; ``detector``, its identifier, if the call or ``plotInfo`` do not have it; and perhaps ``binning``,
    the side of a bin. Further optional keys are those of `ImagePlot`.
    """

    axisUnit = ChoiceField[str](
        doc="Unit of the axes.",
        default="pixel",
        allowed={
            "pixel": "Pixels of the detector, in its own orientation.",
            "mm": "Millimetres on the focal plane, turned as the detector is.",
        },
    )
    projection = ChoiceField[str](
        doc="What is drawn of each column and row.",
        default="mean",
        allowed={"mean": "Mean.", "median": "Median.", "max": "Maximum."},
    )

    def getInputSchema(self, **kwargs: Any) -> KeyedDataSchema:
        """Return what the plot needs."""
        return [("image", Tensor)]

    def _place(
        self, full: Float32Array, data: KeyedData, geometry: FocalPlaneGeometry, detector: Any
    ) -> tuple[Float32Array, ImageFrame, BoolArray]:
        if detector is None:
            raise ValueError(f"{type(self).__name__} needs the identifier of the detector, as 'detector'")
        index = int(geometry.detectorIndex([detector])[0])
        left, bottom, right, top = geometry.detectorEdges[index].tolist()
        name = f"detector {detector} ({geometry.layout.detectorName[index]})"
        known = _readNumber(data, "binning")
        known_binning = None if known is None else round(known)
        binning = binningOf(full.shape, (round(top - bottom), round(right - left)), name, known_binning)
        image, factor = self._shrink(full)
        if self.axisUnit == "pixel":
            frame = detectorFrame(geometry, index, image.shape, binning * factor)
        else:
            mosaic = FocalPlaneMosaic(geometry, binning * factor, [int(detector)])
            mosaic.add(int(detector), image)
            image, frame = mosaic.image, turnedDetectorFrame(geometry, index, mosaic.grid)
        return image, frame, np.zeros(geometry.layout.nDetectors, dtype=bool)

    def _project(self, image: Float32Array, scale: ImageScale) -> Projections:
        return projectImage(image, self.projection, scale.unit)


class FocalPlaneImagePlot(ImagePlot):
    """Mosaic of the focal plane or of a part of it, such as a raft.

    The data have ``image``, the pixels (rows along y of the focal plane, columns along x); ``x0`` and ``y0``,
    the centre of pixel [0, 0], and ``pixelSize``, in mm; and perhaps ``imageDetectors``, the identifiers of
    the detectors that have an image: without it, a detector of which all pixels are NaN counts as missing.
    ``notRequested``, identifiers of detectors that nobody asked for, are outlined and never count as missing.
    Further optional keys are those of `ImagePlot`.
    """

    axisUnit = ChoiceField[str](
        doc="Unit of the axes.",
        default="mm",
        allowed={"mm": "Millimetres.", "pixel": "Detector pixels from the centre of the focal plane."},
    )

    def getInputSchema(self, **kwargs: Any) -> KeyedDataSchema:
        """Return what the plot needs."""
        return [("image", Tensor), ("x0", Scalar), ("y0", Scalar), ("pixelSize", Scalar)]

    def _place(
        self, full: Float32Array, data: KeyedData, geometry: FocalPlaneGeometry, detector: Any
    ) -> tuple[Float32Array, ImageFrame, BoolArray | None]:
        grid = self._readGrid(data, full.shape)
        image, factor = self._shrink(full)
        frame = focalPlaneFrame(geometry, grid.binned(factor), self.axisUnit)
        if not frame.shown.any():
            raise ValueError(
                f"No detector lies on the mosaic of {grid.shape} pixels of {grid.pixelSize} mm from "
                f"({grid.x0}, {grid.y0}) mm"
            )
        frame = leaveOut(frame, geometry.detectorIndex(np.asarray(data.get("notRequested", []), dtype=int)))
        if "imageDetectors" not in data:
            return image, frame, None
        missing = frame.shown.copy()
        missing[geometry.detectorIndex(np.asarray(data["imageDetectors"]))] = False
        return image, frame, missing

    def _readGrid(self, data: KeyedData, shape: tuple[int, int]) -> MosaicGrid:
        """Return where the pixels lie."""
        place = {key: _readNumber(data, key) for key in ("x0", "y0", "pixelSize")}
        found = {key: number for key, number in place.items() if number is not None}
        if len(found) < len(place):
            raise ValueError(f"{type(self).__name__} needs {', '.join(place)}; the data have {sorted(data)}")
        if not found["pixelSize"] > 0:
            raise ValueError(f"Expected a 'pixelSize' above 0 mm; got {found['pixelSize']!r}")
        return MosaicGrid(**found, shape=shape)
