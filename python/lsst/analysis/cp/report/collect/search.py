# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Finding the tables of a run: which products it has, and which tables of which exposures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lsst.analysis.cp.catalogue import Product, products
from lsst.analysis.cp.metrics import BUNDLE_STORAGE, TrendTableError
from lsst.analysis.cp.metrics.summaries import findProduct
from lsst.analysis.cp.report.model import Problem

from .scope import Scope

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef

__all__ = [
    "NO_EPOCH",
    "TABLES",
    "EpochTables",
    "Section",
    "findBegun",
    "findSections",
    "isOfLight",
    "productOf",
    "productOfTask",
    "sortSections",
    "stemOf",
]

TABLES = ("ampSummary", "detectorSummary", "culprits")
"""Ends of the names of the dataset types of tables."""

_MEASURING = ("verify", "measure")
"""What the labels of tasks begin with that measure a product; some have no task of cp_verify."""

NO_EPOCH = -1
"""Stands for the id of an exposure where there is none."""


@dataclass(frozen=True, kw_only=True)
class EpochTables:
    """The tables of one exposure or visit, or those of a calibration without exposures, in one RUN.

    Parameters
    ----------
    epoch
        Id of the exposure or visit; `NO_EPOCH` if there is none.
    dayObs
        Day of observation, YYYYMMDD; -1 if it is not known.
    run
        RUN collection.
    refs
        The datasets by the ends of the names of their types, those of `TABLES` and ``metrics``.
    """

    epoch: int
    dayObs: int
    run: str
    refs: Mapping[str, DatasetRef]


