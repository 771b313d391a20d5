# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The page of a figure: its header, the colour scale, and the column of words beside the plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from .style import EMPHASIS, FAILING
from .text import shorten

__all__ = ["Page", "drawScale"]

_LINE = 0.1424
"""Height of a line of the column, inches."""
_MOST_LINES = 3
"""Lines of provenance from which more need smaller letters."""


@dataclass(frozen=True, eq=False)
class Page:
    """A figure on which places are given in inches from its lower left corner."""

    figure: Figure
    panelLeft: float
    """Left end of the column of words, inches."""

    def addAxes(self, left: float, bottom: float, width: float, height: float, **kwargs: Any) -> Axes:
        """Add axes, with further arguments of ``Figure.add_axes``."""
        page_width, page_height = self.figure.get_size_inches()
        place = (left / page_width, bottom / page_height, width / page_width, height / page_height)
        return self.figure.add_axes(place, **kwargs)

    def writeHeader(
        self, title: str, headline: str, provenance: Sequence[str], *, emphasise: bool = False
    ) -> None:
        """Write at the top what is shown, the verdict on it (emphasised if it is bad), and the source."""
        colour = EMPHASIS if emphasise else "0.2"
        self._write(0.132, 0.112, shorten(title, 90), fontsize=13, fontweight="bold")
        self._write(0.132, 0.344, headline, fontsize=10, fontweight="bold", color=colour)
        points = 7.5 if len(provenance) <= _MOST_LINES else 6.2
        self._write(0.132, 0.53, "\n".join(provenance), fontsize=points, color="0.25")

    def writeAbove(self, left: float, y: float, title: str, note: str) -> None:
        """Write a title and a note in small print, either of which may be empty, above axes that end at y."""
        top = self.figure.get_size_inches()[1]
        for up, text, looks in (
            (0.36, title, {"fontsize": 9.5, "fontweight": "bold"}),
            (0.17, note, {"fontsize": 7, "color": "0.35"}),
        ):
            if text:
                self._write(left, top - y - up, text, **looks)

    def countLines(self, y: float, bottom: float) -> int:
        """Count the lines, title included, for which there is room between two heights."""
        return max(int((y - bottom) / _LINE), 0)

    def writeLines(self, y: float, lines: Sequence[str], bottom: float = 0.0) -> float:
        """Write a title and as many lines as there is room for between two heights, if there are any.

        The height where the next text may begin is returned.
        """
        room = self.countLines(y, bottom)
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
        """Explain what occurs in a plot by artists with labels, if there are any, from a height on.

        The height where the next text may begin is returned.
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
    cax: Axes,
    mappable: ScalarMappable,
    label: str,
    extend: str,
    threshold: float | None,
    ticks: Mapping[float, str] | None,
) -> None:
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
    ticks
        Labels of values; None to leave the choice to matplotlib.
    """
    bar = cax.figure.colorbar(mappable, cax=cax, extend=extend)
    bar.set_label(label, fontsize=9)
    cax.tick_params(labelsize=8)
    if threshold is not None:
        for stroke, width in (("white", 4), (FAILING, 2)):
            cax.axhline(threshold, color=stroke, linewidth=width)
    if ticks is not None:
        bar.set_ticks(list(ticks), labels=list(ticks.values()))
        bar.minorticks_off()
