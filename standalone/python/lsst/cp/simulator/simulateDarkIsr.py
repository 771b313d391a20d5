# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A task that makes what ISR makes of darks in the pipelines of cp_verify."""

__all__ = ["SimulateDarkIsrConfig", "SimulateDarkIsrTask"]

from dataclasses import replace
from typing import override

import numpy as np

from lsst.pex.config import RangeField

from .darkFrames import DarkModel, addCharge, makeCombinedDark
from .fault import FaultKind
from .frames import FrameModel
from .isrStatistics import measurePercentiles
from .residual import DetectorResidual
from .scene import Scene
from .simulateBiasIsr import SimulateBiasIsrConfig, SimulateBiasIsrConnections, SimulateBiasIsrTask

_COSMIC_RAY_TIME = 100.0
"""Time in which cosmic rays have their configured number (s)."""


class SimulateDarkIsrConfig(SimulateBiasIsrConfig, pipelineConnections=SimulateBiasIsrConnections):
    """Configuration of `SimulateDarkIsrTask`. The rate of cosmic rays is that of 100 s."""

    darkCurrent = RangeField(dtype=float, doc="Dark current (electron/s).", default=0.0005, min=0)
    hotFraction = RangeField(dtype=float, doc="Part of the pixels that are hot.", default=1e-4, min=0, max=1)
    glow = RangeField(
        dtype=float, doc="Glow at a corner of each detector (electron/s).", default=0.003, min=0
    )
    combinedTime = RangeField(
        dtype=float, doc="Dark time of the darks in the combined dark (s).", default=600.0, min=1
    )

    # The others are seen in statistics that darks do not have.
    kinds = (SimulateBiasIsrConfig.kinds | {FaultKind.EXCESS_DARK_CURRENT, FaultKind.LIGHT_LEAK}) - {
        FaultKind.BIAS_SHIFT,
        FaultKind.CORNER_GLOW,
        FaultKind.CORRELATED_AMPLIFIERS,
    }


class SimulateDarkIsrTask(SimulateBiasIsrTask):
    """Simulate one detector in one dark, less the combined dark times its dark time."""

    ConfigClass = SimulateDarkIsrConfig
    config: SimulateDarkIsrConfig
    product = "DARK"
    applied = ("BIAS", "DARK")
    measuresPixels = False
    _DefaultName = "simulateDarkIsr"

    @override
    def _makeModel(self, scene: Scene) -> FrameModel:
        model = super()._makeModel(scene)
        return replace(model, cosmicRayRate=model.cosmicRayRate * scene.darkTime / _COSMIC_RAY_TIME)

    @override
    def _simulate(self, scene: Scene) -> DetectorResidual:
        residual, model = super()._simulate(scene), self.config.fill(DarkModel)
        for geometry in scene.geometries:
            rate, combined = makeCombinedDark(geometry, model, scene.commonStreams)
            if scene.isDead(geometry.name):
                combined[:] = 0
            else:
                pixels = residual.image[geometry.pixels]
                addCharge(pixels, rate, geometry, scene)
                residual.variance[geometry.pixels] += np.maximum(pixels, 0)
                pixels -= np.float32(scene.darkTime) * combined
            residual.percentiles[geometry.name] = measurePercentiles(combined, geometry.name, self.product)
        return residual
