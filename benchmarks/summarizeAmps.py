# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Time `lsst.analysis.cp.core.amps.summarize` on tables of the size of LSSTCam.

Two baselines are timed beside it, on the same table and for the full bias catalogue:

mask
    One mask of the whole table for each pair of exposure and detector and each test. On large tables it is
    timed for some pairs and scaled to all of them.
sort
    One `numpy.lexsort` of exposure and detector, and one `numpy.sort` of an array of shape (nSegments, 16)
    for each statistic and tested quantity.

Usage: ``python benchmarks/summarizeAmps.py [number of exposures ...]`` (default 20 and 1000).
"""

from __future__ import annotations

import platform
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import numexpr
import numpy as np
import numpy.typing as npt

from lsst.analysis.cp.catalogue import Level, Product, VerifyTest, getProduct
from lsst.analysis.cp.core import CameraLayout
from lsst.analysis.cp.core.amps import AmpSummary, AmpTable, summarize

MIN_MASK_RATIO = 100
MAX_SORT_RATIO = 1.5
MASKED_PAIRS = 60
REPEATS = 5

Columns = dict[str, npt.NDArray]


def makeLayout() -> CameraLayout:
    """Lay out 189 science detectors and 8 guiders of 16 amplifiers, 8 wavefront sensors of 8."""
    n_amps = np.repeat([16, 16, 8], [189, 8, 8])
    names = [f"C{i // 8}{i % 8}" for i in range(16)]
    return CameraLayout(
        detectorId=np.arange(205),
        detectorName=np.array([f"R{i // 9:02d}_S{i % 9:02d}" for i in range(205)]),
        detectorType=np.repeat(["SCIENCE", "GUIDER", "WAVEFRONT"], [189, 8, 8]),
        physicalType=np.where(np.arange(205) % 3, "E2V", "ITL"),
        ampDetector=np.repeat(np.arange(205), n_amps),
        ampName=np.array([name for n in n_amps for name in names[:n]]),
        ampGain=np.linspace(1.4, 1.7, n_amps.sum()),
        ampReadNoise=np.linspace(4.5, 6.5, n_amps.sum()),
        ampPixels=np.full(n_amps.sum(), 2000 * 509),
    )


def makeColumns(
    layout: CameraLayout, product: Product, nExposures: int, rng: np.random.Generator, *, shuffle: bool
) -> Columns:
    """Make a table with one row for each amplifier and exposure, a few statistics NaN."""
    n = nExposures * layout.nAmps
    order = rng.permutation(n) if shuffle else np.arange(n)
    exposure, amp = np.divmod(order, layout.nAmps)
    columns: Columns = {
        "exposure": 2026070200000 + exposure,
        "detector": layout.detectorId[layout.ampDetector[amp]],
        "amplifier": layout.ampName[amp],
    }
    for name in product.inputColumns()[3:]:
        if "VERIFY" in name:
            columns[name] = rng.random(n) > 0.01
        else:
            columns[name] = rng.normal(5.0, 1.0, n)
            columns[name][rng.integers(n, size=n // 1000)] = np.nan
    return columns


def testsOfDetectors(table: AmpTable) -> list[VerifyTest]:
    """List the tests that are measured in each detector of each exposure."""
    return [test for test in table.tests if test.isMeasuredAt(Level("detector"))]


def columnsOfTest(table: AmpTable, test: VerifyTest) -> list[npt.NDArray[np.float64]]:
    """Get the statistic and the tested quantity of a test, those that it has."""
    statistic = None if test.statisticColumn is None else table.statistics[test.statisticColumn]
    return [values for values in (statistic, table.quantity(test)) if values is not None]


def reduceByMask(table: AmpTable, pairs: npt.NDArray[np.int64]) -> list[list[float]]:
    """Reduce all tests of some (exposure, detector) by a mask each, as the first baseline does."""
    tests = testsOfDetectors(table)
    columns = {test.key: columnsOfTest(table, test) for test in tests}
    exposures = table.exposures[table.exposureIndex]
    detectors = table.layout.detectorId[table.rows["amplifier"].detectorIndex]
    results = []
    for exposure, detector in pairs.tolist():
        result: list[float] = []
        for test in tests:
            mask = (exposures == exposure) & (detectors == detector)
            for values in columns[test.key]:
                part = values[mask]
                part = part[np.isfinite(part)]
                result += [part.min(), np.median(part), part.max()]
                # The number of values is a measurement of the statistic only.
                result += [len(part)] if values is columns[test.key][0] and test.has("statistic") else []
            if test.verifyColumn is not None:
                flags = table.flags[test.verifyColumn][mask]
                result += [np.sum(flags >= 0), np.sum(flags == 0)]
        results.append(result)
    return results


def reduceBySort(
    exposure: npt.NDArray[np.int64],
    detector: npt.NDArray[np.int64],
    grids: list[npt.NDArray[np.float64]],
) -> list[npt.NDArray[np.float64]]:
    """Do the work of the second baseline: a sort of the keys, and of one array for each statistic."""
    np.lexsort((detector, exposure))
    return [np.sort(grid, axis=1)[:, 0].copy() for grid in grids]


def expectedValues(summary: AmpSummary, segment: int) -> list[float]:
    """Get the same numbers as `reduceByMask` from the summary."""
    result: list[float] = []
    for reduced in summary.tests.values():
        names = ["min", "median", "max", "nValid"] if reduced.test.has("statistic") else []
        names += ["quantityMin", "quantityMedian", "quantityMax"] if reduced.test.has("quantity") else []
        names += ["nTested", "nFailed"] if reduced.test.isTested else []
        result += [reduced.values[name][segment] for name in names]
    return result


def timeTogether(*functions: Callable[[], object], repeats: int) -> list[float]:
    """Get the shortest of several times (s) of each function.

    They take turns, so that all see the same load, and each runs twice, so that it finds the caches its own.
    """
    times = np.empty((repeats, len(functions)))
    for turn in times:
        for i, function in enumerate(functions):
            function()
            start = time.perf_counter()
            function()
            turn[i] = time.perf_counter() - start
    return times.min(axis=0).tolist()


def compare(nExposures: int, *, shuffle: bool) -> bool:
    """Time one table, print the ratios, and tell whether they are within the limits."""
    rng = np.random.default_rng(20260702)
    layout, product = makeLayout(), getProduct("bias")
    columns = makeColumns(layout, product, nExposures, rng, shuffle=shuffle)
    n = len(columns["exposure"])
    table = AmpTable.fromColumns(columns, product, layout)
    summary = summarize(table, "detector")

    segments = np.arange(len(summary))
    if n > 100_000:
        segments = rng.choice(segments, MASKED_PAIRS, replace=False)
    pairs = np.column_stack([summary.exposure, layout.detectorId[summary.detectorIndex]])[segments]
    start = time.perf_counter()
    found = reduceByMask(table, pairs)
    mask_time = (time.perf_counter() - start) * len(summary) / len(segments)
    for segment, values in zip(segments.tolist(), found, strict=True):
        np.testing.assert_allclose(values, expectedValues(summary, segment), rtol=1e-14)

    tests = testsOfDetectors(table)
    n_statistics = len({test.statistic for test in tests} - {None})
    n_quantities = sum(test.quantity is not None for test in tests)
    grids = [rng.normal(size=(len(summary), 16)) for _ in range(n_statistics + n_quantities)]
    exposure, detector = columns["exposure"], columns["detector"]
    encode_time, summary_time, sort_time = timeTogether(
        lambda: AmpTable.fromColumns(columns, product, layout),
        lambda: summarize(replace(table), "detector"),
        lambda: reduceBySort(exposure, detector, grids),
        repeats=REPEATS if n > 100_000 else 10 * REPEATS,
    )

    masked = "" if len(segments) == len(summary) else f" (scaled from {len(segments)} pairs)"
    faster, fraction = mask_time / summary_time, summary_time / sort_time
    print(f"{n} rows, {nExposures} exposures, {'random' if shuffle else 'sorted'} order")
    print(f"  AmpTable.fromColumns  {encode_time:9.4f} s")
    print(f"  summarize             {summary_time:9.4f} s")
    print(f"  mask                  {mask_time:9.1f} s{masked}; summarize is {faster:.0f} times faster")
    print(
        f"  sort                  {sort_time:9.4f} s ({n_statistics} statistics, {n_quantities} quantities)"
    )
    print(f"  summarize / sort      {fraction:9.2f}")
    # A sort of sorted keys costs next to nothing: only random order has a limit.
    return faster >= MIN_MASK_RATIO and (not shuffle or fraction <= MAX_SORT_RATIO)


def main(arguments: list[str]) -> int:
    """Run the benchmark; the exit status is 1 if a limit is exceeded."""
    print(f"python {platform.python_version()}, numpy {np.__version__}, numexpr {numexpr.__version__}")
    passed = True
    for n_exposures in [int(argument) for argument in arguments] or [20, 1000]:
        for shuffle in (True, False):
            passed &= compare(n_exposures, shuffle=shuffle)
    print(f"largest memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2:.2f} GiB")
    print("all within the limits" if passed else "A LIMIT IS EXCEEDED")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
