# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""Windows of a pyramid: which pixels they show, and what is read for them."""

import io
from dataclasses import dataclass, field

import astropy.io.fits
import numpy as np
import pytest
from astropy.utils.exceptions import AstropyUserWarning
from astropy.wcs import WCS

from lsst.afw.cameraGeom import FOCAL_PLANE, PIXELS
from lsst.analysis.cp.core import FocalPlaneGeometry
from lsst.analysis.cp.core.images import DetectorPlacement, MosaicGrid
from lsst.analysis.cp.core.pyramid import PyramidFileError, PyramidReader, PyramidWriter, windowOf
from lsst.geom import Point2D

PIXEL = 0.01
STEP = 5.0 / 16
QUARTERS = (10, 11, 12)


@pytest.fixture
def reader(pyramidPath):
    with PyramidReader(pyramidPath) as pyramid:
        yield pyramid


@pytest.fixture(scope="module")
def placements(pyramidCamera):
    made = (DetectorPlacement.fromGeometry(pyramidCamera, i) for i in range(5))
    return {placement.detectorId: placement for placement in made}


@dataclass
class CountingFile(io.RawIOBase):
    """A file in memory that records what is read of it."""

    content: bytes
    position: int = 0
    reads: list[tuple[int, int]] = field(default_factory=list)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.position = offset + (0, self.position, len(self.content))[whence]
        return self.position

    def read(self, size: int = -1) -> bytes:
        part = self.content[self.position :][: None if size < 0 else size]
        self.reads.append((self.position, self.position + len(part)))
        self.position += len(part)
        return part


@pytest.fixture
def countingFile(pyramidPath):
    return CountingFile(pyramidPath.read_bytes())


@pytest.fixture(scope="module")
def tileSpans(pyramidPath):
    """Return where each tile of each image is, as the tables of the compressed images say."""
    spans = []
    with astropy.io.fits.open(pyramidPath, disable_image_compression=True) as hdus:
        places = [(hdu.header, hdu.fileinfo()["datLoc"], hdu.fileinfo()["datSpan"]) for hdu in hdus]
    content = pyramidPath.read_bytes()
    spans.append((places[1][1], places[1][1] + places[1][2]))
    for header, start, _ in places:
        if "ZIMAGE" in header:
            n_bytes, n_tiles = header["NAXIS1"], header["NAXIS2"]
            assert header["TFORM1"].startswith("1PB")
            rows = np.frombuffer(content[start : start + n_bytes * n_tiles], dtype=">i4").reshape(n_tiles, -1)
            heap = start + header.get("THEAP", n_bytes * n_tiles)
            # Number of bytes, and where they start; a tile that is not rounded is in the second column.
            for size, at in rows[:, :2].tolist() + (rows[:, 2:4].tolist() if header["TFIELDS"] > 1 else []):
                spans += [(heap + at, heap + at + size)] if size else []
    return np.array(spans)


def nearest(placement, grid, image):
    """Show an image in a window by looking up each pixel, one after another in x and y."""
    rows, columns = np.indices(grid.shape)
    column, row = placement.toPixels(*grid.toFocalPlane(columns, rows))
    column, row = np.floor(column + 0.5).astype(int), np.floor(row + 0.5).astype(int)
    inside = (row >= 0) & (row < image.shape[0]) & (column >= 0) & (column < image.shape[1])
    shown = np.full(grid.shape, np.nan)
    shown[inside] = image[row[inside], column[inside]]
    return shown


@pytest.mark.parametrize("detector", QUARTERS)
def test_window_of_a_turned_detector(reader, placements, pyramidImages, detector):
    placement = placements[detector]
    view = reader.read(placement.toFocalPlane(400.0, 250.0), (3.0, 2.0), factor=1)
    assert view.image.shape == (200, 300) == view.grid.shape
    expected = nearest(placement, view.grid, pyramidImages[detector])
    assert np.isfinite(expected).all()
    assert np.abs(view.image - expected).max() <= 0.5 * STEP + 1e-4


