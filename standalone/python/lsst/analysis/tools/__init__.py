# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""Stand-in for ``lsst.analysis.tools``: tools that make metrics and plots, and the task that runs them.

Follows ``analysis_tools`` at c74f828 (2026-06-23). It holds the interfaces and
contexts, and of actions, tools and tasks only what calibration products need.
HealSparse maps, the catalogue tools and the Sasquatch datastore are left out.
Plots are drawn without pyplot.
"""

from lsst.standalone import guard

guard(__name__)

__all__: list[str] = []
