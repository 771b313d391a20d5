# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The verification of flats of cp_verify (2026-04-22), and the merge of their detectors.

Formulae are its own, which it numbers 10.X to 10.Z. As there, the standard deviation of the detectors of an
exposure is compared with 0.05 in electrons, so that it fails for all exposures of more than one detector.
"""

__all__ = [
    "CpVerifyFlatConfig",
    "CpVerifyFlatExpMergeConfig",
    "CpVerifyFlatExpMergeTask",
    "CpVerifyFlatTask",
]

from collections.abc import Mapping, Sequence
from typing import Any, override

import numpy as np

from lsst.standalone.pixelStatistics import ClipControl, Statistic, measurePixels

from .mergeConnections import CpVerifyExpMergeByFilterConnections
from .mergeResults import CpVerifyExpMergeByFilterConfig, CpVerifyExpMergeByFilterTask
from .verifyStats import CpVerifyStatsConfig, CpVerifyStatsConnections, CpVerifyStatsTask

_MAX_SCATTER = 0.05
"""Largest scatter that passes, as in cp_verify: a fraction for a detector, electrons for an exposure."""


class CpVerifyFlatConfig(CpVerifyStatsConfig, pipelineConnections=CpVerifyStatsConnections):
    """Configuration of `CpVerifyFlatTask`."""

    @override
    def setDefaults(self) -> None:
        super().setDefaults()
        self.stageName = "FLAT"
        self.imageStatKeywords = {"MEAN": "MEAN", "NOISE": "STDEVCLIP"}
        self.detectorStatKeywords = {"MEAN": "MEAN", "SCATTER": "STDEV"}


class CpVerifyFlatTask(CpVerifyStatsTask):
    """Measure and test the amplifiers of a flat, and the scatter of their means."""

    ConfigClass = CpVerifyFlatConfig
    config: CpVerifyFlatConfig
    distribution = "FLAT_DIST"
    _DefaultName = "cpVerifyFlat"

    @override
    def detectorStatistics(
        self,
        statisticsDict: Mapping[str, Any],
        statControl: ClipControl,
        exposure: Any = None,
        uncorrectedExposure: Any = None,
    ) -> dict[str, float]:
        means = np.array([statistics["MEAN"] for statistics in statisticsDict["AMP"].values()])
        keywords = {output: Statistic[name] for output, name in self.config.detectorStatKeywords.items()}
        measured = measurePixels(means, np.zeros(means.shape, bool), set(keywords.values()), statControl)
        return {output: measured[statistic] for output, statistic in keywords.items()}

    @override
    def verify(self, exposure: Any, statisticsDict: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
        amplifiers: dict[str, dict[str, bool]] = {}
        # A comparison with NaN is False: a mean below 0 fails.
        with np.errstate(divide="ignore", invalid="ignore"):
            for amp_name, statistics in statisticsDict["AMP"].items():
                passed = bool(statistics["NOISE"] <= np.sqrt(np.float64(statistics["MEAN"])))
                amplifiers[amp_name] = {"NOISE": passed, "SUCCESS": passed}
            detector = statisticsDict["DET"]
            passed = bool(np.float64(detector["SCATTER"]) / detector["MEAN"] <= _MAX_SCATTER)
        success = passed and all(results["SUCCESS"] for results in amplifiers.values())
        return {"AMP": amplifiers, "DET": {"SCATTER": passed, "SUCCESS": passed}}, success

    @override
    def repackStats(
        self, statisticsDict: Mapping[str, Any], dimensions: Mapping[str, Any]
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]] | None]:
        names = ("instrument", "exposure", "detector", "physical_filter")
        row_base = {name: dimensions[name] for name in names} | {"mjd": self._getMjd(statisticsDict)}
        rows = self._packAmplifiers(statisticsDict, row_base)
        if self.config.useIsrStatistics:
            self._packPercentiles(rows, statisticsDict["ISR"])
        stage, verdicts = self.config.stageName, statisticsDict["VERIFY"]["DET"]
        of_detector = dict(row_base)
        for name, value in statisticsDict["DET"].items():
            of_detector[f"{stage}_DET_{name}"] = value
            if name in verdicts:
                of_detector[f"{stage}_DET_VERIFY_{name}"] = verdicts[name]
        return [*rows.values(), of_detector], None


class CpVerifyFlatExpMergeConfig(
    CpVerifyExpMergeByFilterConfig, pipelineConnections=CpVerifyExpMergeByFilterConnections
):
    """Configuration of `CpVerifyFlatExpMergeTask`."""

    @override
    def setDefaults(self) -> None:
        super().setDefaults()
        self.statKeywords = {"EXPOSURE_SCATTER": "STDEV"}


class CpVerifyFlatExpMergeTask(CpVerifyExpMergeByFilterTask):
    """Merge the detectors of a flat, and test the scatter of their means."""

    ConfigClass = CpVerifyFlatExpMergeConfig
    _DefaultName = "cpVerifyFlatExpMerge"

    @override
    def calcStatistics(self, statisticsDict: Mapping[Any, Mapping[str, Any]]) -> dict[str, Any]:
        return {"SCATTER": float(np.std([stats["DET"]["MEAN"] for stats in statisticsDict.values()]))}

    @override
    def verify(
        self, detectorStatistics: Mapping[Any, Mapping[str, Any]], statisticsDictionary: Mapping[Any, Any]
    ) -> tuple[dict[str, Any], bool]:
        passed = bool(statisticsDictionary["EXP"]["SCATTER"] <= _MAX_SCATTER)
        return {"EXP": {"SCATTER": passed}}, passed

    @override
    def pack(
        self, statisticsDict: Mapping[Any, Any], dimensions: Sequence[Mapping[str, Any]], outKey: str
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]] | None]:
        # As in cp_verify the row has the first of the detectors, and no filter.
        row = {name: dimensions[0][name] for name in ("instrument", "exposure", "detector")}
        for name, value in statisticsDict[outKey].items():
            row[f"{self.config.stageName}_{name}"] = value
            row[f"{self.config.stageName}_VERIFY_{name}"] = statisticsDict["VERIFY"][outKey][name]
        return [row], None
