# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Compare mosaics of LSSTCam with those of ``VisualizeMosaicExpTask``, on the same binned exposures.

Each way makes an image of the 205 detectors from exposures in memory, with what has no data masked, at
binnings 8 and 64. Both have to hold the same pixels, each detector moved as a whole by the roundings of afw.
Measuring the camera is timed apart: it is done once for all mosaics and plots of an exposure. Memory is
measured in a process for each way: that of Python and numpy by `tracemalloc`, and the growth of the whole
process while the mosaic is made.

Whichever ``lsst.pipe.tasks`` is on the path is compared with. What the real packages took, and afw for
binning one detector, is printed for reference: measured once, on another machine.

Usage: ``python benchmarks/mosaic.py [camera.fits]`` (default: the project's LSSTCam).
"""

from __future__ import annotations

import platform
import resource
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import scipy

from lsst.afw.cameraGeom import FOCAL_PLANE, PIXELS, Camera
from lsst.afw.image import ExposureF
from lsst.analysis.cp.core.geometry import FocalPlaneGeometry
from lsst.analysis.cp.core.images import BINNING_STATISTICS, FocalPlaneMosaic, binImage
from lsst.obs.lsst import LsstCam
from lsst.pipe.tasks.visualizeVisit import VisualizeMosaicExpConfig, VisualizeMosaicExpTask

BINNINGS = (8, 64)
REPEATS = 5
MAX_ROUNDING = 3
"""Output pixels by which the roundings of afw may move detectors against each other."""
REPORTED = {8: "0.41 s and 244 MiB", 64: "0.16 s"}
REPORTED_BINNING = "25 ms"

Exposures = dict[int, ExposureF]
Image = npt.NDArray[np.float32]
Way = Callable[[Exposures, Camera, FocalPlaneGeometry, int], Image]


def makeExposures(camera: Camera, binning: int) -> Exposures:
    """Make noise without partial bins, with a hole in each detector and marks 2, 3, 4, ... in its corners."""
    rng = np.random.default_rng(20260702)
    exposures = {}
    for count, detector in enumerate(camera):
        width, height = (side // binning for side in detector.getBBox().getDimensions())
        exposure = ExposureF(width, height)
        pixels = exposure.image.array
        pixels[:] = rng.random((height, width), dtype=np.float32)
        pixels[0, 0], pixels[0, -1], pixels[-1, 0], pixels[-1, -1] = 2 + 4 * count + np.arange(4)
        exposure.mask.array[5:9, 3:8] = exposure.mask.getPlaneBitMask("NO_DATA")
        exposures[detector.getId()] = exposure
    return exposures


def makeOurs(exposures: Exposures, camera: Camera, geometry: FocalPlaneGeometry, binning: int) -> Image:
    """Make a mosaic by `FocalPlaneMosaic`."""
    mosaic = FocalPlaneMosaic(geometry, binning)
    for id_, exposure in exposures.items():
        no_data = (exposure.mask.array & exposure.mask.getPlaneBitMask("NO_DATA")) != 0
        mosaic.add(id_, exposure.image.array, excluded=no_data)
    return mosaic.image


def makeTheirs(exposures: Exposures, camera: Camera, geometry: FocalPlaneGeometry, binning: int) -> Image:
    """Make a mosaic by ``VisualizeMosaicExpTask``."""
    task = VisualizeMosaicExpTask(config=VisualizeMosaicExpConfig(binning=binning))
    result = task.run(list(exposures.values()), camera, inputIds=list(exposures))
    pixels: Image = result.outputData.array
    return pixels


WAYS: dict[str, Way] = {"FocalPlaneMosaic": makeOurs, "VisualizeMosaicExpTask": makeTheirs}


def cutDetectors(image: Image, nDetectors: int) -> tuple[npt.NDArray[np.intp], list[Image]]:
    """Find the detectors by their marks; return their first rows and columns, and their pixels."""
    places = np.argwhere(image >= 2)
    corners = places[np.argsort(image[tuple(places.T)])].reshape(nDetectors, 4, 2)
    first, last = corners.min(axis=1), corners.max(axis=1) + 1
    cut = [image[a:b, c:d] for (a, c), (b, d) in zip(first.tolist(), last.tolist(), strict=True)]
    return first, cut


def checkEqual(ours: Image, theirs: Image, nDetectors: int) -> None:
    """Assert that both hold the same detectors, turned alike, at about the same places, and nothing else."""
    (our_place, our_pixels), (their_place, their_pixels) = (
        cutDetectors(x, nDetectors) for x in (ours, theirs)
    )
    for own, other in zip(our_pixels, their_pixels, strict=True):
        np.testing.assert_array_equal(own, other)
    assert np.isfinite(ours).sum() == np.isfinite(theirs).sum()
    assert (np.ptp(our_place - their_place, axis=0) <= MAX_ROUNDING).all()


def timeTogether(*functions: Callable[[], object], repeats: int) -> list[float]:
    """Get the shortest of several times (s) of each function, run in turn so that all see the same load."""
    times = np.empty((repeats, len(functions)))
    for turn in times:
        for i, function in enumerate(functions):
            start = time.perf_counter()
            function()
            turn[i] = time.perf_counter() - start
    return times.min(axis=0).tolist()


def measureCamera(camera: Camera) -> FocalPlaneGeometry:
    """Measure where the detectors lie."""
    return FocalPlaneGeometry.fromCamera(camera, PIXELS, FOCAL_PLANE)


def measureMemory(camera: Camera, name: str, binning: int) -> tuple[float, float]:
    """Get the peak of what is allocated, and the growth of the process, while one mosaic is made (MiB)."""
    exposures, geometry = makeExposures(camera, binning), measureCamera(camera)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    WAYS[name](exposures, camera, geometry, binning)
    growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    tracemalloc.start()
    WAYS[name](exposures, camera, geometry, binning)
    return tracemalloc.get_traced_memory()[1] / 1024**2, growth / 1024


def askProcess(arguments: list[str], name: str, binning: int) -> tuple[float, float]:
    """Run `measureMemory` in a process of its own."""
    command = [sys.executable, __file__, *arguments, "--memory", name, str(binning)]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    traced, growth = (float(word) for word in result.stdout.split())
    return traced, growth


def compare(camera: Camera, binning: int, memory: list[tuple[float, float]]) -> bool:
    """Compare the two ways at one binning, print the numbers, and tell whether ours is no worse."""
    exposures, geometry = makeExposures(camera, binning), measureCamera(camera)
    ours, theirs = (way(exposures, camera, geometry, binning) for way in WAYS.values())
    checkEqual(ours, theirs, len(exposures))
    del ours, theirs
    *times, measuring = timeTogether(
        *(lambda way=way: way(exposures, camera, geometry, binning) for way in WAYS.values()),
        lambda: measureCamera(camera),
        repeats=REPEATS,
    )
    print(f"{len(exposures)} detectors, binned by {binning}: equal pixels")
    for name, seconds, (traced, growth) in zip(WAYS, times, memory, strict=True):
        print(f"  {name:24s} {seconds:7.3f} s  {traced:7.1f} MiB allocated  {growth:7.1f} MiB of the process")
    print(f"  {'ratio':24s} {times[0] / times[1]:7.2f}    {memory[0][0] / memory[1][0]:7.2f}")
    print(f"  {'(measuring the camera)':24s} {measuring:7.3f} s")
    print(f"  (pipe_tasks and afw elsewhere: {REPORTED[binning]})")
    return times[0] <= times[1] and memory[0][0] <= memory[1][0]


def timeBinning() -> None:
    """Print how long one detector with 1% of its pixels masked takes."""
    rng = np.random.default_rng(20260703)
    image = rng.normal(0.0, 5.0, (4004, 4096)).astype(np.float32)
    excluded = rng.random(image.shape) < 0.01
    print(f"4096 x 4004 pixels, 1% of them excluded, binned by 8 (afw elsewhere: mean {REPORTED_BINNING})")
    times = timeTogether(
        *(lambda name=name: binImage(image, 8, name, excluded=excluded) for name in BINNING_STATISTICS),
        repeats=REPEATS,
    )
    for name, seconds in zip(BINNING_STATISTICS, times, strict=True):
        print(f"  {name:8s} {1e3 * seconds:6.0f} ms")


def main(arguments: list[str]) -> int:
    """Run the benchmark; the exit status is 1 if ours is slower or takes more memory."""
    paths = arguments[: arguments.index("--memory")] if "--memory" in arguments else arguments
    camera = Camera.readFits(paths[0]) if paths else LsstCam().getCamera()
    if len(arguments) > len(paths):
        print(*measureMemory(camera, arguments[-2], int(arguments[-1])))
        return 0
    print(f"python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}")
    # A process starts with the largest memory of its parent, so this comes before the parent grows.
    memory = {binning: [askProcess(paths, name, binning) for name in WAYS] for binning in BINNINGS}
    passed = [compare(camera, binning, memory[binning]) for binning in BINNINGS]
    timeBinning()
    print("as fast and no larger" if all(passed) else "SLOWER OR LARGER")
    return int(not all(passed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
