# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Linearizers: flats of sensors whose response is not linear, and the splines that are fitted to them.

Faults are of the sensors: linearizers are fitted to the simulated flats.
"""

__all__ = [
    "LinearityModel",
    "listExpectedLinearizerResults",
    "listExpectedResponseResults",
    "simulateLinearizer",
    "LINEARIZERS",
]

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import median_abs_deviation

from lsst.afw.image import ImageF
from lsst.ip.isr import Linearizer

from .calibrations import SimulatedCalibration
from .fault import Fault, FaultKind
from .randomStreams import RandomStreams
from .truth import ExpectedResult, listExpectedResults

type _Floats = npt.NDArray[np.float64]
type _Flags = npt.NDArray[np.bool_]

_TESTS = frozenset({"SPLINE_RESIDUAL"})
_RESPONSE_TESTS = frozenset({"MAX_DEVIATION"})


@dataclass(frozen=True, kw_only=True)
class LinearityModel:
    """What clean sensors are like, and how they are measured.

    Parameters
    ----------
    signals
        Signals of the flats, if the response were linear (electron).
    rate
        Signal of a second of exposure (electron/s).
    curvature
        Fraction of a signal of 100,000 electrons that is lost, by the vendor, which is the start of the
        physical type.
    turnoff
        Range of the full wells (electron), above which a fifth of the charge is read.
    scatter
        Standard deviation of gains about the nominal ones, of the curvature, and of the mean of a flat, as
        fractions.
    nKnots
        Knots of a spline.
    """

    signals: tuple[float, ...] = (*np.geomspace(50, 2000, 10), *np.linspace(4000, 130_000, 30))
    rate: float = 1000.0
    curvature: tuple[tuple[str, float], ...] = (("E2V", 0.008), ("ITL", 0.012))
    turnoff: tuple[float, float] = (100_000.0, 112_000.0)
    scatter: tuple[float, float, float] = (0.005, 0.1, 2e-4)
    nKnots: int = 10


@dataclass(frozen=True, kw_only=True)
class _Sensor:
    """The truth of an amplifier."""

    gain: float
    curvature: float
    turnoff: float
    change: float = 0.0

    def respond(self, signals: _Floats) -> _Floats:
        """Turn signals (electron) into what is read (adu)."""
        below = np.minimum(signals, self.turnoff)
        read = below * (1 - self.curvature * below / 1e5) + 0.2 * (signals - below)
        read *= 1 + self.change * np.exp(-0.5 * ((signals - 5e4) / 1.5e4) ** 2)
        return read / self.gain


def simulateLinearizer(
    detector: Any,
    camera: Any,
    faults: Sequence[Fault] = (),
    *,
    seed: int,
    first: Linearizer | None = None,
    model: LinearityModel | None = None,
) -> Linearizer:
    """Simulate flats of a detector, and fit a linearizer to them.

    Parameters
    ----------
    detector, camera
        The detector, with nominal gains.
    faults
        Faults of this detector. A change of the linearity comes after the first linearizer.
    seed
        Seed of the simulation.
    first
        Linearizer by which the flats are corrected before; they are not if None.
    model
        What clean sensors are like.

    Returns
    -------
    linearizer
        Of the type Spline, and of an amplifier that is masked of the type None.
    """
    model = LinearityModel() if model is None else model
    streams = RandomStreams(seed, camera.getName(), detector.getId())
    linearizer = Linearizer(camera=camera)
    linearizer.hasLinearity = linearizer.override = True
    linearizer.updateMetadata(camera=camera, detector=detector)
    for amp in detector:
        name = amp.getName()
        own = [fault for fault in faults if name in fault.amplifiers]
        sensor = _makeSensor(amp, detector, own, streams.make("linearity", name), model, first is not None)
        linearizer.ampNames.append(name)
        linearizer.linearityBBox[name] = amp.getRawBBox()
        linearizer.inputGain[name] = sensor.gain
        linearizer.inputTurnoff[name] = sensor.turnoff / sensor.gain
        if any(fault.kind is FaultKind.MASKED_AMPLIFIER for fault in own):
            _fillMasked(linearizer, name, len(model.signals), model.nKnots)
            continue
        signals = np.array(model.signals)
        noise = streams.make("flats", f"{name} {first is not None}").normal(size=len(signals))
        means = sensor.respond(signals) * (1 + model.scatter[2] * noise)
        if first is not None:
            means = _correct(first, name, means)
        used = signals <= sensor.turnoff
        _fitAmplifier(linearizer, name, signals / model.rate, means, used, model.nKnots)
    return linearizer


def _makeSensor(
    amp: Any,
    detector: Any,
    faults: Sequence[Fault],
    rng: np.random.Generator,
    model: LinearityModel,
    isLater: bool,
) -> _Sensor:
    """Draw the truth of an amplifier."""
    gain, curvature = 1 + np.array(model.scatter[:2]) * rng.normal(size=2)
    vendors = [value for vendor, value in model.curvature if detector.getPhysicalType().startswith(vendor)]
    strengths = {fault.kind: fault.strength for fault in faults}
    curved = strengths.get(FaultKind.CURVED_RESPONSE)
    return _Sensor(
        gain=amp.getGain() * gain,
        curvature=vendors[0] * curvature if curved is None else curved / 100,
        turnoff=strengths.get(FaultKind.LOW_TURNOFF, rng.uniform(*model.turnoff)),
        change=strengths.get(FaultKind.LINEARITY_CHANGE, 0.0) / 100 if isLater else 0.0,
    )


def _correct(linearizer: Linearizer, name: str, means: _Floats) -> _Floats:
    """Correct means of an amplifier, which stay what they are where there is no correction."""
    apply = linearizer.getLinearityTypeByName(linearizer.linearityType[name])
    assert apply is not None
    image = ImageF(means[np.newaxis].astype(np.float32))
    apply()(image, coeffs=linearizer.linearityCoeffs[name], table=linearizer.tableData, log=None)
    return np.asarray(image.array[0], dtype=np.float64)


def _fitAmplifier(
    linearizer: Linearizer, name: str, times: _Floats, means: _Floats, used: _Flags, nKnots: int
) -> None:
    """Fit a spline to the flats that are used, and fill in what belongs to it."""
    turnoff = float(means[used].max())
    knots = np.linspace(0.0, turnoff + 1.0, nKnots)
    values, slope = _fitSpline(knots, means[used], times[used])
    linearizer.linearityType[name] = "Spline"
    linearizer.linearityCoeffs[name] = np.concatenate([knots, values])
    model = _correct(linearizer, name, means)
    residuals = model - slope * times
    for attribute, value in {
        "linearityTurnoff": turnoff,
        "linearityMaxSignal": float(means.max()),
        "inputAbscissa": times,
        "inputOrdinate": means,
        "inputMask": used,
        "inputGroupingIndex": np.zeros(len(means), dtype=np.int64),
        "inputNormalization": np.ones(len(means)),
        "fitParams": np.array([slope]),
        "fitParamsErr": np.zeros(1),
        "fitChiSq": 1.0,
        "fitResiduals": np.where(used, residuals, np.nan),
        "fitResidualsUnmasked": residuals,
        "fitResidualsModel": model,
        "fitResidualsSigmaMad": float(median_abs_deviation((residuals / means)[used], scale="normal")),
        "linearFit": np.array([0.0, slope]),
    }.items():
        getattr(linearizer, attribute)[name] = value


def _fitSpline(knots: _Floats, means: _Floats, times: _Floats) -> tuple[_Floats, float]:
    """Fit what has to be subtracted from the means; its mean over the knots is 0, which gives the slope."""
    hats = np.array([np.interp(means, knots, hat) for hat in np.eye(len(knots))[1:]]).T
    weights = 1 / means[:, np.newaxis]
    of_means, of_times = np.linalg.lstsq(hats * weights, np.array([means, times]).T * weights)[0].T
    slope = float(of_means.mean() / of_times.mean())
    return np.concatenate([[0.0], of_means - slope * of_times]), slope


def _fillMasked(linearizer: Linearizer, name: str, nFlats: int, nKnots: int) -> None:
    """Fill in what cp_pipe has of an amplifier that it cannot fit."""
    linearizer.linearityType[name] = "None"
    linearizer.linearityCoeffs[name] = np.zeros(2 * nKnots)
    for attribute, shape in {
        "inputAbscissa": nFlats,
        "inputOrdinate": nFlats,
        "fitParams": 1,
        "fitParamsErr": 1,
        "fitResiduals": nFlats,
        "fitResidualsUnmasked": nFlats,
        "fitResidualsModel": nFlats,
        "linearFit": 2,
    }.items():
        getattr(linearizer, attribute)[name] = np.zeros(shape)
    linearizer.inputMask[name] = np.zeros(nFlats, dtype=bool)
    linearizer.inputGroupingIndex[name] = np.zeros(nFlats, dtype=np.int64)
    linearizer.inputNormalization[name] = np.ones(nFlats)
    for attribute in ("fitChiSq", "fitResidualsSigmaMad", "linearityTurnoff", "linearityMaxSignal"):
        getattr(linearizer, attribute)[name] = np.nan


LINEARIZERS = SimulatedCalibration("linearizer", "Linearizer", simulateLinearizer)
"""The first linearizers."""


def listExpectedLinearizerResults(faults: Iterable[Fault], camera: Any) -> list[ExpectedResult]:
    """List what has to be found of the faults of linearizers.

    Parameters
    ----------
    faults
        Faults of the simulation.
    camera
        The camera.

    Returns
    -------
    expected
        As `listExpectedResults` returns them, of an exposure 0 that there is not. A masked amplifier is not
        tested.

    Raises
    ------
    ValueError
        Raised if a fault does not fit the camera or is too weak to be certain.
    """
    return _listExpected(faults, camera, _TESTS)


def listExpectedResponseResults(faults: Iterable[Fault], camera: Any) -> list[ExpectedResult]:
    """List what has to be found of the faults of linearizers by the response that they were fitted to.

    Parameters
    ----------
    faults
        Faults of the simulation.
    camera
        The camera.

    Returns
    -------
    expected
        As `listExpectedLinearizerResults` returns them.

    Raises
    ------
    ValueError
        Raised if a fault does not fit the camera or is too weak to be certain.
    """
    return _listExpected(faults, camera, _RESPONSE_TESTS)


def _listExpected(faults: Iterable[Fault], camera: Any, tests: frozenset[str]) -> list[ExpectedResult]:
    """List what has to be found by some tests, which are not made of a masked amplifier."""
    return [
        replace(result, untested=tests) if FaultKind.MASKED_AMPLIFIER in result.kinds else result
        for result in listExpectedResults(faults, camera, [0], tests=tests)
    ]
