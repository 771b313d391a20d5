# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The base of tasks that simulate what is left in exposures after a calibration was applied."""

__all__ = ["SimulateSolveConfig", "SimulateSolveConnections", "SimulateSolveTask"]

import abc
from collections.abc import Sequence
from typing import Any, override

from lsst.pex.config import Field, ListField
from lsst.pipe.base import NoWorkFound, PipelineTask, PipelineTaskConfig, PipelineTaskConnections
from lsst.pipe.base import connectionTypes as cT

from .fault import Fault, FaultKind, parseFaults, selectFaults


class SimulateSolveConnections(
    PipelineTaskConnections, dimensions={"instrument", "detector"}, defaultTemplates={}
):
    """The camera; no exposure and no curve is read."""

    camera = cT.PrerequisiteInput(
        name="camera",
        doc="Camera with the amplifiers and their nominal gains.",
        storageClass="Camera",
        dimensions=("instrument",),
        isCalibration=True,
    )


class SimulateSolveConfig(PipelineTaskConfig, pipelineConnections=SimulateSolveConnections):
    """Configuration of a task that simulates what a calibration has left."""

    seed = Field[int](doc="Seed of all random numbers, with the data ID.", default=1)
    faults = ListField[str](
        doc="Faults, each as a line such as 'linearityChange detector:R22_S11 amplifiers:C00'; see "
        "lsst.cp.simulator.Fault.",
        default=[],
    )


class SimulateSolveTask(PipelineTask, abc.ABC):
    """Simulate what a calibration has left in the exposures of one detector."""

    ConfigClass = SimulateSolveConfig
    config: SimulateSolveConfig

    @override
    def runQuantum(self, butlerQC: Any, inputRefs: Any, outputRefs: Any) -> None:
        inputs = butlerQC.get(inputRefs)
        butlerQC.put(self.run(**inputs, detector=butlerQC.quantum.dataId["detector"]), outputRefs)

    def findFaults(self, detector: Any) -> Sequence[Fault]:
        """Find the faults of a detector.

        Parameters
        ----------
        detector
            The detector.

        Returns
        -------
        faults
            Its faults.

        Raises
        ------
        lsst.pipe.base.NoWorkFound
            Raised if the detector is missing.
        """
        faults = selectFaults(parseFaults(self.config.faults), 0, detector.getId(), detector.getName())
        if any(fault.kind is FaultKind.MISSING_DETECTOR for fault in faults):
            raise NoWorkFound(f"detector {detector.getName()} is missing")
        return faults
