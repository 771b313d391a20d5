# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""``butler make-plot-summary``: what it writes where, what it says, and its exit status."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click.testing
import pytest
import yaml
from navigatorReader import PlotNavigatorReader
from registries import Registries
from summaryRepository import OLD, RUN, SummaryRepository

from lsst.analysis.cp.cli.cmd import make_plot_summary
from lsst.analysis.cp.navigator.summaries import PlotSearch, nameFile
from lsst.daf.butler.cli.utils import LogCliRunner


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, registries: Registries) -> Path:
    """Make a repository with plots in two runs of three, and in a chain."""
    with registries.hosting():
        made = SummaryRepository(tmp_path_factory.mktemp("summaries") / "repository")
    for run in (RUN, OLD):
        made.put("cpBiasRun_noise_Plot", [{}], run=run)
    made.put("cpBiasRun_metrics", [{}], run="u/me/metrics", storageClass="StructuredDataDict")
    made.chain("u/me/verifyBias", RUN, OLD)
    made.butler.close()
    return made.root


@pytest.fixture
def repository(template: Path, tmp_path: Path, registries: Registries) -> Iterator[SummaryRepository]:
    made = SummaryRepository(registries.copy(template, tmp_path / "repository"))
    yield made
    made.butler.close()


def invoke(
    repository: SummaryRepository, *collections: str, options: tuple[str, ...] = ("--label", "main")
) -> click.testing.Result:
    out = repository.root.parent / "out"
    arguments = [str(repository.root), str(out), "--collections", ",".join(collections), *options]
    result = LogCliRunner().invoke(make_plot_summary, arguments)
    assert "Traceback" not in result.output
    return result


def listWritten(repository: SummaryRepository, label: str = "main") -> set[str]:
    folder = repository.root.parent / "out" / label
    return {PlotNavigatorReader.fromFile(each).collection for each in folder.glob("*")}


def test_status_0_and_a_file_of_each_collection(repository):
    result = invoke(repository, RUN, "u/me/verifyBias")
    assert result.exit_code == 0, result.output
    folder = repository.root.parent / "out" / "main"
    assert result.stdout.splitlines() == [
        line
        for name in (RUN, "u/me/verifyBias")
        for line in (
            f"{name}: 1 plot of 1 type is in {folder / nameFile(name)}.",
            "    Plots of no visit and no tract are found by plot name.",
        )
    ]
    assert result.stderr == ""
    assert listWritten(repository) == {RUN, "u/me/verifyBias"}


def test_patterns_mean_the_collections_that_have_plots(repository):
    result = invoke(repository, "u/me/*")
    assert result.exit_code == 0, result.output
    assert listWritten(repository) == {RUN, OLD, "u/me/verifyBias"}
    assert len(result.stdout.splitlines()) == 6


def test_collections_that_are_meant_twice_are_written_once(repository):
    result = invoke(repository, RUN, "u/me/verifyBias/*")
    assert result.exit_code == 0
    assert result.stdout.count(f"{RUN}: ") == 1


@pytest.mark.parametrize(
    ("collection", "words"),
    [
        ("u/nobody", "u/nobody"),
        ("u/me/verifyBia", "u/me/verifyBias"),
        ("u/nobody/*", "There are no plots in u/nobody/*: no summary is written."),
        ("u/me/metrics", "There are no plots in u/me/metrics: no summary is written."),
        ("u/me/met*", "There are no plots in u/me/met*: no summary is written."),
    ],
)
def test_status_1_names_what_is_absent_or_empty_and_writes_the_others(repository, collection, words):
    result = invoke(repository, collection, RUN)
    assert result.exit_code == 1
    assert words in result.stderr
    assert listWritten(repository) == {RUN}


def test_status_1_names_what_cannot_be_summarized_and_writes_the_others(repository, monkeypatch):
    read = PlotSearch.read

    def failing(self, butler, datasetType):
        if self.collection == RUN:
            raise ValueError("odd\nplot")
        return read(self, butler, datasetType)

    monkeypatch.setattr(PlotSearch, "read", failing)
    result = invoke(repository, RUN, OLD)
    assert result.exit_code == 1
    assert f"{RUN} cannot be summarized: ValueError: odd" in result.stderr
    assert listWritten(repository) == {OLD}


def test_a_name_that_is_too_long_for_a_file_costs_itself(repository):
    name = "é" * 50
    repository.put("cpBiasRun_noise_Plot", [{}], run=name)
    result = invoke(repository, name, OLD)
    assert result.exit_code == 1
    assert f"{name} cannot be summarized" in result.stderr
    assert listWritten(repository) == {OLD}


def test_a_place_that_is_no_folder_is_said(repository):
    (repository.root.parent / "out").write_text("")
    result = invoke(repository, RUN)
    assert result.exit_code == 2
    assert "is a file" in result.stderr


def test_the_label_is_that_of_the_index(repository, tmp_path, monkeypatch):
    index = tmp_path / "index.yaml"
    index.write_text(yaml.safe_dump({"embargo": str(repository.root)}))
    monkeypatch.setenv("DAF_BUTLER_REPOSITORY_INDEX", str(index))
    arguments = ["embargo", str(tmp_path / "out"), "--collections", RUN]
    result = LogCliRunner().invoke(make_plot_summary, arguments)
    assert result.exit_code == 0, result.output
    assert listWritten(repository, "embargo") == {RUN}


def test_without_a_label_nothing_is_written(repository, monkeypatch):
    monkeypatch.delenv("DAF_BUTLER_REPOSITORY_INDEX", raising=False)
    result = invoke(repository, RUN, options=())
    assert result.exit_code == 2
    assert "Say with --label what the Plot Navigator calls it." in result.stderr
    assert not (repository.root.parent / "out").exists()


@pytest.mark.parametrize("label", ["", ".."])
def test_labels_that_lead_elsewhere_are_refused(repository, label):
    result = invoke(repository, RUN, options=("--label", label))
    assert result.exit_code == 2
    assert f"{label!r} is no label of a repository." in result.stderr


def test_labels_with_slashes_stay_in_the_folder(repository):
    result = invoke(repository, RUN, options=("--label", "../main"))
    assert result.exit_code == 0
    assert listWritten(repository, "..%2Fmain") == {RUN}


def test_a_repository_that_is_none_is_named(tmp_path):
    arguments = [str(tmp_path / "no"), str(tmp_path / "out"), "--collections", "a", "--label", "main"]
    result = LogCliRunner().invoke(make_plot_summary, arguments)
    assert result.exit_code == 1
    assert f"There is no repository {tmp_path / 'no'}" in result.stderr


def test_status_2_without_collections(repository, tmp_path):
    arguments = [str(repository.root), str(tmp_path / "out"), "--label", "main"]
    result = LogCliRunner().invoke(make_plot_summary, arguments)
    assert result.exit_code == 2
    assert "--collections" in result.stderr
