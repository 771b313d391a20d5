# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Simulated histories of metrics: noise of several kinds, with steps, drifts, outliers and missing days."""

from __future__ import annotations

__all__ = ["HELD_OUT", "TUNED", "FloatArray", "makeFlicker"]

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

FloatArray = npt.NDArray[np.float64]


def makeFlicker(rng: np.random.Generator, number: int, length: int, knee: float) -> FloatArray:
    """Make noise with a spectral density K / f that is as strong as unit white noise in means of ``knee``.

    The variance of sqrt(h / 2) times the difference of two adjacent means of h days is 2 ln(2) K h.
    """
    size = 4 * length
    frequencies = np.fft.rfftfreq(size)[1:]
    amplitudes = np.sqrt(size / 2 / (2 * math.log(2) * knee) / frequencies / 2)
    parts = rng.normal(size=(2, number, len(frequencies)))
    spectrum = np.zeros((number, len(frequencies) + 1), dtype=complex)
    spectrum[:, 1:] = amplitudes * (parts[0] + 1j * parts[1])
    return np.fft.irfft(spectrum, size, axis=1)[:, :length]


def _makeMixed(knee: float) -> Callable[[np.random.Generator, int, int], FloatArray]:
    """Return a source of unit white noise and flicker noise."""
    return lambda rng, number, length: (
        rng.normal(size=(number, length)) + makeFlicker(rng, number, length, knee)
    )


def _makeStudent(degrees: float) -> Callable[[np.random.Generator, int, int], FloatArray]:
    """Return a source of noise with Student's distribution."""
    return lambda rng, number, length: rng.standard_t(degrees, size=(number, length))


def _makeAutoregressive(rng: np.random.Generator, number: int, length: int) -> FloatArray:
    """Make noise of which each day keeps half of the day before."""
    driven = rng.normal(size=(number, length + 50))
    return np.asarray(lfilter([1.0], [1.0, -0.5], driven, axis=1))[:, 50:]


def _makeContaminated(rng: np.random.Generator, number: int, length: int) -> FloatArray:
    """Make white noise with 3% of outliers of either sign."""
    values = rng.normal(size=(number, length))
    is_outlier = rng.random(values.shape) < 0.03
    values[is_outlier] += rng.choice([-1, 1], is_outlier.sum()) * rng.uniform(5, 50, is_outlier.sum())
    return values


def _makeGaps(rng: np.random.Generator, number: int, length: int) -> FloatArray:
    """Make white noise with 30% of missing days and a gap of a tenth of the length."""
    values = rng.normal(size=(number, length))
    values[rng.random(values.shape) < 0.3] = np.nan
    starts = rng.integers(0, length, size=(number, 1))
    days = np.arange(length)
    values[(days >= starts) & (days < starts + length // 10)] = np.nan
    return values


TUNED: dict[str, Callable[[np.random.Generator, int, int], FloatArray]] = {
    "white": lambda rng, number, length: rng.normal(size=(number, length)),
    "heavy tails (t3)": _makeStudent(3),
    "white and flicker (knee 20)": _makeMixed(20),
}
"""Noise that the thresholds are made for."""

HELD_OUT: dict[str, Callable[[np.random.Generator, int, int], FloatArray]] = {
    "flicker (knee 5)": _makeMixed(5),
    "flicker (knee 100)": _makeMixed(100),
    "flicker alone": lambda rng, number, length: makeFlicker(rng, number, length, 1.0),
    "autoregressive (0.5)": _makeAutoregressive,
    "Laplace": lambda rng, number, length: rng.laplace(size=(number, length)),
    "very heavy tails (t2)": _makeStudent(2),
    "3% outliers": _makeContaminated,
    "missing days and a gap": _makeGaps,
    "rounded to 1 sigma": lambda rng, number, length: np.round(rng.normal(size=(number, length))),
    "counts (Poisson 0.1)": lambda rng, number, length: rng.poisson(0.1, (number, length)).astype(float),
}
"""Noise that no choice of method, parameter or threshold looked at."""
