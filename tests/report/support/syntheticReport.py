# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Reports of made-up results, of any size, with failures, gaps and hostile strings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from astropy.table import Table

from lsst.analysis.cp.catalogue import Product, VerifyTest, getProduct
from lsst.analysis.cp.core import CameraLayout, FocalPlaneGeometry
from lsst.analysis.cp.core.amps import (
    FAILED,
    GOOD,
    STATUS_NAMES,
    UNKNOWN,
    margins,
    nearestLimits,
    thresholdsOf,
)
from lsst.analysis.cp.core.structures import STRUCTURE_KINDS
from lsst.analysis.cp.report.model import (
    ExposureReport,
    Missing,
    Problem,
    ProductReport,
    ReportedTest,
    RunReport,
    TaskReport,
    Verdict,
)

HOSTILE = (
    "<img src=x onerror=document.title='pwned'>\"' & </script></style>"
    "<script>document.title='pwned'</script>\n\t{{7*7}}"
)
"""What would run, end an attribute, break a line, or be taken for a template."""

FIRST_EXPOSURE = 2026030100001
_VALUES = {"RN": 5.0, "GAIN": 1.5}


@dataclass(frozen=True)
class Recipe:
    """What a report is to hold.

    Parameters
    ----------
    products
        Names of products, with the physical filter after a colon where there is one.
    nExposures
        Number of exposures of those products that have any.
    failing
        Share of the tested members that fail.
    lost
        Indices of detectors without results in any product.
    hostile
        Whether names are hostile.
    structures
        Number of structures of each product with images.
    """

    products: Sequence[str] = ("bias", "flat:i_39", "ptc")
    nExposures: int = 3
    failing: float = 0.01
    lost: Sequence[int] = (3,)
    hostile: bool = False
    structures: int = 30


def makeReport(geometry: FocalPlaneGeometry, recipe: Recipe, seed: int = 1) -> RunReport:
    """Make a report.

    Parameters
    ----------
    geometry
        The camera.
    recipe
        What it holds.
    seed
        Of the random numbers.

    Returns
    -------
    report
        The report, without plots.
    """
    rng = np.random.default_rng(seed)
    words = HOSTILE if recipe.hostile else ""
    if recipe.hostile:
        geometry = _rename(geometry)
    return RunReport(
        repository=f"/repo/main{words}",
        instrument=f"LSSTCam{words}",
        collections=(f"LSSTCam/verify{words}", "u/someone/more"),
        geometry=geometry,
        made=datetime(2026, 3, 2, 3, 4, tzinfo=UTC),
        versions={"analysis_cp": "0.1", f"lsst_distrib{words}": f"w_2026_09{words}"},
        products=tuple(_makeProduct(geometry.layout, recipe, name, rng, words) for name in recipe.products),
        tasks=tuple(_makeTasks(geometry.layout, recipe, words)),
        problems=(Problem(dataset=f"cpBiasExp_detectorSummary{words}", reason=f"it is lost{words}"),),
    )


def _rename(geometry: FocalPlaneGeometry) -> FocalPlaneGeometry:
    """Give the first raft and some amplifiers names that no one should have."""
    names = geometry.layout.detectorName.astype(object)
    names[:2] = [f"{HOSTILE}_{i}" for i in range(2)]
    amps = geometry.layout.ampName.astype(object)
    amps[0] = HOSTILE
    layout = replace(geometry.layout, detectorName=names.astype(np.str_), ampName=amps.astype(np.str_))
    return replace(geometry, layout=layout)


