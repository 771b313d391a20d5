# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A task that makes what ISR makes of bias exposures in the pipelines of cp_verify."""

__all__ = ["SimulateBiasIsrConfig", "SimulateBiasIsrConnections", "SimulateBiasIsrTask"]

from collections.abc import Sequence
from typing import Any, ClassVar, override

import numpy as np
import numpy.typing as npt

import lsst.geom
from lsst.afw.image import ExposureF, ImageF, MaskX, VisitInfo, makeMaskedImage
from lsst.pex.config import Field, FieldValidationError, ListField, RangeField
from lsst.pipe.base import NoWorkFound, PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct
from lsst.pipe.base import connectionTypes as cT

from .binning import binBits, binMean
from .fault import Fault, FaultKind, checkFaults, parseFaults, selectFaults
from .frames import AmplifierGeometry, FrameModel
from .isrHeader import makeIsrHeader
from .isrStatistics import findBiasShifts, measureCorrelations, measureProfiles
from .randomStreams import RandomStreams
from .residual import DetectorResidual, simulateResidual

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
        FaultKind.GAIN_STEP,
        FaultKind.LIGHT_LEAK,
        FaultKind.OVER_MASKED,
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

    def makeModel(self) -> FrameModel:
        """Make the model of clean frames.

        Returns
        -------
        model
            Model with the values of this configuration.
        """
        return FrameModel(**{name: getattr(self, name) for name in FrameModel.__dataclass_fields__})


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
            Pixels (electron), with the detector and the header of ISR. The variance of a residual bias is the
            square of the nominal read noise, as there is no signal to add to it.
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
        faults = parseFaults(self.config.faults)
        checkFaults(faults, {(det.getId(), det.getName()): [amp.getName() for amp in det] for det in camera})
        afw_detector = camera[detector]
        faults = selectFaults(faults, exposure, detector, afw_detector.getName())
        if any(fault.kind is FaultKind.MISSING_DETECTOR for fault in faults):
            raise NoWorkFound(
                f"Detector {afw_detector.getName()} of exposure {exposure} is simulated as missing."
            )

        box = afw_detector.getBBox()
        geometries = [AmplifierGeometry.fromAmplifier(amp, box) for amp in afw_detector]
        streams = RandomStreams(self.config.seed, instrument, detector, exposure)
        simulated = self._simulate(afw_detector, camera, geometries, streams, faults, darkTime)
        if not self.config.doApplyGains:
            simulated = _divideByGains(simulated, geometries, ofCombined=self.combinedHasUnit)
        residual = simulated.residual
        output = _makeExposure(afw_detector, residual.image, simulated.isBad, simulated.variance)
        output.getInfo().setVisitInfo(VisitInfo(exposureTime=exposureTime, darkTime=darkTime, id=exposure))
        header = output.getMetadata()
        for key, value in makeIsrHeader(geometries, residual.overscans, mjd, self.applied).items():
            header[key] = value
        header["LSST ISR UNITS"] = "electron" if self.config.doApplyGains else "adu"
        result = Struct(outputExposure=output)
        if self.config.doCalculateStatistics:
            result.outputStatistics = self._measureStatistics(detector, geometries, residual, mjd)
        if self.config.doBinnedExposures:
            result.outputBin1Exposure = _binExposure(output, self.config.binFactor1)
        if self.config.doBinnedExposures and self.config.doCoarselyBinnedExposures:
            result.outputBin2Exposure = _binExposure(output, self.config.binFactor2)
        return result

    def _makeModel(self, darkTime: float) -> FrameModel:
        """Make the model of the frames of an exposure with a dark time."""
        return self.config.makeModel()

    def _simulate(
        self,
        detector: Any,
        camera: Any,
        geometries: list[AmplifierGeometry],
        streams: RandomStreams,
        faults: Sequence[Fault],
        darkTime: float,
    ) -> Struct:
        """Simulate the ``residual``, with the ``variance`` of its image, and which pixels are known as bad.

        The variance is that of the nominal read noise. ``isBad`` has the shape of the image.
        """
        box = detector.getBBox()
        shape = (box.getHeight(), box.getWidth())
        residual = simulateResidual(geometries, shape, self._makeModel(darkTime), streams, faults)
        variance, is_bad = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=bool)
        for geometry in geometries:
            variance[geometry.rows, geometry.columns] = geometry.readNoise**2
            is_bad[geometry.rows, geometry.columns] = residual.overscans[geometry.name] is None
        return Struct(residual=residual, variance=variance, isBad=is_bad)

    def _measureStatistics(
        self, detector: int, geometries: list[AmplifierGeometry], residual: DetectorResidual, mjd: float
    ) -> dict[str, Any]:
        copied = {"CALIBDIST": residual.percentiles, "MJD": mjd}
        if not self.measuresPixels:
            return copied
        images = {geometry.name: residual.image[geometry.rows, geometry.columns] for geometry in geometries}
        overscans = {
            name: None if result is None else result.raw for name, result in residual.overscans.items()
        }
        return copied | {
            "PROJECTION": measureProfiles(images),
            "BIASSHIFT": {name: findBiasShifts(overscan) for name, overscan in overscans.items()},
            "AMPCORR": measureCorrelations(detector, images, overscans),
        }


def _divideByGains(simulated: Struct, geometries: list[AmplifierGeometry], *, ofCombined: bool) -> Struct:
    """Turn electrons into ADU: the pixels and their variance, and those of the combined calibration, too."""
    residual, variance = simulated.residual, simulated.variance.copy()
    image, percentiles = residual.image.copy(), dict(residual.percentiles)
    for geometry in geometries:
        part = geometry.rows, geometry.columns
        image[part] /= np.float32(geometry.gain)
        variance[part] /= np.float32(geometry.gain**2)
        if ofCombined:
            own = percentiles[geometry.name].items()
            percentiles[geometry.name] = {key: value / geometry.gain for key, value in own}
    divided = DetectorResidual(image, residual.overscans, percentiles)
    return Struct(residual=divided, variance=variance, isBad=simulated.isBad)


def _makeExposure(
    detector: Any,
    image: npt.NDArray[np.float32],
    isBad: npt.NDArray[np.bool_],
    variance: npt.NDArray[np.float32],
) -> Any:
    mask = isBad.astype(np.int32) * MaskX.getPlaneBitMask("BAD")
    exposure = _joinPlanes(image, mask, variance, detector.getBBox().getMin())
    exposure.setDetector(detector)
    return exposure


def _binExposure(exposure: Any, factor: int) -> Any:
    """Bin as ip_isr does: mean pixels, all bits of the mask; detector and header are taken over."""
    binned = _joinPlanes(
        binMean(exposure.image.array, factor),
        binBits(exposure.mask.array, factor),
        binMean(exposure.variance.array, factor) / np.float32(factor**2),
        exposure.getXY0(),
    )
    binned.setInfo(exposure.getInfo())
    return binned


def _joinPlanes(
    image: npt.NDArray[np.float32],
    mask: npt.NDArray[np.int32],
    variance: npt.NDArray[np.float32],
    xy0: lsst.geom.Point2I,
) -> ExposureF:
    """Make an exposure of arrays, without a copy."""
    return ExposureF(
        makeMaskedImage(
            ImageF(image, deep=False, xy0=xy0),
            MaskX(mask, deep=False, xy0=xy0),
            ImageF(variance, deep=False, xy0=xy0),
        )
    )
