# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Delivery of batches of records, several at a time, until they are acknowledged or time is over."""

from __future__ import annotations

import itertools
import logging
import queue
import threading
import time
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import NamedTuple, Self

import tenacity

from .access import TransientError
from .proxy import BatchRejectedError, ProxyClient
from .records import OutgoingRecord

__all__ = ["Delivery", "Fate", "Outcome", "makeBatches"]

_LOG = logging.getLogger(__name__)

_QUEUED_BATCHES = 4
_MAX_BATCH_BYTES = 900_000
_BACK_OFF = tenacity.wait_random_exponential(multiplier=0.25, max=30.0)
_LONGEST_ASKED_WAIT = 120.0
# From here on a wait is worth a warning, s.
_LONG_WAIT = 4.0
GRACE = 5.0
"""How long after the deadline a request may still take until it is no longer waited for, s."""

# A request is not worth it with less time than this, s.
_LEAST_TIME = 0.05
_NOT_TRIED = "the push ended before it was tried"
_NO_END = "the push ended before an answer came"


class Fate(Enum):
    """What may become of a record."""

    DELIVERED = "it was acknowledged"
    REJECTED = "it was refused for good"
    KEPT = "it was given up for now, and may have arrived"


class Outcome(NamedTuple):
    """What became of a record, and why if it was not taken."""

    record: OutgoingRecord
    fate: Fate
    reason: str = ""


def makeBatches(records: Iterable[OutgoingRecord], maxRecords: int) -> Iterator[list[OutgoingRecord]]:
    """Divide records into batches of one topic and schema each, of at most so many, and not too long.

    Those of a topic are in order.
    """
    batches: dict[tuple[str, str], list[list[OutgoingRecord]]] = {}
    lengths: dict[tuple[str, str], int] = {}
    for record in records:
        key = record.topic, record.schema
        group = batches.setdefault(key, [[]])
        lengths[key] = lengths.get(key, 0) + len(record.payload)
        if len(group[-1]) == maxRecords or (group[-1] and lengths[key] > _MAX_BATCH_BYTES):
            group.append([])
            lengths[key] = len(record.payload)
        group[-1].append(record)
    # In turns, so that bundles are soon complete, and noted.
    for some in itertools.zip_longest(*batches.values()):
        yield from filter(None, some)


