# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Position on the sky."""

__all__ = ["SpherePoint"]

from typing import Any, Never


class SpherePoint:
    """Position on the sky, left out; only the name is here, for plots of analysis_tools that import it.

    Raises
    ------
    NotImplementedError
        Raised when one is to be made.
    """

    def __new__(cls, *args: Any, **named: Any) -> Never:
        raise NotImplementedError("The stand-in of lsst.geom has no positions on the sky.")
