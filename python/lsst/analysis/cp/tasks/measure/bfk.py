# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A task that measures brighter-fatter kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

from lsst.analysis.cp.core.calibrations import measureKernel

from .measureCalib import MeasureCalibConfig, MeasureCalibConnections, MeasureCalibTask

__all__ = ["MeasureBfkConfig", "MeasureBfkTask"]


class MeasureBfkConfig(MeasureCalibConfig, pipelineConnections=MeasureCalibConnections):
    """Configuration of `MeasureBfkTask`."""

    def setDefaults(self) -> None:
        """Name the columns."""
        super().setDefaults()
        self.stageName = "BFK"


class MeasureBfkTask(MeasureCalibTask):
    """Measure the kernels of the amplifiers of a detector, of a `lsst.ip.isr.BrighterFatterKernel`."""

    ConfigClass = MeasureBfkConfig
    config: MeasureBfkConfig
    _DefaultName = "measureBfk"
    product = "bfk"

    def amplifierStatistics(
        self, inputCalib: Any, camera: Any = None, exposure: Any = None
    ) -> dict[str, dict[str, Any]]:
        """Measure each amplifier of the camera; what the calibration does not have is NaN."""
        measured = {}
        for amp in camera[inputCalib.getMetadata()["DETECTOR"]]:
            name = amp.getName()
            kernel, correlations = (
                measureKernel(np.asarray(arrays.get(name, ()), dtype=np.float64))
                for arrays in (inputCalib.ampKernels, inputCalib.meanXcorrs)
            )
            measured[name] = {
                "VALID": float(inputCalib.valid.get(name, np.nan)),
                "KERNEL_CENTRE": kernel.centre,
                "KERNEL_SUM": kernel.total,
                "KERNEL_EDGE": kernel.edge,
                "KERNEL_ASYMMETRY": kernel.asymmetry,
                "XCORR_CENTRE": correlations.centre,
                "XCORR_SUM": correlations.total,
            }
        return measured
