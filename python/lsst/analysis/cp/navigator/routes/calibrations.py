# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Calibrations on a time line of validity ranges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from lsst.analysis.cp.navigator.browse.calibrationPlots import findShown, listParents
from lsst.analysis.cp.navigator.browse.keyText import KeyText
from lsst.analysis.cp.navigator.browse.selection import Selection, SelectionError, readSelection
from lsst.analysis.cp.navigator.browse.timeAxis import chooseWindow
from lsst.analysis.cp.navigator.browse.timeline import (
    Period,
    SearchOrder,
    Timeline,
    TooManyError,
    findSearchOrder,
    readTimeline,
)
from lsst.analysis.cp.navigator.browse.timelineChart import makeChart
from lsst.analysis.cp.navigator.browse.types import isShown
from lsst.analysis.cp.navigator.browse.validity import ALWAYS, Validity, formatTime, now, parseTime
from lsst.analysis.cp.navigator.dependencies import OpenButler
from lsst.analysis.cp.navigator.rendering import address, render
from lsst.daf.butler import Butler, CollectionType

__all__ = ["router"]

router = APIRouter()
"""Time lines of calibrations, and the pages of their periods."""

_MOST_READ = 200_000
"""Calibrations that are read for one page."""

_MOST_OF_TYPE = 100_000
"""Those of one type in it."""

_MOST_COLLECTIONS = 200
_BARS_OF_ALL, _BARS_OF_ONE = 30, 200
"""Periods of a type in one page, of all types and of one type only."""

_ROWS = 250

Text = Annotated[str, Field(max_length=256)]


class TimelineQuery(BaseModel):
    """What a page of a time line is asked for; all as it is in the address."""

    collection: Text = ""
    type: Text = ""
    instrument: Text = ""
    detector: Text = ""
    raft: Text = ""
    physical_filter: Text = ""
    begin: Annotated[Text, Field(alias="from")] = ""
    to: Text = ""
    at: Text = ""
    after: Annotated[int, Field(ge=0, lt=2**31)] = 0

    @property
    def selected(self) -> dict[str, str]:
        """Those that say which data IDs are meant."""
        return self.model_dump(include={"instrument", "detector", "raft", "physical_filter"})

    def link(self, **changes: object) -> str:
        """Write the address of the page that shows something else."""
        return address(
            "/calibrations", **{**self.model_dump(by_alias=True, exclude_defaults=True), **changes}
        )


class PeriodQuery(TimelineQuery):
    """What a page of a period is asked for."""

    run: Text
    holder: Text
    end: Text = ""
    start: Text = ""


@dataclass
class _Found:
    """What was found for a page, and what was wrong with its address."""

    timelines: list[Timeline] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@router.get("/calibrations")
def showTimeline(
    request: Request, butler: OpenButler, asked: Annotated[TimelineQuery, Query()]
) -> HTMLResponse:
    """Show the time line of a collection, or the collections that have one."""
    if not asked.collection:
        return render(request, "calibrationCollections.jinja", **_listCollections(butler))
    order = findSearchOrder(butler, asked.collection)
    found = _Found()
    selection = _select(butler, asked, found)
    _readTimelines(butler, order, asked, selection, found)
    present = now()
    window = _findWindow(asked, found, present)
    time = _read(asked.at, "at", found.problems)
    chart = makeChart(
        found.timelines,
        window,
        first=asked.after if asked.type else 0,
        limit=_BARS_OF_ONE if len(found.timelines) == 1 and asked.type else _BARS_OF_ALL,
    )
    return render(
        request,
        "calibrations.jinja",
        asked=asked,
        order=order,
        chart=chart,
        found=found,
        time=time,
        present=present,
        valid=[(each, *each.findAt(time)) for each in found.timelines] if time is not None else [],
        instruments=_listInstruments(butler),
        linkPeriod=_linkPeriods(asked),
        **_textTools(butler),
    )


@router.get("/calibrations/period")
def showPeriod(request: Request, butler: OpenButler, asked: Annotated[PeriodQuery, Query()]) -> HTMLResponse:
    """Show the calibrations of a period, and where there are plots and images of them."""
    order = findSearchOrder(butler, asked.collection)
    found = _Found()
    selection = _select(butler, asked, found)
    timeline = readTimeline(
        butler, asked.type, order, selection.values, selection.detectors, limit=_MOST_OF_TYPE
    )
    period = _findPeriod(timeline, asked)
    keys = sorted(period.datasets)[asked.after :][:_ROWS]
    of_run = [period.run, *listParents(butler, period.run)]
    shown = list(findShown(butler, asked.type, of_run))
    of_holder = [name for name in listParents(butler, period.collection) if name not in of_run]
    return render(
        request,
        "calibrationPeriod.jinja",
        asked=asked,
        timeline=timeline,
        period=period,
        problems=found.problems,
        rows=[(key, period.datasets[key], timeline.findWhen(period, key)) for key in keys],
        rowsOfPage=_ROWS,
        linkPeriod=_linkPeriods(asked),
        shown=shown,
        plotsOf=next((each.name for each in shown if each.combined), ""),
        zip=zip,
        shownOfHolder=list(findShown(butler, asked.type, of_holder)) if period.isCertified else [],
        isShown=isShown(butler.get_dataset_type(asked.type)),
        **_textTools(butler),
    )


