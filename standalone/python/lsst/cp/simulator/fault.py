# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Faults that the simulator puts into pixels, and what they have to trip."""

__all__ = ["Fault", "FaultKind", "checkFaults", "parseFaults", "selectFaults"]

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .faultKind import TRAITS, FaultKind, FaultTraits

_GEOMETRY = ("x", "y", "size", "angle")
"""Fields that say where a fault is and how large."""


@dataclass(frozen=True)
class Fault:
    """A fault of one detector.

    Parameters
    ----------
    kind
        What is wrong.
    detector
        Name or ID of the detector.
    amplifiers
        Names of the amplifiers; none for a whole detector.
    amplitude
        How strong the fault is, in the unit of its kind; `None` for the default, or to be drawn.
    exposures
        Exposures with the fault; none for all.
    x, y, size, angle
        Place (pixels of the assembled image), size in the unit of the kind, and angle (degrees) of a kind
        that has them; `None` to be drawn.

    Raises
    ------
    ValueError
        Raised if the kind is unknown, or the values do not fit it.
    """

    kind: FaultKind
    detector: str | int
    amplifiers: tuple[str, ...] = ()
    amplitude: float | None = None
    exposures: tuple[int, ...] = ()
    x: float | None = None
    y: float | None = None
    size: float | None = None
    angle: float | None = None

    def __post_init__(self) -> None:
        traits = TRAITS[FaultKind(self.kind)]
        number = len(self.amplifiers)
        if number < traits.minAmplifiers or (number and not traits.minAmplifiers):
            expected = f"at least {traits.minAmplifiers}" if traits.minAmplifiers else "no"
            raise ValueError(f"{self}: expected {expected} amplifiers, got {number}.")
        self._checkGeometry(traits)
        if self.amplitude is None:
            return
        if not traits.unit:
            raise ValueError(f"{self}: this kind has no amplitude, got {self.amplitude!r}.")
        if not (math.isfinite(self.amplitude) and traits.lowest <= self.amplitude <= traits.highest):
            raise ValueError(
                f"{self}: expected a finite amplitude ({traits.unit}) "
                f"from {traits.lowest} to {traits.highest}, got {self.amplitude!r}."
            )

    def _checkGeometry(self, traits: FaultTraits) -> None:
        known = {*traits.places, *({"size"} if traits.sizeUnit else ())}
        given = {name: getattr(self, name) for name in _GEOMETRY if getattr(self, name) is not None}
        if unknown := sorted(given.keys() - known):
            raise ValueError(f"{self}: this kind has no {' or '.join(unknown)}.")
        if not all(math.isfinite(value) for value in given.values()) or given.get("size", 1) <= 0:
            raise ValueError(f"{self}: expected a finite place and angle and a positive size, got {given}.")
        if len(self.amplifiers) > 1 and given.keys() & {"x", "y"}:
            raise ValueError(f"{self}: a place needs a single amplifier, got {len(self.amplifiers)}.")

    def __str__(self) -> str:
        return f"Fault {self.kind} of detector {self.detector!r}, amplifiers {list(self.amplifiers)}"

    @property
    def strength(self) -> float:
        """The amplitude, or its default; NaN for a kind without, and if it is drawn."""
        return TRAITS[self.kind].default if self.amplitude is None else self.amplitude

    @property
    def expectedFailures(self) -> frozenset[str]:
        """Tests that have to fail on each of the amplifiers, and no others.

        Raises
        ------
        ValueError
            Raised if the amplitude is such that the noise decides.
        """
        traits = TRAITS[self.kind]
        strongest = (
            max(traits.drawn)
            if math.isfinite(traits.drawn[0]) and self.amplitude is None
            else abs(self.strength)
        )
        if not traits.unit or strongest >= traits.certainFrom:
            return traits.failing
        if strongest <= traits.harmlessTo:
            return frozenset()
        raise ValueError(
            f"{self}: an amplitude between {traits.harmlessTo} and {traits.certainFrom} {traits.unit} "
            f"fails or passes by chance, got {strongest}."
        )

    @property
    def untested(self) -> frozenset[str]:
        """Tests that are not made on the amplifiers."""
        return TRAITS[self.kind].untested

    @property
    def statistic(self) -> str:
        """Stored statistic that shows the fault where no test does, without the prefix of its column."""
        return TRAITS[self.kind].statistic

    def toText(self) -> str:
        """Write the fault as one line that `parseFaults` reads.

        Returns
        -------
        line
            The kind, then ``field:value`` for the fields that are set; items of lists are joined by commas.
        """
        parts = [str(self.kind), f"detector:{self.detector}"]
        if self.amplifiers:
            parts.append(f"amplifiers:{','.join(self.amplifiers)}")
        if self.amplitude is not None:
            parts.append(f"amplitude:{self.amplitude!r}")
        parts += [f"{name}:{value!r}" for name in _GEOMETRY if (value := getattr(self, name)) is not None]
        if self.exposures:
            parts.append(f"exposures:{','.join(map(str, self.exposures))}")
        return " ".join(parts)


