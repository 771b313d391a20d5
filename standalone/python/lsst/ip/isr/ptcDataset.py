# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Photon transfer curves of the amplifiers of a detector (ip_isr, 2026-04-22; version 2.6 of its files).

Files of versions from 1.9 on are read; what they do not have is NaN, -1 or False. Earlier ones are refused,
as the unit of their noise is another. Left out: what fills in the values of a pair. Unlike there, the error
and the scale of the rolloff are read from their own columns.
"""

__all__ = ["PhotonTransferCurveDataset"]

import logging
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self, override

import numpy as np
import numpy.typing as npt
from astropy.table import Table
from numpy.polynomial.polynomial import polyval
from scipy.signal import convolve

from .calibType import IsrCalib

type _Floats = npt.NDArray[np.float64]

_OLDEST = 1.9
"""First version that has the noise in electrons whatever the fit is."""

_COLUMNS = {
    "inputExpIdPairs": ("INPUT_EXP_ID_PAIRS", "pairs"),
    "inputExpPairMjdStartList": ("INPUT_EXP_PAIR_MJD_START", "vector"),
    "expIdMask": ("EXP_ID_MASK", "mask"),
    "expIdRolloffMask": ("EXP_ID_ROLLOFF_MASK", "mask"),
    "rawExpTimes": ("RAW_EXP_TIMES", "vector"),
    "rawMeans": ("RAW_MEANS", "vector"),
    "rawVars": ("RAW_VARS", "vector"),
    "rawDeltas": ("RAW_DELTAS", "vector"),
    "rowMeanVariance": ("ROW_MEAN_VARIANCE", "vector"),
    "gain": ("GAIN", "scalar"),
    "gainErr": ("GAIN_ERR", "scalar"),
    "gainUnadjusted": ("GAIN_UNADJUSTED", "scalar"),
    "gainList": ("GAIN_LIST", "vector"),
    "overscanMedianLevelList": ("OVERSCAN_MEDIAN_LIST", "vector"),
    "overscanMedian": ("OVERSCAN_MEDIAN", "scalar"),
    "overscanMedianSigma": ("OVERSCAN_MEDIAN_SIGMA", "scalar"),
    "noiseList": ("NOISE_LIST", "vector"),
    "noise": ("NOISE", "scalar"),
    "noiseErr": ("NOISE_ERR", "scalar"),
    "histVars": ("HIST_VARS", "vector"),
    "histChi2Dofs": ("HIST_CHI2_DOFS", "vector"),
    "kspValues": ("KS_PVALUES", "vector"),
    "ptcFitPars": ("PTC_FIT_PARS", "fit"),
    "ptcFitParsError": ("PTC_FIT_PARS_ERROR", "fit"),
    "ptcFitChiSq": ("PTC_FIT_CHI_SQ", "scalar"),
    "ptcTurnoff": ("PTC_TURNOFF", "scalar"),
    "ptcTurnoffSamplingError": ("PTC_TURNOFF_SAMPLING_ERROR", "scalar"),
    "ptcRolloff": ("PTC_ROLLOFF", "scalar"),
    "ptcRolloffError": ("PTC_ROLLOFF_ERROR", "scalar"),
    "ptcRolloffTau": ("PTC_ROLLOFF_TAU", "scalar"),
    "ptcRolloffTauError": ("PTC_ROLLOFF_TAU_ERROR", "scalar"),
    "aMatrix": ("A_MATRIX", "matrix"),
    "bMatrix": ("B_MATRIX", "matrix"),
    "noiseMatrix": ("NOISE_MATRIX", "matrix"),
    "badAmps": ("BAD_AMPS", "names"),
    "photoCharges": ("PHOTO_CHARGE", "vector"),
    "photoChargeDeltas": ("PHOTO_CHARGE_DELTAS", "vector"),
    "ampOffsets": ("AMP_OFFSETS", "vector"),
    "nPixelCovariances": ("NPIXEL_COVARIANCES", "count"),
    "covariances": ("COVARIANCES", "covariances"),
    "covariancesModel": ("COVARIANCES_MODEL", "covariances"),
    "covariancesSqrtWeights": ("COVARIANCES_SQRT_WEIGHTS", "covariances"),
    "finalVars": ("FINAL_VARS", "vector"),
    "finalModelVars": ("FINAL_MODEL_VARS", "vector"),
    "finalMeans": ("FINAL_MEANS", "vector"),
}
"""Column and kind of value of each attribute, in the order of a file."""

_OF_DETECTOR = ("ptcFitType", "covMatrixSide", "covMatrixSideFullCovFit", "ampNames", "badAmps")
"""Attributes that are not by amplifier."""

_AUXILIARY = "PTCAUX_"
"""Start of the names of the columns of auxiliary values."""

_LOG = logging.getLogger("lsst.ip.isr.calibType")

_OF_PAIRS = ("pairs", "vector", "mask", "covariances")
"""Kinds of values of which there is one for each pair of flats."""


class PhotonTransferCurveDataset(IsrCalib):
    """Pairs of flats, and the fit of their variances, of each amplifier of a detector.

    All attributes are dictionaries by the name of the amplifier, but ``ptcFitType``, ``ampNames``,
    ``badAmps``, ``covMatrixSide``, ``covMatrixSideFullCovFit`` and ``auxValues``, which has a value for each
    pair by what it is of.

    Parameters
    ----------
    ampNames
        Names of the amplifiers.
    ptcFitType
        ``"POLYNOMIAL"``, ``"EXPAPPROXIMATION"``, ``"FULLCOVARIANCE"`` or ``"FULLCOVARIANCE_NO_B"``;
        of one pair ``"PARTIAL"``, and of none ``"DUMMY"``.
    covMatrixSide
        Number of lags of the covariances in each direction.
    covMatrixSideFullCovFit
        The same of the fit; ``covMatrixSide`` if None.
    **kwargs
        ``camera`` and ``detector``, from which the metadata are filled.
    """

    _OBSTYPE = "PTC"
    _SCHEMA = "Gen3 Photon Transfer Curve"
    _VERSION = 2.6
    _CONTENT = (*_OF_DETECTOR, *(name for name in _COLUMNS if name != "badAmps"), "auxValues")
    __dict__: dict[str, Any]

    def __init__(
        self,
        ampNames: Iterable[str] = (),
        ptcFitType: str | None = None,
        covMatrixSide: int = 1,
        covMatrixSideFullCovFit: int | None = None,
        **kwargs: Any,
    ) -> None:
        self.ptcFitType = ptcFitType
        self.ampNames = list(ampNames)
        self.badAmps: list[str] = []
        self.covMatrixSide = covMatrixSide
        self.covMatrixSideFullCovFit = (
            covMatrixSide if covMatrixSideFullCovFit is None else min(covMatrixSideFullCovFit, covMatrixSide)
        )
        for attribute, (_, kind) in _COLUMNS.items():
            if kind != "names":
                setattr(self, attribute, {name: _makeEmpty(kind) for name in self.ampNames})
        self.auxValues: dict[str, npt.NDArray[Any]] = {}
        super().__init__(**kwargs)

    def __getattr__(self, name: str) -> Any:
        # Attributes are set by name, which type checkers do not follow.
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    @override
    def updateMetadata(self, camera: Any = None, detector: Any = None, **kwargs: Any) -> None:
        super().updateMetadata(camera, detector, **({"PTC_FIT_TYPE": self.ptcFitType} | kwargs))

    @classmethod
    @override
    def fromTable(cls, tableList: Sequence[Table]) -> Self:
        table = tableList[0]
        version = table.meta["PTC_VERSION"]
        if version < _OLDEST:
            raise ValueError(
                f"A photon transfer curve has version {version}; this stand-in reads {_OLDEST} and later: "
                "use ip_isr."
            )
        first = table[0]
        side = int(first["COV_MATRIX_SIDE"])
        fit_side = int(first["COV_MATRIX_SIDE_FULL_COV_FIT"])
        names = [str(name) for name in table["AMPLIFIER_NAME"]]
        calib = cls(names, str(first["PTC_FIT_TYPE"]), side, fit_side)
        for attribute, (column, kind) in _COLUMNS.items():
            if kind == "names":
                # Those of a file are bytes.
                calib.badAmps = np.atleast_1d(first[column]).astype(np.str_).tolist()
            elif column in table.colnames:
                values = getattr(calib, attribute)
                for name, value in zip(names, table[column], strict=True):
                    values[name] = calib._shape(attribute, kind, value)
            else:
                calib._fillAbsent(attribute, kind, table["RAW_MEANS"].shape[1])
        calib.auxValues = {
            name.removeprefix(_AUXILIARY): _readAuxiliary(first[name])
            for name in table.colnames
            if name.startswith(_AUXILIARY)
        }
        calib._takeMetadata(table.meta)
        return calib

    @classmethod
    @override
    def fromDict(cls, dictionary: Mapping[str, Any]) -> Self:
        fit, side, fit_side, names, bad = (dictionary[name] for name in _OF_DETECTOR)
        calib = cls(names, fit, side, fit_side)
        calib.badAmps = list(bad)
        for attribute, (_, kind) in _COLUMNS.items():
            for name in names if kind != "names" else ():
                getattr(calib, attribute)[name] = calib._shape(attribute, kind, dictionary[attribute][name])
        calib.auxValues = {name: _readAuxiliary(value) for name, value in dictionary["auxValues"].items()}
        calib._takeMetadata(dictionary["metadata"])
        return calib

    @override
    def toDict(self) -> dict[str, Any]:
        self.updateMetadata()
        dictionary = {"metadata": self.getMetadata()} | {name: getattr(self, name) for name in _OF_DETECTOR}
        for attribute, (_, kind) in _COLUMNS.items():
            if kind != "names":
                dictionary[attribute] = _makeLists(getattr(self, attribute))
        return dictionary | {"auxValues": _makeLists(self.auxValues)}

    def getGoodAmps(self) -> list[str]:
        """Name the amplifiers that are not bad."""
        return [name for name in self.ampNames if name not in self.badAmps]

    def getExpIdsUsed(self, ampName: str) -> list[tuple[int, int]]:
        """List the pairs of exposures that the fit of an amplifier used; all if that is not known.

        Parameters
        ----------
        ampName
            Name of the amplifier.

        Returns
        -------
        pairs
            Their ids.

        Raises
        ------
        AssertionError
            Raised if there are not as many pairs as are said to be used or not.
        """
        pairs, is_used = self.inputExpIdPairs[ampName], self.expIdMask[ampName]
        if not len(is_used):
            return list(pairs)
        assert len(is_used) == len(pairs)
        if np.ndim(pairs) == 3:
            _LOG.warning("The PTC file was written incorrectly: each pair is within a list of its own.")
            pairs = [pair for [pair] in pairs]
        return [(first, second) for (first, second), used in zip(pairs, is_used, strict=True) if used]

    def _shape(self, attribute: str, kind: str, value: Any) -> Any:
        """Give a value of a file the type and shape of the attribute."""
        if kind in ("scalar", "count"):
            return float(value) if kind == "scalar" else int(value)
        if kind == "pairs":
            return np.asarray(value).tolist()
        array = np.array(value, dtype=bool if kind == "mask" else np.float64)
        if kind in ("matrix", "covariances"):
            is_fit = kind == "matrix" or attribute == "covariancesModel"
            side = self.covMatrixSideFullCovFit if is_fit else self.covMatrixSide
            # There are none where there are no pairs.
            shape = (side, side) if kind == "matrix" else (-1, side, side)
            return array.reshape(shape) if array.size else array.ravel()
        return array

    def _fillAbsent(self, attribute: str, kind: str, n: int) -> None:
        """Fill what older files do not have."""
        for name in self.ampNames:
            if kind == "mask":
                getattr(self, attribute)[name] = np.zeros(n, dtype=bool)
            elif kind == "vector":
                getattr(self, attribute)[name] = np.full(n, np.nan)

    @override
    def toTable(self) -> list[Table]:
        self.updateMetadata()
        bad = np.array(self.badAmps) if self.badAmps else np.array([], dtype="U3")
        rows = []
        for name in self.ampNames:
            row: dict[str, Any] = {
                "AMPLIFIER_NAME": name,
                "PTC_FIT_TYPE": self.ptcFitType,
                "COV_MATRIX_SIDE": self.covMatrixSide,
                "COV_MATRIX_SIDE_FULL_COV_FIT": self.covMatrixSideFullCovFit,
            }
            for attribute, (column, kind) in _COLUMNS.items():
                value = bad if kind == "names" else getattr(self, attribute)[name]
                row[column] = np.ravel(value) if kind in ("matrix", "covariances") else value
            rows.append(row | {f"{_AUXILIARY}{key}": values for key, values in self.auxValues.items()})
        table = Table(rows)
        table.meta = {key: "" if v is None else v for key, v in self.getMetadata().toDict().items()}
        return [table]

    def appendPartialPtc(self, partialPtc: Self) -> None:
        """Append what was measured of one pair of flats.

        Parameters
        ----------
        partialPtc
            Of the fit type PARTIAL, with one pair. Not modified.

        Raises
        ------
        ValueError
            Raised if it is of other amplifiers, is not of one pair, or has another number of pixels or an
            auxiliary value that the pairs before it lack.
        """
        if self.ampNames != partialPtc.ampNames:
            raise ValueError("partialPtc has mis-matched amps.")
        first = self.ampNames[0]
        if len(partialPtc.rawMeans[first]) != 1 or partialPtc.ptcFitType != "PARTIAL":
            raise ValueError("partialPtc does not appear to be the correct format.")
        for key, values in partialPtc.auxValues.items():
            if key not in self.auxValues and len(self.expIdMask[first]):
                raise ValueError(f"partialPtc has mismatched auxValue key {key}.")
            self.auxValues[key] = np.append(self.auxValues.get(key, values[:0]), values)
        pixels = self.nPixelCovariances
        for name, number in partialPtc.nPixelCovariances.items():
            if not len(self.expIdMask[name]):
                pixels[name] = number
            elif pixels[name] != number:
                raise ValueError(f"partialPtc has mismatched nPixelCovariances for amp {name}.")
        for attribute, (_, kind) in _COLUMNS.items():
            own, other = getattr(self, attribute), getattr(partialPtc, attribute)
            for name in self.ampNames if kind in _OF_PAIRS else ():
                if kind == "pairs":
                    own[name].append(other[name][0])
                elif kind == "covariances":
                    own[name] = np.append(own[name], other[name]).reshape(-1, *np.shape(other[name])[1:])
                else:
                    own[name] = np.append(own[name], other[name][0])

    def evalPtcModel(self, mu: _Floats) -> Mapping[str, _Floats]:
        """Evaluate the fits.

        Parameters
        ----------
        mu
            Mean signals (adu), shape (n,).

        Returns
        -------
        model
            By amplifier: of POLYNOMIAL, and of EXPAPPROXIMATION by equation 16 of Astier et al. 2019
            (arXiv:1905.08677), the variances (adu^2), shape (n,); of others the covariances, shape (n, side,
            side), by its equation 20.

        Raises
        ------
        RuntimeError
            Raised for another fit.
        """
        if self.ptcFitType == "POLYNOMIAL":
            warnings.warn("The fit type POLYNOMIAL is deprecated.", FutureWarning, stacklevel=2)
            return {name: polyval(mu, self.ptcFitPars[name]) for name in self.ampNames}
        if self.ptcFitType == "EXPAPPROXIMATION":
            return {name: _evaluateVariance(mu, *self.ptcFitPars[name]) for name in self.ampNames}
        if self.ptcFitType in ("FULLCOVARIANCE", "FULLCOVARIANCE_NO_B"):
            return {name: self._evaluateCovariances(mu, name) for name in self.ampNames}
        raise RuntimeError(f"Cannot compute PTC  model for ptcFitType {self.ptcFitType}.")

    def _evaluateCovariances(self, mu: _Floats, name: str) -> _Floats:
        """Evaluate the covariances of an amplifier."""
        gain, a, noise = self.gain[name], self.aMatrix[name], self.noiseMatrix[name]
        c = a * self.bMatrix[name]
        side = len(a)
        # The border is that of ip_isr, which cuts the third order off there.
        border = int(1.5 * side) + 1 - side
        whole_a, whole_c = (_mirror(np.pad(matrix, (0, border))) for matrix in (a, c))
        centre = len(whole_a) // 2
        own = slice(centre, centre + side)
        second = convolve(whole_a, whole_a, mode="same", method="direct")
        third = convolve(second, whole_a, mode="same", method="direct")
        mixed = convolve(whole_a, whole_c, mode="same", method="direct")
        signal = (mu * gain)[:, np.newaxis, np.newaxis]
        model: _Floats = signal * (
            a * signal
            + 2 / 3 * (second[own, own] + c) * signal**2
            + (third[own, own] / 3 + 5 / 6 * mixed[own, own]) * signal**3
        )
        model = (model + noise) / gain**2
        model[:, 0, 0] += mu / gain
        return model


def _readAuxiliary(values: Any) -> npt.NDArray[Any]:
    """Make texts, integers or floats, of the types of this machine, of what a file has."""
    read = np.atleast_1d(np.asarray(values))
    kinds = {"S": np.str_, "U": np.str_, "i": np.int64, "u": np.int64}
    return read.astype(kinds.get(read.dtype.kind, np.float64))


def _makeLists(values: Mapping[str, Any]) -> dict[str, Any]:
    """Make lists of arrays, which lose their shapes, in a dictionary."""
    return {
        name: np.ravel(value).tolist() if isinstance(value, np.ndarray) else value
        for name, value in values.items()
    }


def _makeEmpty(kind: str) -> Any:
    """Make the value of an attribute of an amplifier of which nothing is known."""
    alone = {"scalar": np.nan, "count": -1, "pairs": []}
    return alone[kind] if kind in alone else np.array([], dtype=bool if kind == "mask" else np.float64)


def _mirror(quadrant: _Floats) -> _Floats:
    """Extend a function of lags from 0 on to negative ones."""
    half = np.concatenate([quadrant[:0:-1], quadrant])
    return np.concatenate([half[:, :0:-1], half], axis=1)


def _evaluateVariance(mu: _Floats, a00: float, gain: float, noise: float) -> _Floats:
    """Evaluate the variance (adu^2); ``noise`` is a variance (electron^2)."""
    variance: _Floats = 0.5 / (a00 * gain**2) * np.expm1(2 * a00 * mu * gain) + noise / gain**2
    return variance
