# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Physical filters of Rubin's instruments and their bands."""

from __future__ import annotations

__all__ = ["COMCAM_FILTER_DEFINITIONS", "LATISS_FILTER_DEFINITIONS", "LSSTCAM_FILTER_DEFINITIONS"]

from collections.abc import Mapping

from lsst.obs.base import FilterDefinition, FilterDefinitionCollection

_DELIMITER = "~"

_LSSTCAM = {
    "white": "empty none ph_5 ef_43",
    "u": "u_24",
    "g": "g_6",
    "r": "r_57",
    "i": "i_39",
    "z": "z_20",
    "y": "y_10",
    "unknown": "unknown",
}

_COMCAM = {
    "white": "empty none pinhole",
    "unknown": "unknown",
    "OG590": "OG590_2_5mm",
    "u": "u_05 u_02 u_06",
    "g": "g_07 g_01",
    "r": "r_03",
    "i": "i_06",
    "z": "z_03 z_02",
    "y": "y_04",
}

_LATISS = {
    "white": "empty blank_bk7_wg05 collimator cyl_lens",
    "g": "KPNO_1111_436nm BG40 BG40_65mm_1 BG40_65mm_2 OG550_65mm_1 OG550_65mm_2 SDSSg SDSSg_65mm",
    "r": "KPNO_373A_677nm RG610 FELH0600 SDSSr SDSSr_65mm",
    "z": "KPNO_406_828nm SDSSz_65mm",
    "u": "SDSSu_65mm",
    "i": "SDSSi SDSSi_65mm",
    "y": "SDSSy_65mm",
    "notch": "quadnotch1",
    "unknown": "unknown",
}


def _define(filters: Mapping[str, str], gratings: tuple[str, ...] = ()) -> FilterDefinitionCollection:
    """Make definitions of the filters of each band, alone and, on LATISS, with a grating."""
    names = [(name, band) for band, joined in filters.items() for name in joined.split()]
    names += [(f"{name}{_DELIMITER}{grating}", band) for name, band in names for grating in gratings]
    return FilterDefinitionCollection(*(FilterDefinition(name, band) for name, band in names))


LSSTCAM_FILTER_DEFINITIONS = _define(_LSSTCAM)
COMCAM_FILTER_DEFINITIONS = _define(_COMCAM)
# The diffuser is never in with a grating.
LATISS_FILTER_DEFINITIONS = FilterDefinitionCollection(
    *_define(_LATISS, gratings=("empty", "unknown")), *_define({"diffuser": "diffuser"})
)
