# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""``python -m lsst.analysis.cp.batch GRAPH REPOSITORY`` ends with status 2 if a quantum has not succeeded."""

from __future__ import annotations

import sys

from .outcome import describeFailures

__all__: list[str] = []

if __name__ == "__main__":
    failures = describeFailures(*sys.argv[1:])
    print("\n".join(failures) or "All quanta have succeeded.")
    sys.exit(2 if failures else 0)
