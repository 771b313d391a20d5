# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Names on images, in letters that leave most of the pixels uncovered."""

from __future__ import annotations

__all__ = ["nameAmplifiers", "nameDetectors", "noNames"]

import numpy as np

from lsst.analysis.cp.core.typing import BoolArray, FloatArray, NameArray

from .frame import IMAGE_INCHES, ImageFrame
from .view import Names

_GLYPH_ASPECT = 0.62
_SHARE, _NARROW_SHARE = 0.45, 0.8
"""Shares of a typical and of a narrow width that a name may take."""

_MOST_POINTS = 8.0
_LEAST_AMP_POINTS = 4.0


def noNames() -> Names:
    """Return no names."""
    return Names((), np.zeros((0, 2)), np.zeros(0))


def nameDetectors(frame: ImageFrame, named: BoolArray) -> Names:
    """Name detectors in their upper left corners.

    Parameters
    ----------
    frame
        Where they lie.
    named
        Those to name; shape (nDet,).

    Returns
    -------
    names
        The names.
    """
    return _name(frame, frame.geometry.layout.detectorName[named], frame.detectorCorners[named], atTop=True)


def nameAmplifiers(frame: ImageFrame, named: BoolArray) -> Names:
    """Name amplifiers in their lower left corners, if there is room.

    Parameters
    ----------
    frame
        Where they lie.
    named
        Those to name; shape (nAmp,).

    Returns
    -------
    names
        The names; none where letters would be too small.
    """
    names = _name(frame, frame.geometry.layout.ampName[named], frame.ampCorners[named], atTop=False)
    return names if names.points.min(initial=_MOST_POINTS) >= _LEAST_AMP_POINTS else noNames()


def _name(frame: ImageFrame, texts: NameArray, corners: FloatArray, *, atTop: bool) -> Names:
    if len(texts) == 0:
        return noNames()
    left, right, bottom, top = frame.extent
    points_per_unit = IMAGE_INCHES * 72 / max(right - left, top - bottom)
    width = np.ptp(corners[:, :, 0], axis=1) * points_per_unit
    fitting = width / (_GLYPH_ASPECT * np.char.str_len(texts))
    points = np.minimum(np.minimum(_SHARE * np.median(fitting), _NARROW_SHARE * fitting), _MOST_POINTS)
    y = corners[:, :, 1].max(axis=1) if atTop else corners[:, :, 1].min(axis=1)
    return Names(tuple(texts.tolist()), np.column_stack([corners[:, :, 0].min(axis=1), y]), points, atTop)
