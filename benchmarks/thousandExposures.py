# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What a run of a thousand bias exposures of LSSTCam costs: its merge, plots, histories and report.

Tables are made without pixels: those of cp_verify (Stats, Results with profiles, Matrix) and those of our
merges of detectors, of 205 detectors, one amplifier in a hundred failed, twenty exposures a night. Profiles
are 15 times shorter than those of LSSTCam by default, and take few different values, so that a disk holds
them.
Each stage runs in a process of its own on the first exposures:

parent
    The run merge of cp_verify alone, which is the baseline of ours. It is run for no more than 300 exposures,
    as it has all profiles in memory, twice and more.
merge
    Our run merge, with its tables, metrics and plots.
stored
    The same tools on the stored table of the merge.
trend
    The history of all exposures, from their summaries.
gather
    The tables of all nights.
night
    One night more: its table, which is the time of the stage, and the history of all from the tables. It
    fails if more summaries are read than those of the night.
report
    The pages of the run.

Times are those of the processor, so that other work on the machine does not count; those of the clock and
those of the making of the quantum graph are printed beside. Memory is the largest resident size; that of
the same stage with fewer exposures tells what an exposure takes.

It fails if an exposure between the last two numbers takes more than 1.3 times the time or the memory of one
between the first and the last but one, where there is enough of it to be told.

Usage: ``python benchmarks/thousandExposures.py [--numbers 20 100 300 1000] [--profile 164] [--stages ...]``
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "tests" / "report" / "support"))

import astropy.units as u
import numpy as np
import pyarrow as pa
from astropy.table import Table
from astropy.time import Time
from resultColumns import makeAmpTable
from tableRepository import TableRepository, chooseAmps, makeTables

from lsst.analysis.cp.core.amps import AmpTable
from lsst.analysis.cp.metrics.fetching import Fetched
from lsst.daf.butler import Butler, DatasetType, Timespan
from lsst.daf.butler.formatters.parquet import astropy_to_arrow
from lsst.obs.lsst import LsstCam
from lsst.pipe.base import Pipeline
from lsst.pipe.base.simple_pipeline_executor import SimplePipelineExecutor

RUN = "tables"
PER_NIGHT = 20
FIRST_NIGHT = Time("2026-03-01T22:00:00", scale="tai")
MAX_PARENT = 300
N_VARIANTS = 5
"""Number of exposures with values of their own; others repeat them."""
MATRIX_ROWS = 50_000
MAX_RATIO = 1.3

STAGES = {
    "parent": ("CP_VERIFY_DIR", "verifyBias.yaml#verifyBias"),
    "merge": ("ANALYSIS_CP_DIR", "verifyBias.yaml#verifyBias"),
    "stored": ("ANALYSIS_CP_DIR", "analyzeBias.yaml#analyzeBiasRun"),
    "trend": ("ANALYSIS_CP_DIR", "trendBias.yaml"),
    "gather": ("ANALYSIS_CP_DIR", "gatherBias.yaml"),
    "night": None,
    "report": None,
}


def exposureOf(index: int) -> int:
    """Return the id of an exposure."""
    night, sequence = divmod(index, PER_NIGHT)
    day = int((FIRST_NIGHT + night * u.day).strftime("%Y%m%d"))
    return day * 100000 + sequence + 1


