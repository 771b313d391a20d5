# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What may go wrong between a push and the proxy."""

from __future__ import annotations

__all__ = ["BatchRejectedError", "ProxyError", "TransientError"]


class ProxyError(RuntimeError):
    """The proxy cannot be used as it is given, and trying again would not help."""


class TransientError(RuntimeError):
    """A request failed in a way that may pass; whether it took effect is not known.

    Parameters
    ----------
    message
        What happened.
    retryAfter
        How long the proxy asked to be left alone, s; `None` if it did not say.
    """

    def __init__(self, message: str, retryAfter: float | None = None) -> None:
        super().__init__(message)
        self.retryAfter = retryAfter


class BatchRejectedError(RuntimeError):
    """The proxy refused a request as a whole.

    Parameters
    ----------
    message
        What the proxy said.
    isDivisible
        Whether fewer records might be accepted: one of them may be to blame, or there are too many.
    """

    def __init__(self, message: str, *, isDivisible: bool) -> None:
        super().__init__(message)
        self.isDivisible = isDivisible
