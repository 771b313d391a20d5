# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Detectors, amplifiers and transforms of cameras made here, against rotation by plain matrices."""

import math
import pickle

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lsst.afw.cameraGeom as cameraGeom
from lsst.afw.cameraGeom import (
    FIELD_ANGLE,
    FOCAL_PLANE,
    PIXELS,
    TAN_PIXELS,
    Amplifier,
    Camera,
    CameraSys,
    CameraSysPrefix,
    Detector,
    DetectorCollection,
    DetectorType,
    Orientation,
    ReadoutCorner,
    TransformMap,
    TransformPoint2ToPoint2,
)
from lsst.afw.cameraGeom._transform import makeAffineTransform, makeScaling
from lsst.afw.cameraGeom._transformMap import Connection
from lsst.geom import Angle, Box2D, Box2I, Extent2D, Extent2I, Point2D, Point2I, Point3D, degrees

# A busy machine is no failure.
steady = settings(deadline=None)

angles = st.floats(-7.0, 7.0)


def rotate(
    pixels: npt.NDArray[np.float64], orientation: Orientation, pixelSize: float
) -> npt.NDArray[np.float64]:
    """Place pixels, shape (2, n), on the focal plane by three rotations in space, one after the other."""
    yaw, pitch, roll = (
        float(a) for a in (orientation.getYaw(), orientation.getPitch(), orientation.getRoll())
    )

    def turn(angle: float, i: int, j: int) -> npt.NDArray[np.float64]:
        matrix = np.eye(3)
        matrix[[i, j], [i, j]] = math.cos(angle)
        matrix[i, j], matrix[j, i] = -math.sin(angle), math.sin(angle)
        return matrix

    offsets = (pixels - np.array([*orientation.getReferencePoint()])[:, np.newaxis]) * pixelSize
    in_space = np.vstack([offsets, np.zeros(offsets.shape[1])])
    turned = turn(yaw, 0, 1) @ turn(pitch, 2, 0) @ turn(roll, 1, 2) @ in_space
    return turned[:2] + np.array([*orientation.getFpPosition()])[:, np.newaxis]


def makeCamera(orientation: Orientation | None = None) -> Camera:
    """Make a camera of one detector, turned or not, with two amplifiers."""
    builder = Camera.Builder("toy")
    detector = builder.add("R22_S11", 7)
    detector.setBBox(Box2I(Point2I(0, 0), Extent2I(40, 30)))
    detector.setPixelSize(Extent2D(0.01, 0.01))
    detector.setOrientation(orientation or Orientation(Point2D(10.0, 20.0), Point2D(19.5, 14.5)))
    for number in (0, 1):
        amplifier = Amplifier.Builder()
        amplifier.setName(f"C0{number}")
        amplifier.setBBox(Box2I(Point2I(20 * number, 0), Extent2I(20, 30)))
        detector.append(amplifier)
    return builder.finish()


@pytest.fixture(scope="module")
def smallCamera() -> Camera:
    return cameraGeom.testUtils.CameraWrapper(isLsstLike=False).camera


@steady
@given(angles, angles, angles)
def test_orientation_equals_three_rotations(yaw: float, pitch: float, roll: float):
    orientation = Orientation(Point3D(1, 2, 3), Point2D(4, 5), Angle(yaw), Angle(pitch), Angle(roll))
    pixels = np.array([[0.0, 100.0, -7.5], [0.0, 50.0, 3.25]])
    mapping = orientation.makePixelFpTransform(Extent2D(0.01, 0.01)).getMapping()
    np.testing.assert_allclose(mapping.applyForward(pixels), rotate(pixels, orientation, 0.01), atol=1e-12)


@steady
@given(st.integers(-8, 8))
def test_quarter_turns_keep_the_square(quarters: int):
    orientation = Orientation(Point2D(0, 0), Point2D(0, 0), yaw=90.0 * quarters * degrees)
    transform = orientation.makePixelFpTransform(Extent2D(1.0, 1.0))
    turned = complex(*transform.applyForward(Point2D(3, 1)))
    assert turned == pytest.approx(complex(3, 1) * 1j**quarters)
    assert orientation.getNQuarter() % 4 == quarters % 4


def test_orientation_gives_back_what_it_was_made_of():
    orientation = Orientation(Point3D(1, 2, 3), Point2D(4, 5), 6 * degrees, 7 * degrees, 8 * degrees)
    assert orientation.getFpPosition() == Point2D(1, 2)
    assert orientation.getFpPosition3() == Point3D(1, 2, 3)
    assert orientation.getHeight() == 3.0
    assert Orientation().getReferencePoint() == Point2D(-0.5, -0.5)
    assert Orientation(Point2D(1, 2)).getHeight() == 0.0


