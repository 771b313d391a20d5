# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Kinds of faults, and what is known of each."""

__all__ = ["TRAITS", "FaultKind", "FaultTraits"]

import enum
import math
from dataclasses import dataclass


@dataclass(frozen=True)
class FaultTraits:
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
        Smallest number of amplifiers that the fault needs; none for a fault of the whole detector.
    drawn
        Range from which the amplitude is drawn if none is given; NaN for a kind with a default.
    sizeUnit
        What the size measures, if the fault has one.
    sizes
        Range from which the size is drawn if none is given.
    places
        Which of ``x``, ``y`` and ``angle`` the fault has.
    changes
        Whether what is drawn changes from exposure to exposure.
    isStructure
        Whether the fault is a structure in the pixels of the assembled image.
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
    drawn: tuple[float, float] = (math.nan, math.nan)
    sizeUnit: str = ""
    sizes: tuple[float, float] = (math.nan, math.nan)
    places: frozenset[str] = frozenset()
    changes: bool = False
    isStructure: bool = False


class FaultKind(enum.StrEnum):
    """Kinds of faults. Amplitudes in read noises are in units of the amplifier's nominal read noise."""

    HOT_NOISE = "hotNoise"
    """Read noise multiplied by the amplitude, in image and overscan."""
    OFFSET_MEAN = "offsetMean"
    """Image raised by the amplitude (read noises); the overscan is not."""
    COSMIC_RAYS = "cosmicRays"
    """Hits too smooth to be cleaned, which raise the unclipped noise by the amplitude (a fraction).

    What is cleaned depends on the repair task: see `lsst.pipe.tasks.repair` for how upstream's differs.
    """
    CORNER_GLOW = "cornerGlow"
    """Glow that falls off from the amplitude (read noises) at the readout corner. The size is the distance of
    a fall by a factor e."""
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
    GAIN_STEP = "gainStep"
    """Signal of a flat multiplied by the amplitude, as by a gain that has changed since the combined flat."""
    TEARING = "tearing"
    """Light of a flat lower by the amplitude (a fraction) in the two columns at either side of the amplifier,
    the charge of which has moved to its neighbours."""
    EXCESS_LIGHT = "excessLight"
    """Light of a flat multiplied by the amplitude, up to the full well: beyond that the flat is saturated."""
    WRONG_GAIN = "wrongGain"
    """Gain of a photon transfer curve that is the amplitude times the nominal one."""
    CHANGED_GAIN = "changedGain"
    """Gain of the pairs of flats that is the amplitude times that of the curve through them."""
    LOW_TURNOFF = "lowTurnoff"
    """Full well of a photon transfer curve that is the amplitude (electron)."""
    STRONG_BRIGHTER_FATTER = "strongBrighterFatter"
    """Coefficient a00 of a photon transfer curve that is the amplitude (1/electron)."""
    FLIPPED_KERNEL = "flippedKernel"
    """Correlations of neighbours for a brighter-fatter kernel multiplied by the amplitude, below 0."""
    SERIAL_CTI = "serialCti"
    """Serial charge transfer inefficiency of the amplitude."""
    PARALLEL_CTI = "parallelCti"
    """Parallel charge transfer inefficiency of the amplitude."""
    NOISE_DRIFT = "noiseDrift"
    """Read noise of a photon transfer curve that grows with the signal, by the amplitude (electron)."""
    LINEARITY_CHANGE = "linearityChange"
    """Response that has changed since the linearizer was made, by the amplitude (percent) at half the full
    well."""
    CURVED_RESPONSE = "curvedResponse"
    """Response that loses the amplitude (percent) of a signal of 100,000 electrons, and is corrected."""
    STRONG_CROSSTALK = "strongCrosstalk"
    """Coefficient of crosstalk from the first amplifier to the second that is left after the correction."""
    FLIPPED_CROSSTALK = "flippedCrosstalk"
    """Crosstalk from the first amplifier to the second of the other sign than in the correction."""
    SELF_CROSSTALK = "selfCrosstalk"
    """Coefficient of crosstalk of an amplifier with itself, of which there is none."""
    EXCESS_DARK_CURRENT = "excessDarkCurrent"
    """Dark current of all pixels higher by the amplitude (electron/s)."""
    LIGHT_LEAK = "lightLeak"
    """Light on a whole detector in a dark, of the amplitude (electron/s) at the first column and half of it
    at the last."""
    UNMASKED_COLUMN = "unmaskedColumn"
    """Column of a flat raised by the amplitude (noises of a pixel) that is not in the mask of defects."""
    OVER_MASKED = "overMasked"
    """Region of good pixels, of the amplitude as a fraction of the amplifier, that is masked as a defect."""
    HOT_PIXEL = "hotPixel"
    """One pixel raised by the amplitude (read noises)."""
    BRIGHT_COLUMN = "brightColumn"
    """Part of a column raised, so that the mean of the amplifier's whole column rises by the amplitude
    (standard errors of that mean). The size is the number of raised rows."""
    SCRATCH = "scratch"
    """Thin straight line with the amplitude (read noises) at its ridge. The size is its length."""
    GRADIENT = "gradient"
    """Plane over the detector, zero at its centre. The amplitude (read noises) is the whole range."""
    ROW_PATTERN = "rowPattern"
    """Wave of offsets of the rows of an amplifier. The amplitude (read noises) is its standard deviation and
    the size its period."""
    COLUMN_PATTERN = "columnPattern"
    """The same of columns."""
    STREAK = "streak"
    """Straight line through the detector, as of a satellite, with the amplitude (read noises) at its ridge.
    The size is the standard deviation of its profile."""


