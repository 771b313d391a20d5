# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Stand-in for the part of ip_isr (as of 2026-04-22) that reads and writes brighter-fatter kernels,
coefficients of crosstalk, deferred charge, linearizers and photon transfer curves.

Left out: the other calibrations and instrument signature removal. To import one of them raises `ImportError`.
"""

from lsst.standalone import guard

guard(__name__)

from .brighterFatterKernel import BrighterFatterKernel
from .calibType import IsrCalib
from .crosstalk import CrosstalkCalib
from .deferredCharge import DeferredChargeCalib, SerialTrap
from .linearize import Linearizer
from .ptcDataset import PhotonTransferCurveDataset

__all__ = [
    "BrighterFatterKernel",
    "CrosstalkCalib",
    "DeferredChargeCalib",
    "IsrCalib",
    "Linearizer",
    "PhotonTransferCurveDataset",
    "SerialTrap",
]
