# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Delivery of metrics to Sasquatch, and reading from it."""

# ruff: noqa: F403  (the modules' __all__ are the public names)
from .delivery import *
from .httpSession import *
from .influx import *
from .ledger import *
from .proxyAddress import *
from .proxyClient import *
from .proxyErrors import *
from .pushMetrics import *
from .readSasquatch import *
from .recordMaker import *
from .records import *
from .schemas import *
