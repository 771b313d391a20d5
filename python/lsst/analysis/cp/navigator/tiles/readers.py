# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pyramids that are open, so that not every tile opens a file anew."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast
from uuid import UUID

from lsst.analysis.cp.core.pyramid import PyramidReader
from lsst.analysis.cp.metrics import nameDataset
from lsst.daf.butler import Butler, DatasetNotFoundError, DatasetRef
from lsst.resources import ResourcePath

__all__ = ["PYRAMID_SUFFIX", "OpenPyramids", "PyramidPlace", "findPyramid", "placePyramid"]

PYRAMID_SUFFIX = "_pyramid"
"""How the names of the dataset types of pyramids end."""

_MOST_OPEN = 8
"""Number of readers at a time. Each may have 64 headers of images in memory, up to 20 MB."""


@dataclass(frozen=True)
class PyramidPlace:
    """Where a pyramid is.

    Parameters
    ----------
    uri
        Its file.
    name
        What messages call it.
    """

    uri: ResourcePath
    name: str


def findPyramid(butler: Butler, uuid: UUID) -> DatasetRef:
    """Find a pyramid by the identifier of the dataset.

    Parameters
    ----------
    butler
        The repository.
    uuid
        The dataset.

    Returns
    -------
    ref
        The dataset, with its dimension records.

    Raises
    ------
    lsst.daf.butler.DatasetNotFoundError
        Raised if there is no such dataset, or it is no pyramid.
    """
    ref = butler.get_dataset(uuid, dimension_records=True)
    if ref is None:
        raise DatasetNotFoundError(f"There is no dataset {uuid} in the repository.")
    if not ref.datasetType.name.endswith(PYRAMID_SUFFIX):
        raise DatasetNotFoundError(
            f"{nameDataset(ref)} is no pyramid: those are of dataset types '*{PYRAMID_SUFFIX}'."
        )
    return ref


def placePyramid(butler: Butler, uuid: UUID) -> PyramidPlace:
    """Find the file of a pyramid; see `findPyramid` for parameters and errors.

    Raises
    ------
    FileNotFoundError
        Raised if the datastore does not know its file.
    """
    ref = findPyramid(butler, uuid)
    return PyramidPlace(butler.getURI(ref), nameDataset(ref))


@dataclass(frozen=True)
class _OpenPyramid:
    uuid: UUID
    reader: PyramidReader
    close: Callable[[], None]


class OpenPyramids:
    """Keeps readers of pyramids for a while. Several threads may use it; each gets a reader of its own.

    Parameters
    ----------
    most
        Number of readers that may be used at a time, and that are kept afterwards. Who needs another waits
        until one is given back.
    """

    def __init__(self, most: int = _MOST_OPEN) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._free = threading.BoundedSemaphore(most)
        self._idle: list[_OpenPyramid] = []

    @contextmanager
    def open(self, uuid: UUID, locate: Callable[[], PyramidPlace]) -> Iterator[PyramidReader]:
        """Get a reader, which no other thread has at the same time.

        Parameters
        ----------
        uuid
            The dataset.
        locate
            Finds its file; it is asked only if no reader is at hand.

        Yields
        ------
        reader
            The reader.

        Raises
        ------
        PyramidFileError
            Raised if the file is no pyramid, or its index is damaged.
        OSError
            Raised if it cannot be opened.
        """
        with self._free:
            taken = self._take(uuid) or _openFile(uuid, locate())
            try:
                yield taken.reader
            except OSError:
                # The connection to a remote file may be gone for good.
                taken.close()
                raise
            except BaseException:
                self._keep(taken)
                raise
            else:
                self._keep(taken)

    def close(self) -> None:
        """Close the files that are not in use."""
        with self._lock:
            idle, self._idle = self._idle, []
        for each in idle:
            each.close()

    def _take(self, uuid: UUID) -> _OpenPyramid | None:
        with self._lock:
            # The last one that was used has the most of the headers that are needed next.
            for i in reversed(range(len(self._idle))):
                if self._idle[i].uuid == uuid:
                    return self._idle.pop(i)
        return None

    def _keep(self, used: _OpenPyramid) -> None:
        with self._lock:
            self._idle.append(used)
            oldest = self._idle.pop(0) if len(self._idle) > self._most else None
        if oldest is not None:
            oldest.close()


def _openFile(uuid: UUID, place: PyramidPlace) -> _OpenPyramid:
    with ExitStack() as stack:
        try:
            file = cast("BinaryIO", stack.enter_context(place.uri.open("rb")))
        except OSError as error:
            # Its own text may have the path of the file.
            raise OSError(f"{place.name} cannot be opened: {type(error).__name__}.") from error
        return _OpenPyramid(uuid, PyramidReader(file, name=place.name), stack.pop_all().close)
