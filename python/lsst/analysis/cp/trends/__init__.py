# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Metrics over time, from the Butler or from Sasquatch, in one tidy table."""

# ruff: noqa: F403  (the modules' __all__ are the public names)
from .detectorNames import *
from .influxClient import *
from .influxLogin import *
from .labels import *
from .observationTimes import *
from .readButler import *
from .readSasquatch import *
from .trendBlock import *
from .trendTable import *
