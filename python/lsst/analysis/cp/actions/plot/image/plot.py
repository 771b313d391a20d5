# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What the plots of a detector and of the focal plane have in common."""

from __future__ import annotations

__all__ = ["ImagePlot"]

from collections.abc import Mapping
from typing import cast

import numpy as np

from lsst.analysis.cp.actions.plot.text import chooseTitle, describeProvenance, withUnit
from lsst.analysis.cp.core.images import STRETCH_METHODS, StretchMethod, binImage
from lsst.analysis.cp.core.typing import BoolArray, Float32Array
from lsst.analysis.tools.interfaces import KeyedData, PlotAction
from lsst.pex.config import ChoiceField, Field

from .frame import ImageFrame
from .marks import readFailures, readNumber, readReasons, readStructures
from .names import nameAmplifiers, nameDetectors, noNames
from .regions import findGaps
from .scale import Stretch, scaleAmplifiers, significanceScale, valueScale
from .text import imageHeadline, imageLists
from .view import ImageScale, ImageView, Marks, Projections


class ImagePlot(PlotAction):
    """Base of the plots of images.

    Optional keys of the data, beside those of the subclasses:

    - ``excluded``, an array of the image's shape that is True for pixels to leave out;
    - ``stretchLow`` and ``stretchHigh``, ends of the colours measured on the whole exposure, so that its
      detectors compare; ``threshold``, in the place of the field;
    - the vectors ``failedDetector``, ``failedAmplifier`` and ``failedTest``, one row a failed test;
    - the vectors ``structureX`` and ``structureY`` (pixels of a detector, or mm of the focal plane, whatever
      the axes have) and ``structureKind``, with which may be ``structureRank``, ``structureDetector``,
      ``structureAmplifier``, ``structureScore`` and ``structureCount``;
    - the vectors ``missingDetector`` and ``missingReason``.
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
        allowed={
            "viridis": "Sequential.",
            "cividis": "Sequential, the same for all colour vision.",
            "PuOr": "Diverging, orange below the centre and purple above.",
            "RdBu_r": "Diverging, blue below the centre and red above.",
        },
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
        if self.quantity == "value" and (self.colourMap in ("PuOr", "RdBu_r")) != (
            self.stretch == "symmetric"
        ):
            raise ValueError(
                "A diverging colour map and a symmetric stretch need each other; "
                f"got {self.colourMap!r} and {self.stretch!r}."
            )
        if self.plotMin is not None and self.plotMax is not None and not self.plotMin < self.plotMax:
            raise ValueError(f"plotMin {self.plotMin!r} must be less than plotMax {self.plotMax!r}.")

    def _readImage(self, data: KeyedData) -> Float32Array:
        """Return the image, NaN where there is no value."""
        if "image" not in data:
            raise ValueError(f"{type(self).__name__} needs 'image'; the data have {sorted(data)}")
        image = np.asarray(data["image"])
        if image.ndim != 2 or image.size == 0 or image.dtype.kind not in "buif":
            raise ValueError(
                f"{type(self).__name__} needs an 'image' of rows and columns of numbers; "
                f"got shape {image.shape} of {image.dtype}"
            )
        left_out = ~np.isfinite(image)
        if "excluded" in data:
            excluded = np.asarray(data["excluded"], dtype=bool)
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

    def _makeView(
        self,
        image: Float32Array,
        frame: ImageFrame,
        data: KeyedData,
        plotInfo: Mapping[str, object],
        missing: BoolArray | None,
    ) -> ImageView:
        """Choose colours, names and words; ``missing`` are the detectors known to have no image."""
        layout = frame.geometry.layout
        several = bool(frame.shown.sum() > 1)
        gaps = findGaps(image, frame, missing)
        failures = readFailures(data, frame.geometry, frame.shown, byDetector=several)
        structures = readStructures(data, self.nListed)
        pixels, scale = self._scale(image, frame, data)
        has_pixels = frame.shown & ~gaps.missing & ~gaps.masked
        named_amps = has_pixels[layout.ampDetector] & ~gaps.maskedAmps
        unnamed = frame.shown & ~has_pixels if several else gaps.missing
        positions = structures.positions @ frame.matrix.T + frame.offset
        unit = "σ" if self.quantity == "significance" else self.unit
        reasons = readReasons(data, frame.geometry)
        return ImageView(
            image=pixels,
            frame=frame,
            scale=scale,
            gaps=gaps,
            failing=failures.amps,
            failingDetectors=failures.detectors,
            names=nameDetectors(frame, has_pixels) if several else noNames(),
            ampNames=nameAmplifiers(frame, named_amps),
            gapNames=(
                nameDetectors(frame, unnamed),
                nameAmplifiers(frame, gaps.maskedAmps & (has_pixels | (not several))[layout.ampDetector]),
            ),
            marks=Marks(positions, structures.numbers),
            projections=self._project(pixels, scale),
            title=chooseTitle(self.title, plotInfo, self.zAxisLabel),
            headline=imageHeadline(frame, gaps, failures, structures),
            provenance=(*describeProvenance(plotInfo, ()), frame.note),
            lists=imageLists(image, unit, frame, scale, gaps, reasons, failures, structures, self.nListed),
            message="" if np.isfinite(image).any() else "No pixel with a value",
        )

    def _scale(
        self, image: Float32Array, frame: ImageFrame, data: KeyedData
    ) -> tuple[Float32Array, ImageScale]:
        """Return what is coloured, and how."""
        threshold = readNumber(data, "threshold", self.threshold)
        if self.quantity == "significance":
            if threshold is None and np.isfinite(image).any():
                raise ValueError(f"{type(self).__name__} of significances needs a threshold")
            return image, significanceScale(image, threshold, self.plotMax, withUnit(self.zAxisLabel, "σ"))
        low, high = self.plotMin, self.plotMax
        label, unit, centre = withUnit(self.zAxisLabel, self.unit), self.unit, self.centre
        if self.scope == "amplifier":
            image = scaleAmplifiers(image, frame)
            label, unit, centre = f"({self.zAxisLabel} − median) / scatter of the amplifier", "σ", 0.0
        else:
            low = readNumber(data, "stretchLow", None) if low is None else low
            high = readNumber(data, "stretchHigh", None) if high is None else high
        return image, valueScale(
            image,
            stretch=Stretch(cast(StretchMethod, self.stretch), self.percentile, centre, low, high),
            softening=self.softening if self.curve == "asinh" else None,
            colourMap=self.colourMap,
            threshold=threshold,
            label=label,
            unit=unit,
        )

    def _project(self, image: Float32Array, scale: ImageScale) -> Projections | None:
        """Return reduced columns and rows; none unless a subclass makes them."""
        return None
