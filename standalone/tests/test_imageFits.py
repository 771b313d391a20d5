# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""Files of images and exposures: their layout, what comes back, and damaged ones."""

import logging
import math
import os
from pathlib import Path

import astropy.io.fits
import numpy as np
import pytest

from lsst.afw.cameraGeom import FOCAL_PLANE, PIXELS, Detector
from lsst.afw.cameraGeom.testUtils import CameraWrapper
from lsst.afw.fits import CompressionOptions, FitsError
from lsst.afw.image import (
    LOCAL,
    ExposureF,
    ExposureFitsReader,
    ExposureI,
    FilterLabel,
    ImageF,
    ImageFitsReader,
    ImageI,
    ImageU,
    MaskedImageF,
    MaskedImageFitsReader,
    MaskX,
    VisitInfo,
)
from lsst.daf.base import DateTime
from lsst.geom import Box2I, Extent2I, Point2D, Point2I

BOX = Box2I(Point2I(10, 20), Extent2I(40, 30))
PART = Box2I(Point2I(13, 24), Extent2I(6, 5))
ROWS, COLUMNS = slice(4, 9), slice(3, 9)

LOSSLESS = {"algorithm": "GZIP_2"}
QUANTIZED = {
    "algorithm": "RICE_1",
    "quantization": {
        "dither": "SUBTRACTIVE_DITHER_2",
        "scaling": "STDEV_MASKED",
        "mask_planes": ["BAD"],
        "level": 16.0,
        "seed": 5,
    },
}
RECIPES = {
    "none": None,
    "lossless": {"image": LOSSLESS, "mask": LOSSLESS, "variance": LOSSLESS},
    "lossy": {"image": QUANTIZED, "mask": LOSSLESS, "variance": QUANTIZED},
}


def make_exposure() -> ExposureF:
    exposure = ExposureF(BOX)
    rng = np.random.default_rng(3)
    exposure.image.array[:] = rng.normal(100.0, 8.0, (30, 40))
    exposure.mask.array[2, :7] = exposure.mask.getPlaneBitMask(["BAD", "CR"])
    exposure.image.array[2, :7] = 1e6
    exposure.variance.array[:] = rng.uniform(60, 70, (30, 40))
    exposure.metadata.set("LSST ISR READNOISE C00", 5.43, "read noise (e-)")
    exposure.metadata["BUNIT"] = "electron"
    return exposure


def quantum(values: np.ndarray) -> float:
    lower, upper = np.quantile(values, [0.25, 0.75])
    return 0.741 * (upper - lower) / 16


@pytest.fixture
def exposure() -> ExposureF:
    return make_exposure()


@pytest.fixture(scope="module")
def detector() -> Detector:
    return next(iter(CameraWrapper().camera))


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "exposure.fits")


@pytest.mark.parametrize("recipe", ["none", "lossless"])
def test_pixels_come_back_exactly(exposure: ExposureF, path: str, recipe: str) -> None:
    exposure.image.array[0, :3] = [np.nan, np.inf, -np.inf]
    exposure.writeFitsWithOptions(path, RECIPES[recipe])
    result = ExposureF.readFits(path)
    for name in ("image", "mask", "variance"):
        np.testing.assert_array_equal(getattr(result, name).array, getattr(exposure, name).array)


def test_quantised_pixels_come_back_within_half_aquantum(exposure: ExposureF, path: str) -> None:
    exposure.writeFitsWithOptions(path, RECIPES["lossy"])
    result = ExposureF.readFits(path)
    good = exposure.mask.array == 0
    for name, values in (("image", exposure.image.array[good]), ("variance", exposure.variance.array[good])):
        difference = getattr(result, name).array - getattr(exposure, name).array
        assert 0 < np.abs(difference[good]).max() <= 0.52 * quantum(values)
    np.testing.assert_array_equal(result.mask.array, exposure.mask.array)


