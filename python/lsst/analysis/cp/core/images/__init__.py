# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Images of detectors and of the focal plane: binned, placed and stretched."""

# ruff: noqa: F403  (the modules' __all__ are the public names)
from .binning import *
from .mosaic import *
from .placement import *
from .stretch import *
