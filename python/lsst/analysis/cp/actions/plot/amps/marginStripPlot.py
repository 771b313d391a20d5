# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, SymmetricalLogLocator

from lsst.analysis.cp.actions.keyedData import getAmpTable
from lsst.analysis.cp.actions.plot.histogram import chooseKindLooks
from lsst.analysis.cp.actions.plot.page import Page
from lsst.analysis.cp.actions.plot.style import FAILING, OUTLINE, KindLook
from lsst.analysis.cp.actions.plot.text import (
    chooseTitle,
    describeLimits,
    describeProvenance,
    describeQuantity,
    formatNumber,
    plural,
    shorten,
)
from lsst.analysis.cp.catalogue import VerifyTest
from lsst.analysis.cp.core.amps import AmpTable, margins, marginUnit
from lsst.analysis.cp.core.typing import FloatArray, NameArray
from lsst.analysis.tools.interfaces import KeyedData
from lsst.utils.plotting import make_figure

from .ampTablePlot import AmpTablePlot, orderTests
from .tableView import explainMarks, markTest

__all__ = ["MarginStrip", "MarginStripPlot", "MarginStripView", "drawStrip", "rankMargins"]

_DPI = 200

# Sizes on the page, in inches.
_LEFT = 0.85
_WIDTH = 8.0
_HEADER = 0.75
_BOTTOM = 0.6
_WORDS = 3.9
_PANEL = (1.25, 0.42)
"""Height of a strip, and the room above it."""

_QUANTITY = 60
"""Characters of a tested quantity."""

_SMALL = 0.2
"""Largest margin from which the axis shows less than one unit on both sides."""

_FAR = 8.0
"""Largest margin up to which there are ticks between powers of ten."""

_NAMED = 6
"""Amplifiers of each test that are named."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MarginStrip:
    """Margins of what one test judges, the worst first.

    Parameters
    ----------
    label
        The test, its limit, and how many are beyond it or have no margin.
    unit
        Unit of the margins.
    names
        What the margins belong to, shape (n,).
    margins
        Margins in rising order, the worst of each over exposures, shape (n,); infinite ones are among them.
    kinds
        Physical type of the sensors, shape (n,); empty for exposures.
    nUnknown
        How many have rows and no margin.
    """

    label: str
    unit: str
    names: NameArray
    margins: FloatArray
    kinds: NameArray
    nUnknown: int

    @property
    def worst(self) -> tuple[str, ...]:
        """The worst, one a line."""
        return tuple(
            f"{name}  {formatNumber(margin)}"
            for name, margin in zip(self.names[:_NAMED].tolist(), self.margins[:_NAMED].tolist(), strict=True)
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class MarginStripView:
    """Everything that the plot shows.

    Parameters
    ----------
    strips
        The tests.
    title, headline
        What is shown, and the verdict on it.
    failing
        Whether anything is beyond a limit that counts.
    provenance
        Lines that say where the data come from.
    marks
        Title and explanations of the marks of tests.
    """

    strips: tuple[MarginStrip, ...]
    title: str
    headline: str
    failing: bool
    provenance: tuple[str, ...]
    marks: tuple[str, ...]


def rankMargins(table: AmpTable, test: VerifyTest) -> MarginStrip:
    """Rank the amplifiers, detectors or exposures of a test by their worst margin."""
    rows, layout = table.rows[test.row], table.layout
    quantity = table.quantity(test)
    if quantity is None:
        raise ValueError(f"test {test.key!r} of {test.product} has no tested quantity")
    of_rows = margins(test, quantity, table.physicalType[test.row])
    if test.row == "exposure":
        names, kinds, member = (
            table.exposures.astype(np.str_),
            np.full(len(table.exposures), ""),
            rows.epochIndex,
        )
    else:
        is_amp = test.row == "amplifier"
        detector = layout.ampDetector if is_amp else np.arange(layout.nDetectors)
        names, kinds, member = layout.detectorName[detector], layout.physicalType[detector], rows.member
        if is_amp:
            names = np.char.add(np.char.add(names, " "), layout.ampName)
    known = ~np.isnan(of_rows)
    worst = np.full(len(names), np.inf)
    np.minimum.at(worst, member[known], of_rows[known])
    has_margin, present = (
        np.bincount(member[chosen], minlength=len(names)) > 0 for chosen in (known, slice(None))
    )
    order = np.flatnonzero(has_margin)
    order = order[np.argsort(worst[order], kind="stable")]
    n_unknown, n_beyond = int((present & ~has_margin).sum()), int((worst[order] < 0).sum())
    expression = shorten(describeQuantity(test.quantity or ""), _QUANTITY)
    words = f"{expression} {describeLimits(test)}: {n_beyond} of {len(order)} beyond"
    return MarginStrip(
        label=f"{markTest(test)}   {words}" + (f", {n_unknown} without a margin" if n_unknown else ""),
        unit=marginUnit(test),
        names=names[order],
        margins=worst[order],
        kinds=kinds[order],
        nUnknown=n_unknown,
    )


class MarginStripPlot(AmpTablePlot):
    """Margins to the limit of each test, ranked, the worst named; of any product with limits of any kind."""

    def __call__(self, data: KeyedData, **kwargs: Any) -> Mapping[str, Figure] | Figure:
        """Make the figure, with ``plotInfo`` as `prepare` takes it."""
        return makeStripFigure(self.prepare(data, kwargs.get("plotInfo")))

    def prepare(self, data: KeyedData, plotInfo: Mapping[str, object] | None = None) -> MarginStripView:
        """Rank; no matplotlib is involved.

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
        tests = [t for t in orderTests(table, "amplifier", "detector", "exposure") if t.quantity is not None]
        strips = tuple(rankMargins(table, test) for test in tests)
        counted = [strip for strip, test in zip(strips, tests, strict=True) if test.counts]
        n_beyond = sum(int((strip.margins < 0).sum()) for strip in counted)
        return MarginStripView(
            strips=strips,
            title=chooseTitle(self.title, {}, f"{table.product.title}: distance to the limits, ranked"),
            headline=f"{plural(n_beyond, 'margin')} beyond limits that count, "
            f"of {plural(len(counted), 'test')}",
            failing=n_beyond > 0,
            provenance=describeProvenance(plotInfo or {}, ()),
            marks=explainMarks(tests),
        )


