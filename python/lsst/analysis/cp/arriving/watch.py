# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Following one exposure: from its first table to verdict, merge and page."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy.exc import SQLAlchemyError

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.core import CameraLayout
from lsst.analysis.cp.report.collect.camera import findAllowed, findCamera, findCounted
from lsst.analysis.cp.report.collect.scope import Scope, joinNames
from lsst.analysis.cp.report.model import Problem, RunReport, Verdict
from lsst.daf.butler import Butler, CollectionType, MissingCollectionError
from lsst.pipe.base import Instrument

from .arrivals import Arrivals
from .awaited import Awaited
from .budget import Budget
from .folder import Folder
from .maps import Maps
from .mergeStep import MergeStep
from .reduction import Reduced, Reduction
from .state import Phase, State

if TYPE_CHECKING:
    from lsst.daf.butler import DataCoordinate

__all__ = ["Target", "Watch", "WatchError"]

_LOG = logging.getLogger(__name__)

_FIRST_WAIT, _GROWTH, _LONGEST_WAIT = 0.2, 1.5, 2.0
"""Seconds between two looks: the first after news, by what it grows without news, and the most."""

_REDUCTIONS, _THOROUGH = 0.15, 0.05
"""Parts of the time for verdicts on what is there, and for the search of failures, while data come."""

_HEARTBEAT = 10.0
"""Seconds after which the page is written anew, even if nothing has changed."""

_OTHER_INPUTS = 30.0
"""Seconds that the merge waits for what the tasks of detectors write beside the tables."""


class WatchError(ValueError):
    """An exposure cannot be followed."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is to be followed.

    Parameters
    ----------
    repo
        URI or label of the repository.
    collections
        Collections with results of detectors, raws and camera.
    product
        Name of the product.
    exposure
        Id of the exposure, or of the visit if the product goes by visits.
    output
        Chain that begins with the merge afterwards.
    instrument
        Name of the instrument.
    where
        Expression that data IDs fulfil; if it chooses detectors, no others are expected.
    pipeline
        File of the pipeline that has the merge; if None, that of this package.
    timeout
        Seconds after which what is not there is missing.
    """

    repo: str
    collections: Sequence[str]
    product: str
    exposure: int
    output: str
    instrument: str
    where: str = ""
    pipeline: str | None = None
    timeout: float = 600.0


