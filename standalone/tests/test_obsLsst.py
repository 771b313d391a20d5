# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Our own cameras against the real ones, and instruments in a Butler repository."""

import importlib.resources
import math
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import yaml

from lsst.afw.cameraGeom import FIELD_ANGLE, FOCAL_PLANE, PIXELS, TAN_PIXELS, Amplifier, Camera, Detector
from lsst.cp.simulator import makeRepository
from lsst.daf.butler import Butler, CollectionType
from lsst.geom import Box2D, Extent2I, Point2D
from lsst.obs.base import Instrument, VisitSystem
from lsst.obs.lsst import Latiss, LsstCam, LsstComCam
from lsst.obs.lsst._cameraDescription import makeCamera

INSTRUMENTS = [LsstCam, LsstComCam, Latiss]
SCIENCE = ("SCIENCE", "ITL"), ("SCIENCE", "E2V")
GETTERS = [
    Amplifier.getName,
    Amplifier.getBBox,
    Amplifier.getReadoutCorner,
    Amplifier.getRawBBox,
    Amplifier.getRawDataBBox,
    Amplifier.getRawSerialOverscanBBox,
    Amplifier.getRawParallelOverscanBBox,
    Amplifier.getRawSerialPrescanBBox,
    Amplifier.getRawFlipX,
    Amplifier.getRawFlipY,
    Amplifier.getRawXYOffset,
    Amplifier.getLinearityType,
]


@pytest.fixture(scope="module", params=[LsstCam, LsstComCam], ids=["LSSTCam", "LSSTComCam"])
def pair(request: pytest.FixtureRequest, sharedData: Path) -> tuple[Camera, Camera]:
    """Our camera and the real one."""
    ours = request.param().getCamera()
    return ours, Camera.readFits(str(sharedData / "cameras" / f"{ours.getName()}.fits"))


@pytest.fixture(scope="module", params=INSTRUMENTS, ids=lambda cls: cls.__name__)
def instrument(request: pytest.FixtureRequest) -> LsstCam:
    return request.param()


def ampCorners(detector: Detector) -> npt.NDArray[np.float64]:
    """Return the corners of the amplifiers on the focal plane, shape (2, 4 * n), in mm."""
    pixels = np.array([[*c] for amplifier in detector for c in Box2D(amplifier.getBBox()).getCorners()]).T
    return detector.getTransform(PIXELS, FOCAL_PLANE).getMapping().applyForward(pixels)


def test_detectors_are_the_real_ones(pair: tuple[Camera, Camera]):
    ours, real = (
        [
            (d.getId(), d.getName(), d.getSerial(), d.getType(), d.getPhysicalType(), d.getBBox())
            for d in camera
        ]
        for camera in pair
    )
    assert ours == real


def test_orientations_are_the_real_ones(pair: tuple[Camera, Camera]):
    for ours, real in zip(*pair, strict=True):
        for method in ("getFpPosition3", "getReferencePoint", "getYaw", "getPitch", "getRoll"):
            found, expected = (getattr(d.getOrientation(), method)() for d in (ours, real))
            assert found == expected, (ours.getName(), method)


def test_amplifier_corners_are_within_a_micrometre(pair: tuple[Camera, Camera]):
    for ours, real in zip(*pair, strict=True):
        np.testing.assert_allclose(
            ampCorners(ours), ampCorners(real), rtol=0, atol=1e-3, err_msg=ours.getName()
        )


@pytest.mark.parametrize("method", GETTERS, ids=lambda method: method.__name__)
def test_amplifiers_are_the_real_ones(pair: tuple[Camera, Camera], method: Any):
    ours, real = ([[method(amplifier) for amplifier in d] for d in camera] for camera in pair)
    assert ours == real


def test_field_angles_are_the_real_ones(pair: tuple[Camera, Camera]):
    places = [Point2D(100.0, -200.0), Point2D(-3.0, 40.0)]
    ours, real = (camera.transform(places, FOCAL_PLANE, FIELD_ANGLE) for camera in pair)
    np.testing.assert_allclose([[*p] for p in ours], [[*p] for p in real], rtol=1e-9)
    assert pair[0].getFocalPlaneParity() == pair[1].getFocalPlaneParity()


