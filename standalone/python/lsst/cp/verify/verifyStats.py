# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The base of the verification tasks of cp_verify (2026-04-22).

Left out, and refused when configured: vignetting, normalisation by exposure time and statistics of
catalogues. ``outputStats`` does not repeat the statistics of ISR.
"""

__all__ = ["CpVerifyStatsConfig", "CpVerifyStatsConnections", "CpVerifyStatsTask"]

from collections.abc import Mapping
from typing import Any, ClassVar, override

import numpy as np
from astropy.table import Table
from scipy.ndimage import binary_dilation

from lsst.pex.config import ConfigurableField, DictField, Field, FieldValidationError, ListField
from lsst.pipe.base import PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct
from lsst.pipe.base import connectionTypes as cT
from lsst.pipe.tasks.repair import RepairTask, TooManyCosmicRays
from lsst.standalone.pixelStatistics import ClipControl, Statistic, measurePixels

_PER_DETECTOR = ("instrument", "exposure", "detector")


class CpVerifyStatsConnections(PipelineTaskConnections, dimensions=set(_PER_DETECTOR), defaultTemplates={}):
    """Connections of a task that measures one detector of one exposure."""

    inputExp = cT.Input(
        name="postISRCCD",
        doc="Exposure to measure, after ISR.",
        storageClass="Exposure",
        dimensions=_PER_DETECTOR,
    )
    uncorrectedExp = cT.Input(
        name="uncorrectedExp",
        doc="The same exposure without a correction.",
        storageClass="ExposureF",
        dimensions=("instrument", "visit", "detector"),
    )
    camera = cT.PrerequisiteInput(
        name="camera",
        doc="Camera.",
        storageClass="Camera",
        dimensions=("instrument",),
        isCalibration=True,
    )
    isrStatistics = cT.Input(
        name="isrStatistics",
        doc="Statistics measured by ISR.",
        storageClass="StructuredDataDict",
        dimensions=_PER_DETECTOR,
    )
    outputStats = cT.Output(
        name="detectorStats",
        doc="Nested statistics and test results.",
        storageClass="StructuredDataDict",
        dimensions=_PER_DETECTOR,
    )
    outputResults = cT.Output(
        name="detectorResults",
        doc="Table of statistics and test results, one row an amplifier.",
        storageClass="ArrowAstropy",
        dimensions=_PER_DETECTOR,
    )
    outputMatrix = cT.Output(
        name="detectorMatrix",
        doc="Table of matrix elements, one row a pair of amplifiers.",
        storageClass="ArrowAstropy",
        dimensions=_PER_DETECTOR,
    )

    def __init__(self, *, config: Any = None) -> None:
        super().__init__(config=config)
        if not config.uncorrectedImageStatKeywords:
            self.inputs.discard("uncorrectedExp")
        if not config.useIsrStatistics:
            self.inputs.discard("isrStatistics")
        if not config.hasMatrixCatalog:
            self.outputs.discard("outputMatrix")


class CpVerifyStatsConfig(PipelineTaskConfig, pipelineConnections=CpVerifyStatsConnections):
    """Configuration of `CpVerifyStatsTask`."""

    maskNameList = ListField[str](
        doc="Mask planes whose pixels are left out of statistics.", default=["DETECTED", "BAD", "NO_DATA"]
    )
    doVignette = Field[bool](doc="Mask vignetted regions? Not supported here.", default=False)
    doNormalize = Field[bool](doc="Unused, as in cp_verify.", default=False)
    doCR = Field[bool](doc="Unused, as in cp_verify: crImageStatKeywords decides.", default=False)
    repair: ConfigurableField = ConfigurableField(target=RepairTask, doc="Rejection of cosmic rays.")
    psfFwhm = Field[float](doc="FWHM of the PSF (pixels). Unused here: repair needs no PSF.", default=3.0)
    psfSize = Field[int](doc="Size of the PSF image (pixels). Unused here.", default=21)
    crGrow = Field[int](doc="Radius by which cosmic rays are grown (pixels).", default=0)
    useReadNoise = Field[bool](doc="Compare the noise with the read noise?", default=True)
    numSigmaClip = Field[float](doc="Clipping threshold (sigma).", default=5.0)
    clipMaxIter = Field[int](doc="Number of clipping iterations.", default=3)
    imageStatKeywords = DictField[str, str](
        doc="Statistics of each amplifier: output name, afw statistic.", default={}
    )
    unmaskedImageStatKeywords = DictField[str, str](
        doc="The same, over all pixels whatever their mask.", default={}
    )
    uncorrectedImageStatKeywords = DictField[str, str](
        doc="The same, of an uncorrected exposure.", default={}
    )
    crImageStatKeywords = DictField[str, str](doc="The same, after rejection of cosmic rays.", default={})
    normImageStatKeywords = DictField[str, str](
        doc="The same, after normalisation. Not supported here.", default={}
    )
    metadataStatKeywords = DictField[str, str](doc="Header keys to copy: key, output name.", default={})
    catalogStatKeywords = DictField[str, str](
        doc="Statistics of a catalogue. Not supported here.", default={}
    )
    detectorStatKeywords = DictField[str, str](
        doc="Statistics of the whole detector: output name, afw statistic. A task that gives any has to "
        "implement detectorStatistics.",
        default={},
    )
    stageName = Field[str](doc="Prefix of the columns.", default="NOSTAGE")
    useIsrStatistics = Field[bool](doc="Use statistics measured by ISR?", default=False)
    hasMatrixCatalog = Field[bool](doc="Make a table of matrix elements?", default=False)
    expectedDistributionLevels = ListField[float](
        doc="Percentiles in the header of the combined calibration.", default=[0, 5, 16, 50, 84, 95, 100]
    )

    measured: ClassVar[tuple[str, ...]] = (
        "imageStatKeywords",
        "unmaskedImageStatKeywords",
        "uncorrectedImageStatKeywords",
        "crImageStatKeywords",
        "detectorStatKeywords",
    )
    """Fields whose values name statistics."""

    @override
    def validate(self) -> None:
        super().validate()
        unsupported = ("doVignette", "normImageStatKeywords", "catalogStatKeywords")
        for name in unsupported:
            if getattr(self, name):
                raise FieldValidationError(
                    self._fields[name], self, "this stand-in of cp_verify does not support it; use cp_verify"
                )
        for name in self.measured:
            for statistic in getattr(self, name).values():
                if statistic not in Statistic.__members__:
                    raise FieldValidationError(
                        self._fields[name],
                        self,
                        f"{statistic!r} is not one of {', '.join(Statistic.__members__)}",
                    )


class CpVerifyStatsTask(PipelineTask):
    """Measure the statistics of one detector of one exposure and test them.

    A subclass implements `verify`.
    """

    ConfigClass: ClassVar[type[CpVerifyStatsConfig]] = CpVerifyStatsConfig
    config: CpVerifyStatsConfig
    repair: RepairTask
    distribution: ClassVar[str]
    """Names the columns of percentiles of the combined calibration (``"BIAS_DIST"``)."""
    _DefaultName = "cpVerifyStats"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.makeSubtask("repair")

    @override
    def runQuantum(self, butlerQC: Any, inputRefs: Any, outputRefs: Any) -> None:
        inputs = butlerQC.get(inputRefs)
        inputs["dimensions"] = dict(inputRefs.inputExp.dataId.mapping)
        butlerQC.put(self.run(**inputs), outputRefs)

    def run(
        self,
        inputExp: Any,
        camera: Any,
        isrStatistics: Mapping[str, Any] | None = None,
        uncorrectedExp: Any = None,
        dimensions: Mapping[str, Any] | None = None,
    ) -> Struct:
        """Measure and test.

        Parameters
        ----------
        inputExp
            Exposure to measure.
        camera
            Camera; not used, as in cp_verify.
        isrStatistics
            Statistics measured by ISR; needed if the configuration says so.
        uncorrectedExp
            Exposure without a correction; needed if the configuration says so.
        dimensions
            Data ID of the exposure.

        Returns
        -------
        outputStats : `dict`
            ``AMP``, ``METADATA``, ``DET`` where detectors are measured, ``VERIFY`` and ``SUCCESS``.
        outputResults : `astropy.table.Table`
            One row an amplifier.
        outputMatrix : `astropy.table.Table`
            One row a pair of amplifiers.
        """
        control = ClipControl(self.config.numSigmaClip, self.config.clipMaxIter)
        statistics: dict[str, Any] = {
            "AMP": self.imageStatistics(inputExp, uncorrectedExp, control),
            "METADATA": self.metadataStatistics(inputExp),
        }
        if self.config.detectorStatKeywords:
            statistics["DET"] = self.detectorStatistics(statistics, control, inputExp, uncorrectedExp)
        statistics["VERIFY"], statistics["SUCCESS"] = self.verify(inputExp, statistics)
        for_tables = dict(statistics)
        if self.config.useIsrStatistics:
            for_tables["ISR"] = isrStatistics
        rows, matrix_rows = self.repackStats(for_tables, dimensions or {})
        return Struct(outputStats=statistics, outputResults=Table(rows), outputMatrix=Table(matrix_rows))

    def imageStatistics(
        self, exposure: Any, uncorrectedExposure: Any, statControl: ClipControl
    ) -> dict[str, dict[str, Any]]:
        """Measure each amplifier of an exposure, and of a copy cleaned of cosmic rays.

        Parameters
        ----------
        exposure
            Exposure to measure.
        uncorrectedExposure
            The same without a correction; `None` if it is not measured.
        statControl
            How to clip.

        Returns
        -------
        statistics
            Values by amplifier and output name.

        Raises
        ------
        RuntimeError
            Raised if the exposure has no detector.
        """
        detector = exposure.getDetector()
        if detector is None:
            raise RuntimeError("The exposure has no detector, so its amplifiers are not known.")
        statistics: dict[str, dict[str, Any]] = {amp.getName(): {} for amp in detector}
        if keywords := dict(self.config.imageStatKeywords):
            self._addAmplifierStatistics(statistics, exposure, keywords, statControl)
        if keywords := dict(self.config.uncorrectedImageStatKeywords):
            self._addAmplifierStatistics(statistics, uncorrectedExposure, keywords, statControl)
        if keywords := dict(self.config.unmaskedImageStatKeywords):
            self._addAmplifierStatistics(statistics, exposure, keywords, statControl, maskNames=())
        if keywords := dict(self.config.crImageStatKeywords):
            self._addCosmicRayStatistics(statistics, exposure, keywords, statControl)
        return statistics

    def _addAmplifierStatistics(
        self,
        statistics: dict[str, dict[str, Any]],
        exposure: Any,
        keywords: Mapping[str, str],
        control: ClipControl,
        maskNames: tuple[str, ...] | None = None,
    ) -> None:
        names = tuple(self.config.maskNameList) if maskNames is None else maskNames
        bad_bits = exposure.mask.getPlaneBitMask(list(names)) if names else 0
        for amp in exposure.getDetector():
            view = exposure[amp.getBBox()]
            measured = measurePixels(
                view.image.array,
                (view.mask.array & bad_bits) != 0,
                {Statistic[name] for name in keywords.values()},
                control,
            )
            for output, name in keywords.items():
                statistics[amp.getName()][output] = measured[Statistic[name]]

    def _addCosmicRayStatistics(
        self,
        statistics: dict[str, dict[str, Any]],
        exposure: Any,
        keywords: Mapping[str, str],
        control: ClipControl,
    ) -> None:
        cleaned = exposure.clone()
        failed = False
        try:
            self.repair.run(cleaned, keepCRs=False)
        except TooManyCosmicRays as error:
            self.log.warning("Cosmic rays are left in: %s", error)
            failed = True
        if self.config.crGrow > 0:
            _growMask(cleaned.mask, "CR", self.config.crGrow)
        self._addAmplifierStatistics(statistics, cleaned, keywords, control)
        if failed:
            for values in statistics.values():
                values["FORCE_FAILURE"] = True

    def metadataStatistics(self, exposure: Any) -> dict[str, Any]:
        """Copy values from the header.

        Parameters
        ----------
        exposure
            Exposure with header keys ``KEY``, or ``KEY <amplifier>`` for each amplifier.

        Returns
        -------
        values
            By output name: the value, or values by amplifier with NaN where one is absent. A key that is
            nowhere in the header is left out.
        """
        header = exposure.getMetadata()
        amp_names = [amp.getName() for amp in exposure.getDetector()]
        values: dict[str, Any] = {}
        for key, output in self.config.metadataStatKeywords.items():
            if key in header:
                values[output] = header[key]
                continue
            found = {name: header[f"{key} {name}"] for name in amp_names if f"{key} {name}" in header}
            if found:
                values[output] = {name: found.get(name, np.nan) for name in amp_names}
            else:
                self.log.debug("The header has no key %s.", key)
        return values

    def detectorStatistics(
        self,
        statisticsDict: Mapping[str, Any],
        statControl: ClipControl,
        exposure: Any = None,
        uncorrectedExposure: Any = None,
    ) -> dict[str, float]:
        """Measure the detector; a subclass with ``detectorStatKeywords`` implements it.

        Parameters
        ----------
        statisticsDict
            Measured statistics so far.
        statControl
            How to clip.
        exposure, uncorrectedExposure
            Exposures that were measured; the uncorrected one is `None` if there is none.

        Returns
        -------
        statistics
            Values by output name.

        Raises
        ------
        NotImplementedError
            Raised by this base class.
        """
        raise NotImplementedError(
            f"{type(self).__name__} has detectorStatKeywords but no detectorStatistics method."
        )

    def verify(self, exposure: Any, statisticsDict: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
        """Test the statistics; a subclass implements it.

        Parameters
        ----------
        exposure
            Exposure that was measured.
        statisticsDict
            Measured statistics.

        Returns
        -------
        results
            Test results by level, amplifier and test.
        success
            Whether all amplifiers passed.

        Raises
        ------
        NotImplementedError
            Raised by this base class.
        """
        raise NotImplementedError(f"{type(self).__name__} has no verify method.")

    def repackStats(
        self, statisticsDict: Mapping[str, Any], dimensions: Mapping[str, Any]
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]] | None]:
        """Make table rows of statistics.

        Parameters
        ----------
        statisticsDict
            Measured statistics and test results.
        dimensions
            Data ID.

        Returns
        -------
        rows
            One row an amplifier.
        matrixRows
            One row a pair of amplifiers, or `None`.
        """
        row_base = {
            "instrument": dimensions["instrument"],
            "detector": dimensions["detector"],
            "mjd": self._getMjd(statisticsDict),
        }
        rows = self._packAmplifiers(statisticsDict, row_base)
        return list(rows.values()), None

    def _packPercentiles(self, rows: Mapping[str, dict[str, Any]], isr: Mapping[str, Any]) -> None:
        """Add the percentiles of the combined calibration to the rows."""
        stage = self.config.stageName
        for amp_name, percentiles in isr["CALIBDIST"].items():
            for level in self.config.expectedDistributionLevels:
                key = f"LSST CALIB {stage.upper()} {amp_name} DISTRIBUTION {level}-PCT"
                rows[amp_name][f"{stage}_{self.distribution}_{level}_PCT"] = percentiles[key]

    def _getMjd(self, statisticsDict: Mapping[str, Any]) -> float:
        return statisticsDict["ISR"]["MJD"] if self.config.useIsrStatistics else np.nan

    def _packAmplifiers(
        self, statisticsDict: Mapping[str, Any], row_base: Mapping[str, Any]
    ) -> dict[str, dict[str, Any]]:
        """Make a row an amplifier with its statistics and test results."""
        stage = self.config.stageName
        rows: dict[str, dict[str, Any]] = {}
        for amp_name, values in statisticsDict["AMP"].items():
            rows[amp_name] = {**row_base, "amplifier": amp_name}
            rows[amp_name].update({f"{stage}_{key}": value for key, value in values.items()})
        for amp_name, results in statisticsDict["VERIFY"].get("AMP", {}).items():
            rows[amp_name].update({f"{stage}_VERIFY_{key}": value for key, value in results.items()})
        return rows


def _growMask(mask: Any, plane: str, radius: int) -> None:
    """Set a mask plane in a disk around each of its pixels."""
    bit = mask.getPlaneBitMask(plane)
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    grown = binary_dilation((mask.array & bit) != 0, structure=x**2 + y**2 <= radius**2)
    mask.array[grown] |= bit
