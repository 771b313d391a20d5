# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Images of a camera at all scales, of which any window is read at once."""

# ruff: noqa: F403  (the modules' __all__ are the public names)
from .checksums import *
from .filePart import *
from .levels import *
from .reader import *
from .window import *
from .writer import *
