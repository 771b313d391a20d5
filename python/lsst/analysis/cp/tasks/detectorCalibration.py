# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A task that runs tools on the calibration of a detector itself."""

from __future__ import annotations

from lsst.analysis.cp.catalogue import getProduct
from lsst.pex.config import Field
from lsst.pipe.base import (
    InputQuantizedConnection,
    NoWorkFound,
    OutputQuantizedConnection,
    PipelineTask,
    QuantumContext,
)
from lsst.pipe.base import connectionTypes as cT

from .connections import CAMERA, ConfiguredDimensionsConfig, ConfiguredDimensionsConnections
from .limits import VERIFY_CONFIG, connectVerifyConfig, readLimits
from .runner import ToolRunner, describeInputs, putOutputs, raiseFailures, runTools

__all__ = ["DetectorCalibrationConfig", "DetectorCalibrationConnections", "DetectorCalibrationTask"]


class DetectorCalibrationConnections(ConfiguredDimensionsConnections, dimensions={"instrument", "detector"}):
    """The calibration of a detector, and the camera."""

    data = cT.PrerequisiteInput(
        doc="Calibration of one detector; none if there is none.",
        name="ptc",
        storageClass="IsrCalib",
        dimensions=("instrument", "detector"),
        isCalibration=True,
        multiple=True,
        minimum=0,
    )
    camera = CAMERA
    verifyConfig = VERIFY_CONFIG

    def __init__(self, *, config: DetectorCalibrationConfig) -> None:
        super().__init__(config=config)
        connectVerifyConfig(self, [config.product])


class DetectorCalibrationConfig(
    ConfiguredDimensionsConfig, pipelineConnections=DetectorCalibrationConnections
):
    """Configuration of tools run on the calibration of one detector."""

    product = Field[str](doc="Product whose tests are shown.", default="ptc")

    def setDefaults(self) -> None:
        """Take one detector."""
        super().setDefaults()
        self.dimensions = ["detector", "instrument"]


class DetectorCalibrationTask(PipelineTask):
    """Run tools on the calibration of one detector, which they get as ``calibration``.

    A tool that fails costs nothing but its own results, and then the quantum fails.
    """

    ConfigClass = DetectorCalibrationConfig
    config: DetectorCalibrationConfig
    _DefaultName = "detectorCalibration"

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
            Raised if the detector has no calibration.
        lsst.pipe.base.AnnotatedPartialOutputsError
            Raised if a tool failed.
        """
        if not inputRefs.data:
            raise NoWorkFound(f"no calibration of {butlerQC.quantum.dataId}")
        inputs = butlerQC.get(inputRefs)
        runner = ToolRunner(self.log, describeInputs(inputRefs.data, butlerQC.quantum.dataId))
        (calibration,) = inputs["data"]
        limits = readLimits(inputs.get("verifyConfig", ()), getProduct(self.config.product))
        outputs = runTools(
            self.config, {"calibration": calibration}, runner, camera=inputs["camera"], limits=limits
        )
        putOutputs(butlerQC, outputs, outputRefs, runner)
        raiseFailures(self, runner.failures)
