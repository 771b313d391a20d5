# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Stand-in for ``lsst.afw.image``: images, masks and exposures, and their files.

It follows afw w_2026_30. Pixels are held as there: rows first in ``array``,
`PARENT` coordinates that respect ``XY0``, subimages that share memory. Left
out: arithmetic operators, pixel types other than those below, and the
components of an exposure other than metadata, detector, filter, visit
information and identifier; to get or set one of them raises
`NotImplementedError`.
"""

from lsst.standalone import guard

guard(__name__)

from ._exposure import Exposure, ExposureF, ExposureI, ExposureU, makeExposure
from ._exposureInfo import ExposureInfo
from ._filterLabel import FilterLabel
from ._image import Image, ImageF, ImageI, ImageU
from ._imageBase import LOCAL, PARENT, ImageOrigin
from ._mask import Mask, MaskX
from ._maskedImage import (
    MaskedImage,
    MaskedImageF,
    MaskedImageI,
    MaskedImageU,
    makeMaskedImage,
)
from ._readers import ExposureFitsReader, ImageFitsReader, MaskedImageFitsReader, MaskFitsReader
from ._visitInfo import VisitInfo

__all__ = [
    "Exposure",
    "ExposureF",
    "ExposureFitsReader",
    "ExposureI",
    "ExposureInfo",
    "ExposureU",
    "FilterLabel",
    "Image",
    "ImageF",
    "ImageFitsReader",
    "ImageI",
    "ImageOrigin",
    "ImageU",
    "LOCAL",
    "Mask",
    "MaskFitsReader",
    "MaskX",
    "MaskedImage",
    "MaskedImageF",
    "MaskedImageFitsReader",
    "MaskedImageI",
    "MaskedImageU",
    "PARENT",
    "VisitInfo",
    "makeExposure",
    "makeMaskedImage",
]
