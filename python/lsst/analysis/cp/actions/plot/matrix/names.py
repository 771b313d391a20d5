# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Names of the rows and columns of matrices."""

from __future__ import annotations

import numpy as np

from lsst.analysis.cp.core.camera import CameraLayout
from lsst.analysis.cp.core.typing import BoolArray, NameArray

__all__ = ["nameAbsent", "nameAmps"]


def nameAmps(layout: CameraLayout) -> NameArray:
    """Name amplifiers, with their detectors if there are several; shape (nAmps,)."""
    if layout.nDetectors == 1:
        return layout.ampName
    # Of detectors of a raft, what follows the underscore tells them apart.
    short = np.char.rpartition(layout.detectorName, "_")[:, 2]
    return np.char.add(np.char.add(short[layout.ampDetector], " "), layout.ampName)


def nameAbsent(layout: CameraLayout, isMeasured: BoolArray) -> list[str]:
    """Name the amplifiers that are not measured; of several detectors, one without any by its own name."""
    number = np.bincount(layout.ampDetector[isMeasured], minlength=layout.nDetectors)
    whole = (number == 0) & (layout.nDetectors > 1)
    single = nameAmps(layout)[~isMeasured & ~whole[layout.ampDetector]]
    return [*layout.detectorName[whole].tolist(), *single.tolist()]
