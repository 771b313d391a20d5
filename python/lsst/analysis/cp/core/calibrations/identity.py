# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Whose a calibration is."""

from __future__ import annotations

from typing import Any

__all__ = ["checkDetector"]


def checkDetector(calib: Any, detector: int) -> None:
    """Refuse a calibration of another detector, whose numbers would stand under the wrong name.

    Parameters
    ----------
    calib
        A `lsst.ip.isr.IsrCalib`.
    detector
        Id of the detector that it is stored for.

    Raises
    ------
    ValueError
        If the calibration is one of another detector, or does not say of which.
    """
    if (own := calib.getMetadata()["DETECTOR"]) != detector:
        raise ValueError(f"the calibration of detector {detector} is one of detector {own}")
