# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Words and numbers of focal-plane figures."""

from __future__ import annotations

__all__ = [
    "describeProvenance",
    "describeThreshold",
    "formatNumber",
    "headline",
    "listMissing",
    "listPatches",
    "shorten",
    "statisticsLines",
    "withUnit",
]

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import median_abs_deviation

from lsst.analysis.cp.core.typing import BoolArray, IndexArray, NameArray

from .view import PatchState, PatchValues

_DATA_ID = ("exposure", "visit", "day_obs", "detector", "physical_filter", "band")
_LINE = 120


def formatNumber(value: float) -> str:
    """Write a number with four significant digits, however small it is.

    Parameters
    ----------
    value
        The number.

    Returns
    -------
    text
        ``"-3.123e-06"``, ``"12.34"``, ``"90000"`` or ``"nan"``.
    """
    if np.isfinite(value) and value == round(value) and abs(value) < 1e10:
        return f"{value:.0f}"
    return f"{value:.4g}"


def withUnit(label: str, unit: str) -> str:
    """Append a unit to a label that does not end with it.

    Parameters
    ----------
    label
        What is shown.
    unit
        Its unit; empty for a number without one.

    Returns
    -------
    text
        ``"Noise (electron)"``.
    """
    return label if not unit or label.endswith(f"({unit})") else f"{label} ({unit})".strip()


def describeThreshold(threshold: float | None, operator: str, unit: str) -> str:
    """Say what a good value is.

    Parameters
    ----------
    threshold
        The limit; None if there is none.
    operator
        How a good value compares with it: ``<``, ``<=``, ``>`` or ``>=``.
    unit
        Unit of the limit; may be empty.

    Returns
    -------
    text
        ``"limit: ≤ 0.05 electron"``; empty without a limit.
    """
    if threshold is None:
        return ""
    sign = {"<=": "≤", ">=": "≥"}.get(operator, operator)
    return f"limit: {sign} {formatNumber(threshold)} {unit}".strip()


def shorten(text: str, length: int = _LINE) -> str:
    """Cut the middle out of a long text.

    Parameters
    ----------
    text
        The text.
    length
        Characters at most.

    Returns
    -------
    short
        The text, with an ellipsis where it was cut.
    """
    if len(text) <= length:
        return text
    head = (length - 1) // 2
    return f"{text[:head]}…{text[len(text) - (length - 1 - head) :]}"


def describeProvenance(plotInfo: Mapping[str, object], tests: Sequence[str]) -> tuple[str, ...]:
    """Say where the data of a figure come from.

    Parameters
    ----------
    plotInfo
        Data ID, ``run`` (a collection) and ``tableName`` as an analysis task gives them; any may be absent.
    tests
        Tests to which the values belong.

    Returns
    -------
    lines
        One line on the data ID and the tests, and one on collection and table, as far as they are known.
    """
    keys = ("instrument", *_DATA_ID, "run", "tableName")
    known = {key: str(plotInfo[key]) for key in keys if plotInfo.get(key) not in (None, "")}
    data_id = [known["instrument"]] if "instrument" in known else []
    for key in _DATA_ID:
        if key in known and not (key == "band" and "physical_filter" in known):
            data_id.append(f"{key.removeprefix('physical_')} {known[key]}")
    if tests:
        data_id.append(f"tests: {', '.join(tests)}")
    source = [
        f"{word}: {shorten(known[key])}"
        for word, key in (("collection", "run"), ("table", "tableName"))
        if key in known
    ]
    return tuple("   ".join(words) for words in (data_id, source) if words)


def statisticsLines(values: npt.NDArray[np.floating], *, counts: bool) -> tuple[str, ...]:
    """Describe the distribution of values.

    Parameters
    ----------
    values
        Values of the patches; any shape. NaN and infinite ones are left out.
    counts
        Whether values are numbers of things.

    Returns
    -------
    lines
        Number, median, scaled median absolute deviation, least and greatest; of counts, number, zeros, sum
        and greatest; only the number if it is 0.
    """
    finite = values[np.isfinite(values)]
    rows: list[tuple[str, float]] = [("n", len(finite))]
    if len(finite) and counts:
        rows += [("zero", np.sum(finite == 0)), ("sum", float(finite.sum())), ("max", float(finite.max()))]
    elif len(finite):
        rows += [
            ("median", float(np.median(finite))),
            ("σ MAD", float(median_abs_deviation(finite, scale="normal"))),
        ]
        rows += [("min", float(finite.min())), ("max", float(finite.max()))]
    return tuple(f"{name:<8} {formatNumber(float(value))}" for name, value in rows)