def _makeProduct(
    layout: CameraLayout, recipe: Recipe, name: str, rng: np.random.Generator, words: str
) -> ProductReport:
    product_name, _, physical_filter = name.partition(":")
    product = getProduct(product_name)
    n_exposures = 0 if product.epoch == "none" else recipe.nExposures
    expected = np.flatnonzero(layout.detectorType == "SCIENCE")
    ids = FIRST_EXPOSURE + np.arange(n_exposures)
    drawn = [_makeTest(layout, test, recipe, ids, expected, rng) for test in product.tests]
    n_tests = len(drawn)
    matrix = np.full((layout.nDetectors, n_tests), UNKNOWN, dtype=np.int8)
    failed = np.zeros((layout.nDetectors, n_tests), dtype=np.int64)
    for i, each in enumerate(drawn):
        if each.test.row == "amplifier":
            matrix[:, i] = _byDetector(layout, each.status)
            failed[:, i] = (
                np.bincount(layout.ampDetector[each.status == FAILED], minlength=layout.nDetectors)
                * each.test.isTested
            )
        elif each.test.row == "detector":
            matrix[:, i] = each.status
            failed[:, i] = (each.status == FAILED) & each.test.isTested
    counted = [i for i, each in enumerate(drawn) if each.test.counts and each.test.row != "exposure"]
    status = np.full(layout.nDetectors, UNKNOWN, dtype=np.int8)
    if counted:
        own = matrix[:, counted]
        status = np.where(
            (own == FAILED).any(axis=1), FAILED, np.where((own == UNKNOWN).any(axis=1), UNKNOWN, GOOD)
        ).astype(np.int8)
    missing = np.zeros(layout.nDetectors, dtype=np.int64)
    missing[list(recipe.lost)] = layout.ampsPerDetector[list(recipe.lost)]
    verdict = Verdict.UNKNOWN if recipe.lost or not counted else Verdict.MAY
    if (status[expected] == FAILED).sum() > 0.3 * len(expected):
        verdict = Verdict.MAY_NOT
    return ProductReport(
        name=f"{name.replace(':', '-')}{words}",
        title=f"{product.title}{', ' * bool(physical_filter)}{physical_filter}{words}",
        product=product,
        physicalFilter=physical_filter,
        runs=(f"LSSTCam/verify{words}/20260301T000000Z",),
        verdict=verdict,
        reasons=(
            f"{len(recipe.lost)} of {len(expected)} detectors have no results{words}.",
            f"{(status[expected] == FAILED).sum()} detectors failed a test.",
        ),
        status=FAILED if (status == FAILED).any() else UNKNOWN,
        tests=tuple(drawn),
        expected=expected,
        detectorStatus=status,
        nAmpsMissing=missing,
        matrix=matrix,
        failed=failed,
        exposures=tuple(_makeExposures(layout, product, drawn, ids, status, words)),
        leaveOut=tuple(ids[:1].tolist()),
        culprits=_makeCulprits(layout, drawn, ids, expected, words),
        structures=_makeStructures(layout, recipe, ids, rng) if product.images else Table(),
        notRead={f"TABLE{words}": f"It is wrong.{words}"} if words else {},
    )


def _makeTest(
    layout: CameraLayout,
    test: VerifyTest,
    recipe: Recipe,
    exposures: np.ndarray,
    expected: np.ndarray,
    rng: np.random.Generator,
) -> ReportedTest:
    """Draw quantities about half of the limit, some of them beyond it."""
    n_epochs = max(len(exposures), 1)
    n = {"amplifier": layout.nAmps, "detector": layout.nDetectors, "exposure": n_epochs}[test.row]
    detector = {
        "amplifier": layout.ampDetector,
        "detector": np.arange(n),
        "exposure": np.full(n, expected[0]),
    }[test.row]
    has = np.isin(detector, expected) & ~np.isin(detector, list(recipe.lost))
    beyond = has & (rng.random(n) < recipe.failing)
    value = rng.normal(5.0, 1.0, n) * 10.0 ** rng.integers(-6, 6)
    quantity, margin = np.full(n, np.nan), np.full(n, np.nan)
    if test.quantity is not None:
        low, high = thresholdsOf(test, layout.physicalType[detector])
        ends = np.where(np.isfinite(high), high, low)
        width = np.where(
            np.isfinite(low) & np.isfinite(high), 0.5 * (high - low), np.maximum(np.abs(ends), 0.1)
        )
        side = np.where(np.isfinite(high), -1.0, 1.0) * np.where(beyond, -1.0, 1.0)
        quantity = np.where(has, ends + side * width * rng.uniform(0.1, 0.9, n), np.nan)
        margin = margins(test, quantity, layout.physicalType[detector])
    status = np.where(has, np.where(beyond, FAILED, GOOD), UNKNOWN).astype(np.int8)
    n_failed = np.where(beyond, rng.integers(1, n_epochs + 1, n), 0)
    worst = (
        np.where(has, exposures[rng.integers(0, len(exposures), n)], -1) if len(exposures) else np.full(n, -1)
    )
    return ReportedTest(
        test=test,
        nTested=np.where(has & test.isTested, n_epochs, 0).astype(np.int64),
        nFailed=(n_failed * test.isTested).astype(np.int64),
        nSuspicious=np.where(has & (rng.random(n) < 0.002), 1, 0).astype(np.int64),
        status=status if test.isTested else np.full(n, UNKNOWN, dtype=np.int8),
        value=np.where(has, value, np.nan) if test.statistic else np.full(n, np.nan),
        quantity=quantity,
        margin=margin,
        worstExposure=worst.astype(np.int64),
    )


def _byDetector(layout: CameraLayout, status: np.ndarray) -> np.ndarray:
    """Roll the status of amplifiers up."""
    counts = {
        code: np.bincount(layout.ampDetector[status == code], minlength=layout.nDetectors)
        for code in (FAILED, UNKNOWN)
    }
    return np.where(counts[FAILED] > 0, FAILED, np.where(counts[UNKNOWN] > 0, UNKNOWN, GOOD))


def _makeExposures(
    layout: CameraLayout,
    product: Product,
    tests: list[ReportedTest],
    ids: np.ndarray,
    status: np.ndarray,
    words: str,
) -> Iterator[ExposureReport]:
    counted = [each for each in tests if each.test.counts and not each.test.verdict]
    for i, exposure in enumerate(ids.tolist()):
        n_failed = {each.test.key: int(np.sum(each.nFailed > i)) for each in counted}
        yield ExposureReport(
            exposure=exposure,
            dayObs=20260301,
            run=f"LSSTCam/verify{words}/20260301T000000Z",
            nDetectors=188,
            nDetectorsFailed=int(np.sum(status == FAILED)),
            nDetectorsMissing=1,
            nFailed=n_failed,
            overLimit=tuple(n_failed)[:1] if i == 0 else (),
            status=FAILED if i == 0 else GOOD,
            detectorStatus=status,
        )


