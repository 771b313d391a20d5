# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tables of Butler repositories: metrics, summaries, culprits and structures."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from astropy.table import Column, Table

from lsst.analysis.cp.catalogue import MEASUREMENTS, explainMeasurement, findTest
from lsst.analysis.cp.core.amps import FAILED, STATUS_NAMES, SUSPICIOUS_STATUS, UNKNOWN
from lsst.analysis.cp.metrics import BUNDLE_STORAGE, nameDataset, readHandles, toTable, unreadDatasets
from lsst.analysis.cp.metrics.summaries import SUMMARY_SUFFIX
from lsst.daf.butler import DeferredDatasetHandle

from .search import DataIdLike, Kind, findDatasets, findOne

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

__all__ = ["readAmpSummary", "readCulprits", "readMetrics", "readStructures", "readSummary"]

_METRICS = Kind("bundle of metrics", "bundles of metrics", storageClass=BUNDLE_STORAGE)
SUMMARY = Kind("summary of detectors", "summaries of detectors", ending=SUMMARY_SUFFIX)
_AMP_SUMMARY = Kind("summary of amplifiers", "summaries of amplifiers", ending="_ampSummary")
_CULPRITS = Kind("table of culprits", "tables of culprits", ending="_culprits")
STRUCTURES = Kind("table of structures", "tables of structures", ending="_structures")
_CULPRITS_STATUS = (STATUS_NAMES[FAILED], STATUS_NAMES[UNKNOWN], SUSPICIOUS_STATUS)

_FORMAT = ".6g"
"""How numbers of tables are shown."""
_FIRST = ("metric", "measurement", "value", "unit", "threshold", "passed", "meaning")
"""Columns of metrics that come first."""


def readMetrics(
    butler: Butler,
    name: str,
    dataId: DataIdLike = None,
    *,
    collections: str | Sequence[str] | None = None,
) -> Table:
    """Read the metrics of an exposure, a detector of one, or a run.

    Parameters
    ----------
    butler
        The repository.
    name
        Which are meant: those of a product (``bias``), a test (``biasNoise``), an output (``cpBiasExp``) or a
        dataset type (``cpBiasExp_metrics``), in which ``*`` stands for any text.
    dataId
        The data ID, as in ``{"instrument": "LSSTCam", "exposure": 2026070200001}``; dimensions for which the
        butler has a default may be left out. With ``detector`` the metrics of that detector are read, without
        exposure those of the run.
    collections
        Where to search; by default the collections of the butler.

    Returns
    -------
    metrics
        One row a value, with its ``unit``, ``meaning``, ``threshold`` and whether it ``passed``; see
        `~lsst.analysis.cp.metrics.TREND_SCHEMA` for all columns. Columns without a value are left out.

    Warns
    -----
    UserWarning
        Warned if some of several datasets cannot be read.

    Raises
    ------
    lsst.daf.butler.MissingCollectionError, lsst.daf.butler.DatasetNotFoundError
        Raised if there is no such collection, or no such metrics, or the data ID lacks a dimension; they name
        what there is.
    OSError
        Raised if nothing can be read of what is there.
    """
    test = findTest(name)
    refs = findDatasets(butler, _METRICS, name if test is None else test.product, dataId, collections)
    handles = [DeferredDatasetHandle(butler=butler, ref=ref, parameters=None) for ref in refs]
    table = readHandles(handles, metrics=None if test is None else [name], needsAll=False)
    if unread := unreadDatasets(table):
        problem = "; ".join(f"{dataset} cannot be read: {reason}" for dataset, reason in unread.items())
        if not len(table):
            raise OSError(problem)
        warnings.warn(problem, stacklevel=2)
    metrics = dropEmpty(toTable(table))
    meanings = [_explain(*row) for row in metrics.iterrows("metric", "measurement")]
    metrics["meaning"] = Column(meanings, description="What the value is; empty if it is of no test")
    first = [name for name in _FIRST if name in metrics.colnames]
    return showShort(metrics[first + [name for name in metrics.colnames if name not in first]])


