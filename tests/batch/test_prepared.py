# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What is prepared for Slurm, HTCondor and PanDA, without any of them."""

from __future__ import annotations

import json
import re
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from submitting import BPS, runAway

from lsst.obs.lsst import Latiss

simulator = pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of the stand-ins")
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
EXPOSURES = tuple(simulator.ExposureInfo(20260801, number) for number in (1, 2))
CHAINS = {f"exposureDetectors_{exposure.id}_0" for exposure in EXPOSURES}
MEMORY = {
    "exposureDetectors": 4096,
    "exposureMosaics": 2048,
    "verifyBiasExp": 4096,
    "viewBiasExpResidual": 2048,
    "exposureDetectorViews": 2048,
    "exposureViews": 2048,
    "verifyBias": 8192,
    "analyzeBiasCore": 8192,
}
"""Memory of the jobs by label (MiB)."""

READ_SLURM = """
import json, sys
from lsst.ctrl.bps.parsl.workflow import ParslWorkflow

workflow = ParslWorkflow.read(sys.argv[1])
workers = workflow.parsl_config.executors
chain = workflow.jobs[sys.argv[2]]
print(json.dumps({
    "workers": {each.label: [each.mem_per_worker, each.provider.walltime] for each in workers},
    "jobs": {job.generic.label: workflow.site.select_executor(job) for job in workflow.jobs.values()},
    "command": chain.evaluate_command_line(chain.get_command_line()),
}))
"""

PREPARE_PANDA = """
import json, sys
from lsst.ctrl.bps.drivers import prepare_driver

_, workflow = prepare_driver(sys.argv[1], runWmsSubmissionChecks=False)
tasks = {
    work.task_name.removeprefix(workflow.name).split("_")[2]: {
        "memory": work.task_rss,
        "jobs": [each["name"] for each in work.dependency_map],
        "parents": sorted(
            {job["task"].split("_")[-2] for each in work.dependency_map for job in each["dependencies"]}
        ),
    }
    for work in workflow.idds_client_workflow.get_all_works()
}
print(json.dumps(tasks))
"""


def needsPlugin(name: str) -> pytest.MarkDecorator:
    """Skip a test where a plugin of bps is not installed; it is not imported."""
    is_there = find_spec("lsst.ctrl.bps") is not None and find_spec(f"lsst.ctrl.bps.{name}") is not None
    return pytest.mark.skipif(not is_there, reason=f"needs ctrl_bps_{name}")


@pytest.fixture
def makeFile(tmp_path, shell):
    """Return a maker of submit files of a site, which include ours; there are two biases of LATISS."""
    shell.setenv("INSTRUMENT", "LATISS")
    shell.setenv("SELECTION_BIAS_V", "instrument='LATISS'")
    camera = simulator.shrinkCamera(Latiss().getCamera(), 8)
    simulator.makeRepository(tmp_path / "repo", Latiss, EXPOSURES, camera=camera).close()

    def make(service: str, site: str, *lines: str) -> Path:
        file = tmp_path / "own.yaml"
        head = [
            "includeConfigs: ${ANALYSIS_CP_DIR}/bps/verifyBias.yaml",
            f"wmsServiceClass: lsst.ctrl.bps.{service}",
            f"computeSite: {site}",
            "payload: {inCollection: LATISS/defaults}",
        ]
        file.write_text("\n".join([*head, *lines]))
        return file

    return make


@needsPlugin("htcondor")
def test_jobs_for_htcondor(makeFile, tmp_path):
    file = makeFile("htcondor.HTCondorService", "s3df")
    result = runAway([*BPS, "prepare", str(file)], tmp_path)
    assert result.returncode == 0, result.stderr
    jobs = {path.stem: path.read_text() for path in (tmp_path / "scratch").rglob("jobs/**/*.sub")}
    labels = {name: re.search(r'\+bps_job_label = "(\w+)"', text).group(1) for name, text in jobs.items()}
    assert {name for name, label in labels.items() if label == "exposureDetectors"} == CHAINS
    for name, text in jobs.items():
        label = labels[name]
        if label in MEMORY:
            memory = MEMORY[label]
            assert f"max({{{memory}, MemoryUsage ?: 0}})" in text
            assert f"{memory} * pow(2, NumJobStarts)" in text
            assert "retry_until=member(ExitCode, {1,2})" in text
            assert "run-qbb $ENV(REPO)" in text
        assert "request_cpus=1" in text or label == "finalJob"
    assert set(labels.values()) == {*MEMORY, "pipetaskInit", "finalJob"}
    chain = jobs[min(CHAINS)]
    assert '+bps_job_quanta = "verifyBiasIsr:1;verifyBiasDet:1"' in chain
    assert re.search(r"--qgraph-node-id [0-9a-f-]{36},[0-9a-f-]{36} ", chain)
    (final,) = (path.read_text() for path in (tmp_path / "scratch").rglob("final_job.bash"))
    assert "-j 2 --register-dataset-types --update-output-chain" in final
    assert "python -m lsst.analysis.cp.batch ${qgraphFile} ${butlerConfig}" in final
    (dag,) = (path.read_text() for path in (tmp_path / "scratch").rglob("*.dag"))
    for exposure in EXPOSURES:
        parent = f"PARENT exposureDetectors_{exposure.id}_0 CHILD \\S+_verifyBiasExp_{exposure.id}_"
        assert re.search(parent, dag)


@needsPlugin("parsl")
def test_workers_for_slurm(makeFile, tmp_path):
    file = makeFile("parsl.ParslService", "slurm")
    result = runAway([*BPS, "prepare", str(file)], tmp_path)
    assert result.returncode == 0, result.stderr
    (prepared,) = (tmp_path / "scratch").rglob("parsl_workflow.pickle")
    result = runAway([sys.executable, "-c", READ_SLURM, str(prepared.parent), min(CHAINS)], tmp_path)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout.splitlines()[-1])
    hours = "04:00:00"
    assert found["workers"] == {"small": [2.0, hours], "medium": [4.0, hours], "large": [8.0, hours]}
    kinds = {2048: "small", 4096: "medium", 8192: "large"}
    assert {label: found["jobs"][label] for label in MEMORY} == {
        label: kinds[memory] for label, memory in MEMORY.items()
    }
    assert re.search(
        r"pipetask .*run-qbb \$\{REPO\} /\S+\.qg --qgraph-node-id [0-9a-f,-]{73}", found["command"]
    )


@needsPlugin("panda")
def test_tasks_for_panda(makeFile, tmp_path, shell):
    """The client looks for its server as soon as it is imported: it is told not to."""
    shell.setenv("PANDA_BEHIND_REAL_LB", "1")
    file = makeFile("panda.PanDAService", "SLAC", f"fileDistributionEndPoint: {tmp_path}/distributed/")
    result = runAway([sys.executable, "-c", PREPARE_PANDA, str(file)], tmp_path)
    assert result.returncode == 0, result.stderr
    tasks = json.loads(result.stdout.splitlines()[-1])
    assert tasks.keys() == {*MEMORY, "pipetaskInit", "finalJob"}
    assert {label: tasks[label]["memory"] for label in MEMORY} == MEMORY
    chains = [job.partition("+qgraphNodeId:") for job in tasks["exposureDetectors"]["jobs"]]
    assert {name for name, *_ in chains} == CHAINS
    assert all(re.match("[0-9a-f-]{36},[0-9a-f-]{36}[+]", nodes) for *_, nodes in chains)
    assert tasks["verifyBiasExp"]["parents"] == ["exposureDetectors"]
    assert tasks["verifyBias"]["parents"] == ["verifyBiasExp"]
