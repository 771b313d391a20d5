# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Values of submit files that depend on the shell and the machine.

``bps`` calls these where a file says ``bpsGenerateConfig``, and puts what they return in its place.
"""

from __future__ import annotations

import os
import re

__all__ = ["checkVariables", "countCores", "groupDetectors"]

_VARIABLE = re.compile(r"\$\{(\w+)\}|\$(\w+)")


def checkVariables(*values: str) -> dict[str, str]:
    """Check that the shell has set all variables that a submit file needs.

    Parameters
    ----------
    values
        Values of the file, in which ``bps`` has expanded the variables that are set.

    Returns
    -------
    settings
        None: there is nothing to add.

    Raises
    ------
    RuntimeError
        Raised if variables are left; the message names them all.
    """
    names = dict.fromkeys(braced or bare for value in values for braced, bare in _VARIABLE.findall(value))
    if names:
        raise RuntimeError(
            f"The submit file needs these variables, which are not set: {', '.join(names)}. Export them "
            "(a prefix may be empty), or give what they stand for with -b, -i, -o or -d."
        )
    return {}


def countCores(variable: str) -> dict[str, int]:
    """Count the processors on which jobs run at the same time.

    Parameters
    ----------
    variable
        Name of a variable of the shell with their number. If it is not set, or empty, all are taken that this
        process may use.

    Returns
    -------
    settings
        The number, as ``cores``.

    Raises
    ------
    ValueError
        Raised if the variable is no positive integer.
    """
    # Where there is no such limit, all processors count.
    usable = getattr(os, "sched_getaffinity", None)
    default = len(usable(0)) if usable else os.cpu_count() or 1
    return {"cores": _readNumber(variable, default, "processors")}


def groupDetectors(variable: str, dimension: str) -> dict[str, str | int]:
    """Say how many detectors are one job.

    Parameters
    ----------
    variable
        Name of a variable of the shell with their number. If it is not set, or empty, it is one.
    dimension
        What else a job has one of: ``exposure``, or ``instrument``.

    Returns
    -------
    settings
        The dimensions of a cluster. A job of one detector is named after it.

    Raises
    ------
    ValueError
        Raised if the variable is no positive integer.
    """
    number = _readNumber(variable, 1, "detectors of a job")
    if number == 1:
        return {"dimensions": f"{dimension}, detector"}
    return {"dimensions": dimension, "partitionDimensions": "detector", "partitionMaxSize": number}


def _readNumber(variable: str, default: int, what: str) -> int:
    """Read a positive integer from a variable of the shell."""
    text = os.environ.get(variable, "")
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise ValueError(f"{variable}={text!r} has to be the number of {what}: a positive integer")
    return int(text)
