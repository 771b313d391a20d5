# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A push of the bundles of a repository to the double of the proxy."""

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from services.avroJson import decodeMessage
from services.bundleRepository import DATASET_TYPE, RUN, BundleRepository
from services.faults import Fault, FaultPlan
from services.restProxy import ProxySettings, RestProxy

from lsst.analysis.cp.metrics import BundleContent, BundleQuery, FoundBundles, readBundle
from lsst.analysis.cp.sasquatch import (
    Ledger,
    LedgerError,
    Mode,
    ProxyClient,
    Pusher,
    PushReport,
    RecordMaker,
    Undelivered,
    WebAddress,
)
from lsst.daf.butler import Butler, ButlerUserError, DatasetRef

Push = Callable[..., PushReport]
Record = tuple[str, str, str, float | None]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> BundleRepository:
    """Make a repository of 12 bundles with 3 records each, of which one has no valid value."""
    root = tmp_path_factory.mktemp("push") / "repository"
    return BundleRepository(root, detectors=[0, 47, 94, 187, 188, 204], nExposures=2, nTools=3)


@pytest.fixture
def undelivered() -> list[Undelivered]:
    """Return what pushes leave."""
    return []


@pytest.fixture
def push(repository: BundleRepository, proxy: RestProxy, tmp_path: Path, undelivered) -> Push:
    """Return the push of a repository, each time with a new client and a ledger that is opened anew."""

    def run(
        *,
        root: Path = repository.root,
        mode: Mode = Mode.OWN,
        namespace: str = "lsst.cp",
        query: BundleQuery | None = None,
        requestTimeout: float = 10.0,
        **options: Any,
    ) -> PushReport:
        address = WebAddress.parse(proxy.url, "proxy")
        client = ProxyClient(address, requestTimeout=requestTimeout)
        with (
            Butler.from_config(str(root)) as butler,
            Ledger(tmp_path / "ledger.sqlite3", f"{address.target} {namespace} {mode}") as ledger,
        ):
            maker = RecordMaker(butler, namespace, mode)
            pusher = Pusher(butler, maker, ledger, tell=undelivered.append)
            options = {"deadline": 30.0, "batchSize": 5, **options}
            return pusher.push(query or BundleQuery([RUN]), client, **options)

    return run


def readTopics(proxy: RestProxy) -> dict[str, list[dict[str, Any]]]:
    """Read all that the proxy took."""
    schemas = proxy.registry.schemas
    return {
        topic: [decodeMessage(message, schemas) for message in proxy.log.read(topic)]
        for topic in proxy.log.topics()
    }


def readRecords(proxy: RestProxy, prefix: str = "lsst.cp.ts.") -> list[Record]:
    """List what the proxy took, to compare with what the repository holds."""
    return sorted(
        (topic.removeprefix(prefix), each["exposure"], each["detector"], each["median"])
        for topic, records in readTopics(proxy).items()
        for each in records
    )


def test_all_arrives_once(repository: BundleRepository, proxy: RestProxy, push: Push):
    report = push()
    assert report == PushReport(delivered=36, found=12)
    assert report.isDelivered
    assert readRecords(proxy) == sorted(repository.expect())
    assert {record["id"] for records in readTopics(proxy).values() for record in records} == (
        repository.findIds()
    )


def test_nothing_arrives_twice(repository: BundleRepository, proxy: RestProxy, push: Push):
    push()
    requests = proxy.requests.copy()
    assert push() == PushReport(found=12, known=12)
    assert proxy.requests == requests


def test_upstream_topics_are_another_target(repository: BundleRepository, proxy: RestProxy, push: Push):
    push()
    assert push(mode=Mode.UPSTREAM).delivered == 36
    topics = readTopics(proxy)
    assert sorted(topics) == sorted(
        f"lsst.cp.{infix}{topic}" for topic in repository.topics for infix in ("", "ts.")
    )
    assert proxy.unknownFields <= {(topic, "tags") for topic in topics}


def test_namespaces_are_other_targets(push: Push):
    push()
    assert push(namespace="lsst.dm").delivered == 36


def test_batches_are_used(proxy: RestProxy, push: Push):
    push(batchSize=5)
    assert proxy.requests["produce"] == 3 * 3


