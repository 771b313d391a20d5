# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import pytest

from lsst.analysis.cp.core import CameraLayout, DetectorSelection


def change(layout, **changes):
    return CameraLayout(**({f.name: getattr(layout, f.name) for f in fields(layout)} | changes))


def test_places_of_amplifiers(layout):
    assert layout.ampsPerDetector.tolist() == [8, 8, 8, 8, 4]
    assert layout.firstAmp.tolist() == [0, 8, 16, 24, 32]
    assert layout.memberOfAmp.tolist() == [*range(8)] * 4 + [*range(4)]


def test_camera_is_read_through_its_interface():
    def makeDetector(detectorId, names):
        amps = [
            SimpleNamespace(getName=lambda n=n: n, getGain=lambda: 1.5, getReadNoise=lambda: 5.0)
            for n in names
        ]
        return SimpleNamespace(
            getId=lambda: detectorId,
            getName=lambda: f"D{detectorId}",
            getType=lambda: SimpleNamespace(name="GUIDER"),
            getPhysicalType=lambda: "ITL",
            getAmplifiers=lambda: amps,
        )

    layout = CameraLayout.fromCamera([makeDetector(4, ["A", "B"]), makeDetector(2, ["A"])])
    assert layout.detectorId.tolist() == [4, 2]
    assert layout.detectorName.tolist() == ["D4", "D2"]
    assert layout.detectorType.tolist() == ["GUIDER", "GUIDER"]
    assert layout.physicalType.tolist() == ["ITL", "ITL"]
    assert layout.ampDetector.tolist() == [0, 0, 1]
    assert layout.ampName.tolist() == ["A", "B", "A"]
    assert layout.ampGain.tolist() == [1.5] * 3
    assert layout.ampReadNoise.tolist() == [5.0] * 3


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
