# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The ledger: nothing is sent twice once it is acknowledged, and nothing is forgotten."""

import sqlite3
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from lsst.analysis.cp.sasquatch import EncodedDataset, Ledger, LedgerError, OutgoingRecord, Target

TARGET = Target("proxy.example/rest", "lsst.cp", "own")
FIRST, SECOND = UUID(int=1), UUID(int=2)
SCHEMA = '{"type": "record"}'


def makeDataset(id: UUID = FIRST, topics: tuple[str, ...] = ("a", "b"), text: str = "") -> EncodedDataset:
    records = [(topic, SCHEMA, f"{topic}{text} of {id}".encode()) for topic in topics]
    return EncodedDataset(id, f"bundle {id.int}", records)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite3"


def readAll(ledger: Ledger) -> list[OutgoingRecord]:
    return ledger.readOutbox(0, ledger.measureOutbox()[1], 1000)


def test_new_datasets_are_open(path):
    with Ledger(path, TARGET) as ledger:
        assert ledger.findOpen([FIRST, SECOND]) == {FIRST, SECOND}


def test_more_datasets_than_variables_of_a_query(path):
    ids = [UUID(int=i) for i in range(1, 1235)]
    with Ledger(path, TARGET) as ledger:
        ledger.add([makeDataset(id, ("a",)) for id in ids[:700]])
        assert ledger.findOpen(ids) == set(ids[700:])


def test_added_records_are_in_the_outbox(path):
    with Ledger(path, TARGET) as ledger:
        outgoing = ledger.add([makeDataset(), makeDataset(SECOND)])
        assert [(each.datasetId, each.topic) for each in outgoing] == [
            (FIRST, "a"),
            (FIRST, "b"),
            (SECOND, "a"),
            (SECOND, "b"),
        ]
        assert readAll(ledger) == outgoing
        assert ledger.findOpen([FIRST, SECOND]) == set()


def test_bundles_without_records_are_done_with(path):
    with Ledger(path, TARGET) as ledger:
        ledger.add([makeDataset(topics=())])
        assert ledger.findOpen([FIRST]) == set()
        assert ledger.measureOutbox() == (0, 0)


def test_delivered_records_are_not_added_again(path):
    with Ledger(path, TARGET) as ledger:
        first, second = ledger.add([makeDataset()])
        ledger.settle(delivered=[first.id])
        assert readAll(ledger) == [second]
        assert ledger.add([makeDataset()]) == []


def test_pending_records_keep_their_bytes(path):
    with Ledger(path, TARGET) as ledger:
        outgoing = ledger.add([makeDataset()])
        assert ledger.add([makeDataset(text=" made otherwise")]) == []
        assert readAll(ledger) == outgoing


def test_kept_records_stay_with_their_reason(path):
    with Ledger(path, TARGET) as ledger:
        first, second = ledger.add([makeDataset()])
        ledger.settle(kept={first.id: "no answer"})
        assert readAll(ledger) == [first, second]
        reasons = [(each.topic, each.reason, each.isRejected) for each in ledger.listUndelivered()]
        assert reasons == [("a", "no answer", False), ("b", "not tried yet", False)]


def test_rejected_records_are_made_anew(path):
    with Ledger(path, TARGET) as ledger:
        first, second = ledger.add([makeDataset()])
        ledger.settle(delivered=[second.id], rejected={first.id: "422"})
        assert ledger.findOpen([FIRST]) == {FIRST}
        (record,) = ledger.listUndelivered()
        assert (record.name, record.topic, record.reason, record.isRejected) == ("bundle 1", "a", "422", True)
        (again,) = ledger.add([makeDataset(text=" mended")])
        assert (again.topic, again.payload) == ("a", f"a mended of {FIRST}".encode())
        ledger.settle(delivered=[again.id])
        assert ledger.findOpen([FIRST]) == set()
        assert list(ledger.listUndelivered()) == []


def test_record_that_is_delivered_and_kept_is_delivered(path):
    with Ledger(path, TARGET) as ledger:
        (record,) = ledger.add([makeDataset(topics=("a",))])
        ledger.settle(delivered=[record.id], kept={record.id: "the rest of its batch failed"})
        assert list(ledger.listUndelivered()) == []


