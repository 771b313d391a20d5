# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
__all__ = ["push_verify_metrics"]

from .pushVerifyMetrics import push_verify_metrics
