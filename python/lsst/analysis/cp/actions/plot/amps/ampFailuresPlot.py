# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.ticker import NullFormatter

from lsst.analysis.cp.actions.keyedData import getAmpTable
from lsst.analysis.cp.actions.plot.glyphs import drawGlyphs
from lsst.analysis.cp.actions.plot.page import Page
from lsst.analysis.cp.actions.plot.polygons import drawHatched, drawPolygons
from lsst.analysis.cp.actions.plot.style import NO_VALUE, OUTLINE
from lsst.analysis.cp.actions.plot.text import chooseTitle, describeProvenance, listFirst, plural
from lsst.analysis.cp.catalogue import VerifyTest
from lsst.analysis.cp.core.amps import AmpTable, NameFailures, failuresByName, nameAmps
from lsst.analysis.cp.core.geometry import boxCorners
from lsst.analysis.cp.core.typing import BoolArray, FloatArray, IndexArray, NameArray
from lsst.analysis.tools.interfaces import KeyedData
from lsst.utils.plotting import make_figure

from .ampTablePlot import AmpTablePlot, hasRows, orderTests
from .tableView import explainMarks, markTest

__all__ = ["AmpFailuresPlot", "AmpFailuresView", "NamePanel", "drawNamePanel"]

_DPI = 200

# Sizes on the page, in inches.
_LEFT = 0.7
_HEADER = 0.8
_BOTTOM = 0.75
_WORDS = 3.9
_PANEL = (0.85, 0.38)
"""Height of a panel, and the room above it."""
_WIDTHS = (6.5, 12.0)
"""Least and greatest width of a panel."""

_FLOOR = 0.5
"""Where bars begin on the logarithmic axis: there is no zero."""
_HALF = 0.4
"""Half of the width of an amplifier, of which the distance to the next is 1."""
_MOST_NAMES = 64
"""Names of amplifiers up to which each is written."""
_COLOURS = ("#0072b2", "#e69f00")
"""Bars of the sensors that are counted, and of the others."""
_INSIDE = ("white", "black")
"""Numbers in these bars."""
_ZERO = 0.07
"""Where zeros stand, in parts of the height of a panel."""
_NEAR = 2.4
"""How many times those that failed are those tested, from which the number has room between them."""
_DASHES: tuple[Literal["-"], Literal[":"]] = ("-", ":")
"""Lines of the same, at how many were tested."""


@dataclass(frozen=True, kw_only=True, eq=False)
class NamePanel:
    """Failures of one test by the name of the amplifier.

    Parameters
    ----------
    label
        Name of the test, and how many failed.
    counts
        The counts of the sensors that are counted, and of the others if these have rows.
    wasRun
        Whether a row without a verdict is unknown.
    """

    label: str
    counts: tuple[NameFailures, ...]
    wasRun: bool

    def untested(self, group: int) -> BoolArray:
        """Tell which names have no verdict though they should, shape (nNames,)."""
        counts = self.counts[group]
        return (counts.nTested == 0) & (counts.nExpected > 0) & self.wasRun


@dataclass(frozen=True, kw_only=True, eq=False)
class AmpFailuresView:
    """Everything that the plot shows.

    Parameters
    ----------
    names
        Names of the amplifiers, shape (nNames,).
    groups
        Of which sensors the counts of each panel are.
    panels
        The tests.
    title, headline
        What is shown, and the verdict on it.
    failing
        Whether anything failed a test that counts.
    provenance
        Lines that say where the data come from.
    lists
        Lists beside the plot, each a title and lines.
    message
        Why there is nothing to see; empty if there is.
    """

    names: NameArray
    groups: tuple[str, ...]
    panels: tuple[NamePanel, ...]
    title: str
    headline: str
    failing: bool
    provenance: tuple[str, ...]
    lists: tuple[tuple[str, ...], ...]
    message: str


