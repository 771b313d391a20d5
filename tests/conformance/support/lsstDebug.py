# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""Stands for the switches of debugging, all off, which upstream imports."""

from typing import Any


class Info:
    """The switches of a module."""

    def __init__(self, modname: str) -> None:
        self.modname = modname

    def __getattr__(self, name: str) -> bool:
        return False


def getDebugFrame(display: Any, name: str) -> None:
    """Return that there is no frame to show in."""
