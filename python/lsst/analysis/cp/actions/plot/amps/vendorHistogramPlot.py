# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, StepPatch

from lsst.analysis.cp.actions.keyedData import getAmpTable
from lsst.analysis.cp.actions.plot.histogram import (
    Histogram,
    chooseKindLooks,
    chooseTicks,
    countValues,
    drawSteps,
    styleCounts,
)
from lsst.analysis.cp.actions.plot.page import Page
from lsst.analysis.cp.actions.plot.style import FAILING, KindLook
from lsst.analysis.cp.actions.plot.text import (
    chooseTitle,
    describeLimits,
    describeProvenance,
    describeQuantity,
    fitNumber,
    formatNumber,
    plural,
    shorten,
    withUnit,
)
from lsst.analysis.cp.catalogue import ROWS, VerifyTest
from lsst.analysis.cp.core.amps import UNKNOWN, AmpTable, thresholdsOf
from lsst.analysis.cp.core.limits import robustLimits
from lsst.analysis.cp.core.typing import FloatArray, IndexArray, NameArray
from lsst.analysis.tools.interfaces import KeyedData
from lsst.pex.config import ListField
from lsst.utils.plotting import make_figure

from .ampTablePlot import AmpTablePlot
from .tableView import explainMarks, markTest

__all__ = ["VendorHistogramPlot", "VendorHistogramView", "VendorPanel", "drawVendorPanel", "fillVendorPanel"]

_DPI = 200

# Sizes on the page, in inches.
_LEFT = 0.6
_PANEL = (4.5, 1.25)
_GAP = 0.15
_WORDS = 3.6
_PITCH = (_LEFT + _PANEL[0] + _GAP + _WORDS, 2.0)
"""Distance of two panels beside each other, and above each other."""
_HEADER = 0.85
_BOTTOM = 0.4
_TITLE = 0.3
"""Room for the name of a test above its panel."""
_FEW = 3
"""Panels up to which they are all above each other."""

_BINS = 40
"""Bins in the range of the bulk of the values."""
_REACH = 5.0
"""Ranges of the bulk up to which the axis is longer, so that it holds a limit."""

_COLUMNS = {"values": 8, "failed": 7, "unknown": 8, "below": 6, "above": 6, "no row": 7}
"""Heads and widths of the numbers of each vendor."""
_VENDOR = 9
_LABEL = (110, 74)
"""Characters of the title of a panel, and of its axis."""


@dataclass(frozen=True, kw_only=True, eq=False)
class VendorPanel:
    """Distribution of one quantity by the vendor of the sensors.

    Parameters
    ----------
    label
        The test or statistic, and its limits.
    axisLabel
        The quantity, with its unit.
    noun
        What the values belong to, in the plural.
    bins
        Edges of the bins within the range, shape (nBins + 1,).
    isCount
        Whether the values are whole numbers.
    histogram
        Numbers of values.
    limits
        Each end that a limit has, with the vendors that it holds for; these are empty if it holds for all.
    numbers
        Numbers of each vendor of the camera, by the heads of their table: values, failed, unknown, beyond the
        ends of the bins, and what has no row though it should; shape (nVendors,).
    message
        Why there is nothing to see; empty if there is.
    """

    label: str
    axisLabel: str
    noun: str
    bins: FloatArray
    isCount: bool
    histogram: Histogram
    limits: tuple[tuple[str, float], ...]
    numbers: Mapping[str, IndexArray]
    message: str


@dataclass(frozen=True, kw_only=True, eq=False)
class VendorHistogramView:
    """Everything that the plot shows.

    Parameters
    ----------
    vendors
        Vendors of the camera, sorted.
    panels
        The quantities.
    title, headline
        What is shown, and the verdict on it.
    failing
        Whether anything failed a test that counts.
    provenance
        Lines that say where the data come from.
    marks
        Title and explanations of the marks of tests.
    """

    vendors: tuple[str, ...]
    panels: tuple[VendorPanel, ...]
    title: str
    headline: str
    failing: bool
    provenance: tuple[str, ...]
    marks: tuple[str, ...]


