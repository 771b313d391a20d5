# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Versions of the packages that ran pipelines."""

from __future__ import annotations

from lsst.analysis.cp.metrics import nameDataset
from lsst.analysis.cp.report.model import Problem

from .scope import Scope

__all__ = ["readVersions"]

_TYPE = "packages"


def readVersions(scope: Scope) -> tuple[dict[str, str], list[Problem]]:
    """Read the versions of the packages that ran the pipelines.

    Parameters
    ----------
    scope
        What is meant.

    Returns
    -------
    versions
        By the name of the package, sorted; several with commas between where runs had different ones.
    problems
        Datasets that cannot be read, on which no verdict depends.
    """
    found: dict[str, dict[str, None]] = {}
    problems = []
    for _, ref in scope.find(_TYPE) if _TYPE in scope.types else ():
        try:
            packages = dict(scope.butler.get(ref))
        except Exception as error:
            reason = f"cannot be read: {type(error).__name__}: {error}"
            problems.append(Problem(dataset=nameDataset(ref), reason=reason, isRemark=True))
            continue
        for name, version in packages.items():
            found.setdefault(str(name), {})[str(version)] = None
    return {name: ", ".join(found[name]) for name in sorted(found)}, problems
