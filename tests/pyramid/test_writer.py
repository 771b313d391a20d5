# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""What is in the file of a pyramid, read by astropy alone."""

import astropy.io.fits
import numpy as np
import pytest
from astropy.stats import mad_std
from astropy.wcs import WCS

from lsst.afw.cameraGeom import FOCAL_PLANE, PIXELS
from lsst.analysis.cp.core import FocalPlaneGeometry
from lsst.analysis.cp.core.images import binImage
from lsst.analysis.cp.core.pyramid import PyramidReader, PyramidWriter, meanLevels, peakLevels
from lsst.geom import Point2D

STEP = 5.0 / 16
DETECTOR = 11


def blocks(image, factor, reduce):
    """Reduce each block of pixels by a loop."""
    rows, columns = (range(0, size, factor) for size in image.shape)
    return np.array([[reduce(image[y : y + factor, x : x + factor]) for x in columns] for y in rows])


@pytest.fixture(scope="module")
def hdus(pyramidPath):
    with astropy.io.fits.open(pyramidPath) as file:
        yield file


@pytest.fixture
def image(pyramidImages):
    return pyramidImages[DETECTOR]


@pytest.fixture
def small(makeGeometry):
    """Return a camera of two small detectors, of 30 rows and 43 columns."""
    return makeGeometry((30, 43), (0.0, 0.0, 0.0), (0.5, 0.0, 0.0))


def writeSmall(path, camera, image, *, excluded=None, **keywords):
    with PyramidWriter(path, camera) as writer:
        writer.addDetector(10, image, ~np.isfinite(image) if excluded is None else excluded, **keywords)
    return path


def test_file_is_valid(hdus):
    hdus.verify("exception")
    assert [hdu.name for hdu in hdus[:4]] == ["PRIMARY", "OVERVIEW", "INDEX", "DETECTORS"]
    assert hdus[0].data is None


def test_index_points_to_the_hdus(hdus):
    present = hdus["INDEX"].data[hdus["INDEX"].data["LENGTH"] > 0]
    places = {}
    for hdu in hdus[1:]:
        info = hdu.fileinfo()
        places[hdu.name] = info["hdrLoc"], info["datLoc"] - info["hdrLoc"] + info["datSpan"]
    del places["OVERVIEW"], places["INDEX"], places["DETECTORS"]
    names = dict(zip(hdus["DETECTORS"].data["DETECTOR"], hdus["DETECTORS"].data["NAME"], strict=True))
    names[-1] = "MOSAIC"
    found = {
        f"{names[row['DETECTOR']]}_{row['PLANE']}_{row['FACTOR']}".upper(): (row["OFFSET"], row["LENGTH"])
        for row in present
    }
    assert found == places


def test_full_resolution_is_kept_to_half_a_step(hdus, image):
    kept = hdus["R00_S01_IMAGE_1"].data
    assert kept.dtype == np.dtype(">f4") or kept.dtype == np.float32
    assert np.abs(kept - image).max() <= 0.5 * STEP + 1e-4
    # Dithered rounding is even: neither a bias, nor more noise than a uniform error has.
    assert abs(np.mean(kept - image)) < 4 * STEP / np.sqrt(12 * image.size)
    assert np.std(kept - image) == pytest.approx(STEP / np.sqrt(12), rel=0.01)


@pytest.mark.parametrize("factor", [2, 4])
def test_means_of_bins(hdus, image, factor):
    expected = blocks(np.where(image > 215.0, np.nan, image).astype(float), factor, np.nanmean)
    assert np.abs(hdus[f"R00_S01_IMAGE_{factor}"].data - expected).max() <= 0.5 * STEP / factor + 1e-4


@pytest.mark.parametrize("factor", [2, 4])
def test_largest_significance_of_bins(hdus, image, factor):
    significance = np.abs(np.where(image > 215.0, np.nan, image).astype(float) - np.median(image)) / 5
    expected = blocks(significance, factor, np.nanmax)
    assert np.abs(hdus[f"R00_S01_SIGNIFICANCE_{factor}"].data - expected).max() <= 0.5 / 16 + 1e-5


