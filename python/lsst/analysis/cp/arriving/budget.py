# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Work that may take a part of the time only, so that what matters is not kept waiting."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Budget"]


class Budget:
    """Lets some work be done again when enough time has passed.

    Parameters
    ----------
    share
        Part of the time that the work may take.
    """

    def __init__(self, share: float) -> None:
        self._pause = 1 / share - 1
        self._free = 0.0

    @property
    def isFree(self) -> bool:
        """Whether the work may be done now."""
        return time.monotonic() >= self._free

    @contextmanager
    def spend(self) -> Iterator[None]:
        """Measure the work that is done within."""
        start = time.monotonic()
        try:
            yield
        finally:
            end = time.monotonic()
            self._free = end + (end - start) * self._pause
