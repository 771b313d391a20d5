# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import sys
from pathlib import Path

import pytest
from processes import ServiceProcess, findFreePorts
from services.kafkaBroker import KafkaBroker


def isRunning(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_ports_are_distinct() -> None:
    assert len(set(findFreePorts(20))) == 20


def test_a_process_is_stopped(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
    log = tmp_path / "log"
    process = ServiceProcess(command, log, lambda: "up" in log.read_text())
    assert isRunning(process.pid)
    process.stop()
    assert not isRunning(process.pid)


def test_a_process_that_ends_says_why(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('there is no room')"]
    with pytest.raises(RuntimeError, match="did not start: there is no room"):
        ServiceProcess(command, tmp_path / "log", lambda: False)


def test_the_broker_keeps_what_it_takes_until_it_is_stopped(broker: KafkaBroker) -> None:
    assert broker.create("a")
    assert not broker.create("a")
    assert broker.append("a", [b"1", b"2"]) == [0, 1]
    assert broker.append("a", [b"3"]) == [2]
    assert broker.read("a", 1) == [b"2", b"3"]
    assert broker.topics() == ["a"]
    broker.stop()
    assert not isRunning(broker.pid)
