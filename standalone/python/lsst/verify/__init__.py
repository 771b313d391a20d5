# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""Stand-in for ``lsst.verify``: a measured value with its name and unit.

Follows ``verify`` at ea64af1 (2025-07-23). There are no metric
definitions, specifications, jobs, blobs or data in it: `Measurement` raises
`NotImplementedError` where it is given one.
"""

from lsst.standalone import guard

guard(__name__)

from .measurement import Measurement
from .naming import Name

__all__ = ["Measurement", "Name"]
