# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Artists of figures of images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.patheffects import Normal, withStroke
from matplotlib.text import Text

from lsst.analysis.cp.actions.plot.polygons import (
    drawFrames,
    drawHatched,
    drawPolygons,
    gapKey,
    writeNearby,
)
from lsst.analysis.cp.actions.plot.style import (
    FAILING,
    NO_DATA,
    NO_VALUE,
    NOT_REQUESTED,
    OUTLINE,
    UNDER,
)
from lsst.analysis.cp.actions.plot.text import formatNumber
from lsst.analysis.cp.core.typing import FloatArray

from .gaps import innerSides, moveSides
from .marks import GLYPH_ASPECT, Names, overlapOf, placeNumbers
from .pixelImage import PixelImage
from .scale import GAP, MASKED, SIGNIFICANT, ImageScale, ImageStyle, imageColours
from .view import ImageView

__all__ = ["ImageArtists", "drawImage", "drawProjections"]

_RING = 9.5
"""Largest diameter of the rings around structures, points."""

_INSET = 0.45
"""Distance of names from the corners that they name, in sizes of the letters."""

_STRESSED = 0.9
"""Width of the outlines of detectors with a failure, points."""


@dataclass(frozen=True, eq=False)
class ImageArtists:
    """What `drawImage` has drawn; None and empty where there was nothing to draw.

    Parameters
    ----------
    pixels
        The image.
    missing, masked
        Detectors without an image, and amplifiers without a value; each is one compound path.
    notRequested
        Outlines of detectors that nobody asked for.
    outlines
        Outlines of the others, and of those with a failure once more.
    ampOutlines
        Lines between amplifiers.
    failing
        Frames of failing amplifiers and detectors, one collection a stroke.
    names
        Names on the image.
    marks
        Rings around structures.
    numbers
        Their numbers.
    key
        Handles for a legend of what occurs.
    """

    pixels: PixelImage
    missing: PathPatch | None
    masked: PathPatch | None
    notRequested: tuple[PolyCollection, ...]
    outlines: tuple[PolyCollection, ...]
    ampOutlines: LineCollection
    failing: tuple[PolyCollection, ...]
    names: tuple[Text, ...]
    marks: PathCollection | None
    numbers: tuple[Text, ...]
    key: tuple[Artist, ...]


def drawImage(ax: Axes, view: ImageView, style: ImageStyle) -> ImageArtists:
    """Draw pixels, outlines, frames, marks and names on axes whose limits and place are set."""
    frame = view.frame
    ax.set(xlabel=frame.axisLabels[0], ylabel=frame.axisLabels[1], facecolor=GAP)
    ax.tick_params(labelsize=8)
    if view.message:
        box = {"facecolor": "white", "edgecolor": OUTLINE}
        ax.text(0.5, 0.6, view.message, transform=ax.transAxes, ha="center", fontsize=12, bbox=box, zorder=9)
    # Pixels without a value are transparent.
    drawPolygons(ax, frame.detectorCorners[frame.shown], facecolor=MASKED, edgecolor="none", zorder=0)
    norm, colour_map = imageColours(view.scale, style)
    pixels = PixelImage(view.image, frame.extent, norm, colour_map, zorder=1)
    ax.add_artist(pixels)
    names: list[Text] = []
    rings = _ringBoxes(ax, view)
    for on_pixels in (view.names, view.ampNames):
        names += _drawNames(ax, on_pixels, rings, style.ink, style.halo, 0.16)
    for on_gaps in view.gapNames:
        names += _drawNames(ax, on_gaps, rings, OUTLINE, "#ffffff", 0.6)
    marks, numbers = _drawMarks(ax, view, style)
    return ImageArtists(
        pixels=pixels,
        missing=drawHatched(ax, frame.detectorCorners[view.gaps.missing], NO_DATA, zorder=1.5),
        masked=drawHatched(ax, frame.ampCorners[view.gaps.maskedAmps], NO_VALUE, zorder=1.5),
        notRequested=drawFrames(
            ax, frame.detectorCorners[frame.notRequested], [(NOT_REQUESTED, 0.4)], zorder=0.5
        ),
        outlines=_drawOutlines(ax, view),
        ampOutlines=_drawAmpOutlines(ax, view, style),
        failing=_drawFailing(ax, view),
        names=tuple(names),
        marks=marks,
        numbers=numbers,
        key=_makeKey(view, style),
    )


