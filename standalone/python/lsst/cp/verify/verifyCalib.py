# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The base of the verification tasks of calibrations of cp_verify (2026-04-22).

Left out: the input of raw exposures, of which cp_verify takes nothing but their data IDs, and statistics of
ISR, which calibrations do not have. ``outputStats`` does not repeat the vectors that are in the table.
"""

__all__ = ["CpVerifyCalibConfig", "CpVerifyCalibConnections", "CpVerifyCalibTask"]

import abc
from collections.abc import Mapping
from typing import Any, ClassVar, override

import numpy as np
from astropy.table import Table

from lsst.pex.config import DictField, Field
from lsst.pipe.base import PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct
from lsst.pipe.base import connectionTypes as cT

_PER_DETECTOR = ("instrument", "detector")


class CpVerifyCalibConnections(PipelineTaskConnections, dimensions=set(_PER_DETECTOR), defaultTemplates={}):
    """Connections of a task that tests the calibration of one detector."""

    inputCalib = cT.PrerequisiteInput(
        name="calib",
        doc="Calibration to test.",
        storageClass="IsrCalib",
        dimensions=_PER_DETECTOR,
        isCalibration=True,
    )
    camera = cT.PrerequisiteInput(
        name="camera",
        doc="Camera with the nominal gains and read noises.",
        storageClass="Camera",
        dimensions=("instrument",),
        isCalibration=True,
    )
    outputStats = cT.Output(
        name="calibStats",
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
        doc="Table of matrix elements.",
        storageClass="ArrowAstropy",
        dimensions=_PER_DETECTOR,
    )

    def __init__(self, *, config: Any = None) -> None:
        super().__init__(config=config)
        if not config.hasMatrixCatalog:
            self.outputs.discard("outputMatrix")


class CpVerifyCalibConfig(PipelineTaskConfig, pipelineConnections=CpVerifyCalibConnections):
    """Configuration of `CpVerifyCalibTask`."""

    useReadNoise = Field[bool](doc="Unused, as in cp_verify.", default=True)
    numSigmaClip = Field[float](doc="Unused, as in cp_verify.", default=5.0)
    clipMaxIter = Field[int](doc="Unused, as in cp_verify.", default=3)
    calibStatKeywords = DictField[str, str](doc="Unused, as in cp_verify.", default={})
    stageName = Field[str](doc="Prefix of the columns.", default="NOCALIB")
    useIsrStatistics = Field[bool](
        doc="Raises KeyError, as in cp_verify: there are no statistics of ISR.", default=False
    )
    hasMatrixCatalog = Field[bool](doc="Make a table of matrix elements?", default=False)


class CpVerifyCalibTask(PipelineTask, abc.ABC):
    """Measure the statistics of the calibration of one detector and test them."""

    ConfigClass: ClassVar[type[CpVerifyCalibConfig]] = CpVerifyCalibConfig
    config: CpVerifyCalibConfig
    _DefaultName = "cpVerifyCalib"

    @override
    def runQuantum(self, butlerQC: Any, inputRefs: Any, outputRefs: Any) -> None:
        inputs = butlerQC.get(inputRefs)
        inputs["dimensions"] = dict(inputRefs.inputCalib.dataId.required)
        butlerQC.put(self.run(**inputs), outputRefs)

    def run(self, inputCalib: Any, camera: Any = None, dimensions: Mapping[str, Any] | None = None) -> Struct:
        """Measure and test.

        Parameters
        ----------
        inputCalib
            Calibration to test.
        camera
            Camera with the nominal values.
        dimensions
            Data ID of the calibration.

        Returns
        -------
        outputStats : `dict`
            ``AMP``, ``DET``, ``VERIFY`` and ``SUCCESS``.
        outputResults : `astropy.table.Table`
            Statistics and test results.
        outputMatrix : `astropy.table.Table` or `None`
            Matrix elements, where a subclass makes them.
        """
        amplifiers = self.amplifierStatistics(inputCalib, camera=camera)
        stats: dict[str, Any] = {"AMP": amplifiers, "DET": self.detectorStatistics(inputCalib, camera=camera)}
        stats["VERIFY"], stats["SUCCESS"] = self.verify(inputCalib, stats, camera=camera)
        rows, matrix_rows = self.repackStats(stats, dimensions or {})
        scalars = amplifiers and {
            name: {key: value for key, value in own.items() if not isinstance(value, np.ndarray)}
            for name, own in amplifiers.items()
        }
        return Struct(
            outputStats=stats | {"AMP": scalars},
            outputResults=Table(rows),
            outputMatrix=None if matrix_rows is None else Table(matrix_rows),
        )

    def detectorStatistics(self, inputCalib: Any, camera: Any = None) -> dict[str, Any]:
        """Measure what belongs to the detector: nothing, unless a subclass does."""
        return {}

    @abc.abstractmethod
    def amplifierStatistics(self, inputCalib: Any, camera: Any = None) -> dict[str, dict[str, Any]] | None:
        """Measure each amplifier; statistics by the names of the amplifier and of the statistic, if any."""

    @abc.abstractmethod
    def verify(
        self, calib: Any, statisticsDict: Mapping[str, Any], camera: Any = None
    ) -> tuple[dict[str, Any], bool]:
        """Test what was measured; results by level, name and test, and whether all tests passed."""

    def repackStats(
        self, statisticsDict: Mapping[str, Any], dimensions: Mapping[str, Any]
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]] | None]:
        """Make the rows of results, here one for each amplifier, and of the matrix, here none."""
        base = self._makeRow(statisticsDict, dimensions)
        stage, verdicts = self.config.stageName, statisticsDict["VERIFY"]["AMP"]
        return [
            base
            | {"amplifier": name}
            | {f"{stage}_{key}": value for key, value in own.items()}
            | {f"{stage}_VERIFY_{key}": value for key, value in verdicts[name].items()}
            for name, own in statisticsDict["AMP"].items()
        ], None

    def _makeRow(self, statisticsDict: Mapping[str, Any], dimensions: Mapping[str, Any]) -> dict[str, Any]:
        """Make what every row begins with."""
        mjd = statisticsDict["ISR"]["MJD"] if self.config.useIsrStatistics else np.nan
        return {name: dimensions[name] for name in _PER_DETECTOR} | {"mjd": mjd}
