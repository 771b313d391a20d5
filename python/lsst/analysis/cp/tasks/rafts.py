# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Outputs of detectors from one quantum, and of rafts, which are stored under one of their detectors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from .connections import AnalysisConnections

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera
    from lsst.daf.butler import DatasetRef
    from lsst.pipe.base import OutputQuantizedConnection

__all__ = ["splitByDetector", "splitByRaft", "storeByDetector"]


def storeByDetector(connections: AnalysisConnections) -> None:
    """Give the plots of a task the dimension ``detector``, one of each for any number of detectors."""
    for name in connections.outputs - {"metrics"}:
        connections.redeclare(name, dimensions={*connections.dimensions, "detector"}, multiple=True)


def splitByDetector(outputRefs: Iterable[tuple[str, Any]]) -> dict[int, dict[str, DatasetRef]]:
    """Tell where the outputs of each detector go, by its id and the names of connections.

    Parameters
    ----------
    outputRefs
        Outputs of a quantum, with a dataset for each detector.

    Returns
    -------
    refs
        In the order of the ids.
    """
    split: dict[int, dict[str, DatasetRef]] = {}
    for name, refs in outputRefs:
        for ref in refs if isinstance(refs, Iterable) else [refs]:
            split.setdefault(int(ref.dataId["detector"]), {})[name] = ref
    return dict(sorted(split.items()))


def splitByRaft(
    camera: Camera, outputRefs: OutputQuantizedConnection
) -> Iterator[tuple[str, list[int], Iterable[tuple[str, Any]]]]:
    """Tell for each raft where its outputs go: to the lowest of those detectors that the quantum has.

    Parameters
    ----------
    camera
        The camera. A raft is what the names of its detectors have before the underscore (``R22_S11``).
    outputRefs
        Outputs of a quantum, with a dataset for each detector.

    Yields
    ------
    raft
        Name of the raft.
    detectors
        Ids of all its detectors.
    refs
        Names of connections, and where their datasets go.
    """
    rafts: dict[str, list[int]] = {}
    for detector in camera:
        rafts.setdefault(detector.getName().partition("_")[0], []).append(detector.getId())
    by_detector = splitByDetector(outputRefs)
    for raft, detectors in rafts.items():
        if stored := sorted(by_detector.keys() & set(detectors)):
            yield raft, detectors, by_detector[stored[0]].items()
