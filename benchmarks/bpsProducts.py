# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Submit all pipelines of LATISS with parsl on this machine, and compare with ``pipetask run``.

In a small repository (the detector has pixels eight times as large) each pipeline runs by ``bps submit`` of
its file in ``bps``, two jobs at a time, and by ``pipetask run``: verifications first, then what reads them.
All quanta have to succeed, the number of datasets of each type has to be the same, and so each value of each
table and each metric. No process may be left, and no file where ``bps`` was called.

Usage: ``python benchmarks/bpsProducts.py [PIPELINE ...]``, where one comes after those that it reads
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from subprocess import CompletedProcess

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests" / "batch" / "support"))

from latissProducts import (  # noqa: E402
    CONFIGURATION,
    DEFAULTS,
    Outputs,
    makeLatiss,
    readOutputs,
    select,
    storeImages,
)
from submitting import runAway, submitFile  # noqa: E402

from lsst.daf.butler import Butler  # noqa: E402

STEPS = ("verify", "analyze", "view", "gather", "trend")
"""Begins of the names of pipelines, in the order in which they run."""


def runBoth(pipeline: str, folder: Path, inputs: dict[str, list[str]]) -> bool:
    """Run a pipeline both ways, print how long it took, and tell whether they have written the same."""
    found: dict[str, Outputs] = {}
    walls: dict[str, float] = {}
    for way, before in inputs.items():
        output = f"u/{way}/{pipeline}"
        start = time.perf_counter()
        result = runOne(way, pipeline, folder, ",".join([*before, DEFAULTS]), output)
        walls[way] = time.perf_counter() - start
        assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-4000:]
        before.insert(0, output)
        with Butler.from_config(str(folder / "repository")) as butler:
            found[way] = readOutputs(butler, output)
    bps, whole = found["bps"], found["pipetask"]
    n_quanta = sum(number for name, number in bps.numbers.items() if name.endswith("_metadata"))
    different = [name for name in bps.values if bps.values[name] != whole.values.get(name)]
    # Without inputs a pipeline has nothing to do, and its metadata alone would be the same.
    same = bps.numbers.total() > n_quanta > 0 and bps.numbers == whole.numbers and not different
    print(
        f"{pipeline}: {n_quanta} quanta; bps submit {walls['bps']:.0f} s, pipetask run "
        f"{walls['pipetask']:.0f} s; {bps.numbers.total()} datasets and {len(bps.values)} tables and bundles "
        f"{'are the same' if same else f'DIFFER, or are none: {different or bps.numbers - whole.numbers}'}",
        flush=True,
    )
    return same


def runOne(way: str, pipeline: str, folder: Path, inputs: str, output: str) -> CompletedProcess[str]:
    """Run a pipeline one way."""
    configured = f"-c {CONFIGURATION[pipeline]}" if pipeline in CONFIGURATION else ""
    options = ["-b", str(folder / "repository"), "-i", inputs, "-o", output, "-d", select(pipeline)]
    if way == "bps":
        extra = ["--extra-qgraph-options", configured] if configured else []
        return submitFile(ROOT / "bps" / f"{pipeline}.yaml", folder, *options, *extra)
    file = f"{ROOT}/pipelines/LATISS/{pipeline}.yaml"
    command = ["pipetask", "run", "--register-dataset-types", "-p", file, *options, *configured.split()]
    return runAway(command, folder)


def main() -> int:
    """Run all; the exit status is 1 if outputs differ."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pipelines", nargs="*", help="names of pipelines; all of LATISS if there are none")
    pipelines = parser.parse_args().pipelines
    # The steps of a night are no pipeline that runs as a whole; the tests submit them.
    files = {file.stem for file in (ROOT / "pipelines" / "LATISS").glob("*.yaml")} - {"verifyNight"}
    names = pipelines or [name for step in STEPS for name in sorted(files) if name.startswith(step)]
    os.environ |= {"INSTRUMENT": "LATISS", "TICKET": "benchmark", "BPS_CORES": "2"}
    os.environ["BPS_WMS_SERVICE_CLASS"] = "lsst.ctrl.bps.parsl.ParslService"
    print(f"load before {os.getloadavg()[0]:.1f}")
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["SCRATCH"] = name
        makeLatiss(folder / "repository")
        inputs: dict[str, list[str]] = {"bps": [], "pipetask": []}
        verified = {f"u/pipetask/verify{product}" for product in ("Bias", "Dark", "Flat")}
        same = []
        for pipeline in names:
            if verified and verified <= {*inputs["pipetask"]}:
                storeImages(folder / "repository", sorted(verified))
                verified = set()
            same.append(runBoth(pipeline, folder, inputs))
    seconds = time.perf_counter() - start
    load = os.getloadavg()[0]
    print(f"{sum(same)} of {len(names)} pipelines wrote the same; {seconds:.0f} s, load {load:.1f}")
    return 0 if all(same) else 1


if __name__ == "__main__":
    sys.exit(main())