def test_window_of_a_detector_at_another_angle(reader, placements, pyramidImages):
    view = reader.read(placements[14].toFocalPlane(550.0, 350.0), 6.0, factor=1)
    expected = nearest(placements[14], view.grid, pyramidImages[14])
    np.testing.assert_allclose(view.image, expected, atol=0.5 * STEP + 1e-4)


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_window_over_several_detectors(reader, placements, pyramidImages, factor):
    view = reader.read((12.5, 11.5), 1000 * PIXEL * factor, factor=factor)
    expected = np.full(view.grid.shape, np.nan)
    for i, (number, image) in enumerate(pyramidImages.items()):
        kept = image if factor == 1 else np.where(image > 115.0 + 100.0 * i, np.nan, image)
        bins = kept.astype(float).reshape(700 // factor, factor, 1100 // factor, factor)
        shown = nearest(placements[number].binned(factor), view.grid, np.nanmean(bins, axis=(1, 3)))
        expected = np.where(np.isnan(shown), expected, shown)
    assert np.isfinite(expected).any()
    np.testing.assert_allclose(view.image, expected, atol=0.5 * STEP / factor + 1e-4)
    assert view.missing == (13,)


def test_view_is_on_the_pixels_of_the_detector_in_the_middle(reader, placements):
    view = reader.read((15.123, 4.567), 3.0, factor=2)
    column, row = placements[11].binned(2).toPixels(view.grid.x0, view.grid.y0)
    np.testing.assert_allclose([column % 1, row % 1], np.rint([column % 1, row % 1]), atol=1e-6)


@pytest.mark.parametrize("name", ["R00_SG0", "R00_SW1", "R22_S11", "R14_S20"])
@pytest.mark.parametrize("factor", [1, 2])
def test_marked_pixel_is_where_the_camera_says(lsstCam, tmp_path, name, factor):
    detector = next(found for found in lsstCam if found.getName() == name)
    geometry = FocalPlaneGeometry.fromCamera([detector], PIXELS, FOCAL_PLANE)
    box = detector.getBBox()
    corners = [(box.getMinX(), box.getMinY()), (box.getMaxX(), box.getMinY()), (box.getMaxX(), box.getMaxY())]
    image = np.zeros((box.getHeight(), box.getWidth()), dtype=np.float32)
    for i, (x, y) in enumerate(corners):
        image[y, x] = 1000.0 * (i + 1)
    with PyramidWriter(tmp_path / "a.fits", geometry) as writer:
        writer.addDetector(detector.getId(), image, image < 0, noise=1.0)
    with PyramidReader(tmp_path / "a.fits") as pyramid:
        for i, (x, y) in enumerate(corners):
            there = detector.getTransform(PIXELS, FOCAL_PLANE).applyForward(Point2D(x, y))
            assert pyramid.toFocalPlane(name, x, y) == pytest.approx(tuple(there), abs=1e-6)
            view = pyramid.read(tuple(there), 0.5, factor=factor)
            row, column = np.unravel_index(np.nanargmax(view.image), view.image.shape)
            assert view.image[row, column] == pytest.approx(1000.0 * (i + 1) / factor**2, abs=1)
            shown_at = view.grid.toFocalPlane(column, row)
            assert np.abs(np.subtract(shown_at, there)).max() <= 0.5 * view.grid.pixelSize + 1e-6


def test_window_of_the_mosaic_is_cut_from_it(reader, pyramidPath):
    mosaic, header = astropy.io.fits.getdata(pyramidPath, "MOSAIC_IMAGE_8", header=True)
    view = reader.read((12.0, 11.0), 16.0, factor=8)
    first = WCS(header).wcs_world2pix([[view.grid.x0, view.grid.y0]], 0)[0]
    column, row = np.rint(first).astype(int)
    np.testing.assert_allclose(first, [column, row], atol=1e-6)
    np.testing.assert_array_equal(view.image, mosaic[row : row + 200, column : column + 200])
    assert view.missing == (13,)


def test_window_reaches_out_of_the_mosaic(reader):
    view = reader.read((0.0, 0.0), 40.0, factor=8)
    assert view.image.shape == (500, 500)
    assert np.isnan(view.image[:100]).all()
    assert np.isfinite(view.image[300:, 300:]).any()


def test_mask_of_a_window(reader, placements):
    view = reader.read(placements[12].toFocalPlane(300.0, 200.0), 0.5, plane="mask")
    mask = np.arange(700 * 1100).reshape(700, 1100) % 8
    np.testing.assert_array_equal(view.image, nearest(placements[12], view.grid, mask))
    assert view.image.dtype == np.int32
    assert view.maskPlanes == {"BAD": 0, "SAT": 1, "DETECTED_NEGATIVE": 2}


def test_mask_is_zero_where_there_is_no_detector(reader):
    assert np.all(reader.read((25.0, 15.0), 0.5, plane="mask").image == 0)


def test_significance_of_a_window(reader, placements, pyramidImages):
    view = reader.read(placements[10].toFocalPlane(300.0, 200.0), 2.0, plane="significance")
    assert (view.factor, view.unit) == (2, "")
    image = pyramidImages[10]
    peaks = np.abs(np.where(image > 115, np.nan, image) - np.median(image)) / 5
    expected = np.nanmax(peaks.reshape(350, 2, 550, 2), axis=(1, 3))
    assert np.abs(view.image - nearest(placements[10].binned(2), view.grid, expected)).max() < 0.5 / 16 + 1e-4


@pytest.mark.parametrize(
    ("width", "maxPixels", "factor"),
    [(5.0, 1024, 1), (10.24, 1024, 1), (10.3, 1024, 2), (9.0, 300, 4), (30.0, 600, 8)],
)
def test_finest_factor_that_fits(reader, width, maxPixels, factor):
    view = reader.read((12.0, 11.0), width, maxPixels=maxPixels)
    assert view.factor == factor
    assert max(view.image.shape) <= maxPixels


def test_unit_is_that_of_the_image(reader):
    assert reader.read((5.0, 3.0), 1.0).unit == "electron"


@pytest.mark.parametrize("plane", ["image", "significance"])
def test_few_tiles_and_bytes_are_read(countingFile, tileSpans, plane):
    rng = np.random.default_rng(11)
    pyramid = PyramidReader(countingFile, name="counted")
    for _ in range(60):
        factor = int(rng.choice(pyramid.factors(plane)))
        size = rng.integers(1, 1025, 2) * PIXEL * factor
        countingFile.reads.clear()
        view = pyramid.read(tuple(rng.uniform(0, 24, 2)), tuple(size), plane=plane, factor=factor)
        reads = np.array(countingFile.reads).reshape(-1, 2)
        touched = [((reads[:, 0] < last) & (reads[:, 1] > first)).any() for first, last in tileSpans]
        assert sum(touched) == view.nTiles <= 16
        assert (reads[:, 1] - reads[:, 0]).sum() == view.nBytes


def test_sixteen_tiles_at_most_anywhere_in_lsst_cam(lsstCam):
    geometry = FocalPlaneGeometry.fromCamera(lsstCam, PIXELS, FOCAL_PLANE)
    placements = [DetectorPlacement.fromGeometry(geometry, i) for i in range(len(lsstCam))]
    rng = np.random.default_rng(13)
    most = 0
    for factor in (1, 2, 4):
        binned = [placement.binned(factor) for placement in placements]
        middles = geometry.detectorCorners.mean(axis=1)
        # Corners between detectors are the places that need most.
        corners = geometry.detectorCorners.reshape(-1, 2)
        for corner in corners[rng.choice(len(corners), 100)]:
            x0, y0 = corner - rng.uniform(0, 1024, 2) * PIXEL * factor
            grid = MosaicGrid(x0, y0, PIXEL * factor, (1024, 1024))
            near = np.flatnonzero(np.abs(middles - corner).max(axis=1) < 100)
            tiles = 0
            for window in filter(None, (windowOf(binned[i], grid) for i in near)):
                spans = [(part.start // 512, -(-part.stop // 512)) for part in window.source]
                tiles += np.prod([last - first for first, last in spans])
            most = max(most, tiles)
    assert 9 <= most <= 16


def test_bytes_do_not_depend_on_the_size_of_the_image(makeGeometry, tmp_path):
    counts = []
    for height in (1536, 6144):
        camera = makeGeometry((height, 1500), (0.0, 0.0, 0.0))
        image = np.random.default_rng(17).normal(size=(height, 1500)).astype(np.float32)
        path = tmp_path / f"{height}.fits"
        with PyramidWriter(path, camera) as writer:
            writer.addDetector(10, image, np.zeros(image.shape, dtype=bool), noise=1.0)
        file = CountingFile(path.read_bytes())
        PyramidReader(file, name="counted").read((7.0, 7.0), 8.0, factor=1)
        counts.append(sum(last - first for first, last in file.reads))
    # More tiles have more places, 32 bytes each.
    assert counts[1] - counts[0] < 3000


def test_second_window_reads_no_headers_again(countingFile):
    pyramid = PyramidReader(countingFile, name="counted")
    first = pyramid.read((5.0, 3.0), 1.0, factor=1)
    again = pyramid.read((5.0, 3.0), 1.0, factor=1)
    assert again.nTiles == first.nTiles
    assert again.nBytes < first.nBytes
    np.testing.assert_array_equal(first.image, again.image)


def test_overview_is_the_coarsest_mosaic(reader, pyramidPath):
    np.testing.assert_array_equal(reader.overview(), astropy.io.fits.getdata(pyramidPath, 1))


def test_handed_over_file_stays_open(countingFile):
    with PyramidReader(countingFile, name="counted"):
        pass
    assert not countingFile.closed


@pytest.mark.parametrize(
    ("arguments", "keywords", "message"),
    [
        (((500.0, 0.0), 1.0), {}, r"outside the focal plane, from \(0\.000, 0\.000\)"),
        (
            ((5.0, 3.0), 1.0),
            {"plane": "variance"},
            r"no plane 'variance'; it has \['image', 'mask', 'significance'\]",
        ),
        (((5.0, 3.0), 1.0), {"factor": 3}, r"has 'image' at factors \(1, 2, 4, 8\); got 3"),
        (
            ((5.0, 3.0), 20.0),
            {"plane": "mask"},
            "needs 2000 pixels of 'mask' at factor 1, and 1024 are allowed",
        ),
        (((5.0, 3.0), 20.0), {"factor": 1}, "ask for a narrower one or a larger factor"),
        (((5.0, 3.0), 0.0), {}, "Expected a window in mm"),
        (((5.0, np.nan), 1.0), {}, "Expected a window in mm"),
    ],
)
def test_wrong_windows_are_named(reader, arguments, keywords, message):
    with pytest.raises(ValueError, match=message):
        reader.read(*arguments, **keywords)


def test_wrong_places_on_detectors_are_named(reader):
    with pytest.raises(ValueError, match=r"no detector 'R99'; it has 5, 10 \(R00_S00\) to 14"):
        reader.toFocalPlane("R99", 0, 0)
    with pytest.raises(ValueError, match=r"Pixel \(1100, 3\) is not on detector 12 \(R00_S02\)"):
        reader.toFocalPlane(12, 1100, 3)


@pytest.mark.parametrize("content", [b"", b"no FITS file at all", b"SIMPLE  =", b"XTENSION= " * 300])
def test_file_that_is_no_fits(content):
    with pytest.raises(ValueError, match="this file is no FITS file"):
        PyramidReader(io.BytesIO(content), name="this file")


def test_file_that_is_no_pyramid(tmp_path):
    astropy.io.fits.writeto(tmp_path / "a.fits", np.zeros((3, 4)))
    with pytest.raises(
        ValueError, match=r"a\.fits is no pyramid, or its first header is damaged: it has no PYRVERS"
    ):
        PyramidReader(tmp_path / "a.fits")


def test_other_file_with_a_version_is_no_pyramid():
    hdu = astropy.io.fits.PrimaryHDU()
    hdu.header["PYRVERS"] = 2
    hdu.header["PYRINDEX"] = 2880
    hdu.add_checksum()
    with pytest.raises(
        PyramidFileError, match=r"other is no pyramid: its first header lacks PYRNINDX, .*PYRPIXEL"
    ):
        PyramidReader(io.BytesIO(hdu.header.tostring().encode()), name="other")


def test_file_that_is_cut_short(pyramidPath):
    content = pyramidPath.read_bytes()
    with pytest.raises(PyramidFileError, match="this file is cut short: it ends within its index"):
        PyramidReader(io.BytesIO(content[:400000]), name="this file")
    pyramid = PyramidReader(io.BytesIO(content[: len(content) // 3]), name="this file")
    with pytest.raises(PyramidFileError, match="is cut short: the file ends"):
        pyramid.read((32.0, 8.0), 1.0)


@pytest.fixture(scope="module")
def smallPyramid(makeGeometry, tmp_path_factory):
    """Return the bytes of a pyramid of one detector with several tiles."""
    rng = np.random.default_rng(19)
    image = rng.normal(0, 5, (600, 530)).astype(np.float32)
    path = tmp_path_factory.mktemp("damage") / "small.fits"
    with PyramidWriter(path, makeGeometry(image.shape, (0.0, 0.0, 0.0)), unit="adu") as writer:
        writer.addDetector(
            10,
            image,
            image > 15,
            mask=(image > 15).astype(np.int32),
            planes={"BAD": 0},
            significance=image / 5,
            noise=5.0,
        )
    return path.read_bytes()


def readAll(content):
    """Read all that there is in a pyramid, as plain arrays."""
    pyramid = PyramidReader(io.BytesIO(content), name="damaged.fits")
    everything = {"overview": pyramid.overview(), "pixelSize": pyramid.pixelSize}
    for plane in ("image", "mask", "significance"):
        for factor in pyramid.factors(plane):
            view = pyramid.read((2.65, 3.0), (5.3, 6.0), plane=plane, factor=factor)
            everything[plane, factor] = view.image
            everything[plane, factor, "grid"] = view.grid.x0, view.grid.y0, view.grid.pixelSize
            everything[plane, factor, "about"] = view.unit, str(view.missing), str(view.maskPlanes)
    return everything


def checkDamaged(content, expected):
    """Read a damaged file; return whether it is refused, and make sure that it is right if it is not."""
    try:
        found = readAll(content)
    except PyramidFileError as error:
        return str(error).startswith("damaged.fits")
    assert found.keys() == expected.keys()
    for key, value in found.items():
        np.testing.assert_array_equal(value, expected[key])
    return False


def changeBit(content, place):
    damaged = bytearray(content)
    damaged[place // 8] ^= 1 << place % 8
    return bytes(damaged)


def changeByte(content, place):
    damaged = bytearray(content)
    damaged[place // 8] = (damaged[place // 8] + 1 + place % 255) % 256
    return bytes(damaged)


def zeroBlock(content, place):
    start = place // 8 // 512 * 512
    return content[:start] + bytes(512) + content[start + 512 :]


def swapNeighbours(content, place):
    start = place // 8
    return content[:start] + content[start : start + 2][::-1] + content[start + 2 :]


def cutOff(content, place):
    return content[: place // 8]


@pytest.mark.parametrize("damage", [changeBit, changeByte, zeroBlock, swapNeighbours, cutOff])
def test_damage_is_never_taken_for_pixels(smallPyramid, damage):
    expected = readAll(smallPyramid)
    rng = np.random.default_rng(23)
    # Half of the places are in the file as a whole, half among headers and index at its start.
    places = [*rng.integers(8 * len(smallPyramid), size=60), *rng.integers(8 * 30_000, size=60)]
    refused = sum(checkDamaged(damage(smallPyramid, int(place)), expected) for place in places)
    assert refused > (0 if damage is swapNeighbours else 30)


def test_damaged_tile_is_named(pyramidPath):
    with astropy.io.fits.open(pyramidPath, disable_image_compression=True) as hdus:
        hdu = hdus["R00_S00_IMAGE_1"]
        start = hdu.fileinfo()["datLoc"] + hdu.header["NAXIS1"] * hdu.header["NAXIS2"]
    damaged = changeBit(pyramidPath.read_bytes(), 8 * (start + 100))
    pyramid = PyramidReader(io.BytesIO(damaged), name="damaged.fits")
    place = pyramid.toFocalPlane("R00_S00", 10, 10)
    message = r"damaged\.fits: 'image' of detector 10 at factor 1 is damaged: the checksum of tile 0 is wrong"
    with pytest.raises(PyramidFileError, match=message):
        pyramid.read(place, 0.1, factor=1)
    # What is not damaged can be read.
    far = pyramid.toFocalPlane("R00_S00", 1000, 10)
    assert np.isfinite(pyramid.read(far, 0.1, factor=1).image).all()
    pyramid.overview()


def test_pyramid_of_the_first_version_is_named(pyramidPath):
    number = "PYRVERS = {:20d}"
    content = pyramidPath.read_bytes().replace(number.format(2).encode(), number.format(1).encode(), 1)
    with pytest.raises(PyramidFileError, match="version 1, or .* Make pyramids of version 1, .*, again"):
        PyramidReader(io.BytesIO(content), name="old.fits")


def test_first_header_has_the_checksum_of_fits(pyramidPath):
    """Tools that know nothing of pyramids verify it, too."""
    with astropy.io.fits.open(pyramidPath, checksum=True) as hdus:
        assert "CHECKSUM" in hdus[0].header
    damaged = io.BytesIO(pyramidPath.read_bytes().replace(b"Version", b"version", 1))
    with pytest.warns(AstropyUserWarning, match="Checksum verification failed"):
        astropy.io.fits.open(damaged, checksum=True)
