# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A repository with plots of each level, calibrations, and the pixels of one exposure."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from astropy.table import Table
from astropy.time import Time
from syntheticReport import FIRST_EXPOSURE

from lsst.analysis.cp.core.amps import FAILED
from lsst.analysis.cp.report.model import PlotEntry, RunReport
from lsst.analysis.cp.tasks.residuals import PyramidImage
from lsst.daf.butler import Butler, DatasetRef, DatasetType, Timespan
from lsst.obs.lsst import LsstCam
from lsst.utils.plotting import make_figure

RUN = "LSSTCam/verifyBias/20260301T000000Z"
DAY = 20260301


@dataclass(frozen=True)
class PlotRepository:
    """The repository, and the detectors that have plots.

    Parameters
    ----------
    root
        Its directory.
    bad, good
        Ids of a detector that is not good, and of one that is.
    """

    root: Path
    bad: int
    good: int

    def open(self) -> Butler:
        """Open it."""
        return Butler.from_config(str(self.root), collections=RUN)

    def addTo(self, report: RunReport) -> RunReport:
        """Add the plots to the first product of a report, and structures that are in the image."""
        first = report.products[0]
        with self.open() as butler:
            entries = tuple(
                PlotEntry(
                    ref=ref,
                    tool="biasNoise",
                    kind=ref.datasetType.name.rsplit("_", 1)[-1],
                    title=f"Noise of a {level}",
                    level="run" if level == "history" else level,
                    raft="R22" if level == "raft" else "",
                )
                for level, ref in self._find(butler)
            )
        product = replace(first, plots=entries, structures=makeStructures())
        return replace(
            report, instrument="LSSTCam", collections=(RUN,), products=(product, *report.products[1:])
        )

    def _find(self, butler: Butler) -> list[tuple[str, DatasetRef]]:
        return [
            (level, ref)
            for level in ("run", "history", "exposure", "raft", "detector")
            for ref in butler.query_datasets(nameType(level), with_dimension_records=True)
        ]


def nameType(level: str) -> str:
    """Name the dataset type of the plots of a level, or of histories."""
    if level == "history":
        return "cpBiasTrend_biasNoiseByDetector_TrendPlot"
    return f"cpBias{level.capitalize()}_biasNoise_FocalPlanePlot"


def makeStructures() -> Table:
    """List two structures of the image, of two detectors."""
    return Table(
        {
            "rank": [1, 2],
            "exposure": [FIRST_EXPOSURE] * 2,
            "detector": [10, 12],
            "detectorName": ["R00_S00", "R00_S02"],
            "amplifier": ["C00", "C01"],
            "kind": ["pixel", "column"],
            "x": [400.0, 650.0],
            "y": [300.0, 200.0],
            "width": [1, 1],
            "height": [1, 300],
            "score": [50.0, 20.123456789],
            "threshold": [5.0, 5.0],
            "amplitude": [np.float32(30.0), np.float32(7.0)],
            "nFound": [1, 1],
        }
    )


def makeRepository(root: Path, report: RunReport, pyramidPath: Path) -> PlotRepository:
    """Make a repository for a report.

    Parameters
    ----------
    root
        Directory, which is made.
    report
        The report, whose first product says which detectors are good.
    pyramidPath
        A pyramid.

    Returns
    -------
    repository
        The repository.
    """
    status, layout = report.products[0].detectorStatus, report.layout
    expected = report.products[0].expected
    bad, good = (
        int(layout.detectorId[[i for i in expected if (status[i] == FAILED) is want][0]])
        for want in (np.True_, np.False_)
    )
    butler = Butler.from_config(Butler.makeRepo(str(root)), writeable=True, run=RUN)
    LsstCam().register(butler.registry)
    _registerExposure(butler)
    for level, dimensions, data_ids in (
        ("run", (), [{}]),
        ("history", (), [{}]),
        ("exposure", ("exposure",), [{"exposure": FIRST_EXPOSURE}]),
        ("raft", ("detector",), [{"detector": bad}]),
        (
            "detector",
            ("exposure", "detector"),
            [{"exposure": FIRST_EXPOSURE, "detector": i} for i in (bad, good)],
        ),
    ):
        _register(butler, nameType(level), dimensions, "Plot")
        for data_id in data_ids:
            butler.put(_makeFigure(level), nameType(level), instrument="LSSTCam", **data_id)
    _register(butler, "cpBiasExpResidual_pyramid", ("exposure",), "ImageF")
    shutil.copy(pyramidPath, root / "temporary.fits")
    image = PyramidImage.fromFile(root / "temporary.fits")
    butler.put(image, "cpBiasExpResidual_pyramid", instrument="LSSTCam", exposure=FIRST_EXPOSURE)
    _register(butler, "bias", ("detector",), "StructuredDataDict", isCalibration=True)
    for detector in (bad, good):
        butler.put({"made": 1}, "bias", instrument="LSSTCam", detector=detector)
    butler.close()
    return PlotRepository(root, bad, good)


def _register(
    butler: Butler, name: str, dimensions: tuple[str, ...], storageClass: str, *, isCalibration: bool = False
) -> None:
    named = ("instrument", *dimensions)
    kind = DatasetType(name, named, storageClass, universe=butler.dimensions, isCalibration=isCalibration)
    butler.registry.registerDatasetType(kind)


def _registerExposure(butler: Butler) -> None:
    of_instrument = {"instrument": "LSSTCam"}
    begin = Time("2026-03-01T22:00:00", scale="tai")
    end = Time("2026-03-01T22:01:00", scale="tai")
    butler.registry.insertDimensionData("day_obs", of_instrument | {"id": DAY})
    butler.registry.insertDimensionData("group", of_instrument | {"name": "1"})
    record = of_instrument | {
        "id": FIRST_EXPOSURE,
        "day_obs": DAY,
        "group": "1",
        "physical_filter": "empty",
        "obs_id": "MC_O_20260301_000001",
        "seq_num": 1,
        "timespan": Timespan(begin, end),
    }
    butler.registry.insertDimensionData("exposure", record)


def _makeFigure(level: str):
    figure = make_figure(figsize=(6.0, 4.0), dpi=100)
    figure.add_subplot().set_title(level)
    return figure
