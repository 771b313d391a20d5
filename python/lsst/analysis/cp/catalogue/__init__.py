# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Every test of calibration verification, declared once."""

# ruff: noqa: F403  (the modules' __all__ are the public names)
from .expressions import *
from .gains import *
from .kinds import *
from .level import *
from .limits import *
from .measurements import *
from .product import *
from .reader import *
from .slope import *
from .toolNames import *
from .vectors import *
from .verifyTest import *