class Watch:
    """Follows one exposure.

    Everything that takes time and does not depend on data is done when it is made.

    Parameters
    ----------
    target
        What is to be followed.
    out
        Folder for page and verdict.
    say
        Called with lines for people.

    Raises
    ------
    WatchError
        Raised if the exposure, the camera or the pipeline is not known, or the output is no chain.
    lsst.analysis.cp.report.ReportError
        Raised if the instrument is not known.
    lsst.daf.butler.MissingCollectionError
        Raised if there is no such collection; it names similar ones.
    NoMergeError
        Raised if the pipeline has no such merge.
    FileExistsError
        Raised if the folder is something else, or another process writes there.
    """

    def __init__(self, target: Target, out: Path, say: Callable[[str], None]) -> None:
        self._target, self._say = target, say
        self._repo = str(Butler.get_repo_uri(target.repo, return_label=True))
        self._butler = Butler.from_config(self._repo, writeable=True)
        self._scope = Scope.open(self._butler, target.collections, target.instrument, target.where)
        self._product = getProduct(target.product)
        self._checkOutput()
        data_ids = self._findExposures()
        try:
            camera = findCamera(self._butler, self._scope.instrument, target.collections)
        except LookupError as error:
            raise WatchError(str(error)) from error
        self._geometry = cameraGeometry(camera)
        self._counted = findCounted(self._layout, findAllowed(self._scope, self._layout))
        step = MergeStep.find(target.pipeline or self._findPipeline(), target.product)
        self._arrivals = Arrivals(
            butler=self._butler,
            instrument=self._scope.instrument,
            exposures=[int(data_id["exposure"]) for data_id in data_ids],
            collections=target.collections,
            where=target.where,
        )
        self._step = step
        self._reduction = Reduction(
            butler=self._butler,
            step=step,
            camera=camera,
            dataIds=data_ids,
            epoch=target.exposure,
            counted=self._counted,
        )
        self._maps = Maps(step=step)
        self._folder = Folder(out)
        self._awaited = Awaited(self._arrivals.exposures, self._layout, self._counted, target.timeout)
        self._reductions, self._searches = Budget(_REDUCTIONS), Budget(_THOROUGH)
        self._reduced: Reduced | None = None
        self._problems: list[Problem] = []
        self._lastTable: datetime | None = None
        self._judged: datetime | None = None
        self._trouble = ""
        self._unwritten = ""
        self._run = ""

    @property
    def _layout(self) -> CameraLayout:
        return self._geometry.layout

    @property
    def _results(self) -> str:
        return self._step.inputs["inputResults"]

    @property
    def _what(self) -> str:
        product = f"{self._scope.instrument} {self._product.title.lower()}"
        return f"{product}, {self._dimension} {self._target.exposure}"

    @property
    def _dimension(self) -> str:
        return self._product.epoch

    def _checkOutput(self) -> None:
        """Refuse at once what the merge could not be put in front of."""
        try:
            kind = self._butler.collections.get_info(self._target.output).type
        except MissingCollectionError:
            return
        if kind is not CollectionType.CHAINED:
            raise WatchError(
                f"The output {self._target.output} is a {kind.name} collection: name a chain, or one that "
                "does not exist."
            )

    def _findExposures(self) -> list[DataCoordinate]:
        """Find the exposures of the target, with their records."""
        product, instrument, number = self._product, self._scope.instrument, self._target.exposure
        if product.epoch == "none":
            raise WatchError(f"The product {product.name} has no exposures that could be followed.")
        with self._butler.query() as query:
            found = query.data_ids(["exposure"] if product.epoch == "exposure" else ["exposure", "visit"])
            found = found.where({product.epoch: number}, instrument=instrument)
            exposures = sorted({int(data_id["exposure"]) for data_id in found})
        if not exposures:
            known = self._butler.query_dimension_records(
                product.epoch, instrument=instrument, order_by=f"-{product.epoch}.id", limit=3, explain=False
            )
            latest = joinNames(record.id for record in known) or "none"
            raise WatchError(
                f"There is no {product.epoch} {number} of {instrument} in the repository; the latest are "
                f"{latest}."
            )
        return [
            self._butler.registry.expandDataId(instrument=instrument, exposure=each) for each in exposures
        ]

    def _findPipeline(self) -> str:
        root = os.environ.get("ANALYSIS_CP_DIR")
        if root is None:
            raise WatchError(
                "ANALYSIS_CP_DIR is not set, where the pipelines are: set it, or name a pipeline."
            )
        stem = f"{self._product.name[0].upper()}{self._product.name[1:]}"
        return f"{root}/pipelines/{self._scope.instrument}/verify{stem}.yaml"

    def run(self) -> Verdict:
        """Follow the exposure to its end.

        Returns
        -------
        verdict
            The verdict.

        Raises
        ------
        WatchError
            Raised if the verdict is known, and the merge has failed or the page could not be written.
        """
        try:
            verdict = self._followAndMerge()
        finally:
            self._folder.close()
        if self._unwritten:
            raise WatchError(f"The page could not be written: {self._unwritten}")
        return verdict

    def _followAndMerge(self) -> Verdict:
        state = self._follow()
        self._say(f"{self._what}: {state.verdict}. {state.reasons[0]} ({state.progress})")
        if state.phase is Phase.NOT_MERGED:
            return state.verdict
        try:
            self._merge()
        except Exception as error:
            # A task may raise anything. The verdict is told, and stays.
            self._trouble = (
                f"The merge failed: {type(error).__name__}: {next(iter(str(error).splitlines()), '')}"
            )
            self._write(Phase.NOT_MERGED)
            raise WatchError(self._trouble) from error
        self._write(Phase.MERGED)
        self._say(f"Its merge is in {self._run}, the page in {self._folder.path}.")
        return state.verdict

    def _follow(self) -> State:
        """Look again and again until all detectors are there, or the deadline has passed."""
        wait, written, is_stale, is_said = _FIRST_WAIT, 0.0, True, False
        n_counted = np.count_nonzero(self._counted)
        self._say(f"{self._what}: waiting for at least {n_counted} detector{'' if n_counted == 1 else 's'}.")
        while True:
            self._awaited.readClock()
            has_news = self._look()
            is_over = self._awaited.isOver
            is_stale |= has_news
            # At the end nothing is still to come, even if there is nothing new.
            if is_over or (is_stale and self._reductions.isFree):
                with self._reductions.spend():
                    self._reduce()
                is_stale, written = False, 0.0
            state = self._describe(Phase.WAITING)
            if state.isFinal and self._judged is None and (is_over or state.verdict is Verdict.MAY_NOT):
                self._judged, written = datetime.now(UTC), 0.0
            if is_over:
                return self._write(Phase.MERGING if self._reduction.tables else Phase.NOT_MERGED)
            if self._judged is not None and not is_said:
                self._say(f"{self._what}: {state.verdict}, whatever is still to come. {state.reasons[0]}")
                is_said = True
            if not has_news and self._reduced is not None and self._draw(state):
                written = 0.0
            if time.monotonic() - written > _HEARTBEAT:
                self._write(Phase.WAITING)
                written = time.monotonic()
            wait = _FIRST_WAIT if has_news else min(wait * _GROWTH, _LONGEST_WAIT)
            time.sleep(min(wait, self._awaited.left))

    def _look(self) -> bool:
        """Look what there is; tell whether something has changed."""
        try:
            has_news = self._lookAtTables()
            # Before the end it has to be known whether another detector has been begun with.
            if (not has_news and self._searches.isFree) or not self._awaited.notYet.any():
                has_news |= self._search()
            return has_news
        except (SQLAlchemyError, OSError) as error:
            # A registry that is busy, or cannot be reached, may answer the next time.
            _LOG.warning("The repository does not answer: %s", error)
            trouble = f"The repository does not answer: {type(error).__name__}"
        has_changed, self._trouble = trouble != self._trouble, trouble
        return has_changed

    def _lookAtTables(self) -> bool:
        """Read the tables that are new."""
        reduction = self._reduction
        found = self._arrivals.find(self._results)
        self._trouble = ""
        if found == reduction.refs and not reduction.unreadable:
            return False
        before = dict(reduction.refs), set(reduction.unreadable)
        headers = self._arrivals.find(self._step.headers) if self._step.headers else {}
        reduction.update(found, headers)
        self._awaited.take(set(reduction.tables), set(reduction.unreadable))
        if before == (reduction.refs, set(reduction.unreadable)):
            return False
        self._lastTable = datetime.now(UTC)
        return True

    def _search(self) -> bool:
        """Look for failures and raws."""
        with self._searches.spend():
            production = self._arrivals.findProduction(self._step.earlier, self._results)
            return self._awaited.update(production, self._arrivals.findRaws())

    def _reduce(self) -> None:
        awaited = self._awaited
        self._reduced, self._problems = self._reduction.reduce(
            awaited.expected | self._counted, awaited.notYet, self._lackExposures()
        )

    def _lackExposures(self) -> list[str]:
        """Say which detectors have tables of some exposures of a visit only: their rows stand for all."""
        with_some = np.isin(self._layout.detectorId, [detector for _, detector in self._reduction.tables])
        lacking = self._layout.detectorName[self._awaited.expected & ~self._awaited.there & with_some]
        return [f"There are not tables of all exposures of {joinNames(lacking)}."] if len(lacking) else []

    def _describe(self, phase: Phase) -> State:
        awaited = self._awaited
        report = RunReport(
            repository=self._target.repo,
            instrument=self._scope.instrument,
            collections=tuple(self._target.collections),
            geometry=self._geometry,
            made=datetime.now(UTC),
            versions={},
            products=() if self._reduced is None else (self._reduced.report,),
            problems=tuple(self._problems),
        )
        return State(
            report=report,
            what=self._what,
            phase=phase,
            expected=awaited.expected,
            there=awaited.there,
            notYet=awaited.notYet,
            counted=self._counted,
            missing=awaited.missing,
            deadline=awaited.deadline,
            lastTable=self._lastTable,
            judged=self._judged,
            run=self._run,
            trouble=self._trouble,
        )

    def _write(self, phase: Phase) -> State:
        state = self._describe(phase)
        try:
            self._folder.write(state, self._maps.pictures)
        except OSError as error:
            # A disk that is full must cost neither verdict nor merge.
            _LOG.warning("The page cannot be written: %s", error)
            self._unwritten = str(error)
        else:
            self._unwritten = ""
        return state

    def _draw(self, state: State) -> bool:
        """Draw a map, if there is time for it."""
        assert self._reduced is not None
        info = {
            "instrument": self._scope.instrument,
            self._dimension: self._target.exposure,
            "run": ", ".join(sorted({ref.run for ref in self._reduction.refs.values()})),
            "tableName": self._results,
        }
        not_yet = self._layout.detectorId[state.notYet].tolist()
        return self._maps.drawNext(self._reduced, not_yet, info, state.progress)

    def _merge(self) -> None:
        """Merge what is there through the middleware."""
        self._awaitInputs()
        bad = sorted({detector for _, detector in self._reduction.unreadable})
        words = [
            f"instrument = '{self._scope.instrument}' AND {self._dimension} = {self._target.exposure}",
            f"({self._target.where})" if self._target.where else "",
            f"detector NOT IN ({', '.join(map(str, bad))})" if bad else "",
        ]
        run = f"{self._target.output}/{Instrument.makeCollectionTimestamp()}"
        refs = self._step.run(
            self._butler,
            self._repo,
            self._findInputs(),
            self._target.output,
            run,
            " AND ".join(filter(None, words)),
        )
        self._run = run
        self._maps.takeStored(self._butler, refs)

    def _findInputs(self) -> list[str]:
        """List the collections of the inputs: the camera may be in the unbounded calibrations."""
        unbounded = f"{self._scope.instrument}/calib/unbounded"
        try:
            self._butler.collections.get_info(unbounded)
        except MissingCollectionError:
            return list(self._target.collections)
        return [*self._target.collections, unbounded]

    def _awaitInputs(self) -> None:
        """Wait for what tasks write beside their tables; a merge would take what is there."""
        end = time.monotonic() + _OTHER_INPUTS
        others = [name for key, name in self._step.inputs.items() if key != "inputResults"]
        while True:
            lacking = {name: set(self._reduction.tables) - set(self._arrivals.find(name)) for name in others}
            if not any(lacking.values()):
                return
            if time.monotonic() > end:
                words = [f"{name} of {len(each)} detectors" for name, each in lacking.items() if each]
                raise WatchError(f"there is no {' and no '.join(words)} whose tables are there")
            time.sleep(_FIRST_WAIT)
