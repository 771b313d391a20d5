# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What verification has to find of the faults of darks, declared from the faults and the dark times alone."""

__all__ = ["listExpectedDarkResults"]

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .darkFrames import meanLeak
from .fault import Fault, FaultKind, selectFaults
from .faultKind import TRAITS
from .frames import AmplifierGeometry
from .truth import ExpectedResult, listExpectedResults

_RATES = (FaultKind.EXCESS_DARK_CURRENT, FaultKind.LIGHT_LEAK)
"""Faults that do as much as the dark time lets them."""


def listExpectedDarkResults(
    faults: Iterable[Fault], camera: Any, darkTimes: Mapping[int, float]
) -> list[ExpectedResult]:
    """List what has to be found.

    Parameters
    ----------
    faults
        Faults of the simulation, of the kinds of darks.
    camera
        The camera.
    darkTimes
        Dark times (s) of the simulated exposures by their IDs.

    Returns
    -------
    expected
        As `listExpectedResults` returns them, with one for each amplifier that a light leak reaches.

    Raises
    ------
    ValueError
        Raised if a fault does not fit the camera, or is too weak to be certain.
    """
    known = tuple(faults)
    others = listExpectedResults(
        [fault for fault in known if fault.kind not in _RATES], camera, list(darkTimes)
    )
    found = {(result.exposure, result.detector, result.amplifier): result for result in others}
    rates = [fault for fault in known if fault.kind in _RATES]
    listExpectedResults(rates, camera, ())  # Checks that they fit the camera.
    for exposure, time in darkTimes.items():
        for detector in camera:
            own = selectFaults(rates, exposure, detector.getId(), detector.getName())
            if own and (exposure, detector.getId(), "") not in found:
                for result in _listOfDetector(own, detector, exposure, time):
                    key = exposure, detector.getId(), result.amplifier
                    found[key] = _join(found.get(key), result)
    return [found[key] for key in sorted(found, key=lambda key: (list(darkTimes).index(key[0]), key[1]))]


def _listOfDetector(
    faults: Sequence[Fault], detector: Any, exposure: int, darkTime: float
) -> Iterator[ExpectedResult]:
    """List the amplifiers that collect charge by faults of one detector in one exposure."""
    box = detector.getBBox()
    for amplifier in detector:
        geometry = AmplifierGeometry.fromAmplifier(amplifier, box)
        own = [fault for fault in faults if not fault.amplifiers or geometry.name in fault.amplifiers]
        parts = [
            fault.strength
            * (meanLeak(geometry.columns, box.getWidth()) if fault.kind is FaultKind.LIGHT_LEAK else 1)
            for fault in own
        ]
        if own:
            yield ExpectedResult(
                exposure=exposure,
                detector=detector.getId(),
                detectorName=detector.getName(),
                amplifier=geometry.name,
                failures=_findFailures(darkTime * sum(parts), geometry),
                untested=frozenset(),
                statistics=frozenset(),
                kinds=tuple(fault.kind for fault in own),
            )


def _findFailures(charge: float, geometry: AmplifierGeometry) -> frozenset[str]:
    """Tell which tests fail by a mean charge (electron) and its Poisson noise.

    Raises
    ------
    ValueError
        Raised if the noise decides.
    """
    noise = math.sqrt(geometry.readNoise**2 + charge)
    failures = set()
    for kind, test, strength in (
        (FaultKind.OFFSET_MEAN, "MEAN", charge / noise),
        (FaultKind.HOT_NOISE, "NOISE", noise / geometry.readNoise),
    ):
        traits = TRAITS[kind]
        if traits.harmlessTo < strength < traits.certainFrom:
            raise ValueError(
                f"A charge of {charge:.3g} electron in amplifier {geometry.name} fails or passes {test} by "
                f"chance: {strength:.3g} is between {traits.harmlessTo} and {traits.certainFrom} "
                f"{traits.unit}."
            )
        if strength >= traits.certainFrom:
            failures.add(test)
    return frozenset(failures)


def _join(known: ExpectedResult | None, more: ExpectedResult) -> ExpectedResult:
    """Join what faults of other kinds do to an amplifier; a dead one collects no charge."""
    if known is None:
        return more
    failures = known.failures if FaultKind.DEAD_AMPLIFIER in known.kinds else known.failures | more.failures
    return replace(known, failures=failures, kinds=known.kinds + more.kinds)
