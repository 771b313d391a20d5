# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What boxes of pixels and boxes of floats have in common: they are made of each other."""

from __future__ import annotations

__all__ = ["BoxArguments", "EdgeHandling", "PixelBox", "operandOf"]

import enum
from typing import Any

import numpy as np


class EdgeHandling(enum.Enum):
    """Which pixels belong to a box of floats: those it touches or those it covers."""

    EXPAND = 0
    SHRINK = 1


class PixelBox:
    """Base of `Box2I`, by which `Box2D` knows it without importing it."""

    __slots__ = ()

    minX: property
    minY: property
    maxX: property
    maxY: property

    def isEmpty(self) -> bool:
        """Return whether the box has no pixel."""
        raise NotImplementedError()


class BoxArguments:
    """Positional and named arguments of an overloaded constructor.

    Parameters
    ----------
    owner
        Name of the class, for messages.
    args, named
        The call's arguments.
    options
        Names of the options that may follow the values.
    """

    _names = (("minimum", "corner", "other"), ("maximum", "dimensions"))

    def __init__(
        self, owner: str, args: tuple[Any, ...], named: dict[str, Any], options: tuple[str, ...]
    ) -> None:
        self._options = {name: named.pop(name) for name in options if name in named}
        given = list(args)
        if given and isinstance(given[-1], bool | EdgeHandling):
            name = "invert" if isinstance(given[-1], bool) else "edgeHandling"
            self._options[name] = given.pop()
        for names in self._names[len(given) :]:
            given += [named.pop(name) for name in names if name in named]
        if named or len(given) > 2:
            raise TypeError(f"{owner} cannot be made of {args!r} and {named!r}")
        self.given = given

    def option(self, name: str, default: Any) -> Any:
        """Return the value of an option."""
        return self._options.get(name, default)


def operandOf(args: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """Return the box, or the x and y, that a test of containment is asked about."""
    if len(args) == 1 and not named:
        return args[0]
    x, y = (*args, *(named[name] for name in ("x", "y")[len(args) :]))
    return (np.asarray(x), np.asarray(y)) if np.ndim(x) or np.ndim(y) else (x, y)
