# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Butler repositories to simulate into."""

__all__ = ["ExposureInfo", "defineVisits", "makeRepository", "registerExposures"]

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any

import astropy.time
import astropy.units as u

from lsst.afw.cameraGeom import Camera
from lsst.daf.butler import Butler, CollectionType, Config, DatasetType, Timespan
from lsst.pipe.base import Instrument

_EXPOSURE_FORMATTER = "lsst.obs.base.formatters.fitsExposure.FitsExposureFormatter"
_IMAGE_FORMATTER = "lsst.obs.base.formatters.fitsExposure.FitsImageFormatter"
_JSON_FORMATTER = "lsst.daf.butler.formatters.json.JsonFormatter"
"""For dictionaries of a detector, which take up to a hundred times as long to write and read as YAML."""


def _compress(quantum: float, dither: str) -> dict[str, Any]:
    quantization = {"scaling": "MANUAL", "level": quantum, "dither": dither}
    return {"algorithm": "RICE_1", "tile_height": 64, "quantization": quantization}


def _makeRecipe(quantum: float, varianceQuantum: float = 0.01) -> dict[str, Any]:
    """Store an image in steps of a quantum (electron), and its variance in steps of another (electron^2).

    The dither keeps means, and adds a twelfth of the squared quantum to the variance of the pixels.
    """
    return {
        "image": _compress(quantum, "SUBTRACTIVE_DITHER_2"),
        "mask": {"algorithm": "RICE_1", "tile_height": 64},
        "variance": _compress(varianceQuantum, "NO_DITHER"),
    }


# Steps of an electron make the noise of a pixel, of 5 electrons and more, larger by at most 0.2%. Those of
# flats are as fine beside their photon noise.
_RECIPES = {
    "residual": _makeRecipe(1.0),
    "binned": _makeRecipe(0.125),
    "flat": _makeRecipe(16.0, 64.0),
    "binnedFlat": _makeRecipe(1.0, 4.0),
}


def _listFormatters(product: str, recipe: str, binnedRecipe: str) -> dict[str, Any]:
    """List the formatters of the images of a product."""
    exposure, binned = f"verify{product}IsrExp", {"recipe": binnedRecipe}
    return {
        exposure: {"formatter": _EXPOSURE_FORMATTER, "parameters": {"recipe": recipe}},
        f"{exposure}Bin8": {"formatter": _EXPOSURE_FORMATTER, "parameters": binned},
        f"verify{product}Residual8": {"formatter": _IMAGE_FORMATTER, "parameters": binned},
        f"verify{product}DetStats": _JSON_FORMATTER,
    }


_FORMATTERS = {
    "write_recipes": {_EXPOSURE_FORMATTER: _RECIPES, _IMAGE_FORMATTER: _RECIPES},
    **_listFormatters("Bias", "residual", "binned"),
    **_listFormatters("Dark", "residual", "binned"),
    **_listFormatters("Flat", "flat", "binnedFlat"),
    **_listFormatters("Defects", "flat", "binnedFlat"),
    **_listFormatters("UncorrectedDefects", "flat", "binnedFlat"),
    "isrStatistics": _JSON_FORMATTER,
    "verifyPtcDetStats": _JSON_FORMATTER,
    "verifyCrosstalkDetStats": _JSON_FORMATTER,
    "verifyLinearizerDetStats": _JSON_FORMATTER,
    "cpGainDetStats": _JSON_FORMATTER,
    "cpCtiStatistics": _JSON_FORMATTER,
}
"""What the datastore does otherwise than by default: all formatters are Butler's, and recorded by name."""

_DAY_OBS_OFFSET = datetime.timedelta(hours=12)
"""An observing day of Rubin begins at noon UTC; here, as the middleware has it, of TAI."""


_ONE_TO_ONE = 0
"""The visit system in which an exposure is a visit, by its number in obs_base."""

_SHARED_WITH_VISITS = (
    "instrument",
    "id",
    "day_obs",
    "physical_filter",
    "seq_num",
    "exposure_time",
    "target_name",
    "observation_reason",
    "science_program",
    "timespan",
)


@dataclass(frozen=True)
class ExposureInfo:
    """An exposure.

    Parameters
    ----------
    dayObs
        Observing day, as the decimal number YYYYMMDD.
    seqNum
        Sequence number in that day.
    physicalFilter
        Filter; `None` for the first one of the instrument that is transparent.
    observationType
        Type of the exposure (``"bias"``, ``"flat"``).
    exposureTime
        Exposure time (s).
    darkTime
        Dark time (s); `None` if it is the exposure time.

    Raises
    ------
    ValueError
        Raised if the day is none, or the sequence number is out of range.
    """

    dayObs: int
    seqNum: int
    physicalFilter: str | None = None
    observationType: str = "bias"
    exposureTime: float = 0.0
    darkTime: float | None = None

    def __post_init__(self) -> None:
        datetime.datetime.strptime(str(self.dayObs), "%Y%m%d")
        if not 0 < self.seqNum < 100_000:
            raise ValueError(f"Expected a sequence number from 1 to 99999, got {self.seqNum!r}.")

    @property
    def id(self) -> int:
        """Exposure ID, composed as for Rubin's cameras."""
        return self.dayObs * 100_000 + self.seqNum

    @property
    def dayTimespan(self) -> Timespan:
        """The observing day."""
        begin = astropy.time.Time(
            datetime.datetime.strptime(str(self.dayObs), "%Y%m%d") + _DAY_OBS_OFFSET, scale="tai"
        )
        return Timespan(begin, begin + 1 * u.day)

    @property
    def timespan(self) -> Timespan:
        """The exposure and 3 s of readout, every half minute from ten hours into the day."""
        begin = self.dayTimespan.begin + 10 * u.hour + (30 * u.s * self.seqNum) % (12 * u.hour)
        return Timespan(begin, begin + (self.exposureTime + 3) * u.s)