# Limits follow from the noise that a clean frame has beyond the read noise: 1.3% by the row medians of the
# overscan, and 1% by the combined bias; the overscan itself measures 1.7% too little by its clipping.
TRAITS: dict[FaultKind, FaultTraits] = {
    FaultKind.HOT_NOISE: FaultTraits(
        unit="factor",
        default=1.5,
        lowest=1.0,
        harmlessTo=1.01,
        certainFrom=1.1,
        failing=frozenset({"NOISE", "READ_NOISE_CONSISTENT"}),
    ),
    FaultKind.OFFSET_MEAN: FaultTraits(
        unit="read noises", default=3.0, harmlessTo=0.8, certainFrom=1.3, failing=frozenset({"MEAN"})
    ),
    FaultKind.COSMIC_RAYS: FaultTraits(
        unit="fraction",
        default=0.25,
        lowest=0.0,
        harmlessTo=0.03,
        certainFrom=0.08,
        failing=frozenset({"CR_NOISE"}),
    ),
    # A brighter glow would raise the clipped noise enough to fail as well.
    FaultKind.CORNER_GLOW: FaultTraits(
        unit="read noises",
        lowest=0.0,
        highest=4.0,
        statistic="AMP_CORNER",
        drawn=(3.0, 4.0),
        sizeUnit="pixels",
        sizes=(40.0, 60.0),
        isStructure=True,
    ),
    FaultKind.DEAD_AMPLIFIER: FaultTraits(
        failing=frozenset({"MEAN", "CR_NOISE"}),
        untested=frozenset({"READ_NOISE_CONSISTENT"}),
        isStructure=True,
    ),
    FaultKind.MASKED_AMPLIFIER: FaultTraits(
        failing=frozenset({"MEAN", "NOISE", "CR_NOISE", "READ_NOISE_CONSISTENT"})
    ),
    FaultKind.MISSING_DETECTOR: FaultTraits(minAmplifiers=0),
    FaultKind.BIAS_SHIFT: FaultTraits(unit="read noises", default=1.5, statistic="BIAS_SHIFT_COUNT"),
    FaultKind.CORRELATED_AMPLIFIERS: FaultTraits(
        unit="coefficient", default=0.5, lowest=0.0, highest=1.0, statistic="AMPCORR", minAmplifiers=2
    ),
    # A clean flat has 0.92 to 0.98 of the photon noise of its mean. A gain step changes that by its root.
    FaultKind.GAIN_STEP: FaultTraits(
        unit="factor",
        default=0.7,
        lowest=0.0,
        harmlessTo=1.01,
        certainFrom=1.3,
        failing=frozenset({"NOISE"}),
    ),
    # The limit is 5%.
    FaultKind.TEARING: FaultTraits(
        unit="fraction", default=0.12, lowest=0.07, highest=1.0, failing=frozenset({"MAX"})
    ),
    # In a saturated flat the combined flat leaves the response of the pixels, of more than photon noise.
    FaultKind.EXCESS_LIGHT: FaultTraits(
        unit="factor",
        default=4.0,
        lowest=0.0,
        harmlessTo=2.5,
        certainFrom=3.5,
        failing=frozenset({"NOISE"}),
    ),
    # Gains of clean curves differ by 0.5% from the nominal ones; the limit is 5%.
    FaultKind.WRONG_GAIN: FaultTraits(
        unit="factor",
        default=1.1,
        lowest=0.1,
        harmlessTo=1.02,
        certainFrom=1.07,
        failing=frozenset({"PTC_GAIN"}),
    ),
    # The noise in electrons has the same gain.
    FaultKind.CHANGED_GAIN: FaultTraits(
        unit="factor",
        default=0.9,
        lowest=0.1,
        highest=0.9,
        failing=frozenset({"GAIN_FROM_FLAT_PAIR", "ISR_NOISE", "PTC_AGREEMENT"}),
    ),
    FaultKind.LOW_TURNOFF: FaultTraits(
        unit="electron",
        default=60_000.0,
        lowest=20_000.0,
        highest=85_000.0,
        failing=frozenset({"PTC_TURNOFF"}),
    ),
    FaultKind.STRONG_BRIGHTER_FATTER: FaultTraits(
        unit="1/electron",
        default=-7e-6,
        lowest=-1e-5,
        highest=-5e-6,
        failing=frozenset({"PTC_BFE_A00"}),
    ),
    # The limits are 5e-6 and 3e-6.
    FaultKind.SERIAL_CTI: FaultTraits(
        unit="fraction",
        default=2e-5,
        lowest=7e-6,
        highest=1e-3,
        failing=frozenset({"SERIAL_CTI", "GLOBAL_CTI"}),
    ),
    FaultKind.PARALLEL_CTI: FaultTraits(
        unit="fraction", default=1e-5, lowest=4e-6, highest=1e-3, failing=frozenset({"PARALLEL_CTI"})
    ),
    FaultKind.FLIPPED_KERNEL: FaultTraits(
        unit="factor", default=-1.0, highest=-0.5, failing=frozenset({"VALID"})
    ),
    # The limit of the standard deviation is 1.25 adu.
    FaultKind.NOISE_DRIFT: FaultTraits(
        unit="electron",
        default=12.0,
        lowest=0.0,
        harmlessTo=3.0,
        certainFrom=10.0,
        failing=frozenset({"NOISE_SIGNAL_INDEPENDENCE"}),
    ),
    # A clean spline is within 0.4% of its knots, the limit is 1%, and the mean of a change is taken off.
    FaultKind.LINEARITY_CHANGE: FaultTraits(
        unit="percent",
        default=3.0,
        harmlessTo=0.5,
        certainFrom=2.5,
        failing=frozenset({"SPLINE_RESIDUAL"}),
    ),
    # The largest deviation from a straight line is about three quarters of it, and its limit 2%.
    FaultKind.CURVED_RESPONSE: FaultTraits(
        unit="percent",
        default=5.0,
        lowest=0.0,
        harmlessTo=2.0,
        certainFrom=3.5,
        failing=frozenset({"MAX_DEVIATION"}),
    ),
    # Standard errors of coefficients are 1.5e-6, and errors that are drawn at most 2.5 times that.
    FaultKind.STRONG_CROSSTALK: FaultTraits(
        unit="coefficient",
        default=3e-4,
        harmlessTo=0.0,
        certainFrom=1e-5,
        failing=frozenset({"NO_SIGNIFICANT_DETECTION"}),
        minAmplifiers=2,
    ),
    # Of neighbours, which have a coefficient of 1e-4 or more.
    FaultKind.FLIPPED_CROSSTALK: FaultTraits(
        failing=frozenset({"NO_SIGNIFICANT_DETECTION"}), minAmplifiers=2
    ),
    FaultKind.SELF_CROSSTALK: FaultTraits(
        unit="coefficient",
        default=1e-4,
        harmlessTo=0.0,
        certainFrom=1e-5,
        failing=frozenset({"NO_SIGNIFICANT_DETECTION"}),
    ),
    # What these do depends on the dark time: see `listExpectedDarkResults`.
    FaultKind.EXCESS_DARK_CURRENT: FaultTraits(
        unit="electron/s", default=0.5, lowest=0.0, harmlessTo=math.inf, certainFrom=math.inf
    ),
    FaultKind.LIGHT_LEAK: FaultTraits(
        unit="electron/s", default=1.0, lowest=0.0, harmlessTo=math.inf, certainFrom=math.inf, minAmplifiers=0
    ),
    # Beyond 5 sigma are all rows of a column of 10 and hardly any of one of 0.5.
    FaultKind.UNMASKED_COLUMN: FaultTraits(
        unit="noises",
        default=30.0,
        harmlessTo=0.5,
        certainFrom=10.0,
        failing=frozenset({"OUTLIERS_LEFT"}),
    ),
    FaultKind.OVER_MASKED: FaultTraits(
        unit="fraction",
        default=0.05,
        lowest=0.0,
        highest=0.9,
        harmlessTo=0.008,
        certainFrom=0.012,
        failing=frozenset({"GOOD_MASKED"}),
    ),
    # The other kinds are of the pixels of the assembled image only. The most that a line or a column may do
    # without a test that fails by chance is to raise the noise of an amplifier of full size by 2%.
    FaultKind.HOT_PIXEL: FaultTraits(
        unit="read noises",
        harmlessTo=200.0,
        certainFrom=math.inf,
        drawn=(5.0, 20.0),
        places=frozenset({"x", "y"}),
        isStructure=True,
    ),
    FaultKind.BRIGHT_COLUMN: FaultTraits(
        unit="standard errors of the mean",
        harmlessTo=100.0,
        certainFrom=math.inf,
        drawn=(5.0, 20.0),
        sizeUnit="rows",
        sizes=(500.0, 2000.0),
        places=frozenset({"x", "y"}),
        isStructure=True,
    ),
    FaultKind.SCRATCH: FaultTraits(
        unit="read noises",
        harmlessTo=10.0,
        certainFrom=math.inf,
        drawn=(1.0, 5.0),
        sizeUnit="pixels",
        sizes=(30.0, 300.0),
        places=frozenset({"x", "y", "angle"}),
        isStructure=True,
    ),
    FaultKind.GRADIENT: FaultTraits(
        unit="read noises",
        lowest=0.0,
        highest=1.0,
        drawn=(0.1, 1.0),
        minAmplifiers=0,
        places=frozenset({"angle"}),
        isStructure=True,
    ),
    FaultKind.ROW_PATTERN: FaultTraits(
        unit="read noises",
        lowest=0.0,
        harmlessTo=0.15,
        certainFrom=0.5,
        failing=frozenset({"NOISE"}),
        drawn=(0.05, 0.15),
        sizeUnit="pixels",
        sizes=(4.0, 64.0),
        places=frozenset({"y"}),
        isStructure=True,
    ),
    FaultKind.COLUMN_PATTERN: FaultTraits(
        unit="read noises",
        lowest=0.0,
        harmlessTo=0.15,
        certainFrom=0.5,
        failing=frozenset({"NOISE"}),
        drawn=(0.05, 0.15),
        sizeUnit="pixels",
        sizes=(4.0, 64.0),
        places=frozenset({"x"}),
        isStructure=True,
    ),
    FaultKind.STREAK: FaultTraits(
        unit="read noises",
        lowest=0.0,
        highest=1.5,
        drawn=(0.3, 1.5),
        minAmplifiers=0,
        sizeUnit="pixels",
        sizes=(1.0, 2.5),
        places=frozenset({"x", "y", "angle"}),
        changes=True,
        isStructure=True,
    ),
}
