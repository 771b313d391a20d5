# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Repositories with bundles of metrics, as the merge of a bias run leaves them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import astropy.units as u
import numpy as np
from astropy.time import Time

from lsst.analysis.tools.interfaces import MetricMeasurementBundle
from lsst.daf.butler import Butler, DatasetType, Timespan
from lsst.obs.lsst import LsstCam
from lsst.verify import Measurement

__all__ = ["BundleRepository"]

PREFIX = "cpBiasExpDet_"
DATASET_TYPE = "cpBiasExpDet_metrics"
RUN = "u/tests/verifyBias/20260901T120000Z"
DAY = 20260801


def findId(exposure: int) -> int:
    """Return the id of an exposure from its number in its day."""
    return DAY * 100_000 + exposure


def findTimespan(exposure: int) -> Timespan:
    """Return the time span of an exposure."""
    begin = Time("2026-08-01T22:00:00", scale="tai") + 30 * u.s * exposure
    return Timespan(begin, begin + 3 * u.s)


def registerExposures(butler: Butler, sequence: Sequence[int]) -> None:
    """Register biases by their numbers in their day."""
    of_instrument = {"instrument": "LSSTCam"}
    with butler.registry.transaction():
        butler.registry.insertDimensionData("day_obs", of_instrument | {"id": DAY})
        for number in sequence:
            butler.registry.insertDimensionData("group", of_instrument | {"name": str(number)})
            record = of_instrument | {
                "id": findId(number),
                "day_obs": DAY,
                "group": str(number),
                "physical_filter": "empty",
                "obs_id": f"MC_O_{DAY}_{number:06d}",
                "seq_num": number,
                "timespan": findTimespan(number),
            }
            butler.registry.insertDimensionData("exposure", record)


@dataclass(frozen=True)
class BundleRepository:
    """A repository of LSSTCam with a bundle of each detector of each exposure.

    Each tool of a bundle gives a record of its own topic, with the
    measurements median and nValid. Where the sum of exposure, detector and
    tool is a multiple of 50, nValid is 0 and the median is NaN.

    Parameters
    ----------
    root
        Directory, which is made.
    detectors
        Ids of the detectors.
    nExposures
        Number of exposures.
    nTools
        Number of tools.
    """

    root: Path
    detectors: Sequence[int]
    nExposures: int = 1
    nTools: int = 1

    def __post_init__(self) -> None:
        butler = Butler.from_config(Butler.makeRepo(str(self.root)), writeable=True)
        LsstCam().register(butler.registry)
        registerExposures(butler, self.sequence)
        butler.registry.registerRun(RUN)
        dimensions = ("instrument", "exposure", "detector")
        dataset_type = DatasetType(
            DATASET_TYPE, dimensions, "MetricMeasurementBundle", universe=butler.dimensions
        )
        butler.registry.registerDatasetType(dataset_type)
        with butler, butler.transaction():
            for exposure in self.sequence:
                for detector in self.detectors:
                    data_id = {"instrument": "LSSTCam", "exposure": findId(exposure), "detector": detector}
                    butler.put(self.makeBundle(exposure, detector), dataset_type, data_id, run=RUN)

    @property
    def sequence(self) -> range:
        """Numbers of the exposures in their day."""
        return range(1, self.nExposures + 1)

    @property
    def topics(self) -> list[str]:
        """Names of the topics, without a namespace."""
        return [f"{PREFIX}biasTest{tool:02d}" for tool in range(self.nTools)]

    def makeBundle(self, exposure: int, detector: int) -> MetricMeasurementBundle:
        """Make the bundle of a detector of an exposure."""
        bundle = MetricMeasurementBundle(metricNamePrefix=PREFIX)
        for tool in range(self.nTools):
            value = self.findMedian(exposure, detector, tool)
            bundle[f"biasTest{tool:02d}"] = [
                Measurement("median", (np.nan if value is None else value) * u.electron),
                Measurement("nValid", (0 if value is None else 16) * u.dimensionless_unscaled),
            ]
        return bundle

    @staticmethod
    def findMedian(exposure: int, detector: int, tool: int) -> float | None:
        """Return the median that a tool gives; None where there is no valid one."""
        if (exposure + detector + tool) % 50 == 0:
            return None
        return exposure + detector / 1000 + tool / 3

    def expect(self) -> Iterator[tuple[str, str, str, float | None]]:
        """Yield topic without namespace, exposure, detector and median of each record."""
        for exposure in self.sequence:
            for detector in self.detectors:
                for tool, topic in enumerate(self.topics):
                    median = self.findMedian(exposure, detector, tool)
                    yield topic, str(findId(exposure)), str(detector), median

    def findIds(self) -> set[str]:
        """Return the ids of all bundles."""
        with Butler.from_config(str(self.root)) as butler:
            return {str(ref.id) for ref in butler.query_datasets(DATASET_TYPE, RUN, limit=None)}
