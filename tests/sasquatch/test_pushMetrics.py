# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A push of the bundles of a repository to the double of the proxy."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from services.avroJson import decodeMessage
from services.bundleRepository import DATASET_TYPE, RUN, BundleRepository
from services.faults import Fault, FaultPlan
from services.restProxy import ProxySettings, RestProxy

from lsst.analysis.cp.metrics import BundleQuery
from lsst.analysis.cp.sasquatch import (
    Ledger,
    Mode,
    ProxyAddress,
    ProxyClient,
    Pusher,
    PushReport,
    RecordMaker,
    Target,
)
from lsst.daf.butler import Butler, ButlerUserError

Push = Callable[..., PushReport]
Record = tuple[str, str, str, float | None]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> BundleRepository:
    """Make a repository of 12 bundles with 3 records each, of which one has no valid value."""
    root = tmp_path_factory.mktemp("push") / "repository"
    return BundleRepository(root, detectors=[0, 47, 94, 187, 188, 204], nExposures=2, nTools=3)


@pytest.fixture
def push(repository: BundleRepository, proxy: RestProxy, tmp_path: Path) -> Push:
    """Return the push of the repository, each time with a new client and a ledger that is opened anew."""

    def run(
        *, mode: Mode = Mode.OWN, namespace: str = "lsst.cp", query: BundleQuery | None = None, **options: Any
    ) -> PushReport:
        address = ProxyAddress.parse(proxy.url)
        client = ProxyClient(address, connections=2, requestTimeout=options.pop("requestTimeout", 10.0))
        with (
            Butler.from_config(str(repository.root)) as butler,
            Ledger(tmp_path / "ledger.sqlite3", Target(address.target, namespace, mode)) as ledger,
        ):
            pusher = Pusher(RecordMaker(butler), namespace, mode, ledger)
            report = pusher.push(
                butler, query or BundleQuery([RUN]), client, **{"deadline": 30.0, "batchSize": 5, **options}
            )
        client.close()
        return report

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
    assert report == PushReport(delivered=36, found=12, bundles=12, isComplete=True)
    assert report.isDelivered
    assert readRecords(proxy) == sorted(repository.expect())
    assert {record["id"] for records in readTopics(proxy).values() for record in records} == (
        repository.findIds()
    )


def test_nothing_arrives_twice(repository: BundleRepository, proxy: RestProxy, push: Push):
    push()
    requests = proxy.requests.copy()
    assert push() == PushReport(found=12, bundles=12, knownBundles=12, isComplete=True)
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
    nothing = BundleQuery([RUN], where="instrument = 'LSSTCam' AND detector = 1")
    assert push(query=nothing) == PushReport(delivered=36, resumed=36, isComplete=True)
    assert readRecords(proxy) == sorted(repository.expect())


def test_unusable_proxy_is_reported(settings: ProxySettings, proxy: RestProxy, push: Push):
    settings.faults.script(Fault.REDIRECT)
    report = push()
    assert "redirects to http://127.0.0.2:9, which is refused" in report.failure
    assert not report.isDelivered
    assert push().isDelivered


def test_expressions_select(proxy: RestProxy, push: Push):
    assert push(query=BundleQuery([RUN], where="instrument = 'LSSTCam' AND detector IN (0, 94)")).bundles == 4
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
    assert push(query=BundleQuery(collections, datasetTypes=types)).bundles == bundles


@pytest.mark.parametrize("query", [BundleQuery(["nowhere"]), BundleQuery([RUN], where="detector >")])
def test_queries_must_make_sense(push: Push, query):
    with pytest.raises(ButlerUserError):
        push(query=query)


def test_lost_bundle_costs_only_itself(tmp_path: Path, proxy: RestProxy):
    repository = BundleRepository(tmp_path / "repository", detectors=[0, 1, 2])
    address = ProxyAddress.parse(proxy.url)
    with (
        Butler.from_config(str(repository.root)) as butler,
        Ledger(tmp_path / "ledger.sqlite3", Target(address.target, "lsst.cp", "own")) as ledger,
    ):
        first, second, _ = butler.query_datasets(DATASET_TYPE, RUN)
        Path(butler.getURI(first).ospath).unlink()
        Path(butler.getURI(second).ospath).write_text("{")
        pusher = Pusher(RecordMaker(butler), "lsst.cp", Mode.OWN, ledger)
        report = pusher.push(butler, BundleQuery([RUN]), ProxyClient(address))
    assert report.delivered == 1
    assert {name.split(" {")[0] for name in report.unreadBundles} == {DATASET_TYPE}
    assert len(report.unreadBundles) == 2
    assert not report.isDelivered


def test_progress_counts_bundles(push: Push):
    counts: list[tuple[int, int]] = []
    push(progress=lambda *numbers: counts.append(numbers))
    assert counts == [(0, 12), (12, 12)]


def test_pages_limit_the_outbox_in_memory(push: Push, monkeypatch, settings: ProxySettings):
    monkeypatch.setattr("lsst.analysis.cp.sasquatch.pushMetrics.PAGE_BUNDLES", 5)
    monkeypatch.setattr("lsst.analysis.cp.sasquatch.pushMetrics.PAGE_RECORDS", 7)
    settings.faults = FaultPlan({Fault.UNAVAILABLE: 1.0})
    push(deadline=0.5)
    settings.faults = FaultPlan()
    report = push()
    assert report.isDelivered
    assert report.delivered == 36


def test_later_runs_come_later(tmp_path: Path, proxy: RestProxy):
    repository = BundleRepository(tmp_path / "repository", detectors=[0, 1])
    butler = Butler.from_config(str(repository.root), writeable=True)
    (first, _) = sorted(butler.query_datasets(DATASET_TYPE, RUN), key=lambda ref: ref.dataId["detector"])
    butler.registry.registerRun("a/second/run")
    # Of two points at one time the database keeps the one that comes last.
    butler.put(repository.makeBundle(1, 0), DATASET_TYPE, first.dataId, run="a/second/run")
    address = ProxyAddress.parse(proxy.url)
    with butler, Ledger(tmp_path / "ledger.sqlite3", Target(address.target, "lsst.cp", "own")) as ledger:
        pusher = Pusher(RecordMaker(butler), "lsst.cp", Mode.OWN, ledger)
        assert pusher.push(butler, BundleQuery(["a/*", RUN]), ProxyClient(address)).delivered == 3
    (records,) = readTopics(proxy).values()
    assert [record["run"] for record in records] == [RUN, RUN, "a/second/run"]
