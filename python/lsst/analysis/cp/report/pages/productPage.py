# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The page of a product: its verdict, map, matrix, distances, exposures, structures and plots."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from lsst.analysis.cp.core import COUNTED_TYPES
from lsst.analysis.cp.core.amps import FAILED, GOOD, UNKNOWN, majorityThresholds
from lsst.analysis.cp.core.typing import FlagArray
from lsst.analysis.cp.report.model import PlotEntry, ProductReport, ReportedTest
from lsst.analysis.cp.report.verdicts import MAX_FAILURES

from .cells import Column, headCell, makeLink, makeRow, makeTable, numberCell, prose, statusCell, textCell
from .culprits import COLUMNS, Culprits
from .detectorPage import anchorOf
from .figures import STRUCTURE_COLUMNS, listPlots, stampFigures, structureRows
from .maps import makeMap
from .matrix import detectorMatrix
from .site import Site
from .status import LOOKS, NOT_EXPECTED, VERDICT_LOOKS, shownStatus
from .tests import Distance, limitOf, remarkOf, worstDistances

__all__ = ["countDetectors", "distanceRow", "DISTANCE_COLUMNS", "cameraMap", "productContents", "productMap"]

_NEAREST = 12
_STRUCTURES = 100
_FEW = 9

DISTANCE_COLUMNS = (
    Column("product"),
    Column("test"),
    Column("where", "Detector and amplifier."),
    Column("distance", "Of the tested quantity from its limit; negative beyond it."),
    Column("in", "Unit of the distance."),
    Column("", "The distance as a bar: to the left of the line beyond the limit."),
    Column("tested quantity"),
    Column("limit"),
    Column("exposure"),
)
"""Columns of a table of distances to limits."""


def productContents(site: Site, product: ProductReport) -> dict[str, Any]:
    """Make what the template of the page takes.

    Parameters
    ----------
    site
        The report and its files.
    product
        The product.

    Returns
    -------
    contents
        By the names in the template.
    """
    others = list(site.report.products)
    place = others.index(product)
    culprits, n_more = Culprits(product.culprits).of(-1)
    stem = site.productStems[product.name]
    exposures = [entry for entry in product.plots if entry.level == "exposure"]
    return {
        "product": product,
        "stem": stem,
        "look": VERDICT_LOOKS[product.verdict],
        "counts": countDetectors(site, product),
        "previous": site.productFile(others[place - 1]) if place else "",
        "next": site.productFile(others[place + 1]) if place + 1 < len(others) else "",
        "map": productMap(site, product, up="../"),
        "rule": _describeRule(site, product),
        "tests": _testsTable(site, product),
        "matrix": detectorMatrix(site, product, site.detectorOrder.tolist()),
        "distances": makeTable(
            "distances",
            f"The {_NEAREST} members nearest to, or farthest beyond, each limit, worst first",
            DISTANCE_COLUMNS,
            (distanceRow(site, product, one, up="../") for one in worstDistances(product, _NEAREST)),
        ),
        "exposures": _exposuresTable(product),
        "exposureCulprits": makeTable("wholeExposures", "Exposures as a whole", COLUMNS, culprits)
        if culprits
        else "",
        "nMore": n_more,
        "stamps": stampFigures(site, product, _STRUCTURES),
        "structures": makeTable(
            "structures",
            "Structures in images, the largest excess first",
            STRUCTURE_COLUMNS,
            structureRows(site, product, _STRUCTURES),
        )
        if len(product.structures)
        else "",
        "nStructures": len(product.structures),
        "runPlots": listPlots(site, [entry for entry in product.plots if entry.level == "run"]),
        "exposurePlots": [
            {"name": name, "anchor": f"plots-{name}", "plots": listPlots(site, entries)}
            for name, entries in _byExposure(exposures).items()
        ],
        "otherPlots": Counter(entry.level for entry in product.plots if entry.level in ("raft", "detector")),
        "tables": ["amplifiers", "detectors", "culprits"]
        + ["structures"] * bool(product.structures.colnames)
        + ["exposures"] * bool(product.exposures),
    }


def productMap(site: Site, product: ProductReport, *, up: str = "") -> Markup:
    """Draw the status of all detectors in a product."""
    layout = site.report.layout
    status = site.detectorStatus[product.name]
    n_failed = (product.failed > 0).sum(axis=1).tolist()
    titles = [
        f"{name} ({number}): {LOOKS[code].word}" + (f", {n} tests" if code == FAILED and n else "")
        for name, number, code, n in zip(
            layout.detectorName.tolist(), layout.detectorId.tolist(), status.tolist(), n_failed, strict=True
        )
    ]
    addresses = [up + site.addressOf(product, i) for i in range(layout.nDetectors)]
    label = f"{product.title}: status of detectors"
    return cameraMap(site, label, status, site.ampStatus[product.name], addresses, titles)


