# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Plots of Butler repositories as pictures."""

from __future__ import annotations

import difflib
import struct
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsst.daf.butler import DatasetNotFoundError, DimensionNameError, MissingDatasetTypeError

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DataCoordinate, DatasetRef

__all__ = ["Picture", "readPlot"]

_STORAGE_CLASS = "Plot"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_N_NAMED = 10
"""Number of data IDs or dataset types that an error names."""


@dataclass(frozen=True)
class Picture:
    """A stored plot as a picture. A notebook shows it where it is the last value of a cell.

    Parameters
    ----------
    png
        The bytes of the PNG file, as stored.
    ref
        The dataset: its type, data ID and RUN collection.

    Raises
    ------
    ValueError
        Raised if the bytes are no PNG file.
    """

    png: bytes = field(repr=False)
    ref: DatasetRef

    def __post_init__(self) -> None:
        if len(self.png) < 24 or not self.png.startswith(_SIGNATURE):
            raise ValueError(f"The file of {self.ref} is no PNG: it begins with {self.png[:8]!r}.")

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        width, height = struct.unpack(">II", self.png[16:24])
        return width, height

    def _repr_png_(self) -> bytes:
        return self.png

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the picture to a file.

        Parameters
        ----------
        path
            Where to. A file that is there is replaced.

        Returns
        -------
        path
            The file.
        """
        file = Path(path)
        file.write_bytes(self.png)
        return file


def readPlot(
    butler: Butler,
    datasetType: str,
    dataId: DataCoordinate | Mapping[str, Any] | None = None,
    *,
    collections: str | Sequence[str] | None = None,
) -> Picture:
    """Read a plot, which ``butler.get`` cannot: the Butler stores plots as pictures and reads no figures.

    Parameters
    ----------
    butler
        The repository.
    datasetType
        Name of the dataset type, as in ``cpBiasExp_biasNoise_FocalPlaneGeometryPlot``.
    dataId
        The data ID, as in ``{"instrument": "LSSTCam", "exposure": 2026070200001}``; dimensions for which the
        Butler has a default may be left out.
    collections
        Where to search; by default the collections of the Butler.

    Returns
    -------
    picture
        The picture, and which dataset it is.

    Raises
    ------
    lsst.daf.butler.MissingDatasetTypeError
        Raised if the repository does not know the dataset type; it names similar ones.
    lsst.daf.butler.DatasetNotFoundError
        Raised if there is no such plot, or the data ID lacks a dimension; it says which there are.
    ValueError
        Raised if datasets of this type are no plots, or the stored file is no PNG.
    FileNotFoundError
        Raised if the file of the dataset is lost.
    """
    try:
        storage_class = butler.get_dataset_type(datasetType).storageClass_name
    except MissingDatasetTypeError as error:
        raise MissingDatasetTypeError(
            f"The repository has no dataset type {datasetType!r}. {_nameSimilar(butler, datasetType)}"
        ) from error
    if storage_class != _STORAGE_CLASS:
        raise ValueError(f"{datasetType} is stored as {storage_class} and no plot: read it with butler.get.")
    searched = butler.collections.defaults if collections is None else collections
    try:
        ref = butler.find_dataset(datasetType, dataId, collections=collections)
    except DimensionNameError as error:
        existing = _nameExisting(butler, datasetType, searched)
        raise DatasetNotFoundError(f"{dataId} is not enough to find a {datasetType}. {existing}") from error
    if ref is None:
        existing = _nameExisting(butler, datasetType, searched)
        raise DatasetNotFoundError(f"There is no {datasetType} of {dataId}. {existing}")
    return Picture(_readFile(butler, ref), ref)


def _readFile(butler: Butler, ref: DatasetRef) -> bytes:
    # Unlike its URI, this reads datasets in ZIP files, too.
    with tempfile.TemporaryDirectory() as directory:
        try:
            (file,) = butler.retrieveArtifacts([ref], directory, transfer="copy", preserve_path=False)
        except ExceptionGroup as group:
            # Of one file there is one error.
            raise group.exceptions[0] from group
        return bytes(file.read())


def _nameSimilar(butler: Butler, name: str) -> str:
    types = butler.registry.queryDatasetTypes()
    plots = [known.name for known in types if known.storageClass_name == _STORAGE_CLASS]
    if not plots:
        return "It has no plots."
    similar = difflib.get_close_matches(name, plots, n=_N_NAMED, cutoff=0.0)
    return f"Of its {len(plots)} types of plots these are the most similar: {', '.join(similar)}."


def _nameExisting(butler: Butler, name: str, collections: str | Sequence[str]) -> str:
    refs = butler.query_datasets(
        name, collections=collections, find_first=False, limit=_N_NAMED + 1, explain=False
    )
    if not refs:
        return f"Collections {collections} have none."
    more = " and more" if len(refs) > _N_NAMED else ""
    ids = ", ".join(str(dict(ref.dataId.required)) for ref in refs[:_N_NAMED])
    return f"Collections {collections} have those of {ids}{more}."
