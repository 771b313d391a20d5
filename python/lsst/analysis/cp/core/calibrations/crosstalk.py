# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Coefficients of crosstalk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lsst.analysis.cp.core.typing import BoolArray, FloatArray

__all__ = ["N_SIGMA", "TOLERANCE", "Crosstalk", "CrosstalkAmps"]

N_SIGMA = 5.0
"""Standard errors beyond which a coefficient differs from 0: of 240, none does by chance."""

TOLERANCE = 1e-5
"""Coefficient up to which a difference does not matter: a source of 100000 electrons leaves one."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Crosstalk:
    """Coefficients of crosstalk, each of shape (n, n): sources by the amplifiers that see them.

    Parameters
    ----------
    coefficients
        Signal in an amplifier over that in the source; NaN where nothing was measured. Of an amplifier with
        itself there is none: whatever it is, it is kept.
    errors
        Standard errors; NaN where they are not known.
    valid
        Whether the calibration calls the coefficient valid.
    """

    coefficients: FloatArray
    errors: FloatArray
    valid: BoolArray

    @classmethod
    def fromCalib(cls, calib: Any, nAmps: int) -> Crosstalk:
        """Take the coefficients of a detector out of its calibration.

        Parameters
        ----------
        calib
            A `lsst.ip.isr.CrosstalkCalib`. Not modified. Its errors are the standard deviations of the ratios
            of pixels, and of as many coefficients as it counts pixels; where it counts none at all, as in a
            matrix that was not made by cp_pipe, they are those of the coefficients.
        nAmps
            Number of amplifiers of the detector.

        Returns
        -------
        crosstalk
            The coefficients.

        Raises
        ------
        ValueError
            If the calibration has none, or they do not fit the detector.
        """
        detector = f"detector {calib.getMetadata()['DETECTOR']}"
        if not calib.hasCrosstalk or calib.coeffs is None:
            raise ValueError(f"calibration of {detector} has no coefficients of crosstalk")
        coefficients, deviations = (np.array(m, dtype=np.float64) for m in (calib.coeffs, calib.coeffErr))
        numbers, valid = np.array(calib.coeffNum, dtype=np.int64), np.array(calib.coeffValid, dtype=bool)
        shapes = {array.shape for array in (coefficients, deviations, numbers, valid)}
        if shapes != {(nAmps, nAmps)}:
            raise ValueError(
                f"matrices of crosstalk of {detector} have the shapes {sorted(shapes)}, "
                f"expected {(nAmps, nAmps)}"
            )
        if numbers.any():
            is_measured = (numbers > 0) | np.eye(len(numbers), dtype=bool)
            coefficients[~is_measured] = np.nan
            deviations /= np.sqrt(np.where(numbers > 0, numbers, np.nan))
        errors = np.where(deviations > 0, deviations, np.nan)
        return cls(coefficients=coefficients, errors=errors, valid=valid)

    @property
    def isPair(self) -> BoolArray:
        """Which coefficients are of two amplifiers, and not of one with itself."""
        return ~np.eye(len(self.coefficients), dtype=bool)

    @property
    def isMeasured(self) -> BoolArray:
        """Which coefficients of two amplifiers there are."""
        return self.isPair & np.isfinite(self.coefficients)

    @property
    def isJudged(self) -> BoolArray:
        """Which of these can be compared with 0, as their errors are known."""
        return self.isMeasured & np.isfinite(self.errors)

    @property
    def significance(self) -> FloatArray:
        """Coefficients in standard errors, with their sign; NaN where the error is not known."""
        return self.coefficients / self.errors

    @property
    def isSelf(self) -> BoolArray:
        """Which amplifiers have a coefficient with themselves that is not 0, shape (n,)."""
        own = np.diag(self.coefficients)
        return np.isfinite(own) & (own != 0)

    def isBeyond(self, nSigma: float = N_SIGMA, tolerance: float = TOLERANCE) -> BoolArray:
        """Tell which coefficients of two amplifiers differ from 0.

        Parameters
        ----------
        nSigma
            Standard errors that the absolute value has to exceed.
        tolerance
            Absolute value that it has to exceed.

        Returns
        -------
        isBeyond
            False where nothing was measured, or the error is not known.
        """
        with np.errstate(invalid="ignore"):
            far = np.abs(self.significance) > nSigma
        return self.isJudged & far & (np.abs(np.nan_to_num(self.coefficients)) > tolerance)

    def summarizeAmps(self, nSigma: float = N_SIGMA, tolerance: float = TOLERANCE) -> CrosstalkAmps:
        """Sum up the coefficients of each amplifier.

        Parameters
        ----------
        nSigma, tolerance
            As in `isBeyond`.

        Returns
        -------
        amps
            One value an amplifier.
        """
        judged, measured = self.isJudged, self.isMeasured
        size = np.where(measured, np.abs(self.coefficients), np.nan)
        beyond, significant = self.isBeyond(nSigma, tolerance), self.valid & measured
        return CrosstalkAmps(
            largestSeen=np.fmax.reduce(size, axis=0, initial=np.nan),
            largestSent=np.fmax.reduce(size, axis=1, initial=np.nan),
            nDifferent=np.where(judged.any(axis=0), beyond.sum(axis=0), np.nan),
            nSignificant=np.where(measured.any(axis=0), significant.sum(axis=0), np.nan),
            nNotMeasured=(self.isPair & ~judged).sum(axis=0).astype(np.float64),
            nSelf=self.isSelf.astype(np.float64),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class CrosstalkAmps:
    """What the coefficients of crosstalk say of each amplifier, each of shape (n,).

    Parameters
    ----------
    largestSeen, largestSent
        Largest absolute coefficient of those that the amplifier sees, and of those of which it is the source;
        NaN if none was measured.
    nDifferent
        Number of coefficients that the amplifier sees that differ from 0; NaN if none can be compared.
    nSignificant
        Number of those that the calibration calls valid; NaN if none was measured.
    nNotMeasured
        Number of those that cannot be compared with 0.
    nSelf
        1 if the amplifier has a coefficient with itself that is not 0.
    """

    largestSeen: FloatArray
    largestSent: FloatArray
    nDifferent: FloatArray
    nSignificant: FloatArray
    nNotMeasured: FloatArray
    nSelf: FloatArray
