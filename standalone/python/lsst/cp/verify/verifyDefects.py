# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The verification of defects of cp_verify (2026-04-22).

Its quirks are kept: verdicts are in ``outputStats`` only, and the numbers of hot, cold and bad columns are
never filled. Differences: catalogues are refused, so that ``catalogStatKeywords`` has to be emptied as the
LSST pipelines do, and the exposure that is measured is not changed.
"""

__all__ = ["CpVerifyDefectsConfig", "CpVerifyDefectsConnections", "CpVerifyDefectsTask"]

from collections.abc import Mapping
from typing import Any, override

import numpy as np
import scipy.stats

from lsst.pipe.base import connectionTypes as cT
from lsst.standalone.pixelStatistics import ClipControl

from .verifyStats import CpVerifyStatsConfig, CpVerifyStatsConnections, CpVerifyStatsTask

_PER_DETECTOR = ("instrument", "exposure", "detector")


class CpVerifyDefectsConnections(CpVerifyStatsConnections, dimensions=set(_PER_DETECTOR)):
    """Connections of the verification of defects: those of any, and an exposure that is not corrected."""

    inputExp = cT.Input(
        name="icExp", doc="Exposure to measure.", storageClass="Exposure", dimensions=_PER_DETECTOR
    )
    uncorrectedExp = cT.Input(
        name="uncorrectedExp",
        doc="The same exposure without the correction of defects.",
        storageClass="Exposure",
        dimensions=_PER_DETECTOR,
    )


class CpVerifyDefectsConfig(CpVerifyStatsConfig, pipelineConnections=CpVerifyDefectsConnections):
    """Configuration of `CpVerifyDefectsTask`. What ``detectorStatKeywords`` holds is not used."""

    measured = tuple(name for name in CpVerifyStatsConfig.measured if name != "detectorStatKeywords")

    @override
    def setDefaults(self) -> None:
        super().setDefaults()
        self.stageName = "DEFECTS"
        self.maskNameList = ["BAD"]
        self.imageStatKeywords = {
            "DEFECT_PIXELS": "NMASKED",
            "OUTLIERS": "NCLIPPED",
            "MEDIAN": "MEDIAN",
            "STDEV": "STDEVCLIP",
            "MIN": "MIN",
            "MAX": "MAX",
        }
        self.unmaskedImageStatKeywords = {
            "UNMASKED_MIN": "MIN",
            "UNMASKED_MAX": "MAX",
            "UNMASKED_STDEV": "STDEVCLIP",
            "UNMASKED_OUTLIERS": "NCLIPPED",
        }
        self.uncorrectedImageStatKeywords = {
            f"UNC_{output}": statistic for output, statistic in self.imageStatKeywords.items()
        }
        self.catalogStatKeywords = {"empty": "dictionary"}
        self.detectorStatKeywords = {"empty": "dictionary"}


class CpVerifyDefectsTask(CpVerifyStatsTask):
    """Measure and test a flat with and without its defects."""

    ConfigClass = CpVerifyDefectsConfig
    config: CpVerifyDefectsConfig
    _DefaultName = "cpVerifyDefects"

    @override
    def detectorStatistics(
        self,
        statisticsDict: Mapping[str, Any],
        statControl: ClipControl,
        exposure: Any = None,
        uncorrectedExposure: Any = None,
    ) -> dict[str, float]:
        return {
            "NUM_COSMICS_BEFORE": _countMasked(uncorrectedExposure, "CR"),
            "NUM_COSMICS_AFTER": _countMasked(exposure, "CR"),
        }

    @override
    def imageStatistics(
        self, exposure: Any, uncorrectedExposure: Any, statControl: ClipControl
    ) -> dict[str, dict[str, Any]]:
        statistics = super().imageStatistics(exposure, uncorrectedExposure, statControl)
        for amp in exposure.getDetector():
            pixels, values = exposure[amp.getBBox()].image.array, statistics[amp.getName()]
            # An amplifier that is dead or masked has no deviation.
            with np.errstate(divide="ignore", invalid="ignore"):
                deviations = (pixels - np.float32(values["MEDIAN"])) / np.float32(values["STDEV"])
            improbable = scipy.stats.norm.pdf(deviations) < 1 / pixels.size
            values["STAT_OUTLIERS"] = int(np.count_nonzero(improbable))
            values["FRAC"] = values["DEFECT_PIXELS"] / pixels.size
        return statistics

    @override
    def verify(self, exposure: Any, statisticsDict: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
        amplifiers: dict[str, dict[str, bool]] = {}
        for amp_name, values in statisticsDict["AMP"].items():
            results = {
                "OUTLIERS": bool(values["UNMASKED_OUTLIERS"] >= values["OUTLIERS"]),
                "STDEV": bool(values["UNMASKED_STDEV"] >= values["STDEV"]),
                "MIN": bool(values["UNMASKED_MIN"] <= values["MIN"]),
                "MAX": bool(values["UNMASKED_MAX"] >= values["MAX"]),
                "PROB_TEST": bool(values["STAT_OUTLIERS"] == values["DEFECT_PIXELS"]),
            }
            amplifiers[amp_name] = results | {"SUCCESS": all(results.values())}
        return {"AMP": amplifiers}, all(results["SUCCESS"] for results in amplifiers.values())

    @override
    def repackStats(
        self, statisticsDict: Mapping[str, Any], dimensions: Mapping[str, Any]
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]] | None]:
        row_base = {name: dimensions[name] for name in _PER_DETECTOR}
        row_base["mjd"] = self._getMjd(statisticsDict)
        rows = self._packAmplifiers({**statisticsDict, "VERIFY": {}}, row_base)
        return [*rows.values(), {**row_base, f"{self.config.stageName}_N_BAD_COLUMNS": np.nan}], None


def _countMasked(exposure: Any, plane: str) -> int:
    return int(np.count_nonzero(exposure.mask.array & exposure.mask.getPlaneBitMask(plane)))
