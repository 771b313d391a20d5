# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Results of flats of a camera of four detectors, encoded, with faults that tests choose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from lsst.analysis.cp.actions.keyedData import encodeAmps
from lsst.analysis.cp.core.amps import AmpTable

type Rows = dict[str, Any]


@pytest.fixture
def flats(camera: Sequence) -> Callable[..., Rows]:
    """Return a maker of columns: rows of amplifiers, then of detectors, then of exposures; all pass."""

    def make(exposures: Sequence[int] = (5, 6)) -> Rows:
        amps = [(e, d.id, a.name) for e in exposures for d in camera for a in d.amps]
        detectors = [(e, d.id, "") for e in exposures for d in camera]
        whole = [(e, camera[0].id, "") for e in exposures]
        exposure, detector, amplifier = (np.array(x) for x in zip(*amps, *detectors, *whole, strict=True))
        kind = np.repeat([0, 1, 2], [len(amps), len(detectors), len(whole)])

        def column(values: Any, of: int) -> np.ma.MaskedArray:
            return np.ma.array(np.full(len(kind), values), mask=kind != of)

        return {
            "exposure": exposure,
            "detector": detector,
            "amplifier": np.ma.array(amplifier, mask=kind != 0),
            "FLAT_MEAN": column(20000.0, 0),
            "FLAT_NOISE": column(130.0, 0),
            "FLAT_VERIFY_NOISE": column(True, 0),
            "FLAT_VERIFY_SUCCESS": column(True, 0),
            "FLAT_DET_MEAN": column(20000.0, 1),
            "FLAT_DET_SCATTER": column(200.0, 1),
            "FLAT_DET_VERIFY_SCATTER": column(True, 1),
            "flat_SCATTER": column(100.0, 2),
            "flat_VERIFY_SCATTER": column(False, 2),
        }

    return make


@pytest.fixture
def encode(camera: Sequence) -> Callable[..., dict[str, AmpTable]]:
    """Return what encodes columns of flats as the data of a plot; rows are dropped by a mask."""

    def encodeColumns(columns: Rows, drop: Any = None, **options: Any) -> dict[str, AmpTable]:
        keep = slice(None) if drop is None else ~drop
        kept = {name: column[keep] for name, column in columns.items()}
        tests = [
            "NOISE",
            "NOISE_WITH_READ_NOISE",
            "DET_SCATTER",
            "EXP_SCATTER",
            "EXP_SCATTER_FRACTION",
            "SUCCESS",
        ]
        return {"ampTable": encodeAmps(kept, "flat", tests, camera=camera, **options)}

    return encodeColumns


@pytest.fixture
def rowOf() -> Callable[..., Any]:
    """Return what tells which row is that of an amplifier of an exposure, as a mask."""

    def find(columns: Rows, exposure: int, detector: int, amplifier: str) -> Any:
        names = np.ma.filled(columns["amplifier"], "")
        return (columns["exposure"] == exposure) & (columns["detector"] == detector) & (names == amplifier)

    return find
