# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Camera files of Rubin's repositories, against astropy's reading of tables and starlink-pyast's of dumps."""

import shutil
from pathlib import Path
from typing import Any

import astropy.io.fits as fits
import numpy as np
import numpy.typing as npt
import pytest
import starlink.Ast as Ast

from lsst.afw.cameraGeom import FOCAL_PLANE, PIXELS, Amplifier, Camera, Orientation
from lsst.geom import Box2D, Box2I, Extent2D, Extent2I, Point2D, Point2I, Point3D, degrees

NAMES = ["LSSTCam", "LSSTComCam", "LSST-TS8"]
INDEX, DETECTORS, TRANSFORM_MAP, TRANSFORMS, AMPLIFIERS = 1, 3, 4, 5, 6


class RealFile:
    """A camera file: read by the code under test, and its tables as astropy gives them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.camera = Camera.readFits(str(path))
        with fits.open(path, memmap=False) as hdus:
            self.detectors, self.amplifiers = hdus[DETECTORS].data, hdus[AMPLIFIERS].data
            self.transformMap = hdus[TRANSFORM_MAP].data
            self.dumps = [bytes(row).decode() for row in hdus[TRANSFORMS].data["bytes"]]
            self.index = hdus[INDEX].data

    def text(self, table: fits.FITS_rec, name: str) -> list[str]:
        return ["".join(row).rstrip("\0") for row in table[name]]


@pytest.fixture(scope="module", params=NAMES)
def real(request: pytest.FixtureRequest, sharedData: Path) -> RealFile:
    return RealFile(sharedData / "cameras" / f"{request.param}.fits")


class Source:
    """Lines of a dump, for AST."""

    def __init__(self, dump: str) -> None:
        self.lines = iter(dump.split(" ", 2)[2].split("\n"))

    def astsource(self) -> str | None:
        return next(self.lines, None)


def allAmplifiers(camera: Camera) -> list[Amplifier]:
    return [amplifier for detector in camera for amplifier in detector]


def cornersOf(boxes: list[Box2I]) -> npt.NDArray[np.float64]:
    """Return the outer corners of boxes, shape (2, 4 * n)."""
    return np.array([[*corner] for box in boxes for corner in Box2D(box).getCorners()]).T


def test_detectors_are_those_of_the_table(real: RealFile):
    found = [
        (d.getId(), d.getName(), d.getSerial(), d.getPhysicalType(), int(d.getType())) for d in real.camera
    ]
    table = real.detectors
    names, serials, kinds = (real.text(table, name) for name in ("name", "serial", "physicalType"))
    assert found == list(zip(table["id"], names, serials, kinds, table["type"], strict=True))


def test_geometry_of_detectors_is_that_of_the_table(real: RealFile):
    for detector, row in zip(real.camera, real.detectors, strict=True):
        box, orientation = detector.getBBox(), detector.getOrientation()
        limits = [box.minX, box.minY, box.maxX, box.maxY]
        assert limits == [row[f"bbox_{end}_{axis}"] for end in ("min", "max") for axis in "xy"]
        assert [*orientation.getFpPosition3()] == [row["fpPosition_x"], row["fpPosition_y"], 0.0]
        assert [*orientation.getReferencePoint()] == [row["refPoint_x"], row["refPoint_y"]]
        turns = (orientation.getYaw(), orientation.getPitch(), orientation.getRoll())
        assert [float(angle) for angle in turns] == [row["yaw"], row["pitch"], row["roll"]]
        assert [*detector.getPixelSize()] == [row["pixelSize_x"], row["pixelSize_y"]]


def test_amplifiers_are_those_of_the_table(real: RealFile):
    amplifiers, table = allAmplifiers(real.camera), real.amplifiers
    assert [amplifier.getName() for amplifier in amplifiers] == real.text(table, "name")
    for column, method in (
        ("gain", Amplifier.getGain),
        ("readnoise", Amplifier.getReadNoise),
        ("saturation", Amplifier.getSaturation),
        ("suspectlevel", Amplifier.getSuspectLevel),
        ("linearityMaximum", Amplifier.getLinearityMaximum),
        ("readoutcorner", lambda amplifier: int(amplifier.getReadoutCorner())),
    ):
        np.testing.assert_array_equal([method(amplifier) for amplifier in amplifiers], table[column], column)
    flips = [(False, amplifier.getRawFlipX(), amplifier.getRawFlipY()) for amplifier in amplifiers]
    np.testing.assert_array_equal(flips, table["flags"])


@pytest.mark.parametrize(
    ("column", "method"),
    [
        ("bbox", Amplifier.getBBox),
        ("raw_bbox", Amplifier.getRawBBox),
        ("raw_databbox", Amplifier.getRawDataBBox),
        ("raw_horizontaloverscanbbox", Amplifier.getRawSerialOverscanBBox),
        ("raw_verticaloverscanbbox", Amplifier.getRawParallelOverscanBBox),
        ("raw_prescanbbox", Amplifier.getRawPrescanBBox),
    ],
)
def test_boxes_of_amplifiers_are_those_of_the_table(real: RealFile, column: str, method: Any):
    boxes = [method(amplifier) for amplifier in allAmplifiers(real.camera)]
    found = np.array([(box.minX, box.minY, box.getWidth(), box.getHeight()) for box in boxes])
    ends = ("min_x", "min_y", "extent_x", "extent_y")
    expected = np.stack([real.amplifiers[f"{column}_{end}"] for end in ends], axis=1)
    np.testing.assert_array_equal(found, expected)


def test_each_detector_has_the_amplifiers_that_the_index_says(real: RealFile):
    rows = real.index[(real.index["name"] == "Detector") & (real.index["cat.persistable"] == 1)]
    counts = [len(detector) for detector in real.camera]
    np.testing.assert_array_equal(rows["nrows"], counts)
    np.testing.assert_array_equal(rows["row0"], np.cumsum([0, *counts[:-1]]))


def test_amplifier_corners_equal_the_dumps(real: RealFile):
    first = int(real.transformMap["transform"].min())
    places = zip(
        real.text(real.transformMap, "toSysDetectorName"),
        real.text(real.transformMap, "toSysName"),
        real.transformMap["transform"],
        strict=True,
    )
    dumps = {name: real.dumps[number - first] for name, system, number in places if system == "Pixels"}
    for detector in real.camera:
        pixels = cornersOf([amplifier.getBBox() for amplifier in detector])
        expected = Ast.Channel(Source(dumps[detector.getName()])).read().tran(pixels, False)
        found = detector.getTransform(PIXELS, FOCAL_PLANE).getMapping().applyForward(pixels)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


def test_amplifier_corners_equal_a_rotation_by_yaw(real: RealFile):
    assert not real.detectors["pitch"].any()
    assert not real.detectors["roll"].any()
    for detector, row in zip(real.camera, real.detectors, strict=True):
        pixels = cornersOf([amplifier.getBBox() for amplifier in detector])
        offsets = (
            [1, 1j] @ (pixels - np.array([[row["refPoint_x"]], [row["refPoint_y"]]])) * row["pixelSize_x"]
        )
        places = complex(row["fpPosition_x"], row["fpPosition_y"]) + offsets * np.exp(1j * row["yaw"])
        found = detector.getTransform(PIXELS, FOCAL_PLANE).getMapping().applyForward(pixels)
        np.testing.assert_allclose(found, [places.real, places.imag], rtol=0, atol=1e-9)


def dataOf(path: Path) -> list[bytes]:
    """Return the bytes of the data of each extension."""
    with fits.open(path) as hdus:
        spans = [(info["datLoc"], info["datSpan"]) for info in (hdu.fileinfo() for hdu in hdus)]
    content = path.read_bytes()
    return [content[start : start + size] for start, size in spans]


def test_written_tables_have_the_bytes_of_afw(real: RealFile, tmp_path: Path):
    written = tmp_path / "camera.fits"
    real.camera.writeFits(str(written))
    for number, (ours, theirs) in enumerate(zip(dataOf(written), dataOf(real.path), strict=True)):
        # The file has version 1 of detectors, and version 2 is written.
        assert number == DETECTORS or ours == theirs, number


def test_written_columns_are_those_of_afw(real: RealFile, tmp_path: Path):
    written = tmp_path / "camera.fits"
    real.camera.writeFits(str(written))
    keys = ("TTYPE", "TFORM", "TUNIT", "TCCLS", "TFLAG", "EXTNAME", "EXTTYPE", "AR_", "FLAGCOL", "AFW_TABLE")
    with fits.open(written) as ours, fits.open(real.path) as theirs:
        ours.verify("exception")
        for number, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            if number != DETECTORS:
                wanted = [key for key in b.header if key.startswith(keys)]
                assert {key: a.header[key] for key in wanted} == {key: b.header[key] for key in wanted}
        added = [
            name for name in ours[DETECTORS].columns.names if name not in theirs[DETECTORS].columns.names
        ]
    assert added == ["fpPosition_z", "version"]


def test_written_camera_reads_the_same(real: RealFile, tmp_path: Path):
    first, second = tmp_path / "first.fits", tmp_path / "second.fits"
    real.camera.writeFits(str(first))
    again = Camera.readFits(str(first))
    again.writeFits(str(second))
    assert again.getName() == real.camera.getName()
    assert again.getPupilFactoryName() == real.camera.getPupilFactoryName()
    assert first.read_bytes() == second.read_bytes()


def test_file_is_read_anew_when_it_has_changed(tmp_path: Path):
    path = tmp_path / "camera.fits"
    makeTurnedCamera().writeFits(str(path))
    first = Camera.readFits(str(path))
    assert Camera.readFits(str(path)) is first
    other = Camera.Builder(first)
    other.setName("other")
    other.finish().writeFits(str(path))
    assert [camera.getName() for camera in (first, Camera.readFits(str(path)))] == ["turned", "other"]


def makeTurnedCamera() -> Camera:
    """Make a camera with what the real files do not have: height, pitch, roll, crosstalk, no amplifier."""
    builder = Camera.Builder("turned")
    detector = builder.add("R00_S00", 5)
    detector.setOrientation(
        Orientation(Point3D(1, 2, -1.5), Point2D(3, 4), 450 * degrees, 6 * degrees, 7 * degrees)
    )
    detector.setPixelSize(Extent2D(0.01, 0.02))
    detector.setCrosstalk([[0.0, 1e-4], [2e-4, 0.0]])
    for name in ("C00", "C01"):
        amplifier = Amplifier.Builder()
        amplifier.setName(name)
        amplifier.setBBox(Box2I(Point2I(-3, 4), Extent2I(5, 6)))
        amplifier.setRawXYOffset(Extent2I(-7, 8))
        amplifier.setLinearityCoeffs([0.5])
        detector.append(amplifier)
    builder.add("R00_S01", 6).setPixelSize(Extent2D(0.01, 0.01))
    return builder.finish()


def test_written_camera_keeps_what_real_files_do_not_have(tmp_path: Path):
    camera = makeTurnedCamera()
    camera.writeFits(str(tmp_path / "camera.fits"))
    detector = Camera.readFits(str(tmp_path / "camera.fits"))["R00_S00"]
    orientation = detector.getOrientation()
    assert orientation.getFpPosition3() == Point3D(1, 2, -1.5)
    assert orientation.getYaw() == 450 * degrees
    assert (orientation.getPitch(), orientation.getRoll()) == (6 * degrees, 7 * degrees)
    np.testing.assert_array_equal(detector.getCrosstalk(), camera[5].getCrosstalk())
    assert detector["C01"].getBBox() == Box2I(Point2I(-3, 4), Extent2I(5, 6))
    assert (detector["C01"].getRawXYOffset(), detector["C01"].getRawBBox()) == (Extent2I(-7, 8), Box2I())
    pixels = cornersOf([detector["C01"].getBBox()])
    np.testing.assert_array_equal(
        detector.getTransform(PIXELS, FOCAL_PLANE).getMapping().applyForward(pixels),
        camera[5].getTransform(PIXELS, FOCAL_PLANE).getMapping().applyForward(pixels),
    )


def test_failed_write_leaves_nothing(tmp_path: Path):
    builder = makeTurnedCamera()[5].rebuild()
    builder["C00"].setName(None)
    camera = makeTurnedCamera()
    broken = Camera("broken", [builder.finish()], camera.getTransformMap())
    with pytest.raises(TypeError, match="Cannot write None where a text is needed"):
        broken.writeFits(str(tmp_path / "camera.fits"))
    assert list(tmp_path.iterdir()) == []


class TestBadFiles:
    """Each error names the file and what is wrong with it."""

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        makeTurnedCamera().writeFits(str(tmp_path / "camera.fits"))
        return tmp_path / "camera.fits"

    @staticmethod
    def check(path: Path, message: str) -> None:
        with pytest.raises(ValueError, match=f"Cannot read a camera from '.*{path.name}': .*{message}"):
            Camera.readFits(str(path))

    def test_no_file(self, tmp_path: Path):
        with pytest.raises(FileNotFoundError, match=r"no camera file '.*nothing\.fits'"):
            Camera.readFits(str(tmp_path / "nothing.fits"))

    def test_not_fits(self, tmp_path: Path):
        path = tmp_path / "text.fits"
        path.write_text("not a FITS file")
        self.check(path, "")

    def test_no_archive(self, tmp_path: Path):
        path = tmp_path / "image.fits"
        fits.PrimaryHDU(np.zeros((2, 2))).writeto(path)
        self.check(path, "0 archive indices")

    def test_cut_off(self, path: Path):
        content = path.read_bytes()
        path.write_bytes(content[: len(content) - 3 * 2880])
        with pytest.warns(Warning, match="truncated|too small|Error validating|ended unexpectedly"):
            self.check(path, "")

    def test_missing_table(self, path: Path):
        with fits.open(path, mode="update") as hdus:
            del hdus[-1]
        self.check(path, "should have 7 tables, but 6 are there")

    @pytest.mark.parametrize(("column", "other"), [("gain", "Gain"), ("raw_bbox_min_x", "raw_bbox_x")])
    def test_missing_amplifier_column(self, path: Path, column: str, other: str):
        self.rename(path, AMPLIFIERS, column, other)
        self.check(path, f"'Detector' has no column '{column}'")

    def test_missing_detector_column(self, path: Path):
        self.rename(path, DETECTORS, "yaw", "Yaw")
        self.check(path, r"'Detector' has no columns \['yaw'\]")

    def test_newer_version(self, path: Path):
        self.patch(path, DETECTORS, (2).to_bytes(4), (3).to_bytes(4), last=True)
        self.check(path, "Detector version 3 is newer than 2")

    def test_other_object(self, path: Path):
        self.patch(path, INDEX, b"Camera".ljust(64), b"Exposure".ljust(64))
        self.check(path, "object 1 of its archive should be a Camera, but is 'Exposure'")

    def test_rows_beyond_the_table(self, path: Path):
        shutil.copy(path, path.with_name("copy.fits"))
        with fits.open(path.with_name("copy.fits"), mode="update") as hdus:
            hdus[INDEX].data["nrows"][hdus[INDEX].data["name"] == "Camera"] = 9
        self.check(path.with_name("copy.fits"), "Camera 1 has rows 0 to 9 of ")

    @staticmethod
    def rename(path: Path, number: int, old: str, new: str) -> None:
        with fits.open(path, mode="update") as hdus:
            header = hdus[number].header
            (key,) = (key for key in header if key.startswith("TTYPE") and header[key] == old)
            header[key] = new

    @staticmethod
    def patch(path: Path, number: int, old: bytes, new: bytes, last: bool = False) -> None:
        """Replace bytes of a table: each occurrence, or the last of its first row."""
        data = dataOf(path)[number]
        content = path.read_bytes()
        start = content.index(data)
        if last:
            with fits.open(path) as hdus:
                width = hdus[number].header["NAXIS1"]
            at = data.rindex(old, 0, width)
            data = data[:at] + new + data[at + len(old) :]
        else:
            data = data.replace(old, new)
        path.write_bytes(content[:start] + data + content[start + len(data) :])
