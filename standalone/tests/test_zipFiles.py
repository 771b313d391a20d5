# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Members of zip files that are read by turns."""

import os
import sys
import zipfile

import numpy as np
import pytest

from lsst.standalone.zipFiles import repairSeek


class SimpleVersion(tuple):
    """A version of Python."""

    @property
    def minor(self) -> int:
        """The second number."""
        return self[1]


class SharedFile:
    """Stands for the class of Python, without the repair."""

    def __init__(self):
        self.place = 7
        self.calls = []

    def tell(self):
        """Return its own place."""
        return self.place

    def seek(self, offset, whence=os.SEEK_SET):
        """Remember a call."""
        self.calls.append((offset, whence))
        return offset


@pytest.fixture
def shared(monkeypatch) -> type:
    """Take the place of the class of Python."""
    own = type("Own", (SharedFile,), {"seek": SharedFile.seek})
    monkeypatch.setattr(zipfile, "_SharedFile", own)
    return own


@pytest.mark.parametrize("size", [60, 30_000])
def test_members_that_are_read_by_turns_keep_their_places(tmp_path, size):
    """As the blocks of a quantum graph and their addresses are."""
    rng = np.random.default_rng(20260801)
    contents = {name: rng.bytes(size) for name in ("addresses", "blocks")}
    with zipfile.ZipFile(tmp_path / "graph.zip", "w") as file:
        for name, content in contents.items():
            file.writestr(name, content)
    with zipfile.ZipFile(tmp_path / "graph.zip") as file:
        members = {name: file.open(name) for name in contents}
        for place in rng.integers(size - 20, size=20).tolist():
            for name, member in members.items():
                member.seek(place)
                assert member.read(20) == contents[name][place : place + 20]


@pytest.mark.parametrize("version", [(3, 12, 8), (3, 13, 0), (3, 13, 1)])
def test_old_releases_are_repaired_once(shared, monkeypatch, version):
    monkeypatch.setattr(sys, "version_info", SimpleVersion(version))
    repairSeek()
    repaired = shared.seek
    repairSeek()
    assert shared.seek is repaired
    file = shared()
    assert file.seek(5, os.SEEK_CUR) == 12
    assert file.seek(5) == 5
    assert file.calls == [(12, os.SEEK_SET), (5, os.SEEK_SET)]


@pytest.mark.parametrize("version", [(3, 12, 9), (3, 13, 2), (3, 14, 0), (3, 15, 0)])
def test_others_are_left_alone(shared, monkeypatch, version):
    monkeypatch.setattr(sys, "version_info", SimpleVersion(version))
    repairSeek()
    assert shared.seek is SharedFile.seek
