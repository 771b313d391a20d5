# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Topics that the pipelines fill, against the committed list and the bundles that tasks make."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
from pipelineTopics import Topic, TopicError, changedTopics, collectTopics, resolvePipelines
from services.biasResults import makeColumns
from topicPages import TOPIC_LIST, readTopics, topicFiles

from lsst.analysis.cp.catalogue import Level, findTest, getProduct, measurementUnits
from lsst.analysis.cp.tasks.runner import ToolRunner, makeBundle
from lsst.obs.lsst import LsstComCam
from lsst.pipe.base import Pipeline, PipelineGraph
from lsst.pipe.base.pipelineIR import PipelineIR

ROOT = Path(__file__).parents[2]
PIPELINES = sorted((ROOT / "pipelines").glob("[!_]*/*.yaml"))
VERIFICATION = ROOT / "pipelines" / "LSSTCam" / "verifyBias.yaml"
LISTED = readTopics((ROOT / TOPIC_LIST).read_text())
LEVELS = {
    Level("detector"): "cpBiasExpDet",
    Level("exposure"): "cpBiasExp",
    Level("runDetector"): "cpBiasRunDet",
    Level("run"): "cpBiasRun",
}
BUNDLES = ("metrics", "detectorMetrics")
every_pipeline = pytest.mark.parametrize(
    "path", PIPELINES, ids=lambda path: f"{path.parent.name}-{path.stem}"
)


@pytest.fixture(scope="module", autouse=True)
def standIns():
    """Use the pipelines that can be resolved here."""
    tree = os.environ.get("CP_VERIFY_DIR", str(ROOT / "standalone"))
    tools = os.environ.get("ANALYSIS_TOOLS_DIR", tree)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CP_VERIFY_DIR", tree)
        patch.setenv("ANALYSIS_TOOLS_DIR", tools)
        patch.setenv("ANALYSIS_CP_DIR", str(ROOT))
        yield


@pytest.fixture(scope="module")
def collected(standIns):
    return collectTopics({path: resolve(path) for path in PIPELINES})


@cache
def resolve(path: Path) -> PipelineGraph:
    """Resolve a pipeline with parameters for Sasquatch."""
    pipeline = Pipeline.fromFile(str(path))
    for name, value in (
        ("dataset_identifier", "nightly"),
        ("reference_package", "cp_verify"),
        ("timestamp_version", "explicit_timestamp:20260301T120000Z"),
    ):
        pipeline.addConfigOverride("parameters", f"sasquatch_{name}", value)
    for label, task in PipelineIR.from_uri(str(path)).tasks.items():
        # Tasks that measure calibrations or gather summaries write tables only.
        of_tables = ".Measure" in task.klass or ".Gather" in task.klass
        if task.klass.startswith("lsst.analysis.cp.") and not of_tables:
            pipeline.addConfigOverride(label, "metric_tags", ["tag"])
    return pipeline.to_graph()


@cache
def verificationTopics():
    return collectTopics({VERIFICATION: resolve(VERIFICATION)})


def measuringTasks(path: Path):
    """List our tasks that write bundles, with the names of their connections for these."""
    for node in resolve(path).tasks.values():
        names = [name for name in BUNDLES if name in node.outputs]
        if names and node.task_class_name.startswith("lsst.analysis.cp."):
            yield node, names


@pytest.mark.slow
def test_list_is_what_the_pipelines_fill(collected):
    assert LISTED == collected
    assert list(LISTED) == sorted(LISTED)


def test_list_comes_back_as_it_was_written():
    odd = Topic(
        datasetType="one_metrics", dimensions=("tract",), tool="biasNoiseITL", units={"a": "1 / yr", "b": ""}
    )
    topics = {"one_biasNoiseITL": odd} | LISTED
    assert readTopics(topicFiles(topics)[TOPIC_LIST]) == dict(sorted(topics.items()))


def test_list_is_short():
    assert len((ROOT / TOPIC_LIST).read_text().splitlines()) < len(LISTED) / 2


def test_topics_of_the_last_release_keep_their_fields():
    def git(*arguments):
        result = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60)
        return result.stdout.strip() if result.returncode == 0 else ""

    tag = git("describe", "--tags", "--abbrev=0")
    if not (released := git("show", f"{tag}:{TOPIC_LIST}") if tag else ""):
        pytest.skip("no release with a list of topics")
    assert changedTopics(readTopics(released), LISTED) == []


NOISE = LISTED["cpBiasExp_biasNoise"]


@pytest.mark.parametrize(
    ("now", "changes"),
    [
        ({}, ["cpBiasExp_biasNoise is gone"]),
        (
            {"cpBiasExp_biasNoise": replace(NOISE, dimensions=("tract",))},
            ["cpBiasExp_biasNoise has tract, had exposure, instrument"],
        ),
        (
            {
                "cpBiasExp_biasNoise": replace(
                    NOISE, units={name: "" for name in NOISE.units if name != "nAmps"}
                )
            },
            [
                *(
                    f"cpBiasExp_biasNoise has {name} in '', had 'electron'"
                    for name in ("min", "median", "max")
                ),
                "cpBiasExp_biasNoise lacks nAmps",
            ],
        ),
        ({"cpBiasExp_biasNoise": replace(NOISE, units={**NOISE.units, "new": "s"}), "other": NOISE}, []),
    ],
)
def test_what_readers_would_miss_is_named(now, changes):
    assert changedTopics({"cpBiasExp_biasNoise": NOISE}, now) == changes


