# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

from ._baseContext import Context

__all__ = ["CoaddContext"]


class CoaddContext(Context):
    """The data are measurements on coadds."""
