# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Choice of one of several images."""

from __future__ import annotations

__all__ = ["SelectImage"]

from typing import Any

from lsst.analysis.tools.interfaces import KeyedData, KeyedDataAction, KeyedDataSchema, Tensor
from lsst.pex.config import Field


class SelectImage(KeyedDataAction):
    """Give one of the images of the data the name under which plots take it, ``image``."""

    plane = Field[str](doc="Key of the image.", default="image")

    def getInputSchema(self) -> KeyedDataSchema:
        """Name the image."""
        return [(self.plane, Tensor)]

    def getOutputSchema(self) -> KeyedDataSchema:
        """Name what is made."""
        return [("image", Tensor)]

    def __call__(self, data: KeyedData, **kwargs: Any) -> KeyedData:
        """Take the image.

        Parameters
        ----------
        data
            Images (rows, columns) by key, and whatever else there is.
        **kwargs
            Not used.

        Returns
        -------
        images
            The image as ``image``.

        Raises
        ------
        ValueError
            Raised if there is no such image.
        """
        if self.plane not in data:
            raise ValueError(f"There is no image {self.plane!r} in the data; they have {sorted(data)}")
        return {"image": data[self.plane]}
