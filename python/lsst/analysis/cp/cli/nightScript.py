# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What ``butler verify-night`` does."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from lsst.analysis.cp.night import (
    NIGHT_PRODUCTS,
    Night,
    NightError,
    Outcome,
    Pipetask,
    Verification,
    findDayObs,
    holdLock,
    shorten,
)
from lsst.analysis.cp.notebook.search import expand
from lsst.analysis.cp.report import ReportError, RunReport, collectReport
from lsst.daf.butler import Butler

from .explain import explainErrors, openButler
from .pushScript import PushOptions, push
from .reportScript import checkPackages

__all__ = ["NightOptions", "runNight"]

_GRAPHS = logging.getLogger("lsst.pipe.base.quantum_graph_builder")
_LEDGER = "pushedMetrics.sqlite3"
_REPORT = "report"
_LOGS = "logs"
_WIDTH = 240
"""Length to which the reason is cut why nothing was done; standard error has all of it."""


@dataclass(frozen=True, kw_only=True)
class NightOptions:
    """The options, as on the command line."""

    repo: str
    folder: str
    instrument: str
    day_obs: int | None
    input: Sequence[str]
    output: str
    product: Sequence[str]
    pipeline: str | None
    retry: bool
    processes: int
    wait: float
    proxy: str | None
    namespace: str | None
    token_file: str | None
    deadline: float


def runNight(options: NightOptions) -> int:
    """Verify a night, push its metrics, and make its report; print a line.

    Parameters
    ----------
    options
        The options.

    Returns
    -------
    status
        Exit status: that of the report, 3 if something is absent, 1 if something failed and no more.
    """
    begin = time.monotonic()
    night = Night(
        repo=options.repo,
        instrument=options.instrument,
        dayObs=findDayObs() if options.day_obs is None else options.day_obs,
        inputs=tuple(options.input),
        # Of an output with a slash at its end the nights would be others.
        output=options.output.rstrip("/"),
        pipeline=options.pipeline or "",
    )
    try:
        # All that others print here is not what a person is to read first.
        with _endingOnSignals(), redirect_stdout(sys.stderr), explainErrors(NightError):
            outcome = _verify(replace(night, pipeline=_findPipeline(options)), options)
    except click.ClickException as error:
        _tell(error.message)
        reason = shorten(error.message, _WIDTH)
        click.echo(f"{night.instrument} {night.dayObs}: NOT VERIFIED: {reason}; status 1")
        return 1
    except SystemExit as end:
        click.echo(f"{night.instrument} {night.dayObs}: BROKEN OFF, run it again; status {end.code}")
        raise
    outcome = replace(outcome, seconds=time.monotonic() - begin)
    click.echo(outcome.line)
    return outcome.status


@contextmanager
def _endingOnSignals() -> Iterator[None]:
    """Let signals that ask to end raise an exception, so that nothing is left running."""
    asked = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    # What nohup ignores stays ignored.
    numbers = [number for number in asked if signal.getsignal(number) is not signal.SIG_IGN]

    def end(number: int, frame: FrameType | None) -> NoReturn:
        for each in numbers:
            # Another one must not disturb the ending.
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(128 + number)

    old = {number: signal.signal(number, end) for number in numbers}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def _findPipeline(options: NightOptions) -> str:
    """Find the pipeline of an instrument."""
    if options.pipeline:
        return options.pipeline
    folder = os.environ.get("ANALYSIS_CP_DIR")
    if folder is None:
        raise NightError("$ANALYSIS_CP_DIR, where the pipelines are, is not set.")
    path = Path(folder) / "pipelines" / options.instrument / "verifyNight.yaml"
    if not path.is_file():
        known = sorted(each.parent.name for each in path.parents[1].glob(f"*/{path.name}"))
        raise NightError(f"There is no pipeline of {options.instrument}; there are of {', '.join(known)}.")
    return str(path)


