# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The artists of a figure, ready-made, to be drawn again by plain matplotlib at the same places."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.cm import ScalarMappable
from matplotlib.collections import Collection, PolyCollection, QuadMesh
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.scale import SymmetricalLogTransform
from matplotlib.ticker import NullFormatter

from lsst.utils.plotting import make_figure

__all__ = ["recordFigure"]

type _Step = Callable[[Axes], Any]
"""Draws something on axes."""


def recordFigure(like: Figure) -> Callable[[], Figure]:
    """Collect the artists of a figure that was drawn.

    Parameters
    ----------
    like
        The figure.

    Returns
    -------
    make
        Makes a figure of the same size and resolution with the same artists.
    """
    size = like.get_size_inches()
    panels = [(ax.get_position(), list(_recordAxes(ax))) for ax in like.axes]
    texts = [
        (*text.get_position(), text.get_text(), {name: getattr(text, f"get_{name}")() for name in _TEXT})
        for text in like.texts
    ]
    legends = [_recordLegend(legend) for legend in like.legends]

    def make() -> Figure:
        figure = make_figure(figsize=size, dpi=like.dpi)
        for place, steps in panels:
            ax = figure.add_axes(place)
            for step in steps:
                step(ax)
        for legend in legends:
            figure.legend(**legend)
        for x, y, text, looks in texts:
            figure.text(x, y, text, **looks)
        return figure

    return make


def _recordAxes(like: Axes) -> Iterator[_Step]:
    """List how to draw what axes have: the artists first, and then the axes themselves."""
    if _findSolids(like):
        yield _recordScale(like)
    else:
        for collection in like.collections:
            yield _recordCollection(collection)
    for line in like.lines:
        looks = {name: getattr(line, f"get_{name}")() for name in _LINE}
        yield partial(_drawLine, like, line.get_transform(), *line.get_data(), looks)
    for patch in like.patches:
        path = patch.get_patch_transform().transform_path(patch.get_path())
        looks = {name: getattr(patch, f"get_{name}")() for name in _PATCH}
        yield partial(_drawPatch, like, patch.get_data_transform(), path, looks)
    for image in like.images:
        looks = {"norm": image.norm, "cmap": image.cmap, "origin": image.origin, "aspect": like.get_aspect()}
        yield partial(Axes.imshow, X=image.get_array(), interpolation=image.get_interpolation(), **looks)
    for text in like.texts:
        looks = {name: getattr(text, f"get_{name}")() for name in _TEXT}
        looks["bbox"] = {"pad": 1.0} if text.get_bbox_patch() else None
        yield partial(_drawText, like, text.get_transform(), *text.get_position(), text.get_text(), looks)
    if legend := like.get_legend():
        yield partial(Axes.legend, ncols=legend._ncols, **_recordLegend(legend))
    yield _recordFrame(like)


_LINE = ("color", "linewidth", "linestyle", "marker", "markersize", "zorder")
_PATCH = ("facecolor", "edgecolor", "linewidth", "hatch", "zorder")
_TEXT = ("fontproperties", "va", "ha", "rotation")
_COLLECTION = ("edgecolor", "linewidth", "zorder")
"""Properties that are taken over."""


def _recordLegend(legend: Any) -> dict[str, Any]:
    """Collect the arguments of a legend."""
    labels = [text.get_text() for text in legend.get_texts()]
    size = legend.get_texts()[0].get_fontsize()
    return {"handles": legend.legend_handles, "labels": labels, "loc": "upper left", "fontsize": size}


def _findSolids(like: Axes) -> list[QuadMesh]:
    """Find the colours of a scale of colours; no other axes have such."""
    return [mesh for mesh in like.collections if isinstance(mesh, QuadMesh)]


def _recordScale(like: Axes) -> _Step:
    """Say how to draw a scale of colours."""
    (solids,) = _findSolids(like)
    mappable = ScalarMappable(solids.norm, solids.cmap)
    return lambda ax: ax.figure.colorbar(mappable, cax=ax)


def _recordCollection(collection: Collection) -> _Step:
    """Say how to draw polygons, which have colours or values."""
    corners = [path.vertices for path in collection.get_paths()]
    looks = {name: getattr(collection, f"get_{name}")() for name in _COLLECTION}
    if (values := collection.get_array()) is not None:
        looks |= {"array": values, "norm": collection.norm, "cmap": collection.cmap}
    else:
        looks["facecolor"] = collection.get_facecolor()
    return lambda ax: ax.add_collection(PolyCollection(corners, **looks), autolim=False)


def _findTransform(like: Axes, transform: Any, ax: Axes) -> Any:
    """Find what a transform of other axes is on these."""
    if transform == like.transAxes:
        return ax.transAxes
    for direction in "xy":
        if transform == getattr(like, f"get_{direction}axis_transform")():
            return getattr(ax, f"get_{direction}axis_transform")()
    return ax.transData


def _drawLine(like: Axes, transform: Any, x: Any, y: Any, looks: dict[str, Any], ax: Axes) -> None:
    ax.plot(x, y, transform=_findTransform(like, transform, ax), **looks)


def _drawPatch(like: Axes, transform: Any, path: Any, looks: dict[str, Any], ax: Axes) -> None:
    ax.add_artist(PathPatch(path, transform=_findTransform(like, transform, ax), **looks))


def _drawText(
    like: Axes, transform: Any, x: float, y: float, text: str, looks: dict[str, Any], ax: Axes
) -> None:
    ax.text(x, y, text, transform=_findTransform(like, transform, ax), **looks)


def _describeScale(axis: Axis) -> dict[str, Any]:
    """Collect the arguments that set the scale of an axis."""
    scale = {"value": axis.get_scale()}
    transform = axis.get_transform()
    if isinstance(transform, SymmetricalLogTransform):
        scale["linthresh"] = transform.linthresh
    return scale


def _recordFrame(like: Axes) -> _Step:
    """Say how to give axes the title, scales, ends and ticks of others."""
    titles = {place: like.get_title(loc=place) for place in ("left", "center", "right")}
    looks = {name: getattr(like, f"get_{name}")() for name in ("xlabel", "ylabel", "aspect")}
    limits = {name: getattr(like, f"get_{name}")() for name in ("xlim", "ylim")}
    scales = {} if _findSolids(like) else {"x": _describeScale(like.xaxis), "y": _describeScale(like.yaxis)}
    hatch, colour = like.patch.get_hatch(), like.patch.get_facecolor()
    ticks = [
        (axis.get_majorticklocs(), [label.get_text() for label in axis.get_majorticklabels()])
        for axis in (like.xaxis, like.yaxis)
    ]
    shown = like.xaxis.get_tick_params() | like.yaxis.get_tick_params()
    sides = {name: shown.get(name, True) for name in ("labelbottom", "labelleft", "labelright")}
    rotation = shown.get("labelrotation", 0)

    def frame(ax: Axes) -> None:
        for place, title in titles.items():
            ax.set_title(title, fontsize=7, loc=place)
        ax.set(**looks)
        for name, scale in scales.items():
            getattr(ax, f"set_{name}scale")(**scale)
        ax.patch.set(hatch=hatch, facecolor=colour)
        for axis, (places, labels) in zip((ax.xaxis, ax.yaxis), ticks, strict=True):
            axis.set_ticks(places, labels=labels if any(labels) else None)
            axis.set_minor_formatter(NullFormatter())
        # Ticks widen an axis.
        ax.set(**limits)
        ax.tick_params(labelsize=7, length=2.5, direction="in", **sides)
        ax.tick_params(axis="x", rotation=rotation)

    return frame
