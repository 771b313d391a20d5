# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Time ``bps submit`` with parsl on this machine against ``pipetask run``, on the biases of LSSTCam.

One exposure of 205 detectors is simulated and verified, and merged with metrics and plots, on detectors whose
pixels are eight times as large as the real ones. The same pipeline runs

- by ``pipetask run`` in one process (``-j 1``),
- by ``pipetask run`` in two (``-j 2``), which starts a process for each quantum,
- by ``bps submit bps/verifyBias.yaml`` with two jobs at a time, each the chain of a detector (``bps1``) or
  those of sixteen (``bps16``).

The wall times include the quantum graph and, with ``bps``, the final job. The overhead of a quantum is what
is beyond the times of the tasks themselves, as their metadata have them: processes times wall time, less
those, over the number of quanta. The metrics of the run have to be the same in all three, and so the number
of datasets of each type. No process may be left. With fewer detectors, all of it is shorter.

Usage: ``python benchmarks/bpsSubmit.py [--detectors N] [--ways bps1,bps16,1,2]``
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import parsl
import psutil

from lsst.cp.simulator import ExposureInfo, makeRepository, shrinkCamera
from lsst.daf.butler import Butler
from lsst.obs.lsst import LsstCam

ROOT = Path(__file__).parents[1]
EXPOSURE = ExposureInfo(20260101, 1)
SHRINKAGE = 8
CORES = 2
LABELS = "verifyBiasIsr,verifyBiasDet,verifyBiasExp,verifyBias"
BOX_SIZE = 200 // SHRINKAGE
"""Length of the boxes in the corners of amplifiers (pixel), of cp_verify for real detectors."""
MARK = f"BPS_SUBMIT_{uuid.uuid4().hex}"
"""A variable that all processes of this benchmark inherit."""


@dataclass(frozen=True)
class Run:
    """A run.

    Parameters
    ----------
    wall
        How long it took (s).
    tasks
        Sum of the times of its quanta (s).
    datasets
        Number of datasets by type, but for logs.
    metrics
        Metrics of the run, by tool and name.
    nCores
        Number of processes at a time.
    """

    wall: float
    tasks: float
    datasets: Counter[str]
    metrics: dict[tuple[str, str], float]
    nCores: int

    @property
    def nQuanta(self) -> int:
        """Number of quanta."""
        return sum(number for name, number in self.datasets.items() if name.endswith("_metadata"))

    @property
    def overhead(self) -> float:
        """Time of a process beyond that of the task, a quantum (s)."""
        return (self.nCores * self.wall - self.tasks) / self.nQuanta


def makeCommand(way: str, root: Path, pipeline: str, where: str) -> list[str]:
    """Make the command of a way: ``bps`` and so many detectors a job, or the processes of ``pipetask``."""
    options = [
        "-b",
        str(root),
        "-i",
        "LSSTCam/defaults",
        "-o",
        f"u/{way}",
        "-p",
        pipeline,
        "-d",
        f"instrument='LSSTCam' and {where}",
    ]
    box = f"verifyBiasDet:ampCornerBoxSize={BOX_SIZE}"
    if way.startswith("bps"):
        command = ["bps", "submit", str(ROOT / "bps" / "verifyBias.yaml"), "--compute-site", "local"]
        return [*command, *options, "--extra-qgraph-options", f"-c {box}"]
    return ["pipetask", "run", "-j", way, "--register-dataset-types", *options, "-c", box]


def nameWay(way: str) -> str:
    """Name a way for people."""
    if way.startswith("bps"):
        return f"bps submit, 2 jobs at a time, {way.removeprefix('bps')} detectors a job"
    return f"pipetask run -j {way}"


