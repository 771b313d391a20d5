# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Simulates biases of Rubin's cameras with faults, verifies them, and compares findings with faults."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from cameraFile import checkCameraFile
from figures import exportFigures
from folders import checkFolder, renewFolder, takeFolder
from history import TRENDS, HistoryLine, judgeHistory, makeHistory, planHistory
from pipetaskRun import PipetaskError, PipetaskRun, Stage
from printing import Findings, printFigures, printFindings, printMetrics, summarize
from progress import Progress
from simulatedRun import SimulatedRun
from structures import judgeStructures, listOthers
from verdict import judge, report

from lsst.cp.simulator import ExposureInfo, Fault, makeRepository, parseFaults
from lsst.daf.butler import Butler
from lsst.obs.lsst import Latiss, LsstCam, LsstComCam

ROOT = Path(__file__).parents[1]
DAY_OBS = 20260301
OUTPUT = "demo/verifyBias"


@dataclass(frozen=True)
class CameraDemo:
    """The part of the demonstration with one camera.

    Parameters
    ----------
    instrument
        Class of the instrument.
    nExposures
        Number of exposures.
    finestFactor
        Finest level of the pyramids: side of its pixels in pixels of the detectors. Full resolution takes as
        much disk as half of the exposures.
    completeRaft
        Raft of which all detectors are viewed, beside those with faults, and which has a view of its own; if
        empty, all detectors of the camera are viewed.
    hasHistory
        Whether there is a history, too.
    """

    instrument: type
    nExposures: int
    finestFactor: int = 1
    completeRaft: str = ""
    hasHistory: bool = False

    @property
    def name(self) -> str:
        """Name of the instrument."""
        return str(self.instrument.getName())

    @property
    def exposures(self) -> list[ExposureInfo]:
        """The exposures."""
        return [ExposureInfo(DAY_OBS, i + 1) for i in range(self.nExposures)]

    def listFolders(self, output: Path) -> tuple[Path, Path]:
        """List the folders of this camera below that of all outputs: of the repository, and of figures."""
        return output / self.name, output / "figures" / self.name

    def readFaults(self) -> tuple[Fault, ...]:
        """Read the faults to inject."""
        lines = (ROOT / "demo" / "faults" / f"{self.name}.txt").read_text().splitlines()
        return parseFaults(line for line in lines if not line.startswith("#"))

    def listViewed(self, names: Sequence[str], *, full: bool) -> tuple[str, ...]:
        """List the detectors whose pixels are looked at, of those of the camera; none if these are all."""
        if full or not self.completeRaft:
            return ()
        faulty = {str(fault.detector) for fault in self.readFaults()}
        return tuple(name for name in names if name in faulty or name.partition("_")[0] == self.completeRaft)

    def writeConfigs(self, directory: Path, viewed: Sequence[str]) -> dict[str, Path]:
        """Write the configuration of tasks; return the file of each label."""
        faults = [fault.toText() for fault in self.readFaults()]
        requested = f"config.requestedDetectors = {list(viewed)!r}\n"
        lines = {
            "verifyBiasIsr": f"config.faults = {faults!r}\n",
            "viewBiasExpResidual": f"config.finestFactor = {self.finestFactor}\n{requested}",
        }
        files = {label: directory / f"{label}.py" for label in lines}
        for label, file in files.items():
            file.write_text(lines[label])
        return files


DEMOS = {
    demo.name: demo
    for demo in (
        CameraDemo(Latiss, 3, hasHistory=True),
        CameraDemo(LsstComCam, 1, finestFactor=4),
        CameraDemo(LsstCam, 1, finestFactor=4, completeRaft="R22"),
    )
}


@dataclass(frozen=True)
class Part:
    """What runs of a camera.

    Parameters
    ----------
    demo
        The camera.
    run
        Its pipeline.
    stages
        How the pipeline is run.
    history
        Repository of the history; None for none.
    nDetectors, nViewed
        Number of detectors, and of those whose pixels are looked at.
    """

    demo: CameraDemo
    run: PipetaskRun
    stages: list[Stage]
    history: Path | None
    nDetectors: int
    nViewed: int


@click.command(context_settings={"show_default": True})
@click.option("--camera", type=click.Path(path_type=Path), help=(
    "FITS file of a Rubin repository with the camera to simulate instead of our own description of LSSTCam."
))  # fmt: skip
@click.option("--only", type=click.Choice(list(DEMOS)), help="Run one camera only.")
@click.option("--full", is_flag=True, help=(
    "Look at the pixels of all detectors of LSSTCam, not only of a raft and of those with faults: a complete "
    "mosaic of significances, 5 minutes and 0.7 GB more."
))  # fmt: skip
@click.option("--processes", type=click.IntRange(1), default=os.cpu_count() or 1, help="Processes to run.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=ROOT / "demo-output",
    help="Directory of all outputs: a new one, or one that an earlier demonstration has made.",
)
def main(camera: Path | None, only: str | None, full: bool, processes: int, output: Path) -> None:
    """Simulate, verify and judge; exit with 1 if a finding is wrong or missing."""
    # Butler warns of each in-memory type of other packages that it could convert to, had they been installed.
    logging.getLogger("lsst.daf.butler").setLevel(logging.ERROR)
    start = time.monotonic()
    demos = [demo for demo in DEMOS.values() if only in (None, demo.name)]
    checkInputs(demos, camera, output)
    takeFolder(output)
    print(f"Making repositories of {', '.join(demo.name for demo in demos)} ...", flush=True)
    parts = [
        prepare(demo, output, processes, camera if demo.instrument is LsstCam else None, full=full)
        for demo in demos
    ]
    progress = Progress(sum(stage.nSteps for part in parts for stage in listStages(part)))
    findings = {}
    try:
        for part in parts:
            findings[part.demo.name] = runPart(part, output, processes, progress)
            with progress.printing():
                printPart(part, findings[part.demo.name])
    except PipetaskError as error:
        sys.exit(str(error))
    finally:
        progress.close()
    printFigures(findings, output / "figures")
    print(f"Repositories: {output}/<camera>/repository (source standalone/setup.sh to look into them)")
    print(f"Time: {(time.monotonic() - start) / 60:.1f} minutes\n")
    if n_wrong := sum(found.nWrong for found in findings.values()):
        sys.exit(f"WRONG: {n_wrong} findings differ from what was injected.")
    n_detectors, n_viewed = (sum(getattr(part, name) for part in parts) for name in ("nDetectors", "nViewed"))
    print(summarize(list(findings.values()), n_detectors, n_viewed))


