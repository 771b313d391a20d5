# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The camera file that a user names, checked before anything starts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from lsst.afw.cameraGeom import Camera
from lsst.cp.simulator import Fault, listExpectedResults

__all__ = ["checkCameraFile"]


def checkCameraFile(path: Path, instrument: str, faults: Sequence[Fault]) -> None:
    """Check that a file holds a camera of an instrument, with the detectors that get faults.

    Parameters
    ----------
    path
        The file.
    instrument
        Name of the instrument.
    faults
        Faults that will be injected.

    Raises
    ------
    click.ClickException
        Raised, with one line, if the file is no camera, or that of another instrument, or lacks a detector or
        an amplifier.
    """
    try:
        camera = Camera.readFits(str(path))
    except Exception as error:  # Whatever is wrong in a file of a user is said in one line.
        raise click.ClickException(f"--camera {path} holds no camera: {_inOneLine(error)}") from error
    if camera.getName() != instrument:
        raise click.ClickException(f"--camera {path} is of {camera.getName()}, not of {instrument}.")
    try:
        listExpectedResults(faults, camera, [])
    except ValueError as error:
        raise click.ClickException(
            f"--camera {path} does not fit the injected faults: {_inOneLine(error)}"
        ) from error


def _inOneLine(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) < 200 else f"{text[:200]} ..."
