# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The page of a detector: every statistic of its amplifiers, why it is not good, and its plots."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from markupsafe import Markup

from lsst.analysis.cp.core.amps import FAILED, UNKNOWN
from lsst.analysis.cp.report.model import PlotEntry, ProductReport, ReportedTest

from .cells import Column, headCell, makeLink, makeRow, makeTable, numberCell, statusCell, textCell
from .culprits import COLUMNS, Culprits
from .figures import listPlots
from .maps import makeMap
from .site import Site
from .status import LOOKS, shownStatus, worstStatus
from .tests import limitOf, memberCells, remarkOf, testColumn

__all__ = ["DetectorPages"]

_HISTORY = "TrendPlot"
"""Class of the plots of histories, which show all detectors."""

_WHOLE = (
    Column("test"),
    Column("limit"),
    Column("value"),
    Column("tested"),
    Column("status"),
    Column("exposures failed"),
    Column("worst exposure"),
)


class DetectorPages:
    """Makes the contents of the pages of detectors, one after another.

    Parameters
    ----------
    site
        The report and its files.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        report = site.report
        self._culprits = {product.name: Culprits(product.culprits) for product in report.products}
        self._ampStatus = worstStatus(site.ampStatus.values(), report.layout.nAmps)
        self._plots = {product.name: _plotsByDetector(product) for product in report.products}
        self._histories = {
            product.name: listPlots(site, [entry for entry in product.plots if entry.kind == _HISTORY])
            for product in report.products
        }

    def contents(self, detector: int) -> dict[str, Any]:
        """Make what the template of the page takes.

        Parameters
        ----------
        detector
            Index of the detector in the layout.

        Returns
        -------
        contents
            By the names in the template.
        """
        site, layout = self._site, self._site.report.layout
        order = site.detectorOrder.tolist()
        place = order.index(detector)
        raft = int(site.rafts.raft[detector])
        shown = [product for product in site.report.products if site.expects(product, detector)]
        return {
            "name": str(layout.detectorName[detector]),
            "id": int(layout.detectorId[detector]),
            "kind": f"{layout.detectorType[detector]}, {layout.physicalType[detector]}",
            "raft": makeLink(f"../{site.raftFiles[raft]}", site.raftNames[raft]),
            "raftName": site.raftNames[raft],
            "raftFile": site.raftFiles[raft],
            "previous": site.detectorFiles[order[place - 1]] if place else "",
            "next": site.detectorFiles[order[place + 1]] if place + 1 < len(order) else "",
            "map": self._map(detector, shown),
            "overview": self._overview(detector, shown),
            "sections": [self._section(product, detector) for product in shown],
            "others": [
                product.title for product in site.report.products if not site.expects(product, detector)
            ],
        }

    def _ampSpan(self, detector: int) -> tuple[int, int]:
        """Get the first amplifier of a detector, and the one behind the last."""
        layout = self._site.report.layout
        start = int(layout.firstAmp[detector])
        return start, start + int(layout.ampsPerDetector[detector])

    def _map(self, detector: int, products: Iterable[ProductReport]) -> Markup:
        """Draw the amplifiers, each leading to its row in the first table in which it is worst."""
        layout, geometry = self._site.report.layout, self._site.report.geometry
        start, stop = self._ampSpan(detector)
        addresses, titles = [], []
        for amp in range(start, stop):
            status, name = int(self._ampStatus[amp]), str(layout.ampName[amp])
            own = [each for each in products if self._site.ampStatus[each.name][amp] == status]
            addresses.append(f"#{anchorOf(self._site, own[0], name)}" if own else "#content")
            titles.append(f"{name}: {LOOKS[status].word}" + (f" ({own[0].title})" if own else ""))
        return makeMap(
            f"Amplifiers of {layout.detectorName[detector]}",
            geometry.ampCorners[start:stop],
            self._ampStatus[start:stop],
            addresses,
            titles,
            names=layout.ampName[start:stop].tolist(),
            outlines=geometry.detectorCorners[detector : detector + 1],
            style="small",
        )

    def _overview(self, detector: int, products: Iterable[ProductReport]) -> Markup:
        """Make the table of products with the status of the detector."""
        site = self._site
        start, stop = self._ampSpan(detector)
        rows = []
        for product in products:
            status = int(site.detectorStatus[product.name][detector])
            amps = site.ampStatus[product.name][start:stop]
            failing = [
                each.test.key
                for i, each in enumerate(product.tests)
                if each.test.counts and not each.test.verdict and product.matrix[detector, i] == FAILED
            ]
            rows.append(
                makeRow(
                    LOOKS[status].style,
                    headCell(makeLink(f"#{site.productStems[product.name]}", product.title)),
                    statusCell(status),
                    numberCell(int(np.count_nonzero(amps == FAILED))),
                    numberCell(int(np.count_nonzero(amps == UNKNOWN))),
                    numberCell(int(product.nAmpsMissing[detector])),
                    textCell(", ".join(failing)),
                )
            )
        columns = [
            Column("product"),
            Column("status", "Over all tests whose verdicts count, and all exposures."),
            Column("amplifiers failed"),
            Column("unknown", "Amplifiers without a verdict in some exposure."),
            Column("missing", "Amplifiers without results in some exposure."),
            Column("failed tests"),
        ]
        return makeTable("overview", "The detector in each product", columns, rows)

    def _section(self, product: ProductReport, detector: int) -> Mapping[str, Any]:
        site = self._site
        stem = site.productStems[product.name]
        status = int(site.detectorStatus[product.name][detector])
        culprits, n_more = self._culprits[product.name].of(int(site.report.layout.detectorId[detector]))
        return {
            "anchor": stem,
            "title": product.title,
            "look": LOOKS[status],
            "page": site.productFile(product),
            "note": product.product.note,
            "amplifiers": self._ampTable(product, detector),
            "whole": self._wholeTable(product, detector),
            "culprits": makeTable(f"{stem}-culprits", "What is not good", COLUMNS, culprits)
            if culprits
            else "",
            "nMore": n_more,
            "plots": listPlots(
                site, self._plots[product.name].get(int(site.report.layout.detectorId[detector]), [])
            ),
            "histories": self._histories[product.name],
        }

    def _ampTable(self, product: ProductReport, detector: int) -> Markup | str:
        tests = [each for each in product.tests if each.test.row == "amplifier"]
        if not tests:
            return ""
        start, stop = self._ampSpan(detector)
        n_exposures = len(product.exposures)
        cells = zip(*(memberCells(each, start, stop, n_exposures) for each in tests), strict=True)
        statuses = self._site.ampStatus[product.name][start:stop].tolist()
        names = self._site.report.layout.ampName[start:stop].tolist()
        rows = (
            makeRow(LOOKS[status].style, headCell(name), *row, anchor=anchorOf(self._site, product, name))
            for name, status, row in zip(names, statuses, cells, strict=True)
        )
        stem = self._site.productStems[product.name]
        columns = [Column("amplifier"), *(testColumn(each.test) for each in tests)]
        caption = f"{product.title}: amplifiers by test; below a value is the tested quantity, if another"
        caption += ", in how many exposures it failed, and the worst exposure." if n_exposures else "."
        return makeTable(f"{stem}-amplifiers", caption, columns, rows, style="cells")

    def _wholeTable(self, product: ProductReport, detector: int) -> Markup | str:
        tests = [each for each in product.tests if each.test.row == "detector"]
        if not tests:
            return ""
        stem = self._site.productStems[product.name]
        rows = (_wholeRow(each, detector) for each in tests)
        return makeTable(f"{stem}-detector", f"{product.title}: the detector as a whole", _WHOLE, rows)


def anchorOf(site: Site, product: ProductReport, amplifier: str) -> str:
    """Name the row of an amplifier in the table of a product, without characters that end an address."""
    plain = "".join(char if char.isascii() and char.isalnum() else f"_{ord(char):x}" for char in amplifier)
    return f"{site.productStems[product.name]}-{plain}"


def _wholeRow(each: ReportedTest, detector: int) -> str:
    """Make the row of a test of detectors."""
    test = each.test
    status = int(shownStatus(each)[detector])
    worst = int(each.worstExposure[detector])
    verdict = statusCell(status) if test.isTested else textCell(remarkOf(test), "x")
    counts = f"{each.nFailed[detector]} of {each.nTested[detector]}" if test.isTested else "–"
    return makeRow(
        "",
        headCell(test.key),
        textCell(limitOf(test)),
        numberCell(float(each.value[detector])),
        numberCell(float(each.quantity[detector])),
        verdict,
        textCell(counts, "n"),
        numberCell(worst if worst >= 0 else math.nan),
    )


def _plotsByDetector(product: ProductReport) -> Mapping[int, list[PlotEntry]]:
    """Sort plots of detectors by the ids of these."""
    found: dict[int, list[PlotEntry]] = {}
    for entry in product.plots:
        if entry.level == "detector":
            found.setdefault(int(entry.ref.dataId["detector"]), []).append(entry)
    return found
