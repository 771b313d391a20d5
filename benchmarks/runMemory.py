# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Measure the memory that the reduction of a run of LSSTCam takes, beside that of its columns.

A process each makes the rows of 100 and of 1,000 exposures, one in a hundred verdicts failed, encodes them,
sums them up at all levels of the run and writes its tables. The baseline is what the narrow columns take that
it needs: identifiers, statistics and verdicts of 3,216 amplifiers an exposure.

Usage: ``python benchmarks/runMemory.py [product]`` (default bias).
"""

from __future__ import annotations

import multiprocessing
import platform
import resource
import sys

import numpy as np
from summarizeAmps import makeColumns, makeLayout

from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.core.amps import (
    AmpTable,
    culpritsTable,
    detectorSummaryTable,
    runCountsTable,
    summarize,
)

N_EXPOSURES = (100, 1000)
MAX_RATIO = 4.0
"""Peak of the process over what its columns take, beside what it took before."""
MAX_GROWTH = 1.1
"""Ratio of the memory a row with many exposures to that with few."""
LEVELS = ("runDetector", "run")


def peak() -> int:
    """Get the largest memory so far (bytes)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def reduceRun(productName: str, nExposures: int) -> tuple[int, int, int]:
    """Reduce a run; return the number of rows, the bytes of its columns, and those of the peak."""
    layout, product = makeLayout(), getProduct(productName)
    before = peak()
    columns = makeColumns(layout, product, nExposures, np.random.default_rng(1), shuffle=False)
    for values in columns.values():
        if values.dtype.kind == "f":
            # Beyond what is implausible, as all would be culprits.
            values *= 1000.0
    size = sum(column.nbytes for column in columns.values())
    table = AmpTable.fromColumns(columns, product, layout)
    summaries = {level: summarize(table, level) for level in LEVELS}
    written = detectorSummaryTable(summaries["runDetector"]), runCountsTable(table), culpritsTable(table)
    assert len(written[0]) == len(layout.detectorId)
    assert len(written[1]) == layout.nAmps
    return len(columns["exposure"]), size, peak() - before


def main(arguments: list[str]) -> int:
    """Run the benchmark; the exit status is 1 if a limit is exceeded."""
    product = arguments[0] if arguments else "bias"
    print(f"{product}: python {platform.python_version()}, numpy {np.__version__}")
    per_row, passed = [], True
    for n_exposures in N_EXPOSURES:
        # A process of its own, as a peak never falls.
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            n_rows, size, most = pool.apply(reduceRun, (product, n_exposures))
        per_row.append(most / n_rows)
        passed &= most / size <= MAX_RATIO
        print(
            f"{n_exposures} exposures, {n_rows} rows: columns {size / 2**30:.2f} GiB, "
            f"peak {most / 2**30:.2f} GiB, ratio {most / size:.2f} (at most {MAX_RATIO})"
        )
    growth = per_row[1] / per_row[0]
    print(
        f"memory a row, {N_EXPOSURES[1]} exposures to {N_EXPOSURES[0]}: {growth:.2f} (at most {MAX_GROWTH})"
    )
    passed &= growth <= MAX_GROWTH
    print("all within the limits" if passed else "A LIMIT IS EXCEEDED")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
