# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Deferred charge of the amplifiers of a detector (ip_isr, 2026-04-22; version 1.3 of its files).

Files of versions from 1.1 on are read; what they do not have is NaN. Earlier ones are refused, as there. Left
out: what traps do to charge, and the correction of images.
"""

__all__ = ["DeferredChargeCalib", "SerialTrap"]

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Self, override

import numpy as np
import numpy.typing as npt
from astropy.table import Table

from .calibType import IsrCalib

_SCALARS = {
    "driftScale": "DRIFT_SCALE",
    "decayTime": "DECAY_TIME",
    "globalCti": "GLOBAL_CTI",
    "inputGain": "INPUT_GAIN",
    "serialCtiTurnoff": "SERIAL_CTI_TURNOFF",
    "parallelCtiTurnoff": "PARALLEL_CTI_TURNOFF",
    "serialCtiTurnoffSamplingErr": "SERIAL_CTI_TURNOFF_SAMPLING_ERR",
    "parallelCtiTurnoffSamplingErr": "PARALLEL_CTI_TURNOFF_SAMPLING_ERR",
}
_VECTORS = {"signals": "SIGNALS", "serialEper": "SERIAL_EPER", "parallelEper": "PARALLEL_EPER"}
"""Columns of attributes, by amplifier."""

_ORDER = ("driftScale", "decayTime", "globalCti", "signals", "inputGain", "serialEper", "parallelEper")
"""Attributes whose columns come first, in the order of a file."""

_TRAP = ("size", "emissionTime", "pixel", "trap_type", "coeffs")
"""Names of the values of a trap in a dictionary."""


@dataclass
class SerialTrap:
    """A trap of a serial register.

    Parameters
    ----------
    size
        Its size (electron).
    emission_time
        Time constant of emission, in transfers.
    pixel
        Where it is, in pixels of the register.
    trap_type
        ``"linear"``, ``"logistic"`` or ``"spline"``.
    coeffs
        Coefficients of the capture of charge.
    """

    size: float
    emission_time: float
    pixel: int
    trap_type: str
    coeffs: list[float]


class DeferredChargeCalib(IsrCalib):
    """Deferred charge, and charge transfer inefficiency against signal, of each amplifier of a detector.

    All attributes are dictionaries by the name of the amplifier; everything is in electrons.

    Parameters
    ----------
    **kwargs
        ``camera`` and ``detector``, from which the metadata are filled.
    """

    _OBSTYPE = "CTI"
    _SCHEMA = "Deferred Charge"
    _VERSION = 1.3
    _CONTENT = (*_SCALARS, *_VECTORS, "serialTraps")
    __dict__: dict[str, Any]

    def __init__(self, **kwargs: Any) -> None:
        for attribute in (*_SCALARS, *_VECTORS):
            setattr(self, attribute, {})
        self.serialTraps: dict[str, SerialTrap] = {}
        super().__init__(**kwargs)
        self.updateMetadata(UNITS="electron")

    def __getattr__(self, name: str) -> Any:
        # Attributes are set by name, which type checkers do not follow.
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    @classmethod
    @override
    def fromTable(cls, tableList: Sequence[Table]) -> Self:
        table, traps = tableList[:2]
        if (version := table.meta["CTI_VERSION"]) < 1.1:
            raise RuntimeError(
                f"Using old version of CTI calibration (ver. {version} < 1.1), which is no longer supported."
            )
        calib = cls()
        names = [str(name) for name in table["AMPLIFIER"]]
        for attribute, column in _SCALARS.items():
            values = table[column] if column in table.colnames else np.full(len(names), np.nan)
            setattr(calib, attribute, dict(zip(names, np.asarray(values).tolist(), strict=True)))
        for attribute, column in _VECTORS.items():
            rows = table[column] if column in table.colnames else np.full((len(names), 1), np.nan)
            vectors: list[npt.NDArray[np.float64]] = [np.array(row, dtype=np.float64) for row in rows]
            setattr(calib, attribute, dict(zip(names, vectors, strict=True)))
        for row in traps:
            coeffs = np.atleast_1d(np.asarray(row["COEFFS"], dtype=np.float64)).tolist()
            # They are padded to the same number for all.
            while len(coeffs) > 1 and np.isnan(coeffs[-1]):
                coeffs.pop()
            calib.serialTraps[str(row["AMPLIFIER"])] = SerialTrap(
                float(row["SIZE"]), float(row["EMISSION_TIME"]), int(row["PIXEL"]), str(row["TYPE"]), coeffs
            )
        calib._takeMetadata(table.meta)
        return calib

    @classmethod
    @override
    def fromDict(cls, dictionary: Mapping[str, Any]) -> Self:
        calib = cls()
        for attribute in _SCALARS:
            setattr(calib, attribute, dict(dictionary[attribute]))
        for attribute in _VECTORS:
            arrays = {name: np.array(value, np.float64) for name, value in dictionary[attribute].items()}
            setattr(calib, attribute, arrays)
        for name, trap in dictionary["serialTraps"].items():
            calib.serialTraps[name] = SerialTrap(*(trap[key] for key in _TRAP))
        calib._takeMetadata(dictionary["metadata"])
        return calib

    @override
    def toDict(self) -> dict[str, Any]:
        self.updateMetadata()
        dictionary: dict[str, Any] = {"metadata": self.getMetadata()}
        for attribute in _SCALARS:
            dictionary[attribute] = dict(getattr(self, attribute))
        for attribute in _VECTORS:
            values = getattr(self, attribute)
            dictionary[attribute] = {name: np.asarray(value).tolist() for name, value in values.items()}
        traps = {name: zip(_TRAP, astuple(trap), strict=True) for name, trap in self.serialTraps.items()}
        return dictionary | {"serialTraps": {name: dict(trap) for name, trap in traps.items()}}

    @override
    def toTable(self) -> list[Table]:
        self.updateMetadata()
        names = list(self.driftScale)
        columns = _SCALARS | _VECTORS
        table = Table({"AMPLIFIER": names})
        for attribute in dict.fromkeys((*_ORDER, *_SCALARS)):
            table[columns[attribute]] = [getattr(self, attribute)[name] for name in names]
        table.meta = {key: "" if v is None else v for key, v in self.getMetadata().toDict().items()}
        traps = self.serialTraps.values()
        n = max((len(trap.coeffs) for trap in traps), default=0)
        others = Table(
            {
                "AMPLIFIER": list(self.serialTraps),
                "SIZE": [trap.size for trap in traps],
                "EMISSION_TIME": [trap.emission_time for trap in traps],
                "PIXEL": [trap.pixel for trap in traps],
                "TYPE": [trap.trap_type for trap in traps],
                "COEFFS": [np.pad(t.coeffs, (0, n - len(t.coeffs)), constant_values=np.nan) for t in traps],
            }
        )
        return [table, others]