def test_mask_is_kept_with_its_planes(hdus):
    mask = hdus["R00_S01_MASK_1"]
    np.testing.assert_array_equal(mask.data.ravel(), np.arange(mask.data.size) % 8)
    assert [mask.header[f"MP_{name}"] for name in ("BAD", "SAT", "DETECTED_NEGATIVE")] == [0, 1, 2]


def test_headers_say_what_it_is(hdus):
    header = hdus["R00_S01_IMAGE_2"].header
    assert [header[key] for key in ("DETECTOR", "DETNAME", "PLANE", "FACTOR", "BUNIT")] == [
        DETECTOR,
        "R00_S01",
        "image",
        2,
        "electron",
    ]
    assert "BUNIT" not in hdus["R00_S01_SIGNIFICANCE_2"].header


def test_missing_detector_has_no_hdu(hdus):
    assert not any("R00_S03" in hdu.name for hdu in hdus)
    planes = dict(zip(hdus["DETECTORS"].data["NAME"], hdus["DETECTORS"].data["PLANES"], strict=True))
    assert planes["R00_S03"] == ""
    assert planes["R00_S01"] == "image mask significance"


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_pixels_are_where_the_camera_says(lsstCam, tmp_path, factor):
    corner = [detector for detector in lsstCam if detector.getName() in ("R00_SG0", "R00_SW0", "R22_S11")]
    geometry = FocalPlaneGeometry.fromCamera(corner, PIXELS, FOCAL_PLANE)
    with PyramidWriter(tmp_path / "camera.fits", geometry) as writer:
        for detector in corner:
            box = detector.getBBox()
            image = np.zeros((box.getHeight(), box.getWidth()), dtype=np.float32)
            writer.addDetector(detector.getId(), image, image > 0)
    with astropy.io.fits.open(tmp_path / "camera.fits") as hdus:
        for detector in corner:
            wcs = WCS(hdus[f"{detector.getName()}_IMAGE_{factor}"].header)
            assert wcs.world_axis_units == ["mm", "mm"]
            for x, y in [(0, 0), (4001, 17), (800, 1900)]:
                bin_of = (np.array([x, y]) - 0.5 * (factor - 1)) / factor
                there = detector.getTransform(PIXELS, FOCAL_PLANE).applyForward(Point2D(x, y))
                np.testing.assert_allclose(wcs.wcs_pix2world([bin_of], 0)[0], there, atol=1e-6)


def test_mosaic_is_where_its_pixels_say(hdus, pyramidCamera):
    mosaic = hdus["MOSAIC_IMAGE_8"]
    middle = pyramidCamera.detectorCorners.mean(axis=1)
    columns, rows = np.rint(WCS(mosaic.header).wcs_world2pix(middle, 0)).astype(int).T
    np.testing.assert_allclose(mosaic.data[rows, columns], [0, 100, 200, np.nan, 300 + 100], atol=5)
    assert np.isnan(mosaic.data[0, -1])


def test_mosaics_end_with_one_tile(makeGeometry, tmp_path):
    camera = makeGeometry((400, 9000), (0.0, 0.0, 0.0))
    image = np.add.outer(np.zeros(400), np.arange(9000.0)).astype(np.float32)
    with PyramidWriter(tmp_path / "wide.fits", camera, levelsPerSigma=1e4) as writer:
        writer.addDetector(10, image, np.zeros(image.shape, dtype=bool), significance=image, noise=1.0)
    with astropy.io.fits.open(tmp_path / "wide.fits") as hdus:
        assert max(hdu.header.get("FACTOR", 0) for hdu in hdus) == 32
        overview = hdus["OVERVIEW"]
        assert overview.shape == (13, 282)
        np.testing.assert_allclose(overview.data[:12, :281], binImage(image, 32)[:12, :281], rtol=1e-6)
        np.testing.assert_allclose(hdus["MOSAIC_IMAGE_32"].data, overview.data, atol=1e-4)
        highest = np.tile(np.arange(31.0, 9000, 32), (12, 1))
        np.testing.assert_allclose(hdus["MOSAIC_SIGNIFICANCE_32"].data[:12, :281], highest, atol=1e-3)