def cameraMap(
    site: Site,
    label: str,
    status: FlagArray,
    ampStatus: FlagArray,
    addresses: Sequence[str],
    titles: Sequence[str],
) -> Markup:
    """Draw the detectors of a camera or, if these are few, their amplifiers.

    Parameters
    ----------
    site
        The report and its files.
    label
        What the map shows.
    status, ampStatus
        Codes of the detectors and of the amplifiers.
    addresses, titles
        Where each detector leads, and what it is.

    Returns
    -------
    map
        Markup.
    """
    geometry, layout = site.report.geometry, site.report.layout
    if layout.nDetectors > _FEW or (ampStatus == NOT_EXPECTED).all():
        return makeMap(label, geometry.detectorCorners, status, addresses, titles)
    owners = layout.ampDetector.tolist()
    return makeMap(
        label,
        geometry.ampCorners,
        ampStatus,
        [addresses[i] for i in owners],
        [f"{titles[i]}; {name}" for i, name in zip(owners, layout.ampName.tolist(), strict=True)],
        outlines=geometry.detectorCorners,
    )


def countDetectors(site: Site, product: ProductReport) -> Mapping[str, int]:
    """Count the detectors of a product by status."""
    status = site.detectorStatus[product.name]
    return {
        "expected": int(np.count_nonzero(status != NOT_EXPECTED)),
        "good": int(np.count_nonzero(status == GOOD)),
        "failed": int(np.count_nonzero(status == FAILED)),
        "unknown": int(np.count_nonzero(status == UNKNOWN)),
    }


def _describeRule(site: Site, product: ProductReport) -> str:
    """State the majority rule of the summit with the numbers of this run."""
    n_exposures = len(product.exposures)
    is_science = site.report.layout.detectorType[product.expected] == COUNTED_TYPES[0]
    n_detectors = int(np.count_nonzero(is_science))
    amps, detectors = (majorityThresholds(max(n_exposures, 1), n_detectors, n) for n in (MAX_FAILURES, 1))
    over = f"{amps.failures} amplifiers, or {detectors.failures} of {n_detectors} science detectors"
    if not n_exposures:
        return f"The summit's rule refuses if one test fails in at least {over}."
    return (
        f"The summit's rule refuses if one test is over the limit in at least {amps.exposures} of "
        f"{n_exposures} exposures. Over the limit is one in which it fails in at least {over}."
    )


def _testsTable(site: Site, product: ProductReport) -> Markup:
    """Make the table of tests and statistics: what is asked for, and how many fulfil it."""
    over = Counter(key for exposure in product.exposures for key in exposure.overLimit)
    columns = [
        Column("test"),
        Column("section", "Of the document that defines the tests."),
        Column("of", "What is tested."),
        Column("limit"),
        Column("limit from"),
        Column("good"),
        Column("failed", "Members that failed in some exposure."),
        Column("unknown"),
        Column("implausible", "Members with a value too low to be plausible in some exposure."),
        Column("exposures over limit", "Of the majority rule."),
        Column("remark"),
        Column("meaning"),
    ]
    rows = (_testRow(site, product, each, over) for each in product.tests)
    return makeTable("tests", "Tests and stored statistics", columns, rows)


def _testRow(site: Site, product: ProductReport, each: ReportedTest, over: Counter[str]) -> str:
    test = each.test
    counts = [site.countMembers(product, each, code) for code in (GOOD, FAILED, UNKNOWN)]
    style = "x"
    if test.counts:
        style = "f" if counts[1] else "u" if counts[2] and not counts[0] else "g"
    numbers = [numberCell(count if test.isTested else math.nan) for count in counts]
    return makeRow(
        style,
        textCell(test.key, "key"),
        *map(textCell, (test.section, test.row, limitOf(test), test.thresholdSource)),
        *numbers,
        numberCell(int(np.count_nonzero(each.nSuspicious))),
        numberCell(over[test.key] if test.isTested else math.nan),
        textCell(remarkOf(test)),
        textCell(prose(" ".join(filter(None, [test.description, test.setAside]))), "long"),
    )


def distanceRow(site: Site, product: ProductReport, one: Distance, *, up: str = "") -> str:
    """Make the row of a member that is near to a limit, or beyond it."""
    each, i = one.each, one.member
    worst = int(each.worstExposure[i])
    style = LOOKS[int(shownStatus(each)[i])].style if each.test.counts else "x"
    return makeRow(
        style,
        textCell(product.title),
        textCell(Markup("{}{}").format(each.test.key, _remark(each)), "key"),
        textCell(_memberLink(site, product, one, up), "place"),
        numberCell(one.margin),
        textCell(one.unit, "place"),
        textCell(_bar(one.margin)),
        numberCell(float(each.quantity[i])),
        textCell(limitOf(each.test)),
        numberCell(worst if worst >= 0 else math.nan),
    )


