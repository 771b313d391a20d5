# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Which sensors a map counts, and what it counts, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lsst.analysis.cp.actions.plot.text import plural, pluralOf
from lsst.analysis.cp.core.typing import BoolArray, IndexArray, NameArray

from .view import PatchState, PatchValues

__all__ = ["describeOthers", "headline", "nameSensors", "sensorColumns"]

_SENSORS = {"SCIENCE": "science sensors", "GUIDER": "guiders", "WAVEFRONT": "wavefront sensors"}

_MOST_COLUMNS = 4


def nameSensors(detectorTypes: Sequence[str], physicalTypes: Sequence[str] = ()) -> str:
    """Name sensors by their types: ``"science sensors"``, ``"science sensors (ITL)"``."""
    words = " and ".join(_SENSORS.get(name, f"{name} sensors") for name in detectorTypes)
    return f"{words or 'sensors'} ({', '.join(physicalTypes)})" if physicalTypes else words


def headline(
    patches: PatchValues,
    detector: IndexArray,
    expected: BoolArray,
    notYet: BoolArray,
    *,
    noun: str,
    sensors: str,
    noValueLabel: str,
) -> str:
    """Give the verdict in one line.

    Parameters
    ----------
    patches
        The patches that are counted.
    detector
        Index of the detector of each patch; shape (nPatches,).
    expected
        Patches that are missed if they have no data; shape (nPatches,).
    notYet
        Those of them whose data are still to come; shape (nPatches,).
    noun
        What a patch is, in the singular.
    sensors
        Of which sensors the patches are; empty if of all.
    noValueLabel
        What it means that a patch has rows but no value.

    Returns
    -------
    text
        How many have a value or failed, how many lack data, and how many detectors are still to come.
    """
    words = [_countPatches(patches, noun, sensors)]
    if patches.failing.any() and noun != "detector":
        words[0] += f" on {plural(len(np.unique(detector[patches.failing])), 'detector')}"
    if patches.failing.any() and (patches.nTested > 1).any():
        words[0] += f" ({patches.nFailed.sum()} of {patches.nTested.sum()} results)"
    if count := patches.suspicious.sum():
        words.append(f"{count} suspicious")
    if count := (patches.state == PatchState.NO_VALUE).sum():
        words.append(f"{count} {noValueLabel}")
    if n_awaited := len(np.unique(detector[notYet])):
        words.append(f"{plural(n_awaited, 'detector')} not yet")
    if count := (expected & ~notYet & (patches.state == PatchState.NO_DATA)).sum():
        words.append(f"{count} of {expected.sum()} without data")
    if not expected.all():
        words.append(f"data of {len(np.unique(detector[expected]))} of {len(np.unique(detector))} detectors")
    return ", ".join(words)


def describeOthers(patches: PatchValues, counted: BoolArray, detectorType: NameArray, noun: str) -> str:
    """Say what became of the sensors that the head does not count; empty if none of them has data.

    The arguments are as for `headline`, of all patches, with a mask of those that it counts and the type of
    the detector of each, of shape (nPatches,).
    """
    others = ~counted & (patches.nRows > 0)
    words = [
        _countPatches(patches.take(others & (detectorType == kind)), noun, nameSensors([kind]))
        for kind in np.unique(detectorType[others]).tolist()
    ]
    return f"not counted: {', '.join(words)}" if words else ""


def _countPatches(patches: PatchValues, noun: str, sensors: str) -> str:
    """Count the patches that failed, or have a value."""
    of = f" of {sensors}" if sensors else ""
    if patches.nTested.any():
        tested = (patches.nTested > 0).sum()
        return f"{patches.failing.sum()} of {tested} tested {pluralOf(noun)}{of} failed"
    return f"{plural((patches.state == PatchState.VALUE).sum(), noun)}{of} with a value"


def sensorColumns(kinds: NameArray, counted: BoolArray, hasValue: BoolArray) -> dict[str, BoolArray]:
    """Divide patches into those that are counted, and each kind of sensor, for a table.

    Parameters
    ----------
    kinds
        Kind of the sensor of each patch, shape (nPatches,).
    counted
        Patches that are counted, shape (nPatches,).
    hasValue
        Patches with a value, shape (nPatches,).

    Returns
    -------
    columns
        Masks of shape (nPatches,) by the head of the column; a lone kind, or many, have none.
    """
    names = np.unique(kinds[hasValue]).tolist()
    columns = {"counted": counted}
    if 1 < len(names) <= _MOST_COLUMNS:
        columns |= {name: kinds == name for name in names}
    return columns
