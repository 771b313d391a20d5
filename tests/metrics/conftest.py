# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A repository with metrics of known values."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from registries import Registries

from lsst.analysis.tools.interfaces import MetricMeasurementBundle

sys.path.append(str(Path(__file__).parents[1] / "sasquatch"))

from services.metricRepository import MetricRepository, assertSame, makeBundle, makeValues, readRows


@pytest.fixture(scope="session", name="makeValues")
def fixtureMakeValues() -> Callable[..., dict[str, float]]:
    """Make the measurements of a test."""
    return makeValues


@pytest.fixture(scope="session", name="makeBundle")
def fixtureMakeBundle() -> Callable[..., MetricMeasurementBundle]:
    """Make a bundle of the measurements of some tools."""
    return makeBundle


@pytest.fixture(scope="session", name="readRows")
def fixtureReadRows() -> Callable[..., list[dict[str, Any]]]:
    """List some rows of a table."""
    return readRows


@pytest.fixture(scope="session", name="assertSame")
def fixtureAssertSame() -> Callable[[pa.Table, pa.Table], None]:
    """Compare tables bit by bit."""
    return assertSame


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, registries: Registries) -> Path:
    """Make a repository without metrics, to be copied."""
    with registries.hosting():
        made = MetricRepository.make(tmp_path_factory.mktemp("template") / "repository")
    made.butler.close()
    return made.root


@pytest.fixture
def repository(tmp_path: Path, template: Path, registries: Registries) -> MetricRepository:
    """Return a repository without metrics."""
    return MetricRepository(registries.copy(template, tmp_path / "repository"))
