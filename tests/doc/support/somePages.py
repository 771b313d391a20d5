# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A few pages of the documentation, with the settings of all: the whole site takes minutes to build."""

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import notebookPages
from generatedFiles import ROOT

__all__ = ["copySomePages"]


def copySomePages(pages: Path, names: Sequence[str] = (), later: Iterable[str] = ()) -> None:
    """Copy the configuration, the notebooks and some pages, and write an index of them.

    The index has those that are written later, too. Of the page on notebooks only the place
    of their list is there: the rest refers to other pages.
    """
    shutil.copytree(ROOT / "doc" / "_static", pages / "_static", dirs_exist_ok=True)
    folder = pages / "lsst.analysis.cp"
    shutil.copytree(ROOT / "doc" / "lsst.analysis.cp" / "notebooks", folder / "notebooks", dirs_exist_ok=True)
    shutil.copy(ROOT / "doc" / "conf.py", pages)
    assert (ROOT / "doc" / "lsst.analysis.cp" / "notebooks.rst").read_text().count(notebookPages.MARK) == 1
    (folder / "notebooks.rst").write_text(f"Notebooks\n=========\n\n{notebookPages.MARK}\n")
    for name in names:
        shutil.copy(ROOT / "doc" / "lsst.analysis.cp" / f"{name}.rst", folder)
    listed = [f"   lsst.analysis.cp/{name}" for name in (*names, "notebooks")]
    listed += [f"   {name}" for name in later]
    (pages / "index.rst").write_text("\n".join(["All", "===", "", ".. toctree::", "", *listed, ""]))
