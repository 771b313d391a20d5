# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A task that makes what cp_pipe makes of the exposures of crosstalk in the pipelines of cp_verify."""

__all__ = ["SimulateCrosstalkSolveConfig", "SimulateCrosstalkSolveTask"]

from typing import Any, override

from lsst.ip.isr import CrosstalkCalib
from lsst.pex.config import Field, ListField
from lsst.pipe.base import NoWorkFound, PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct
from lsst.pipe.base import connectionTypes as cT

from .crosstalks import measureCrosstalk
from .fault import FaultKind, parseFaults, selectFaults

_PER_DETECTOR = ("instrument", "detector")


class SimulateCrosstalkSolveConnections(
    PipelineTaskConnections, dimensions=set(_PER_DETECTOR), defaultTemplates={}
):
    """The output of ``lsst.cp.pipe.CrosstalkSolveTask`` by its name; no exposure is read."""

    camera = cT.PrerequisiteInput(
        name="camera",
        doc="Camera with the amplifiers.",
        storageClass="Camera",
        dimensions=("instrument",),
        isCalibration=True,
    )
    crosstalk = cT.PrerequisiteInput(
        name="crosstalk",
        doc="Coefficients by which the exposures were corrected.",
        storageClass="CrosstalkCalib",
        dimensions=_PER_DETECTOR,
        isCalibration=True,
    )
    outputCrosstalk = cT.Output(
        name="crosstalkProposal",
        doc="Coefficients that are left after the correction.",
        storageClass="CrosstalkCalib",
        dimensions=_PER_DETECTOR,
        isCalibration=True,
    )


class SimulateCrosstalkSolveConfig(PipelineTaskConfig, pipelineConnections=SimulateCrosstalkSolveConnections):
    """Configuration of `SimulateCrosstalkSolveTask`."""

    seed = Field[int](doc="Seed of all random numbers, with the data ID.", default=1)
    faults = ListField[str](
        doc="Faults, each as a line such as 'strongCrosstalk detector:R22_S11 amplifiers:C00,C01', the "
        "source first; see lsst.cp.simulator.Fault.",
        default=[],
    )


class SimulateCrosstalkSolveTask(PipelineTask):
    """Simulate what is left of the crosstalk of one detector after it was corrected."""

    ConfigClass = SimulateCrosstalkSolveConfig
    config: SimulateCrosstalkSolveConfig
    _DefaultName = "simulateCrosstalkSolve"

    @override
    def runQuantum(self, butlerQC: Any, inputRefs: Any, outputRefs: Any) -> None:
        inputs = butlerQC.get(inputRefs)
        butlerQC.put(self.run(**inputs, detector=butlerQC.quantum.dataId["detector"]), outputRefs)

    def run(self, camera: Any, crosstalk: CrosstalkCalib, detector: int) -> Struct:
        """Simulate.

        Parameters
        ----------
        camera
            Camera with the amplifiers.
        crosstalk
            Coefficients by which the exposures were corrected.
        detector
            Id of the detector.

        Returns
        -------
        outputCrosstalk : `lsst.ip.isr.CrosstalkCalib`
            Coefficients that are left.

        Raises
        ------
        lsst.pipe.base.NoWorkFound
            Raised if the detector is missing.
        """
        own = camera[detector]
        faults = selectFaults(parseFaults(self.config.faults), 0, own.getId(), own.getName())
        if any(fault.kind is FaultKind.MISSING_DETECTOR for fault in faults):
            raise NoWorkFound(f"detector {own.getName()} is missing")
        measured = measureCrosstalk(own, camera, crosstalk, faults, seed=self.config.seed)
        return Struct(outputCrosstalk=measured)
