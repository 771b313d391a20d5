# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tools of calibration products verification, one file a product."""

from .ampTools import *
from .bias import *
from .toolSets import *
