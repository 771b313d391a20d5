# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pipelines, subcommands and notebooks do the same whether the registry is of SQLite or of PostgreSQL."""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.table import Table
from click.testing import CliRunner
from pipelineRuns import SimulatedRepository, readPipeline
from queryPlans import Plan, recordPlans
from registries import Registries, SqliteFiles

from lsst.analysis.cp.cli.cmd import make_plot_summary, make_verify_report, push_verify_metrics
from lsst.analysis.cp.notebook import (
    listPlots,
    readAmpSummary,
    readCulprits,
    readMetrics,
    readPlot,
    readSummary,
    readTrend,
)
from lsst.daf.butler import Butler
from lsst.obs.lsst import Latiss

sys.path.append(str(Path(__file__).parent / "sasquatch"))

from services.restProxy import RestProxy

simulator = pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of the stand-ins")
pytestmark = pytest.mark.slow

EXPOSURES = (simulator.ExposureInfo(20260801, 1), simulator.ExposureInfo(20260802, 2))
EXPOSURE = {"exposure": EXPOSURES[0].id}
FAULT = simulator.Fault(simulator.FaultKind.HOT_NOISE, 0, ("C03",), 1.4, exposures=(EXPOSURES[0].id,))
VERIFIED, TRENDS = "u/me/verify", "u/me/trends"
MERGES = "verifyBiasIsr,verifyBiasDet,verifyBiasExp,verifyBias"
TABLES: dict[str, Callable[[Butler], Table]] = {
    "plots": lambda butler: listPlots(butler, "bias", EXPOSURE),
    "metrics": lambda butler: readMetrics(butler, "bias", EXPOSURE),
    "summary": lambda butler: readSummary(butler, "bias", EXPOSURE),
    "amplifiers": lambda butler: readAmpSummary(butler, "bias", EXPOSURE),
    "culprits": lambda butler: readCulprits(butler, "bias", EXPOSURE),
    "trend": lambda butler: readTrend(butler, "biasNoise", {"detector": 0}),
}
CHANGING = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|20\d{6}T\d{6}Z|\d{4}-\d\d-\d\d[T ][\d:.]+Z?"
)
"""Identifiers of datasets, names of runs and times at which something was made."""


def makeRepository(root: Path, registries: Registries) -> Path:
    """Make biases with a fault, merge their results, and make histories of what was stored."""
    with registries.hosting():
        camera = simulator.shrinkCamera(Latiss().getCamera(), 4)
        simulator.makeRepository(root, Latiss, EXPOSURES, camera=camera).close()
    pipeline = readPipeline(f"LATISS/verifyBias.yaml#{MERGES}")
    pipeline.addConfigOverride("verifyBiasIsr", "faults", [FAULT.toText()])
    pipeline.addConfigOverride("verifyBiasDet", "ampCornerBoxSize", 50)
    repository = SimulatedRepository(root, Latiss)
    repository.run(pipeline, VERIFIED).close()
    repository.run("trendBias.yaml", TRENDS).close()
    return root


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory, postgresServer: Registries) -> dict[str, Path]:
    """Make the same repository twice."""
    folder = tmp_path_factory.mktemp("registries")
    kinds = {"sqlite": SqliteFiles(), "postgresql": postgresServer}
    return {name: makeRepository(folder / name / "repository", each) for name, each in kinds.items()}


def both[T](roots: dict[str, Path], do: Callable[[Path], T]) -> tuple[T, T]:
    """Do something in both repositories, in which no table of datasets may be scanned; return what comes."""
    results = []
    for root in roots.values():
        with recordPlans() as plans:
            results.append(do(root))
        assert plans
        assert not [scan for plan in plans if (scan := describeScan(plan))]
    return results[0], results[1]


def describeScan(plan: Plan) -> str:
    found = plan.findScans()
    return f"{found}: {plan.statement}" if found else ""


