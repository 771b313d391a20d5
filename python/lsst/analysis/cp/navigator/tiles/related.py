# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Datasets of a repository that belong to a pyramid: where to search, other exposures, the calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lsst.analysis.cp.metrics import TrendTableError
from lsst.analysis.cp.metrics.summaries import findProduct
from lsst.analysis.cp.notebook.search import Kind, matchTypes
from lsst.daf.butler import Butler, DatasetRef

from .facts import nameKeys
from .readers import PYRAMID_SUFFIX

if TYPE_CHECKING:
    from lsst.daf.butler.queries import DatasetRefQueryResults, Query

__all__ = [
    "OtherPyramid",
    "Others",
    "findCombined",
    "findOfExposure",
    "findOthers",
    "listOthers",
    "productOf",
    "searchedBy",
]

_PYRAMIDS = Kind("image", "images", ending=PYRAMID_SUFFIX)
_COMBINED = "cpCombined"
_MOST_PARENTS = 20
MOST_LISTED = 100
"""Number of pyramids in a list; the next list begins after the last of them."""


@dataclass(frozen=True, kw_only=True)
class OtherPyramid:
    """A pyramid that may be looked at next.

    Parameters
    ----------
    id
        Identifier of the dataset.
    label
        What lists call it.
    key
        Its exposure or visit as text; empty if it has none. The next list begins after it.
    dataId, datasetType, run
        What it is.
    """

    id: str
    label: str
    key: str
    dataId: dict[str, str]
    datasetType: str
    run: str


@dataclass(frozen=True, kw_only=True)
class Others:
    """Pyramids beside one.

    Parameters
    ----------
    previous, following
        Those of the same type of the exposure before and after; None if there is none.
    combined
        Those of the combined calibration of the same product.
    """

    previous: OtherPyramid | None
    following: OtherPyramid | None
    combined: tuple[OtherPyramid, ...]


def searchedBy(butler: Butler, ref: DatasetRef, collection: str | None) -> tuple[str, ...]:
    """Say where what belongs to a dataset is searched for.

    Parameters
    ----------
    butler
        The repository.
    ref
        The dataset.
    collection
        The collection that a user has chosen, if any.

    Returns
    -------
    collections
        That one; otherwise the run of the dataset, and then the chains that hold it.

    Raises
    ------
    lsst.daf.butler.MissingCollectionError
        Raised if there is no such collection.
    """
    if collection:
        return (butler.collections.get_info(collection).name,)
    parents = butler.collections.get_info(ref.run, include_parents=True).parents or ()
    return (ref.run, *sorted(parents)[:_MOST_PARENTS])


def productOf(datasetType: str) -> str:
    """Name the product that a dataset type belongs to; empty if it is none of ours."""
    try:
        return findProduct(datasetType.replace(_COMBINED, "cp"), None).name
    except TrendTableError:
        return ""


def findOthers(butler: Butler, ref: DatasetRef, collections: Sequence[str]) -> Others:
    """Find the pyramids beside one.

    Parameters
    ----------
    butler
        The repository.
    ref
        The pyramid.
    collections
        Where to search.

    Returns
    -------
    others
        Those of the exposures before and after, and of the combined calibration.
    """
    key = _keyOf(ref)
    beside: list[OtherPyramid | None] = [None, None]
    if key:
        bind = {"own": ref.dataId[key]}
        with butler.query() as query:
            for i, (where, order) in enumerate(((f"{key} < own", f"-{key}"), (f"{key} > own", key))):
                found = _queryLike(query, ref, collections).where(where, bind=bind).order_by(order).limit(1)
                beside[i] = next((_describe(each) for each in found.with_dimension_records()), None)
    combined = findCombined(butler, ref, collections)
    return Others(previous=beside[0], following=beside[1], combined=combined)


