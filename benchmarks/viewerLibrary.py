# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The viewer's own canvas against OpenSeadragon, on all detectors of LSSTCam in a real browser.

Both show the same stored tiles of the same server: 205 detectors of 1024 by 1018 pixels, or as many as are
asked for. OpenSeadragon (6.1.1, which npm installs into a temporary folder) gets each detector as an image of
its own, turned as it is, whose tiles are fetched as raw values and coloured in the browser. Of mosaics it
knows nothing: a level is of one image. Turned detectors lie there only about where they should. Measured
are, in milliseconds, as the median of the repeats:

tiles
    Their number (no time).
open
    From the page to the last tile drawn, all detectors in view.
limits
    From new limits to the picture with the new colours.
frame
    Of a frame while the image moves: at a screen of 60 Hz no frame takes less than 16.7.

The baseline of the ratios is OpenSeadragon. The screen is drawn by software, as on a machine without a
graphics card. Pictures of both are left in the folder of temporary files, to be looked at.

Usage: ``python benchmarks/viewerLibrary.py [--detectors N] [--repeats 5]``
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))
sys.path.append(str(Path(__file__).parents[1] / "tests" / "navigator" / "support"))

from browsers import WIDE, startBrowser
from runningServer import runServer
from viewerRepository import PYRAMID, ViewerRepository, putPyramid, writePyramid

from lsst.cp.simulator import ExposureInfo, makeRepository, shrinkCamera
from lsst.obs.lsst import LsstCam

VERSION = "6.1.1"
EXPOSURE = 2026030100001
N_FRAMES = 60

PAGE = Path(__file__).with_name("openSeadragon.html")

OWN_DRAWN = """async () => {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  await frame();
  while (document.getElementById("canvas").dataset.ready !== "true") await frame();
  await frame();
}"""

OWN_LIMITS = """async ([low, high]) => {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const start = performance.now();
  document.getElementById("low").value = low;
  document.getElementById("high").value = high;
  document.getElementById("high").dispatchEvent(new Event("change"));
  await frame();
  await frame();
  return performance.now() - start;
}"""

OTHER_LIMITS = """async (values) => {
  const start = performance.now();
  limits = values;
  await viewer.world.requestInvalidate(true);
  viewer.forceRedraw();
  await frame();
  await frame();
  return performance.now() - start;
}"""

MOVES = """async (number) => {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const step = %s;
  await frame();
  const start = performance.now();
  for (let i = 0; i < number; i++) {
    step(i);
    await frame();
  }
  return (performance.now() - start) / number;
}"""

OWN_MOVES = (
    MOVES
    % """((canvas) => {
    const send = (type, x) => canvas.dispatchEvent(new PointerEvent(type,
      { pointerId: 1, isPrimary: true, bubbles: true, button: 0, buttons: 1, clientX: x, clientY: 450 }));
    canvas.setPointerCapture = () => {};
    send("pointerdown", 600);
    return (i) => send("pointermove", 600 + 4 * (i % 30));
  })(document.getElementById("canvas"))"""
)

OTHER_MOVES = (
    MOVES
    % """(i) => viewer.viewport.panBy(
    viewer.viewport.deltaPointsFromPixels(new OpenSeadragon.Point(i % 30 ? 4 : -116, 0)), true)"""
)


def makeExposure(root: Path, number: int | None) -> ViewerRepository:
    """Make a repository with the pyramid of an exposure of all detectors, or of the first ones."""
    camera = shrinkCamera(LsstCam().getCamera(), 4)
    made = ViewerRepository(root, camera)
    with makeRepository(root, LsstCam, [ExposureInfo(*divmod(EXPOSURE, 100000))], camera=camera) as butler:
        levels = {detector.getId(): float(detector.getId() % 50) for detector in list(camera)[:number]}
        writePyramid(root / "first.fits", camera, levels)
        made.refs[PYRAMID] = putPyramid(butler, root / "first.fits", PYRAMID, exposure=EXPOSURE)
    return made


def installLibrary(folder: Path) -> Path:
    """Install OpenSeadragon; return its script."""
    subprocess.run(["npm", "install", "--silent", f"openseadragon@{VERSION}"], cwd=folder, check=True)
    return folder / "node_modules" / "openseadragon" / "build" / "openseadragon" / "openseadragon.min.js"


def openOwn(page: Any, address: str, identifier: str) -> None:
    """Open the viewer, and wait until all is drawn."""
    page.goto(f"{address}/view/{identifier}")
    page.evaluate(OWN_DRAWN)


def openOther(page: Any, address: str, identifier: str) -> None:
    """Open OpenSeadragon, and wait until all is drawn."""
    page.goto(f"{address}/other.html")
    page.evaluate(f"start('{identifier}').then(drawn)")


def measure(
    browser: Any, library: Path, address: str, identifier: str, repeats: int, own: bool
) -> dict[str, float]:
    """Measure one of the two; return medians (ms), and the number of tiles asked for."""
    open_page: Callable[..., None] = openOwn if own else openOther
    found: dict[str, list[float]] = {"open": [], "limits": [], "frame": [], "tiles": []}
    for repeat in range(repeats):
        # A context of its own has an empty cache.
        page = browser.new_context(viewport=WIDE).new_page()
        page.route("**/other.html", lambda route: route.fulfill(path=PAGE))
        page.route("**/openseadragon.js", lambda route: route.fulfill(path=library))
        asked: list[str] = []
        page.on("request", lambda each, asked=asked: "/tile/" in each.url and asked.append(each.url))
        start = time.perf_counter()
        open_page(page, address, identifier)
        found["open"].append(1e3 * (time.perf_counter() - start))
        found["tiles"].append(len(asked))
        if repeat == 0:
            page.screenshot(path=f"{tempfile.gettempdir()}/viewer{'Own' if own else 'Other'}.png")
        found["limits"] += [
            page.evaluate(OWN_LIMITS if own else OTHER_LIMITS, [0, high]) for high in (30, 40, 50)
        ]
        found["frame"].append(page.evaluate(OWN_MOVES if own else OTHER_MOVES, N_FRAMES))
        page.context.close()
    return {name: statistics.median(values) for name, values in found.items()}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--detectors", type=int, help="number of detectors; all by default")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        library = installLibrary(Path(folder))
        made = makeExposure(Path(folder) / "repository", arguments.detectors)
        with runServer(made.root) as address:
            for browser in startBrowser():
                other, own = (
                    measure(browser, library, address, made.idOf(PYRAMID), arguments.repeats, own=own)
                    for own in (False, True)
                )
    print(f"{'':8s}{'OpenSeadragon':>15s}{'own canvas':>12s}{'ratio':>7s}")
    for name in own:
        print(f"{name:8s}{other[name]:15.1f}{own[name]:12.1f}{own[name] / other[name]:7.2f}")


if __name__ == "__main__":
    main()
