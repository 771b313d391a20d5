# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A history of LATISS: 60 days of tables of results with a step and a drift, which have to be found."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.table import Table
from stages import Stage

from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.core import CameraLayout
from lsst.analysis.cp.core.amps import AmpTable, detectorSummaryTable, summarize
from lsst.cp.simulator import ExposureInfo, makeRepository
from lsst.daf.butler import Butler, DatasetType
from lsst.obs.lsst import Latiss

__all__ = ["TRENDS", "HistoryLine", "judgeHistory", "makeHistory", "planHistory"]

FIRST_DAY = datetime.date(2026, 1, 1)
N_DAYS = 60
STEP_DAY, STEP = 35, 0.3
"""Day from which the noise is higher, and by how much (electrons)."""
DRIFT = 1.0
"""Rise of the mean from the first day to the last (electrons)."""
TABLES, TRENDS = "demo/tables", "demo/trends"
SEED = 3
TESTS = ("MEAN", "NOISE", "CR_NOISE", "AMP_CORNER", "SUCCESS")
CHANGED = ("biasNoise", "biasCrNoise", "biasMean")
"""Begin of the names of what the step and the drift change."""
TOLERANCE = 0.3
"""Part by which a step or a slope may be off."""


@dataclass(frozen=True)
class HistoryLine:
    """One line of the verdict on the history.

    Parameters
    ----------
    tool
        What was followed.
    injected, found
        In words.
    isRight
        Whether what was found is what was injected.
    """

    tool: str
    injected: str
    found: str
    isRight: bool


def listExposures() -> list[ExposureInfo]:
    """List the exposures, one a day."""
    days = [FIRST_DAY + datetime.timedelta(days=i) for i in range(N_DAYS)]
    return [ExposureInfo(int(day.strftime("%Y%m%d")), 1) for day in days]


def makeSummary(layout: CameraLayout, exposure: int, day: int) -> Table:
    """Make the table of detectors of one day, from results of its amplifiers."""
    rng = np.random.default_rng([SEED, day])
    size = len(layout.ampName)
    noise = layout.ampReadNoise * rng.normal(0.97, 0.005, size) + STEP * (day >= STEP_DAY)
    columns = {
        "exposure": np.full(size, exposure),
        "detector": layout.detectorId[layout.ampDetector],
        "amplifier": layout.ampName,
        "BIAS_MEAN": rng.normal(0.0, 0.1, size) + DRIFT * day / (N_DAYS - 1),
        "BIAS_NOISE": noise,
        "BIAS_CR_NOISE": noise * rng.normal(1.0, 0.003, size),
        "BIAS_AMP_CORNER": rng.normal(0.0, 0.5, size),
        **{f"BIAS_VERIFY_{key}": np.ones(size, bool) for key in ("MEAN", "NOISE", "CR_NOISE", "SUCCESS")},
    }
    table = AmpTable.fromColumns(columns, getProduct("bias"), layout, tests=TESTS)
    return detectorSummaryTable(summarize(table, "detector"))


def makeHistory(repository: Path) -> None:
    """Make a repository with the tables of all days.

    Parameters
    ----------
    repository
        Where to; a new directory.
    """
    exposures = listExposures()
    makeRepository(repository, Latiss, exposures)
    layout = CameraLayout.fromCamera(Latiss().getCamera())
    with Butler.from_config(str(repository), writeable=True, run=TABLES) as butler:
        kind = DatasetType(
            "cpBiasExp_detectorSummary",
            ("instrument", "exposure"),
            "ArrowAstropy",
            universe=butler.dimensions,
        )
        butler.registry.registerDatasetType(kind)
        with butler.transaction():
            for day, info in enumerate(exposures):
                butler.put(
                    makeSummary(layout, info.id, day), kind, instrument=Latiss.getName(), exposure=info.id
                )


def planHistory(repository: Path, pipeline: Path) -> Stage:
    """Say how the history is gathered and drawn.

    Parameters
    ----------
    repository
        What `makeHistory` has made.
    pipeline
        File of the pipeline of trends.

    Returns
    -------
    stage
        One command.
    """
    command = ["pipetask", "run", "--register-dataset-types", "-b", str(repository), "-p", str(pipeline)]
    return Stage(f"looking for changes in {N_DAYS} days", [[*command, "-i", TABLES, "-o", TRENDS]], 1)


def judgeHistory(repository: Path) -> list[HistoryLine]:
    """Compare what was found with the step and the drift.

    Parameters
    ----------
    repository
        The repository, after the run.

    Returns
    -------
    lines
        One for the step, one for the drift, and one for each history in which anything else was found.
    """
    with Butler.from_config(str(repository), collections=TRENDS, instrument=Latiss.getName()) as butler:
        bundle = butler.get("cpBiasTrend_metrics")
    found = {tool: {str(m.metric_name): m.quantity.value for m in values} for tool, values in bundle.items()}
    per_year = DRIFT / (N_DAYS - 1) * 365.25
    lines = [
        _compare(found["biasNoiseByDetector"], "biasNoise", "step", STEP, "electron"),
        _compare(found["biasMeanByDetector"], "biasMean", "drift", per_year, "electron a year"),
    ]
    for tool, values in found.items():
        if not tool.startswith(CHANGED) and (words := _describe(values)):
            lines.append(HistoryLine(tool, "nothing", words, isRight=False))
    return lines


def _compare(values: dict[str, float], tool: str, kind: str, expected: float, unit: str) -> HistoryLine:
    size = values["largestStep" if kind == "step" else "steepestDrift"]
    counts = (values["nChangePoints"], values["nSeriesDrifting"])
    right = counts == ((1, 0) if kind == "step" else (0, 1)) and abs(size / expected - 1) < TOLERANCE
    words = _describe(values) or "nothing"
    return HistoryLine(
        tool, f"{kind} of {expected:.2f} {unit}", f"{words}: {size:+.2f} {unit}", isRight=bool(right)
    )


def _describe(values: dict[str, float]) -> str:
    """Say what was found in a history; empty for nothing."""
    counts = {"step": values["nChangePoints"], "drift": values["nSeriesDrifting"]}
    return ", ".join(f"{int(count)} {word}" for word, count in counts.items() if count)