def test_quantum_is_in_the_header(exposure: ExposureF, path: str) -> None:
    exposure.writeFitsWithOptions(path, RECIPES["lossy"])
    good = exposure.image.array[exposure.mask.array == 0]
    header = astropy.io.fits.getheader(path, "IMAGE")
    assert header["UZSCALE"] == pytest.approx(quantum(good), rel=0.05)


def test_non_finite_pixels_become_nan_when_quantised(exposure: ExposureF, path: str) -> None:
    exposure.image.array[0, :3] = [np.nan, np.inf, -np.inf]
    exposure.writeFitsWithOptions(path, RECIPES["lossy"])
    result = ExposureF.readFits(path)
    assert np.isnan(result.image.array[0, :3]).all()
    assert np.isnan(result.image.array).sum() == 3
    assert exposure.image.array[0, 1] == np.inf  # The exposure itself is left alone.


@pytest.mark.parametrize("value", [0.0, 25.0, math.nan])
def test_constant_plane_is_exact_under_any_recipe(path: str, value: float) -> None:
    image = ImageF(BOX, initialValue=value)
    image.writeFits(path, CompressionOptions.from_mapping(QUANTIZED))
    np.testing.assert_array_equal(ImageF.readFits(path).array, image.array)


@pytest.mark.parametrize(
    ("scaling", "expected"), [("MANUAL", 0.5), ("RANGE", 2 / (2**32 - 13)), ("STDEV_MASKED", 0.741 * 1.5)]
)
def test_scaling_of_quantisation(path: str, scaling: str, expected: float) -> None:
    image = ImageF(np.array([[-1, -0.75, 0.75, 1]], dtype=np.float32))
    level = 0.5 if scaling == "MANUAL" else 1.0
    options = {"algorithm": "RICE_1", "quantization": {"scaling": scaling, "level": level, "seed": 1}}
    image.writeFits(path, CompressionOptions.from_mapping(options))
    assert astropy.io.fits.getheader(path, 1)["UZSCALE"] == pytest.approx(expected, rel=0.2)


def test_scaling_by_tile(exposure: ExposureF, path: str) -> None:
    options = {"algorithm": "RICE_1", "quantization": {"scaling": "STDEV_CFITSIO", "level": 4.0, "seed": 1}}
    exposure.image.writeFits(path, CompressionOptions.from_mapping(options))
    assert "UZSCALE" not in astropy.io.fits.getheader(path, 1)
    difference = ImageF.readFits(path).array[10:] - exposure.image.array[10:]
    assert 0 < np.abs(difference).max() < 8.0 / 4


def test_shape_of_tiles(exposure: ExposureF, path: str) -> None:
    exposure.image.writeFits(path, CompressionOptions(tile_width=8, tile_height=0))
    with astropy.io.fits.open(path, disable_image_compression=True) as hdus:
        assert (hdus[1].header["ZTILE1"], hdus[1].header["ZTILE2"]) == (8, 30)


def test_rice_without_quantisation_is_an_error(exposure: ExposureF, path: str) -> None:
    with pytest.raises(ValueError, match="RICE_1 compression of floating point images requires quantization"):
        exposure.image.writeFits(path, CompressionOptions.from_mapping({"algorithm": "RICE_1"}))


def test_quantised_mask_is_an_error(exposure: ExposureF, path: str) -> None:
    with pytest.raises(ValueError, match="Quantization cannot be used on images of int32"):
        exposure.mask.writeFits(path, CompressionOptions.from_mapping(QUANTIZED))


@pytest.mark.parametrize("mapping", [{"nope": 1}, {"quantization": {"nope": 1}}])
def test_unknown_option_is_an_error(mapping: dict) -> None:
    with pytest.raises(ValueError, match=r"Unrecognized \w+ options: \['nope'\]"):
        CompressionOptions.from_mapping(mapping)


