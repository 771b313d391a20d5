# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Quantiles of the largest scores in simulated histories without changes and drifts.

They are written by ``python benchmarks/trends.py --calibrate``.
"""

__all__ = ["BUDGETS", "CHANGE_QUANTILES", "DRIFT_QUANTILES", "LENGTHS"]

BUDGETS = (0.1, 0.03, 0.01, 0.003, 0.001)
LENGTHS = (10, 14, 20, 30, 50, 100, 200, 500, 1000, 2000)
CHANGE_QUANTILES = (
    (2.22, 3.42, 4.65, 6.27, 7.80),
    (2.87, 4.00, 5.15, 6.70, 8.17),
    (2.63, 3.42, 4.16, 5.38, 6.47),
    (2.93, 3.71, 4.39, 5.21, 5.76),
    (3.29, 3.90, 4.46, 5.05, 5.60),
    (3.69, 4.24, 4.72, 5.24, 5.75),
    (4.06, 4.60, 5.07, 5.71, 6.00),
    (4.38, 4.91, 5.41, 5.94, 6.34),
    (4.56, 5.00, 5.41, 5.90, 6.37),
    (4.71, 5.07, 5.38, 5.78, 6.22),
)
DRIFT_QUANTILES = (
    (1.58, 2.11, 2.46, 2.81, 2.98),
    (1.70, 2.23, 2.55, 2.87, 3.09),
    (1.46, 2.06, 2.44, 2.81, 3.06),
    (1.53, 2.17, 2.61, 3.01, 3.41),
    (1.71, 2.38, 2.85, 3.23, 3.56),
    (1.84, 2.52, 3.02, 3.46, 3.75),
    (1.82, 2.48, 3.00, 3.40, 3.67),
    (1.51, 2.08, 2.58, 3.17, 3.50),
    (1.28, 1.66, 2.02, 2.44, 2.70),
    (1.07, 1.35, 1.52, 1.71, 1.85),
)
