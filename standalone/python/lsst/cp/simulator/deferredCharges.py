# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Deferred charge: trails in the overscan of flats, of sensors with a charge transfer inefficiency.

Faults are of the sensors: the inefficiency is estimated from the charge in the trails, as cp_pipe does it.
"""

__all__ = ["CtiModel", "listExpectedCtiResults", "simulateCti", "CTIS"]

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lsst.ip.isr import DeferredChargeCalib, SerialTrap

from .calibrations import SimulatedCalibration
from .fault import Fault, FaultKind
from .randomStreams import RandomStreams
from .truth import ExpectedResult, listExpectedResults

type _Floats = npt.NDArray[np.float64]

_TESTS = {FaultKind.SERIAL_CTI: {"SERIAL_CTI", "GLOBAL_CTI"}, FaultKind.PARALLEL_CTI: {"PARALLEL_CTI"}}
"""Tests that a fault fails."""


@dataclass(frozen=True, kw_only=True)
class CtiModel:
    """What clean sensors are like.

    Parameters
    ----------
    signals
        Mean signals of the flats (electron).
    serial, parallel
        Inefficiency of a transfer.
    scatter
        Standard deviation of the logarithm of both.
    turnoff
        Signal above which charge spills over (electron).
    noise
        Standard error of the mean of a column or row of the overscan (electron).
    """

    signals: tuple[float, ...] = tuple(np.geomspace(1000, 150_000, 25))
    serial: float = 1.2e-6
    parallel: float = 4e-7
    scatter: float = 0.15
    turnoff: float = 110_000.0
    noise: float = 0.02


def simulateCti(
    detector: Any, camera: Any, faults: Sequence[Fault] = (), *, seed: int, model: CtiModel | None = None
) -> DeferredChargeCalib:
    """Simulate the trails of flats, and estimate the inefficiency from them.

    Parameters
    ----------
    detector, camera
        The detector.
    faults
        Faults of this detector. As in cp_pipe, a masked amplifier has no estimate but zeros and NaN.
    seed
        Seed of the simulation.
    model
        What clean sensors are like.

    Returns
    -------
    calib
        The deferred charge.
    """
    model = CtiModel() if model is None else model
    calib = DeferredChargeCalib(camera=camera, detector=detector)
    streams = RandomStreams(seed, camera.getName(), detector.getId())
    signals = np.array(model.signals)
    for amp in detector:
        name, rng = amp.getName(), streams.make("cti", amp.getName())
        own = {fault.kind: fault.strength for fault in faults if name in fault.amplifiers}
        factors = np.exp(model.scatter * rng.normal(size=2))
        serial = own.get(FaultKind.SERIAL_CTI, model.serial * factors[0])
        parallel = own.get(FaultKind.PARALLEL_CTI, model.parallel * factors[1])
        box = amp.getBBox()
        masked = FaultKind.MASKED_AMPLIFIER in own
        for inefficiency, n, eper, turnoff, error in (
            (
                serial,
                box.getWidth(),
                calib.serialEper,
                calib.serialCtiTurnoff,
                calib.serialCtiTurnoffSamplingErr,
            ),
            (
                parallel,
                box.getHeight(),
                calib.parallelEper,
                calib.parallelCtiTurnoff,
                calib.parallelCtiTurnoffSamplingErr,
            ),
        ):
            eper[name] = _estimate(signals, inefficiency, n, model, rng)
            if masked:
                eper[name] = np.full_like(signals, np.nan)
            turnoff[name] = np.nan if masked else float(signals[signals < model.turnoff].max())
            error[name] = np.nan if masked else 1000.0
        calib.signals[name] = signals
        calib.inputGain[name] = amp.getGain()
        calib.globalCti[name] = 0.0 if masked else serial
        calib.driftScale[name] = 0.0 if masked else 1e-4 * factors[0]
        calib.decayTime[name] = 2.4
        calib.serialTraps[name] = SerialTrap(20_000.0, 0.4, 1, "spline", [0.0, 10.0, 0.0, 0.0])
    return calib


def _estimate(
    signals: _Floats, inefficiency: float, n: int, model: CtiModel, rng: np.random.Generator
) -> _Floats:
    """Estimate the inefficiency from the charge in the first two columns, or rows, of the overscan."""
    # After n transfers nearly all of the deferred charge is in the first; above the turnoff it spills.
    trail = n * inefficiency * signals + 0.02 * np.maximum(signals - model.turnoff, 0)
    first, second = 0.9 * trail, 0.1 * trail
    measured = first + second + np.sqrt(2) * model.noise * rng.normal(size=len(signals))
    estimate: _Floats = measured / (n * signals)
    return estimate


CTIS = SimulatedCalibration("cti", "IsrCalib", simulateCti)
"""What is known of deferred charge."""


def listExpectedCtiResults(faults: Iterable[Fault], camera: Any) -> list[ExpectedResult]:
    """List what has to be found of the faults of deferred charge.

    Parameters
    ----------
    faults
        Faults of the simulation.
    camera
        The camera.

    Returns
    -------
    expected
        As `listExpectedResults` returns them, of an exposure 0 that there is not. Of a masked amplifier all
        tests are untested.

    Raises
    ------
    ValueError
        Raised if a fault does not fit the camera or is too weak to be certain.
    """
    all_tests = frozenset().union(*_TESTS.values())
    return [
        replace(
            result,
            failures=frozenset().union(*(_TESTS.get(kind, set()) for kind in result.kinds)),
            untested=all_tests if FaultKind.MASKED_AMPLIFIER in result.kinds else frozenset(),
        )
        for result in listExpectedResults(faults, camera, [0])
    ]