def test_nominal_electronics_are_near_the_real_ones(pair: tuple[Camera, Camera]):
    """The median of a kind of sensor is within a tenth of the real median."""
    for kind in {detector.getPhysicalType() for detector in pair[0]}:
        for method in (Amplifier.getGain, Amplifier.getReadNoise):
            ours, real = (
                np.median([method(a) for d in camera if d.getPhysicalType() == kind for a in d])
                for camera in pair
            )
            assert ours == pytest.approx(real, rel=0.1), (kind, method.__name__)


def test_lsstcam_has_the_right_numbers_of_everything():
    camera = LsstCam().getCamera()
    kinds = Counter((d.getType().name, d.getPhysicalType()) for d in camera)
    assert kinds == {SCIENCE[0]: 72, SCIENCE[1]: 117, ("GUIDER", "ITL_G"): 8, ("WAVEFRONT", "ITL_WF"): 8}
    assert sum(len(detector) for detector in camera) == 3216
    sizes = {d.getPhysicalType(): tuple(d.getBBox().getDimensions()) for d in camera}
    assert sizes == {"E2V": (4096, 4004), "ITL": (4072, 4000), "ITL_G": (4072, 4000), "ITL_WF": (4072, 2000)}


def test_science_sensors_are_on_the_grids_of_rafts_and_sensors():
    for detector in LsstCam().getCamera():
        if detector.getName()[5].isdigit():
            raft, slot = ((int(name[2]), int(name[1])) for name in detector.getName().split("_"))
            expected = [127.0 * (r - 2) + 42.25 * (s - 1) for r, s in zip(raft, slot, strict=True)]
            assert [*detector.getOrientation().getFpPosition()] == expected


def test_corner_rafts_are_one_raft_turned():
    """Turning the amplifiers of R44 by a quarter gives R40, then R00, then R04."""
    camera = LsstCam().getCamera()
    for slot in ("SG0", "SG1", "SW0", "SW1"):
        turned = [1, 1j] @ ampCorners(camera[f"R44_{slot}"])
        for raft in ("R40", "R00", "R04"):
            turned = turned * 1j
            np.testing.assert_allclose([1, 1j] @ ampCorners(camera[f"{raft}_{slot}"]), turned, atol=1e-9)


def test_amplifiers_tile_each_detector(instrument: LsstCam):
    for detector in instrument.getCamera():
        boxes = [amplifier.getBBox() for amplifier in detector]
        whole = detector.getBBox()
        assert sum(box.width * box.height for box in boxes) == whole.width * whole.height
        assert len({(box.minX, box.minY) for box in boxes}) == len(boxes)
        assert all(whole.contains(box) for box in boxes)


def test_raw_boxes_tile_the_raw_image_but_for_a_corner(instrument: LsstCam):
    for amplifier in instrument.getCamera()[0]:
        parts = [
            amplifier.getRawDataBBox(),
            amplifier.getRawSerialPrescanBBox(),
            amplifier.getRawSerialOverscanBBox(),
            amplifier.getRawParallelOverscanBBox(),
        ]
        cover = np.zeros((amplifier.getRawBBox().getHeight(), amplifier.getRawBBox().getWidth()), dtype=int)
        for part in parts:
            cover[part.minY : part.maxY + 1, part.minX : part.maxX + 1] += 1
        height = amplifier.getRawDataBBox().getHeight()
        assert (cover[:height] == 1).all()
        assert cover.max() == 1


def test_tangent_pixels_are_pixels_without_distortion(instrument: LsstCam):
    detector = instrument.getCamera()[0]
    assert [*detector.transform(Point2D(12.0, 34.0), PIXELS, TAN_PIXELS)] == [12.0, 34.0]


def test_electronics_are_nominal_with_a_cut_spread(instrument: LsstCam):
    electronics = yaml.safe_load(importlib.resources.read_text("lsst.obs.lsst", "cameras.yaml"))
    nominal = electronics["cameras"][instrument.getName()]["electronics"]
    for detector in instrument.getCamera():
        expected = nominal[detector.getPhysicalType()]
        for amplifier in detector:
            assert abs(amplifier.getGain() / expected["gain"] - 1) <= 3 * electronics["gainSpread"] + 1e-12
            deviation = abs(amplifier.getReadNoise() / expected["readNoise"] - 1)
            assert deviation <= 3 * electronics["readNoiseSpread"] + 1e-12
            assert amplifier.getSaturation() == expected["saturation"]
            assert math.isnan(amplifier.getSuspectLevel())


