# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A task that makes what cp_pipe makes of the exposures of crosstalk in the pipelines of cp_verify."""

__all__ = ["SimulateCrosstalkSolveConfig", "SimulateCrosstalkSolveTask"]

from typing import Any

from lsst.ip.isr import CrosstalkCalib
from lsst.pipe.base import Struct
from lsst.pipe.base import connectionTypes as cT

from .crosstalks import measureCrosstalk
from .simulateSolve import SimulateSolveConfig, SimulateSolveConnections, SimulateSolveTask

_PER_DETECTOR = ("instrument", "detector")


class SimulateCrosstalkSolveConnections(
    SimulateSolveConnections, dimensions=set(_PER_DETECTOR), defaultTemplates={}
):
    """The output of ``lsst.cp.pipe.CrosstalkSolveTask`` by its name; no exposure is read."""

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


class SimulateCrosstalkSolveConfig(
    SimulateSolveConfig, pipelineConnections=SimulateCrosstalkSolveConnections
):
    """Configuration of `SimulateCrosstalkSolveTask`."""


class SimulateCrosstalkSolveTask(SimulateSolveTask):
    """Simulate what is left of the crosstalk of one detector after it was corrected."""

    ConfigClass = SimulateCrosstalkSolveConfig
    _DefaultName = "simulateCrosstalkSolve"

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
        faults = self.findFaults(own)
        measured = measureCrosstalk(own, camera, crosstalk, faults, seed=self.config.seed)
        return Struct(outputCrosstalk=measured)