def readRun(root: Path, collection: str, wall: float, nCores: int) -> Run:
    """Read what a run has made."""
    with Butler.from_config(str(root), collections=collection, instrument="LSSTCam") as butler:
        runs = [name for name in butler.collections.get_info(collection).children if name.startswith("u/")]
        datasets: Counter[str] = Counter()
        tasks = 0.0
        for dataset_type in butler.registry.queryDatasetTypes(...):
            refs = list(butler.registry.queryDatasets(dataset_type, collections=runs))
            if refs and not dataset_type.name.endswith("_log"):
                datasets[dataset_type.name] = len(refs)
            if dataset_type.name.endswith("_metadata"):
                tasks += sum(measureQuantum(butler.get(ref)["quantum"]) for ref in refs)
        metrics = {
            (tool, str(each.metric_name)): each.quantity.value
            for tool, bundle in butler.get("cpBiasRun_metrics").items()
            for each in bundle
        }
    return Run(wall, tasks, datasets, metrics, nCores)


def measureQuantum(metadata: Any) -> float:
    """Measure the time of a quantum (s)."""
    begin, end = (datetime.fromisoformat(metadata[name]) for name in ("prepUtc", "endUtc"))
    return (end - begin).total_seconds()


def timeRun(way: str, root: Path, pipeline: str, where: str, environment: dict[str, str]) -> Run:
    """Run one way, and see that no process is left."""
    log = root.parent / f"{way}.log"
    start = time.perf_counter()
    with log.open("w") as stream:
        result = subprocess.run(
            makeCommand(way, root, pipeline, where),
            cwd=root.parent,
            env=environment | {"BPS_DETECTORS": way.removeprefix("bps")},
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    wall = time.perf_counter() - start
    assert result.returncode == 0, log.read_text()[-4000:]
    # Those that parsl has told to end may take a moment.
    _, left = psutil.wait_procs([each for each in psutil.process_iter() if isOurs(each)], timeout=30)
    assert not [each for each in left if each.status() != psutil.STATUS_ZOMBIE], left
    return readRun(root, f"u/{way}", wall, CORES if way.startswith("bps") else int(way))


def isOurs(process: psutil.Process) -> bool:
    """Tell whether a process is one that a run has started."""
    try:
        return MARK in process.environ()
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return False


def main() -> int:
    """Print the times and ratios; the exit status is 1 if the outputs differ."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--detectors", type=int, default=205, help="number of detectors")
    parser.add_argument("--ways", default="bps1,bps16,1,2", help="what is run, with commas")
    arguments = parser.parse_args()
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"python {platform.python_version()}, parsl {parsl.__version__}, load before {load}")
    runs: dict[str, Run] = {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "repository"
        camera = shrinkCamera(LsstCam().getCamera(), SHRINKAGE)
        makeRepository(root, LsstCam, [EXPOSURE], camera=camera).close()
        ids = sorted(detector.getId() for detector in camera)[: arguments.detectors]
        where = (
            f"instrument='LSSTCam' and exposure={EXPOSURE.id} and detector in ({', '.join(map(str, ids))})"
        )
        own = {"INSTRUMENT": "LSSTCam", "TICKET": "benchmark", "SCRATCH": folder, "BPS_CORES": str(CORES)}
        own |= {"BPS_WMS_SERVICE_CLASS": "lsst.ctrl.bps.parsl.ParslService", MARK: "1"}
        pipeline = f"{ROOT}/pipelines/LSSTCam/verifyBias.yaml#{LABELS}"
        for way in arguments.ways.split(","):
            run = runs[way] = timeRun(way, root, pipeline, where, os.environ | own)
            print(
                f"{nameWay(way)}: {run.wall:.0f} s on the wall, {run.nQuanta} quanta of {run.tasks:.0f} s, "
                f"overhead {run.overhead:.2f} s a quantum (load {os.getloadavg()[0]:.1f})",
                flush=True,
            )
    first, *others = runs.values()
    of_bps = {way: run for way, run in runs.items() if way.startswith("bps")}
    for other in runs.keys() - of_bps.keys():
        for way, run in of_bps.items():
            print(f"{nameWay(way)} / {nameWay(other)}: {run.wall / runs[other].wall:.2f}")
    same = all(run.datasets == first.datasets and run.metrics == first.metrics for run in others)
    print(f"{len(first.metrics)} metrics of the run: {'the same in all' if same else 'THEY DIFFER'}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
