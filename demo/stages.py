# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Commands in stages, of several parts of the demonstration that share the cores.

Stages of a part follow each other. A core that a part does not need takes a command of the next part.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

from commands import startCommand
from progress import Progress

__all__ = ["PipetaskError", "Stage", "Track", "runSideBySide"]

_EXECUTED = re.compile(r"Executed (\d+) quanta successfully, (\d+) failed and (\d+) remain")

_PAUSE = 0.2
"""Seconds between two looks at what runs."""


class PipetaskError(RuntimeError):
    """A command of the middleware failed."""


@dataclass(frozen=True)
class Stage:
    """Commands that run side by side.

    Parameters
    ----------
    words
        What they do, for people.
    commands
        The commands.
    nSteps
        Number of quanta.
    """

    words: str
    commands: list[list[str]]
    nSteps: int


class Track:
    """The stages of a part of the demonstration, one after another.

    Parameters
    ----------
    name
        What the part is, for people.
    stages
        The stages.
    logs
        Directory of the logs.
    """

    def __init__(self, name: str, stages: Sequence[Stage], logs: Path) -> None:
        self.name = name
        self.nSteps = sum(stage.nSteps for stage in stages)
        self._stages = list(stages)
        self._logs = logs
        self._started: list[tuple[BaseProcess, Path]] = []
        self._nFinished = 0

    @property
    def isDone(self) -> bool:
        """Whether all stages are done."""
        return not self._stages

    @property
    def nDone(self) -> int:
        """Number of steps that are done."""
        if self.isDone:
            return self.nSteps
        executed = sum(_countQuanta(log) for _, log in self._started)
        return self._nFinished + min(executed, self._stages[0].nSteps)

    @property
    def nRunning(self) -> int:
        """Number of commands that run."""
        return sum(process.exitcode is None for process, _ in self._started)

    @property
    def words(self) -> str:
        """What runs, for people."""
        return f"{self.name}: {self._stages[0].words}"

    def start(self, processes: int) -> None:
        """Start as many of the next commands as there are processes for them, of this stage only."""
        if self.isDone:
            return
        stage, first = self._stages[0], len(self._started)
        self._logs.mkdir(parents=True, exist_ok=True)
        for i, command in enumerate(stage.commands[first : first + processes], first):
            log = self._logs / f"{'-'.join([*self.name.split(), *stage.words.split()])}-{i}.log"
            self._started.append((startCommand(command, log), log))

    def advance(self) -> None:
        """Go on to the next stage if all commands of this one have ended.

        Raises
        ------
        PipetaskError
            Raised if a command has failed, with the end of its log.
        """
        if self.isDone:
            return
        for process, log in self._started:
            if process.exitcode:
                tail = "\n".join(log.read_text().splitlines()[-15:])
                raise PipetaskError(f"{self.words}: failed; the end of {log}:\n{tail}")
        if len(self._started) == len(self._stages[0].commands) and not self.nRunning:
            self._nFinished += self._stages.pop(0).nSteps
            self._started = []

    def stop(self) -> None:
        """End what runs."""
        for process, _ in self._started:
            process.terminate()


def runSideBySide(tracks: Sequence[Track], processes: int, progress: Progress) -> Iterator[Track]:
    """Run all tracks, and yield each when it is done.

    Parameters
    ----------
    tracks
        The tracks. The first has the first choice of processes, and so on.
    processes
        Number of commands that run at a time.
    progress
        Grows by the number of steps.

    Yields
    ------
    track
        A track that is done.

    Raises
    ------
    PipetaskError
        Raised if a command fails, with the end of its log. What else runs is ended.
    """
    waiting = list(tracks)
    try:
        while waiting:
            for track in waiting:
                track.advance()
            for track in waiting:
                track.start(processes - sum(other.nRunning for other in waiting))
            progress.reach(sum(track.nDone for track in tracks))
            if running := [track.words for track in waiting if track.nRunning]:
                progress.say("; ".join(running))
            for track in [track for track in waiting if track.isDone]:
                waiting.remove(track)
                yield track
            time.sleep(_PAUSE)
    finally:
        for track in tracks:
            track.stop()


def _countQuanta(log: Path) -> int:
    """Read the number of executed quanta from a log."""
    found = _EXECUTED.findall(log.read_text())
    return int(found[-1][0]) + int(found[-1][1]) if found else 0
