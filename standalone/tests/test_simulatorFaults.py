# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Faults: what is accepted, what is refused, and what they have to trip."""

import re

import pytest

from lsst.cp.simulator import (
    Fault,
    FaultKind,
    SimulateBiasIsrConfig,
    listExpectedResults,
    parseFaults,
    shrinkCamera,
)
from lsst.cp.simulator.fault import checkFaults, selectFaults
from lsst.cp.simulator.faultKind import TRAITS
from lsst.obs.lsst import LsstComCam
from lsst.pex.config import FieldValidationError

NAMES = {(0, "R22_S00"): ["C00", "C01"], (1, "R22_S01"): ["C00", "C01"]}


@pytest.mark.parametrize("kind", FaultKind)
def test_text_round_trip(kind) -> None:
    amplifiers = tuple(f"C0{n}" for n in range(TRAITS[kind].minAmplifiers))
    fault = Fault(kind, "R22_S00", amplifiers, exposures=(5, 6))
    assert parseFaults([fault.toText()]) == (fault,)


def test_amplitude_is_written() -> None:
    fault = Fault(FaultKind.HOT_NOISE, 3, ("C00",), 1.25)
    assert fault.toText() == "hotNoise detector:3 amplifiers:C00 amplitude:1.25"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("", "Unknown kind of fault '' in ''"),
        ("warm detector:0", "Unknown kind of fault 'warm' in 'warm detector:0'"),
        ("hotNoise amplifiers:C00", "has no detector"),
        ("hotNoise detector:0 amp:C00", "Unexpected 'amp:C00' in fault"),
        ("hotNoise detector:0 C00", "Unexpected 'C00' in fault .*: expected field:value"),
        ("hotNoise detector:0 detector:1", "Unexpected 'detector:1' in fault"),
        ("hotNoise detector:0", "expected at least 1 amplifiers, got 0"),
        ("correlatedAmplifiers detector:0 amplifiers:C00", "expected at least 2 amplifiers, got 1"),
        ("missingDetector detector:0 amplifiers:C00", "expected no amplifiers, got 1"),
        ("missingDetector detector:0 exposures:a", "Wrong exposures in fault .*: invalid literal for int"),
        ("deadAmplifier detector:0 amplifiers:C00 amplitude:2", "has no amplitude, got 2"),
        (
            "hotNoise detector:0 amplifiers:C00 amplitude:big",
            "Wrong amplitude in fault .*: could not convert",
        ),
        ("hotNoise detector:0 amplifiers:C00 amplitude:0.5", "from 1.0 to inf, got 0.5"),
        ("hotNoise detector:0 amplifiers:C00 amplitude:nan", "expected a finite amplitude"),
    ],
)
def test_refused(entry, message) -> None:
    with pytest.raises(ValueError, match=message):
        parseFaults([entry])


def test_configuration_refuses_faults() -> None:
    config = SimulateBiasIsrConfig()
    config.faults = ["warm detector:0"]
    with pytest.raises(FieldValidationError, match="Unknown kind of fault 'warm'"):
        config.validate()


def test_unknown_detector() -> None:
    fault = Fault(FaultKind.MISSING_DETECTOR, "R99_S99")
    with pytest.raises(ValueError, match=re.escape("no such detector; its 2 detectors are R22_S00, R22_S01")):
        checkFaults([fault], NAMES)


def test_unknown_amplifier() -> None:
    fault = Fault(FaultKind.HOT_NOISE, 1, ("C00", "C77"))
    with pytest.raises(ValueError, match=re.escape("no amplifiers ['C77']; it has ['C00', 'C01']")):
        checkFaults([fault], NAMES)


def test_selection() -> None:
    faults = (
        Fault(FaultKind.MISSING_DETECTOR, "R22_S00"),
        Fault(FaultKind.MISSING_DETECTOR, 0, exposures=(5,)),
        Fault(FaultKind.MISSING_DETECTOR, 1),
    )
    assert selectFaults(faults, 5, 0, "R22_S00") == faults[:2]
    assert selectFaults(faults, 6, 0, "R22_S00") == faults[:1]


@pytest.mark.parametrize(
    ("kind", "amplitude", "expected"),
    [
        (FaultKind.HOT_NOISE, 1.5, {"NOISE", "READ_NOISE_CONSISTENT"}),
        (FaultKind.HOT_NOISE, 1.0, set()),
        (FaultKind.OFFSET_MEAN, -2.0, {"MEAN"}),
        (FaultKind.OFFSET_MEAN, 0.1, set()),
        (FaultKind.COSMIC_RAYS, 0.2, {"CR_NOISE"}),
        (FaultKind.CORNER_GLOW, 3.0, set()),
        (FaultKind.DEAD_AMPLIFIER, None, {"MEAN", "CR_NOISE"}),
    ],
)
def test_expected_failures(kind, amplitude, expected) -> None:
    assert Fault(kind, 0, ("C00",), amplitude).expectedFailures == expected


def test_chance_is_no_expectation() -> None:
    with pytest.raises(ValueError, match="fails or passes by chance, got 1.05"):
        _ = Fault(FaultKind.HOT_NOISE, 0, ("C00",), 1.05).expectedFailures


def test_expected_results() -> None:
    camera = shrinkCamera(LsstComCam.getCamera(), 32)
    faults = [
        Fault(FaultKind.HOT_NOISE, "R22_S01", ("C00",)),
        Fault(FaultKind.CORNER_GLOW, 1, ("C00", "C02")),
        Fault(FaultKind.MISSING_DETECTOR, 3, exposures=(8,)),
        Fault(FaultKind.HOT_NOISE, 3, ("C05",)),
    ]
    found = listExpectedResults(faults, camera, [7, 8])
    short = [
        (r.exposure, r.detectorName, r.amplifier, sorted(r.failures), sorted(r.statistics)) for r in found
    ]
    hot = ["NOISE", "READ_NOISE_CONSISTENT"]
    assert short == [
        (7, "R22_S01", "C02", [], ["AMP_CORNER"]),
        (7, "R22_S01", "C00", hot, ["AMP_CORNER"]),
        (7, "R22_S10", "C05", hot, []),
        (8, "R22_S01", "C02", [], ["AMP_CORNER"]),
        (8, "R22_S01", "C00", hot, ["AMP_CORNER"]),
        (8, "R22_S10", "", [], []),
    ]
