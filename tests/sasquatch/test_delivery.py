# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Delivery: repeats, waits, divisions, order, and an end in time."""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from lsst.analysis.cp.sasquatch import (
    BatchRejectedError,
    Delivery,
    Fate,
    OutgoingRecord,
    RecordError,
    SasquatchError,
    TransientError,
    makeBatches,
)

Answer = Callable[[list[bytes]], list[RecordError | None]]


class FakeProxy:
    """Takes records, or does to each request what a test says."""

    def __init__(self, answer: Answer | None = None) -> None:
        self.answer = answer or (lambda payloads: [None] * len(payloads))
        self.requests: list[list[bytes]] = []
        self.taken: dict[str, list[bytes]] = defaultdict(list)
        self.nOpen = self.maxOpen = 0
        self._lock = threading.Lock()

    def createTopic(self, topic: str, *, timeout: float | None = None) -> None:
        """All topics exist."""

    def produce(
        self, topic: str, schema: str, payloads: Sequence[bytes], *, timeout: float | None = None
    ) -> list[RecordError | None]:
        with self._lock:
            self.requests.append(list(payloads))
            self.nOpen += 1
            self.maxOpen = max(self.maxOpen, self.nOpen)
        try:
            errors = self.answer(list(payloads))
            self.taken[topic] += [each for each, error in zip(payloads, errors, strict=True) if error is None]
            return errors
        finally:
            with self._lock:
                self.nOpen -= 1


@dataclass
class Outcomes:
    """What became of records, by their numbers."""

    delivered: list[int] = field(default_factory=list)
    rejected: dict[int, str] = field(default_factory=dict)
    kept: dict[int, str] = field(default_factory=dict)


def makeRecords(count: int, topic: str = "a", start: int = 1) -> list[OutgoingRecord]:
    return [
        OutgoingRecord(UUID(int=i), topic, "schema", str(i).encode()) for i in range(start, start + count)
    ]


def deliver(
    proxy: FakeProxy, *batches: list[OutgoingRecord], inFlight: int = 2, deadline: float = 20.0
) -> Outcomes:
    """Deliver batches, and return what became of all records, each of which has one outcome."""
    total = Outcomes()
    with Delivery(proxy, inFlight=inFlight, deadline=time.monotonic() + deadline) as delivery:  # type: ignore[arg-type]
        for records in batches:
            delivery.send(records)
        outcomes = [outcome for some in delivery.finish() for outcome in some]
    for record, fate, reason in outcomes:
        if fate is Fate.DELIVERED:
            total.delivered.append(record.datasetId.int)
        else:
            (total.rejected if fate is Fate.REJECTED else total.kept)[record.datasetId.int] = reason
    assert len(outcomes) == sum(map(len, batches))
    assert len({outcome.record for outcome in outcomes}) == len(outcomes)
    return total


def failTimes(count: int, error: Exception) -> Answer:
    """Fail some times, then take everything."""
    failures = [error] * count

    def answer(payloads: list[bytes]) -> list[RecordError | None]:
        if failures:
            raise failures.pop()
        return [None] * len(payloads)

    return answer


def test_all_is_delivered():
    proxy = FakeProxy()
    outcome = deliver(proxy, makeRecords(3), makeRecords(2, "b", 4))
    assert sorted(outcome.delivered) == [1, 2, 3, 4, 5]
    assert proxy.taken == {"a": [b"1", b"2", b"3"], "b": [b"4", b"5"]}


def test_what_may_pass_is_repeated():
    proxy = FakeProxy(failTimes(3, TransientError("busy")))
    assert deliver(proxy, makeRecords(2)) == Outcomes([1, 2])
    assert proxy.requests == [[b"1", b"2"]] * 4


def test_only_unsettled_records_are_repeated():
    answers = [
        [None, RecordError("later", isTransient=True), RecordError("never", isTransient=False)],
        [None],
    ]
    proxy = FakeProxy(lambda payloads: answers.pop(0))
    assert deliver(proxy, makeRecords(3)) == Outcomes([1, 2], {3: "never"})
    assert proxy.requests == [[b"1", b"2", b"3"], [b"2"]]


def test_asked_wait_is_kept():
    proxy = FakeProxy(failTimes(1, TransientError("busy", retryAfter=0.6)))
    start = time.monotonic()
    assert deliver(proxy, makeRecords(1)) == Outcomes([1])
    assert time.monotonic() - start >= 0.6