def _drawOutlines(ax: Axes, view: ImageView) -> tuple[PolyCollection, ...]:
    """Draw the outlines of detectors around their pixels, not on them; those with a failure stand out."""
    frame = view.frame
    # Pixels of a mosaic may be half of their size off.
    slack = min(0.5 * frame.pixelSides[0], _pagePixel(ax) * _unitsPerPoint(ax))
    width = max(_pagePixel(ax), 0.4)
    around = moveSides(frame.detectorCorners[frame.shown], 0.5 * width * _unitsPerPoint(ax) + slack)
    outlines = drawFrames(ax, around, [(OUTLINE, width)], zorder=2.0)
    if frame.shown.sum() == 1:
        return outlines
    failing = view.failures.detectors.copy()
    failing[frame.geometry.layout.ampDetector[view.failures.amps]] = True
    around = moveSides(frame.detectorCorners[failing], 0.5 * _STRESSED * _unitsPerPoint(ax) + slack)
    return outlines + drawFrames(ax, around, [(FAILING, _STRESSED)], zorder=2.1)


def _drawAmpOutlines(ax: Axes, view: ImageView, style: ImageStyle) -> LineCollection:
    """Draw the lines between amplifiers, once; pixels under them show through."""
    frame, gaps = view.frame, view.gaps
    drawn = (frame.shown & ~gaps.missing & ~gaps.masked)[frame.geometry.layout.ampDetector]
    lines = innerSides(frame, np.flatnonzero(drawn))
    width = float(np.clip(0.01 * _side(ax, frame.ampCorners[drawn]), _pagePixel(ax), 0.6))
    collection = LineCollection(
        list(lines), colors=style.ampOutline, linewidths=width, alpha=0.35, zorder=1.8
    )
    ax.add_collection(collection, autolim=False)
    return collection


def _drawFailing(ax: Axes, view: ImageView) -> tuple[PolyCollection, ...]:
    """Frame what failed, on its inside, so that neighbours can be told apart."""
    amps, detectors = view.failures.amps, view.failures.detectors
    corners = np.concatenate([view.frame.ampCorners[amps], view.frame.detectorCorners[detectors]])
    side = _side(ax, corners)
    width = float(np.clip(0.05 * side, 0.5, 2.0))
    # A halo would cover much of an amplifier that is narrow on the page.
    strokes = [("white", 1.5 * width), (FAILING, width)] if side > 20 else [(FAILING, width)]
    # Not under the beds of names.
    inside = moveSides(corners, -0.5 * strokes[0][1] * _unitsPerPoint(ax))
    return drawFrames(ax, inside, strokes, zorder=5.5)


def _bed(colour: str) -> dict[str, Any]:
    """Return the looks of what lies under letters, so that noise does not drown them."""
    return {"facecolor": colour, "edgecolor": "none", "alpha": 0.7, "boxstyle": "square,pad=0.12"}


def _drawNames(
    ax: Axes, names: Names, rings: FloatArray, ink: str, halo: str, haloWidth: float
) -> tuple[Text, ...]:
    """Write names on a bed that quiets noise, with a halo whose width is given in sizes of the letters.

    Where names stand, `_nameBoxes` says.
    """
    written = []
    boxes, scale = _nameBoxes(ax, names, rings), _unitsPerPoint(ax)
    for text, position, points, box in zip(names.texts, names.positions, names.points, boxes, strict=True):
        inset = box[3] - _INSET * points if names.atTop else box[2] + _INSET * points
        up = inset - position[1] / scale
        written.append(
            writeNearby(
                ax,
                text,
                position,
                (_INSET * points, up),
                (halo, haloWidth * points),
                fontsize=points,
                color=ink,
                bbox=_bed(halo),
                zorder=5,
                ha="left",
                va="top" if names.atTop else "bottom",
            )
        )
    return tuple(written)


