# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What is marked on an image, from tables: failures and structures; and the names on it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.table import Table

from lsst.analysis.cp.actions.plot.text import formatNumber, plural
from lsst.analysis.cp.core.columns import floatColumn
from lsst.analysis.cp.core.geometry import FocalPlaneGeometry
from lsst.analysis.cp.core.structures import TRANSIENT_KINDS
from lsst.analysis.cp.core.typing import BoolArray, FloatArray, NameArray

from .frame import IMAGE_INCHES, ImageFrame
from .gaps import AmpGaps

__all__ = [
    "GLYPH_ASPECT",
    "Failures",
    "Names",
    "StructureMarks",
    "kindInWords",
    "nameRaft",
    "overlapOf",
    "placeNames",
    "placeNumbers",
    "readFailures",
    "readReasons",
    "readStructures",
]

GLYPH_ASPECT = 0.62
"""Width of a typical letter, in sizes of the letters."""
_SHARE, _NARROW_SHARE = 0.45, 0.8
"""Shares of a typical and of a narrow width that a name may take: most of the pixels stay uncovered."""

_MOST_POINTS = 8.0
_LEAST_AMP_POINTS = 4.0


@dataclass(frozen=True, eq=False)
class Failures:
    """Amplifiers and detectors that failed tests.

    Parameters
    ----------
    amps
        Amplifiers that failed; shape (nAmp,).
    detectors
        Detectors that failed as a whole; shape (nDet,).
    lines
        Name and tests of each, amplifiers after their detector.
    """

    amps: BoolArray
    detectors: BoolArray
    lines: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """Number of amplifiers and detectors that failed."""
        return int(self.amps.sum() + self.detectors.sum())

    @property
    def headline(self) -> str:
        """How many failed, in words; empty if none did."""
        n_amps, n_detectors = int(self.amps.sum()), int(self.detectors.sum())
        words = [f"{plural(n_amps, 'amplifier')} failed"] if n_amps else []
        if n_detectors:
            words.append(f"{plural(n_detectors, 'detector')} failed as a whole")
        return ", ".join(words)


@dataclass(frozen=True, eq=False)
class StructureMarks:
    """Structures to mark, in order of their rank; events, such as cosmic rays, are only counted.

    Parameters
    ----------
    positions
        Their centres in the unit of the axes; shape (n, 2).
    lines
        Number, kind, detector, amplifier, score, and place in pixels of the detector of each.
    total
        Number of structures that were found, without events.
    nEvents
        Number of events.
    """

    positions: FloatArray
    lines: tuple[str, ...]
    total: int
    nEvents: int

    @property
    def numbers(self) -> tuple[str, ...]:
        """Numbers of the lines, for the marks."""
        return tuple(str(i + 1) for i in range(len(self.lines)))


@dataclass(frozen=True, eq=False)
class Names:
    """Names on the image.

    Parameters
    ----------
    texts
        The names.
    positions
        Left corners of what is named, in the unit of the axes; shape (n, 2).
    points
        Size of the letters of each, points; shape (n,).
    atTop
        Whether the corners are the upper or the lower ones.
    """

    texts: tuple[str, ...]
    positions: FloatArray
    points: FloatArray
    atTop: bool = True


_NO_NAMES = Names((), np.zeros((0, 2)), np.zeros(0))


def readFailures(data: Mapping[str, Any], geometry: FocalPlaneGeometry, shown: BoolArray) -> Failures:
    """Find the amplifiers and detectors that failed from the table ``culprits`` of `ImagePlot`, if any.

    Detectors that are not ``shown``, shape (nDet,), are left out. The lines name the detectors only where
    more than one is shown. ValueError is raised if the table lacks a column, or a detector or amplifier is
    not in the camera.
    """
    layout = geometry.layout
    table = _readTable(data, "culprits", ("detector", "amplifier", "test"))
    if table is None:
        return Failures(np.zeros(layout.nAmps, bool), np.zeros(layout.nDetectors, bool))
    detector = geometry.detectorIndex(table["detector"])
    amp = geometry.layout.ampIndex(table["detector"], table["amplifier"])
    several = shown.sum() > 1
    tests: dict[tuple[int, int], dict[str, None]] = {}
    for i in np.lexsort((amp, detector)):
        if detector[i] >= 0 and shown[detector[i]]:
            tests.setdefault((detector[i], amp[i]), {})[str(table["test"][i])] = None
    names = [
        (f"{layout.detectorName[own]} " if several else "")
        + (str(layout.ampName[a]) if a >= 0 else "detector")
        for own, a in tests
    ]
    width = max(map(len, names), default=0)
    return Failures(
        np.isin(np.arange(layout.nAmps), [a for _, a in tests]),
        np.isin(np.arange(layout.nDetectors), [own for own, a in tests if a < 0]),
        tuple(f"{name:<{width}}  {' '.join(own)}" for name, own in zip(names, tests.values(), strict=True)),
    )


