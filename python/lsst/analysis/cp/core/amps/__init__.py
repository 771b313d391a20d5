# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Results of amplifiers: encoded, reduced, judged and written as tables."""

# ruff: noqa: F403  (the modules' __all__ are the public names)
from .culprits import *
from .failures import *
from .margins import *
from .reference import *
from .rows import *
from .summary import *
from .table import *
from .tables import *
from .times import *
from .vectors import *
from .verdicts import *
from .wrongTables import *