def fillVendorPanel(table: AmpTable, test: VerifyTest) -> VendorPanel:
    """Count the tested quantity of a test, or the statistic if nothing is tested, by vendor.

    Parameters
    ----------
    table
        Results.
    test
        A test or statistic of amplifiers or detectors.

    Returns
    -------
    panel
        What is to be drawn. Each row counts, so that of several exposures there are as many values.
    """
    layout = table.layout
    quantity = table.quantity(test)
    values = table.statistics[str(test.statisticColumn)] if quantity is None else quantity
    vendors = np.unique(layout.physicalType)
    kinds = table.physicalType[test.row]
    status = table.status(test)
    unknown = np.isnan(values) if status is None else status == UNKNOWN
    low, high = (
        thresholdsOf(test, vendors) if test.quantity is not None else np.full((2, len(vendors)), np.nan)
    )
    limits = _nameLimits(vendors, low) + _nameLimits(vendors, high)
    is_count = test.isCount and test.quantity is None
    bins = _chooseBins(values, kinds, [end for _, end in limits], isCount=is_count)
    of_member = layout.physicalType[layout.ampDetector if test.row == "amplifier" else slice(None)]

    def perVendor(chosen: Any, names: NameArray = kinds) -> IndexArray:
        return np.array([np.count_nonzero(names[chosen] == vendor) for vendor in vendors], dtype=np.intp)

    is_absent = not table.absentColumns.isdisjoint(test.statisticColumns)
    return VendorPanel(
        label=_labelPanel(test),
        axisLabel=shorten(
            withUnit(test.label or test.key, test.unit)
            if test.quantity is None
            else withUnit(describeQuantity(test.quantity), test.quantityUnit),
            _LABEL[1],
        ),
        noun=ROWS[test.row] if len(table.exposures) == 1 else f"results of {ROWS[test.row]}",
        bins=bins,
        isCount=is_count,
        histogram=countValues(values, kinds, bins),
        limits=limits,
        numbers={
            "values": perVendor(~np.isnan(values)),
            "failed": perVendor(table.failed(test)),
            "unknown": perVendor(unknown),
            "below": perVendor(values < bins[0]),
            "above": perVendor(values > bins[-1]),
            "no row": perVendor(slice(None), of_member) * len(table.exposures) - perVendor(slice(None)),
        },
        message="Not in the table" if is_absent else "No value" if np.isnan(values).all() else "",
    )


def _labelPanel(test: VerifyTest) -> str:
    """Name a test with its limits, or a statistic."""
    if test.quantity is None:
        return shorten(f"{test.key} (not tested)", _LABEL[0])
    return shorten(f"{markTest(test)}   passes: {describeLimits(test)}", _LABEL[0])


def _nameLimits(vendors: NameArray, ends: FloatArray) -> tuple[tuple[str, float], ...]:
    """Name the vendors of each different end, shape (nVendors,), that exists."""
    found = np.unique(ends[np.isfinite(ends)]).tolist()
    of_all = len(found) == 1 and bool((ends == found[0]).all())
    return tuple(("" if of_all else ", ".join(vendors[ends == end].tolist()), end) for end in found)


def _chooseBins(values: FloatArray, kinds: NameArray, ends: Iterable[float], *, isCount: bool) -> FloatArray:
    """Choose bins that hold the bulk of each vendor, and the limits unless these are far away.

    A vendor widens the range of all by half of it at most, so that a broken one hides no other.
    """
    finite = np.isfinite(values)
    bulk = robustLimits(values[finite])
    low, high = bulk.low, bulk.high
    if isCount and 0 <= low and high <= _BINS:
        return np.arange(np.ceil(high) + 2) - 0.5
    most = 0.5 * (high - low)
    for kind in np.unique(kinds[finite]).tolist():
        own = robustLimits(values[finite & (kinds == kind)])
        low, high = max(min(low, own.low), bulk.low - most), min(max(high, own.high), bulk.high + most)
    width = (high - low) / _BINS
    near = [end for end in ends if low - _REACH * (high - low) <= end <= high + _REACH * (high - low)]
    # There are two bins beyond a limit.
    n_before, n_after = (
        max([0, *(int(np.ceil(beyond / width)) + 2 for beyond in distances if beyond > -2 * width)])
        for distances in ([low - end for end in near], [end - high for end in near])
    )
    return np.concatenate(
        [
            low - width * np.arange(n_before, 0, -1),
            np.linspace(low, high, _BINS + 1),
            high + width * np.arange(1, n_after + 1),
        ]
    )


