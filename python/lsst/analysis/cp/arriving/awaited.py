# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Which detectors are waited for, which are there, and which will not come."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from lsst.analysis.cp.core import CameraLayout
from lsst.analysis.cp.core.typing import BoolArray

from .arrivals import Member, Production

__all__ = ["Awaited"]

_RAWS_SETTLE = 10.0
"""Seconds without a new raw after which none is expected."""

_PATIENCE = 5.0
"""Seconds after which a table that cannot be read is given up."""


@dataclass
class Awaited:
    """Which detectors are waited for.

    Parameters
    ----------
    exposures
        Ids of the exposures.
    layout
        The camera.
    counted
        Detectors that the rule of verdicts counts, which are always expected, shape (nDetectors,).
    timeout
        Seconds after which what is not there is missing.
    tables
        Exposures and detectors whose tables are there.
    production
        What tasks have begun with, and where they failed.
    raws
        What the camera has sent, as far as it is in the repository.
    """

    exposures: Sequence[int]
    layout: CameraLayout
    counted: BoolArray
    timeout: float
    tables: set[Member] = field(default_factory=set)
    production: Production = field(default_factory=Production)
    raws: set[Member] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._now = time.monotonic()
        self._end = self._now + self.timeout
        self._settled = 0.0
        self._hasSearched = False
        self._unreadable: dict[Member, float] = {}
        self.deadline = datetime.now(UTC) + timedelta(seconds=self.timeout)

    def readClock(self) -> None:
        """Read the clock: all that depends on the time is of this moment, until it is read again."""
        self._now = time.monotonic()

    def take(self, tables: set[Member], unreadable: set[Member]) -> None:
        """Take which tables are there.

        Parameters
        ----------
        tables
            Those that are read.
        unreadable
            Those that are there and cannot be read, which may change: a file system may be slow.
        """
        self.tables = tables
        self._unreadable = {member: self._unreadable.get(member, self._now) for member in unreadable}

    def update(self, production: Production, raws: set[Member]) -> bool:
        """Take what a search has found; tell whether something has changed.

        Parameters
        ----------
        production
            What tasks have begun with, and where they failed.
        raws
            What the camera has sent.

        Returns
        -------
        hasChanged
            Whether it is other than what the last search has found, or is the first.
        """
        if raws != self.raws:
            self._settled = self._now + _RAWS_SETTLE
        has_changed = (production, raws) != (self.production, self.raws) or not self._hasSearched
        self.production, self.raws, self._hasSearched = production, raws, True
        return has_changed

    @property
    def left(self) -> float:
        """Seconds to the deadline."""
        return max(self._end - self._now, 0.0)

    @property
    def isOver(self) -> bool:
        """Whether nothing is waited for any more."""
        # Without a search it is not known what the camera has sent.
        return self.left == 0 or (self._hasSearched and not self.notYet.any())

    @property
    def members(self) -> set[Member]:
        """Exposures and detectors that are expected."""
        begun = self.tables | set(self._unreadable) | self.production.begun | self.raws
        detectors = {detector for _, detector in begun} | set(self.layout.detectorId[self.counted].tolist())
        return {(exposure, detector) for exposure in self.exposures for detector in detectors}

    @property
    def expected(self) -> BoolArray:
        """Detectors that are expected, shape (nDetectors,)."""
        return self._choose({detector for _, detector in self.members})

    @property
    def there(self) -> BoolArray:
        """Detectors whose tables are there, of all exposures, shape (nDetectors,)."""
        return self.expected & ~self._choose({detector for _, detector in self.members - self.tables})

    @property
    def notYet(self) -> BoolArray:
        """Detectors whose tables are still to come, shape (nDetectors,)."""
        if self.left == 0:
            return np.zeros(self.layout.nDetectors, dtype=bool)
        gone = self._lost()
        later = self.members - self.tables - set(gone)
        return self._choose({detector for _, detector in later})

    @property
    def missing(self) -> dict[str, str]:
        """Why detectors will not come, by their names."""
        gone = self._lost()
        if self.left == 0:
            late = f"not there after {self.timeout:g} s"
            gone = {member: gone.get(member, late) for member in self.members - self.tables}
        names = dict(zip(self.layout.detectorId.tolist(), self.layout.detectorName.tolist(), strict=True))
        return {names[detector]: reason for (_, detector), reason in gone.items() if detector in names}

    def _lost(self) -> dict[Member, str]:
        """Tell why tables will not come."""
        lost = [member for member, since in self._unreadable.items() if self._now >= since + _PATIENCE]
        gone = dict(self.production.failures) | dict.fromkeys(lost, "its table cannot be read")
        if self.raws and self._now >= self._settled:
            without = self.members - self.raws - self.tables
            gone = dict.fromkeys(without, "there is no raw of it") | gone
        return {member: reason for member, reason in gone.items() if member not in self.tables}

    def _choose(self, detectors: set[int]) -> BoolArray:
        return np.isin(self.layout.detectorId, list(detectors))
