# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What a simulation of a detector starts from."""

import pytest

from lsst.cp.simulator import SimulateDarkIsrConfig, parseFaults
from lsst.cp.simulator.darkFrames import DarkModel
from lsst.cp.simulator.fault import FaultKind
from lsst.cp.simulator.frames import FrameModel
from lsst.cp.simulator.randomStreams import RandomStreams
from lsst.cp.simulator.scene import Scene
from lsst.obs.lsst import Latiss

EXPOSURE = 2026030100001


@pytest.fixture(scope="module")
def scene() -> Scene:
    camera = Latiss().getCamera()
    faults = (
        "lightLeak detector:0 amplitude:0.5",
        "deadAmplifier detector:0 amplifiers:C03,C12",
        "hotNoise detector:0 amplifiers:C12,C05 amplitude:1.4",
    )
    return Scene(
        detector=camera[0],
        camera=camera,
        exposure=EXPOSURE,
        streams=RandomStreams(1, "LATISS", 0, EXPOSURE),
        faults=parseFaults(faults),
        mjd=61000.0,
    )


def test_an_amplifier_has_its_own_faults_and_those_of_its_detector(scene) -> None:
    kinds = {name: [fault.kind for fault in scene.faultsOf(name)] for name in ("C00", "C03", "C05", "C12")}
    leak, dead, noise = FaultKind.LIGHT_LEAK, FaultKind.DEAD_AMPLIFIER, FaultKind.HOT_NOISE
    assert kinds == {"C00": [leak], "C03": [leak, dead], "C05": [leak, noise], "C12": [leak, dead, noise]}
    dead_ones = [geometry.name for geometry in scene.geometries if scene.isDead(geometry.name)]
    assert dead_ones == ["C12", "C03"]  # In the order of the camera.
    assert not scene.isMissing


def test_amplifiers_tile_the_image(scene) -> None:
    box = scene.detector.getBBox()
    assert scene.shape == (box.getHeight(), box.getWidth())
    assert (
        sum(rows * columns for rows, columns in (g.shape for g in scene.geometries))
        == box.getWidth() * box.getHeight()
    )


def test_common_numbers_are_those_of_all_exposures(scene) -> None:
    common = RandomStreams(1, "LATISS", 0).make("purpose").integers(1 << 60)
    assert scene.commonStreams.make("purpose").integers(1 << 60) == common
    assert scene.streams.make("purpose").integers(1 << 60) != common


def test_models_are_filled_by_name() -> None:
    config = SimulateDarkIsrConfig(hotFraction=0.5, biasLevel=7.0, numCombined=3)
    assert config.fill(DarkModel) == DarkModel(hotFraction=0.5, numCombined=3)
    assert config.fill(FrameModel) == FrameModel(biasLevel=7.0, numCombined=3)
