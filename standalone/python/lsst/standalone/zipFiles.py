# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Zip files of which members are read by turns, as quantum graphs are."""

from __future__ import annotations

import os
import sys
import zipfile
from typing import Any

__all__ = ["repairSeek"]

_REPAIRED = {12: (3, 12, 9), 13: (3, 13, 2)}
"""First release that has the repair, by minor version."""


def repairSeek() -> None:
    """Make a member of a zip file seek from its own place, and not from where another one was read last.

    Without it a job of ``bps`` cannot read its quanta from a graph of more than some hundred. Python has
    repaired it in 3.12.9, 3.13.2 and 3.14: python/cpython#127847.
    """
    shared: Any = getattr(zipfile, "_SharedFile")  # noqa: B009
    if sys.version_info >= _REPAIRED.get(sys.version_info.minor, (3, 14)) or hasattr(shared, "repaired"):
        return
    seek = shared.seek

    def seekFromOwnPlace(self: Any, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_CUR:
            offset, whence = offset + self.tell(), os.SEEK_SET
        return int(seek(self, offset, whence))

    shared.seek = seekFromOwnPlace
    shared.repaired = True
