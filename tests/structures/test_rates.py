# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""False alarms and completeness of a few dozen detectors, at thresholds that are fixed beforehand."""

import numpy as np
import pytest
from scipy.stats import binom

from lsst.analysis.cp.core.structures import DetectionThresholds, findStructures, measureSignificance

E2V = tuple(
    (slice(2002 * row, 2002 * row + 2002), slice(512 * column, 512 * column + 512))
    for row in range(2)
    for column in range(8)
)
NOISE = np.array([3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0])


def find(image, amps, thresholds):
    excluded = np.zeros(image.shape, dtype=bool)
    return findStructures(measureSignificance(image, excluded, amps), amps, thresholds, maxPerKind=10**5)


def test_false_alarms_keep_the_budget(makeFrame, amps):
    budget, n_detectors = 0.4, 40
    thresholds = DetectionThresholds.fromBudget(amps, budget=budget, pixelShare=0.5)
    alarms = sum(
        len(find(makeFrame(seed, NOISE), amps, thresholds).select("pixel", "column")) > 0
        for seed in range(1000, 1000 + n_detectors)
    )
    # A tenth of the noise is common to rows, which columns do not see: fewer than the budget is no fault.
    assert binom.sf(alarms - 1, n_detectors, budget) > 0.001
    assert binom.cdf(alarms, n_detectors, budget) > 0.001


@pytest.mark.parametrize(("height", "least"), [(8, 0.95), (10, 0.999)])
def test_pixels_are_found(makeFrame, amps, height, least):
    thresholds = DetectionThresholds.fromBudget(E2V)
    n_found = n_injected = 0
    for seed in range(2000, 2010):
        rng = np.random.default_rng(seed)
        image = makeFrame(seed, NOISE)
        truth = set()
        for amp, sigma in zip(amps, NOISE, strict=True):
            for y0 in range(8, 296, 12):
                y, x = amp[0].start + y0, amp[1].start + int(rng.integers(8, 248))
                image[y, x] += rng.choice([-1, 1]) * height * sigma
                truth.add((x, y))
        pixels = find(image, amps, thresholds).select("pixel")
        n_found += len(truth & set(zip(pixels.x.tolist(), pixels.y.tolist(), strict=True)))
        n_injected += len(truth)
    assert binom.cdf(n_found, n_injected, least) > 0.01


@pytest.mark.parametrize(("height", "least"), [(7, 0.95), (9, 0.999)])
def test_columns_are_found(makeFrame, amps, height, least):
    thresholds = DetectionThresholds.fromBudget(E2V)
    n_found = n_injected = 0
    for seed in range(3000, 3020):
        rng = np.random.default_rng(seed)
        image = makeFrame(seed, NOISE)
        truth = set()
        for i, (amp, sigma) in enumerate(zip(amps, NOISE, strict=True)):
            for x in 2 * rng.choice(128, 3, replace=False):
                image[amp][:, x] += rng.choice([-1, 1]) * height * sigma / np.sqrt(300)
                truth.add((i, float(amp[1].start + x)))
        columns = find(image, amps, thresholds).select("column")
        n_found += len(truth & set(zip(columns.amplifier.tolist(), columns.x.tolist(), strict=True)))
        n_injected += len(truth)
    assert binom.cdf(n_found, n_injected, least) > 0.01