def test_pixels_without_data(small, tmp_path):
    image = np.ones((30, 43), dtype=np.float32)
    image[3, 4], image[5, 6] = np.nan, np.inf
    mask = np.zeros(image.shape, dtype=np.int32)
    mask[7, 8], mask[9, 10] = 1 << 8, 1
    excluded = ~np.isfinite(image) | (mask > 0)
    excluded[20:24, 20:24] = True
    path = writeSmall(
        tmp_path / "a.fits",
        small,
        image,
        excluded=excluded,
        mask=mask,
        planes={"BAD": 0, "NO_DATA": 8},
        noise=1.0,
    )
    with astropy.io.fits.open(path) as hdus:
        finest = hdus["R00_S00_IMAGE_1"].data
        assert np.argwhere(np.isnan(finest)).tolist() == [[3, 4], [5, 6], [7, 8]]
        assert np.argwhere(np.isnan(hdus["R00_S00_IMAGE_4"].data)).tolist() == [[5, 5]]


@pytest.mark.parametrize("bit", [0, 15, 30, 31])
@pytest.mark.parametrize("dtype", [np.int32, np.uint32, np.int64, np.uint64])
def test_bits_of_a_mask_are_kept_whatever_its_type(small, tmp_path, bit, dtype):
    image = np.ones((30, 43), dtype=np.float32)
    mask = np.zeros(image.shape, dtype=dtype)
    mask[7, 8] = np.array(1 << bit, np.uint64).astype(dtype)
    path = writeSmall(tmp_path / "a.fits", small, image, mask=mask, planes={"BAD": bit})
    with astropy.io.fits.open(path) as hdus:
        stored = hdus["R00_S00_MASK_1"]
        assert stored.header["MP_BAD"] == bit
        assert np.argwhere(stored.data.view(np.uint32) == 1 << bit).tolist() == [[7, 8]]
        assert np.count_nonzero(stored.data) == 1


@pytest.mark.parametrize("bit", [32, 40, 63])
@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_bits_of_a_mask_that_the_file_cannot_hold_are_named(small, tmp_path, bit, dtype):
    image = np.ones((30, 43), dtype=np.float32)
    mask = np.zeros(image.shape, dtype=dtype)
    mask[7, 8] = np.array(1 << bit, np.uint64).astype(dtype)
    with pytest.raises(ValueError, match=rf"keeps 32 bits of a mask, and pixels have bits \[{bit}\]"):
        writeSmall(tmp_path / "a.fits", small, image, mask=mask, planes={"BAD": bit})


def test_masked_significance_does_not_count(small, tmp_path):
    image = np.ones((30, 43), dtype=np.float32)
    hidden = np.zeros(image.shape, bool)
    hidden[4:8, 4:8] = True
    significance = np.where(hidden, 1e3, image)
    path = writeSmall(tmp_path / "a.fits", small, image, significance=np.ma.MaskedArray(significance, hidden))
    with astropy.io.fits.open(path) as hdus:
        assert np.argwhere(np.isnan(hdus["R00_S00_SIGNIFICANCE_4"].data)).tolist() == [[1, 1]]
        assert np.nanmax(hdus["R00_S00_SIGNIFICANCE_2"].data) == pytest.approx(1, abs=0.1)
        assert np.nanmax(hdus["MOSAIC_SIGNIFICANCE_8"].data) == pytest.approx(1, abs=0.1)


def test_fully_masked_detector_is_nan(small, tmp_path):
    image = np.ones((30, 43), dtype=np.float32)
    path = writeSmall(
        tmp_path / "a.fits", small, image, excluded=np.ones(image.shape, dtype=bool), significance=image
    )
    with astropy.io.fits.open(path) as hdus:
        assert np.isnan(hdus["R00_S00_IMAGE_2"].data).all()
        assert np.isnan(hdus["R00_S00_SIGNIFICANCE_2"].data).all()
        assert np.isnan(hdus["MOSAIC_IMAGE_8"].data).all()
        np.testing.assert_array_equal(hdus["R00_S00_IMAGE_1"].data, image)


