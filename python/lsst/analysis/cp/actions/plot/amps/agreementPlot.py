# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from lsst.analysis.cp.actions.keyedData import getAmpTable
from lsst.analysis.cp.actions.plot.histogram import chooseKindLooks
from lsst.analysis.cp.actions.plot.page import Page
from lsst.analysis.cp.actions.plot.style import FAILING, KindLook
from lsst.analysis.cp.actions.plot.text import (
    chooseTitle,
    describeProvenance,
    listFirst,
    plural,
    statisticsTable,
    withUnit,
)
from lsst.analysis.cp.catalogue import VerifyTest
from lsst.analysis.cp.core.amps import UNKNOWN, AmpTable
from lsst.analysis.cp.core.camera import CameraLayout
from lsst.analysis.cp.core.typing import BoolArray, FloatArray, IndexArray, NameArray
from lsst.analysis.tools.interfaces import KeyedData
from lsst.pex.config import Field
from lsst.utils.plotting import make_figure

from .ampTablePlot import AmpTablePlot
from .tableView import explainMarks, markTest

__all__ = ["AgreementPlot", "AgreementView", "drawAgreement", "drawDifferences", "prepareAgreement"]

_DPI = 180

# Sizes on the page, in inches.
_SIDE = 4.6
_WIDE = 6.6
_LEFT, _GAP, _BOTTOM, _HEADER, _WORDS = 0.75, 0.85, 0.8, 0.95, 4.1

_REACH = 3.0
"""Half of the range of differences, in limits."""

_BAND: dict[str, Any] = {"color": "0.9", "linewidth": 0, "zorder": 0}
_LIMIT: dict[str, Any] = {"color": FAILING, "linewidth": 1.2, "zorder": 1}
_CIRCLE: dict[str, Any] = {"s": 70, "facecolor": "none", "edgecolor": FAILING, "linewidth": 1.3, "zorder": 4}


@dataclass(frozen=True, kw_only=True, eq=False)
class AgreementView:
    """What was measured of amplifiers against what it should be.

    Parameters
    ----------
    names
        Names of the amplifiers that have both values, shape (n,).
    kinds
        Physical types of their sensors, shape (n,).
    nominal, measured
        What it should be and is, shape (n,).
    difference
        Their difference, in percent of what it should be, shape (n,).
    failed
        Whether the amplifier failed the test, shape (n,).
    group
        Index of the group, shape (n,).
    groups
        Names of the groups, shape (nGroups,): rafts, detectors or amplifiers, as far as there are several.
    nUnknown
        Number of amplifiers of each group that are unknown, shape (nGroups,).
    grouping
        What the groups are, in the singular.
    limit
        Largest difference that passes, in percent.
    labels
        Words for what is nominal and what is measured, with their unit.
    title, headline
        What is shown, and the verdict on it.
    isBad
        Whether that is bad news.
    provenance
        Lines that say where the data come from.
    lists
        Titles with lines of what to look at first.
    """

    names: NameArray
    kinds: NameArray
    nominal: FloatArray
    measured: FloatArray
    difference: FloatArray
    failed: BoolArray
    group: IndexArray
    groups: NameArray
    nUnknown: IndexArray
    grouping: str
    limit: float
    labels: tuple[str, str]
    title: str
    headline: str
    isBad: bool
    provenance: tuple[str, ...]
    lists: tuple[tuple[str, ...], ...]

    @property
    def shownRange(self) -> tuple[float, float]:
        """Ends of the axes of values: the nominal ones, with room for differences."""
        if not len(self.nominal):
            return 0.0, 1.0
        reach = _REACH * self.limit / 100
        return float(self.nominal.min()) * (1 - reach), float(self.nominal.max()) * (1 + reach)


