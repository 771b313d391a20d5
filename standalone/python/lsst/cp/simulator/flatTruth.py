# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What verification has to find of the faults of flats, declared from the faults alone."""

__all__ = ["listExpectedFlatResults", "listExpectedTearingResults", "listTornAmplifiers"]

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .fault import Fault, FaultKind, selectFaults
from .flatFrames import FlatModel
from .truth import ExpectedResult, listExpectedResults

_TESTS = frozenset({"NOISE"})
"""Tests of the amplifiers of a flat."""

_CHANCE = (0.04, 0.06)
"""Scatter of the amplifiers of a detector between which the limit of 0.05 is passed or not by chance."""


def listExpectedFlatResults(
    faults: Iterable[Fault], camera: Any, exposures: Sequence[int], model: FlatModel | None = None
) -> list[ExpectedResult]:
    """List what has to be found.

    Parameters
    ----------
    faults
        Faults of the simulation, of the kinds of flats.
    camera
        The camera.
    exposures
        IDs of the simulated exposures.
    model
        What clean flats look like.

    Returns
    -------
    expected
        As `listExpectedResults` returns them. Besides, a detector whose amplifiers are too different has one
        without an amplifier, with the failure ``DET_SCATTER``.

    Raises
    ------
    ValueError
        Raised if a fault does not fit the camera or is too weak to be certain.
    """
    known, model = tuple(faults), FlatModel() if model is None else model
    amplifiers = [
        replace(result, untested=_listUntested(result))
        for result in listExpectedResults(known, camera, exposures, tests=_TESTS)
    ]
    detectors = [
        result
        for exposure in exposures
        for detector in camera
        for result in _listOfDetector(
            selectFaults(known, exposure, detector.getId(), detector.getName()), detector, exposure, model
        )
    ]
    return amplifiers + detectors


def _listUntested(result: ExpectedResult) -> frozenset[str]:
    """List the tests that cannot be made: a dead amplifier has no light to compare its noise with."""
    return _TESTS if FaultKind.DEAD_AMPLIFIER in result.kinds else frozenset()


def _listOfDetector(
    faults: Sequence[Fault], detector: Any, exposure: int, model: FlatModel
) -> Iterator[ExpectedResult]:
    """Work out the scatter of the amplifiers of a detector, as cp_verify defines it."""
    kinds = {fault.kind for fault in faults}
    if not faults or FaultKind.MISSING_DETECTOR in kinds:
        return
    means = np.array([_findMean(faults, amplifier.getName(), model) for amplifier in detector])
    means = means[np.isfinite(means)]
    scatter = np.std(means, ddof=1) / np.mean(means)
    if _CHANCE[0] < scatter < _CHANCE[1]:
        raise ValueError(
            f"The amplifiers of detector {detector.getName()} have the scatter {scatter:.3f}, "
            f"which passes or fails by chance between {_CHANCE[0]} and {_CHANCE[1]}."
        )
    if scatter >= _CHANCE[1]:
        yield ExpectedResult(
            exposure=exposure,
            detector=detector.getId(),
            detectorName=detector.getName(),
            amplifier="",
            failures=frozenset({"DET_SCATTER"}),
            untested=frozenset(),
            statistics=frozenset(),
            kinds=tuple(sorted(kinds)),
        )


def _findMean(faults: Sequence[Fault], amplifier: str, model: FlatModel) -> float:
    """Find the mean of an amplifier (electron), as if no light were lost at the edge; NaN if masked."""
    mean = model.flux
    own = [fault for fault in faults if amplifier in fault.amplifiers]
    for fault in sorted(own, key=lambda fault: fault.kind is FaultKind.GAIN_STEP):
        match fault.kind:
            case FaultKind.DEAD_AMPLIFIER:
                mean = 0.0
            case FaultKind.MASKED_AMPLIFIER:
                mean = np.nan
            case FaultKind.EXCESS_LIGHT:
                mean = min(mean * fault.strength, model.fullWell)
            case FaultKind.GAIN_STEP:
                mean *= fault.strength
    return mean


def listTornAmplifiers(faults: Iterable[Fault], camera: Any) -> set[tuple[int, str]]:
    """List the amplifiers at a torn boundary: those that are torn, and their neighbours.

    Parameters
    ----------
    faults
        Faults of the simulation, of the kinds of flats.
    camera
        The camera.

    Returns
    -------
    torn
        Detector and amplifier of each, of those that have a boundary.
    """
    known = tuple(faults)
    torn = set()
    for detector in camera:
        own = selectFaults(known, 0, detector.getId(), detector.getName())
        names = {name for fault in own if fault.kind is FaultKind.TEARING for name in fault.amplifiers}
        boxes = {amp.getName(): amp.getBBox() for amp in detector}
        for name in names:
            for other, box in boxes.items():
                first, second = sorted((boxes[name], box), key=lambda one: one.getMinX())
                is_beside = first.getMaxX() + 1 == second.getMinX() and first.getMinY() == second.getMinY()
                if is_beside:
                    torn |= {(detector.getId(), name), (detector.getId(), other)}
    return torn


def listExpectedTearingResults(faults: Iterable[Fault], camera: Any) -> list[ExpectedResult]:
    """List what has to be found of torn flats: each amplifier at a torn boundary.

    Parameters
    ----------
    faults
        Faults of the simulation, of the kinds of flats.
    camera
        The camera.

    Returns
    -------
    expected
        One for each, of an exposure 0 that there is not.
    """
    names = {detector.getId(): detector.getName() for detector in camera}
    return [
        ExpectedResult(
            exposure=0,
            detector=detector,
            detectorName=names[detector],
            amplifier=amplifier,
            failures=frozenset({"MAX"}),
            untested=frozenset(),
            statistics=frozenset(),
            kinds=(FaultKind.TEARING,),
        )
        for detector, amplifier in sorted(listTornAmplifiers(faults, camera))
    ]
