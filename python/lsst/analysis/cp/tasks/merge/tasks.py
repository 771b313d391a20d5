# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The merge tasks of cp_verify, each followed by its analysis."""

from lsst.cp.verify import mergeResults, verifyFlat

from .analysis import MergeAnalysisMixin
from .config import (
    MergeAnalysisConfig,
    MergeAnalysisConnections,
    MergeOfDetectorsConnections,
    MergeOfExposuresConnections,
    joinConnections,
)

__all__ = [
    "CalibMergeAnalysisConfig",
    "CalibMergeAnalysisConnections",
    "CalibMergeAnalysisTask",
    "ExpMergeAnalysisConfig",
    "ExpMergeAnalysisConnections",
    "ExpMergeAnalysisTask",
    "ExpMergeByFilterAnalysisConfig",
    "ExpMergeByFilterAnalysisConnections",
    "ExpMergeByFilterAnalysisTask",
    "FlatExpMergeAnalysisConfig",
    "FlatExpMergeAnalysisTask",
    "RunMergeAnalysisConfig",
    "RunMergeAnalysisConnections",
    "RunMergeAnalysisTask",
    "RunMergeByFilterAnalysisConfig",
    "RunMergeByFilterAnalysisConnections",
    "RunMergeByFilterAnalysisTask",
    "VisitExpMergeAnalysisConfig",
    "VisitExpMergeAnalysisConnections",
    "VisitExpMergeAnalysisTask",
    "VisitRunMergeAnalysisConfig",
    "VisitRunMergeAnalysisConnections",
    "VisitRunMergeAnalysisTask",
]


ExpMergeAnalysisConnections = joinConnections(
    "ExpMergeAnalysisConnections",
    __name__,
    MergeOfDetectorsConnections,
    mergeResults.CpVerifyExpMergeConnections,
)
"""Connections of the merge of the detectors of an exposure."""


class ExpMergeAnalysisConfig(
    MergeAnalysisConfig, mergeResults.CpVerifyExpMergeConfig, pipelineConnections=ExpMergeAnalysisConnections
):
    """Configuration of the merge of the detectors of an exposure."""


class ExpMergeAnalysisTask(MergeAnalysisMixin, mergeResults.CpVerifyExpMergeTask):
    """Merge the detectors of an exposure, then analyse them."""

    ConfigClass = ExpMergeAnalysisConfig
    _DefaultName = "expMergeAnalysis"


RunMergeAnalysisConnections = joinConnections(
    "RunMergeAnalysisConnections",
    __name__,
    MergeOfExposuresConnections,
    mergeResults.CpVerifyRunMergeConnections,
)
"""Connections of the merge of the exposures of a run."""


class RunMergeAnalysisConfig(
    MergeAnalysisConfig, mergeResults.CpVerifyRunMergeConfig, pipelineConnections=RunMergeAnalysisConnections
):
    """Configuration of the merge of the exposures of a run."""


class RunMergeAnalysisTask(MergeAnalysisMixin, mergeResults.CpVerifyRunMergeTask):
    """Merge the exposures of a run, then analyse them."""

    ConfigClass = RunMergeAnalysisConfig
    mergesExposures = True
    _DefaultName = "runMergeAnalysis"


ExpMergeByFilterAnalysisConnections = joinConnections(
    "ExpMergeByFilterAnalysisConnections",
    __name__,
    MergeOfDetectorsConnections,
    mergeResults.CpVerifyExpMergeByFilterConnections,
)
"""Connections of the merge of the detectors of an exposure with its filter."""


class ExpMergeByFilterAnalysisConfig(
    MergeAnalysisConfig,
    mergeResults.CpVerifyExpMergeByFilterConfig,
    pipelineConnections=ExpMergeByFilterAnalysisConnections,
):
    """Configuration of the merge of the detectors of an exposure with its filter."""


class ExpMergeByFilterAnalysisTask(MergeAnalysisMixin, mergeResults.CpVerifyExpMergeByFilterTask):
    """Merge the detectors of an exposure with its filter, then analyse them."""

    # The parent has the configuration of the run merge, whose dimensions are others.
    ConfigClass = ExpMergeByFilterAnalysisConfig
    _DefaultName = "expMergeByFilterAnalysis"


