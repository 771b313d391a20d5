# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Stored metrics as time series in Sasquatch."""

# ruff: noqa: F403  (the modules' __all__ are the public names)
from .bundleContent import *
from .bundleQuery import *
from .calibrations import *
from .delivery import *
from .httpSession import *
from .ledger import *
from .proxyAddress import *
from .proxyClient import *
from .proxyErrors import *
from .pushMetrics import *
from .recordMaker import *
from .records import *
from .recordTimes import *
from .schemas import *
from .topics import *
