# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Words and numbers that figures of all kinds have."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import numpy.typing as npt
from scipy.stats import median_abs_deviation

from lsst.analysis.cp import __version__
from lsst.analysis.cp.catalogue import VerifyTest

__all__ = [
    "COLUMN",
    "LIST_LENGTH",
    "addLeftOut",
    "chooseTitle",
    "describeLimits",
    "describeProvenance",
    "describeQuantity",
    "describeThreshold",
    "fitNumber",
    "formatNumber",
    "listFirst",
    "listLeftOut",
    "plural",
    "pluralOf",
    "shorten",
    "statisticsLines",
    "statisticsTable",
    "withUnit",
]

_DATA_ID = ("exposure", "visit", "day_obs", "raft", "detector", "physical_filter", "band")
_PROVENANCE_LENGTH = 120
_LINE_LENGTH = 180
"""Characters of a line of provenance."""
_FEW = 3
"""Number of exposures up to which each is named."""
LIST_LENGTH = 52
"""Characters of a line in the column beside a plot."""

COLUMN = 10
"""Characters of a column of numbers."""


def formatNumber(value: float, digits: int | None = None) -> str:
    """Write a number, however small it is: ``"-3.123e-06"``, ``"12.34"``, ``"90000"`` or ``"nan"``.

    It gets the significant digits that are given, at most four. If they are None, whole numbers, and those of
    10000 and more, are written to the last digit before the point, and others with four digits.
    """
    if digits is not None:
        value = float(f"{value:.{digits}g}")
    if np.isfinite(value) and abs(value) < 1e10 and (value == round(value) or abs(value) >= 1e4):
        return f"{value:.0f}"
    return f"{value:.4g}"


def fitNumber(value: float, width: int) -> str:
    """Write a number at the right of a column of a width, with fewer digits if it would fill it."""
    texts = [formatNumber(value), *(formatNumber(value, digits) for digits in (3, 2))]
    return f"{next((text for text in texts if len(text) < width), texts[-1]):>{width}}"


def withUnit(label: str, unit: str) -> str:
    """Append a unit, if there is one, to a label that does not end with it: ``"Noise (electron)"``."""
    return label if not unit or label.endswith(f"({unit})") else f"{label} ({unit})".strip()


def plural(count: int, noun: str) -> str:
    """Count things by their noun in the singular: ``"1 raft"``, ``"3 rafts"``."""
    return f"{count} {noun if count == 1 else pluralOf(noun)}"


def pluralOf(noun: str) -> str:
    """Return the plural of a noun; that of series is series."""
    return noun if noun.endswith("s") else f"{noun}s"


def shorten(text: str, length: int = _PROVENANCE_LENGTH) -> str:
    """Cut the middle out of a text of more than some characters, and put an ellipsis there."""
    if len(text) <= length:
        return text
    head = (length - 1) // 2
    return f"{text[:head]}…{text[len(text) - (length - 1 - head) :]}"


def listFirst(title: str, lines: Sequence[str], nListed: int) -> tuple[str, ...]:
    """Title the first of some lines, and count the others; empty if there is nothing to list.

    Long lines go on in the next one, so that they fit the column beside a plot.
    """
    if not lines or nListed == 0:
        return ()
    more = (f"and {len(lines) - nListed} more",) if len(lines) > nListed else ()
    wrapped = [part for line in lines[:nListed] for part in _wrapLine(line)]
    return title, *wrapped, *more


def _wrapLine(line: str) -> list[str]:
    """Break a line of a list between words."""
    return textwrap.wrap(line, LIST_LENGTH, subsequent_indent="    ", break_on_hyphens=False) or [""]


def listLeftOut(plotInfo: Mapping[str, object], nListed: int, *others: str) -> tuple[str, ...]:
    """List the tables that a task has left out (``leftOut``: reasons by name), and what else a plot has."""
    lines = [f"{name}: {reason}" for name, reason in _tablesLeftOut(plotInfo).items()]
    return listFirst("Left out", [*lines, *others], nListed)


def addLeftOut(headline: tuple[str, bool], plotInfo: Mapping[str, object]) -> tuple[str, bool]:
    """Append to a headline, and whether it is bad news, how many tables a task has left out."""
    if not (tables := _tablesLeftOut(plotInfo)):
        return headline
    return f"{headline[0]}; {plural(len(tables), 'table')} left out", True


def _tablesLeftOut(plotInfo: Mapping[str, object]) -> Mapping[str, str]:
    return cast("Mapping[str, str]", plotInfo.get("leftOut") or {})


def chooseTitle(title: str, plotInfo: Mapping[str, object], label: str) -> str:
    """Return the configured title; or else the name of the tool (``plotName``), or what the values are."""
    return title or str(plotInfo.get("plotName") or label)


