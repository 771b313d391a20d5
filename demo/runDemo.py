# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Simulates calibration exposures of Rubin's cameras with faults, verifies them, and compares findings."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import click
from cameraFile import checkCameraFile
from databases import writeWithoutWaiting
from figures import exportFigures
from folders import checkFolder, renewFolder, takeFolder
from history import TRENDS, HistoryLine, judgeHistory, makeHistory, planHistory
from parts import CAMERAS, PRODUCTS, ROOT, CameraDemo, Part, listParts
from pipetaskRun import PipetaskRun
from printing import Findings, printFigures, printFindings, printMetrics, summarize
from progress import Progress
from simulatedRun import SimulatedRun
from stages import PipetaskError, Stage, Track, runSideBySide
from structures import judgeStructures, listOthers
from verdict import judge, report

from lsst.afw.cameraGeom import Camera
from lsst.cp.simulator import defineVisits, makeRepository, shrinkCamera
from lsst.daf.butler import Butler
from lsst.obs.lsst import LsstCam


@dataclass(frozen=True)
class Folders:
    """Folders of a camera.

    Parameters
    ----------
    camera
        Folder of all but figures.
    figures
        Folder of figures.
    """

    camera: Path
    figures: Path

    @classmethod
    def below(cls, output: Path, camera: CameraDemo) -> Folders:
        """Find those of a camera below the folder of all outputs."""
        return cls(output / camera.name, output / "figures" / camera.name)

    @property
    def repository(self) -> Path:
        """The repository of the camera, with all products."""
        return self.camera / "repository"

    @property
    def history(self) -> Path:
        """The repository of the history."""
        return self.camera / "history"

    @property
    def logs(self) -> Path:
        """Logs of the commands."""
        return self.camera / "logs"


@dataclass(frozen=True)
class Plan:
    """What runs of a part.

    Parameters
    ----------
    part
        The part.
    run
        Its pipeline.
    stages
        How the pipeline is run, and the history followed.
    folders
        Where the outputs are.
    nDetectors, nViewed
        Number of detectors, and of those whose pixels are looked at.
    """

    part: Part
    run: PipetaskRun
    stages: list[Stage]
    folders: Folders
    nDetectors: int
    nViewed: int


@click.command(context_settings={"show_default": True})
@click.option("--camera", type=click.Path(path_type=Path), help=(
    "FITS file of a Rubin repository with the camera to simulate instead of our own description of LSSTCam."
))  # fmt: skip
@click.option("--camera-name", "cameras", type=click.Choice(list(CAMERAS)), multiple=True, help=(
    "A camera to show instead of LSSTCam and LATISS. May be given several times."
))  # fmt: skip
@click.option("--product", "products", type=click.Choice(list(PRODUCTS)), multiple=True, help=(
    "A product to show instead of all. May be given several times."
))  # fmt: skip
@click.option("--full", is_flag=True, help=(
    "Simulate all pixels of all cameras, and look at those of all detectors, with no limit of time and disk."
))  # fmt: skip
@click.option("--processes", type=click.IntRange(1), default=os.cpu_count() or 1, help="Processes to run.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=ROOT / "demo-output",
    help="Directory of all outputs: a new one, or one that an earlier demonstration has made.",
)
def main(
    camera: Path | None,
    cameras: tuple[str, ...],
    products: tuple[str, ...],
    full: bool,
    processes: int,
    output: Path,
) -> None:
    """Simulate, verify and judge; exit with 1 if a finding is wrong or missing."""
    # Butler warns of each in-memory type of other packages that it could convert to, had they been installed.
    logging.getLogger("lsst.daf.butler").setLevel(logging.ERROR)
    writeWithoutWaiting()
    # Told to end, it ends what it has started.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    start = time.monotonic()
    parts = listParts(cameras, products)
    checkNames(parts, cameras, products)
    checkInputs(parts, camera, output)
    takeFolder(output)
    print(f"Making repositories for {', '.join(part.name for part in parts)} ...", flush=True)
    plans = [
        plan
        for _, of_camera in groupby(parts, attrgetter("camera"))
        for plan in prepare(list(of_camera), output, processes, camera, full=full)
    ]
    findings = runPlans(plans, processes)
    printFigures(findings, output / "figures")
    print(f"Repositories: {output}/<camera>/repository (source standalone/setup.sh to look into them)")
    print(f"Time: {(time.monotonic() - start) / 60:.1f} minutes\n")
    if n_wrong := sum(found.nWrong for found in findings.values()):
        sys.exit(f"WRONG: {n_wrong} findings differ from what was injected.")
    n_detectors, n_viewed = (sum(getattr(plan, name) for plan in plans) for name in ("nDetectors", "nViewed"))
    print(summarize(list(findings.values()), n_detectors, n_viewed))


def checkNames(parts: Sequence[Part], cameras: Sequence[str], products: Sequence[str]) -> None:
    """Check that there is something to show of each camera and product that a user has named.

    Parameters
    ----------
    parts
        What will run.
    cameras, products
        The names.

    Raises
    ------
    click.ClickException
        Raised, with one line, for names of which nothing would be shown.
    """
    shown = {name for part in parts for name in (part.camera.name, part.product.name)}
    if lacking := [name for name in (*cameras, *products) if name not in shown]:
        others = [name for name in (*cameras, *products) if name in shown]
        of_others = f" together with {', '.join(others)}" * bool(others)
        raise click.ClickException(f"There is nothing to show of {', '.join(lacking)}{of_others}.")


