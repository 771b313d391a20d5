# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Trails of flats in the overscan, as pixels, and what ISR measures of them for the calibration ``cti``.

An amplifier is clocked out with its overscans, whose level is 0 as ISR has subtracted it. The image has the
light with its photon noise. The first two columns, or rows, of the overscan have the charge that transfers
have left behind: number of transfers times inefficiency of the last column, or row, nine tenths of it in the
first. All pixels have read noise. Parallel values are right here, as if ip_isr took the parallel overscan for
them.
"""

__all__ = ["TrailModel", "simulateCtiStatistics", "storeCtiStatistics"]

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.stats import sigma_clipped_stats

from lsst.daf.butler import Butler, DatasetType

from .calibrations import listSimulated
from .deferredCharges import CtiModel
from .fault import Fault, FaultKind
from .randomStreams import RandomStreams

type _Pixels = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class TrailModel:
    """What clean flats are like.

    Parameters
    ----------
    gradient
        Part of the light that is lost from the readout to the far end of an amplifier, in either direction.
    sensor
        What clean sensors are like.
    """

    gradient: float = 0.03
    sensor: CtiModel = CtiModel()


def simulateCtiStatistics(
    detector: Any,
    exposure: int,
    signal: float,
    faults: Sequence[Fault] = (),
    *,
    instrument: str,
    seed: int,
    model: TrailModel | None = None,
) -> dict[str, Any]:
    """Simulate the pixels of a flat, and measure what ISR does.

    Parameters
    ----------
    detector
        The detector.
    exposure
        Exposure ID.
    signal
        Light at the readout (electron).
    faults
        Faults of this detector. Of a masked amplifier all means are NaN.
    instrument, seed
        Name of the instrument, and seed of the simulation.
    model
        What clean flats are like.

    Returns
    -------
    statistics
        As ``IsrStatisticsTask`` of ip_isr nests them: ``CTI`` by amplifier, and None for what is not
        measured.
    """
    model = TrailModel() if model is None else model
    streams = RandomStreams(seed, instrument, detector.getId(), exposure)
    measured = {}
    for amp in detector:
        name = amp.getName()
        own = {fault.kind: fault.strength for fault in faults if name in fault.amplifiers}
        factors = np.exp(
            model.sensor.scatter * replace(streams, exposure=None).make("cti", name).normal(size=2)
        )
        inefficiencies = (
            own.get(FaultKind.SERIAL_CTI, model.sensor.serial * factors[0]),
            own.get(FaultKind.PARALLEL_CTI, model.sensor.parallel * factors[1]),
        )
        pixels = _makePixels(amp, signal, inefficiencies, model.gradient, streams.make("trails", name))
        if FaultKind.MASKED_AMPLIFIER in own:
            pixels[:] = np.nan
        measured[name] = _measure(amp, pixels)
    others = ("BANDING", "PROJECTION", "CALIBDIST", "BIASSHIFT", "AMPCORR", "MJD", "DIVISADERO")
    return {"CTI": measured, **dict.fromkeys(others)}


def _makePixels(
    amp: Any, signal: float, inefficiencies: tuple[float, float], gradient: float, rng: np.random.Generator
) -> _Pixels:
    """Make the pixels of an amplifier in the order of readout, the image first, then its overscans."""
    box = amp.getRawDataBBox()
    n_rows, n_columns = box.getHeight(), box.getWidth()
    shape = (
        n_rows + amp.getRawParallelOverscanBBox().getHeight(),
        n_columns + amp.getRawSerialOverscanBBox().getWidth(),
    )
    light = signal * (1 - gradient * np.linspace(0, 1, n_rows)[:, np.newaxis])
    light = light * (1 - gradient * np.linspace(0, 1, n_columns))
    pixels = amp.getReadNoise() * rng.standard_normal(shape, dtype=np.float32)
    pixels[:n_rows, :n_columns] += light + np.sqrt(light) * rng.standard_normal(light.shape, dtype=np.float32)
    serial, parallel = inefficiencies
    n_transfers = n_columns + amp.getRawSerialPrescanBBox().getWidth()
    for i, part in enumerate((0.9, 0.1)):
        pixels[:n_rows, n_columns + i] += part * n_transfers * serial * light[:, -1]
        pixels[n_rows + i, :n_columns] += part * n_rows * parallel * light[-1]
    return pixels


def _measure(amp: Any, pixels: _Pixels) -> dict[str, Any]:
    """Measure the means of the image, its edges and its overscans."""
    box = amp.getRawDataBBox()
    n_rows, n_columns = box.getHeight(), box.getWidth()
    image, serial, parallel = (
        pixels[:n_rows, :n_columns],
        pixels[:n_rows, n_columns:],
        pixels[n_rows:, :n_columns],
    )
    return {
        "INPUT_GAIN": float(amp.getGain()),
        "INPUT_PTCTURNOFF": float("nan"),
        "IMAGE_MEAN": _clippedMean(image),
        "FIRST_COLUMN_MEAN": _clippedMean(image[:, 0]),
        "LAST_COLUMN_MEAN": _clippedMean(image[:, -1]),
        "FIRST_ROW_MEAN": _clippedMean(image[0]),
        "LAST_ROW_MEAN": _clippedMean(image[-1]),
        "SERIAL_OVERSCAN_COLUMNS": list(range(serial.shape[1])),
        "SERIAL_OVERSCAN_VALUES": [_clippedMean(column) for column in serial.T],
        "PARALLEL_OVERSCAN_ROWS": list(range(len(parallel))),
        "PARALLEL_OVERSCAN_VALUES": [_clippedMean(row) for row in parallel],
    }


def _clippedMean(pixels: _Pixels) -> float:
    """Take the mean without what is three standard deviations off, as ISR is configured; NaN of NaN."""
    if not np.isfinite(pixels).all():
        return float("nan")
    return float(sigma_clipped_stats(pixels.astype(np.float64), sigma=3, maxiters=3)[0])


def storeCtiStatistics(
    butler: Butler,
    instrument: Any,
    camera: Any,
    signals: Mapping[int, float],
    faults: Iterable[Fault] = (),
    *,
    seed: int = 1,
    detectors: Iterable[int] | None = None,
) -> str:
    """Simulate flats, and store what ISR measures of them as the pipelines of cp_pipe do.

    Parameters
    ----------
    butler
        A writeable butler of a repository made by `makeRepository` with the exposures.
    instrument, camera
        The instrument, and its camera.
    signals
        Light of each exposure, by its ID (electron).
    faults
        Faults of the simulation. A missing detector has no statistics.
    seed
        Seed of the simulation.
    detectors
        Ids of the detectors; all of the camera if None.

    Returns
    -------
    run
        The collection with the datasets ``cpCtiStatistics``.
    """
    name = instrument.getName()
    run: str = instrument.makeCollectionName("cpCti/simulated")
    butler.collections.register(run)
    dimensions = ("instrument", "exposure", "detector")
    dataset_type = DatasetType(
        "cpCtiStatistics", dimensions, "StructuredDataDict", universe=butler.dimensions
    )
    butler.registry.registerDatasetType(dataset_type)
    for detector, own in listSimulated(camera, faults, detectors):
        for exposure, signal in signals.items():
            statistics = simulateCtiStatistics(detector, exposure, signal, own, instrument=name, seed=seed)
            data_id = {"instrument": name, "exposure": exposure, "detector": detector.getId()}
            butler.put(statistics, dataset_type, data_id, run=run)
    return run
