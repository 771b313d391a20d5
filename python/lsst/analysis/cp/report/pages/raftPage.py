# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The page of a raft: its amplifiers on a map, its detectors by products and tests, and its plots."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup

from lsst.analysis.cp.core.typing import IndexArray

from .cells import Column, headCell, makeLink, makeRow, makeTable, numberCell, statusCell, textCell
from .figures import listPlots
from .maps import makeMap
from .matrix import detectorMatrix
from .site import Site
from .status import LOOKS, NOT_EXPECTED, worstStatus

__all__ = ["raftContents"]


def raftContents(site: Site, raft: int) -> dict[str, Any]:
    """Make what the template of the page takes.

    Parameters
    ----------
    site
        The report and its files.
    raft
        Index of the raft.

    Returns
    -------
    contents
        By the names in the template.
    """
    members = site.detectorOrder[site.rafts.raft[site.detectorOrder] == raft]
    return {
        "name": site.raftNames[raft],
        "nDetectors": len(members),
        "previous": site.raftFiles[raft - 1] if raft else "",
        "next": site.raftFiles[raft + 1] if raft + 1 < len(site.raftFiles) else "",
        "map": _makeMap(site, raft, members),
        "overview": _overview(site, members),
        "sections": [
            {
                "anchor": site.productStems[product.name],
                "title": product.title,
                "page": site.productFile(product),
                "matrix": detectorMatrix(site, product, members.tolist()),
                "plots": listPlots(
                    site,
                    [
                        entry
                        for entry in product.plots
                        if entry.level == "raft" and entry.raft == site.rafts.name[raft]
                    ],
                ),
            }
            for product in site.report.products
            if any(site.expects(product, detector) for detector in members.tolist())
        ],
    }


def _makeMap(site: Site, raft: int, members: IndexArray) -> Markup:
    """Draw the amplifiers of a raft over all products."""
    layout, geometry = site.report.layout, site.report.geometry
    amps = np.flatnonzero(np.isin(layout.ampDetector, members))
    status = worstStatus((each[amps] for each in site.ampStatus.values()), len(amps))
    detectors = layout.ampDetector[amps].tolist()
    titles = [
        f"{layout.detectorName[detector]} {name}: {LOOKS[code].word}"
        for detector, name, code in zip(
            detectors, layout.ampName[amps].tolist(), status.tolist(), strict=True
        )
    ]
    return makeMap(
        f"Amplifiers of raft {site.raftNames[raft]}",
        geometry.ampCorners[amps],
        status,
        [f"../{site.detectorFiles[detector]}" for detector in detectors],
        titles,
        outlines=geometry.detectorCorners[members],
        outlineNames=layout.detectorName[members].tolist(),
    )


def _overview(site: Site, members: IndexArray) -> Markup:
    """Make the table of detectors by products."""
    layout, products = site.report.layout, site.report.products
    rows = []
    for detector in members.tolist():
        statuses = [int(site.detectorStatus[product.name][detector]) for product in products]
        worst = next((code for code in LOOKS if code in statuses), NOT_EXPECTED)
        rows.append(
            makeRow(
                LOOKS[worst].style,
                headCell(makeLink(f"../{site.detectorFiles[detector]}", str(layout.detectorName[detector]))),
                numberCell(int(layout.detectorId[detector])),
                textCell(layout.physicalType[detector]),
                *map(statusCell, statuses),
            )
        )
    columns = [Column("detector"), Column("id"), Column("type"), *(Column(each.title) for each in products)]
    return makeTable("overview", "Detectors by products", columns, rows)
