# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Words of figures of trends."""

from __future__ import annotations

import numpy as np
from scipy.stats import median_abs_deviation

from lsst.analysis.cp.actions.plot.text import formatNumber, listFirst, plural, pluralOf
from lsst.analysis.cp.core.amps import FAILED, UNKNOWN
from lsst.analysis.cp.core.history import DAYS_PER_YEAR, MIN_JUDGED, TrendFindings, TrendSeries

__all__ = ["changeEvents", "describeGap", "rankFailing", "trendHeadline", "trendLists"]

_DIGITS = 3
"""Digits of numbers in lists."""


def changeEvents(findings: TrendFindings) -> list[int]:
    """Return the epochs with changes, that with the most significant change first."""
    order = np.argsort(-findings.changeScore, kind="stable")
    return list(dict.fromkeys(findings.changeEpoch[order].tolist()))


def rankFailing(series: TrendSeries) -> list[int]:
    """Return the series that failed, those that did on the last epoch first, then by how often."""
    n_failed = (series.status == FAILED).sum(axis=1)
    order = np.lexsort((-n_failed, series.lastStatus != FAILED))
    return [index for index in order.tolist() if n_failed[index]]


def describeGap(days: float) -> str:
    """Say how long a gap is: in days, or in years if it is longer than two."""
    if days > 2 * DAYS_PER_YEAR:
        return f"{days / DAYS_PER_YEAR:.1f} years"
    return f"{days:.0f} d" if days >= 10 else f"{days:.1f} d"


def trendHeadline(series: TrendSeries, findings: TrendFindings, noun: str) -> str:
    """Say in one line what there is, by the noun of a series in the singular, and what was found."""
    words = [f"{plural(series.nSeries, noun)}, {plural(series.nEpochs, series.epochNoun)}"]
    changed = len(np.unique(findings.changeSeries))
    counts = (
        (changed, "changed"),
        (int(findings.drifting.sum()), "drifting"),
        (int(findings.outlying.sum()), "outlying"),
    )
    found = [f"{count} {what}" for count, what in counts if count]
    n_values = np.isfinite(series.values).sum(axis=1)
    n_few = int(((n_values > 0) & (n_values < MIN_JUDGED)).sum())
    if n_values.max(initial=0) < MIN_JUDGED:
        what = "changes" if findings.drifting.any() else "changes and drifts"
        words += [*found, f"too few to judge {what} ({MIN_JUDGED} needed)"]
    else:
        words += found or ["no change, no drift"]
        words += [f"{n_few} with too few values to judge"] if n_few else []
    if len(findings.outlierSeries):
        words.append(plural(len(findings.outlierSeries), "outlier"))
    if n_tested := int((series.lastStatus != UNKNOWN).sum()):
        n_failed = int((series.lastStatus == FAILED).sum())
        words.append(f"{n_failed} of {n_tested} tested failed on the last {series.epochNoun}")
    return ", ".join(words)


def trendLists(
    series: TrendSeries, findings: TrendFindings, noun: str, nListed: int
) -> tuple[tuple[str, ...], ...]:
    """Write what stands beside the plot, with at most some lines on each kind of finding.

    The lists, each of a title and lines, are the values of each kind of sensor, and as far as there are any,
    failures, changes, drifts, outlying series, outliers, and what was left out. The
    noun is that of a series in the singular.
    """
    lists = (
        ("Values", *_describeValues(series)),
        listFirst("Failed, of tested", _listFailing(series), nListed),
        listFirst("Changes", _listChanges(series, findings, noun), nListed),
        listFirst("Drifts, a year", _listDrifts(series, findings), nListed),
        listFirst(f"Outlying {pluralOf(noun)}", _listOutlying(series, findings), nListed),
        listFirst("Outliers", _listOutliers(series, findings), nListed),
        listFirst("Left out, in another unit", series.leftOut, nListed),
    )
    return tuple(lines for lines in lists if lines)