class AmpFailuresPlot(AmpTablePlot):
    """Failures of each test by the name of the amplifier, over exposures and detectors, of any product.

    How many were tested is marked beside how many failed, on a logarithmic axis. Sensors that the head does
    not count have bars of their own.
    """

    def __call__(self, data: KeyedData, **kwargs: Any) -> Mapping[str, Figure] | Figure:
        """Make the figure, with ``plotInfo`` as `prepare` takes it."""
        return makeAmpFailuresFigure(self.prepare(data, kwargs.get("plotInfo")))

    def wants(self, test: VerifyTest) -> bool:
        """Tell whether the plot shows a test."""
        return test.isTested and test.row == "amplifier"

    def prepare(self, data: KeyedData, plotInfo: Mapping[str, object] | None = None) -> AmpFailuresView:
        """Count; no matplotlib is involved.

        Parameters
        ----------
        data
            Encoded results.
        plotInfo
            Data ID, ``plotName``, ``run`` and ``tableName``; any may be absent.

        Returns
        -------
        view
            The view to draw.
        """
        table = getAmpTable(data)
        tests = tuple(orderTests(table, "amplifier"))
        counted = self.chooseCounted(table)
        masks, groups = [counted], [self.nameCounted(counted)]
        if (others := ~counted & hasRows(table)).any():
            masks.append(others)
            groups.append("other sensors")
        panels = tuple(_makePanel(table, test, masks) for test in tests)
        names, _ = nameAmps(table.layout.ampName)
        failed = [panel.counts[0].nFailed for panel, test in zip(panels, tests, strict=True) if test.counts]
        total = np.sum(failed, axis=0) if failed else np.zeros(len(names), dtype=np.intp)
        n_exposures = plural(len(table.exposures), "exposure")
        headline = f"{plural(int(total.sum()), 'failure')} of amplifiers of {groups[0]} in {n_exposures}"
        return AmpFailuresView(
            names=names,
            groups=tuple(groups),
            panels=panels,
            title=chooseTitle(self.title, {}, f"{table.product.title}: failures by name of the amplifier"),
            headline=headline,
            failing=bool(total.any()),
            provenance=describeProvenance(plotInfo or {}, ()),
            lists=(
                explainMarks(tests),
                _listWorst(names, total, self.nListed),
            ),
            message="" if len(table) else "No data to show",
        )


def _makePanel(table: AmpTable, test: VerifyTest, masks: list[BoolArray]) -> NamePanel:
    """Count the failures of one test, and say how many there are."""
    counts = tuple(failuresByName(table, test, mask) for mask in masks)
    failed, tested = int(counts[0].nFailed.sum()), int(counts[0].nTested.sum())
    was_run = table.wasRun(test)
    words = f"{failed} of {tested} tested failed"
    if not was_run:
        words = f"{plural(failed, 'failure')} recorded; not tested, or recorded only where it fails"
    elif n_unknown := int(counts[0].nExpected.sum()) - tested:
        words += f", {n_unknown} not tested"
    return NamePanel(label=f"{markTest(test)}: {words}", counts=counts, wasRun=was_run)


def _listWorst(names: NameArray, total: IndexArray, nListed: int) -> tuple[str, ...]:
    """Name the amplifiers with the most failures of tests that count."""
    order = np.flatnonzero(total)
    order = order[np.argsort(-total[order], kind="stable")]
    lines = [f"{names[i]:<6} {total[i]}" for i in order.tolist()]
    return listFirst("Failures of tests that count", lines, nListed)


