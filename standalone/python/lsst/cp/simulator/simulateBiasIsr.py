# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A task that makes what ISR makes of bias exposures in the pipelines of cp_verify."""

__all__ = ["SimulateBiasIsrConfig", "SimulateBiasIsrConnections", "SimulateBiasIsrTask"]

from dataclasses import fields
from typing import TYPE_CHECKING, Any, ClassVar, override

from lsst.pex.config import Field, FieldValidationError, ListField, RangeField
from lsst.pipe.base import NoWorkFound, PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct
from lsst.pipe.base import connectionTypes as cT

from .fault import FaultKind, checkFaults, parseFaults, selectFaults
from .frames import FrameModel
from .isrExposure import binExposure, makeIsrExposure
from .isrStatistics import findBiasShifts, measureCorrelations, measureProfiles
from .randomStreams import RandomStreams
from .residual import DetectorResidual, divideByGains, simulateResidual
from .scene import Scene

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_PER_DETECTOR = ("instrument", "exposure", "detector")


class SimulateBiasIsrConnections(PipelineTaskConnections, dimensions=set(_PER_DETECTOR), defaultTemplates={}):
    """Outputs of ``lsst.ip.isr.IsrTaskLSST`` by its names; no raw is read."""

    camera = cT.PrerequisiteInput(
        name="camera",
        doc="Camera with gains, read noises and raw geometry.",
        storageClass="Camera",
        dimensions=("instrument",),
        isCalibration=True,
    )
    outputExposure = cT.Output(
        name="postISRCCD",
        doc="Residual of a bias exposure.",
        storageClass="Exposure",
        dimensions=_PER_DETECTOR,
    )
    outputBin1Exposure = cT.Output(
        name="postIsrBin1", doc="The same, finely binned.", storageClass="ExposureF", dimensions=_PER_DETECTOR
    )
    outputBin2Exposure = cT.Output(
        name="postIsrBin2",
        doc="The same, coarsely binned.",
        storageClass="ExposureF",
        dimensions=_PER_DETECTOR,
    )
    outputStatistics = cT.Output(
        name="isrStatistics",
        doc="Statistics of image and overscan.",
        storageClass="StructuredDataDict",
        dimensions=_PER_DETECTOR,
    )

    def __init__(self, *, config: Any = None) -> None:
        super().__init__(config=config)
        if not config.doBinnedExposures:
            del self.outputBin1Exposure
        if not (config.doBinnedExposures and config.doCoarselyBinnedExposures):
            del self.outputBin2Exposure
        if not config.doCalculateStatistics:
            del self.outputStatistics


