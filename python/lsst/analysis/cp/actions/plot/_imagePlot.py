# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What the plots of a detector and of the focal plane have in common."""

from __future__ import annotations

__all__ = ["ImagePlot"]

import textwrap
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from lsst.analysis.cp.core.imageViews import STRETCH_CURVES, STRETCH_METHODS, binImage
from lsst.analysis.tools.interfaces import KeyedData, PlotAction
from lsst.pex.config import ChoiceField, Field

from ._focalPlaneText import describeProvenance, listMissing, shorten, statisticsLines, withUnit
from ._imageFrame import countFinite
from ._imageMarks import Failures, Structures, readFailures, readStructures
from ._imageNames import nameAmplifiers, nameDetectors, noNames
from ._imageScale import measureScale, scaleAmplifiers, significanceScale
from ._imageView import ImageFrame, ImageScale, ImageView, Marks, Projections

FloatImage = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

_LISTED_LENGTH = 52
"""Characters of a line beside the image."""


class ImagePlot(PlotAction):
    """Base of the plots of images.

    Optional keys of the data, beside those of the subclasses: ``excluded``, an array of the image's shape that is
    True for pixels to leave out; ``stretchLow`` and ``stretchHigh``, ends of the colours measured on the whole
    exposure; ``threshold``, in the place of the field; the vectors of failures ``failedDetector``,
    ``failedAmplifier`` and ``failedTest``; and those of structures ``structureX``, ``structureY`` (in the unit of
    the axes) and ``structureKind``, with which may be ``structureRank``, ``structureDetector``,
    ``structureAmplifier`` and ``structureScore``.
    """

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
        allowed={method: f"See core.imageViews.stretchLimits: {method}." for method in STRETCH_METHODS},
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
        allowed={curve: f"See core.imageViews.normalise: {curve}." for curve in STRETCH_CURVES},
    )
    softening = Field[float](
        doc="Where an asinh curve turns from linear to logarithmic, as a fraction of the range, or of its half.",
        default=0.1,
        check=lambda fraction: 0 < fraction <= 1,
    )
    scope = ChoiceField[str](
        doc="What shares a scale.",
        default="image",
        allowed={
            "image": "All of the image; of the exposure, where the data tell its range.",
            "amplifier": "Each amplifier is brought to the same level and scale, so that faint structure shows.",
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

    def _readImage(self, data: KeyedData) -> FloatImage:
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

    def _shrink(self, image: FloatImage) -> tuple[FloatImage, int]:
        """Return an image that fits on the page, and the side of its bins; maxima of significances survive."""
        factor = -(-max(image.shape) // self.maxPixels)
        if factor == 1:
            return image, 1
        return binImage(image, factor, "max" if self.quantity == "significance" else "mean"), factor

    def _makeView(
        self,
        image: FloatImage,
        frame: ImageFrame,
        data: KeyedData,
        plotInfo: Mapping[str, object],
        missing: BoolArray | None = None,
    ) -> ImageView:
        """Choose colours, names and words; ``missing`` are the detectors known to have no image."""
        layout = frame.geometry.layout
        finite = np.isfinite(image)
        n_finite, n_pixels = countFinite(finite, frame)
        empty = np.zeros(layout.nAmps, dtype=bool)
        empty[frame.shownAmps[n_finite == 0]] = True
        if missing is None:
            missing = frame.shown & (
                np.bincount(layout.ampDetector[~empty], minlength=layout.nDetectors) == 0
            )
        masked = empty & ~missing[layout.ampDetector]
        partly = n_finite > 0
        failures = readFailures(data, frame.geometry, frame.shown, byDetector=frame.shown.sum() > 1)
        structures = readStructures(data, self.nListed)
        pixels, scale = self._scale(image, frame, data)
        has_image = frame.shown & ~missing
        return ImageView(
            image=pixels,
            frame=frame,
            scale=scale,
            missing=missing & frame.shown,
            masked=masked,
            nMasked=int((n_pixels - n_finite)[partly].sum()),
            failing=failures.amps,
            failingDetectors=failures.detectors,
            names=nameDetectors(frame, has_image) if frame.shown.sum() > 1 else noNames(),
            ampNames=nameAmplifiers(frame, has_image),
            missingNames=nameDetectors(frame, missing & frame.shown),
            marks=Marks(structures.positions, structures.numbers, structures.kinds),
            projections=self._project(pixels, scale),
            title=str(plotInfo.get("plotName") or self.zAxisLabel),
            headline=self._headline(frame, missing, masked, failures, structures),
            provenance=(*describeProvenance(plotInfo, ()), frame.note),
            lists=self._lists(image, frame, scale, missing, masked, failures, structures),
            message="" if finite.any() else "No pixel with a value",
        )

    def _scale(self, image: FloatImage, frame: ImageFrame, data: KeyedData) -> tuple[FloatImage, ImageScale]:
        """Return what is coloured, and how."""
        threshold = float(data["threshold"]) if "threshold" in data else self.threshold
        if self.quantity == "significance":
            if threshold is None:
                raise ValueError(f"{type(self).__name__} of significances needs a threshold")
            label = withUnit(self.zAxisLabel, "σ")
            return image, significanceScale(image, threshold, self.plotMax, label)
        label, unit = withUnit(self.zAxisLabel, self.unit), self.unit
        low, high = self.plotMin, self.plotMax
        if self.scope == "amplifier":
            image = scaleAmplifiers(image, frame)
            label, unit = f"{self.zAxisLabel} above median (σ), both of its amplifier", "σ"
        elif "stretchLow" in data and "stretchHigh" in data:
            low = float(data["stretchLow"]) if low is None else low
            high = float(data["stretchHigh"]) if high is None else high
        limits, note = measureScale(
            image,
            method=self.stretch,
            percentile=self.percentile,
            centre=0.0 if self.scope == "amplifier" else self.centre,
            low=low,
            high=high,
        )
        symmetric = self.stretch == "symmetric"
        reach = (limits.high - limits.low) * (0.5 if symmetric else 1.0)
        return image, ImageScale(
            colourMap=self.colourMap,
            limits=limits,
            softening=self.softening * reach if self.curve == "asinh" else None,
            bend=0.5 * (limits.low + limits.high) if symmetric else limits.low,
            threshold=threshold,
            label=label,
            unit=unit,
            note=note,
        )

    def _project(self, image: FloatImage, scale: ImageScale) -> Projections | None:
        """Return reduced columns and rows; none unless a subclass makes them."""
        return None

    def _headline(
        self,
        frame: ImageFrame,
        missing: BoolArray,
        masked: BoolArray,
        failures: Failures,
        structures: Structures,
    ) -> str:
        """Say in one line what there is, and what failed."""
        n_shown, n_missing, n_masked = (int(np.sum(x)) for x in (frame.shown, missing & frame.shown, masked))
        words = [str(name) for name in frame.geometry.layout.detectorName[frame.shown][: n_shown == 1]]
        if n_shown != 1:
            words.append(f"{n_shown - n_missing} of {n_shown} detectors with an image")
        if n_masked:
            words.append(f"{n_masked} amplifier{'s' * (n_masked > 1)} without a value")
        if failures.headline:
            words.append(failures.headline)
        if structures.total:
            words.append(f"{structures.total} structure{'s' * (structures.total > 1)} found")
        return ", ".join(words)

    def _lists(
        self,
        image: FloatImage,
        frame: ImageFrame,
        scale: ImageScale,
        missing: BoolArray,
        masked: BoolArray,
        failures: Failures,
        structures: Structures,
    ) -> tuple[tuple[str, ...], ...]:
        """Return titles and lines beside the image."""
        unit = "σ" if self.quantity == "significance" else self.unit
        layout = frame.geometry.layout
        masked_names = np.char.add(np.char.add(layout.detectorName[layout.ampDetector], " "), layout.ampName)
        lists = (
            (withUnit("Values", unit), *statisticsLines(image, counts=False)),
            ("Colours", *textwrap.wrap(scale.note, _LISTED_LENGTH)),
            _listFirst("Failing", failures.lines, self.nListed),
            listMissing(layout.detectorName[missing & frame.shown], self.nListed // 4),
            _listFirst("Without a value", tuple(masked_names[masked].tolist()), self.nListed // 4),
            _listFirst("Structures", structures.lines, self.nListed),
        )
        return tuple(lines for lines in lists if lines)


def _listFirst(title: str, lines: tuple[str, ...], nListed: int) -> tuple[str, ...]:
    """Return a title and the first lines; nothing if there are none."""
    if not lines or nListed == 0:
        return ()
    more = (f"and {len(lines) - nListed} more",) if len(lines) > nListed else ()
    return title, *(shorten(line, _LISTED_LENGTH) for line in lines[:nListed]), *more
