# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Declarations of statistics that are made of the vectors of a table."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["REDUCTIONS", "VectorReduction"]

REDUCTIONS = {
    "higherTerm": (
        "the largest of the coefficients behind the third one, that at the place k from there as the k-th "
        "root of its ratio to it"
    ),
    "lastKnot": "the last knot of a spline, given as its knots and then its values",
    "rootMeanSquare": "the square root of the mean square",
    "splineResidual": (
        "the largest ratio, in percent, of value and knot of a spline, given as its knots and then its "
        "values; that of 0 at a knot of 0 is none"
    ),
    "splineResidualKnot": "the knot at which that ratio is largest",
    "thirdTerm": "the third coefficient, without sign",
}
"""How a vector becomes a number, in words; `lsst.analysis.cp.core.amps` has the functions."""


@dataclass(frozen=True, kw_only=True)
class VectorReduction:
    """How a statistic is made of vectors.

    Parameters
    ----------
    reduction
        What is done, a key of `REDUCTIONS`.
    columns
        Columns of the vectors, without prefix.
    kindColumn
        Column of text, without prefix, that tells what kind of vector a row has; empty if there is one kind.
    kinds
        Kinds of which the statistic is made.

    Raises
    ------
    ValueError
        If the reduction is not known, or there is a column of kinds and no kind, or the reverse.
    """

    reduction: str
    columns: tuple[str, ...]
    kindColumn: str = ""
    kinds: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.reduction not in REDUCTIONS:
            raise ValueError(
                f"vectors have the reduction {self.reduction!r}, expected one of {', '.join(REDUCTIONS)}"
            )
        if bool(self.kindColumn) != bool(self.kinds):
            raise ValueError("kindColumn and kinds of vectors must be given together")

    @property
    def inputs(self) -> tuple[str, ...]:
        """All columns that are read, without prefix."""
        return (*self.columns, self.kindColumn) if self.kindColumn else self.columns
