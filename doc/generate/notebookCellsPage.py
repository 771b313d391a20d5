# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The page of the documentation that says what takes the place of each cell of cp_verify's notebooks."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pageText import makeTable, wrap

from lsst.analysis.cp import notebook
from lsst.analysis.cp.notebook.search import isCalled

__all__ = ["CellError", "notebookCellsPage", "readCells"]

_FILE = Path(__file__).with_name("notebookCells.yaml")
_CALL = re.compile(r'(\w+)\(butler, "([^"]+)"')

type Cells = Mapping[str, Sequence[Mapping[str, Any]]]


class CellError(ValueError):
    """The list of cells contradicts the pipelines or the calls that there are."""


def readCells() -> Cells:
    """List the cells of each notebook."""
    cells: Cells = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return cells


def notebookCellsPage(made: Iterable[str], cells: Cells | None = None) -> dict[str, str]:
    """Generate the page.

    Parameters
    ----------
    made
        Dataset types of the plots that the pipelines make.
    cells
        The cells of each notebook; those of the file if absent.

    Returns
    -------
    files
        Its text by its path, relative to the root of the package.

    Raises
    ------
    CellError
        Raised if there is no such call, no pipeline makes a plot, or a cell has neither calls nor a reason.
    """
    title = "Notebooks of cp_verify, cell by cell"
    plots = frozenset(made)
    parts = [
        ".. Generated from the pipelines of lsst.analysis.cp; do not edit.",
        "",
        "#" * len(title),
        title,
        "#" * len(title),
        "",
        wrap(
            "What the code cells of cp_verify's notebooks do, and the call of "
            "``lsst.analysis.cp.notebook`` that takes their place, or why none does. "
            "The data IDs are examples; one that is left out is that of the run. :doc:`notebooks` says more "
            "of the calls, and :doc:`otherPlots` names the dataset types of all plots."
        ),
        "",
    ]
    for name, entries in (readCells() if cells is None else cells).items():
        rows = [_describe(name, entry, plots) for entry in entries]
        parts += [name, "=" * len(name), "", makeTable(rows)]
    return {"doc/lsst.analysis.cp/notebookCells.rst": "\n".join(parts)}


def _describe(name: str, entry: Mapping[str, Any], made: frozenset[str]) -> dict[str, str]:
    """Make the row of some cells."""
    where = f"{name}, cells {entry['cells']}"
    if ("calls" in entry) == ("none" in entry):
        raise CellError(f"{where}: expected one of calls and none")
    for call in entry.get("calls", ()):
        _check(where, call, made)
    here = ", ".join(f"``{call}``" for call in entry.get("calls", ()))
    return {
        "cells": str(entry["cells"]),
        "what they do": entry["does"],
        "here": here or f"None. {entry['none']}",
    }


def _check(where: str, call: str, made: frozenset[str]) -> None:
    """Raise unless there is such a call, and a plot that it reads."""
    if (match := _CALL.match(call)) is None:
        return
    function, name = match.groups()
    if not hasattr(notebook, function):
        raise CellError(f"{where}: there is no call {function}")
    if function == "readPlot" and not any(isCalled(plot, name) for plot in made):
        raise CellError(f"{where}: no pipeline makes {name}")
