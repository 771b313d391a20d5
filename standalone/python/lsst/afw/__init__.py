# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Stand-ins for the parts of ``lsst.afw`` that hold images and cameras."""

from lsst.standalone import guard

guard(__name__)