def test_waits_grow(caplog):
    caplog.set_level(logging.DEBUG, logger="lsst.analysis.cp.sasquatch")
    deliver(FakeProxy(failTimes(99, TransientError("busy"))), makeRecords(1), deadline=1.5)
    waits = [record.args[1] for record in caplog.records if "Attempt" in record.message]
    assert waits
    assert all(wait <= 0.25 * 2 ** (i + 1) for i, wait in enumerate(waits))
    assert "busy" in caplog.text


def test_time_is_over_in_the_end():
    proxy = FakeProxy(failTimes(10**6, TransientError("busy", retryAfter=3600.0)))
    start = time.monotonic()
    outcome = deliver(proxy, makeRecords(2), makeRecords(2, "b", 3), deadline=0.5)
    assert time.monotonic() - start < 3.0
    assert outcome.kept.keys() == {1, 2, 3, 4}
    assert outcome.kept[1] == "busy"


def test_batches_that_wait_are_kept_when_time_is_over():
    proxy = FakeProxy()
    outcome = deliver(proxy, makeRecords(2), deadline=-1.0)
    assert outcome.kept == dict.fromkeys((1, 2), "the push ended before it was tried")
    assert proxy.requests == []


def test_unusable_proxy_ends_all():
    proxy = FakeProxy(failTimes(10**6, SasquatchError("no certificate")))
    outcomes: list = []
    with Delivery(proxy, inFlight=1, deadline=time.monotonic() + 20) as delivery:  # type: ignore[arg-type]
        for start in (1, 2, 3):
            delivery.send(makeRecords(1, start=start))
        with pytest.raises(SasquatchError, match="no certificate"):
            outcomes.extend(delivery.finish())
        assert delivery.isOver
    assert [outcome.fate for some in outcomes for outcome in some] == [Fate.KEPT] * 3
    assert len(proxy.requests) == 1


def rejectWith(bad: set[bytes], *, isDivisible: bool = True) -> Answer:
    """Reject whatever has bad records among it."""

    def answer(payloads: list[bytes]) -> list[RecordError | None]:
        if bad & set(payloads):
            raise BatchRejectedError(f"422 for {len(payloads)}", isDivisible=isDivisible)
        return [None] * len(payloads)

    return answer


def test_bad_record_costs_only_itself():
    proxy = FakeProxy(rejectWith({b"37"}))
    outcome = deliver(proxy, makeRecords(100))
    assert outcome.rejected == {37: "422 for 1"}
    assert sorted(outcome.delivered) == [i for i in range(1, 101) if i != 37]
    assert len(proxy.requests) < 20
    assert proxy.taken["a"] == [str(i).encode() for i in range(1, 101) if i != 37]


@pytest.mark.parametrize("nBad", [20, 500])
def test_many_bad_records_cost_only_themselves(nBad):
    bad = {str(i).encode() for i in range(500, 500 - nBad, -1)}
    outcome = deliver(FakeProxy(rejectWith(bad)), makeRecords(500))
    assert outcome.rejected.keys() == set(map(int, bad))
    assert len(outcome.delivered) == 500 - nBad


@pytest.mark.parametrize("most", [1, 5])
def test_limit_of_records_costs_none(most):
    def answer(payloads: list[bytes]) -> list[RecordError | None]:
        if len(payloads) > most:
            raise BatchRejectedError("413", isDivisible=True)
        return [None] * len(payloads)

    assert deliver(FakeProxy(answer), makeRecords(500)).delivered == list(range(1, 501))


def test_what_is_not_found_in_time_is_kept():
    def answer(payloads: list[bytes]) -> list[RecordError | None]:
        time.sleep(0.02)
        raise BatchRejectedError("422", isDivisible=True)

    outcome = deliver(FakeProxy(answer), makeRecords(500), deadline=0.5)
    assert 0 < len(outcome.rejected) < len(outcome.kept) < 500
    assert len(outcome.rejected) + len(outcome.kept) == 500