def prepareAgreement(
    table: AmpTable,
    test: VerifyTest,
    measured: VerifyTest,
    nominal: VerifyTest,
    *,
    title: str = "",
    nListed: int = 40,
    plotInfo: Mapping[str, object] | None = None,
) -> AgreementView:
    """Compare two statistics of amplifiers; no matplotlib is involved.

    Parameters
    ----------
    table
        Results.
    test
        The test of their difference, with one limit in percent for all sensors.
    measured, nominal
        The statistics.
    title
        Title of the figure; told from the statistics if empty.
    nListed
        Lines of each list, at most.
    plotInfo
        Data ID, ``plotName``, ``run`` and ``tableName``; any may be absent.

    Returns
    -------
    view
        The view to draw.

    Raises
    ------
    ValueError
        Raised if the limit of the test is none in percent.
    """
    if test.limit is None or test.quantityUnit != "percent":
        raise ValueError(f"test {test.key!r} of {test.product} has no limit in percent")
    layout = table.layout
    values, expected = (table.statistics[str(part.statisticColumn)] for part in (measured, nominal))
    known = np.isfinite(values) & np.isfinite(expected) & (expected > 0)
    failed, member = table.failed(test), table.ampIndex
    status = table.status(test)
    unknown = ~known if status is None else status == UNKNOWN
    names = np.char.add(
        np.char.add(layout.detectorName[layout.ampDetector[member]], " "), layout.ampName[member]
    )
    difference = 100 * (values[known] - expected[known]) / expected[known]
    kinds = table.physicalType["amplifier"][known]
    grouping, groups, group = _groupAmps(layout, member)
    worst = np.flatnonzero(failed[known])
    worst = worst[np.argsort(-np.abs(difference[worst]), kind="stable")]
    lines = [
        f"{names[known][i]:<14}{difference[i]:+8.2f}  {values[known][i]:8.4g}{expected[known][i]:8.4g}"
        for i in worst.tolist()
    ]
    by_vendor = {kind: difference[kinds == kind] for kind in np.unique(kinds).tolist()}
    lost = names[unknown].tolist()
    headline = f"{int(failed.sum())} of {plural(len(names), 'amplifier')} beyond {test.limit:g} %"
    headline += f", {len(lost)} unknown" if lost else ""
    words = f"{measured.label} against {nominal.label[:1].lower()}{nominal.label[1:]}"
    return AgreementView(
        names=names[known],
        kinds=kinds,
        nominal=expected[known],
        measured=values[known],
        difference=difference,
        failed=failed[known],
        group=group[known],
        groups=groups,
        nUnknown=np.bincount(group[unknown], minlength=len(groups)),
        grouping=grouping,
        limit=test.limit,
        labels=(withUnit(nominal.label, nominal.unit), withUnit(measured.label, measured.unit)),
        title=chooseTitle(title, {}, words),
        headline=headline,
        isBad=bool(failed.any() or lost),
        provenance=describeProvenance(plotInfo or {}, [markTest(test)]),
        lists=(
            explainMarks([test]),
            ("Difference (%)", *statisticsTable(by_vendor, counts=False)) if by_vendor else (),
            listFirst("Beyond the limit: difference (%), values", lines, nListed),
            listFirst("Unknown", lost, nListed),
        ),
    )


def _groupAmps(layout: CameraLayout, member: IndexArray) -> tuple[str, NameArray, IndexArray]:
    """Group amplifiers by raft, or where there is one only by detector, or by their own names."""
    detector = layout.detectorName[layout.ampDetector[member]]
    names = {
        "raft": np.char.partition(detector, "_")[:, 0],
        "detector": detector,
        "amplifier": layout.ampName[member],
    }
    several = [grouping for grouping, own in names.items() if len(set(own.tolist())) > 1]
    grouping = several[0] if several else "amplifier"
    return grouping, *np.unique(names[grouping], return_inverse=True)


class AgreementPlot(AmpTablePlot):
    """What was measured of amplifiers against what it should be, with the limits of a test.

    The left panel has one against the other, the right one the differences by raft; by detector where there
    is one raft only, and by amplifier where there is one detector.
    """

    test = Field[str](doc="Key of the test of the difference, whose limit is in percent.", default="")
    measured = Field[str](doc="Key of the statistic that was measured.", default="")
    nominal = Field[str](doc="Key of the statistic that it is compared with.", default="")

    def wants(self, test: VerifyTest) -> bool:
        """Tell whether the plot needs a test or statistic."""
        return test.key in (self.test, self.measured, self.nominal)

    def __call__(self, data: KeyedData, **kwargs: Any) -> Mapping[str, Figure] | Figure:
        """Make the figure, with the ``plotInfo`` of `prepareAgreement`."""
        table = getAmpTable(data)
        product = table.product
        view = prepareAgreement(
            table,
            product[self.test],
            product[self.measured],
            product[self.nominal],
            title=self.title,
            nListed=self.nListed,
            plotInfo=kwargs.get("plotInfo"),
        )
        return _makeFigure(view)


