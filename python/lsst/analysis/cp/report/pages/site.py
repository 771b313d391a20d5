# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The files of a report, and where they lie beside each other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from lsst.analysis.cp.core.exposures import RaftGrid, placeRafts
from lsst.analysis.cp.core.typing import FlagArray, IndexArray
from lsst.analysis.cp.report.model import Problem, ProductReport, ReportedTest, RunReport

from .status import NOT_EXPECTED, ampStatus, shownStatus

if TYPE_CHECKING:
    from uuid import UUID

    from lsst.analysis.cp.report.plots import CopiedPlot
    from lsst.analysis.cp.report.stamps import WrittenStamp

__all__ = ["Site", "fileNames"]

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,60}")


def fileNames(names: Iterable[str], spares: Iterable[str]) -> tuple[str, ...]:
    """Choose names of files that any system takes, and that differ by more than capitals.

    Parameters
    ----------
    names
        Names of any characters.
    spares
        Plain and different names, one for each, for those that are not plain, or are not the first with
        their letters.

    Returns
    -------
    files
        Names without an ending, in the same order.
    """
    used: set[str] = set()
    chosen = []
    for name, spare in zip(names, spares, strict=True):
        is_free = _PLAIN.fullmatch(name) and name.lower() not in used
        while not is_free and spare.lower() in used:
            spare += "-"
        chosen.append(name if is_free else spare)
        used.add(chosen[-1].lower())
    return tuple(chosen)


@dataclass(frozen=True, kw_only=True, eq=False)
class Site:
    """What pages are made of: the report, and the files that stand beside them.

    Parameters
    ----------
    report
        The report.
    plots
        Plots that are in the folder, by the ids of their datasets.
    stamps
        Postage stamps that are in the folder, by the name of the product and the row of its structures.
    problems
        What could not be read: that of the report, and of plots and stamps.
    """

    report: RunReport
    plots: Mapping[UUID, CopiedPlot] = field(default_factory=dict)
    stamps: Mapping[tuple[str, int], WrittenStamp] = field(default_factory=dict)
    problems: Sequence[Problem] = ()

    @cached_property
    def rafts(self) -> RaftGrid:
        """The rafts of the camera."""
        return placeRafts(self.report.geometry, np.ones(self.report.layout.nDetectors, dtype=bool))

    @cached_property
    def raftNames(self) -> tuple[str, ...]:
        """Names of rafts for people."""
        return tuple(name or "camera" for name in self.rafts.name.tolist())

    @cached_property
    def detectorFiles(self) -> tuple[str, ...]:
        """Page of each detector of the layout, from the folder of the report."""
        layout = self.report.layout
        names = fileNames(layout.detectorName.tolist(), (f"detector-{i}" for i in layout.detectorId.tolist()))
        return tuple(f"detectors/{name}.html" for name in names)

    @cached_property
    def raftFiles(self) -> tuple[str, ...]:
        """Page of each raft, from the folder of the report."""
        names = fileNames(self.raftNames, (f"raft-{i}" for i in range(len(self.raftNames))))
        return tuple(f"rafts/{name}.html" for name in names)

    @cached_property
    def productStems(self) -> Mapping[str, str]:
        """Name of files of each product, by the name of the product, without an ending."""
        names = [product.name for product in self.report.products]
        return dict(zip(names, fileNames(names, (f"product-{i}" for i in range(len(names)))), strict=True))

    def productFile(self, product: ProductReport) -> str:
        """Name the page of a product, from the folder of the report."""
        return f"products/{self.productStems[product.name]}.html"

    @cached_property
    def detectorOrder(self) -> IndexArray:
        """Detectors of the layout in the order of their rafts and names, which pages follow."""
        return np.lexsort((self.report.layout.detectorName, self.rafts.raft))

    @cached_property
    def detectorStatus(self) -> Mapping[str, FlagArray]:
        """Status of each detector by the name of the product; `NOT_EXPECTED` where there should be none."""
        found = {}
        for product in self.report.products:
            status = np.full(self.report.layout.nDetectors, NOT_EXPECTED, dtype=np.int8)
            status[product.expected] = product.detectorStatus[product.expected]
            # What has results all the same is not hidden.
            found[product.name] = np.where(
                (status == NOT_EXPECTED) & (product.detectorStatus >= 0), product.detectorStatus, status
            )
        return found

    @cached_property
    def judged(self) -> tuple[ProductReport, ...]:
        """The products with a test whose verdict counts; all if there is none of these."""
        products = self.report.products
        return tuple(one for one in products if any(each.test.counts for each in one.tests)) or products

    @cached_property
    def ampStatus(self) -> Mapping[str, FlagArray]:
        """Status of each amplifier by the name of the product; `NOT_EXPECTED` where there should be none."""
        layout = self.report.layout
        return {
            product.name: np.where(
                self.detectorStatus[product.name][layout.ampDetector] == NOT_EXPECTED,
                NOT_EXPECTED,
                ampStatus(product, layout.nAmps),
            ).astype(np.int8)
            for product in self.report.products
        }

    def countMembers(self, product: ProductReport, each: ReportedTest, code: int) -> int:
        """Count the members of a test that have a status, without those that should have no results."""
        chosen = shownStatus(each) == code
        expected = self.detectorStatus[product.name] != NOT_EXPECTED
        if each.test.row == "amplifier":
            chosen = chosen & expected[self.report.layout.ampDetector]
        elif each.test.row == "detector":
            chosen = chosen & expected
        return int(np.count_nonzero(chosen))

    def addressOf(self, product: ProductReport, detector: int) -> str:
        """Tell where the page of a detector has a product, from the folder of the report."""
        place = f"#{self.productStems[product.name]}" if self.expects(product, detector) else ""
        return self.detectorFiles[detector] + place

    def expects(self, product: ProductReport, detector: int) -> bool:
        """Tell whether a detector of the layout has, or should have, results of a product."""
        return bool(self.detectorStatus[product.name][detector] != NOT_EXPECTED)
