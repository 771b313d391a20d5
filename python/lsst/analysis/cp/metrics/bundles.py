# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Stored bundles of metrics: which there are, and what they hold."""

from __future__ import annotations

import fnmatch
import itertools
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from lsst.daf.butler import CollectionType, DatasetType

if TYPE_CHECKING:
    from lsst.analysis.tools.interfaces import MetricMeasurementBundle
    from lsst.daf.butler import Butler, DatasetRef
    from lsst.resources import ResourcePath

__all__ = [
    "BUNDLE_STORAGE",
    "BundleContent",
    "BundleError",
    "BundleQuery",
    "FoundBundles",
    "locateBundle",
    "nameDataset",
    "readBundle",
    "queryIds",
    "searchedCollections",
]

BUNDLE_STORAGE = "MetricMeasurementBundle"
"""Storage class of bundles of metrics."""

_NOTES = {
    "prefix": "__metricNamePrefix",
    "datasetIdentifier": "__dataset_identifier",
    "timestampVersion": "__timestamp_version",
    "referencePackage": "__reference_package",
}


_LISTED = 10


class BundleError(ValueError):
    """A bundle of metrics does not have the form that it should have."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BundleContent:
    """What a bundle of metrics holds.

    Parameters
    ----------
    prefix
        What comes before the names of the tools in those of topics.
    datasetIdentifier
        Tag of the measurements; None if there is none.
    timestampVersion
        Which time upstream gives to the measurements; None for that of the run.
    referencePackage
        Package whose version may give that time; None if there is none.
    values
        Value of each measurement by tool and name; None where it is NaN or infinite.
    units
        Unit of each measurement by tool and name, as astropy spells it; empty if dimensionless.
    """

    prefix: str = ""
    datasetIdentifier: str | None = None
    timestampVersion: str | None = None
    referencePackage: str | None = None
    values: Mapping[str, Mapping[str, float | None]]
    units: Mapping[str, Mapping[str, str]]

    @classmethod
    def fromJson(cls, text: str | bytes, name: str = "bundle") -> BundleContent:
        """Read the JSON text of a bundle, in a tenth of the time that its objects take.

        Parameters
        ----------
        text
            The text, as ``MetricMeasurementBundle.json`` writes it.
        name
            What errors call the bundle.

        Returns
        -------
        content
            What it holds.

        Raises
        ------
        BundleError
            Raised if the text is not that of a bundle.
        """
        try:
            data = json.loads(text, object_pairs_hook=_uniqueItems)
        except BundleError as error:
            raise BundleError(f"{name}: {error}") from error
        except (ValueError, RecursionError) as error:
            raise BundleError(f"{name} is not JSON: {error}") from error
        if not isinstance(data, dict):
            raise BundleError(f"{name} is a JSON {type(data).__name__}, expected an object")
        values: dict[str, dict[str, float | None]] = {}
        units: dict[str, dict[str, str]] = {}
        for tool, measurements in data.items():
            if tool.startswith("__"):
                continue
            try:
                values[_text(tool)] = dict(
                    _uniqueItems([(_text(item["metric"]), _number(item["value"])) for item in measurements])
                )
                units[tool] = {item["metric"]: _optionalText(item["unit"]) or "" for item in measurements}
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                raise BundleError(
                    f"{name} has an entry {tool!r} that is no list of scalar measurements: {error!r}"
                ) from error
        try:
            about = {field: _optionalText(data.get(key)) for field, key in _NOTES.items()}
        except TypeError as error:
            raise BundleError(f"{name} has notes that are no texts: {error}") from error
        return cls(prefix=about.pop("prefix") or "", **about, values=values, units=units)

    @classmethod
    def fromBundle(cls, bundle: MetricMeasurementBundle, name: str = "bundle") -> BundleContent:
        """Take the numbers of a bundle.

        Parameters
        ----------
        bundle
            The bundle.
        name
            What errors call it.

        Returns
        -------
        content
            What it holds.

        Raises
        ------
        BundleError
            Raised if a value is not a scalar.
        """
        return cls.fromJson(bundle.json(), name)


def _uniqueItems[T](pairs: Sequence[tuple[str, T]]) -> dict[str, T]:
    """Make a dictionary of pairs, none of which may be lost."""
    items = dict(pairs)
    if len(items) != len(pairs):
        names = [name for name, _ in pairs]
        raise BundleError(f"{next(n for n in names if names.count(n) > 1)!r} is there twice")
    return items


def _text(value: object) -> str:
    """Check that something is a text that can be printed, and so encoded."""
    if not isinstance(value, str) or not value.isprintable():
        raise TypeError(f"expected a printable text, not {value!r:.100}")
    return value


def _optionalText(value: object) -> str | None:
    return None if value is None else _text(value)


def _number(value: object) -> float | None:
    """Make a number of a value; None if there is none or it is not finite."""
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"expected a number, not {value!r:.100}")
    number = float(value)
    return number if math.isfinite(number) else None


def nameDataset(ref: DatasetRef) -> str:
    """Name a dataset for messages."""
    data_id = ", ".join(f"{name}: {value}" for name, value in ref.dataId.required.items())
    return f"{ref.datasetType.name} {{{data_id}}} of {ref.run}"


def locateBundle(butler: Butler, ref: DatasetRef) -> ResourcePath:
    """Find the file of a bundle.

    Parameters
    ----------
    butler
        The repository.
    ref
        The bundle.

    Returns
    -------
    uri
        Where it is. To read it may take any time.

    Raises
    ------
    BundleError
        Raised if it is no regular file.
    FileNotFoundError
        Raised if the repository has lost it.
    """
    uri = butler.getURI(ref)
    path = Path(uri.ospath) if uri.isLocal else None
    if path is not None and not path.is_file():
        if path.is_symlink() or path.exists():
            raise BundleError(f"{nameDataset(ref)} is no regular file: {path}")
        raise FileNotFoundError(f"{nameDataset(ref)} is lost: there is no {path}")
    return uri


def readBundle(butler: Butler, ref: DatasetRef) -> BundleContent:
    """Read a bundle from a repository.

    Parameters
    ----------
    butler
        The repository.
    ref
        The bundle.

    Returns
    -------
    content
        What it holds.

    Raises
    ------
    BundleError
        Raised if it is no regular file, or does not have the form of a bundle.
    FileNotFoundError
        Raised if the repository has lost it.
    """
    uri = locateBundle(butler, ref)
    if uri.getExtension() == ".json":
        return BundleContent.fromJson(uri.read(), nameDataset(ref))
    # It is in an archive.
    return BundleContent.fromBundle(butler.get(ref), nameDataset(ref))


@dataclass(frozen=True)
class BundleQuery:
    """Which bundles are meant.

    Parameters
    ----------
    collections
        Collections, or patterns of their names with ``*``.
    where
        Expression that data ids fulfil.
    datasetTypes
        Names of dataset types, or patterns of these with ``*``.
    findFirst
        Whether of several bundles with one data id only that of the first collection is meant.
    """

    collections: Sequence[str]
    where: str = ""
    datasetTypes: Sequence[str] = ("*",)
    findFirst: bool = False

    def find(self, butler: Butler) -> list[FoundBundles]:
        """Find the bundles.

        Parameters
        ----------
        butler
            The repository.

        Returns
        -------
        found
            Those of each dataset type.

        Raises
        ------
        lsst.daf.butler.MissingCollectionError
            Raised if there is no such collection.
        lsst.daf.butler.InvalidQueryError
            Raised if the expression cannot be read.
        """
        collections = searchedCollections(butler, self.collections)
        infos = butler.collections.query_info(collections, include_summary=True)
        names = {name for info in infos for name in info.dataset_types or ()}
        chosen = [
            name for name in names if any(fnmatch.fnmatchcase(name, each) for each in self.datasetTypes)
        ]
        types = [butler.get_dataset_type(name) for name in sorted(chosen)]
        return [
            FoundBundles(
                each,
                collections,
                tuple(queryIds(butler, each, collections, self.where, findFirst=self.findFirst)),
            )
            for each in types
            if each.storageClass_name == BUNDLE_STORAGE
        ]

    def explainNothing(self, butler: Butler) -> str:
        """Say which bundles there are, for somebody who finds none.

        Parameters
        ----------
        butler
            The repository.

        Returns
        -------
        text
            A sentence with dataset types and instruments of the bundles in the collections or, where these
            have none, with collections that have some.
        """
        known: dict[str, list[str]] = {}
        for collections in (searchedCollections(butler, self.collections), searchedCollections(butler, "*")):
            for info in butler.collections.query_info(collections, include_summary=True):
                for name in info.dataset_types or ():
                    if butler.get_dataset_type(name).storageClass_name == BUNDLE_STORAGE:
                        known.setdefault(name, []).append(info.name)
            if known:
                break
        else:
            return "The repository has no bundles of metrics."
        runs = sorted({run for some in known.values() for run in some})
        instruments = {
            name
            for run in runs[:_LISTED]
            for name in butler.registry.getCollectionSummary(run).governors.get("instrument", ())
        }
        return (
            f"There are bundles of the types {_listNames(known)}, of the instruments "
            f"{_listNames(instruments)}, in the collections {_listNames(runs)}."
        )


def _listNames(names: Iterable[str]) -> str:
    """List some names."""
    listed = sorted(names)
    more = f" and {len(listed) - _LISTED} more" if len(listed) > _LISTED else ""
    return ", ".join(listed[:_LISTED]) + more


def searchedCollections(butler: Butler, patterns: str | Sequence[str]) -> list[str]:
    """List the collections that may hold datasets, those in chains in the order of the chain."""
    kinds = {CollectionType.RUN, CollectionType.TAGGED}
    return list(butler.collections.query(patterns, collection_types=kinds, flatten_chains=True))


def queryIds(
    butler: Butler,
    datasetType: DatasetType | str,
    collections: Sequence[str],
    where: str = "",
    bind: Mapping[str, Any] | None = None,
    *,
    findFirst: bool = False,
) -> Iterator[bytes]:
    """Yield the ids of datasets, those that were stored first come first.

    They are to be taken at once: an open query keeps others from writing to a SQLite repository.
    """
    with butler.query() as query:
        results = query.datasets(datasetType, collections, find_first=findFirst)
        if where:
            results = results.where(where, bind=bind)
        for ref in results.order_by("ingest_date"):
            yield ref.id.bytes


@dataclass(frozen=True)
class FoundBundles:
    """Bundles of one dataset type, of which no more than the ids are in memory.

    Parameters
    ----------
    datasetType
        Their type.
    collections
        Where they were found.
    ids
        Their ids, of 16 bytes each; those that were stored first come first.
    """

    datasetType: DatasetType
    collections: Sequence[str]
    ids: Sequence[bytes] = field(repr=False)

    def __len__(self) -> int:
        return len(self.ids)

    def pages(self, size: int) -> Iterator[list[UUID]]:
        """Yield the ids in lists of at most ``size``."""
        for page in itertools.batched(self.ids, size):
            yield [UUID(bytes=each) for each in page]

    def read(self, butler: Butler, ids: Sequence[UUID]) -> list[DatasetRef]:
        """Read what the repository knows of some bundles.

        Parameters
        ----------
        butler
            The repository.
        ids
            Ids of some hundred.

        Returns
        -------
        refs
            The bundles in the same order, with their dimension records, without those that are gone.
        """
        if not ids:
            return []
        with butler.query() as query:
            id = query.expression_factory[self.datasetType.name].dataset_id
            results = query.datasets(self.datasetType, self.collections, find_first=False)
            found = {ref.id: ref for ref in results.where(id.in_iterable(ids)).with_dimension_records()}
        return [found[each] for each in ids if each in found]
