# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Time from the last table of an LSSTCam exposure to its verdict, and to its last plot.

``butler watch-verify`` follows a bias of 205 detectors, whose raws are there. A second process stores
Stats, table (with profiles as long as those of LSSTCam) and matrix of one detector after the other, at times
as those of a farm whose workers end independently of each other. A third measures: it reads ``verdict.json``
every few milliseconds. Afterwards the baseline, ``pipetask run`` of the same merge alone, is started on the
same inputs: it is what somebody does who waits for the last table.

Printed are the times of the clock from the end of the last put to the verdict, to the end of the merge with
all its metrics and plots, and of the baseline from its start to its end; and the time of the processor that
following takes, before the first table and while tables come.

Usage: ``python benchmarks/arrivingTables.py [--detectors 205] [--interval 0.4] [--repeats 1]``
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.extend(
    str(Path(__file__).parents[1] / "tests" / name)
    for name in ("support", "report/support", "arriving/support")
)

import numpy as np
from nights import EXPOSURE, RUN, Night

from lsst.obs.lsst import LsstCam

RAWS = "LSSTCam/raw/all"

IDLE_SECONDS = 20.0
"""How long nothing comes at first."""

PROFILES = {"SERIAL": 576, "PARALLEL": 2048}
"""Lengths of the profiles of an amplifier."""

VERDICT_SECONDS = 3.0
"""Longest time from the last table to the verdict."""


def makeRepository(root: Path) -> Night:
    """Make a repository of LSSTCam without results."""
    night = Night(root, LsstCam())
    night.instrument.writeCameraGeom(night.butler, f"{night.name}/calib")
    night.addExposures([EXPOSURE])
    night.butler.registry.registerRun(RUN)
    for detector in night.layout.detectorId.tolist():
        night.put("raw", {}, "StructuredDataDict", run=RAWS, exposure=EXPOSURE, detector=detector)
    return night


def putTables(root: Path, number: int, interval: float) -> None:
    """Store the results of detectors, and print when the last is there."""
    night = Night(root, LsstCam())
    rng = np.random.default_rng(1)
    detectors = rng.permutation(night.layout.detectorId)[:number].tolist()
    for detector in detectors:
        table = night.makeTable(detector)
        for name, size in PROFILES.items():
            table[f"BIAS_{name}_PROF"] = rng.normal(size=(len(table), size))
        night.addOthers(detector)
        time.sleep(rng.exponential(interval))
        night.addTable(detector, table)
    print(time.time())


def readSeconds(process: subprocess.Popen[str]) -> float:
    """Read the time of the processor that a process has used."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def waitFor(path: Path, process: subprocess.Popen[str], isIt: Any) -> float:
    """Wait until the document says something; return when that is seen."""
    while process.poll() is None or path.exists():
        if path.exists() and isIt(json.loads(path.read_text())["arrival"]):
            return time.time()
        if process.poll() not in (None, 0, 3, 4):
            raise SystemExit("It was not followed to its end.")
        time.sleep(0.005)
    raise SystemExit("It was not followed to its end.")


def measure(folder: Path, number: int, interval: float) -> dict[str, float]:
    """Follow one exposure, then merge it as the baseline does."""
    root, out = folder / "repository", folder / "page"
    makeRepository(root).butler.close()
    program, pipetask = shutil.which("butler"), shutil.which("pipetask")
    assert program is not None
    assert pipetask is not None
    words = [
        program,
        "watch-verify",
        str(root),
        str(out),
        "--instrument",
        "LSSTCam",
        "--exposure",
        str(EXPOSURE),
    ]
    words += ["--collections", f"{RUN},{RAWS}", "--output", "u/night/merge", "--timeout", "1200"]
    document = out / "verdict.json"
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as watch:
        waitFor(document, watch, lambda arrival: arrival["phase"] == "waiting")
        begun = readSeconds(watch)
        time.sleep(IDLE_SECONDS)
        idle = readSeconds(watch)
        start = time.time()
        put = [
            sys.executable,
            __file__,
            "--put",
            str(root),
            "--detectors",
            str(number),
            "--interval",
            str(interval),
        ]
        with subprocess.Popen(put, stdout=subprocess.PIPE, text=True) as putter:
            judged = waitFor(document, watch, lambda arrival: arrival["judged"] is not None)
            used = readSeconds(watch)
            assert putter.stdout is not None
            last = float(putter.stdout.read().split()[-1])
        merged = waitFor(document, watch, lambda arrival: arrival["phase"] == "merged")
        assert watch.stdout is not None
        said = watch.stdout.read()
    print(said, end="")
    run = [
        pipetask,
        "--log-level",
        "WARNING",
        "run",
        "-b",
        str(root),
        "-o",
        "u/night/pipeline",
        "--register-dataset-types",
    ]
    run += ["-i", f"{RUN},LSSTCam/calib/unbounded", "-d", f"instrument = 'LSSTCam' AND exposure = {EXPOSURE}"]
    run += ["-p", f"{os.environ['ANALYSIS_CP_DIR']}/pipelines/LSSTCam/verifyBias.yaml#verifyBiasExp"]
    before = time.time()
    subprocess.run(run, check=True)
    return {
        "verdict": judged - last,
        "merged": merged - last,
        "baseline": time.time() - before,
        "idle": (idle - begun) / IDLE_SECONDS,
        "busy": (used - idle) / (judged - start),
        "duration": last - start,
    }


def main() -> int:
    """Run the benchmark; return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--detectors", type=int, default=205)
    parser.add_argument("--interval", type=float, default=0.4, help="mean time between two detectors, s")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--put", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.put:
        putTables(arguments.put, arguments.detectors, arguments.interval)
        return 0
    print(f"Python {platform.python_version()}, {os.cpu_count()} processors")
    good = True
    for _ in range(arguments.repeats):
        with tempfile.TemporaryDirectory() as folder:
            found = measure(Path(folder), arguments.detectors, arguments.interval)
        good &= found["verdict"] <= VERDICT_SECONDS and found["merged"] < found["baseline"]
        print(
            f"{arguments.detectors} detectors in {found['duration']:.0f} s. After the last table: verdict in "
            f"{found['verdict']:.2f} s, all merged in {found['merged']:.2f} s; pipetask run takes "
            f"{found['baseline']:.2f} s, {found['baseline'] / found['verdict']:.1f} and "
            f"{found['baseline'] / found['merged']:.2f} times as long. Part of one processor: "
            f"{found['idle']:.1%} before the first table, {found['busy']:.0%} while they come."
        )
    print("all within the limits" if good else "A LIMIT IS EXCEEDED")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
