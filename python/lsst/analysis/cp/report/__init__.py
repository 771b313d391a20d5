# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The run report: what pipelines wrote of a run, its verdicts, and the pages that show them."""

# ruff: noqa: F403  (the modules' __all__ are the public names)
from .collect import *
from .model import *
from .pages import *
from .verdicts import *
