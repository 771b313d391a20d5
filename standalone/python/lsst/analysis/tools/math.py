# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""Statistics that ignore NaN, and give NaN without a warning where nothing is left."""

__all__ = ["nanMax", "nanMean", "nanMedian", "nanMin", "nanSigmaMad"]

import warnings
from collections.abc import Callable
from functools import wraps

import numpy as np
import numpy.typing as npt
from scipy.stats import median_abs_deviation

_EXPECTED = (
    "All-NaN axis encountered",
    "All-NaN slice encountered",
    "Mean of empty slice",
    "invalid value encountered in subtract",
    "After omitting NaNs, one or more sample arguments is too small",
    "One or more sample arguments is too small",
)


def _quietly(function: Callable[[npt.ArrayLike], float]) -> Callable[[npt.ArrayLike], float]:
    """Silence the warnings that numpy and scipy give of NaN and of nothing."""

    @wraps(function)
    def wrapper(vector: npt.ArrayLike) -> float:
        with warnings.catch_warnings():
            for message in _EXPECTED:
                warnings.filterwarnings("ignore", message)
            return function(vector)

    return wrapper


@_quietly
def nanMax(vector: npt.ArrayLike) -> float:
    """Return the largest value.

    Parameters
    ----------
    vector : array-like
        The values, not empty.

    Returns
    -------
    value : `float`
        The largest, or NaN if all are NaN.
    """
    return float(np.nanmax(np.asarray(vector)))


@_quietly
def nanMean(vector: npt.ArrayLike) -> float:
    """Return the mean.

    Parameters
    ----------
    vector : array-like
        The values.

    Returns
    -------
    value : `float`
        Their mean, or NaN if there is none.
    """
    return float(np.nanmean(np.asarray(vector)))


@_quietly
def nanMedian(vector: npt.ArrayLike) -> float:
    """Return the median.

    Parameters
    ----------
    vector : array-like
        The values.

    Returns
    -------
    value : `float`
        Their median, or NaN if there is none.
    """
    return float(np.nanmedian(np.asarray(vector)))


@_quietly
def nanMin(vector: npt.ArrayLike) -> float:
    """Return the smallest value.

    Parameters
    ----------
    vector : array-like
        The values, not empty.

    Returns
    -------
    value : `float`
        The smallest, or NaN if all are NaN.
    """
    return float(np.nanmin(np.asarray(vector)))


@_quietly
def nanSigmaMad(vector: npt.ArrayLike) -> float:
    """Return the standard deviation that a normal distribution of this MAD has.

    Parameters
    ----------
    vector : array-like
        The values.

    Returns
    -------
    value : `float`
        The median absolute deviation from the median, times 1.4826; NaN if
        there is no value.
    """
    return float(median_abs_deviation(np.asarray(vector), axis=None, scale="normal", nan_policy="omit"))
