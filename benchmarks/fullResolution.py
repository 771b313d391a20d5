# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Time an exposure of LSSTCam on its way through binning, significance and pyramid, and measure its memory.

Residual images of some detectors are simulated (seeded) and stored as Butler stores an exposure by default:
image, mask and variance compressed without loss. Then, detector by detector, in turn:

baseline
    Read image and mask, and write them once, compressed as the pyramid compresses them.
views
    Read image and mask, bin image and significance into two mosaics, measure the significance, and write all
    levels of the pyramid; plus a share of what finishing the pyramid of all detectors takes.

Times are those of the processor, since others may use the machine; those on the wall are printed beside them.
The time of 205 detectors is that of some of them, scaled linearly. Memory is measured for real: a process of
its own puts all 205 through (from the same few files) and reports the largest resident set. The time of
``findStructures``, which the task runs between the two, is printed apart.

The exit status is 1 if the views take more than twice the time of the baseline, or more than 3 GB.

Usage: ``python benchmarks/fullResolution.py CAMERA.fits [--detectors N] [--memory-detectors N]``
"""

from __future__ import annotations

import argparse
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import astropy
import astropy.io.fits
import numpy as np

from lsst.afw.cameraGeom import FOCAL_PLANE, PIXELS, Camera
from lsst.afw.image import ExposureFitsReader, ImageF, MaskX, makeExposure, makeMaskedImage
from lsst.analysis.cp.core import FocalPlaneGeometry
from lsst.analysis.cp.core.images import FocalPlaneMosaic, excludedPixels
from lsst.analysis.cp.core.pyramid import PyramidWriter
from lsst.analysis.cp.core.pyramid.index import hduBytes
from lsst.analysis.cp.core.pyramid.writer import compressedHdu
from lsst.analysis.cp.core.structures import DetectionThresholds, findStructures, measureSignificance
from lsst.analysis.cp.tasks.residuals.tasks import ampSlices
from lsst.cp.simulator.quickFrames import simulateFrame

MAX_RATIO = 2.0
MAX_MEMORY = 3e9
MOSAIC_BINNING = 16
NOISE = 5.0
SEED = 20260702

_LOSSLESS = {plane: {"algorithm": "GZIP_2"} for plane in ("image", "mask", "variance")}


@dataclass
class Clock:
    """Adds up the time of the processor and of the wall, by name."""

    processor: dict[str, float] = field(default_factory=dict)
    wall: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Add the time of the block."""
        processor, wall = time.process_time(), time.perf_counter()
        yield
        self.processor[name] = self.processor.get(name, 0.0) + time.process_time() - processor
        self.wall[name] = self.wall.get(name, 0.0) + time.perf_counter() - wall


def writeExposure(path: Path, geometry: FocalPlaneGeometry, index: int) -> None:
    """Simulate the residual image of a detector, with one masked pixel in ten thousand."""
    detector = int(geometry.layout.detectorId[index])
    x_min, y_min, x_max, y_max = geometry.detectorEdges[index]
    shape = round(y_max - y_min), round(x_max - x_min)
    pixels = simulateFrame(ampSlices(geometry, detector), shape, NOISE, [SEED, detector])
    image, variance = ImageF(pixels), ImageF(np.full(shape, NOISE**2, dtype=np.float32))
    rng = np.random.default_rng([SEED, detector])
    bits = np.where(rng.random(shape, dtype=np.float32) < 1e-4, np.int32(1), np.int32(0))
    exposure = makeExposure(makeMaskedImage(image, MaskX(bits), variance))
    exposure.writeFitsWithOptions(str(path), _LOSSLESS)


class Views:
    """The way of an exposure, detector by detector."""

    def __init__(self, folder: Path, geometry: FocalPlaneGeometry) -> None:
        self.clock = Clock()
        self.geometry = geometry
        self.mean, self.peak = (FocalPlaneMosaic(geometry, MOSAIC_BINNING) for _ in range(2))
        self.writer = PyramidWriter(folder / "pyramid.fits", geometry, unit="electron")

    def add(self, detector: int, path: Path, *, structures: bool = False) -> None:
        """Put a detector through."""
        clock = self.clock
        amps = ampSlices(self.geometry, detector)
        with clock.measure("read"):
            image, mask = readPixels(path)
        with clock.measure("exclude"):
            excluded = excludedPixels(image.array, mask.array, mask.getMaskPlaneDict())
        with clock.measure("significance"):
            significance = measureSignificance(image.array, excluded, amps)
            peaks = np.abs(significance.values)
        with clock.measure("binning"):
            self.mean.addUnbinned(detector, image.array, "mean", excluded=excluded)
            self.peak.addUnbinned(detector, peaks, "max", excluded=excluded)
        with clock.measure("pyramid"):
            self.writer.addDetector(
                detector,
                image.array,
                excluded,
                mask=mask.array,
                planes=mask.getMaskPlaneDict(),
                significance=peaks,
                noise=significance.noise,
            )
        if structures:
            thresholds = DetectionThresholds.fromBudget(amps)
            processor = time.process_time()
            findStructures(significance, amps, thresholds)
            self.structuresTime = time.process_time() - processor

    def finish(self) -> None:
        """Finish the pyramid."""
        with self.clock.measure("finish"):
            self.writer.finish()


def readPixels(path: Path) -> tuple[Any, MaskX]:
    """Read image and mask as the Butler reads these components."""
    reader = ExposureFitsReader(str(path))
    return reader.readImage(), reader.readMask()


