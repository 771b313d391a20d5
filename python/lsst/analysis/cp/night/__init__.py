# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Verification of what an afternoon takes, night after night: what is to be done, and its doing."""

# ruff: noqa: F403  (the modules' __all__ are the public names)
from .line import *
from .lock import *
from .night import *
from .pipetask import *
from .verify import *
