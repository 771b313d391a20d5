# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""How Butler takes exposures apart and applies parameters to them.

It follows obs_base w_2026_30. Left out: components that the stand-in
`lsst.afw.image` cannot hold, and putting together exposures whose components
are stored in files of their own.
"""

from collections.abc import Iterable, Mapping, Set
from typing import Any, ClassVar

from lsst.daf.butler import DatasetComponent, DatasetProvenance, DatasetRef, StorageClassDelegate

from .formatters._provenance import add_provenance_to_fits_header

__all__ = ["ExposureAssembler"]


class ExposureAssembler(StorageClassDelegate):
    """Takes components out of images, masked images and exposures."""

    _OF_PIXELS: ClassVar[Set[str]] = frozenset({"image", "mask", "variance"})
    _OF_BOX: ClassVar[Mapping[str, str]] = {"bbox": "getBBox", "dimensions": "getDimensions", "xy0": "getXY0"}
    _OF_INFO: ClassVar[Mapping[str, str]] = {
        "metadata": "getMetadata",
        "detector": "getDetector",
        "visitInfo": "getVisitInfo",
        "filter": "getFilter",
        "id": "getId",
    }

    def getComponent(self, composite: Any, componentName: str) -> Any:
        """Return a component of an image, masked image or exposure.

        Raises
        ------
        AttributeError
            Raised if there is no such component.
        NotImplementedError
            Raised if the stand-in cannot hold it.
        """
        if componentName in self._OF_BOX:
            return getattr(composite, self._OF_BOX[componentName])()
        if componentName in self._OF_PIXELS:
            return getattr(composite, componentName)
        if componentName in self._OF_INFO:
            return getattr(composite.getInfo(), self._OF_INFO[componentName])()
        if componentName in self.storageClass.components:
            raise NotImplementedError(f"An exposure of the stand-in lsst.afw.image has no {componentName}")
        raise AttributeError(f"Do not know how to retrieve component {componentName} from {type(composite)}")

    def disassemble(
        self, composite: Any, subset: Iterable[str] | None = None, override: Any | None = None
    ) -> dict[str, DatasetComponent]:
        """Refuse to store components in files of their own.

        Raises
        ------
        NotImplementedError
            Raised always.
        """
        raise NotImplementedError("The stand-in of ExposureAssembler stores exposures in one file only")

    def assemble(self, components: dict[str, Any], pytype: type | None = None) -> Any:
        """Refuse to put together components from files of their own.

        Raises
        ------
        NotImplementedError
            Raised always.
        """
        raise NotImplementedError("The stand-in of ExposureAssembler reads exposures from one file only")

    def handleParameters(self, inMemoryDataset: Any, parameters: Mapping[str, Any] | None = None) -> Any:
        """Return the part of a dataset that the parameters say.

        Parameters
        ----------
        inMemoryDataset : `lsst.afw.image.Exposure` or `lsst.afw.image.Image`
            The dataset.
        parameters : `~collections.abc.Mapping`, optional
            ``bbox`` and ``origin``; others are ignored.
        """
        used = self.storageClass.filterParameters(parameters, subset=("bbox", "origin")) if parameters else {}
        return inMemoryDataset.subset(**used) if used else inMemoryDataset

    def add_provenance(
        self, inMemoryDataset: Any, ref: DatasetRef, provenance: DatasetProvenance | None = None
    ) -> Any:
        """Say in the metadata of the dataset, if it has any, where it came from."""
        metadata = getattr(inMemoryDataset, "metadata", None)
        if metadata is not None:
            add_provenance_to_fits_header(metadata, ref, provenance)
        return inMemoryDataset
