# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Corrections of the linearity of the amplifiers of a detector (ip_isr, 2026-04-22; version 1.8 of files).

All types of corrections that ip_isr has are read, written and applied to images. Left out: the correction of
the image of a whole detector, its validation against a camera, and dictionaries and text files.
"""

__all__ = ["LinearizeBase", "Linearizer"]

import abc
from collections.abc import Sequence
from typing import Any, ClassVar, Self, override

import numpy as np
import numpy.typing as npt
from astropy.table import Table
from scipy.interpolate import Akima1DInterpolator

from lsst.geom import Box2I, Extent2I, Point2I

from .calibType import IsrCalib

type _Floats = npt.NDArray[np.float64]

_SCALARS = {
    "inputGain": ("INPUT_GAIN", np.nan),
    "inputTurnoff": ("INPUT_TURNOFF", np.inf),
    "fitChiSq": ("RED_CHI_SQ", np.nan),
    "fitResidualsSigmaMad": ("FIT_RES_SIGMAD", np.nan),
    "linearityTurnoff": ("LINEARITY_TURNOFF", np.nan),
    "linearityMaxSignal": ("LINEARITY_MAX_SIGNAL", np.nan),
}
"""Column of each attribute that is a number, and its value in files that do not have it."""

_VECTORS = {
    "inputAbscissa": ("INP_ABSCISSA", [0.0]),
    "inputOrdinate": ("INP_ORDINATE", [0.0]),
    "inputMask": ("INP_MASK", [False]),
    "inputGroupingIndex": ("INP_GROUPING_INDEX", [0]),
    "inputNormalization": ("INP_NORMALIZATION", [1.0]),
    "fitParams": ("FIT_PARAMS", [0.0]),
    "fitParamsErr": ("FIT_PARAMS_ERR", [0.0]),
    "fitResiduals": ("FIT_RES", [0.0]),
    "fitResidualsUnmasked": ("FIT_RES_UNMASKED", [0.0]),
    "fitResidualsModel": ("FIT_RES_MODEL", [0.0]),
    "linearFit": ("LIN_FIT", [0.0]),
}
"""The same of vectors."""

_ORDER = (
    *("inputGain", "inputTurnoff", "linearityType", "linearityCoeffs", "linearityBBox"),
    *("inputAbscissa", "inputOrdinate", "inputMask", "inputGroupingIndex", "inputNormalization"),
    *("fitParams", "fitParamsErr", "fitChiSq", "fitResiduals", "fitResidualsSigmaMad"),
    *("fitResidualsUnmasked", "fitResidualsModel", "linearFit", "linearityTurnoff", "linearityMaxSignal"),
)
"""Attributes in the order of the columns of a file."""

_COLUMNS = {name: column for name, (column, _) in (_SCALARS | _VECTORS).items()}
_COLUMNS |= {"linearityType": "TYPE", "linearityCoeffs": "COEFFS"}


class Linearizer(IsrCalib):
    """How the signal of each amplifier is corrected, and what that was fitted to.

    All attributes are dictionaries by the name of the amplifier, but ``hasLinearity``, ``override``,
    ``ampNames``, ``tableData``, ``linearityUnits`` and ``absoluteReferenceAmplifier``.

    Parameters
    ----------
    table
        Lookup table, shape (nRows, nSignals).
    detector
        Detector whose own corrections are taken; none if None.
    **kwargs
        ``camera``, from which the metadata are filled.

    Raises
    ------
    RuntimeError
        Raised if the table has another shape, or more rows than columns.
    """

    _OBSTYPE = "LINEARIZER"
    _SCHEMA = "Gen3 Linearizer"
    _VERSION = 1.8
    __dict__: dict[str, Any]

    def __init__(self, table: Any = None, *, detector: Any = None, **kwargs: Any) -> None:
        self.hasLinearity = self.override = False
        self.ampNames: list[str] = []
        for name in _ORDER:
            setattr(self, name, {})
        self.absoluteReferenceAmplifier = ""
        self.tableData = None if table is None else np.array(table, order="C")
        if self.tableData is not None and self.tableData.ndim != 2:
            raise RuntimeError(f"table shape = {self.tableData.shape}; must have two dimensions")
        if self.tableData is not None and self.tableData.shape[1] < self.tableData.shape[0]:
            raise RuntimeError(f"table shape = {self.tableData.shape}; indices are switched")
        self.linearityUnits = "adu"
        for amp in detector or ():
            self.hasLinearity = True
            self.ampNames.append(amp.getName())
            self.linearityType[amp.getName()] = amp.getLinearityType()
            self.linearityCoeffs[amp.getName()] = amp.getLinearityCoeffs()
            self.linearityBBox[amp.getName()] = amp.getBBox()
        super().__init__(detector=detector, **kwargs)

    def __getattr__(self, name: str) -> Any:
        # Attributes are set by name, which type checkers do not follow.
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    @override
    def updateMetadata(self, camera: Any = None, detector: Any = None, **kwargs: Any) -> None:
        own = {
            "HAS_LINEARITY": self.hasLinearity,
            "OVERRIDE": self.override,
            "HAS_TABLE": self.tableData is not None,
            "LINEARITY_UNITS": self.linearityUnits,
        }
        super().updateMetadata(camera, detector, **(own | kwargs))

    @classmethod
    @override
    def fromTable(cls, tableList: Sequence[Table]) -> Self:
        table = tableList[0]
        calib = cls()
        calib.hasLinearity = bool(table.meta.get("HAS_LINEARITY", False))
        # As in ip_isr, which does not read what the file says.
        calib.override = True
        calib.linearityUnits = table.meta.get("LINEARITY_UNITS", "adu")
        for row in table if calib.hasLinearity else ():
            calib._readAmplifier(row, table.colnames)
        if len(tableList) > 1:
            calib.tableData = np.array(tableList[1]["LOOKUP_VALUES"])
        if "ABS_REF_AMP" in table.colnames:
            calib.absoluteReferenceAmplifier = _readText(table["ABS_REF_AMP"][0])
        calib.updateMetadata(**{k: v for k, v in table.meta.items() if k != "OVERRIDE"})
        return calib

    def _readAmplifier(self, row: Any, columns: Sequence[str]) -> None:
        """Read the row of an amplifier."""
        name = _readText(row["AMPLIFIER_NAME"])
        self.ampNames.append(name)
        self.linearityType[name] = _readText(row["TYPE"])
        self.linearityCoeffs[name] = np.array(row["COEFFS"])
        corner, size = Point2I(*_readWhole(row, "X0", "Y0")), Extent2I(*_readWhole(row, "DX", "DY"))
        self.linearityBBox[name] = Box2I(corner, size)
        for attribute, (column, absent) in _SCALARS.items():
            getattr(self, attribute)[name] = float(row[column]) if column in columns else absent
        for attribute, (column, empty) in _VECTORS.items():
            getattr(self, attribute)[name] = np.array(row[column] if column in columns else empty)

    @override
    def toTable(self) -> list[Table]:
        self.updateMetadata()
        table = Table([self._writeAmplifier(name) for name in self.ampNames])
        table.meta = self.getMetadata().toDict()
        lookup = [] if self.tableData is None else [Table({"LOOKUP_VALUES": self.tableData})]
        return [table, *lookup]

    def _writeAmplifier(self, name: str) -> dict[str, Any]:
        """Make the row of an amplifier."""
        row: dict[str, Any] = {"AMPLIFIER_NAME": name}
        for attribute in _ORDER:
            if attribute == "linearityBBox":
                box = self.linearityBBox[name]
                row |= {"BBOX_X0": box.getMinX(), "BBOX_Y0": box.getMinY()}
                row |= {"BBOX_DX": box.getWidth(), "BBOX_DY": box.getHeight()}
            else:
                row[_COLUMNS[attribute]] = getattr(self, attribute)[name]
        return row | {"ABS_REF_AMP": self.absoluteReferenceAmplifier}

    def getLinearityTypeByName(self, linearityTypeName: str) -> "type[LinearizeBase] | None":
        """Find the class that applies corrections of a type; None if there is none."""
        return {kind.LinearityType: kind for kind in _KINDS}.get(linearityTypeName)


def _readText(value: Any) -> str:
    """Read text of a file; empty where there is none."""
    if value is np.ma.masked:
        return ""
    return value.decode() if isinstance(value, bytes) else str(value)


def _readWhole(row: Any, *ends: str) -> list[int]:
    """Read parts of a box."""
    return [int(row[f"BBOX_{end}"]) for end in ends]


class LinearizeBase(abc.ABC):
    """A type of correction."""

    LinearityType: ClassVar[str]

    @abc.abstractmethod
    def __call__(self, image: Any, **kwargs: Any) -> tuple[bool, int]:
        """Correct the image of an amplifier in place.

        Parameters
        ----------
        image
            The image, of the class of `lsst.afw.image`.
        **kwargs
            ``coeffs`` of the amplifier, for a lookup table also ``table`` and ``log``, and for splines
            ``gain``, by which their knots and values are multiplied.

        Returns
        -------
        success
            Whether the image is corrected.
        outOfRange
            Number of pixels beyond the end of a lookup table.
        """


class _LinearizeLookupTable(LinearizeBase):
    LinearityType = "LookupTable"

    @override
    def __call__(self, image: Any, **kwargs: Any) -> tuple[bool, int]:
        row, offset = kwargs["coeffs"][:2]
        table, pixels = kwargs["table"], image.array
        if row < 0 or row >= len(table):
            raise RuntimeError(f"LinearizeLookupTable rowInd={int(row)} not in range[0, {len(table)})")
        places = (pixels + offset).astype(np.int64)
        inside = np.clip(places, 0, table.shape[1] - 1)
        pixels += table[int(row)].astype(pixels.dtype)[inside]
        n_outside = int(np.count_nonzero(inside != places))
        if n_outside and kwargs.get("log") is not None:
            kwargs["log"].warning("%s pixels were out of range of the linearization table", n_outside)
        return n_outside < pixels.size, n_outside


class _LinearizePolynomial(LinearizeBase):
    LinearityType = "Polynomial"

    @override
    def __call__(self, image: Any, **kwargs: Any) -> tuple[bool, int]:
        coefficients, pixels = kwargs["coeffs"], image.array
        if not (np.isfinite(coefficients).any() and np.any(coefficients)):
            return False, 0
        pixels += sum(c * pixels**order for order, c in enumerate(coefficients, start=2))
        return True, 0


class _LinearizeSquared(LinearizeBase):
    LinearityType = "Squared"

    @override
    def __call__(self, image: Any, **kwargs: Any) -> tuple[bool, int]:
        coefficient, pixels = kwargs["coeffs"][0], image.array
        pixels *= 1 + coefficient * pixels
        return bool(coefficient != 0), 0


class _LinearizeSpline(LinearizeBase):
    LinearityType = "Spline"

    @override
    def __call__(self, image: Any, **kwargs: Any) -> tuple[bool, int]:
        knots, values = np.split(np.asarray(kwargs["coeffs"]) * kwargs.get("gain", 1.0), 2)
        # What is there at the least signal is an offset, and at no signal there is no correction.
        values = values - values[0]
        if knots[0] != 0:
            knots, values = (np.concatenate([[0.0], part]) for part in (knots, values))
        return _subtractSpline(image.array, knots, values, 0.1), 0


class _LinearizeDoubleSpline(LinearizeBase):
    LinearityType = "DoubleSpline"

    @override
    def __call__(self, image: Any, **kwargs: Any) -> tuple[bool, int]:
        coefficients, gain = np.asarray(kwargs["coeffs"]), kwargs.get("gain", 1.0)
        start = 2
        for n_knots in coefficients[:2].astype(int):
            if n_knots > 0:
                knots, values = np.split(coefficients[start : start + 2 * n_knots] * gain, 2)
                if not _subtractSpline(image.array, knots, values, 0.01):
                    return False, 0
            start += 2 * n_knots
        return True, 0


class _LinearizeProportional(LinearizeBase):
    LinearityType = "Proportional"

    @override
    def __call__(self, image: Any, **kwargs: Any) -> tuple[bool, int]:
        return True, 0


class _LinearizeNone(LinearizeBase):
    LinearityType = "None"

    @override
    def __call__(self, image: Any, **kwargs: Any) -> tuple[bool, int]:
        return True, 0


def _subtractSpline(pixels: Any, knots: _Floats, values: _Floats, margin: float) -> bool:
    """Subtract the spline at each pixel, up to the margin before its end; NaN if it is not finite."""
    if not (np.isfinite(knots).all() and np.isfinite(values).all()):
        pixels[:] = np.nan
        return False
    spline = Akima1DInterpolator(knots, values, method="akima")
    pixels -= spline(np.clip(pixels, knots[0], knots[-1] - margin))
    return True


_KINDS: tuple[type[LinearizeBase], ...] = (
    _LinearizeLookupTable,
    _LinearizeSquared,
    _LinearizePolynomial,
    _LinearizeProportional,
    _LinearizeSpline,
    _LinearizeDoubleSpline,
    _LinearizeNone,
)
