# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The base of calibrations (ip_isr, 2026-04-22): their metadata, and files of tables.

Left out: provenance, writing of ECSV, and what only other calibrations have.
"""

__all__ = ["IsrCalib"]

import abc
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import yaml
from astropy.io import fits
from astropy.table import Table

from lsst.daf.base import PropertyList
from lsst.utils import doImport
from lsst.utils.introspection import get_full_type_name

_KEYS = (
    "INSTRUME",
    "RAFTNAME",
    "SLOTNAME",
    "DETECTOR",
    "DET_NAME",
    "DET_SER",
    "FILTER",
    "CALIB_ID",
    "SEQFILE",
    "SEQNAME",
    "SEQCKSUM",
)
"""Keys of metadata that every calibration has, with None where nothing is known."""


class IsrCalib(abc.ABC):
    """A calibration with metadata, kept in tables.

    Parameters
    ----------
    camera, detector
        What the metadata are filled from, if given.
    """

    _OBSTYPE: ClassVar[str] = "generic"
    _SCHEMA: ClassVar[str] = "NO SCHEMA"
    _VERSION: ClassVar[float] = 0
    _CONTENT: ClassVar[tuple[str, ...]] = ()
    """Attributes by which calibrations are compared."""

    def __init__(self, camera: Any = None, detector: Any = None) -> None:
        self._metadata = PropertyList()
        for key in _KEYS:
            self._metadata[key] = None
        self.updateMetadata(camera=camera, detector=detector)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return False
        mine, theirs = ({key: each._metadata[key] or "" for key in _KEYS} for each in (self, other))
        return mine == theirs and all(
            _areEqual(getattr(self, name), getattr(other, name)) for name in self._CONTENT
        )

    def getMetadata(self) -> PropertyList:
        """Get the metadata, which may be changed."""
        return self._metadata

    def updateMetadata(self, camera: Any = None, detector: Any = None, **kwargs: Any) -> None:
        """Fill the metadata.

        Parameters
        ----------
        camera, detector
            What the calibration belongs to.
        **kwargs
            Further entries.
        """
        known: dict[str, Any] = {
            "OBSTYPE": self._OBSTYPE,
            f"{self._OBSTYPE}_SCHEMA": self._SCHEMA,
            f"{self._OBSTYPE}_VERSION": self._VERSION,
            "CALIBCLS": get_full_type_name(self),
        }
        if camera is not None:
            known["INSTRUME"] = camera.getName()
        if detector is not None:
            name = detector.getName()
            known |= {"DETECTOR": detector.getId(), "DET_NAME": name, "DET_SER": detector.getSerial()}
            if name.count("_") == 1:
                known["RAFTNAME"], known["SLOTNAME"] = name.split("_")
        self._metadata.update(known | kwargs)

    @classmethod
    def determineCalibClass(cls, metadata: Any, message: str) -> type["IsrCalib"]:
        """Find the class of a stored calibration.

        Parameters
        ----------
        metadata
            Its metadata.
        message
            Where it is read, for errors.

        Returns
        -------
        calibClass
            That of the metadata, else this one.

        Raises
        ------
        ValueError
            Raised if that is the base class.
        """
        name = metadata.get("CALIBCLS")
        found: Any = cls if name is None else doImport(name)
        if found is IsrCalib:
            raise ValueError(f"Cannot use base class to read calibration data: {message}")
        return found

    @classmethod
    def readFits(cls, filename: str) -> "IsrCalib":
        """Read a calibration from a FITS file.

        Parameters
        ----------
        filename
            Name of the file.

        Returns
        -------
        calib
            The calibration, of the class that the file says.
        """
        with fits.open(filename) as hdus:
            numbers = range(1, len(hdus))
        tables = [Table.read(filename, hdu=number, mask_invalid=False) for number in numbers]
        for table in tables:
            table.meta = {k: None if isinstance(v, fits.card.Undefined) else v for k, v in table.meta.items()}
        return cls.determineCalibClass(tables[0].meta, "readFits").fromTable(tables)

    @classmethod
    def readText(cls, filename: str) -> "IsrCalib":
        """Read a calibration from a text file.

        Parameters
        ----------
        filename
            Name of the file, which ends with ``.yaml``, or ``.ecsv`` if it holds one table.

        Returns
        -------
        calib
            The calibration, of the class that the file says.

        Raises
        ------
        RuntimeError
            Raised if the name ends otherwise.
        """
        if filename.endswith((".yaml", ".YAML")):
            # Metadata have a tag of their own.
            dictionary = yaml.load(Path(filename).read_text(), Loader=yaml.CLoader)
            return cls.determineCalibClass(dictionary["metadata"], "readText/YAML").fromDict(dictionary)
        if not filename.endswith((".ecsv", ".ECSV")):
            raise RuntimeError(f"Unknown filename extension: {filename}")
        table = Table.read(filename, format="ascii.ecsv")
        return cls.determineCalibClass(table.meta, "readText/ECSV").fromTable([table])

    def writeText(self, filename: str) -> str:
        """Write the calibration to a text file.

        Parameters
        ----------
        filename
            Name of the file, which ends with ``.yaml``.

        Returns
        -------
        used
            The same name.

        Raises
        ------
        RuntimeError
            Raised if the name ends otherwise.
        """
        if not filename.endswith((".yaml", ".YAML")):
            raise RuntimeError(f"Attempt to write {filename}; this stand-in writes '.yaml'")
        Path(filename).write_text(yaml.dump(self.toDict(), sort_keys=False))
        return filename

    def writeFits(self, filename: str) -> str:
        """Write the calibration to a FITS file, and return its name."""
        with warnings.catch_warnings():
            # Keys longer than 8 characters.
            warnings.simplefilter("ignore", fits.verify.VerifyWarning)
            tables = [fits.table_to_hdu(table) for table in self.toTable()]
        fits.HDUList([fits.PrimaryHDU(), *tables]).writeto(filename, overwrite=True)
        return filename

    @classmethod
    def fromDict(cls, dictionary: Mapping[str, Any]) -> Self:
        """Make a calibration from a dictionary.

        Raises
        ------
        NotImplementedError
            Raised if the stand-in of the class has none.
        """
        raise NotImplementedError(f"The stand-in of {cls.__name__} has no dictionaries: use ip_isr.")

    def toDict(self) -> dict[str, Any]:
        """Make a dictionary of the calibration.

        Raises
        ------
        NotImplementedError
            Raised if the stand-in of the class has none.
        """
        raise NotImplementedError(f"The stand-in of {type(self).__name__} has no dictionaries: use ip_isr.")

    def _takeMetadata(self, metadata: Mapping[str, Any]) -> None:
        """Take stored metadata, but for the version, which is that of this class."""
        self.updateMetadata(
            **{key: metadata[key] for key in metadata.keys() if key != f"{self._OBSTYPE}_VERSION"}
        )

    @classmethod
    @abc.abstractmethod
    def fromTable(cls, tableList: Sequence[Table]) -> Self:
        """Make a calibration from its tables."""

    @abc.abstractmethod
    def toTable(self) -> list[Table]:
        """Make tables of the calibration."""


def _areEqual(mine: Any, theirs: Any) -> bool:
    """Tell whether two values are equal, numbers to rounding; NaN equals NaN."""
    if isinstance(mine, Mapping):
        return mine.keys() == theirs.keys() and all(_areEqual(mine[key], theirs[key]) for key in mine)
    if np.shape(mine) != np.shape(theirs):
        return False
    try:
        return np.allclose(mine, theirs, equal_nan=True)
    except TypeError:
        return bool(np.all(mine == theirs))
