# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Maps of a camera as SVG: a path for each detector, or each amplifier, with a link, a title and a sign."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup, escape

from lsst.analysis.cp.core.amps import FAILED, UNKNOWN
from lsst.analysis.cp.core.typing import FlagArray, FloatArray, IndexArray

from .status import LOOKS

__all__ = ["LEGEND", "makeMap", "makeSketch"]

_LETTERS = {FAILED: "F", UNKNOWN: "?"}

LEGEND = Markup(
    '<p class="legend">'
    + " ".join(
        f'<span><svg width="22" height="16" aria-hidden="true"><rect width="22" height="16" '
        f'fill="url(#pat-{look.style})"/></svg> {look.word}'
        + (f" ({_LETTERS[code]})" if code in _LETTERS else "")
        + "</span>"
        for code, look in LOOKS.items()
    )
    + "</p>"
)
"""What the patterns and letters of a map stand for."""


def makeMap(
    label: str,
    corners: FloatArray,
    status: FlagArray,
    addresses: Sequence[str],
    titles: Sequence[str],
    *,
    names: Sequence[str] = (),
    outlines: FloatArray | None = None,
    outlineNames: Sequence[str] = (),
    style: str = "",
) -> Markup:
    """Draw a map.

    Parameters
    ----------
    label
        What it shows.
    corners
        Corners of the members, mm on the focal plane, shape (n, 4, 2).
    status
        Their status codes, shape (n,).
    addresses, titles
        Where each leads, and what it is; n each.
    names
        Short names that are written on the members; none if empty.
    outlines
        Corners of what is outlined, shape (m, 4, 2); nothing by default.
    outlineNames
        Names that are written into the lower left corners of what is outlined.
    style
        Class of the style sheet.

    Returns
    -------
    map
        Markup. Members that are not good come first for the keyboard.
    """
    points = corners * [1.0, -1.0]
    low, high = points.min(axis=(0, 1)), points.max(axis=(0, 1))
    width, height = (high - low).tolist()
    pad = 0.01 * max(width, height)
    box = f"{low[0] - pad:.1f} {low[1] - pad:.1f} {width + 2 * pad:.1f} {height + 2 * pad:.1f}"
    centres = points.mean(axis=1).tolist()
    size = min(0.55 * float(np.min(np.ptp(points, axis=1), initial=np.inf)), 0.1 * max(width, height))
    parts = [
        f'<svg class="map {style}" viewBox="{box}" role="group" aria-label="{escape(label)}" '
        f'font-size="{size:.1f}" stroke-width="{0.002 * max(width, height):.2f}">'
    ]
    paths = _pathsOf(points)
    for code, look in LOOKS.items():
        if len(members := np.flatnonzero(status == code)):
            parts.append(f'<g class="{look.style}" fill="url(#pat-{look.style})">')
            parts += [
                f'<a href="{escape(addresses[i])}"><title>{escape(titles[i])}</title><path d="{paths[i]}"/>'
                + _label(centres[i], names[i] if names else "", _LETTERS.get(code, ""), size)
                + "</a>"
                for i in members.tolist()
            ]
            parts.append("</g>")
    if outlines is not None:
        parts.append(f'<path class="outline" d="{"".join(_pathsOf(outlines * [1.0, -1.0]))}"/>')
        parts += [
            f'<text class="corner" x="{x + 0.2 * size:.1f}" y="{y - 0.5 * size:.1f}">{escape(name)}</text>'
            for (x, y), name in zip(_lowerLeft(outlines), outlineNames, strict=False)
        ]
    parts.append("</svg>")
    return Markup("".join(parts))


def _label(centre: list[float], name: str, letter: str, size: float) -> str:
    """Write a letter at a place, and the name below it."""
    if not letter and not name:
        return ""
    x, y = centre
    text = f'<text x="{x:.1f}" y="{y:.1f}">{letter}</text>' if letter else ""
    if name:
        below = 1.0 if letter else 0.0
        text += (
            f'<text x="{x:.1f}" y="{y + below * size:.1f}" font-size="{0.4 * size:.1f}" class="name">'
            f"{escape(name)}</text>"
        )
    return text


def _lowerLeft(corners: FloatArray) -> list[list[float]]:
    """Find the lower left corners of boxes about members, with y downwards."""
    found: list[list[float]] = (corners.min(axis=1) * [1.0, -1.0]).tolist()
    return found


def makeSketch(label: str, corners: FloatArray, status: FlagArray) -> Markup:
    """Draw a small map without links: one path for each status.

    Parameters
    ----------
    label, corners, status
        As of `makeMap`.

    Returns
    -------
    sketch
        Markup.
    """
    points = corners * [1.0, -1.0]
    low, high = points.min(axis=(0, 1)), points.max(axis=(0, 1))
    width, height = (high - low).tolist()
    paths = _pathsOf(points, 0)
    parts = [
        f'<path class="{look.style}" fill="url(#pat-{look.style})" d="{"".join(_take(paths, members))}"/>'
        for code, look in LOOKS.items()
        if len(members := np.flatnonzero(status == code))
    ]
    return Markup(
        f'<svg class="sketch" viewBox="{low[0]:.0f} {low[1]:.0f} {width:.0f} {height:.0f}" role="img" '
        f'aria-label="{escape(label)}" stroke-width="{0.004 * max(width, height):.2f}">{"".join(parts)}</svg>'
    )


def _take(paths: list[str], members: IndexArray) -> list[str]:
    return [paths[i] for i in members.tolist()]


def _pathsOf(points: FloatArray, digits: int = 2) -> list[str]:
    """Write closed lines through corners."""
    rounded = np.round(points, digits).tolist()
    return [f"M{' '.join(f'{x:g} {y:g}' for x, y in corners)}z" for corners in rounded]
