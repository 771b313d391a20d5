# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A repository in which the results of detectors appear one by one, and what follows it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from astropy.table import Table
from detectorResults import makeMatrix, makeResults, makeStats
from matplotlib import rc_context
from pipelineRuns import WITHOUT_PLOTS
from tableRepository import TableRepository, exposureIds

from lsst.analysis.cp.arriving import Target, Watch
from lsst.analysis.cp.report.model import Verdict
from lsst.daf.butler import DatasetRef
from lsst.daf.butler.logging import ButlerLogRecords
from lsst.obs.base import Instrument
from lsst.obs.lsst import LsstComCam
from lsst.pipe.base import TaskMetadata

__all__ = ["DETECTORS", "EXPOSURE", "EXPOSURES", "RUN", "Clock", "Follower", "Night", "writePipeline"]

EXPOSURES = exposureIds(2)
EXPOSURE = EXPOSURES[0]
RUN = "u/night/verify/20260302T010000Z"
DETECTORS = range(9)
CLASSES = {
    "bias": "lsst.analysis.cp.tasks.ExpMergeAnalysisTask",
    "dark": "lsst.analysis.cp.tasks.ExpMergeAnalysisTask",
    "defects": "lsst.analysis.cp.tasks.VisitExpMergeAnalysisTask",
    "flat": "lsst.analysis.cp.tasks.FlatExpMergeAnalysisTask",
}


@dataclass
class Night(TableRepository):
    """A repository of LSSTComCam, to which the results of detectors are added."""

    product: str = "bias"

    @property
    def stem(self) -> str:
        """What names of dataset types and labels begin with."""
        return f"verify{self.product.title()}"

    def addTable(self, detector: int, table: Table | None = None, *, run: str = RUN) -> DatasetRef:
        """Add the table of a detector."""
        made = self.makeTable(detector) if table is None else table
        return self.put(f"{self.stem}DetResults", made, run=run, exposure=EXPOSURE, detector=detector)

    def addOthers(self, detector: int, run: str = RUN) -> None:
        """Add what is merged beside the tables."""
        ids = {"exposure": EXPOSURE, "detector": detector}
        stats = makeStats(self.makeTable(detector), self.product)
        self.put(f"{self.stem}DetStats", stats, "StructuredDataDict", run=run, **ids)
        if self.product == "bias":
            self.put(f"{self.stem}DetMatrix", makeMatrix(self.camera[detector]), run=run, **ids)

    def add(self, *detectors: int, failing: int = 0, run: str = RUN) -> None:
        """Add all results of detectors, in which some amplifiers fail."""
        for detector in detectors:
            self.addOthers(detector, run)
            self.addTable(detector, self.makeTable(detector, failing), run=run)

    def makeTable(self, detector: int, failing: int = 0) -> Table:
        """Make the table of a detector, in which NOISE fails in some amplifiers, and in no others."""
        table = makeResults(self.camera[detector], EXPOSURE, self.product)
        table[f"{self.product.upper()}_VERIFY_NOISE"] = [i >= failing for i in range(len(table))]
        return table

    def begin(self, task: str, *detectors: int, succeeds: bool, run: str = RUN) -> None:
        """Add the log of a task, and its metadata if it succeeds."""
        for detector in detectors:
            ids = {"exposure": EXPOSURE, "detector": detector}
            log = ButlerLogRecords.from_records([])
            self.put(f"{self.stem}{task}_log", log, "ButlerLogRecords", run=run, **ids)
            if succeeds:
                self.put(f"{self.stem}{task}_metadata", TaskMetadata(), "TaskMetadata", run=run, **ids)

    @property
    def camera(self) -> Any:
        """The camera."""
        return self._camera


@dataclass
class Clock:
    """A clock of which an hour is over at once; whenever somebody sleeps, something is done.

    Parameters
    ----------
    actions
        What is done, one after the other.
    """

    actions: list[Callable[[], object]] = field(default_factory=list)
    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        # At least a little, so that what takes a part of the time may be done again.
        self.now += max(seconds, 1.0)
        if self.actions:
            self.actions.pop(0)()


@dataclass
class Follower:
    """Follows the exposure of a repository."""

    night: Night
    out: Path
    clock: Clock
    pipeline: str | None = None
    said: list[str] = field(default_factory=list)

    def follow(self, *actions: Callable[[], object], **fields: Any) -> Verdict:
        """Follow the exposure, while something is done whenever it waits."""
        target = {
            "pipeline": self.pipeline,
            "repo": str(self.night.root),
            "collections": [RUN],
            "product": self.night.product,
            "instrument": self.night.name,
            "exposure": EXPOSURE,
            "output": "u/night/merge",
            "timeout": 100.0,
        }
        self.clock.actions[:] = actions
        with rc_context({"savefig.dpi": 40}):
            return Watch(Target(**{**target, **fields}), self.out, self.said.append).run()

    def read(self) -> dict[str, Any]:
        """Read what scripts are told."""
        return json.loads((self.out / "verdict.json").read_text())

    @property
    def page(self) -> str:
        """What people are told."""
        return (self.out / "index.html").read_text()


def writePipeline(folder: Path, product: str, instrument: Instrument | None = None) -> str:
    """Write the pipeline of an instrument, LSSTComCam by default, without plots."""
    camera = LsstComCam() if instrument is None else instrument
    stem = product.title()
    task = {"class": CLASSES[product], "config": {"python": WITHOUT_PLOTS}}
    pipeline = {
        "description": "Without plots.",
        "instrument": f"lsst.obs.lsst.{type(camera).__name__}",
        "imports": [{"location": f"$ANALYSIS_CP_DIR/pipelines/{camera.getName()}/verify{stem}.yaml"}],
        "tasks": {f"verify{stem}Exp": task},
    }
    path = folder / f"verify{stem}.yaml"
    path.write_text(yaml.safe_dump(pipeline))
    return str(path)
