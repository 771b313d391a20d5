# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsst.analysis.cp.core import AmpKeyError, CameraLayout, DetectorSelection
from lsst.geom import Box2I, Extent2I, Point2I


def change(layout, **changes):
    return CameraLayout(**({f.name: getattr(layout, f.name) for f in fields(layout)} | changes))


def test_places_of_amplifiers(layout):
    assert layout.ampsPerDetector.tolist() == [8, 8, 8, 8, 4]
    assert layout.firstAmp.tolist() == [0, 8, 16, 24, 32]
    assert layout.memberOfAmp.tolist() == [*range(8)] * 4 + [*range(4)]


def test_camera_is_read_through_its_interface():
    def makeDetector(detectorId, names):
        amps = [
            SimpleNamespace(
                getName=lambda n=n: n,
                getGain=lambda: 1.5,
                getReadNoise=lambda: 5.0,
                getBBox=lambda: Box2I(Point2I(3, 4), Extent2I(20, 30)),
            )
            for n in names
        ]
        return SimpleNamespace(
            getId=lambda: detectorId,
            getName=lambda: f"D{detectorId}",
            getType=lambda: SimpleNamespace(name="GUIDER"),
            getPhysicalType=lambda: "ITL",
            getAmplifiers=lambda: amps,
        )

    class Camera(tuple):
        __hash__ = object.__hash__

    layout = CameraLayout.fromCamera(Camera([makeDetector(4, ["A", "B"]), makeDetector(2, ["A"])]))
    assert layout.detectorId.tolist() == [4, 2]
    assert layout.detectorName.tolist() == ["D4", "D2"]
    assert layout.detectorType.tolist() == ["GUIDER", "GUIDER"]
    assert layout.physicalType.tolist() == ["ITL", "ITL"]
    assert layout.ampDetector.tolist() == [0, 0, 1]
    assert layout.ampName.tolist() == ["A", "B", "A"]
    assert layout.ampGain.tolist() == [1.5] * 3
    assert layout.ampReadNoise.tolist() == [5.0] * 3
    assert layout.ampPixels.tolist() == [600] * 3


def test_part_of_a_camera(layout):
    part = layout.select([31, 5])
    assert part.detectorId.tolist() == [5, 31]
    assert part.ampDetector.tolist() == [0] * 8 + [1] * 4
    np.testing.assert_array_equal(part.ampGain, layout.ampGain[[*range(8, 16), *range(32, 36)]])


@pytest.mark.parametrize(
    ("selection", "ids"),
    [
        (DetectorSelection(), [21, 5, 7]),
        (DetectorSelection(detectorTypes=None), [21, 5, 7, 30, 31]),
        (DetectorSelection(physicalTypes=("ITL",)), [5, 7]),
        (DetectorSelection(detectorTypes=("GUIDER", "WAVEFRONT")), [30, 31]),
        (DetectorSelection(detectorTypes=None, physicalTypes=("none",)), []),
    ],
)
def test_selection(layout, selection, ids):
    assert layout.detectorId[selection.mask(layout)].tolist() == ids


