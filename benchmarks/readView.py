# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Time windows of a pyramid in a Butler repository against a direct read of the tiles that they show.

A pyramid of some detectors in the middle of LSSTCam is made of noise (seeded) and stored. Windows of 1024 by
1024 pixels, and of random smaller sizes, are read at random places and all levels, each in five ways:

view
    What ``readView`` does once Butler has found the file: open it, read the index, and read the window.
direct
    Open the file, and read the same tiles as wholes with astropy's ``section``; where the HDUs lie is known.
again
    The window from a reader that is open and has read the headers, as ``openPyramid`` gives it.
tiles
    The tiles from HDUs that are open and whose headers are read.
bytes
    The raw bytes of these tiles, without decompressing them.

The file is in the cache of the system (warm). Printed are the largest number of tiles, and medians of their
size (MB), of the times (ms of the processor) and of ratios. The exit status is 1 if a window needs more than
16 tiles, or if at any level the median of view is more than three times that of direct.

Usage: ``python benchmarks/readView.py CAMERA.fits [--detectors N] [--windows N]``
"""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import astropy
import astropy.io.fits
import numpy as np
import numpy.typing as npt

from lsst.afw.cameraGeom import FOCAL_PLANE, PIXELS, Camera
from lsst.analysis.cp.core import FocalPlaneGeometry
from lsst.analysis.cp.core.images import DetectorPlacement, MosaicGrid
from lsst.analysis.cp.core.pyramid import FilePart, PyramidReader, PyramidWriter
from lsst.analysis.cp.core.pyramid.index import readIndex
from lsst.analysis.cp.notebook import readView
from lsst.analysis.cp.tasks.residuals import PyramidImage
from lsst.daf.butler import Butler, DatasetType

MAX_RATIO = 3.0
MAX_TILES = 16
TILE = 512
WIDTH = 1024
REPEATS = 3
SEED = 20260702
DATA_ID = {"instrument": "LSSTCam"}
NAME = "benchmark_pyramid"

Tile = tuple[str, tuple[slice, slice]]
Span = tuple[int, int]


def writePyramid(path: Path, geometry: FocalPlaneGeometry, indices: list[int]) -> None:
    """Write a pyramid of noise."""
    rng = np.random.default_rng(SEED)
    with PyramidWriter(path, geometry, unit="electron") as writer:
        for index in indices:
            x_min, y_min, x_max, y_max = geometry.detectorEdges[index]
            image = rng.standard_normal((round(y_max - y_min), round(x_max - x_min)), dtype=np.float32)
            image *= 5
            detector = int(geometry.layout.detectorId[index])
            writer.addDetector(detector, image, image > 1e3, significance=image / np.float32(5), noise=5.0)


def makeButler(root: Path, pyramid: Path) -> Butler:
    """Store the pyramid in a repository."""
    Butler.makeRepo(str(root))
    butler = Butler.from_config(str(root), run="benchmark")
    butler.registry.insertDimensionData("instrument", {**DATA_ID, "class_name": "lsst.obs.lsst.LsstCam"})
    butler.registry.registerDatasetType(
        DatasetType(NAME, ("instrument",), "ImageF", universe=butler.dimensions)
    )
    butler.put(PyramidImage.fromFile(pyramid), NAME, DATA_ID)
    return butler


class DirectRead:
    """The tiles of windows, read with astropy from a file whose headers are known.

    Parameters
    ----------
    path
        The pyramid.
    geometry
        The camera.
    """

    def __init__(self, path: Path, geometry: FocalPlaneGeometry) -> None:
        self._hdus = astropy.io.fits.open(path, memmap=False)
        self._images = {hdu.name: hdu for hdu in self._hdus if hdu.is_image and hdu.shape}
        self._path, self._file = path, path.open("rb")
        images = readIndex(self._file, path.name)[1].images.values()
        places = {place.offset: place for place in images if place.present}
        starts = {name: hdu.fileinfo()["hdrLoc"] for name, hdu in self._images.items()}
        self._parts = {name: places[start] for name, start in starts.items() if start in places}
        self._spans: dict[str, npt.NDArray[np.int64]] = {}
        with astropy.io.fits.open(path, disable_image_compression=True) as tables:
            for hdu in tables:
                if "ZIMAGE" in hdu.header:
                    self._spans[hdu.name] = self._spansOf(hdu)
        count = len(geometry.layout.detectorId)
        self._placements = [DetectorPlacement.fromGeometry(geometry, i) for i in range(count)]

    def _spansOf(self, hdu: Any) -> npt.NDArray[np.int64]:
        """Return where each tile of an image starts, and its number of bytes; shape (2, n)."""
        start, header = hdu.fileinfo()["datLoc"], hdu.header
        rows, width = header["NAXIS2"], header["NAXIS1"]
        self._file.seek(start)
        table = np.frombuffer(self._file.read(rows * width), dtype=">i4").reshape(rows, -1).astype(np.int64)
        return np.stack([start + rows * width + table[:, 1], table[:, 0]])

    def tilesOf(self, grid: MosaicGrid, factor: int) -> list[Tile]:
        """Find the tiles that a window shows, by the corners of the window alone."""
        corners = grid.toFocalPlane([0, grid.shape[1] - 1], [0, grid.shape[0] - 1])
        mosaic = self._images.get(f"MOSAIC_IMAGE_{factor}")
        if mosaic is not None:
            origin = np.array([mosaic.header["CRVAL1"], mosaic.header["CRVAL2"]])
            places = [(corners[0] - origin[0]) / grid.pixelSize, (corners[1] - origin[1]) / grid.pixelSize]
            return _wholeTiles(mosaic, places)
        tiles = []
        for placement in self._placements:
            hdu = self._images.get(f"{placement.name}_IMAGE_{factor}")
            if hdu is not None:
                tiles += _wholeTiles(hdu, placement.binned(factor).toPixels(*corners))
        return tiles

    def read(self, tiles: list[Tile]) -> None:
        """Read and decompress."""
        for name, section in tiles:
            np.asarray(self._images[name].section[section], dtype=np.float32)

    def openAndRead(self, tiles: list[Tile]) -> None:
        """Do the same with a file that is not open yet."""
        with self._path.open("rb") as file:
            for name, section in tiles:
                part = FilePart(file, self._parts[name], name)
                hdu = astropy.io.fits.open(part, memmap=False)[1]
                np.asarray(hdu.section[section], dtype=np.float32)

    def spansOf(self, tiles: list[Tile]) -> list[Span]:
        """Return where the bytes of the tiles are."""
        found: list[Span] = []
        for name, (rows, columns) in tiles:
            per_row = -(-self._images[name].shape[1] // TILE)
            for row in range(rows.start // TILE, -(-rows.stop // TILE)):
                for column in range(columns.start // TILE, -(-columns.stop // TILE)):
                    offset, size = self._spans[name][:, row * per_row + column].tolist()
                    found.append((offset, size))
        return found

    def readBytes(self, spans: list[Span]) -> None:
        """Read the bytes only."""
        for offset, size in spans:
            self._file.seek(offset)
            self._file.read(size)


def _wholeTiles(hdu: Any, corners: Any) -> list[Tile]:
    """Return the tiles between two corners (columns, rows) of a window."""
    section = []
    for places, size in zip(reversed(corners), hdu.shape, strict=True):
        low, high = (int(np.floor(edge + 0.5 + 1e-6)) for edge in (np.min(places), np.max(places)))
        low, high = max(low, 0), min(high, size - 1)
        if low > high:
            return []
        section.append(slice(low // TILE * TILE, min((high // TILE + 1) * TILE, size)))
    return [(hdu.name, (section[0], section[1]))]


def measure(action: Callable[[], object]) -> float:
    """Return the shortest processor time of some repeats, in ms."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return 1e3 * min(times)


