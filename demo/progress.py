# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""How far the demonstration is: one bar, which only grows, and words for what runs."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from typing import TextIO

from tqdm import tqdm

__all__ = ["Progress"]


class Progress:
    """One bar for all that runs.

    Parameters
    ----------
    nSteps
        Number of all steps.
    stream
        Where to draw it. On what is no terminal it is written anew twice a minute at most.
    """

    def __init__(self, nSteps: int, stream: TextIO = sys.stderr) -> None:
        self._bar = tqdm(
            total=nSteps,
            file=stream,
            mininterval=0.5 if stream.isatty() else 30.0,
            bar_format="{percentage:3.0f}% |{bar:30}| {elapsed} {desc}",
        )

    @property
    def step(self) -> int:
        """Number of steps that are done."""
        return int(self._bar.n)

    def say(self, words: str) -> None:
        """Say what runs now."""
        if words != self._bar.desc:
            self._bar.set_description_str(words)

    def reach(self, step: int) -> None:
        """Let the bar grow to a number of steps; it never shrinks, and never grows beyond its end."""
        self._bar.update(max(min(step, self._bar.total) - self._bar.n, 0))

    def printing(self) -> AbstractContextManager[None]:
        """Give a context in which lines may be printed."""
        return tqdm.external_write_mode()

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()
