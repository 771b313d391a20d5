# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What the pages of a run report of LSSTCam cost, with 20 exposures and with 100.

A process each makes a report of 205 detectors and all products, one in a hundred results failed, and writes
its pages. With plots there are also those of each exposure, in a repository, of the size that pipelines make.
The baseline of time is the copying of what was written; that of growth is five times what 20 exposures take.

It fails if pages of 20 exposures take 60 s or 1 GB, if a first page has 2 MB or is painted after 0.5 s (where
there are Chromium and playwright), if another page has 5 MB, or if growth is more than in proportion.

Usage: ``python benchmarks/runReport.py [--plots 12]``
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests" / "report" / "support"))

from manyPlots import addPlots
from syntheticReport import Recipe, makeReport

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.catalogue import products
from lsst.analysis.cp.report.pages import writePages
from lsst.obs.lsst import LsstCam

N_EXPOSURES = (20, 100)
FILTERS = ("g_6", "i_39", "r_57")
MAX_SECONDS, MAX_BYTES = 60.0, 1e9
MAX_FIRST_PAGE, MAX_PAGE, MAX_PAINT = 2e6, 5e6, 500.0

_UNITS = (
    {"seconds": 1, "copying": 1, "ratio": 1}
    | dict.fromkeys(("memory", "first", "sheet", "largest", "html", "all"), 1e6)
    | {"nFiles": 1}
)
"""Units of what is printed: seconds, megabytes and numbers."""

_WIDTH = 11


def listProducts() -> tuple[str, ...]:
    """Name all products with tests, flats in three bands."""
    names = [name for name in products() if name not in ("science", "flat")]
    return (*names, *(f"flat:{each}" for each in FILTERS))


def measure(folder: Path, nExposures: int, nPlots: int) -> dict[str, float]:
    """Write the pages of a report; return seconds, bytes of memory, and sizes of files."""
    recipe = Recipe(products=listProducts(), nExposures=nExposures)
    report = makeReport(cameraGeometry(LsstCam().getCamera()), recipe)
    butler = None
    if nPlots:
        report, butler = addPlots(report, folder / "repository", nPlots)
    pages = folder / "report"
    pages.mkdir()
    start = time.perf_counter()
    problems = writePages(report, pages, butler)
    seconds = time.perf_counter() - start
    assert not problems
    copying = copyAgain(pages, folder / "copy")
    sizes = {path: path.stat().st_size for path in pages.rglob("*.*")}
    return {
        "seconds": seconds,
        "copying": copying,
        "ratio": seconds / copying,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "first": sizes[pages / "index.html"],
        "sheet": sizes[pages / "certification.html"],
        "largest": max(size for path, size in sizes.items() if path.suffix == ".html"),
        "html": sum(size for path, size in sizes.items() if path.suffix == ".html"),
        "all": sum(sizes.values()),
        "nFiles": len(sizes),
    }


def copyAgain(folder: Path, copy: Path) -> float:
    """Measure the time of copying what was written, which is the baseline (s)."""
    start = time.perf_counter()
    shutil.copytree(folder, copy)
    seconds = time.perf_counter() - start
    shutil.rmtree(copy)
    return seconds


def paint(page: Path) -> float | None:
    """Measure when a page is first painted, the median of five (ms); None without a browser."""
    chromium = shutil.which("chromium")
    if chromium is None:
        return None
    from playwright.sync_api import sync_playwright

    script = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        times = []
        for _ in range(5):
            tab = browser.new_page(viewport={"width": 1280, "height": 900})
            tab.goto(f"file://{page}")
            # The pages forbid what wait_for_function does.
            while (painted := tab.evaluate(script)) is None:
                tab.wait_for_timeout(50)
            times.append(float(painted))
            tab.close()
        browser.close()
    return sorted(times)[2]


def runAlone(folder: Path, nExposures: int, nPlots: int) -> dict[str, float]:
    """Measure in a process of its own, whose memory is not that of others."""
    words = [
        sys.executable,
        __file__,
        "--alone",
        str(folder),
        "--exposures",
        str(nExposures),
        "--plots",
        str(nPlots),
    ]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> int:
    """Run the benchmark; return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plots", type=int, default=0, help="plots of each exposure")
    parser.add_argument("--exposures", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--alone", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.alone:
        print(json.dumps(measure(arguments.alone, arguments.exposures, arguments.plots)))
        return 0
    print(f"Python {platform.python_version()}, {len(listProducts())} products, {arguments.plots} plots")
    print("".join(f"{name:>{_WIDTH}}" for name in ("exposures", *_UNITS, "paint (ms)")))
    found = {}
    good = True
    for number in N_EXPOSURES:
        with tempfile.TemporaryDirectory() as folder:
            one = found[number] = runAlone(Path(folder), number, arguments.plots)
            painted = paint(Path(folder) / "report" / "index.html")
        shown = [f"{one[name] / unit:.4g}" for name, unit in _UNITS.items()]
        print("".join(f"{text:>{_WIDTH}}" for text in (str(number), *shown, str(painted))))
        good &= one["first"] < MAX_FIRST_PAGE and one["largest"] < MAX_PAGE
        good &= painted is None or painted < MAX_PAINT
    few, many = (found[number] for number in N_EXPOSURES)
    growth = N_EXPOSURES[1] / N_EXPOSURES[0]
    for name in ("seconds", "html", "all"):
        ratio = many[name] / (growth * few[name])
        print(f"{name} of 100 exposures over {growth:g} times those of 20: {ratio:.2f}")
        good &= ratio <= 1
    good &= few["seconds"] < MAX_SECONDS and few["memory"] < MAX_BYTES
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
