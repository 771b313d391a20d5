# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""The plugin's own tests, run with upstream's code in the place of the stand-ins."""

import json
import math
import re
import textwrap
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parents[1]
# Pipelines of cp_verify can be resolved only with the tasks of these.
TASKS_OF_PIPELINES = ("ip_isr", "pipe_tasks", "cp_pipe")
PIPELINE_TESTS = ("test_pipelines.py", "test_topics.py")
DATASTORE_TEST = TESTS / "sasquatch" / "test_datastore.py"
# These make bundles by hand, of which a topic has other fields than the tools give it.
BY_HAND = (TESTS / "sasquatch", TESTS / "history", TESTS / "metrics", TESTS / "notebook")


def test_upstream_is_tested(upstream, overUpstream):
    names = ["lsst.verify", "lsst.analysis.tools", "lsst.cp.verify"]
    names += [f"lsst.{name.replace('_', '.')}" for name in TASKS_OF_PIPELINES if (upstream / name).is_dir()]
    code = "\n".join(f"import {name}; print({name}.__file__)" for name in names)
    result = overUpstream("-W", "ignore", "-c", code)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count(str(upstream)) == len(names), result.stdout


def test_simulator_is_imported_over_upstream(overUpstream):
    code = "import lsst.cp.simulator, lsst.cp.verify as verify; print(verify.__file__)"
    result = overUpstream("-W", "ignore", "-c", code)
    assert result.returncode == 0, result.stderr
    assert "standalone" not in result.stdout


def test_plugin_passes_its_tests(upstream, overUpstream):
    files = [
        file for file in TESTS.rglob("test_*.py") if file.parent not in {Path(__file__).parent, *BY_HAND}
    ]
    files = [file for file in files if "lsst.cp.simulator" not in file.read_text()]
    lacking = [name for name in TASKS_OF_PIPELINES if not (upstream / name).is_dir()]
    if lacking:
        files = [file for file in files if file.name not in PIPELINE_TESTS]
    options = ("-q", "-p", "no:cacheprovider", "-p", "dispatchBundles")
    result = overUpstream("-m", "pytest", *options, *sorted(files))
    assert result.returncode == 0, result.stdout[-20_000:] + result.stderr
    dispatched = re.search(r"dispatched (\d+) records of (\d+) topics", result.stdout)
    assert dispatched is not None
    assert min(map(int, dispatched.groups())) > 0
    if lacking:
        needed = ", ".join(lacking)
        pytest.skip(f"all tests pass but {', '.join(PIPELINE_TESTS)}, which need checkouts of {needed}")


def test_delivery_and_trends_pass_their_tests(upstream, overUpstream):
    files = [file for folder in BY_HAND for file in folder.glob("test_*.py") if file != DATASTORE_TEST]
    if any(not (upstream / name).is_dir() for name in TASKS_OF_PIPELINES):
        files = [file for file in files if file.name not in PIPELINE_TESTS]
    options = ("-q", "-p", "no:cacheprovider")
    result = overUpstream("-m", "pytest", *options, *sorted(files))
    assert result.returncode == 0, result.stdout[-20_000:] + result.stderr


def test_datastore_takes_every_bundle(upstream, overUpstream):
    if lacking := [name for name in TASKS_OF_PIPELINES if not (upstream / name).is_dir()]:
        pytest.skip(f"needs checkouts of {', '.join(lacking)}")
    # It sends to a proxy of its own, so that nothing else may take what is sent.
    options = ("-q", "-p", "no:cacheprovider")
    result = overUpstream("-m", "pytest", *options, DATASTORE_TEST)
    assert result.returncode == 0, result.stdout[-20_000:] + result.stderr
    assert re.search(r"\d+ passed", result.stdout)
    assert "skipped" not in result.stdout


