# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tables of results of a small camera, products to read them with, and a slow computation to compare with."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lsst.analysis.cp.catalogue import Product, VerifyTest, getProduct, measurementsOf, readProduct
from lsst.analysis.cp.core import CameraLayout
from lsst.analysis.cp.core.amps import AmpSummary, AmpTable

type Columns = dict[str, npt.NDArray[Any]]

# Tables of cp_verify whose rows are not only those of amplifiers; flats have exposure rows, with columns in
# lower case.
PRODUCTS = {
    "flat": """
product: flat
prefix: FLAT
title: Flat
tests:
  NOISE: {statistic: NOISE, verify: FLAT_VERIFY_NOISE, unit: electron, label: Noise, description: A.}
  DET_SCATTER: {row: detector, statistic: DET_SCATTER, verify: FLAT_DET_VERIFY_SCATTER, unit: electron,
    label: Scatter, quantity: DET_SCATTER/DET_MEAN, operator: "<=", threshold: 0.05, description: D.}
  EXP_SCATTER: {row: exposure, prefix: flat, statistic: SCATTER, verify: flat_VERIFY_SCATTER, unit: electron,
    label: Scatter, description: E.}
statistics:
  DET_MEAN: {row: detector, unit: electron, label: Mean, description: M.}
""",
    "crosstalk": """
product: crosstalk
prefix: CROSSTALK
title: Crosstalk
epoch: none
tests:
  NO_SIGNIFICANT_DETECTION: {row: detector, statistic: N_VALID, label: Number,
    verify: CROSSTALK_VERIFY_NO_SIGNIFICANT_DETECTION, description: D.}
""",
    "ptc": """
product: ptc
prefix: PTC
title: PTC
epoch: none
tests:
  PTC_GAIN: {statistic: PTC_GAIN, verify: PTC_VERIFY_PTC_GAIN, unit: electron/adu, label: Gain,
    quantity: abs(PTC_GAIN - GAIN)/GAIN, operator: "<", threshold: 0.05, description: G.}
  NOISE_SIGNAL_INDEPENDENCE: {verify: PTC_VERIFY_NOISE_SIGNAL_INDEPENDENCE, description: N.}
  SUCCESS: {verify: PTC_VERIFY_SUCCESS, verdict: true, description: S.}
statistics:
  PTC_TURNOFF: {unit: adu, label: Turnoff, description: T.}
""",
    "defects": """
product: defects
prefix: DEFECTS
title: Defects
epoch: visit
tests:
  MIN: {statistic: UNMASKED_MIN, verify: computed, unit: electron, label: Minimum,
    quantity: UNMASKED_MIN - MIN, operator: "<=", threshold: 0.0, description: M.}
  PROB_TEST: {statistic: STAT_OUTLIERS, verify: computed, label: Outliers,
    quantity: STAT_OUTLIERS - DEFECT_PIXELS, operator: "<=", threshold: 0.0, description: P.}
statistics:
  MIN_MASKED: {statistic: MIN, unit: electron, label: Minimum, description: M.}
  DEFECT_PIXELS: {unit: "", label: Defect pixels, isCount: true, description: D.}
""",
    "linearity": """
product: linearity
prefix: LINEARITY
title: Linearity
epoch: none
tests:
  MAX_RESIDUAL_ERROR: {verify: LINEARITY_MAX_RESIDUAL_ERROR, description: M.}
  SUCCESS: {verify: LINEARITY_SUCCESS, verdict: true, description: S.}
""",
}


@dataclass(frozen=True)
class Keys:
    """What the rows of an encoded table belong to."""

    exposure: npt.NDArray[np.int64]
    detector: npt.NDArray[np.int64]
    amplifier: npt.NDArray[np.str_]


@pytest.fixture(scope="session")
def bias() -> Product:
    """Get the product that is tested with."""
    return getProduct("bias")


