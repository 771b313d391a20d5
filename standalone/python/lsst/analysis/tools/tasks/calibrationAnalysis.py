# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""The task that runs tools on the results of a whole verification run."""

__all__ = ["VerifyCalibAnalysisConfig", "VerifyCalibAnalysisTask"]

from lsst.analysis.tools.interfaces import AnalysisBaseConfig, AnalysisBaseConnections, AnalysisPipelineTask
from lsst.pipe.base import connectionTypes


class VerifyCalibAnalysisConnections(
    AnalysisBaseConnections,
    dimensions=("instrument",),
    defaultTemplates={"inputName": "verifyBiasResults"},
):
    """Connections of `VerifyCalibAnalysisTask`."""

    data = connectionTypes.Input(
        doc="Table containing bias verification data to load from the butler",
        name="verifyBiasResults",
        storageClass="ArrowAstropy",
        dimensions=("instrument",),
        deferLoad=True,
    )

    camera = connectionTypes.PrerequisiteInput(
        doc="Input camera to use for focal plane geometry.",
        name="camera",
        storageClass="Camera",
        dimensions=("instrument",),
        isCalibration=True,
    )


class VerifyCalibAnalysisConfig(AnalysisBaseConfig, pipelineConnections=VerifyCalibAnalysisConnections):
    """Configuration of `VerifyCalibAnalysisTask`."""


class VerifyCalibAnalysisTask(AnalysisPipelineTask):
    """Run tools on the merged results of a run."""

    ConfigClass = VerifyCalibAnalysisConfig
    _DefaultName = "verifyCalibAnalysis"
