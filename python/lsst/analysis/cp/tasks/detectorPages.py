# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A task that makes pages of each detector of a run from one stored table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lsst.analysis.cp.core import idColumn

from .ampAnalysis import (
    AmpAnalysisConfig,
    AmpAnalysisRunConfig,
    AmpAnalysisRunConnections,
    AmpAnalysisTask,
)
from .rafts import splitByDetector, storeByDetector
from .runner import ToolRunner, putOutputs, raiseFailures, runTools

if TYPE_CHECKING:
    from lsst.pipe.base import InputQuantizedConnection, OutputQuantizedConnection, QuantumContext

__all__ = ["DetectorPagesConfig", "DetectorPagesConnections", "DetectorPagesTask"]


class DetectorPagesConnections(AmpAnalysisRunConnections, dimensions={"instrument"}):
    """A table of the results of a run, and plots of each detector."""

    def __init__(self, *, config: AmpAnalysisConfig) -> None:
        super().__init__(config=config)
        storeByDetector(self)


class DetectorPagesConfig(AmpAnalysisRunConfig, pipelineConnections=DetectorPagesConnections):
    """Configuration of tools run on the results of each detector of a run."""


class DetectorPagesTask(AmpAnalysisTask):
    """Run tools on the results of each detector of a run, which are read and encoded once for all.

    The tools are called for each detector with rows, and get its id as ``detector`` besides what those of
    `AmpAnalysisTask` get. All pages that can be made are written, and then the quantum fails if a tool did.
    """

    ConfigClass = DetectorPagesConfig
    _DefaultName = "detectorPages"

    def runQuantum(
        self,
        butlerQC: QuantumContext,
        inputRefs: InputQuantizedConnection,
        outputRefs: OutputQuantizedConnection,
    ) -> None:
        """Make the pages and write them.

        Raises
        ------
        lsst.pipe.base.AnnotatedPartialOutputsError
            Raised if a tool failed.
        """
        inputs = butlerQC.get(inputRefs)
        info = self.parsePlotInfo(inputs, butlerQC.quantum.dataId)
        table = self.loadData(inputs.pop("data"))
        ids, present = idColumn(table["detector"], "detector")
        found = set(np.unique(ids[present]).tolist())
        data, arguments = self.encode(table, plotInfo=info, **inputs)
        info = arguments.pop("plotInfo")
        failures = self.listLeftOut()
        for detector, refs in splitByDetector(outputRefs).items():
            if detector in found:
                runner = ToolRunner(self.log, {**info, "detector": detector})
                outputs = runTools(self.config, data, runner, detector=detector, **arguments)
                putOutputs(butlerQC, outputs, refs.items(), runner)
                failures |= {f"{detector} {tool}": text for tool, text in runner.failures.items()}
        raiseFailures(self, failures)
