# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Statistics that ISR measures, with the definitions of ``lsst.ip.isr.isrStatistics`` (2026-04).

The search for bias shifts and the correlations of amplifiers come from eo_pipe
(https://github.com/lsst-camera-dh/eo_pipe: ``biasShiftsTask``, ``raft_level_correlations``).
"""

__all__ = [
    "PERCENTILE_LEVELS",
    "IsrStatisticsConfig",
    "findBiasShifts",
    "measureCorrelations",
    "measureDivisadero",
    "measurePercentiles",
    "measureProfiles",
]

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.stats import sigma_clipped_stats
from scipy.signal import butter, filtfilt
from scipy.stats import linregress

from lsst.pex.config import Config, Field
from lsst.standalone.pixelStatistics import findQuantiles

from .frames import AmplifierGeometry

PERCENTILE_LEVELS = (0.0, 5.0, 16.0, 50.0, 84.0, 95.0, 100.0)
"""Percentiles in the header of a combined calibration."""

_FILTER_ORDER = 5
_FILTER_CUTOFF = 1 / 15
"""Cutoff of the high-pass filter, in units of the Nyquist frequency."""
_WINDOW = 30
"""Rows compared on either side of a shift."""
_THRESHOLD = 3.0
"""Height of a shift in units of the local noise."""
_SKIPPED_ROWS = 30
_SKIPPED_COLUMNS = 3

_BLOCK_ROWS = 64
"""Rows of each amplifier that are multiplied at a time."""


class IsrStatisticsConfig(Config):
    """What ``IsrStatisticsTaskConfig`` of ip_isr has for the tearing of flats."""

    doDivisaderoStatistics = Field[bool](doc="Measure the tearing of flats?", default=False)
    divisaderoEdgePixels = Field[int](doc="Columns at the edges that the line does not take.", default=25)
    divisaderoNumImpactPixels = Field[int](doc="Columns at the edges that are looked at.", default=2)
    divisaderoProjectionMinimum = Field[int](doc="First row from the readout that is taken.", default=10)
    divisaderoProjectionMaximum = Field[int](doc="Row after the last that is taken.", default=210)


def measurePercentiles(
    pixels: npt.NDArray[np.float32], ampName: str, product: str = "BIAS"
) -> dict[str, float]:
    """Measure the distribution of a combined calibration.

    Parameters
    ----------
    pixels
        Pixels of an amplifier.
    ampName
        Name of the amplifier.
    product
        Name of the calibration.

    Returns
    -------
    percentiles
        Values by header key, in the unit of ``pixels``.
    """
    values = findQuantiles(pixels, [level / 100 for level in PERCENTILE_LEVELS])
    return {
        f"LSST CALIB {product} {ampName} DISTRIBUTION {level}-PCT": value
        for level, value in zip(PERCENTILE_LEVELS, values, strict=True)
    }


def measureProfiles(
    images: Mapping[str, npt.NDArray[np.float32]],
) -> dict[str, dict[str, list[float]]]:
    """Measure mean profiles of amplifiers.

    Parameters
    ----------
    images
        Pixels (rows, columns) of each amplifier.

    Returns
    -------
    profiles
        ``AMP_HPROJECTION`` has the mean of each column, ``AMP_VPROJECTION`` that of each row, by amplifier.
    """
    return {
        "AMP_VPROJECTION": {name: np.mean(image, axis=1).tolist() for name, image in images.items()},
        "AMP_HPROJECTION": {name: np.mean(image, axis=0).tolist() for name, image in images.items()},
    }


def findBiasShifts(overscan: npt.NDArray[np.float32] | None) -> dict[str, Any]:
    """Find rows at which the level of an amplifier jumps.

    Parameters
    ----------
    overscan
        Overscan pixels (rows, columns) with their level; `None` for a bad amplifier.

    Returns
    -------
    shifts
        ``LOCAL_NOISE`` of the row means, and ``BIAS_SHIFTS`` with height, row, first row and row after the
        last of each shift.
    """
    if overscan is None:
        return {"LOCAL_NOISE": 0.0, "BIAS_SHIFTS": []}
    rows = np.mean(overscan[:, _SKIPPED_COLUMNS:], axis=1, dtype=np.float64)
    if np.ptp(rows) == 0:
        return {"LOCAL_NOISE": 0.0, "BIAS_SHIFTS": []}
    noise = float(np.std(filtfilt(*butter(_FILTER_ORDER, _FILTER_CUTOFF, btype="high"), rows)))
    kernel = np.concatenate([np.arange(_WINDOW), np.arange(1 - _WINDOW, 0)])
    kernel = kernel / np.sum(kernel[:_WINDOW])
    jumps = np.pad(np.convolve(rows, kernel, mode="valid"), (_WINDOW - 1, _WINDOW))
    significant = np.abs(jumps) > _THRESHOLD * noise
    significant[:_SKIPPED_ROWS] = False
    edges = np.flatnonzero(np.diff(np.concatenate([[0], significant.astype(np.int8), [0]])))
    shifts = []
    for first, last in edges.reshape(-1, 2).tolist():
        row = first + int(np.argmax(np.abs(jumps[first:last])))
        if _isFlatAround(rows, row, float(jumps[row])):
            shifts.append([float(jumps[row]), float(row), first, last])
    return {"LOCAL_NOISE": noise, "BIAS_SHIFTS": shifts}


def _isFlatAround(rows: npt.NDArray[np.float64], row: int, jump: float) -> bool:
    """Tell whether trends before and after a row are too small to make up for a jump there."""
    for first in (row - _WINDOW, row):
        window = np.arange(first, first + _WINDOW)
        change = 2 * linregress(window, rows[window]).slope * _WINDOW
        if not (change < jump if jump > 0 else change > jump):
            return False
    return True


def measureCorrelations(
    detectorId: int,
    images: Mapping[str, npt.NDArray[np.float32]],
    overscans: Mapping[str, npt.NDArray[np.float32] | None],
) -> list[dict[str, Any]]:
    """Measure the correlation coefficients of all pairs of amplifiers.

    Parameters
    ----------
    detectorId
        ID of the detector.
    images
        Pixels of each amplifier in the order of the assembled image, all of one shape.
    overscans
        Overscan pixels of each amplifier with their level, in readout order; `None` for a bad amplifier.

    Returns
    -------
    rows
        ``detector``, ``detectorComp``, ``ampName``, ``ampComp``, ``imageCorr`` and ``overscanCorr`` of each
        ordered pair. A bad amplifier has zeros, and no row with itself, as in ip_isr.
    """
    names = [name for name, overscan in overscans.items() if overscan is not None]
    good_overscans = [overscan for overscan in overscans.values() if overscan is not None]
    image_matrix = _correlate([images[name] for name in names])
    overscan_matrix = _correlate(good_overscans)
    place = {name: number for number, name in enumerate(names)}
    rows = []
    for first in overscans:
        for second in overscans:
            image, overscan = 0.0, 0.0
            if first == second:
                if first not in place:
                    continue
                image, overscan = 1.0, 1.0
            elif first in place and second in place:
                image = float(image_matrix[place[first], place[second]])
                overscan = float(overscan_matrix[place[first], place[second]])
            rows.append(
                {
                    "detector": detectorId,
                    "detectorComp": detectorId,
                    "ampName": first,
                    "ampComp": second,
                    "imageCorr": image,
                    "overscanCorr": overscan,
                }
            )
    return rows


def measureDivisadero(
    image: npt.NDArray[np.float32], geometries: Sequence[AmplifierGeometry], config: IsrStatisticsConfig
) -> dict[str, dict[str, Any]]:
    """Measure the response of the columns of a flat near the readout, and its deviations at boundaries.

    Parameters
    ----------
    image
        The assembled flat.
    geometries
        Its amplifiers.
    config
        What is taken.

    Returns
    -------
    measured
        By amplifier, ``DIVISADERO_PROFILE``: mean of each column over a line through these;
        ``DIVISADERO_MAX_PAIR``: largest deviation from 1 at its left and its right side; and
        ``DIVISADERO_MAX``: the largest at its boundaries with other amplifiers, on both sides of these.
    """
    near = slice(config.divisaderoProjectionMinimum, config.divisaderoProjectionMaximum)
    inner, n = (
        slice(config.divisaderoEdgePixels, -config.divisaderoEdgePixels),
        config.divisaderoNumImpactPixels,
    )
    measured: dict[str, dict[str, Any]] = {}
    for geometry in geometries:
        from_readout = image[geometry.pixels][:: -1 if geometry.flipY else 1]
        profile = sigma_clipped_stats(from_readout[near], axis=0)[0]
        profile = profile / np.median(profile)
        columns = np.arange(len(profile))
        profile /= np.polyval(np.polyfit(columns[inner], profile[inner], 1), columns)
        ends = [float(np.max(np.abs(part - 1))) for part in (profile[:n], profile[-n:])]
        measured[geometry.name] = {"DIVISADERO_PROFILE": profile.tolist(), "DIVISADERO_MAX_PAIR": ends}
    places = {(geometry.rows.start, geometry.columns.start): geometry.name for geometry in geometries}
    for geometry in geometries:
        row, name = geometry.rows.start, geometry.name
        width = geometry.columns.stop - geometry.columns.start
        found = []
        for side, start in ((0, geometry.columns.start - width), (1, geometry.columns.stop)):
            if other := places.get((row, start)):
                pairs = [measured[each]["DIVISADERO_MAX_PAIR"] for each in (name, other)]
                found += [pairs[0][side], pairs[1][1 - side]]
        measured[name]["DIVISADERO_MAX"] = max(found, default=float("nan"))
    return measured


def _correlate(arrays: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float64]:
    """Correlate images, as `numpy.corrcoef` does, some rows at a time: without copies of all of them."""
    if not arrays:
        return np.empty((0, 0))
    number = len(arrays)
    # Deviations from a first guess of the means keep the sums accurate.
    guesses = np.array([array[0].mean(dtype=np.float64) for array in arrays])[:, None]
    sums, products = np.zeros(number), np.zeros((number, number))
    for first in range(0, arrays[0].shape[0], _BLOCK_ROWS):
        rows = [array[first : first + _BLOCK_ROWS].ravel() for array in arrays]
        block = np.array(rows, dtype=np.float64) - guesses
        sums += block.sum(axis=1)
        products += block @ block.T
    covariances = products - np.outer(sums, sums) / arrays[0].size
    norms = np.sqrt(np.maximum(np.diagonal(covariances), 0))
    # A constant amplifier has no correlation: NaN.
    with np.errstate(divide="ignore", invalid="ignore"):
        return covariances / np.outer(norms, norms)
