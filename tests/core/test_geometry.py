# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import astropy.utils.masked
import numpy as np
import numpy.typing as npt
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import binned_statistic

from lsst.afw.cameraGeom import FOCAL_PLANE, PIXELS, Camera
from lsst.analysis.cp.core.geometry import STATISTICS, FocalPlaneGeometry, boxCorners, groupedStatistic

MICROMETRE = 1e-3


def measure(camera: object) -> FocalPlaneGeometry:
    return FocalPlaneGeometry.fromCamera(camera, PIXELS, FOCAL_PLANE)


def turned(x: float, y: float, place: tuple[float, float, float]) -> tuple[float, float]:
    """Move a pixel position to the focal plane by complex numbers."""
    point = complex(x + 0.5, y + 0.5) * 0.01 * complex(math.cos(place[2]), math.sin(place[2]))
    return point.real + place[0], point.imag + place[1]


def test_box_corners_go_round_the_box() -> None:
    assert_array_equal(boxCorners([[1, 2, 5, 9]]), [[[1, 2], [5, 2], [5, 9], [1, 9]]])


@pytest.mark.parametrize("yaw", np.deg2rad([0.0, 33.0, 90.0, 180.0, 270.0, 450.0, -7.5]))
def test_cornered_amplifier_of_turned_detector(makeCamera: Callable, yaw: float) -> None:
    place = (-120.0, 33.5, yaw)
    geometry = measure(makeCamera(place))
    corners = [(24.5, 39.5), (49.5, 39.5), (49.5, 79.5), (24.5, 79.5)]
    assert geometry.layout.ampName[5] == "C11"
    assert_allclose(geometry.ampCorners[5], [turned(x, y, place) for x, y in corners], atol=MICROMETRE)


def test_edges_of_detectors(camera: Sequence) -> None:
    geometry = measure(camera)
    assert_array_equal(geometry.detectorEdges, [[-0.5, -0.5, 99.5, 79.5]] * 4)
    # The outermost edges of its eight amplifiers are those of a detector.
    edges = geometry.ampEdges.reshape(4, 8, 4)
    assert_array_equal(edges[:, :, :2].min(axis=1), geometry.detectorEdges[:, :2])
    assert_array_equal(edges[:, :, 2:].max(axis=1), geometry.detectorEdges[:, 2:])


@pytest.mark.parametrize("nQuarter", [1, 2, 3])
def test_quarter_turn_of_detector_turns_polygons(makeCamera: Callable, nQuarter: int) -> None:
    straight, rotated = (measure(makeCamera((0, 0, n * np.pi / 2))) for n in (0, nQuarter))
    matrix = np.linalg.matrix_power(np.array([[0, -1], [1, 0]]), nQuarter)
    assert_allclose(rotated.ampCorners, straight.ampCorners @ matrix.T, atol=1e-12)