def readSummary(
    butler: Butler,
    name: str,
    dataId: DataIdLike = None,
    *,
    collections: str | Sequence[str] | None = None,
) -> Table:
    """Read the summary of the detectors of an exposure or a run; `readMetrics` has parameters and errors.

    Returns
    -------
    summary
        One row a detector: status and measurements of all tests, each column with unit and description.
    """
    return _readTable(butler, SUMMARY, name, dataId, collections)


def readAmpSummary(
    butler: Butler,
    name: str,
    dataId: DataIdLike = None,
    *,
    collections: str | Sequence[str] | None = None,
) -> Table:
    """Read the summary of the amplifiers of an exposure or a run; `readMetrics` has parameters and errors.

    Returns
    -------
    summary
        One row an amplifier: values, tested quantities and status of all tests, each column with unit and
        description.
    """
    return _readTable(butler, _AMP_SUMMARY, name, dataId, collections)


def readCulprits(
    butler: Butler,
    name: str,
    dataId: DataIdLike = None,
    *,
    status: str | None = None,
    collections: str | Sequence[str] | None = None,
) -> Table:
    """Read what keeps an exposure or a run from being good; `readMetrics` has other parameters and errors.

    Parameters
    ----------
    butler, name, dataId, collections
        As in `readMetrics`.
    status
        Which are meant: ``failed``, ``unknown`` or ``suspicious``; by default all.

    Returns
    -------
    culprits
        One row an amplifier (or detector, or exposure) and test: value, limit, and the reason in words.

    Raises
    ------
    ValueError
        Raised if there is no such status.
    """
    if status not in (None, *_CULPRITS_STATUS):
        raise ValueError(
            f"A culprit has no status {status!r}; expected one of {', '.join(_CULPRITS_STATUS)}."
        )
    culprits = _readTable(butler, _CULPRITS, name, dataId, collections)
    return culprits if status is None else culprits[culprits["status"] == status]


def readStructures(
    butler: Butler,
    name: str,
    dataId: DataIdLike = None,
    *,
    collections: str | Sequence[str] | None = None,
) -> Table:
    """Read the structures in an image, the worst first; `readMetrics` has parameters and errors.

    Returns
    -------
    structures
        One row a structure: its rank, kind, place, size and significance. ``readStructureView`` shows one.
    """
    return _readTable(butler, STRUCTURES, name, dataId, collections)


def _readTable(
    butler: Butler, kind: Kind, name: str, dataId: DataIdLike, collections: str | Sequence[str] | None
) -> Table:
    """Read the only table that is meant; its metadata ``dataset`` say which it is.

    What else is stored in the metadata, as the version and all inputs, takes ten times as long to read.
    """
    ref = findOne(butler, kind, name, dataId, collections)
    try:
        table = butler.get(ref)
    except FileNotFoundError as error:
        error.add_note(f"This was the file of {nameDataset(ref)}.")
        raise
    except Exception as error:
        # What is in a file is not in our hands.
        raise OSError(f"{nameDataset(ref)} cannot be read: {type(error).__name__}: {error}") from error
    table.meta["dataset"] = nameDataset(ref)
    return showShort(table)


def dropEmpty(table: Table) -> Table:
    """Leave out the columns that have no value."""
    masks = {name: np.ma.getmaskarray(np.ma.asarray(table[name])) for name in table.colnames}
    return table[[name for name, mask in masks.items() if not mask.all()]]


def showShort(table: Table) -> Table:
    """Let a table show six digits of each number, but all of times; the values stay as they are."""
    for column in table.itercols():
        if column.dtype.kind == "f" and column.unit != "d":
            column.format = _FORMAT
    return table


def _explain(metric: str, measurement: str) -> str:
    """Say what a measurement is; empty if it is of no test."""
    test = findTest(metric)
    return "" if test is None or measurement not in MEASUREMENTS else explainMeasurement(test, measurement)
