# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A repository with a history."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent / "support"))

from historyRepository import History, makeHistory


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    """Make the repository."""
    return makeHistory(tmp_path_factory.mktemp("history") / "butler")
