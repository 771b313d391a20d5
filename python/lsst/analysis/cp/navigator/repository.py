# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The repository that a server shows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

__all__ = ["Repository"]


@dataclass(frozen=True)
class Repository:
    """The repository that a server shows. It may be used by several threads.

    Parameters
    ----------
    butler
        The repository, opened for reading. No query is ever sent through it: what it remembers of
        collections and dataset types would be old for those that are made of it later.
    name
        What pages call it: the URI or label that it was opened by.
    """

    butler: Butler = field(repr=False)
    name: str

    @contextmanager
    def open(self) -> Iterator[Butler]:
        """Make a Butler for one request.

        Yields
        ------
        butler
            A Butler for one thread at a time, which knows what was added to the repository until now. It
            shares the connections to the database.
        """
        with self.butler.clone() as butler:
            yield butler

    def close(self) -> None:
        """Close the connections to the database."""
        self.butler.close()
