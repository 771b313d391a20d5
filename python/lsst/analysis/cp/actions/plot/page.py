# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The page of a figure: its header, the colour scale, and the column of words beside the plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure

from .style import EMPHASIS
from .text import shorten

__all__ = ["Page", "drawScale"]

_LINE = 0.1424
"""Height of a line of the column, inches."""


@dataclass(frozen=True, eq=False)
class Page:
    """A figure on which places are given in inches from its lower left corner.

    Parameters
    ----------
    figure
        The figure.
    panelLeft
        Left end of the column of words, inches.
    """

    figure: Figure
    panelLeft: float

    def addAxes(self, left: float, bottom: float, width: float, height: float, **kwargs: Any) -> Axes:
        """Add axes.

        Parameters
        ----------
        left, bottom, width, height
            Place and size, inches.
        **kwargs
            Further arguments of ``Figure.add_axes``.

        Returns
        -------
        axes
            The axes.
        """
        page_width, page_height = self.figure.get_size_inches()
        place = (left / page_width, bottom / page_height, width / page_width, height / page_height)
        return self.figure.add_axes(place, **kwargs)

    def writeHeader(
        self, title: str, headline: str, provenance: Sequence[str], *, emphasise: bool = False
    ) -> None:
        """Write three kinds of lines at the top.

        Parameters
        ----------
        title
            What is shown.
        headline
            The verdict on it.
        provenance
            Where the data come from.
        emphasise
            Whether the verdict is bad.
        """
        colour = EMPHASIS if emphasise else "0.2"
        self._write(0.132, 0.112, shorten(title, 90), fontsize=13, fontweight="bold")
        self._write(0.132, 0.344, headline, fontsize=10, fontweight="bold", color=colour)
        self._write(0.132, 0.536, "\n".join(provenance), fontsize=7.5, color="0.25")

    def writeLines(self, y: float, lines: Sequence[str], bottom: float = 0.0) -> float:
        """Write a title and as many lines as there is room for.

        Parameters
        ----------
        y
            Where the title begins, inches.
        lines
            Title and lines; nothing is written if there are none.
        bottom
            Where the text has to end, inches.

        Returns
        -------
        y
            Where the next text may begin, inches.
        """
        room = int((y - bottom) / _LINE)
        if not lines or room < 2:
            return y
        if len(lines) > room:
            lines = (*lines[: room - 1], "…")
        top = self.figure.get_size_inches()[1]
        self._write(self.panelLeft, top - y, lines[0], fontsize=9, fontweight="bold")
        self._write(self.panelLeft, top - y + 1.2 * _LINE, "\n".join(lines[1:]), fontsize=7.5,
                    family="monospace", linespacing=1.35)  # fmt: skip
        return y - _LINE * (len(lines) + 1.0)

    def writeKey(self, y: float, handles: Sequence[Artist]) -> float:
        """Explain what occurs in a plot.

        Parameters
        ----------
        y
            Where the key begins, inches.
        handles
            Artists with labels; nothing is written if there are none.

        Returns
        -------
        y
            Where the next text may begin, inches.
        """
        if not handles:
            return y
        width, height = self.figure.get_size_inches()
        self.figure.legend(
            handles=list(handles),
            loc="upper left",
            bbox_to_anchor=((self.panelLeft - 0.088) / width, (y + 0.064) / height),
            fontsize=8,
            frameon=False,
            handlelength=1.8,
            handleheight=1.2,
            labelspacing=0.35,
        )
        return y - 1.15 * _LINE * (len(handles) + 0.9)

    def _write(self, x: float, fromTop: float, text: str, **looks: Any) -> None:
        width, height = self.figure.get_size_inches()
        # Names of collections may hold a dollar sign.
        self.figure.text(x / width, 1.0 - fromTop / height, text, va="top", parse_math=False, **looks)


def drawScale(
    cax: Axes, mappable: ScalarMappable, label: str, extend: str, threshold: float | None, colour: str
) -> Colorbar:
    """Draw a colour scale.

    Parameters
    ----------
    cax
        Where to draw.
    mappable
        What it explains.
    label
        What is shown, with its unit.
    extend
        Which ends values exceed, as matplotlib says it.
    threshold
        Value to mark; None for none.
    colour
        Colour of that mark.

    Returns
    -------
    bar
        The colour bar.
    """
    bar = cax.figure.colorbar(mappable, cax=cax, extend=extend)
    bar.set_label(label, fontsize=9)
    cax.tick_params(labelsize=8)
    if threshold is not None:
        for stroke, width in (("white", 4), (colour, 2)):
            cax.axhline(threshold, color=stroke, linewidth=width)
    return bar
