# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Corrections of a linearizer."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from lsst.afw.image import ImageF
from lsst.analysis.cp.core.typing import FloatArray

__all__ = ["correctSignals", "linearizerType"]

_LOG = logging.getLogger(__name__)


def linearizerType(calib: Any, name: str) -> str:
    """Get the type of the linearizer of an amplifier; ``"None"`` if it has none."""
    return str(calib.linearityType.get(name, "None"))


def correctSignals(calib: Any, name: str, signals: FloatArray) -> FloatArray:
    """Tell what a linearizer subtracts from signals.

    Parameters
    ----------
    calib
        A `lsst.ip.isr.Linearizer`, which corrects an image of them as it does one of pixels.
    name
        Name of the amplifier.
    signals
        Signals (adu), shape (n,).

    Returns
    -------
    correction
        In adu, shape (n,); NaN if the amplifier has no linearizer, one of a type that is not known, or one
        that cannot be applied, as it has knots twice.
    """
    kind = linearizerType(calib, name)
    apply = None if kind == "None" else calib.getLinearityTypeByName(kind)
    if apply is None or not len(signals):
        return np.full(len(signals), np.nan)
    image = ImageF(len(signals), 1)
    image.array[0] = signals
    before = image.array[0].astype(np.float64)
    try:
        apply()(image, coeffs=calib.linearityCoeffs[name], table=calib.tableData, log=None)
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        _LOG.warning("The linearizer (%s) of %s cannot be applied: %r", kind, name, error)
        return np.full(len(signals), np.nan)
    return before - image.array[0]
