# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Copies of stored plots beside the pages, with thumbnails."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from lsst.analysis.cp.core.amps import GOOD
from lsst.analysis.cp.core.exposures import RaftGrid
from lsst.analysis.cp.metrics import nameDataset

from .model import PlotEntry, Problem, ProductReport, RunReport

if TYPE_CHECKING:
    from uuid import UUID

    from lsst.daf.butler import Butler, DatasetRef

__all__ = ["CopiedPlot", "copyPlots", "isWanted"]

_THUMBNAIL = (640, 480)
_QUALITY = 82
_PROCESSES = 2
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class CopiedPlot:
    """A plot in the folder of a report.

    Parameters
    ----------
    file, thumbnail
        Its PNG file, and a small JPEG picture, from the folder.
    """

    file: str
    thumbnail: str


def isWanted(entry: PlotEntry, product: ProductReport, report: RunReport, rafts: RaftGrid) -> bool:
    """Tell whether a plot is to be in the folder.

    Parameters
    ----------
    entry, product, report
        The plot, its product and the report.
    rafts
        The rafts of the camera.

    Returns
    -------
    isWanted
        True for plots of runs and exposures, and of detectors, or rafts with detectors, that are not good.
    """
    if entry.level in ("run", "exposure"):
        return True
    bad = np.zeros(report.layout.nDetectors, dtype=bool)
    bad[product.expected] = product.detectorStatus[product.expected] != GOOD
    if entry.level == "raft":
        return entry.raft in rafts.name[rafts.raft[bad]]
    return int(entry.ref.dataId["detector"]) in report.layout.detectorId[bad]


def copyPlots(
    report: RunReport, rafts: RaftGrid, folder: Path, butler: Butler
) -> tuple[dict[UUID, CopiedPlot], list[Problem]]:
    """Copy the plots that are to be in the folder, and make thumbnails.

    Parameters
    ----------
    report
        The report.
    rafts
        The rafts of the camera.
    folder
        The folder of the report.
    butler
        The repository of the plots.

    Returns
    -------
    plots
        Those that were copied, by the ids of their datasets.
    problems
        Those that could not be read.
    """
    wanted = {
        entry.ref.id: entry.ref
        for product in report.products
        for entry in product.plots
        if isWanted(entry, product, report, rafts)
    }
    (folder / "plots").mkdir(exist_ok=True)
    with ThreadPoolExecutor(_PROCESSES) as pool:
        done = list(pool.map(partial(_copy, folder=folder, butler=butler), wanted.values()))
    plots = {ref.id: made for ref, made in done if isinstance(made, CopiedPlot)}
    return plots, [
        Problem(dataset=nameDataset(ref), reason=made) for ref, made in done if isinstance(made, str)
    ]


def _copy(ref: DatasetRef, folder: Path, butler: Butler) -> tuple[DatasetRef, CopiedPlot | str]:
    """Copy one plot; return why not, if it cannot be read."""
    stem = re.sub(r"[^A-Za-z0-9_-]", "_", "_".join(_nameParts(ref)))[:120]
    made = CopiedPlot(f"plots/{stem}.png", f"plots/{stem}.jpg")
    try:
        content = butler.getURI(ref).read()
        if not content.startswith(_SIGNATURE):
            return ref, f"its file is no PNG: it begins with {content[:8]!r}"
        with Image.open(io.BytesIO(content)) as image:
            factors = (-(-side // most) for side, most in zip(image.size, _THUMBNAIL, strict=True))
            # By means of whole blocks, which is quicker than to any size.
            picture = image.reduce(max(factors)).convert("RGBA")
        paper = Image.new("RGB", picture.size, "white")
        paper.paste(picture, mask=picture)
        paper.save(folder / made.thumbnail, quality=_QUALITY)
        (folder / made.file).write_bytes(content)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        return ref, f"{type(error).__name__}: {error}"
    return ref, made


def _nameParts(ref: DatasetRef) -> Iterator[str]:
    """Name a file after the dataset, its data ID, and a part of its own id, which tells runs apart."""
    yield ref.datasetType.name
    yield from (str(value) for key, value in ref.dataId.required.items() if key != "instrument")
    yield str(ref.id)[:8]
