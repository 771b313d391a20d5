# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Copies of stored plots beside the pages, with thumbnails."""

from __future__ import annotations

import io
import re
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
    from lsst.resources import ResourcePath

__all__ = ["CopiedPlot", "copyPlots", "isWanted"]

_THUMBNAIL = (640, 480)
_QUALITY = 82
_THREADS = 2
_LARGE = 600_000
_SIGNATURE, _END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"


@dataclass(frozen=True)
class CopiedPlot:
    """A plot in the folder of a report.

    Parameters
    ----------
    file, thumbnail
        Its PNG file, and a small JPEG picture, or the file again where that is small, from the folder.
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
        entry.ref.id: (entry, entry.ref)
        for product in report.products
        for entry in product.plots
        if isWanted(entry, product, report, rafts)
    }
    (folder / "plots").mkdir(exist_ok=True)
    # A Butler is for one thread.
    found = [(ref, _locate(ref, butler)) for entry, ref in wanted.values()]
    levels = [entry.level for entry, _ in wanted.values()]
    with ThreadPoolExecutor(_THREADS) as pool:
        done = (
            list(pool.map(partial(_copy, folder=folder), *zip(*found, strict=True), levels)) if found else []
        )
    made = dict(zip(wanted, done, strict=True))
    return {key: plot for key, plot in made.items() if isinstance(plot, CopiedPlot)}, [
        Problem(dataset=nameDataset(wanted[key][1]), reason=reason)
        for key, reason in made.items()
        if isinstance(reason, str)
    ]


def _locate(ref: DatasetRef, butler: Butler) -> ResourcePath | str:
    """Find the file of a plot; return why not, if there is none."""
    try:
        return butler.getURI(ref)
    except (LookupError, OSError) as error:
        return f"{type(error).__name__}: {error}"


def _copy(ref: DatasetRef, place: ResourcePath | str, level: str, folder: Path) -> CopiedPlot | str:
    """Copy one plot, and make a thumbnail where it is worth it; return why not, if it cannot be read."""
    if isinstance(place, str):
        return place
    file = f"plots/{_nameFile(ref)}.png"
    try:
        content = place.read()
        if not (content.startswith(_SIGNATURE) and content.endswith(_END)):
            return f"its file is no PNG, or not all of one: it begins with {content[:8]!r}"
        # Pages show plots of exposures one exposure at a time, so that small files can be shown as they are.
        has_thumbnail = level != "exposure" or len(content) > _LARGE
        thumbnail = file.removesuffix(".png") + ".jpg" if has_thumbnail else file
        if has_thumbnail:
            _writeThumbnail(content, folder / thumbnail)
        (folder / file).write_bytes(content)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        return f"{type(error).__name__}: {error}"
    return CopiedPlot(file, thumbnail)


def _writeThumbnail(content: bytes, file: Path) -> None:
    """Write a small picture on white paper."""
    with Image.open(io.BytesIO(content)) as image:
        factors = (-(-side // most) for side, most in zip(image.size, _THUMBNAIL, strict=True))
        # By means of whole blocks, which is quicker than to any size.
        picture = image.reduce(max(factors)).convert("RGBA")
    paper = Image.new("RGB", picture.size, "white")
    paper.paste(picture, mask=picture)
    paper.save(file, quality=_QUALITY)


def _nameFile(ref: DatasetRef) -> str:
    """Name a file after the dataset, its data ID, and the random end of its id, which tells runs apart."""
    ids = (str(value) for key, value in ref.dataId.required.items() if key != "instrument")
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", "_".join((ref.datasetType.name, *ids)))
    return f"{plain[:120]}_{str(ref.id)[-12:]}"
