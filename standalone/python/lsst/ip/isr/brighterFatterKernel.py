# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Brighter-fatter kernels of a detector (ip_isr, 2026-04-22; version 1.1 of its files).

Files of versions 1.0 and 1.1 are read, and dictionaries of version 1.1. Left out: what makes a kernel of a
detector from those of its amplifiers, and the correction of images.
"""

__all__ = ["BrighterFatterKernel"]

from collections.abc import Mapping, Sequence
from typing import Any, Self, override

import numpy as np
import numpy.typing as npt
from astropy.table import Table

from .calibType import IsrCalib

type _Arrays = dict[str, npt.NDArray[np.float64]]

_VALUES = ("gain", "noise", "valid")
_SHAPES = ("expIdMask", "rawMeans", "rawVariances", "rawXcorrs", "meanXcorrs", "ampKernels")
"""Numbers and arrays of amplifiers."""


class BrighterFatterKernel(IsrCalib):
    """Kernels of the amplifiers of a detector, or of the detector, and the correlations that make them.

    Parameters
    ----------
    camera
        Camera with the detector, from which the metadata are filled.
    level
        ``"AMP"`` or ``"DETECTOR"``.
    detectorId
        The detector.
    """

    _OBSTYPE = "bfk"
    _SCHEMA = "Brighter-fatter kernel"
    _VERSION = 1.1
    _CONTENT = (*_SHAPES, *_VALUES, "level", "badAmps", "detKernels")

    def __init__(
        self, camera: Any = None, level: str | None = None, *, detectorId: int | None = None
    ) -> None:
        self.level = level
        self.shape = (17, 17)
        self.expIdMask: dict[str, npt.NDArray[np.bool_]] = {}
        self.rawMeans: _Arrays = {}
        self.rawVariances: _Arrays = {}
        self.rawXcorrs: _Arrays = {}
        self.badAmps: list[str] = []
        self.gain: dict[str, float] = {}
        self.noise: dict[str, float] = {}
        self.meanXcorrs: _Arrays = {}
        self.valid: dict[str, bool] = {}
        self.ampKernels: _Arrays = {}
        self.detKernels: _Arrays = {}
        super().__init__(camera=camera, detector=None if detectorId is None else camera[detectorId])

    @override
    def updateMetadata(self, camera: Any = None, detector: Any = None, **kwargs: Any) -> None:
        own = {"LEVEL": self.level, "KERNEL_DX": self.shape[0], "KERNEL_DY": self.shape[1]}
        super().updateMetadata(camera, detector, **(own | kwargs))

    @classmethod
    @override
    def fromTable(cls, tableList: Sequence[Table]) -> Self:
        table, meta = tableList[0], tableList[0].meta
        version = meta["bfk_VERSION"]
        if version not in (1.0, 1.1):
            raise RuntimeError(f"Unknown version for brighter-fatter kernel: {version}")
        calib = cls(level=meta.get("LEVEL", "AMP"))
        calib.shape = (meta.get("KERNEL_DX", 0), meta.get("KERNEL_DY", 0))
        side = (calib.shape[0] - 1) // 2
        raw = "" if version == 1.0 else "RAW_"
        for row in table:
            name = str(row["AMPLIFIER"])
            calib.rawMeans[name] = np.array(row[f"{raw}MEANS"], dtype=np.float64)
            calib.rawVariances[name] = np.array(row[f"{raw}VARIANCES"], dtype=np.float64)
            n = len(calib.rawMeans[name])
            # What the first version has are those that were used.
            calib.expIdMask[name] = np.array(
                np.ones(n) if version == 1.0 else row["EXP_ID_MASK"], dtype=np.bool_
            )
            calib.rawXcorrs[name] = np.array(row["RAW_XCORRS"], dtype=np.float64).reshape(n, side, side)
            calib.gain[name], calib.noise[name] = float(row["GAIN"]), float(row["NOISE"])
            calib.meanXcorrs[name] = np.array(row["MEAN_XCORRS"], dtype=np.float64).reshape(calib.shape)
            calib.ampKernels[name] = np.array(row["KERNEL"], dtype=np.float64).reshape(calib.shape)
            calib.valid[name] = bool(row["VALID"])
        calib.badAmps = [name for name, valid in calib.valid.items() if not valid]
        for others in tableList[1:2]:
            calib.detKernels = {
                str(row["DETECTOR"]): np.array(row["KERNEL"], dtype=np.float64).reshape(calib.shape)
                for row in others
            }
        calib._takeMetadata(meta)
        return calib

    @classmethod
    @override
    def fromDict(cls, dictionary: Mapping[str, Any]) -> Self:
        meta = dictionary["metadata"]
        if (version := meta["bfk_VERSION"]) != cls._VERSION:
            raise RuntimeError(f"Unknown version for brighter-fatter kernel: {version}")
        calib = cls(level=meta["LEVEL"])
        calib.shape = (meta["KERNEL_DX"], meta["KERNEL_DY"])
        side = (calib.shape[0] - 1) // 2
        shapes = {"rawXcorrs": (-1, side, side), "meanXcorrs": calib.shape, "ampKernels": calib.shape}
        for name in _SHAPES:
            arrays = {
                amp: np.array(value).reshape(shapes.get(name, -1)) for amp, value in dictionary[name].items()
            }
            setattr(calib, name, arrays)
        for name in _VALUES:
            setattr(calib, name, dict(dictionary[name]))
        calib.badAmps = [amp for amp, valid in calib.valid.items() if not valid]
        calib.detKernels = {
            detector: np.array(kernel).reshape(calib.shape)
            for detector, kernel in dictionary["detKernels"].items()
        }
        calib._takeMetadata(meta)
        return calib

    @override
    def toDict(self) -> dict[str, Any]:
        self.updateMetadata()
        dictionary: dict[str, Any] = {"metadata": self.getMetadata(), "badAmps": list(self.badAmps)}
        for name in (*_SHAPES, "detKernels"):
            values = getattr(self, name)
            dictionary[name] = {key: np.ravel(value).tolist() for key, value in values.items()}
        return dictionary | {name: dict(getattr(self, name)) for name in _VALUES}

    @override
    def toTable(self) -> list[Table]:
        self.updateMetadata()
        names = list(self.rawMeans) if self.level == "AMP" else []
        table = Table(
            {
                "AMPLIFIER": names,
                "EXP_ID_MASK": [self.expIdMask[name] for name in names],
                "RAW_MEANS": [self.rawMeans[name] for name in names],
                "RAW_VARIANCES": [self.rawVariances[name] for name in names],
                "RAW_XCORRS": [np.ravel(self.rawXcorrs[name]) for name in names],
                "GAIN": [self.gain[name] for name in names],
                "NOISE": [self.noise[name] for name in names],
                "MEAN_XCORRS": [np.ravel(self.meanXcorrs[name]) for name in names],
                "KERNEL": [np.ravel(self.ampKernels[name]) for name in names],
                "VALID": [int(self.valid[name] and name not in self.badAmps) for name in names],
            }
        )
        table.meta = {key: "" if v is None else v for key, v in self.getMetadata().toDict().items()}
        if not self.detKernels:
            return [table]
        kernels = [np.ravel(kernel) for kernel in self.detKernels.values()]
        return [table, Table({"DETECTOR": list(self.detKernels), "KERNEL": kernels}, meta=dict(table.meta))]
