# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What ``butler make-verify-report`` does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lsst.analysis.cp.report import Certification, ReportError, RunReport, collectReport
from lsst.analysis.cp.report.document import EXIT_STATUS

from .explain import explainErrors, openButler

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

__all__ = ["ReportOptions", "checkPackages", "runReport"]

_LISTED = 10

_NEEDED = ("jinja2",)
"""Packages of the extra ``report``."""


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """The options, as on the command line."""

    repo: str
    out: str
    collections: Sequence[str]
    instrument: str | None
    where: str
    graph: Sequence[str]
    certify_collection: str
    begin_date: str
    end_date: str


def runReport(options: ReportOptions) -> int:
    """Make a report, and print its verdicts.

    Parameters
    ----------
    options
        The options.

    Returns
    -------
    status
        Exit status: 0 if all products may be certified, 3 if that is unknown, 4 if one may not.

    Raises
    ------
    click.ClickException
        Raised if there is nothing to report, or it cannot be written.
    """
    with explainErrors(ReportError):
        checkPackages()
        from lsst.analysis.cp.report.folder import checkFolder, writeReport

        out = Path(options.out)
        # All of the work would be in vain.
        checkFolder(out)
        with openButler(options.repo) as butler:
            report = writeReport(_collect(butler, options), out, butler)
        _describe(report, out)
    return EXIT_STATUS[report.verdict]


def checkPackages() -> None:
    """Raise an error that says what to install if a package is absent that reports need."""
    if lacking := [name for name in _NEEDED if find_spec(name) is None]:
        raise click.ClickException(
            f"There is no package {', '.join(lacking)}. Reports need further packages: "
            "pip install 'lsst-analysis-cp[report]'."
        )


def _collect(butler: Butler, options: ReportOptions) -> RunReport:
    return collectReport(
        butler,
        options.collections,
        instrument=options.instrument,
        where=options.where,
        graphs=options.graph,
        certification=Certification(
            collection=options.certify_collection, beginDate=options.begin_date, endDate=options.end_date
        ),
        repository=options.repo,
    )


def _describe(report: RunReport, out: Path) -> None:
    """Print the verdicts, each with its first reason, and what could not be read."""
    for product in report.products:
        click.echo(f"{product.title}: {product.verdict}. {next(iter(product.reasons), '')}")
    for problem in report.problems[:_LISTED]:
        click.echo(f"{problem.dataset}: {problem.reason}", err=True)
    if (n_more := len(report.problems) - _LISTED) > 0:
        click.echo(f"and {n_more} more; all are in the report.", err=True)
    click.echo(f"All together: {report.verdict}. The report is in {out}.")
