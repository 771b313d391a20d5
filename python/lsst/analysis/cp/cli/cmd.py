# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The subcommands of ``butler``: what they are called and which options they have."""

from __future__ import annotations

import math
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from lsst.daf.butler.cli.opt import (
    collections_option,
    dataset_type_option,
    options_file_option,
    repo_argument,
    where_option,
)
from lsst.daf.butler.cli.utils import ButlerCommand, split_commas, split_kv

__all__ = [
    "getSubcommands",
    "make_plot_summary",
    "make_verify_report",
    "push_verify_metrics",
    "serve_verify",
    "verify_night",
    "watch_verify",
]

_MANIFEST = "lsst/analysis/cp/cli/resources.yaml"


def getSubcommands() -> list[click.Command]:
    """List the subcommands of ``butler`` that this package has, for the entry point ``butler.cli``.

    Returns
    -------
    commands
        The subcommands; none where ``$DAF_BUTLER_PLUGINS`` names their manifest, as in a stack, since
        ``butler`` refuses to start when it finds a subcommand twice.
    """
    manifests = os.environ.get("DAF_BUTLER_PLUGINS", "").split(":")
    if any(manifest.endswith(_MANIFEST) for manifest in manifests):
        return []
    return [
        make_plot_summary,
        make_verify_report,
        push_verify_metrics,
        serve_verify,
        verify_night,
        watch_verify,
    ]


def _checkDeadline(context: click.Context, parameter: click.Parameter, value: float) -> float:
    if not math.isfinite(value):
        raise click.BadParameter(f"{value} is no number of seconds.")
    return value


@click.command(short_help="Send stored verification metrics to Sasquatch.", cls=ButlerCommand)
@repo_argument(required=True, help="REPO is the URI or label of the repository.")
@collections_option(required=True, help="Collections with the metrics, or patterns of their names with *.")
@where_option(help="Expression that data IDs fulfil, as of 'butler query-datasets'.")
@dataset_type_option(default=["*_metrics"], help="Dataset types, or patterns of these; *_metrics by default.")
@click.option(
    "--find-first",
    is_flag=True,
    help="Of several bundles with one data ID, send that of the first collection only.",
)
@click.option("--proxy", required=True, metavar="URL", help="Address of the REST proxy, http or https.")
@click.option("--namespace", required=True, help="Namespace of the topics in Sasquatch, such as lsst.cp.")
@click.option(
    "--upstream-schema",
    is_flag=True,
    help="Send to the topics of analysis_tools: 32-bit floats, 0 where there is no value, time of the run. "
    "By default, to our own: 64-bit floats, null where there is no value, time of the observation.",
)
@click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False),
    help="File that holds the bearer token; by default that in $SASQUATCH_TOKEN, if set.",
)
@click.option(
    "--ledger",
    type=click.Path(dir_okay=False),
    help="File that remembers what was sent; by default pushedMetrics.sqlite3 in a local REPO.",
)
@click.option("--dataset-tag", help="Identifier of the datasets, instead of that of each pipeline.")
@click.option(
    "--tag", multiple=True, help="Tag of all metrics, instead of those of the tasks' configurations."
)
@click.option(
    "--field",
    multiple=True,
    metavar="NAME=TEXT",
    callback=split_kv,
    help="A further field of all records.",
)
@click.option("--calibration-type", help="Dataset type of the calibrations that were verified, such as bias.")
@click.option(
    "--calibrations",
    multiple=True,
    callback=split_commas,
    help="Collections in which these are certified, from which the ranges of validity are taken.",
)
@click.option("--batch-size", type=click.IntRange(min=1), default=500, show_default=True)
@click.option(
    "--in-flight",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    help="Most requests at a time.",
)
@click.option(
    "--deadline",
    type=click.FloatRange(min=0.0, min_open=True),
    default=600.0,
    show_default=True,
    callback=_checkDeadline,
    help="Longest time for the push, s. What is then left goes with the next.",
)
@click.option(
    "--undelivered",
    type=click.Path(dir_okay=False),
    help="File to list all records in that are not delivered, and bundles that cannot be read.",
)
@click.option("--dry-run", is_flag=True, help="Print what would be sent, one JSON object a line.")
@options_file_option()
def push_verify_metrics(**options: Any) -> None:
    """Send stored verification metrics to Sasquatch.

    Each bundle is sent until the proxy has acknowledged all its records, and then never again to the same
    proxy and namespace, however often the command is run. It may be broken off at any time. The exit status
    is 0 if all is delivered, and 1 if something is not, which is then listed and goes with the next push, or
    if no bundles are found.
    """
    # Imported here, since butler imports this module whatever the subcommand.
    from lsst.analysis.cp.cli.pushScript import PushOptions, runPush

    if not runPush(PushOptions(**options)):
        raise click.exceptions.Exit(1)