@pytest.mark.parametrize(
    "then",
    [
        BatchRejectedError("409", isDivisible=False),
        BatchRejectedError("413", isDivisible=True),
        TransientError("500"),
        SasquatchError("no longer"),
        ValueError("a fault of ours"),
    ],
    ids=str,
)
def test_what_is_acknowledged_stays_so(then):
    """Of a batch some are taken, then all that remains goes wrong."""
    later = RecordError("later", isTransient=True)

    def answer(payloads: list[bytes]) -> list[RecordError | None]:
        if len(payloads) < 10:
            raise then
        return [None if i % 2 else later for i in range(len(payloads))]

    proxy = FakeProxy(answer)
    outcomes: list = []
    with Delivery(proxy, inFlight=1, deadline=time.monotonic() + 1.0) as delivery:  # type: ignore[arg-type]
        delivery.send(makeRecords(10))
        try:
            for some in delivery.finish():
                outcomes += some
        except Exception as error:
            assert error is then  # noqa: PT017
    fates = {record.datasetId.int: fate for record, fate, _ in outcomes}
    assert len(outcomes) == len(fates) == 10
    expected = Fate.REJECTED if isinstance(then, BatchRejectedError) else Fate.KEPT
    assert [fates[i] for i in range(1, 11)] == [expected, Fate.DELIVERED] * 5
    # And is not sent again.
    assert all(b"2" not in request for request in proxy.requests[1:])


def test_first_failure_is_told_at_once(caplog):
    deliver(FakeProxy(failTimes(3, TransientError("busy"))), makeRecords(1))
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "Attempt 1 failed" in record.message


def test_rejected_schema_is_not_tried_in_parts():
    proxy = FakeProxy(rejectWith({b"1"}, isDivisible=False))
    assert deliver(proxy, makeRecords(3)) == Outcomes([], dict.fromkeys((1, 2, 3), "422 for 3"))
    assert len(proxy.requests) == 1


def slowly(payloads: list[bytes]) -> list[RecordError | None]:
    time.sleep(0.05)
    return [None] * len(payloads)


def test_several_topics_are_in_flight():
    proxy = FakeProxy(slowly)
    deliver(proxy, *(makeRecords(1, topic, i) for i, topic in enumerate("abcdefgh")), inFlight=4)
    assert proxy.maxOpen == 4


def test_records_of_a_topic_stay_in_order():
    proxy = FakeProxy(slowly)
    deliver(proxy, *(makeRecords(2, "a", 2 * i) for i in range(8)), inFlight=4)
    assert proxy.taken["a"] == [str(i).encode() for i in range(16)]
    assert proxy.maxOpen == 1


def test_too_many_batches_wait():
    gate = threading.Event()
    proxy = FakeProxy(lambda payloads: gate.wait(10) and [None] * len(payloads))
    with Delivery(proxy, inFlight=1, deadline=time.monotonic() + 20) as delivery:  # type: ignore[arg-type]
        sender = threading.Thread(
            target=lambda: [delivery.send(makeRecords(1, start=i)) for i in range(1, 21)]
        )
        sender.start()
        sender.join(0.3)
        assert sender.is_alive()
        gate.set()
        sender.join(10)
        assert sum(map(len, delivery.finish())) == 20


def test_request_without_end_does_not_hold_the_push(monkeypatch):
    monkeypatch.setattr("lsst.analysis.cp.sasquatch.delivery.GRACE", 0.1)
    gate = threading.Event()
    proxy = FakeProxy(lambda payloads: gate.wait(10) and [None] * len(payloads))
    outcome = deliver(proxy, *(makeRecords(1, start=i) for i in range(1, 11)), inFlight=1, deadline=0.2)
    gate.set()
    assert outcome.kept[10] == "the push ended before it was tried"


def test_batches_are_of_one_topic_and_schema():
    other = OutgoingRecord(UUID(int=9), "a", "another schema", b"9")
    batches = list(makeBatches([*makeRecords(3), *makeRecords(2, "b", 4), other], 2))
    assert [(b[0].topic, b[0].schema, [record.datasetId.int for record in b]) for b in batches] == [
        ("a", "schema", [1, 2]),
        ("b", "schema", [4, 5]),
        ("a", "another schema", [9]),
        ("a", "schema", [3]),
    ]


def test_batches_are_not_too_long():
    records = [OutgoingRecord(UUID(int=i), "a", "schema", b"x" * 400_000) for i in range(5)]
    assert [len(each) for each in makeBatches(records, 500)] == [2, 2, 1]


def test_no_batches_of_nothing():
    assert list(makeBatches([], 500)) == []
