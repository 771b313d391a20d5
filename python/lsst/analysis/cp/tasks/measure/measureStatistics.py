# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The base of tasks that make a table of what ISR has measured of a detector in several exposures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lsst.cp.verify.verifyCalib import CpVerifyCalibConfig
from lsst.pipe.base import InputQuantizedConnection, NoWorkFound, OutputQuantizedConnection, QuantumContext
from lsst.pipe.base import connectionTypes as cT

from .measureCalib import MeasureCalibConfig, MeasureCalibConnections, MeasureCalibTask

if TYPE_CHECKING:
    from lsst.daf.butler import DeferredDatasetHandle

__all__ = [
    "DetectorStatistics",
    "MeasureStatisticsConfig",
    "MeasureStatisticsConnections",
    "MeasureStatisticsTask",
]

_SHOWN = 5
"""Exposures that a message names."""


@dataclass(frozen=True, kw_only=True)
class DetectorStatistics:
    """Statistics of one kind of a detector, as ``IsrStatisticsTask`` of ip_isr nests them.

    Parameters
    ----------
    detector
        Id of the detector.
    exposures
        What is known of each exposure, in the order of their ids: statistics by the name of the amplifier.
    """

    detector: int
    exposures: tuple[Mapping[str, Mapping[str, Any]], ...]

    def getMetadata(self) -> dict[str, int]:
        """Name the detector as calibrations do."""
        return {"DETECTOR": self.detector}

    def iterate(self, amplifier: str) -> Iterator[Mapping[str, Any]]:
        """Give the statistics of an amplifier in each exposure that has some."""
        for statistics in self.exposures:
            if own := statistics.get(amplifier):
                yield own


class MeasureStatisticsConnections(MeasureCalibConnections, dimensions={"instrument", "detector"}):
    """Statistics of ISR of a detector in several exposures, and what is measured of them."""

    data = cT.Input(
        doc="Statistics that ISR has measured.",
        name="isrStatistics",
        storageClass="StructuredDataDict",
        dimensions=("instrument", "exposure", "detector"),
        multiple=True,
        deferLoad=True,
    )

    def __init__(self, *, config: MeasureStatisticsConfig) -> None:
        super().__init__(config=config)
        self.prerequisiteInputs.discard("inputCalib")


class MeasureStatisticsConfig(MeasureCalibConfig, pipelineConnections=MeasureStatisticsConnections):
    """Configuration of `MeasureStatisticsTask`."""


class MeasureStatisticsTask(MeasureCalibTask):
    """Measure the amplifiers of a detector by what ISR has measured in several exposures.

    An exposure without the statistics, or that cannot be read, is left out, and named in the log. Vectors are
    in the table only.
    """

    ConfigClass: ClassVar[type[CpVerifyCalibConfig]] = MeasureStatisticsConfig
    kind: ClassVar[str]
    """Key of the statistics in the dictionaries of ip_isr."""
    switch: ClassVar[str]
    """Field of ``IsrStatisticsConfig`` that makes ISR measure them."""

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
            Raised if no exposure has the statistics.
        """
        handles, camera = butlerQC.get(inputRefs.data), butlerQC.get(inputRefs.camera)
        dimensions = {name: handles[0].dataId[name] for name in ("instrument", "detector")}
        statistics = self.readStatistics(handles, camera[int(dimensions["detector"])])
        outputs = self.run(statistics, camera=camera, dimensions=dimensions)
        outputs.outputStats["AMP"] = {
            name: {key: value for key, value in own.items() if np.ndim(value) == 0}
            for name, own in outputs.outputStats["AMP"].items()
        }
        butlerQC.put(outputs, outputRefs)

    def readStatistics(self, handles: Sequence[DeferredDatasetHandle], detector: Any) -> DetectorStatistics:
        """Read the statistics of exposures.

        Parameters
        ----------
        handles
            Handles of what ISR has measured of the detector in each exposure.
        detector
            The detector of the camera.

        Returns
        -------
        statistics
            Those of the exposures that have some.

        Raises
        ------
        lsst.pipe.base.NoWorkFound
            Raised if none has.
        """
        found, absent = [], []
        for handle in sorted(handles, key=_nameInput):
            name = _nameInput(handle)
            try:
                own = self.takeStatistics(handle.get(), detector)
            except Exception as error:
                self.log.warning("What there is of %s is left out: %r", name, error)
                continue
            if own:
                found.append(own)
            else:
                absent.append(name)
        why = f"ISR measures {self.kind} if isrStats.{self.switch} is set"
        if absent:
            first = ", ".join(absent[:_SHOWN]) + ", ..." * (len(absent) > _SHOWN)
            self.log.warning("%d input(s) have no %s (%s): %s", len(absent), self.kind, first, why)
        if not found:
            raise NoWorkFound(
                f"none of {len(handles)} datasets {handles[0].ref.datasetType.name} of detector "
                f"{detector.getId()} has {self.kind}; {why}"
            )
        return DetectorStatistics(detector=detector.getId(), exposures=tuple(found))

    def takeStatistics(self, dataset: Any, detector: Any) -> Mapping[str, Mapping[str, Any]] | None:
        """Take the statistics of a detector from what is stored of an exposure, if it has them."""
        statistics: Mapping[str, Mapping[str, Any]] | None = dataset.get(self.kind)
        return statistics


def _nameInput(handle: DeferredDatasetHandle) -> str:
    """Name an input by its exposure or filter."""
    known = handle.dataId.mapping
    return next(f"{key} {known[key]}" for key in ("exposure", "physical_filter") if key in known)