def headline(
    patches: PatchValues,
    detector: IndexArray,
    expected: BoolArray,
    *,
    noun: str,
    noValueLabel: str,
) -> str:
    """Give the verdict in one line.

    Parameters
    ----------
    patches
        The patches of the camera.
    detector
        Index of the detector of each patch; shape (nPatches,).
    expected
        Patches that are missed if they have no data; shape (nPatches,).
    noun
        What a patch is, in the singular.
    noValueLabel
        What it means that a patch has rows but no value.

    Returns
    -------
    text
        How many have a value or failed, and how many lack data.
    """
    words = [f"{(patches.state == PatchState.VALUE).sum()} {noun}s with a value"]
    if patches.nTested.any():
        words[0] = f"{patches.failing.sum()} of {(patches.nTested > 0).sum()} tested {noun}s failed"
        if patches.failing.any() and noun != "detector":
            n_detectors = len(np.unique(detector[patches.failing]))
            words[0] += f" on {n_detectors} detector{'s' * (n_detectors > 1)}"
    if count := (patches.state == PatchState.NO_VALUE).sum():
        words.append(f"{count} {noValueLabel}")
    if count := (expected & (patches.state == PatchState.NO_DATA)).sum():
        words.append(f"{count} of {expected.sum()} without data")
    if not expected.all():
        words.append(f"data of {len(np.unique(detector[expected]))} of {len(np.unique(detector))} detectors")
    return ", ".join(words)


def listMissing(names: NameArray, nListed: int) -> tuple[str, ...]:
    """Name the detectors without data.

    Parameters
    ----------
    names
        Their names; shape (n,).
    nListed
        Lines of three names at most; 0 for no list.

    Returns
    -------
    lines
        Title and lines; empty if there is none to name.
    """
    if len(names) == 0 or nListed == 0:
        return ()
    shown = names[: 3 * nListed].tolist()
    lines = [", ".join(shown[i : i + 3]) for i in range(0, len(shown), 3)]
    if len(names) > len(shown):
        lines.append(f"and {len(names) - len(shown)} more")
    return f"Without data: {len(names)} detector{'s' * (len(names) > 1)}", *lines


def listPatches(patches: PatchValues, names: NameArray, nListed: int, *, counts: bool) -> tuple[str, ...]:
    """Name the patches to look at first.

    These are the failing ones, in order of their distance from the median, those without value first; where
    nothing fails, the values furthest from the median, or the largest counts.

    Parameters
    ----------
    patches
        The patches of the camera.
    names
        Their names; shape (nPatches,).
    nListed
        Lines at most; 0 for no list.
    counts
        Whether values are counts.

    Returns
    -------
    lines
        Title and one line a patch; empty if there is none to name.
    """
    value = patches.value
    finite = np.isfinite(value)
    chosen = (value > 0) if counts else patches.failing if patches.failing.any() else finite
    title = "Highest" if counts else "Failing" if patches.failing.any() else "Furthest from the median"
    middle = 0.0 if counts or not finite.any() else float(np.median(value[finite]))
    distance = np.where(finite, np.abs(value - middle), np.inf)
    candidates = np.flatnonzero(chosen & ((distance > 0) | patches.failing))
    worst = candidates[np.lexsort((-patches.nFailed[candidates], -distance[candidates]))][:nListed]
    if len(worst) == 0:
        return ()
    if any(_failedShare(patches, i) for i in worst):
        title += " (value, rows)"
    width = max(len(name) for name in names[worst])
    lines = [
        f"{names[i]:<{width}}  {formatNumber(float(value[i])):>9}{_failedShare(patches, i)}" for i in worst
    ]
    if len(candidates) > len(worst) and chosen is not finite:
        lines.append(f"and {len(candidates) - len(worst)} more")
    return title, *lines


def _failedShare(patches: PatchValues, index: int) -> str:
    """Return which part of the rows of a patch failed, if that is not told by its value."""
    tested, failed = int(patches.nTested[index]), int(patches.nFailed[index])
    return f"  {failed}/{tested}" if tested > 1 and patches.value[index] != failed else ""
