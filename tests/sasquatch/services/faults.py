# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Ways in which a REST proxy can fail."""

from __future__ import annotations

import enum
import random
import threading
from collections import deque
from collections.abc import Mapping

__all__ = ["Fault", "FaultPlan"]


class Fault(enum.Enum):
    """What happens to a request instead of a good answer.

    In some, the records are taken before things go wrong, so that the sender
    cannot know.
    """

    TOO_MANY = "429, with a time to wait"
    SERVER_ERROR = "500"
    UNAVAILABLE = "503, as a page of HTML"
    HANG = "no answer until long after the sender's patience; nothing is taken"
    HANG_AFTER = "no answer, but the records are taken"
    RESET = "connection reset before the answer; nothing is taken"
    RESET_IN_BODY = "connection reset in the middle of the answer's body; the records are taken"
    PARTIAL = "every other record is refused for now, the rest are taken"
    PARTIAL_FINAL = "every other record is refused for good, the rest are taken"
    TRICKLE = "a good answer, byte by byte"
    WRONG_JSON = "200 with half an answer; the records are taken"
    NOT_JSON = "200 with a page of HTML; nothing is taken"
    SCHEMA_REJECTED = "422, the registry does not take the schema"
    REDIRECT = "307 to another host"
    EARLY_HINTS = "103 before the answer"


class FaultPlan:
    """Says which requests meet which fault; by default, none does.

    Parameters
    ----------
    rates
        Probability of each fault for requests without one that is scripted.
    seed
        Seed of the random numbers.
    """

    def __init__(self, rates: Mapping[Fault, float] | None = None, seed: int = 1) -> None:
        self._rates = dict(rates or {})
        self._random = random.Random(seed)
        self._script: deque[Fault | None] = deque()
        self._lock = threading.Lock()
        self.counts: dict[Fault, int] = {}

    def script(self, *faults: Fault | None) -> None:
        """Give faults, or None, to the next requests, in order."""
        with self._lock:
            self._script.extend(faults)

    def next(self) -> Fault | None:
        """Return the fault of a request, and count it."""
        with self._lock:
            fault = self._script.popleft() if self._script else self._draw()
            if fault is not None:
                self.counts[fault] = self.counts.get(fault, 0) + 1
            return fault

    def _draw(self) -> Fault | None:
        draw = self._random.random()
        for fault, rate in self._rates.items():
            draw -= rate
            if draw < 0:
                return fault
        return None
