# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Every merge task does what its parent does, and adds its own outputs."""

from __future__ import annotations

import pickle
from dataclasses import dataclass

import numpy as np
import pytest

import lsst.analysis.cp.tasks as tasks
import lsst.cp.verify as parents
from lsst.pex.config import FieldValidationError
from lsst.pipe.base import PipelineGraph


@dataclass(frozen=True)
class Case:
    """One merge task and its inputs."""

    stem: str
    inputs: str
    dimensions: frozenset[str]
    mergeDimension: str = "detector"
    hasMatrixCatalog: bool = True

    @property
    def task(self) -> type:
        """The task."""
        return getattr(tasks, f"{self.stem}AnalysisTask")

    @property
    def label(self) -> str:
        """Its label in a pipeline."""
        return self.stem[0].lower() + self.stem[1:]

    @property
    def fields(self) -> dict[str, object]:
        """Configuration that it shares with its parent."""
        return {"mergeDimension": self.mergeDimension, "hasMatrixCatalog": self.hasMatrixCatalog}


CASES = [
    Case("ExpMerge", "verifyBiasDet", frozenset({"instrument", "exposure"})),
    Case("RunMerge", "exp", frozenset({"instrument"}), "exposure"),
    Case("ExpMergeByFilter", "verifyBiasDet", frozenset({"instrument", "exposure", "physical_filter"})),
    Case("RunMergeByFilter", "exp", frozenset({"instrument", "physical_filter"}), "exposure"),
    Case("VisitExpMerge", "verifyBiasDet", frozenset({"instrument", "visit"}), hasMatrixCatalog=False),
    Case("VisitRunMerge", "visit", frozenset({"instrument"}), "visit"),
    Case("CalibMerge", "calib", frozenset({"instrument"})),
]
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)


class ParentByFilterTask(parents.CpVerifyExpMergeByFilterTask):
    """The parent with the configuration that its name means, which cp_verify does not give it."""

    ConfigClass = parents.CpVerifyExpMergeByFilterConfig


@pytest.fixture(scope="module")
def merged(comCam, addMerge):
    """Run all merges, and all parents, in one pipeline."""
    graph = PipelineGraph()
    for case in CASES:
        parent = getattr(parents, f"CpVerify{case.stem}Task")
        if case.stem == "ExpMergeByFilter":
            parent = ParentByFilterTask
        addMerge(graph, case.label, case.task, case.inputs, f"{case.label}Out", **case.fields)
        addMerge(graph, f"{case.label}Parent", parent, case.inputs, f"{case.label}Parent", **case.fields)
    return comCam.run(graph)


def getAll(butler, name: str) -> dict:
    """Get all datasets of a type, by their required data ID."""
    refs = butler.query_datasets(name)
    return {tuple(sorted(ref.dataId.required.items())): butler.get(ref) for ref in refs}


def assertTablesEqual(table, expected) -> None:
    """Compare names, types, values and masks of all columns."""
    assert table.colnames == expected.colnames
    for name in table.colnames:
        assert table[name].dtype == expected[name].dtype
        np.testing.assert_array_equal(np.ma.asarray(table[name]), np.ma.asarray(expected[name]))


@every_case
def test_dimensions_are_the_parents(case):
    config = case.task.ConfigClass()
    config.mergeDimension = case.mergeDimension
    connections = config.connections.ConnectionsClass(config=config)
    assert connections.dimensions == case.dimensions


@every_case
def test_is_the_parent_task(case):
    assert issubclass(case.task, getattr(parents, f"CpVerify{case.stem}Task"))
    assert issubclass(case.task.ConfigClass, getattr(parents, f"CpVerify{case.stem}Config"))


@every_case
def test_stats_are_the_parents(case, merged):
    stats = getAll(merged, f"{case.label}OutStats")
    assert stats
    assert stats == getAll(merged, f"{case.label}ParentStats")