@pytest.mark.parametrize(
    "fault", [each for each in Fault if each is not Fault.REDIRECT], ids=lambda each: each.name
)
def test_one_fault_loses_nothing(
    fault: Fault, settings: ProxySettings, repository: BundleRepository, proxy: RestProxy, push: Push
):
    settings.hangSeconds, settings.trickleSeconds = 0.5, 0.05
    # A schema can be refused only where it is sent: with the first batch of a topic.
    settings.faults.script(*([] if fault is Fault.SCHEMA_REJECTED else [None]), fault)
    # Where an answer counts, it must not come too late on a machine that does other things.
    is_late = fault in (Fault.HANG, Fault.HANG_AFTER, Fault.TRICKLE)
    # One batch after another: which request meets the fault must not depend on the order of threads.
    report = push(requestTimeout=0.3 if is_late else 10.0, inFlight=1)
    assert settings.faults.counts == {fault: 1}
    if fault in (Fault.PARTIAL_FINAL, Fault.SCHEMA_REJECTED):
        assert 0 < report.rejected <= 5
        assert not report.isDelivered
        report = push()
    assert report.isDelivered
    assert sorted(set(readRecords(proxy))) == sorted(repository.expect())


def test_repeats_are_the_same(
    settings: ProxySettings, repository: BundleRepository, proxy: RestProxy, push: Push
):
    settings.faults = FaultPlan({Fault.RESET_IN_BODY: 0.3, Fault.WRONG_JSON: 0.3})
    assert push().isDelivered
    messages = [message for topic in proxy.log.topics() for message in proxy.log.read(topic)]
    assert len(messages) > 36
    assert len(set(messages)) == 36


def test_cluster_and_topics_may_fail(settings: ProxySettings, proxy: RestProxy, push: Push):
    settings.topicFaults.script(Fault.UNAVAILABLE, Fault.RESET, None, Fault.SERVER_ERROR)
    assert push().delivered == 36


def test_what_is_left_goes_with_the_next_push(
    settings: ProxySettings, repository: BundleRepository, proxy: RestProxy, push: Push
):
    settings.faults = FaultPlan({Fault.UNAVAILABLE: 1.0})
    report = push(deadline=1.0)
    assert (report.delivered, report.kept, report.isDelivered) == (0, 36, False)
    settings.faults = FaultPlan()
    assert push() == PushReport(delivered=36, found=12)
    assert readRecords(proxy) == sorted(repository.expect())


def test_unusable_proxy_is_reported(settings: ProxySettings, proxy: RestProxy, push: Push):
    settings.faults.script(Fault.REDIRECT)
    report = push()
    assert "redirects to http://127.0.0.2:9, which is refused" in report.failure
    assert not report.isDelivered
    assert push().isDelivered


def test_expressions_select(proxy: RestProxy, push: Push):
    assert push(query=BundleQuery([RUN], where="instrument = 'LSSTCam' AND detector IN (0, 94)")).found == 4
    assert {detector for _, _, detector, _ in readRecords(proxy)} == {"0", "94"}


@pytest.mark.parametrize(
    ("collections", "types", "bundles"),
    [
        (["u/tests/*"], ["*"], 12),
        ([RUN, "u/tests/*"], [DATASET_TYPE], 12),
        ([RUN], ["cpBiasRun*"], 0),
        (["nothing/*"], ["*"], 0),
    ],
)
def test_names_are_or_patterns(push: Push, collections, types, bundles):
    assert push(query=BundleQuery(collections, datasetTypes=types)).found == bundles


@pytest.mark.parametrize("query", [BundleQuery(["nowhere"]), BundleQuery([RUN], where="detector >")])
def test_queries_must_make_sense(push: Push, query):
    with pytest.raises(ButlerUserError):
        push(query=query)


def spoil(tmp_path: Path, *changes: Callable[[Path], object]) -> Path:
    """Make a repository of one bundle more than there are changes to their files."""
    repository = BundleRepository(tmp_path / "repository", detectors=range(len(changes) + 1))
    with Butler.from_config(str(repository.root)) as butler:
        refs = sorted(butler.query_datasets(DATASET_TYPE, RUN), key=lambda ref: ref.dataId["detector"])
        for ref, change in zip(refs[1:], changes, strict=True):
            change(Path(butler.getURI(ref).ospath))
    return repository.root


def replaceValue(text: str) -> Callable[[Path], object]:
    """Write a value into a bundle."""
    return lambda path: path.write_text(
        f'{{"t": [{{"metric": "m", "value": {text}, "unit": ""}}], "__metricNamePrefix": "p_"}}'
    )


