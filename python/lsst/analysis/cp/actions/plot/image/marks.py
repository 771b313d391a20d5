# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What is marked on an image: failing amplifiers and structures, from vectors."""

from __future__ import annotations

__all__ = ["Failures", "Structures", "readFailures", "readNumber", "readReasons", "readStructures"]

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lsst.analysis.cp.actions.plot.text import formatNumber
from lsst.analysis.cp.core.columns import floatColumn
from lsst.analysis.cp.core.geometry import FocalPlaneGeometry
from lsst.analysis.cp.core.structures import TRANSIENT_KINDS
from lsst.analysis.cp.core.typing import BoolArray, FloatArray

_FAILURE_KEYS = ("failedDetector", "failedAmplifier", "failedTest")
_STRUCTURE_KEYS = ("structureX", "structureY", "structureKind")
_STRUCTURE_WORDS = (
    "structureRank",
    "structureDetector",
    "structureAmplifier",
    "structureScore",
    "structureCount",
)


@dataclass(frozen=True, eq=False)
class Failures:
    """Amplifiers and detectors that failed tests.

    Parameters
    ----------
    amps
        Amplifiers that failed; shape (nAmp,).
    detectors
        Detectors that failed as a whole; shape (nDet,).
    lines
        Name and tests of each, amplifiers after their detector.
    """

    amps: BoolArray
    detectors: BoolArray
    lines: tuple[str, ...]

    @property
    def headline(self) -> str:
        """How many failed, in words; empty if none did."""
        n_amps, n_detectors = int(self.amps.sum()), int(self.detectors.sum())
        words = [f"{n_amps} amplifier{'s' * (n_amps != 1)} failed"] if n_amps else []
        if n_detectors:
            words.append(f"{n_detectors} detector{'s' * (n_detectors != 1)} failed as a whole")
        return ", ".join(words)


@dataclass(frozen=True, eq=False)
class Structures:
    """Structures to mark, in order of their rank; events, such as cosmic rays, are counted only.

    Parameters
    ----------
    positions
        Centres as they are in the data; shape (n, 2).
    lines
        Number, place, kind and score of each.
    total
        Number of structures that were found, without events.
    nEvents
        Number of events.
    """

    positions: FloatArray
    lines: tuple[str, ...]
    total: int
    nEvents: int

    @property
    def numbers(self) -> tuple[str, ...]:
        """Numbers of the lines, for the marks."""
        return tuple(str(i + 1) for i in range(len(self.lines)))


def readFailures(
    data: Mapping[str, Any], geometry: FocalPlaneGeometry, shown: BoolArray, *, byDetector: bool
) -> Failures:
    """Find the amplifiers and detectors that failed.

    Parameters
    ----------
    data
        Vectors ``failedDetector`` (identifiers), ``failedAmplifier`` (names; masked or empty where the
        detector failed as a whole) and ``failedTest`` (names), one row a failed test; all or none of them.
    geometry
        The camera.
    shown
        Detectors that are shown; shape (nDet,). Others are left out.
    byDetector
        Whether to name the detectors in the lines.

    Returns
    -------
    failures
        What failed.

    Raises
    ------
    ValueError
        Raised if only some of the vectors are there, their lengths differ, or a detector or amplifier is not
        in the camera.
    """
    layout = geometry.layout
    vectors = _vectors(data, _FAILURE_KEYS)
    if not vectors:
        return Failures(np.zeros(layout.nAmps, bool), np.zeros(layout.nDetectors, bool), ())
    detector = geometry.detectorIndex(vectors["failedDetector"])
    amp = geometry.ampIndex(vectors["failedDetector"], vectors["failedAmplifier"])
    tests: dict[tuple[int, int], dict[str, None]] = {}
    for i in np.lexsort((amp, detector)):
        if detector[i] >= 0 and shown[detector[i]]:
            tests.setdefault((detector[i], amp[i]), {})[str(vectors["failedTest"][i])] = None
    names = [
        f"{f'{layout.detectorName[own]} ' if byDetector else ''}{layout.ampName[a] if a >= 0 else 'detector'}"
        for own, a in tests
    ]
    width = max((len(name) for name in names), default=0)
    return Failures(
        np.isin(np.arange(layout.nAmps), [a for _, a in tests]),
        np.isin(np.arange(layout.nDetectors), [own for own, a in tests if a < 0]),
        tuple(f"{name:<{width}}  {' '.join(own)}" for name, own in zip(names, tests.values(), strict=True)),
    )


