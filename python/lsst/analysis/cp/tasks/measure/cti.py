# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A task that measures charge transfer inefficiencies."""

from __future__ import annotations

from typing import Any

import numpy as np

from lsst.analysis.cp.core.calibrations import (
    PARALLEL_LIMIT,
    SERIAL_LIMIT,
    SIGNAL_RANGE,
    averageInefficiency,
)
from lsst.pex.config import Field, ListField

from .measureCalib import MeasureCalibConfig, MeasureCalibConnections, MeasureCalibTask

__all__ = ["MeasureCtiConfig", "MeasureCtiTask"]


class MeasureCtiConfig(MeasureCalibConfig, pipelineConnections=MeasureCalibConnections):
    """Configuration of `MeasureCtiTask`."""

    signalRange = ListField[float](
        doc="Ends of the range of signals over which the inefficiencies are averaged (electron).",
        default=list(SIGNAL_RANGE),
        length=2,
    )
    serialLimit = Field[float](
        doc="Serial inefficiency of a transfer that is to be kept below.",
        default=SERIAL_LIMIT,
        check=lambda limit: limit > 0,
    )
    parallelLimit = Field[float](
        doc="Parallel inefficiency of a transfer that is to be kept below.",
        default=PARALLEL_LIMIT,
        check=lambda limit: limit > 0,
    )

    doMeasureParallel = Field[bool](
        doc="Measure the parallel inefficiencies? ip_isr of 2026-04-22 takes the serial overscan for them, "
        "so that those of calibrations made with it are left out.",
        default=False,
    )

    def setDefaults(self) -> None:
        """Name the columns."""
        super().setDefaults()
        self.stageName = "CTI"


class MeasureCtiTask(MeasureCalibTask):
    """Measure the inefficiencies of the amplifiers of a detector, of a `lsst.ip.isr.DeferredChargeCalib`."""

    ConfigClass = MeasureCtiConfig
    config: MeasureCtiConfig
    _DefaultName = "measureCti"
    product = "cti"

    def amplifierStatistics(
        self, inputCalib: Any, camera: Any = None, exposure: Any = None
    ) -> dict[str, dict[str, Any]]:
        """Measure each amplifier of the camera; what the calibration does not have is NaN."""
        low, high = self.config.signalRange
        scalars = {
            "GLOBAL_CTI": inputCalib.globalCti,
            "SERIAL_TURNOFF": inputCalib.serialCtiTurnoff,
            "PARALLEL_TURNOFF": inputCalib.parallelCtiTurnoff if self.config.doMeasureParallel else {},
            "DRIFT_SCALE": inputCalib.driftScale,
            "DECAY_TIME": inputCalib.decayTime,
        }
        measured = {}
        for amp in camera[inputCalib.getMetadata()["DETECTOR"]]:
            name = amp.getName()
            signals, serial, parallel = (
                np.asarray(vectors.get(name, ()), dtype=np.float64)
                for vectors in (inputCalib.signals, inputCalib.serialEper, inputCalib.parallelEper)
            )
            if not self.config.doMeasureParallel:
                parallel = np.full_like(signals, np.nan)
            measured[name] = {
                "SERIAL_CTI": averageInefficiency(signals, serial, (low, high)),
                "SERIAL_LIMIT": self.config.serialLimit,
                "PARALLEL_CTI": averageInefficiency(signals, parallel, (low, high)),
                "PARALLEL_LIMIT": self.config.parallelLimit,
                **{key: float(values.get(name, np.nan)) for key, values in scalars.items()},
            }
        return measured
