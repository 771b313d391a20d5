# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What ``butler watch-verify`` does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from lsst.analysis.cp.catalogue import products
from lsst.analysis.cp.report import ReportError
from lsst.analysis.cp.report.document import EXIT_STATUS

from .explain import explainErrors
from .reportScript import checkPackages

__all__ = ["WatchOptions", "runWatch"]


@dataclass(frozen=True, kw_only=True)
class WatchOptions:
    """The options, as on the command line."""

    repo: str
    out: Path
    collections: Sequence[str]
    output: str
    exposure: int
    product: str
    instrument: str
    where: str
    pipeline: str | None
    timeout: float


def runWatch(options: WatchOptions) -> int:
    """Follow an exposure, and print its verdict.

    Parameters
    ----------
    options
        The options.

    Returns
    -------
    status
        Exit status: 0 if the exposure may be certified, 3 if that is unknown, 4 if it may not.

    Raises
    ------
    click.ClickException
        Raised if the exposure cannot be followed, or not merged.
    """
    with explainErrors(ReportError):
        checkPackages()
        if options.product not in products():
            raise click.ClickException(
                f"There is no product {options.product!r}; there are {', '.join(products())}."
            )
        from lsst.analysis.cp.arriving import NoMergeError, Target, Watch, WatchError

        target = Target(
            repo=options.repo,
            collections=options.collections,
            product=options.product,
            exposure=options.exposure,
            output=options.output,
            instrument=options.instrument,
            where=options.where,
            pipeline=options.pipeline,
            timeout=options.timeout,
        )
        with explainErrors(NoMergeError, WatchError):
            return EXIT_STATUS[Watch(target, options.out, click.echo).run()]
