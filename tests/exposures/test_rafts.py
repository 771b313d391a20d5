# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Places of rafts on a grid."""

from __future__ import annotations

import numpy as np

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.core.exposures import placeRafts
from lsst.obs.lsst import LsstComCam


def test_rafts_of_lsst_cam_lie_as_they_are_named(lsstCam):
    geometry = cameraGeometry(lsstCam)
    grid = placeRafts(geometry, np.ones(geometry.layout.nDetectors, dtype=bool))
    assert grid.shape == (5, 5)
    # The first digit is the row, from below, the second the column.
    assert {name: (4 - int(name[1]), int(name[2])) for name in grid.name.tolist()} == dict(
        zip(grid.name.tolist(), zip(grid.row.tolist(), grid.column.tolist(), strict=True), strict=True)
    )
    assert np.bincount(grid.raft).tolist() == [
        4 if n in ("R00", "R04", "R40", "R44") else 9 for n in grid.name
    ]


def test_rafts_that_are_left_out_leave_no_room(lsstCam):
    geometry = cameraGeometry(lsstCam)
    names = geometry.layout.detectorName
    shown = np.char.startswith(names, "R21") | np.char.startswith(names, "R41")
    grid = placeRafts(geometry, shown)
    assert grid.name.tolist() == ["R21", "R41"]
    assert (grid.shape, grid.row.tolist(), grid.column.tolist()) == ((2, 1), [1, 0], [0, 0])
    assert ((grid.raft >= 0) == shown).all()


def test_one_raft_is_one_panel():
    geometry = cameraGeometry(LsstComCam().getCamera())
    grid = placeRafts(geometry, np.ones(9, dtype=bool))
    assert (grid.name.tolist(), grid.shape, set(grid.raft.tolist())) == (["R22"], (1, 1), {0})


def test_camera_without_rafts_is_one(makeGeometry):
    geometry = makeGeometry((100, 100), (0.0, 0.0, 0.0), (2.0, 0.0, 0.0), (0.0, 2.0, 0.0))
    geometry.layout.detectorName[:] = ["S1", "S2", "S3"]
    grid = placeRafts(geometry, np.ones(3, dtype=bool))
    assert (grid.name.tolist(), grid.shape, grid.raft.tolist()) == ([""], (1, 1), [0, 0, 0])
