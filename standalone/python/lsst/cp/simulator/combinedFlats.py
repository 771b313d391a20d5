# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Combined flats of torn sensors, as calibrations of a repository."""

__all__ = ["storeCombinedFlats"]

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from lsst.afw.image import ExposureF
from lsst.daf.butler import Butler

from .calibrations import listSimulated, putCalibrations
from .fault import Fault
from .flatFrames import FlatModel, FocalPlanePlace, makeCombinedFlat, tear
from .frames import AmplifierGeometry
from .randomStreams import RandomStreams


def storeCombinedFlats(
    butler: Butler,
    instrument: Any,
    camera: Any,
    faults: Iterable[Fault] = (),
    *,
    physicalFilter: str,
    model: FlatModel | None = None,
    seed: int = 1,
) -> str:
    """Simulate combined flats, torn at the amplifiers with such faults, and store them in a run.

    Parameters
    ----------
    butler
        A writeable butler of a repository made by `makeRepository`.
    instrument, camera
        The instrument, and its camera.
    faults
        Faults of the simulation. A missing detector has no flat.
    physicalFilter
        Filter of the flats.
    model
        What clean flats look like.
    seed
        Seed of the simulation.

    Returns
    -------
    run
        The collection with the datasets ``flat``.
    """
    model = FlatModel() if model is None else model

    def simulate() -> Iterator[tuple[Mapping[str, Any], ExposureF]]:
        for detector, own in listSimulated(camera, faults):
            streams = RandomStreams(seed, instrument.getName(), detector.getId())
            flat = _simulate(detector, camera, own, model, streams)
            yield {"detector": detector.getId(), "physical_filter": physicalFilter}, flat

    refs = putCalibrations(
        butler, instrument, "flat", "ExposureF", simulate(), dimensions=("detector", "physical_filter")
    )
    return str(refs[0].run)


def _simulate(
    detector: Any, camera: Any, faults: Sequence[Fault], model: FlatModel, streams: RandomStreams
) -> ExposureF:
    exposure = ExposureF(detector.getBBox())
    exposure.setDetector(detector)
    place = FocalPlanePlace.ofDetector(detector, camera)
    for amplifier in detector:
        geometry = AmplifierGeometry.fromAmplifier(amplifier, detector.getBBox())
        response, combined = makeCombinedFlat(geometry, place, model, 1.0, streams)
        tear(combined, [fault for fault in faults if geometry.name in fault.amplifiers])
        exposure.image.array[geometry.pixels] = combined
        exposure.variance.array[geometry.pixels] = response / np.float32(model.flux * model.numCombined)
    return exposure
