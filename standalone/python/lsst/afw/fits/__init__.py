# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Stand-in for ``lsst.afw.fits``: FITS headers, compressed image planes and their options.

It follows afw w_2026_30 and writes through `astropy.io.fits` what afw writes
through cfitsio. Left out: the ``Fits`` class, files in memory and what reads a
header alone; options are made of the mappings of write recipes.
"""

from lsst.standalone import guard

guard(__name__)

from ._compression import CompressionOptions
from ._files import FitsError

__all__ = ["CompressionOptions", "FitsError"]
