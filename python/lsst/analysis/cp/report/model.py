# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What a run report says, as data: pages, certification sheet and the document for scripts are made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from lsst.analysis.cp.catalogue import Product, VerifyTest
from lsst.analysis.cp.core import CameraLayout, FocalPlaneGeometry
from lsst.analysis.cp.core.typing import FlagArray, FloatArray, IdArray, IndexArray

if TYPE_CHECKING:
    from astropy.table import Table

    from lsst.daf.butler import DatasetRef

__all__ = [
    "Certification",
    "ExposureReport",
    "Missing",
    "PlotEntry",
    "Problem",
    "ProductReport",
    "QuantumState",
    "RunReport",
    "TaskReport",
    "ReportedTest",
    "Verdict",
]


class Verdict(StrEnum):
    """Whether a product may be certified, by the majority rule of the summit scripts.

    ``MAY_NOT`` where the rule refuses, ``UNKNOWN`` where something that the rule needs is absent, cannot be
    read or was not tested; ``MAY`` else, also if amplifiers failed, but fewer than the rule asks for.
    ``NOT_JUDGED`` where nothing is absent, but no test of the product counts, so that the rule says nothing.
    """

    MAY = "may be certified"
    MAY_NOT = "may not be certified"
    UNKNOWN = "unknown"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A dataset that could not be read, or is odd, and what is therefore absent from the report.

    Parameters
    ----------
    dataset
        Its type and data ID, or the collection.
    reason
        Why, in words.
    isRemark
        Whether no verdict depends on it.
    """

    dataset: str
    reason: str
    isRemark: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class ReportedTest:
    """One test of a product, or one statistic that is only stored.

    Arrays of amplifiers are those of the layout of the report; of a test of detectors (``test.row``) they are
    of detectors, and of one of exposures of exposures.

    Parameters
    ----------
    test
        The test, with the limits with which it was judged.
    nTested, nFailed, nSuspicious
        Number of exposures in which the member was tested, failed, or had a value too low to be plausible;
        0 or 1 where there are no exposures, shape (nMembers,).
    status
        Status over all exposures, shape (nMembers,): failed if failed in one, else unknown if unknown or
        missing in one, else good; unknown also where nothing is tested.
    value, quantity, margin
        Statistic, tested quantity and distance to the limit in the exposure in which the margin is the
        smallest, or in the one with the largest statistic if there is no limit, shape (nMembers,); NaN where
        there is none.
    worstExposure
        Id of this exposure, shape (nMembers,); -1 where there is none.
    wasRun
        Whether a member without a verdict is unknown: False if nothing is tested, if verdicts are written on
        failure only, or if the run has not made this conditional test.
    """

    test: VerifyTest
    nTested: IdArray
    nFailed: IdArray
    nSuspicious: IdArray
    status: FlagArray
    value: FloatArray
    quantity: FloatArray
    margin: FloatArray
    worstExposure: IdArray
    wasRun: bool = True


@dataclass(frozen=True, kw_only=True, eq=False)
class ExposureReport:
    """One exposure, or visit, of a product.

    Parameters
    ----------
    exposure
        Its id.
    dayObs
        Day of observation, YYYYMMDD; -1 if it is not known.
    run
        RUN collection of its tables.
    nDetectors, nDetectorsFailed, nDetectorsMissing
        Number of detectors with results, with a failed test whose verdict counts, and without any results.
    nFailed
        Number of failed amplifiers (or detectors) by the key of each test.
    overLimit
        Keys of the tests that the majority rule takes as failed in this exposure.
    status
        Status code over all tests whose verdicts count.
    detectorStatus
        Status codes of the detectors of the layout over all tests whose verdicts count, shape (nDetectors,).
    """

    exposure: int
    dayObs: int
    run: str
    nDetectors: int
    nDetectorsFailed: int
    nDetectorsMissing: int
    nFailed: Mapping[str, int]
    overLimit: tuple[str, ...]
    status: int
    detectorStatus: FlagArray


@dataclass(frozen=True, kw_only=True, eq=False)
class PlotEntry:
    """A stored plot.

    Parameters
    ----------
    ref
        Its dataset, with dimension records.
    tool
        Name of the tool (``biasNoise``).
    kind
        Class of the plot (``FocalPlaneGeometryPlot``).
    title
        What it shows, in a few words.
    level
        ``run``, ``exposure``, ``raft`` or ``detector``.
    raft
        Name of the raft, of plots of rafts; else empty.
    """

    ref: DatasetRef
    tool: str
    kind: str
    title: str
    level: str
    raft: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class ProductReport:
    """One product of a run, in one physical filter where it has these.

    Parameters
    ----------
    name
        Unique in the report, fit for file names and anchors (``flat-i_39``).
    title
        For people (``Flat, i_39``).
    product
        What the catalogue says of it, with the limits of the run.
    physicalFilter
        The filter; empty if there is none.
    runs
        RUN collections that its tables are in, the first searched first.
    verdict
        Whether it may be certified.
    reasons
        Why, one sentence each; what is against certification first.
    status
        Status code over all tests whose verdicts count, strictly: failed if one amplifier failed.
    tests
        All tests and stored statistics that the tables hold, in the order of the catalogue.
    expected
        Indices of the detectors of the layout that should have results, shape (n,).
    detectorStatus
        Status over all tests whose verdicts count, shape (nDetectors,); unknown where there are no results.
    nAmpsMissing
        Number of amplifiers without results in at least one exposure, shape (nDetectors,).
    matrix
        Status codes by detector and test, shape (nDetectors, nTests).
    failed
        Number of failed amplifiers (each counted once over the exposures) by detector and test, of the same
        shape.
    exposures
        The exposures, sorted; empty for a calibration without exposures.
    leaveOut
        Ids of exposures that are over the limit of the majority rule, or lack most detectors.
    culprits
        What is not good, as the tables of culprits have it, all exposures together, worst margin first.
    structures
        Ranked structures in images, all exposures together; empty if there are none.
    plots
        Stored plots.
    notRead
        Values that are stored wrongly and therefore left out, each with the reason.
    """

    name: str
    title: str
    product: Product
    physicalFilter: str = ""
    runs: tuple[str, ...]
    verdict: Verdict
    reasons: tuple[str, ...]
    status: int
    tests: tuple[ReportedTest, ...]
    expected: IndexArray
    detectorStatus: FlagArray
    nAmpsMissing: IdArray
    matrix: FlagArray
    failed: IdArray
    exposures: tuple[ExposureReport, ...] = ()
    leaveOut: tuple[int, ...] = ()
    culprits: Table
    structures: Table
    plots: tuple[PlotEntry, ...] = ()
    notRead: Mapping[str, str] = field(default_factory=dict)


class QuantumState(StrEnum):
    """What became of a quantum, over all attempts.

    ``SUCCEEDED`` where an attempt did. ``FAILED`` where the last that started raised, or was killed.
    ``BLOCKED`` where it could not start as something upstream failed. ``NOT_YET`` where nothing tells that it
    started. ``LOST`` where it wrote something that is not there now.
    """

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    BLOCKED = "blocked"
    NOT_YET = "not yet"
    LOST = "lost"


@dataclass(frozen=True, kw_only=True)
class Missing:
    """Something that a task should have made.

    Parameters
    ----------
    dataId
        Data ID of the quantum, in words (``exposure 2026030100001, detector 90 (R22_S11)``).
    detector
        Id of the detector; -1 if it is of none.
    exposure
        Id of the exposure, or visit; -1 if it is of none.
    state
        What became of it; never ``SUCCEEDED``.
    reason
        The exception with its message, or what else is known; empty if nothing is.
    run
        RUN collection of the attempt that this tells of; empty if there was none.
    """

    dataId: str
    detector: int
    exposure: int
    state: QuantumState
    reason: str = ""
    run: str = ""


@dataclass(frozen=True, kw_only=True)
class TaskReport:
    """What a task should have made, and what it made.

    Parameters
    ----------
    task
        Label of the task in the pipeline.
    nExpected
        Number of quanta: the sum of all those below.
    nSucceeded, nFailed, nBlocked, nNotYet, nLost
        Number of quanta in each state.
    nRecovered
        Number of those that succeeded after another attempt had not.
    nExpectedSource
        Where the number of expected quanta is from, in words: a quantum graph, or the datasets of logs and
        metadata that there are.
    isExact
        Whether all expected quanta are known, as the graphs or the provenance of all RUN collections tell
        them; if not, a task of which all succeeded need not be complete.
    nExpectedOfDetector, nSucceededOfDetector
        Number of quanta by id of the detector; empty for a task without detectors.
    missing
        Each quantum that did not succeed.
    caveats
        Number of successful quanta with a caveat (partial outputs, no work) by its words. Only metadata of
        quanta that lack an output, and of tasks without detectors, are read for it.
    """

    task: str
    nExpected: int
    nSucceeded: int
    nFailed: int
    nBlocked: int
    nNotYet: int
    nLost: int = 0
    nRecovered: int = 0
    nExpectedSource: str
    isExact: bool = False
    nExpectedOfDetector: Mapping[int, int] = field(default_factory=dict)
    nSucceededOfDetector: Mapping[int, int] = field(default_factory=dict)
    missing: tuple[Missing, ...] = ()
    caveats: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Certification:
    """How calibrations are to be certified, as far as it was told; empty where it was not.

    Parameters
    ----------
    collection
        Calibration collection into which they are to be certified.
    beginDate, endDate
        Begin and end of the validity, as ``butler certify-calibrations`` takes them (ISO 8601, TAI).
    """

    collection: str = ""
    beginDate: str = ""
    endDate: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class RunReport:
    """All that a report says.

    Parameters
    ----------
    repository
        Where the repository is, as it was given.
    instrument
        Name of the instrument.
    collections
        Collections that were asked for.
    geometry
        The camera: names in its layout, and where detectors and amplifiers lie.
    made
        When the report was made, UTC.
    versions
        Versions of packages that ran the pipelines, by name, as the ``packages`` datasets have them.
    products
        The products, in the order of the catalogue.
    tasks
        What was expected and made, in the order of the pipeline.
    problems
        What could not be read.
    certification
        How calibrations are to be certified.
    """

    repository: str
    instrument: str
    collections: tuple[str, ...]
    geometry: FocalPlaneGeometry
    made: datetime
    versions: Mapping[str, str]
    products: tuple[ProductReport, ...]
    tasks: tuple[TaskReport, ...] = ()
    problems: tuple[Problem, ...] = ()
    certification: Certification = Certification()

    @property
    def layout(self) -> CameraLayout:
        """Names and order of the camera's detectors and amplifiers."""
        return self.geometry.layout

    @property
    def verdict(self) -> Verdict:
        """Whether all products that are judged may be certified: the worst of theirs.

        It is unknown if none is judged, or something cannot be read that belongs to no known product.
        """
        found = {product.verdict for product in self.products} - {Verdict.NOT_JUDGED}
        if Verdict.MAY_NOT in found:
            return Verdict.MAY_NOT
        if not all(problem.isRemark for problem in self.problems):
            return Verdict.UNKNOWN
        return Verdict.MAY if found == {Verdict.MAY} else Verdict.UNKNOWN
