# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Rubin's instruments LATISS, LSSTComCam and LSSTCam.

Follows obs_lsst of w_2026_30 in names, dimension values and detector ids; the cameras are described in
``cameras.yaml``. Left out are formatters of raw data, translators of headers, simulated instruments, test
stands, projector filters, and LATISS filters with gratings other than ``empty`` and ``unknown``.
"""

from lsst.standalone import guard

guard(__name__)

from ._instrument import Latiss, LsstCam, LsstComCam

__all__ = ["Latiss", "LsstCam", "LsstComCam"]
