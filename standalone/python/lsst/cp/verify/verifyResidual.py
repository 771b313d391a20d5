# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What the verifications of biases and of darks of cp_verify (2026-04-22) have in common.

cp_verify spells it out in both. Formulae are its own: it implements sections 4.2 to 4.4 (biases) and 5.2 to
5.4 (darks) of DMTN-101 (https://dmtn-101.lsst.io). Differences: cosmic rays are found by
`lsst.pipe.tasks.repair` of this distribution, which see; more of them than can be handled is a failed
``PROCESSING`` test, where cp_verify with pipe_tasks of 2026 lets the quantum fail; ``READ_NOISE_CONSISTENT``
is absent, and not an error, if the header has no overscan residuals.
"""

from collections.abc import Mapping
from typing import Any, override

import numpy as np

from .verifyStats import CpVerifyStatsConfig, CpVerifyStatsConnections, CpVerifyStatsTask

__all__ = ["VerifyResidualConfig", "VerifyResidualTask"]

_MAX_DEVIATION = 0.05
"""Largest relative deviation that passes, as in cp_verify."""


class VerifyResidualConfig(CpVerifyStatsConfig, pipelineConnections=CpVerifyStatsConnections):
    """Configuration of `VerifyResidualTask`. A subclass sets ``stageName``."""

    @override
    def setDefaults(self) -> None:
        super().setDefaults()
        self.imageStatKeywords = {"MEAN": "MEAN", "NOISE": "STDEVCLIP"}
        self.crImageStatKeywords = {"CR_NOISE": "STDEV"}
        self.metadataStatKeywords = {"LSST ISR OVERSCAN RESIDUAL SERIAL STDEV": "READ_NOISE_ADU"}


class VerifyResidualTask(CpVerifyStatsTask):
    """Measure and test an exposure that is noise about zero after ISR."""

    ConfigClass = VerifyResidualConfig
    config: VerifyResidualConfig

    @override
    def verify(self, exposure: Any, statisticsDict: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
        gains = _getPerAmplifier(exposure, "GAIN", "getGain")
        read_noises = _getPerAmplifier(exposure, "READNOISE", "getReadNoise")
        overscan_noises = statisticsDict["METADATA"].get("READ_NOISE_ADU", {})
        results: dict[str, dict[str, bool]] = {}
        success = True
        for amp_name, statistics in statisticsDict["AMP"].items():
            result = _testAmplifier(statistics, read_noises[amp_name])
            result["SUCCESS"] = all(result.values())
            success = success and result["SUCCESS"]
            # Outside of SUCCESS: this tells of the read noise in the header rather than of the exposure.
            overscan_noise = gains[amp_name] * overscan_noises.get(amp_name, 0.0)
            if overscan_noise:
                excess = (overscan_noise - read_noises[amp_name]) / read_noises[amp_name]
                result["READ_NOISE_CONSISTENT"] = bool(
                    excess <= _MAX_DEVIATION and np.isfinite(overscan_noise)
                )
            results[amp_name] = result
        return {"AMP": results}, success

    @override
    def repackStats(
        self, statisticsDict: Mapping[str, Any], dimensions: Mapping[str, Any]
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]] | None]:
        row_base = {name: dimensions[name] for name in ("instrument", "exposure", "detector")}
        row_base["mjd"] = self._getMjd(statisticsDict)
        rows = self._packAmplifiers(statisticsDict, row_base)
        for amp_name, value in statisticsDict["METADATA"].get("READ_NOISE_ADU", {}).items():
            rows[amp_name][f"{self.config.stageName}_READ_NOISE_ADU"] = value
        if not self.config.useIsrStatistics:
            return list(rows.values()), None
        matrix_rows = self._packIsrStatistics(rows, statisticsDict["ISR"])
        return list(rows.values()), matrix_rows

    def _packIsrStatistics(
        self, rows: Mapping[str, dict[str, Any]], isr: Mapping[str, Any]
    ) -> list[dict[str, Any]] | None:
        """Add the percentiles of the combined calibration to the rows; a subclass adds more."""
        self._packPercentiles(rows, isr)
        return None


def _getPerAmplifier(exposure: Any, keyword: str, getter: str) -> dict[str, float]:
    """Read a value an amplifier from the header that ISR wrote, else from the camera."""
    header = exposure.getMetadata()
    values: dict[str, float] = {}
    for amp in exposure.getDetector():
        name = amp.getName()
        keys = [key for key in (f"LSST ISR {keyword} {name}", f"LSST {keyword} {name}") if key in header]
        values[name] = header[keys[0]] if keys else getattr(amp, getter)()
    return values


def _testAmplifier(statistics: Mapping[str, Any], readNoise: float) -> dict[str, bool]:
    """Test one amplifier; a statistic that is NaN fails its test."""
    noise, cleaned_noise = np.float64(statistics["NOISE"]), np.float64(statistics["CR_NOISE"])
    with np.errstate(divide="ignore", invalid="ignore"):
        result = {
            # DMTN-101 4.2, 5.2: the mean is zero within the noise of a pixel.
            "MEAN": bool(np.abs(statistics["MEAN"]) < noise),
            # DMTN-101 4.3, 5.3: the clipped noise is the nominal read noise.
            "NOISE": bool((noise - readNoise) / readNoise <= _MAX_DEVIATION),
            # DMTN-101 4.4, 5.4: rejection of cosmic rays does what clipping does.
            "CR_NOISE": bool(np.abs(noise - cleaned_noise) / cleaned_noise <= _MAX_DEVIATION),
        }
    if "FORCE_FAILURE" in statistics:
        result["PROCESSING"] = False
    return result
