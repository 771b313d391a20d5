# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Photon transfer curves: pairs of flats of sensors with a gain, noise, a00 and full well, and their fit.

Faults are of the sensors: the curves are measured from the simulated variances.
"""

__all__ = [
    "NEIGHBOURS",
    "PtcModel",
    "listExpectedGainResults",
    "listExpectedPtcResults",
    "simulatePtc",
    "splitPtc",
    "storePairs",
    "PTCS",
]

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import curve_fit

from lsst.daf.butler import Butler
from lsst.ip.isr import PhotonTransferCurveDataset

from .calibrations import SimulatedCalibration, listSimulated, putCalibrations
from .fault import Fault, FaultKind
from .randomStreams import RandomStreams
from .truth import ExpectedResult, listExpectedResults

type _Floats = npt.NDArray[np.float64]

_PTC_TESTS = frozenset({"PTC_GAIN", "PTC_NOISE", "PTC_TURNOFF", "PTC_BFE_A00", "NOISE_SIGNAL_INDEPENDENCE"})
_GAIN_TESTS = frozenset({"GAIN_FROM_FLAT_PAIR", "ISR_NOISE", "PTC_AGREEMENT"})
_SAME_PTC_TESTS = {"NOISE": "PTC_NOISE"}
_SAME_GAIN_TESTS = {
    "NOISE": "ISR_NOISE",
    # The mean over all signals is higher, too.
    "NOISE_SIGNAL_INDEPENDENCE": "ISR_NOISE",
    "PTC_GAIN": "GAIN_FROM_FLAT_PAIR",
}
"""Tests by the names that they have for other products."""

_SIDE = 3
"""Lags of the covariances in each direction."""

NEIGHBOURS = np.array([[-1.0, 0.27, 0.09], [0.14, 0.08, 0.03], [0.05, 0.03, 0.01]])
"""Coefficients of the brighter-fatter effect, in units of -a00."""


@dataclass(frozen=True, kw_only=True)
class PtcModel:
    """What clean sensors are like.

    Parameters
    ----------
    signals
        Mean signals of the pairs (electron).
    a00
        Brighter-fatter coefficient (1/electron) by the vendor, which is the start of the physical type.
    turnoff
        Range of the full wells (electron).
    scatter
        Standard deviation of gains and read noises about the nominal ones, and of a00, as fractions.
    """

    signals: tuple[float, ...] = (*np.geomspace(50, 2000, 10), *np.linspace(4000, 130_000, 30))
    a00: tuple[tuple[str, float], ...] = (("E2V", -3.06e-6), ("ITL", -1.7e-6))
    turnoff: tuple[float, float] = (100_000.0, 112_000.0)
    scatter: tuple[float, float, float] = (0.005, 0.01, 0.02)


@dataclass(frozen=True, kw_only=True)
class _Sensor:
    """The truth of an amplifier."""

    gain: float
    readNoise: float
    a00: float
    turnoff: float
    noiseDrift: float = 0.0
    pairGain: float = 1.0


def simulatePtc(
    detector: Any, camera: Any, faults: Sequence[Fault] = (), *, seed: int, model: PtcModel | None = None
) -> PhotonTransferCurveDataset:
    """Simulate the pairs of flats of a detector, and fit them.

    Parameters
    ----------
    detector, camera
        The detector, with nominal gains and read noises.
    faults
        Faults of this detector.
    seed
        Seed of the simulation.
    model
        What clean sensors are like.

    Returns
    -------
    ptc
        The curves, of fit type EXPAPPROXIMATION.
    """
    model = PtcModel() if model is None else model
    names = [amp.getName() for amp in detector]
    ptc = PhotonTransferCurveDataset(names, "EXPAPPROXIMATION", _SIDE)
    ptc.updateMetadata(camera=camera, detector=detector)
    streams = RandomStreams(seed, camera.getName(), detector.getId())
    for amp in detector:
        rng = streams.make("ptc", amp.getName())
        own = [fault for fault in faults if amp.getName() in fault.amplifiers]
        sensor = _makeSensor(amp, detector, own, rng, model)
        means = _addPairs(ptc, amp, sensor, rng, np.array(model.signals))
        if any(fault.kind is FaultKind.MASKED_AMPLIFIER for fault in own):
            ptc.badAmps.append(amp.getName())
            _fillFit(ptc, amp.getName(), np.zeros(len(means), dtype=bool), np.full((2, 3), np.nan))
        else:
            _fitPairs(ptc, amp)
    for name in names:
        ptc.finalModelVars[name] = ptc.evalPtcModel(ptc.finalMeans[name])[name]
    return ptc


def _makeSensor(
    amp: Any, detector: Any, faults: Sequence[Fault], rng: np.random.Generator, model: PtcModel
) -> _Sensor:
    """Draw the truth of an amplifier."""
    gain, noise, a00 = 1 + np.array(model.scatter) * rng.normal(size=3)
    vendors = [value for vendor, value in model.a00 if detector.getPhysicalType().startswith(vendor)]
    sensor = _Sensor(
        gain=amp.getGain() * gain,
        readNoise=amp.getReadNoise() * noise,
        a00=vendors[0] * a00,
        turnoff=rng.uniform(*model.turnoff),
    )
    for fault in faults:
        match fault.kind:
            case FaultKind.WRONG_GAIN:
                sensor = replace(sensor, gain=amp.getGain() * fault.strength)
            case FaultKind.HOT_NOISE:
                sensor = replace(sensor, readNoise=amp.getReadNoise() * fault.strength)
            case FaultKind.LOW_TURNOFF:
                sensor = replace(sensor, turnoff=fault.strength)
            case FaultKind.STRONG_BRIGHTER_FATTER:
                sensor = replace(sensor, a00=fault.strength)
            case FaultKind.NOISE_DRIFT:
                sensor = replace(sensor, noiseDrift=fault.strength)
            case FaultKind.CHANGED_GAIN:
                sensor = replace(sensor, pairGain=fault.strength)
    return sensor


def _addPairs(
    ptc: PhotonTransferCurveDataset, amp: Any, sensor: _Sensor, rng: np.random.Generator, signals: _Floats
) -> _Floats:
    """Add what is measured of each pair of flats; return the means (adu)."""
    name, n, box = amp.getName(), len(signals), amp.getBBox()
    n_pixels = box.getWidth() * box.getHeight()
    # Above the full well the charges of neighbours mix, and the variance falls.
    below = np.minimum(signals, sensor.turnoff)
    variance = _evaluate(below / sensor.gain, sensor.a00, sensor.gain, sensor.readNoise**2)
    variance *= np.exp(-4 * (signals - below) / sensor.turnoff)
    error = np.sqrt(2 / n_pixels)
    means = signals / sensor.gain
    measured = variance * (1 + error * rng.normal(size=n))
    covariances = -sensor.a00 * NEIGHBOURS * (below / sensor.gain)[:, np.newaxis, np.newaxis] ** 2
    covariances = covariances + (error * variance)[:, np.newaxis, np.newaxis] * rng.normal(
        size=covariances.shape
    )
    covariances[:, 0, 0] = measured
    rows = 1 + np.sqrt(2 / box.getHeight()) * rng.normal(size=n)
    noises = sensor.readNoise + sensor.noiseDrift * np.linspace(0, 1, n)
    gains = sensor.pairGain * means / (measured - (sensor.readNoise / sensor.gain) ** 2)
    unknown = np.full(n, np.nan)
    for attribute, values in {
        "inputExpIdPairs": [[2 * i + 1, 2 * i + 2] for i in range(n)],
        "inputExpPairMjdStartList": np.full(n, 61000.0),
        "rawExpTimes": signals / 1000,
        "rawMeans": means,
        "rawVars": measured,
        "rawDeltas": np.zeros(n),
        "rowMeanVariance": 2 * signals / box.getWidth() / sensor.gain**2 * rows,
        "gainList": gains,
        "overscanMedianLevelList": np.full(n, 1000.0),
        "noiseList": noises / sensor.gain * (1 + 0.003 * rng.normal(size=n)),
        "histVars": measured,
        "histChi2Dofs": np.ones(n),
        "kspValues": np.ones(n),
        "photoCharges": unknown,
        "photoChargeDeltas": unknown,
        "ampOffsets": unknown,
        "expIdRolloffMask": np.zeros(n, dtype=bool),
        "covariances": covariances,
        "covariancesModel": np.full_like(covariances, np.nan),
        "covariancesSqrtWeights": 1 / np.repeat(error * variance, _SIDE**2).reshape(covariances.shape),
        "nPixelCovariances": n_pixels,
    }.items():
        getattr(ptc, attribute)[name] = values
    return means


def _fitPairs(ptc: PhotonTransferCurveDataset, amp: Any) -> None:
    """Fit the variances below the turnoff, which is where they are largest."""
    name = amp.getName()
    means, variances = ptc.rawMeans[name], ptc.rawVars[name]
    used = np.arange(len(means)) <= np.argmax(variances)
    guess = [-2e-6, amp.getGain(), amp.getReadNoise() ** 2]
    found, covariance = curve_fit(_evaluate, means[used], variances[used], guess, sigma=variances[used])
    _fillFit(ptc, name, used, np.array([found, np.sqrt(np.diag(covariance))]))
    ptc.ptcTurnoff[name] = float(means[used][-1])


def _fillFit(ptc: PhotonTransferCurveDataset, name: str, used: npt.NDArray[np.bool_], fit: _Floats) -> None:
    """Fill in the result of a fit: parameters a00, gain and variance of the read noise, and their errors."""
    means, variances = (np.full(len(used), np.nan) for _ in range(2))
    n = np.count_nonzero(used)
    means[:n], variances[:n] = ptc.rawMeans[name][used], ptc.rawVars[name][used]
    noise = np.sqrt(fit[0, 2])
    ptc.expIdMask[name] = used
    ptc.finalMeans[name], ptc.finalVars[name] = means, variances
    ptc.ptcFitPars[name], ptc.ptcFitParsError[name] = fit
    ptc.gain[name] = ptc.gainUnadjusted[name] = float(fit[0, 1])
    ptc.gainErr[name] = float(fit[1, 1])
    ptc.noise[name], ptc.noiseErr[name] = float(noise), float(fit[1, 2] / (2 * noise))
    for attribute in ("aMatrix", "bMatrix", "noiseMatrix"):
        getattr(ptc, attribute)[name] = np.full((_SIDE, _SIDE), np.nan)


def _evaluate(mu: _Floats, a00: float, gain: float, noise: float) -> _Floats:
    """Evaluate equation 16 of Astier et al. 2019 (arXiv:1905.08677): variance (adu^2) at a mean (adu)."""
    variance: _Floats = 0.5 / (a00 * gain**2) * np.expm1(2 * a00 * gain * mu) + noise / gain**2
    return variance


PTCS = SimulatedCalibration("ptc", "PhotonTransferCurveDataset", simulatePtc)
"""Photon transfer curves."""


_MEASURED = (
    "inputExpIdPairs",
    "inputExpPairMjdStartList",
    "rawExpTimes",
    "rawMeans",
    "rawVars",
    "rawDeltas",
    "rowMeanVariance",
    "gainList",
    "overscanMedianLevelList",
    "noiseList",
    "histVars",
    "histChi2Dofs",
    "kspValues",
    "photoCharges",
    "photoChargeDeltas",
    "ampOffsets",
    "expIdRolloffMask",
    "covariances",
    "covariancesSqrtWeights",
)
"""What is measured of each pair."""


def splitPtc(ptc: PhotonTransferCurveDataset, detector: Any) -> Iterator[PhotonTransferCurveDataset]:
    """Split photon transfer curves into what is measured of each pair of flats before they are fitted.

    Parameters
    ----------
    ptc
        The curves.
    detector
        Their detector.

    Yields
    ------
    pair
        Of the fit type PARTIAL. No pair is to be used of an amplifier that is bad.
    """
    for i in range(len(ptc.rawMeans[ptc.ampNames[0]])):
        pair = PhotonTransferCurveDataset(ptc.ampNames, "PARTIAL", _SIDE)
        pair.updateMetadata(detector=detector)
        for name in ptc.ampNames:
            for attribute in _MEASURED:
                getattr(pair, attribute)[name] = getattr(ptc, attribute)[name][i : i + 1]
            for attribute in ("finalMeans", "finalVars", "finalModelVars", "ptcFitPars", "ptcFitParsError"):
                getattr(pair, attribute)[name] = np.array([np.nan])
            for attribute in ("aMatrix", "bMatrix", "noiseMatrix"):
                getattr(pair, attribute)[name] = np.full((_SIDE, _SIDE), np.nan)
            pair.covariancesModel[name] = np.full((1, _SIDE, _SIDE), np.nan)
            pair.nPixelCovariances[name] = ptc.nPixelCovariances[name]
            pair.expIdMask[name] = np.array([name not in ptc.badAmps])
            pair.gain[name] = pair.gainUnadjusted[name] = float(ptc.gainList[name][i])
            pair.noise[name] = float(ptc.noiseList[name][i])
        yield pair


def storePairs(
    butler: Butler,
    instrument: Any,
    camera: Any,
    exposures: Sequence[int],
    faults: Iterable[Fault] = (),
    *,
    seed: int = 1,
    model: PtcModel | None = None,
) -> None:
    """Store what is measured of each pair of flats of all detectors, as cp_pipe does.

    Parameters
    ----------
    butler
        A writeable butler of a repository made by `makeRepository`.
    instrument
        The instrument.
    camera
        Its camera.
    exposures
        Ids of the exposures of the repository that are the first ones of the pairs.
    faults
        Faults of the simulation.
    seed
        Seed of the simulation.
    model
        What clean sensors are like, with a signal for each pair.
    """
    pairs = (
        ({"exposure": exposure, "detector": detector.getId()}, pair)
        for detector, own in listSimulated(camera, faults)
        for exposure, pair in zip(
            exposures,
            splitPtc(simulatePtc(detector, camera, own, seed=seed, model=model), detector),
            strict=True,
        )
    )
    storage_class, dimensions = "PhotonTransferCurveDataset", ("exposure", "detector")
    putCalibrations(butler, instrument, "cpPtcPartial", storage_class, pairs, dimensions)


def listExpectedPtcResults(faults: Iterable[Fault], camera: Any) -> list[ExpectedResult]:
    """List what has to be found of the faults of photon transfer curves.

    Parameters
    ----------
    faults
        Faults of the simulation.
    camera
        The camera.

    Returns
    -------
    expected
        As `listExpectedResults` returns them, of an exposure 0 that there is not.

    Raises
    ------
    ValueError
        Raised if a fault does not fit the camera or is too weak to be certain.
    """
    return _listExpected(faults, camera, _PTC_TESTS, _SAME_PTC_TESTS)


def listExpectedGainResults(faults: Iterable[Fault], camera: Any) -> list[ExpectedResult]:
    """List what has to be found of the faults of photon transfer curves by the gains of their pairs.

    Parameters
    ----------
    faults
        Faults of the simulation.
    camera
        The camera.

    Returns
    -------
    expected
        As `listExpectedPtcResults` returns them. An amplifier without pairs fails nothing, and is untested.

    Raises
    ------
    ValueError
        Raised if a fault does not fit the camera or is too weak to be certain.
    """
    return [
        replace(result, failures=frozenset(), untested=_GAIN_TESTS)
        if FaultKind.MASKED_AMPLIFIER in result.kinds
        else result
        for result in _listExpected(faults, camera, _GAIN_TESTS, _SAME_GAIN_TESTS)
    ]


def _listExpected(
    faults: Iterable[Fault], camera: Any, tests: frozenset[str], same: Mapping[str, str]
) -> list[ExpectedResult]:
    """List what has to be found by some tests, of which some have other names elsewhere."""
    found = []
    for result in listExpectedResults(faults, camera, [0]):
        failures = {same.get(name, name) for name in result.failures} & tests
        if FaultKind.MASKED_AMPLIFIER in result.kinds:
            failures |= tests
        found.append(replace(result, failures=frozenset(failures), untested=result.untested & tests))
    return found
