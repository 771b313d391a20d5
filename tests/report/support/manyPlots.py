# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A repository with as many plots as a run of many exposures has."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from lsst.analysis.cp.report.model import PlotEntry, RunReport
from lsst.daf.butler import Butler, CollectionType, DatasetRef, DatasetType, FileDataset
from lsst.obs.lsst import LsstCam

RUN = "LSSTCam/verify"


def addPlots(report: RunReport, root: Path, nPlots: int) -> tuple[RunReport, Butler]:
    """Give each exposure of each product some plots.

    Parameters
    ----------
    report
        The report.
    root
        Directory of the repository, which is made.
    nPlots
        Number of plots of an exposure of a product.

    Returns
    -------
    report, butler
        The report with the plots, and the repository, in which all of them are one file with many names.
    """
    butler = Butler.from_config(Butler.makeRepo(str(root)), writeable=True)
    LsstCam().register(butler.registry)
    butler.collections.register(RUN, CollectionType.RUN)
    picture = root / "picture.png"
    picture.write_bytes(_makePicture())
    shown = [product for product in report.products if product.product.epoch == "exposure"]
    _registerExposures(butler, [each.exposure for each in shown[0].exposures])
    files: list[FileDataset] = []
    products = []
    for product in report.products:
        entries = []
        for tool in range(nPlots if product in shown else 0):
            kind = DatasetType(
                f"{product.name.replace('-', '_')}_tool{tool}_FocalPlanePlot",
                ("instrument", "exposure"),
                "Plot",
                universe=butler.dimensions,
            )
            butler.registry.registerDatasetType(kind)
            for each in product.exposures:
                data_id = butler.registry.expandDataId(instrument="LSSTCam", exposure=each.exposure)
                ref = DatasetRef(kind, data_id, run=RUN)
                path = root / f"{len(files)}.png"
                os.link(picture, path)
                files.append(FileDataset(path=str(path), refs=[ref]))
                entries.append(
                    PlotEntry(ref=ref, tool="", kind="FocalPlanePlot", title="Noise", level="exposure")
                )
        products.append(replace(product, plots=tuple(entries)))
    butler.ingest(*files, transfer="direct")
    return replace(report, instrument="LSSTCam", collections=(RUN,), products=tuple(products)), butler


def _registerExposures(butler: Butler, exposures: list[int]) -> None:
    of_instrument = {"instrument": "LSSTCam"}
    with butler.registry.transaction():
        butler.registry.insertDimensionData("day_obs", of_instrument | {"id": 20260301})
        for number in exposures:
            butler.registry.insertDimensionData("group", of_instrument | {"name": str(number)})
            record = of_instrument | {
                "id": number,
                "day_obs": 20260301,
                "group": str(number),
                "physical_filter": "empty",
                "obs_id": str(number),
                "seq_num": number % 100000,
            }
            butler.registry.insertDimensionData("exposure", record)


def _makePicture() -> bytes:
    """Make a PNG of the size and the weight of a map of the focal plane."""
    rng = np.random.default_rng(1)
    coarse = rng.integers(0, 255, (150, 160, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((3219, 2374), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    image.convert("RGBA").save(buffer, "png")
    return buffer.getvalue()