@pytest.mark.parametrize("noise", [0.0, np.nan, [np.nan, 0.0]])
def test_without_noise_nothing_is_rounded(small, tmp_path, noise):
    image = np.random.default_rng(3).normal(size=(30, 43)).astype(np.float32)
    path = writeSmall(tmp_path / "a.fits", small, image, noise=noise)
    np.testing.assert_array_equal(astropy.io.fits.getdata(path, "R00_S00_IMAGE_1"), image)


def test_noise_is_measured_where_nobody_says_it(makeGeometry, tmp_path):
    image = np.random.default_rng(3).normal(0.0, 8.0, (700, 700)).astype(np.float32)
    with PyramidWriter(tmp_path / "a.fits", makeGeometry((700, 700), (0.0, 0.0, 0.0))) as writer:
        writer.addDetector(10, image, np.zeros(image.shape, dtype=bool))
    kept = astropy.io.fits.getdata(tmp_path / "a.fits", "R00_S00_IMAGE_1")
    assert np.std(kept - image) * np.sqrt(12) * 16 == pytest.approx(mad_std(image), rel=0.05)


def test_extreme_pixels_are_kept(small, tmp_path):
    image = np.random.default_rng(3).normal(size=(30, 43)).astype(np.float32)
    image[1, 2], image[2, 3] = 3e38, -1e20
    path = writeSmall(tmp_path / "a.fits", small, image, noise=1.0)
    kept = astropy.io.fits.getdata(path, "R00_S00_IMAGE_1")
    assert (kept[1, 2], kept[2, 3]) == (image[1, 2], image[2, 3])


def test_zeros_stay_zeros(small, tmp_path):
    image = np.random.default_rng(3).normal(size=(30, 43)).astype(np.float32)
    image[::3] = 0.0
    kept = astropy.io.fits.getdata(
        writeSmall(tmp_path / "a.fits", small, image, noise=1.0), "R00_S00_IMAGE_1"
    )
    assert np.all(kept[::3] == 0.0)


@pytest.mark.parametrize("finest", [2, 4, 8])
def test_finest_factor(small, tmp_path, finest):
    image = np.ones((30, 43), dtype=np.float32)
    with PyramidWriter(tmp_path / "a.fits", small, finestFactor=finest) as writer:
        writer.addDetector(10, image, image > 1, mask=image.astype(np.int32), significance=image)
    with PyramidReader(tmp_path / "a.fits") as reader:
        assert reader.factors() == tuple(factor for factor in (2, 4, 8) if factor >= finest)
        assert [own.placement.detectorId for own in reader.detectors if own.planes] == [10]
        with pytest.raises(ValueError, match="no plane 'mask'"):
            reader.factors("mask")


def test_index_has_the_same_size_whatever_is_in_it(small, tmp_path):
    image = np.ones((30, 43), dtype=np.float32)
    sizes = []
    for name in ("none", "one"):
        with PyramidWriter(tmp_path / name, small) as writer:
            if name == "one":
                writer.addDetector(10, image, image > 1, significance=image)
        header = astropy.io.fits.getheader(tmp_path / name)
        sizes.append([header[card] for card in ("PYRINDEX", "PYRNINDX", "PYRDETEC", "PYRNDETE")])
    assert sizes[0] == sizes[1]


def test_nothing_is_left_of_a_failure(small, tmp_path):
    (tmp_path / "a.fits").write_text("before")
    with pytest.raises(RuntimeError, match="stop"), PyramidWriter(tmp_path / "a.fits", small):
        raise RuntimeError("stop")
    assert [path.name for path in tmp_path.iterdir()] == ["a.fits"]
    assert (tmp_path / "a.fits").read_text() == "before"


