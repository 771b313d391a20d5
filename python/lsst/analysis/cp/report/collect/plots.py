# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The stored plots of a product."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from lsst.analysis.cp.catalogue import findSlope, findTest
from lsst.analysis.cp.metrics.records import findRaft
from lsst.analysis.cp.report.gallery import readGallery
from lsst.analysis.cp.report.model import PlotEntry

from .scope import Scope
from .search import productOf

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef

__all__ = ["findPlots", "titleOf"]

_EPOCHS = frozenset({"exposure", "visit"})


def findPlots(scope: Scope, names: Collection[str]) -> dict[str, list[PlotEntry]]:
    """Find the plots of products.

    Parameters
    ----------
    scope
        What is meant.
    names
        Names of the products.

    Returns
    -------
    plots
        By the name of the product, those of each type together, the types in order. Of several with the same
        data ID there is the first.
    """
    found: dict[str, list[PlotEntry]] = {name: [] for name in names}
    for name in scope.types:
        if name.startswith("cp") and scope.storageOf(name) == "Plot":
            product = productOf(name)
            if product is not None and product.name in found:
                found[product.name] += _findOfType(scope, name)
    return found


def _findOfType(scope: Scope, name: str) -> Iterator[PlotEntry]:
    """Find the plots of one dataset type."""
    output, _, rest = name.partition("_")
    tool, _, kind = rest.rpartition("_")
    level = levelOf(output, scope.dimensionsOf(name))
    title = titleOf(name, tool)
    known = set()
    for _, ref in scope.find(name):
        if ref.dataId in known:
            continue
        known.add(ref.dataId)
        yield PlotEntry(
            ref=ref,
            tool=tool,
            kind=kind,
            title=title,
            level=level,
            raft=_raftOf(ref) if level == "raft" else "",
        )


def levelOf(output: str, dimensions: Collection[str]) -> str:
    """Tell what a plot shows.

    Parameters
    ----------
    output
        Name of the output (``cpBiasExpRaftView``): that of plots of rafts, which are no dimension, says so.
    dimensions
        Dimensions of the plot.

    Returns
    -------
    level
        ``raft``, ``detector``, ``exposure`` or ``run``.
    """
    if "detector" in dimensions:
        return "raft" if "Raft" in output else "detector"
    return "run" if _EPOCHS.isdisjoint(dimensions) else "exposure"


def titleOf(name: str, tool: str) -> str:
    """Say what a plot shows, in a few words.

    Parameters
    ----------
    name
        Its dataset type.
    tool
        Name of the tool.

    Returns
    -------
    title
        That of its kind in the gallery, with the statistic if the tool is of one; else the name of the tool.
    """
    kind = next((plot.title for plot in readGallery() if plot.isKindOf(name)), "")
    test, slope = findTest(tool), findSlope(tool)
    label = slope.label if slope else test.label or test.key if test else ""
    return ": ".join(dict.fromkeys(filter(None, [kind, label]))) or tool


def _raftOf(ref: DatasetRef) -> str:
    """Name the raft of a plot by the detector that it is stored under."""
    record = ref.dataId.records["detector"]
    return "" if record is None else findRaft(str(record.full_name)) or ""
