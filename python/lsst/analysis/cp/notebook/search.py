# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Finding what notebooks read, by what people call it; errors say what there is instead."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lsst.analysis.cp.metrics import TrendTableError, searchedCollections
from lsst.analysis.cp.metrics.summaries import findProduct
from lsst.daf.butler import (
    ButlerUserError,
    DataCoordinate,
    DatasetNotFoundError,
    DimensionNameError,
    MissingCollectionError,
)

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef, DatasetType

__all__ = [
    "DATA_ID_ERRORS",
    "DataIdLike",
    "Kind",
    "chooseTypes",
    "expand",
    "findDatasets",
    "findOne",
    "isCalled",
    "listTypes",
    "matchTypes",
    "nameExisting",
    "nameKeys",
    "toDict",
    "toQuery",
]

type DataIdLike = DataCoordinate | Mapping[str, Any] | None
"""What may be given as data ID."""

DATA_ID_ERRORS = (ButlerUserError, LookupError, OverflowError, TypeError, ValueError)
"""What the Butler raises of keys and values that it cannot use."""

_OTHER_KEYS = {"seq_num": "exposure.seq_num", "detector": "detector.full_name", "exposure": "exposure.obs_id"}
"""What queries call the number in a day, and dimensions that are given by a name in place of a number."""

_N_NAMED = 10
"""Number of names or data IDs in an error."""

_N_QUERIED = 1000
"""Number of datasets that are looked at for an error."""


@dataclass(frozen=True)
class Kind:
    """What is looked for.

    Parameters
    ----------
    noun
        What it is called, in the singular.
    plural
        The same of several.
    ending
        How the names of its dataset types end.
    storageClass
        Their storage class; any if empty.
    """

    noun: str
    plural: str
    ending: str = ""
    storageClass: str = ""

    def includes(self, datasetType: DatasetType) -> bool:
        """Tell whether a dataset type is of this kind."""
        return datasetType.name.endswith(self.ending) and self.storageClass in (
            "",
            datasetType.storageClass_name,
        )


def isCalled(datasetType: str, name: str) -> bool:
    """Tell whether a dataset type is meant by a name.

    Parameters
    ----------
    datasetType
        Its name, as in ``cpBiasExp_biasNoise_FocalPlaneGeometryPlot``.
    name
        That, or a pattern with ``*``; the product (``bias``), the output (``cpBiasExp``), the tool
        (``biasNoise``) or the class of the plot.
    """
    if fnmatch.fnmatchcase(datasetType, name) or name in datasetType.split("_"):
        return True
    try:
        # Combined calibrations are of the product, too.
        return findProduct(datasetType.replace("cpCombined", "cp"), None).name == name
    except TrendTableError:
        return False


def listTypes(butler: Butler, kind: Kind, name: str, collections: Sequence[str] | str | None) -> list[str]:
    """List the names of the dataset types that there are in collections and are meant by a name.

    Parameters
    ----------
    butler
        The repository.
    kind
        What is looked for.
    name
        See `isCalled`.
    collections
        Where to search; by default the collections of the butler.

    Returns
    -------
    names
        One or more, sorted.

    Raises
    ------
    lsst.daf.butler.MissingCollectionError
        Raised if there is no such collection; it names similar ones.
    lsst.daf.butler.DatasetNotFoundError
        Raised if there is no such type; it names those that there are.
    TypeError
        Raised if the name is no text.
    """
    if not isinstance(name, str):
        raise TypeError(f"{name!r} is no name of {kind.plural}; expected text.")
    if found := matchTypes(butler, kind, name, collections):
        return found
    searched = _listed(butler.collections.defaults if collections is None else collections)
    if not searched:
        raise DatasetNotFoundError(
            f"No collection is given, and the butler has no default. {_nameCollections(butler)}"
        )
    where = f"in {', '.join(searched)}"
    others = matchTypes(butler, kind, "*", collections)
    if not others:
        raise DatasetNotFoundError(
            f"There are no {kind.plural} {where}. {_nameCollections(butler, searched)}"
        )
    raise DatasetNotFoundError(
        f"There is no {kind.noun} called {name!r} {where}. Of the {len(others)} types of {kind.plural} there "
        f"these are the most similar: {_nameSimilar(name, others)}."
    )