def drawStrip(ax: Axes, strip: MarginStrip, looks: Mapping[str, KindLook]) -> tuple[PathCollection, ...]:
    """Draw margins against their rank; infinite ones are at the edge.

    There is a collection for each kind of sensor that occurs, in its look.
    """
    ax.set_title(strip.label, fontsize=8, loc="left", pad=3, parse_math=False)
    ax.set_ylabel(f"margin\n({strip.unit})" if strip.unit else "margin", fontsize=7.5)
    ax.tick_params(labelsize=7)
    ax.axhline(0.0, color=FAILING, linewidth=1.4)
    ax.set_xscale("log")
    ax.set_xlim(0.8, 1.25 * max(len(strip.margins), 2))
    finite = strip.margins[np.isfinite(strip.margins)]
    # One scale for what is near the limit and what is far beyond it; margins may all be small.
    largest = float(np.abs(finite).max(initial=0.0))
    unit = largest if 0 < largest < _SMALL else 1.0
    ax.set_yscale("symlog", linthresh=unit)
    # Where powers of ten are few, ticks between them tell that the scale is not linear beyond the unit.
    subs = (1.0, 2.0, 5.0) if largest < _FAR else (1.0,)
    ax.yaxis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=unit, subs=subs))
    ax.xaxis.set_major_formatter("{x:.0f}")
    ax.yaxis.set_major_formatter("{x:g}")
    low, high = min(finite.min(initial=0.0), -0.5 * unit), max(finite.max(initial=0.0), unit)
    ax.set_ylim(1.6 * low - 0.3 * unit, 1.6 * high + 0.3 * unit)
    if unit < 1.0:
        ax.set_yticks(MaxNLocator(4).tick_values(low, high))
    shown = np.clip(strip.margins, 1.5 * low - 0.2 * unit, 1.5 * high + 0.2 * unit)
    rank = np.arange(1, len(shown) + 1)
    drawn = []
    for kind, (colour, _, marker) in looks.items():
        if not (own := strip.kinds == kind).any():
            continue
        marks: dict[str, Any] = {"s": 9, "marker": marker, "color": colour, "linewidth": 0}
        drawn.append(ax.scatter(rank[own], shown[own], label=kind, zorder=3, **marks))
    if not len(strip.margins):
        ax.text(0.5, 0.6, "No margin", transform=ax.transAxes, ha="center", fontsize=9)
    return tuple(drawn)


def makeStripFigure(view: MarginStripView) -> Figure:
    """Lay out strips, key, names of the worst and provenance on a figure with an Agg canvas."""
    pitch = sum(_PANEL)
    height = _BOTTOM + max(len(view.strips), 2) * pitch + _HEADER
    words_left = _LEFT + _WIDTH + 0.25
    page = Page(make_figure(figsize=(words_left + _WORDS, height), dpi=_DPI), words_left)
    page.writeHeader(view.title, view.headline, view.provenance, emphasise=view.failing)
    top = height - _HEADER
    kinds: dict[str, PathCollection] = {}
    found = {kind for strip in view.strips for kind in strip.kinds.tolist()}
    # Exposures have no kind.
    looks = chooseKindLooks(found - {""}) | {"": (OUTLINE, "-", "o")}
    for number, strip in enumerate(view.strips):
        bottom = top - (number + 1) * pitch
        ax = page.addAxes(_LEFT, bottom, _WIDTH, _PANEL[0])
        kinds |= {str(drawn.get_label()): drawn for drawn in drawStrip(ax, strip, looks) if drawn.get_label()}
        page.writeLines(bottom + _PANEL[0] + 0.1, ("Worst, with its margin", *strip.worst), bottom - 0.1)
    if view.strips:
        ax.set_xlabel("rank", fontsize=8)
        ax.legend(
            handles=[*kinds.values(), Line2D([], [], color=FAILING, label="limit")],
            loc="upper left", bbox_to_anchor=(0.0, -0.28), ncols=6, fontsize=7, frameon=False,
        )  # fmt: skip
    else:
        page.figure.text(0.3, 0.5, "No test with a limit", ha="center", fontsize=12)
    page.writeLines(height - 0.1, view.marks)
    return page.figure
