# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A task that measures charge transfer inefficiencies of what ISR finds in the overscan of flats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lsst.analysis.cp.core.calibrations import averageInefficiency, estimateInefficiency
from lsst.analysis.cp.core.typing import FloatArray
from lsst.pex.config import Field

from .cti import MeasureCtiConfig
from .measureStatistics import DetectorStatistics, MeasureStatisticsConnections, MeasureStatisticsTask

__all__ = ["MeasureEperConfig", "MeasureEperTask"]


class MeasureEperConfig(MeasureCtiConfig, pipelineConnections=MeasureStatisticsConnections):
    """Configuration of `MeasureEperTask`."""

    numOverscanPixels = Field[int](
        doc="Columns, or rows, of the overscan that are taken to hold the deferred charge.",
        default=2,
        check=lambda number: number > 0,
    )

    def setDefaults(self) -> None:
        """Name the columns."""
        super().setDefaults()
        self.stageName = "EPER"


class MeasureEperTask(MeasureStatisticsTask):
    """Measure the inefficiencies of the amplifiers of a detector by the extended pixel edge response.

    The means of columns and rows are those that ip_isr measures for the calibration ``cti``, which is not
    needed.
    """

    ConfigClass = MeasureEperConfig
    config: MeasureEperConfig
    _DefaultName = "measureEper"
    product = "eper"
    kind = "CTI"
    switch = "doCtiStatistics"

    def amplifierStatistics(
        self, inputCalib: DetectorStatistics, camera: Any = None, exposure: Any = None
    ) -> dict[str, dict[str, Any]]:
        """Measure each amplifier of the camera; what the statistics do not have is NaN."""
        low, high = self.config.signalRange
        measured = {}
        for amp in camera[inputCalib.detector]:
            box = amp.getRawDataBBox()
            n_serial = box.getWidth() + amp.getRawSerialPrescanBBox().getWidth()
            rows = [
                (
                    float(own.get("IMAGE_MEAN", np.nan)),
                    self._estimate(own, "SERIAL", "COLUMN", n_serial),
                    self._estimate(own, "PARALLEL", "ROW", box.getHeight()),
                )
                for own in inputCalib.iterate(amp.getName())
            ]
            signals, serial, parallel = _sortRows(rows, len(inputCalib.exposures))
            if not self.config.doMeasureParallel:
                parallel = np.full_like(signals, np.nan)
            measured[amp.getName()] = {
                "SERIAL_CTI": averageInefficiency(signals, serial, (low, high)),
                "SERIAL_LIMIT": self.config.serialLimit,
                "PARALLEL_CTI": averageInefficiency(signals, parallel, (low, high)),
                "PARALLEL_LIMIT": self.config.parallelLimit,
                "N_EXPOSURES": float(np.isfinite(serial).sum()),
                "SIGNALS": signals,
                "SERIAL_CURVE": serial,
                "PARALLEL_CURVE": parallel,
            }
        return measured

    def _estimate(self, own: Mapping[str, Any], direction: str, line: str, nTransfers: int) -> float:
        """Estimate the inefficiency of an amplifier in one direction in an exposure."""
        overscan = np.asarray(own.get(f"{direction}_OVERSCAN_VALUES", ()), dtype=np.float64)
        last = float(own.get(f"LAST_{line}_MEAN", np.nan))
        return estimateInefficiency(overscan, last, nTransfers, self.config.numOverscanPixels)


def _sortRows(
    rows: Sequence[tuple[float, float, float]], nExposures: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Sort signals, serial and parallel estimates by the signals; NaN for exposures without."""
    columns = np.full((nExposures, 3), np.nan)
    columns[: len(rows)] = np.reshape(rows, (-1, 3))
    signals, serial, parallel = columns[np.argsort(columns[:, 0], kind="stable")].T
    return signals.copy(), serial.copy(), parallel.copy()
