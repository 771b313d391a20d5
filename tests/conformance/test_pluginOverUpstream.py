# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""The plugin's own tests, run with upstream's code in the place of the stand-ins."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parents[1]
# Pipelines of cp_verify can be resolved only with the tasks of these.
TASKS_OF_PIPELINES = ("ip_isr", "pipe_tasks")
PIPELINE_TESTS = ("test_pipelines.py", "test_topics.py")
DATASTORE_TEST = TESTS / "sasquatch" / "test_datastore.py"
# These make bundles by hand, of which a topic has other fields than the tools give it.
BY_HAND = (TESTS / "sasquatch", TESTS / "history", TESTS / "metrics")


def test_upstream_is_tested(overUpstream):
    names = ("lsst.verify", "lsst.analysis.tools", "lsst.cp.verify")
    code = "\n".join(f"import {name}; print({name}.__file__)" for name in names)
    result = overUpstream("-W", "ignore", "-c", code)
    assert result.returncode == 0, result.stderr
    assert "standalone" not in result.stdout


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