def makeRepository(
    root: str | PathLike[str],
    instrument: type[Any],
    exposures: Sequence[ExposureInfo],
    *,
    cameraFile: str | PathLike[str] | None = None,
    camera: Camera | None = None,
) -> Butler:
    """Make a repository with an instrument, its camera and exposures without data.

    Parameters
    ----------
    root
        Directory, which may not hold a repository yet.
    instrument
        Class of the instrument.
    exposures
        Exposures to register.
    cameraFile
        FITS file with the camera, as in a Rubin repository.
    camera
        The camera itself. If neither is given it is that of the instrument.

    Returns
    -------
    butler
        A writeable butler. The collection ``<instrument>/defaults`` has the camera.

    Raises
    ------
    ValueError
        Raised if both ``camera`` and ``cameraFile`` are given.
    """
    if camera is not None and cameraFile is not None:
        raise ValueError("Expected either a camera or a camera file, got both.")
    if cameraFile is not None:
        camera = Camera.readFits(str(cameraFile))
    config = Config({"datastore": {"formatters": _FORMATTERS}})
    instance = instrument()
    butler = Butler.from_config(Butler.makeRepo(str(root), config=config), writeable=True)
    instance.register(butler.registry)
    _storeCamera(butler, instance, instance.getCamera() if camera is None else camera)
    registerExposures(butler, instance, exposures)
    return butler


def _storeCamera(butler: Butler, instrument: Instrument, camera: Camera) -> None:
    """Store a camera that is valid for all time."""
    calibrations = instrument.makeCalibrationCollectionName()
    run = instrument.makeUnboundedCalibrationRunName()
    butler.collections.register(calibrations, CollectionType.CALIBRATION)
    butler.collections.register(run)
    dataset_type = DatasetType(
        "camera", ("instrument",), "Camera", isCalibration=True, universe=butler.dimensions
    )
    butler.registry.registerDatasetType(dataset_type)
    ref = butler.put(camera, dataset_type, {"instrument": instrument.getName()}, run=run)
    butler.registry.certify(calibrations, [ref], Timespan(None, None))
    defaults = instrument.makeCollectionName("defaults")
    butler.collections.register(defaults, CollectionType.CHAINED)
    butler.collections.redefine_chain(defaults, [calibrations])


def registerExposures(butler: Butler, instrument: Any, exposures: Sequence[ExposureInfo]) -> None:
    """Register exposures and what their records refer to.

    Parameters
    ----------
    butler
        A writeable butler of a repository with the instrument.
    instrument
        The instrument.
    exposures
        Exposures that it does not have yet.
    """
    transparent = next(f.physical_filter for f in instrument.filterDefinitions if f.band == "white")
    name = instrument.getName()
    with butler.registry.transaction():
        for exposure in exposures:
            info = replace(exposure, physicalFilter=exposure.physicalFilter or transparent)
            day = {"instrument": name, "id": info.dayObs, "timespan": info.dayTimespan}
            group = {"instrument": name, "name": str(info.id)}
            butler.registry.syncDimensionData("day_obs", day)
            butler.registry.syncDimensionData("group", group)
            butler.registry.insertDimensionData("exposure", _makeExposureRecord(name, info))


def _makeExposureRecord(instrument: str, info: ExposureInfo) -> dict[str, Any]:
    return {
        "instrument": instrument,
        "id": info.id,
        "day_obs": info.dayObs,
        "group": str(info.id),
        "physical_filter": info.physicalFilter,
        "obs_id": f"{instrument}_S_{info.dayObs}_{info.seqNum:06d}",
        "exposure_time": info.exposureTime,
        "dark_time": info.exposureTime if info.darkTime is None else info.darkTime,
        "observation_type": info.observationType,
        "observation_reason": info.observationType,
        "seq_num": info.seqNum,
        "seq_start": info.seqNum,
        "seq_end": info.seqNum,
        "target_name": "simulated",
        "science_program": "simulated",
        "has_simulated": True,
        "can_see_sky": False,
        "timespan": info.timespan,
    }


def defineVisits(butler: Butler, instrument: str) -> None:
    """Make each exposure a visit of its own, as ``butler define-visits`` does without regions of the sky.

    Parameters
    ----------
    butler
        A writeable butler.
    instrument
        Name of the instrument.
    """
    registry = butler.registry
    with registry.transaction():
        registry.syncDimensionData(
            "visit_system", {"instrument": instrument, "id": _ONE_TO_ONE, "name": "one-to-one"}
        )
        for exposure in butler.query_dimension_records("exposure", instrument=instrument):
            shared = {name: getattr(exposure, name) for name in _SHARED_WITH_VISITS}
            key = {"instrument": instrument, "visit": exposure.id}
            registry.syncDimensionData("visit", {"name": exposure.obs_id, **shared})
            registry.syncDimensionData("visit_definition", {**key, "exposure": exposure.id})
            registry.syncDimensionData("visit_system_membership", {**key, "visit_system": _ONE_TO_ONE})
