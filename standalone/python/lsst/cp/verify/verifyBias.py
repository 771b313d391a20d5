# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The verification of biases of cp_verify (2026-04-22).

Formulae are those of cp_verify, which implements sections 4.2 to 4.4 of DMTN-101 (https://dmtn-101.lsst.io).
Differences: cosmic rays are found by `lsst.pipe.tasks.repair` of this distribution, which see; more of them
than can be handled is a failed ``PROCESSING`` test, where cp_verify with pipe_tasks of 2026 lets the quantum
fail; ``READ_NOISE_CONSISTENT`` is absent, and not an error, if the header has no overscan residuals.
"""

__all__ = ["CpVerifyBiasConfig", "CpVerifyBiasTask"]

from collections.abc import Mapping
from typing import Any, override

import numpy as np

import lsst.geom
from lsst.pex.config import Field
from lsst.standalone.pixelStatistics import ClipControl, Statistic, measurePixels

from .verifyStats import CpVerifyStatsConfig, CpVerifyStatsConnections, CpVerifyStatsTask

_MAX_DEVIATION = 0.05
"""Largest relative deviation that passes, as in cp_verify."""


class CpVerifyBiasConfig(CpVerifyStatsConfig, pipelineConnections=CpVerifyStatsConnections):
    """Configuration of `CpVerifyBiasTask`."""

    ampCornerBoxSize = Field[int](
        doc="Side of the box in the readout corner of an amplifier (pixels).", default=200
    )

    @override
    def setDefaults(self) -> None:
        super().setDefaults()
        self.stageName = "BIAS"
        self.imageStatKeywords = {"MEAN": "MEAN", "NOISE": "STDEVCLIP"}
        self.crImageStatKeywords = {"CR_NOISE": "STDEV"}
        self.metadataStatKeywords = {"LSST ISR OVERSCAN RESIDUAL SERIAL STDEV": "READ_NOISE_ADU"}


class CpVerifyBiasTask(CpVerifyStatsTask):
    """Measure and test the residual of a bias exposure."""

    ConfigClass = CpVerifyBiasConfig
    config: CpVerifyBiasConfig
    _DefaultName = "cpVerifyBias"

    @override
    def imageStatistics(self, exposure: Any) -> dict[str, dict[str, Any]]:
        statistics = super().imageStatistics(exposure)
        bad_bits = exposure.mask.getPlaneBitMask(list(self.config.maskNameList))
        control = ClipControl(self.config.numSigmaClip, self.config.clipMaxIter)
        for amp in exposure.getDetector():
            view = exposure[_readoutCornerBox(amp, self.config.ampCornerBoxSize)]
            is_bad = (view.mask.array & bad_bits) != 0
            measured = measurePixels(view.image.array, is_bad, {Statistic.MEAN}, control)
            statistics[amp.getName()]["AMP_CORNER"] = measured[Statistic.MEAN]
        return statistics

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
        stage = self.config.stageName
        row_base = {name: dimensions[name] for name in ("instrument", "exposure", "detector")}
        row_base["mjd"] = self._getMjd(statisticsDict)
        rows = self._packAmplifiers(statisticsDict, row_base)
        for amp_name, value in statisticsDict["METADATA"].get("READ_NOISE_ADU", {}).items():
            rows[amp_name][f"{stage}_READ_NOISE_ADU"] = value
        if not self.config.useIsrStatistics:
            return list(rows.values()), None
        isr = statisticsDict["ISR"]
        for amp_name, shifts in isr["BIASSHIFT"].items():
            rows[amp_name][f"{stage}_BIAS_SHIFT_COUNT"] = len(shifts["BIAS_SHIFTS"])
            rows[amp_name][f"{stage}_BIAS_SHIFT_NOISE"] = shifts["LOCAL_NOISE"]
        for amp_name, percentiles in isr["CALIBDIST"].items():
            for level in self.config.expectedDistributionLevels:
                key = f"LSST CALIB {stage.upper()} {amp_name} DISTRIBUTION {level}-PCT"
                rows[amp_name][f"{stage}_BIAS_DIST_{level}_PCT"] = percentiles[key]
        if projections := isr.get("PROJECTION"):
            _addProfiles(rows, f"{stage}_SERIAL_PROF", projections["AMP_HPROJECTION"])
            _addProfiles(rows, f"{stage}_PARALLEL_PROF", projections["AMP_VPROJECTION"])
        return list(rows.values()), isr.get("AMPCORR")


def _readoutCornerBox(amp: Any, size: int) -> Any:
    """Place the box as cp_verify does: by the raw flips, and one pixel short of the far edges."""
    box = amp.getBBox()
    x_min = box.getMaxX() - size if amp.getRawFlipX() else box.getMinX()
    y_min = box.getMaxY() - size if amp.getRawFlipY() else box.getMinY()
    return lsst.geom.Box2I(lsst.geom.Point2I(x_min, y_min), lsst.geom.Extent2I(size, size))


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
            # DMTN-101 4.2: the mean is zero within the noise of a pixel.
            "MEAN": bool(np.abs(statistics["MEAN"]) < noise),
            # DMTN-101 4.3: the clipped noise is the nominal read noise.
            "NOISE": bool((noise - readNoise) / readNoise <= _MAX_DEVIATION),
            # DMTN-101 4.4: rejection of cosmic rays does what clipping does.
            "CR_NOISE": bool(np.abs(noise - cleaned_noise) / cleaned_noise <= _MAX_DEVIATION),
        }
    if "FORCE_FAILURE" in statistics:
        result["PROCESSING"] = False
    return result


def _addProfiles(rows: Mapping[str, dict[str, Any]], column: str, profiles: Mapping[str, Any]) -> None:
    """Add a vector column, padded with NaN to the longest profile."""
    length = max(len(profile) for profile in profiles.values())
    for amp_name, profile in profiles.items():
        padded = np.full(length, np.nan)
        padded[: len(profile)] = profile
        rows[amp_name][column] = padded
