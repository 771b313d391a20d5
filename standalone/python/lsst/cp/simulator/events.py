# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Cosmic rays and other events in the assembled image."""

__all__ = ["addCosmicRays", "addLine", "addSmoothHits"]

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

_THICKNESS = 10.0
"""Depth of the sensor (pixels): 100 micrometres."""

_LONGEST_TRACK = 20.0
"""Longest track of a muon (pixels), rounded up."""

_CHARGE = 8000.0
"""Mean charge of a vertical muon (electron): 80 in a micrometre of silicon."""

_DIFFUSION = 0.3
"""Diffusion of the charge (pixels, standard deviation)."""

_HIT_SIGMA = 3.0
"""Width of a smooth hit (pixels, standard deviation): too wide to be taken for a cosmic ray."""

_HITS_PER_PIXEL = 8e-6
"""Number of smooth hits for each pixel of the amplifier."""

_PIECE = 32.0
"""Longest part of a line that is added at once (pixels)."""

_REACH = 6.0
"""Distance from a line up to which its profile is not zero (standard deviations)."""


def addCosmicRays(image: npt.NDArray[np.float32], rate: float, random: np.random.Generator) -> int:
    """Add tracks of muons.

    The charge is released evenly along the track and diffuses over the pixels, so that no track ends up in a
    single pixel, but where the edge of the image cuts it.

    Parameters
    ----------
    image
        Image to add to, in place (electron).
    rate
        Mean number of muons in a million pixels.
    random
        Random numbers.

    Returns
    -------
    number
        Number of muons that begin over the image. Others come in from around it.
    """
    margin = np.array([_LONGEST_TRACK, _LONGEST_TRACK])
    area = np.prod(image.shape + 2 * margin)
    number = 0
    for _ in range(random.poisson(rate * area / 1e6)):
        # The flux through a horizontal plane goes as the cube of the cosine of the zenith angle.
        cosine = random.uniform(0.05, 1) ** 0.25
        length = _THICKNESS * np.sqrt(1 / cosine**2 - 1)
        charge = _CHARGE / cosine * random.lognormal(0, 0.2)
        azimuth = random.uniform(0, 2 * np.pi)
        start = random.uniform(-margin, image.shape + margin)
        number += int(np.all((start >= 0) & (start < image.shape)))
        end = start + length * np.array([np.sin(azimuth), np.cos(azimuth)])
        addLine(image, start, end, charge, _DIFFUSION)
    return number


def addLine(
    image: npt.NDArray[np.float32],
    start: npt.NDArray[np.float64],
    end: npt.NDArray[np.float64],
    charge: float,
    sigma: float,
) -> None:
    """Add a straight line with a Gaussian profile, integrated over the pixels.

    Parameters
    ----------
    image
        Image to add to, in place.
    start, end
        Ends of the line as (y, x), where pixel n spans from n to n + 1. It may reach over the image's edges.
    charge
        Sum over its pixels.
    sigma
        Standard deviation of the profile (pixels).
    """
    length = float(np.hypot(*(end - start)))
    pieces = max(1, int(np.ceil(length / _PIECE)))
    # Points this close together add up to a smooth line.
    points_per_piece = 1 + int(np.ceil(3 * length / pieces / sigma))
    number = pieces * points_per_piece
    fractions = (np.arange(number) + 0.5) / number
    points = start + fractions[:, None] * (end - start)
    for piece in np.split(points, pieces):
        _addPoints(image, piece, charge / number, sigma)


def _addPoints(
    image: npt.NDArray[np.float32], points: npt.NDArray[np.float64], charge: float, sigma: float
) -> None:
    """Add points, (number, 2) as (y, x), of the same charge."""
    first = np.maximum(np.floor(points.min(axis=0) - _REACH * sigma).astype(int), 0)
    last = np.minimum(np.ceil(points.max(axis=0) + _REACH * sigma).astype(int), image.shape)
    if (first >= last).any():
        return
    along_y, along_x = (
        np.diff(ndtr((np.arange(first[axis], last[axis] + 1) - points[:, axis, None]) / sigma))
        for axis in (0, 1)
    )
    view = image[first[0] : last[0], first[1] : last[1]]
    view += (charge * (along_y.T @ along_x)).astype(np.float32)


def addSmoothHits(
    image: npt.NDArray[np.float32], noise: float, excess: float, random: np.random.Generator
) -> int:
    """Add round, smooth hits that raise the standard deviation.

    Parameters
    ----------
    image
        Image to add to, in place (electron).
    noise
        Its standard deviation without the hits (electron).
    excess
        Fraction by which the hits raise it.
    random
        Random numbers.

    Returns
    -------
    number
        Number of hits.
    """
    number = max(1, round(_HITS_PER_PIXEL * image.size))
    # The integral of the square of a Gaussian of height A and width s is pi s^2 A^2.
    squares = image.size * noise**2 * ((1 + excess) ** 2 - 1)
    peak = np.sqrt(squares / (number * np.pi * _HIT_SIGMA**2))
    reach = int(5 * _HIT_SIGMA)
    margin = np.minimum(reach, np.array(image.shape) // 3)
    for center in random.uniform(margin, np.array(image.shape) - margin, (number, 2)):
        first = np.maximum(center.astype(int) - reach, 0)
        last = center.astype(int) + reach + 1
        view = image[first[0] : last[0], first[1] : last[1]]
        y, x = np.ogrid[first[0] : first[0] + view.shape[0], first[1] : first[1] + view.shape[1]]
        squared_distance = (y - center[0]) ** 2 + (x - center[1]) ** 2
        view += (peak * np.exp(-squared_distance / (2 * _HIT_SIGMA**2))).astype(np.float32)
    return number