def polygonArea(corners: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return signed areas by the shoelace formula."""
    x, y = corners[..., 0], corners[..., 1]
    return 0.5 * np.sum(x * np.roll(y, -1, -1) - y * np.roll(x, -1, -1), axis=-1)


@settings(max_examples=25, deadline=None)
@given(st.floats(-10, 10), st.floats(-300, 300), st.floats(-300, 300))
def test_amplifiers_tile_the_detector(makeCamera: Callable, yaw: float, x: float, y: float) -> None:
    geometry = measure(makeCamera((x, y, yaw)))
    areas = polygonArea(geometry.ampCorners)
    assert (areas > 0).all()
    assert_allclose(areas.sum(), polygonArea(geometry.detectorCorners), rtol=1e-9)
    # Inner corners are shared by four amplifiers: 3 columns of edges inside, 5 x 3 corners in all.
    assert len(np.unique(geometry.ampCorners.round(6).reshape(-1, 2), axis=0)) == 15


def readTable(hdu: fits.BinTableHDU, *names: str) -> dict[str, npt.NDArray]:
    """Read numbers, and names that are stored as arrays of characters."""
    columns = {name: np.asarray(hdu.data[name]) for name in names if "ame" not in name}
    return columns | {name: np.array(["".join(x) for x in hdu.data[name]]) for name in names if "ame" in name}


def turnToFocalPlane(pixels: npt.NDArray[np.float64], detector: dict[str, float]) -> npt.NDArray[np.float64]:
    """Turn positions by rotation matrices about x, y and z."""
    roll, pitch, yaw = (detector[name] for name in ("roll", "pitch", "yaw"))
    about_x = np.array([[1, 0, 0], [0, np.cos(roll), -np.sin(roll)], [0, np.sin(roll), np.cos(roll)]])
    about_y = np.array([[np.cos(pitch), 0, np.sin(pitch)], [0, 1, 0], [-np.sin(pitch), 0, np.cos(pitch)]])
    about_z = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
    size, reference, position = (
        np.array([detector[f"{name}_x"], detector[f"{name}_y"]])
        for name in ("pixelSize", "refPoint", "fpPosition")
    )
    offset = (pixels - reference) * size
    flat = np.concatenate([offset, np.zeros((*offset.shape[:-1], 1))], axis=-1)
    return (flat @ (about_z @ about_y @ about_x).T)[..., :2] + position


def readCorners(path: Path) -> dict[tuple[str, str], npt.NDArray[np.float64]]:
    """Compute the corners of all amplifiers from the tables of a camera file."""
    with fits.open(path) as hdus:
        index = hdus["ARCHIVE_INDEX"].data
        index = index[index["name"] == "Detector"]
        tables = [hdu for hdu in hdus if hdu.name.upper() == "DETECTOR"]
        box = [f"bbox_{what}_{axis}" for what in ("min", "extent") for axis in "xy"]
        pairs = [f"{what}_{axis}" for what in ("pixelSize", "refPoint", "fpPosition") for axis in "xy"]
        detectors, amps = sorted(tables, key=lambda hdu: len(hdu.columns))
        detectors = readTable(detectors, "name", "roll", "pitch", "yaw", *pairs)
        amps = readTable(amps, "name", *box)
    x, y, w, h = (amps[name].astype(float) for name in box)
    low, high = np.column_stack([x, y]) - 0.5, np.column_stack([x + w, y + h]) - 0.5
    pixels = np.stack([low, np.where([True, False], high, low), high, np.where([True, False], low, high)], 1)
    ids, first, count = index["id"], index["row0"], index["nrows"]
    amp_rows = {i: slice(a, a + n) for i, a, n in zip(ids, first, count, strict=True) if n > 1}
    corners: dict[tuple[str, str], npt.NDArray[np.float64]] = {}
    for i, row in zip(ids[count == 1], first[count == 1], strict=True):
        detector = {name: column[row] for name, column in detectors.items()}
        own = turnToFocalPlane(pixels[amp_rows[i]], detector)
        corners |= {
            (detector["name"], name): c for name, c in zip(amps["name"][amp_rows[i]], own, strict=True)
        }
    return corners


@pytest.mark.parametrize(("name", "nAmps"), [("LSSTCam", 3216), ("LSSTComCam", 144)])
def test_every_amplifier_of_real_camera(sharedData: Path, name: str, nAmps: int) -> None:
    path = sharedData / "cameras" / f"{name}.fits"
    geometry = measure(Camera.readFits(str(path)))
    corners = readCorners(path)
    layout = geometry.layout
    assert layout.nAmps == len(corners) == nAmps
    names = zip(layout.detectorName[layout.ampDetector], layout.ampName, strict=True)
    assert_allclose(geometry.ampCorners, [corners[name] for name in names], atol=MICROMETRE, rtol=0)


def test_amplifiers_are_found_by_name(camera: Sequence) -> None:
    index = measure(camera).layout.ampIndex([94, 7, 3], ["C00", "C13", "C02"])
    assert_array_equal(index, [8, 31, 2])


@pytest.mark.parametrize(
    "names",
    [
        np.array([b"C00", b"C01", b""]),
        np.array(["C00", "C01", None], dtype=object),
        np.ma.masked_array(["C00", "C01", "C01"], mask=[False, False, True]),
    ],
    ids=["bytes", "object", "masked"],
)
def test_rows_without_amplifier_are_of_another_level(camera: Sequence, names: npt.NDArray) -> None:
    assert_array_equal(measure(camera).layout.ampIndex([3, 3, 3], names), [0, 1, -1])


def test_unknown_amplifier_is_named(camera: Sequence) -> None:
    with pytest.raises(ValueError, match=r"amplifier 'C44' of detector 94 \(R00_S1\) is not in the camera"):
        measure(camera).layout.ampIndex([3, 94], ["C00", "C44"])


def test_unknown_detector_is_named(camera: Sequence) -> None:
    with pytest.raises(ValueError, match="4; 5 are not in the camera"):
        measure(camera).detectorIndex([3, 4, 5])


def test_detectors_that_are_no_whole_numbers(camera: Sequence) -> None:
    with pytest.raises(ValueError, match="not whole"):
        measure(camera).detectorIndex([3.5])


def test_no_rows_give_no_indices(camera: Sequence) -> None:
    geometry = measure(camera)
    assert len(geometry.layout.ampIndex(np.zeros(0, int), np.zeros(0, "U3"))) == 0
    assert len(geometry.ampIndexAt(np.zeros(0, int), [], [])) == 0


def test_points_are_found_by_bounding_box(camera: Sequence) -> None:
    # Centre of the first pixel, both sides of the edge at x = 24.5, the last pixel, three outside.
    x = [0.0, 24.49, 24.5, 99.49, 99.5, -0.6, np.nan]
    y = [0.0, 0.0, 0.0, 79.49, 10.0, 10.0, 10.0]
    assert_array_equal(measure(camera).ampIndexAt([20] * 7, x, y), [16, 16, 17, 23, -1, -1, -1])


@pytest.mark.parametrize("statistic", STATISTICS)
def test_grouped_statistic_equals_scipy(statistic: str) -> None:
    rng = np.random.default_rng(4)
    values, group = rng.normal(100.0, 3.0, 500), rng.integers(0, 12, 500)
    values[group == 3] = 7.0
    expected, *_ = binned_statistic(group, values, statistic, bins=np.arange(13) - 0.5)
    assert_allclose(groupedStatistic(values, group, 12, statistic), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_values_that_are_not_finite_are_left_out(statistic: str) -> None:
    values = [np.nan, 1.0, np.inf, 3.0, 4.0, -np.inf]
    reduced = groupedStatistic(values, [0, 0, 0, 0, 0, 1], 3, statistic)
    alone = groupedStatistic([1.0, 3.0, 4.0], [0, 0, 0], 3, statistic)
    assert_array_equal(reduced, alone)
    assert_array_equal(reduced[1:], [0, 0] if statistic == "count" else [np.nan, np.nan])


def test_grouped_statistic_rejects_unknown_name() -> None:
    with pytest.raises(ValueError, match="'mode'; expected one of mean, median"):
        groupedStatistic([1.0], [0], 1, "mode")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(-1, 3), st.floats(-1e6, 1e6)), max_size=30), st.randoms())
def test_order_of_rows_does_not_matter(rows: list[tuple[int, float]], random: object) -> None:
    shuffled = random.sample(rows, len(rows))
    for statistic in STATISTICS:
        one, two = (
            groupedStatistic([z for _, z in order], [i for i, _ in order], 4, statistic)
            for order in (rows, shuffled)
        )
        assert_allclose(one, two, rtol=1e-9, atol=1e-6)


def test_input_is_unchanged() -> None:
    values, group = np.array([3.0, np.nan, 1.0]), np.array([1, 0, 1])
    values.flags.writeable = group.flags.writeable = False
    assert_array_equal(groupedStatistic(values, group, 2, "median"), [np.nan, 2.0])


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("hidden", [0, 1])
@pytest.mark.parametrize("Masked", [np.ma.MaskedArray, astropy.utils.masked.Masked])
def test_masked_values_and_groups_are_left_out(statistic, hidden, Masked):
    columns = [np.array([1.0, 2.0, 1e9, 4.0]), np.array([0, 0, 0, 1])]
    columns[hidden] = Masked(columns[hidden], mask=[False, False, True, False])
    expected = groupedStatistic([1.0, 2.0, 4.0], [0, 0, 1], 2, statistic)
    assert_array_equal(groupedStatistic(*columns, 2, statistic), expected)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_groups_of_the_largest_numbers_are_reduced_as_others(statistic):
    """Group 0 has numbers of which sums and squares overflow, group 1 has others."""
    rng = np.random.default_rng(3)
    large, small = rng.uniform(-1, 1, (2, 8))
    largest = np.finfo(float).max
    found = groupedStatistic(np.concatenate([largest * large, small]), np.repeat([0, 1], 8), 2, statistic)
    expected = [groupedStatistic(part, np.zeros(8, int), 1, statistic)[0] for part in (large, small)]
    if statistic != "count":
        expected[0] = np.multiply(largest, expected[0]) if abs(expected[0]) < 1 else np.inf * expected[0]
    assert_allclose(found, expected, rtol=1e-12)
    same = {"std": 0, "sum": np.inf, "count": 3}.get(statistic, largest)
    assert_allclose(groupedStatistic([largest] * 3, [0] * 3, 1, statistic), same, atol=1e-12 * largest)
