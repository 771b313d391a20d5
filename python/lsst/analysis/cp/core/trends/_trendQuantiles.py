# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Quantiles of the largest scores in simulated histories without changes and drifts.

They are written by ``python benchmarks/trends.py --calibrate``.
"""

__all__ = ["BUDGETS", "CHANGE_QUANTILES", "DRIFT_QUANTILES", "LENGTHS"]

BUDGETS = (0.1, 0.03, 0.01, 0.003, 0.001)
LENGTHS = (10, 1000)
CHANGE_QUANTILES = (
    (4.0, 5.0, 6.0, 7.0, 8.0),
    (4.0, 4.4, 4.8, 5.2, 5.6),
)
DRIFT_QUANTILES = (
    (2.0, 2.4, 2.8, 3.2, 3.6),
    (2.0, 2.4, 2.8, 3.2, 3.6),
)
