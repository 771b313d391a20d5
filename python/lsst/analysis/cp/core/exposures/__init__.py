# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What is measured in each exposure of a run, against what is known of the exposures."""

# ruff: noqa: F403  (the modules' __all__ are the public names)
from .grid import *
from .lines import *
from .rafts import *
from .rates import *
