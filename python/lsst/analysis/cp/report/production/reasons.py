# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Exceptions of failed quanta, and caveats of those that succeeded, in words."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lsst.pipe.base import ExceptionInfo, QuantumSuccessCaveats

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef
    from lsst.pipe.base import TaskMetadata

__all__ = ["Told", "describeCaveats", "describeException", "readFailure", "readMetadata"]

_LONGEST = 1000
"""Number of characters of a reason; more are in the log."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What metadata or provenance tell of a quantum.

    Parameters
    ----------
    exception
        The exception that it raised; empty if it raised none.
    caveats
        Caveats of its success, in words.
    isMissingAllowed
        Whether it said that it did not write all outputs, or it is not known whether it did.
    """

    exception: str = ""
    caveats: tuple[str, ...] = ()
    isMissingAllowed: bool = False


def describeException(info: ExceptionInfo) -> str:
    """Say what was raised, with its message (``ValueError: no such amplifier``)."""
    name = info.type_name.removeprefix("builtins.")
    return _shorten(f"{name}: {info.message}" if info.message else name)


def describeCaveats(
    caveats: QuantumSuccessCaveats | None, exception: ExceptionInfo | None = None
) -> tuple[str, ...]:
    """Put caveats into upstream's words, with the exception of partial outputs; none where there are none."""
    code = caveats.concise() if caveats else ""
    if not code:
        return ()
    legend = QuantumSuccessCaveats.legend()
    words = "; ".join(legend[letter] for letter in code)
    return (f"{words} ({describeException(exception)})" if exception else words,)


def readFailure(butler: Butler, log: DatasetRef) -> str:
    """Read the exception of a failed quantum in its log.

    Parameters
    ----------
    butler
        Butler of the repository.
    log
        The log.

    Returns
    -------
    reason
        The exception with its message, as the executor recorded it; where it did not, the last error in the
        log; else that there is none, as of a quantum that was killed.
    """
    records = butler.get(log)
    recorded = records.extra.get("exception")
    if recorded:
        return describeException(ExceptionInfo.model_validate(recorded))
    errors = [record for record in records if record.levelno >= logging.ERROR]
    if not errors:
        return "its log has no error: it was killed, or is running"
    # The last line of a traceback is the exception.
    lines = (errors[-1].exc_info or errors[-1].message).strip().splitlines()
    return _shorten(lines[-1] if lines else "its log has an error without words")


def readMetadata(butler: Butler, metadata: DatasetRef, task: str) -> Told:
    """Read the caveats of a quantum that succeeded.

    Parameters
    ----------
    butler
        Butler of the repository.
    metadata
        Its metadata.
    task
        Label of the task.

    Returns
    -------
    told
        Caveats as the executor wrote them, and tools of our merges that failed.
    """
    stored = butler.get(metadata, storageClass="TaskMetadata")
    caveats = None
    if "quantum" in stored and "caveats" in stored["quantum"]:
        caveats = QuantumSuccessCaveats(int(stored["quantum"]["caveats"]))
    of_task = stored[task] if task in stored else None
    exception = None
    if of_task is not None and "failure" in of_task:
        failure = of_task["failure"]
        exception = ExceptionInfo(type_name=failure["type"], message=failure["message"], metadata={})
    allowed = caveats is None or bool(caveats & QuantumSuccessCaveats.ANY_OUTPUTS_MISSING)
    return Told(
        caveats=(*describeCaveats(caveats, exception), *_describeTools(of_task)), isMissingAllowed=allowed
    )


def _describeTools(metadata: TaskMetadata | None) -> tuple[str, ...]:
    """Name the tools of our merges that failed, which cost no more than their own outputs."""
    failures = metadata["toolFailures"] if metadata is not None and "toolFailures" in metadata else None
    if failures is None:
        return ()
    return tuple(
        f"the tool {tool} failed: {_shorten(str(text))}" for tool, text in failures.to_dict().items()
    )


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
