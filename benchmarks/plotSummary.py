# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What the summary of a collection for the Plot Navigator costs, against listing its plots from the registry.

The baseline iterates over the same datasets, and keeps none. Both are run in processes of their own, of which
the memory is that beyond the opened repository. It fails if not all plots are in the summary, or if it
takes more than five times as long as listing them.

Usage: ``python benchmarks/plotSummary.py demo-output/LATISS/repository demo/verifyBias``
"""

from __future__ import annotations

import argparse
import multiprocessing
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

from lsst.analysis.cp.navigator.summaries import PlotSearch, writeSummary
from lsst.daf.butler import Butler

LIMIT = 5.0
"""How many times as long as listing a summary may take."""


class Cost(NamedTuple):
    """Number of plots, time (s) and memory (MiB)."""

    nPlots: int
    time: float
    memory: float


def listPlots(butler: Butler, collection: str) -> int:
    """List the plots, and return how many there are."""
    search = PlotSearch.fromButler(butler, collection)
    count = 0
    for each in search.datasetTypes:
        with butler.query() as query:
            count += sum(1 for _ in query.datasets(each, search.runs, find_first=True))
    return count


def summarize(butler: Butler, collection: str) -> int:
    """Write a summary, and return how many plots it has."""
    with tempfile.TemporaryDirectory() as folder:
        return writeSummary(butler, collection, Path(folder)).nPlots


def measure(work: Callable[[Butler, str], int], repository: str, collection: str) -> Cost:
    """Measure what some work costs."""
    with Butler.from_config(repository) as butler:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start = time.perf_counter()
        count = work(butler, collection)
        elapsed = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Cost(count, elapsed, (after - before) / 1024.0)


def main() -> int:
    """Run the benchmark; return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repository", help="a repository with plots in runs")
    parser.add_argument("collection")
    arguments = parser.parse_args()
    print(f"Python {platform.python_version()}")
    costs = []
    for work in (listPlots, summarize):
        # A process of its own: the system tells the largest memory only.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, context) as pool:
            cost = pool.submit(measure, work, arguments.repository, arguments.collection).result()
        costs.append(cost)
        print(f"{work.__name__:<12}{cost.nPlots:>8} plots{cost.time:>8.2f} s{cost.memory:>8.1f} MiB")
    plain, own = costs
    print(f"ratio of the times: {own.time / plain.time:.2f}")
    return int(own.nPlots != plain.nPlots or own.time > LIMIT * plain.time)


if __name__ == "__main__":
    sys.exit(main())
