# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Cosmic rays and other events in the assembled image."""

__all__ = ["addCosmicRays", "addSmoothHits"]

import numpy as np
import numpy.typing as npt

_THICKNESS = 10.0
"""Depth of the sensor (pixels): 100 micrometres."""

_CHARGE = 8000.0
"""Mean charge of a vertical muon (electron): 80 in a micrometre of silicon."""

_DIFFUSION = 0.25
"""Diffusion of the charge (pixels, standard deviation)."""

_HIT_SIGMA = 3.0
"""Width of a smooth hit (pixels, standard deviation): too wide to be taken for a cosmic ray."""

_HITS_PER_PIXEL = 8e-6
"""Number of smooth hits for each pixel of the amplifier."""


def addCosmicRays(image: npt.NDArray[np.float32], rate: float, random: np.random.Generator) -> int:
    """Add tracks of muons.

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
        Number of muons.
    """
    number = int(random.poisson(rate * image.size / 1e6))
    for _ in range(number):
        # The flux through a horizontal plane goes as the cube of the cosine of the zenith angle.
        cosine = random.uniform(0.05, 1) ** 0.25
        length = _THICKNESS * np.sqrt(1 / cosine**2 - 1)
        charge = _CHARGE / cosine * random.lognormal(0, 0.2)
        azimuth = random.uniform(0, 2 * np.pi)
        start = random.uniform((0, 0), image.shape)
        steps = np.linspace(0, length, 8 + int(4 * length))[:, None]
        points = start + steps * (np.sin(azimuth), np.cos(azimuth))
        points += random.normal(0, _DIFFUSION, points.shape)
        y, x = np.floor(points).astype(int).T
        inside = (y >= 0) & (y < image.shape[0]) & (x >= 0) & (x < image.shape[1])
        np.add.at(image, (y[inside], x[inside]), np.float32(charge / len(points)))
    return number


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
