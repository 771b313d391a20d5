# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Plots and postage stamps as figures of a page."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape

from lsst.analysis.cp.metrics import nameDataset
from lsst.analysis.cp.report.model import PlotEntry, ProductReport
from lsst.analysis.cp.report.stamps import foremostRows

from .cells import Column, makeLink, numberOf
from .site import Site

__all__ = ["STRUCTURE_COLUMNS", "listPlots", "stampFigures", "structureRows"]


def listPlots(site: Site, entries: Iterable[PlotEntry], *, up: str = "../") -> Markup:
    """Show plots that are in the folder, and name the others by their datasets.

    Parameters
    ----------
    site
        The report and its files.
    entries
        The plots.
    up
        Way from the page to the folder of the report.

    Returns
    -------
    figures
        Markup; empty if there are no plots.
    """
    shown, named = [], []
    for entry in entries:
        if (copied := site.plots.get(entry.ref.id)) is not None:
            shown.append(
                f'<figure><a href="{up}{copied.file}"><img src="{up}{copied.thumbnail}" loading="lazy" '
                f'alt="{escape(entry.title)}"></a><figcaption>{escape(entry.title)}'
                f"<small> {escape(_nameEpoch(entry))}{escape(entry.kind)}</small></figcaption></figure>"
            )
        else:
            dataset = f"{nameDataset(entry.ref)}, id {entry.ref.id}"
            named.append(f"<li>{escape(entry.title)}: <code>{escape(dataset)}</code></li>")
    parts = [f'<div class="plots">{"".join(shown)}</div>'] if shown else []
    if named:
        parts.append(
            f"<details><summary>{len(named)} plots that are in the repository only</summary>"
            f"<ul>{''.join(named)}</ul></details>"
        )
    return Markup("".join(parts))


def _nameEpoch(entry: PlotEntry) -> str:
    """Name the exposure or visit, and the detector, of a plot."""
    ids = entry.ref.dataId.required
    return "".join(f"{name} {ids[name]}, " for name in ("exposure", "visit", "detector") if name in ids)


STRUCTURE_COLUMNS = (
    Column("rank"),
    Column("exposure"),
    Column("detector"),
    Column("amplifier"),
    Column("kind"),
    Column("score", "Significance, in standard deviations."),
    Column("threshold", "Significance from which it is reported."),
    Column("amplitude", "Height, in the unit of the image."),
    Column("x", "Column of the centre, pixels of the detector."),
    Column("y", "Row of the centre."),
    Column("width"),
    Column("height"),
)
"""Columns of a table of structures."""


def structureRows(site: Site, product: ProductReport, number: int, *, up: str = "../") -> list[str]:
    """Make the rows of the foremost structures of a product.

    Parameters
    ----------
    site
        The report and its files.
    product
        The product.
    number
        How many at most.
    up
        Way from the page to the folder of the report.

    Returns
    -------
    rows
        Markup, for `STRUCTURE_COLUMNS`.
    """
    rows = []
    for one in product.structures[:number]:
        cells = []
        for column in STRUCTURE_COLUMNS:
            if column.name not in product.structures.colnames:
                cells.append("<td>–</td>")
            elif column.name == "detector":
                cells.append(f"<td>{_detectorLink(site, int(one['detector']), up)}</td>")
            elif column.name in ("amplifier", "kind"):
                cells.append(f"<td>{escape(str(one[column.name]))}</td>")
            else:
                text, attribute = numberOf(one[column.name].item())
                cells.append(f'<td class="n"{attribute}>{text}</td>')
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return rows


def _detectorLink(site: Site, detector: int, up: str) -> Markup:
    """Link to the page of a detector, by its id."""
    index = {value: i for i, value in enumerate(site.report.layout.detectorId.tolist())}.get(detector)
    if index is None:
        return Markup(escape(str(detector)))
    return makeLink(up + site.detectorFiles[index], str(site.report.layout.detectorName[index]))


def stampFigures(site: Site, product: ProductReport, number: int, *, up: str = "../") -> Markup:
    """Show the stamps of the foremost structures of a product.

    Parameters
    ----------
    site, product, up
        As of `structureRows`.
    number
        How many at most.

    Returns
    -------
    figures
        Markup; empty if there are no stamps.
    """
    figures = []
    for row in foremostRows(product)[:number]:
        if (stamp := site.stamps.get((product.name, row))) is None:
            continue
        one = product.structures[row]
        exposure = f", exposure {one['exposure']}" if "exposure" in product.structures.colnames else ""
        words = f"{one['kind']}, {one['amplifier']} {float(one['score']):.3g} σ{exposure}"
        figures.append(
            f'<figure><img class="pixels" src="{up}{stamp.file}" loading="lazy" alt="{escape(words)}">'
            f"<figcaption>{_detectorLink(site, int(one['detector']), up)} {escape(words)}"
            f"<br><small>{escape(stamp.caption)}</small></figcaption></figure>"
        )
    return Markup(f'<div class="plots">{"".join(figures)}</div>' if figures else "")
