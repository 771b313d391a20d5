# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Plots of Butler repositories as pictures."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from astropy.table import Column, MaskedColumn, Table
from PIL import Image

from lsst.analysis.cp.metrics import nameDataset
from lsst.analysis.cp.metrics.records import findRaft
from lsst.daf.butler import DatasetNotFoundError

from .search import (
    DATA_ID_ERRORS,
    DataIdLike,
    Kind,
    chooseTypes,
    expand,
    findOne,
    listTypes,
    nameExisting,
    nameKeys,
    toDict,
    toQuery,
)

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef

__all__ = ["Picture", "listPlots", "readPicture", "readPlot"]

PLOTS = Kind("plot", "plots", storageClass="Plot")
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = b"IEND\xaeB`\x82"
"""The last part of a PNG file, with its checksum."""


@dataclass(frozen=True)
class Picture:
    """A stored plot as a picture. A notebook shows it where it is the last value of a cell.

    Parameters
    ----------
    png
        The bytes of the PNG file, as stored.
    ref
        The dataset: its type, data ID and RUN collection.
    butler
        The repository that it was read from.

    Raises
    ------
    ValueError
        Raised if the bytes are no PNG file, or one that is cut off.
    """

    png: bytes = field(repr=False)
    ref: DatasetRef
    butler: Butler = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.png.startswith(_SIGNATURE):
            raise ValueError(f"The file of {self.ref} is no PNG: it begins with {self.png[:8]!r}.")
        if not self.png.endswith(_END):
            raise ValueError(f"The file of {self.ref} is cut off: it has no end after {len(self.png)} bytes.")

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return Image.open(io.BytesIO(self.png)).size

    @property
    def provenance(self) -> Mapping[str, str]:
        """What the file says of its origin.

        ``Software`` (with the version of analysis_cp), ``Tool``, ``Inputs`` (dataset types) and
        ``Collections`` (those of the inputs); a plot of another package says what that package wrote.
        """
        texts = Image.open(io.BytesIO(self.png)).info
        return MappingProxyType({str(key): text for key, text in texts.items() if isinstance(text, str)})

    def findData(self, limit: int | None = None) -> list[DatasetRef]:
        """Find the data behind the plot.

        Parameters
        ----------
        limit
            Most datasets; by default all are found.

        Returns
        -------
        refs
            The datasets that the plot was made of, for ``butler.get``; empty if the file does not name them.

        Raises
        ------
        lsst.daf.butler.MissingCollectionError, lsst.daf.butler.MissingDatasetTypeError
            Raised if the repository no longer has a collection, or a type, that they were in.
        """
        types, runs = (self.provenance.get(key, "").split(", ") for key in ("Inputs", "Collections"))
        if not (types[0] and runs[0]):
            return []
        data_id = toDict(self.ref.dataId)
        where = ""
        if raft := self.provenance.get("Raft"):
            # It is stored under its lowest detector. Not every record of a detector has the raft.
            del data_id["detector"]
            records = self.butler.query_dimension_records("detector", instrument=data_id["instrument"])
            own = [str(record.id) for record in records if findRaft(record.full_name) == raft]
            if not own:
                return []
            where = f"detector IN ({', '.join(own)})"
        return self.butler.query_all_datasets(
            runs, name=types, find_first=False, data_id=data_id, where=where, limit=limit
        )

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


