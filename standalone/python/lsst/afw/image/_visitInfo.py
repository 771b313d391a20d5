# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

import dataclasses
import math
from typing import Any

from lsst.daf.base import DateTime, PropertyList

__all__ = ["VisitInfo"]

_KEYS = {
    "exposureTime": ("EXPTIME", "Exposure time (s)"),
    "darkTime": ("DARKTIME", "Time from CCD flush to readout (s)"),
    "ut1": ("MJD-AVG-UT1", "UT1 MJD at middle of observation"),
    "boresightAirmass": ("BORE-AIRMASS", "Airmass at boresight"),
    "instrumentLabel": ("INSTRUMENT", "Short name of the instrument"),
    "id": ("IDNUM", "Identifier of the whole exposure"),
    "focusZ": ("FOCUSZ", "Defocal distance (mm)"),
    "observationType": ("OBSTYPE", "Type of this observation"),
    "scienceProgram": ("PROGRAM", "Observing program"),
    "observationReason": ("REASON", "Reason of this observation"),
    "object": ("OBJECT", "Object or field"),
    "hasSimulatedContent": ("HAS-SIMULATED-CONTENT", "Is any part of this observation simulated?"),
}
"""Header keys and comments of what is one number or text."""

_CARRIED_KEYS = (
    "AVG-ERA BORE-RA BORE-DEC BORE-AZ BORE-ALT BORE-ROTANG ROTTYPE OBS-LONG OBS-LAT OBS-ELEV AIRTEMP AIRPRESS"
    " HUMIDITY"
).split()
"""Header keys that are kept, to be written again, but mean nothing here."""

_LEFT_OUT = frozenset(
    {"era", "boresightRaDec", "boresightAzAlt", "boresightRotAngle", "rotType", "observatory", "weather"}
)


@dataclasses.dataclass(frozen=True, eq=False)
class VisitInfo:
    """What is known about an exposure as a whole.

    Earth rotation, boresight coordinates, observatory and weather are kept
    from file to file, but asking for them raises `NotImplementedError`.

    Parameters
    ----------
    exposureTime, darkTime : `float`, optional
        Exposure and dark time in seconds.
    date : `lsst.daf.base.DateTime`, optional
        Middle of the observation.
    ut1 : `float`, optional
        UT1 of the middle, as modified Julian date.
    boresightAirmass : `float`, optional
        Airmass.
    instrumentLabel : `str`, optional
        Short name of the instrument.
    id : `int`, optional
        Identifier of the exposure; 0 if there is none.
    focusZ : `float`, optional
        Defocal distance in mm.
    observationType, scienceProgram, observationReason, object : `str`, optional
        What was observed and why.
    hasSimulatedContent : `bool`, optional
        Whether any part of it is simulated.
    """

    exposureTime: float = math.nan
    darkTime: float = math.nan
    date: DateTime = DateTime()
    ut1: float = math.nan
    boresightAirmass: float = math.nan
    instrumentLabel: str = ""
    id: int = 0
    focusZ: float = math.nan
    observationType: str = ""
    scienceProgram: str = ""
    observationReason: str = ""
    object: str = ""
    hasSimulatedContent: bool = False
    _carried: PropertyList = dataclasses.field(default_factory=PropertyList, repr=False)

    def getExposureTime(self) -> float:
        """Return the exposure time in seconds."""
        return self.exposureTime

    def getDarkTime(self) -> float:
        """Return the dark time in seconds."""
        return self.darkTime

    def getDate(self) -> DateTime:
        """Return the middle of the observation."""
        return self.date

    def getId(self) -> int:
        """Return the identifier of the exposure."""
        return self.id

    def __eq__(self, other: Any) -> bool:
        # What is unknown is equal, though a NaN is not.
        return isinstance(other, VisitInfo) and self.to_metadata().toDict() == other.to_metadata().toDict()

    __hash__ = None  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        plain = name[3].lower() + name[4:] if name.startswith("get") and len(name) > 3 else name
        if plain in _LEFT_OUT:
            raise NotImplementedError(f"The stand-in of lsst.afw.image.VisitInfo has no {plain}")
        raise AttributeError(f"VisitInfo has no attribute {name!r}")

    @classmethod
    def from_metadata(cls, metadata: PropertyList) -> "VisitInfo":
        """Take the visit information out of a header.

        Parameters
        ----------
        metadata : `lsst.daf.base.PropertyList`
            The header; the keys that were used are removed.

        Raises
        ------
        ValueError
            Raised if the date is not in TAI.
        """
        values: dict[str, Any] = {}
        for field, (key, _) in _KEYS.items():
            value = metadata.get(key)
            if value is not None:
                values[field] = float(value) if isinstance(getattr(cls, field), float) else value
            metadata.remove(key)
        carried = PropertyList()
        for key in _CARRIED_KEYS:
            if metadata.exists(key):
                carried.copy(key, metadata, key)
                metadata.remove(key)
        return cls(**values, date=_pop_date(metadata), _carried=carried)

    def to_metadata(self) -> PropertyList:
        """Return the header of the visit information; what is unknown is left out."""
        metadata = PropertyList()
        for field, (key, comment) in _KEYS.items():
            value = getattr(self, field)
            unknown = value in ("", 0) if isinstance(value, str | int) else not math.isfinite(value)
            if isinstance(value, bool) or not unknown:
                metadata.set(key, value, comment)
        if self.date.isValid():
            metadata.set("DATE-AVG", self.date.toString(DateTime.TAI), "TAI date at middle of observation")
            metadata.set("TIMESYS", "TAI")
        metadata.set("ROTTYPE", "UNKNOWN", "Type of rotation angle")
        metadata.update(self._carried)
        return metadata


def _pop_date(metadata: PropertyList) -> DateTime:
    """Remove and return the date of a header."""
    text, system = metadata.get("DATE-AVG"), metadata.get("TIMESYS")
    for key in ("DATE-AVG", "TIMESYS", "TIME-MID"):
        metadata.remove(key)
    if text is None:
        return DateTime()
    if system is None or system.strip() != "TAI":
        raise ValueError(f"TIMESYS is {system!r}; the date of an exposure must be in TAI")
    return DateTime(text.strip(), DateTime.TAI)
