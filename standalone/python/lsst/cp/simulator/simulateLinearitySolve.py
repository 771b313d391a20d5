# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A task that makes what cp_pipe makes of linearized flats in the pipelines of cp_verify."""

__all__ = ["SimulateLinearitySolveConfig", "SimulateLinearitySolveTask"]

from typing import Any, override

from lsst.ip.isr import Linearizer
from lsst.pex.config import Field, ListField
from lsst.pipe.base import NoWorkFound, PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct
from lsst.pipe.base import connectionTypes as cT

from .fault import FaultKind, parseFaults, selectFaults
from .linearizers import simulateLinearizer

_PER_DETECTOR = ("instrument", "detector")


class SimulateLinearitySolveConnections(
    PipelineTaskConnections, dimensions=set(_PER_DETECTOR), defaultTemplates={}
):
    """The output of ``lsst.cp.verify.CpvLinearitySolveTask`` by its name; no curve is read."""

    camera = cT.PrerequisiteInput(
        name="camera",
        doc="Camera with the nominal gains.",
        storageClass="Camera",
        dimensions=("instrument",),
        isCalibration=True,
    )
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


class SimulateLinearitySolveConfig(PipelineTaskConfig, pipelineConnections=SimulateLinearitySolveConnections):
    """Configuration of `SimulateLinearitySolveTask`."""

    seed = Field[int](doc="Seed of all random numbers, with the data ID.", default=1)
    faults = ListField[str](
        doc="Faults, each as a line such as 'linearityChange detector:R22_S11 amplifiers:C00'; see "
        "lsst.cp.simulator.Fault.",
        default=[],
    )


class SimulateLinearitySolveTask(PipelineTask):
    """Simulate flats of one detector that its first linearizer has corrected, and fit the second."""

    ConfigClass = SimulateLinearitySolveConfig
    config: SimulateLinearitySolveConfig
    _DefaultName = "simulateLinearitySolve"

    @override
    def runQuantum(self, butlerQC: Any, inputRefs: Any, outputRefs: Any) -> None:
        inputs = butlerQC.get(inputRefs)
        butlerQC.put(self.run(**inputs, detector=butlerQC.quantum.dataId["detector"]), outputRefs)

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
        faults = selectFaults(parseFaults(self.config.faults), 0, own.getId(), own.getName())
        if any(fault.kind is FaultKind.MISSING_DETECTOR for fault in faults):
            raise NoWorkFound(f"detector {own.getName()} is missing")
        second = simulateLinearizer(own, camera, faults, seed=self.config.seed, first=linearizer)
        return Struct(outputLinearizer=second)
