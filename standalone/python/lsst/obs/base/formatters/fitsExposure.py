# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The formatters of images, masks and exposures."""

import copy
import hashlib
import json
from collections.abc import Mapping, Set
from typing import Any, ClassVar

import numpy as np

from lsst.afw.fits import CompressionOptions
from lsst.afw.image import (
    ExposureFitsReader,
    FilterLabel,
    ImageFitsReader,
    MaskedImageFitsReader,
    MaskFitsReader,
)
from lsst.daf.butler import DatasetProvenance, FormatterV2
from lsst.resources import ResourcePath

from ._provenance import add_provenance_to_fits_header
from .fitsGeneric import FITS_EXTENSIONS

__all__ = [
    "FitsExposureFormatter",
    "FitsImageFormatter",
    "FitsMaskFormatter",
    "FitsMaskedImageFormatter",
    "StandardFitsImageFormatterBase",
]

_PLANES = ("image", "mask", "variance")

_READ_PARAMETERS = frozenset({"bbox", "origin"})


class StandardFitsImageFormatterBase(FormatterV2):
    """What the formatters of this module have in common.

    The write parameter ``recipe`` names a recipe of Butler's
    ``writeRecipes.yaml``: how to compress image, mask and variance.
    """

    default_extension = ".fits"
    supported_extensions: ClassVar[Set[str]] = FITS_EXTENSIONS
    supported_write_parameters: ClassVar[Set[str] | None] = frozenset({"recipe"})
    can_read_from_local_file = True

    ReaderClass: ClassVar[type[Any]]
    """Class that reads the file."""

    def read_from_local_file(self, path: str, component: str | None = None, expected_size: int = -1) -> Any:
        """Read the dataset, or no more of it than a component or a box.

        Raises
        ------
        KeyError
            Raised if the file has no such component.
        NotImplementedError
            Raised for a parameter that the stand-in does not know.
        lsst.afw.fits.FitsError
            Raised if the file is damaged.
        """
        reader = self.ReaderClass(path)
        return self.read_full(reader) if component is None else self.read_component(reader, component)

    def read_full(self, reader: Any) -> Any:
        """Read the dataset, as the parameters say."""
        return reader.read(**self._checked_parameters(), dtype=self._dtype())

    def read_component(self, reader: Any, component: str) -> Any:
        """Read a component.

        Raises
        ------
        KeyError
            Raised if there is no such component.
        """
        if component not in ("bbox", "dimensions", "xy0"):
            raise KeyError(f"Unknown component requested: {component}")
        box = reader.readBBox()
        return {"bbox": box, "dimensions": box.getDimensions(), "xy0": box.getMin()}[component]

    def write_local_file(self, in_memory_dataset: Any, uri: ResourcePath) -> None:
        """Write the dataset, compressed as the recipe says."""
        recipe = self.get_image_compression_settings(self.write_parameters.get("recipe"))
        if recipe:
            in_memory_dataset.writeFitsWithOptions(uri.ospath, options=recipe)
        else:
            in_memory_dataset.writeFits(uri.ospath)

    def get_image_compression_settings(self, recipeName: str | None) -> dict[str, Any]:
        """Return a recipe, with a dither seed that depends on the data ID alone.

        Parameters
        ----------
        recipeName : `str` or `None`
            Name of the recipe; `None` takes ``default``.

        Returns
        -------
        recipe : `dict`
            Options of each plane; empty for no compression.

        Raises
        ------
        RuntimeError
            Raised if there is no such recipe.
        """
        recipes = self.write_recipes
        if not recipeName and "default" not in recipes:
            return {}
        name = recipeName or "default"
        if name not in recipes:
            raise RuntimeError(f"Unrecognized recipe option given for compression: {name}")
        recipe = copy.deepcopy(recipes[name]) or {}
        for options in recipe.values():
            quantization = options.get("quantization") if options else None
            if quantization and not quantization["seed"]:
                quantization["seed"] = self._seed()
        return recipe

    @classmethod
    def validate_write_recipes(cls, recipes: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """Return recipes with all their options filled in.

        Raises
        ------
        ValueError
            Raised if an option is unknown.
        KeyError
            Raised if a plane is missing or an algorithm unknown.
        """
        if not recipes:
            return recipes
        validated: dict[str, Any] = {}
        for name, recipe in recipes.items():
            try:
                validated[name] = recipe and {
                    plane: CompressionOptions.from_mapping(recipe[plane]).to_dict() for plane in _PLANES
                }
            except (KeyError, ValueError) as error:
                error.add_note(f"In write recipe {name!r}.")
                raise
        return validated

    def _checked_parameters(self) -> dict[str, Any]:
        parameters = dict(self.file_descriptor.parameters or {})
        self.file_descriptor.storageClass.validateParameters(parameters)
        unknown = parameters.keys() - _READ_PARAMETERS
        if unknown:
            raise NotImplementedError(f"The stand-in of {self.name()} has no parameters {sorted(unknown)}")
        return parameters

    def _dtype(self) -> np.dtype | None:
        """Return the type of a pixel that the storage class asks for."""
        dtype = getattr(self.file_descriptor.storageClass.pytype, "dtype", None)
        return None if dtype is None else np.dtype(dtype)

    def _seed(self) -> int:
        values = json.dumps(list(self.data_id.required_values)).encode()
        digest = hashlib.md5(values, usedforsecurity=False).digest()
        return 1 + int.from_bytes(digest) % 9999


class FitsImageFormatter(StandardFitsImageFormatterBase):
    """Reads and writes an `lsst.afw.image.Image`."""

    ReaderClass = ImageFitsReader


class FitsMaskFormatter(StandardFitsImageFormatterBase):
    """Reads and writes an `lsst.afw.image.Mask`."""

    ReaderClass = MaskFitsReader


class FitsMaskedImageFormatter(StandardFitsImageFormatterBase):
    """Reads and writes an `lsst.afw.image.MaskedImage`."""

    ReaderClass = MaskedImageFitsReader

    def read_component(self, reader: Any, component: str) -> Any:
        """Read a plane, or what all images have.

        Raises
        ------
        KeyError
            Raised if there is no such component.
        """
        if component not in _PLANES:
            return super().read_component(reader, component)
        methods = {"image": reader.readImage, "mask": reader.readMask, "variance": reader.readVariance}
        return methods[component](**self._checked_parameters())


class FitsExposureFormatter(FitsMaskedImageFormatter):
    """Reads and writes an `lsst.afw.image.Exposure`."""

    ReaderClass = ExposureFitsReader

    _METHODS: ClassVar[Mapping[str, str]] = {
        "metadata": "readMetadata",
        "visitInfo": "readVisitInfo",
        "id": "readExposureId",
        "detector": "readDetector",
    }
    """How the reader reads a component."""

    _LEFT_OUT: ClassVar[Set[str]] = frozenset(
        "wcs psf photoCalib apCorrMap coaddInputs transmissionCurve validPolygon summaryStats".split()
    )

    def read_full(self, reader: Any) -> Any:
        """Read the exposure; its filter is that of the data ID, if that has one."""
        exposure = super().read_full(reader)
        label = self._filter_label()
        if label is not None:
            exposure.setFilter(label)
        return exposure

    def read_component(self, reader: Any, component: str) -> Any:
        """Read a component.

        Raises
        ------
        KeyError
            Raised if there is no such component.
        NotImplementedError
            Raised if the stand-in cannot hold it.
        """
        if component in self._LEFT_OUT:
            raise NotImplementedError(
                f"The stand-in of {self.name()} cannot read the component {component!r}"
            )
        if component == "filter":
            return self._filter_label() or reader.readFilter()
        if component in self._METHODS:
            return getattr(reader, self._METHODS[component])()
        return super().read_component(reader, component)

    def add_provenance(
        self, in_memory_dataset: Any, /, *, provenance: DatasetProvenance | None = None
    ) -> Any:
        """Say in the metadata of the exposure where it came from."""
        add_provenance_to_fits_header(in_memory_dataset.metadata, self.dataset_ref, provenance)
        return in_memory_dataset

    def _filter_label(self) -> FilterLabel | None:
        """Return the filter that the data ID says."""
        band, physical = self.data_id.get("band"), self.data_id.get("physical_filter")
        if band is None and physical is None:
            return None
        return FilterLabel(
            band=None if band is None else str(band), physical=None if physical is None else str(physical)
        )