def comparable(value: Any, root: Path) -> Any:
    """Make a text of a value, without what differs each time that a repository is made."""
    text = json.dumps(value, sort_keys=True, indent=1) if not isinstance(value, str) else value
    return CHANGING.sub("<made>", text.replace(str(root), "<root>").replace(str(root.parent), "<folder>"))


@pytest.mark.parametrize("name", TABLES)
def test_notebooks_read_the_same(roots, name):
    def read(root: Path) -> Table:
        with Butler.from_config(str(root), collections=VERIFIED, instrument="LATISS") as butler:
            return TABLES[name](butler)

    first, second = both(roots, read)
    assert len(first)
    assert first.colnames == second.colnames
    for column in set(first.colnames) - {"run", "id"}:
        np.testing.assert_array_equal(first[column], second[column], column)


def test_plots_are_the_same(roots):
    def draw(root: Path) -> tuple[tuple[int, int], set[str]]:
        with Butler.from_config(str(root), collections=VERIFIED, instrument="LATISS") as butler:
            picture = readPlot(butler, "cpBiasExp_biasNoise*", EXPOSURE)
            return picture.size, {f"{ref.datasetType.name} {ref.dataId}" for ref in picture.findData()}

    first, second = both(roots, draw)
    assert first == second
    assert first[1]


def test_reports_are_the_same(roots):
    def report(root: Path) -> tuple[int, str, set[str]]:
        out = root.parent / "report"
        result = CliRunner().invoke(make_verify_report, [str(root), str(out), "--collections", VERIFIED])
        assert "Traceback" not in result.output
        document = json.loads((out / "verdict.json").read_text())
        pages = {str(path.relative_to(out)) for path in out.rglob("*.html")}
        return result.exit_code, comparable(document, root), pages

    first, second = both(roots, report)
    assert first[1].splitlines() == second[1].splitlines()
    assert first == second
    assert first[0] in (0, 3, 4)


def test_metrics_are_sent_the_same(roots):
    def push(root: Path) -> tuple[list[str], dict[str, int]]:
        with RestProxy() as proxy:
            words = [str(root), "--collections", VERIFIED, "--proxy", proxy.url, "--namespace", "lsst.cp"]
            dry = CliRunner().invoke(push_verify_metrics, [*words, "--dry-run"])
            result = CliRunner().invoke(push_verify_metrics, words)
            assert (dry.exit_code, result.exit_code) == (0, 0), result.output
            sent = {topic: len(proxy.log.read(topic)) for topic in proxy.log.topics()}
        records = [json.loads(line) for line in dry.stdout.splitlines()]
        for record in records:
            # The time of the point is made unique by the name of the run, which has the time of the run.
            del record["value"]["run_time"], record["value"]["timestamp"]
            if not record["value"]["exposure"]:
                del record["value"]["observation_time"]
        return sorted(comparable(record, root) for record in records), sent

    first, second = both(roots, push)
    assert first[1] == second[1]
    assert first[0] == second[0]
    assert len(first[0]) == sum(first[1].values()) > 10


def test_summaries_of_plots_are_the_same(roots):
    def summarize(root: Path) -> str:
        out = root.parent / "summaries"
        words = [str(root), str(out), "--collections", VERIFIED, "--label", "main"]
        result = CliRunner().invoke(make_plot_summary, words)
        assert result.exit_code == 0, result.output
        (path,) = out.rglob("*.json.gz")
        return comparable(json.loads(gzip.decompress(path.read_bytes())), root)

    first, second = both(roots, summarize)
    assert first.splitlines() == second.splitlines()
    assert "cpBiasExp" in first


def test_histories_are_the_same(roots):
    def read(root: Path) -> set[str]:
        with Butler.from_config(str(root)) as butler:
            refs = butler.query_all_datasets(TRENDS, limit=None)
        return {f"{ref.datasetType.name} {ref.dataId}" for ref in refs}

    first, second = both(roots, read)
    assert first == second
    assert any(each.startswith("cpBiasTrend") for each in first)
