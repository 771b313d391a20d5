# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Plots of the results of amplifiers that are no maps."""

from .agreementPlot import AgreementPlot
from .ampFailuresPlot import AmpFailuresPlot
from .ampTablePlot import AmpTablePlot
from .failureTablePlot import FailureTablePlot
from .marginStripPlot import MarginStripPlot
from .vendorHistogramPlot import VendorHistogramPlot

__all__ = [
    "AgreementPlot",
    "AmpFailuresPlot",
    "AmpTablePlot",
    "FailureTablePlot",
    "MarginStripPlot",
    "VendorHistogramPlot",
]
