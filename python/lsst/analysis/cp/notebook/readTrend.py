# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The history of a metric."""

from __future__ import annotations

import difflib
import json
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from astropy.table import Table

from lsst.analysis.cp.catalogue import VerifyTest, findTest, getProduct, products
from lsst.analysis.cp.core.tableMeta import parseTableMeta
from lsst.analysis.cp.metrics import (
    TREND_SCHEMA,
    ObservationTimes,
    declaredMeasurements,
    fromTable,
    readHandles,
    toTable,
    unreadDatasets,
)
from lsst.daf.butler import DatasetNotFoundError, DeferredDatasetHandle
from lsst.daf.butler.formatters.parquet import arrow_to_astropy

from .readTables import SUMMARY, dropEmpty, showShort
from .search import DataIdLike, Kind, expand, listTypes, matchTypes, toDict

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef

__all__ = ["readTrend"]

type _Place = tuple[str, int | None, str]
"""Instrument, exposure (or visit, if any) and run of values."""

_TRENDS = Kind("table of trends", "tables of trends", ending="_trend")
_EPOCHS = ("exposure", "visit")
_KEYS = ("instrument", "detector", "physical_filter", "day_obs", "exposure")
"""Columns by which rows are chosen."""
_ORDER = ("detector", "mjd", "exposure")
_N_NAMED = 20
"""Number of detectors in an error."""


def readTrend(
    butler: Butler,
    name: str,
    dataId: DataIdLike = None,
    *,
    measurement: str = "median",
    collections: str | Sequence[str] | None = None,
) -> Table:
    """Read the history of a metric of detectors.

    It is gathered from the summaries of the detectors, one file an exposure (or a run, where there are no
    exposures). Of an exposure that was verified several times, that of the first collection is taken. Where
    there are tables of trends (``cpBiasTrend_trend``), only the summaries are read of which none has this
    measurement, or that were replaced since.

    Parameters
    ----------
    butler
        The repository.
    name
        The metric, by the name of its tool (``biasNoise``).
    dataId
        Whose history is meant, as in ``{"detector": 94}`` or ``{"detector": "R22_S11"}``; by default that of
        all detectors.
    measurement
        What is followed of the amplifiers of a detector, as ``median``, ``max`` or ``nFailed``.
    collections
        Where to search; by default the collections of the butler.

    Returns
    -------
    trend
        One row an exposure and detector, in the order of time, with unit and limit.

    Warns
    -----
    UserWarning
        Warned if some of the summaries cannot be read, or the table of trends has values of some that are no
        longer there.

    Raises
    ------
    lsst.daf.butler.MissingCollectionError, lsst.daf.butler.DatasetNotFoundError
        Raised if there is no such collection, or no such history; they name what there is.
    ValueError
        Raised if there is no such metric or measurement, or the data ID has what no detector has.
    OSError
        Raised if nothing can be read of what is there.
    """
    test = _findTest(name)
    if measurement not in (known := declaredMeasurements(name, "runDetector")):
        raise ValueError(f"{name} has no measurement {measurement!r}; it has {', '.join(known)}.")
    wanted = toDict(dataId)
    if unknown := sorted(set(wanted) - set(_KEYS)):
        raise ValueError(
            f"No history is chosen by {', '.join(unknown)}: expected some of {', '.join(_KEYS)}."
        )
    stored, read = _readStored(butler, name, measurement, test.product, collections)
    refs = _findSummaries(butler, test.product, collections, isRequired=len(stored) == 0)
    # What a stored history has is not read again.
    more = [ref for ref in refs if read.get(str(ref.id)) != _placeOf(ref)]
    handles = (DeferredDatasetHandle(butler=butler, ref=ref, parameters=None) for ref in more)
    gathered = readHandles(
        handles, metrics=[name], measurements=[measurement], times=ObservationTimes(butler)
    )
    if unread := unreadDatasets(gathered):
        listed = "; ".join(f"{dataset}: {reason}" for dataset, reason in unread.items())
        if not len(gathered) + len(stored):
            raise OSError(f"These cannot be read: {listed}")
        warnings.warn(f"These cannot be read: {listed}", stacklevel=2)
    kept = _dropReplaced(stored, refs, more)
    trend = pa.concat_tables([gathered, kept]).sort_by([(key, "ascending") for key in _ORDER])
    sources = json.dumps(sorted(set(trend["run"].to_pylist()))).encode()
    trend = trend.replace_schema_metadata({**gathered.schema.metadata, b"sources": sources})
    chosen = _choose(trend, wanted)
    if not len(chosen):
        raise DatasetNotFoundError(f"There is no {measurement} of {name} of {wanted}. {_nameExisting(trend)}")
    return showShort(_withUnit(dropEmpty(toTable(chosen))))


