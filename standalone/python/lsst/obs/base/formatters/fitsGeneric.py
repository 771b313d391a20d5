# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The formatter of what has ``readFits`` and ``writeFits``, like cameras."""

from collections.abc import Set
from typing import Any, ClassVar

from lsst.daf.butler import DatasetProvenance, FormatterV2
from lsst.resources import ResourcePath

from ._provenance import add_provenance_to_fits_header

__all__ = ["FITS_EXTENSIONS", "FitsGenericFormatter"]

FITS_EXTENSIONS = frozenset({".fits", ".fits.gz", ".fits.fz", ".fz", ".fit"})
"""Extensions of the files that the formatters of FITS files read."""


class FitsGenericFormatter(FormatterV2):
    """Reads and writes objects by their own ``readFits`` and ``writeFits``."""

    default_extension = ".fits"
    supported_extensions: ClassVar[Set[str]] = FITS_EXTENSIONS
    can_read_from_local_file = True

    def read_from_local_file(self, path: str, component: str | None = None, expected_size: int = -1) -> Any:
        """Read the object; parameters of the read go to ``readFitsWithOptions``, if it has that."""
        pytype: Any = self.file_descriptor.storageClass.pytype
        parameters = self.file_descriptor.parameters
        if parameters and hasattr(pytype, "readFitsWithOptions"):
            return pytype.readFitsWithOptions(path, options=parameters)
        return pytype.readFits(path)

    def write_local_file(self, in_memory_dataset: Any, uri: ResourcePath) -> None:
        """Write the object."""
        in_memory_dataset.writeFits(uri.ospath)

    def add_provenance(
        self, in_memory_dataset: Any, /, *, provenance: DatasetProvenance | None = None
    ) -> Any:
        """Say in the object's metadata, if it has any, where it came from."""
        if hasattr(in_memory_dataset, "getMetadata"):
            metadata = in_memory_dataset.getMetadata()
        else:
            metadata = getattr(in_memory_dataset, "metadata", None)
        if metadata is not None:
            add_provenance_to_fits_header(metadata, self.dataset_ref, provenance)
        return in_memory_dataset
