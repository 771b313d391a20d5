# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Base of instruments, which registers filters and stores the camera in a Butler repository."""

from __future__ import annotations

__all__ = ["FilterDefinition", "FilterDefinitionCollection", "Instrument", "VisitSystem"]

import enum
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lsst.daf.butler import Butler, CollectionType, DatasetType, Registry, Timespan
from lsst.pipe.base import Instrument as _InstrumentBase

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera


class VisitSystem(enum.Enum):
    """How exposures make visits."""

    ONE_TO_ONE = 0
    BY_GROUP_METADATA = 1
    BY_SEQ_START_END = 2


@dataclass(frozen=True)
class FilterDefinition:
    """Physical filter and its band.

    Parameters
    ----------
    physical_filter
        Name of the filter of an instrument.
    band
        Name of its band; if `None`, the band has the filter's name.
    """

    physical_filter: str
    band: str | None = None


class FilterDefinitionCollection(tuple[FilterDefinition, ...]):
    """Filters of an instrument, in order.

    Parameters
    ----------
    *filters
        The filters.
    """

    def __new__(cls, *filters: FilterDefinition) -> FilterDefinitionCollection:
        return super().__new__(cls, filters)


class Instrument(_InstrumentBase):
    """Base of instruments.

    Parameters
    ----------
    collection_prefix
        Prefix of the names of collections; the instrument's name if `None`.
    """

    filterDefinitions: ClassVar[FilterDefinitionCollection]
    """Filters of the instrument."""

    @abstractmethod
    def getCamera(self) -> Camera:
        """Return the camera."""
        raise NotImplementedError()

    def _registerFilters(self, registry: Registry, update: bool = False) -> None:
        """Register the filters; one without a band gets a band of its own name, for Butler requires it."""
        for definition in self.filterDefinitions:
            record = {
                "instrument": self.getName(),
                "name": definition.physical_filter,
                "band": definition.band or definition.physical_filter,
            }
            registry.syncDimensionData("physical_filter", record, update=update)

    def writeCameraGeom(
        self, butler: Butler, collection: str | None = None, labels: Sequence[str] = ()
    ) -> None:
        """Store the camera and certify it for all times.

        Parameters
        ----------
        butler
            Butler to store it with.
        collection
            Calibration collection; by default ``makeCalibrationCollectionName(*labels)``.
        labels
            Words to include in the names of collections.
        """
        if collection is None:
            collection = self.makeCalibrationCollectionName(*labels)
        butler.registry.registerCollection(collection, type=CollectionType.CALIBRATION)
        run = self.makeUnboundedCalibrationRunName(*labels)
        butler.registry.registerRun(run)
        dataset_type = DatasetType(
            "camera", ("instrument",), "Camera", isCalibration=True, universe=butler.dimensions
        )
        butler.registry.registerDatasetType(dataset_type)
        ref = butler.put(self.getCamera(), dataset_type, {"instrument": self.getName()}, run=run)
        butler.registry.certify(collection, [ref], Timespan(begin=None, end=None))