def _textTools(butler: Butler) -> dict[str, Any]:
    """Give templates what writes times and data IDs."""
    return {"formatTime": formatTime, "text": KeyText.fromButler(butler), "now": now}


def _linkPeriods(asked: TimelineQuery) -> Callable[..., str]:
    """Make what writes addresses of periods."""

    def link(timeline: Timeline, period: Period, **changes: object) -> str:
        return address(
            "/calibrations/period",
            collection=asked.collection,
            type=timeline.datasetType,
            holder=period.collection,
            run=period.run,
            start=formatTime(period.validity.begin) if period.validity.hasBegin else "",
            end=formatTime(period.validity.end) if period.validity.hasEnd else "",
            **asked.selected,
            **changes,
        )

    return link


def _listCollections(butler: Butler) -> dict[str, Any]:
    """List the collections of calibrations with the chains that hold them."""
    infos = butler.collections.query_info(
        "*", collection_types=CollectionType.CALIBRATION, include_parents=True
    )
    chains = sorted({name for info in infos for name in info.parents or ()})
    names = sorted(info.name for info in infos)
    return {
        "collections": names[:_MOST_COLLECTIONS],
        "chains": chains[:_MOST_COLLECTIONS],
        "nMore": max(len(names) - _MOST_COLLECTIONS, 0) + max(len(chains) - _MOST_COLLECTIONS, 0),
    }


def _listInstruments(butler: Butler) -> list[str]:
    return sorted(record.name for record in butler.query_dimension_records("instrument", explain=False))


def _select(butler: Butler, asked: TimelineQuery, found: _Found) -> Selection:
    """Understand which detectors and filters are meant; all if that cannot be understood."""
    try:
        return readSelection(butler, asked.selected, {"instrument": _listInstruments(butler)})
    except SelectionError as error:
        found.problems.append(f"{error} Calibrations of all are shown.")
        return Selection()


def _readTimelines(
    butler: Butler, order: SearchOrder, asked: TimelineQuery, selection: Selection, found: _Found
) -> None:
    """Read the time lines of the types that are meant, until there are too many for one page."""
    types = order.types
    if asked.type and asked.type not in types:
        others = f"There are: {', '.join(types)}." if types else ""
        found.problems.append(f"No {asked.type} was ever certified in {asked.collection}. {others}")
    elif asked.type:
        types = [asked.type]
    left = _MOST_READ
    for name in types:
        try:
            timeline = readTimeline(
                butler, name, order, selection.values, selection.detectors, limit=min(left, _MOST_OF_TYPE)
            )
        except TooManyError as error:
            found.problems.append(str(error))
            found.unread.append(name)
            continue
        left -= sum(len(period.datasets) for period in timeline.periods)
        found.timelines.append(timeline)


def _findWindow(asked: TimelineQuery, found: _Found, present: int) -> Validity:
    """Find which part of time is shown: what is asked for, as far as it can be."""
    periods = (period.validity for each in found.timelines for period in each.periods)
    chosen = chooseWindow(periods, present)
    begin = _read(asked.begin, "from", found.problems)
    end = _read(asked.to, "to", found.problems)
    if begin is None and end is None:
        return chosen
    first = chosen.begin if begin is None else begin
    last = chosen.end if end is None else end
    if first < last:
        return Validity(first, last)
    if begin is None or end is None:
        return Validity(first, ALWAYS.end) if end is None else Validity(ALWAYS.begin, last)
    found.problems.append(f"The time from {asked.begin} to {asked.to} ends before it begins: all is shown.")
    return chosen


def _read(text: str, name: str, problems: list[str]) -> int | None:
    """Read a time of the address; None if there is none, or none that can be read."""
    if not text.strip():
        return None
    try:
        return parseTime(text.strip())
    except ValueError as error:
        problems.append(f"{name}: {error}")
        return None


def _findPeriod(timeline: Timeline, asked: PeriodQuery) -> Period:
    try:
        begin = parseTime(asked.start) if asked.start else ALWAYS.begin
        end = parseTime(asked.end) if asked.end else ALWAYS.end
    except ValueError as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, str(error)) from None
    for period in timeline.periods:
        if (period.collection, period.run, *period.validity) == (asked.holder, asked.run, begin, end):
            return period
    raise HTTPException(
        HTTPStatus.NOT_FOUND,
        f"No {asked.type} of {asked.run} has this range of validity in {asked.holder}: it may have been "
        "decertified, or certified for another range.",
    )
