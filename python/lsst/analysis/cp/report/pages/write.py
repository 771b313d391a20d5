# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Writing of all pages into a folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.table import Table

from lsst.analysis.cp.report.exports import exportTables, writeTable
from lsst.analysis.cp.report.model import Problem, RunReport
from lsst.analysis.cp.report.plots import copyPlots
from lsst.analysis.cp.report.stamps import writeStamps

from .detectorPage import DetectorPages
from .environment import makeEnvironment, readStatic
from .maps import LEGEND
from .productPage import productContents
from .raftPage import raftContents
from .runPage import productionContents, runContents
from .sheet import findCalibrations, makeSheet
from .site import Site

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

__all__ = ["writePages"]

_STATIC = ("report.css", "report.js")


def writePages(report: RunReport, folder: Path, butler: Butler | None = None) -> tuple[Problem, ...]:
    """Write the pages of a report, its certification sheet, and its tables as files.

    Parameters
    ----------
    report
        The report.
    folder
        An existing folder, which is empty.
    butler
        The repository, from which plots and pixels are copied; without one pages only name them.

    Returns
    -------
    problems
        Plots and images that could not be read, which the pages name.
    """
    site = _copyFiles(Site(report=report), folder, butler)
    calibrations = [] if butler is None else findCalibrations(butler, report.collections, report.instrument)
    for name in _STATIC:
        (folder / name).write_text(readStatic(name), encoding="utf-8")
    for name in ("detectors", "products", "rafts", "tables"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "certification.html").write_text(makeSheet(site, calibrations), encoding="utf-8")
    _writePage(site, folder, "run", "index.html", runContents(site))
    _writePage(site, folder, "production", "production.html", productionContents(site))
    for product in report.products:
        _writePage(site, folder, "product", site.productFile(product), productContents(site, product))
    for i, file in enumerate(site.raftFiles):
        _writePage(site, folder, "raft", file, raftContents(site, i))
    pages = DetectorPages(site)
    for i, file in enumerate(site.detectorFiles):
        _writePage(site, folder, "detector", file, pages.contents(i))
    _exportAll(site, folder / "tables")
    return tuple(site.problems[len(report.problems) :])


def _copyFiles(site: Site, folder: Path, butler: Butler | None) -> Site:
    """Copy what pages show from the repository."""
    report = site.report
    if butler is None:
        return Site(report=report, problems=report.problems)
    plots, lost = copyPlots(report, site.rafts, folder, butler)
    stamps, unread = writeStamps(report, folder, butler)
    return Site(report=report, plots=plots, stamps=stamps, problems=(*report.problems, *lost, *unread))


def _writePage(site: Site, folder: Path, template: str, file: str, contents: dict[str, Any]) -> None:
    """Write a page without lines that are empty."""
    page = (
        makeEnvironment()
        .get_template(f"{template}.jinja")
        .render(report=site.report, legend=LEGEND, up="../" * file.count("/"), **contents)
    )
    (folder / file).write_text(re.sub(r"\n\s*\n+", "\n", page), encoding="utf-8")


def _exportAll(site: Site, folder: Path) -> None:
    """Write all tables as files."""
    rafts = np.array(site.raftNames)[site.rafts.raft]
    for product in site.report.products:
        exportTables(site.report, product, rafts, folder / site.productStems[product.name])
    missing = [(task.task, one) for task in site.report.tasks for one in task.missing]
    if missing:
        columns = {"task": [task for task, _ in missing]} | {
            name: [getattr(one, name) for _, one in missing]
            for name in ("dataId", "detector", "exposure", "state", "reason")
        }
        writeTable(Table(columns), folder / "production")
