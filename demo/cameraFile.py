# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The camera file that a user names, checked before anything starts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from parts import Part

from lsst.afw.cameraGeom import Camera

__all__ = ["checkCameraFile"]


def checkCameraFile(path: Path, parts: Sequence[Part]) -> None:
    """Check that a file holds a camera, with the detectors that get faults.

    Parameters
    ----------
    path
        The file.
    parts
        Parts of the demonstration, all of one camera.

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
    name = parts[0].camera.name
    if camera.getName() != name:
        raise click.ClickException(f"--camera {path} is of {camera.getName()}, not of {name}.")
    try:
        for part in parts:
            part.product.expect(part.readFaults(), camera, [])
    except ValueError as error:
        raise click.ClickException(
            f"--camera {path} does not fit the injected faults: {_inOneLine(error)}"
        ) from error


def _inOneLine(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) < 200 else f"{text[:200]} ..."
