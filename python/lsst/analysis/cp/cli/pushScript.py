# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What ``butler push-verify-metrics`` does."""

from __future__ import annotations

import itertools
import json
import os
import re
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn

import click
from tqdm import tqdm

from lsst.analysis.cp.metrics import BundleQuery, CalibrationLookup
from lsst.analysis.cp.sasquatch import (
    AccessToken,
    Ledger,
    LedgerError,
    Mode,
    ProxyAddress,
    ProxyClient,
    ProxyError,
    Pusher,
    PushReport,
    RecordMaker,
    Target,
)
from lsst.daf.butler import Butler, ButlerUserError

__all__ = ["PushOptions", "runPush"]

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

    @property
    def mode(self) -> Mode:
        """Which kind of topics."""
        return Mode.UPSTREAM if self.upstream_schema else Mode.OWN

    @property
    def bundles(self) -> BundleQuery:
        """Which bundles."""
        return BundleQuery(self.collections, self.where, self.dataset_type, self.find_first)


def runPush(options: PushOptions) -> bool:
    """Push, or print what would be pushed.

    Parameters
    ----------
    options
        The options.

    Returns
    -------
    isDelivered
        Whether nothing is left undelivered.

    Raises
    ------
    click.ClickException
        Raised if the options cannot be used together, or with this repository or proxy.
    """
    _checkNames(options)
    with _explainErrors():
        address = ProxyAddress.parse(options.proxy)
        target = Target(address.target, options.namespace, options.mode)
        file = _findLedger(options)
        with _openButler(options.repo) as butler, Ledger(file, target, isReadOnly=options.dry_run) as ledger:
            pusher = Pusher(_makeMaker(butler, options), options.namespace, options.mode, ledger)
            if options.dry_run:
                return _preview(pusher, butler, options)
            client = ProxyClient(address, AccessToken.find(options.token_file), connections=options.in_flight)
            report = _push(pusher, butler, client, options)
            _describe(report)
            _listUndelivered(ledger, options.undelivered)
            return report.isDelivered


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


@contextmanager
def _explainErrors() -> Iterator[None]:
    """Turn errors that a user can do something about into messages without traceback."""
    try:
        yield
    except (ProxyError, LedgerError, ButlerUserError) as error:
        raise click.ClickException(str(error)) from error


def _openButler(repo: str) -> Butler:
    try:
        return Butler.from_config(repo, writeable=False)
    except FileNotFoundError as error:
        raise click.ClickException(f"There is no repository {repo}: {error}") from error


def _findLedger(options: PushOptions) -> Path:
    if options.ledger is not None:
        return Path(options.ledger)
    root = Butler.get_repo_uri(options.repo, return_label=True)
    if not root.isLocal:
        raise click.UsageError(f"{root} is not on this machine: give a file for the ledger with --ledger.")
    path = Path(root.ospath)
    return (path if path.is_dir() else path.parent) / _LEDGER


def _makeMaker(butler: Butler, options: PushOptions) -> RecordMaker:
    lookup = None
    if options.calibration_type is not None:
        try:
            lookup = CalibrationLookup.fromButler(butler, options.calibration_type, options.calibrations)
        except ValueError as error:
            raise click.ClickException(str(error)) from error
    return RecordMaker(
        butler,
        calibrations=lookup,
        datasetTag=options.dataset_tag,
        tags=options.tag or None,
        extraFields=options.field,
    )


def _advance(bar: tqdm[NoReturn], count: int, total: int) -> None:
    bar.total = total
    bar.update(count - bar.n)


def _openBar() -> tqdm[NoReturn]:
    """Open a progress bar, which shows on terminals only."""
    # The default, a lock between processes, would outlive a push that is killed.
    tqdm.set_lock(threading.RLock())
    return tqdm(unit="bundle", disable=None)


def _push(pusher: Pusher, butler: Butler, client: ProxyClient, options: PushOptions) -> PushReport:
    try:
        with _openBar() as bar:
            return pusher.push(
                butler,
                options.bundles,
                client,
                batchSize=options.batch_size,
                inFlight=options.in_flight,
                deadline=options.deadline,
                progress=partial(_advance, bar),
            )
    finally:
        client.close()


def _preview(pusher: Pusher, butler: Butler, options: PushOptions) -> bool:
    """Print all records that would be sent."""
    count = 0
    with _openBar() as bar:
        try:
            for topic, payload in pusher.preview(butler, options.bundles, partial(_advance, bar)):
                click.echo(f'{{"topic": {json.dumps(topic)}, "value": {payload.decode()}}}')
                count += 1
        except BrokenPipeError:
            # Whoever reads has seen enough; Python must not try again to write what is left.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return True
    _warnOfNothing(pusher.report)
    click.echo(f"{count} records would be sent to {options.proxy}; nothing was.", err=True)
    return not pusher.report.unreadBundles


def _warnOfNothing(report: PushReport) -> None:
    if report.isComplete and not report.found:
        click.echo("No bundles of metrics are found.", err=True)


def _describe(report: PushReport) -> None:
    """Print what was done."""
    _warnOfNothing(report)
    click.echo(
        f"{report.delivered} records delivered. Of {report.bundles} bundles, {report.knownBundles} had been "
        f"dealt with before; {report.resumed} records were left by earlier pushes."
    )
    if report.failure:
        click.echo(f"Error: {report.failure}", err=True)
    elif not report.isComplete:
        left = f"{report.found - report.bundles} of {report.found} bundles were looked at"
        click.echo(f"The deadline was reached before {left}; push again.", err=True)
    for name, reason in itertools.islice(report.unreadBundles.items(), _LISTED):
        click.echo(f"Not sent: {name}: {reason}", err=True)
    if report.kept or report.rejected or report.unreadBundles:
        click.echo(
            f"Not delivered: {report.kept} records that are kept for the next push, {report.rejected} that "
            f"the proxy rejected, and {len(report.unreadBundles)} bundles that could not be read.",
            err=True,
        )


def _listUndelivered(ledger: Ledger, file: str | None) -> None:
    """List the records of the target that are not delivered, a few on the terminal and all in a file."""
    count, reason = 0, None
    with Path(file).open("w") if file is not None else nullcontext() as stream:
        for record in ledger.listUndelivered():
            count += 1
            if count <= _LISTED:
                if record.reason != reason:
                    reason = record.reason
                    click.echo(f"  {reason}", err=True)
                click.echo(f"    {record.topic} of {record.name}", err=True)
            if stream is not None:
                stream.write(json.dumps(asdict(record), default=str) + "\n")
    if count > _LISTED:
        where = f"all are in {file}" if file else "use --undelivered to list all"
        click.echo(f"  and {count - _LISTED} more; {where}.", err=True)
