# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""Execution contexts: what sets a whole tree of actions up for one kind of data.

A context is a subclass of `Context` whose name ends in ``Context``. Applied to
an action, it calls the action's method of the same name with a small first
letter, if there is one, and then goes down to the actions inside it. Contexts
are joined with ``|``.
"""

from ._baseContext import Context, ContextType
from ._contexts import CoaddContext

__all__ = ["CoaddContext", "Context", "ContextType"]