def test_transform_goes_there_and_back():
    transform = makeCamera()[7].getTransform(PIXELS, FOCAL_PLANE)
    there = transform.applyForward([Point2D(19.5, 14.5), Point2D(0, 0)])
    assert there[0] == Point2D(10.0, 20.0)
    assert [*there[1]] == pytest.approx([9.805, 19.855])
    assert [*transform.inverted().applyForward(there[1])] == pytest.approx([0, 0], abs=1e-9)


def test_mapping_takes_arrays_of_columns():
    mapping = makeCamera()[7].getTransform(PIXELS, FOCAL_PLANE).getMapping()
    pixels = np.array([[19.5, 0.0], [14.5, 0.0]])
    kept = pixels.copy()
    np.testing.assert_allclose(mapping.applyForward(pixels), [[10.0, 9.805], [20.0, 19.855]])
    np.testing.assert_allclose(mapping.applyForward(pixels[:, 0]), [10.0, 20.0])
    np.testing.assert_array_equal(pixels, kept)


def test_mapping_refuses_arrays_of_rows():
    with pytest.raises(ValueError, match=r"shape \(2, n\) or \(2,\), got \(3, 2\)"):
        makeScaling(1.0, 1.0).getMapping().applyForward(np.zeros((3, 2)))


def test_transform_refuses_other_than_points():
    with pytest.raises(TypeError, match="Point2D"):
        makeScaling(1.0, 1.0).applyForward([(1.0, 2.0)])
    assert makeScaling(1.0, 1.0).applyForward([]) == []


def test_transforms_follow_each_other():
    joined = makeScaling(2.0, 3.0).then(makeAffineTransform(np.array([[0, -1], [1, 0]]), np.array([5, 6])))
    assert joined.applyForward(Point2D(1, 1)) == Point2D(2, 8)
    np.testing.assert_allclose(joined.getJacobian(Point2D(1, 1)), [[0, -3], [2, 0]], atol=1e-12)


def test_transform_survives_text_and_pickle():
    transform = makeAffineTransform(np.array([[1.0, 0.5], [0.25, 1.0]]), np.array([0.1, 0.2]))
    text = transform.writeString()
    assert text.startswith("1 TransformPoint2ToPoint2 Begin CmpMap\n")
    for copy in (TransformPoint2ToPoint2(text), pickle.loads(pickle.dumps(transform))):
        assert copy.applyForward(Point2D(3, 4)) == transform.applyForward(Point2D(3, 4))
        assert copy.writeString() == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 TransformPoint2ToSpherePoint Begin", "Not a transform of points to points"),
        ("1 TransformPoint2ToPoint2 Begin Nonsense\n End Nonsense\n", "Bad AST dump"),
        ("1 TransformPoint2ToPoint2 \n", "Not an AST mapping of the plane"),
        (
            "1 TransformPoint2ToPoint2 Begin UnitMap\n Nin = 3\n IsA Mapping\n End UnitMap\n",
            "Not an AST mapping",
        ),
    ],
)
def test_bad_text_of_a_transform(text: str, message: str):
    with pytest.raises(ValueError, match=message):
        TransformPoint2ToPoint2(text).getMapping()


def test_coordinate_systems_compare_by_name():
    system = CameraSys(PIXELS, "R22_S11")
    assert system == CameraSys("Pixels", "R22_S11") != CameraSys("Pixels", "R22_S10")
    assert len({system, CameraSys("Pixels", "R22_S11"), FOCAL_PLANE}) == 2
    assert (system.getSysName(), system.getDetectorName(), system.hasDetectorName()) == (
        "Pixels",
        "R22_S11",
        True,
    )
    assert str(system) == "CameraSys(Pixels, R22_S11)"
    assert CameraSysPrefix("Pixels") == PIXELS


def test_transform_map_finds_the_way_through_the_tree():
    a, b, c, d = (CameraSys(name) for name in "abcd")
    connections = [
        Connection(makeScaling(2, 2), b, a),
        Connection(makeScaling(5, 5), c, d),
        Connection(makeScaling(3, 3), a, c),
    ]
    transforms = TransformMap(a, connections)
    assert (len(transforms), d in transforms, CameraSys("e") in transforms) == (4, True, False)
    assert transforms.transform(Point2D(1, 1), b, d) == Point2D(30, 30)
    assert [*transforms.transform(Point2D(30, 30), d, b)] == pytest.approx([1, 1])
    assert transforms.transform(Point2D(4, 5), c, c) == Point2D(4, 5)
    with pytest.raises(ValueError, match=r"Unsupported coordinate system: CameraSys\(e\)"):
        transforms.getTransform(a, CameraSys("e"))


