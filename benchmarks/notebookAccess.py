# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What one call in a notebook costs, against reading the same dataset without its help.

Each call of ``lsst.analysis.cp.notebook`` is compared with ``butler.get`` of the dataset that it finds, by
its full name, or, of plots and pixels, with reading the file (``ResourcePath.read``). The repository is read
where it is and, with its registry where it is, from an HTTP server on this machine. It fails if the median of
any call is a second or more.

Usage: ``python benchmarks/notebookAccess.py demo-output/LSSTCam/repository --detector 94``
"""

from __future__ import annotations

import argparse
import logging
import platform
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from lsst.analysis.cp.notebook import (
    readCulprits,
    readMetrics,
    readPlot,
    readStructures,
    readStructureView,
    readSummary,
    readTrend,
)
from lsst.daf.butler import Butler

sys.path.append(str(Path(__file__).parents[1] / "tests" / "notebook" / "support"))

from rangeServer import openOverHttp, serve

LIMIT = 1000.0
"""Milliseconds that the median of a call must stay below."""

Read = Callable[[], object]


def measure(read: Read, repeats: int) -> float:
    """Measure the median time of reading (ms); the first, which fills caches, is left out."""
    read()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        read()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def listReads(butler: Butler, exposure: int, detector: int) -> dict[str, tuple[Read, Read]]:
    """List the calls, and what each is compared with."""
    data_id = {"exposure": exposure}
    get = partial(butler.get, exposure=exposure)

    def readFile(name: str) -> bytes:
        return bytes(butler.getURI(name, exposure=exposure).read())

    summary = partial(get, "cpBiasExp_detectorSummary")
    return {
        "readPlot": (
            partial(readPlot, butler, "biasNoise", data_id),
            partial(readFile, "cpBiasExp_biasNoise_FocalPlaneGeometryPlot"),
        ),
        "readMetrics": (
            partial(readMetrics, butler, "cpBiasExp", data_id),
            partial(get, "cpBiasExp_metrics"),
        ),
        "readSummary": (partial(readSummary, butler, "bias", data_id), summary),
        "readCulprits": (partial(readCulprits, butler, "bias", data_id), partial(get, "cpBiasExp_culprits")),
        "readStructures": (
            partial(readStructures, butler, "bias", data_id),
            partial(get, "cpBiasExpResidual_structures"),
        ),
        # Of one exposure: the history has one table for each.
        "readTrend": (partial(readTrend, butler, "biasNoise", {"detector": detector}), summary),
        "readStructureView": (
            partial(readStructureView, butler, "bias", data_id),
            partial(readFile, "cpBiasExpResidual_pyramid"),
        ),
    }


def report(butler: Butler, place: str, arguments: argparse.Namespace) -> bool:
    """Print the times of all calls; tell whether each is below the limit."""
    print(f"{place:<20}{'call (ms)':>10}{'plain (ms)':>12}{'ratio':>8}")
    good = True
    for name, reads in listReads(butler, arguments.exposure, arguments.detector).items():
        own, plain = (measure(read, arguments.repeats) for read in reads)
        good &= own < LIMIT
        print(f"  {name:<18}{own:>10.1f}{plain:>12.1f}{own / plain:>8.1f}")
    return good


def main() -> int:
    """Run the benchmark; return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repository", type=Path, help="what the demonstration leaves of a camera")
    parser.add_argument("--collection", default="demo/verifyBias")
    parser.add_argument("--exposure", type=int, default=2026030100001)
    parser.add_argument("--detector", type=int, default=0, help="detector of the history")
    parser.add_argument("--repeats", type=int, default=9)
    arguments = parser.parse_args()
    # Butler warns of each in-memory type of other packages that it could convert to, had they been installed.
    logging.getLogger("lsst.daf.butler").setLevel(logging.ERROR)
    print(f"Python {platform.python_version()}, medians of {arguments.repeats}")
    root = arguments.repository.resolve()
    with Butler.from_config(str(root), collections=arguments.collection) as butler:
        good = report(butler, "local", arguments)
    with (
        serve(root) as (address, _),
        openOverHttp(root, address, collections=arguments.collection) as butler,
    ):
        good &= report(butler, "files over HTTP", arguments)
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
