# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A repository with the summary of one exposure a night."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from astropy.table import Table
from astropy.time import Time
from pipelineRuns import runPipeline

from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.core import CameraLayout
from lsst.analysis.cp.core.amps import AmpTable, detectorSummaryTable, summarize
from lsst.analysis.tools.interfaces import MetricMeasurementBundle
from lsst.daf.butler import Butler, DatasetType, Timespan
from lsst.obs.lsst import LsstComCam
from lsst.pipe.base import Pipeline
from lsst.verify import Measurement

ROOT = Path(__file__).parents[3]
INSTRUMENT = "LSSTComCam"
FIRST_NIGHT = Time("2026-01-02T02:00:00", scale="tai")
N_NIGHTS = 24
STEP_NIGHT, STEP_DETECTOR, STEP = 12, 4, 1.0
LAST_NIGHT_FAILED = 2
EXPOSURE_SECONDS = 2.0


def dayOf(night: int) -> int:
    day = FIRST_NIGHT + (night - 1) * u.day
    return int(day.strftime("%Y%m%d"))


def exposureOf(night: int, sequence: int = 1) -> int:
    return dayOf(night) * 100000 + sequence


def makeSummary(camera: Any, night: int) -> Table:
    """Summarize amplifiers of a night: one detector steps, one is dead on the last, and one fails there."""
    detectors = list(camera)
    amps = [(detector, amp) for detector in detectors for amp in detector.getAmplifiers()]
    rng = np.random.default_rng(night)
    ids = np.array([detector.getId() for detector, _ in amps])
    noise = np.array([amp.getReadNoise() for _, amp in amps]) * rng.normal(0.9, 0.005, len(amps))
    noise += STEP * ((ids == STEP_DETECTOR) & (night >= STEP_NIGHT))
    failed = (ids == LAST_NIGHT_FAILED) & (night == N_NIGHTS - 1)
    columns = {
        "exposure": np.full(len(amps), exposureOf(night)),
        "detector": ids,
        "amplifier": np.array([amp.getName() for _, amp in amps]),
        "BIAS_MEAN": rng.normal(0.0, 0.1, len(amps)),
        "BIAS_NOISE": noise,
        "BIAS_CR_NOISE": noise,
        "BIAS_AMP_CORNER": rng.normal(0.0, 1.0, len(amps)),
        **{f"BIAS_VERIFY_{key}": ~failed for key in ("MEAN", "NOISE", "CR_NOISE", "SUCCESS")},
    }
    table = AmpTable.fromColumns(columns, getProduct("bias"), CameraLayout.fromCamera(camera))
    return detectorSummaryTable(summarize(table, "detector"))


def readPipeline(name: str, code: str = "") -> Pipeline:
    """Read a pipeline of the camera, the configuration of its task changed by code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANALYSIS_CP_DIR", str(ROOT))
        pipeline = Pipeline.fromFile(str(ROOT / "pipelines" / INSTRUMENT / f"{name}.yaml"))
    pipeline.addConfigPython(name, code)
    return pipeline


@dataclass(frozen=True)
class History:
    """A repository with the summary of one exposure a night, in two runs, and what was put."""

    root: Path
    camera: Any
    summaries: dict[int, Table]

    def run(self, output: str, code: str = "", where: str = "") -> Butler:
        """Run the pipeline of the camera, its configuration changed by code."""
        return self.execute(readPipeline("trendBias", code), output, where)

    def execute(
        self, pipeline: Pipeline, output: str, where: str = "", inputs: Sequence[str] = ("second", "first")
    ) -> Butler:
        """Run a pipeline in this process."""
        runPipeline(self.root, pipeline, inputs, output, f"instrument='{INSTRUMENT}'{where}")
        return Butler.from_config(str(self.root), collections=[output], instrument=INSTRUMENT)


def insertExposure(butler: Butler, night: int, sequence: int = 1) -> None:
    """Insert an exposure, each an hour after the one before it."""
    registry = butler.registry
    exposure = exposureOf(night, sequence)
    start = FIRST_NIGHT + night * u.day + (sequence - 1) * u.hour
    registry.syncDimensionData("day_obs", {"instrument": INSTRUMENT, "id": dayOf(night)})
    registry.syncDimensionData("group", {"instrument": INSTRUMENT, "name": str(exposure)})
    registry.syncDimensionData(
        "exposure",
        {
            "instrument": INSTRUMENT,
            "id": exposure,
            "obs_id": str(exposure),
            "seq_num": sequence,
            "group": str(exposure),
            "day_obs": dayOf(night),
            "physical_filter": "unknown",
            "exposure_time": 0.0,
            "timespan": Timespan(start, start + EXPOSURE_SECONDS * u.second),
        },
    )


def makeBundle(night: int) -> MetricMeasurementBundle:
    """Make a bundle of an exposure; the median is the number of the night."""
    values = {"median": (float(night), "electron"), "nAmps": (144.0, ""), "nValid": (144.0, "")}
    measured = [Measurement(name, u.Quantity(*value)) for name, value in values.items()]
    return MetricMeasurementBundle({"biasNoise": measured}, metricNamePrefix="cpBiasExp_")


def makeHistory(root: Path) -> History:
    """Make the repository; the first ten nights are in a run of their own."""
    Butler.makeRepo(str(root))
    camera = LsstComCam().getCamera()
    summaries = {}
    with Butler.from_config(str(root), writeable=True) as butler:
        LsstComCam().register(butler.registry)
        for night in range(N_NIGHTS):
            insertExposure(butler, night)
        for name, storage in (("detectorSummary", "ArrowAstropy"), ("metrics", "MetricMeasurementBundle")):
            dataset_type = DatasetType(
                f"cpBiasExp_{name}", ("instrument", "exposure"), storage, universe=butler.dimensions
            )
            butler.registry.registerDatasetType(dataset_type)
        for run in ("first", "second"):
            butler.registry.registerRun(run)
        for night in range(N_NIGHTS):
            place = {"instrument": INSTRUMENT, "exposure": exposureOf(night)}
            summaries[night] = makeSummary(camera, night)
            run = "first" if night < 10 else "second"
            butler.put(summaries[night], "cpBiasExp_detectorSummary", place, run=run)
            butler.put(makeBundle(night), "cpBiasExp_metrics", place, run=run)
    return History(root, camera, summaries)
