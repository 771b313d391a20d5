# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The push of stored metrics: from a repository, past the ledger, to the proxy."""

from __future__ import annotations

import itertools
import logging
import math
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from lsst.analysis.cp.metrics import BundleQuery, FoundBundles, nameDataset

from .access import SasquatchError
from .delivery import GRACE, Delivery, Fate, Outcome, makeBatches
from .ledger import Ledger, LedgerError
from .proxy import ProxyClient
from .records import OutgoingRecord, RecordMaker

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef
    from lsst.resources import ResourcePath

__all__ = ["Progress", "PushReport", "Pusher", "Undelivered"]

_LOG = logging.getLogger(__name__)

PAGE_BUNDLES = 500
"""How many bundles, of some dozen records each, are in memory at a time."""

READ_TIMEOUT = 60.0
"""How long the reading of one bundle may take, s."""

Progress = Callable[[int, int], object]
"""Takes how many bundles are dealt with, and how many were found."""


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A record that is not delivered, or a bundle of which no records could be made (without topic).

    The reason is what the proxy, or the way to it, said last, or what is wrong with the bundle. What the
    proxy did not refuse for good may have arrived.
    """

    datasetId: UUID
    name: str
    topic: str
    reason: str
    isRejected: bool = False


@dataclass
class PushReport:
    """What a push did.

    Parameters
    ----------
    found
        Number of bundles that were found.
    known, untouched, unread
        Of these, those that an earlier push had delivered, those that were not looked at before the deadline,
        and those of which no records could be made, or that vanished.
    vanished
        Of the latter, those that somebody removed after they were found.
    collisions
        Bundles whose points are at the times of those of other bundles, so that the database may keep one.
    delivered, rejected, kept
        Number of records that the proxy acknowledged, that it refused for good, and that were given up for
        now, of which some may have arrived.
    untagged
        Number of runs whose tags could not be read, by dataset type; their records were sent without.
    failure
        Why the push was broken off, if it was.
    """

    found: int = 0
    known: int = 0
    untouched: int = 0
    unread: int = 0
    vanished: int = 0
    collisions: int = 0
    delivered: int = 0
    rejected: int = 0
    kept: int = 0
    untagged: int = 0
    failure: str = ""

    @property
    def isDelivered(self) -> bool:
        """Whether all is delivered."""
        return not (
            self.failure or self.rejected or self.kept or self.unread or self.untouched or self.untagged
        )


@dataclass
class _Bundle:
    """A bundle on its way."""

    id: UUID
    name: str
    records: list[OutgoingRecord]
    left: int = field(init=False)
    isWhole: bool = True

    def __post_init__(self) -> None:
        self.point = self.records[0].point if self.records else None
        self.left = len(self.records)


def _logUndelivered(item: Undelivered) -> None:
    _LOG.error("Not delivered: %s of %s: %s", item.topic or "all", item.name, item.reason)


class Pusher:
    """Sends the metrics of a repository to one target.

    Parameters
    ----------
    butler
        The repository.
    maker
        Makes the records of its bundles.
    ledger
        What was sent to the target.
    tell
        Told of each record and bundle that is not delivered; by default, they are logged.

    Attributes
    ----------
    report
        What was done so far.
    """

    def __init__(
        self,
        butler: Butler,
        maker: RecordMaker,
        ledger: Ledger,
        *,
        tell: Callable[[Undelivered], object] = _logUndelivered,
    ) -> None:
        self._butler = butler
        self._maker = maker
        self._ledger = ledger
        self._tell = tell
        self._reader = TimedReader()
        self._bundles: dict[UUID, _Bundle] = {}
        self._points: set[int] = set()
        self.report = PushReport()

    def push(
        self,
        query: BundleQuery,
        client: ProxyClient,
        *,
        batchSize: int = 500,
        inFlight: int = 4,
        deadline: float = 600.0,
        progress: Progress = lambda count, total: None,
    ) -> PushReport:
        """Send the bundles that no earlier push has delivered.

        Memory is bounded whatever the number of bundles. Each record is a function of its bundle, so that
        what is sent again is the same, byte for byte.

        Parameters
        ----------
        query
            Which bundles.
        client
            The proxy.
        batchSize
            Most records in a request.
        inFlight
            Most requests at a time.
        deadline
            When to give up, s from now.
        progress
            Told of each page of bundles.

        Returns
        -------
        report
            What was done. What was not delivered goes with the next push.
        """
        end = time.monotonic() + deadline
        found = self._reader.run(partial(query.find, self._butler), deadline + GRACE)
        with Delivery(client, inFlight=inFlight, deadline=end) as delivery:
            try:
                for page in self._readPages(found, progress, lambda: delivery.isOver, end + GRACE):
                    self._take(page)
                    records = [record for bundle in page for record in bundle.records]
                    for batch in makeBatches(records, batchSize):
                        delivery.send(batch)
                        self._settle(delivery.collect(), delivery)
            except Exception as error:
                self._fail(error)
            # What was handed over is still delivered and counted.
            try:
                for outcomes in delivery.finish():
                    self._settle(outcomes, delivery)
            except Exception as error:
                self._fail(error)
        self.report.untagged = self._maker.untagged
        return self.report

    def _fail(self, error: Exception) -> None:
        """Take note of what breaks the push off."""
        _LOG.debug("The push is broken off.", exc_info=error)
        reason = str(error) if isinstance(error, SasquatchError) else f"{type(error).__name__}: {error}"
        self.report.failure = self.report.failure or reason.partition("\n")[0]

    def preview(
        self, query: BundleQuery, progress: Progress = lambda count, total: None
    ) -> Iterator[tuple[str, bytes]]:
        """Yield the topic and the JSON of each record that a push would send; send and note nothing."""
        for page in self._readPages(query.find(self._butler), progress, lambda: False, math.inf):
            yield from ((record.topic, record.payload) for bundle in page for record in bundle.records)

    def _readPages(
        self, everything: Sequence[FoundBundles], progress: Progress, isOver: Callable[[], bool], end: float
    ) -> Iterator[list[_Bundle]]:
        """Yield the bundles that the ledger does not know, in pages."""
        report = self.report
        report.found = report.untouched = sum(map(len, everything))
        for found in everything:
            ids = self._ledger.findOpen(found.ids)
            report.known += len(found) - len(ids)
            report.untouched -= len(found) - len(ids)
            for page in itertools.batched(ids, PAGE_BUNDLES):
                progress(report.found - report.untouched, report.found)
                if isOver():
                    return
                uuids = [UUID(bytes=each) for each in page]
                read = self._reader.run(partial(found.read, self._butler, uuids), end - time.monotonic())
                refs = {ref.id: ref for ref in read}
                places = self._locate(refs.values(), end)
                bundles = []
                for id in uuids:
                    if isOver():
                        break
                    report.untouched -= 1
                    if id not in refs:
                        report.vanished += 1
                        self._leave(
                            id, f"{found.datasetType.name} {id}", "it was removed from the repository"
                        )
                    elif (bundle := self._makeBundle(refs[id], places.get(id), end)) is not None:
                        bundles.append(bundle)
                yield bundles
        progress(report.found - report.untouched, report.found)

    def _locate(self, refs: Iterable[DatasetRef], end: float) -> dict[UUID, ResourcePath | None]:
        """Find the files of bundles at once; those for which that fails are looked up one by one."""
        try:
            timeout = min(READ_TIMEOUT, end - time.monotonic())
            places = self._reader.run(partial(self._butler.get_many_uris, refs, allow_missing=True), timeout)
            return {ref.id: place.primaryURI for ref, place in places.items()}
        except Exception:
            _LOG.debug("Files of bundles cannot be found at once.", exc_info=True)
            return {}

    def _makeBundle(self, ref: DatasetRef, uri: ResourcePath | None, end: float) -> _Bundle | None:
        """Make the records of a bundle; whatever is wrong with it costs no more than itself."""
        name = nameDataset(ref)
        try:
            timeout = min(READ_TIMEOUT, end - time.monotonic())
            records = self._reader.run(partial(self._maker.make, ref, uri), timeout)
        except Exception as error:
            self._leave(ref.id, name, str(error) or type(error).__name__)
            return None
        return _Bundle(ref.id, name, records)

    def _leave(self, id: UUID, name: str, reason: str) -> None:
        self.report.unread += 1
        self._tell(Undelivered(id, name, "", reason))

    def _take(self, page: Sequence[_Bundle]) -> None:
        """Take bundles; say where two have one point."""
        points = [bundle.point for bundle in page if bundle.point is not None]
        known = self._ledger.findPoints(points)
        for bundle in page:
            if bundle.point in known or bundle.point in self._points:
                self.report.collisions += 1
                _LOG.warning("%s has the time of another bundle: the database may keep one.", bundle.name)
            if bundle.point is not None:
                self._points.add(bundle.point)
            self._bundles[bundle.id] = bundle
        self._note([bundle for bundle in page if not bundle.records])

    def _settle(self, outcomes: Sequence[Outcome], delivery: Delivery) -> None:
        """Count what became of records; note the bundles of which all are delivered."""
        done = []
        for record, fate, reason in outcomes:
            bundle = self._bundles[record.datasetId]
            bundle.left -= 1
            if fate is Fate.DELIVERED:
                self.report.delivered += 1
            else:
                bundle.isWhole = False
                self.report.rejected += fate is Fate.REJECTED
                self.report.kept += fate is Fate.KEPT
                item = Undelivered(bundle.id, bundle.name, record.topic, reason, fate is Fate.REJECTED)
                self._tell(item)
            if not bundle.left:
                done.append(bundle)
        try:
            self._note(done)
        except LedgerError as error:
            # What cannot be noted would all be sent again.
            self._fail(error)
            delivery.stop()

    def _note(self, bundles: Sequence[_Bundle]) -> None:
        for bundle in bundles:
            del self._bundles[bundle.id]
            self._points.discard(bundle.point or 0)
        self._ledger.note((bundle.id.bytes, bundle.point) for bundle in bundles if bundle.isWhole)


class TimedReader:
    """Runs one call after another in a thread that is left behind if a call does not end in time."""

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], Any]] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[tuple[Any, Exception | None]] = queue.SimpleQueue()
        threading.Thread(target=_runCalls, args=(self._calls, self._results), daemon=True).start()

    def run[T](self, call: Callable[[], T], timeout: float) -> T:
        """Return what a call returns, or raise what it raises."""
        self._calls.put(call)
        wait = min(max(timeout, 0.0), threading.TIMEOUT_MAX)
        try:
            result: tuple[T, Exception | None] = self._results.get(timeout=wait)
        except queue.Empty:
            self._start()
            raise TimeoutError(f"the repository gave no answer within {timeout:.3g} s") from None
        if result[1] is not None:
            raise result[1]
        return result[0]


def _runCalls(
    calls: queue.SimpleQueue[Callable[[], Any]], results: queue.SimpleQueue[tuple[Any, Exception | None]]
) -> None:
    while True:
        call = calls.get()
        try:
            results.put((call(), None))
        except Exception as error:
            results.put((None, error))