@pytest.mark.parametrize("mapping", [LOSSLESS, QUANTIZED])
def test_options_round_trip(mapping: dict) -> None:
    options = CompressionOptions.from_mapping(mapping)
    assert CompressionOptions.from_mapping(options.to_dict()) == options


@pytest.mark.parametrize("recipe", RECIPES)
def test_layout_is_that_of_afw(exposure: ExposureF, path: str, recipe: str) -> None:
    exposure.writeFitsWithOptions(path, RECIPES[recipe])
    with astropy.io.fits.open(path) as hdus:
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "IMAGE", "MASK", "VARIANCE", "ARCHIVE_INDEX"]
        assert [hdu.header["EXTTYPE"] for hdu in hdus[1:]] == ["IMAGE", "MASK", "VARIANCE", "ARCHIVE_INDEX"]
        assert hdus[0].header["NAXIS"] == 0
        assert (hdus[0].header["EXPINFO_V"], hdus[0].header["AR_HDU"]) == (2, 5)
        for hdu in hdus[1:4]:
            assert hdu.header["INHERIT"] is True
            assert (hdu.header["LTV1"], hdu.header["LTV2"]) == (-10, -20)
            assert [hdu.header[key] for key in ("CRPIX1A", "CRVAL1A", "CTYPE1A")] == [1, 10, "LINEAR"]
            assert [hdu.header[key] for key in ("CRPIX2A", "CRVAL2A", "CTYPE2A")] == [1, 20, "LINEAR"]
        assert {key: hdus[2].header[key] for key in ("MP_BAD", "MP_CR")} == {"MP_BAD": 0, "MP_CR": 3}


@pytest.mark.parametrize(("recipe", "kind"), [("lossless", "GZIP_2"), ("lossy", "RICE_1")])
def test_compression_is_that_of_the_recipe(exposure: ExposureF, path: str, recipe: str, kind: str) -> None:
    exposure.writeFitsWithOptions(path, RECIPES[recipe])
    with astropy.io.fits.open(path, disable_image_compression=True) as hdus:
        assert [hdu.header["ZCMPTYPE"] for hdu in hdus[1:4]] == [kind, "GZIP_2", kind]


def test_file_is_valid_fits(exposure: ExposureF, detector: Detector, path: str) -> None:
    exposure.setDetector(detector)
    exposure.writeFitsWithOptions(path, RECIPES["lossy"])
    with astropy.io.fits.open(path, disable_image_compression=True) as hdus:
        hdus.verify("exception")


def test_unit_of_variance_is_squared(exposure: ExposureF, path: str) -> None:
    exposure.writeFits(path)
    with astropy.io.fits.open(path) as hdus:
        assert [hdu.header.get("BUNIT") for hdu in hdus[:4]] == [None, "electron", None, "electron**2"]
    assert ExposureF.readFits(path).metadata["BUNIT"] == "electron"


def test_metadata_come_back(exposure: ExposureF, path: str) -> None:
    exposure.writeFits(path)
    result = ExposureF.readFits(path)
    assert result.metadata == exposure.metadata


def test_rewritten_file_is_the_same(exposure: ExposureF, path: str) -> None:
    exposure.writeFitsWithOptions(path, RECIPES["lossless"])
    first = Path(path).read_bytes()
    ExposureF.readFits(path).writeFitsWithOptions(path, RECIPES["lossless"])
    headers = [hdu.header for hdu in astropy.io.fits.HDUList.fromstring(first)]
    with astropy.io.fits.open(path) as hdus:
        for old, hdu in zip(headers, hdus, strict=True):
            assert set(old) == set(hdu.header) - {"ROTTYPE", "HAS-SIMULATED-CONTENT"}