def test_arguments_stay_as_they_are(small, tmp_path):
    image = np.random.default_rng(3).normal(size=(30, 43)).astype(np.float32)
    image[2, 3] = np.nan
    excluded, significance = np.isnan(image), image * 2
    copies = image.copy(), excluded.copy(), significance.copy()
    writeSmall(tmp_path / "a.fits", small, image, excluded=excluded, significance=significance)
    for array, copy in zip((image, excluded, significance), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_wrong_arguments_are_named(small, tmp_path):
    image = np.ones((30, 43), dtype=np.float32)
    good = image > 1
    with PyramidWriter(tmp_path / "a.fits", small) as writer:
        with pytest.raises(
            ValueError, match=r"'image' of detector 10 \(R00_S00\) has shape \(43, 30\); .*\(30, 43\)"
        ):
            writer.addDetector(10, image.T, good)
        with pytest.raises(ValueError, match=r"'significance' of detector 10 .* \(2, 2\)"):
            writer.addDetector(10, image, good, significance=image[:2, :2])
        with pytest.raises(ValueError, match="Detector 99 is not among the 2 of the camera"):
            writer.addDetector(99, image, good)
        writer.addDetector(10, image, good)
        with pytest.raises(ValueError, match=r"has detector 10 \(R00_S00\) already"):
            writer.addDetector(10, image, good)


@pytest.mark.parametrize(
    "keywords", [{"finestFactor": 3}, {"levelsPerSigma": 0.0}, {"levelsPerSigma": np.nan}]
)
def test_wrong_parameters_are_named(small, tmp_path, keywords):
    with pytest.raises(ValueError, match="Expected a (finest factor|number of steps)"):
        PyramidWriter(tmp_path / "a.fits", small, **keywords)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shape", [(16, 24), (17, 25), (1, 1), (9, 8)])
def test_levels_equal_binning(shape):
    rng = np.random.default_rng(5)
    image = rng.normal(size=shape).astype(np.float32)
    excluded = rng.random(shape) < 0.4
    means, peaks = meanLevels(image, excluded), peakLevels(image, excluded)
    for factor in (2, 4):
        np.testing.assert_allclose(
            means[factor], binImage(image, factor, excluded=excluded), rtol=1e-5, atol=1e-6
        )
        np.testing.assert_array_equal(
            peaks[factor], binImage(np.abs(image), factor, "max", excluded=excluded)
        )


@pytest.mark.parametrize("values", [[3e38] * 16, [1e8, -1e8] * 7 + [1, 2]])
def test_levels_of_numbers_of_any_size(values):
    image = np.array(values, dtype=np.float32).reshape(4, 4)
    means = meanLevels(image, np.zeros(image.shape, bool))
    for factor in (2, 4):
        expected = blocks(image.astype(np.float64), factor, np.mean)
        np.testing.assert_allclose(means[factor], expected, rtol=1e-6)


@pytest.mark.parametrize("size", [1e300, 1.7e308])
def test_levels_of_the_largest_numbers_of_double_precision(size):
    image = np.tile([[size, -size, size, size], [-size, size, 1.0, 2.0]], (2, 1))
    excluded = np.zeros(image.shape, bool)
    excluded[::2, 2:] = True
    means, peaks = meanLevels(image, excluded), peakLevels(image, excluded)
    np.testing.assert_allclose(means[2], [[0, 1.5], [0, 1.5]])
    np.testing.assert_allclose(means[4], [[0.5]])
    np.testing.assert_allclose(peaks[2], [[np.inf, 2], [np.inf, 2]])


def test_masked_pixels_are_left_out_of_all_levels(tmp_path, small, image):
    pixels = np.random.default_rng(3).normal(0, 5, (30, 43)).astype(np.float32)
    bad = np.random.default_rng(4).random(pixels.shape) < 0.3
    excluded = np.zeros(pixels.shape, bool)
    masked = writeSmall(tmp_path / "masked.fits", small, np.ma.MaskedArray(pixels, bad), excluded=excluded)
    plain = writeSmall(tmp_path / "plain.fits", small, np.where(bad, np.float32(np.nan), pixels))
    assert masked.read_bytes() == plain.read_bytes()
