# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A verified run of which it is known what was injected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lsst.cp.simulator import Fault
from lsst.daf.butler import Butler

__all__ = ["SimulatedRun"]


@dataclass(frozen=True)
class SimulatedRun:
    """Outputs of a pipeline, and what was put into its inputs.

    Parameters
    ----------
    butler
        Butler with the outputs in its default collections.
    instrument
        Name of the instrument.
    faults
        Injected faults, of all kinds.
    exposures
        Ids of the simulated exposures.
    """

    butler: Butler
    instrument: str
    faults: Sequence[Fault]
    exposures: Sequence[int]

    @cached_property
    def camera(self) -> Any:
        """The camera of the instrument."""
        collections = f"{self.instrument}/defaults"
        return self.butler.get("camera", instrument=self.instrument, collections=collections)

    def get(self, name: str, exposure: int, **kwargs: Any) -> Any:
        """Read a dataset of an exposure, with the keyword arguments of `lsst.daf.butler.Butler.get`."""
        return self.butler.get(name, {"instrument": self.instrument, "exposure": exposure}, **kwargs)
