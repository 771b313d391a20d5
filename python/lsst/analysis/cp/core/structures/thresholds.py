# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Thresholds of detection, from the number of false alarms that is accepted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import norm

from .significance import AmpSlices

__all__ = ["DetectionThresholds"]


@dataclass(frozen=True, kw_only=True)
class DetectionThresholds:
    """Thresholds on the absolute significance, in standard deviations.

    Parameters
    ----------
    pixel
        Threshold of a single pixel.
    column
        Threshold of the mean of a column within an amplifier.
    row
        Threshold of the mean of a row within an amplifier.
    neighbour
        Pixels beyond this that touch are one group: a pixel is single only if no neighbour exceeds it.
    extended
        Threshold of the measures of whole amplifiers: gradients, patterns, steps, glows. Their errors are
        measured on a few dozen correlated boxes, to about a tenth, so no Gaussian tail holds for them, and
        the threshold is set higher.
    """

    pixel: float
    column: float
    row: float
    neighbour: float = 4.5
    extended: float = 6.0

    @classmethod
    def fromBudget(
        cls, amps: Sequence[AmpSlices], *, budget: float = 0.01, pixelShare: float = 0.8
    ) -> DetectionThresholds:
        """Compute thresholds for a share of clean detectors with a false alarm.

        Each kind gets its part of the budget. Of N independent Gaussian numbers, the largest absolute value
        exceeds the threshold in that part of the detectors (Sidak 1967,
        doi:10.1080/01621459.1967.10482935). Nothing is measured on data.

        Parameters
        ----------
        amps
            Rows and columns of each amplifier of the detector.
        budget
            Share of clean detectors that may have a false alarm of a pixel or a column. Rows, which are not
            part of it, are given as much as columns.
        pixelShare
            Part of the budget that is given to pixels; columns have the rest.

        Returns
        -------
        thresholds
            The thresholds.

        Raises
        ------
        ValueError
            Raised if the budget or the share is not between 0 and 1, or there is no amplifier.
        """
        for name, value in (("budget", budget), ("share of pixels", pixelShare)):
            if not 0 < value < 1:
                raise ValueError(f"Expected a {name} between 0 and 1, got {value!r}.")
        if not amps:
            raise ValueError("Expected the rows and columns of at least one amplifier, got none.")
        heights = [rows.stop - rows.start for rows, _ in amps]
        widths = [columns.stop - columns.start for _, columns in amps]
        n_pixels = sum(h * w for h, w in zip(heights, widths, strict=True))
        line_budget = (1 - pixelShare) * budget
        return cls(
            pixel=_threshold(pixelShare * budget, n_pixels),
            column=_threshold(line_budget, sum(widths)),
            row=_threshold(line_budget, sum(heights)),
        )


def _threshold(budget: float, number: int) -> float:
    """Return what the largest absolute value of so many unit Gaussians exceeds with a probability."""
    # expm1 and log1p: the share of a single one is near 1e-10, which 1 - (1 - budget)**(1 / number) rounds.
    single = -math.expm1(math.log1p(-budget) / number)
    return float(norm.isf(single / 2))
