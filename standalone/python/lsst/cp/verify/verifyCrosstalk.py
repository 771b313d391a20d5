# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The verification of crosstalk of cp_verify (2026-04-22), DMTN-101 9.1.

As there, the results of the tests have no level, every row of the table of coefficients is the last one, and
the name of the amplifier in the table of results is ``detector``.
"""

__all__ = ["CpVerifyCrosstalkConfig", "CpVerifyCrosstalkTask"]

from collections.abc import Mapping
from typing import Any, override

import numpy as np

from lsst.pipe.base import connectionTypes as cT

from .verifyCalib import CpVerifyCalibConfig, CpVerifyCalibConnections, CpVerifyCalibTask


class CpVerifyCrosstalkConnections(
    CpVerifyCalibConnections, dimensions={"instrument", "detector"}, defaultTemplates={}
):
    """Connections of a task that tests the crosstalk that the same pipeline has measured."""

    inputCalib = cT.Input(
        name="calib",
        doc="Coefficients to test.",
        storageClass="CrosstalkCalib",
        dimensions=("instrument", "detector"),
        isCalibration=True,
    )


class CpVerifyCrosstalkConfig(CpVerifyCalibConfig, pipelineConnections=CpVerifyCrosstalkConnections):
    """Configuration of `CpVerifyCrosstalkTask`."""

    @override
    def setDefaults(self) -> None:
        super().setDefaults()
        self.stageName = "CROSSTALK"
        self.calibStatKeywords = {"SNR": ""}


class CpVerifyCrosstalkTask(CpVerifyCalibTask):
    """Test that no coefficient of a detector is significant."""

    ConfigClass = CpVerifyCrosstalkConfig
    config: CpVerifyCrosstalkConfig
    _DefaultName = "cpVerifyCrosstalk"

    @override
    def detectorStatistics(self, inputCalib: Any, camera: Any = None) -> dict[str, Any]:
        return {
            "N_VALID": int(np.sum(inputCalib.coeffValid)),
            "N_AMP": inputCalib.nAmp,
            "COEFFS": inputCalib.coeffs.tolist(),
        }

    @override
    def amplifierStatistics(self, inputCalib: Any, camera: Any = None) -> None:
        """Measure nothing: there are no statistics of amplifiers."""

    @override
    def verify(
        self, calib: Any, statisticsDict: Mapping[str, Any], camera: Any = None
    ) -> tuple[dict[str, Any], bool]:
        passed = statisticsDict["DET"]["N_VALID"] <= 0
        return {"NO_SIGNIFICANT_DETECTION": passed}, passed

    @override
    def repackStats(
        self, statisticsDict: Mapping[str, Any], dimensions: Mapping[str, Any]
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        base, stage = self._makeRow(statisticsDict, dimensions), self.config.stageName
        measured = statisticsDict["DET"]
        row = base | {"amplifier": "detector"}
        row |= {f"{stage}_{key}": measured[key] for key in ("N_VALID", "N_AMP")}
        row |= {f"{stage}_VERIFY_{key}": value for key, value in statisticsDict["VERIFY"].items()}
        last = measured["N_AMP"] - 1
        # All rows of cp_verify are one and the same object, which ends as the last.
        element = {name: base[name] for name in ("instrument", "detector")}
        element |= {"detectorComp": base["detector"], "mjd": base["mjd"]}
        element |= {
            "amplifierIdx": last,
            "amplifierCompIdx": last,
            "coefficient": measured["COEFFS"][last][last],
        }
        return [row], [element] * measured["N_AMP"] ** 2
