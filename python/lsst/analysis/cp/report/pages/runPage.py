# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The page of the run: verdicts, and the way to everything else."""

from __future__ import annotations

import math
from typing import Any

from markupsafe import Markup

from lsst.analysis.cp.core.amps import FAILED, UNKNOWN
from lsst.analysis.cp.report.model import ProductReport, TaskReport

from .cells import Column, headCell, makeLink, makeRow, makeTable, numberCell, textCell, verdictMark
from .figures import STRUCTURE_COLUMNS, listPlots, stampFigures, structureRows
from .maps import makeSketch
from .matrix import raftMatrix
from .productPage import DISTANCE_COLUMNS, cameraMap, countDetectors, distanceRow, productMap
from .site import Site
from .status import LOOKS, VERDICT_LOOKS, worstStatus
from .tests import worstDistances, worstFirst

__all__ = ["productionContents", "runContents", "tasksTable"]

_STRUCTURES = 5
_MISSING = 2000
_SIGNS = {look.style: look.sign for look in LOOKS.values()}


def runContents(site: Site) -> dict[str, Any]:
    """Make what the template of the page takes.

    Parameters
    ----------
    site
        The report and its files.

    Returns
    -------
    contents
        By the names in the template.
    """
    report = site.report
    problems = (
        makeRow(
            "g" if one.isRemark else "u",
            textCell(one.dataset),
            textCell("– remark" if one.isRemark else "? problem", "x" if one.isRemark else "u"),
            textCell(one.reason, "long"),
        )
        for one in sorted(site.problems, key=lambda one: one.isRemark)
    )
    return {
        "look": VERDICT_LOOKS[report.verdict],
        "verdicts": _verdicts(site),
        "maps": [
            {
                "name": "All products",
                "anchor": "map-all",
                "map": _makeMap(site),
                "words": f"Worst status in {', '.join(each.title for each in site.judged)}.",
            },
            *(
                {
                    "name": product.title,
                    "anchor": f"map-{site.productStems[product.name]}",
                    "map": productMap(site, product),
                    "words": "",
                }
                for product in report.products
            ),
        ],
        "distances": _distances(site),
        "matrix": raftMatrix(site),
        "rafts": list(zip(site.raftFiles, site.raftNames, strict=True)),
        "structures": [
            {
                "title": product.title,
                "page": site.productFile(product),
                "stamps": stampFigures(site, product, _STRUCTURES, up=""),
                "table": makeTable(
                    f"structures-{site.productStems[product.name]}",
                    f"{product.title}: the foremost of {len(product.structures)} structures",
                    STRUCTURE_COLUMNS,
                    structureRows(site, product, _STRUCTURES, up=""),
                ),
            }
            for product in report.products
            if len(product.structures)
        ],
        "tasks": tasksTable(report.tasks),
        "nMissing": sum(len(task.missing) for task in report.tasks),
        "success": _describeSuccess(report.tasks),
        "plots": [
            {"title": product.title, "page": site.productFile(product), "plots": figures}
            for product in report.products
            if (figures := listPlots(site, _runPlots(product), up=""))
        ],
        "nProblems": len(site.problems),
        "problems": makeTable(
            "problems",
            "What is odd, or could not be read",
            (Column("dataset"), Column("kind", "A remark is what no verdict depends on."), Column("reason")),
            problems,
        ),
    }


def _runPlots(product: ProductReport) -> list[Any]:
    return [entry for entry in product.plots if entry.level == "run"]


def _verdicts(site: Site) -> Markup:
    """Make the table of products with their verdicts."""
    columns = [
        Column("product"),
        Column("verdict", "With its reasons."),
        Column("focal plane"),
        Column("failed", "Detectors that failed a test in some exposure."),
        Column("unknown", "Detectors that lack results, or are not tested, in some exposure."),
        Column("good"),
        Column("exposures"),
    ]
    rows = (_verdictRow(site, product) for product in site.report.products)
    return makeTable("verdicts", "Whether each product may be certified", columns, rows)


def _verdictRow(site: Site, product: ProductReport) -> str:
    counts = countDetectors(site, product)
    status = site.detectorStatus[product.name]
    sketch = makeSketch(
        f"{product.title}: {counts['failed']} detectors failed, {counts['unknown']} unknown",
        site.report.geometry.detectorCorners,
        status,
    )
    reasons = Markup("<ul>{}</ul>").format(
        Markup("").join(Markup("<li>{}</li>").format(reason) for reason in product.reasons)
    )
    return makeRow(
        VERDICT_LOOKS[product.verdict].style,
        headCell(makeLink(site.productFile(product), product.title)),
        textCell(verdictMark(product.verdict) + reasons, "long"),
        textCell(sketch),
        *(numberCell(counts[name]) for name in ("failed", "unknown", "good")),
        numberCell(len(product.exposures) or math.nan),
    )