ODD_FILES: dict[str, Callable[[Path], object]] = {
    "lost": lambda path: path.unlink(),
    "cut": lambda path: path.write_text("{"),
    "longer": lambda path: path.write_text(path.read_text() + " " * 10 + "x"),
    "digits": replaceValue("1" * 400),
    "many digits": replaceValue("1" * 5000),
    "boolean": replaceValue("true"),
    "text": replaceValue('"5.5"'),
    "unit": lambda path: path.write_text('{"t": [{"metric": "m", "value": 1, "unit": {}}]}'),
    "units": lambda path: path.write_text('{"t": [{"metric": "m", "value": 1, "unit": []}]}'),
    "version": lambda path: path.write_text('{"t": [], "__timestamp_version": 5}'),
    "stamp": lambda path: path.write_text('{"t": [], "__timestamp_version": [1]}'),
    "nested": lambda path: path.write_text("[" * 200_000),
    "twice": lambda path: path.write_text('{"t": [], "t": []}'),
    "name": lambda path: path.write_text('{"a b": [{"metric": "m", "value": 1, "unit": ""}]}'),
    "directory": lambda path: (path.unlink(), path.mkdir()),
    "loop": lambda path: (path.unlink(), path.symlink_to(path.name)),
    "pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "huge": lambda path: os.truncate(path, 1 << 30),
    "binary": lambda path: path.write_bytes(b"\xff\xfe\x00"),
}


def test_odd_bundles_cost_only_themselves(tmp_path: Path, push: Push, undelivered: list[Undelivered]):
    report = push(root=spoil(tmp_path, *ODD_FILES.values()))
    assert (report.delivered, report.unread, report.found) == (1, len(ODD_FILES), len(ODD_FILES) + 1)
    assert not report.isDelivered
    detectors = [item.name.partition("detector: ")[2].partition(",")[0] for item in undelivered]
    assert sorted(map(int, detectors)) == list(range(1, len(ODD_FILES) + 1))
    assert all(item.name.startswith(DATASET_TYPE) and item.reason for item in undelivered)


def test_mended_bundle_goes_with_the_next_push(tmp_path: Path, push: Push):
    root = spoil(tmp_path, lambda path: path.rename(path.with_suffix(".away")))
    assert (report := push(root=root)).unread == report.delivered == 1
    for path in root.rglob("*.away"):
        path.rename(path.with_suffix(".json"))
    assert push(root=root) == PushReport(delivered=1, found=2, known=1)


def test_read_that_hangs_costs_only_itself(monkeypatch, push: Push, undelivered: list[Undelivered]):
    monkeypatch.setattr("lsst.analysis.cp.sasquatch.pusher.READ_TIMEOUT", 0.5)
    gate, count = threading.Event(), itertools.count()

    def readSlowly(*args: Any) -> BundleContent:
        if next(count) == 3:
            gate.wait(30)
        return readBundle(*args)

    monkeypatch.setattr("lsst.analysis.cp.sasquatch.records.readBundle", readSlowly)
    report = push()
    gate.set()
    assert (report.delivered, report.unread) == (33, 1)
    assert undelivered[0].reason == "the repository gave no answer within 0.5 s"


def test_reads_that_hang_end_with_the_push(monkeypatch, push: Push):
    monkeypatch.setattr("lsst.analysis.cp.sasquatch.pusher.GRACE", 0.2)
    gate = threading.Event()
    monkeypatch.setattr("lsst.analysis.cp.sasquatch.records.readBundle", lambda *_: gate.wait(30))
    start = time.monotonic()
    # Long enough for the query on any machine; the read waits much longer.
    report = push(deadline=3.0)
    gate.set()
    assert time.monotonic() - start < 15.0
    assert (report.unread, report.untouched) == (1, 11)


def test_bundles_that_vanish_are_counted(monkeypatch, push: Push, undelivered: list[Undelivered]):
    read = FoundBundles.read
    monkeypatch.setattr(FoundBundles, "read", lambda *args: read(*args)[1:])
    report = push()
    assert (report.vanished, report.unread, report.delivered, report.isDelivered) == (1, 1, 33, False)
    assert undelivered[0].reason == "it was removed from the repository"


