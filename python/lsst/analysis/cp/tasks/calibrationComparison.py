# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A task that runs tools on two calibrations of a detector, from different runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from lsst.analysis.cp.core.calibrations import checkDetector
from lsst.pipe.base import InputQuantizedConnection, NoWorkFound, OutputQuantizedConnection, QuantumContext

from .detectorCalibration import (
    DetectorCalibrationConfig,
    DetectorCalibrationConnections,
    DetectorCalibrationTask,
)
from .runner import ToolRunner, describeInputs, putOutputs, raiseFailures, runTools

if TYPE_CHECKING:
    from lsst.daf.butler import DataCoordinate, DatasetRef, DatasetType, Registry

__all__ = ["CalibrationComparisonConfig", "CalibrationComparisonConnections", "CalibrationComparisonTask"]


class CalibrationComparisonConnections(DetectorCalibrationConnections, dimensions={"instrument", "detector"}):
    """The calibrations of a detector from the first two runs of the input collections, and the camera."""

    def __init__(self, *, config: CalibrationComparisonConfig) -> None:
        super().__init__(config=config)
        # An ordinary search finds one calibration, however many runs have one.
        self.redeclare("data", lookupFunction=findOfTwoRuns)
        self.inputs.discard("verifyConfig")


class CalibrationComparisonConfig(
    DetectorCalibrationConfig, pipelineConnections=CalibrationComparisonConnections
):
    """Configuration of tools run on two calibrations of one detector."""


class CalibrationComparisonTask(DetectorCalibrationTask):
    """Run tools on two calibrations of one detector.

    They get them as ``calibrationsByRun``, by the names of the RUN collections in their alphabetical order,
    which is that of time where the names are alike.
    """

    ConfigClass = CalibrationComparisonConfig
    _DefaultName = "calibrationComparison"

    def runQuantum(
        self,
        butlerQC: QuantumContext,
        inputRefs: InputQuantizedConnection,
        outputRefs: OutputQuantizedConnection,
    ) -> None:
        """Run the tools, and write what they make.

        Raises
        ------
        lsst.pipe.base.NoWorkFound
            Raised if there are not two calibrations.
        ValueError
            Raised if one of them is of another detector.
        lsst.pipe.base.AnnotatedPartialOutputsError
            Raised if a tool failed.
        """
        inputs = butlerQC.get(inputRefs)
        handles = sorted(inputs["data"], key=lambda handle: handle.ref.run)
        if len(handles) != 2:
            runs = ", ".join(handle.ref.run for handle in handles) or "none"
            raise NoWorkFound(f"calibrations of {butlerQC.quantum.dataId} to compare are of {runs}")
        info = describeInputs([handle.ref for handle in handles], butlerQC.quantum.dataId)
        runner = ToolRunner(self.log, info)
        calibrations = {handle.ref.run: handle.get() for handle in handles}
        for calib in calibrations.values():
            checkDetector(calib, int(handles[0].dataId["detector"]))
        data = {"calibrationsByRun": calibrations}
        outputs = runTools(self.config, data, runner, camera=inputs["camera"])
        putOutputs(butlerQC, outputs, outputRefs, runner)
        raiseFailures(self, runner.failures)


def findOfTwoRuns(
    datasetType: DatasetType, registry: Registry, dataId: DataCoordinate, collections: Sequence[str]
) -> Iterable[DatasetRef]:
    """Find the datasets of the first two runs that have one; certified ones are of the run that made them."""
    found: dict[str, DatasetRef] = {}
    for name in registry.queryCollections(collections, flattenChains=True):
        for ref in registry.queryDatasets(datasetType, collections=name, dataId=dataId, findFirst=False):
            found.setdefault(ref.run, ref)
    return list(found.values())[:2]
