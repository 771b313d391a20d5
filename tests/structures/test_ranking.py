# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import numpy as np
import pytest
from astropy import units
from numpy.testing import assert_allclose, assert_array_equal

from lsst.afw.cameraGeom import FOCAL_PLANE, PIXELS
from lsst.analysis.cp.core import FocalPlaneGeometry
from lsst.analysis.cp.core.structures import Structures, joinStructures, rankStructures


def structure(kind, score, *, x=10.0, y=20.0, amplifier=0, threshold=5.0):
    return Structures.make(
        kind,
        amplifier=amplifier,
        x=x,
        y=y,
        width=3,
        height=4,
        nPixels=12,
        score=score,
        threshold=threshold,
        amplitude=-7.5,
    )


@pytest.fixture
def geometry(makeGeometry):
    """Two detectors of 100 rows and 200 columns, 10 and 11, the second turned by a quarter."""
    return makeGeometry((100, 200), (0.0, 0.0, 0.0), (6.0, 1.0, np.pi / 2))


def test_strongest_excess_is_first(geometry):
    found = [
        (10, joinStructures([structure("pixel", 9, threshold=6), structure("row", 10, threshold=5)])),
        (11, structure("column", 30)),
    ]
    table = rankStructures(found, geometry, 77)
    assert table["kind"].tolist() == ["column", "row", "pixel"]
    assert table["detector"].tolist() == [11, 10, 10]
    assert table["detectorName"].tolist() == ["R00_S01", "R00_S00", "R00_S00"]
    assert table["rank"].tolist() == [1, 2, 3]
    assert table["exposure"].tolist() == [77] * 3


def test_events_are_last(geometry):
    found = [(10, joinStructures([structure("event", 1e4), structure("pixel", 7)]))]
    assert rankStructures(found, geometry, 1)["kind"].tolist() == ["pixel", "event"]


def test_place_on_the_focal_plane(geometry):
    found = [(10, structure("pixel", 9, x=0, y=0)), (11, structure("pixel", 8, x=20, y=5))]
    table = rankStructures(found, geometry, 1)
    # Pixels are 0.01 mm; column 20 of the turned detector runs along y, its row 5 against x.
    assert_allclose(table["fpX"], [0.005, 6 - 0.055])
    assert_allclose(table["fpY"], [0.005, 1 + 0.205])
    assert table["fpX"].unit == units.mm
    assert table["x"].unit == units.pixel


def test_amplitude_has_the_unit_of_the_image(geometry):
    table = rankStructures([(10, structure("pixel", 9))], geometry, 1, unit="adu")
    assert table["amplitude"].unit == units.adu
    assert table["amplitude"][0] == -7.5
    assert (table["width"][0], table["height"][0], table["nPixels"][0]) == (3, 4, 12)


def test_amplifier_is_named(geometry):
    found = [(10, joinStructures([structure("pixel", 9), structure("gradient", 8, amplifier=-1)]))]
    assert rankStructures(found, geometry, 1)["amplifier"].tolist() == ["C00", ""]


def test_one_detector_does_not_fill_the_list(geometry):
    many = joinStructures(structure("pixel", score) for score in range(100, 150))
    found = [(10, joinStructures([many, structure("row", 6)])), (11, structure("pixel", 7))]
    table = rankStructures(found, geometry, 1, maxPerKind=3)
    assert_array_equal(table["score"], [149, 148, 147, 7, 6])
    assert len(rankStructures(found, geometry, 1, maxPerKind=None)) == 52


def test_nothing_found_gives_an_empty_table(geometry):
    table = rankStructures([(10, joinStructures([]))], geometry, 1)
    assert len(table) == 0
    assert table["fpX"].unit == units.mm
    assert len(rankStructures([], geometry, 1)) == 0


def test_unknown_detector_is_named(geometry):
    with pytest.raises(ValueError, match="99"):
        rankStructures([(99, structure("pixel", 9))], geometry, 1)


def test_repeated_detector_is_rejected(geometry):
    with pytest.raises(ValueError, match=r"Expected each detector once, got \[10, 10\]"):
        rankStructures([(10, structure("pixel", 9))] * 2, geometry, 1)


def test_unknown_amplifier_is_named(geometry):
    with pytest.raises(ValueError, match="Detector R00_S01 has 1 amplifiers, so none of index 4"):
        rankStructures([(11, structure("pixel", 9, amplifier=4))], geometry, 1)


def test_detector_of_the_real_camera_is_placed(lsstCam):
    geometry = FocalPlaneGeometry.fromCamera(lsstCam, PIXELS, FOCAL_PLANE)
    table = rankStructures([(94, structure("pixel", 9, x=100, y=3000, amplifier=15))], geometry, 1)
    transform = lsstCam[94].getTransform(PIXELS, FOCAL_PLANE).getMapping()
    expected = np.ravel(transform.applyForward(np.array([[100.0], [3000.0]])))
    assert_allclose([table["fpX"][0], table["fpY"][0]], expected, atol=1e-6)
    assert table["amplifier"][0] == lsstCam[94].getAmplifiers()[15].getName()
