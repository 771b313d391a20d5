# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Brighter-fatter kernels, made of correlations of neighbours as cp_pipe makes them.

Faults are of the sensors: the kernels follow from the correlations by Poisson's equation.
"""

__all__ = ["listExpectedKernelResults", "simulateKernel", "KERNELS"]

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csc_array, diags_array, kronsum
from scipy.sparse.linalg import splu

from lsst.ip.isr import BrighterFatterKernel

from .calibrations import SimulatedCalibration
from .fault import Fault, FaultKind
from .ptcs import NEIGHBOURS, PtcModel
from .randomStreams import RandomStreams
from .truth import ExpectedResult, listExpectedResults

type _Floats = npt.NDArray[np.float64]

_SIDE = 8
"""Lags in each direction."""

_SCATTER = 0.02
"""Standard deviation of a00 of clean sensors, and of the correlations of other lags, as a fraction."""

_POSITIVE = 0.025
"""Largest value of a valid kernel, in units of that at its centre without its sign, as in cp_pipe."""


def simulateKernel(
    detector: Any, camera: Any, faults: Sequence[Fault] = (), *, seed: int, model: PtcModel | None = None
) -> BrighterFatterKernel:
    """Simulate the kernels of the amplifiers of a detector.

    Parameters
    ----------
    detector, camera
        The detector.
    faults
        Faults of this detector. As in cp_pipe, a masked amplifier has a kernel of zeros, which is not valid.
    seed
        Seed of the simulation.
    model
        What clean sensors are like.

    Returns
    -------
    bfk
        Kernels of the level AMP, the first axis of which is that of the serial register.
    """
    model = PtcModel() if model is None else model
    bfk = BrighterFatterKernel(camera, "AMP", detectorId=detector.getId())
    bfk.shape = (2 * _SIDE + 1, 2 * _SIDE + 1)
    streams = RandomStreams(seed, camera.getName(), detector.getId())
    (a00,) = (value for vendor, value in model.a00 if detector.getPhysicalType().startswith(vendor))
    for amp in detector:
        name, rng = amp.getName(), streams.make("kernel", amp.getName())
        own = {fault.kind: fault.strength for fault in faults if name in fault.amplifiers}
        strength = own.get(FaultKind.STRONG_BRIGHTER_FATTER, a00 * (1 + _SCATTER * rng.normal()))
        correlations = _drawCorrelations(strength, own.get(FaultKind.FLIPPED_KERNEL, 1.0), rng)
        kernel = _solve(correlations)
        centre = kernel[_SIDE, _SIDE]
        bfk.valid[name] = bool(centre == kernel.min() and kernel.max() <= _POSITIVE * abs(centre))
        if FaultKind.MASKED_AMPLIFIER in own:
            kernel, correlations, bfk.valid[name] = np.zeros_like(kernel), np.zeros_like(kernel), False
        means = np.array(model.signals) / amp.getGain()
        bfk.rawMeans[name], bfk.rawVariances[name] = means, means / amp.getGain()
        bfk.expIdMask[name] = np.full(len(means), FaultKind.MASKED_AMPLIFIER not in own)
        bfk.rawXcorrs[name] = np.zeros((len(means), _SIDE, _SIDE))
        bfk.gain[name], bfk.noise[name] = amp.getGain(), amp.getReadNoise()
        bfk.meanXcorrs[name], bfk.ampKernels[name] = correlations, kernel
    bfk.badAmps = [name for name, valid in bfk.valid.items() if not valid]
    return bfk


def _drawCorrelations(a00: float, factor: float, rng: np.random.Generator) -> _Floats:
    """Draw the correlations of all lags (1/electron), which add up to 0, with a factor for neighbours."""
    quarter = np.zeros((_SIDE + 1, _SIDE + 1))
    n = len(NEIGHBOURS)
    quarter[:n, :n] = a00 * NEIGHBOURS * (1 + _SCATTER * rng.normal(size=NEIGHBOURS.shape))
    quarter *= np.where(np.arange(quarter.size) == 0, 1.0, factor).reshape(quarter.shape)
    lags = np.abs(np.arange(-_SIDE, _SIDE + 1))
    correlations = quarter[np.ix_(lags, lags)]
    correlations[_SIDE, _SIDE] -= correlations.sum()
    return correlations


@cache
def _factorize() -> Any:
    """Factorize the Laplacian on a grid outside of which the solution is 0."""
    n = 2 * _SIDE + 1
    line = diags_array([np.ones(n - 1), np.full(n, -2.0), np.ones(n - 1)], offsets=(-1, 0, 1))
    return splu(csc_array(kronsum(line, line)))


def _solve(source: _Floats) -> _Floats:
    """Find the kernel of which the correlations are the Laplacian."""
    kernel: _Floats = _factorize().solve(source.ravel()).reshape(source.shape)
    return kernel


KERNELS = SimulatedCalibration("bfk", "BrighterFatterKernel", simulateKernel)
"""Brighter-fatter kernels."""


def listExpectedKernelResults(faults: Iterable[Fault], camera: Any) -> list[ExpectedResult]:
    """List what has to be found of the faults of kernels.

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
    invalid = {FaultKind.MASKED_AMPLIFIER, FaultKind.FLIPPED_KERNEL}
    return [
        replace(
            result,
            failures=frozenset({"VALID"} if invalid & set(result.kinds) else ()),
            untested=frozenset(),
        )
        for result in listExpectedResults(faults, camera, [0])
    ]