def addExposures(butler: Butler, number: int) -> None:
    """Add the records of exposures."""
    name, registry = "LSSTCam", butler.registry
    ids = [exposureOf(index) for index in range(number)]
    days = sorted({number // 100000 for number in ids})
    registry.insertDimensionData("day_obs", *({"instrument": name, "id": day} for day in days))
    registry.insertDimensionData("group", *({"instrument": name, "name": str(each)} for each in ids))
    starts = [FIRST_NIGHT + i // PER_NIGHT * u.day + i % PER_NIGHT * 30 * u.s for i in range(number)]
    registry.insertDimensionData(
        "exposure",
        *(
            {
                "instrument": name,
                "id": each,
                "obs_id": str(each),
                "seq_num": each % 100000,
                "group": str(each),
                "day_obs": each // 100000,
                "physical_filter": "unknown",
                "exposure_time": 0.0,
                "timespan": Timespan(start, start + 1 * u.s),
            }
            for each, start in zip(ids, starts, strict=True)
        ),
    )


def failSome(columns: dict[str, Any]) -> None:
    """Let one amplifier in a hundred fail."""
    rng = np.random.default_rng(len(columns))
    rows = rng.random(len(columns["BIAS_NOISE"])) < 0.01
    columns["BIAS_NOISE"][rows & chooseAmps(columns)] *= 3.0


def makeResults(table: AmpTable, length: int, seed: int) -> Table:
    """Make the table of cp_verify that belongs to encoded results, with profiles of few different values."""
    rng = np.random.default_rng(seed)
    layout = table.layout
    n = layout.nAmps
    made = Table({"instrument": ["LSSTCam"] * n, "exposure": np.zeros(n, dtype=np.int64)})
    made["detector"] = layout.detectorId[layout.ampDetector]
    made["mjd"] = np.full(n, FIRST_NIGHT.mjd)
    made["amplifier"] = layout.ampName
    for name, values in table.statistics.items():
        made[name] = values
    for name, flags in table.flags.items():
        made[name] = np.asarray(flags) == 1
    serial = length // 5
    # Few values take little of a disk, and as much memory as others.
    for name, size in (("BIAS_SERIAL_PROF", serial), ("BIAS_PARALLEL_PROF", length - serial)):
        made[name] = rng.integers(-8, 8, (n, size)) / 8.0
    return made


def makeInputs(table: AmpTable, length: int, seed: int) -> dict[str, tuple[Any, str]]:
    """Make all datasets of an exposure, and their storage classes, by the names of their types."""
    rng = np.random.default_rng(seed)
    names = table.layout.detectorName.tolist()
    stats: dict[str, Any] = {name: {"SUCCESS": True} for name in names}
    for name in names[::20]:
        stats[name] = {"SUCCESS": False, "FAILURES": ["C00 NOISE", "C10 MEAN"]}
    rows = np.arange(MATRIX_ROWS)
    matrix = Table({"detector": rows // 256, "detectorComp": rows // 256})
    amps = np.array([f"C{i // 8}{i % 8}" for i in range(16)])
    matrix["ampName"], matrix["ampComp"] = amps[rows // 16 % 16], amps[rows % 16]
    matrix["imageCorr"], matrix["overscanCorr"] = rng.integers(-8, 8, (2, MATRIX_ROWS)) / 64.0
    made: dict[str, tuple[Any, str]] = {
        "verifyBiasExpStats": ({**stats, "SUCCESS": False}, "StructuredDataDict"),
        "verifyBiasExpResults": (makeResults(table, length, seed), "ArrowAstropy"),
        "verifyBiasExpMatrix": (matrix, "ArrowAstropy"),
    }
    made |= {f"cpBiasExp_{name}": (each, "ArrowAstropy") for name, each in makeTables(table).items()}
    # The Butler need not convert them again for each exposure.
    return {
        name: (astropy_to_arrow(value) if isinstance(value, Table) else value, storage)
        for name, (value, storage) in made.items()
    }


def makeRepository(root: Path, number: int, length: int) -> None:
    """Make the repository with all exposures, and a night more."""
    made = TableRepository(root, LsstCam())
    butler = made.butler
    made.instrument.writeCameraGeom(butler, "LSSTCam/calib")
    addExposures(butler, number + PER_NIGHT)
    butler.registry.registerRun(RUN)
    variants = [
        makeInputs(makeAmpTable("bias", made.layout, 1, seed=seed, change=failSome), length, seed)
        for seed in range(N_VARIANTS)
    ]
    kinds = {
        name: DatasetType(name, ("instrument", "exposure"), storage, universe=butler.dimensions)
        for name, (_, storage) in variants[0].items()
    }
    for kind in kinds.values():
        butler.registry.registerDatasetType(kind)
    with butler.transaction():
        for index in range(number + PER_NIGHT):
            exposure = exposureOf(index)
            for name, (value, _) in variants[index % N_VARIANTS].items():
                if index >= number and name.startswith("verify"):
                    continue
                if isinstance(value, pa.Table) and "exposure" in value.column_names:
                    place = value.column_names.index("exposure")
                    ids = pa.array(np.full(len(value), exposure))
                    value = value.set_column(place, value.field(place), ids)
                butler.put(value, kinds[name], instrument="LSSTCam", exposure=exposure, run=RUN)
    butler.close()


class Peak:
    """The largest resident size since it was made (bytes)."""

    def __init__(self) -> None:
        self._canReset = Path("/proc/self/clear_refs").exists()
        if self._canReset:
            Path("/proc/self/clear_refs").write_text("5")

    def read(self) -> int:
        """Return it; without ``/proc``, that of the process."""
        if self._canReset:
            lines = Path("/proc/self/status").read_text().splitlines()
            return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def runStage(root: Path, stage: str, number: int) -> dict[str, float]:
    """Run a stage in this process; return seconds and bytes."""
    if stage == "report":
        return runReport(root, number)
    if stage == "night":
        return runNight(root, number)
    inputs = [f"merge/{number}"] * (stage == "stored") + [RUN, "LSSTCam/calib"]
    return runPipeline(root, stage, inputs, f"{stage}/{number}", f"exposure <= {exposureOf(number - 1)}")


def runPipeline(root: Path, stage: str, inputs: list[str], output: str, where: str) -> dict[str, float]:
    """Run a pipeline in this process; return seconds and bytes."""
    folder, file = STAGES[stage]
    pipeline = Pipeline.from_uri(f"{os.environ[folder]}/pipelines/LSSTCam/{file}")
    butler = SimplePipelineExecutor.prep_butler(str(root), inputs, output)
    start = time.perf_counter()
    executor = SimplePipelineExecutor.from_pipeline(
        pipeline, where=f"instrument = 'LSSTCam' AND {where}", butler=butler
    )
    graph = time.perf_counter() - start
    peak, start, used = Peak(), time.perf_counter(), time.process_time()
    executor.run(register_dataset_types=True)
    return {
        "seconds": time.process_time() - used,
        "memory": peak.read(),
        "clock": time.perf_counter() - start,
        "graph": graph,
    }


def runNight(root: Path, number: int) -> dict[str, float]:
    """Add a night to the history, from the tables of the other nights."""
    read: list[str] = []
    read_columns = Fetched.readColumns

    def note(fetched: Fetched, columns: Sequence[str]) -> Table:
        read.append(fetched.handle.ref.datasetType.name)
        return read_columns(fetched, columns)

    Fetched.readColumns = note
    night, output = exposureOf(number) // 100000, f"night/{number}"
    inputs = [RUN, "LSSTCam/calib"]
    found = runPipeline(root, "gather", inputs, f"{output}/table", f"day_obs = {night}")
    inputs += [f"{output}/table", f"gather/{number}"]
    last = exposureOf(number + PER_NIGHT - 1)
    history = runPipeline(root, "trend", inputs, f"{output}/trend", f"exposure <= {last}")
    summaries = read.count("cpBiasExp_detectorSummary")
    assert summaries == PER_NIGHT, f"{summaries} summaries were read"
    return found | {"summaries": summaries, "history": history["seconds"], "of all": history["memory"] / 1e6}


def runReport(root: Path, number: int) -> dict[str, float]:
    """Make the report of the exposures, and of what our merge made of them."""
    from lsst.analysis.cp.report import collectReport
    from lsst.analysis.cp.report.folder import writeReport

    peak, start, used = Peak(), time.perf_counter(), time.process_time()
    with Butler.from_config(str(root)) as butler:
        collections = [f"merge/{number}", RUN]
        report = collectReport(
            butler,
            collections,
            instrument="LSSTCam",
            where=f"instrument = 'LSSTCam' AND exposure <= {exposureOf(number - 1)}",
            repository=str(root),
        )
        collected = time.perf_counter() - start
        writeReport(report, root.parent / f"report{number}", butler)
    files = list((root.parent / f"report{number}").rglob("*.html"))
    return {
        "seconds": time.process_time() - used,
        "memory": peak.read(),
        "clock": time.perf_counter() - start,
        "collected": collected,
        "largest": max(path.stat().st_size for path in files),
        "html": sum(path.stat().st_size for path in files),
    }


def runAlone(root: Path, stage: str, number: int) -> dict[str, float]:
    """Run a stage in a process of its own."""
    words = [sys.executable, __file__, "--alone", stage, "--root", str(root), "--numbers", str(number)]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def compare(stage: str, found: dict[int, dict[str, float]]) -> bool:
    """Print what an exposure takes in the first and the last interval; tell whether it is the same."""
    numbers = sorted(found)
    good = True
    if len(numbers) < 3:
        return good
    for name, unit, least in (("seconds", 1e-3, 1.0), ("memory", 1e6, 5e7)):
        low, middle, high = (found[n][name] for n in (numbers[0], numbers[-2], numbers[-1]))
        before = (middle - low) / (numbers[-2] - numbers[0])
        after = (high - middle) / (numbers[-1] - numbers[-2])
        ratio = after / before if before > 0 else np.nan
        # Of what hardly grows no ratio can be told.
        is_told = high - middle > least
        good &= not is_told or ratio <= MAX_RATIO
        print(
            f"  {stage}: {name} an exposure {before / unit:.3g}, then {after / unit:.3g}: ratio {ratio:.2f}"
            f"{'' if is_told else ' (too little to tell)'}"
        )
    return good


def main() -> int:
    """Run the benchmark; return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--numbers", type=int, nargs="+", default=[20, 100, 300, 1000])
    parser.add_argument("--profile", type=int, default=164, help="numbers in the profiles of an amplifier")
    parser.add_argument("--stages", nargs="+", default=list(STAGES), choices=list(STAGES))
    parser.add_argument("--root", type=Path, help="repository, which is made and kept")
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.alone:
        print(json.dumps(runStage(arguments.root, arguments.alone, arguments.numbers[0])))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        root = arguments.root or Path(folder) / "repository"
        if not root.exists():
            start = time.perf_counter()
            makeRepository(root, max(arguments.numbers), arguments.profile)
            print(f"{max(arguments.numbers)} exposures made in {time.perf_counter() - start:.0f} s")
        print(f"Python {platform.python_version()}, profiles of {arguments.profile} numbers an amplifier")
        good = True
        for stage in arguments.stages:
            found = {}
            for number in arguments.numbers:
                if stage == "parent" and number > MAX_PARENT:
                    continue
                one = found[number] = runAlone(root, stage, number)
                rest = {key: value for key, value in one.items() if key not in ("seconds", "memory")}
                more = ", ".join(f"{key} {value:.4g}" for key, value in rest.items())
                seconds, memory = one["seconds"], one["memory"] / 1e6
                print(
                    f"{stage:7s}{number:5d} exposures: {seconds:7.1f} s, {memory:6.0f} MB, {more}", flush=True
                )
            good &= compare(stage, found)
    print("all within the limits" if good else "A LIMIT IS EXCEEDED")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