def checkInputs(demos: Sequence[CameraDemo], cameraFile: Path | None, output: Path) -> None:
    """Check what a user has named, before anything starts.

    Parameters
    ----------
    demos
        What will run.
    cameraFile
        FITS file with the camera of LSSTCam; None for our own description.
    output
        Directory of all outputs.

    Raises
    ------
    click.ClickException
        Raised, with one line, for what cannot be used.
    """
    if cameraFile is not None:
        large = DEMOS[LsstCam.getName()]
        if large not in demos:
            raise click.ClickException(f"--camera is for {large.name}, which --only leaves out.")
        checkCameraFile(cameraFile, large.name, large.readFaults())
    for folder in (output, *(path for demo in demos for path in demo.listFolders(output))):
        checkFolder(folder)


def prepare(demo: CameraDemo, output: Path, processes: int, cameraFile: Path | None, *, full: bool) -> Part:
    """Make the repositories of a camera, and say what is to run in them.

    Parameters
    ----------
    demo
        The camera.
    output
        Directory of all outputs. Those of the camera are made anew.
    processes
        Number of processes.
    cameraFile
        FITS file with the camera; None for that of the instrument.
    full
        Whether to look at the pixels of all detectors.

    Returns
    -------
    part
        What is to run.
    """
    directory, figures = demo.listFolders(output)
    renewFolder(directory)
    renewFolder(figures)
    makeRepository(directory / "repository", demo.instrument, demo.exposures, cameraFile=cameraFile)
    with Butler.from_config(str(directory / "repository")) as butler:
        camera = butler.get("camera", instrument=demo.name, collections=f"{demo.name}/defaults")
    names = [detector.getName() for detector in camera]
    viewed = demo.listViewed(names, full=full)
    run = PipetaskRun(
        repository=directory / "repository",
        pipeline=ROOT / "pipelines" / demo.name / "verifyBias.yaml",
        inputCollection=f"{demo.name}/defaults",
        outputCollection=OUTPUT,
        configFiles=demo.writeConfigs(directory, viewed),
        viewedDetectors=viewed,
        viewedRaft=demo.completeRaft if viewed else "",
    )
    history = directory / "history" if demo.hasHistory else None
    if history is not None:
        makeHistory(history)
    return Part(demo, run, run.plan(processes), history, len(names), len(viewed) or len(names))


def listStages(part: Part) -> Iterator[Stage]:
    """Yield all that runs of a camera, one after another."""
    yield from part.stages
    if part.history is not None:
        yield planHistory(part.history, ROOT / "pipelines" / part.demo.name / "trendBias.yaml")


def runPart(part: Part, output: Path, processes: int, progress: Progress) -> Findings:
    """Run all of a camera, and judge what was found.

    Parameters
    ----------
    part
        What is to run.
    output
        Directory of all outputs.
    processes
        Number of processes.
    progress
        Grows.

    Returns
    -------
    findings
        What was found.

    Raises
    ------
    PipetaskError
        Raised if a command fails.
    """
    demo = part.demo
    directory, folder = demo.listFolders(output)
    for stage in listStages(part):
        progress.say(f"{demo.name}: {stage.words}")
        stage.execute(processes, directory / "logs", progress)
    part.run.finish()
    exposures = [exposure.id for exposure in demo.exposures]
    with Butler.from_config(str(part.run.repository), collections=OUTPUT) as butler:
        known = SimulatedRun(butler, demo.name, demo.readFaults(), exposures)
        figures = exportFigures(butler, demo.name, folder)
        found = judge(known), judgeStructures(known), listOthers(known), report(known)
    history: list[HistoryLine] = []
    if part.history is not None:
        history = judgeHistory(part.history)
        with Butler.from_config(str(part.history), collections=TRENDS) as butler:
            figures += exportFigures(butler, demo.name, folder)
    return Findings(*found, history, figures)


def printPart(part: Part, found: Findings) -> None:
    """Print the metrics of a camera, and what was found."""
    exposures = [exposure.id for exposure in part.demo.exposures]
    with Butler.from_config(str(part.run.repository), collections=OUTPUT) as butler:
        printMetrics(butler, part.demo.name, exposures)
    printFindings(found)


if __name__ == "__main__":
    main()
