# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Images of which each pixel reaches the page, and pages that are written quickly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize

from lsst.analysis.cp.core.typing import Float32Array, IndexArray

__all__ = ["PixelImage", "QuickPngCanvas"]

_STRIP = 1 << 20
"""Pixels of the page that are coloured at a time."""


class PixelImage(Artist):
    """An image that is copied to the page, pixel by pixel.

    The page pixel at a position shows the one image pixel that contains it: nothing is averaged, and where
    the page has at least as many pixels as the image, each image pixel is seen. `matplotlib.image.AxesImage`
    does the same with ``interpolation="nearest"``, but on an image of 4000 x 4000 it takes 2 GB and 5 s; this
    takes a strip of the page at a time and less than 1 s.

    Parameters
    ----------
    image
        Values; shape (ny, nx), the first row lowest. Those not finite are transparent.
    extent
        Edges (left, right, bottom, top) of the image in the coordinates of the axes.
    norm, colourMap
        How values become colours.
    **kwargs
        Properties of the artist.
    """

    def __init__(
        self,
        image: Float32Array,
        extent: tuple[float, float, float, float],
        norm: Normalize,
        colourMap: Colormap,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        self.image = image
        self.extent = extent
        self.mappable = ScalarMappable(norm, colourMap)
        """The norm and the colour map, for a colour bar."""
        self.set(**kwargs)

    def draw(self, renderer: RendererBase) -> None:
        """Draw the image."""
        if self.axes is None or not self.get_visible():
            return
        left, right, bottom, top = self.extent
        corners = self.axes.transData.transform([(left, bottom), (right, top)])
        (x0, y0), (x1, y1) = np.rint(corners).astype(int).tolist()
        columns = _nearest(self.image.shape[1], x1 - x0)
        rows = _nearest(self.image.shape[0], y1 - y0)
        if len(columns) == 0 or len(rows) == 0:
            return
        context = renderer.new_gc()
        context.set_clip_rectangle(self.axes.bbox)
        n_rows = max(_STRIP // len(columns), 1)
        for start in range(0, len(rows), n_rows):
            values = np.ma.masked_invalid(self.image[rows[start : start + n_rows]][:, columns], copy=False)
            colours = self.mappable.cmap(self.mappable.norm(values), bytes=True)
            renderer.draw_image(context, x0, y0 + start, np.ascontiguousarray(colours))
        context.restore()


def _nearest(nPixels: int, nDrawn: int) -> IndexArray:
    """Return which pixel of an image is drawn at each pixel of the page; shape (nDrawn,)."""
    # The centres of page pixels are found in whole numbers: none is rounded across an edge of image pixels.
    return (np.arange(max(nDrawn, 0)) * nPixels + nPixels // 2) // max(nDrawn, 1)


class QuickPngCanvas(FigureCanvasAgg):
    """A canvas that writes PNG files with little compression.

    Noise does not compress: a map of 4000 x 4000 is written in 2 s instead of 5 s, and the file is no larger.
    """

    def print_png(
        self,
        filename_or_obj: Any,
        *,
        metadata: Mapping[str, str] | None = None,
        pil_kwargs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Write the figure to a PNG file, as the base class does.

        What else ``savefig`` hands to every canvas is set on the figure already, and not used.
        """
        options = {"compress_level": 1, **(pil_kwargs or {})}
        super().print_png(filename_or_obj, metadata=metadata, pil_kwargs=options)
