# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The page of the documentation that says what shows the plots of other packages here."""

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml
from pageText import makeTable, wrap

from lsst.pipe.base import PipelineGraph

__all__ = ["OtherPlot", "PlotError", "collectPlots", "otherPlotsPage", "readOtherPlots"]

_FILE = Path(__file__).with_name("otherPlots.yaml")


class PlotError(ValueError):
    """The list of plots and the pipelines contradict each other."""


@dataclass(frozen=True, kw_only=True)
class OtherPlot:
    """A plot of another package.

    Parameters
    ----------
    package
        Name of the package.
    place
        Notebooks or tasks that make it.
    plot
        What it shows.
    ours
        Patterns of the dataset types that show it here.
    none
        Why nothing does; empty if something does.
    page
        Page of the run report on which it is; empty for what is no part of a report.

    Raises
    ------
    PlotError
        Raised unless it has either dataset types or a page, or a reason.
    """

    package: str
    place: str
    plot: str
    ours: tuple[str, ...] = ()
    none: str = ""
    page: str = ""

    def __post_init__(self) -> None:
        if bool(self.ours or self.page) == bool(self.none):
            raise PlotError(f"{self.package}, {self.place}, {self.plot}: expected one of ours and none")


def readOtherPlots() -> list[OtherPlot]:
    """List the plots of other packages, in the order of the file."""
    listed = yaml.safe_load(_FILE.read_text(encoding="utf-8"))["plots"]
    return [
        OtherPlot(package=package, **(entry | {"ours": tuple(entry.get("ours", ()))}))
        for package, entries in listed.items()
        for entry in entries
    ]


def collectPlots(pipelines: Iterable[PipelineGraph]) -> frozenset[str]:
    """List the dataset types of the plots that pipelines make."""
    return frozenset(
        output.dataset_type_name
        for graph in pipelines
        for node in graph.tasks.values()
        for output in node.iter_all_outputs()
        if output.storage_class_name == "Plot"
    )


def otherPlotsPage(made: frozenset[str], plots: Iterable[OtherPlot] | None = None) -> dict[str, str]:
    """Generate the page.

    Parameters
    ----------
    made
        Dataset types of the plots that the pipelines make.
    plots
        The plots of other packages; those of the file if absent.

    Returns
    -------
    files
        Its text by its path, relative to the root of the package.

    Raises
    ------
    PlotError
        Raised if no pipeline makes what is said to show a plot.
    """
    listed = readOtherPlots() if plots is None else list(plots)
    title = "Plots of cp_verify and eo_pipe"
    parts = [
        ".. Generated from the pipelines of lsst.analysis.cp; do not edit.",
        "",
        "#" * len(title),
        title,
        "#" * len(title),
        "",
        wrap(
            "The plots that the notebooks of cp_verify and the tasks and the run report of eo_pipe make, and "
            "what shows the same here: dataset types of plots (:doc:`plots`), in which ``*`` stands for any "
            "text, and the page of our run report, or why nothing does."
        ),
        "",
    ]
    for package in dict.fromkeys(plot.package for plot in listed):
        rows = [_describe(plot, made) for plot in listed if plot.package == package]
        parts += [package, "=" * len(package), "", makeTable(rows)]
    return {"doc/lsst.analysis.cp/otherPlots.rst": "\n".join(parts)}


def _describe(plot: OtherPlot, made: frozenset[str]) -> dict[str, str]:
    """Make the row of a plot."""
    for pattern in plot.ours:
        if not fnmatch.filter(made, pattern):
            raise PlotError(f"{plot.package}, {plot.place}, {plot.plot}: no pipeline makes {pattern}")
    here = ", ".join(f"``{pattern}``" for pattern in plot.ours)
    on = f"{plot.page[:1].upper()}{plot.page[1:]}"
    shown = f"None. {plot.none}" if plot.none else ": ".join(filter(None, [on, here]))
    return {"made by": plot.place, "plot": plot.plot, "here": shown}
