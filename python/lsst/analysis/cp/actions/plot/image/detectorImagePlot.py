# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from __future__ import annotations

__all__ = ["DetectorImagePlot"]

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from lsst.afw.cameraGeom import Camera
from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.actions.plot.text import withUnit
from lsst.analysis.cp.core.geometry import FocalPlaneGeometry
from lsst.analysis.cp.core.images import FocalPlaneMosaic
from lsst.analysis.cp.core.limits import robustLimits
from lsst.analysis.cp.core.typing import Float32Array, FloatArray
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, Tensor
from lsst.pex.config import ChoiceField

from .figure import makeImageFigure
from .frame import binningOf, detectorFrame, turnedDetectorFrame
from .marks import readNumber
from .plot import ImagePlot
from .view import ImageScale, ImageView, Projections

_MOST_SPAN = 6.0
"""Full range of a projection, in robust ranges, up to which all of it is shown."""


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
        """Return what the plot needs.

        Parameters
        ----------
        **kwargs
            Not used.

        Returns
        -------
        schema
            Keys and their types.
        """
        return [("image", Tensor)]

    def __call__(self, data: KeyedData, **kwargs: Any) -> Mapping[str, Figure] | Figure:
        """Make the figure.

        Parameters
        ----------
        data
            The image and what is marked on it, by key.
        **kwargs
            ``camera``, ``detector`` and ``plotInfo``, see `prepare`.

        Returns
        -------
        figure
            The figure.
        """
        known = {key: kwargs[key] for key in ("detector", "plotInfo") if key in kwargs}
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
            Identifier of the detector; that of the data or of ``plotInfo`` if None.

        Returns
        -------
        view
            The view to draw.

        Raises
        ------
        ValueError
            Raised if the image is missing or of another size than the detector, the detector is not known or
            not in the camera, or what is marked does not fit.
        """
        info = plotInfo or {}
        geometry = cameraGeometry(camera)
        index = self._findDetector(geometry, (detector, data.get("detector"), info.get("detector")))
        full = self._readImage(data)
        left, bottom, right, top = geometry.detectorEdges[index].tolist()
        name = f"detector {geometry.layout.detectorId[index]} ({geometry.layout.detectorName[index]})"
        known = readNumber(data, "binning", None)
        binning = binningOf(
            full.shape,
            (round(top - bottom), round(right - left)),
            name,
            None if known is None else round(known),
        )
        image, factor = self._shrink(full)
        binning *= factor
        if self.axisUnit == "pixel":
            frame = detectorFrame(geometry, index, image.shape, binning)
        else:
            mosaic = FocalPlaneMosaic(geometry, binning, [int(geometry.layout.detectorId[index])])
            mosaic.add(int(geometry.layout.detectorId[index]), image)
            image, frame = mosaic.image, turnedDetectorFrame(geometry, index, mosaic.grid)
        return self._makeView(image, frame, data, info, np.zeros(geometry.layout.nDetectors, dtype=bool))

    def _findDetector(self, geometry: FocalPlaneGeometry, candidates: tuple[Any, ...]) -> int:
        """Return the position of the first identifier that is known."""
        known = [candidate for candidate in candidates if candidate is not None]
        if not known:
            raise ValueError(f"{type(self).__name__} needs the identifier of the detector, as 'detector'")
        return int(geometry.detectorIndex([known[0]])[0])

    def _project(self, image: Float32Array, scale: ImageScale) -> Projections:
        """Reduce the columns and the rows."""
        columns, rows = (_reduce(pixels, self.projection) for pixels in (image.T, image))
        label = withUnit(self.projection.capitalize(), scale.unit)
        return Projections(columns, rows, _projectionLimits(np.concatenate([columns, rows])), label)


def _projectionLimits(values: FloatArray) -> tuple[float, float]:
    """Return ends that hold the values, unless a few of them would make the others a flat line."""
    robust = robustLimits(values, nSigma=5.0)
    low, high = robust.low, robust.high
    span = np.nanmax(values, initial=low) - np.nanmin(values, initial=high)
    if span < _MOST_SPAN * (high - low):
        low, high = float(np.nanmin(values, initial=low)), float(np.nanmax(values, initial=high))
    margin = 0.05 * (high - low)
    return low - margin, high + margin


def _reduce(lines: Float32Array, statistic: str) -> FloatArray:
    """Reduce each line of pixels to one number; NaN for those without a value."""
    functions: dict[str, Callable[..., FloatArray]] = {
        "mean": np.nanmean,
        "median": np.nanmedian,
        "max": np.nanmax,
    }
    filled = np.isfinite(lines).any(axis=1)
    reduced = np.full(len(lines), np.nan)
    reduced[filled] = functions[statistic](lines[filled], axis=1)
    return reduced
