# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Figures of a run in one directory, and what each shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from parts import Part

from lsst.analysis.cp.catalogue import findTest
from lsst.daf.butler import Butler

__all__ = ["Figure", "exportFigures", "findFigure", "writeIndex"]

MERGES = ("Exp", "Run")
"""Ends of the names of the outputs that show results of tests."""

EPOCHS = ("exposure", "visit")
"""Dimensions of what is of one exposure."""

INDEX = "index.txt"
"""Name of the list of all figures."""


@dataclass(frozen=True, order=True)
class Figure:
    """A figure, and what it shows.

    Parameters
    ----------
    camera, product
        Names of the instrument and of the product.
    detector
        Name of the detector, or of the first one of a raft; empty for the focal plane.
    exposure
        Exposure id; 0 for all exposures together.
    subject
        Key of the test, or the name of the tool.
    path
        The file.
    """

    camera: str
    product: str
    detector: str
    exposure: int
    subject: str
    path: Path


def exportFigures(butler: Butler, part: Part, directory: Path) -> list[Figure]:
    """Show all plots of a run in one directory, under names of what they show.

    Parameters
    ----------
    butler
        Butler with the outputs of the run in its default collections.
    part
        The part of the demonstration that it is.
    directory
        Where to; the files are hard links to those of the repository.

    Returns
    -------
    figures
        All figures, sorted.
    """
    names = {record.id: record.full_name for record in butler.query_dimension_records("detector")}
    prefix = f"cp{part.product.title}"
    types = [t for t in butler.registry.queryDatasetTypes(f"{prefix}*") if t.storageClass_name == "Plot"]
    figures = []
    for kind in types:
        output, tool, _ = kind.name.split("_", 2)
        # Views of pixels have names of tools, too, that are those of tests.
        test = findTest(tool) if output.removeprefix(prefix) in MERGES else None
        for ref in butler.query_datasets(kind, explain=False):
            # A visit has the number of its exposure.
            exposure = next((int(ref.dataId[name]) for name in EPOCHS if name in ref.dataId), 0)
            detector = names[int(ref.dataId["detector"])] if "detector" in ref.dataId else ""
            parts = [kind.name, *([str(exposure)] if exposure else []), *([detector] if detector else [])]
            path = directory / f"{'_'.join(parts)}.png"
            path.hardlink_to(butler.getURI(ref).ospath)
            subject = test.key if test else tool
            figures.append(Figure(part.camera.name, part.product.name, detector, exposure, subject, path))
    return sorted(figures)


def findFigure(figures: Sequence[Figure], subject: str, exposure: int, detector: str = "") -> Figure | None:
    """Find the figure of a subject.

    Parameters
    ----------
    figures
        The figures of a part.
    subject
        Key of a test, or name of a tool.
    exposure
        Exposure id.
    detector
        Name of the detector; empty for the focal plane.

    Returns
    -------
    figure
        The first; None if there is none.
    """
    key = (subject, exposure, detector)
    return next((f for f in figures if (f.subject, f.exposure, f.detector) == key), None)


def writeIndex(figures: Sequence[Figure], directory: Path) -> Path:
    """List figures by camera, product, detector and test.

    Parameters
    ----------
    figures
        All figures.
    directory
        That of the figures, where the list goes.

    Returns
    -------
    path
        The list.
    """
    width = 2 + max(len(words) for words in ("test or tool", *(figure.subject for figure in figures)))
    lines = [f"{'camera':12}{'product':12}{'detector':14}{'exposure':16}{'test or tool':{width}}file"]
    for figure in sorted(figures):
        exposure = str(figure.exposure or "all")
        file = figure.path.relative_to(directory)
        lines.append(
            f"{figure.camera:12}{figure.product:12}{figure.detector or 'focal plane':14}{exposure:16}"
            f"{figure.subject:{width}}{file}"
        )
    path = directory / INDEX
    path.write_text("\n".join(lines) + "\n")
    return path
