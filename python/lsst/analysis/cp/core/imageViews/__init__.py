# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Arrays of pixels in, arrays of pixels out: what the views of images are made of."""

# ruff: noqa: F403  (the modules' __all__ are the public names)
from .binning import *
from .cameraImage import *
from .mosaic import *
from .placement import *
from .pyramid import *
from .pyramidLevels import *
from .pyramidReader import *
from .ranking import *
from .significance import *
from .stretch import *
from .structures import *
from .structureTable import *
from .thresholds import *