class SimulateBiasIsrConfig(PipelineTaskConfig, pipelineConnections=SimulateBiasIsrConnections):
    """Configuration of `SimulateBiasIsrTask`."""

    seed = Field[int](doc="Seed of all random numbers, with the data ID.", default=1)
    faults = ListField[str](
        doc="Faults, each as a line such as 'hotNoise detector:R22_S11 amplifiers:C00,C01 amplitude:1.5'; "
        "see lsst.cp.simulator.Fault.",
        default=[],
    )
    doApplyGains = Field[bool](doc="Make pixels in electrons? Else they are in ADU.", default=True)
    doCalculateStatistics = Field[bool](doc="Measure what ISR measures?", default=True)
    doBinnedExposures = Field[bool](doc="Make binned exposures?", default=False)
    doCoarselyBinnedExposures = Field[bool](
        doc="If binned exposures are made, make the coarsely binned ones, too? ISR always does.", default=True
    )
    binFactor1 = RangeField(dtype=int, doc="Factor of the finely binned exposure.", default=8, min=2)
    binFactor2 = RangeField(dtype=int, doc="Factor of the coarsely binned exposure.", default=64, min=2)
    biasLevel = Field[float](doc="Level of the amplifiers (ADU).", default=1000.0)
    driftAmplitude = RangeField(
        dtype=float, doc="Drift of the level along the rows (ADU).", default=1.0, min=0
    )
    commonFraction = RangeField(
        dtype=float, doc="Part of the noise variance that amplifiers share.", default=0.01, min=0, max=1
    )
    lowFrequencyFraction = RangeField(
        dtype=float,
        doc="Part of the noise variance that varies slowly along rows.",
        default=0.002,
        min=0,
        max=1,
    )
    stepSigma = RangeField(
        dtype=float, doc="Scatter of steps between amplifiers (electron).", default=0.2, min=0
    )
    patternAmplitude = RangeField(
        dtype=float, doc="Amplitude of the fixed pattern (electron).", default=2.0, min=0
    )
    numCombined = RangeField(dtype=int, doc="Number of frames in the combined bias.", default=100, min=1)
    cosmicRayRate = RangeField(
        dtype=float, doc="Mean number of cosmic rays in a million pixels.", default=2.0, min=0
    )

    kinds: ClassVar[frozenset[FaultKind]] = frozenset(FaultKind) - {
        FaultKind.EXCESS_DARK_CURRENT,
        FaultKind.EXCESS_LIGHT,
        FaultKind.FLIPPED_CROSSTALK,
        FaultKind.GAIN_STEP,
        FaultKind.LIGHT_LEAK,
        FaultKind.LINEARITY_CHANGE,
        FaultKind.CURVED_RESPONSE,
        FaultKind.OVER_MASKED,
        FaultKind.SELF_CROSSTALK,
        FaultKind.STRONG_CROSSTALK,
        FaultKind.TEARING,
        FaultKind.UNMASKED_COLUMN,
    }
    """Faults of which it is known what they do to such exposures."""

    @override
    def validate(self) -> None:
        super().validate()
        try:
            found = {fault.kind for fault in parseFaults(self.faults)}
            if others := sorted(found - self.kinds):
                raise ValueError(
                    f"This task simulates no {', '.join(others)}; expected one of "
                    f"{', '.join(sorted(self.kinds))}."
                )
        except ValueError as error:
            raise FieldValidationError(self._fields["faults"], self, str(error)) from error

    def fill[Model: DataclassInstance](self, model: type[Model]) -> Model:
        """Fill a model with the values of this configuration.

        Parameters
        ----------
        model
            Class of the model, each field of which is a field here.

        Returns
        -------
        filled
            A model.
        """
        return model(**{field.name: getattr(self, field.name) for field in fields(model)})


