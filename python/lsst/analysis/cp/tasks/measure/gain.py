# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A task that measures gains from pairs of flats."""

from __future__ import annotations

from typing import Any

import numpy as np

from lsst.analysis.cp.core.calibrations import chooseFlatPair, correctionFactor
from lsst.pex.config import Field

from .measureCalib import MeasureCalibConfig, MeasureCalibConnections, MeasureCalibTask

__all__ = ["MeasureGainConfig", "MeasureGainTask"]


class MeasureGainConfig(MeasureCalibConfig, pipelineConnections=MeasureCalibConnections):
    """Configuration of `MeasureGainTask`."""

    signal = Field[float](
        doc="Mean of the pair of flats that is wanted (adu). The nearest one is taken, at most a factor of "
        "two from it.",
        default=10_000.0,
        check=lambda signal: signal > 0,
    )

    def setDefaults(self) -> None:
        """Name the columns."""
        super().setDefaults()
        self.stageName = "GAIN"


class MeasureGainTask(MeasureCalibTask):
    """Measure the gains of the amplifiers of a detector from one pair of flats each.

    The pairs are those of a `lsst.ip.isr.PhotonTransferCurveDataset`. The statistics are what
    ``CpVerifyGainTask`` of cp_verify intends to store, and the gain of the fitted curve.
    """

    ConfigClass = MeasureGainConfig
    config: MeasureGainConfig
    _DefaultName = "measureGain"
    product = "gain"

    def amplifierStatistics(
        self, inputCalib: Any, camera: Any = None, exposure: Any = None
    ) -> dict[str, dict[str, Any]]:
        """Measure each amplifier of the camera; what the calibration does not have is NaN."""
        detector = camera[inputCalib.getMetadata()["DETECTOR"]]
        measured = {}
        for amp in detector:
            name = amp.getName()
            means, gains, noises = (
                np.asarray(vectors.get(name, ()), dtype=np.float64)
                for vectors in (inputCalib.rawMeans, inputCalib.gainList, inputCalib.noiseList)
            )
            used = np.asarray(inputCalib.expIdMask.get(name, ()), dtype=bool)
            pair = chooseFlatPair(means, gains, noises, used, signal=self.config.signal)
            factor = correctionFactor(pair.mean, detector.getPhysicalType())
            measured[name] = {
                "MEAN_FLUX_FLAT_PAIR": pair.mean,
                "GAIN_FROM_FLAT_PAIR": pair.gain,
                "GAIN_CORRECTION_FACTOR": factor,
                "CORRECTED": pair.gain * factor,
                "AMP_GAIN": amp.getGain(),
                "ISR_NOISE": pair.noise,
                "AMP_NOISE": amp.getReadNoise(),
                "PTC_GAIN": float(inputCalib.gain.get(name, np.nan)),
            }
        return measured
