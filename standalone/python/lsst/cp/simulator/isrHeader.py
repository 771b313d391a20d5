# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Header keys of an exposure, as ISR writes them (``lsst.ip.isr.IsrTaskLSST``, 2026-04)."""

__all__ = ["makeIsrHeader"]

from collections.abc import Collection, Mapping, Sequence

from .frames import AmplifierGeometry
from .overscan import OverscanResult

HeaderValue = str | bool | float

_COMMON: dict[str, HeaderValue] = {
    "LSST ISR UNITS": "electron",
    "LSST ISR BOOTSTRAP": False,
    "LSST ISR GAIN SOURCE": "PTC",
    "LSST ISR READNOISE UNITS": "electron",
    "LSST ISR OVERSCAN SERIAL UNITS": "adu",
    "OVERSCAN": "Overscan corrected",
}


def makeIsrHeader(
    geometries: Sequence[AmplifierGeometry],
    overscans: Mapping[str, OverscanResult | None],
    mjd: float,
    applied: Collection[str] = ("BIAS",),
) -> dict[str, HeaderValue]:
    """Make the header of an exposure after ISR.

    Parameters
    ----------
    geometries
        Amplifiers with gain and read noise.
    overscans
        What the overscan correction found, by amplifier; `None` for a bad one, which has no overscan keys.
    mjd
        Begin of the exposure (days).
    applied
        Names of the corrections that were applied: ``"BIAS"``, ``"DARK"``, ``"FLAT"``.

    Returns
    -------
    header
        Values by key: gains (electron/ADU), read noises (electron), levels and residuals of overscans (ADU).
    """
    header: dict[str, HeaderValue] = {"MJD": mjd, **_COMMON}
    for correction in ("BIAS", "DARK", "FLAT"):
        header[f"LSST ISR {correction} APPLIED"] = correction in applied
    for geometry in geometries:
        name = geometry.name
        header[f"LSST ISR GAIN {name}"] = geometry.gain
        header[f"LSST ISR READNOISE {name}"] = geometry.readNoise
        if (result := overscans[name]) is not None:
            header[f"LSST ISR OVERSCAN SERIAL MEDIAN {name}"] = result.median
            header[f"LSST ISR OVERSCAN RESIDUAL SERIAL STDEV {name}"] = result.residualStdev
    return header