@pytest.mark.parametrize("recipe", RECIPES)
def test_box_is_that_part_of_the_whole(exposure: ExposureF, path: str, recipe: str) -> None:
    exposure.writeFitsWithOptions(path, RECIPES[recipe])
    reader = ExposureFitsReader(path)
    whole, part = reader.read(), reader.read(PART)
    local = reader.read(Box2I(Point2I(3, 4), Extent2I(6, 5)), LOCAL)
    for result in (part, local):
        assert result.getBBox() == PART
        for name in ("image", "mask", "variance"):
            expected = getattr(whole, name).array[ROWS, COLUMNS]
            np.testing.assert_array_equal(getattr(result, name).array, expected)


def test_box_must_fit(exposure: ExposureF, path: str) -> None:
    exposure.writeFits(path)
    with pytest.raises(ValueError, match="does not fit in image"):
        ExposureFitsReader(path).read(Box2I(Point2I(0, 0), Extent2I(3, 3)))


@pytest.mark.parametrize("recipe", RECIPES)
def test_pixels_read_can_be_changed(exposure: ExposureF, path: str, recipe: str) -> None:
    exposure.writeFitsWithOptions(path, RECIPES[recipe])
    array = ExposureF.readFits(path).image.array
    assert array.flags.writeable
    assert array.flags.c_contiguous
    assert array.dtype.isnative


@pytest.mark.parametrize("options", [None, CompressionOptions()])
@pytest.mark.parametrize("cls", [ImageF, ImageI, ImageU, MaskX])
def test_lone_plane_round_trip(path: str, cls, options) -> None:
    plane = cls(BOX, initialValue=3)
    plane.array[4, 5] = 40000
    plane.writeFits(path, options)
    result = cls.readFits(path)
    assert type(result) is cls
    assert result.getBBox() == BOX
    np.testing.assert_array_equal(result.array, plane.array)


def test_lone_image_is_the_primary_hdu(path: str) -> None:
    ImageF(BOX, initialValue=3).writeFits(path)
    with astropy.io.fits.open(path) as hdus:
        assert len(hdus) == 1
        assert hdus[0].data.shape == (30, 40)


def test_masked_image_round_trip(exposure: ExposureF, path: str) -> None:
    exposure.maskedImage.writeFits(path)
    result = MaskedImageF.readFits(path)
    np.testing.assert_array_equal(result.image.array, exposure.image.array)
    np.testing.assert_array_equal(result.mask.array, exposure.mask.array)


def test_integer_exposure_round_trip(path: str) -> None:
    exposure = ExposureI(BOX)
    exposure.image.array[3, 4] = -(2**31)
    exposure.writeFits(path)
    assert type(ExposureFitsReader(path).read()) is ExposureI
    np.testing.assert_array_equal(ExposureI.readFits(path).image.array, exposure.image.array)


def test_integers_can_be_read_as_floats(path: str) -> None:
    ImageI(BOX, initialValue=7).writeFits(path)
    assert (ImageF.readFits(path).array == 7).all()


def test_floats_cannot_be_read_as_integers(path: str) -> None:
    ImageF(BOX).writeFits(path)
    with pytest.raises(FitsError, match=r"exposure.fits holds float32, which is no int32"):
        ImageI.readFits(path)


def test_pixels_of_another_type(path: str) -> None:
    astropy.io.fits.writeto(path, np.zeros((3, 4)))
    with pytest.raises(FitsError, match=r"no image of float64, as .*exposure.fits holds"):
        ImageFitsReader(path).read()


@pytest.mark.usefixtures("planes")
def test_planes_of_afile_have_their_own_places(path: str) -> None:
    header = astropy.io.fits.Header({"MP_CR": 0, "MP_BAD": 1, "HIERARCH MP_OF_THE_FILE": 2})
    astropy.io.fits.writeto(path, np.array([[0, 1, 2, 4]], dtype=np.int32), header)
    mask = MaskX.readFits(path)
    expected = [0, *(mask.getPlaneBitMask(name) for name in ("CR", "BAD", "OF_THE_FILE"))]
    np.testing.assert_array_equal(mask.array, [expected])