def drawAgreement(ax: Axes, view: AgreementView, looks: Mapping[str, KindLook]) -> tuple[PathCollection, ...]:
    """Draw what was measured against what it should be, a collection for each kind of sensor."""
    low, high = view.shownRange
    ends = np.array([low, high])
    fraction = view.limit / 100
    ax.fill_between(ends, ends * (1 - fraction), ends * (1 + fraction), **_BAND)
    for sign in (-1, 1):
        ax.plot(ends, ends * (1 + sign * fraction), **_LIMIT)
    ax.plot(ends, ends, color="0.4", linewidth=0.8, zorder=1)
    ax.set(xlim=(low, high), ylim=(low, high), xlabel=view.labels[0], ylabel=view.labels[1])
    return _scatter(ax, view, view.nominal, view.measured, looks)


def drawDifferences(
    ax: Axes, view: AgreementView, looks: Mapping[str, KindLook]
) -> tuple[PathCollection, ...]:
    """Draw the differences by group, a collection for each kind of sensor."""
    reach = _REACH * view.limit
    ax.axhspan(-view.limit, view.limit, **_BAND)
    for sign in (-1, 1):
        ax.axhline(sign * view.limit, **_LIMIT)
    ax.axhline(0.0, color="0.4", linewidth=0.8, zorder=1)
    ax.set(xlim=(-0.6, max(len(view.groups), 1) - 0.4), ylim=(-reach, reach))
    ax.set_xticks(np.arange(len(view.groups)), view.groups.tolist(), rotation=90)
    ax.set_ylabel("Difference (%)")
    place = np.empty(len(view.group))
    for number in range(len(view.groups)):
        own = np.flatnonzero(view.group == number)
        # In the order of the camera, across the width of the group.
        place[own] = number + 0.7 * ((np.arange(len(own)) + 0.5) / len(own) - 0.5)
        if view.nUnknown[number]:
            text = f"{view.nUnknown[number]}?"
            ax.text(number, 0.02, text, transform=ax.get_xaxis_transform(), ha="center", fontsize=7)
        if len(own) > 1:
            median = float(np.median(view.difference[own]))
            ax.plot([number - 0.42, number + 0.42], [median, median], color="black", linewidth=1.6, zorder=5)
    return _scatter(ax, view, place, view.difference, looks)


def _scatter(
    ax: Axes, view: AgreementView, x: FloatArray, y: FloatArray, looks: Mapping[str, KindLook]
) -> tuple[PathCollection, ...]:
    """Draw points; those beyond the axis are at its edge, and those that fail have a ring."""
    low, high = ax.get_ylim()
    margin = 0.012 * (high - low)
    shown = np.clip(y, low + margin, high - margin)
    drawn = []
    for kind, (colour, _, marker) in looks.items():
        own = view.kinds == kind
        drawn.append(ax.scatter(x[own], shown[own], s=12, marker=marker, color=colour, linewidth=0, zorder=3))
    ax.scatter(x[view.failed], shown[view.failed], **_CIRCLE)
    ax.tick_params(labelsize=8)
    if not len(x):
        ax.text(0.5, 0.5, "No value", transform=ax.transAxes, ha="center", fontsize=10)
    return tuple(drawn)


def _makeFigure(view: AgreementView) -> Figure:
    """Lay out the panels, words and provenance."""
    height = _BOTTOM + _SIDE + _HEADER
    words_left = _LEFT + _SIDE + _GAP + _WIDE + 0.25
    page = Page(make_figure(figsize=(words_left + _WORDS, height), dpi=_DPI), words_left)
    looks = chooseKindLooks(view.kinds.tolist())
    drawAgreement(page.addAxes(_LEFT, _BOTTOM, _SIDE, _SIDE), view, looks)
    drawDifferences(page.addAxes(_LEFT + _SIDE + _GAP, _BOTTOM, _WIDE, _SIDE), view, looks)
    page.writeHeader(view.title, view.headline, view.provenance, emphasise=view.isBad)
    handles: list[Artist] = [
        Line2D([], [], linestyle="", marker=marker, color=colour, label=kind)
        for kind, (colour, _, marker) in looks.items()
    ]
    handles += [
        Line2D([], [], linestyle="", marker="o", markersize=8, markerfacecolor="none",
               markeredgecolor=FAILING, label="beyond the limit"),
        Patch(facecolor="0.9", edgecolor=FAILING, label=f"within {view.limit:g} %"),
        Line2D([], [], linestyle="", label="at the edge: beyond the axis;  1?: one unknown"),
    ]  # fmt: skip
    if view.grouping != "amplifier":
        handles.append(Line2D([], [], color="black", linewidth=1.6, label=f"median of a {view.grouping}"))
    y = page.writeKey(height - _HEADER, handles)
    for lines in view.lists:
        y = page.writeLines(y, lines)
    return page.figure