# The merge of visits has matrices of visits, which cp_verify never writes.
@pytest.mark.parametrize(
    ("case", "kind"),
    [(case, "Results") for case in CASES] + [(case, "Matrix") for case in CASES if case.hasMatrixCatalog],
    ids=lambda value: getattr(value, "stem", value),
)
def test_tables_are_the_parents(case, kind, merged):
    tables = getAll(merged, f"{case.label}Out{kind}")
    expected = getAll(merged, f"{case.label}Parent{kind}")
    assert tables.keys() == expected.keys() != set()
    for data_id, table in tables.items():
        assertTablesEqual(table, expected[data_id])


@every_case
@pytest.mark.parametrize("name", ["metrics", "detectorSummary", "ampSummary", "culprits"])
def test_outputs_of_the_quantum(case, name, merged):
    outputs = getAll(merged, f"cp{case.stem}_{name}")
    assert outputs.keys() == getAll(merged, f"{case.label}ParentResults").keys()


@every_case
def test_one_bundle_a_detector_with_input(case, merged):
    bundles = getAll(merged, f"cp{case.stem}Det_metrics")
    n_quanta = len(getAll(merged, f"{case.label}ParentResults"))
    n_missing = 1 if n_quanta == 2 else 0
    assert len(bundles) == 9 * n_quanta - n_missing


@every_case
def test_nothing_failed(case, merged):
    for metadata in getAll(merged, f"{case.label}_metadata").values():
        assert "toolFailures" not in metadata[case.label]


@every_case
def test_field_sets_are_constant(case, merged):
    bundles = getAll(merged, f"cp{case.stem}Det_metrics").values()
    fields = {
        tuple(
            (tool, tuple(str(m.metric_name) for m in measured)) for tool, measured in sorted(bundle.items())
        )
        for bundle in bundles
    }
    assert len(fields) == 1


@every_case
def test_prefix_of_metric_names(case, merged):
    (bundle, *_) = getAll(merged, f"cp{case.stem}_metrics").values()
    assert bundle.metricNamePrefix == f"cp{case.stem}_"
    (bundle, *_) = getAll(merged, f"cp{case.stem}Det_metrics").values()
    assert bundle.metricNamePrefix == f"cp{case.stem}Det_"


def test_missing_detector_is_in_the_summary(comCam, merged):
    summary = merged.get("cpExpMerge_detectorSummary", exposure=comCam.exposures[1])
    (row,) = summary[summary["detector"] == 3]
    assert (row["nAmps"], row["nAmpsMissing"], row["status"]) == (0, 16, "unknown")


def test_missing_detector_counts_in_the_metrics(comCam, merged):
    measured = merged.get("cpExpMerge_metrics", exposure=comCam.exposures[1])["biasNoise"]
    values = {str(m.metric_name): m.quantity.value for m in measured}
    assert (values["nDetectors"], values["nDetectorsMissing"], values["nAmpsMissing"]) == (8, 1, 16)


def test_results_are_required():
    config = tasks.ExpMergeAnalysisTask.ConfigClass()
    config.hasInputResults = False
    with pytest.raises(FieldValidationError, match="set hasInputResults to True"):
        config.validate()


def test_unknown_product_is_refused():
    config = tasks.ExpMergeAnalysisTask.ConfigClass()
    with pytest.raises(FieldValidationError, match="product"):
        config.product = "biass"


def test_no_detector_metrics_if_switched_off(addMerge):
    graph = PipelineGraph()
    addMerge(graph, "merge", tasks.ExpMergeAnalysisTask, "in", "out", doDetectorMetrics=False)
    outputs = graph.tasks["merge"].get_connections().outputs
    assert "detectorMetrics" not in outputs
    assert "metrics" in outputs


@pytest.mark.parametrize("name", [name for name in tasks.merge.tasks.__all__ if name.endswith("Connections")])
def test_joined_connections_are_found_by_their_module(name):
    joined = getattr(tasks, name)
    assert pickle.loads(pickle.dumps(joined)) is joined
