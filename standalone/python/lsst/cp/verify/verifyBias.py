# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The verification of biases of cp_verify (2026-04-22)."""

from collections.abc import Mapping
from typing import Any, override

import numpy as np

import lsst.geom
from lsst.pex.config import Field
from lsst.standalone.pixelStatistics import ClipControl, Statistic, measurePixels

from .verifyResidual import VerifyResidualConfig, VerifyResidualTask
from .verifyStats import CpVerifyStatsConnections

__all__ = ["CpVerifyBiasConfig", "CpVerifyBiasTask"]


class CpVerifyBiasConfig(VerifyResidualConfig, pipelineConnections=CpVerifyStatsConnections):
    """Configuration of `CpVerifyBiasTask`."""

    ampCornerBoxSize = Field[int](
        doc="Side of the box in the readout corner of an amplifier (pixels).", default=200
    )

    @override
    def setDefaults(self) -> None:
        super().setDefaults()
        self.stageName = "BIAS"


class CpVerifyBiasTask(VerifyResidualTask):
    """Measure and test the residual of a bias exposure."""

    ConfigClass = CpVerifyBiasConfig
    config: CpVerifyBiasConfig
    distribution = "BIAS_DIST"
    _DefaultName = "cpVerifyBias"

    @override
    def imageStatistics(
        self, exposure: Any, uncorrectedExposure: Any, statControl: ClipControl
    ) -> dict[str, dict[str, Any]]:
        statistics = super().imageStatistics(exposure, uncorrectedExposure, statControl)
        bad_bits = exposure.mask.getPlaneBitMask(list(self.config.maskNameList))
        for amp in exposure.getDetector():
            view = exposure[_readoutCornerBox(amp, self.config.ampCornerBoxSize)]
            is_bad = (view.mask.array & bad_bits) != 0
            measured = measurePixels(view.image.array, is_bad, {Statistic.MEAN}, statControl)
            statistics[amp.getName()]["AMP_CORNER"] = measured[Statistic.MEAN]
        return statistics

    @override
    def _packIsrStatistics(
        self, rows: Mapping[str, dict[str, Any]], isr: Mapping[str, Any]
    ) -> list[dict[str, Any]] | None:
        stage = self.config.stageName
        for amp_name, shifts in isr["BIASSHIFT"].items():
            rows[amp_name][f"{stage}_BIAS_SHIFT_COUNT"] = len(shifts["BIAS_SHIFTS"])
            rows[amp_name][f"{stage}_BIAS_SHIFT_NOISE"] = shifts["LOCAL_NOISE"]
        super()._packIsrStatistics(rows, isr)
        if projections := isr.get("PROJECTION"):
            _addProfiles(rows, f"{stage}_SERIAL_PROF", projections["AMP_HPROJECTION"])
            _addProfiles(rows, f"{stage}_PARALLEL_PROF", projections["AMP_VPROJECTION"])
        return isr.get("AMPCORR")


def _readoutCornerBox(amp: Any, size: int) -> Any:
    """Place the box as cp_verify does: by the raw flips, and one pixel short of the far edges."""
    box = amp.getBBox()
    x_min = box.getMaxX() - size if amp.getRawFlipX() else box.getMinX()
    y_min = box.getMaxY() - size if amp.getRawFlipY() else box.getMinY()
    return lsst.geom.Box2I(lsst.geom.Point2I(x_min, y_min), lsst.geom.Extent2I(size, size))


def _addProfiles(rows: Mapping[str, dict[str, Any]], column: str, profiles: Mapping[str, Any]) -> None:
    """Add a vector column, padded with NaN to the longest profile."""
    length = max(len(profile) for profile in profiles.values())
    for amp_name, profile in profiles.items():
        padded = np.full(length, np.nan)
        padded[: len(profile)] = profile
        rows[amp_name][column] = padded