@pytest.fixture(scope="session")
def makeProduct() -> Callable[[str], Product]:
    """Return a reader of the products of this file by name."""
    return lambda name: readProduct(PRODUCTS[name], f"{name}.yaml")


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
def passing(columns: Columns) -> Columns:
    """Make a table in which all amplifiers pass all tests."""
    n = len(columns["exposure"])
    return {name: np.full(n, True) if "_VERIFY_" in name else values for name, values in columns.items()}


@pytest.fixture
def read(layout: CameraLayout, bias: Product) -> Callable[..., AmpTable]:
    """Read a table of the small camera."""

    def readTable(columns: Any, product: Product = bias, **options: Any) -> AmpTable:
        return AmpTable.fromColumns(columns, product, layout, **options)

    return readTable


@pytest.fixture(scope="session")
def keysOf() -> Callable[..., Keys]:
    """Return what tells the exposures, detectors and amplifiers of the rows of a kind."""

    def get(table: AmpTable, kind: str = "amplifier") -> Keys:
        rows, layout = table.rows[kind], table.layout
        is_amp = kind == "amplifier"
        return Keys(
            exposure=table.exposures[rows.epochIndex],
            detector=layout.detectorId[rows.detectorIndex],
            amplifier=layout.ampName[rows.member] if is_amp else np.full(len(rows), ""),
        )

    return get


@pytest.fixture(scope="session")
def emitted() -> Callable[[AmpSummary, str], dict[str, npt.NDArray[Any]]]:
    """Return what picks the measurements of a test that tools emit from a summary."""

    def pick(summary: AmpSummary, key: str) -> dict[str, npt.NDArray[Any]]:
        values = summary.values(key)
        chosen = {k.name: values[k.name] for k in measurementsOf(summary.tests[key].test, summary.level)}
        assert {column.shape for column in chosen.values()} <= {(len(summary),)}
        return chosen

    return pick


type SlowVerdicts = Callable[[AmpTable, VerifyTest, npt.NDArray[np.intp]], list[int]]


@pytest.fixture(scope="session")
def slowVerdicts() -> SlowVerdicts:
    """Return what lists the verdicts of some rows: those that were read, or that follow from the quantity."""

    def find(table: AmpTable, test: VerifyTest, rows: npt.NDArray[np.intp]) -> list[int]:
        if test.verifyColumn is not None:
            return table.flags[test.verifyColumn][rows].tolist()
        quantity = table.quantity(test)
        if quantity is None:
            return [-1] * len(rows)
        assert test.operator == "<="
        return [-1 if value != value else int(value <= test.limit) for value in quantity[rows].tolist()]

    return find


@pytest.fixture(scope="session")
def slowMeasurements(
    slowReduction: Callable[[Iterable[float]], tuple[float, float, float, int]],
    slowVerdicts: SlowVerdicts,
) -> Callable[[AmpTable, VerifyTest, npt.NDArray[np.intp]], dict[str, float]]:
    """Return what reduces some rows of a test's kind by the standard library."""

    def measure(table: AmpTable, test: VerifyTest, rows: npt.NDArray[np.intp]) -> dict[str, float]:
        expected: dict[str, float] = {}
        if test.statisticColumn is not None:
            values = slowReduction(table.statistics[test.statisticColumn][rows])
            expected |= dict(zip(("min", "median", "max", "nValid"), values, strict=True))
        if test.quantity is not None:
            quantity = table.quantity(test)
            assert quantity is not None
            values = slowReduction(quantity[rows])
            expected |= dict(zip(("quantityMin", "quantityMedian", "quantityMax"), values[:3], strict=True))
        if test.isTested:
            flags = slowVerdicts(table, test, rows)
            expected |= {"nTested": len(flags) - flags.count(-1), "nFailed": flags.count(0)}
        if test.plausibleAbove is not None:
            expected["nSuspicious"] = int(table.suspicious(test)[rows].sum())
        return expected

    return measure