def test_repository_that_fails_breaks_the_push_off(monkeypatch, push: Push):
    pages = itertools.count()
    read = FoundBundles.read

    def readOnce(*args: Any) -> list[DatasetRef]:
        if next(pages):
            raise OSError("no connection")
        return read(*args)

    monkeypatch.setattr("lsst.analysis.cp.sasquatch.pusher.PAGE_BUNDLES", 5)
    monkeypatch.setattr(FoundBundles, "read", readOnce)
    report = push()
    assert report.failure == "OSError: no connection"
    assert (report.delivered, report.kept, report.untouched) == (15, 0, 7)


def test_bundle_is_noted_when_all_its_records_are_taken(
    settings: ProxySettings, proxy: RestProxy, push: Push, undelivered: list[Undelivered]
):
    settings.faults.script(None, Fault.PARTIAL_FINAL)
    report = push(batchSize=500, inFlight=1)
    assert (report.delivered, report.rejected, report.kept) == (30, 6, 0)
    assert {item.isRejected for item in undelivered} == {True}
    assert {item.topic for item in undelivered} == {"lsst.cp.ts.cpBiasExpDet_biasTest01"}
    assert push() == PushReport(found=12, known=6, delivered=18)
    messages = [message for topic in proxy.log.topics() for message in proxy.log.read(topic)]
    assert len(set(messages)) == 36


@pytest.mark.parametrize("maxRecords", [1, 5])
def test_limits_of_the_proxy_cost_nothing(settings: ProxySettings, push: Push, maxRecords: int):
    settings.maxRecords = maxRecords
    assert push(batchSize=500) == PushReport(found=12, delivered=36)


def test_ledger_that_fails_ends_the_push(monkeypatch, push: Push):
    def fail(ledger: Ledger, bundles: Iterable[object]) -> None:
        if list(bundles):
            raise LedgerError("The ledger cannot be used: disk full.")

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "note", fail)
        report = push(inFlight=1)
    assert report.failure == "The ledger cannot be used: disk full."
    assert 0 < report.delivered <= 36
    assert report.delivered + report.kept == 36
    assert push() == PushReport(found=12, delivered=36)


@pytest.mark.parametrize("isEarlier", [True, False])
def test_points_at_one_time_are_told(monkeypatch, push: Push, caplog, isEarlier: bool):
    monkeypatch.setattr("lsst.analysis.cp.sasquatch.records.makeTimestamp", lambda time, *_: time)
    if isEarlier:
        push(query=BundleQuery([RUN], where="instrument = 'LSSTCam' AND detector < 100"))
    report = push()
    assert report.collisions == (6 if isEarlier else 10)
    assert report.isDelivered
    assert "has the time of another bundle: the database may keep one" in caplog.text


def test_progress_counts_bundles(push: Push):
    counts: list[tuple[int, int]] = []
    push(progress=lambda *numbers: counts.append(numbers))
    assert counts == [(0, 12), (12, 12)]


def test_pages_limit_what_is_in_memory(push: Push, monkeypatch):
    monkeypatch.setattr("lsst.analysis.cp.sasquatch.pusher.PAGE_BUNDLES", 5)
    counts: list[tuple[int, int]] = []
    assert push(progress=lambda *numbers: counts.append(numbers)).isDelivered
    assert counts == [(0, 12), (5, 12), (10, 12), (12, 12)]


def test_deadline_leaves_bundles_untouched(push: Push, monkeypatch):
    monkeypatch.setattr("lsst.analysis.cp.sasquatch.pusher.PAGE_BUNDLES", 5)
    report = push(deadline=1e-9)
    assert (report.untouched, report.delivered, report.isDelivered) == (12, 0, False)
    assert push().isDelivered


def test_later_runs_come_later(tmp_path: Path, proxy: RestProxy, push: Push):
    repository = BundleRepository(tmp_path / "repository", detectors=[0, 1])
    butler = Butler.from_config(str(repository.root), writeable=True)
    (first, _) = sorted(butler.query_datasets(DATASET_TYPE, RUN), key=lambda ref: ref.dataId["detector"])
    butler.registry.registerRun("a/second/run")
    # Of two points at one time the database keeps the one that comes last.
    butler.put(repository.makeBundle(1, 0), DATASET_TYPE, first.dataId, run="a/second/run")
    assert push(root=repository.root, query=BundleQuery(["a/*", RUN])).delivered == 3
    (records,) = readTopics(proxy).values()
    assert [record["run"] for record in records] == [RUN, RUN, "a/second/run"]
