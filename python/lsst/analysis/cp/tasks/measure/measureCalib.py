# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The base of tasks that make a table of the calibration of a detector, as those of cp_verify do."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lsst.analysis.cp import __version__
from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.core import cameraLayout
from lsst.analysis.cp.core.amps import GOOD, AmpTable
from lsst.analysis.cp.core.calibrations import checkDetector
from lsst.cp.verify.verifyCalib import CpVerifyCalibConfig, CpVerifyCalibConnections, CpVerifyCalibTask
from lsst.pipe.base import (
    InputQuantizedConnection,
    NoWorkFound,
    OutputQuantizedConnection,
    QuantumContext,
    Struct,
)
from lsst.pipe.base import connectionTypes as cT

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera

__all__ = ["MeasureCalibConfig", "MeasureCalibConnections", "MeasureCalibTask"]


class MeasureCalibConnections(CpVerifyCalibConnections, dimensions={"instrument", "detector"}):
    """The calibration of a detector, and what is measured of it."""

    inputCalib = cT.PrerequisiteInput(
        doc="Calibration of one detector; none if there is none.",
        name="ptc",
        storageClass="IsrCalib",
        dimensions=("instrument", "detector"),
        isCalibration=True,
        multiple=True,
        minimum=0,
    )

    def __init__(self, *, config: MeasureCalibConfig) -> None:
        super().__init__(config=config)
        # cp_verify takes raw exposures only to find the calibration.
        self.inputs.discard("exposure")


class MeasureCalibConfig(CpVerifyCalibConfig, pipelineConnections=MeasureCalibConnections):
    """Configuration of `MeasureCalibTask`."""


class MeasureCalibTask(CpVerifyCalibTask, abc.ABC):
    """Measure the amplifiers of the calibration of a detector, and judge them by the catalogue.

    What is written has the form of what cp_verify writes, so that its merge takes it.
    """

    ConfigClass: ClassVar[type[CpVerifyCalibConfig]] = MeasureCalibConfig
    product: ClassVar[str]
    """Product of the catalogue that is measured."""

    def runQuantum(
        self,
        butlerQC: QuantumContext,
        inputRefs: InputQuantizedConnection,
        outputRefs: OutputQuantizedConnection,
    ) -> None:
        """Measure and write.

        Raises
        ------
        lsst.pipe.base.NoWorkFound
            Raised if the detector has no calibration.
        ValueError
            Raised if the calibration is one of another detector.
        """
        camera, data_id = butlerQC.get(inputRefs.camera), butlerQC.quantum.dataId
        assert data_id is not None
        calib = self.readCalib(butlerQC, inputRefs, camera)
        if calib is None:
            raise NoWorkFound(f"no calibration of {data_id}")
        checkDetector(calib, int(data_id["detector"]))
        outputs = self.run(calib, camera=camera, dimensions=dict(data_id.required))
        butlerQC.put(outputs, outputRefs)

    def run(self, *args: Any, **kwargs: Any) -> Struct:
        """Measure as the parent, which has the parameters; the table names the version of this package."""
        outputs = super().run(*args, **kwargs)
        outputs.outputResults.meta["analysis_cp"] = __version__
        return outputs

    def readCalib(self, butlerQC: QuantumContext, inputRefs: InputQuantizedConnection, camera: Camera) -> Any:
        """Read what is measured of the detector.

        Parameters
        ----------
        butlerQC
            The quantum's own context.
        inputRefs
            Its inputs.
        camera
            Camera of the detector.

        Returns
        -------
        calib
            The calibration; None if there is none.
        """
        return next(iter(butlerQC.get(inputRefs.inputCalib)), None)

    def detectorStatistics(self, inputCalib: Any, camera: Any = None, exposure: Any = None) -> dict[str, Any]:
        """Measure nothing of the detector as a whole."""
        return {}

    @abc.abstractmethod
    def amplifierStatistics(
        self, inputCalib: Any, camera: Any = None, exposure: Any = None
    ) -> dict[str, dict[str, Any]]:
        """Measure each amplifier; statistics by the names of the amplifier and of the statistic."""

    def verify(
        self,
        inputCalib: Any,
        statisticsDict: Mapping[str, Any],
        camera: Any = None,
        exposure: Any = None,
    ) -> tuple[dict[str, Any], bool]:
        """Judge what was measured by those tests of the catalogue that count.

        Parameters
        ----------
        inputCalib
            The calibration, of which the detector is taken.
        statisticsDict
            Statistics of the amplifiers under ``AMP``.
        camera
            Camera that it belongs to.
        exposure
            Not used.

        Returns
        -------
        results
            Whether each amplifier passed each test, and all as ``SUCCESS``, under ``AMP``. As in cp_verify,
            what cannot be compared has not passed. cp_verify's merge demands ``SUCCESS``. Where no test
            counts it is True and says nothing, and no status of ours is taken from it.
        success
            Whether none failed.
        """
        measured = statisticsDict["AMP"]
        table = _encode(measured, self.product, inputCalib.getMetadata()["DETECTOR"], camera)
        passed = {
            test.key: np.asarray(table.verdict(test)) == GOOD
            for test in table.product.ownVerdicts()
            if test.row == "amplifier" and test.isComputed
        }
        results = {
            name: {key: bool(own[i]) for key, own in passed.items()} for i, name in enumerate(measured)
        }
        for own in results.values():
            own["SUCCESS"] = all(own.values())
        return {"AMP": results}, all(own["SUCCESS"] for own in results.values())


def _encode(
    measured: Mapping[str, Mapping[str, float]], product: str, detector: int, camera: Camera
) -> AmpTable:
    """Encode the statistics of amplifiers, but for vectors, as a table of results is."""
    declared = getProduct(product)
    columns: dict[str, Any] = {
        "detector": np.full(len(measured), detector, dtype=np.int64),
        "amplifier": np.array(list(measured), dtype=np.str_),
    }
    for key in (key for key, value in next(iter(measured.values())).items() if np.ndim(value) == 0):
        columns[f"{declared.prefix}_{key}"] = np.array([own[key] for own in measured.values()])
    return AmpTable.fromColumns(columns, declared, cameraLayout(camera))