def _drawMarks(
    ax: Axes, view: ImageView, style: ImageStyle
) -> tuple[PathCollection | None, tuple[Text, ...]]:
    """Ring structures and number them, where a number covers no name and no other mark if possible."""
    positions = view.structures.positions
    if len(positions) == 0:
        return None, ()
    diameter = _ringDiameter(ax, view)
    points = 0.7 * diameter
    looks: dict[str, Any] = {"facecolor": "none", "edgecolor": style.mark, "linewidth": 0.8}
    marks = ax.scatter(positions[:, 0], positions[:, 1], s=diameter**2, marker="o", zorder=4, **looks)
    marks.set_path_effects([withStroke(linewidth=2.0, foreground=style.markHalo), Normal()])
    numbers = view.structures.numbers
    rings, names = _ringBoxes(ax, view), (view.names, view.ampNames, *view.gapNames)
    taken = np.concatenate([_nameBoxes(ax, own, rings) for own in names])
    corners = placeNumbers(rings, numbers, points, taken)
    lettering = {
        "bbox": _bed(style.markHalo),
        "fontsize": points,
        "color": style.mark,
        "zorder": 6,
        "annotation_clip": True,
    }
    shift = 0.4 * diameter
    written = [
        writeNearby(
            ax,
            text,
            position,
            (shift * right, shift * up),
            (style.markHalo, 1.4),
            ha="left" if right > 0 else "right",
            va="bottom" if up > 0 else "top",
            **lettering,
        )
        for text, position, (right, up) in zip(numbers, positions, corners, strict=True)
    ]
    return marks, tuple(written)


def _ringDiameter(ax: Axes, view: ImageView) -> float:
    """Return the diameter of the rings around structures, points; on small detectors they are smaller."""
    return float(np.clip(0.15 * _side(ax, view.frame.detectorCorners[view.frame.shown]), 5.0, _RING))


def _ringBoxes(ax: Axes, view: ImageView) -> FloatArray:
    """Return the boxes (left, right, bottom, top) of the rings around structures, points; shape (n, 4)."""
    half = 0.5 * _ringDiameter(ax, view)
    boxes: FloatArray = (view.structures.positions / _unitsPerPoint(ax))[:, [0, 0, 1, 1]]
    return boxes + half * np.array([-1, 1, -1, 1])


def _nameBoxes(ax: Axes, names: Names, rings: FloatArray) -> FloatArray:
    """Return the boxes (left, right, bottom, top) that names cover, points; shape (n, 4).

    A name that would cover one of the rings, boxes of shape (m, 4), is moved past it.
    """
    if not names.texts:
        return np.empty((0, 4))
    x, y = (names.positions / _unitsPerPoint(ax)).T
    width = names.points * (2 * _INSET + GLYPH_ASPECT * np.char.str_len(names.texts))
    height = (1.0 + 2 * _INSET) * names.points
    boxes = np.stack([x, x + width, *((y - height, y) if names.atTop else (y, y + height))], axis=1)
    for box in boxes:
        covered = rings[overlapOf(rings, box) > 0]
        if len(covered):
            box[2:] += covered[:, 2].min() - box[3] if names.atTop else covered[:, 3].max() - box[2]
    return boxes


def _makeKey(view: ImageView, style: ImageStyle) -> tuple[Artist, ...]:
    """Make handles for a legend of what occurs on the image."""
    no_data = "detectors without an image", int(view.gaps.missing.sum())
    no_value = "amplifiers without a value", int(view.gaps.maskedAmps.sum())
    handles: list[Artist] = [*gapKey(no_data, no_value)]
    if count := int(view.frame.notRequested.sum()):
        label = f"detectors not requested: {count}"
        handles.append(Patch(facecolor=GAP, edgecolor=NOT_REQUESTED, label=label))
    if view.gaps.nPixels:
        handles.append(Patch(facecolor=MASKED, label=f"pixels without a value: {view.gaps.nPixels}"))
    if count := view.failures.count:
        label = f"failing a test: {count}"
        handles.append(Patch(facecolor="none", edgecolor=FAILING, linewidth=2, label=label))
    if count := len(view.structures.positions):
        ring = Line2D([], [], linestyle="", marker="o", markersize=9, markerfacecolor="none")
        ring.set(markeredgecolor="black", label=f"marked structures: {count}")
        handles.append(ring)
    return (*handles, *_makeScaleKey(view.scale, style))


