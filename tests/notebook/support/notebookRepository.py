# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A repository with one dataset of each kind that notebooks read, of values that are known."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table
from registries import Registries
from services.metricRepository import EXPOSURES, RUNS, MetricRepository, makeValues

from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.core import CameraLayout
from lsst.analysis.cp.core.amps import (
    AmpTable,
    ampSummaryTable,
    culpritsTable,
    detectorSummaryTable,
    summarize,
)
from lsst.analysis.cp.tasks.residuals import PyramidImage
from lsst.daf.butler import Butler
from lsst.obs.lsst import LsstComCam
from lsst.utils.plotting import make_figure

FAILED = (3, "C05")
"""Detector and amplifier whose noise is too high."""

STRUCTURES = ((1, "pixel", 10, 400.0, 300.0, 1.0), (2, "column", 12, 650.0, 200.0, 300.0))
"""Rank, kind, detector, place and height of the structures in the image."""


@dataclass
class NotebookRepository:
    """The repository, and what was stored in it."""

    root: Path
    registries: Registries
    noise: dict[int, Any] = field(default_factory=dict)
    metrics: dict[tuple[int, int], dict[str, float]] = field(default_factory=dict)

    def open(self, **kwargs: Any) -> Butler:
        """Open it as a notebook does."""
        return Butler.from_config(str(self.root), **({"collections": RUNS[0]} | kwargs))

    def copy(self, root: Path) -> NotebookRepository:
        """Copy it, to be changed."""
        return replace(self, root=self.registries.copy(self.root, root))

    @staticmethod
    def pathOf(butler: Butler, name: str, **dataId: Any) -> Path:
        """Return the file of a dataset."""
        return Path(butler.getURI(name, **dataId).ospath)


def makeAmpTable(seed: int, exposure: int) -> AmpTable:
    """Make results of a bias in which all amplifiers are good but one."""
    layout = CameraLayout.fromCamera(LsstComCam().getCamera())
    rng = np.random.default_rng(seed)
    detector = layout.detectorId[layout.ampDetector]
    noise = layout.ampReadNoise * rng.normal(0.97, 0.005, len(detector))
    is_failed = (detector == FAILED[0]) & (layout.ampName == FAILED[1])
    noise[is_failed] = 2 * layout.ampReadNoise[is_failed]
    columns = {
        "exposure": np.full(len(detector), exposure),
        "detector": detector,
        "amplifier": layout.ampName,
        "BIAS_MEAN": rng.normal(0.0, 0.01, len(detector)),
        "BIAS_NOISE": noise,
        "BIAS_VERIFY_MEAN": np.ones(len(detector), bool),
        "BIAS_VERIFY_NOISE": ~is_failed,
    }
    return AmpTable.fromColumns(columns, getProduct("bias"), layout, tests=("MEAN", "NOISE"))


def makeFigure(width: float, **metadata: str) -> Any:
    """Make a figure, two inches high."""
    figure = make_figure(figsize=(width, 2.0), dpi=50)
    figure.add_subplot().plot([0, 1], [0, width])
    figure.metadata = metadata
    return figure


def makeStructures(exposure: int) -> Table:
    """List the structures of the image."""
    ranks, kinds, detectors, x, y, heights = zip(*STRUCTURES, strict=True)
    n = len(ranks)
    return Table(
        {
            "rank": ranks,
            "exposure": [exposure] * n,
            "detector": detectors,
            "detectorName": [f"R00_S{number - 10:02d}" for number in detectors],
            "amplifier": ["C00"] * n,
            "kind": kinds,
            "x": x,
            "y": y,
            "width": [1.0] * n,
            "height": heights,
            "score": [50.0, 20.0],
        }
    )


def makeRepository(root: Path, pyramidPath: Path, registries: Registries) -> NotebookRepository:
    """Make a repository with metrics, tables and plots of three exposures, and the image of one."""
    with registries.hosting():
        made = MetricRepository.make(root)
    stored = NotebookRepository(root, registries)
    for i, exposure in enumerate(EXPOSURES):
        table = makeAmpTable(i, exposure)
        stored.noise[exposure] = table.statistics["BIAS_NOISE"]
        tables = {
            "detectorSummary": detectorSummaryTable(summarize(table, "detector")),
            "ampSummary": ampSummaryTable(table),
            "culprits": culpritsTable(table),
        }
        for name, each in tables.items():
            made.put(f"cpBiasExp_{name}", each, "ArrowAstropy", exposure=exposure)
        for detector in (0, 1):
            stored.metrics[exposure, detector] = makeValues(10 * i + detector)
            made.putNoise(
                "cpBiasExpDet", stored.metrics[exposure, detector], exposure=exposure, detector=detector
            )
        made.putNoise("cpBiasExp", makeValues(100 + i, "exposure"), exposure=exposure)
        for tool in ("biasNoise", "biasMean"):
            figure = makeFigure(
                3.0 + i,
                Software="analysis_cp 1.2.3",
                Tool=tool,
                Inputs="cpBiasExp_ampSummary, cpBiasExp_detectorSummary",
                Collections=RUNS[0],
            )
            made.put(f"cpBiasExp_{tool}_FocalPlaneGeometryPlot", figure, "Plot", exposure=exposure)
    made.put("cpBiasRun_biasNoise_FocalPlaneGeometryPlot", makeFigure(9.0), "Plot")
    of_raft = makeFigure(2.0, Inputs="cpBiasExpDet_metrics", Collections=RUNS[0], Raft="R22")
    made.put("cpBiasExpRaftView_raft_FocalPlaneImagePlot", of_raft, "Plot", exposure=EXPOSURES[0], detector=0)
    made.put("cpBiasExpView_biasImage_FocalPlaneImagePlot", makeFigure(2.0), "Plot", exposure=EXPOSURES[0])
    made.put(
        "cpBiasExpResidual_structures", makeStructures(EXPOSURES[0]), "ArrowAstropy", exposure=EXPOSURES[0]
    )
    shutil.copy(pyramidPath, root / "temporary.fits")
    image = PyramidImage.fromFile(root / "temporary.fits")
    made.put("cpBiasExpResidual_pyramid", image, "ImageF", exposure=EXPOSURES[0])
    made.butler.close()
    return stored