def listPlots(
    butler: Butler,
    name: str = "*",
    dataId: DataIdLike = None,
    *,
    collections: str | Sequence[str] | None = None,
) -> Table:
    """List the plots that there are.

    Parameters
    ----------
    butler
        The repository.
    name
        Which are meant: those of a product (``bias``), a tool (``biasNoise``), an output (``cpBiasExp``), a
        class (``FocalPlaneGeometryPlot``) or a dataset type, in which ``*`` stands for any text. By default
        all.
    dataId
        Which are meant: those that have these dimensions and values. By default all. Detectors may have
        their names, and exposures be given by ``day_obs`` and ``seq_num``.
    collections
        Where to search; by default the collections of the butler.

    Returns
    -------
    plots
        One row a plot: the type of the dataset, the columns of its data ID, masked where it has none, and
        the collection.

    Raises
    ------
    lsst.daf.butler.MissingCollectionError, lsst.daf.butler.DatasetNotFoundError
        Raised if there is no such collection, or no such plot; they name what there is.
    """
    types = listTypes(butler, PLOTS, name, collections)
    named = nameKeys(dataId)
    of_data_id = chooseTypes(butler, types, named)
    try:
        query = toQuery(butler, named)
        runs = expand(butler, collections)
        refs = butler.query_all_datasets(runs, name=of_data_id, limit=None, **query) if of_data_id else []
    except DATA_ID_ERRORS as error:
        problem = str(error).rstrip(".")
        existing = nameExisting(butler, types, collections)
        raise DatasetNotFoundError(f"{toDict(dataId)} finds no plot: {problem}. {existing}") from error
    if not refs:
        existing = nameExisting(butler, of_data_id or types, collections)
        raise DatasetNotFoundError(f"There is no plot called {name!r} of {toDict(dataId)}. {existing}")
    refs.sort(key=lambda ref: (ref.datasetType.name, ref.dataId))
    keys = dict.fromkeys(key for ref in refs for key in ref.dataId.required)
    columns = [
        Column([ref.datasetType.name for ref in refs], "datasetType", description="Type of the dataset.")
    ]
    for key in keys:
        values = [ref.dataId.required.get(key) for ref in refs]
        absent = [value is None for value in values]
        fill = type(next(value for value in values if value is not None))()
        filled = [fill if value is None else value for value in values]
        columns.append(MaskedColumn(filled, key, mask=absent, description=f"Data ID: {key}."))
    columns.append(Column([ref.run for ref in refs], "run", description="Collection that holds it."))
    return Table(columns)


def readPlot(
    butler: Butler,
    name: str,
    dataId: DataIdLike = None,
    *,
    collections: str | Sequence[str] | None = None,
) -> Picture:
    """Read a plot, which ``butler.get`` cannot: the Butler stores plots as pictures and reads no figures.

    Parameters
    ----------
    butler
        The repository.
    name
        Which plot is meant: the tool (``biasNoise``) or, if it makes several, the dataset type
        (``cpBiasExp_biasNoise_FocalPlaneGeometryPlot``), in which ``*`` stands for any text.
    dataId
        The data ID, as in ``{"instrument": "LSSTCam", "exposure": 2026070200001}``; dimensions for which the
        Butler has a default may be left out. Without exposure, plots of a run are found.
    collections
        Where to search; by default the collections of the butler.

    Returns
    -------
    picture
        The picture, and which dataset it is.

    Raises
    ------
    lsst.daf.butler.MissingCollectionError, lsst.daf.butler.DatasetNotFoundError
        Raised if there is no such collection, or no such plot, or the data ID lacks a dimension; they name
        what there is.
    ValueError
        Raised if several plots are meant, or the stored file is no PNG, or cut off.
    FileNotFoundError
        Raised if the file of the dataset is lost.
    """
    return readPicture(butler, findOne(butler, PLOTS, name, dataId, collections))


def readPicture(butler: Butler, ref: DatasetRef) -> Picture:
    """Read the picture of a plot.

    Parameters
    ----------
    butler
        The repository.
    ref
        The plot.

    Returns
    -------
    picture
        The picture.

    Raises
    ------
    ValueError
        Raised if the stored file is no PNG, or cut off.
    FileNotFoundError
        Raised if the file of the dataset is lost.
    """
    # Unlike its URI, this reads datasets in ZIP files, too.
    with tempfile.TemporaryDirectory() as directory:
        try:
            (file,) = butler.retrieveArtifacts([ref], directory, transfer="copy", preserve_path=False)
        except ExceptionGroup as group:
            # Of one file there is one error.
            error = group.exceptions[0]
            error.add_note(f"This was the file of {nameDataset(ref)}.")
            raise error from group
        except ValueError as error:
            raise FileNotFoundError(f"{nameDataset(ref)} is not stored: {error}") from error
        return Picture(bytes(file.read()), ref, butler)