class VendorHistogramPlot(AmpTablePlot):
    """Histograms of tested quantities and statistics, split by the vendor of the sensors, of any product.

    The limits are drawn, of whatever kind; those that differ by vendor have names.
    """

    tests = ListField[str](
        doc="Keys of the tests and statistics to show; all of amplifiers and detectors that have a tested "
        "quantity, or a map of their own, if empty.",
        default=[],
    )

    def __call__(self, data: KeyedData, **kwargs: Any) -> Mapping[str, Figure] | Figure:
        """Make the figure, with ``plotInfo`` as `prepare` takes it."""
        return makeVendorFigure(self.prepare(data, kwargs.get("plotInfo")))

    def wants(self, test: VerifyTest) -> bool:
        """Tell whether the plot shows a test or statistic."""
        if self.tests:
            return test.key in self.tests
        return test.row != "exposure" and (
            test.quantity is not None or (test.plotted and test.statistic is not None)
        )

    def prepare(self, data: KeyedData, plotInfo: Mapping[str, object] | None = None) -> VendorHistogramView:
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
        tests = sorted(filter(self.wants, table.tests), key=lambda test: (test.quantity is None, test.isOurs))
        panels = tuple(fillVendorPanel(table, test) for test in tests)
        counted = [test for test in tests if test.counts and test.quantity is not None]
        headline, failing = self._describeFailures(table, counted)
        return VendorHistogramView(
            vendors=tuple(np.unique(table.layout.physicalType).tolist()),
            panels=panels,
            title=chooseTitle(self.title, {}, f"{table.product.title}: tested quantities by vendor"),
            headline=headline,
            failing=failing,
            provenance=describeProvenance(plotInfo or {}, ()),
            marks=explainMarks([test for test in tests if test.isTested]),
        )

    def _describeFailures(self, table: AmpTable, tests: Iterable[VerifyTest]) -> tuple[str, bool]:
        """Count the failures of tests by vendor, in words, and tell whether there are any."""
        counted = self.chooseCounted(table)
        n_failed: dict[str, int] = {}
        for test in tests:
            detector = table.rows[test.row].detectorIndex
            kinds = table.physicalType[test.row][counted[detector]]
            failed = table.failed(test)[counted[detector]]
            for kind in np.unique(kinds).tolist():
                n_failed[kind] = n_failed.get(kind, 0) + int(np.count_nonzero(failed & (kinds == kind)))
        failures = plural(sum(n_failed.values()), "failure")
        words = f"{failures} of tests that count, of {self.nameCounted(counted)}"
        by_vendor = ", ".join(f"{kind} {number}" for kind, number in sorted(n_failed.items()))
        return f"{words}: {by_vendor}" if by_vendor else words, any(n_failed.values())


def drawVendorPanel(ax: Axes, panel: VendorPanel, looks: Mapping[str, KindLook]) -> tuple[StepPatch, ...]:
    """Draw one histogram with its limits, and return the outlines, in the looks of the vendors."""
    ax.set_title(panel.label, fontsize=8, loc="left", pad=3, parse_math=False)
    ax.set_xlabel(panel.axisLabel, fontsize=7.5, labelpad=1.5, parse_math=False)
    ax.set_ylabel(panel.noun, fontsize=7.5)
    ax.tick_params(labelsize=7)
    if panel.message:
        ax.set(xticks=[], yticks=[])
        ax.text(0.5, 0.45, panel.message, transform=ax.transAxes, ha="center", fontsize=9)
        return ()
    steps = drawSteps(ax, panel.histogram, looks)
    styleCounts(ax, panel.histogram.most, log=True)
    edges = panel.histogram.edges
    margin = 0.02 * (edges[-1] - edges[0])
    ax.set_xlim(edges[0] - margin, edges[-1] + margin)
    ticks = chooseTicks(ax, panel.bins[0], panel.bins[-1], integer=panel.isCount)
    ax.set_xticks(ticks, [formatNumber(tick + 0.0) for tick in ticks.tolist()])
    for vendors, end in panel.limits:
        _drawLimit(ax, vendors, end, looks)
    return steps


