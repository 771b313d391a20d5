# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Datasets in their collections, and when they are valid there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from lsst.daf.butler import Timespan

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

__all__ = ["Association", "readAssociations"]


class Association(NamedTuple):
    """A dataset in a collection.

    Parameters
    ----------
    dataId
        Its data ID, required dimensions only.
    datasetId, run
        Its id, and the RUN collection that holds it.
    collection
        The collection in which it is found.
    timespan
        When it is found there: its range of validity in a CALIBRATION collection, always in others.
    """

    dataId: Mapping[str, int | str]
    datasetId: UUID
    run: str
    collection: str
    timespan: Timespan


_ALWAYS = Timespan(None, None)


def readAssociations(
    butler: Butler,
    datasetType: str,
    collections: Sequence[str],
    *,
    data_id: Mapping[str, Any] | None = None,
    where: str = "",
    bind: Mapping[str, Any] | None = None,
) -> Iterator[Association]:
    """Read the datasets of a type in collections, each as often as it is in one.

    They are read page by page: who needs a part of them only may stop.

    Parameters
    ----------
    butler
        The repository.
    datasetType
        Name of the type.
    collections
        Collections, no chains; those of CALIBRATION type, too.
    data_id, where, bind
        What the data IDs have to be, as in queries of the Butler; by default any.

    Yields
    ------
    association
        The datasets, in no order.

    Raises
    ------
    lsst.daf.butler.MissingDatasetTypeError
        Raised if the repository has no such type.
    """
    dimensions = butler.get_dataset_type(datasetType).dimensions
    with butler.query() as query:
        query = query.join_dataset_search(datasetType, collections)
        query = query.where(data_id or {}, where, bind=bind)
        # Its rows cost a third of what associations of datasets do.
        rows = query.general(
            dimensions,
            dataset_fields={datasetType: {"dataset_id", "run", "collection", "timespan"}},
            find_first=False,
        )
        for row in rows:
            yield Association(
                {name: row[name] for name in dimensions.required},
                row[f"{datasetType}.dataset_id"],
                row[f"{datasetType}.run"],
                row[f"{datasetType}.collection"],
                row[f"{datasetType}.timespan"] or _ALWAYS,
            )