def matchTypes(butler: Butler, kind: Kind, name: str, collections: Sequence[str] | str | None) -> list[str]:
    """List dataset types as `listTypes` does, or none if there are none."""
    searched = expand(butler, collections)
    infos = butler.collections.query_info(searched, include_summary=True) if searched else []
    known = sorted({each for info in infos for each in info.dataset_types or ()})
    # Those of other names are not asked for: a remote repository takes its time for each.
    called = [each for each in known if each.endswith(kind.ending) and isCalled(each, name)]
    return [each for each in called if kind.includes(butler.get_dataset_type(each))]


def findDatasets(
    butler: Butler, kind: Kind, name: str, dataId: DataIdLike, collections: str | Sequence[str] | None
) -> list[DatasetRef]:
    """Find the datasets that a name and a data ID mean, in one type each.

    Parameters
    ----------
    butler, kind, name, collections
        See `listTypes`, which has the other errors.
    dataId
        The data ID: all that it names has to be a dimension of a dataset, so that nothing of a run is taken
        for something of an exposure. Dimensions for which the butler has a default may be left out.

    Returns
    -------
    refs
        One or more, with dimension records, sorted by the names of their types.

    Raises
    ------
    lsst.daf.butler.DatasetNotFoundError
        Raised if there is none; it names the data IDs that there are.
    """
    types = listTypes(butler, kind, name, collections)
    refs: list[DatasetRef] = []
    problem = f"There is no {kind.noun} called {name!r} of {toDict(dataId)}"
    of_data_id = chooseTypes(butler, types, dataId)
    lacking = set()
    error: Exception | None = None
    for each in of_data_id:
        try:
            ref = butler.find_dataset(each, dataId, collections=collections, dimension_records=True)
        except DimensionNameError:
            lacking.add(each)
        except DATA_ID_ERRORS as caught:
            # Another type may have the key that this one has not.
            error = error or caught
        else:
            refs += [ref] if ref is not None and _agrees(ref, dataId) else []
    if refs:
        return refs
    if error is not None:
        problem += f": {str(error).rstrip('.')}"
    elif lacking == set(types):
        problem = f"{toDict(dataId)} is not enough to find the {kind.noun} {name!r}"
    raise DatasetNotFoundError(
        f"{problem}. {nameExisting(butler, of_data_id or types, collections)}"
    ) from error


def _agrees(ref: DatasetRef, dataId: DataIdLike) -> bool:
    """Tell whether a dataset has what a data ID says beyond its key: the Butler does not look at it."""
    given = toDict(dataId)
    return all(str(ref.dataId[key]) == str(given[key]) for key in ref.dimensions.implied if key in given)


def chooseTypes(butler: Butler, types: Iterable[str], dataId: DataIdLike) -> list[str]:
    """Choose the dataset types that have all dimensions of a data ID, and maybe others."""
    # Other keys, such as the number in the sequence of a day, are for the butler to understand.
    given = {key.partition(".")[0] for key in toDict(dataId)} & set(butler.dimensions.dimensions.names)
    return [each for each in types if given.issubset(butler.get_dataset_type(each).dimensions.names)]


def findOne(
    butler: Butler, kind: Kind, name: str, dataId: DataIdLike, collections: str | Sequence[str] | None
) -> DatasetRef:
    """Find the only dataset that a name and a data ID mean; see `findDatasets`, which has the other errors.

    Raises
    ------
    ValueError
        Raised if there are several; it names their types.
    """
    refs = findDatasets(butler, kind, name, dataId, collections)
    if len(refs) > 1:
        choices = ", ".join(ref.datasetType.name for ref in refs)
        raise ValueError(
            f"{name!r} and {toDict(dataId)} mean {len(refs)} {kind.plural}; say which, by one of these "
            f"names, in which * may stand for any part: {choices}."
        )
    return refs[0]


