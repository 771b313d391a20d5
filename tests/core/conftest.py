# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A small camera, tables of its results, and a slow computation to compare with."""

import math
import statistics
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lsst.analysis.cp.catalogue import Product, getProduct
from lsst.analysis.cp.core import CameraLayout
from lsst.analysis.cp.core.amps import AmpTable

type Columns = dict[str, npt.NDArray[Any]]

# Id, name, type, vendor and number of amplifiers of each detector; ids are in no order.
DETECTORS = (
    (21, "R01_S00", "SCIENCE", "E2V", 8),
    (5, "R01_S01", "SCIENCE", "ITL", 8),
    (7, "R01_S02", "SCIENCE", "ITL", 8),
    (30, "R00_SG0", "GUIDER", "ITL_G", 8),
    (31, "R00_SW0", "WAVEFRONT", "ITL_WF", 4),
)


@pytest.fixture(scope="session")
def bias() -> Product:
    """Get the product that is tested with."""
    return getProduct("bias")


@pytest.fixture(scope="session")
def layout() -> CameraLayout:
    """Lay out a camera of five detectors of three types and several vendors, 36 amplifiers."""
    ids, names, types, vendors, n_amps = (np.array(values) for values in zip(*DETECTORS, strict=True))
    n = int(n_amps.sum())
    return CameraLayout(
        detectorId=ids,
        detectorName=names,
        detectorType=types,
        physicalType=vendors,
        ampDetector=np.repeat(np.arange(len(ids)), n_amps),
        ampName=np.concatenate([[f"C{i // 4}{i % 4}" for i in range(n)] for n in n_amps]),
        ampGain=np.linspace(1.2, 1.8, n),
        ampReadNoise=np.linspace(4.0, 6.0, n),
    )


@pytest.fixture(scope="session")
def makeColumns(layout: CameraLayout, bias: Product) -> Callable[..., Columns]:
    """Make the columns of a complete table, in random order, with values that depend on the seed."""

    def make(exposures: Iterable[int] = (101, 102, 103), seed: int = 1) -> Columns:
        rng = np.random.default_rng(seed)
        ids = np.array(list(exposures))
        order = rng.permutation(len(ids) * layout.nAmps)
        amp = order % layout.nAmps
        columns: Columns = {
            "exposure": ids[order // layout.nAmps],
            "detector": layout.detectorId[layout.ampDetector[amp]],
            "amplifier": layout.ampName[amp],
        }
        for name in bias.inputColumns()[3:]:
            passed = rng.random(len(order)) > 0.03
            columns[name] = passed if "_VERIFY_" in name else rng.normal(5.0, 1.0, len(order))
        return columns

    return make


@pytest.fixture
def columns(makeColumns: Callable[..., Columns]) -> Columns:
    """Make a complete table of three exposures."""
    return makeColumns()


@pytest.fixture
def read(layout: CameraLayout, bias: Product) -> Callable[..., AmpTable]:
    """Read a table of the small camera."""

    def readTable(columns: Any, **options: Any) -> AmpTable:
        return AmpTable.fromColumns(columns, bias, layout, **options)

    return readTable


@pytest.fixture(scope="session")
def slowReduction() -> Callable[[Iterable[float]], tuple[float, float, float, int]]:
    """Reduce values with the standard library: minimum, median, maximum, number of finite values."""

    def reduce(values: Iterable[float]) -> tuple[float, float, float, int]:
        finite = [float(value) for value in values if math.isfinite(value)]
        if not finite:
            return math.nan, math.nan, math.nan, 0
        return min(finite), statistics.median(finite), max(finite), len(finite)

    return reduce
