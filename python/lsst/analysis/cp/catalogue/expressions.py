# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Expressions of tests: the names that they may have, and what follows from these."""

import ast
from functools import cache

import numexpr
import numpy as np

__all__ = ["EXPOSURE_NAMES", "REFERENCE_NAMES", "dependsOnScale", "namesIn"]

EXPOSURE_NAMES = ("DARK_TIME", "EXPOSURE_TIME")
"""Names of an expression that are the same for all rows of an exposure: its times (s), where above 0."""

REFERENCE_NAMES = ("RN", "GAIN", "N_PIXELS", *EXPOSURE_NAMES)
"""Names of an expression that no column holds.

They are the nominal read noise (electron) and gain (electron/adu) of the amplifier, the number of pixels of
its imaging section, masked or not, and times of the exposure.
"""


def namesIn(expression: str) -> tuple[str, ...]:
    """Name the variables of an expression.

    Parameters
    ----------
    expression
        A numexpr expression.

    Returns
    -------
    names
        Its variables, without the functions that it calls, sorted.

    Raises
    ------
    SyntaxError
        If it is no expression.
    """
    tree = ast.parse(expression, mode="eval")
    calls = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in calls}
    return tuple(sorted(names))


@cache
def dependsOnScale(expression: str, names: tuple[str, ...], scaled: frozenset[str]) -> bool:
    """Tell whether an expression changes if some of its variables change by a common factor.

    Parameters
    ----------
    expression, names
        The expression, and all variables of it.
    scaled
        Those that change.

    Returns
    -------
    depends
        False where the factor cancels.
    """
    before, after = (
        numexpr.evaluate(
            expression,
            local_dict={
                name: np.array([1.3, 2.1]) ** (i + 1) * (factor if name in scaled else 1.0)
                for i, name in enumerate(names)
            },
            global_dict={},
        )
        for factor in (1.0, 1.7)
    )
    return not np.allclose(before, after, rtol=1e-9, atol=0)
