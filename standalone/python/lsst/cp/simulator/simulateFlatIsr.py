# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A task that makes what ISR makes of flats in the pipelines of cp_verify."""

__all__ = ["SimulateFlatIsrConfig", "SimulateFlatIsrTask"]

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, override

import numpy as np

from lsst.pex.config import DictField, Field, RangeField
from lsst.pipe.base import Struct

from .fault import Fault, FaultKind
from .flatFrames import FlatModel, FocalPlanePlace, addLight, makeCombinedFlat
from .frames import AmplifierGeometry
from .isrStatistics import measurePercentiles
from .randomStreams import RandomStreams
from .residual import DetectorResidual
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

    kinds = frozenset(
        {
            FaultKind.DEAD_AMPLIFIER,
            FaultKind.EXCESS_LIGHT,
            FaultKind.GAIN_STEP,
            FaultKind.MASKED_AMPLIFIER,
            FaultKind.MISSING_DETECTOR,
        }
    )

    def makeFlatModel(self) -> FlatModel:
        """Make the model of clean flats.

        Returns
        -------
        model
            Model with the values of this configuration.
        """
        return FlatModel(**{name: getattr(self, name) for name in FlatModel.__dataclass_fields__})


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
        model, place = self.config.makeFlatModel(), FocalPlanePlace.ofDetector(detector, camera)
        vendor = self.config.vendorResponse.get(detector.getPhysicalType(), 1.0)
        percentiles: dict[str, dict[str, float]] = {}
        for geometry in geometries:
            own = [fault for fault in faults if geometry.name in fault.amplifiers]
            response, combined = makeCombinedFlat(
                geometry, place, model, vendor, replace(streams, exposure=None)
            )
            if any(fault.kind is FaultKind.DEAD_AMPLIFIER for fault in own):
                combined[:] = 1
            else:
                pixels = result.residual.image[geometry.rows, geometry.columns]
                addLight(pixels, response, geometry, place, model, streams, own)
                pixels /= combined
                variance = result.variance[geometry.rows, geometry.columns]
                variance /= combined**2
                variance += np.maximum(pixels, 0) / combined
            percentiles[geometry.name] = measurePercentiles(combined, geometry.name, self.product)
        residual = DetectorResidual(result.residual.image, result.residual.overscans, percentiles)
        return Struct(residual=residual, variance=result.variance, isBad=result.isBad)
