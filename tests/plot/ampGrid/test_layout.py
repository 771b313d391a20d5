# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Places of panels, one an amplifier."""

import itertools

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.actions.plot.ampGrid.layout import placePanels


def overlap(places: np.ndarray) -> list[tuple[int, int]]:
    """Find pairs of panels that overlap, one by one."""
    found = []
    for (i, a), (j, b) in itertools.combinations(enumerate(places), 2):
        apart = a[0] + a[2] <= b[0] or b[0] + b[2] <= a[0] or a[1] + a[3] <= b[1] or b[1] + b[3] <= a[1]
        if not apart:
            found.append((i, j))
    return found


def test_every_detector_of_lsstcam_has_its_amplifiers_in_place(lsstCam):
    geometry = cameraGeometry(lsstCam)
    for index, detector in enumerate(lsstCam):
        own = geometry.layout.ampDetector == index
        layout = placePanels(geometry.ampEdges[own])
        places = layout.places
        assert len(places) == len(list(detector))
        assert overlap(places) == []
        assert (places[:, :2] >= 0).all()
        assert (places[:, 2:] > 0.5).all()
        assert (places[:, 0] + places[:, 2] <= layout.width).all()
        assert (places[:, 1] + places[:, 3] <= layout.height).all()
        corners = [(amp.getBBox().getMinX(), amp.getBBox().getMinY()) for amp in detector]
        for axis in (0, 1):
            # In the order of the pixels; those at one height are at one height.
            pixels = np.unique(np.array(corners)[:, axis], return_inverse=True)[1]
            drawn = np.unique(np.round(places[:, axis], 6), return_inverse=True)[1]
            assert_array_equal(drawn, pixels)
        assert layout.isLeftmost.sum() == len({y for _, y in corners})
        assert layout.isLowest.sum() == len({x for x, _ in corners})


def test_amplifiers_in_one_row():
    """As those of HSC lie."""
    edges = np.array([[512.0 * i, 0.0, 512.0 * (i + 1), 4176.0] for i in range(4)]) - 0.5
    layout = placePanels(edges)
    assert_allclose(np.diff(layout.places[:, 0]), layout.width / 4)
    assert_array_equal(layout.isLeftmost, [True, False, False, False])
    assert layout.isLowest.all()


def test_boxes_of_different_sizes():
    edges = np.array([[0, 0, 100, 50], [100, 0, 300, 50], [0, 50, 300, 200]], dtype=float)
    layout = placePanels(edges)
    assert overlap(layout.places) == []
    assert_array_equal(layout.isLeftmost, [True, False, True])
    assert_array_equal(layout.isLowest, [True, True, False])
    width, height = layout.places[:, 2], layout.places[:, 3]
    assert width[2] > width[1] > width[0]
    assert height[2] > height[0] == height[1]


def test_single_amplifier_fills_the_grid():
    layout = placePanels(np.array([[-0.5, -0.5, 99.5, 49.5]]))
    assert layout.places[0, 2] > 0.9 * layout.width
    assert layout.isLeftmost.all()
    assert layout.isLowest.all()
