# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tests by detectors, and tests by rafts, as tables of signs and numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import quote

import numpy as np
from markupsafe import Markup, escape

from lsst.analysis.cp.core.amps import FAILED, GOOD, UNKNOWN
from lsst.analysis.cp.core.typing import BoolArray, IndexArray
from lsst.analysis.cp.report.model import ProductReport

from .cells import Column, headCell, makeLink, makeRow, makeTable, numberCell, statusCell, textCell
from .site import Site
from .status import LOOKS, NOT_EXPECTED, shownStatus
from .tests import testColumn

__all__ = ["detectorMatrix", "raftMatrix"]

_SORTED = {UNKNOWN: -0.5, GOOD: 0, NOT_EXPECTED: 1}
"""Place of a status in the order of cells, in which those with failures have minus their number."""


def _cell(status: int, failed: int, counts: bool) -> str:
    """Make a cell of a matrix: a sign, and the number of what failed."""
    look = LOOKS[status]
    place = -max(failed, 1) if status == FAILED else _SORTED[status]
    text = f" {failed}" if status == FAILED and failed else ""
    style = look.style if counts else f"{look.style} nc"
    return f'<td class="{style}" data-sort="{place}" title="{look.word}">{look.sign}{text}</td>'


def detectorMatrix(
    site: Site, product: ProductReport, detectors: Sequence[int], *, up: str = "../"
) -> Markup:
    """Make the matrix of a product: detectors by tests.

    Parameters
    ----------
    site
        The report and its files.
    product
        The product.
    detectors
        Indices of the detectors to list, in this order.
    up
        Way from the page to the folder of the report.

    Returns
    -------
    matrix
        A table with the number of failed amplifiers in each cell.
    """
    tests = [i for i, each in enumerate(product.tests) if each.test.isTested and each.test.row != "exposure"]
    layout, status = site.report.layout, site.detectorStatus[product.name]
    codes = [shownStatus(product.tests[i], product.matrix[:, i]) for i in tests]
    rows = []
    for detector in detectors:
        overall = int(status[detector])
        cells = "".join(
            _cell(
                int(code[detector]) if overall != NOT_EXPECTED else NOT_EXPECTED,
                int(product.failed[detector, i]),
                product.tests[i].test.counts,
            )
            for i, code in zip(tests, codes, strict=True)
        )
        look = LOOKS[overall]
        address = up + site.addressOf(product, detector)
        rows.append(
            makeRow(
                look.style,
                headCell(makeLink(address, str(layout.detectorName[detector]))),
                numberCell(int(layout.detectorId[detector])),
                textCell(layout.physicalType[detector]),
                statusCell(overall),
                numberCell(int(product.nAmpsMissing[detector])),
                cells,
            )
        )
    columns = [
        Column("detector"),
        Column("id"),
        Column("type"),
        Column("status", "Over all tests whose verdicts count, and all exposures."),
        Column("missing", "Amplifiers without results in some exposure."),
        *(testColumn(product.tests[i].test) for i in tests),
    ]
    caption = (
        f"{product.title}: detectors by tests, with the number of amplifiers that failed in some exposure"
    )
    return makeTable(f"matrix-{site.productStems[product.name]}", caption, columns, rows, style="grid cells")


def raftMatrix(site: Site) -> Markup:
    """Make the matrix of all products: tests by rafts, with the number of detectors that failed."""
    names = site.raftNames
    columns = [Column("product"), Column("test"), Column("failed"), Column("unknown")]
    columns += [
        Column(Markup('<a href="{}">{}</a>').format(site.raftFiles[i], name)) for i, name in enumerate(names)
    ]
    rows = (row for product in site.report.products for row in _raftRows(site, product))
    caption = "Tests by rafts: number of detectors that failed, or are unknown, in some exposure"
    return makeTable("rafts", caption, columns, rows, style="grid")


def _raftRows(site: Site, product: ProductReport) -> Iterable[str]:
    """Make the rows of the tests of a product whose verdicts count."""
    expected = site.detectorStatus[product.name] != NOT_EXPECTED
    address = site.productFile(product)
    matrix_name = f"matrix-{site.productStems[product.name]}"
    for i, each in enumerate(product.tests):
        if not each.test.counts or each.test.verdict or each.test.row == "exposure":
            continue
        status = shownStatus(each, product.matrix[:, i])
        counts = [_countByRaft(site, expected & (status == code)) for code in (FAILED, UNKNOWN, GOOD)]
        cells = []
        for raft, (failed, unknown, good) in enumerate(zip(*(c.tolist() for c in counts), strict=True)):
            link = f"{address}#find.{matrix_name}={quote(site.raftNames[raft] + '_')}"
            cells.append(_raftCell(failed, unknown, good, link))
        failed, unknown = int(counts[0].sum()), int(counts[1].sum())
        style = "f" if failed else "u" if unknown else "g"
        yield makeRow(
            style,
            headCell(makeLink(address, product.title)),
            textCell(each.test.key, "key"),
            numberCell(failed),
            numberCell(unknown),
            *cells,
        )


def _countByRaft(site: Site, chosen: BoolArray) -> IndexArray:
    return np.bincount(site.rafts.raft[chosen], minlength=len(site.raftNames))


def _raftCell(failed: int, unknown: int, good: int, link: str) -> str:
    """Make the cell of a raft: numbers of failed and unknown detectors, or a sign if there are none."""
    if failed:
        text = f"✗ {failed}" + (f" ? {unknown}" if unknown else "")
        return f'<td class="f" data-sort="{-failed}"><a href="{escape(link)}">{text}</a></td>'
    if unknown:
        return f'<td class="u" data-sort="-0.5"><a href="{escape(link)}">? {unknown}</a></td>'
    return '<td class="g" data-sort="0">✓</td>' if good else '<td class="x" data-sort="1">·</td>'
