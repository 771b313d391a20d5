# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Instruments and the files of their data: the part of ``lsst.obs.base`` that calibration verification uses.

Follows obs_base of w_2026_30. Ingestion of raw data, definition of visits and writing of curated calibrations
are left out: asking for them raises `ImportError` or `AttributeError`.
"""

from lsst.standalone import guard

guard(__name__)

from ._instrument import FilterDefinition, FilterDefinitionCollection, Instrument, VisitSystem

__all__ = ["FilterDefinition", "FilterDefinitionCollection", "Instrument", "VisitSystem"]
