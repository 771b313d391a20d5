# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Noise that the pixels of a row share."""

__all__ = ["makeRowNoise"]

import numpy as np
import numpy.typing as npt

_NUM_MODES = 8
"""Number of waves along a row."""


def makeRowNoise(shape: tuple[int, int], random: np.random.Generator) -> npt.NDArray[np.float32]:
    """Make the slow part of 1/f noise along rows, independent from row to row.

    Parameters
    ----------
    shape
        Rows and columns.
    random
        Random numbers.

    Returns
    -------
    noise
        Waves of half a period to four periods a row whose power is proportional to their wavelength; the
        variance is one.
    """
    height, width = shape
    orders = np.arange(1, _NUM_MODES + 1)
    # The mean square of a cosine is a half.
    amplitudes = np.sqrt(2 / orders / np.sum(1 / orders))
    waves = np.cos(np.pi * orders[:, None] * (np.arange(width) + 0.5) / width) * amplitudes[:, None]
    coefficients = random.standard_normal((height, _NUM_MODES), dtype=np.float32)
    return coefficients @ waves.astype(np.float32)