class Delivery:
    """Threads that deliver batches.

    Those of one topic go one after the other, in order, so that of two points at the same time the later
    stays. A request that fails in a way that may pass is repeated until the deadline, after waits that grow
    and are random. A batch that is refused is divided until the record to blame is found. What is once
    acknowledged is delivered, whatever becomes of the rest of its batch. The deadline is on the clock of
    `time.monotonic`.
    """

    def __init__(self, client: ProxyClient, *, inFlight: int, deadline: float) -> None:
        self._client = client
        self._deadline = deadline
        self._stop = threading.Event()
        self._isClosed = threading.Event()
        self._hasWarned = False
        self._failure: Exception | None = None
        self._outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        # Records that were handed over and have no outcome yet.
        self._unsettled: dict[OutgoingRecord, None] = {}
        self._queues = [queue.Queue[list[OutgoingRecord]](_QUEUED_BATCHES) for _ in range(inFlight)]
        self._workerOf: dict[str, int] = {}
        self._threads = [
            threading.Thread(target=self._work, args=(each,), name=f"delivery-{i}", daemon=True)
            for i, each in enumerate(self._queues)
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
        self._isClosed.set()

    def stop(self) -> None:
        """Let nothing more be tried."""
        self._stop.set()

    @property
    def isOver(self) -> bool:
        """Whether nothing more is delivered: time is over, or the proxy cannot be used."""
        return self._stop.is_set() or time.monotonic() >= self._deadline

    def send(self, batch: list[OutgoingRecord]) -> None:
        """Hand over a batch; waits while too many are on their way, but not for long after the deadline."""
        self._unsettled |= dict.fromkeys(batch)
        worker = self._workerOf.setdefault(batch[0].topic, len(self._workerOf) % len(self._queues))
        try:
            self._queues[worker].put(batch, timeout=max(0.0, self._deadline + GRACE - time.monotonic()))
        except queue.Full:
            self._settle(batch, Fate.KEPT, _NOT_TRIED)

    def collect(self) -> list[Outcome]:
        """Return what became of records since the last call, without waiting."""
        outcomes = []
        while not self._outcomes.empty():
            outcome = self._outcomes.get()
            # Who is no longer waited for does not count.
            if self._unsettled.pop(outcome.record, outcome) is None:
                outcomes.append(outcome)
        return outcomes

    def finish(self) -> Iterator[list[Outcome]]:
        """Take no more batches; yield what becomes of records until each that was handed over is settled.

        In the end, what made the proxy unusable is raised, if anything did.
        """
        self._isClosed.set()
        while any(thread.is_alive() for thread in self._threads):
            if time.monotonic() > self._deadline + GRACE:
                _LOG.warning("A request does not end; its records are kept.")
                break
            time.sleep(0.02)
            yield self.collect()
        yield self.collect()
        self._settle(list(self._unsettled), Fate.KEPT, _NO_END)
        yield self.collect()
        if self._failure is not None:
            raise self._failure

    def _settle(self, records: Iterable[OutgoingRecord], fate: Fate, reason: str = "") -> None:
        for record in records:
            self._outcomes.put(Outcome(record, fate, reason))

    def _work(self, batches: queue.Queue[list[OutgoingRecord]]) -> None:
        while True:
            is_closed = self._isClosed.is_set()
            try:
                batch = batches.get(timeout=0.05)
            except queue.Empty:
                if is_closed:
                    return
                continue
            try:
                self._deliver(batch)
            except Exception as error:
                # The first failure counts; it is raised in the thread that asks.
                self._failure = self._failure or error
                self.stop()
                self._settle(batch, Fate.KEPT, str(error))

    def _deliver(self, batch: list[OutgoingRecord]) -> None:
        """Deliver a batch, divided where it is refused."""
        stack = [batch[:]]
        while stack:
            part = stack.pop()
            try:
                self._deliverPart(part)
            except BatchRejectedError as error:
                # Of the part there is left what was not acknowledged before.
                if error.isDivisible and len(part) > 1:
                    middle = len(part) // 2
                    stack += [part[middle:], part[:middle]]
                    continue
                self._settle(part, Fate.REJECTED, str(error))

    def _deliverPart(self, part: list[OutgoingRecord]) -> None:
        """Try until each record is settled or time is over; take those that are settled off the list."""
        if self.isOver:
            self._settle(part, Fate.KEPT, _NOT_TRIED)
            return
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(TransientError),
            wait=self._findWait,
            stop=self._isLastAttempt,
            sleep=tenacity.sleep_using_event(self._stop),
            before_sleep=self._logWait,
            reraise=True,
        )
        try:
            retrying(self._attempt, part)
        except TransientError as error:
            self._settle(part, Fate.KEPT, str(error))

    def _attempt(self, part: list[OutgoingRecord]) -> None:
        """Make one attempt."""
        if self._stop.is_set():
            raise TransientError(_NOT_TRIED)
        topic, schema = part[0].topic, part[0].schema
        self._client.createTopic(topic, timeout=self._deadline - time.monotonic())
        payloads = [each.payload for each in part]
        errors = self._client.produce(topic, schema, payloads, timeout=self._deadline - time.monotonic())
        results = list(zip(part, errors, strict=True))
        part[:] = [record for record, error in results if error is not None and error.isTransient]
        self._settle((record for record, error in results if error is None), Fate.DELIVERED)
        for record, error in results:
            if error is not None and not error.isTransient:
                self._settle([record], Fate.REJECTED, error.message)
        if part:
            raise TransientError(next(error.message for _, error in results if error and error.isTransient))

    def _findWait(self, state: tenacity.RetryCallState) -> float:
        """Find how long to wait before the next attempt, s."""
        wait = min(float(_BACK_OFF(state)), (self._deadline - time.monotonic()) / 2)
        error = state.outcome.exception() if state.outcome is not None else None
        asked = error.retryAfter if isinstance(error, TransientError) else None
        return max(0.0, wait, min(asked or 0.0, _LONGEST_ASKED_WAIT))

    def _isLastAttempt(self, state: tenacity.RetryCallState) -> bool:
        """Whether the next attempt would come too late."""
        return self.isOver or time.monotonic() + state.upcoming_sleep > self._deadline - _LEAST_TIME

    def _logWait(self, state: tenacity.RetryCallState) -> None:
        wait = state.next_action.sleep if state.next_action is not None else 0.0
        error = state.outcome.exception() if state.outcome is not None else None
        # Whoever waits shall know at once that something is wrong.
        level = logging.WARNING if wait > _LONG_WAIT or not self._hasWarned else logging.DEBUG
        self._hasWarned = True
        _LOG.log(level, "Attempt %d failed, next in %.1f s: %s", state.attempt_number, wait, error)
