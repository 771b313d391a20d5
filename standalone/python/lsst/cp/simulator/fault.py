# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Faults that the simulator puts into pixels, and what they have to trip."""

__all__ = ["Fault", "FaultKind", "checkFaults", "parseFaults", "selectFaults"]

import enum
import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class _Traits:
    """What is known of a kind of fault.

    Parameters
    ----------
    unit
        What the amplitude measures; empty if the fault has none.
    default
        Amplitude if none is given.
    lowest, highest
        Allowed amplitudes.
    harmlessTo, certainFrom
        Up to the first amplitude no test can fail by the fault; from the second on those of ``failing`` have
        to. In between the noise decides.
    failing
        Tests that fail on the faulty amplifiers.
    untested
        Tests that are not made on the faulty amplifiers.
    statistic
        Stored statistic that shows a fault which no test looks for.
    minAmplifiers
        Smallest number of amplifiers that the fault needs.
    """

    unit: str = ""
    default: float = math.nan
    lowest: float = -math.inf
    highest: float = math.inf
    harmlessTo: float = -math.inf
    certainFrom: float = -math.inf
    failing: frozenset[str] = frozenset()
    untested: frozenset[str] = frozenset()
    statistic: str = ""
    minAmplifiers: int = 1


class FaultKind(enum.StrEnum):
    """Kinds of faults. Amplitudes in read noises are in units of the amplifier's nominal read noise."""

    HOT_NOISE = "hotNoise"
    """Read noise multiplied by the amplitude, in image and overscan."""
    OFFSET_MEAN = "offsetMean"
    """Image raised by the amplitude (read noises); the overscan is not."""
    COSMIC_RAYS = "cosmicRays"
    """Hits too smooth to be cleaned, which raise the unclipped noise by the amplitude (a fraction)."""
    CORNER_GLOW = "cornerGlow"
    """Glow that falls off from the amplitude (read noises) at the readout corner."""
    DEAD_AMPLIFIER = "deadAmplifier"
    """Amplifier that reads one constant value."""
    MASKED_AMPLIFIER = "maskedAmplifier"
    """Amplifier known as bad: masked as a whole and without overscan results."""
    MISSING_DETECTOR = "missingDetector"
    """Detector without any data."""
    BIAS_SHIFT = "biasShift"
    """Level higher by the amplitude (read noises) for some rows, in image and overscan."""
    CORRELATED_AMPLIFIERS = "correlatedAmplifiers"
    """Noise shared by amplifiers with a correlation coefficient of the amplitude."""


# Limits follow from the noise that a clean frame has beyond the read noise: 1.3% by the row medians of the
# overscan, and 1% by the combined bias; the overscan itself measures 1.7% too little by its clipping.
_TRAITS: dict[FaultKind, _Traits] = {
    FaultKind.HOT_NOISE: _Traits(
        unit="factor",
        default=1.5,
        lowest=1.0,
        harmlessTo=1.01,
        certainFrom=1.1,
        failing=frozenset({"NOISE", "READ_NOISE_CONSISTENT"}),
    ),
    FaultKind.OFFSET_MEAN: _Traits(
        unit="read noises", default=3.0, harmlessTo=0.8, certainFrom=1.3, failing=frozenset({"MEAN"})
    ),
    FaultKind.COSMIC_RAYS: _Traits(
        unit="fraction",
        default=0.25,
        lowest=0.0,
        harmlessTo=0.03,
        certainFrom=0.08,
        failing=frozenset({"CR_NOISE"}),
    ),
    # A brighter glow would raise the clipped noise enough to fail as well.
    FaultKind.CORNER_GLOW: _Traits(
        unit="read noises", default=3.0, lowest=0.0, highest=4.0, statistic="AMP_CORNER"
    ),
    FaultKind.DEAD_AMPLIFIER: _Traits(
        failing=frozenset({"MEAN", "CR_NOISE"}), untested=frozenset({"READ_NOISE_CONSISTENT"})
    ),
    FaultKind.MASKED_AMPLIFIER: _Traits(
        failing=frozenset({"MEAN", "NOISE", "CR_NOISE", "READ_NOISE_CONSISTENT"})
    ),
    FaultKind.MISSING_DETECTOR: _Traits(minAmplifiers=0),
    FaultKind.BIAS_SHIFT: _Traits(unit="read noises", default=1.5, statistic="BIAS_SHIFT_COUNT"),
    FaultKind.CORRELATED_AMPLIFIERS: _Traits(
        unit="coefficient", default=0.5, lowest=0.0, highest=1.0, statistic="AMPCORR", minAmplifiers=2
    ),
}


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
        How strong the fault is, in the unit of its kind; `None` for the default.
    exposures
        Exposures with the fault; none for all.

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

    def __post_init__(self) -> None:
        traits = _TRAITS[FaultKind(self.kind)]
        number = len(self.amplifiers)
        if number < traits.minAmplifiers or (number and not traits.minAmplifiers):
            expected = f"at least {traits.minAmplifiers}" if traits.minAmplifiers else "no"
            raise ValueError(f"{self}: expected {expected} amplifiers, got {number}.")
        if self.amplitude is None:
            return
        if not traits.unit:
            raise ValueError(f"{self}: this kind has no amplitude, got {self.amplitude!r}.")
        if not (math.isfinite(self.amplitude) and traits.lowest <= self.amplitude <= traits.highest):
            raise ValueError(
                f"{self}: expected a finite amplitude ({traits.unit}) "
                f"from {traits.lowest} to {traits.highest}, got {self.amplitude!r}."
            )

    def __str__(self) -> str:
        return f"Fault {self.kind} of detector {self.detector!r}, amplifiers {list(self.amplifiers)}"

    @property
    def strength(self) -> float:
        """The amplitude, or its default; NaN for a kind without."""
        return _TRAITS[self.kind].default if self.amplitude is None else self.amplitude

    @property
    def expectedFailures(self) -> frozenset[str]:
        """Tests that have to fail on each of the amplifiers, and no others.

        Raises
        ------
        ValueError
            Raised if the amplitude is such that the noise decides.
        """
        traits = _TRAITS[self.kind]
        if not traits.unit or abs(self.strength) >= traits.certainFrom:
            return traits.failing
        if abs(self.strength) <= traits.harmlessTo:
            return frozenset()
        raise ValueError(
            f"{self}: an amplitude between {traits.harmlessTo} and {traits.certainFrom} {traits.unit} "
            f"fails or passes by chance, got {self.strength}."
        )

    @property
    def untested(self) -> frozenset[str]:
        """Tests that are not made on the amplifiers."""
        return _TRAITS[self.kind].untested

    @property
    def statistic(self) -> str:
        """Stored statistic that shows the fault where no test does, without the prefix of its column."""
        return _TRAITS[self.kind].statistic

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
