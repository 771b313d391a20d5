# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The verification of linearizers of cp_verify (2026-04-22), DMTN-101 7.1.1.

As there, a spline with the value 0 at the knot 0 never passes, and the table has the knots and values of a
spline in one vector; of a lookup table and of less than three coefficients there is an `IndexError`.
"""

__all__ = ["CpVerifyLinearityConfig", "CpVerifyLinearityTask"]

from collections.abc import Mapping
from typing import Any, override

import numpy as np
import numpy.typing as npt

from lsst.pex.config import Field
from lsst.pipe.base import connectionTypes as cT

from .verifyCalib import CpVerifyCalibConfig, CpVerifyCalibConnections, CpVerifyCalibTask

_VECTORS = {
    "FIT_PARAMS": "fitParams",
    "FIT_PARAMS_ERR": "fitParamsErr",
    "FIT_RESIDUALS": "fitResiduals",
    "LINEAR_FIT": "linearFit",
}
"""Statistics that are vectors of the linearizer, which has them by these names."""


class CpVerifyLinearityConnections(
    CpVerifyCalibConnections, dimensions={"instrument", "detector"}, defaultTemplates={}
):
    """The linearizer of one detector, which the same pipeline makes."""

    inputCalib = cT.Input(
        name="calib",
        doc="Calibration to test.",
        storageClass="Linearizer",
        dimensions=("instrument", "detector"),
        isCalibration=True,
    )


class CpVerifyLinearityConfig(CpVerifyCalibConfig, pipelineConnections=CpVerifyLinearityConnections):
    """Configuration of `CpVerifyLinearityTask`."""

    maxResidualThresholdSpline = Field[float](
        doc="Largest ratio of value and knot of a spline (percent).", default=1.0
    )
    expectedQuadraticCoeffPolynomial = Field[float](
        doc="Largest coefficient of the square (1/adu).", default=1e-6
    )
    maxResidualThresholdTable = Field[float](doc="Largest ratio of a lookup table.", default=1.0)

    @override
    def setDefaults(self) -> None:
        super().setDefaults()
        self.stageName = "LINEARITY"


class CpVerifyLinearityTask(CpVerifyCalibTask):
    """Test the linearizers of the amplifiers of a detector."""

    ConfigClass = CpVerifyLinearityConfig
    config: CpVerifyLinearityConfig
    _DefaultName = "cpVerifyLinearity"

    @override
    def amplifierStatistics(self, inputCalib: Any, camera: Any = None) -> dict[str, dict[str, Any]]:
        measured = {}
        for amp in camera[inputCalib.getMetadata()["DETECTOR"]]:
            name = amp.getName()
            own = {key: getattr(inputCalib, attribute)[name] for key, attribute in _VECTORS.items()}
            own["LINEARITY_COEFFS"] = inputCalib.linearityCoeffs[name]
            own["LINEARITY_TYPE"] = str(inputCalib.linearityType[name])
            if own["LINEARITY_TYPE"] == "LookupTable":
                own["TABLE_DATA"] = inputCalib.tableData[name]
            measured[name] = own
        return measured

    @override
    def verify(
        self, calib: Any, statisticsDict: Mapping[str, Any], camera: Any = None
    ) -> tuple[dict[str, Any], bool]:
        results = {}
        for name, own in statisticsDict["AMP"].items():
            passed = self._judge(own["LINEARITY_TYPE"], np.asarray(own["LINEARITY_COEFFS"]))
            results[name] = {"MAX_RESIDUAL_ERROR": passed, "SUCCESS": passed}
        return {"AMP": results, "DET": {}}, all(own["SUCCESS"] for own in results.values())

    def _judge(self, kind: str, coefficients: npt.NDArray[np.float64]) -> bool:
        """Test the coefficients of an amplifier."""
        quadratic = self.config.expectedQuadraticCoeffPolynomial
        if kind == "Spline":
            knots, values = np.split(coefficients, 2)
            with np.errstate(divide="ignore", invalid="ignore"):
                ratios = abs(values / knots)
            # That of the language, for which nothing is larger than a first NaN, and no later NaN is.
            return bool(max(ratios) * 100 <= self.config.maxResidualThresholdSpline)
        if kind == "Squared":
            return bool(abs(coefficients[2]) <= quadratic)
        if kind == "Polynomial":
            terms = abs(coefficients[2:])
            limits = terms[0] * np.sqrt(quadratic) ** np.arange(len(terms))
            limits[0] = quadratic
            return bool((terms <= limits).all())
        self.log.warning("Dummy linearizer found (type: `None`).")
        return False

    @override
    def repackStats(
        self, statisticsDict: Mapping[str, Any], dimensions: Mapping[str, Any]
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]] | None]:
        stage, verdicts = self.config.stageName, statisticsDict["VERIFY"]["AMP"]
        base = {name: dimensions[name] for name in ("instrument", "detector")}
        rows = []
        for name, own in statisticsDict["AMP"].items():
            coefficients = np.asarray(own.pop("LINEARITY_COEFFS"))
            columns = {"CENTERS": np.full(len(coefficients), np.nan), "COEFFS": coefficients}
            columns |= own | verdicts[name]
            rows.append(
                base | {"amplifier": name} | {f"{stage}_{key}": value for key, value in columns.items()}
            )
        return [*rows, base], []
