# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Actions that make formal measurements."""

from .ampMetrics import AmpMetricAction, AmpSummaryMetric, DetectorMeasurements, DetectorMetrics
from .failureMetric import FailureMetric
from .slopeMetric import SlopeMetric
from .structureMetric import StructureMetric
from .trendMetric import TrendMetric

__all__ = [
    "AmpMetricAction",
    "AmpSummaryMetric",
    "DetectorMeasurements",
    "DetectorMetrics",
    "FailureMetric",
    "SlopeMetric",
    "StructureMetric",
    "TrendMetric",
]
