# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from __future__ import annotations

__all__ = ["FocalPlaneImagePlot"]

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from lsst.afw.cameraGeom import Camera
from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.core.images import MosaicGrid
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, Scalar, Tensor
from lsst.pex.config import ChoiceField

from .figure import makeImageFigure
from .frame import focalPlaneFrame
from .marks import readNumber
from .plot import ImagePlot
from .view import ImageView


class FocalPlaneImagePlot(ImagePlot):
    """Mosaic of the focal plane or of a part of it, such as a raft.

    The data have ``image``, the pixels (rows along y of the focal plane, columns along x); ``x0`` and ``y0``,
    the centre of pixel [0, 0], and ``pixelSize``, in mm; and perhaps ``imageDetector``, the identifiers of
    the detectors that have an image: without it, a detector of which all pixels are NaN counts as missing.
    Further optional keys are those of `ImagePlot`.
    """

    axisUnit = ChoiceField[str](
        doc="Unit of the axes.",
        default="mm",
        allowed={"mm": "Millimetres.", "pixel": "Detector pixels from the centre of the focal plane."},
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
        return [("image", Tensor), ("x0", Scalar), ("y0", Scalar), ("pixelSize", Scalar)]

    def __call__(self, data: KeyedData, **kwargs: Any) -> Mapping[str, Figure] | Figure:
        """Make the figure.

        Parameters
        ----------
        data
            The mosaic and what is marked on it, by key.
        **kwargs
            ``camera`` and ``plotInfo``, see `prepare`.

        Returns
        -------
        figure
            The figure.
        """
        return makeImageFigure(self.prepare(data, kwargs["camera"], kwargs.get("plotInfo")))

    def prepare(
        self, data: KeyedData, camera: Camera, plotInfo: Mapping[str, object] | None = None
    ) -> ImageView:
        """Reduce the data to what is shown; no matplotlib is involved.

        Parameters
        ----------
        data
            The mosaic and what is marked on it, by key.
        camera
            The camera of the data.
        plotInfo
            Data ID, ``plotName``, ``run`` and ``tableName``; any may be absent.

        Returns
        -------
        view
            The view to draw.

        Raises
        ------
        ValueError
            Raised if something is missing, no detector lies on the mosaic, a detector is not in the camera,
            or what is marked does not fit.
        """
        geometry = cameraGeometry(camera)
        full = self._readImage(data)
        grid = self._readGrid(data, full.shape)
        image, factor = self._shrink(full)
        frame = focalPlaneFrame(geometry, grid.binned(factor), self.axisUnit)
        if not frame.shown.any():
            raise ValueError(
                f"No detector lies on the mosaic of {grid.shape} pixels of {grid.pixelSize} mm from "
                f"({grid.x0}, {grid.y0}) mm"
            )
        missing = None
        if "imageDetector" in data:
            missing = frame.shown.copy()
            missing[geometry.detectorIndex(np.asarray(data["imageDetector"]))] = False
        return self._makeView(image, frame, data, plotInfo or {}, missing)

    def _readGrid(self, data: KeyedData, shape: tuple[int, int]) -> MosaicGrid:
        """Return where the pixels lie."""
        place = {key: readNumber(data, key, None) for key in ("x0", "y0", "pixelSize")}
        found = {key: number for key, number in place.items() if number is not None}
        if len(found) < len(place):
            raise ValueError(f"{type(self).__name__} needs {', '.join(place)}; the data have {sorted(data)}")
        if not found["pixelSize"] > 0:
            raise ValueError(f"Expected a 'pixelSize' above 0 mm; got {found['pixelSize']!r}")
        return MosaicGrid(**found, shape=shape)