def _remark(each: ReportedTest) -> Markup:
    """Say below the name of a test if its verdict does not count."""
    words = remarkOf(each.test)
    return Markup("<br><small>{}</small>").format(words) if words else Markup("")


def _memberLink(site: Site, product: ProductReport, one: Distance, up: str) -> Markup | str:
    """Name a member of a test, with a link if it is a detector or an amplifier."""
    layout, stem = site.report.layout, site.productStems[product.name]
    if one.each.test.row == "exposure":
        return str(product.exposures[one.member].exposure)
    if one.each.test.row == "detector":
        return makeLink(f"{up}{site.detectorFiles[one.member]}#{stem}", str(layout.detectorName[one.member]))
    detector, name = int(layout.ampDetector[one.member]), str(layout.ampName[one.member])
    address = f"{up}{site.detectorFiles[detector]}#{anchorOf(site, product, name)}"
    return makeLink(address, f"{layout.detectorName[detector]} {name}")


def _bar(margin: float) -> Markup:
    """Draw a distance from -1 to 1; longer ones reach the edge."""
    end = 40 + 40 * max(-1.0, min(1.0, margin))
    start, width = min(40.0, end), abs(end - 40)
    return Markup(
        '<svg class="bar" width="80" height="10" viewBox="0 0 80 10" aria-hidden="true">'
        f'<path class="pat-{"f" if margin < 0 else "g"}" d="M{start:.1f} 1h{width:.1f}v8h-{width:.1f}z"/>'
        '<path d="M40 0V10"/></svg>'
    )


def _exposuresTable(product: ProductReport) -> Markup | str:
    """Make the table of exposures with the number of failures of each test."""
    if not product.exposures:
        return ""
    whole = [each for each in product.tests if each.test.row == "exposure"]
    keys = list(dict.fromkeys(key for each in product.exposures for key in each.nFailed))
    columns = [
        Column("exposure"),
        Column("day"),
        Column("status", "Over all tests whose verdicts count."),
        Column("detectors", "With results."),
        Column("failed", "Detectors with a failed test."),
        Column("missing", "Detectors without any results."),
        Column("over limit", "Tests that the majority rule takes as failed."),
        Column("to leave out"),
        *(Column(key, f"Number of failures of {key}.") for key in keys),
        *(Column(each.test.key, each.test.description) for each in whole),
        Column("run"),
    ]
    shown = set(_byExposure([entry for entry in product.plots if entry.level == "exposure"]))
    rows = (
        _exposureRow(product, i, keys, whole, hasPlots=str(exposure.exposure) in shown)
        for i, exposure in enumerate(product.exposures)
    )
    return makeTable("exposures", "Exposures, with the number of failures of each test", columns, rows)


def _exposureRow(
    product: ProductReport, i: int, keys: list[str], whole: list[ReportedTest], *, hasPlots: bool
) -> str:
    """Make the row of an exposure, which leads to its plots."""
    exposure = product.exposures[i]
    name = str(exposure.exposure)
    look = LOOKS[exposure.status]
    numbers = (exposure.nDetectors, exposure.nDetectorsFailed, exposure.nDetectorsMissing)
    return makeRow(
        look.style,
        headCell(makeLink(f"#at=plots-{name}", name) if hasPlots else name),
        numberCell(exposure.dayObs if exposure.dayObs > 0 else math.nan),
        statusCell(exposure.status),
        *map(numberCell, numbers),
        textCell(", ".join(exposure.overLimit)),
        textCell("leave out" if exposure.exposure in product.leaveOut else ""),
        *(numberCell(exposure.nFailed.get(key, 0)) for key in keys),
        *(_valueCell(each, i) for each in whole),
        textCell(exposure.run),
        anchor=f"exposure-{name}",
    )


def _valueCell(each: ReportedTest, i: int) -> str:
    """Make the cell of a test of an exposure."""
    if not each.test.isTested:
        return numberCell(float(each.value[i]))
    return numberCell(float(each.value[i]), f" {LOOKS[int(shownStatus(each)[i])].style}")


def _byExposure(entries: list[PlotEntry]) -> Mapping[str, list[PlotEntry]]:
    """Sort plots by exposure or visit."""
    found: dict[str, list[PlotEntry]] = {}
    for entry in entries:
        ids = entry.ref.dataId.required
        name = next((str(ids[key]) for key in ("exposure", "visit") if key in ids), "others")
        found.setdefault(name, []).append(entry)
    return dict(sorted(found.items()))
