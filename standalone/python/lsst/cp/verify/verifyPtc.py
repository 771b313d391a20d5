# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The verification of photon transfer curves of cp_verify (2026-04-22), DMTN-101 16.1 to 16.4.

As there, statistics that begin with the prefix of the columns get it twice, and an amplifier whose pairs are
all masked has what the fits of its covariances begin with: slope 1, offset 0, success.
"""

__all__ = ["CpVerifyPtcConfig", "CpVerifyPtcTask"]

from collections.abc import Iterator, Mapping
from typing import Any, override

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares

from lsst.pex.config import Field

from .verifyCalib import CpVerifyCalibConfig, CpVerifyCalibConnections, CpVerifyCalibTask

_LAGS = ((1, 0), (0, 1), (1, 1), (2, 0), (0, 2))
"""Lags of the covariances that are stored."""


class CpVerifyPtcConfig(CpVerifyCalibConfig, pipelineConnections=CpVerifyCalibConnections):
    """Configuration of `CpVerifyPtcTask`."""

    gainThreshold = Field[float](
        doc="Largest difference of the gain from the nominal one (percent).", default=5.0
    )
    noiseThreshold = Field[float](
        doc="Largest difference of the noise from the nominal read noise (percent).", default=5.0
    )
    turnoffThreshold = Field[float](doc="Turnoff that has to be exceeded (electron).", default=90000)
    a00MinITL = Field[float](doc="Lower end of a00 of ITL sensors (1/electron).", default=-4.56e-6)
    a00MaxITL = Field[float](doc="Upper end of a00 of ITL sensors (1/electron).", default=6.91e-7)
    a00MinE2V = Field[float](doc="Lower end of a00 of E2V sensors (1/electron).", default=-3.52e-6)
    a00MaxE2V = Field[float](doc="Upper end of a00 of E2V sensors (1/electron).", default=-2.61e-6)

    @override
    def setDefaults(self) -> None:
        super().setDefaults()
        self.stageName = "PTC"


class CpVerifyPtcTask(CpVerifyCalibTask):
    """Test the photon transfer curves of the amplifiers of a detector."""

    ConfigClass = CpVerifyPtcConfig
    config: CpVerifyPtcConfig
    _DefaultName = "cpVerifyPtc"

    @override
    def amplifierStatistics(self, inputCalib: Any, camera: Any = None) -> dict[str, dict[str, Any]]:
        metadata = inputCalib.getMetadata()
        return {
            amp.getName(): dict(_measure(inputCalib, amp, metadata["PTC_FIT_TYPE"]))
            for amp in camera[metadata["DETECTOR"]]
        }

    @override
    def verify(
        self, calib: Any, statisticsDict: Mapping[str, Any], camera: Any = None
    ) -> tuple[dict[str, Any], bool]:
        limits = self._findLimits(calib.getMetadata()["DET_SER"].split("-")[0])
        results = {}
        for name, statistics in statisticsDict["AMP"].items():
            gain, noise = statistics["PTC_GAIN"], statistics["PTC_NOISE"]
            noises = calib.noiseList[name][calib.expIdMask[name]]
            passed = {
                "PTC_GAIN": _differ(gain, statistics["AMP_GAIN"]) < self.config.gainThreshold,
                "PTC_NOISE": _differ(noise, statistics["AMP_NOISE"]) < self.config.noiseThreshold,
                # What cp_verify calls a reduced chi squared is the standard deviation.
                "NOISE_SIGNAL_INDEPENDENCE": len(noises) > 0 and np.std(noises) < 1.25,
                "PTC_TURNOFF": statistics["PTC_TURNOFF"] * gain > self.config.turnoffThreshold,
            }
            if "PTC_BFE_A00" in statistics:
                passed["PTC_BFE_A00"] = limits[0] < statistics["PTC_BFE_A00"] < limits[1]
            results[name] = {key: bool(value) for key, value in passed.items()}
            results[name]["SUCCESS"] = all(results[name].values())
        return {"AMP": results}, all(own["SUCCESS"] for own in results.values())

    def _findLimits(self, vendor: str) -> tuple[float, float]:
        """Find the range of a00 of a vendor."""
        if vendor not in ("ITL", "E2V"):
            raise RuntimeError(f"Detector type {vendor} not one of 'ITL' or 'E2V'")
        return getattr(self.config, f"a00Min{vendor}"), getattr(self.config, f"a00Max{vendor}")


def _differ(value: float, nominal: float) -> float:
    """Compare with a nominal value (percent)."""
    return abs(value - nominal) / nominal * 100


def _measure(calib: Any, amp: Any, fitType: str) -> Iterator[tuple[str, Any]]:
    """Yield the statistics of an amplifier by name."""
    name = amp.getName()
    gain, used, means = calib.gain[name], calib.expIdMask[name], calib.rawMeans[name]
    yield from (("PTC_GAIN", float(gain)), ("AMP_GAIN", amp.getGain()))
    yield from (("PTC_NOISE", float(calib.noise[name])), ("AMP_NOISE", amp.getReadNoise()))
    yield "PTC_TURNOFF", float(calib.ptcTurnoff[name])
    yield "PTC_FIT_TYPE", fitType
    yield "PTC_ROW_MEAN_VARIANCE", calib.rowMeanVariance[name]
    yield "PTC_MAX_RAW_MEANS", float(np.nanmax(means))
    yield from (("PTC_RAW_MEANS", means), ("PTC_RAW_VARIANCE", calib.rawVars[name]))
    yield from (("PTC_FINAL_MEANS", calib.finalMeans[name]), ("PTC_FINAL_VARIANCE", calib.finalVars[name]))
    yield "PTC_EXP_ID_MASK", used
    covariances = {f"PTC_COV_{i}{j}": calib.covariances[name][:, i, j] for i, j in _LAGS}
    yield from covariances.items()
    for key, values in covariances.items():
        fit = _fitLine(means[used], values[used])
        yield from ((f"{key}_FIT_SLOPE", float(fit.x[0])), (f"{key}_FIT_OFFSET", float(fit.x[1])))
        yield f"{key}_FIT_SUCCESS", bool(fit.success)
    if fitType == "EXPAPPROXIMATION":
        yield "PTC_BFE_A00", float(calib.ptcFitPars[name][0])
    elif fitType == "FULLCOVARIANCE":
        yield "PTC_BFE_A00", float(calib.aMatrix[name][0, 0])
    with np.errstate(invalid="ignore"):
        of_rows = np.sum(calib.rowMeanVariance[name][used] * gain**2)
        of_light = np.sum(2 * means[used] * gain / amp.getBBox().getWidth())
        yield "PTC_ROW_MEAN_VARIANCE_SLOPE", float(np.float64(of_rows) / of_light)


def _fitLine(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> Any:
    """Fit a straight line that outliers do not draw."""
    derivative = np.stack([-x, np.full_like(x, -1.0)], axis=1)
    return least_squares(
        lambda line: y - (line[0] * x + line[1]), [1.0, 0.0], lambda line: derivative, loss="cauchy"
    )