def checkInputs(parts: Sequence[Part], cameraFile: Path | None, output: Path) -> None:
    """Check what a user has named, before anything starts.

    Parameters
    ----------
    parts
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
        of_large = [part for part in parts if part.camera.instrument is LsstCam]
        if not of_large:
            raise click.ClickException("--camera is for LSSTCam, which --camera-name leaves out.")
        checkCameraFile(cameraFile, of_large)
    checkFolder(output)
    for camera in {part.camera for part in parts}:
        folders = Folders.below(output, camera)
        checkFolder(folders.camera)
        checkFolder(folders.figures)


def prepare(
    parts: Sequence[Part], output: Path, processes: int, cameraFile: Path | None, *, full: bool
) -> Iterator[Plan]:
    """Make the repository of a camera, and say what is to run in it.

    Parameters
    ----------
    parts
        Parts of one camera.
    output
        Directory of all outputs. Those of the camera are made anew.
    processes
        Number of processes.
    cameraFile
        FITS file with LSSTCam; None for our own description.
    full
        Whether to simulate all pixels, and to look at those of all detectors.

    Yields
    ------
    plan
        What is to run of a part.
    """
    demo = parts[0].camera
    shrinkage = 1 if full else demo.shrinkage
    folders = Folders.below(output, demo)
    renewFolder(folders.camera)
    renewFolder(folders.figures)
    is_of_file = cameraFile is not None and demo.instrument is LsstCam
    camera = Camera.readFits(str(cameraFile)) if is_of_file else demo.instrument().getCamera()
    names = [detector.getName() for detector in camera]
    exposures = [each for part in parts for each in (*part.exposures, *part.product.inputs)]
    small = shrinkCamera(camera, shrinkage)
    with makeRepository(folders.repository, demo.instrument, exposures, camera=small) as butler:
        if exposures:
            defineVisits(butler, demo.name)
        # Products that are made of the same simulation store it once.
        for store, part in {part.product.store: part for part in parts if part.product.store}.items():
            store(butler, demo.instrument(), small, part.readFaults())
    for part in parts:
        viewed = part.listViewed(names, full=full)
        configs = folders.camera / part.product.name
        configs.mkdir()
        run = PipetaskRun(
            repository=folders.repository,
            pipeline=part.pipeline,
            inputCollection=f"{demo.name}/defaults",
            outputCollection=part.outputCollection,
            exposures=tuple(exposure.id for exposure in part.exposures),
            configFiles=part.writeConfigs(configs, viewed, shrinkage, full=full),
            excludedTasks=() if full else part.omittedTasks,
            viewedDetectors=viewed,
            viewedRaft=part.viewedRaft if viewed else "",
            pipelineOnDemand=part.pipelineOnDemand,
            tasksOnDemand=part.product.tasksOnDemand,
        )
        stages = run.plan(processes)
        if part.hasHistory:
            makeHistory(folders.history)
            stages.append(planHistory(folders.history, ROOT / "pipelines" / demo.name / "trendBias.yaml"))
        n_viewed = (len(viewed) or len(names)) if part.exposures else 0
        yield Plan(part, run, stages, folders, len(names), n_viewed)


def runPlans(plans: Sequence[Plan], processes: int) -> dict[str, Findings]:
    """Run all parts, judge what was found, and print it.

    Parameters
    ----------
    plans
        What is to run.
    processes
        Number of processes.

    Returns
    -------
    findings
        What was found, by the name of the part.
    """
    tracks = [Track(plan.part.name, plan.stages, plan.folders.logs) for plan in plans]
    # What is short fills the gaps between the stages of what is long, and is left for the end.
    longest_first = sorted(tracks, key=attrgetter("nSteps"), reverse=True)
    progress = Progress(sum(track.nSteps for track in tracks))
    findings = {}
    try:
        with closing(runSideBySide(longest_first, processes, progress)) as done:
            for track in done:
                plan = plans[tracks.index(track)]
                findings[track.name] = finish(plan)
                with progress.printing():
                    printPart(plan, findings[track.name])
    except PipetaskError as error:
        sys.exit(str(error))
    finally:
        progress.close()
    return {track.name: findings[track.name] for track in tracks}


def finish(plan: Plan) -> Findings:
    """Judge what was found of a part.

    Parameters
    ----------
    plan
        What has run.

    Returns
    -------
    findings
        What was found.
    """
    part, folders = plan.part, plan.folders
    plan.run.finish()
    with Butler.from_config(str(folders.repository), collections=part.outputCollection) as butler:
        known = SimulatedRun(butler, part)
        figures = exportFigures(butler, part, folders.figures)
        found = judge(known), judgeStructures(known), listOthers(known), report(known)
    history: list[HistoryLine] = []
    if part.hasHistory:
        history = judgeHistory(folders.history)
        with Butler.from_config(str(folders.history), collections=TRENDS) as butler:
            figures += exportFigures(butler, part, folders.figures)
    return Findings(*found, history, figures)


def printPart(plan: Plan, found: Findings) -> None:
    """Print the metrics of a part, and what was found."""
    part = plan.part
    with Butler.from_config(str(plan.folders.repository), collections=part.outputCollection) as butler:
        printMetrics(butler, part)
    printFindings(found)


if __name__ == "__main__":
    main()
