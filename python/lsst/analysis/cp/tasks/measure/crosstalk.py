# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A task that measures the coefficients of crosstalk of each amplifier."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from lsst.analysis.cp.core.calibrations import N_SIGMA, TOLERANCE, Crosstalk
from lsst.pex.config import Field

from .measureCalib import MeasureCalibConfig, MeasureCalibConnections, MeasureCalibTask

__all__ = ["MeasureCrosstalkConfig", "MeasureCrosstalkTask"]

_STATISTICS = {
    "largestSeen": "LARGEST_SEEN",
    "largestSent": "LARGEST_SENT",
    "nDifferent": "N_DIFFERENT",
    "nSignificant": "N_SIGNIFICANT",
    "nNotMeasured": "N_NOT_MEASURED",
    "nSelf": "N_SELF",
}
"""Statistics of the catalogue by the fields of `lsst.analysis.cp.core.calibrations.CrosstalkAmps`."""


class MeasureCrosstalkConfig(MeasureCalibConfig, pipelineConnections=MeasureCalibConnections):
    """Configuration of `MeasureCrosstalkTask`."""

    nSigma = Field[float](
        doc="Standard errors that the absolute value of a coefficient has to exceed to differ from the "
        "reference.",
        default=N_SIGMA,
        check=lambda number: number > 0,
    )
    tolerance = Field[float](
        doc="Absolute value that it has to exceed as well.",
        default=TOLERANCE,
        check=lambda number: number >= 0,
    )

    def setDefaults(self) -> None:
        """Name the columns."""
        super().setDefaults()
        self.stageName = "CROSSTALK"


class MeasureCrosstalkTask(MeasureCalibTask):
    """Measure how the crosstalk of the amplifiers of a detector differs from the reference.

    The calibration is a `lsst.ip.isr.CrosstalkCalib` of what is left after the correction by the reference.
    """

    ConfigClass = MeasureCrosstalkConfig
    config: MeasureCrosstalkConfig
    _DefaultName = "measureCrosstalk"
    product = "crosstalkCoefficients"

    def amplifierStatistics(
        self, inputCalib: Any, camera: Any = None, exposure: Any = None
    ) -> dict[str, dict[str, Any]]:
        """Measure each amplifier of the camera; what the calibration does not have is NaN."""
        names = [amp.getName() for amp in camera[inputCalib.getMetadata()["DETECTOR"]]]
        crosstalk = Crosstalk.fromCalib(inputCalib, len(names))
        columns = asdict(crosstalk.summarizeAmps(self.config.nSigma, self.config.tolerance))
        return {
            name: {key: float(columns[field][i]) for field, key in _STATISTICS.items()}
            for i, name in enumerate(names)
        }