def _makeMap(site: Site) -> Markup:
    """Draw the worst status of each detector over all products."""
    layout, products = site.report.layout, site.judged
    status = worstStatus((site.detectorStatus[each.name] for each in products), layout.nDetectors)
    titles = []
    for i, (name, number) in enumerate(
        zip(layout.detectorName.tolist(), layout.detectorId.tolist(), strict=True)
    ):
        code = int(status[i])
        bad = [
            each.title
            for each in products
            if code in (FAILED, UNKNOWN) and site.detectorStatus[each.name][i] == code
        ]
        titles.append(f"{name} ({number}): {LOOKS[code].word}" + f": {', '.join(bad)}" * bool(bad))
    amps = worstStatus((site.ampStatus[each.name] for each in products), layout.nAmps)
    label = "Worst status of detectors over all products with tests that count"
    return cameraMap(site, label, status, amps, site.detectorFiles, titles)


def _distances(site: Site) -> Markup:
    """Make the table of the worst member of each test."""
    found = [(product, one) for product in site.report.products for one in worstDistances(product, 1)]
    owner = {id(one): product for product, one in found}
    rows = (distanceRow(site, owner[id(one)], one) for one in worstFirst([one for _, one in found]))
    return makeTable("distances", "The worst member of each test", DISTANCE_COLUMNS, rows)


def _describeSuccess(tasks: tuple[TaskReport, ...]) -> str:
    """Say that nothing is missing of tasks, or that nothing is known to be."""
    if all(task.isExact for task in tasks):
        return "All expected quanta succeeded."
    return "No quantum is known to be missing; what was expected is known with the quantum graph only."


def tasksTable(tasks: tuple[TaskReport, ...]) -> Markup | str:
    """Make the table of tasks with the number of quanta that were expected and succeeded."""
    if not tasks:
        return ""
    columns = [
        Column("task"),
        Column("expected", "Number of quanta."),
        Column("succeeded"),
        Column("failed"),
        Column("blocked", "Something upstream failed."),
        Column("not yet", "Never started."),
        Column("lost", "Ran, but its outputs are absent."),
        Column("caveats"),
        Column("expected by"),
    ]
    rows = (_taskRow(task) for task in tasks)
    return makeTable("tasks", "Quanta by task", columns, rows)


def _taskRow(task: TaskReport) -> str:
    numbers = (task.nExpected, task.nSucceeded, task.nFailed, task.nBlocked, task.nNotYet, task.nLost)
    # What was expected is known of graphs only: without one, nothing is green for what may be absent.
    whole = "g" if task.isExact else "x"
    style = "f" if task.nFailed else whole if task.nSucceeded == task.nExpected else "u"
    caveats = "; ".join(f"{words} ({count})" for words, count in task.caveats.items())
    return makeRow(
        style,
        headCell(f"{_SIGNS[style]} {task.task}"),
        *map(numberCell, numbers),
        textCell(caveats),
        textCell(task.nExpectedSource),
    )


def productionContents(site: Site) -> dict[str, Any]:
    """Make what the template of the page of expected and missing quanta takes.

    Parameters
    ----------
    site
        The report and its files.

    Returns
    -------
    contents
        By the names in the template.
    """
    pages = {number: i for i, number in enumerate(site.report.layout.detectorId.tolist())}
    rows = []
    for task in site.report.tasks:
        for one in task.missing:
            style = "f" if one.state == "failed" else "u"
            place: str = one.dataId
            if one.detector in pages:
                place = makeLink(site.detectorFiles[pages[one.detector]], one.dataId)
            rows.append(
                makeRow(
                    style,
                    textCell(task.task, "key"),
                    textCell(place),
                    textCell(f"{_SIGNS[style]} {one.state}", style),
                    textCell(one.reason, "long"),
                )
            )
    columns = (Column("task"), Column("data ID"), Column("state"), Column("reason"))
    return {
        "tasks": tasksTable(site.report.tasks),
        "success": _describeSuccess(site.report.tasks),
        "missing": makeTable("missing", "Quanta that did not succeed", columns, rows[:_MISSING])
        if rows
        else "",
        "nMore": max(0, len(rows) - _MISSING),
    }