def runBaseline(path: Path, target: Path, clock: Clock) -> None:
    """Read the pixels of a detector and write them once."""
    with clock.measure("read"):
        image, mask = readPixels(path)
    with clock.measure("write"), target.open("wb") as file:
        header = astropy.io.fits.Header()
        file.write(hduBytes(compressedHdu(image.array, header, NOISE / 16)))
        file.write(hduBytes(compressedHdu(mask.array, header)))


def report(name: str, clock: Clock, nDetectors: int) -> float:
    """Print the times of one detector, and return the sum."""
    total = sum(clock.processor.values()) / nDetectors
    parts = ", ".join(f"{part} {1e3 * seconds / nDetectors:.0f}" for part, seconds in clock.processor.items())
    wall = sum(clock.wall.values()) / nDetectors
    print(f"{name}: {1e3 * total:.0f} ms a detector (wall {1e3 * wall:.0f} ms): {parts}")
    return total


def measureTime(folder: Path, geometry: FocalPlaneGeometry, ids: list[int], paths: dict[int, Path]) -> float:
    """Print the times of baseline and views, and return their ratio without finishing."""
    views, clock = Views(folder, geometry), Clock()
    # The first detector of each finds the libraries' own tables unmade.
    views.add(ids[0], paths[ids[0]])
    runBaseline(paths[ids[0]], folder / "once.fits", clock)
    views.clock, clock = Clock(), Clock()
    for detector in ids[1:]:
        runBaseline(paths[detector], folder / "once.fits", clock)
        views.add(detector, paths[detector], structures=detector == ids[-1])
    finishing = Clock()
    views.clock, own = finishing, views.clock
    views.finish()
    size = (folder / "pyramid.fits").stat().st_size
    n = len(ids) - 1
    baseline = report("baseline", clock, n)
    full = report("views", own, n) + finishing.processor["finish"] / len(geometry.layout.detectorId)
    print(f"finish: {finishing.processor['finish']:.2f} s once (mosaics of the whole focal plane)")
    print(f"findStructures, not counted: {1e3 * views.structuresTime:.0f} ms a detector")
    print(f"file: {size / len(ids) / 1e6:.1f} MB a detector")
    n_all = len(geometry.layout.detectorId)
    print(
        f"{n_all} detectors, scaled linearly: baseline {baseline * n_all:.0f} s, views {full * n_all:.0f} s"
    )
    print(f"ratio: {full / baseline:.2f} (allowed {MAX_RATIO})")
    return full / baseline


def runAll(camera: str, folder: Path, nDetectors: int) -> None:
    """Put all detectors through, from the files of those of the same size; print the largest resident set."""
    geometry = FocalPlaneGeometry.fromCamera(Camera.readFits(camera), PIXELS, FOCAL_PLANE)
    views = Views(folder, geometry)
    wall = time.perf_counter()
    for index, detector in enumerate(geometry.layout.detectorId.tolist()[:nDetectors]):
        views.add(detector, folder / f"{sizeOf(geometry, index)}.fits")
    views.finish()
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    size = (folder / "pyramid.fits").stat().st_size
    print(f"{nDetectors} detectors: {time.perf_counter() - wall:.0f} s, file {size / 1e9:.2f} GB")
    print(f"largest resident set: {peak / 1e9:.2f} GB (allowed {MAX_MEMORY / 1e9:.0f})")
    sys.exit(int(peak > MAX_MEMORY))


def sizeOf(geometry: FocalPlaneGeometry, index: int) -> str:
    """Return a name for the size of a detector."""
    x_min, y_min, x_max, y_max = geometry.detectorEdges[index].tolist()
    return f"{x_max - x_min:.0f}x{y_max - y_min:.0f}-{geometry.layout.ampsPerDetector[index]}"


def measureMemory(camera: str, folder: Path, geometry: FocalPlaneGeometry, nDetectors: int) -> bool:
    """Run `runAll` in a process of its own; return whether it keeps to its memory."""
    sizes: dict[str, int] = {}
    for index in range(nDetectors):
        sizes.setdefault(sizeOf(geometry, index), index)
    for size, index in sizes.items():
        writeExposure(folder / f"{size}.fits", geometry, index)
    arguments = [camera, "--folder", str(folder), "--memory-detectors", str(nDetectors)]
    return subprocess.run([sys.executable, __file__, *arguments], check=False).returncode == 0


def chooseDetectors(geometry: FocalPlaneGeometry, number: int) -> list[int]:
    """Return science detectors, evenly spread."""
    science = geometry.layout.detectorId[geometry.layout.detectorType == "SCIENCE"]
    return science[np.linspace(0, len(science) - 1, number + 1).astype(int)].tolist()


def main() -> int:
    """Run the benchmark; return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("camera", help="the camera, as a FITS file")
    parser.add_argument("--detectors", type=int, default=6, help="number of detectors that are timed")
    parser.add_argument("--memory-detectors", type=int, default=205, help="number for the memory; 0 for none")
    parser.add_argument("--folder", type=Path, help="(for the process of its own) where the exposures are")
    arguments = parser.parse_args()
    if arguments.folder is not None:
        runAll(arguments.camera, arguments.folder, arguments.memory_detectors)
    print(f"Python {platform.python_version()}, numpy {np.__version__}, astropy {astropy.__version__}")
    geometry = FocalPlaneGeometry.fromCamera(Camera.readFits(arguments.camera), PIXELS, FOCAL_PLANE)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ids = chooseDetectors(geometry, arguments.detectors)
        paths = {detector: folder / f"{detector}.fits" for detector in ids}
        for detector, path in paths.items():
            writeExposure(path, geometry, int(geometry.detectorIndex([detector])[0]))
        good = measureTime(folder, geometry, ids, paths) <= MAX_RATIO
        if arguments.memory_detectors:
            good &= measureMemory(arguments.camera, folder, geometry, arguments.memory_detectors)
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
