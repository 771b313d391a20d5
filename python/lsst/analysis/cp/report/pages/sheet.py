# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The certification sheet: one page that stands alone, for the ticket on which a board decides."""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lsst.analysis.cp.core.amps import FAILED, GOOD, UNKNOWN
from lsst.analysis.cp.report.model import ProductReport, RunReport, Verdict

from .environment import makeEnvironment, readStatic
from .maps import makeSketch
from .site import Site
from .status import LOOKS, VERDICT_LOOKS
from .tests import limitOf

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

__all__ = ["Calibration", "certifyCommand", "findCalibrations", "makeSheet", "whereClause"]

_NAMED = 60


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Calibrations that can be certified.

    Parameters
    ----------
    datasetType
        Name of their dataset type.
    run
        RUN collection that they are in.
    number
        How many there are.
    """

    datasetType: str
    run: str
    number: int


def findCalibrations(butler: Butler, collections: Sequence[str], instrument: str) -> list[Calibration]:
    """Find the calibrations of detectors that are in some collections.

    Parameters
    ----------
    butler
        The repository.
    collections
        Collections, chained ones with all that they hold; what is certified already is not searched.
    instrument
        Name of the instrument.

    Returns
    -------
    calibrations
        Sorted by dataset type, in the order of the collections.
    """
    found = []
    runs = [
        info.name
        for info in butler.collections.query_info(collections, flatten_chains=True)
        if info.type.name == "RUN"
    ]
    types = [each for each in butler.registry.queryDatasetTypes() if each.isCalibration()]
    for each in sorted(types, key=lambda one: one.name):
        if "detector" not in each.dimensions.required:
            continue
        for run in runs:
            refs = butler.query_datasets(
                each.name, collections=run, instrument=instrument, find_first=False, explain=False, limit=None
            )
            if refs:
                found.append(Calibration(datasetType=each.name, run=run, number=len(refs)))
    return found


def whereClause(product: ProductReport) -> str:
    """Write a condition that leaves out the exposures that count against a product.

    Parameters
    ----------
    product
        The product.

    Returns
    -------
    clause
        For the option ``--where`` of ``butler`` and ``pipetask``; empty if none is to be left out.
    """
    if not product.leaveOut:
        return ""
    epoch = "visit" if product.product.epoch == "visit" else "exposure"
    return f"{epoch} NOT IN ({', '.join(map(str, product.leaveOut))})"


def certifyCommand(report: RunReport, calibration: Calibration) -> str:
    """Write the command that certifies calibrations.

    Parameters
    ----------
    report
        The report, which says into which collection and for which time.
    calibration
        The calibrations.

    Returns
    -------
    command
        One line for a shell; what was not told is a name in capital letters.
    """
    told = report.certification
    words = ["butler", "certify-calibrations", shlex.quote(report.repository), shlex.quote(calibration.run)]
    words += [shlex.quote(told.collection) if told.collection else "CALIBRATION_COLLECTION"]
    words += [shlex.quote(calibration.datasetType)]
    for option, date in (("--begin-date", told.beginDate), ("--end-date", told.endDate)):
        words += [option, shlex.quote(date)] if date else []
    return " ".join(words)


def makeSheet(site: Site, calibrations: Sequence[Calibration] = ()) -> str:
    """Make the certification sheet.

    Parameters
    ----------
    site
        The report and its files.
    calibrations
        What can be certified.

    Returns
    -------
    page
        HTML that loads nothing.
    """
    style = readStatic("report.css") + readStatic("sheet.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    report = site.report
    return (
        makeEnvironment()
        .get_template("sheet.jinja")
        .render(
            report=report,
            style=style,
            digest=digest,
            look=VERDICT_LOOKS[report.verdict],
            problems=site.problems,
            sections=[_section(site, product, calibrations) for product in report.products],
            others=[
                {"calibration": one, "command": certifyCommand(report, one)}
                for one in calibrations
                if not any(_isOf(one, product) for product in report.products)
            ],
        )
    )


_CERTIFY = dict.fromkeys(Verdict, "Not to be run as things are; if the board decides otherwise:") | {
    Verdict.MAY: "To certify:",
    Verdict.NOT_JUDGED: "No rule speaks for it or against it; if the board decides so:",
}
"""What comes before the command that certifies, by the verdict."""


def _isOf(calibration: Calibration, product: ProductReport) -> bool:
    """Tell whether calibrations are those that a product verifies."""
    return calibration.datasetType == product.product.name


def _sayCertify(report: RunReport, product: ProductReport) -> str:
    """Say what comes before the command that certifies, which certifies the calibrations of all filters."""
    found = {one.verdict for one in report.products if one.product.name == product.product.name}
    return _CERTIFY[found.pop() if len(found) == 1 else Verdict.UNKNOWN]


def _section(site: Site, product: ProductReport, calibrations: Sequence[Calibration]) -> Mapping[str, Any]:
    status = site.detectorStatus[product.name]
    names = site.report.layout.detectorName
    bad = {
        word: names[np.flatnonzero(status == code)].tolist()
        for code, word in ((FAILED, "failed"), (UNKNOWN, "unknown"))
    }
    return {
        "product": product,
        "look": VERDICT_LOOKS[product.verdict],
        "certify": _sayCertify(site.report, product),
        "nGood": int(np.count_nonzero(status == GOOD)),
        "bad": {word: (len(found), found[:_NAMED]) for word, found in bad.items() if found},
        "sketch": makeSketch(
            f"{product.title}: status of detectors", site.report.geometry.detectorCorners, status
        ),
        "tests": _testRows(site, product),
        "where": whereClause(product),
        "commands": [
            {"calibration": one, "command": certifyCommand(site.report, one)}
            for one in calibrations
            if _isOf(one, product)
        ],
    }


def _testRows(site: Site, product: ProductReport) -> list[Mapping[str, Any]]:
    """Describe the tests that count."""
    rows: list[Mapping[str, Any]] = []
    for each in product.tests:
        if not each.test.counts or each.test.verdict:
            continue
        counts = {
            LOOKS[code].word: site.countMembers(product, each, code) for code in (GOOD, FAILED, UNKNOWN)
        }
        n_over = sum(each.test.key in exposure.overLimit for exposure in product.exposures)
        rows.append({"test": each.test, "limit": limitOf(each.test), "nOver": n_over, **counts})
    return rows
