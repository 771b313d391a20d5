# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tables as HTML: made of strings, row by row, since they are large."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

from .status import LOOKS, VERDICT_LOOKS, Look

__all__ = [
    "Column",
    "headCell",
    "makeLink",
    "makeRow",
    "makeTable",
    "notes",
    "numberCell",
    "numberOf",
    "prose",
    "statusCell",
    "textCell",
    "verdictMark",
]

_DIGITS = ".5g"
_ROLE = re.compile(r":\w+:`(?:[^`<]*<)?([^`>]*)>?`")
_ITEM = "- "
_STRONG = re.compile(r"\*\*(.+?)\*\*")
_LITERAL = re.compile(r"``(.+?)``")


class Column(NamedTuple):
    """A column of a table.

    Parameters
    ----------
    name
        Its head.
    meaning
        What it holds, in words; empty if the head says it.
    """

    name: str
    meaning: str = ""


def numberOf(value: float) -> tuple[str, str]:
    """Write a number for people, and as an attribute for those who need all of its digits.

    Parameters
    ----------
    value
        A number.

    Returns
    -------
    text, attribute
        The attribute is empty if the text is exact.
    """
    if isinstance(value, int):
        return str(value), ""
    if not math.isfinite(value):
        return ("–", "") if math.isnan(value) else (("∞" if value > 0 else "-∞"), f" data-value={value}")
    text = format(value, _DIGITS)
    return text, "" if float(text) == value else f" data-value={value!r}"


def numberCell(value: float, style: str = "") -> str:
    """Make a cell of a number; that of NaN says that there is none."""
    text, attribute = numberOf(value)
    return f'<td class="n{style}"{attribute}>{text}</td>'


def textCell(text: object, style: str = "") -> str:
    """Make a cell of a text, or of markup that is safe."""
    return f'<td class="{style}">{escape(text)}</td>' if style else f"<td>{escape(text)}</td>"


def prose(text: str) -> Markup:
    """Turn sentences of the catalogue, which are reStructuredText, into markup."""
    plain = _ROLE.sub(r"\1", text)
    literal = _LITERAL.sub(r"<code>\1</code>", str(escape(plain)))
    return Markup(_STRONG.sub(r"<strong>\1</strong>", literal))


def notes(text: str) -> Markup:
    """Turn a note of the catalogue into paragraphs and a list, as far as it has items."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    paragraphs = [f'<p class="note">{prose(line)}</p>' for line in lines if not line.startswith(_ITEM)]
    items = [f"<li>{prose(line.removeprefix(_ITEM))}</li>" for line in lines if line.startswith(_ITEM)]
    return Markup("".join(paragraphs) + (f'<ul class="note">{"".join(items)}</ul>' if items else ""))


def headCell(text: object, style: str = "key") -> str:
    """Make the cell that names its row, of a text, or of markup that is safe."""
    return f'<th scope="row" class="{style}">{escape(text)}</th>'


def makeRow(style: str, *cells: str, anchor: str = "") -> str:
    """Make a row of cells, which has the class of its status."""
    name = f' id="{anchor}"' if anchor else ""
    return f'<tr class="{style}"{name}>{"".join(cells)}</tr>'


def makeLink(address: str, text: str) -> Markup:
    """Make a link to a file of the report."""
    return Markup('<a href="{}">{}</a>').format(address, text)


def statusCell(status: int, text: str = "") -> str:
    """Make a cell of a status: its sign, and a text instead of its word."""
    look = LOOKS[status]
    return f'<td class="{look.style}">{look.sign} {escape(text or look.word)}</td>'


def verdictMark(verdict: object) -> Markup:
    """Write a verdict with its sign."""
    return _mark({**VERDICT_LOOKS}[verdict])  # type: ignore[index]


def _mark(look: Look) -> Markup:
    return Markup('<strong class="mark {}"><span aria-hidden="true">{}</span> {}</strong>').format(*look)


def makeTable(
    name: str, caption: str, columns: Sequence[Column], rows: Iterable[str], *, style: str = ""
) -> Markup:
    """Make a table that can be sorted and filtered.

    Parameters
    ----------
    name
        Its name, unique on the page, of letters and digits: the address of a page names it.
    caption
        What it holds.
    columns
        The columns.
    rows
        Rows, or parts of them, as markup.
    style
        Classes of the style sheet.

    Returns
    -------
    table
        Markup. A wide table is scrolled by itself, not with its page.
    """
    heads = "".join(
        f'<th scope="col"{f" title={_quote(meaning)}" if meaning else ""}>{escape(head)}</th>'
        for head, meaning in columns
    )
    return Markup(
        f'<div class="scroll" tabindex="0" role="region" aria-label={_quote(caption)}>'
        f'<table id="{name}" class="list {style}"><caption>{escape(caption)}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _quote(text: str) -> str:
    return f'"{escape(text)}"'
