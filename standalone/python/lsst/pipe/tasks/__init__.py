# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Stand-in for the parts of pipe_tasks (as of 2026-06) that bias verification uses.

Holds the rejection of cosmic rays and the focal-plane mosaics. Left out: everything else; an import of it
raises `ImportError`.
"""

from lsst.standalone import guard

guard(__name__)
