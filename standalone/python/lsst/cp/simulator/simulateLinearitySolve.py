# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A task that makes what cp_pipe makes of linearized flats in the pipelines of cp_verify."""

__all__ = ["SimulateLinearitySolveConfig", "SimulateLinearitySolveTask"]

from typing import Any

from lsst.ip.isr import Linearizer
from lsst.pipe.base import Struct
from lsst.pipe.base import connectionTypes as cT

from .linearizers import simulateLinearizer
from .simulateSolve import SimulateSolveConfig, SimulateSolveConnections, SimulateSolveTask

_PER_DETECTOR = ("instrument", "detector")


class SimulateLinearitySolveConnections(
    SimulateSolveConnections, dimensions=set(_PER_DETECTOR), defaultTemplates={}
):
    """The output of ``lsst.cp.verify.CpvLinearitySolveTask`` by its name; no curve is read."""

    linearizer = cT.PrerequisiteInput(
        name="linearizer",
        doc="Linearizer by which the flats were corrected.",
        storageClass="Linearizer",
        dimensions=_PER_DETECTOR,
        isCalibration=True,
    )
    outputLinearizer = cT.Output(
        name="cpvLinearity",
        doc="Linearizer of what is left.",
        storageClass="Linearizer",
        dimensions=_PER_DETECTOR,
        isCalibration=True,
    )


class SimulateLinearitySolveConfig(
    SimulateSolveConfig, pipelineConnections=SimulateLinearitySolveConnections
):
    """Configuration of `SimulateLinearitySolveTask`."""


class SimulateLinearitySolveTask(SimulateSolveTask):
    """Simulate flats of one detector that its first linearizer has corrected, and fit the second."""

    ConfigClass = SimulateLinearitySolveConfig
    _DefaultName = "simulateLinearitySolve"

    def run(self, camera: Any, linearizer: Linearizer, detector: int) -> Struct:
        """Simulate.

        Parameters
        ----------
        camera
            Camera with the nominal gains.
        linearizer
            Linearizer by which the flats were corrected.
        detector
            Id of the detector.

        Returns
        -------
        outputLinearizer : `lsst.ip.isr.Linearizer`
            Linearizer of what is left.

        Raises
        ------
        lsst.pipe.base.NoWorkFound
            Raised if the detector is missing.
        """
        own = camera[detector]
        faults = self.findFaults(own)
        second = simulateLinearizer(own, camera, faults, seed=self.config.seed, first=linearizer)
        return Struct(outputLinearizer=second)
