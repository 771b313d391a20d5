# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Words and numbers of figures of trends."""

from __future__ import annotations

__all__ = [
    "changeEvents",
    "describeEpoch",
    "describeGap",
    "describeValues",
    "listChanges",
    "plural",
    "pluralOf",
    "rankFailing",
    "trendHeadline",
    "trendLists",
]

import numpy as np
from scipy.stats import median_abs_deviation

from lsst.analysis.cp.actions.plot.text import formatNumber
from lsst.analysis.cp.core.amps import FAILED, UNKNOWN
from lsst.analysis.cp.core.history import TrendFindings, TrendSeries

DAYS_OF_A_YEAR = 365.25


def plural(count: int, noun: str) -> str:
    """Count things.

    Parameters
    ----------
    count
        How many there are.
    noun
        What they are, in the singular.

    Returns
    -------
    text
        ``"1 raft"``, ``"3 rafts"``.
    """
    return f"{count} {noun if count == 1 else pluralOf(noun)}"


def pluralOf(noun: str) -> str:
    """Return the plural of a noun; that of series is series."""
    return noun if noun.endswith("s") else f"{noun}s"


def describeEpoch(series: TrendSeries, epoch: int) -> str:
    """Name an epoch.

    Parameters
    ----------
    series
        The histories.
    epoch
        Its index.

    Returns
    -------
    text
        The exposure, or else the day.
    """
    exposure, day = int(series.exposure[epoch]), int(series.dayObs[epoch])
    if series.epochKind == "exposure" and exposure:
        return str(exposure)
    return str(day) if day else f"MJD {series.mjd[epoch]:.3f}"


def describeGap(days: float) -> str:
    """Say how long a gap is.

    Parameters
    ----------
    days
        Its length.

    Returns
    -------
    text
        In days, or in years if it is longer than two.
    """
    if days > 2 * DAYS_OF_A_YEAR:
        return f"{days / DAYS_OF_A_YEAR:.1f} years"
    return f"{days:.0f} d" if days >= 10 else f"{days:.1f} d"


def trendHeadline(series: TrendSeries, findings: TrendFindings, noun: str) -> str:
    """Say in one line what there is, and what was found.

    Parameters
    ----------
    series
        The histories.
    findings
        What was found in them.
    noun
        What a series is, in the singular.

    Returns
    -------
    text
        The line.
    """
    words = [f"{plural(series.nSeries, noun)}, {plural(series.nEpochs, series.epochKind)}"]
    changed = len(np.unique(findings.changeSeries))
    counts = (
        (changed, "changed"),
        (int(findings.drifting.sum()), "drifting"),
        (int(findings.outlying.sum()), "apart from the others"),
    )
    words += [f"{count} {what}" for count, what in counts if count] or ["no change, no drift"]
    if len(findings.outlierSeries):
        words.append(plural(len(findings.outlierSeries), "outlier"))
    if n_tested := int((series.lastStatus != UNKNOWN).sum()):
        n_failed = int((series.lastStatus == FAILED).sum())
        words.append(f"{n_failed} of {n_tested} tested failed on the last {series.epochKind}")
    return ", ".join(words)


def trendLists(
    series: TrendSeries, findings: TrendFindings, noun: str, nListed: int
) -> tuple[tuple[str, ...], ...]:
    """Write what stands beside the plot.

    Parameters
    ----------
    series
        The histories.
    findings
        What was found in them.
    noun
        What a series is, in the singular.
    nListed
        Lines on each kind of finding, at most; 0 for none.

    Returns
    -------
    lists
        Title and lines of each list: the values of each kind of sensor, and as far as there are any changes,
        drifts, series apart from the others, and outliers.
    """
    lists = (
        ("Values", *describeValues(series)),
        ("Failed, of tested", *_cut(_listFailing(series), nListed)),
        ("Changes", *_cut(listChanges(series, findings, noun), nListed)),
        ("Drifts, a year", *_cut(_listDrifts(series, findings), nListed)),
        (f"Apart from other {pluralOf(noun)}", *_cut(_listApart(series, findings), nListed)),
        ("Outliers", *_cut(_listOutliers(series, findings), nListed)),
    )
    return tuple(lines for lines in lists if len(lines) > 1)


