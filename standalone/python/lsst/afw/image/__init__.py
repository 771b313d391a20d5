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

from ._exposure import *
from ._exposureInfo import *
from ._filterLabel import *
from ._image import *
from ._imageBase import *
from ._mask import *
from ._maskedImage import *
from ._readers import *
from ._visitInfo import *
