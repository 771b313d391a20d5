# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The push of stored metrics to Sasquatch."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lsst.analysis.cp.metrics import BundleError, BundleQuery

from .delivery import Delivery, Outcome, makeBatches
from .ledger import EncodedDataset, Ledger, OutgoingRecord
from .proxyClient import ProxyClient
from .proxyErrors import ProxyError
from .recordMaker import RecordMaker
from .records import MetricRecord
from .schemas import Mode, avroSchema, avroValue, topicName

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef

__all__ = ["Progress", "PushReport", "Pusher", "encodeRecord"]

_LOG = logging.getLogger(__name__)

PAGE_BUNDLES = 500
"""How many bundles, of some dozen records each, are in memory at a time."""

PAGE_RECORDS = 5000
"""How many records that earlier pushes left are in memory at a time."""

Progress = Callable[[int, int], object]
"""Takes how many bundles are dealt with, and how many were found."""


@dataclass
class PushReport:
    """What a push did."""

    delivered: int = 0
    """Records that the proxy acknowledged."""

    resumed: int = 0
    """Records that an earlier push had left, whatever became of them."""

    found: int = 0
    """Bundles that were found."""

    bundles: int = 0
    """Of these, those that were looked at."""

    knownBundles: int = 0
    """Of these, those that an earlier push had taken over."""

    rejected: int = 0
    """Records that the proxy refused for good."""

    kept: int = 0
    """Records that remain in the outbox."""

    unreadBundles: dict[str, str] = field(default_factory=dict)
    """Bundles of which no records could be made, with the reason."""

    isComplete: bool = False
    """Whether all bundles were looked at before the deadline."""

    failure: str = ""
    """Why the push was broken off, if it was."""

    @property
    def isDelivered(self) -> bool:
        """Whether all is delivered."""
        return self.isComplete and not (self.failure or self.rejected or self.kept or self.unreadBundles)


def encodeRecord(record: MetricRecord, namespace: str, mode: Mode) -> tuple[str, str, bytes]:
    """Encode a record.

    Parameters
    ----------
    record
        The record.
    namespace
        Namespace of the topics.
    mode
        Which kind of topics.

    Returns
    -------
    topic
        Full name of the topic.
    schema
        Avro schema, as JSON.
    payload
        The record as JSON in the encoding of Avro.
    """
    value = avroValue(record, mode)
    payload = json.dumps(value, separators=(",", ":"), allow_nan=False).encode()
    return topicName(record.topic, namespace, mode), avroSchema(record, namespace, mode), payload


class Pusher:
    """Sends the metrics of a repository to one target.

    Parameters
    ----------
    maker
        Makes the records of bundles.
    namespace
        Namespace of the topics.
    mode
        Which kind of topics.
    ledger
        What was sent to the target.

    Attributes
    ----------
    report
        What the last push did so far.
    """

    def __init__(self, maker: RecordMaker, namespace: str, mode: Mode, ledger: Ledger) -> None:
        self._maker = maker
        self._namespace = namespace
        self._mode = mode
        self._ledger = ledger
        self.report = PushReport()

    def push(
        self,
        butler: Butler,
        bundles: BundleQuery,
        client: ProxyClient,
        *,
        batchSize: int = 500,
        inFlight: int = 4,
        deadline: float = 3600.0,
        progress: Progress = lambda count, total: None,
    ) -> PushReport:
        """Send what earlier pushes left, then the bundles that no earlier push has delivered.

        Memory is bounded whatever the number of bundles.

        Parameters
        ----------
        butler
            The repository.
        bundles
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
            What was done. What was not delivered is in the ledger, and goes with the next push.

        Raises
        ------
        LedgerError
            Raised if the ledger cannot be written.
        """
        self.report = PushReport()
        end = time.monotonic() + deadline
        with Delivery(client, inFlight=inFlight, deadline=end) as delivery:
            self.report.isComplete = self._sendAll(delivery, self._readOutbox(), batchSize) and self._sendAll(
                delivery, self._readBundles(butler, bundles, progress), batchSize
            )
            for outcome in delivery.finish():
                self._settle(outcome)
            try:
                delivery.raiseFailure()
            except ProxyError as error:
                self.report.failure = str(error)
        self.report.kept, _ = self._ledger.measureOutbox()
        return self.report

    def preview(
        self, butler: Butler, bundles: BundleQuery, progress: Progress = lambda count, total: None
    ) -> Iterator[tuple[str, bytes]]:
        """Find what a push would send, without sending or noting anything.

        Parameters
        ----------
        butler
            The repository.
        bundles
            Which bundles.
        progress
            Told of each page of bundles.

        Yields
        ------
        topic
            Full name of the topic of a record.
        payload
            The record as JSON in the encoding of Avro.
        """
        self.report = PushReport()
        for page in self._readOutbox():
            yield from ((record.topic, record.payload) for record in page)
        for refs in self._readOpen(butler, bundles, progress):
            for dataset in self._encode(refs):
                yield from ((topic, payload) for topic, _, payload in dataset.records)
        self.report.isComplete = True

    def _readOutbox(self) -> Iterator[list[OutgoingRecord]]:
        """Yield what earlier pushes left, in pages."""
        self.report.resumed, last = self._ledger.measureOutbox()
        place = 0
        while page := self._ledger.readOutbox(place, last, PAGE_RECORDS):
            place = page[-1].id
            yield page

    def _readBundles(
        self, butler: Butler, bundles: BundleQuery, progress: Progress
    ) -> Iterator[list[OutgoingRecord]]:
        """Yield the records of bundles when they are in the outbox, in pages."""
        for refs in self._readOpen(butler, bundles, progress):
            yield self._ledger.add(list(self._encode(refs)))

    def _readOpen(
        self, butler: Butler, bundles: BundleQuery, progress: Progress
    ) -> Iterator[list[DatasetRef]]:
        """Yield the bundles of which there are no records yet, in pages."""
        found = bundles.find(butler)
        self.report.found = sum(len(each) for each in found)
        for each in found:
            for ids in each.pages(PAGE_BUNDLES):
                progress(self.report.bundles, self.report.found)
                open_ids = self._ledger.findOpen(ids)
                self.report.bundles += len(ids)
                self.report.knownBundles += len(ids) - len(open_ids)
                yield each.read(butler, [id for id in ids if id in open_ids])
        progress(self.report.bundles, self.report.found)

    def _sendAll(self, delivery: Delivery, pages: Iterator[list[OutgoingRecord]], batchSize: int) -> bool:
        """Send pages; return whether all could be sent."""
        for page in pages:
            for batch in makeBatches(page, batchSize):
                delivery.send(batch)
                self._settle(delivery.collect())
            if delivery.isOver:
                return False
        return True

    def _encode(self, refs: list[DatasetRef]) -> Iterator[EncodedDataset]:
        """Make the records of bundles, of those that can be read."""
        for ref in refs:
            name = f"{ref.datasetType.name} {ref.dataId} of {ref.run}"
            try:
                records = self._maker.make(ref)
                encoded = [encodeRecord(each, self._namespace, self._mode) for each in records]
            except (BundleError, FileNotFoundError, ValueError) as error:
                _LOG.error("%s cannot be sent: %s", name, error)
                self.report.unreadBundles[name] = str(error)
                continue
            yield EncodedDataset(ref.id, name, encoded)

    def _settle(self, outcome: Outcome) -> None:
        if outcome.delivered or outcome.rejected or outcome.kept:
            self._ledger.settle(delivered=outcome.delivered, rejected=outcome.rejected, kept=outcome.kept)
            self.report.delivered += len(outcome.delivered)
            self.report.rejected += len(outcome.rejected)
