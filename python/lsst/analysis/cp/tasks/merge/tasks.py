# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The seven merge tasks of cp_verify, each followed by its analysis."""

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

from lsst.cp.verify.mergeResults import (
    CpVerifyCalibMergeConfig,
    CpVerifyCalibMergeConnections,
    CpVerifyCalibMergeTask,
    CpVerifyExpMergeByFilterConfig,
    CpVerifyExpMergeByFilterConnections,
    CpVerifyExpMergeByFilterTask,
    CpVerifyExpMergeConfig,
    CpVerifyExpMergeConnections,
    CpVerifyExpMergeTask,
    CpVerifyRunMergeByFilterConfig,
    CpVerifyRunMergeByFilterConnections,
    CpVerifyRunMergeByFilterTask,
    CpVerifyRunMergeConfig,
    CpVerifyRunMergeConnections,
    CpVerifyRunMergeTask,
    CpVerifyVisitExpMergeConfig,
    CpVerifyVisitExpMergeConnections,
    CpVerifyVisitExpMergeTask,
    CpVerifyVisitRunMergeConfig,
    CpVerifyVisitRunMergeConnections,
    CpVerifyVisitRunMergeTask,
)

from .analysis import MergeAnalysisMixin
from .config import (
    MergeAnalysisConfig,
    MergeAnalysisConnections,
    MergeOfDetectorsConnections,
    MergeOfExposuresConnections,
    joinConnections,
)

ExpMergeAnalysisConnections = joinConnections(
    "ExpMergeAnalysisConnections",
    MergeOfDetectorsConnections,
    CpVerifyExpMergeConnections,
    outputName="cpVerifyExp",
)
"""Connections of a merge of the detectors of an exposure, and of its analysis."""


class ExpMergeAnalysisConfig(
    MergeAnalysisConfig, CpVerifyExpMergeConfig, pipelineConnections=ExpMergeAnalysisConnections
):
    """Configuration of a merge of the detectors of an exposure, and of its analysis."""


class ExpMergeAnalysisTask(MergeAnalysisMixin, CpVerifyExpMergeTask):
    """Merge the detectors of an exposure, then make metrics, tables and plots of them."""

    ConfigClass = ExpMergeAnalysisConfig
    _DefaultName = "expMergeAnalysis"


RunMergeAnalysisConnections = joinConnections(
    "RunMergeAnalysisConnections",
    MergeOfExposuresConnections,
    CpVerifyRunMergeConnections,
    outputName="cpVerifyRun",
)
"""Connections of a merge of the exposures of a run, and of its analysis."""


class RunMergeAnalysisConfig(
    MergeAnalysisConfig, CpVerifyRunMergeConfig, pipelineConnections=RunMergeAnalysisConnections
):
    """Configuration of a merge of the exposures of a run, and of its analysis."""


class RunMergeAnalysisTask(MergeAnalysisMixin, CpVerifyRunMergeTask):
    """Merge the exposures of a run, then make metrics, tables and plots of them."""

    ConfigClass = RunMergeAnalysisConfig
    mergesExposures = True
    _DefaultName = "runMergeAnalysis"


ExpMergeByFilterAnalysisConnections = joinConnections(
    "ExpMergeByFilterAnalysisConnections",
    MergeOfDetectorsConnections,
    CpVerifyExpMergeByFilterConnections,
    outputName="cpVerifyExp",
)
"""Connections of a merge of the detectors of an exposure with its filter, and of its analysis."""


class ExpMergeByFilterAnalysisConfig(
    MergeAnalysisConfig,
    CpVerifyExpMergeByFilterConfig,
    pipelineConnections=ExpMergeByFilterAnalysisConnections,
):
    """Configuration of a merge of the detectors of an exposure with its filter, and of its analysis."""