def expand(butler: Butler, collections: str | Sequence[str] | None) -> list[str]:
    """List the runs of collections, in the order in which they are searched."""
    given = butler.collections.defaults if collections is None else collections
    try:
        return searchedCollections(butler, given) if given else []
    except MissingCollectionError as error:
        raise MissingCollectionError(f"{error} {_nameCollections(butler, _listed(given))}") from error


def _listed(names: str | Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _nameCollections(butler: Butler, names: Iterable[str] = ()) -> str:
    """Name collections of the repository, those first whose names are the most similar."""
    known = list(butler.collections.query("*"))
    named = _nameSimilar(" ".join(names), known)
    return f"Of the {len(known)} collections of the repository these are the most similar: {named}."


def _nameSimilar(name: str, known: Sequence[str]) -> str:
    return ", ".join(difflib.get_close_matches(name, known, n=_N_NAMED, cutoff=0.0))


def nameExisting(butler: Butler, types: Sequence[str], collections: str | Sequence[str] | None) -> str:
    """Name the data IDs of the datasets that there are."""
    runs = expand(butler, collections)
    refs = butler.query_all_datasets(runs, name=types, find_first=False, limit=_N_QUERIED)
    # The shortest are those of whole exposures and runs.
    refs.sort(key=lambda ref: len(ref.dataId.required))
    ids = list(dict.fromkeys(str(toDict(ref.dataId)) for ref in refs))
    if not ids:
        return "There are none of any data ID."
    more = " and more" if len(ids) > _N_NAMED or len(refs) == _N_QUERIED else ""
    return f"There are those of {', '.join(ids[:_N_NAMED])}{more}."


def toDict(dataId: DataIdLike) -> dict[str, Any]:
    """Make a dictionary of a data ID.

    Raises
    ------
    TypeError
        Raised if it is no data ID.
    """
    if isinstance(dataId, DataCoordinate):
        return dict(dataId.required)
    if not isinstance(dataId, Mapping | None) or not all(isinstance(key, str) for key in dataId or ()):
        raise TypeError(
            f"{dataId!r} is no data ID; expected dimensions with values, as {{'exposure': 2026070200001}}."
        )
    return dict(dataId or {})


def nameKeys(dataId: DataIdLike) -> dict[str, Any]:
    """Give the keys of a data ID the names that queries have for them.

    Parameters
    ----------
    dataId
        The data ID. Detectors may have their names, and exposures the numbers in their days.

    Returns
    -------
    named
        Its values, by dimensions or columns of dimensions (``detector.full_name``).
    """
    return {
        _OTHER_KEYS[key]
        if key == "seq_num" or (key in _OTHER_KEYS and isinstance(value, str))
        else key: value
        for key, value in toDict(dataId).items()
    }


def toQuery(butler: Butler, named: Mapping[str, Any]) -> dict[str, Any]:
    """Make the arguments of a query.

    Parameters
    ----------
    butler
        The repository.
    named
        Values by dimensions or columns of dimensions.

    Returns
    -------
    arguments
        ``data_id`` with dimensions, ``where`` and ``bind`` with columns.

    Raises
    ------
    ValueError
        Raised if a key is no dimension.
    """
    columns = [key for key in named if "." in key]
    data_id = {key: value for key, value in named.items() if key not in columns}
    if unknown := sorted(set(data_id) - set(butler.dimensions.dimensions.names)):
        raise ValueError(f"there is no dimension {', '.join(unknown)}")
    where = " AND ".join(f"{key} = value_{i}" for i, key in enumerate(columns))
    return {
        "data_id": data_id,
        "where": where,
        "bind": {f"value_{i}": named[k] for i, k in enumerate(columns)},
    }