@dataclass
class Measured:
    """Times of one window (ms) by what was done, and the number of its tiles and of their bytes."""

    times: dict[str, float]
    nTiles: int
    nBytes: int


def measureWindow(
    path: Path, kept: PyramidReader, direct: DirectRead, centre: tuple[float, float], size: Any, factor: int
) -> Measured:
    """Time one window in all ways."""

    def view() -> None:
        with path.open("rb") as file:
            PyramidReader(file).read(centre, size, factor=factor)

    shown = kept.read(centre, size, factor=factor)
    tiles = direct.tilesOf(shown.grid, factor)
    spans = direct.spansOf(tiles)
    assert len(spans) == shown.nTiles, (spans, shown.nTiles)
    times = {
        "view": measure(view),
        "direct": measure(lambda: direct.openAndRead(tiles)),
        "again": measure(lambda: kept.read(centre, size, factor=factor)),
        "tiles": measure(lambda: direct.read(tiles)),
        "bytes": measure(lambda: direct.readBytes(spans)),
    }
    return Measured(times, shown.nTiles, sum(size for _, size in spans))


def report(name: str, windows: list[Measured]) -> float:
    """Print medians; return the ratio of view to direct."""
    median = {key: float(np.median([own.times[key] for own in windows])) for key in windows[0].times}
    size = np.median([own.nBytes for own in windows]) / 1e6
    times = "".join(f"{time:8.2f}" for time in median.values())
    ratios = median["view"] / median["direct"], median["again"] / median["tiles"]
    most = max(own.times["view"] / own.times["direct"] for own in windows)
    tiles = max(own.nTiles for own in windows)
    print(f"{name:>11}{tiles:6d}{size:8.2f}{times}{ratios[0]:8.2f}{most:8.2f}{ratios[1]:8.2f}")
    return ratios[0]


