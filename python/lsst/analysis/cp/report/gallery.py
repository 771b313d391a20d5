# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The kinds of plots that pipelines make: what they show, and how they are read."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

__all__ = ["GalleryPlot", "readGallery"]

_FILE = Path(__file__).with_name("gallery.yaml")


@dataclass(frozen=True, kw_only=True)
class GalleryPlot:
    """A kind of plot.

    Parameters
    ----------
    room
        Title of the part of the gallery.
    title
        Title of the plot, of which there is no other.
    types
        Patterns of the dataset types.
    shows
        What it shows.
    read
        How to read it, and what a fault looks like.
    picture
        Pattern of the dataset type whose figure is the picture; any of the types if empty.
    """

    room: str
    title: str
    types: tuple[str, ...]
    shows: str
    read: str
    picture: str = ""

    @property
    def name(self) -> str:
        """Name of the file of the picture, without its ending."""
        return re.sub(r"\W+", "-", f"{self.room} {self.title}".lower())

    @property
    def figures(self) -> tuple[str, ...]:
        """Patterns of the names of figures, without their ending, the best first."""
        return tuple(f"{pattern}*" for pattern in (self.picture, *self.types) if pattern)

    def isKindOf(self, dataset_type: str) -> bool:
        """Tell whether a plot is of this kind."""
        return any(fnmatch.fnmatchcase(dataset_type, pattern) for pattern in self.types)


@cache
def readGallery() -> tuple[GalleryPlot, ...]:
    """List the kinds of plots, in the order of the file."""
    rooms = yaml.safe_load(_FILE.read_text(encoding="utf-8"))["rooms"]
    return tuple(
        GalleryPlot(room=room["title"], **(entry | {"types": tuple(entry["types"])}))
        for room in rooms
        for entry in room["plots"]
    )