def describeProvenance(
    plotInfo: Mapping[str, object], tests: Sequence[str], source: str = "table"
) -> tuple[str, ...]:
    """Say in at most four lines where a figure comes from: data ID and tests, collections, inputs, software.

    The inputs are ``run`` (collections), ``tableName`` and ``plotName`` (a tool), as an analysis task gives
    them; and, of a figure of many exposures, ``exposures`` or ``visits``, and ``days``. What is not known is
    left out. A ``source`` is what the tool was given, in a word.
    """
    known = {key: str(value) for key, value in plotInfo.items() if value not in (None, "")}
    data_id = [known["instrument"]] if "instrument" in known else []
    # A figure of a raft is stored under one of its detectors.
    hidden = {"band"} if "physical_filter" in known else set()
    hidden |= {"detector"} if "raft" in known else set()
    for key in _DATA_ID:
        if key in known and key not in hidden:
            data_id.append(f"{key.removeprefix('physical_')} {known[key]}")
    for key in ("exposures", "visits", "days"):
        if values := plotInfo.get(key):
            data_id.append(_describeRange(key.removesuffix("s"), cast("Sequence[object]", values)))
    if tests:
        data_id.append(f"tests: {', '.join(tests)}")
    collections = known["run"].split(", ") if "run" in known else []
    made_by = [
        f"{word}: {shorten(known[key])}"
        for word, key in ((source, "tableName"), ("tool", "plotName"))
        if key in known
    ]
    made_by.append(f"analysis_cp {__version__}")
    from_where = _listCollections(collections)
    inputs = "   ".join(made_by)
    if len(from_where) == 1 and len(from_where[0]) + len(inputs) + 3 <= _LINE_LENGTH:
        from_where, inputs = [], f"{from_where[0]}   {inputs}"
    return tuple(line for line in ("   ".join(data_id), *from_where, inputs) if line)


def _describeRange(noun: str, values: Sequence[object]) -> str:
    """Write a few values, or how many there are, and the first and the last."""
    if len(values) <= _FEW:
        return f"{noun if len(values) == 1 else pluralOf(noun)} {', '.join(map(str, values))}"
    return f"{plural(len(values), noun)} from {values[0]} to {values[-1]}"


def _listCollections(collections: Sequence[str]) -> list[str]:
    """Name collections in at most two lines, and count the others."""
    if not collections:
        return []
    title = "collection: " if len(collections) == 1 else "collections: "
    names = [shorten(name) for name in collections]
    lines = [title + names[0]]
    for i, name in enumerate(names[1:], start=1):
        rest = f" and {len(names) - i} more"
        if len(lines[-1]) + len(name) + 2 + len(rest) <= _LINE_LENGTH:
            lines[-1] += f", {name}"
        elif len(lines) == 1:
            lines = [f"{lines[0]},", name]
        else:
            lines[-1] += rest
            break
    return lines


def describeThreshold(threshold: float | None, operator: str, unit: str) -> str:
    """Say how a good value compares with a limit: ``"limit: ≤ 0.05 electron"``; empty without a limit."""
    if threshold is None:
        return ""
    sign = {"<=": "≤", ">=": "≥"}.get(operator, operator)
    return f"limit: {sign} {formatNumber(threshold)} {unit}".strip()


def describeLimits(test: VerifyTest) -> str:
    """Say what a quantity must be to pass a test with limits of any kind: ``"≤ 0.05"``.

    Of an interval it is ``"-4e-06 to 7e-07"``; of limits by sensor there is one for each, or for all with
    the same: ``"E2V: ..., ITL/ITL_G: ..."``. The unit is left out.
    """
    by_sensor = test.threshold if isinstance(test.threshold, Mapping) else {"": test.threshold}
    sensors: dict[str, list[str]] = {}
    for sensor, bounds in by_sensor.items():
        if isinstance(bounds, tuple):
            text = " to ".join(map(formatNumber, bounds))
        else:
            text = describeThreshold(bounds, str(test.operator), "").removeprefix("limit: ")
        sensors.setdefault(text, []).append(sensor)
    return ", ".join(f"{'/'.join(names)}: {text}".removeprefix(": ") for text, names in sensors.items())


def statisticsLines(values: npt.NDArray[np.floating], *, counts: bool) -> tuple[str, ...]:
    """Describe the distribution of values of any shape as the only column of `statisticsTable`."""
    return statisticsTable({"": values}, counts=counts)


def statisticsTable(columns: Mapping[str, npt.NDArray[np.floating]], *, counts: bool) -> tuple[str, ...]:
    """Describe the distribution of values; NaN and infinite ones are left out.

    The lines give number, median, scaled median absolute deviation, least and greatest; of counts, number,
    zeros, sum and greatest. There is a column for each array, of any shape, headed if there are several.
    """
    described = {head: _describe(values[np.isfinite(values)], counts) for head, values in columns.items()}
    # Where there is no value there is only the number.
    names = max(described.values(), key=len)
    if len(columns) == 1:
        return tuple(
            f"{name:<8} {formatNumber(value)}" for name, value in next(iter(described.values())).items()
        )
    lines = [
        f"{name:<6}"
        + "".join(
            fitNumber(part[name], COLUMN) if name in part else " " * COLUMN for part in described.values()
        )
        for name in names
    ]
    return " " * 6 + "".join(f"{head:>{COLUMN}}" for head in columns), *lines


def _describe(finite: npt.NDArray[np.floating], counts: bool) -> dict[str, float]:
    """Reduce finite values."""
    if len(finite) == 0:
        return {"n": 0.0}
    if counts:
        rows = {"zero": np.sum(finite == 0), "sum": finite.sum(), "max": finite.max()}
    else:
        rows = {"median": np.median(finite), "σ MAD": median_abs_deviation(finite, scale="normal")}
        rows |= {"min": finite.min(), "max": finite.max()}
    return {"n": float(len(finite))} | {name: float(value) for name, value in rows.items()}


def describeQuantity(expression: str) -> str:
    """Write an expression as people do: ``"|MEAN|/NOISE"`` for ``"abs(MEAN)/NOISE"``."""
    return re.sub(r"abs\(([^()]*)\)", r"|\1|", expression)