def drawNamePanel(
    ax: Axes, view: AmpFailuresView, panel: NamePanel
) -> tuple[PolyCollection | PathPatch, ...]:
    """Draw the bars of one test with the numbers of those tested, and return the bars and hatched places."""
    n_names = len(view.names)
    most = max(int(counts.nTested.max(initial=0)) for counts in panel.counts)
    top = 6.0 * max(most, 1)
    ax.set_yscale("log")
    ax.set(xlim=(-0.6, n_names - 0.4), ylim=(_FLOOR, top))
    ax.yaxis.set_major_formatter("{x:.0f}")
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.tick_params(labelsize=7)
    ax.set_title(panel.label, fontsize=8.5, loc="left", pad=3)
    drawn: list[PolyCollection | PathPatch] = []
    width = 2 * _HALF / len(panel.counts)
    for group, counts in enumerate(panel.counts):
        left = (np.arange(n_names) - (_HALF - group * width)).astype(np.float64)
        failed, tested = counts.nFailed > 0, counts.nTested > 0
        if failed.any():
            heights = counts.nFailed.astype(np.float64)
            bars = _makeBoxes(left, width, heights)[failed]
            drawn.append(drawPolygons(ax, bars, facecolor=_COLOURS[group], edgecolor="white", linewidth=0.3))
        if panel.wasRun:
            looks: dict[str, Any] = {"color": OUTLINE, "linewidth": 1.2, "linestyle": _DASHES[group]}
            ax.hlines(counts.nTested[tested], left[tested], left[tested] + width, **looks)
        untested = panel.untested(group)
        hatched = drawHatched(ax, _makeBoxes(left, width, np.full(n_names, top))[untested], NO_VALUE)
        if hatched is not None:
            drawn.append(hatched)
        known = tested if panel.wasRun else failed
        texts = np.where(untested, "?", np.where(known, counts.nFailed.astype(np.str_), ""))
        # In the bar where it would be on the line of those tested.
        inside = failed & panel.wasRun & (counts.nTested < _NEAR * counts.nFailed)
        heights = np.where(inside, 1 / 1.4, 1.5) * counts.nFailed
        heights = np.where(failed, heights, _FLOOR * (top / _FLOOR) ** _ZERO)
        heights = np.where(untested, np.sqrt(_FLOOR * top), heights)
        places = np.column_stack([left + 0.5 * width, heights])
        emphasised = failed | untested
        for chosen, colour, weight in (
            (inside, _INSIDE[group], "bold"),
            (emphasised & ~inside, "black", "bold"),
            (~emphasised, "0.45", "normal"),
        ):
            drawGlyphs(ax, texts[chosen], places[chosen], 6.0, colour=colour, weight=weight)
    return tuple(drawn)


def _makeBoxes(left: FloatArray, width: float, heights: FloatArray) -> FloatArray:
    """Return the corners of bars, shape (n, 4, 2)."""
    floor = np.full(len(left), _FLOOR)
    return boxCorners(np.column_stack([left, floor, left + width, heights]))


def makeAmpFailuresFigure(view: AmpFailuresView) -> Figure:
    """Lay out panels, key, lists and provenance on a figure with an Agg canvas."""
    n_panels = max(len(view.panels), 1)
    width = float(np.clip(0.5 * len(view.names), *_WIDTHS))
    pitch = sum(_PANEL)
    height = max(_BOTTOM + n_panels * pitch + _HEADER, 5.0)
    words_left = _LEFT + width + 0.25
    page = Page(make_figure(figsize=(words_left + _WORDS, height), dpi=_DPI), words_left)
    top = height - _HEADER
    for number, panel in enumerate(view.panels):
        ax = page.addAxes(_LEFT, top - (number + 1) * pitch, width, _PANEL[0])
        drawNamePanel(ax, view, panel)
        step = -(-len(view.names) // _MOST_NAMES)
        last = number == len(view.panels) - 1
        ax.set_xticks(np.arange(len(view.names))[::step], view.names[::step] if last else [])
        if last:
            ax.set_xlabel("amplifier", fontsize=8)
            if max(map(len, view.names.tolist()), default=0) * len(view.names[::step]) > 14 * width:
                ax.tick_params(axis="x", rotation=90)
    if view.message or not view.panels:
        message = view.message or "No test of amplifiers"
        page.figure.text(0.3, 0.5, message, ha="center", fontsize=12,
                         bbox={"facecolor": "white", "edgecolor": OUTLINE})  # fmt: skip
    page.writeHeader(view.title, view.headline, view.provenance, emphasise=view.failing)
    key: list[Any] = []
    for group, sensors in enumerate(view.groups):
        key.append(Patch(facecolor=_COLOURS[group], label=f"failed, {sensors}"))
        tested = Line2D([], [], color=OUTLINE, linewidth=1.2, linestyle=_DASHES[group])
        tested.set_label(f"tested, {sensors}")
        key.append(tested)
    if any(panel.untested(group).any() for panel in view.panels for group in range(len(panel.counts))):
        face, hatch, edge = NO_VALUE
        key.append(Patch(facecolor=face, hatch=hatch, edgecolor=edge, label="? none was tested"))
    y = page.writeKey(top - 0.1, key)
    for lines in view.lists:
        y = page.writeLines(y, lines, _BOTTOM)
    return page.figure