def test_transform_map_is_one_tree():
    a, b, c, d = (CameraSys(name) for name in "abcd")
    one = makeScaling(1, 1)
    with pytest.raises(ValueError, match="no connections"):
        TransformMap(a, [])
    with pytest.raises(ValueError, match="Multiple paths"):
        TransformMap(a, [Connection(one, a, b), Connection(one, b, c), Connection(one, c, a)])
    with pytest.raises(ValueError, match=r"Not connected with CameraSys\(a\): CameraSys\(d\)"):
        TransformMap(a, [Connection(one, a, b), Connection(one, c, d)])


def test_detector_corners_are_the_outer_ones():
    corners = makeCamera()["R22_S11"].getCorners(FOCAL_PLANE)
    expected = [(9.8, 19.85), (10.2, 19.85), (10.2, 20.15), (9.8, 20.15)]
    np.testing.assert_allclose([[*corner] for corner in corners], expected, atol=1e-12)


def test_detector_finds_amplifiers_by_name_and_index():
    detector = makeCamera()[7]
    assert [amplifier.getName() for amplifier in detector] == ["C00", "C01"]
    assert len(detector) == 2
    assert detector["C01"] is detector[1] is detector.getAmplifiers()[-1]
    with pytest.raises(KeyError, match="R22_S11 has no amplifier 'C17'"):
        detector["C17"]


def test_boxes_of_an_amplifier_cannot_be_changed_through_it():
    amplifier = makeCamera()[7]["C00"]
    amplifier.getBBox().shift(Extent2I(5, 5))
    assert amplifier.getBBox() == Box2I(Point2I(0, 0), Extent2I(20, 30))


def test_rebuilt_detector_leaves_the_first_alone():
    detector = makeCamera()[7]
    builder = detector.rebuild()
    builder["C00"].setGain(1.5)
    builder.setPhysicalType("ITL")
    builder.setCrosstalk([[0.0, 1e-3], [2e-3, 0.0]])
    rebuilt = builder.finish()
    assert (rebuilt["C00"].getGain(), rebuilt.getPhysicalType()) == (1.5, "ITL")
    np.testing.assert_array_equal(rebuilt.getCrosstalk(), np.array([[0, 1e-3], [2e-3, 0]], dtype=np.float32))
    assert (detector["C00"].getGain(), detector.getPhysicalType(), detector.hasCrosstalk()) == (
        0.0,
        "",
        False,
    )
    assert rebuilt.getCorners(FOCAL_PLANE) == detector.getCorners(FOCAL_PLANE)


def test_detector_refuses_crosstalk_of_another_size():
    builder = makeCamera()[7].rebuild()
    builder.setCrosstalk(np.zeros((3, 3)) + 1.0)
    with pytest.raises(ValueError, match=r"R22_S11 has shape \(3, 3\), but it has 2 amplifiers"):
        builder.finish()


def test_detector_refuses_two_amplifiers_of_one_name():
    builder = makeCamera()[7].rebuild()
    builder["C00"].setName("C01")
    with pytest.raises(ValueError, match="Two amplifiers of detector R22_S11 have one name"):
        builder.finish()


def test_amplifier_builder_sets_what_the_amplifier_gives():
    builder = Amplifier.Builder()
    box = Box2I(Point2I(1, 2), Extent2I(3, 4))
    values = {
        "Name": "C10",
        "BBox": box,
        "Gain": 1.5,
        "ReadNoise": 5.5,
        "Saturation": 1e5,
        "SuspectLevel": 9e4,
        "ReadoutCorner": ReadoutCorner.UR,
        "LinearityType": "NONE",
        "LinearityThreshold": 1.0,
        "LinearityMaximum": 2.0,
        "LinearityUnits": "DN",
        "RawBBox": box.shiftedBy(Extent2I(1, 0)),
        "RawDataBBox": box.shiftedBy(Extent2I(2, 0)),
        "RawSerialOverscanBBox": box.shiftedBy(Extent2I(3, 0)),
        "RawParallelOverscanBBox": box.shiftedBy(Extent2I(4, 0)),
        "RawSerialPrescanBBox": box.shiftedBy(Extent2I(5, 0)),
        "RawFlipX": True,
        "RawFlipY": True,
        "RawXYOffset": Extent2I(7, 8),
    }
    for name, value in values.items():
        getattr(builder, f"set{name}")(value)
    builder.setLinearityCoeffs([1, 2])
    amplifier = builder.finish()
    builder.setGain(99.0)
    assert {name: getattr(amplifier, f"get{name}")() for name in values} == values
    assert amplifier.getLinearityCoeffs().tolist() == [1.0, 2.0]
    assert amplifier.getRawHorizontalOverscanBBox() == amplifier.getRawSerialOverscanBBox()


def test_camera_finds_detectors_by_id_and_name(smallCamera: Camera):
    assert smallCamera[10] is smallCamera["R:0,0 S:0,0"]
    assert (10 in smallCamera, 11 in smallCamera, "R:1,0 S:1,2" in smallCamera) == (True, False, True)
    assert [detector.getId() for detector in smallCamera] == list(range(10, 130, 10))
    assert smallCamera.get("nobody") is None
    with pytest.raises(KeyError, match="Detector for key nobody not found"):
        smallCamera["nobody"]


