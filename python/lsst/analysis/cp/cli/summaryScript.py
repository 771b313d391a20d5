# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What ``butler make-plot-summary`` does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

import click

from lsst.analysis.cp.navigator.summaries import NoPlotsError, nameFolder, writeSummary
from lsst.analysis.cp.notebook.search import expand
from lsst.daf.butler import Butler, MissingCollectionError

from .explain import explainErrors, openButler

__all__ = ["SummaryOptions", "writeSummaries"]


class _Outcome(Enum):
    """What became of the summary of a collection."""

    WRITTEN = auto()
    EMPTY = auto()
    FAILED = auto()


@dataclass(frozen=True, kw_only=True)
class SummaryOptions:
    """The options, as on the command line."""

    repo: str
    out: str
    collections: Sequence[str]
    label: str | None


def writeSummaries(options: SummaryOptions) -> bool:
    """Write a summary of each collection, and print which.

    Parameters
    ----------
    options
        The options.

    Returns
    -------
    isComplete
        Whether there is a new summary of each collection that was named, and of one at least for each
        pattern.

    Raises
    ------
    click.ClickException
        Raised if there is no such repository, or no label for it.
    """
    folder = Path(options.out) / _findLabel(options)
    with explainErrors(), openButler(options.repo) as butler:
        outcomes: dict[str, _Outcome] = {}
        complete = [_writeMatching(butler, each, folder, outcomes) for each in options.collections]
    return all(complete)


def _findLabel(options: SummaryOptions) -> str:
    """Name the folder of the repository."""
    label = options.label
    if label is None and options.repo in Butler.get_known_repos():
        label = options.repo
    if label is None:
        raise click.UsageError(
            f"{options.repo} is no label of a repository. Say with --label what the Plot Navigator calls it."
        )
    try:
        return nameFolder(label)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--label") from None


def _writeMatching(butler: Butler, given: str, folder: Path, outcomes: dict[str, _Outcome]) -> bool:
    """Write those summaries that a name or a pattern means and that are not yet; tell whether all is well."""
    try:
        names = _match(butler, given)
    except MissingCollectionError as error:
        click.echo(str(error), err=True)
        return False
    for name in names:
        if name not in outcomes:
            outcomes[name] = _write(butler, name, folder)
    found = {outcomes[name] for name in names}
    if found <= {_Outcome.EMPTY}:
        click.echo(f"There are no plots in {given}: no summary is written.", err=True)
        return False
    # That some of the collections of a pattern have no plots is no surprise.
    return _Outcome.FAILED not in found


def _match(butler: Butler, given: str) -> list[str]:
    """List the collections that a name or a pattern means; raise an error that names others if none does."""
    try:
        return [butler.collections.get_info(given).name]
    except MissingCollectionError:
        expand(butler, given)
        return sorted(butler.collections.query(given))


def _write(butler: Butler, collection: str, folder: Path) -> _Outcome:
    """Write a summary, and print what it has, or why there is none."""
    try:
        with explainErrors():
            try:
                written = writeSummary(butler, collection, folder)
            except NoPlotsError:
                return _Outcome.EMPTY
    except click.ClickException as error:
        click.echo(f"{collection} cannot be summarized: {error.message}", err=True)
        return _Outcome.FAILED
    plots = "1 plot" if written.nPlots == 1 else f"{written.nPlots} plots"
    types = "1 type" if written.nTypes == 1 else f"{written.nTypes} types"
    verb = "is" if written.nPlots == 1 else "are"
    click.echo(f"{collection}: {plots} of {types} {verb} in {written.path}.")
    for remark in written.remarks:
        click.echo(f"    {remark}")
    return _Outcome.WRITTEN
