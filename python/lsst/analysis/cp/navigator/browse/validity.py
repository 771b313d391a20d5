# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Ranges of validity, as integers: TAI, ns since 1970-01-01T00:00:00, as the Butler counts them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import pairwise
from typing import NamedTuple, Protocol

import numpy as np
from astropy.time import Time

from lsst.daf.butler import Timespan

__all__ = ["ALWAYS", "Claim", "Validity", "findGaps", "findPieces", "formatTime", "now", "parseTime"]

_YEARS = (1970, 2099)


class Validity(NamedTuple):
    """A range of validity, with its begin and without its end.

    Parameters
    ----------
    begin, end
        TAI, ns since 1970; those of `ALWAYS` where unbounded.
    """

    begin: int
    end: int

    @property
    def hasBegin(self) -> bool:
        """Whether it is bounded in the past."""
        return self.begin > ALWAYS.begin

    @property
    def hasEnd(self) -> bool:
        """Whether it is bounded in the future."""
        return self.end < ALWAYS.end

    def covers(self, time: int) -> bool:
        """Tell whether a time is in the range."""
        return self.begin <= time < self.end

    def overlaps(self, other: Validity) -> bool:
        """Tell whether some time is in both ranges."""
        return self.begin < other.end and other.begin < self.end


ALWAYS = Validity(*Timespan(None, None).nsec)
"""The range without bounds: the Butler knows no time before its begin, and none from its end on."""


class Claim(Protocol):
    """What claims to be found while it is valid."""

    @property
    def rank(self) -> int:
        """Place of its collection in the order of search."""

    @property
    def validity(self) -> Validity:
        """When it is valid."""


def parseTime(text: str) -> int:
    """Read a time in ISO 8601, TAI (``2026-07-01T00:00:00``, or a day, whose begin is meant).

    Returns
    -------
    time
        TAI, ns since 1970.

    Raises
    ------
    ValueError
        Raised if the text is no such time, or one that the Butler does not know.
    """
    expected = f"{text!r} is no time; expected ISO 8601, TAI, as 2026-07-01T00:00:00"
    # Longer ones, and digits of other scripts, are no times of anybody.
    if re.fullmatch(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?)?", text, re.ASCII) is None:
        utc = (
            " The Z at its end says UTC: leave it out, and add the leap seconds." if text[-1:] == "Z" else ""
        )
        raise ValueError(f"{expected}.{utc}")
    if not _YEARS[0] <= int(text[:4]) <= _YEARS[1]:
        raise ValueError(
            f"{text!r} is no time of the Butler, which knows the years {_YEARS[0]} to {_YEARS[1]}."
        )
    try:
        with warnings.catch_warnings():
            # Leap seconds of years to come are not known: they do not matter to TAI.
            warnings.simplefilter("ignore")
            begin, _ = Timespan.fromInstant(Time(text.replace(" ", "T"), format="isot", scale="tai")).nsec
    except ValueError:
        raise ValueError(f"{expected}: it is in no calendar, or on no clock.") from None
    return begin


def formatTime(time: int) -> str:
    """Write a time in ISO 8601, with all its digits: TAI, which has days without leap seconds."""
    seconds, fraction = divmod(time, 10**9)
    text = str(np.datetime64(seconds, "s"))
    return f"{text}.{fraction:09d}".rstrip("0") if fraction else text


def now() -> int:
    """Ask the clock for the time (TAI, ns since 1970)."""
    begin, _ = Timespan.fromInstant(Time.now()).nsec
    return begin


def findPieces[T: Claim](claims: Iterable[T]) -> Iterator[tuple[T, Validity]]:
    """Find which of several is found, and when: the first in the order of search of those that are valid.

    Parameters
    ----------
    claims
        Those of datasets of one type and data ID, none of them empty.

    Yields
    ------
    claim, validity
        Which holds, and when; in the order of time.
    """
    ordered = sorted(claims, key=lambda claim: claim.validity)
    if all(first.validity.end <= second.validity.begin for first, second in pairwise(ordered)):
        for claim in ordered:
            yield claim, claim.validity
        return
    edges = sorted({time for claim in ordered for time in claim.validity})
    waiting: list[tuple[int, int]] = []
    pieces: list[tuple[int, Validity]] = []
    n_begun = 0
    for begin, end in pairwise(edges):
        while n_begun < len(ordered) and ordered[n_begun].validity.begin <= begin:
            heappush(waiting, (ordered[n_begun].rank, n_begun))
            n_begun += 1
        while waiting and ordered[waiting[0][1]].validity.end <= begin:
            heappop(waiting)
        if not waiting:
            continue
        number = waiting[0][1]
        if pieces and pieces[-1] == (number, Validity(pieces[-1][1].begin, begin)):
            begin = pieces.pop()[1].begin
        pieces.append((number, Validity(begin, end)))
    for number, validity in pieces:
        yield ordered[number], validity


def findGaps(pieces: Sequence[Validity], within: Validity) -> Iterator[Validity]:
    """Find the times that are in none of several ranges.

    Parameters
    ----------
    pieces
        The ranges, in the order of time; none overlaps another.
    within
        Where to look.

    Yields
    ------
    gap
        The largest ranges that are in none.
    """
    begin = within.begin
    for piece in pieces:
        if begin < piece.begin:
            yield Validity(begin, piece.begin)
        begin = piece.end
    if begin < within.end:
        yield Validity(begin, within.end)