def _drawLimit(ax: Axes, vendors: str, end: float, looks: Mapping[str, KindLook]) -> None:
    """Draw a limit with the names of its vendors, or an arrow to it where it is off the axis."""
    first, last = ax.get_xlim()
    words: dict[str, Any] = {"fontsize": 6.5, "color": FAILING, "fontweight": "bold"}
    if first <= end <= last:
        dashes = looks[vendors.split(", ")[0]][1] if vendors else "-"
        ax.axvline(end, color=FAILING, linewidth=1.4, linestyle=dashes)
        if vendors:
            ax.annotate(vendors, (end, 0.97), xycoords=ax.get_xaxis_transform(), xytext=(-1.5, 0),
                        textcoords="offset points", rotation=90, ha="right", va="top", **words)  # fmt: skip
        return
    is_left = end < first
    text = f"{vendors} limit {formatNumber(end)}".strip()
    ax.text(0.01 if is_left else 0.99, 0.7, f"◀ {text}" if is_left else f"{text} ▶", transform=ax.transAxes,
            ha="left" if is_left else "right", va="top", **words)  # fmt: skip


def _tabulate(panel: VendorPanel, vendors: tuple[str, ...]) -> tuple[str, ...]:
    """Write the numbers of each vendor, one a line, below a title and their heads."""
    heads = " " * _VENDOR + "".join(f"{head:>{width}}" for head, width in _COLUMNS.items())
    lines = [
        f"{vendor:<{_VENDOR}}"
        + "".join(fitNumber(float(panel.numbers[head][i]), width) for head, width in _COLUMNS.items())
        for i, vendor in enumerate(vendors)
    ]
    return panel.noun.capitalize(), heads, *lines


def makeVendorFigure(view: VendorHistogramView) -> Figure:
    """Lay out panels, their numbers, key and provenance on a figure with an Agg canvas."""
    n_columns = 1 if len(view.panels) <= _FEW else 2
    n_lines = max(-(-len(view.panels) // n_columns), 1)
    height = _BOTTOM + n_lines * _PITCH[1] + _HEADER
    width = max(n_columns * _PITCH[0], 9.5)
    page = Page(make_figure(figsize=(width, height), dpi=_DPI), width - _WORDS)
    page.writeHeader(view.title, view.headline, view.provenance, emphasise=view.failing)
    page.writeLines(height - 0.1, view.marks)
    looks = chooseKindLooks(view.vendors)
    top = height - _HEADER - _TITLE
    for number, panel in enumerate(view.panels):
        line, column = divmod(number, n_columns)
        left, bottom = column * _PITCH[0] + _LEFT, top - line * _PITCH[1] - _PANEL[1]
        drawVendorPanel(page.addAxes(left, bottom, *_PANEL), panel, looks)
        beside = replace(page, panelLeft=left + _PANEL[0] + _GAP)
        beside.writeLines(bottom + _PANEL[1], _tabulate(panel, view.vendors))
    if not view.panels:
        page.figure.text(0.3, 0.4, "No quantity to show", ha="center", fontsize=12)
    key: list[Any] = [
        Line2D([], [], color=colour, linestyle=dashes, label=vendor)
        for vendor, (colour, dashes, _) in looks.items()
    ]
    key.append(Line2D([], [], color=FAILING, linewidth=1.4, label="limit"))
    key.append(Patch(facecolor="0.9", label="beyond the range, with number"))
    page.figure.legend(
        handles=key, loc="lower left", bbox_to_anchor=(_LEFT / width, 0.02 / height), ncols=8, fontsize=8,
        frameon=False, handlelength=3.0,
    )  # fmt: skip
    return page.figure
