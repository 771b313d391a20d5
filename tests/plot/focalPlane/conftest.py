# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest


@pytest.fixture
def rows(camera: Sequence) -> dict[str, npt.NDArray]:
    """Return one row for each amplifier; its value counts the amplifiers."""
    detector = np.repeat([detector.id for detector in camera], 8)
    amplifier = np.array([amp.name for detector in camera for amp in detector.amps])
    return {"detector": detector, "amplifier": amplifier, "z": np.arange(32.0)}