def test_camera_refuses_two_detectors_of_one_id():
    builder = Camera.Builder("toy")
    builder.add("a", 1)
    with pytest.raises(ValueError, match=r"Detector b \(1\) is not unique"):
        builder.add("b", 1)
    del builder["a"]
    assert builder.add("b", 1).getName() == "b"


def test_amplifiers_tile_each_detector(smallCamera: Camera):
    for detector in smallCamera:
        cover = np.zeros((204, 200), dtype=int)
        for amplifier in detector:
            box = amplifier.getBBox()
            cover[box.minY : box.maxY + 1, box.minX : box.maxX + 1] += 1
        assert (cover == 1).all()


def test_raw_boxes_of_the_test_camera_tile_each_raw_image(smallCamera: Camera):
    for detector in smallCamera:
        raws = [amplifier.getRawBBox() for amplifier in detector]
        whole = Box2I()
        for raw in raws:
            whole.include(raw)
        assert sum(raw.width * raw.height for raw in raws) == whole.width * whole.height
        for amplifier in detector:
            raw = amplifier.getRawBBox()
            assert raw.contains(amplifier.getRawDataBBox())
            assert raw.contains(amplifier.getRawSerialOverscanBBox())
            assert not amplifier.getRawDataBBox().overlaps(amplifier.getRawParallelOverscanBBox())


def test_detector_types_of_the_test_camera(smallCamera: Camera):
    guiders = [detector.getName() for detector in smallCamera if detector.getType() == DetectorType.GUIDER]
    assert guiders == ["R:0,0 S:0,0", "R:1,0 S:0,0"]
    assert str(DetectorType.GUIDER) == "DetectorType.GUIDER"
    assert int(DetectorType(3)) == 3


def test_box_of_the_focal_plane(smallCamera: Camera):
    corners = np.array([[*c] for detector in smallCamera for c in detector.getCorners(FOCAL_PLANE)])
    box = smallCamera.getFpBBox()
    assert [*box.getMin(), *box.getMax()] == [*corners.min(axis=0), *corners.max(axis=0)]
    assert DetectorCollection([]).getFpBBox() == Box2D()


def test_parity_mirrors_the_field_of_view():
    builder = makeCamera().rebuild()
    builder.setTransformFromFocalPlaneTo(FIELD_ANGLE, makeScaling(2.0, 2.0))
    builder.setFocalPlaneParity(True)
    camera = builder.finish()
    assert camera.getFocalPlaneParity()
    assert camera.transform(Point2D(1, 1), FOCAL_PLANE, FIELD_ANGLE) == Point2D(-2, 2)
    again = camera.rebuild().finish()
    assert again.transform([Point2D(1, 1)], FOCAL_PLANE, FIELD_ANGLE) == [Point2D(-2, 2)]


def test_rebuilt_camera_keeps_other_coordinate_systems():
    builder = makeCamera().rebuild()
    builder[7].setTransformFromPixelsTo(TAN_PIXELS, makeScaling(2.0, 2.0))
    camera = builder.finish().rebuild().finish()
    assert camera[7].transform(Point2D(1, 1), PIXELS, TAN_PIXELS) == Point2D(2, 2)


def test_coordinate_systems_belong_to_their_owner():
    builder = makeCamera().rebuild()
    with pytest.raises(ValueError, match="should be added to its detector"):
        builder.setTransformFromFocalPlaneTo(CameraSys(TAN_PIXELS, "R22_S11"), makeScaling(1.0, 1.0))
    with pytest.raises(ValueError, match="does not belong to detector R22_S11"):
        builder[7].setTransformFromPixelsTo(CameraSys(TAN_PIXELS, "R22_S12"), makeScaling(1.0, 1.0))


def test_unknown_coordinate_system_is_named():
    with pytest.raises(ValueError, match=r"Unsupported coordinate system: CameraSys\(TanPixels, R22_S11\)"):
        makeCamera()[7].getTransform(PIXELS, TAN_PIXELS)


def test_camera_survives_pickling():
    camera = makeCamera(Orientation(Point3D(1, 2, 3), Point2D(4, 5), 30 * degrees))
    copy = pickle.loads(pickle.dumps(camera))
    assert copy.getName() == "toy"
    assert copy[7].getCorners(FOCAL_PLANE) == camera[7].getCorners(FOCAL_PLANE)
    assert copy[7]["C01"].getBBox() == camera[7]["C01"].getBBox()


def test_builders_are_reached_through_their_classes():
    assert isinstance(Camera.Builder("toy").add("a", 1), Detector.InCameraBuilder)
    assert isinstance(makeCamera()[7].rebuild(), Detector.PartialRebuilder)
