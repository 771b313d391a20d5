# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Reading of logs and metadata: few of them, as each costs milliseconds; a bad one costs itself only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lsst.analysis.cp.report.model import Problem

from .reasons import Told, readFailure, readMetadata

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef

__all__ = ["MOST_READ", "Reader"]

MOST_READ = 1000
"""Number of logs, and of metadata, that are read of one RUN collection (2 to 3 ms each)."""


@dataclass
class Reader:
    """Reads logs of failed quanta, and metadata of some that succeeded.

    Parameters
    ----------
    butler
        Butler of the repository.
    problems
        What could not be read; grows.
    """

    butler: Butler
    problems: list[Problem] = field(default_factory=list)
    _n_read: dict[tuple[str, str], int] = field(default_factory=dict)

    def readFailure(self, log: DatasetRef) -> str:
        """Read the exception in a log, or say why it is not known."""
        if not self._mayRead("log", log.run):
            return f"its log was not read, as more than {MOST_READ} quanta failed"
        try:
            return readFailure(self.butler, log)
        except Exception as error:
            reason = self._note(log, error)
            return f"its log cannot be read: {reason}"

    def readMetadata(self, metadata: DatasetRef, task: str) -> Told:
        """Read the caveats in metadata; those of which that is not possible are so told of."""
        if not self._mayRead("metadata", metadata.run):
            words = f"metadata not read, as those of {MOST_READ} others were"
            return Told(caveats=(words,), isMissingAllowed=True)
        try:
            return readMetadata(self.butler, metadata, task)
        except Exception as error:
            self._note(metadata, error)
            return Told(caveats=("its metadata cannot be read",), isMissingAllowed=True)

    def _mayRead(self, kind: str, run: str) -> bool:
        count = self._n_read[kind, run] = self._n_read.get((kind, run), 0) + 1
        return count <= MOST_READ

    def _note(self, ref: DatasetRef, error: Exception) -> str:
        reason = f"{type(error).__name__}: {error}"
        self.problems.append(
            Problem(dataset=f"{ref.datasetType.name} {ref.dataId} in {ref.run}", reason=reason, isRemark=True)
        )
        return reason