class FlatExpMergeAnalysisConfig(
    MergeAnalysisConfig,
    verifyFlat.CpVerifyFlatExpMergeConfig,
    pipelineConnections=ExpMergeByFilterAnalysisConnections,
):
    """Configuration of the merge of the detectors of a flat."""


class FlatExpMergeAnalysisTask(MergeAnalysisMixin, verifyFlat.CpVerifyFlatExpMergeTask):
    """Merge the detectors of a flat, with what cp_verify measures of the exposure, then analyse them."""

    ConfigClass = FlatExpMergeAnalysisConfig
    _DefaultName = "flatExpMergeAnalysis"


RunMergeByFilterAnalysisConnections = joinConnections(
    "RunMergeByFilterAnalysisConnections",
    __name__,
    MergeOfExposuresConnections,
    mergeResults.CpVerifyRunMergeByFilterConnections,
)
"""Connections of the merge of the exposures of a run in one filter."""


class RunMergeByFilterAnalysisConfig(
    MergeAnalysisConfig,
    mergeResults.CpVerifyRunMergeByFilterConfig,
    pipelineConnections=RunMergeByFilterAnalysisConnections,
):
    """Configuration of the merge of the exposures of a run in one filter."""


class RunMergeByFilterAnalysisTask(MergeAnalysisMixin, mergeResults.CpVerifyRunMergeByFilterTask):
    """Merge the exposures of a run in one filter, then analyse them."""

    ConfigClass = RunMergeByFilterAnalysisConfig
    mergesExposures = True
    _DefaultName = "runMergeByFilterAnalysis"


VisitExpMergeAnalysisConnections = joinConnections(
    "VisitExpMergeAnalysisConnections",
    __name__,
    MergeOfDetectorsConnections,
    mergeResults.CpVerifyVisitExpMergeConnections,
)
"""Connections of the merge of the detectors of a visit."""


class VisitExpMergeAnalysisConfig(
    MergeAnalysisConfig,
    mergeResults.CpVerifyVisitExpMergeConfig,
    pipelineConnections=VisitExpMergeAnalysisConnections,
):
    """Configuration of the merge of the detectors of a visit."""

    epoch = "visit"


class VisitExpMergeAnalysisTask(MergeAnalysisMixin, mergeResults.CpVerifyVisitExpMergeTask):
    """Merge the detectors of a visit, then analyse them."""

    ConfigClass = VisitExpMergeAnalysisConfig
    _DefaultName = "visitExpMergeAnalysis"


VisitRunMergeAnalysisConnections = joinConnections(
    "VisitRunMergeAnalysisConnections",
    __name__,
    MergeOfExposuresConnections,
    mergeResults.CpVerifyVisitRunMergeConnections,
)
"""Connections of the merge of the visits of a run."""


class VisitRunMergeAnalysisConfig(
    MergeAnalysisConfig,
    mergeResults.CpVerifyVisitRunMergeConfig,
    pipelineConnections=VisitRunMergeAnalysisConnections,
):
    """Configuration of the merge of the visits of a run."""

    epoch = "visit"


class VisitRunMergeAnalysisTask(MergeAnalysisMixin, mergeResults.CpVerifyVisitRunMergeTask):
    """Merge the visits of a run, then analyse them."""

    ConfigClass = VisitRunMergeAnalysisConfig
    mergesExposures = True
    _DefaultName = "visitRunMergeAnalysis"


CalibMergeAnalysisConnections = joinConnections(
    "CalibMergeAnalysisConnections",
    __name__,
    MergeAnalysisConnections,
    mergeResults.CpVerifyCalibMergeConnections,
)
"""Connections of the merge of the detectors of a calibration without exposures."""


class CalibMergeAnalysisConfig(
    MergeAnalysisConfig,
    mergeResults.CpVerifyCalibMergeConfig,
    pipelineConnections=CalibMergeAnalysisConnections,
):
    """Configuration of the merge of the detectors of a calibration without exposures."""

    epoch = "none"


class CalibMergeAnalysisTask(MergeAnalysisMixin, mergeResults.CpVerifyCalibMergeTask):
    """Merge the detectors of a calibration without exposures, then analyse them."""

    ConfigClass = CalibMergeAnalysisConfig
    _DefaultName = "calibMergeAnalysis"