def test_electronics_are_the_same_each_time_and_differ_among_amplifiers():
    first, second = makeCamera.__wrapped__("LSSTComCam"), makeCamera.__wrapped__("LSSTComCam")
    gains = [[a.getGain() for d in camera for a in d] for camera in (first, second)]
    assert gains[0] == gains[1]
    assert len(set(gains[0])) == len(gains[0])


def test_unknown_camera_is_named():
    with pytest.raises(ValueError, match="no camera 'HSC'; described are .*LATISS"):
        makeCamera("HSC")


def test_latiss_is_one_sensor_near_the_axis():
    (detector,) = Latiss().getCamera()
    assert (detector.getName(), detector.getId(), detector.getSerial()) == ("RXX_S00", 0, "ITL-3800C-068")
    assert tuple(detector.getBBox().getDimensions()) == (4072, 4000)
    # 2036.5 and 2000.5 pixels of 0.01 mm lie between the first pixel's centre and (-0.515, -0.055) mm.
    corner, opposite = detector.getCorners(FOCAL_PLANE)[::2]
    assert [*corner] == pytest.approx([-0.515 - 20.37, -0.055 - 20.01], abs=1e-12)
    assert [*opposite] == pytest.approx([-0.515 + 20.35, -0.055 + 19.99], abs=1e-12)
    assert Latiss().getCamera().getFocalPlaneParity()


@pytest.fixture(scope="module")
def policy() -> Path:
    """Directory of obs_lsst's descriptions of cameras."""
    path = Path(os.environ.get("UPSTREAM_DIR", "")) / "obs_lsst" / "policy"
    if "UPSTREAM_DIR" not in os.environ or not path.is_dir():
        pytest.skip("needs a checkout of obs_lsst: set UPSTREAM_DIR")
    return path


def test_latiss_is_that_of_obs_lsst(policy: Path):
    header = yaml.safe_load((policy / "cameraHeader.yaml").read_text())
    raft = yaml.safe_load((policy / "latiss" / "rafts.yaml").read_text())["rafts"]["RXX"]
    sensor = yaml.safe_load((policy / "latiss" / "RXX.yaml").read_text())["RXX"]
    ccd = header[f"RAFT_{sensor['detectorType']}"]["ccds"]["S00"]
    detector = Latiss().getCamera()[raft["id0"] + ccd["id"]]
    assert detector.getSerial() == sensor["ccdSerials"]["S00"]
    assert detector.getPhysicalType() == sensor["detectorType"]
    place = np.array(raft["offset"]) + ccd["offset"]
    np.testing.assert_allclose([*detector.getOrientation().getFpPosition()], place, atol=1e-9)
    assert [*detector.getOrientation().getReferencePoint()] == ccd["refpos"]
    assert [amplifier.getName() for amplifier in detector] == list(ccd["amplifiers"])
    for amplifier, expected in zip(detector, ccd["amplifiers"].values(), strict=True):
        for key in ("BBox", "DataBBox", "SerialPrescanBBox", "SerialOverscanBBox", "ParallelOverscanBBox"):
            box = getattr(amplifier, f"getRaw{key}")()
            assert [[*box.getMin()], [*box.getDimensions()]] == expected[f"raw{key}"], key
        assert [amplifier.getRawFlipX(), amplifier.getRawFlipY()] == expected["flipXY"]
        width, height = (expected["rawDataBBox"][1][axis] * expected["ixy"][axis] for axis in (0, 1))
        assert [*amplifier.getBBox().getMin()] == [width, height]
        raw = [expected["rawBBox"][1][axis] * expected["ixy"][axis] for axis in (0, 1)]
        assert amplifier.getRawXYOffset() == Extent2I(*raw)


@pytest.fixture(scope="module")
def butler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Butler]:
    """Make a repository with all three instruments."""
    root = tmp_path_factory.mktemp("repository")
    Butler.makeRepo(str(root))
    with Butler.from_config(str(root), writeable=True) as butler:
        for cls in INSTRUMENTS:
            cls().register(butler.registry)
        yield butler


@pytest.fixture(scope="module")
def cameraButler(tmp_path_factory: pytest.TempPathFactory, instrument: LsstCam) -> Iterator[Butler]:
    """Make a repository with one instrument and its camera."""
    with makeRepository(tmp_path_factory.mktemp("repository"), type(instrument), []) as butler:
        yield butler