def _makeCulprits(
    layout: CameraLayout, tests: list[ReportedTest], ids: np.ndarray, expected: np.ndarray, words: str
) -> Table:
    """List each failed or unknown member in as many exposures as it failed, the worst margin first."""
    rows: list[tuple] = []
    for each in tests:
        if not each.test.counts or each.test.verdict or each.test.row == "exposure":
            continue
        is_amp = each.test.row == "amplifier"
        detector = layout.ampDetector if is_amp else np.arange(layout.nDetectors)
        bad = np.flatnonzero((each.status != GOOD) & np.isin(detector, expected))
        limits = [np.full(len(bad), ""), np.full(len(bad), np.nan)]
        if each.test.quantity is not None:
            limits = nearestLimits(each.test, each.quantity[bad], layout.physicalType[detector[bad]])
        for i, operator, threshold in zip(bad.tolist(), *(limit.tolist() for limit in limits), strict=True):
            failed = each.status[i] == FAILED
            n = max(1, int(each.nFailed[i])) if failed else max(1, len(ids))
            reason = (
                f"failed: {each.test.quantity} is {each.quantity[i]:.4g}, limit {operator} {threshold:.4g}"
            )
            for epoch in range(n):
                rows.append(
                    (
                        int(ids[epoch]) if len(ids) else -1,
                        int(layout.detectorId[detector[i]]),
                        str(layout.detectorName[detector[i]]),
                        str(layout.ampName[i]) if is_amp else "",
                        each.test.key,
                        each.value[i],
                        each.quantity[i],
                        threshold,
                        STATUS_NAMES[FAILED if failed else UNKNOWN],
                        (reason if failed else "no row in the table") + words,
                    )
                )
    names = ("exposure", "detector", "detectorName", "amplifier", "test", "value", "quantity", "threshold")
    names += ("status", "reason")
    types = (np.int64, np.int64, np.str_, np.str_, np.str_, float, float, float, np.str_, np.str_)
    columns = list(zip(*rows, strict=True)) or [[] for _ in names]
    table = Table({n: np.array(c, dtype=t) for n, c, t in zip(names, columns, types, strict=True)})
    if not len(ids):
        table.remove_column("exposure")
    return table


def _makeStructures(layout: CameraLayout, recipe: Recipe, ids: np.ndarray, rng: np.random.Generator) -> Table:
    n = recipe.structures
    detector = rng.integers(0, layout.nDetectors, n)
    columns = {
        "rank": np.arange(1, n + 1),
        "detector": layout.detectorId[detector],
        "detectorName": layout.detectorName[detector],
        "amplifier": layout.ampName[layout.firstAmp[detector]],
        "kind": np.array(sorted(STRUCTURE_KINDS))[rng.integers(0, len(STRUCTURE_KINDS), n)],
        "x": rng.uniform(0, 4000, n),
        "y": rng.uniform(0, 4000, n),
        "width": rng.integers(1, 100, n),
        "height": rng.integers(1, 100, n),
        "score": np.sort(rng.uniform(5, 100, n))[::-1],
        "threshold": np.full(n, 5.0),
        "amplitude": rng.normal(0, 10, n),
        "nFound": rng.integers(1, 10, n),
    }
    if len(ids):
        columns["exposure"] = ids[rng.integers(0, len(ids), n)]
    return Table(columns)


def _makeTasks(layout: CameraLayout, recipe: Recipe, words: str) -> Iterator[TaskReport]:
    n = layout.nDetectors * recipe.nExposures
    names = layout.detectorName.tolist()
    missing = tuple(
        Missing(
            dataId=f"exposure {FIRST_EXPOSURE + i}, detector {layout.detectorId[lost]} ({names[lost]})",
            detector=int(layout.detectorId[lost]),
            exposure=FIRST_EXPOSURE + i,
            state="failed" if i % 2 else "not yet",
            reason=f"RuntimeError: it is broken{words}" if i % 2 else "",
        )
        for lost in recipe.lost
        for i in range(recipe.nExposures)
    )
    n_failed = sum(one.state == "failed" for one in missing)
    yield TaskReport(
        task=f"verifyBiasDet{words}",
        nExpected=n,
        nSucceeded=n - len(missing),
        nFailed=n_failed,
        nBlocked=0,
        nNotYet=len(missing) - n_failed,
        nExpectedSource="a quantum graph",
        missing=missing,
        caveats={f"partial outputs{words}": 2},
    )
    yield TaskReport(
        task="verifyBias",
        nExpected=1,
        nSucceeded=1,
        nFailed=0,
        nBlocked=0,
        nNotYet=0,
        nExpectedSource="a quantum graph",
    )