def test_targets_are_apart(path):
    with Ledger(path, TARGET) as ledger:
        (record,) = ledger.add([makeDataset(topics=("a",))])
        ledger.settle(delivered=[record.id])
    for other in (
        Target("other.example", "lsst.cp", "own"),
        Target(TARGET.proxy, "lsst.dm", "own"),
        Target(TARGET.proxy, "lsst.cp", "upstream"),
    ):
        with Ledger(path, other) as ledger:
            assert ledger.findOpen([FIRST]) == {FIRST}
    with Ledger(path, TARGET) as ledger:
        assert ledger.findOpen([FIRST]) == set()


def test_outbox_is_read_in_pages(path):
    with Ledger(path, TARGET) as ledger:
        outgoing = ledger.add([makeDataset(UUID(int=i)) for i in range(1, 4)])
        _, last = ledger.measureOutbox()
        pages, place = [], 0
        while page := ledger.readOutbox(place, last, 4):
            pages.append(page)
            place = page[-1].id
        assert [len(page) for page in pages] == [4, 2]
        assert [record for page in pages for record in page] == outgoing


def test_adding_is_all_or_nothing(path):
    broken = EncodedDataset(SECOND, "broken", [("a", SCHEMA, None)])  # type: ignore[list-item]
    with Ledger(path, TARGET) as ledger:
        with pytest.raises(LedgerError, match=r"ledger\.sqlite3 cannot be used: NOT NULL"):
            ledger.add([makeDataset(), broken])
        assert ledger.findOpen([FIRST]) == {FIRST}
        assert ledger.measureOutbox() == (0, 0)


@pytest.mark.slow
def test_killed_push_leaves_its_outbox(path):
    code = f"""
import os, signal, uuid
from lsst.analysis.cp.sasquatch.ledger import EncodedDataset, Ledger, Target
ledger = Ledger({str(path)!r}, Target("proxy.example/rest", "lsst.cp", "own"))
records = [("a", "schema", b"one"), ("b", "schema", b"two")]
first, second = ledger.add([EncodedDataset(uuid.UUID(int=1), "bundle", records)])
ledger.settle(delivered=[first.id])
os.kill(os.getpid(), signal.SIGKILL)
"""
    result = subprocess.run([sys.executable, "-c", code], timeout=60, check=False)
    assert result.returncode == -9
    with Ledger(path, TARGET) as ledger:
        assert [each.payload for each in readAll(ledger)] == [b"two"]
        assert ledger.findOpen([FIRST]) == set()


def test_one_at_a_time(path):
    with Ledger(path, TARGET), pytest.raises(LedgerError, match=r"ledger\.sqlite3 is in use by another push"):
        Ledger(path, TARGET)


def test_reading_makes_no_file(path):
    with Ledger(path, TARGET, isReadOnly=True) as ledger:
        assert ledger.findOpen([FIRST]) == {FIRST}
    assert not path.exists()


def test_reading_shows_what_is_there(path):
    with Ledger(path, TARGET) as ledger:
        outgoing = ledger.add([makeDataset()])
    before = path.read_bytes()
    with Ledger(path, TARGET, isReadOnly=True) as ledger:
        assert readAll(ledger) == outgoing
    assert path.read_bytes() == before


def test_reading_an_unknown_target(path):
    Ledger(path, TARGET).close()
    with Ledger(path, Target("other.example", "lsst.cp", "own"), isReadOnly=True) as ledger:
        assert ledger.findOpen([FIRST]) == {FIRST}


def test_other_files_are_refused(path):
    path.write_text("It was a dark and stormy night.\n" * 100)
    with pytest.raises(LedgerError, match=r"ledger\.sqlite3 cannot be used: file is not a database"):
        Ledger(path, TARGET)


def test_other_databases_are_refused(path):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE dataset (id)")
    connection.close()
    with pytest.raises(LedgerError, match="is no ledger of version 1"):
        Ledger(path, TARGET)


def test_directory_must_exist(tmp_path):
    with pytest.raises(LedgerError, match="unable to open database file"):
        Ledger(tmp_path / "nowhere" / "ledger.sqlite3", TARGET)
