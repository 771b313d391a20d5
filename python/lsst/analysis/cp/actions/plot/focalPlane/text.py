# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Words and numbers of focal-plane figures."""

from __future__ import annotations

__all__ = ["headline", "listMissing", "listPatches"]

import numpy as np

from lsst.analysis.cp.actions.plot.text import formatNumber
from lsst.analysis.cp.core.typing import BoolArray, IndexArray, NameArray

from .view import PatchState, PatchValues


def headline(
    patches: PatchValues,
    detector: IndexArray,
    expected: BoolArray,
    *,
    noun: str,
    noValueLabel: str,
) -> str:
    """Give the verdict in one line.

    Parameters
    ----------
    patches
        The patches of the camera.
    detector
        Index of the detector of each patch; shape (nPatches,).
    expected
        Patches that are missed if they have no data; shape (nPatches,).
    noun
        What a patch is, in the singular.
    noValueLabel
        What it means that a patch has rows but no value.

    Returns
    -------
    text
        How many have a value or failed, and how many lack data.
    """
    words = [f"{(patches.state == PatchState.VALUE).sum()} {noun}s with a value"]
    if patches.nTested.any():
        words[0] = f"{patches.failing.sum()} of {(patches.nTested > 0).sum()} tested {noun}s failed"
        if patches.failing.any() and noun != "detector":
            n_detectors = len(np.unique(detector[patches.failing]))
            words[0] += f" on {n_detectors} detector{'s' * (n_detectors > 1)}"
    if count := (patches.state == PatchState.NO_VALUE).sum():
        words.append(f"{count} {noValueLabel}")
    if count := (expected & (patches.state == PatchState.NO_DATA)).sum():
        words.append(f"{count} of {expected.sum()} without data")
    if not expected.all():
        words.append(f"data of {len(np.unique(detector[expected]))} of {len(np.unique(detector))} detectors")
    return ", ".join(words)


def listMissing(names: NameArray, nListed: int) -> tuple[str, ...]:
    """Name the detectors without data.

    Parameters
    ----------
    names
        Their names; shape (n,).
    nListed
        Lines of three names at most; 0 for no list.

    Returns
    -------
    lines
        Title and lines; empty if there is none to name.
    """
    if len(names) == 0 or nListed == 0:
        return ()
    shown = names[: 3 * nListed].tolist()
    lines = [", ".join(shown[i : i + 3]) for i in range(0, len(shown), 3)]
    if len(names) > len(shown):
        lines.append(f"and {len(names) - len(shown)} more")
    return f"Without data: {len(names)} detector{'s' * (len(names) > 1)}", *lines


def listPatches(patches: PatchValues, names: NameArray, nListed: int, *, counts: bool) -> tuple[str, ...]:
    """Name the patches to look at first.

    These are the failing ones, in order of their distance from the median, those without value first; where
    nothing fails, the values furthest from the median, or the largest counts.

    Parameters
    ----------
    patches
        The patches of the camera.
    names
        Their names; shape (nPatches,).
    nListed
        Lines at most; 0 for no list.
    counts
        Whether values are counts.

    Returns
    -------
    lines
        Title and one line a patch; empty if there is none to name.
    """
    value = patches.value
    finite = np.isfinite(value)
    chosen = (value > 0) if counts else patches.failing if patches.failing.any() else finite
    title = "Highest" if counts else "Failing" if patches.failing.any() else "Furthest from the median"
    middle = 0.0 if counts or not finite.any() else float(np.median(value[finite]))
    distance = np.where(finite, np.abs(value - middle), np.inf)
    candidates = np.flatnonzero(chosen & ((distance > 0) | patches.failing))
    worst = candidates[np.lexsort((-patches.nFailed[candidates], -distance[candidates]))][:nListed]
    if len(worst) == 0:
        return ()
    if any(_failedShare(patches, i) for i in worst):
        title += " (value, rows)"
    width = max(len(name) for name in names[worst])
    lines = [
        f"{names[i]:<{width}}  {formatNumber(float(value[i])):>9}{_failedShare(patches, i)}" for i in worst
    ]
    if len(candidates) > len(worst) and chosen is not finite:
        lines.append(f"and {len(candidates) - len(worst)} more")
    return title, *lines


def _failedShare(patches: PatchValues, index: int) -> str:
    """Return which part of the rows of a patch failed, if that is not told by its value."""
    tested, failed = int(patches.nTested[index]), int(patches.nFailed[index])
    return f"  {failed}/{tested}" if tested > 1 and patches.value[index] != failed else ""