def parseFaults(entries: Iterable[str]) -> tuple[Fault, ...]:
    """Read faults.

    Parameters
    ----------
    entries
        Lines such as ``hotNoise detector:R22_S11 amplifiers:C00,C01 amplitude:1.5``. Detectors are given by
        name or ID.

    Returns
    -------
    faults
        In the order of ``entries``.

    Raises
    ------
    ValueError
        Raised if the fields or values of an entry are wrong.
    """
    return tuple(_parseFault(entry) for entry in entries)


def _parseFault(entry: str) -> Fault:
    kind, *pairs = entry.split() or [""]
    if kind not in set(FaultKind):
        raise ValueError(
            f"Unknown kind of fault {kind!r} in {entry!r}: expected one of {', '.join(FaultKind)}."
        )
    values: dict[str, Any] = {}
    for pair in pairs:
        name, separator, text = pair.partition(":")
        if not separator or name not in _CONVERTERS or name in values:
            raise ValueError(
                f"Unexpected {pair!r} in fault {entry!r}: expected field:value, "
                f"each of {', '.join(_CONVERTERS)} at most once."
            )
        try:
            values[name] = _CONVERTERS[name](text)
        except ValueError as error:
            raise ValueError(f"Wrong {name} in fault {entry!r}: {error}") from error
    if "detector" not in values:
        raise ValueError(f"Fault {entry!r} has no detector.")
    return Fault(FaultKind(kind), **values)


_CONVERTERS: dict[str, Callable[[str], Any]] = {
    "detector": lambda text: int(text) if text.isdecimal() else text,
    "amplifiers": lambda text: tuple(text.split(",")),
    "amplitude": float,
    "exposures": lambda text: tuple(int(item) for item in text.split(",")),
    **dict.fromkeys(_GEOMETRY, float),
}
"""How the text of each field is read."""


def checkFaults(faults: Iterable[Fault], amplifierNames: Mapping[tuple[int, str], Collection[str]]) -> None:
    """Check that the camera has the detectors and amplifiers of faults.

    Parameters
    ----------
    faults
        Faults to check.
    amplifierNames
        Amplifier names of each detector of the camera, by its ID and name.

    Raises
    ------
    ValueError
        Raised for an unknown detector or amplifier.
    """
    for fault in faults:
        found = [names for key, names in amplifierNames.items() if fault.detector in key]
        if not found:
            raise ValueError(
                f"{fault}: the camera has no such detector; its {len(amplifierNames)} detectors are "
                f"{', '.join(name for _, name in sorted(amplifierNames))}."
            )
        if unknown := set(fault.amplifiers) - set(found[0]):
            raise ValueError(
                f"{fault}: the detector has no amplifiers {sorted(unknown)}; it has {sorted(found[0])}."
            )


def selectFaults(
    faults: Iterable[Fault], exposure: int, detectorId: int, detectorName: str
) -> tuple[Fault, ...]:
    """Select the faults of one detector in one exposure.

    Parameters
    ----------
    faults
        Faults to select from.
    exposure
        Exposure ID.
    detectorId, detectorName
        The detector.

    Returns
    -------
    selected
        Faults that apply, in their order.
    """
    return tuple(
        fault
        for fault in faults
        if fault.detector in (detectorId, detectorName)
        and (not fault.exposures or exposure in fault.exposures)
    )
