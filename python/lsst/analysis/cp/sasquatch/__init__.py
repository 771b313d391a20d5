# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Delivery of metrics to Sasquatch, and reading from it."""

# ruff: noqa: F403  (the modules' __all__ are the public names)
from .access import *
from .delivery import *
from .http import *
from .influx import *
from .ledger import *
from .proxy import *
from .pusher import *
from .readSasquatch import *
from .records import *
from .schemas import *
