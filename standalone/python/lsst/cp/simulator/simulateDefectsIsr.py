# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A task that makes what ISR makes of flats with defects in the pipelines of cp_verify."""

__all__ = ["SimulateDefectsIsrConfig", "SimulateDefectsIsrTask", "listExpectedDefectsResults"]

from collections.abc import Iterable, Sequence
from typing import Any, override

import numpy as np

from lsst.pex.config import Field, RangeField

from .defectPixels import DefectModel, addDefects
from .fault import Fault, FaultKind
from .residual import DetectorResidual
from .scene import Scene
from .simulateBiasIsr import SimulateBiasIsrConnections
from .simulateFlatIsr import SimulateFlatIsrConfig, SimulateFlatIsrTask
from .truth import ExpectedResult, listExpectedResults

_TESTS = frozenset({"OUTLIERS_LEFT", "GOOD_MASKED"})
"""Tests that tell whether a mask is right. Those of cp_verify pass always, or by chance."""


class SimulateDefectsIsrConfig(SimulateFlatIsrConfig, pipelineConnections=SimulateBiasIsrConnections):
    """Configuration of `SimulateDefectsIsrTask`."""

    doDefect = Field[bool](doc="Mask defects? They are in the pixels in any case.", default=True)
    numHotPixels = RangeField(dtype=int, doc="Number of hot pixels of an amplifier.", default=12, min=0)
    columnFraction = RangeField(
        dtype=float,
        doc="Part of the amplifiers with a bright column, and of those with a dark one.",
        default=0.125,
        min=0,
        max=1,
    )
    excess = Field[float](doc="Height of hot pixels and bright columns (electron).", default=8000.0)
    darkResponse = RangeField(
        dtype=float, doc="What is left of the light in a dark column.", default=0.3, min=0, max=1
    )

    kinds = frozenset(
        {
            FaultKind.MASKED_AMPLIFIER,
            FaultKind.MISSING_DETECTOR,
            FaultKind.OVER_MASKED,
            FaultKind.UNMASKED_COLUMN,
        }
    )

    @override
    def setDefaults(self) -> None:
        super().setDefaults()
        # Flats are short.
        self.cosmicRayRate = 0.2


class SimulateDefectsIsrTask(SimulateFlatIsrTask):
    """Simulate one detector in one flat, with defects and the mask of these, and without interpolation."""

    ConfigClass = SimulateDefectsIsrConfig
    config: SimulateDefectsIsrConfig
    _DefaultName = "simulateDefectsIsr"

    @override
    def _simulate(self, scene: Scene) -> DetectorResidual:
        residual, model = super()._simulate(scene), self.config.fill(DefectModel)
        noise = np.sqrt(self.config.flux)
        for geometry in scene.geometries:
            masked = addDefects(residual.image[geometry.pixels], geometry, model, noise, scene)
            if self.config.doDefect:
                residual.isBad[geometry.pixels] |= masked
        return residual


def listExpectedDefectsResults(
    faults: Iterable[Fault], camera: Any, exposures: Sequence[int]
) -> list[ExpectedResult]:
    """List what has to be found of faults of masks.

    Parameters
    ----------
    faults
        Faults of the simulation, of the kinds of defects.
    camera
        The camera.
    exposures
        IDs of the simulated exposures.

    Returns
    -------
    expected
        As `listExpectedResults` returns them, with failures of the tests that tell whether a mask is right. A
        fully masked amplifier has no result.

    Raises
    ------
    ValueError
        Raised if a fault does not fit the camera or is too weak to be certain.
    """
    return listExpectedResults(faults, camera, exposures, tests=_TESTS)