@dataclass(kw_only=True)
class Section:
    """What is found of one product, in one filter if it is one of light.

    Parameters
    ----------
    product
        Name of the product.
    physicalFilter
        The filter; empty if there is none.
    output
        What the names of the dataset types of its tables begin with (``cpBiasExp``); empty if there are none.
    epochs
        Its tables by the id of the exposure, sorted.
    merged
        Tables of its run as a whole, by the RUN collection; empty for calibrations without exposures.
    """

    product: str
    physicalFilter: str = ""
    output: str = ""
    epochs: dict[int, EpochTables] = field(default_factory=dict)
    merged: dict[str, DatasetRef] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name that no other section has, fit for files."""
        other = "" if self.output in ("", *_standardOutputs(self.product)) else self.output
        return "-".join(filter(None, [self.product, self.physicalFilter, other]))


def stemOf(product: str) -> str:
    """Tell what stands for a product in the names of dataset types and tasks (``Bias``)."""
    return product[0].upper() + product[1:]


def productOf(name: str) -> Product | None:
    """Find the product that a dataset type of this package belongs to; None if the catalogue has none."""
    try:
        # Combined calibrations are of the product, too.
        return findProduct(name.replace("cpCombined", "cp"), None)
    except TrendTableError:
        return None


def productOfTask(label: str) -> Product | None:
    """Find the product that a task measures; None if it measures none."""
    begin = next((each for each in _MEASURING if label.startswith(each)), "")
    return productOf(f"cp{label.removeprefix(begin)}") if begin else None


def findSections(scope: Scope) -> tuple[list[Section], list[Problem]]:
    """Find all products that collections have something of, with their tables.

    Parameters
    ----------
    scope
        What is meant.

    Returns
    -------
    sections
        One for each product and, if it is one of light, filter, in the order of the catalogue; also where
        there is something else of a product, but no table.
    problems
        What is found of no product, or twice.
    """
    problems: list[Problem] = []
    outputs: dict[str, Product] = {}
    for name in scope.types:
        output = name.rpartition("_")[0]
        if not _isTable(name) or "detector" in scope.dimensionsOf(name):
            continue
        product = productOf(output)
        if product is None:
            reason = f"it belongs to no product that is known: {', '.join(products())}"
            problems.append(Problem(dataset=name, reason=reason))
        else:
            outputs[output] = product
    sections = [each for output in outputs for each in _findTables(scope, output, outputs[output], problems)]
    _attachMerged(scope, sections, outputs)
    shown = {section.product for section in sections}
    for name, types in _findTraces(scope).items():
        absence = None if name in shown else _explainAbsence(scope, types)
        if absence is not None:
            if absence:
                problems.append(Problem(dataset=name, reason=absence, isRemark=True))
            else:
                sections.append(Section(product=name))
    return sortSections(sections), problems


def sortSections(sections: Iterable[Section]) -> list[Section]:
    """Sort sections in the order of the catalogue, those of a product by name."""
    order = {name: place for place, name in enumerate(products())}
    return sorted(sections, key=lambda each: (order[each.product], each.name))


def _standardOutputs(product: str) -> tuple[str, str]:
    return f"cp{stemOf(product)}Exp", f"cp{stemOf(product)}Run"


def _dimensionOf(scope: Scope, output: str) -> str:
    """Tell which dimension tells the tables of an output apart: exposure or visit; empty if none does."""
    names = frozenset[str]()
    for table in TABLES:
        if f"{output}_{table}" in scope.types:
            names |= scope.dimensionsOf(f"{output}_{table}")
    return next((name for name in ("exposure", "visit") if name in names), "")


def isOfLight(product: Product) -> bool:
    """Tell whether results in different filters are different results: there is a rate of light."""
    return bool(product.rate)


def _findTables(scope: Scope, output: str, product: Product, problems: list[Problem]) -> Iterator[Section]:
    """Find the tables of one output, by filter if the product is one of light."""
    dimension = _dimensionOf(scope, output)
    if not dimension and product.epoch != "none":
        return
    found: dict[tuple[str, int], dict[str, dict[str, DatasetRef]]] = defaultdict(lambda: defaultdict(dict))
    order: dict[str, int] = {}
    for ending in (*TABLES, "metrics"):
        name = f"{output}_{ending}"
        for collection, ref in scope.find(name) if name in scope.types else ():
            epoch = int(ref.dataId[dimension]) if dimension else NO_EPOCH
            band = str(ref.dataId["physical_filter"]) if isOfLight(product) else ""
            found[band, epoch][ref.run].setdefault(ending, ref)
            place = scope.collections.index(collection)
            order[ref.run] = min(order.get(ref.run, place), place)
    sections: dict[str, Section] = {}
    for (band, epoch), by_run in sorted(found.items()):
        # Metrics alone are no results that could be shown.
        runs = sorted((run for run in by_run if by_run[run].keys() & {*TABLES}), key=order.__getitem__)
        if not runs:
            continue
        new = Section(product=product.name, physicalFilter=band, output=output)
        section = sections.setdefault(band, new)
        refs = by_run[runs[0]]
        day = int(dict(next(iter(refs.values())).dataId.mapping).get("day_obs", -1))
        section.epochs[epoch] = EpochTables(epoch=epoch, dayObs=day, run=runs[0], refs=refs)
        what = f"{output} of {dimension} {epoch}" if dimension else output
        problems += [
            Problem(dataset=what, reason=f"also in {run}, not shown", isRemark=True) for run in runs[1:]
        ]
    yield from sections.values()


def _attachMerged(scope: Scope, sections: list[Section], outputs: Mapping[str, Product]) -> None:
    """Give sections with exposures the tables of the run as a whole, in the order of collections."""
    for output, product in outputs.items():
        name = f"{output}_detectorSummary"
        if product.epoch == "none" or _dimensionOf(scope, output) or name not in scope.types:
            continue
        for _, ref in scope.find(name):
            band = dict(ref.dataId.mapping).get("physical_filter", "")
            for section in sections:
                if section.product == product.name and section.physicalFilter in ("", band):
                    section.merged.setdefault(ref.run, ref)


def _findTraces(scope: Scope) -> dict[str, list[str]]:
    """List the dataset types of results of verification, tables, metrics and plots of each product."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in scope.types:
        product = productOfTask(name)
        if product is None and (_isTable(name) or scope.storageOf(name) in (BUNDLE_STORAGE, "Plot")):
            product = productOf(name)
        if product is not None:
            found[product.name].append(name)
    return dict(found)


def _isTable(name: str) -> bool:
    return name.rpartition("_")[2] in TABLES


def _explainAbsence(scope: Scope, types: Sequence[str]) -> str | None:
    """Say why a product has no tables, although there may be something else of it.

    The reason is empty if it should have some, and None if there is nothing of it.
    """
    tables = [name for name in types if _isTable(name)]
    excluded = f"nothing of it fulfils {scope.where!r}"
    if scope.where and any(scope.has(name, everywhere=True) for name in tables):
        return excluded
    if any(scope.has(name) for name in types):
        return ""
    return excluded if any(scope.has(name, everywhere=True) for name in types) else None


def findBegun(scope: Scope, section: Section, dimension: str) -> set[int]:
    """Find the exposures, visits or detectors of which there are results or logs of the tasks that measure.

    Parameters
    ----------
    scope
        What is meant.
    section
        A product.
    dimension
        ``exposure``, ``visit`` or ``detector``.

    Returns
    -------
    ids
        Their ids.
    """
    stems = tuple(f"{begin}{stemOf(section.product)}" for begin in _MEASURING)
    names = [
        name
        for name in scope.types
        if name.startswith(stems)
        and name.endswith(("_log", "Results"))
        and dimension in scope.dimensionsOf(name)
    ]
    found = scope.findIds(names, dimension)
    return {number for number, band in found if section.physicalFilter in ("", band) or not band}
