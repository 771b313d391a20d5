# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Time from the last table of an LSSTCam exposure to its verdict, and to its last plot.

``butler watch-verify`` follows a bias of 205 detectors, whose raws are there. A second process stores
Stats, table (with profiles as long as those of LSSTCam) and matrix of one detector after the other, at times
as those of a farm whose workers end independently of each other. A third measures: it reads ``verdict.json``
every few milliseconds. Afterwards the baseline, ``pipetask run`` of the same merge alone, is started on the
same inputs: it is what somebody does who waits for the last table.

Printed are times of the processor, so that other work on the machine does not count, and of the clock: from
the end of the last put to the verdict, to the end of the merge with all its metrics and plots, and of the
baseline from its start to its end; and the part of a processor that following takes, before the first table
and while tables come.

Usage: ``python benchmarks/arrivingTables.py [--detectors 205] [--interval 0.4] [--repeats 1]``
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
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

VERDICT_SECONDS = 1.0
"""Longest time of the processor from the last table to the verdict."""


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


class Meter:
    """Watches the processor time of a process, and what it writes.

    Parameters
    ----------
    process
        The process.
    document
        What it writes.
    """

    def __init__(self, process: subprocess.Popen[str], document: Path) -> None:
        self._process, self._document = process, document
        self._samples: list[tuple[float, float]] = []

    def sample(self) -> None:
        """Read the time of the processor that the process has used."""
        try:
            fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        except FileNotFoundError:
            return
        self._samples.append((time.time(), (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")))

    def used(self, start: float, end: float) -> float:
        """Tell how much of the processor was used between two times, s."""
        first, last = np.interp([start, end], *np.transpose(self._samples))
        return float(last - first)

    def waitFor(self, isIt: Callable[[dict[str, Any]], bool]) -> float:
        """Wait until the document says something; return when."""
        seen = 0
        while True:
            has_ended = self._process.poll() is not None
            self.sample()
            if self._document.exists() and (stamp := self._document.stat().st_mtime_ns) != seen:
                seen = stamp
                if isIt(json.loads(self._document.read_text())["arrival"]):
                    return stamp / 1e9
            if has_ended:
                raise SystemExit("It was not followed to its end.")
            time.sleep(0.01)


def measure(folder: Path, number: int, interval: float) -> dict[str, float]:
    """Follow one exposure, then merge it as the baseline does."""
    root, out = folder / "repository", folder / "page"
    makeRepository(root).butler.close()
    program, pipetask = shutil.which("butler"), shutil.which("pipetask")
    assert program is not None
    assert pipetask is not None
    words = [program, "watch-verify", str(root), str(out), "--instrument", "LSSTCam"]
    words += ["--exposure", str(EXPOSURE), "--collections", f"{RUN},{RAWS}"]
    words += ["--output", "u/night/merge", "--timeout", "3000"]
    put = [sys.executable, __file__, "--put", str(root)]
    put += ["--detectors", str(number), "--interval", str(interval)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as watch:
        meter = Meter(watch, out / "verdict.json")
        begun = meter.waitFor(lambda arrival: arrival["phase"] == "waiting")
        end = time.time() + IDLE_SECONDS
        while time.time() < end:
            meter.sample()
            time.sleep(0.1)
        with subprocess.Popen(put, stdout=subprocess.PIPE, text=True) as putter:
            judged = meter.waitFor(lambda arrival: arrival["judged"] is not None)
            assert putter.stdout is not None
            last = float(putter.stdout.read().split()[-1])
        merged = meter.waitFor(lambda arrival: arrival["phase"] == "merged")
        assert watch.stdout is not None
        print(watch.stdout.read(), end="")
    merge = f"{os.environ['ANALYSIS_CP_DIR']}/pipelines/LSSTCam/verifyBias.yaml#verifyBiasExp"
    run = [pipetask, "--log-level", "WARNING", "run", "-b", str(root), "-o", "u/night/pipeline", "-p", merge]
    run += ["-i", f"{RUN},LSSTCam/calib/unbounded", "--register-dataset-types"]
    run += ["-d", f"instrument = 'LSSTCam' AND exposure = {EXPOSURE}"]
    before, used = time.time(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(run, check=True)
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "duration": last - end,
        "idle": meter.used(begun, end) / (end - begun),
        "busy": meter.used(end, last) / (last - end),
        "verdict": judged - last,
        "verdictUsed": meter.used(last, judged),
        "merged": merged - last,
        "mergedUsed": meter.used(last, merged),
        "baseline": time.time() - before,
        "baselineUsed": now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime,
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
        good &= found["verdictUsed"] <= VERDICT_SECONDS and found["mergedUsed"] < found["baselineUsed"]
        print(
            f"{arguments.detectors} detectors in {found['duration']:.0f} s: of one processor "
            f"{found['idle']:.1%} before the first table, {found['busy']:.0%} while they come."
        )
        for name, title in (("verdict", "verdict"), ("merged", "all merged"), ("baseline", "pipetask run")):
            of_processor, of_clock = found[f"{name}Used"], found[name]
            print(f"{title:12s} after the last table: {of_processor:6.2f} s, {of_clock:6.2f} s of the clock")
    print("all within the limits" if good else "A LIMIT IS EXCEEDED")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
