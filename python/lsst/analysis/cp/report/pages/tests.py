# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tests as heads of columns, and their results as cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape

from lsst.analysis.cp.actions.plot.text import describeLimits
from lsst.analysis.cp.catalogue import VerifyTest
from lsst.analysis.cp.core.amps import marginUnit
from lsst.analysis.cp.report.model import ProductReport, ReportedTest

from .cells import Column, numberOf
from .status import LOOKS, shownStatus

__all__ = ["limitOf", "memberCells", "remarkOf", "testColumn", "worstFirst", "Distance", "worstDistances"]


def limitOf(test: VerifyTest) -> str:
    """Say what the tested quantity must be: ``NOISE ≤ 0.05 electron``; empty without a limit."""
    if test.quantity is None:
        return ""
    return " ".join(
        filter(
            None,
            [
                f"{test.quantity}:" if ":" in describeLimits(test) else test.quantity,
                describeLimits(test),
                test.quantityUnit,
            ],
        )
    )


def remarkOf(test: VerifyTest) -> str:
    """Say in which way a test is none of those that count; empty if it is one."""
    if not test.isTested:
        return "statistic"
    if test.setAside:
        return "set aside"
    if test.isOurs:
        return "ours, not counted"
    return "sums up the others" if test.verdict else ""


def testColumn(test: VerifyTest) -> Column:
    """Make the head of a column: key, section, what is asked for, unit, and whether it counts."""
    lines = [test.section, limitOf(test), f"[{test.unit}]" if test.unit else "", remarkOf(test)]
    small = "".join(f"<small>{escape(line)}</small>" for line in lines if line)
    exact = f" Limit: {test.threshold}, from {test.thresholdSource}." if test.quantity else ""
    return Column(Markup(f"{escape(test.key)}{small}"), f"{test.description}{exact} {test.setAside}".strip())


def memberCells(each: ReportedTest, start: int, stop: int, nExposures: int) -> Iterator[str]:
    """Make the cells of some members of a test.

    Parameters
    ----------
    each
        The test.
    start, stop
        The first member, and that behind the last.
    nExposures
        Number of exposures; 0 of a calibration without.

    Yields
    ------
    cell
        Sign and statistic; below them the tested quantity, if it is something else, the number of exposures
        in which it failed, of those in which it was tested, and the worst.
    """
    test, part = each.test, slice(start, stop)
    own = "" if test.counts else " nc"
    shows_quantity = test.quantity is not None and test.quantity != test.statistic
    rows = zip(
        shownStatus(each)[part].tolist(),
        each.value[part].tolist(),
        each.quantity[part].tolist(),
        each.nTested[part].tolist(),
        each.nFailed[part].tolist(),
        each.nSuspicious[part].tolist(),
        each.worstExposure[part].tolist(),
        strict=True,
    )
    for status, value, quantity, tested, failed, suspicious, worst in rows:
        text, attribute = numberOf(value)
        small = ""
        if not test.isTested:
            start_of_cell = f'<td class="n"{attribute}>{text}'
        else:
            look = LOOKS[status]
            start_of_cell = f'<td class="n {look.style}{own}"{attribute}>{look.sign} {text}'
            if shows_quantity:
                exact = numberOf(quantity)
                small = f"<i{exact[1]}>{exact[0]}</i>"
        if nExposures:
            counts = f"{failed}/{tested}" if test.isTested else ""
            exposure = f" {worst}" if worst >= 0 else ""
            small += f"<small>{counts}{exposure}</small>"
        if suspicious:
            small += f"<small>! {suspicious} implausible</small>"
        yield f"{start_of_cell}{small}</td>"


@dataclass(frozen=True)
class Distance:
    """How far a member is from the limit of a test.

    Parameters
    ----------
    each
        The test.
    member
        Index of the member.
    margin
        Distance, negative beyond the limit.
    unit
        Its unit.
    """

    each: ReportedTest
    member: int
    margin: float
    unit: str


def worstFirst(distances: list[Distance]) -> list[Distance]:
    """Sort distances, the worst first.

    Those of tests that do not count come last, and before them those in the unit of a quantity, which do not
    compare with others.
    """

    def place(one: Distance) -> tuple[bool, bool, float]:
        return not one.each.test.counts, not one.unit.startswith("in "), one.margin

    return sorted(distances, key=place)


def worstDistances(product: ProductReport, number: int) -> list[Distance]:
    """Find the members that are nearest to, or farthest beyond, the limits of the tests of a product.

    Parameters
    ----------
    product
        The product.
    number
        How many of each test at most.

    Returns
    -------
    distances
        The worst first.
    """
    found = []
    for each in product.tests:
        if each.test.quantity is None:
            continue
        members = np.argsort(each.margin, kind="stable")[:number]
        unit = marginUnit(each.test)
        found += [
            Distance(each, int(i), float(each.margin[i]), unit)
            for i in members
            if not np.isnan(each.margin[i])
        ]
    return worstFirst(found)
