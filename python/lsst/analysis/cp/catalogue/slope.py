# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Declarations of statistics that grow with a time of the exposures."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TIMES", "Slope"]

TIMES = {"darkTime": "dark time", "exposureTime": "exposure time"}
"""Times of exposures that statistics may grow with, in words; all are in seconds."""


@dataclass(frozen=True, kw_only=True)
class Slope:
    """A statistic of amplifiers that grows with a time of the exposures of a run.

    Parameters
    ----------
    product
        Name of the product that is verified.
    key
        Name of the slope (``"CURRENT"``), unique among the tests and slopes of its product.
    test
        Key of the test or stored statistic that has the statistic.
    against
        The time, a key of `TIMES`.
    unit
        Unit of the slope, as astropy spells it.
    label
        What the slope is, in a few words for the axes of plots, without unit.
    description
        What the slope means, in one sentence.
    """

    product: str
    key: str
    test: str
    against: str
    unit: str
    label: str
    description: str

    @property
    def toolName(self) -> str:
        """Name of the tool that measures it (``"darkCurrent"``)."""
        return self.product + "".join(word.capitalize() for word in self.key.split("_"))
