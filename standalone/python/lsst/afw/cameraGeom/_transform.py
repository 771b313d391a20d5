# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Transforms of the plane, kept as AST mappings as afw does."""

from __future__ import annotations

__all__ = ["TransformPoint2ToPoint2", "makeAffineTransform", "makeScaling"]

from collections.abc import Sequence
from typing import overload

import numpy as np
import numpy.typing as npt
import starlink.Ast as Ast

from lsst.geom import Point2D

_HEADER = "1 TransformPoint2ToPoint2"


class _Lines:
    """Source and sink of lines of an AST channel."""

    def __init__(self, lines: Sequence[str] = ()) -> None:
        self.written: list[str] = []
        self._unread = iter(lines)

    def astsource(self) -> str | None:
        """Return the next line, None at the end."""
        return next(self._unread, None)

    def astsink(self, line: str) -> None:
        """Take a line."""
        self.written.append(line)


class _Mapping:
    """Mapping of arrays of coordinates, as astshim's.

    Parameters
    ----------
    mapping
        The AST mapping, of two inputs and two outputs.
    """

    def __init__(self, mapping: Ast.Mapping) -> None:
        self._mapping = mapping

    def applyForward(self, data: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Transform coordinates.

        Parameters
        ----------
        data
            Coordinates, shape (2, n) or, for one point, (2,).

        Returns
        -------
        transformed
            Coordinates in the same shape.
        """
        values = np.asarray(data, dtype=np.float64)
        if values.shape[:1] != (2,) or values.ndim > 2:
            raise ValueError(f"Coordinates must have shape (2, n) or (2,), got {values.shape}.")
        columns = np.ascontiguousarray(values.reshape(2, -1))
        return np.asarray(self._mapping.tran(columns, True)).reshape(values.shape)


class TransformPoint2ToPoint2:
    """Transform of the plane to the plane.

    Parameters
    ----------
    mapping
        The AST mapping that does it, or its text as `writeString` gives it. A text is read when the transform
        is first used, and is given back unchanged.
    """

    def __init__(self, mapping: Ast.Mapping | str) -> None:
        self._text = mapping if isinstance(mapping, str) else None
        self._mapping = None if isinstance(mapping, str) else mapping

    def writeString(self) -> str:
        """Return the transform as text: its class, then the AST dump without comments."""
        if self._text is None:
            lines = _Lines()
            Ast.Channel(None, lines, "Comment=0").write(self._mapping)
            self._text = _HEADER + "".join(f"{line}\n" for line in lines.written)
        return self._text

    def _getMapping(self) -> Ast.Mapping:
        if self._mapping is None:
            self._mapping = _parse(self._text or "")
        return self._mapping

    def getMapping(self) -> _Mapping:
        """Return the mapping, which takes arrays of coordinates."""
        return _Mapping(self._getMapping())

    @overload
    def applyForward(self, points: Point2D) -> Point2D: ...

    @overload
    def applyForward(self, points: Sequence[Point2D]) -> list[Point2D]: ...

    def applyForward(self, points: Point2D | Sequence[Point2D]) -> Point2D | list[Point2D]:
        """Transform a point or each of a list of points.

        Raises
        ------
        TypeError
            Raised if they are not `lsst.geom.Point2D`.
        """
        given = [points] if isinstance(points, Point2D) else list(points)
        if not all(isinstance(point, Point2D) for point in given):
            raise TypeError(f"A transform takes a Point2D or a list of them, got {points!r}.")
        if not given:
            return []
        x, y = self.getMapping().applyForward([[point.x for point in given], [point.y for point in given]])
        moved = [Point2D(*xy) for xy in zip(x.tolist(), y.tolist(), strict=True)]
        return moved[0] if isinstance(points, Point2D) else moved

    def inverted(self) -> TransformPoint2ToPoint2:
        """Return the transform that goes the other way."""
        mapping = self._getMapping().copy()
        mapping.invert()
        return TransformPoint2ToPoint2(mapping.simplify())

    def then(self, next: TransformPoint2ToPoint2) -> TransformPoint2ToPoint2:
        """Return this transform followed by another."""
        joined = Ast.CmpMap(self._getMapping(), next._getMapping(), True)
        return TransformPoint2ToPoint2(joined.simplify())

    def getJacobian(self, point: Point2D) -> npt.NDArray[np.float64]:
        """Return the derivatives at a point, shape (2, 2): row of the output, column of the input."""
        mapping = self._getMapping()
        at = np.array(list(point))
        return np.array([[mapping.rate(at, row, column) for column in (1, 2)] for row in (1, 2)])

    def __reduce__(self) -> tuple[type[TransformPoint2ToPoint2], tuple[str]]:
        return TransformPoint2ToPoint2, (self.writeString(),)


def makeAffineTransform(
    matrix: npt.NDArray[np.float64], translation: npt.NDArray[np.float64]
) -> TransformPoint2ToPoint2:
    """Return the transform ``matrix @ position + translation``.

    Parameters
    ----------
    matrix
        Shape (2, 2).
    translation
        Shape (2,), in units of the output.
    """
    linear = Ast.MatrixMap(np.asarray(matrix, dtype=np.float64))
    joined = Ast.CmpMap(linear, Ast.ShiftMap(np.asarray(translation, dtype=np.float64)), True)
    return TransformPoint2ToPoint2(joined.simplify())


def makeScaling(x: float, y: float) -> TransformPoint2ToPoint2:
    """Return the transform that multiplies each coordinate by a number."""
    return makeAffineTransform(np.diag([x, y]), np.zeros(2))


def _parse(text: str) -> Ast.Mapping:
    if not text.startswith(_HEADER):
        raise ValueError(f"Not a transform of points to points: {text[:60]!r}")
    try:
        mapping = Ast.Channel(_Lines(text[len(_HEADER) :].split("\n"))).read()
    except Ast.AstError as error:
        raise ValueError(f"Bad AST dump of a transform, {text[:60]!r}: {error}") from error
    if mapping is None or mapping.Nin != 2 or mapping.Nout != 2:
        raise ValueError(f"Not an AST mapping of the plane to the plane: {text[:60]!r}")
    return mapping
