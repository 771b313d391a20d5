# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Stand-in for ``lsst.daf.base``: property containers and date-times.

It follows daf_base w_2025_32. Left out: nested containers (a mapping as a
value raises `NotImplementedError`), the setters and getters of one C++ type
(``setInt`` and the like), and time scales other than TAI and UTC.
"""

from lsst.standalone import guard

guard(__name__)

from . import _yaml  # noqa: F401
from ._dateTime import DateTime
from ._propertyContainer import PropertyList, PropertySet

__all__ = ["DateTime", "PropertyList", "PropertySet"]
