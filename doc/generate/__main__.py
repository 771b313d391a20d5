# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Writes all files that follow from the catalogue and the pipelines, with ``python doc/generate``."""

from generatedFiles import main

main()