def _makeScaleKey(scale: ImageScale, style: ImageStyle) -> list[Artist]:
    """Make handles for pixels beyond the scale, or above the threshold of a significance."""
    limits = scale.limits
    rows = [
        (limits.nAbove, "above", limits.high, style.over),
        (limits.nBelow, "below", limits.low, UNDER),
    ]
    if scale.colourMap == "significance" and scale.threshold is not None:
        rows = [(scale.nDetected, "above", scale.threshold, SIGNIFICANT)]
    return [
        Patch(
            facecolor=colour,
            edgecolor="0.5",
            linewidth=0.5,
            label=f"pixels {word} {formatNumber(value, 4)}: {count}",
        )
        for count, word, value, colour in rows
        if count
    ]


def drawProjections(columnAx: Axes, rowAx: Axes, view: ImageView) -> tuple[list[Artist], list[Artist]]:
    """Draw the reduced columns above the image and the rows to its right, on axes that share its x and y.

    ValueError is raised if the view has none.
    """
    if view.projections is None:
        raise ValueError("The view has no projections.")
    projections, (left, right, bottom, top) = view.projections, view.frame.extent
    columns = _drawProjection(columnAx, projections.columns, (left, right), projections.columnLimits)
    rows = _drawProjection(rowAx, projections.rows, (bottom, top), projections.rowLimits, upright=True)
    columnAx.set_ylim(projections.columnLimits)
    rowAx.set_xlim(projections.rowLimits)
    columnAx.tick_params(labelbottom=False)
    rowAx.tick_params(labelleft=False, axis="y")
    rowAx.tick_params(axis="x", rotation=90)
    columnAx.set_ylabel(projections.label, fontsize=7.5)
    rowAx.set_xlabel(projections.label, fontsize=7.5)
    return columns, rows


def _drawProjection(
    ax: Axes,
    values: FloatArray,
    ends: tuple[float, float],
    limits: tuple[float, float],
    *,
    upright: bool = False,
) -> list[Artist]:
    """Draw values as steps between two ends of an axis, the vertical one if upright; mark those beyond."""
    bins = np.linspace(*ends, len(values) + 1)
    centres = 0.5 * (bins[:-1] + bins[1:])
    orientation: Literal["horizontal", "vertical"] = "horizontal" if upright else "vertical"
    artists: list[Artist] = [
        ax.stairs(values, bins, baseline=None, orientation=orientation, color="#0b3c5d", linewidth=0.7)
    ]
    for beyond, end, markers in (
        (values > limits[1], limits[1], "^>"),
        (values < limits[0], limits[0], "v<"),
    ):
        if beyond.any():
            at = centres[beyond], np.full(beyond.sum(), end)
            x, y = at[::-1] if upright else at
            looks: dict[str, Any] = {"s": 14, "marker": markers[upright], "color": FAILING, "zorder": 5}
            artists.append(ax.scatter(x, y, clip_on=False, **looks))
    ax.tick_params(labelsize=7)
    ax.grid(alpha=0.3, linewidth=0.5)
    return artists


def _pagePixel(ax: Axes) -> float:
    """Return the size of a pixel of the page, points."""
    return 72.0 / float(ax.figure.dpi)


def _unitsPerPoint(ax: Axes) -> float:
    """Return the length of a point in the unit of the axes."""
    low, high = ax.get_xlim()
    return abs(high - low) / (float(ax.bbox.width) * _pagePixel(ax))


def _side(ax: Axes, corners: FloatArray) -> float:
    """Return the shorter side of typical polygons, points."""
    if len(corners) == 0:
        return 0.0
    side = np.linalg.norm(np.diff(corners[:, :3], axis=1), axis=2).min(axis=1)
    return float(np.median(side)) / _unitsPerPoint(ax)