def test_metrics_and_specifications_are_read_by_verify(overUpstream):
    code = """
import sys
from lsst.verify import MetricSet, SpecificationSet
metrics = MetricSet.load_metrics_package(sys.argv[1])
specifications = SpecificationSet.load_metrics_package(sys.argv[1])
assert all(name.metric in {metric.metric for metric in metrics} for name in specifications)
print(len(metrics), len(specifications))
"""
    result = overUpstream("-c", code, TESTS.parent)
    assert result.returncode == 0, result.stderr
    assert min(map(int, result.stdout.split())) > 0


def test_histograms_of_analysis_tools_show_our_thresholds(overUpstream):
    """An installation whose file has our entries draws them, and keeps its own."""
    code = """
import importlib.resources, json, sys
from pathlib import Path
from types import SimpleNamespace
import numpy as np, yaml
import lsst.analysis.tools
from lsst.analysis.tools.actions.plot import histPlot

theirs = importlib.resources.read_text(lsst.analysis.tools, "metricInformation.yaml")
ours = Path(sys.argv[1]).read_text()
histPlot.importResources = SimpleNamespace(read_text=lambda package, name: theirs + ours)
plot = histPlot.HistPlot()
names = list(yaml.safe_load(ours))
for name in names:
    panel = histPlot.HistPanel()
    panel.hists = {name: name}
    panel.addThresholds = True
    plot.panels[name] = panel
plot.validate()
figure = plot({name: np.linspace(-2, 2, 50) for name in names})
drawn = {}
for axes in figure.subfigs[0].axes:
    [label] = [text.get_text() for text in axes.get_legend().get_texts()]
    lines = [line for line in axes.get_lines() if line.get_linestyle() == "-"]
    drawn[label] = [float(line.get_xdata()[0]) for line in lines]
print(json.dumps([drawn, sorted(yaml.safe_load(theirs)), sorted(yaml.safe_load(theirs + ours))]))
"""
    file = TESTS.parent / "metricInfo" / "metricInformation.yaml"
    result = overUpstream("-W", "ignore", "-c", code, file)
    assert result.returncode == 0, result.stderr
    drawn, theirs, merged = json.loads(result.stdout)
    entries = yaml.safe_load(file.read_text())
    ends = ("lowThreshold", "highThreshold")
    assert drawn == {
        name: [entry[end] for end in ends if math.isfinite(entry[end])] for name, entry in entries.items()
    }
    assert merged == sorted([*theirs, *entries])


def test_table_of_metrics_has_columns_of_these_names(overUpstream):
    """The task that the documentation configures makes a table of the bundles of two exposures."""
    code = """
import json, sys
from types import SimpleNamespace
import astropy.units as u
sys.modules["lsst.skymap"] = SimpleNamespace(BaseSkyMap=SimpleNamespace(SKYMAP_DATASET_TYPE_NAME="skyMap"))
from lsst.analysis.tools.interfaces import MetricMeasurementBundle
from lsst.pipe.base import Pipeline
from lsst.verify import Measurement

graph = Pipeline.fromString(sys.argv[1]).to_graph()
[node] = graph.tasks.values()
task = node.task_class(config=node.config)
bundles = []
for number in (1, 2):
    values = {"nFailed": number * u.dimensionless_unscaled, "max": number * u.electron}
    measurements = [Measurement(name, value) for name, value in values.items()]
    bundles.append(MetricMeasurementBundle({"biasNoise": measurements}))
table = task.run([{"exposure": number} for number in (11, 12)], bundles, None).metricTable
[output] = node.outputs.values()
print(json.dumps([output.dataset_type_name, {name: list(map(float, table[name])) for name in table.columns}]))
"""
    page = (TESTS.parent / "doc" / "lsst.analysis.cp" / "metrics.rst").read_text()
    pipeline = "description: metrics\n" + textwrap.dedent(page.partition(".. code-block:: yaml\n")[2])
    result = overUpstream("-W", "ignore", "-c", code, pipeline)
    assert result.returncode == 0, result.stderr
    name, columns = json.loads(result.stdout)
    assert name == "cpBiasExp_metricsTable"
    assert columns == {"exposure": [11, 12], "biasNoise_nFailed": [1, 2], "biasNoise_max": [1, 2]}
