# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What ``butler push-verify-metrics`` does."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import IO, NoReturn

import click
from tqdm import tqdm

from lsst.analysis.cp.metrics import BundleQuery, CalibrationLookup
from lsst.analysis.cp.sasquatch import (
    Ledger,
    Mode,
    ProxyClient,
    Pusher,
    PushReport,
    RecordMaker,
    SasquatchError,
    Secret,
    Undelivered,
    WebAddress,
    findSecretText,
)
from lsst.analysis.cp.sasquatch.delivery import GRACE
from lsst.analysis.cp.sasquatch.pusher import TimedReader
from lsst.daf.butler import Butler

from .explain import explainErrors, openButler

__all__ = ["PushOptions", "push", "runPush"]

TOKEN_VARIABLE = "SASQUATCH_TOKEN"
"""Environment variable that may hold the token."""

_LEDGER = "pushedMetrics.sqlite3"
_LISTED = 20
# Names that both Kafka and Avro take.
_NAMESPACE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
_FIELD = re.compile(r"[A-Za-z_]\w*", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class PushOptions:
    """The options, as on the command line."""

    repo: str
    collections: Sequence[str]
    where: str
    dataset_type: Sequence[str]
    find_first: bool
    proxy: str
    namespace: str
    upstream_schema: bool
    token_file: str | None
    ledger: str | None
    dataset_tag: str | None
    tag: Sequence[str]
    field: Mapping[str, str]
    calibration_type: str | None
    calibrations: Sequence[str]
    batch_size: int
    in_flight: int
    deadline: float
    undelivered: str | None
    dry_run: bool


def runPush(options: PushOptions) -> bool:
    """Push, or print what would be pushed.

    Parameters
    ----------
    options
        The options.

    Returns
    -------
    isDelivered
        Whether there was something, and nothing of it is left undelivered.

    Raises
    ------
    click.ClickException
        Raised if the options cannot be used together, or with this repository or proxy.
    """
    report = push(options)
    return report.found > 0 and (report.isDelivered if not options.dry_run else not report.unread)


def push(options: PushOptions) -> PushReport:
    """Push, or print what would be pushed, and tell what was done; the errors are those of `runPush`."""
    _checkNames(options)
    with explainErrors(SasquatchError), ExitStack() as stack:
        address = WebAddress.parse(options.proxy, "proxy")
        mode = Mode.UPSTREAM if options.upstream_schema else Mode.OWN
        target = f"{address.target} {options.namespace} {mode}"
        ledger_file = _findLedger(options)
        # Whoever locks a repository is waited for by the middleware for minutes.
        open_butler = partial(openButler, options.repo)
        butler = stack.enter_context(TimedReader().run(open_butler, options.deadline + GRACE))
        ledger = stack.enter_context(Ledger(ledger_file, target, isReadOnly=options.dry_run))
        # Opened before the work: all of that would be in vain.
        file = None
        if options.undelivered is not None and not options.dry_run:
            file = stack.enter_context(_openList(Path(options.undelivered), ledger_file))
        token = findSecretText("token", options.token_file, TOKEN_VARIABLE)
        client = ProxyClient(address, None if token is None else Secret.bearer(token))
        undelivered = _UndeliveredList(file)
        pusher = Pusher(butler, _makeMaker(butler, options, mode), ledger, tell=undelivered.add)
        query = BundleQuery(options.collections, options.where, options.dataset_type, options.find_first)
        with _openBar() as bar:

            def advance(count: int, total: int) -> None:
                bar.total = total
                bar.update(count - bar.n)

            if options.dry_run:
                _preview(pusher.preview(query, advance), options.proxy)
            else:
                pusher.push(
                    query,
                    client,
                    batchSize=options.batch_size,
                    inFlight=options.in_flight,
                    deadline=options.deadline,
                    progress=advance,
                )
                _describe(pusher.report)
        undelivered.show()
        if not pusher.report.found:
            click.echo(f"No bundles of metrics are found. {query.explainNothing(butler)}", err=True)
        return pusher.report


def _checkNames(options: PushOptions) -> None:
    if not _NAMESPACE.fullmatch(options.namespace):
        raise click.BadParameter(
            f"{options.namespace!r} is no namespace such as lsst.cp.", param_hint="--namespace"
        )
    for name in options.field:
        if not _FIELD.fullmatch(name):
            raise click.BadParameter(f"{name!r} is no name of a field.", param_hint="--field")
    if bool(options.calibration_type) != bool(options.calibrations):
        raise click.UsageError("--calibration-type and --calibrations go together.")


def _findLedger(options: PushOptions) -> Path:
    if options.ledger is not None:
        return Path(options.ledger)
    root = Butler.get_repo_uri(options.repo, return_label=True)
    if not root.isLocal:
        raise click.UsageError(f"{root} is not on this machine: give a file for the ledger with --ledger.")
    path = Path(root.ospath)
    return (path if path.is_dir() else path.parent) / _LEDGER


def _openList(path: Path, ledger: Path) -> IO[str]:
    """Open the file of the undelivered records, unless that would do harm or never end."""
    if path.exists() and path.samefile(ledger):
        raise click.BadParameter(f"{path} is the ledger.", param_hint="--undelivered")
    if path.is_fifo():
        raise click.BadParameter(f"{path} is a named pipe.", param_hint="--undelivered")
    return path.open("w")


def _makeMaker(butler: Butler, options: PushOptions, mode: Mode) -> RecordMaker:
    lookup = None
    if options.calibration_type is not None:
        try:
            lookup = CalibrationLookup.fromButler(butler, options.calibration_type, options.calibrations)
        except ValueError as error:
            raise click.ClickException(str(error)) from None
    return RecordMaker(
        butler,
        options.namespace,
        mode,
        calibrations=lookup,
        datasetTag=options.dataset_tag,
        tags=options.tag or None,
        extraFields=options.field,
    )


def _openBar() -> tqdm[NoReturn]:
    """Open a progress bar, which shows on terminals only."""
    # The default, a lock between processes, would outlive a push that is killed.
    tqdm.set_lock(threading.RLock())
    return tqdm(unit="bundle", disable=None)


def _preview(records: Iterator[tuple[str, bytes]], proxy: str) -> None:
    """Print all records that would be sent."""
    count = 0
    try:
        for topic, payload in records:
            sys.stdout.write(f'{{"topic": {json.dumps(topic)}, "value": {payload.decode()}}}\n')
            count += 1
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads has seen enough; Python must not try again to write what is left.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    click.echo(f"{count} records would be sent to {proxy}; nothing was.", err=True)


def _describe(report: PushReport) -> None:
    """Print what was done."""
    click.echo(
        f"{report.delivered} records delivered. Of {report.found} bundles, {report.known} had been delivered "
        "before."
    )
    if report.collisions:
        click.echo(
            f"{report.collisions} bundles have points at the times of those of others: of each two the "
            "database may keep one.",
            err=True,
        )
    if report.failure:
        click.echo(f"Error: {report.failure}", err=True)
    if report.untouched:
        why = "The push was broken off" if report.failure else "The deadline was reached"
        click.echo(
            f"{why} before {report.untouched} of {report.found} bundles were looked at; push again.", err=True
        )
    if report.kept or report.rejected or report.unread:
        click.echo(
            f"Not delivered: {report.kept} records that go with the next push, {report.rejected} that the "
            f"proxy rejected, and {report.unread} bundles that could not be read"
            + (f", of which {report.vanished} vanished." if report.vanished else "."),
            err=True,
        )


class _UndeliveredList:
    """Lists what is not delivered: a few on the terminal, all in a file."""

    def __init__(self, file: IO[str] | None) -> None:
        self._file = file
        self._count = 0
        self._first: list[Undelivered] = []

    def add(self, item: Undelivered) -> None:
        self._count += 1
        if self._count <= _LISTED:
            self._first.append(item)
        if self._file is not None:
            try:
                self._file.write(json.dumps(asdict(item), default=str) + "\n")
            except OSError as error:
                # The records are still delivered and counted.
                click.echo(f"Error: {self._file.name} cannot be written: {error.strerror}", err=True)
                self._file = None

    def show(self) -> None:
        reason = None
        for item in self._first:
            if item.reason != reason:
                reason = item.reason
                click.echo(f"  {reason}", err=True)
            click.echo(f"    {item.topic or 'all'} of {item.name}", err=True)
        if self._count > len(self._first):
            where = f"all are in {self._file.name}" if self._file else "use --undelivered to list all"
            click.echo(f"  and {self._count - len(self._first)} more; {where}.", err=True)