def describeValues(series: TrendSeries) -> tuple[str, ...]:
    """Describe the values of each kind of sensor.

    Parameters
    ----------
    series
        The histories.

    Returns
    -------
    lines
        A header, and for each kind the number of series, the median of all values, and the scaled median
        absolute deviations of the median over the epochs, and of the series from each other.
    """
    lines = [f"{'':<7}{'n':>4}{'median':>10}{'σ in time':>11}{'σ between':>11}"]
    for kind in np.unique(series.groups):
        values = series.values[series.groups == kind]
        finite = np.isfinite(values)
        values = values[finite.any(axis=1)][:, finite.any(axis=0)]
        numbers: list[float] = []
        if values.size:
            in_time, between = (
                float(median_abs_deviation(np.nanmedian(values, axis=axis), scale="normal"))
                for axis in (0, 1)
            )
            numbers = [float(np.nanmedian(values)), in_time, between]
        texts = "".join(
            f"{_round(number):>{width}}" for number, width in zip(numbers, (10, 11, 11), strict=False)
        )
        lines.append(f"{kind or 'all':<7}{int((series.groups == kind).sum()):>4}{texts}")
    return tuple(lines)


def rankFailing(series: TrendSeries) -> list[int]:
    """Return the series that failed, those that did on the last epoch first, then by how often."""
    n_failed = (series.status == FAILED).sum(axis=1)
    order = np.lexsort((-n_failed, series.lastStatus != FAILED))
    return [index for index in order.tolist() if n_failed[index]]


def _listFailing(series: TrendSeries) -> list[str]:
    """Say how often series failed."""
    n_failed, n_tested = (np.sum(part, axis=1) for part in
                          (series.status == FAILED, series.status != UNKNOWN))  # fmt: skip
    last = np.where(series.lastStatus == FAILED, ", the last too", "")
    return [f"{series.names[i]} {n_failed[i]}/{n_tested[i]}{last[i]}" for i in rankFailing(series)]


def listChanges(series: TrendSeries, findings: TrendFindings, noun: str) -> list[str]:
    """Say what changed when, those that changed together in one line.

    Parameters
    ----------
    series
        The histories.
    findings
        What was found in them.
    noun
        What a series is, in the singular.

    Returns
    -------
    lines
        One an epoch, that with the most significant change first.
    """
    lines = []
    for epoch in changeEvents(findings):
        chosen = np.flatnonzero(findings.changeEpoch == epoch)
        chosen = chosen[np.argsort(-findings.changeScore[chosen], kind="stable")]
        first = chosen[0]
        before, after = _round(findings.changeBefore[first]), _round(findings.changeAfter[first])
        name = series.names[findings.changeSeries[first]]
        more = f", +{plural(len(chosen) - 1, noun)}" if len(chosen) > 1 else ""
        lines.append(f"{describeEpoch(series, epoch)} {name} {before} → {after}{more}")
    return lines


def changeEvents(findings: TrendFindings) -> list[int]:
    """Return the epochs with changes, that with the most significant change first."""
    order = np.argsort(-findings.changeScore, kind="stable")
    return list(dict.fromkeys(findings.changeEpoch[order].tolist()))


def _listDrifts(series: TrendSeries, findings: TrendFindings) -> list[str]:
    """Give the slopes of drifting series, the most significant first."""
    order = np.argsort(-np.abs(findings.driftScore), kind="stable")
    return [
        f"{series.names[i]} {'+' if findings.slope[i] > 0 else ''}{_round(findings.slope[i])}"
        for i in order
        if findings.drifting[i]
    ]


def _listApart(series: TrendSeries, findings: TrendFindings) -> list[str]:
    """Say how far series lie apart, the farthest first."""
    order = np.argsort(-np.abs(np.nan_to_num(findings.outlyingScore)), kind="stable")
    return [f"{series.names[i]} {findings.outlyingScore[i]:+.1f} σ" for i in order if findings.outlying[i]]


def _listOutliers(series: TrendSeries, findings: TrendFindings) -> list[str]:
    """Name the values that are far from the level of their series, the farthest first."""
    order = np.argsort(-np.abs(findings.outlierScore), kind="stable")
    lines = []
    for i in order:
        row, epoch = int(findings.outlierSeries[i]), int(findings.outlierEpoch[i])
        value = _round(series.values[row, epoch])
        score = findings.outlierScore[i]
        lines.append(f"{describeEpoch(series, epoch)} {series.names[row]} {value} ({score:+.0f} σ)")
    return lines


def _cut(lines: list[str], nListed: int) -> list[str]:
    """Keep the first lines, and count the others."""
    if len(lines) <= nListed or nListed == 0:
        return lines[:nListed]
    return [*lines[:nListed], f"and {len(lines) - nListed} more"]


def _round(value: float) -> str:
    """Write a number with three digits."""
    return formatNumber(float(f"{value:.3g}"))