def _readStored(
    butler: Butler, name: str, measurement: str, product: str, collections: str | Sequence[str] | None
) -> tuple[pa.Table, dict[str, _Place]]:
    """Read the values of a metric of detectors that stored tables of trends have; empty if there are none.

    With them is returned which summaries they are of, by their ids. Of a summary that is in several tables
    the values of one are taken.
    """
    types = matchTypes(butler, _TRENDS, product, collections)
    refs = butler.query_all_datasets(collections, name=types, limit=None) if types else []
    parts = [TREND_SCHEMA.empty_table()]
    inputs: dict[str, _Place] = {}
    taken: set[_Place] = set()
    for ref in refs:
        table = butler.get(ref, storageClass="ArrowTable", parameters={"strip_astropy_meta_yaml": False})
        metadata = table.schema.metadata
        found = parseTableMeta(metadata.pop(b"table_meta_yaml", b"").decode())
        table = table.replace_schema_metadata(metadata)
        wanted = _choose(table, {"metric": name, "measurement": measurement})
        values = fromTable(arrow_to_astropy(wanted.filter(pc.is_valid(wanted["detector"]))))
        places = _listPlaces(values)
        new = set(places) - taken
        taken |= new
        parts.append(_keep(values, [place in new for place in places]))
        instrument = str(ref.dataId["instrument"])
        for identifier, (epoch, run) in json.loads(found.get("inputs", "{}")).items():
            # A table was made of summaries of which it need not have all metrics.
            if (place := (instrument, epoch, run)) in new:
                inputs[identifier] = place
    joined = pa.concat_tables(part.replace_schema_metadata(TREND_SCHEMA.metadata) for part in parts)
    return joined, inputs


def _dropReplaced(stored: pa.Table, refs: Sequence[DatasetRef], more: Sequence[DatasetRef]) -> pa.Table:
    """Drop the values of summaries that were read again, or of which others are taken; warn of lost ones."""
    taken = {_placeOf(ref) for ref in refs} - {_placeOf(ref) for ref in more}
    verified = {_placeOf(ref)[:2] for ref in refs}
    places = _listPlaces(stored)
    # Of an exposure without any summary the stored values are all that there is.
    if lost := sorted({place[2] for place in places if place[:2] not in verified}):
        warnings.warn(
            f"The table of trends has values of summaries that are no longer there: {', '.join(lost)}",
            stacklevel=3,
        )
    return _keep(stored, [place in taken or place[:2] not in verified for place in places])


def _findSummaries(
    butler: Butler, product: str, collections: str | Sequence[str] | None, *, isRequired: bool
) -> list[DatasetRef]:
    """Find the summaries of the exposures or, where there are none, of all runs."""
    list_types = listTypes if isRequired else matchTypes
    types = [butler.get_dataset_type(each) for each in list_types(butler, SUMMARY, product, collections)]
    of_epochs = [each for each in types if not set(_EPOCHS).isdisjoint(each.dimensions.required)]
    runs = expand(butler, collections)
    with butler.query() as query:
        return [
            ref
            for each in of_epochs or types
            for ref in query.datasets(each, runs, find_first=bool(of_epochs)).with_dimension_records()
        ]


def _placeOf(ref: DatasetRef) -> _Place:
    """Return what the values of a summary belong to."""
    epochs = [int(ref.dataId[key]) for key in _EPOCHS if key in ref.dataId.required]
    return str(ref.dataId["instrument"]), epochs[0] if epochs else None, ref.run


def _listPlaces(table: pa.Table) -> list[_Place]:
    """List what each row belongs to."""
    columns = (table[name].to_pylist() for name in ("instrument", "exposure", "run"))
    return list(zip(*columns, strict=True))


def _keep(table: pa.Table, rows: Sequence[bool]) -> pa.Table:
    return table.filter(pa.array(rows, pa.bool_()))


def _choose(table: pa.Table, wanted: Mapping[str, Any]) -> pa.Table:
    """Choose the rows that have given values; a detector may be given by its name."""
    for key, value in wanted.items():
        column = table["detectorName" if key == "detector" and isinstance(value, str) else key]
        try:
            rows = pc.equal(column, pa.scalar(value))
        except (pa.ArrowNotImplementedError, OverflowError) as error:
            raise ValueError(f"{value!r} is no {key}: it is compared with {column.type}.") from error
        table = table.filter(rows)
    return table


def _findTest(name: str) -> VerifyTest:
    """Find the test of a metric; `ValueError` names similar ones if there is none."""
    if (test := findTest(name)) is None:
        known = [test.toolName for product in products() for test in getProduct(product)]
        similar = ", ".join(difflib.get_close_matches(name, known, n=10, cutoff=0.0))
        raise ValueError(f"There is no metric {name!r}. These are the most similar: {similar}.")
    return test


def _nameExisting(table: pa.Table) -> str:
    """Name the detectors that have a history."""
    ids = sorted(set(table["detector"].to_pylist()))
    if not ids:
        return "There is none of any detector."
    more = f" and {len(ids) - _N_NAMED} more" if len(ids) > _N_NAMED else ""
    return f"There is that of detector(s) {', '.join(map(str, ids[:_N_NAMED]))}{more}."


def _withUnit(trend: Table) -> Table:
    """Give the values their unit, which is the same in all rows but those of electrons and of ADU."""
    units = set(trend["unit"]) if "unit" in trend.colnames else {""}
    if len(units) == 1:
        for name in {"value", "threshold"} & set(trend.colnames):
            trend[name].unit = trend["unit"][0]
    return trend
