# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

from .pushVerifyMetrics import push_verify_metrics

__all__ = ["push_verify_metrics"]
