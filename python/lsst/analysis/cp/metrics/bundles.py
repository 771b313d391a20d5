# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Stored bundles of metrics: which there are, and what they hold."""

from __future__ import annotations

import fnmatch
import itertools
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from lsst.daf.butler import CollectionType, DatasetType

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef
    from lsst.resources import ResourcePath

__all__ = [
    "BUNDLE_STORAGE",
    "BundleContent",
    "BundleError",
    "BundleQuery",
    "FoundBundles",
    "nameDataset",
    "queryIds",
    "readBundle",
    "searchedCollections",
]

BUNDLE_STORAGE = "MetricMeasurementBundle"
"""Storage class of bundles of metrics."""

# A bundle has some ten thousand.
_MAX_BYTES = 1 << 26

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
    datasetIdentifier, timestampVersion, referencePackage
        Tag of the measurements, which time upstream gives to them (None for that of the run), and the package
        whose version may give that time; None if there is none.
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
    def fromJson(cls, text: str | bytes) -> BundleContent:
        """Read the JSON text of a bundle, in a tenth of the time that its objects take.

        It raises `BundleError` if the text is not that of a bundle or has anything twice.
        """
        try:
            data = json.loads(text, object_pairs_hook=_uniqueItems)
        except BundleError:
            raise
        except (ValueError, RecursionError) as error:
            raise BundleError(f"it is not JSON: {error}") from error
        if not isinstance(data, dict):
            raise BundleError(f"it is a JSON {type(data).__name__}, expected an object")
        values: dict[str, Mapping[str, float | None]] = {}
        units: dict[str, Mapping[str, str]] = {}
        for tool, measurements in data.items():
            if tool.startswith("__"):
                continue
            try:
                if not isinstance(measurements, list):
                    raise TypeError(f"expected a list, not {measurements!r:.100}")
                values[_text(tool)] = _uniqueItems(
                    [(_text(item["metric"]), _number(item["value"])) for item in measurements]
                )
                units[tool] = {item["metric"]: _optionalText(item["unit"]) or "" for item in measurements}
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                raise BundleError(
                    f"its entry {tool!r} is no list of scalar measurements: {error!r:.300}"
                ) from error
        try:
            notes = {field: _optionalText(data.get(key)) for field, key in _NOTES.items()}
        except TypeError as error:
            raise BundleError(f"its notes are no texts: {error}") from error
        return cls(prefix=notes.pop("prefix") or "", **notes, values=values, units=units)


def _uniqueItems[T](pairs: Sequence[tuple[str, T]]) -> dict[str, T]:
    """Make a dictionary of pairs, none of which may be lost."""
    items = dict(pairs)
    if len(items) != len(pairs):
        ((name, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise BundleError(f"{name!r} is there twice")
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
    return float(value) if math.isfinite(value) else None


def nameDataset(ref: DatasetRef) -> str:
    """Name a dataset for messages."""
    data_id = ", ".join(f"{name}: {value}" for name, value in ref.dataId.required.items())
    return f"{ref.datasetType.name} {{{data_id}}} of {ref.run}"


def readBundle(butler: Butler, ref: DatasetRef, uri: ResourcePath | None = None) -> BundleContent:
    """Read a bundle from a repository, from its file if that is known; raise `BundleError` if it is none.

    Of an operating system that does not answer this waits for ever.
    """
    uri = uri or butler.getURI(ref)
    path = Path(uri.ospath) if uri.isLocal else None
    if path is not None and not path.is_file():
        if path.is_symlink() or path.exists():
            raise BundleError(f"it is no regular file: {path}")
        raise FileNotFoundError(f"it is lost: there is no {path}")
    # A file in an archive has another ending.
    is_alone = uri.getExtension() == ".json"
    if path is not None and is_alone and path.stat().st_size > _MAX_BYTES:
        raise BundleError(f"it has more than {_MAX_BYTES} bytes")
    text = uri.read() if is_alone else butler.get(ref).json()
    return BundleContent.fromJson(text)


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
) -> tuple[bytes, ...]:
    """List the ids of datasets, each once, of 16 bytes; those that were stored first come first.

    An open query keeps others from writing to a SQLite repository, so that the ids are taken at once.
    """
    with butler.query() as query:
        results = query.datasets(datasetType, collections, find_first=findFirst)
        if where:
            results = results.where(where, bind=bind)
        # Of several collections with the same dataset each gives its id.
        return tuple(dict.fromkeys(ref.id.bytes for ref in results.order_by("ingest_date")))


@dataclass(frozen=True)
class FoundBundles:
    """Bundles of one dataset type, of which no more than the ids are in memory.

    The ids have 16 bytes each; those that were stored first come first.
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
        """Read what the repository knows of some hundred bundles, with their dimension records.

        They are in the order of the ids; those that are gone are left out.
        """
        if not ids:
            return []
        with butler.query() as query:
            id = query.expression_factory[self.datasetType.name].dataset_id
            results = query.datasets(self.datasetType, self.collections, find_first=False)
            found = {ref.id: ref for ref in results.where(id.in_iterable(ids)).with_dimension_records()}
        return [found[each] for each in ids if each in found]


@dataclass(frozen=True)
class BundleQuery:
    """Which bundles are meant.

    Parameters
    ----------
    collections, datasetTypes
        Collections and names of dataset types, or patterns of these with ``*``.
    where
        Expression that data ids fulfil.
    findFirst
        Whether of several bundles with one data id only that of the first collection is meant.
    """

    collections: Sequence[str]
    where: str = ""
    datasetTypes: Sequence[str] = ("*",)
    findFirst: bool = False

    def find(self, butler: Butler) -> list[FoundBundles]:
        """Find the bundles of each dataset type that there is in the collections."""
        collections = searchedCollections(butler, self.collections)
        return [
            FoundBundles(
                each, collections, queryIds(butler, each, collections, self.where, findFirst=self.findFirst)
            )
            for each in _bundleTypes(butler, collections)
            if any(fnmatch.fnmatchcase(each.name, pattern) for pattern in self.datasetTypes)
        ]

    def explainNothing(self, butler: Butler) -> str:
        """Say which bundles there are, in the collections or else in others, for somebody who finds none."""
        for patterns in (self.collections, "*"):
            collections = searchedCollections(butler, patterns)
            if types := {each.name for each in _bundleTypes(butler, collections)}:
                break
        else:
            return "The repository has no bundles of metrics."
        infos = butler.collections.query_info(collections, include_summary=True)
        runs = [info.name for info in infos if types & set(info.dataset_types or ())]
        instruments = {
            name
            for run in runs[:_LISTED]
            for name in butler.registry.getCollectionSummary(run).governors.get("instrument", ())
        }
        return (
            f"There are bundles of the types {_listNames(types)}, of the instruments "
            f"{_listNames(instruments)}, in the collections {_listNames(runs)}."
        )


def _listNames(names: Iterable[str]) -> str:
    """List some names."""
    listed = sorted(names)
    more = f" and {len(listed) - _LISTED} more" if len(listed) > _LISTED else ""
    return ", ".join(listed[:_LISTED]) + more


def _bundleTypes(butler: Butler, collections: Sequence[str]) -> list[DatasetType]:
    """List the types of bundles in some collections."""
    infos = butler.collections.query_info(collections, include_summary=True)
    names = {name for info in infos for name in info.dataset_types or ()}
    types = [butler.get_dataset_type(name) for name in sorted(names)]
    return [each for each in types if each.storageClass_name == BUNDLE_STORAGE]