def _checkDate(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """Refuse a date that ``butler certify-calibrations`` would refuse."""
    from astropy.time import Time

    try:
        Time(value or "2000-01-01", scale="tai")
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is no date as 2026-03-01T00:00:00.") from error
    return value


@click.command(short_help="Write a report of a run of verification, with its verdict.", cls=ButlerCommand)
@repo_argument(required=True, help="REPO is the URI or label of the repository.")
@click.argument("out", metavar="OUT", type=click.Path())
@collections_option(
    required=True, help="Collections of the run, or patterns of their names with *; several for one report."
)
@click.option("--instrument", help="Name of the instrument, if the collections have several.")
@where_option(
    help="Expression that data IDs fulfil, as of 'butler query-datasets'. If it chooses detectors, no others "
    "are expected to have results."
)
@click.option(
    "--graph",
    multiple=True,
    metavar="URI",
    help="Quantum graph of the run, which tells what was to be made. May be given several times.",
)
@click.option(
    "--certify-collection",
    default="",
    help="Calibration collection into which calibrations are to be certified, for the certification sheet.",
)
@click.option(
    "--begin-date",
    default="",
    callback=_checkDate,
    help="Begin of the validity, ISO 8601, TAI, for the same.",
)
@click.option(
    "--end-date", default="", callback=_checkDate, help="End of the validity, ISO 8601, TAI, for the same."
)
@options_file_option()
def make_verify_report(**options: Any) -> None:
    """Write a report of a run of verification into the folder OUT.

    The report has pages for browsers, which begin with index.html, a certification sheet, and verdict.json
    for scripts. An old report in OUT is replaced when the new one is complete; a folder that is no report is
    left alone. The exit status is 0 if all products may be certified, 4 if one may not, 3 if that is unknown
    because something is absent, and 1 if there is no report.
    """
    # Imported here, since butler imports this module whatever the subcommand.
    from lsst.analysis.cp.cli.reportScript import ReportOptions, runReport

    if status := runReport(ReportOptions(**options)):
        raise click.exceptions.Exit(status)


@click.command(short_help="Show plots, images and calibrations in a browser.", cls=ButlerCommand)
@repo_argument(required=True, help="REPO is the URI or label of the repository.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address of the network interface to listen at. All who reach it see what is in REPO.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="Port to listen at; 0 for any that is free.",
)
@click.option(
    "--report",
    metavar="FOLDER",
    type=click.Path(exists=True, file_okay=False),
    help="Folder that 'butler make-verify-report' wrote, which is served, too.",
)
@options_file_option()
def serve_verify(**options: Any) -> None:
    """Show plots, images and calibrations of a repository in a browser.

    The address is printed when the server listens. It reads only, and ends with Ctrl-C. It needs the further
    packages of lsst-analysis-cp[web].
    """
    # Imported here, since butler imports this module whatever the subcommand.
    from lsst.analysis.cp.cli.serveScript import ServeOptions, runServer

    runServer(ServeOptions(**options))


@click.command(short_help="Write summaries of plots for the Plot Navigator.", cls=ButlerCommand)
@repo_argument(required=True, help="REPO is the URI or label of the repository.")
@click.argument("out", metavar="OUT", type=click.Path(file_okay=False))
@collections_option(
    required=True,
    help="Collections to summarize, each in a file of its own, or patterns of their names with *.",
)
@click.option(
    "--label",
    metavar="NAME",
    help="Name of the repository in the Plot Navigator; by default REPO, if that is a label.",
)
@options_file_option()
def make_plot_summary(**options: Any) -> None:
    """Write summaries of the plots in collections into the folder OUT, as the Plot Navigator reads them.

    The summary of a collection is OUT/NAME/collection_COLLECTION.json.gz. It lists all plots, whatever their
    dimensions; exposures are listed as visits. An old summary is replaced when the new one is complete. The
    exit status is 0 if all summaries are written, and 1 if a collection is absent, has no plots, or cannot
    be summarized; the others are written.
    """
    # Imported here, since butler imports this module whatever the subcommand.
    from lsst.analysis.cp.cli.summaryScript import SummaryOptions, writeSummaries

    if not writeSummaries(SummaryOptions(**options)):
        raise click.exceptions.Exit(1)


@click.command(short_help="Follow an exposure while its detectors are verified.", cls=ButlerCommand)
@repo_argument(required=True, help="REPO is the URI or label of the repository.")
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@collections_option(
    required=True, help="Collections that get the results of detectors, and have the camera, by their names."
)
@click.option(
    "-o", "--output", required=True, metavar="COLL", help="Chain that begins with the merge afterwards."
)
@click.option(
    "--exposure",
    type=int,
    required=True,
    help="Id of the exposure; of the visit where products go by visits.",
)
@click.option("--product", default="bias", show_default=True, help="Product that is verified.")
@click.option("--instrument", required=True, help="Name of the instrument.")
@where_option(
    help="Expression that data IDs fulfil, as of 'butler query-datasets'. If it chooses detectors, no others "
    "are waited for."
)
@click.option(
    "--pipeline",
    metavar="URI",
    help="Pipeline that has the merge; by default that of this package for instrument and product.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.0, min_open=True),
    default=600.0,
    show_default=True,
    callback=_checkDeadline,
    help="Time after which what is not there is missing, s.",
)
@options_file_option()
def watch_verify(**options: Any) -> None:
    """Follow an exposure while its detectors are verified, and merge it when the last is there.

    The folder OUT has a page for browsers, index.html, with the verdict on what is there by now, what is
    still to come, and maps of the focal plane; and verdict.json for scripts. When no detector is still to
    come, or after the timeout, the verdict is printed, and the exposure is merged as its pipeline does it.
    The exit status is that of 'make-verify-report': 0 if it may be certified, 4 if it may not, 3 if that is
    unknown because something is absent, and 1 if it could not be followed or merged.
    """
    # Imported here, since butler imports this module whatever the subcommand.
    from lsst.analysis.cp.cli.watchScript import WatchOptions, runWatch

    if status := runWatch(WatchOptions(**options)):
        raise click.exceptions.Exit(status)


def _checkDay(context: click.Context, parameter: click.Parameter, value: int | None) -> int | None:
    """Refuse a number that is no day of observation."""
    if value is not None:
        try:
            datetime.strptime(str(value), "%Y%m%d")
        except ValueError as error:
            raise click.BadParameter(f"{value} is no day as 20261126.") from error
    return value


@click.command(short_help="Verify what an afternoon took, push its metrics and report.", cls=ButlerCommand)
@repo_argument(required=True, help="REPO is the URI or label of the repository.")
@click.argument("folder", metavar="FOLDER", type=click.Path(file_okay=False))
@click.option("--instrument", required=True, help="Name of the instrument.")
@click.option(
    "--day-obs",
    type=int,
    callback=_checkDay,
    help="Day of observation, YYYYMMDD. By default the present one, which begins at 12:00 TAI: name it where "
    "the command may be run later.",
)
@click.option(
    "-i",
    "--input",
    required=True,
    multiple=True,
    callback=split_commas,
    help="Collections with the exposures, and with what their verification needs.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    help="Collection of the results of all nights of the instrument. Each night has a RUN collection in it.",
)
@click.option(
    "--product",
    multiple=True,
    type=click.Choice(["bias", "dark", "flat"]),
    help="Verify this product only, of which there have to be exposures. May be given several times.",
)
@click.option(
    "--pipeline",
    metavar="FILE",
    help="Pipeline to use instead of verifyNight.yaml of the instrument, with the same subsets.",
)
@click.option("--retry", is_flag=True, help="Try again what failed, even if there is nothing else to do.")
@click.option(
    "-j",
    "--processes",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes of pipetask.",
)
@click.option(
    "--wait",
    type=click.FloatRange(min=0.0),
    default=3600.0,
    show_default=True,
    help="Longest time to wait for what a call that was killed left running, s.",
)
@click.option(
    "--proxy", metavar="URL", help="Address of the REST proxy of Sasquatch; without it nothing is pushed."
)
@click.option("--namespace", help="Namespace of the topics in Sasquatch, such as lsst.cp.")
@click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False),
    help="File that holds the bearer token; by default that in $SASQUATCH_TOKEN, if set.",
)
@click.option(
    "--deadline",
    type=click.FloatRange(min=0.0, min_open=True),
    default=600.0,
    show_default=True,
    callback=_checkDeadline,
    help="Longest time for the push, s. What is then left goes with the next call.",
)
@options_file_option()
def verify_night(**options: Any) -> None:
    """Verify the biases, darks and flats of a day, push their metrics, and write a report into FOLDER.

    It does what is not done yet, however an earlier call ended, and makes anew what is out of date: call it
    again when exposures come late, or when a call was killed. A product or step that fails costs itself only.
    Progress goes to standard error; the one line on standard output says it all.

    The exit status is 0 if all products may be certified, 4 if one may not, 3 if that is unknown because
    something is absent, 1 if all may be but something failed or was not pushed, and 128 and the number of the
    signal if it was asked to end. FOLDER gets a folder of each day, with its report and the logs of pipetask.
    """
    # Imported here, since butler imports this module whatever the subcommand.
    from lsst.analysis.cp.cli.nightScript import NightOptions, runNight

    if status := runNight(NightOptions(**options)):
        raise click.exceptions.Exit(status)
