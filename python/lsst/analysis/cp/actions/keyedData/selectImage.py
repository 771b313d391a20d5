# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Choice of one of several images, and of the range of its colours."""

from __future__ import annotations

from typing import Any, cast

from lsst.analysis.cp.core.images import STRETCH_METHODS, StretchMethod, stretchLimits
from lsst.analysis.cp.core.masked import fillMasked
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataAction, KeyedDataSchema, Tensor
from lsst.pex.config import ChoiceField, Field

__all__ = ["SelectImage"]


class SelectImage(KeyedDataAction):
    """Give one of the images of the data the name under which plots take it, ``image``.

    If the data have ``stretchSample``, pixels of all of an exposure, the range of the colours is chosen from
    them, so that parts of the exposure compare.
    """

    plane = Field[str](doc="Key of the image.", default="image")
    stretch = ChoiceField[str](
        doc="How the range of the colours is chosen.",
        default="symmetric",
        allowed={method: f"See core.images.stretchLimits: {method}." for method in STRETCH_METHODS},
    )
    percentile = Field[float](doc="Share of the pixels within the range, in percent.", default=99.5)
    centre = Field[float](doc="Middle of a symmetric range.", default=0.0)

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
            The image as ``image``, and the range as ``stretchLow`` and ``stretchHigh``.

        Raises
        ------
        ValueError
            Raised if there is no such image.
        """
        if self.plane not in data:
            raise ValueError(f"There is no image {self.plane!r} in the data; they have {sorted(data)}")
        selected: dict[str, Any] = {"image": data[self.plane]}
        if "stretchSample" in data:
            sample = fillMasked(data["stretchSample"]).reshape(1, -1)
            method = cast(StretchMethod, self.stretch)
            limits = stretchLimits(sample, method, percentile=self.percentile, centre=self.centre)
            selected["stretchLow"], selected["stretchHigh"] = limits
        return selected