def readStructures(data: Mapping[str, Any], frame: ImageFrame, nListed: int) -> StructureMarks:
    """Find the structures to mark from the table ``structures`` of `ImagePlot`, if any: the first by rank.

    Structures of detectors that are not on the image are left out. ValueError is raised if the table lacks a
    column.
    """
    words, several = ("detectorName", "amplifier"), frame.shown.sum() > 1
    needed = dict.fromkeys(("rank", "kind", *words, "x", "y", *frame.markColumns, "score", "nFound"))
    table = _readTable(data, "structures", tuple(needed))
    if table is None:
        return StructureMarks(np.zeros((0, 2)), (), 0, 0)
    names = frame.geometry.layout.detectorName[frame.shown]
    table = table[np.isin(np.asarray(table["detectorName"]), names)]
    transient = np.isin(np.asarray(table["kind"], dtype=str), TRANSIENT_KINDS)
    marked = table[~transient]
    marked = marked[np.argsort(marked["rank"], kind="stable")][:nListed]
    columns = [[kindInWords(kind) for kind in marked["kind"]]]
    columns += [[str(word) for word in marked[column]] for column in words[0 if several else 1 :]]
    columns.append([f"{formatNumber(float(score), 3)} σ" for score in marked["score"]])
    columns.append([f"{x:.0f} {y:.0f}" for x, y in marked["x", "y"].iterrows()])
    padded = [[f"{word:<{max(map(len, column))}}" for word in column] for column in columns if column]
    lines = [f"{i:>2} {'  '.join(row)}".rstrip() for i, row in enumerate(zip(*padded, strict=True), start=1)]
    positions = np.column_stack([floatColumn(marked[column], column) for column in frame.markColumns])
    # The table has only the strongest of some kinds; ``nFound`` counts all of a kind and detector.
    counts = []
    for rows in (~transient, transient):
        found: Iterable[tuple[str, str, int]] = table[rows].iterrows("detectorName", "kind", "nFound")
        counts.append(int(sum({(detector, kind): count for detector, kind, count in found}.values())))
    return StructureMarks(positions @ frame.matrix.T + frame.offset, tuple(lines), *counts)


def nameRaft(names: Sequence[str]) -> str:
    """Return the raft of detectors, what their names have before an underscore; empty if it is not one."""
    rafts = {name.partition("_")[0] for name in names}
    return rafts.pop() if len(rafts) == 1 else ""


def kindInWords(kind: object) -> str:
    """Write a kind of structure in words: ``deadAmplifier`` is a dead amplifier."""
    return re.sub("[A-Z]", lambda letter: f" {letter.group().lower()}", str(kind))


def readReasons(data: Mapping[str, Any], geometry: FocalPlaneGeometry) -> dict[int, str]:
    """Find why detectors are missing, by their position in the camera, from the table ``missing``, if any.

    ValueError is raised if the table lacks a column, or a detector is not in the camera.
    """
    table = _readTable(data, "missing", ("detector", "reason"))
    if table is None:
        return {}
    return dict(
        zip(geometry.detectorIndex(table["detector"]).tolist(), map(str, table["reason"]), strict=True)
    )


def _readTable(data: Mapping[str, Any], key: str, columns: tuple[str, ...]) -> Table | None:
    """Return a table that has some columns; None if there is none."""
    if key not in data:
        return None
    table: Table = data[key]
    if absent := [column for column in columns if column not in table.colnames]:
        raise ValueError(f"The table {key!r} lacks {', '.join(absent)}; it has {', '.join(table.colnames)}")
    return table