def readStructures(data: Mapping[str, Any], nListed: int) -> Structures:
    """Find the structures to mark.

    Parameters
    ----------
    data
        Vectors ``structureX`` and ``structureY``, and ``structureKind``, all or none of them; with them may
        be ``structureRank`` (1 is first), ``structureDetector`` and ``structureAmplifier`` (names),
        ``structureScore`` (standard deviations), and ``structureCount`` (number of its kind in its detector,
        where the vectors do not have all).
    nListed
        Number of structures at most.

    Returns
    -------
    structures
        The first ones.

    Raises
    ------
    ValueError
        Raised if only some of the vectors are there or their lengths differ.
    """
    vectors = _vectors(data, _STRUCTURE_KEYS, _STRUCTURE_WORDS)
    if not vectors:
        return Structures(np.zeros((0, 2)), (), 0, 0)
    rank = np.arange(len(vectors["structureX"]), dtype=np.float64)
    if "structureRank" in vectors:
        rank = floatColumn(vectors["structureRank"], "structureRank")
    transient = np.isin(vectors["structureKind"].astype(str), TRANSIENT_KINDS)
    order = np.argsort(rank, kind="stable")
    first = order[~transient[order]][:nListed]
    x, y = (floatColumn(vectors[key], key)[first] for key in ("structureX", "structureY"))
    kinds = tuple(str(kind) for kind in np.asarray(vectors["structureKind"])[first])
    words = [kinds]
    for key in ("structureDetector", "structureAmplifier"):
        if key in vectors:
            words.append(tuple(str(name) for name in np.asarray(vectors[key])[first]))
    if "structureScore" in vectors:
        score = floatColumn(vectors["structureScore"], "structureScore")[first]
        words.append(tuple(f"{formatNumber(float(f'{value:.3g}'))} σ" for value in score))
    columns = [[f"{word:<{max(map(len, column))}}" for word in column] for column in words if column]
    rows = zip(*columns, strict=True) if first.size else ()
    lines = tuple(f"{i:>2} {'  '.join(row)}".rstrip() for i, row in enumerate(rows, start=1))
    counts = [_countStructures(vectors, rows) for rows in (~transient, transient)]
    return Structures(np.column_stack([x, y]), lines, *counts)


def _countStructures(vectors: dict[str, npt.NDArray[Any]], rows: BoolArray) -> int:
    """Count the structures of some rows, those that the vectors do not have as well."""
    if "structureCount" not in vectors or "structureDetector" not in vectors:
        return int(rows.sum())
    columns = (
        vectors[key][rows].tolist() for key in ("structureDetector", "structureKind", "structureCount")
    )
    return int(
        sum({(detector, kind): count for detector, kind, count in zip(*columns, strict=True)}.values())
    )


def readReasons(data: Mapping[str, Any], geometry: FocalPlaneGeometry) -> dict[int, str]:
    """Find why detectors are missing.

    Parameters
    ----------
    data
        Vectors ``missingDetector`` (identifiers) and ``missingReason``, both or none of them.
    geometry
        The camera.

    Returns
    -------
    reasons
        By position of the detector in the camera.

    Raises
    ------
    ValueError
        Raised if only one of the vectors is there, their lengths differ, or a detector is not in the camera.
    """
    vectors = _vectors(data, ("missingDetector", "missingReason"))
    if not vectors:
        return {}
    index = geometry.detectorIndex(vectors["missingDetector"]).tolist()
    return dict(zip(index, map(str, vectors["missingReason"]), strict=True))


def readNumber(data: Mapping[str, Any], key: str, default: float | None) -> float | None:
    """Read a number.

    Parameters
    ----------
    data
        Values by key.
    key
        The key.
    default
        What is returned if the data have no such key.

    Returns
    -------
    number
        The number.

    Raises
    ------
    ValueError
        Raised if it is not a finite number.
    """
    if key not in data:
        return default
    try:
        number = float(data[key])
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise ValueError(f"Expected a finite number as {key!r}; got {data[key]!r}")
    return number


def _vectors(
    data: Mapping[str, Any], needed: tuple[str, ...], optional: tuple[str, ...] = ()
) -> dict[str, npt.NDArray[Any]]:
    """Return those of the vectors that there are, all of one length."""
    present = [key for key in needed if key in data]
    if not present:
        return {}
    if len(present) < len(needed):
        raise ValueError(f"{', '.join(needed)} belong together; the data have only {', '.join(present)}")
    vectors = {key: np.ma.asanyarray(data[key]) for key in (*needed, *optional) if key in data}
    lengths = {key: vector.shape for key, vector in vectors.items()}
    if len(set(lengths.values())) > 1 or len(lengths[needed[0]]) != 1:
        raise ValueError(f"Expected vectors of one length; got the shapes {lengths}")
    return vectors