class SimulateBiasIsrTask(PipelineTask):
    """Simulate the residual of one detector in one bias exposure, and measure what ISR measures."""

    ConfigClass = SimulateBiasIsrConfig
    config: SimulateBiasIsrConfig
    product: ClassVar[str] = "BIAS"
    """Names the combined calibration in keys of percentiles."""
    applied: ClassVar[tuple[str, ...]] = ("BIAS",)
    """Names the corrections that the header says were applied."""
    combinedHasUnit: ClassVar[bool] = True
    """Whether the combined calibration is in electrons, or ADU: a flat has no unit."""
    measuresPixels: ClassVar[bool] = True
    """Whether ISR measures the pixels, too: of flats and darks it copies the distribution of the combined
    calibration only."""
    _DefaultName = "simulateBiasIsr"

    @override
    def runQuantum(self, butlerQC: Any, inputRefs: Any, outputRefs: Any) -> None:
        data_id = butlerQC.quantum.dataId
        outputs = self.run(
            camera=butlerQC.get(inputRefs.camera),
            instrument=data_id["instrument"],
            exposure=data_id["exposure"],
            detector=data_id["detector"],
            mjd=float(data_id.exposure.timespan.begin.mjd),
            exposureTime=data_id.exposure.exposure_time,
            darkTime=data_id.exposure.dark_time,
        )
        butlerQC.put(outputs, outputRefs)

    def run(
        self,
        camera: Any,
        instrument: str,
        exposure: int,
        detector: int,
        mjd: float,
        exposureTime: float = 0.0,
        darkTime: float = 0.0,
    ) -> Struct:
        """Simulate a detector.

        Parameters
        ----------
        camera
            The camera.
        instrument, exposure, detector
            Data ID.
        mjd
            Begin of the exposure (days).
        exposureTime, darkTime
            Exposure and dark time (s).

        Returns
        -------
        outputExposure : `lsst.afw.image.ExposureF`
            Pixels (electron, or ADU if configured), with the detector and the header of ISR.
        outputBin1Exposure, outputBin2Exposure : `lsst.afw.image.ExposureF`
            The same, binned, if configured.
        outputStatistics : `dict`
            ``CALIBDIST``, ``PROJECTION``, ``BIASSHIFT``, ``AMPCORR`` and ``MJD``, if configured.

        Raises
        ------
        NoWorkFound
            Raised for a detector that is missing by a fault.
        ValueError
            Raised if the camera does not have the detector or amplifier of a fault.
        """
        scene = self._setScene(camera, instrument, exposure, detector, mjd, exposureTime, darkTime)
        if scene.isMissing:
            raise NoWorkFound(
                f"Detector {scene.detector.getName()} of exposure {exposure} is simulated as missing."
            )
        residual, unit = self._simulate(scene), "electron"
        if not self.config.doApplyGains:
            residual = divideByGains(residual, scene.geometries, ofCombined=self.combinedHasUnit)
            unit = "adu"
        output = makeIsrExposure(scene, residual, self.applied, unit)
        result = Struct(outputExposure=output)
        if self.config.doCalculateStatistics:
            result.outputStatistics = self._measureStatistics(scene, residual)
        if self.config.doBinnedExposures:
            result.outputBin1Exposure = binExposure(output, self.config.binFactor1)
        if self.config.doBinnedExposures and self.config.doCoarselyBinnedExposures:
            result.outputBin2Exposure = binExposure(output, self.config.binFactor2)
        return result

    def _setScene(
        self,
        camera: Any,
        instrument: str,
        exposure: int,
        detector: int,
        mjd: float,
        exposureTime: float,
        darkTime: float,
    ) -> Scene:
        """Find the detector and its faults, all of which have to fit the camera."""
        faults = parseFaults(self.config.faults)
        checkFaults(faults, {(det.getId(), det.getName()): [amp.getName() for amp in det] for det in camera})
        return Scene(
            detector=camera[detector],
            camera=camera,
            exposure=exposure,
            streams=RandomStreams(self.config.seed, instrument, detector, exposure),
            faults=selectFaults(faults, exposure, detector, camera[detector].getName()),
            mjd=mjd,
            exposureTime=exposureTime,
            darkTime=darkTime,
        )

    def _makeModel(self, scene: Scene) -> FrameModel:
        """Make the model of the frames of an exposure, before there is any charge in them."""
        return self.config.fill(FrameModel)

    def _simulate(self, scene: Scene) -> DetectorResidual:
        """Simulate what ISR makes of a detector (electron). Products add their physics to a bias."""
        return simulateResidual(
            scene.geometries, scene.shape, self._makeModel(scene), scene.streams, scene.faults
        )

    def _measureStatistics(self, scene: Scene, residual: DetectorResidual) -> dict[str, Any]:
        copied = {"CALIBDIST": residual.percentiles, "MJD": scene.mjd}
        if not self.measuresPixels:
            return copied
        images = {geometry.name: residual.image[geometry.pixels] for geometry in scene.geometries}
        overscans = {
            name: None if result is None else result.raw for name, result in residual.overscans.items()
        }
        return copied | {
            "PROJECTION": measureProfiles(images),
            "BIASSHIFT": {name: findBiasShifts(overscan) for name, overscan in overscans.items()},
            "AMPCORR": measureCorrelations(scene.detector.getId(), images, overscans),
        }
