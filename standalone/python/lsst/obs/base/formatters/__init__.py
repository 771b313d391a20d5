# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Stand-ins for Butler's formatters of FITS files, at upstream's paths.

They follow obs_base w_2026_30. Each module is imported by the name that a
repository records.
"""
