# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Arrays in, arrays out: what the framework calls to do the work."""

# ruff: noqa: F403  (the modules' __all__ are the public names)
from .ampKeys import *
from .ampResults import *
from .ampSummary import *
from .ampTable import *
from .cameraLayout import *
from .colourLimits import *
from .columns import *
from .culprits import *
from .detectorRollUp import *
from .focalPlane import *
from .majority import *
from .referenceValues import *
from .rollUp import *
from .segments import *
from .status import *
from .summaryTables import *