@pytest.mark.usefixtures("planes")
def test_added_plane_is_written(exposure: ExposureF, path: str) -> None:
    bit = exposure.mask.addMaskPlane("A_LONG_PLANE_NAME")
    exposure.writeFits(path)
    assert astropy.io.fits.getheader(path, "MASK")["MP_A_LONG_PLANE_NAME"] == bit


def test_detector_round_trip(exposure: ExposureF, detector: Detector, path: str) -> None:
    exposure.setDetector(detector)
    exposure.writeFitsWithOptions(path, RECIPES["lossless"])
    result = ExposureF.readFits(path).getDetector()
    assert (result.getId(), result.getName()) == (detector.getId(), detector.getName())
    assert [amp.getName() for amp in result] == [amp.getName() for amp in detector]
    assert [amp.getGain() for amp in result] == [amp.getGain() for amp in detector]
    point = Point2D(12.5, 30.25)
    assert result.transform(point, PIXELS, FOCAL_PLANE) == detector.transform(point, PIXELS, FOCAL_PLANE)


def test_detector_is_in_the_header(exposure: ExposureF, detector: Detector, path: str) -> None:
    exposure.setDetector(detector)
    exposure.writeFits(path)
    header = astropy.io.fits.getheader(path)
    assert header["DETNAME"] == detector.getName()
    assert header["DETECTOR_ID"] == header["ARCHIVE_ID_DETECTOR"] == 1
    metadata = ExposureF.readFits(path).metadata
    assert not {"DETNAME", "DETSER", "AR_HDU", "DETECTOR_ID", "ARCHIVE_ID_DETECTOR"} & set(metadata)


def test_only_the_transforms_of_the_detector_are_stored(
    exposure: ExposureF, detector: Detector, path: str
) -> None:
    exposure.setDetector(detector)
    exposure.writeFits(path)
    connections = ExposureF.readFits(path).getDetector().getTransformMap().getConnections()
    names = {system.getDetectorName() for each in connections for system in (each.fromSys, each.toSys)}
    assert names == {"", detector.getName()}
    assert len(detector.getTransformMap().getConnections()) > len(connections)


def test_archive_is_readable_by_plain_astropy(exposure: ExposureF, detector: Detector, path: str) -> None:
    exposure.setDetector(detector)
    exposure.writeFits(path)
    with astropy.io.fits.open(path) as hdus:
        index = hdus[hdus[0].header["AR_HDU"] - 1]
        (row,) = [row for row in index.data if row["id"] == 1 and row["cat.persistable"] == 0]
        table = hdus[hdus[0].header["AR_HDU"] - 1 + row["cat.archive"]]
        assert (row["name"], row["module"]) == ("Detector", "lsst.afw.cameraGeom")
        assert table.data["id"][row["row0"]] == detector.getId()


@pytest.mark.parametrize(
    "label", [FilterLabel("r", "r_57"), FilterLabel(band="r"), FilterLabel(physical="empty")], ids=str
)
def test_filter_round_trip(exposure: ExposureF, path: str, label: FilterLabel) -> None:
    exposure.setFilter(label)
    exposure.writeFits(path)
    assert ExposureF.readFits(path).getFilter() == label
    assert ExposureFitsReader(path).readFilter() == label


def test_filter_name_is_never_cut(exposure: ExposureF, path: str) -> None:
    exposure.setFilter(FilterLabel(physical="x" * 33))
    with pytest.raises(ValueError, match="have more than the 32 characters that afw stores"):
        exposure.writeFits(path)


def test_fields_of_the_filter_are_in_the_order_of_afw(exposure: ExposureF, path: str) -> None:
    exposure.setFilter(FilterLabel("r", "r_57"))
    exposure.writeFits(path)
    header = astropy.io.fits.getheader(path, "FilterLabel")
    order = [card.value for card in header.cards if card.keyword.startswith(("TTYPE", "TFLAG"))]
    assert order == ["flags", "band_exists", "band", "physical_exists", "physical"]


