# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Text of pages in reStructuredText, in lines that fit a screen."""

import textwrap
from collections.abc import Mapping, Sequence

__all__ = ["makeTable", "wrap"]

_WIDTH = 110


def wrap(text: str, first: str = "", others: str = "") -> str:
    """Break a text into lines, between words only.

    Parameters
    ----------
    text
        The text.
    first, others
        What the first and the other lines start with.

    Returns
    -------
    lines
        The lines, without blanks at their ends.
    """
    lines = textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines) if lines else first.rstrip()


def makeTable(rows: Sequence[Mapping[str, str]]) -> str:
    """Make a table with a header.

    Parameters
    ----------
    rows
        Text of each cell by the title of its column. All rows have the columns of the first.

    Returns
    -------
    table
        A ``list-table``, one line or more for each cell.
    """
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: auto", ""]
    for row in ({title: title for title in rows[0]}, *rows):
        for i, title in enumerate(rows[0]):
            lines.append(wrap(row[title], "     - " if i else "   * - ", "       "))
    return "\n".join([*lines, ""])
