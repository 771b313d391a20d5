# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Frames of a small detector, and what is found in them."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from lsst.analysis.cp.core.structures import (
    DetectionThresholds,
    Structures,
    findStructures,
    measureSignificance,
)

Image = npt.NDArray[np.float32]

AMPS = tuple(
    (slice(300 * row, 300 * row + 300), slice(256 * column, 256 * column + 256))
    for row in range(2)
    for column in range(4)
)
"""Amplifiers of a small detector of 600 rows and 1024 columns."""


@pytest.fixture(scope="session")
def amps() -> tuple[tuple[slice, slice], ...]:
    """Return the amplifiers of a small detector."""
    return AMPS


@pytest.fixture(scope="session")
def makeFrame() -> Callable[..., Image]:
    """Return a maker of clean frames of that detector: noise 5, a tenth of it common to rows, and steps."""

    def make(seed: int = 1, noise: npt.ArrayLike = 5.0) -> Image:
        rng = np.random.default_rng(seed)
        image = np.empty((600, 1024), dtype=np.float32)
        for amp, sigma in zip(AMPS, np.broadcast_to(noise, len(AMPS)), strict=True):
            pixels = rng.normal(0, np.sqrt(0.99), (300, 256)) + rng.normal(0, 0.1, (300, 1))
            image[amp] = sigma * (pixels + rng.normal(0, 0.04))
        return image

    return make


@pytest.fixture(scope="session")
def findIn() -> Callable[..., Structures]:
    """Return a function that finds the structures of an image of that detector."""
    thresholds = DetectionThresholds(pixel=6.2, column=5.2, row=5.4)

    def find(image: Image, excluded: npt.NDArray[np.bool_] | None = None, **options: int) -> Structures:
        left_out = np.zeros(image.shape, dtype=bool) if excluded is None else excluded
        return findStructures(measureSignificance(image, left_out, AMPS), AMPS, thresholds, **options)

    return find
