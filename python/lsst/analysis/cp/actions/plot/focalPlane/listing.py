# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The list of the patches to look at first, beside a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lsst.analysis.cp.actions.plot.text import COLUMN, fitNumber
from lsst.analysis.cp.core.typing import FloatArray, IndexArray, NameArray

__all__ = ["PatchList", "listValues"]


@dataclass(frozen=True, kw_only=True)
class PatchList:
    """Patches to look at first.

    Parameters
    ----------
    title
        What they have in common; empty if there are none.
    header
        Heads of the columns; empty for one column that the title explains.
    lines
        A line for each patch.
    nMore
        Number of further patches of which there is no line.
    """

    title: str = ""
    header: str = ""
    lines: tuple[str, ...] = ()
    nMore: int = 0

    def fit(self, room: int) -> tuple[str, ...]:
        """Return title, header and as many lines as go into a number of lines; the others are counted."""
        if not self.lines:
            return ()
        head = tuple(line for line in (self.title, self.header) if line)
        n_shown = len(self.lines)
        if len(head) + n_shown + bool(self.nMore) > room:
            n_shown = max(room - len(head) - 1, 0)
        n_more = self.nMore + len(self.lines) - n_shown
        return (*head, *self.lines[:n_shown], *([f"and {n_more} more"] if n_more else []))


def listValues(
    title: str,
    names: NameArray,
    columns: Mapping[str, FloatArray],
    order: IndexArray,
    nListed: int,
    shares: Sequence[str] = (),
) -> PatchList:
    """Write the values of patches, one patch a line.

    Parameters
    ----------
    title
        What the patches have in common.
    names
        Names of all patches; shape (nPatches,).
    columns
        Values of all patches by the head of the column, each of shape (nPatches,).
    order
        The patches to list, in order.
    nListed
        Number of lines at most.
    shares
        Which part of the rows of each patch in the order failed; empty for none.

    Returns
    -------
    listing
        The list; without a header if there is one column only.
    """
    shown = order[:nListed].tolist()
    if not shown:
        return PatchList()
    width = max(len(names[i]) for i in shown)
    failed = any(shares)
    # A head may be longer than the numbers below it.
    widths = {head: max(COLUMN, len(head) + 2) for head in columns}
    header = "".join(f"{head:>{widths[head]}}" for head in columns) + "  failed" * failed
    lines = [
        f"{names[i]:<{width}}"
        + "".join(f"{_write(values[i]):>{widths[head]}}" for head, values in columns.items())
        + (f"  {shares[place]}" if failed else "")
        for place, i in enumerate(shown)
    ]
    return PatchList(
        title=title,
        header=" " * width + header if failed or len(columns) > 1 else "",
        lines=tuple(line.rstrip() for line in lines),
        nMore=len(order) - len(shown),
    )


def _write(value: float) -> str:
    return fitNumber(float(value), COLUMN) if np.isfinite(value) else "no value"
