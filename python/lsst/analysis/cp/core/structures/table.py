# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Table of the structures of a detector."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from lsst.analysis.cp.core.typing import BoolArray, FloatArray, IndexArray, NameArray

from .significance import AmpSlices

__all__ = ["STRUCTURE_KINDS", "TRANSIENT_KINDS", "Structures", "joinStructures"]

STRUCTURE_KINDS = {
    "pixel": "a single pixel; a cosmic ray would share its charge with the neighbours",
    "column": "the mean of adjacent columns in an amplifier",
    "row": "the mean of adjacent rows in an amplifier",
    "cluster": "touching pixels, more than a cosmic ray would hit",
    "streak": "touching pixels along a line, longer than the track of a cosmic ray",
    "event": "a few touching pixels, or one whose neighbours are not seen: most are cosmic rays",
    "glow": "a part of an amplifier that differs from its level and gradient",
    "gradient": "a slope over an amplifier that differs from the detector's, or a slope over the detector",
    "rowPattern": "means of rows that scatter more than their pixels explain",
    "columnPattern": "means of columns that scatter more than their pixels explain",
    "offset": "an amplifier whose level differs from that of those beside it, by a step",
    "deadAmplifier": "an amplifier with nearly no noise",
}
"""What each kind of structure is."""

TRANSIENT_KINDS = ("event",)
"""Kinds of which a detector without any fault has many."""

_WHOLE_NUMBERS = {"amplifier", "width", "height", "nPixels", "nFound"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Structures:
    """Structures of a detector, one a row; all arrays have the shape (n,).

    Parameters
    ----------
    kind
        One of `STRUCTURE_KINDS`.
    amplifier
        Index of the amplifier; -1 for the whole detector.
    x, y
        Centre, in pixels of the detector; pixel centres are whole numbers, the lowest is 0.
    width, height
        Size of the box around it (pixels).
    nPixels
        Number of pixels that it is made of.
    score
        Significance (standard deviations), not negative.
    threshold
        Significance from which it is reported.
    amplitude
        Height, with its sign, in the unit of the image: the highest pixel of ``pixel``, ``cluster``,
        ``streak`` and ``event``, the mean of the strongest line of ``column`` and ``row``, that of the
        strongest box of ``glow``, the difference from end to end of ``gradient``, the standard deviation of
        the lines of ``rowPattern`` and ``columnPattern``, the median step to ``offset`` from the amplifiers
        beside it, the noise of ``deadAmplifier``.
    nFound
        Number of structures of this kind that the detector has, listed or not.
    """

    kind: NameArray
    amplifier: IndexArray
    x: FloatArray
    y: FloatArray
    width: IndexArray
    height: IndexArray
    nPixels: IndexArray
    score: FloatArray
    threshold: FloatArray
    amplitude: FloatArray
    nFound: IndexArray

    @classmethod
    def make(
        cls, kind: str | npt.ArrayLike, *, box: AmpSlices | None = None, **columns: npt.ArrayLike
    ) -> Structures:
        """Make rows from columns or single values, which are repeated.

        Parameters
        ----------
        kind
            Kind of each row.
        box
            Rows and columns of the image that all rows of the table fill, instead of ``x``, ``y``, ``width``
            and ``height``.
        columns
            The other columns by name; ``nFound`` is 1 if it is not given.

        Returns
        -------
        structures
            As many rows as the longest column.

        Raises
        ------
        ValueError
            Raised if the lengths of columns differ.
        TypeError
            Raised if a column is missing or unknown.
        """
        given: dict[str, npt.ArrayLike] = {"kind": np.asarray(kind, dtype=np.str_), "nFound": 1, **columns}
        if box is not None:
            for centre, size, span in (("y", "height", box[0]), ("x", "width", box[1])):
                given[centre] = (span.start + span.stop - 1) / 2
                given[size] = span.stop - span.start
        arrays = np.broadcast_arrays(*(np.atleast_1d(np.asarray(value)) for value in given.values()))
        typed: dict[str, Any] = {
            name: array.copy()
            if name == "kind"
            else array.astype(np.intp if name in _WHOLE_NUMBERS else np.float64)
            for name, array in zip(given, arrays, strict=True)
        }
        return cls(**typed)

    def __len__(self) -> int:
        return len(self.kind)

    def take(self, rows: IndexArray | BoolArray) -> Structures:
        """Take some rows.

        Parameters
        ----------
        rows
            Their indices, or True where they are taken.

        Returns
        -------
        structures
            These rows.
        """
        return Structures(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def select(self, *kinds: str) -> Structures:
        """Take the rows of some kinds.

        Parameters
        ----------
        kinds
            Of `STRUCTURE_KINDS`.

        Returns
        -------
        structures
            Their rows, in the same order.

        Raises
        ------
        ValueError
            Raised if a kind is unknown.
        """
        if unknown := [kind for kind in kinds if kind not in STRUCTURE_KINDS]:
            raise ValueError(f"Unknown kinds {unknown}; expected some of {', '.join(STRUCTURE_KINDS)}.")
        return self.take(np.isin(self.kind, kinds))


def joinStructures(parts: Iterable[Structures]) -> Structures:
    """Put rows one after another.

    Parameters
    ----------
    parts
        Rows; may be none.

    Returns
    -------
    structures
        All rows.
    """
    names = [field.name for field in fields(Structures)]
    nothing: dict[str, Any] = dict.fromkeys(names[1:], np.empty(0))
    # Without its empty parts the column of kinds is as wide as the longest of them.
    filled = [part for part in parts if len(part)] or [Structures.make(np.empty(0, dtype=np.str_), **nothing)]
    return Structures(**{name: np.concatenate([getattr(part, name) for part in filled]) for name in names})
