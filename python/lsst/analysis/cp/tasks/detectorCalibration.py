# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tasks that run tools on the calibrations of one detector, or one raft, themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.core.calibrations import checkDetector
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
from .rafts import splitByRaft, storeByDetector
from .runner import ToolRunner, describeInputs, putOutputs, raiseFailures, runTools

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera
    from lsst.daf.butler import DeferredDatasetHandle

    type Part = tuple[str, list[int], Iterable[tuple[str, Any]]]
    """Name of a part of the camera, its detectors, and where its outputs go."""

__all__ = [
    "DetectorCalibrationConfig",
    "DetectorCalibrationConnections",
    "DetectorCalibrationTask",
    "RaftCalibrationConfig",
    "RaftCalibrationConnections",
    "RaftCalibrationTask",
]


class DetectorCalibrationConnections(ConfiguredDimensionsConnections, dimensions={"instrument", "detector"}):
    """The calibration of a detector, what it is compared with if a tool asks for that, and the camera."""

    data = cT.PrerequisiteInput(
        doc="Calibration of one detector; none if there is none.",
        name="ptc",
        storageClass="IsrCalib",
        dimensions=("instrument", "detector"),
        isCalibration=True,
        multiple=True,
        deferLoad=True,
        minimum=0,
    )
    references = cT.PrerequisiteInput(
        doc="Calibration that it is compared with; none if there is none.",
        name="crosstalk",
        storageClass="IsrCalib",
        dimensions=("instrument", "detector"),
        isCalibration=True,
        multiple=True,
        deferLoad=True,
        minimum=0,
    )
    camera = CAMERA
    verifyConfig = VERIFY_CONFIG

    def __init__(self, *, config: DetectorCalibrationConfig) -> None:
        super().__init__(config=config)
        connectVerifyConfig(self, [config.product])
        asked = {name for tool in config.atools for name, _ in tool.produce.plot.getInputSchema()}
        if "references" not in asked:
            self.prerequisiteInputs.remove("references")


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
    """Run tools on the calibration of one detector.

    The tools get ``calibrations`` and ``references``, by the id of the detector, and ``detectors``, the ids
    of those that the quantum is for.

    A calibration that cannot be read, or a tool that fails, costs nothing but its own results, and then the
    quantum fails.
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
            Raised if there is no calibration.
        lsst.pipe.base.AnnotatedPartialOutputsError
            Raised if a tool failed, or a calibration could not be read.
        """
        if not inputRefs.data:
            raise NoWorkFound(f"no calibration of {butlerQC.quantum.dataId}")
        inputs = butlerQC.get(inputRefs)
        camera = inputs["camera"]
        limits = readLimits(inputs.get("verifyConfig", ()), getProduct(self.config.product))
        failures: dict[str, str] = {}
        for part, detectors, refs in self.splitParts(inputs["data"], camera, outputRefs):
            groups = [
                [handle for handle in inputs.get(name, ()) if int(handle.dataId["detector"]) in detectors]
                for name in ("data", "references")
            ]
            calibrations, references = (self._readEach(handles, failures) for handles in groups)
            if not calibrations:
                continue
            others = [handle.ref for handle in groups[1]]
            info = describeInputs([handle.ref for handle in groups[0]], butlerQC.quantum.dataId, others)
            runner = ToolRunner(self.log, info | ({"raft": part} if part else {}))
            data = {"calibrations": calibrations, "references": references, "detectors": detectors}
            outputs = runTools(self.config, data, runner, camera=camera, limits=limits)
            putOutputs(butlerQC, outputs, refs, runner)
            failures |= {f"{part} {tool}".strip(): text for tool, text in runner.failures.items()}
        raiseFailures(self, failures)

    def splitParts(
        self, handles: Sequence[DeferredDatasetHandle], camera: Camera, outputRefs: OutputQuantizedConnection
    ) -> Iterator[Part]:
        """Say which detectors make which outputs: the one of the quantum makes all."""
        yield "", [int(handle.dataId["detector"]) for handle in handles], outputRefs

    def _readEach(self, handles: Iterable[DeferredDatasetHandle], failures: dict[str, str]) -> dict[int, Any]:
        """Read calibrations by the id of the detector; add the reasons for those that cannot be taken."""
        found = {}
        for handle in handles:
            try:
                calib, detector = handle.get(), int(handle.dataId["detector"])
                checkDetector(calib, detector)
                found[detector] = calib
            except Exception as error:
                name = f"{handle.ref.datasetType.name} {handle.dataId}"
                self.log.warning("%s cannot be taken, and is left out: %s", name, error)
                failures[name] = f"{type(error).__name__}: {error}"
        return found


class RaftCalibrationConnections(DetectorCalibrationConnections, dimensions={"instrument"}):
    """The calibrations of all detectors.

    Rafts are no dimension: the plots of each are stored under its detector of the lowest id.
    """

    def __init__(self, *, config: RaftCalibrationConfig) -> None:
        super().__init__(config=config)
        storeByDetector(self)


class RaftCalibrationConfig(DetectorCalibrationConfig, pipelineConnections=RaftCalibrationConnections):
    """Configuration of tools run on the calibrations of one raft."""

    def setDefaults(self) -> None:
        """Take all detectors, raft by raft."""
        super().setDefaults()
        self.dimensions = ["instrument"]


class RaftCalibrationTask(DetectorCalibrationTask):
    """Run tools on the calibrations of each raft; see `DetectorCalibrationTask` for what they get."""

    ConfigClass = RaftCalibrationConfig
    _DefaultName = "raftCalibration"

    def splitParts(
        self, handles: Sequence[DeferredDatasetHandle], camera: Camera, outputRefs: OutputQuantizedConnection
    ) -> Iterator[Part]:
        """Say which detectors make which outputs: those of a raft make one of each."""
        yield from splitByRaft(camera, outputRefs)
