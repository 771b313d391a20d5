# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What is measured from the arrays of calibrations."""

from .chargeTransfer import (
    PARALLEL_LIMIT,
    SERIAL_LIMIT,
    SIGNAL_RANGE,
    averageInefficiency,
    estimateInefficiency,
)
from .crosstalk import N_SIGMA, TOLERANCE, Crosstalk, CrosstalkAmps
from .flatPairs import FlatPair, chooseFlatPair, correctionFactor
from .identity import checkDetector
from .kernels import KernelShape, hasKernel, measureKernel
from .tearing import (
    IMPACT_PIXELS,
    TEARING_LIMIT,
    boundaryDeviations,
    columnProfile,
    pairNeighbours,
    tearingOfAmps,
)

__all__ = [
    "IMPACT_PIXELS",
    "N_SIGMA",
    "PARALLEL_LIMIT",
    "SERIAL_LIMIT",
    "SIGNAL_RANGE",
    "TEARING_LIMIT",
    "TOLERANCE",
    "Crosstalk",
    "CrosstalkAmps",
    "FlatPair",
    "KernelShape",
    "averageInefficiency",
    "checkDetector",
    "boundaryDeviations",
    "chooseFlatPair",
    "columnProfile",
    "correctionFactor",
    "estimateInefficiency",
    "hasKernel",
    "measureKernel",
    "pairNeighbours",
    "tearingOfAmps",
]
