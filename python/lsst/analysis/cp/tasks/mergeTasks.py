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

from .mergeAnalysis import MergeAnalysisMixin
from .mergeConfig import (
    MergeAnalysisConfig,
    MergeAnalysisConnections,
    MergeOfDetectorsConnections,
    MergeOfExposuresConnections,
)


class ExpMergeAnalysisConnections(
    MergeOfDetectorsConnections,
    CpVerifyExpMergeConnections,
    dimensions={"instrument", "exposure"},
    defaultTemplates={"outputName": "cpVerifyExp"},
):
    """Connections of a merge of the detectors of an exposure, and of its analysis."""


class ExpMergeAnalysisConfig(
    MergeAnalysisConfig, CpVerifyExpMergeConfig, pipelineConnections=ExpMergeAnalysisConnections
):
    """Configuration of a merge of the detectors of an exposure, and of its analysis."""


class ExpMergeAnalysisTask(MergeAnalysisMixin, CpVerifyExpMergeTask):
    """Merge the detectors of an exposure, then make metrics, tables and plots of them."""

    ConfigClass = ExpMergeAnalysisConfig
    _DefaultName = "expMergeAnalysis"


class RunMergeAnalysisConnections(
    MergeOfExposuresConnections,
    CpVerifyRunMergeConnections,
    dimensions={"instrument"},
    defaultTemplates={"outputName": "cpVerifyRun"},
):
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


class ExpMergeByFilterAnalysisConnections(
    MergeOfDetectorsConnections,
    CpVerifyExpMergeByFilterConnections,
    dimensions={"instrument", "exposure", "physical_filter"},
    defaultTemplates={"outputName": "cpVerifyExp"},
):
    """Connections of a merge of the detectors of an exposure, with its filter as a dimension, and of its analysis."""


class ExpMergeByFilterAnalysisConfig(
    MergeAnalysisConfig, CpVerifyExpMergeByFilterConfig, pipelineConnections=ExpMergeByFilterAnalysisConnections
):
    """Configuration of a merge of the detectors of an exposure, with its filter as a dimension, and of its analysis."""


class ExpMergeByFilterAnalysisTask(MergeAnalysisMixin, CpVerifyExpMergeByFilterTask):
    """Merge the detectors of an exposure, with its filter as a dimension, then make metrics, tables and plots of them."""

    ConfigClass = ExpMergeByFilterAnalysisConfig
    _DefaultName = "expMergeByFilterAnalysis"


class RunMergeByFilterAnalysisConnections(
    MergeOfExposuresConnections,
    CpVerifyRunMergeByFilterConnections,
    dimensions={"instrument", "physical_filter"},
    defaultTemplates={"outputName": "cpVerifyRun"},
):
    """Connections of a merge of the exposures of a run in one filter, and of its analysis."""


class RunMergeByFilterAnalysisConfig(
    MergeAnalysisConfig, CpVerifyRunMergeByFilterConfig, pipelineConnections=RunMergeByFilterAnalysisConnections
):
    """Configuration of a merge of the exposures of a run in one filter, and of its analysis."""


class RunMergeByFilterAnalysisTask(MergeAnalysisMixin, CpVerifyRunMergeByFilterTask):
    """Merge the exposures of a run in one filter, then make metrics, tables and plots of them."""

    ConfigClass = RunMergeByFilterAnalysisConfig
    mergesExposures = True
    _DefaultName = "runMergeByFilterAnalysis"


class VisitExpMergeAnalysisConnections(
    MergeOfDetectorsConnections,
    CpVerifyVisitExpMergeConnections,
    dimensions={"instrument", "visit"},
    defaultTemplates={"outputName": "cpVerifyExp"},
):
    """Connections of a merge of the detectors of a visit, and of its analysis."""


class VisitExpMergeAnalysisConfig(
    MergeAnalysisConfig, CpVerifyVisitExpMergeConfig, pipelineConnections=VisitExpMergeAnalysisConnections
):
    """Configuration of a merge of the detectors of a visit, and of its analysis."""


class VisitExpMergeAnalysisTask(MergeAnalysisMixin, CpVerifyVisitExpMergeTask):
    """Merge the detectors of a visit, then make metrics, tables and plots of them."""

    ConfigClass = VisitExpMergeAnalysisConfig
    _DefaultName = "visitExpMergeAnalysis"


class VisitRunMergeAnalysisConnections(
    MergeOfExposuresConnections,
    CpVerifyVisitRunMergeConnections,
    dimensions={"instrument"},
    defaultTemplates={"outputName": "cpVerifyRun"},
):
    """Connections of a merge of the visits of a run, and of its analysis."""


class VisitRunMergeAnalysisConfig(
    MergeAnalysisConfig, CpVerifyVisitRunMergeConfig, pipelineConnections=VisitRunMergeAnalysisConnections
):
    """Configuration of a merge of the visits of a run, and of its analysis."""


class VisitRunMergeAnalysisTask(MergeAnalysisMixin, CpVerifyVisitRunMergeTask):
    """Merge the visits of a run, then make metrics, tables and plots of them."""

    ConfigClass = VisitRunMergeAnalysisConfig
    mergesExposures = True
    _DefaultName = "visitRunMergeAnalysis"


class CalibMergeAnalysisConnections(
    MergeAnalysisConnections,
    CpVerifyCalibMergeConnections,
    dimensions={"instrument"},
    defaultTemplates={"outputName": "cpVerifyRun"},
):
    """Connections of a merge of the detectors of a calibration without exposures, and of its analysis."""


class CalibMergeAnalysisConfig(
    MergeAnalysisConfig, CpVerifyCalibMergeConfig, pipelineConnections=CalibMergeAnalysisConnections
):
    """Configuration of a merge of the detectors of a calibration without exposures, and of its analysis."""


class CalibMergeAnalysisTask(MergeAnalysisMixin, CpVerifyCalibMergeTask):
    """Merge the detectors of a calibration without exposures, then make metrics, tables and plots of them."""

    ConfigClass = CalibMergeAnalysisConfig
    hasExposures = False
    _DefaultName = "calibMergeAnalysis"