def _verify(night: Night, options: NightOptions) -> Outcome:
    """Do what there is to do, under a lock."""
    if bool(options.proxy) != bool(options.namespace):
        raise NightError("--proxy and --namespace go together.")
    if not night.output:
        # As of a variable of a script that is not set.
        raise NightError("--output names no collection.")
    checkPackages()
    program = Pipetask.find()
    if _GRAPHS.level == logging.NOTSET:
        # It tells at length of steps that are done; whoever wants that sets its level.
        _GRAPHS.setLevel(logging.ERROR)
    with openButler(night.repo) as butler:
        known = [record.name for record in butler.query_dimension_records("instrument", explain=False)]
        if night.instrument not in known:
            raise NightError(f"The repository has no instrument {night.instrument}, but {', '.join(known)}.")
        # An input that is missing is said once, and not by each step.
        expand(butler, night.inputs)
    folder = Path(options.folder)
    logs = folder / str(night.dayObs) / _LOGS
    logs.mkdir(parents=True, exist_ok=True)
    with holdLock(_findLock(night, folder), options.wait, _tell) as lock:
        verification = Verification(
            night=night,
            pipetask=Pipetask(program=program, processes=options.processes, lock=lock),
            folder=logs,
            isRetrying=options.retry,
            tell=_tell,
        )
        products = tuple(verification.run(options.product or NIGHT_PRODUCTS))
        outcome = Outcome(night=night, products=products, asked=options.product)
        outcome = _report(outcome, folder / str(night.dayObs) / _REPORT)
        return _push(outcome, options, folder / _LEDGER)


def _tell(text: str) -> None:
    click.echo(f"{time.strftime('%H:%M:%S')} {text}", err=True)


def _findLock(night: Night, folder: Path) -> Path:
    """Find the file of the lock: in the repository, where all who write to the same output find it."""
    root = Butler.get_repo_uri(night.repo, return_label=True)
    place = Path(root.ospath) if root.isLocal else folder
    return (place if place.is_dir() else place.parent) / f"verifyNight-{night.output.replace('/', '-')}.lock"


def _report(outcome: Outcome, out: Path) -> Outcome:
    """Make the report; what prevents it costs no more than itself."""
    if not any(state.exposures for state in outcome.products):
        return outcome
    from lsst.analysis.cp.report.folder import writeReport

    night = outcome.night
    report: RunReport | None = None
    try:
        with explainErrors(ReportError), openButler(night.repo) as butler:
            report = collectReport(butler, night.run, instrument=night.instrument, repository=night.repo)
            report = writeReport(report, out, butler)
    except click.ClickException as error:
        _tell(f"report: {error.message}")
        return replace(outcome, report=report)
    _tell(f"report: {report.verdict}")
    return replace(outcome, report=report, place=str(out))


def _push(outcome: Outcome, options: NightOptions, ledger: Path) -> Outcome:
    """Push the metrics; what prevents it costs no more than itself."""
    if not options.proxy or not options.namespace:
        return replace(outcome, pushed="not pushed")
    if not any(state.stages for state in outcome.products):
        return outcome
    night = outcome.night
    try:
        with openButler(night.repo) as butler:
            # The latest history was made anew with this night, and its metrics with it.
            runs = [night.run, *(later.run for later in night.findLater(butler)[:1])]
        report = push(_makePushOptions(runs, options, ledger))
    except click.ClickException as error:
        _tell(f"push: {error.message}")
        return replace(outcome, pushed="NOT PUSHED", isPushed=False)
    left = report.kept + report.rejected
    words = f"pushed {report.delivered}" + (f", {left} LEFT" if left else "")
    n_bundles = report.unread + report.untouched
    words += f", {n_bundles} BUNDLES LEFT" if n_bundles else ""
    is_pushed = report.isDelivered or not report.found
    if report.failure or not (is_pushed or left or n_bundles):
        words += ", PUSH FAILED"
    _tell(f"push: {words}")
    return replace(outcome, pushed=words, isPushed=is_pushed)


def _makePushOptions(runs: Sequence[str], options: NightOptions, ledger: Path) -> PushOptions:
    assert options.proxy is not None
    assert options.namespace is not None
    return PushOptions(
        repo=options.repo,
        collections=runs,
        where="",
        dataset_type=["*_metrics"],
        find_first=False,
        proxy=options.proxy,
        namespace=options.namespace,
        upstream_schema=False,
        token_file=options.token_file,
        ledger=str(ledger),
        dataset_tag=None,
        tag=(),
        field={},
        calibration_type=None,
        calibrations=(),
        batch_size=500,
        in_flight=4,
        deadline=options.deadline,
        undelivered=None,
        dry_run=False,
    )
