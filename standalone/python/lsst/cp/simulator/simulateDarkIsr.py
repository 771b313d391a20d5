# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A task that makes what ISR makes of darks in the pipelines of cp_verify."""

__all__ = ["SimulateDarkIsrConfig", "SimulateDarkIsrTask"]

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, override

import numpy as np

from lsst.pex.config import RangeField
from lsst.pipe.base import Struct

from .darkFrames import DarkModel, addCharge, makeCombinedDark
from .fault import Fault, FaultKind
from .frames import AmplifierGeometry, FrameModel
from .isrStatistics import measurePercentiles
from .randomStreams import RandomStreams
from .residual import DetectorResidual
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

    def makeDarkModel(self) -> DarkModel:
        """Make the model of clean darks.

        Returns
        -------
        model
            Model with the values of this configuration.
        """
        return DarkModel(**{name: getattr(self, name) for name in DarkModel.__dataclass_fields__})


class SimulateDarkIsrTask(SimulateBiasIsrTask):
    """Simulate one detector in one dark, less the combined dark times its dark time."""

    ConfigClass = SimulateDarkIsrConfig
    config: SimulateDarkIsrConfig
    product = "DARK"
    applied = ("BIAS", "DARK")
    measuresPixels = False
    _DefaultName = "simulateDarkIsr"

    @override
    def _makeModel(self, darkTime: float) -> FrameModel:
        model = super()._makeModel(darkTime)
        return replace(model, cosmicRayRate=model.cosmicRayRate * darkTime / _COSMIC_RAY_TIME)

    @override
    def _simulate(
        self,
        detector: Any,
        camera: Any,
        geometries: list[AmplifierGeometry],
        streams: RandomStreams,
        faults: Sequence[Fault],
        darkTime: float,
    ) -> Struct:
        result = super()._simulate(detector, camera, geometries, streams, faults, darkTime)
        model, width = self.config.makeDarkModel(), result.residual.image.shape[1]
        percentiles: dict[str, dict[str, float]] = {}
        for geometry in geometries:
            own = [fault for fault in faults if not fault.amplifiers or geometry.name in fault.amplifiers]
            rate, combined = makeCombinedDark(geometry, model, replace(streams, exposure=None))
            if any(fault.kind is FaultKind.DEAD_AMPLIFIER for fault in own):
                combined[:] = 0
            else:
                pixels = result.residual.image[geometry.rows, geometry.columns]
                addCharge(pixels, rate, geometry, width, darkTime, streams, own)
                variance = result.variance[geometry.rows, geometry.columns]
                variance += np.maximum(pixels, 0)
                pixels -= np.float32(darkTime) * combined
            percentiles[geometry.name] = measurePercentiles(combined, geometry.name, self.product)
        residual = DetectorResidual(result.residual.image, result.residual.overscans, percentiles)
        return Struct(residual=residual, variance=result.variance, isBad=result.isBad)
