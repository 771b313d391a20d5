# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What the submit files of the folder ``bps`` call: as a run is submitted, and when it is over."""

from .outcome import describeFailures
from .submission import checkVariables, countCores, groupDetectors

__all__ = ["checkVariables", "countCores", "describeFailures", "groupDetectors"]
