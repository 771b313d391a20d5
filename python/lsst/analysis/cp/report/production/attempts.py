# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What became of a quantum in one RUN collection, and over several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lsst.analysis.cp.report.model import QuantumState

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef

__all__ = ["Attempt", "Outcome", "resolveAttempts"]


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """What became of a quantum in one RUN collection.

    Parameters
    ----------
    run
        The collection.
    state
        What became of it there.
    reason
        Why, where that is known without its log.
    caveats
        Caveats of a success, in words.
    log
        Its log; None if there is none.
    isGuessed
        Whether nothing tells that there should be such a quantum in this collection, but what others did.
    """

    run: str
    state: QuantumState
    reason: str = ""
    caveats: tuple[str, ...] = ()
    log: DatasetRef | None = None
    isGuessed: bool = False


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a quantum over all attempts.

    Parameters
    ----------
    attempt
        The attempt that counts.
    isRecovered
        Whether it succeeded after an earlier attempt that did not.
    failed
        A failed attempt that is to be told of beside the one that counts; None if there is none.
    """

    attempt: Attempt
    isRecovered: bool = False
    failed: Attempt | None = None


def resolveAttempts(attempts: Sequence[Attempt]) -> Outcome:
    """Find the attempt that counts.

    Parameters
    ----------
    attempts
        Attempts, at least one, in the order in which their collections are searched: the latest first.

    Returns
    -------
    outcome
        A success counts before all else, as its outputs are what is found; without one the latest attempt,
        but a failure before a later attempt that was blocked, and guesses last.
    """
    attempts = [attempt for attempt in attempts if not attempt.isGuessed] or attempts
    for position, attempt in enumerate(attempts):
        if attempt.state in (QuantumState.SUCCEEDED, QuantumState.LOST):
            return _resolveSuccess(attempts, position)
    failures = [attempt for attempt in attempts if attempt.state is QuantumState.FAILED]
    latest = attempts[0]
    if latest.state is QuantumState.BLOCKED and failures:
        latest = failures[0]
    failed = failures[0] if failures and latest.state is not QuantumState.FAILED else None
    return Outcome(attempt=latest, failed=failed)


def _resolveSuccess(attempts: Sequence[Attempt], position: int) -> Outcome:
    """Resolve attempts of which the one at a position succeeded: later ones may have failed."""
    attempt = attempts[position]
    later = [one for one in attempts[:position] if one.state is QuantumState.FAILED]
    if later:
        words = f"a later attempt failed in {later[0].run}; what is found is of {attempt.run}"
        attempt = replace(attempt, caveats=(*attempt.caveats, words))
    is_recovered = any(
        one.state in (QuantumState.FAILED, QuantumState.BLOCKED) for one in attempts[position + 1 :]
    )
    return Outcome(attempt=attempt, isRecovered=is_recovered)
