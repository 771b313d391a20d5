# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The exposure merge of flats of cp_verify (2026-04-22); ``CpVerifyFlatTask`` is left out."""

__all__ = ["CpVerifyFlatExpMergeConfig", "CpVerifyFlatExpMergeTask"]

from collections.abc import Mapping, Sequence
from typing import Any, override

import numpy as np

from .mergeResults import CpVerifyExpMergeByFilterConfig, CpVerifyExpMergeByFilterTask

_MAX_SCATTER = 0.05
"""Largest scatter between detectors that passes; in the unit of the flat, as in cp_verify."""


class CpVerifyFlatExpMergeConfig(CpVerifyExpMergeByFilterConfig):
    """Configuration of the merge of the detectors of one flat exposure."""

    @override
    def setDefaults(self) -> None:
        super().setDefaults()
        self.statKeywords = {"EXPOSURE_SCATTER": "STDEV"}


class CpVerifyFlatExpMergeTask(CpVerifyExpMergeByFilterTask):
    """Merge the detectors of one flat exposure and measure their scatter.

    Notes
    -----
    As in cp_verify, the scatter is the standard deviation of the detectors' means without division by their
    mean, and the added row has the detector of the first input.
    """

    ConfigClass = CpVerifyFlatExpMergeConfig
    _DefaultName = "cpVerifyFlatExpMerge"

    @override
    def calcStatistics(self, statisticsDict: Mapping[Any, Mapping[str, Any]]) -> dict[str, Any]:
        means = [stats["DET"]["MEAN"] for stats in statisticsDict.values()]
        return {"SCATTER": float(np.std(means))}

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
        row = {name: dimensions[0][name] for name in ("instrument", "exposure", "detector")}
        for test, value in statisticsDict[outKey].items():
            row[f"{self.config.stageName}_{test}"] = value
            row[f"{self.config.stageName}_VERIFY_{test}"] = statisticsDict["VERIFY"][outKey][test]
        return [row], None
