# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Windows of images that show themselves."""

from __future__ import annotations

import dataclasses
import io
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Self

from lsst.analysis.cp.core.pyramid import View

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ImageWindow"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ImageWindow(View):
    """A window of the focal plane. A notebook shows it where it is the last value of a cell.

    Parameters
    ----------
    title
        What it shows, in a line.
    source
        The dataset that it was read from.
    """

    title: str
    source: str

    @classmethod
    def fromView(cls, view: View, title: str, source: str) -> Self:
        """Make one of a view, with a title and where it is from."""
        fields = {each.name: getattr(view, each.name) for each in dataclasses.fields(View)}
        return cls(**fields, title=title, source=source)

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.image.shape))
        return f"ImageWindow({self.title!r}, {self.plane}, {shape} pixels, {self.source})"

    def makeFigure(self) -> Figure:
        """Draw the pixels, with a scale, and where they lie on the focal plane."""
        # This loads matplotlib and the plots, which reading does without.
        from .windowFigure import makeWindowFigure

        return makeWindowFigure(self, self.title, self.source)

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.makeFigure().savefig(buffer, format="png")
        return buffer.getvalue()

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the picture to a PNG file, which is replaced if it is there, and return its path."""
        file = Path(path)
        file.write_bytes(self._repr_png_())
        return file