def test_visit_info_round_trip(exposure: ExposureF, path: str) -> None:
    date = DateTime("2025-06-01T12:00:00.500000000", DateTime.TAI)
    info = VisitInfo(exposureTime=15.0, darkTime=16.5, date=date, id=2025060100012, observationType="bias")
    exposure.info.setVisitInfo(info)
    exposure.info.setId(77)
    exposure.writeFits(path)
    header = astropy.io.fits.getheader(path)
    expected = {"EXPTIME": 15.0, "DARKTIME": 16.5, "IDNUM": 2025060100012, "EXPID": 77, "TIMESYS": "TAI"}
    assert {key: header[key] for key in expected} == expected
    assert header["DATE-AVG"] == "2025-06-01T12:00:00.500000000"
    result = ExposureF.readFits(path)
    assert result.visitInfo == info
    assert result.visitInfo.getDate() == date
    assert result.info.id == 77
    assert result.metadata == exposure.metadata


def test_visit_info_that_is_left_out_is_carried_along(exposure: ExposureF, path: str) -> None:
    exposure.metadata["BORE-RA"] = 30.0
    exposure.metadata["ROTTYPE"] = "SKY"
    exposure.writeFits(path)
    result = ExposureF.readFits(path)
    assert "BORE-RA" not in result.metadata
    result.writeFits(path)
    header = astropy.io.fits.getheader(path)
    assert (header["BORE-RA"], header["ROTTYPE"]) == (30.0, "SKY")


def test_date_must_be_tai(exposure: ExposureF, path: str) -> None:
    exposure.metadata.update({"DATE-AVG": "2025-06-01T12:00:00", "TIMESYS": "UTC"})
    exposure.writeFits(path)
    with pytest.raises(FitsError, match=r"exposure.fits: TIMESYS is 'UTC'; the date .* must be in TAI"):
        ExposureF.readFits(path)


