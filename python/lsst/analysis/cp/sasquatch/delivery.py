# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Delivery of batches of records, several at a time, until they are acknowledged or time is over."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import tenacity

from .ledger import OutgoingRecord
from .proxyClient import ProxyClient
from .proxyErrors import BatchRejectedError, TransientError

__all__ = ["Batch", "Delivery", "Outcome", "makeBatches"]

_LOG = logging.getLogger(__name__)

_QUEUED_BATCHES = 4
_MAX_BATCH_BYTES = 900_000
_FIRST_WAIT = 0.25
_LONGEST_WAIT = 30.0
_LONGEST_ASKED_WAIT = 120.0
# From here on a wait is worth a warning.
_LONG_WAIT = 4.0
# How often a refused batch is divided in search of the record to blame.
_MAX_DIVISIONS = 64
GRACE = 5.0
"""How long after the deadline a request may still take until it is no longer waited for, s."""

# A request is not worth it with less time than this, s.
_LEAST_TIME = 0.05
_NOT_TRIED = "the push ended before it was tried"


@dataclass(frozen=True)
class Batch:
    """Records for one request."""

    topic: str
    """Full name of the topic."""

    schema: str
    """Avro schema of all of them."""

    records: Sequence[OutgoingRecord]
    """The records."""


@dataclass(frozen=True)
class Outcome:
    """What became of records, by their places in the outbox."""

    delivered: list[int] = field(default_factory=list)
    """Those that were acknowledged."""

    rejected: dict[int, str] = field(default_factory=dict)
    """Those that were refused for good, with the reason."""

    kept: dict[int, str] = field(default_factory=dict)
    """Those that were given up for now, with the reason; they may have arrived."""


def makeBatches(records: Iterable[OutgoingRecord], maxRecords: int) -> Iterator[Batch]:
    """Divide records into batches of one topic and schema each.

    Parameters
    ----------
    records
        The records, in order.
    maxRecords
        Most records in a batch; fewer if they are long.

    Yields
    ------
    batch
        Those of a topic are in order.
    """
    groups: dict[tuple[str, str], list[OutgoingRecord]] = {}
    for record in records:
        groups.setdefault((record.topic, record.schema), []).append(record)
    for (topic, schema), group in groups.items():
        some: list[OutgoingRecord] = []
        length = 0
        for record in group:
            if some and (len(some) == maxRecords or length + len(record.payload) > _MAX_BATCH_BYTES):
                yield Batch(topic, schema, some)
                some, length = [], 0
            some.append(record)
            length += len(record.payload)
        yield Batch(topic, schema, some)