def placeNames(frame: ImageFrame, gaps: AmpGaps) -> tuple[Names, Names, tuple[Names, Names]]:
    """Name detectors and amplifiers with pixels; and those without, of both.

    Names of detectors lie in their upper left corners, and those of amplifiers in the lower ones.
    """
    several, of_amps = frame.shown.sum() > 1, frame.geometry.layout.ampDetector
    has_pixels = frame.shown & ~gaps.missing & ~gaps.masked
    # The name of a detector without pixels stands for those of its amplifiers; a single one is in the
    # headline already.
    named = has_pixels & several
    unnamed = frame.shown & ~has_pixels if several else gaps.missing
    amp_unnamed = gaps.maskedAmps & (has_pixels | (not several))[of_amps]
    return (
        _nameDetectors(frame, named),
        _nameAmplifiers(frame, has_pixels[of_amps] & ~gaps.maskedAmps),
        (_nameDetectors(frame, unnamed), _nameAmplifiers(frame, amp_unnamed)),
    )


def _nameDetectors(frame: ImageFrame, named: BoolArray) -> Names:
    return _name(frame, frame.geometry.layout.detectorName[named], frame.detectorCorners[named], atTop=True)


def _nameAmplifiers(frame: ImageFrame, named: BoolArray) -> Names:
    """Name amplifiers, if there is room."""
    names = _name(frame, frame.geometry.layout.ampName[named], frame.ampCorners[named], atTop=False)
    return names if names.points.min(initial=_MOST_POINTS) >= _LEAST_AMP_POINTS else _NO_NAMES


def _name(frame: ImageFrame, texts: NameArray, corners: FloatArray, *, atTop: bool) -> Names:
    if len(texts) == 0:
        return _NO_NAMES
    left, right, bottom, top = frame.extent
    points_per_unit = IMAGE_INCHES * 72 / max(right - left, top - bottom)
    width = np.ptp(corners[:, :, 0], axis=1) * points_per_unit
    fitting = width / (GLYPH_ASPECT * np.char.str_len(texts))
    # All letters have one size, which suits a typical width, except those on what is too narrow for it.
    points = np.minimum(np.minimum(_SHARE * np.median(fitting), _NARROW_SHARE * fitting), _MOST_POINTS)
    y = corners[:, :, 1].max(axis=1) if atTop else corners[:, :, 1].min(axis=1)
    return Names(tuple(texts.tolist()), np.column_stack([corners[:, :, 0].min(axis=1), y]), points, atTop)


def overlapOf(boxes: FloatArray, box: FloatArray) -> FloatArray:
    """Return the areas that boxes (left, right, bottom, top), shape (n, 4), share with a box; shape (n,)."""
    sides = np.minimum(boxes[:, 1::2], box[1::2]) - np.maximum(boxes[:, ::2], box[::2])
    shared: FloatArray = np.prod(np.maximum(sides, 0), axis=1)
    return shared


def placeNumbers(
    rings: FloatArray, numbers: Sequence[str], points: float, taken: FloatArray
) -> list[tuple[int, int]]:
    """Choose the corner of each ring at which its number stands.

    It is the first, from the upper right one on, where the number covers least of names, of other rings and
    of their numbers.

    Parameters
    ----------
    rings
        Boxes (left, right, bottom, top) of the rings, points; shape (n, 4).
    numbers
        Their numbers.
    points
        Size of the letters, points.
    taken
        Boxes of names, points; shape (m, 4).

    Returns
    -------
    corners
        For each ring, 1 where the number is to the right, -1 to the left; and 1 above, -1 below.
    """
    chosen = []
    for i, (ring, number) in enumerate(zip(rings, numbers, strict=True)):
        others = np.concatenate([taken, np.delete(rings, i, axis=0)])
        inset, width = 0.1 * (ring[1] - ring[0]), GLYPH_ASPECT * points * len(number)
        right, left = ring[1] - inset + np.array([0, width]), ring[0] + inset - np.array([width, 0])
        above, below = ring[3] - inset + np.array([0, points]), ring[2] + inset - np.array([points, 0])
        sides = (
            ((1, 1), right, above),
            ((1, -1), right, below),
            ((-1, 1), left, above),
            ((-1, -1), left, below),
        )
        covered = [overlapOf(others, np.concatenate([x, y])).sum() for _, x, y in sides]
        corner, x, y = sides[int(np.argmin(covered))]
        chosen.append(corner)
        taken = np.concatenate([taken, [[*x, *y]]])
    return chosen
