# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Writing of the summary of a collection."""

from __future__ import annotations

import gzip
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from .content import SummaryContent
from .search import PlotSearch

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

__all__ = ["NoPlotsError", "WrittenSummary", "nameFile", "nameFolder", "writeSummary"]

_UNESCAPED = "-_.!~*'()"
"""What encodeURIComponent of JavaScript leaves as it is, beside letters and digits."""


class NoPlotsError(LookupError):
    """A collection has no plots."""


@dataclass(frozen=True, kw_only=True)
class WrittenSummary:
    """What a summary has.

    Parameters
    ----------
    path
        Its file.
    nTypes, nPlots
        Number of types of plots, and of plots.
    remarks
        What a reader has to know, as it is in the summary.
    """

    path: Path
    nTypes: int
    nPlots: int
    remarks: tuple[str, ...]


def nameFolder(label: str) -> str:
    """Name the folder of the summaries of a repository.

    Parameters
    ----------
    label
        Label of the repository in the Plot Navigator.

    Returns
    -------
    name
        Name of the folder.

    Raises
    ------
    ValueError
        Raised if a folder cannot have the name.
    """
    if label in ("", ".", ".."):
        raise ValueError(f"{label!r} is no label of a repository.")
    return quote(label, safe=_UNESCAPED)


def nameFile(collection: str) -> str:
    """Name the file of the summary of a collection.

    Parameters
    ----------
    collection
        Name of the collection.

    Returns
    -------
    name
        Name of the file.
    """
    return f"collection_{quote(collection, safe=_UNESCAPED)}.json.gz"


def writeSummary(butler: Butler, collection: str, folder: Path) -> WrittenSummary:
    """Write the summary of the plots of a collection; an old one is replaced when the new one is complete.

    The same plots give the same bytes. Of 10^5 plots those of one type are in memory at a time.

    Parameters
    ----------
    butler
        The repository.
    collection
        Name of a collection of any kind; patterns are not understood.
    folder
        Where to write, which is made if it is not there.

    Returns
    -------
    written
        What was written.

    Raises
    ------
    lsst.daf.butler.MissingCollectionError
        Raised if there is no such collection.
    NoPlotsError
        Raised if there are no plots in it. Nothing is written.
    OSError
        Raised if the file cannot be written.
    """
    search = PlotSearch.fromButler(butler, collection)
    if not search.datasetTypes:
        raise NoPlotsError(f"There are no plots in {collection}.")
    folder.mkdir(parents=True, exist_ok=True)
    content = SummaryContent(butler, search)
    path = folder / nameFile(collection)
    with _replace(path) as stream:
        for text in content.write():
            stream.write(text.encode("ascii"))
        if not content.counts:
            raise NoPlotsError(f"There are no plots in {collection} any more.")
    return WrittenSummary(
        path=path,
        nTypes=len(content.counts),
        nPlots=content.counts.total(),
        remarks=content.listRemarks(),
    )


@contextmanager
def _replace(path: Path) -> Iterator[gzip.GzipFile]:
    """Open a file to be compressed, which takes the place of an old one at the end, or vanishes."""
    new = path.with_name(f".summary-{secrets.token_hex(8)}")
    try:
        with new.open("xb") as file:
            # No name and no time, so that equal content has equal bytes.
            with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as stream:
                yield stream
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
