# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Crosstalk between the amplifiers of detectors: what it is corrected by, and what is measured to be left.

Faults are of the electronics. A coefficient that is left is the true one less that of the correction.
Matrices have a row for each source and a column for each amplifier that sees it.
"""

__all__ = [
    "LSST_MODEL",
    "CrosstalkModel",
    "listExpectedCrosstalkResults",
    "measureCrosstalk",
    "simulateCrosstalk",
    "storeCrosstalks",
]

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lsst.daf.butler import Butler
from lsst.ip.isr import CrosstalkCalib

from .calibrations import certifyCalibrations
from .fault import Fault, FaultKind
from .randomStreams import RandomStreams
from .truth import ExpectedResult, listExpectedResults

type _Floats = npt.NDArray[np.float64]

_TESTS = frozenset({"NO_SIGNIFICANT_DETECTION"})

_SIGNIFICANT = 3.0
"""Standard errors from which cp_pipe calls a coefficient valid."""

_NOISE = 2.5
"""Largest error of what is measured, in standard errors, so that no clean coefficient is valid by chance."""


@dataclass(frozen=True, kw_only=True)
class CrosstalkModel:
    """What clean sensors are like.

    Parameters
    ----------
    nearest
        Coefficient between neighbours by the vendor, which is the start of the physical type.
    decay
        Factor from one distance to the next, in the same row of amplifiers.
    distant
        Standard deviation of the coefficients of all other pairs.
    scatter
        Standard deviation of the coefficients of pairs that are equally far apart, as a fraction.
    ratioError
        Standard deviation of the ratios of single pixels.
    nPixels
        Number of pixels of which a coefficient is the mean.
    interChip
        Coefficient from the amplifier of the same number on the other detectors of the raft; 0 for none.
    """

    nearest: Mapping[str, float]
    decay: float = 0.2
    distant: float = 4e-6
    scatter: float = 0.1
    ratioError: float = 3e-4
    nPixels: int = 40_000
    interChip: float = 0.0


LSST_MODEL = CrosstalkModel(nearest={"E2V": 1.8e-4, "ITL": 2.4e-4})
"""About what is measured of sensors of LSSTCam."""


def simulateCrosstalk(
    detector: Any, camera: Any, *, seed: int, model: CrosstalkModel = LSST_MODEL
) -> CrosstalkCalib:
    """Simulate the coefficients by which the crosstalk of a detector is corrected.

    Parameters
    ----------
    detector, camera
        The detector.
    seed
        Seed of the simulation.
    model
        What clean sensors are like.

    Returns
    -------
    crosstalk
        Coefficients in electrons, with those from the other detectors of the raft if the model has them.
    """
    rng = RandomStreams(seed, camera.getName(), detector.getId()).make("crosstalk")
    n = len(detector)
    (nearest,) = (v for vendor, v in model.nearest.items() if detector.getPhysicalType().startswith(vendor))
    distance = _findDistances(detector)
    coefficients = nearest * model.decay ** (distance - 1)
    coefficients *= 1 + model.scatter * rng.normal(size=(n, n))
    coefficients += model.distant * rng.normal(size=(n, n))
    np.fill_diagonal(coefficients, 0.0)
    calib = _makeCalib(detector, camera, coefficients)
    calib.coeffValid[:] = ~np.eye(n, dtype=bool)
    calib.coeffErr[:] = np.where(calib.coeffValid, model.distant, 0.0)
    if model.interChip:
        raft = detector.getName().partition("_")[0]
        others = [d for d in camera if d.getName().startswith(f"{raft}_") and len(d) == n]
        calib.interChip = {
            other.getName(): model.interChip * (np.eye(n) + model.scatter * rng.normal(size=(n, n)))
            for other in others
            if other.getId() != detector.getId()
        }
    return calib


def _findDistances(detector: Any) -> _Floats:
    """Count how many amplifiers apart two are in their row; infinite in another, shape (n, n)."""
    boxes = [amp.getBBox() for amp in detector]
    x, y = (
        np.array([(getattr(b, f"getMin{k}")() + getattr(b, f"getMax{k}")()) / 2 for b in boxes]) for k in "XY"
    )
    apart = np.abs(x[:, np.newaxis] - x) / boxes[0].getWidth()
    return np.where(y[:, np.newaxis] == y, apart, np.inf)


def _makeCalib(detector: Any, camera: Any, coefficients: _Floats) -> CrosstalkCalib:
    """Make a calibration of coefficients in electrons."""
    calib = CrosstalkCalib(nAmp=len(detector))
    calib.hasCrosstalk = True
    calib.crosstalkRatiosUnits = "electron"
    calib.coeffs = coefficients
    calib.updateMetadata(camera=camera, detector=detector)
    return calib


def measureCrosstalk(
    detector: Any,
    camera: Any,
    correction: CrosstalkCalib,
    faults: Sequence[Fault] = (),
    *,
    seed: int,
    model: CrosstalkModel = LSST_MODEL,
) -> CrosstalkCalib:
    """Measure what is left of the crosstalk of a detector after it was corrected, as cp_pipe does.

    Parameters
    ----------
    detector, camera
        The detector.
    correction
        Coefficients of the correction.
    faults
        Faults of this detector, of pairs: the source first.
    seed
        Seed of the simulation.
    model
        What clean sensors are like.

    Returns
    -------
    crosstalk
        Coefficients with errors, numbers of pixels, and whether they are significant. Of an amplifier with
        itself, and of one that is masked, nothing is measured.
    """
    rng = RandomStreams(seed, camera.getName(), detector.getId()).make("residual crosstalk")
    n = len(detector)
    index = {amp.getName(): i for i, amp in enumerate(detector)}
    left, number = np.zeros((n, n)), np.full((n, n), model.nPixels)
    np.fill_diagonal(number, 0)
    for fault in faults:
        own = [index[name] for name in fault.amplifiers]
        match fault.kind:
            case FaultKind.STRONG_CROSSTALK:
                left[own[0], own[1]] = fault.strength
            case FaultKind.FLIPPED_CROSSTALK:
                left[own[0], own[1]] = -2 * correction.coeffs[own[0], own[1]]
            case FaultKind.SELF_CROSSTALK:
                left[own, own], number[own, own] = fault.strength, model.nPixels
            case FaultKind.MASKED_AMPLIFIER:
                number[own], number[:, own] = 0, 0
    is_measured = number > 0
    errors = np.where(is_measured, model.ratioError * rng.uniform(0.9, 1.1, size=(n, n)), np.nan)
    standard = errors / np.sqrt(np.maximum(number, 1))
    noise = np.clip(rng.normal(size=(n, n)), -_NOISE, _NOISE) * standard
    calib = _makeCalib(detector, camera, np.where(is_measured, left + noise, np.nan))
    calib.coeffErr, calib.coeffNum = errors, number
    calib.coeffValid = is_measured & (np.abs(calib.coeffs) > _SIGNIFICANT * standard)
    return calib


def storeCrosstalks(
    butler: Butler,
    instrument: Any,
    camera: Any,
    crosstalks: Mapping[int, CrosstalkCalib] | None = None,
    *,
    seed: int = 1,
    detectors: Iterable[int] | None = None,
    model: CrosstalkModel = LSST_MODEL,
) -> None:
    """Simulate the coefficients by which the crosstalk of detectors is corrected, and certify them.

    Parameters
    ----------
    butler
        A writeable butler of a repository made by `makeRepository`.
    instrument
        The instrument.
    camera
        Its camera.
    crosstalks
        Coefficients that are known, by the id of the detector; these are not simulated.
    seed
        Seed of the simulation.
    detectors
        Ids of the detectors; all of the camera if None.
    model
        What clean sensors are like.
    """
    known = crosstalks or {}
    chosen = {detector.getId() for detector in camera} if detectors is None else set(detectors)
    of_detectors = (
        (
            detector.getId(),
            known.get(detector.getId()) or simulateCrosstalk(detector, camera, seed=seed, model=model),
        )
        for detector in camera
        if detector.getId() in chosen
    )
    certifyCalibrations(butler, instrument, "crosstalk", "CrosstalkCalib", of_detectors)


def listExpectedCrosstalkResults(faults: Iterable[Fault], camera: Any) -> list[ExpectedResult]:
    """List what has to be found of the faults of crosstalk.

    Parameters
    ----------
    faults
        Faults of the simulation.
    camera
        The camera.

    Returns
    -------
    expected
        One for each detector with a fault, whose tests are those of the detector, of an exposure 0 that there
        is not. An amplifier of which nothing is measured fails none.

    Raises
    ------
    ValueError
        Raised if a fault does not fit the camera or is too weak to be certain.
    """
    of_detectors: dict[int, ExpectedResult] = {}
    for result in listExpectedResults(faults, camera, [0], tests=_TESTS):
        before = of_detectors.get(
            result.detector, replace(result, amplifier="", failures=frozenset(), kinds=())
        )
        of_detectors[result.detector] = replace(
            before, failures=before.failures | result.failures, kinds=before.kinds + result.kinds
        )
    return list(of_detectors.values())