@pytest.mark.slow
def test_topics_of_other_packages_are_on_the_page(standIns):
    page = (ROOT / "doc" / "lsst.analysis.cp" / "topics.rst").read_text()
    topics = collectTopics({path: resolve(path) for path in PIPELINES}, others=True)
    assert topics
    for name, topic in topics.items():
        assert f"``{topic.datasetType}``" in page
        assert f"``{name}``" in page
        assert all(f"``{field}`` ({unit})" in page for field, unit in topic.units.items())


@pytest.mark.parametrize("name", [name for name, topic in LISTED.items() if findTest(topic.tool)])
def test_topic_of_a_test_follows_from_the_catalogue(name):
    topic = LISTED[name]
    test = findTest(topic.tool)
    place = name.split("_")[0].removeprefix(f"cp{test.product[0].upper()}{test.product[1:]}")
    (level,) = [level for level, prefix in LEVELS.items() if prefix == f"cpBias{place}"]
    level = Level(level.name, getProduct(test.product).epoch)
    # The run of each filter is measured for itself.
    assert set(level.dimensions) == set(topic.dimensions) - {"physical_filter"}
    assert topic.units == measurementUnits(test, level)


def test_every_test_has_a_topic_at_each_level_where_it_is_measured():
    for test in getProduct("bias"):
        for level, prefix in LEVELS.items():
            is_there = f"{prefix}_{test.toolName}" in LISTED
            assert is_there == test.isMeasuredAt(level)


@every_pipeline
def test_parameters_of_sasquatch_reach_every_task(path):
    for node, _ in measuringTasks(path):
        bundle = makeBundle(node.config, "")
        assert bundle.dataset_identifier == "nightly"
        assert bundle.reference_package == "cp_verify"
        assert bundle.timestamp_version == "explicit_timestamp:20260301T120000Z"


@every_pipeline
def test_tags_reach_every_tool(path):
    for node, _ in measuringTasks(path):
        assert list(node.config.metric_tags) == ["tag"]
        for tool in node.config.atools:
            assert "tag" in tool.metric_tags


PIPELINE = """
description: Two tasks that fill one topic.
tasks:
  first:
    class: lsst.analysis.cp.tasks.AmpAnalysisExposureTask
    config:
      connections.outputName: cpBiasExp
      python: |
        from lsst.analysis.cp.atools import addTools
        addTools(config, "bias", "exposure")
"""


@pytest.mark.parametrize(
    ("task", "level"), [("AmpAnalysisExposureTask", "run"), ("AmpAnalysisRunTask", "exposure")]
)
def test_topic_with_other_fields_is_an_error(tmp_path, task, level):
    other = PIPELINE.replace("AmpAnalysisExposureTask", task).replace('"exposure"', f'"{level}"')
    files = []
    for name, text in (("one", PIPELINE), ("two", other)):
        files.append(tmp_path / f"{name}.yaml")
        files[-1].write_text(text)
    with pytest.raises(TopicError, match=r"topic cpBiasExp_bias\w+: task first of .*two.yaml fills it with"):
        collectTopics(resolvePipelines(files))


@pytest.mark.parametrize("kind", ["valid", "invalid", "empty"])
@pytest.mark.parametrize("label", ["verifyBiasExp", "verifyBias"])
def test_bundles_have_the_fields_of_the_list_whatever_the_data(label, kind):
    camera = LsstComCam().getCamera()
    node = resolve(VERIFICATION).tasks[label]
    task = node.task_class(config=node.config)
    log = SimpleNamespace(exception=lambda *arguments: None, warning=lambda *arguments: None)
    runner = ToolRunner(log, {})
    of = 5 if "exposure" in node.outputs["detectorMetrics"].raw_dimensions else None
    detectors = [(of, detector.getId()) for detector in camera]
    outputs = task.analyze(
        makeColumns(camera, 5, kind), runner, camera=camera, exposures=[5], detectors=detectors
    )
    topics = verificationTopics()
    assert not runner.failures
    types = {node.outputs[name].dataset_type_name for name in BUNDLES}
    expected = {name for name, topic in topics.items() if topic.datasetType in types}
    bundles = (outputs.metrics, *outputs.detectorMetrics)
    assert {f"{bundle.metricNamePrefix}{tool}" for bundle in bundles for tool in bundle} == expected
    for bundle in bundles:
        for tool, measurements in bundle.items():
            units = topics[f"{bundle.metricNamePrefix}{tool}"].units
            assert [(str(m.metric_name), str(m.quantity.unit)) for m in measurements] == list(units.items())
            assert all(m.notes["metric_tags"] == ["tag"] for m in measurements)
