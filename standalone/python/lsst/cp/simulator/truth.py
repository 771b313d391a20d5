# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What was injected and what verification has to find of it, declared from the faults alone."""

__all__ = ["ExpectedResult", "InjectedFault", "listExpectedResults", "listInjectedFaults"]

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .fault import Fault, FaultKind, checkFaults, selectFaults
from .frames import AmplifierGeometry
from .pixelFaults import PixelFault, drawDetectorFaults
from .randomStreams import RandomStreams


@dataclass(frozen=True)
class ExpectedResult:
    """What an amplifier with a fault, or a missing detector, has to give. All others have to pass all tests.

    Parameters
    ----------
    exposure
        Exposure ID.
    detector, detectorName
        The detector.
    amplifier
        The amplifier; empty for a missing detector.
    failures
        Tests that have to fail. All others have to pass, but for `untested`.
    untested
        Tests that cannot be made.
    statistics
        Stored statistics that show the faults which no test looks for.
    kinds
        Kinds of the faults.
    """

    exposure: int
    detector: int
    detectorName: str
    amplifier: str
    failures: frozenset[str]
    untested: frozenset[str]
    statistics: frozenset[str]
    kinds: tuple[FaultKind, ...]


def listExpectedResults(
    faults: Iterable[Fault],
    camera: Any,
    exposures: Sequence[int],
    *,
    tests: Collection[str] | None = None,
) -> list[ExpectedResult]:
    """List what has to be found.

    Parameters
    ----------
    faults
        Faults of the simulation.
    camera
        The camera.
    exposures
        IDs of the simulated exposures.
    tests
        Tests that are made; all that faults can trip if `None`.

    Returns
    -------
    expected
        One for each exposure, detector and amplifier with a fault, in the order of exposures and camera. A
        missing detector has one, and none for its amplifiers.

    Raises
    ------
    ValueError
        Raised if a fault does not fit the camera or is too weak to be certain.
    """
    known = tuple(faults)
    checkFaults(known, {(det.getId(), det.getName()): [amp.getName() for amp in det] for det in camera})
    return [
        result
        for exposure in exposures
        for detector in camera
        for result in _listOfDetector(
            selectFaults(known, exposure, detector.getId(), detector.getName()), detector, exposure, tests
        )
    ]


def _listOfDetector(
    faults: Sequence[Fault], detector: Any, exposure: int, tests: Collection[str] | None
) -> list[ExpectedResult]:
    missing = [fault for fault in faults if fault.kind is FaultKind.MISSING_DETECTOR]
    groups = {"": missing} if missing else {amp.getName(): [] for amp in detector}
    if not missing:
        for fault in faults:
            for amplifier in fault.amplifiers:
                groups[amplifier].append(fault)

    def join(results: Iterable[frozenset[str]]) -> frozenset[str]:
        return frozenset(test for names in results for test in names if tests is None or test in tests)

    return [
        ExpectedResult(
            exposure=exposure,
            detector=detector.getId(),
            detectorName=detector.getName(),
            amplifier=amplifier,
            failures=join(fault.expectedFailures for fault in group),
            untested=join(fault.untested for fault in group),
            statistics=frozenset(fault.statistic for fault in group if fault.statistic),
            kinds=tuple(fault.kind for fault in group),
        )
        for amplifier, group in groups.items()
        if group
    ]


@dataclass(frozen=True)
class InjectedFault:
    """A structure that was put into the pixels of a detector in one exposure.

    Parameters
    ----------
    exposure
        Exposure ID.
    detector, detectorName
        The detector.
    amplifier
        The amplifier; empty for a structure of the whole detector.
    fault
        Its kind, place, size and amplitude.
    """

    exposure: int
    detector: int
    detectorName: str
    amplifier: str
    fault: PixelFault


def listInjectedFaults(
    faults: Iterable[Fault], camera: Any, exposures: Sequence[int], *, instrument: str, seed: int
) -> list[InjectedFault]:
    """List the structures of the pixel level as the simulation draws them, without simulating pixels.

    Parameters
    ----------
    faults
        Faults of the simulation, of all kinds.
    camera
        The camera.
    exposures
        IDs of the simulated exposures.
    instrument
        Name of the instrument.
    seed
        Seed of the simulation.

    Returns
    -------
    injected
        One for each exposure, fault and amplifier, in the order of exposures, camera and faults. Detectors
        that are missing have none.

    Raises
    ------
    ValueError
        Raised if a fault does not fit the camera.
    """
    known = tuple(faults)
    checkFaults(known, {(det.getId(), det.getName()): [amp.getName() for amp in det] for det in camera})
    return [
        InjectedFault(exposure, detector.getId(), detector.getName(), amplifier, fault)
        for exposure in exposures
        for detector in camera
        for amplifier, fault in _drawOfDetector(
            selectFaults(known, exposure, detector.getId(), detector.getName()),
            detector,
            RandomStreams(seed, instrument, detector.getId(), exposure),
        )
    ]


def _drawOfDetector(
    faults: Sequence[Fault], detector: Any, streams: RandomStreams
) -> Iterator[tuple[str, PixelFault]]:
    if not faults or any(fault.kind is FaultKind.MISSING_DETECTOR for fault in faults):
        return
    box = detector.getBBox()
    geometries = [AmplifierGeometry.fromAmplifier(amplifier, box) for amplifier in detector]
    yield from drawDetectorFaults(faults, geometries, (box.getHeight(), box.getWidth()), streams)
