# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Files of datasets, which are read whole, side by side and ahead of their use."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from lsst.daf.butler import Butler
from lsst.daf.butler.formatters.parquet import arrow_to_astropy

if TYPE_CHECKING:
    from astropy.table import Table

    from lsst.daf.butler import DeferredDatasetHandle

__all__ = ["Fetched", "fetchFiles"]

_THREADS = 8
_AHEAD = 32
"""Number of files in memory at once."""
_TABLE, _BUNDLE = ".parq", ".json"
"""Ends of the names of files that are read here; others, and those in archives, the Butler reads."""
_METADATA = b"table_meta_yaml"
"""What the Butler leaves out of the metadata of a table: a description of all its columns, and its inputs."""


class Fetched(NamedTuple):
    """A dataset, and what its file holds, which is awaited; None if the Butler is to read it."""

    handle: DeferredDatasetHandle
    content: Future[bytes] | None

    def read(self) -> bytes | None:
        """Return the content of the file; it raises what its reading raised."""
        return None if self.content is None else self.content.result()

    def listColumns(self) -> list[str]:
        """List the names of the columns of a table."""
        if (content := self.read()) is None:
            return [str(name) for name in self.handle.get(component="columns")]
        return list(pq.read_schema(pa.BufferReader(content)).names)

    def readTable(self) -> pa.Table:
        """Read a table with the metadata of its columns and its own."""
        if (content := self.read()) is None:
            return self.handle.get(storageClass="ArrowTable")
        return pq.read_table(pa.BufferReader(content), use_threads=False)

    def readColumns(self, columns: Sequence[str]) -> Table:
        """Read columns of a table, which must be there."""
        if (content := self.read()) is None:
            return self.handle.get(parameters={"columns": list(columns)})
        table = pq.read_table(pa.BufferReader(content), columns=list(columns), use_threads=False)
        metadata = {key: text for key, text in (table.schema.metadata or {}).items() if key != _METADATA}
        return arrow_to_astropy(table.replace_schema_metadata(metadata))


def fetchFiles(handles: Iterable[DeferredDatasetHandle]) -> Iterator[Fetched]:
    """Read the files of datasets, with one request each where they are on other machines.

    Parameters
    ----------
    handles
        Handles of datasets, of a whole Butler or of a quantum's.

    Yields
    ------
    fetched
        Each dataset in its turn, while others are read.
    """
    with ThreadPoolExecutor(_THREADS) as pool:
        pending: deque[Fetched] = deque()
        for handle in handles:
            pending.append(Fetched(handle, _start(pool, handle)))
            if len(pending) >= _AHEAD:
                yield pending.popleft()
        while pending:
            yield pending.popleft()


def _start(pool: ThreadPoolExecutor, handle: DeferredDatasetHandle) -> Future[bytes] | None:
    """Begin to read a file."""
    butler = getattr(handle, "butler", None)
    # Within a quantum there may be no more than a part of a repository.
    if not isinstance(butler, Butler):
        return None
    try:
        uri = butler.getURI(handle.ref)
    except Exception:
        # Who reads the dataset meets the error again, and names the dataset.
        return None
    # A bundle that is here is looked at before it is read.
    read_here = {_TABLE} if uri.isLocal else {_TABLE, _BUNDLE}
    return pool.submit(uri.read) if uri.getExtension() in read_here else None