def run(path: Path, geometry: FocalPlaneGeometry, area: npt.NDArray[np.float64], nWindows: int) -> bool:
    """Time windows at all levels; return whether they are as fast as they have to be."""
    rng = np.random.default_rng(SEED)
    direct, kept = DirectRead(path, geometry), PyramidReader(path)
    heads = ("MB", "view", "direct", "again", "tiles", "bytes", "v/d", "(most)", "a/t")
    print(f"{'level':>11} tiles" + "".join(f"{head:>8}" for head in heads))
    good = True
    factors = kept.factors()
    for smaller in (False, True):
        for factor in factors:
            windows = []
            for _ in range(nWindows):
                pixels = rng.integers(64, WIDTH + 1, 2) if smaller else np.array([WIDTH, WIDTH])
                size = tuple((pixels * kept.pixelSize * factor).tolist())
                centre = tuple(rng.uniform(area[0], area[1]).tolist())
                windows.append(measureWindow(path, kept, direct, centre, size, factor))
            # Windows that show nothing read nothing.
            shown = [own for own in windows if own.nTiles]
            ratio = report(f"{'<' if smaller else '='} 1024, {factor}", shown)
            good &= max(own.nTiles for own in shown) <= MAX_TILES
            good &= ratio <= MAX_RATIO
    kept.close()
    return good


def main() -> int:
    """Run the benchmark; return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("camera", help="the camera, as a FITS file")
    parser.add_argument("--detectors", type=int, default=16, help="number of detectors in the pyramid")
    parser.add_argument("--windows", type=int, default=30, help="number of windows at each level")
    arguments = parser.parse_args()
    print(f"Python {platform.python_version()}, numpy {np.__version__}, astropy {astropy.__version__}")
    geometry = FocalPlaneGeometry.fromCamera(Camera.readFits(arguments.camera), PIXELS, FOCAL_PLANE)
    middles = geometry.detectorCorners.mean(axis=1)
    indices = np.argsort(np.abs(middles - [21.0, 21.0]).max(axis=1))[: arguments.detectors].tolist()
    corners = geometry.detectorCorners[indices].reshape(-1, 2)
    with tempfile.TemporaryDirectory() as name:
        writePyramid(Path(name) / "pyramid.fits", geometry, indices)
        butler = makeButler(Path(name) / "repo", Path(name) / "pyramid.fits")
        uri = butler.getURI(NAME, DATA_ID)
        readView(butler, "*", DATA_ID, (0.0, 0.0), 1.0)
        print(f"file: {uri.size() / 1e6:.0f} MB")
        print(f"Butler query: {measure(lambda: butler.getURI(NAME, DATA_ID)):.1f} ms")
        print(
            f"readView, 1000 pixels: {measure(lambda: readView(butler, '*', DATA_ID, (0, 0), 10.0)):.1f} ms"
        )
        good = run(
            Path(uri.ospath),
            geometry,
            np.array([corners.min(axis=0), corners.max(axis=0)]),
            arguments.windows,
        )
        butler.close()
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
