# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A verified run of which it is known what was injected."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from parts import Part

from lsst.cp.simulator import ExpectedResult, Fault
from lsst.daf.butler import Butler

__all__ = ["SimulatedRun"]


@dataclass(frozen=True)
class SimulatedRun:
    """Outputs of a pipeline, and what was put into its inputs.

    Parameters
    ----------
    butler
        Butler with the outputs in its default collections.
    part
        The part of the demonstration that it is.
    """

    butler: Butler
    part: Part

    @cached_property
    def faults(self) -> tuple[Fault, ...]:
        """Injected faults, of all kinds."""
        return self.part.readFaults()

    @cached_property
    def exposures(self) -> list[int]:
        """Ids of the simulated exposures; of a calibration that is verified, one 0."""
        return list(self.part.exposureIds)

    @cached_property
    def camera(self) -> Any:
        """The camera of the instrument."""
        name = self.part.camera.name
        return self.butler.get("camera", instrument=name, collections=f"{name}/defaults")

    @cached_property
    def expected(self) -> list[ExpectedResult]:
        """What verification has to find."""
        return self.part.product.expect(self.faults, self.camera, self.part.exposures)

    def get(self, name: str, exposure: int, **kwargs: Any) -> Any:
        """Read a dataset of an exposure, with the keyword arguments of `lsst.daf.butler.Butler.get`.

        The name may have ``{}`` for that of the product, and ``{output}`` for that of what judges it.
        """
        name = name.format(self.part.product.title, output=self.part.product.output)
        return self.butler.get(name, self.part.dataId(exposure), **kwargs)
