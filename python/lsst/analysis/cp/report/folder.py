# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Writing a report into a folder, of which there is always the old one or the new one."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .document import DOCUMENT, makeDocument
from .pages import writePages

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

    from .model import RunReport

__all__ = ["MARKER", "checkFolder", "writeReport"]

MARKER = ".analysis_cp-report"
"""File that tells that a folder is a report."""

_HERE = -100
"""What stands for the working directory in system calls of Linux (AT_FDCWD)."""
_EXCHANGE = 2
"""Flag of the system call renameat2 of Linux (RENAME_EXCHANGE)."""


def checkFolder(out: Path) -> Path:
    """Check that a report can be written to a folder.

    Parameters
    ----------
    out
        Where the report is to be.

    Returns
    -------
    out
        The same without links.

    Raises
    ------
    FileExistsError
        Raised if there is something that is no report.
    FileNotFoundError
        Raised if there is no folder to write it in.
    """
    target = out.resolve()
    if (target.exists() or target.is_symlink()) and not (target / MARKER).is_file():
        raise FileExistsError(f"{out} exists and is no report of this package: it is left alone.")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {target.parent} to write the report in.")
    return target


def writeReport(report: RunReport, out: Path, butler: Butler | None) -> RunReport:
    """Write a report: pages, sheet, tables and the document for scripts.

    Everything is written into a new folder beside, which takes the place of an old report at the end. If this
    is broken off, the old report is as it was, and the new folder, whose name begins with a dot, may be left.

    Parameters
    ----------
    report
        The report.
    out
        Folder of the report. If it exists, it has to be a report.
    butler
        The repository, of which plots are copied; none are if None.

    Returns
    -------
    report
        The report, with plots and images among its problems that could not be copied.

    Raises
    ------
    FileExistsError
        Raised if there is something that is no report.
    FileNotFoundError
        Raised if there is no folder to write it in.
    """
    target = checkFolder(out)
    new = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        # Only the owner may look into a temporary folder.
        new.chmod(0o777 & ~_readUmask())
        unread = tuple(replace(each, isRemark=True) for each in writePages(report, new, butler))
        report = replace(report, problems=(*report.problems, *unread))
        text = json.dumps(makeDocument(report), indent=1, allow_nan=False)
        (new / DOCUMENT).write_text(f"{text}\n", encoding="utf-8")
        (new / MARKER).write_text("This folder is replaced by butler make-verify-report.\n", encoding="utf-8")
        _takePlace(new, checkFolder(target))
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    return report


def _readUmask() -> int:
    """Read which permissions new files do not get; there is no other way than to set it."""
    umask = os.umask(0o077)
    os.umask(umask)
    return umask


def _takePlace(new: Path, target: Path) -> None:
    """Put a folder in the place of another one, which is removed."""
    if not target.exists():
        new.rename(target)
        return
    if not _exchange(new, target):
        # Between the two there is neither: the old one is whole, under another name.
        old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent)) / target.name
        target.rename(old)
        new.rename(target)
        new = old.parent
    shutil.rmtree(new)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders at once; return False where the system cannot."""
    call = getattr(ctypes.CDLL(None), "renameat2", None)
    return call is not None and not call(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE)
