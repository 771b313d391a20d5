# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A task that makes what ISR makes of flats in the pipelines of cp_verify."""

__all__ = ["SimulateFlatIsrConfig", "SimulateFlatIsrTask"]

from typing import Any, override

import numpy as np

from lsst.pex.config import ConfigField, DictField, Field, RangeField

from .fault import FaultKind
from .flatFrames import FlatModel, FocalPlanePlace, addLight, makeCombinedFlat
from .isrStatistics import IsrStatisticsConfig, measureDivisadero, measurePercentiles
from .residual import DetectorResidual
from .scene import Scene
from .simulateBiasIsr import SimulateBiasIsrConfig, SimulateBiasIsrConnections, SimulateBiasIsrTask


class SimulateFlatIsrConfig(SimulateBiasIsrConfig, pipelineConnections=SimulateBiasIsrConnections):
    """Configuration of `SimulateFlatIsrTask`."""

    flux = RangeField(
        dtype=float, doc="Light at the centre of the focal plane (electron).", default=50_000.0, min=0
    )
    vignetting = RangeField(
        dtype=float, doc="Part of the light that is lost at the edge.", default=0.06, min=0, max=1
    )
    illuminationGradient = RangeField(
        dtype=float,
        doc="Range of the illumination from centre to edge, which the combined flat does not know.",
        default=0.005,
        min=0,
    )
    responseScatter = RangeField(
        dtype=float, doc="Scatter of the response of the pixels.", default=0.005, min=0
    )
    brighterFatter = Field[float](doc="Brighter-fatter coefficient a00 (1/electron).", default=-3e-6)
    fullWell = RangeField(dtype=float, doc="Electrons that a pixel holds.", default=150_000.0, min=0)
    vendorResponse = DictField[str, float](
        doc="Quantum efficiency times gain of the sensors of a vendor (physical type); 1 for all others.",
        default={"ITL": 0.96},
    )

    isrStats = ConfigField[IsrStatisticsConfig](doc="What ISR measures besides.")

    kinds = frozenset(
        {
            FaultKind.DEAD_AMPLIFIER,
            FaultKind.EXCESS_LIGHT,
            FaultKind.GAIN_STEP,
            FaultKind.MASKED_AMPLIFIER,
            FaultKind.MISSING_DETECTOR,
            FaultKind.TEARING,
        }
    )


class SimulateFlatIsrTask(SimulateBiasIsrTask):
    """Simulate one detector in one flat, divided by the combined flat."""

    ConfigClass = SimulateFlatIsrConfig
    config: SimulateFlatIsrConfig
    product = "FLAT"
    applied = ("BIAS", "DARK", "FLAT")
    combinedHasUnit = False
    measuresPixels = False
    _DefaultName = "simulateFlatIsr"

    @override
    def _simulate(self, scene: Scene) -> DetectorResidual:
        residual, model = super()._simulate(scene), self.config.fill(FlatModel)
        place = FocalPlanePlace.ofDetector(scene.detector, scene.camera)
        vendor = self.config.vendorResponse.get(scene.detector.getPhysicalType(), 1.0)
        for geometry in scene.geometries:
            response, combined = makeCombinedFlat(geometry, place, model, vendor, scene.commonStreams)
            if scene.isDead(geometry.name):
                combined[:] = 1
            else:
                pixels, variance = residual.image[geometry.pixels], residual.variance[geometry.pixels]
                addLight(pixels, response, geometry, place, model, scene)
                pixels /= combined
                variance /= combined**2
                variance += np.maximum(pixels, 0) / combined
            residual.percentiles[geometry.name] = measurePercentiles(combined, geometry.name, self.product)
        return residual

    @override
    def _measureStatistics(self, scene: Scene, residual: DetectorResidual) -> dict[str, Any]:
        measured = super()._measureStatistics(scene, residual)
        config = self.config.isrStats
        if config.doDivisaderoStatistics:
            measured["DIVISADERO"] = measureDivisadero(residual.image, scene.geometries, config)
        return measured