def _describeValues(series: TrendSeries) -> list[str]:
    """Describe the values of each kind of sensor, below a header.

    These are the number of series, the median of all values, and the scaled median absolute deviations of the
    median over the epochs, and of the series from each other.
    """
    lines = [f"{'':<7}{'n':>4}{'median':>10}{'σ in time':>11}{'σ between':>11}"]
    for kind in np.unique(series.groups):
        values = series.values[series.groups == kind]
        finite = np.isfinite(values)
        # Of a quarter no sum or difference overflows.
        values = values[finite.any(axis=1)][:, finite.any(axis=0)] / 4
        numbers: list[float] = []
        if values.size:
            in_time, between = (
                4 * float(median_abs_deviation(np.nanmedian(values, axis=axis), scale="normal"))
                for axis in (0, 1)
            )
            numbers = [4 * float(np.nanmedian(values)), in_time, between]
        texts = "".join(
            f"{formatNumber(number, _DIGITS):>{width}}"
            for number, width in zip(numbers, (10, 11, 11), strict=False)
        )
        lines.append(f"{kind or 'all':<7}{int((series.groups == kind).sum()):>4}{texts}")
    return lines


def _listFailing(series: TrendSeries) -> list[str]:
    """Say how often series failed."""
    n_failed, n_tested = (np.sum(part, axis=1) for part in
                          (series.status == FAILED, series.status != UNKNOWN))  # fmt: skip
    last = np.where(series.lastStatus == FAILED, ", the last too", "")
    return [f"{series.names[i]} {n_failed[i]}/{n_tested[i]}{last[i]}" for i in rankFailing(series)]


def _listChanges(series: TrendSeries, findings: TrendFindings, noun: str) -> list[str]:
    """Say what changed when, those that changed together in one line; the most significant first."""
    lines = []
    for epoch in changeEvents(findings):
        chosen = np.flatnonzero(findings.changeEpoch == epoch)
        chosen = chosen[np.argsort(-findings.changeScore[chosen], kind="stable")]
        first = chosen[0]
        before, after = (
            formatNumber(level[first], _DIGITS) for level in (findings.changeBefore, findings.changeAfter)
        )
        name = series.names[findings.changeSeries[first]]
        more = f", +{plural(len(chosen) - 1, noun)}" if len(chosen) > 1 else ""
        lines.append(f"{_describeEpoch(series, epoch)} {name} {before} → {after}{more}")
    return lines


def _listDrifts(series: TrendSeries, findings: TrendFindings) -> list[str]:
    """Give the slopes of drifting series, the most significant first."""
    order = np.argsort(-np.abs(findings.driftScore), kind="stable")
    return [
        f"{series.names[i]} {'+' if findings.slope[i] > 0 else ''}{formatNumber(findings.slope[i], _DIGITS)}"
        for i in order
        if findings.drifting[i]
    ]


def _listOutlying(series: TrendSeries, findings: TrendFindings) -> list[str]:
    """Say how far outlying series are from the others of their kind, the farthest first."""
    order = np.argsort(-np.abs(np.nan_to_num(findings.outlyingScore)), kind="stable")
    return [f"{series.names[i]} {findings.outlyingScore[i]:+.1f} σ" for i in order if findings.outlying[i]]


def _listOutliers(series: TrendSeries, findings: TrendFindings) -> list[str]:
    """Name the values that are far from the level of their series, the farthest first."""
    order = np.argsort(-np.abs(findings.outlierScore), kind="stable")
    lines = []
    for i in order:
        row, epoch = int(findings.outlierSeries[i]), int(findings.outlierEpoch[i])
        value = formatNumber(series.values[row, epoch], _DIGITS)
        score = findings.outlierScore[i]
        lines.append(f"{_describeEpoch(series, epoch)} {series.names[row]} {value} ({score:+.0f} σ)")
    return lines


def _describeEpoch(series: TrendSeries, epoch: int) -> str:
    """Name an epoch by its exposure, or else its day."""
    exposure, day = int(series.exposure[epoch]), int(series.dayObs[epoch])
    if series.epochKind == "exposure" and exposure:
        return str(exposure)
    return str(day) if day else f"MJD {series.mjd[epoch]:.3f}"
