# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Coefficients of crosstalk of a detector (ip_isr, 2026-04-22; version 1.2 of its files).

Matrices have a row for each source and a column for each amplifier that sees it, as ``subtractCrosstalk`` of
ip_isr takes them and cp_pipe makes them, though the documentation there says the reverse. Left out: the
coefficients of a detector of the camera, dictionaries, and the correction of images.
"""

__all__ = ["CrosstalkCalib"]

from collections.abc import Sequence
from typing import Any, Self, override

import numpy as np
import numpy.typing as npt
from astropy.table import Table

from .calibType import IsrCalib

_MATRICES = {
    "coeffs": ("CT_COEFFS", np.float64, 0),
    "coeffErr": ("CT_ERRORS", np.float64, 0),
    "coeffNum": ("CT_COUNTS", np.int64, 0),
    "coeffValid": ("CT_VALID", np.bool_, True),
    "coeffsSqr": ("CT_COEFFS_SQR", np.float64, 0),
    "coeffErrSqr": ("CT_ERRORS_SQR", np.float64, 0),
    "ampGainRatios": ("CT_AMP_GAIN_RATIOS", np.float64, 0),
}
"""Column, type and value where nothing is known of each matrix, in the order of a file."""


class CrosstalkCalib(IsrCalib):
    """Coefficients of crosstalk between the amplifiers of a detector, and from those of others.

    Parameters
    ----------
    detector
        None; coefficients of the camera are left out.
    nAmp
        Number of amplifiers; without any there are no matrices.
    **kwargs
        ``camera``, from which the metadata are filled.

    Raises
    ------
    NotImplementedError
        Raised if a detector is given.
    """

    _OBSTYPE = "CROSSTALK"
    _SCHEMA = "Gen3 Crosstalk"
    _VERSION = 1.2

    coeffs: npt.NDArray[np.float64]
    coeffErr: npt.NDArray[np.float64]
    coeffNum: npt.NDArray[np.int64]
    coeffValid: npt.NDArray[np.bool_]

    def __init__(self, detector: Any = None, nAmp: int = 0, **kwargs: Any) -> None:
        if detector is not None:
            raise NotImplementedError("The stand-in takes no coefficients of a camera: use ip_isr.")
        self.hasCrosstalk = False
        self.nAmp = nAmp
        for attribute, (_, dtype, unknown) in _MATRICES.items():
            setattr(self, attribute, np.full((nAmp, nAmp), unknown, dtype=dtype) if nAmp else None)
        self.fitGains = np.zeros(nAmp) if nAmp else None
        self.crosstalkRatiosUnits = "adu" if nAmp else None
        self.interChip: dict[str, npt.NDArray[np.float64]] | None = {}
        super().__init__(**kwargs)

    @override
    def updateMetadata(self, camera: Any = None, detector: Any = None, **kwargs: Any) -> None:
        super().updateMetadata(camera, detector)
        known = self.getMetadata()
        own = {
            "DETECTOR_NAME": known["DET_NAME"],
            "DETECTOR_SERIAL": known["DET_SER"],
            "HAS_CROSSTALK": self.hasCrosstalk,
            "NAMP": self.nAmp,
            "CROSSTALK_SHAPE": (self.nAmp, self.nAmp),
            "CROSSTALK_RATIOS_UNITS": self.crosstalkRatiosUnits,
        }
        known.update(own | kwargs)

    @classmethod
    @override
    def fromTable(cls, tableList: Sequence[Table]) -> Self:
        table, meta = tableList[0], tableList[0].meta
        calib = cls(nAmp=meta["NAMP"] if meta["HAS_CROSSTALK"] else 0)
        if meta["HAS_CROSSTALK"]:
            calib.hasCrosstalk = True
            calib.crosstalkRatiosUnits = (
                "adu" if meta["CROSSTALK_VERSION"] < 1.1 else meta["CROSSTALK_RATIOS_UNITS"]
            )
            calib._readMatrices(table)
            # As there, None where the file has none.
            calib.interChip = None
            for others in tableList[1:2]:
                shape = (calib.nAmp, calib.nAmp)
                calib.interChip = {
                    str(row["IC_SOURCE_DET"]): np.array(row["IC_COEFFS"]).reshape(shape) for row in others
                }
        calib._takeMetadata(meta)
        return calib

    def _readMatrices(self, table: Table) -> None:
        """Take the matrices that a file has; earlier ones have fewer, or one gain for all amplifiers."""
        for attribute, (column, dtype, _) in _MATRICES.items():
            if column in table.colnames:
                values: npt.NDArray[Any] = np.array(table[column], dtype=dtype)
                setattr(self, attribute, values.reshape(self.nAmp, self.nAmp))
        if "CT_FIT_GAINS" in table.colnames:
            gains = np.ravel(table["CT_FIT_GAINS"])
            self.fitGains = np.zeros(self.nAmp) if len(gains) == 1 else np.array(gains, dtype=np.float64)

    @override
    def toTable(self) -> list[Table]:
        self.updateMetadata()
        row = {column: np.ravel(getattr(self, name)) for name, (column, *_) in _MATRICES.items()}
        table = Table([row | {"CT_FIT_GAINS": self.fitGains}])
        table.meta = {
            key: "" if value is None else value for key, value in self.getMetadata().toDict().items()
        }
        others = [
            {"IC_SOURCE_DET": name, "IC_COEFFS": np.ravel(matrix)}
            for name, matrix in (self.interChip or {}).items()
        ]
        return [table, Table(others)] if others else [table]
