# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The dataset types of plots and images that collections hold."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from lsst.analysis.cp.report.collect.plots import levelOf, titleOf
from lsst.analysis.cp.report.collect.search import productOf
from lsst.daf.butler import CollectionType, DatasetNotFoundError

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, CollectionInfo, DatasetType

__all__ = [
    "PYRAMID",
    "BrowsedType",
    "findType",
    "isImage",
    "isOfRafts",
    "isPlot",
    "isPyramid",
    "isShown",
    "listTypes",
]

PYRAMID = "_pyramid"
"""How the names of dataset types of pyramids end."""

_IMAGES = re.compile(r"(Decorated|Masked)?Image[A-Z]?|Exposure[A-Z]?")
_HOLDERS = frozenset({CollectionType.RUN, CollectionType.TAGGED})
_GLOB = re.compile(r"[*?]|\[.*\]")
_N_NAMED = 10


def isPlot(datasetType: DatasetType) -> bool:
    """Tell whether datasets of a type are plots, which are stored as pictures."""
    return datasetType.storageClass_name == "Plot"


def isPyramid(datasetType: DatasetType) -> bool:
    """Tell whether datasets of a type are images of all detectors at several resolutions."""
    return datasetType.name.endswith(PYRAMID) and _IMAGES.fullmatch(datasetType.storageClass_name) is not None


def isImage(datasetType: DatasetType) -> bool:
    """Tell whether datasets of a type are images, pyramids among them."""
    return _IMAGES.fullmatch(datasetType.storageClass_name) is not None


def isOfRafts(datasetType: DatasetType) -> bool:
    """Tell whether each dataset of a type is of a raft, and stored under one of its detectors."""
    output = datasetType.name.partition("_")[0]
    return levelOf(output, set(datasetType.dimensions.required)) == "raft"


def isShown(datasetType: DatasetType) -> bool:
    """Tell whether datasets of a type are shown at all: nothing else can be had from the server."""
    return isPlot(datasetType) or isImage(datasetType)


@dataclass(frozen=True)
class BrowsedType:
    """A dataset type in a collection.

    Parameters
    ----------
    datasetType
        The type.
    collections
        Those of the RUN and TAGGED collections that are searched which may hold datasets of the type, in the
        order of the search.
    governors
        Values of the dimensions without which others mean nothing, such as the instruments, that datasets of
        these collections have; by the name of the dimension, sorted.
    """

    datasetType: DatasetType
    collections: tuple[str, ...]
    governors: dict[str, tuple[str, ...]]

    @property
    def name(self) -> str:
        """Name of the type."""
        return str(self.datasetType.name)

    @property
    def group(self) -> str:
        """What it is listed under: the title of its product, or what its name begins with."""
        stem = self.name.partition("_")[0]
        known = productOf(stem.replace("cpCombined", "cp"))
        return known.title if known else stem

    @property
    def title(self) -> str:
        """What its datasets show, in a few words."""
        rest = self.name.partition("_")[2]
        return titleOf(self.name, rest.rpartition("_")[0]) or rest or self.name

    @property
    def scope(self) -> str:
        """What there is a dataset of."""
        names = [name for name in self.dimensions if name != "instrument"]
        if isOfRafts(self.datasetType):
            names = ["raft" if name == "detector" else name for name in names]
        return f"for each {' and '.join(names)}" if names else "for the whole run"

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Names of the dimensions that each dataset has a value of, in the order of the Butler."""
        return tuple(self.datasetType.dimensions.required)

    def governorIds(self) -> list[dict[str, str]]:
        """List the combinations of the values of its governor dimensions; one without any if it has none."""
        named = [name for name in self.dimensions if name in self.datasetType.dimensions.governors]
        values = (self.governors.get(name, ()) for name in named)
        return [dict(zip(named, chosen, strict=True)) for chosen in product(*values)]


def listTypes(
    butler: Butler, collection: str, includes: Callable[[DatasetType], bool] = isPlot
) -> list[BrowsedType]:
    """List the types of a kind that a collection may hold, without a look at any dataset.

    Parameters
    ----------
    butler
        The repository.
    collection
        Name of a collection; of a chain, all that it leads to are searched.
    includes
        Which types are meant.

    Returns
    -------
    types
        Those that were once stored there, sorted by group and name. There may be no dataset any more.

    Raises
    ------
    lsst.daf.butler.MissingCollectionError
        Raised if there is no such collection.
    """
    holders: dict[str, list[str]] = defaultdict(list)
    for info in _flatten(butler, collection):
        for name in info.dataset_types or ():
            holders[name].append(info.name)
    if not holders:
        return []
    governors = {
        name: tuple(sorted(values))
        for name, values in butler.registry.getCollectionSummary(collection).governors.items()
    }
    found = [
        BrowsedType(datasetType, tuple(holders[datasetType.name]), governors)
        for datasetType in butler.registry.queryDatasetTypes(sorted(holders))
        if includes(datasetType)
    ]
    return sorted(found, key=lambda each: (each.group.lower(), each.name))


def _flatten(butler: Butler, collection: str) -> list[CollectionInfo]:
    """List the collections that are searched for datasets, in the order of the search."""
    if not _GLOB.search(collection):
        infos = butler.collections.query_info(
            collection, collection_types=set(_HOLDERS), flatten_chains=True, include_summary=True
        )
        return list(infos)
    # In the names of collections all letters stand for themselves, in queries these do not.
    own = butler.collections.get_info(collection, include_summary=True)
    parts = [info for name in own.children for info in _flatten(butler, name)]
    return list({info.name: info for info in parts or [own] if info.type in _HOLDERS}.values())


def findType(types: Sequence[BrowsedType], name: str, collection: str) -> BrowsedType:
    """Find a type of a collection by its name.

    Parameters
    ----------
    types
        Those of the collection.
    name
        Name of the type.
    collection
        Name of the collection, for the error.

    Returns
    -------
    found
        The type.

    Raises
    ------
    lsst.daf.butler.DatasetNotFoundError
        Raised if it is none of them; it names some of these.
    """
    for each in types:
        if each.name == name:
            return each
    named = ", ".join(each.name for each in types[:_N_NAMED])
    more = f" and {len(types) - _N_NAMED} more" if len(types) > _N_NAMED else ""
    existing = f"There are {named}{more}." if types else "It has none of this kind."
    raise DatasetNotFoundError(f"The collection {collection} has no such dataset type: {name}. {existing}")
