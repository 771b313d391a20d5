# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The ledger: what is noted is not forgotten, and nothing else is noted."""

import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lsst.analysis.cp.sasquatch import Ledger, LedgerError

TARGET = "proxy.example/rest lsst.cp own"
NOBODY = 65534
FIRST, SECOND = (bytes([i]) * 16 for i in (1, 2))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite3"


def test_new_bundles_are_open(path):
    with Ledger(path, TARGET) as ledger:
        assert ledger.findOpen([SECOND, FIRST]) == [SECOND, FIRST]


def test_noted_bundles_are_not_open(path):
    with Ledger(path, TARGET) as ledger:
        ledger.note([(FIRST, 1)])
        assert ledger.findOpen([SECOND, FIRST]) == [SECOND]
    with Ledger(path, TARGET) as ledger:
        assert ledger.findOpen([SECOND, FIRST]) == [SECOND]


def test_more_bundles_than_variables_of_a_query(path):
    ids = [i.to_bytes(16) for i in range(70_000)]
    with Ledger(path, TARGET) as ledger:
        ledger.note((id, None) for id in ids[:-3])
        assert ledger.findOpen(ids) == ids[-3:]


def test_noting_again_is_harmless(path):
    with Ledger(path, TARGET) as ledger:
        for point in (1, 2):
            ledger.note([(FIRST, point)])
        assert ledger.findPoints([1, 2]) == {2}


def test_points_are_found(path):
    with Ledger(path, TARGET) as ledger:
        ledger.note([(FIRST, -(2**63)), (SECOND, None)])
        assert ledger.findPoints([5, -(2**63)]) == {-(2**63)}


def test_targets_are_apart(path):
    with Ledger(path, TARGET) as ledger:
        ledger.note([(FIRST, 1)])
    with Ledger(path, "proxy.example/rest lsst.cp upstream") as ledger:
        assert ledger.findOpen([FIRST]) == [FIRST]
        assert ledger.findPoints([1]) == set()


def test_noting_is_all_or_nothing(path):
    with Ledger(path, TARGET) as ledger:
        with pytest.raises(LedgerError, match=r"ledger\.sqlite3 cannot be used: NOT NULL"):
            ledger.note([(FIRST, 1), (None, 2)])  # type: ignore[list-item]
        assert ledger.findOpen([FIRST]) == [FIRST]
        ledger.note([(SECOND, 2)])


def kill(path: Path, statements: str) -> None:
    """Kill a process that holds a ledger and does something with it."""
    code = f"""
import os, signal
from lsst.analysis.cp.sasquatch.ledger import Ledger
ledger = Ledger({str(path)!r}, {TARGET!r})
ledger.note([({FIRST!r}, 1)])
{statements}
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == -9


@pytest.mark.slow
def test_killed_push_leaves_what_it_noted(path):
    kill(path, "")
    with Ledger(path, TARGET) as ledger:
        assert ledger.findOpen([FIRST]) == []


@pytest.mark.slow
def test_push_that_was_killed_while_it_noted(path):
    # With a cache of one page, what is not committed is in the file when the process is killed.
    kill(
        path,
        f"""