def listOthers(
    butler: Butler, ref: DatasetRef, collections: Sequence[str], *, day: int | None, after: int | None
) -> tuple[OtherPyramid, ...]:
    """List pyramids of the same type, in the order of their exposures.

    Parameters
    ----------
    butler
        The repository.
    ref
        A pyramid.
    collections
        Where to search.
    day
        Day of observation (20260702); all if None.
    after
        Exposure (or visit) after which to begin; the first if None.

    Returns
    -------
    others
        At most `MOST_LISTED`.
    """
    key = _keyOf(ref)
    with butler.query() as query:
        found = _queryLike(query, ref, collections)
        if key:
            if day is not None:
                found = found.where("day_obs = own_day", bind={"own_day": day})
            if after is not None:
                found = found.where(f"{key} > own_key", bind={"own_key": after})
            found = found.order_by(key)
        return tuple(_describe(each) for each in found.limit(MOST_LISTED).with_dimension_records())


def findCombined(butler: Butler, ref: DatasetRef, collections: Sequence[str]) -> tuple[OtherPyramid, ...]:
    """Find the pyramids of the combined calibration that a pyramid belongs to; see `findOthers`."""
    product = productOf(ref.datasetType.name)
    if not product or ref.datasetType.name.startswith(_COMBINED):
        return ()
    types = matchTypes(butler, _PYRAMIDS, product, list(collections))
    found = []
    for name in types:
        # Each has some of the dimensions of an exposure, at least the instrument.
        if name.startswith(_COMBINED) and butler.get_dataset_type(name).dimensions <= ref.dimensions:
            data_id = ref.dataId.subset(butler.get_dataset_type(name).dimensions)
            one = butler.find_dataset(name, data_id, collections=list(collections))
            found += [one] if one is not None else []
    return tuple(_describe(each) for each in found)


def findOfExposure(butler: Butler, ref: DatasetRef, collections: Sequence[str]) -> DatasetRef | None:
    """Find the pyramid of the exposure that a plot is of.

    Parameters
    ----------
    butler
        The repository.
    ref
        The plot, with its dimension records.
    collections
        Where to search.

    Returns
    -------
    pyramid
        That of the same product; None if the plot is of no exposure, or there is no such pyramid.
    """
    product, key = productOf(ref.datasetType.name), _keyOf(ref)
    if not product or not key:
        return None
    for name in matchTypes(butler, _PYRAMIDS, product, list(collections)):
        dimensions = butler.get_dataset_type(name).dimensions
        if key in dimensions and dimensions <= ref.dimensions:
            found = butler.find_dataset(name, ref.dataId.subset(dimensions), collections=list(collections))
            if found is not None:
                return found
    return None


def _keyOf(ref: DatasetRef) -> str:
    """Name the dimension by which the pyramids of a type are sorted; empty if there is none."""
    return next((name for name in ("exposure", "visit") if name in ref.dimensions.required), "")


def _queryLike(query: Query, ref: DatasetRef, collections: Sequence[str]) -> DatasetRefQueryResults:
    """Ask for the datasets of a type and instrument."""
    found = query.datasets(ref.datasetType, list(collections), find_first=True)
    fixed: dict[str, Any] = {
        name: ref.dataId[name] for name in ("instrument", "detector") if name in ref.dimensions.required
    }
    return found.where(fixed)


def _describe(ref: DatasetRef) -> OtherPyramid:
    keys, key = nameKeys(ref), _keyOf(ref)
    label = keys.get(key, "") or " ".join(value for name, value in keys.items() if name != "instrument")
    if key and ref.dataId.hasRecords():
        record: Any = ref.dataId.records[key]
        label = str(getattr(record, "obs_id", getattr(record, "name", label)))
    return OtherPyramid(
        id=str(ref.id),
        label=label or ref.datasetType.name.removesuffix(PYRAMID_SUFFIX),
        key=keys.get(key, ""),
        dataId=keys,
        datasetType=ref.datasetType.name,
        run=ref.run,
    )
