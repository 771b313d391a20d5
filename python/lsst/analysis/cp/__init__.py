# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Metrics, plots and image views of calibration products verification."""

from importlib import import_module, metadata
from importlib.util import find_spec

__all__ = ["__version__"]


def _findVersion() -> str:
    """Return the version that scons wrote, or else that of the installed distribution."""
    if find_spec(f"{__name__}.version"):
        return str(import_module(f"{__name__}.version").__version__)
    try:
        return metadata.version("lsst-analysis-cp")
    except metadata.PackageNotFoundError:
        return "unknown"


__version__ = _findVersion()
"""Version of this package; ``unknown`` if it is neither built nor installed."""