ledger._connection.execute("PRAGMA cache_size = 1")
ledger._connection.execute("BEGIN")
rows = [({TARGET!r}, i.to_bytes(16), i) for i in range(20_000)]
ledger._connection.executemany("INSERT INTO sent VALUES (?, ?, ?)", rows)
""",
    )
    before = path.read_bytes()
    ids = [FIRST, *(i.to_bytes(16) for i in range(20_000))]
    with Ledger(path, TARGET, isReadOnly=True) as ledger:
        assert ledger.findOpen(ids) == ids[1:]
    assert path.read_bytes() == before
    with Ledger(path, TARGET) as ledger:
        assert ledger.findOpen(ids) == ids[1:]


def test_one_at_a_time(path):
    with Ledger(path, TARGET):
        for is_read_only in (True, False):
            with pytest.raises(LedgerError, match=r"ledger\.sqlite3 is in use by another push"):
                Ledger(path, TARGET, isReadOnly=is_read_only)


@pytest.mark.parametrize("isEmpty", [True, False])
def test_reading_makes_no_file(path, isEmpty):
    if isEmpty:
        path.touch()
    with Ledger(path, TARGET, isReadOnly=True) as ledger:
        assert ledger.findOpen([FIRST]) == [FIRST]
    assert path.exists() is isEmpty
    assert len(list(path.parent.iterdir())) == isEmpty


def test_reading_changes_nothing(path):
    with Ledger(path, TARGET) as ledger:
        ledger.note([(FIRST, 1)])
    before = path.read_bytes()
    path.chmod(stat.S_IRUSR)
    path.parent.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        with Ledger(path, TARGET, isReadOnly=True) as ledger:
            assert ledger.findOpen([FIRST]) == []
        assert path.read_bytes() == before
        assert list(path.parent.iterdir()) == [path]
    finally:
        path.parent.chmod(stat.S_IRWXU)


def test_other_files_are_refused(path):
    path.write_text("It was a dark and stormy night.\n" * 100)
    for is_read_only in (True, False):
        with pytest.raises(LedgerError, match=r"ledger\.sqlite3 cannot be used: file is not a database"):
            Ledger(path, TARGET, isReadOnly=is_read_only)


@pytest.mark.parametrize("version", [1, 3])
@pytest.mark.parametrize("application", [0x63704D4C, 7])
def test_other_databases_are_refused(path, version, application):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE dataset (id)")
        connection.execute(f"PRAGMA application_id = {application}")
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="is no ledger of version 2. Name another file: .* sent again"):
        Ledger(path, TARGET)
    assert path.read_bytes() == before


def test_directory_must_exist(tmp_path):
    with pytest.raises(LedgerError, match="unable to open database file"):
        Ledger(tmp_path / "nowhere" / "ledger.sqlite3", TARGET)


def test_ledger_must_be_a_file(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path, tmp_path / "fifo", Path("/dev/null")):
        with pytest.raises(LedgerError, match="is no file"):
            Ledger(path, TARGET)


@pytest.fixture
def ownFolder() -> Iterator[Path]:
    """Be a user whom modes of files bind, as they do not bind root, with a folder of their own."""
    user = os.geteuid()
    with tempfile.TemporaryDirectory() as name:
        if user == 0:
            os.chown(name, NOBODY, -1)
            os.seteuid(NOBODY)
        try:
            yield Path(name)
        finally:
            os.seteuid(user)


@pytest.mark.parametrize("isFile", [True, False])
def test_what_cannot_be_written_is_known_at_once(ownFolder, isFile):
    path = ownFolder / "ledger.sqlite3"
    Ledger(path, TARGET).close()
    (path if isFile else ownFolder).chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(LedgerError, match="cannot be used"):
        Ledger(path, TARGET)
    # What is only read may be so.
    Ledger(path, TARGET, isReadOnly=True).close()
    ownFolder.chmod(stat.S_IRWXU)


def test_lost_ledger_is_noticed(path):
    with Ledger(path, TARGET) as ledger:
        ledger.note([(FIRST, 1)])
        path.unlink()
        with pytest.raises(LedgerError, match="cannot be used"):
            ledger.note([(SECOND, 2)])


def test_full_disk_is_noticed(path):
    code = f"""
import resource, signal
from lsst.analysis.cp.sasquatch.ledger import Ledger, LedgerError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
ledger = Ledger({str(path)!r}, {TARGET!r})
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    ledger.note((i.to_bytes(16), i) for i in range(20_000))
except LedgerError as error:
    print(error)
print(len(ledger.findOpen([bytes(16)])))
"""
    result = subprocess.run(
        [sys.executable, "-c", code], timeout=60, check=True, capture_output=True, text=True
    )
    message, left = result.stdout.splitlines()
    assert "cannot be used: " in message
    assert left == "1"