def test_part_with_an_unknown_detector_is_an_error(layout):
    with pytest.raises(ValueError, match=r"detectors \[99\] are not in the camera"):
        layout.select([5, 99])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"detectorName": np.array(["a"])}, r"detectorName has shape \(1,\), expected \(5,\)"),
        ({"ampGain": np.ones(3)}, r"ampGain has shape \(3,\), expected \(36,\)"),
        ({"detectorId": np.array([1, 2, 3, 4, 1])}, "detectorId holds an id twice"),
        ({"ampDetector": np.arange(36)[::-1] // 8}, "not grouped by detector"),
        ({"ampDetector": np.arange(36) // 6}, r"index outside 0\.\.4"),
        ({"ampName": np.full(36, "C00")}, "name twice in one detector"),
        ({"ampName": np.array([], dtype=str)}, "at least one detector and one amplifier"),
    ],
)
def test_inconsistent_layout_is_an_error(layout, changes, message):
    with pytest.raises(ValueError, match=message):
        change(layout, **changes)


def test_counts_of_lsstcam(lsstCamLayout):
    assert (lsstCamLayout.nDetectors, lsstCamLayout.nAmps) == (205, 3216)
    types, counts = np.unique(lsstCamLayout.detectorType, return_counts=True)
    assert dict(zip(types.tolist(), counts.tolist(), strict=True)) == {
        "GUIDER": 8,
        "SCIENCE": 189,
        "WAVEFRONT": 8,
    }
    science = lsstCamLayout.physicalType[lsstCamLayout.detectorType == "SCIENCE"]
    vendors, counts = np.unique(science, return_counts=True)
    assert dict(zip(vendors.tolist(), counts.tolist(), strict=True)) == {"E2V": 117, "ITL": 72}
    assert np.all((lsstCamLayout.ampGain > 0) & (lsstCamLayout.ampReadNoise > 0))


NAMES = st.lists(st.text(max_size=12), min_size=1, max_size=8, unique=True)


@given(known=NAMES, other=NAMES)
def test_amplifiers_are_found_whatever_their_names_are(layout, known, other):
    # A trailing null is padding to numpy.
    clean = list({name.rstrip("\0"): None for name in known})
    small = change(
        layout.select([5]),
        ampDetector=np.zeros(len(clean), np.intp),
        ampName=np.array(clean),
        ampGain=np.ones(len(clean)),
        ampReadNoise=np.ones(len(clean)),
        ampPixels=np.ones(len(clean), int),
    )
    for name in clean + other:
        asked = np.array([name, *clean])
        detectors = np.full(len(asked), 5)
        if str(asked[0]) in clean:
            assert small.findAmps(detectors, asked).tolist() == [
                clean.index(str(asked[0])),
                *range(len(clean)),
            ]
        else:
            with pytest.raises(AmpKeyError, match="of detector 5 .* is not in the camera"):
                small.findAmps(detectors, asked)


@pytest.mark.parametrize("width", [3, 8, 9, 20])
def test_width_of_the_type_of_names_does_not_matter(layout, width):
    names = np.array(["C01", "C13", "C00"], dtype=f"U{width}")
    assert layout.findAmps(np.array([21, 30, 31]), names).tolist() == [1, 31, 32]


def test_every_amplifier_is_found(layout):
    order = np.random.default_rng(1).permutation(layout.nAmps)
    detector = layout.detectorId[layout.ampDetector[order]]
    assert layout.findAmps(detector, layout.ampName[order]).tolist() == order.tolist()
    assert layout.findDetectors(detector).tolist() == layout.ampDetector[order].tolist()


def test_nothing_is_found_of_nothing(layout):
    assert layout.findDetectors(np.array([], dtype=np.int64)).shape == (0,)
    assert layout.findAmps(np.array([], dtype=np.int64), np.array([], dtype=str)).shape == (0,)


def test_unknown_amplifier_is_an_error(layout):
    with pytest.raises(AmpKeyError, match=r"amplifier 'C13' of detector 31 \(R00_SW0\) is not in the camera"):
        layout.findAmps(np.array([30, 31, 31]), np.array(["C13", "C00", "C13"]))


@pytest.mark.parametrize(
    ("detectors", "listed"),
    [([5, 9, -1, 9, 31], "-1; 9 are"), ([1, 2, 3, 4, 6, 8, 5], "1; 2; 3; 4; 6; ... are")],
)
def test_unknown_detectors_are_an_error(layout, detectors, listed):
    for find in (
        lambda: layout.findDetectors(np.array(detectors)),
        lambda: layout.findAmps(np.array(detectors), np.full(len(detectors), "C00")),
    ):
        with pytest.raises(AmpKeyError, match=rf"detector\(s\) {listed} not in the camera"):
            find()