def recordsOf(butler: Butler, element: str, instrument: LsstCam) -> list[Any]:
    where = f"instrument = '{instrument.getName()}'"
    return list(butler.registry.queryDimensionRecords(element, where=where))


@pytest.mark.parametrize(
    ("cls", "name", "detectorMax"),
    [(LsstCam, "LSSTCam", 1000), (LsstComCam, "LSSTComCam", 1000), (Latiss, "LATISS", 1)],
)
def test_instrument_record_is_upstreams(butler: Butler, cls: type[LsstCam], name: str, detectorMax: int):
    (record,) = recordsOf(butler, "instrument", cls())
    assert record.toDict() == {
        "name": name,
        "visit_max": 7050123199999,
        "exposure_max": 7050123199999,
        "detector_max": detectorMax,
        "class_name": f"lsst.obs.lsst.{cls.__name__}",
        "visit_system": VisitSystem.BY_SEQ_START_END.value,
    }


def test_detector_records_are_those_of_the_camera(butler: Butler, instrument: LsstCam):
    records = {record.id: record for record in recordsOf(butler, "detector", instrument)}
    camera = instrument.getCamera()
    assert sorted(records) == [detector.getId() for detector in camera]
    for detector in camera:
        record = records[detector.getId()]
        assert (record.full_name, record.purpose) == (detector.getName(), detector.getType().name)


def test_rafts_of_detectors(butler: Butler):
    last = max(recordsOf(butler, "detector", LsstCam()), key=lambda record: record.id)
    assert (last.full_name, last.raft, last.name_in_raft) == ("R44_SW1", "R44", "SW1")
    (only,) = recordsOf(butler, "detector", Latiss())
    assert (only.full_name, only.raft, only.name_in_raft) == ("RXX_S00", None, "RXX_S00")


@pytest.mark.parametrize(
    ("cls", "filters"),
    [
        (LsstCam, {"r_57": "r", "u_24": "u", "empty": "white", "unknown": "unknown"}),
        (LsstComCam, {"z_03": "z", "pinhole": "white", "none": "white"}),
        (Latiss, {"empty~empty": "white", "SDSSr_65mm~empty": "r", "diffuser": "diffuser", "BG40": "g"}),
    ],
)
def test_each_filter_has_its_band(butler: Butler, cls: type[LsstCam], filters: dict[str, str]):
    bands = {record.name: record.band for record in recordsOf(butler, "physical_filter", cls())}
    assert filters.items() <= bands.items()
    assert None not in bands.values()


def test_registering_twice_changes_nothing(butler: Butler, instrument: LsstCam):
    before = recordsOf(butler, "detector", instrument)
    instrument.register(butler.registry)
    assert recordsOf(butler, "detector", instrument) == before


def test_instrument_is_found_by_name(butler: Butler, instrument: LsstCam):
    found = Instrument.fromName(instrument.getName(), butler.registry)
    assert type(found) is type(instrument)


def test_stored_camera_is_valid_at_all_times(cameraButler: Butler, instrument: LsstCam):
    name = instrument.getName()
    (association,) = cameraButler.registry.queryDatasetAssociations("camera", collections=f"{name}/calib")
    assert (association.timespan.begin, association.timespan.end) == (None, None)
    assert association.ref.run == f"{name}/calib/unbounded"
    assert cameraButler.registry.getCollectionType(f"{name}/calib") is CollectionType.CALIBRATION


def test_stored_camera_reads_the_same(cameraButler: Butler, instrument: LsstCam):
    name = instrument.getName()
    stored = cameraButler.get("camera", instrument=name, collections=f"{name}/calib")
    for ours, theirs in zip(instrument.getCamera(), stored, strict=True):
        np.testing.assert_array_equal(ampCorners(theirs), ampCorners(ours))
        assert [(a.getGain(), a.getReadNoise()) for a in theirs] == [
            (a.getGain(), a.getReadNoise()) for a in ours
        ]


def test_raw_data_are_refused(instrument: LsstCam):
    with pytest.raises(NotImplementedError, match=f"does not read raw data of {instrument.getName()}"):
        instrument.getRawFormatter({"exposure": 1})


def test_names_of_collections(instrument: LsstCam):
    name = instrument.getName()
    assert instrument.makeDefaultRawIngestRunName() == f"{name}/raw/all"
    assert instrument.makeCalibrationCollectionName("DM-1") == f"{name}/calib/DM-1"
