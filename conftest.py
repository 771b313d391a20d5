# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What holds for all tests: which warnings are errors, and which files come first.

Where there is no stack all warnings are errors; pyproject.toml says which are in a stack.
"""

import importlib.util
from pathlib import Path

import pytest


def _hasStack() -> bool:
    """Tell whether analysis_tools is the real one, whose modules warn, too."""
    spec = importlib.util.find_spec("lsst.analysis.tools")
    stand_ins = Path(__file__).with_name("standalone")
    return spec is None or spec.origin is None or not Path(spec.origin).is_relative_to(stand_ins)


def pytest_configure(config: pytest.Config) -> None:
    """Make warnings of any module errors, but for those that pyproject.toml excepts."""
    if not _hasStack():
        config.getini("filterwarnings").insert(0, "error")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files with slow tests first, so that no process is left with one when the others are done."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
