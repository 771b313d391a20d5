# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A task that measures the response of amplifiers to light."""

from __future__ import annotations

from typing import Any

import numpy as np

from lsst.analysis.cp.actions.linearity import correctSignals, linearizerType
from lsst.pex.config import Field

from .measureCalib import MeasureCalibConfig, MeasureCalibConnections, MeasureCalibTask

__all__ = ["MeasureResponseConfig", "MeasureResponseTask"]


class MeasureResponseConfig(MeasureCalibConfig, pipelineConnections=MeasureCalibConnections):
    """Configuration of `MeasureResponseTask`."""

    minSignal = Field[float](
        doc="Least signal of the flats whose deviation from linearity is looked at (electron).",
        default=1000.0,
        check=lambda signal: signal > 0,
    )

    def setDefaults(self) -> None:
        """Name the columns."""
        super().setDefaults()
        self.stageName = "RESPONSE"


class MeasureResponseTask(MeasureCalibTask):
    """Measure the response of the amplifiers of a detector, of a `lsst.ip.isr.Linearizer`."""

    ConfigClass = MeasureResponseConfig
    config: MeasureResponseConfig
    _DefaultName = "measureResponse"
    product = "response"

    def amplifierStatistics(
        self, inputCalib: Any, camera: Any = None, exposure: Any = None
    ) -> dict[str, dict[str, Any]]:
        """Measure each amplifier of the camera; what the calibration does not have is NaN."""
        measured = {}
        for amp in camera[inputCalib.getMetadata()["DETECTOR"]]:
            name = amp.getName()
            has_fit = linearizerType(inputCalib, name) != "None"
            numbers = {
                "TURNOFF": inputCalib.linearityTurnoff,
                "MAX_SIGNAL": inputCalib.linearityMaxSignal,
                "INPUT_GAIN": inputCalib.inputGain,
                "SCATTER": inputCalib.fitResidualsSigmaMad,
            }
            own = {key: float(values.get(name, np.nan)) for key, values in numbers.items()}
            own["SCATTER"] *= 100
            own["MAX_DEVIATION"] = self._findDeviation(inputCalib, name, own["INPUT_GAIN"])
            measured[name] = own if has_fit else dict.fromkeys(own, np.nan)
        return measured

    def _findDeviation(self, calib: Any, name: str, gain: float) -> float:
        """Find the largest deviation from linearity before the correction (percent)."""
        signals, residuals, used = (
            np.asarray(vectors.get(name, ()))
            for vectors in (calib.inputOrdinate, calib.fitResidualsUnmasked, calib.inputMask)
        )
        if not len(signals) == len(residuals) == len(used):
            return np.nan
        chosen = used.astype(bool) & (signals * gain >= self.config.minSignal)
        # What the calibration has of the residuals is after the correction.
        before = residuals[chosen] + correctSignals(calib, name, signals[chosen])
        deviations = 100 * np.abs(before / signals[chosen])
        return float(deviations.max()) if len(deviations) else np.nan
