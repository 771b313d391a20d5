# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Calibrations with something wrong in them, which costs no more than that."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import numpy as np
import pytest

from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.core import cameraLayout
from lsst.analysis.cp.core.amps import FAILED, GOOD, AmpTable
from lsst.analysis.cp.tasks import MeasureFlatPairGainTask, MeasureGainTask, MeasureResponseTask
from lsst.obs.lsst import Latiss

simulator = pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of the stand-ins")


@pytest.fixture(scope="module")
def camera():
    return Latiss().getCamera()


@pytest.fixture(scope="module")
def ptc(camera):
    return simulator.simulatePtc(camera[0], camera, seed=3)


class Handle:
    """Handle of a dataset in memory."""

    ref = SimpleNamespace(datasetType=SimpleNamespace(name="cpPtcPartial"))

    def __init__(self, calib) -> None:
        self.calib, self.dataId = calib, {"exposure": id(calib)}

    def get(self):
        return self.calib


def test_calibration_of_another_detector_is_an_error(camera, ptc):
    class Context:
        quantum = SimpleNamespace(dataId={"instrument": "LATISS", "detector": 1})

        def get(self, refs):
            return refs

    refs = SimpleNamespace(camera=camera, inputCalib=[ptc])
    task = MeasureGainTask(config=MeasureGainTask.ConfigClass())
    with pytest.raises(ValueError, match="'detector': 1} is one of detector 0"):
        task.runQuantum(Context(), refs, None)


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, GOOD), (-1.0, FAILED), (1.06, FAILED)])
def test_negative_gain_of_the_curve_does_not_agree(camera, ptc, factor, verdict):
    changed = copy.deepcopy(ptc)
    changed.gain = {name: factor * gain for name, gain in ptc.gain.items()}
    task = MeasureGainTask(config=MeasureGainTask.ConfigClass())
    rows = task.run(changed, camera=camera, dimensions={"instrument": "LATISS", "detector": 0}).outputResults
    product = getProduct("gain")
    table = AmpTable.fromColumns(rows, product, cameraLayout(camera))
    assert set(np.asarray(table.verdict(product["PTC_AGREEMENT"])).tolist()) == {verdict}


@pytest.mark.parametrize("damage", ["gainList", "noiseList", "covariances"])
def test_damaged_pair_leaves_nothing_behind(camera, ptc, damage):
    pairs = [copy.deepcopy(pair) for pair in simulator.splitPtc(ptc, camera[0])][:4]
    if damage == "covariances":
        pairs[1].covMatrixSide -= 1
        pairs[1].covariances = {name: c[:, 1:, 1:] for name, c in pairs[1].covariances.items()}
    else:
        getattr(pairs[1], damage)[ptc.ampNames[5]] = np.empty(0)
    task = MeasureFlatPairGainTask(config=MeasureFlatPairGainTask.ConfigClass())
    joined = task.joinPairs([Handle(pair) for pair in pairs], ptc.ampNames)
    assert list(task.metadata["pairsLeftOut"]) == [f"cpPtcPartial {Handle(pairs[1]).dataId}"]
    for name in ptc.ampNames:
        for attribute in ("rawMeans", "gainList", "noiseList", "expIdMask", "covariances"):
            expected = np.asarray(getattr(ptc, attribute)[name])[[0, 2, 3]]
            np.testing.assert_array_equal(getattr(joined, attribute)[name], expected)


@pytest.mark.parametrize("damage", ["repeated", "odd", "empty", "table", "absent"])
def test_linearizer_that_cannot_be_applied_costs_its_amplifier(camera, damage):
    whole = simulator.simulateLinearizer(camera[0], camera, seed=3)
    damaged, name = copy.deepcopy(whole), whole.ampNames[5]
    coefficients = np.array(whole.linearityCoeffs[name])
    if damage == "repeated":
        coefficients[3] = coefficients[2]
        damaged.linearityCoeffs[name] = coefficients
    elif damage == "table":
        damaged.linearityType[name] = "LookupTable"
    elif damage == "absent":
        del damaged.linearityCoeffs[name]
    else:
        damaged.linearityCoeffs[name] = coefficients[: -1 if damage == "odd" else 0]
    task = MeasureResponseTask(config=MeasureResponseTask.ConfigClass())
    expected, found = (
        task.run(calib, camera=camera, dimensions={"instrument": "LATISS", "detector": 0}).outputResults[
            "RESPONSE_MAX_DEVIATION"
        ]
        for calib in (whole, damaged)
    )
    others = np.array([amp.getName() != name for amp in camera[0]])
    assert np.isfinite(expected).all()
    assert np.isnan(found[~others]).all()
    np.testing.assert_array_equal(found[others], expected[others])
