# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Where there is no stack all warnings are errors; pyproject.toml says which are in a stack."""

import importlib.util

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Make warnings of any module errors, but for those that pyproject.toml excepts."""
    if importlib.util.find_spec("lsst.standalone") is not None:
        config.getini("filterwarnings").insert(0, "error")
