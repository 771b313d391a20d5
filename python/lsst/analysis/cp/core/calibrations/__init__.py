# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What is measured from the arrays of calibrations."""

from .chargeTransfer import PARALLEL_LIMIT, SERIAL_LIMIT, SIGNAL_RANGE, averageInefficiency
from .crosstalk import N_SIGMA, TOLERANCE, Crosstalk, CrosstalkAmps
from .flatPairs import FlatPair, chooseFlatPair, correctionFactor
from .kernels import KernelShape, hasKernel, measureKernel

__all__ = [
    "N_SIGMA",
    "PARALLEL_LIMIT",
    "SERIAL_LIMIT",
    "SIGNAL_RANGE",
    "TOLERANCE",
    "Crosstalk",
    "CrosstalkAmps",
    "FlatPair",
    "KernelShape",
    "averageInefficiency",
    "chooseFlatPair",
    "correctionFactor",
    "hasKernel",
    "measureKernel",
]
