# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The page of the documentation that shows every kind of plot.

The page that is committed has no pictures. Where the documentation is built beside the figures of the
demonstration, these take the places of its marks.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from pageText import wrap

from lsst.analysis.cp.report.gallery import GalleryPlot, readGallery

__all__ = ["GalleryError", "GalleryPlot", "addPictures", "assignPlots", "galleryPage", "readGallery"]

_MARK = ".. Here is the picture"
"""Comment in the page that a picture takes the place of, before its name."""


class GalleryError(ValueError):
    """The gallery and the pipelines contradict each other."""


def assignPlots(made: Iterable[str], plots: Iterable[GalleryPlot]) -> dict[GalleryPlot, list[str]]:
    """Find the kind of each plot that the pipelines make.

    Parameters
    ----------
    made
        Dataset types of the plots.
    plots
        The kinds. A kind has what those before it have not.

    Returns
    -------
    assigned
        Sorted dataset types of each kind.

    Raises
    ------
    GalleryError
        Raised if a plot is of no kind, or of a kind there is no plot.
    """
    left, assigned = sorted(made), {}
    for plot in plots:
        assigned[plot] = [name for name in left if plot.isKindOf(name)]
        left = [name for name in left if not plot.isKindOf(name)]
        if not assigned[plot]:
            raise GalleryError(f"{plot.room}, {plot.title}: no pipeline makes such a plot")
    if left:
        raise GalleryError(f"the gallery lacks what pipelines make: {', '.join(left)}")
    return assigned


def galleryPage(made: Iterable[str], plots: Iterable[GalleryPlot] | None = None) -> dict[str, str]:
    """Generate the page, without pictures.

    Parameters
    ----------
    made
        Dataset types of the plots that the pipelines make.
    plots
        The kinds of plots; those of the file if absent.

    Returns
    -------
    files
        Its text by its path, relative to the root of the package.

    Raises
    ------
    GalleryError
        Raised if the gallery and the pipelines contradict each other.
    """
    assigned = assignPlots(made, readGallery() if plots is None else plots)
    title = "Gallery of plots"
    parts = [
        ".. Generated from the pipelines of lsst.analysis.cp; do not edit.",
        "",
        "#" * len(title),
        title,
        "#" * len(title),
        "",
        wrap(
            "Every kind of plot that the pipelines make, with the dataset types by which the Butler has it. "
            "Pictures are figures of the demonstration, where these pages were built beside its output: run "
            "``make demo``, then ``make docs``. A picture leads to a larger one. Kinds that the "
            "demonstration makes no figure of have none."
        ),
        "",
    ]
    for room in dict.fromkeys(plot.room for plot in assigned):
        parts += [room, "=" * len(room), "", ".. grid:: 1 1 2 2", "   :gutter: 3", ""]
        for plot, types in assigned.items():
            if plot.room == room:
                parts += [f"   {line}".rstrip() for line in _writeCard(plot, types)]
    return {"doc/lsst.analysis.cp/gallery.rst": "\n".join(parts)}


def _writeCard(plot: GalleryPlot, types: list[str]) -> Iterator[str]:
    """Write the lines of a kind of plot."""
    yield from (f".. grid-item-card:: {plot.title}", "   :class-card: plot", "")
    yield from (f"   {_MARK} {plot.name}.", "")
    yield from (*wrap(plot.shows, "   ", "   ").splitlines(), "")
    yield from (*wrap(f"*How to read it:* {plot.read}", "   ", "   ").splitlines(), "")
    if len(types) > 1:
        yield from (f"   .. dropdown:: {len(types)} dataset types", "")
        yield from (f"      | ``{name}``" for name in types)
    else:
        yield f"   ``{types[0]}``"
    yield ""


def addPictures(page: str, pictures: Mapping[str, tuple[str, str]]) -> str:
    """Add pictures to the page.

    Parameters
    ----------
    page
        The page without pictures.
    pictures
        Path of a small picture, relative to the page, and address of a larger one, by the name of a kind.

    Returns
    -------
    page
        The page with them.
    """

    def describe(match: re.Match[str]) -> str:
        indent, name = match.groups()
        if name not in pictures:
            return match[0]
        small, large = pictures[name]
        return f"{indent}.. image:: {small}\n{indent}   :target: {large}\n{indent}   :alt: {name}"

    return re.sub(rf"^( *){re.escape(_MARK)} (.*)\.$", describe, page, flags=re.MULTILINE)
