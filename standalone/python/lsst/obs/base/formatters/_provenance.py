# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Where a dataset came from, in the header of its FITS file."""

import re

from lsst.daf.base import PropertyList
from lsst.daf.butler import DatasetProvenance, DatasetRef

__all__ = ["add_provenance_to_fits_header"]

_PREFIX = "LSST BUTLER"

_MAX_INPUTS = 3000
"""Inputs that are named one by one; there are headers with no room for more."""

_COMMENTS = {
    "RUN": "Run collection",
    "ID": "Dataset ID",
    "DATAID": "Data identifier",
    "DATASETTYPE": "Dataset type",
}
"""Comment of a key by a word of it."""


def add_provenance_to_fits_header(
    header: PropertyList, ref: DatasetRef, provenance: DatasetProvenance | None = None
) -> None:
    """Say in a header which dataset it belongs to and what that was made of.

    Parameters
    ----------
    header : `lsst.daf.base.PropertyList`
        The header; an older statement in it is replaced.
    ref : `lsst.daf.butler.DatasetRef`
        The dataset.
    provenance : `lsst.daf.butler.DatasetProvenance`, optional
        What it was made of.
    """
    for name in header.names():
        if name.startswith(_PREFIX):
            header.remove(name)
    statement = (provenance or DatasetProvenance()).to_flat_dict(
        ref, prefix=_PREFIX, sep=" ", simple_types=True, max_inputs=_MAX_INPUTS
    )
    for name, value in statement.items():
        words = [word for word in _COMMENTS if re.search(rf"\b{word}\b", name)]
        header.set(name, value, _COMMENTS[words[0]] if words else "")