class Delivery:
    """Threads that deliver batches.

    Those of one topic go one after the other, in order, so that of two points at the same time the later
    stays. A request that fails in a way that may pass is repeated until the deadline, after waits that grow
    and are random. A batch that is refused is divided until the record to blame is found.

    Parameters
    ----------
    client
        The proxy.
    inFlight
        Most requests at a time.
    deadline
        When to give up, on the clock of `time.monotonic`.
    """

    def __init__(self, client: ProxyClient, *, inFlight: int, deadline: float) -> None:
        self._client = client
        self._deadline = deadline
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._queues: list[queue.Queue[Batch | None]] = [
            queue.Queue(_QUEUED_BATCHES) for _ in range(inFlight)
        ]
        self._workerOf: dict[str, int] = {}
        self._threads = [
            threading.Thread(target=self._work, args=(each,), name=f"delivery-{i}", daemon=True)
            for i, each in enumerate(self._queues)
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()

    @property
    def isOver(self) -> bool:
        """Whether nothing more is delivered: time is over, or the proxy cannot be used."""
        return self._stop.is_set() or time.monotonic() >= self._deadline

    def send(self, batch: Batch) -> None:
        """Hand over a batch; waits while too many are on their way, but not beyond the deadline."""
        worker = self._workerOf.setdefault(batch.topic, len(self._workerOf) % len(self._queues))
        patience = max(0.0, self._deadline + GRACE - time.monotonic())
        try:
            self._queues[worker].put(batch, timeout=patience)
        except queue.Full:
            self._outcomes.put(Outcome(kept=dict.fromkeys((each.id for each in batch.records), _NOT_TRIED)))

    def collect(self) -> Outcome:
        """Return what became of records since the last call, without waiting."""
        total = Outcome()
        while not self._outcomes.empty():
            outcome = self._outcomes.get()
            total.delivered.extend(outcome.delivered)
            total.rejected.update(outcome.rejected)
            total.kept.update(outcome.kept)
        return total

    def raiseFailure(self) -> None:
        """Raise what made the proxy unusable, if anything did.

        Raises
        ------
        ProxyError
            Raised if the proxy cannot be used.
        """
        if self._failure is not None:
            raise self._failure

    def finish(self) -> Iterator[Outcome]:
        """Take no more batches; yield what becomes of records until all that was handed over is settled."""
        closing = [threading.Thread(target=each.put, args=(None,), daemon=True) for each in self._queues]
        for thread in closing:
            thread.start()
        while any(thread.is_alive() for thread in self._threads):
            if time.monotonic() > self._deadline + GRACE:
                _LOG.warning("A request does not end; its records are kept.")
                break
            time.sleep(0.02)
            yield self.collect()
        yield self.collect()

    def _work(self, batches: queue.Queue[Batch | None]) -> None:
        while (batch := batches.get()) is not None:
            try:
                self._deliver(batch)
            except BaseException as error:
                # The first failure counts; it is raised in the thread that asks.
                self._failure = self._failure or error
                self._stop.set()
                self._outcomes.put(
                    Outcome(kept=dict.fromkeys((each.id for each in batch.records), str(error)))
                )

    def _deliver(self, batch: Batch) -> None:
        """Deliver a batch, divided where it is refused."""
        parts = [list(batch.records)]
        divisions = 0
        while parts:
            part = parts.pop()
            try:
                self._deliverPart(batch, part)
            except BatchRejectedError as error:
                if error.isDivisible and len(part) > 1 and divisions < _MAX_DIVISIONS:
                    divisions += 1
                    middle = len(part) // 2
                    parts += [part[middle:], part[:middle]]
                else:
                    self._outcomes.put(
                        Outcome(rejected=dict.fromkeys((each.id for each in part), str(error)))
                    )

    def _deliverPart(self, batch: Batch, records: list[OutgoingRecord]) -> None:
        """Try until each record is settled or time is over."""
        if self.isOver:
            self._outcomes.put(Outcome(kept=dict.fromkeys((each.id for each in records), _NOT_TRIED)))
            return
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(TransientError),
            wait=self._findWait,
            stop=self._isLastAttempt,
            sleep=tenacity.sleep_using_event(self._stop),
            before_sleep=_logWait,
            reraise=True,
        )
        remaining = records
        try:
            for attempt in retrying:
                with attempt:
                    remaining, reason = self._attempt(batch, remaining)
                    if remaining:
                        raise TransientError(reason)
        except TransientError as error:
            self._outcomes.put(Outcome(kept=dict.fromkeys((each.id for each in remaining), str(error))))

    def _attempt(self, batch: Batch, records: list[OutgoingRecord]) -> tuple[list[OutgoingRecord], str]:
        """Make one attempt; return the records to try again, and why."""
        self._client.createTopic(batch.topic, timeout=self._deadline - time.monotonic())
        payloads = [each.payload for each in records]
        timeout = self._deadline - time.monotonic()
        errors = self._client.produce(batch.topic, batch.schema, payloads, timeout=timeout)
        results = list(zip(records, errors, strict=True))
        delivered = [record.id for record, error in results if error is None]
        rejected = {record.id: error.message for record, error in results if error and not error.isTransient}
        self._outcomes.put(Outcome(delivered, rejected))
        again = [(record, error.message) for record, error in results if error and error.isTransient]
        return [record for record, _ in again], again[0][1] if again else ""

    def _findWait(self, state: tenacity.RetryCallState) -> float:
        """Find how long to wait before the next attempt, s."""
        wait = min(float(_BACK_OFF(state)), (self._deadline - time.monotonic()) / 2)
        error = state.outcome.exception() if state.outcome is not None else None
        asked = error.retryAfter if isinstance(error, TransientError) else None
        if asked is not None:
            wait = max(wait, min(asked, _LONGEST_ASKED_WAIT))
        return max(0.0, wait)

    def _isLastAttempt(self, state: tenacity.RetryCallState) -> bool:
        """Whether the next attempt would come too late."""
        return self.isOver or time.monotonic() + state.upcoming_sleep > self._deadline - _LEAST_TIME


_BACK_OFF = tenacity.wait_random_exponential(multiplier=_FIRST_WAIT, max=_LONGEST_WAIT)


def _logWait(state: tenacity.RetryCallState) -> None:
    wait = state.next_action.sleep if state.next_action is not None else 0.0
    error = state.outcome.exception() if state.outcome is not None else None
    level = logging.WARNING if wait > _LONG_WAIT else logging.DEBUG
    _LOG.log(level, "Attempt %d failed, next in %.1f s: %s", state.attempt_number, wait, error)