class ExpMergeByFilterAnalysisTask(MergeAnalysisMixin, CpVerifyExpMergeByFilterTask):
    """Merge the detectors of an exposure with its filter, then make metrics, tables and plots of them."""

    # The parent has the configuration of the run merge, whose dimensions are others.
    ConfigClass = ExpMergeByFilterAnalysisConfig
    _DefaultName = "expMergeByFilterAnalysis"


RunMergeByFilterAnalysisConnections = joinConnections(
    "RunMergeByFilterAnalysisConnections",
    MergeOfExposuresConnections,
    CpVerifyRunMergeByFilterConnections,
    outputName="cpVerifyRun",
)
"""Connections of a merge of the exposures of a run in one filter, and of its analysis."""


class RunMergeByFilterAnalysisConfig(
    MergeAnalysisConfig,
    CpVerifyRunMergeByFilterConfig,
    pipelineConnections=RunMergeByFilterAnalysisConnections,
):
    """Configuration of a merge of the exposures of a run in one filter, and of its analysis."""


class RunMergeByFilterAnalysisTask(MergeAnalysisMixin, CpVerifyRunMergeByFilterTask):
    """Merge the exposures of a run in one filter, then make metrics, tables and plots of them."""

    ConfigClass = RunMergeByFilterAnalysisConfig
    mergesExposures = True
    _DefaultName = "runMergeByFilterAnalysis"


VisitExpMergeAnalysisConnections = joinConnections(
    "VisitExpMergeAnalysisConnections",
    MergeOfDetectorsConnections,
    CpVerifyVisitExpMergeConnections,
    outputName="cpVerifyExp",
)
"""Connections of a merge of the detectors of a visit, and of its analysis."""


class VisitExpMergeAnalysisConfig(
    MergeAnalysisConfig, CpVerifyVisitExpMergeConfig, pipelineConnections=VisitExpMergeAnalysisConnections
):
    """Configuration of a merge of the detectors of a visit, and of its analysis."""

    epoch = "visit"


class VisitExpMergeAnalysisTask(MergeAnalysisMixin, CpVerifyVisitExpMergeTask):
    """Merge the detectors of a visit, then make metrics, tables and plots of them."""

    ConfigClass = VisitExpMergeAnalysisConfig
    _DefaultName = "visitExpMergeAnalysis"


VisitRunMergeAnalysisConnections = joinConnections(
    "VisitRunMergeAnalysisConnections",
    MergeOfExposuresConnections,
    CpVerifyVisitRunMergeConnections,
    outputName="cpVerifyRun",
)
"""Connections of a merge of the visits of a run, and of its analysis."""


class VisitRunMergeAnalysisConfig(
    MergeAnalysisConfig, CpVerifyVisitRunMergeConfig, pipelineConnections=VisitRunMergeAnalysisConnections
):
    """Configuration of a merge of the visits of a run, and of its analysis."""

    epoch = "visit"


class VisitRunMergeAnalysisTask(MergeAnalysisMixin, CpVerifyVisitRunMergeTask):
    """Merge the visits of a run, then make metrics, tables and plots of them."""

    ConfigClass = VisitRunMergeAnalysisConfig
    mergesExposures = True
    _DefaultName = "visitRunMergeAnalysis"


CalibMergeAnalysisConnections = joinConnections(
    "CalibMergeAnalysisConnections",
    MergeAnalysisConnections,
    CpVerifyCalibMergeConnections,
    outputName="cpVerifyRun",
)
"""Connections of a merge of the detectors of a calibration without exposures, and of its analysis."""


class CalibMergeAnalysisConfig(
    MergeAnalysisConfig, CpVerifyCalibMergeConfig, pipelineConnections=CalibMergeAnalysisConnections
):
    """Configuration of a merge of the detectors of a calibration without exposures, and of its analysis."""

    epoch = "none"


class CalibMergeAnalysisTask(MergeAnalysisMixin, CpVerifyCalibMergeTask):
    """Merge the detectors of a calibration without exposures, then make metrics, tables and plots of them."""

    ConfigClass = CalibMergeAnalysisConfig
    _DefaultName = "calibMergeAnalysis"
