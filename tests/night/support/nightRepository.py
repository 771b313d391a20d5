# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A repository of simulated nights, and what brings them up to date in this process."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flakyIsr import VARIABLE
from pipelineRuns import WITHOUT_PLOTS, readPipeline

from lsst.analysis.cp.night import Night, StageResult, Verification
from lsst.cp.simulator import ExposureInfo, makeRepository, registerExposures, shrinkCamera
from lsst.daf.butler import Butler
from lsst.obs.lsst import Latiss
from lsst.pipe.base import LabelSpecifier, Pipeline
from lsst.pipe.base.mp_graph_executor import MPGraphExecutorError
from lsst.pipe.base.quantum_graph import PredictedQuantumGraph
from lsst.pipe.base.separable_pipeline_executor import SeparablePipelineExecutor

__all__ = ["DAY", "InProcess", "NightRepository"]

DAY = 20261126
OUTPUT = "u/test/nightly"
EXPOSURES = (
    *(ExposureInfo(DAY, number) for number in (1, 2)),
    *(ExposureInfo(DAY, number, observationType="dark", exposureTime=100.0) for number in (11, 12)),
    ExposureInfo(DAY, 21, observationType="flat", physicalFilter="SDSSr_65mm", exposureTime=10.0),
    # What an afternoon's pipelines have to leave alone.
    ExposureInfo(DAY, 31, observationType="science", exposureTime=30.0),
)


@dataclass
class InProcess:
    """Runs quantum graphs as ``pipetask`` does, in this process, which saves its start.

    Parameters
    ----------
    labels
        Takes the labels of the tasks of each graph that is run.
    """

    labels: list[set[str]] = field(default_factory=list)

    def run(self, repo: str, graph: Path, outputRun: str, log: Path) -> int:
        """Run a graph into a RUN collection."""
        with PredictedQuantumGraph.open(str(graph)) as reader:
            reader.read_execution_quanta()
            predicted = reader.finish()
        self.labels.append({label for label, quanta in predicted.quanta_by_task.items() if quanta})
        with Butler.from_config(
            repo, writeable=True, run=outputRun, collections=predicted.header.inputs
        ) as butler:
            executor = SeparablePipelineExecutor(butler, clobber_output=True, skip_existing_in=[outputRun])
            try:
                executor.run_pipeline(predicted)
            except MPGraphExecutorError as error:
                log.write_text(f"{error}\n")
                return 1
        return 0


@dataclass
class NightRepository:
    """A repository of LATISS with few pixels, and a pipeline without plots for its nights.

    Parameters
    ----------
    folder
        Folder for all. If it has a repository, as by a copy, that is taken.
    exposures
        Exposures that it has.
    instrument
        Class of the instrument.
    """

    folder: Path
    exposures: Sequence[ExposureInfo] = EXPOSURES
    instrument: type[Any] = Latiss

    def __post_init__(self) -> None:
        self.root = self.folder / "butler"
        self.out = self.folder / "nights"
        self.pipeline = self.folder / "night.yaml"
        if not self.root.exists():
            camera = shrinkCamera(self.instrument().getCamera(), 8)
            makeRepository(self.root, self.instrument, self.exposures, camera=camera).close()
            self._writePipeline()

    @property
    def name(self) -> str:
        """Name of the instrument."""
        return str(self.instrument.getName())

    def _writePipeline(self) -> None:
        """Write the pipeline without plots, whose detectors fail where they are told to."""
        whole = readPipeline(f"{self.name}/verifyNight.yaml")
        # Views and plots take most of the time.
        labels = {label for label in whole.task_labels if not label.startswith(("view", "analyze"))}
        pipeline = whole.subsetFromLabels(LabelSpecifier(labels=labels), Pipeline.PipelineSubsetCtrl.EDIT)
        for label in sorted(labels):
            if re.fullmatch("(verify|trend)(Bias|Dark|Flat)(Exp)?", label):
                pipeline.addConfigPython(label, WITHOUT_PLOTS)
        pipeline.addConfigOverride("verifyBiasDet", "ampCornerBoxSize", 25)
        text = str(pipeline)
        for product in ("Bias", "Dark", "Flat"):
            text = text.replace(
                f"lsst.cp.simulator.Simulate{product}IsrTask", f"flakyIsr.Flaky{product}IsrTask"
            )
        self.pipeline.write_text(text)

    def register(self, *exposures: ExposureInfo) -> None:
        """Register further exposures."""
        with Butler.from_config(str(self.root), writeable=True) as butler:
            registerExposures(butler, self.instrument(), exposures)

    def night(self, dayObs: int = DAY) -> Night:
        """Describe a night."""
        return Night(
            repo=str(self.root),
            instrument=self.name,
            dayObs=dayObs,
            inputs=(f"{self.name}/defaults",),
            output=OUTPUT,
            pipeline=str(self.pipeline),
        )

    def verify(
        self, *products: str, dayObs: int = DAY, runner: InProcess | None = None, retry: bool = False
    ) -> dict[str, StageResult]:
        """Bring a night up to date in this process; return what became of the steps, by their labels."""
        folder = self.folder / "logs"
        folder.mkdir(exist_ok=True)
        verification = Verification(
            night=self.night(dayObs),
            pipetask=runner or InProcess(),
            folder=folder,
            isRetrying=retry,
            tell=lambda text: None,
        )
        states = verification.run(products or ("bias",))
        return {stage.label: stage for state in states for stage in state.stages}

    def ids(self, dayObs: int = DAY) -> dict[tuple[str, str], Any]:
        """List all datasets of a night: the id of each by its type and data ID."""
        with Butler.from_config(str(self.root)) as butler:
            refs = butler.query_all_datasets(self.night(dayObs).run, find_first=False, limit=None)
            return {(ref.datasetType.name, str(ref.dataId)): ref.id for ref in refs}

    def get(self, name: str, dayObs: int = DAY, **dataId: Any) -> Any:
        """Read a dataset of a night."""
        with Butler.from_config(str(self.root)) as butler:
            return butler.get(name, instrument=self.name, collections=self.night(dayObs).run, **dataId)

    def command(self, *options: str, dayObs: int = DAY) -> list[str]:
        """Make the arguments of ``butler verify-night``."""
        arguments = [str(self.root), str(self.out), "--instrument", self.name, "--day-obs", str(dayObs)]
        arguments += ["-i", f"{self.name}/defaults", "-o", OUTPUT, "--pipeline", str(self.pipeline)]
        return [*arguments, *options]


def environment(broken: Path, more: Iterable[Path] = ()) -> Mapping[str, str]:
    """Make the environment of a process that finds the tasks that fail, and what is to fail."""
    root = Path(__file__).resolve().parents[3]
    paths = [str(Path(__file__).parent), *map(str, more), os.environ.get("PYTHONPATH", "")]
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "ANALYSIS_CP_DIR": str(root),
        "CP_VERIFY_DIR": str(root / "standalone"),
        "ANALYSIS_TOOLS_DIR": str(root / "standalone"),
        VARIABLE: str(broken),
    }


def breakExposures(
    patch: pytest.MonkeyPatch, file: Path, *exposures: ExposureInfo, detector: int | None = None
) -> None:
    """Let the detectors of some exposures fail from now on, or one detector of each, and no others."""
    patch.setenv(VARIABLE, str(file))
    ending = "" if detector is None else f"/{detector}"
    file.write_text(" ".join(f"{info.id}{ending}" for info in exposures))