def test_components_that_cannot_be_read(
    exposure: ExposureF, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    exposure.writeFits(path)
    with astropy.io.fits.open(path, mode="update") as hdus:
        hdus[0].header["HIERARCH ARCHIVE_ID_PSF"] = 4
    result = ExposureF.readFits(path)
    assert result.hasPsf()
    with pytest.raises(NotImplementedError, match="cannot read the Psf of an exposure"):
        result.getPsf()
    with caplog.at_level(logging.WARNING, "lsst.afw.image"):
        result.writeFits(path)
    assert "since not read: ['PSF']" in caplog.text


def test_only_the_headers_are_read_for_the_metadata(
    exposure: ExposureF, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    exposure.writeFitsWithOptions(path, RECIPES["lossy"])
    for name in ("read_pixels", "read_components"):
        monkeypatch.delattr(f"lsst.afw.image._readers.{name}")
    reader = ExposureFitsReader(path)
    assert reader.readMetadata() == exposure.metadata
    assert reader.readBBox() == BOX
    assert reader.readVisitInfo() == VisitInfo()


def test_missing_file(path: str) -> None:
    with pytest.raises(FileNotFoundError, match=r"exposure\.fits"):
        ExposureF.readFits(path)


@pytest.mark.parametrize("content", [b"", b"no FITS file at all", b"SIMPLE  =" + b" " * 3000])
@pytest.mark.parametrize("cls", [ExposureF, MaskedImageF, ImageF, MaskX])
def test_no_fits_file(path: str, cls, content: bytes) -> None:
    Path(path).write_bytes(content)
    with pytest.raises(FitsError, match=r"Cannot .* .*exposure\.fits"):
        cls.readFits(path)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("part", [0.1, 0.5, 0.8, 0.97])
def test_file_that_is_cut_short(exposure: ExposureF, path: str, recipe: str, part: float) -> None:
    exposure.setFilter(FilterLabel("r"))
    exposure.writeFitsWithOptions(path, RECIPES[recipe])
    content = Path(path).read_bytes()
    Path(path).write_bytes(content[: int(part * len(content))])
    with pytest.raises(FitsError, match=r"Cannot .* .*exposure\.fits"):
        ExposureF.readFits(path)


def test_damaged_pixels(exposure: ExposureF, path: str) -> None:
    exposure.writeFitsWithOptions(path, RECIPES["lossless"])
    with astropy.io.fits.open(path, disable_image_compression=True) as hdus:
        header = hdus["IMAGE"].header
        start = hdus["IMAGE"].fileinfo()["datLoc"] + header["NAXIS1"] * header["NAXIS2"]
    content = bytearray(Path(path).read_bytes())
    content[start : start + 200] = bytes(200)
    Path(path).write_bytes(content)
    with pytest.raises(FitsError, match=r"Cannot read HDU 'IMAGE' of .*exposure\.fits"):
        ExposureF.readFits(path)


def test_plane_out_of_order(exposure: ExposureF, path: str) -> None:
    exposure.writeFits(path)
    with astropy.io.fits.open(path) as hdus:
        swapped = astropy.io.fits.HDUList([hdus[0], hdus[1], hdus[3].copy(), hdus[2].copy()])
        swapped.writeto(path + "x")
    with pytest.raises(FitsError, match=r"exposure\.fitsx: HDU 2 is VARIANCE, not MASK"):
        MaskedImageFitsReader(path + "x").readMask()


def test_table_is_no_image(path: str) -> None:
    column = astropy.io.fits.Column("a", "J", array=[1, 2])
    astropy.io.fits.BinTableHDU.from_columns([column]).writeto(path)
    with pytest.raises(FitsError, match=r"Cannot read .*exposure\.fits: HDU '' is no 2-d image"):
        ExposureF.readFits(path)


def test_newer_layout(exposure: ExposureF, path: str) -> None:
    exposure.writeFits(path)
    astropy.io.fits.setval(path, "EXPINFO_V", value=3)
    with pytest.raises(FitsError, match=r"exposure\.fits: .*version > 2, found 3"):
        ExposureF.readFits(path)


def test_compressed_file_name_is_an_error(exposure: ExposureF, path: str) -> None:
    with pytest.raises(ValueError, match="compresses planes, not files"):
        exposure.writeFits(f"{path}.gz")


@pytest.fixture
def upstream() -> Path:
    """Checkouts of upstream packages."""
    if "UPSTREAM_DIR" not in os.environ:
        pytest.skip("needs files that the real afw wrote: set UPSTREAM_DIR to checkouts of afw and obs_base")
    return Path(os.environ["UPSTREAM_DIR"])


@pytest.mark.usefixtures("planes")
@pytest.mark.parametrize(
    "name", ["obs_base/tests/data/calexp.fits", "afw/tests/data/exposure-version-2.fits"]
)
def test_file_of_the_real_afw(upstream: Path, name: str, path: str) -> None:
    exposure = ExposureF.readFits(upstream / name)
    assert exposure.detector.getId() == {"obs_base": 4, "afw": 1}[name.split("/")[0]]
    assert exposure.hasWcs()
    with astropy.io.fits.open(upstream / name) as hdus:
        np.testing.assert_array_equal(exposure.image.array, hdus[1].data)
        np.testing.assert_array_equal(exposure.variance.array, hdus[3].data)
        bad = hdus[2].data >> hdus[2].header["MP_BAD"] & 1
    np.testing.assert_array_equal(exposure.mask.array & exposure.mask.getPlaneBitMask("BAD") != 0, bad)
    exposure.writeFits(path)
    result = ExposureF.readFits(path)
    assert result.metadata == exposure.metadata
    assert result.visitInfo == exposure.visitInfo
    assert result.getFilter() == exposure.getFilter()
