# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Simulates biases of Rubin's cameras with faults, verifies them, and compares findings with faults."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from cameraFile import checkCameraFile
from folders import checkFolder, renewFolder, takeFolder
from pipetaskRun import PipetaskError, PipetaskRun
from structures import StructureLine, judgeStructures
from verdict import Line, judge

from lsst.cp.simulator import ExposureInfo, Fault, makeRepository, parseFaults
from lsst.daf.butler import Butler
from lsst.obs.lsst import Latiss, LsstCam, LsstComCam

ROOT = Path(__file__).parents[1]
DAY_OBS = 20260301


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
    isLarge
        Whether views of all its detectors take as long as all the rest.
    """

    instrument: type
    nExposures: int
    finestFactor: int = 1
    isLarge: bool = False

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

    def writeConfigs(self, directory: Path, faults: Sequence[Fault]) -> dict[str, Path]:
        """Write the configuration of tasks; return the file of each label."""
        lines = {
            "verifyBiasIsr": f"config.faults = {[fault.toText() for fault in faults]!r}\n",
            "viewBiasExpResidual": f"config.finestFactor = {self.finestFactor}\n",
        }
        files = {label: directory / f"{label}.py" for label in lines}
        for label, file in files.items():
            file.write_text(lines[label])
        return files


DEMOS = {
    demo.name: demo
    for demo in (
        CameraDemo(Latiss, 3),
        CameraDemo(LsstComCam, 1, finestFactor=4),
        CameraDemo(LsstCam, 1, finestFactor=4, isLarge=True),
    )
}


@click.command(context_settings={"show_default": True})
@click.option("--camera", type=click.Path(path_type=Path), help=(
    "FITS file of a Rubin repository with the camera to simulate instead of our own description of LSSTCam."
))  # fmt: skip
@click.option("--only", type=click.Choice(list(DEMOS)), help="Run one camera only.")
@click.option("--all-views", is_flag=True, help=(
    "Make views of all detectors of LSSTCam, not only of those with faults: 5 minutes and 0.7 GB more."
))  # fmt: skip
@click.option("--processes", type=click.IntRange(1), default=os.cpu_count() or 1, help="Processes to run.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=ROOT / "demo-output",
    help="Directory of all outputs: a new one, or one that an earlier demonstration has made.",
)
def main(camera: Path | None, only: str | None, all_views: bool, processes: int, output: Path) -> None:
    """Simulate, verify and judge; exit with 1 if a finding is wrong or missing."""
    # Butler warns of each in-memory type of other packages that it could convert to, had they been installed.
    logging.getLogger("lsst.daf.butler").setLevel(logging.ERROR)
    start = time.monotonic()
    demos = [demo for demo in DEMOS.values() if only in (None, demo.name)]
    checkInputs(demos, camera, output)
    takeFolder(output)
    wrong = []
    for demo in demos:
        camera_file = camera if demo.instrument is LsstCam else None
        wrong += runCamera(demo, output, processes, camera_file, allViews=all_views)
    minutes = (time.monotonic() - start) / 60
    print(f"\nFigures: {output / 'figures'}\nRepositories: {output}/<camera>/repository")
    print(f"Time: {minutes:.1f} minutes")
    if wrong:
        sys.exit(f"WRONG: {len(wrong)} findings differ from what was injected.")
    print("All faults were found, and nothing else.")


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


def runCamera(
    demo: CameraDemo, output: Path, processes: int, cameraFile: Path | None, *, allViews: bool
) -> list[Line | StructureLine]:
    """Run one camera and print its verdict.

    Parameters
    ----------
    demo
        What to run.
    output
        Directory of all outputs. That of the camera is made anew.
    processes
        Number of processes.
    cameraFile
        FITS file with the camera; None for that of the instrument.
    allViews
        Whether to make views of all detectors of a camera of many.

    Returns
    -------
    wrong
        Lines of the verdict that are wrong.
    """
    print(f"\n{demo.name}: {demo.nExposures} exposure(s)", flush=True)
    directory, figures = demo.listFolders(output)
    renewFolder(directory)
    renewFolder(figures)
    faults = demo.readFaults()
    makeRepository(directory / "repository", demo.instrument, demo.exposures, cameraFile=cameraFile)
    run = PipetaskRun(
        repository=directory / "repository",
        pipeline=ROOT / "pipelines" / demo.name / "verifyBias.yaml",
        inputCollection=f"{demo.name}/defaults",
        outputCollection="demo/verifyBias",
        logDirectory=directory / "logs",
        configFiles=demo.writeConfigs(directory, faults),
        viewedDetectors=() if allViews or not demo.isLarge else _namesOf(faults),
    )
    try:
        run.execute(processes)
    except PipetaskError as error:
        sys.exit(str(error))
    butler = Butler.from_config(str(run.repository), collections=run.outputCollection)
    exportFigures(butler, figures)
    exposures = [exposure.id for exposure in demo.exposures]
    lines = judge(butler, demo.name, faults, exposures)
    structures = judgeStructures(butler, demo.name, faults, exposures)
    printMetrics(butler, demo)
    printVerdict(lines)
    printStructures(structures)
    return [line for line in [*lines, *structures] if not line.isRight]


def _namesOf(faults: Sequence[Fault]) -> tuple[str, ...]:
    """Name the detectors with faults."""
    return tuple(sorted({str(fault.detector) for fault in faults}))


def exportFigures(butler: Butler, directory: Path) -> None:
    """Show all plots of a run in one directory, under the names of their datasets."""
    types = [t for t in butler.registry.queryDatasetTypes("cpBias*") if t.storageClass_name == "Plot"]
    refs = [ref for t in types for ref in butler.query_datasets(t, explain=False)]
    for ref in refs:
        ids = "".join(f"_{ref.dataId[name]}" for name in ("exposure", "detector") if name in ref.dataId)
        (directory / f"{ref.datasetType.name}{ids}.png").hardlink_to(butler.getURI(ref).ospath)
    print(f"  {len(refs)} figures in {directory}")


def printMetrics(butler: Butler, demo: CameraDemo) -> None:
    """Print the metrics of each exposure."""
    for exposure in demo.exposures:
        bundle = butler.get("cpBiasExp_metrics", instrument=demo.name, exposure=exposure.id)
        print(f"\n  exposure {exposure.id}: metrics over the science detectors")
        print(f"    {'tool':28}{'min':>12}{'median':>12}{'max':>12}{'failed':>8}{'tested':>8}")
        for tool, measurements in bundle.items():
            values = {m.metric_name.metric: m.quantity for m in measurements}
            if "nFailed" in values and "median" in values:
                cells = "".join(f"{values[name].value:12.4g}" for name in ("min", "median", "max"))
                counts = "".join(f"{int(values[name].value):8}" for name in ("nFailed", "nTested"))
                print(f"    {tool:28}{cells}{counts}  {values['median'].unit}")


def printVerdict(lines: Sequence[Line]) -> None:
    """Print what was found next to what was injected."""
    print(f"\n  {'exposure':15}{'detector':10}{'amp':5}{'injected':24}{'found':62}")
    for line in lines:
        found = ", ".join(sorted(line.found)) or "nothing"
        note = (
            "as expected"
            if line.isRight
            else f"WRONG: expected {', '.join(sorted(line.expected)) or 'nothing'}"
        )
        injected = line.injected or "nothing"
        print(f"  {line.exposure:<15}{line.detector:10}{line.amplifier:5}{injected:24}{found:62}{note}")


def printStructures(lines: Sequence[StructureLine]) -> None:
    """Print what was found of the structures that were put into the pixels."""
    print(f"\n  {'exposure':15}{'detector':10}{'amp':5}{'injected structure':26}{'found':62}")
    for line in lines:
        item = line.injected
        amplitude = f"{item.fault.kind} {item.fault.amplitude:.1f}"
        place = f"{item.exposure:<15}{item.detectorName:10}{item.amplifier:5}"
        print(f"  {place}{amplitude:26}{line.found or 'WRONG: not found'}")


if __name__ == "__main__":
    main()
