# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Coefficients of crosstalk that the real class has written, measured for each amplifier."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from lsst.afw.cameraGeom import Camera
from lsst.analysis.cp import __version__
from lsst.analysis.cp.actions.plot import CrosstalkPlot
from lsst.analysis.cp.core import cameraLayout
from lsst.analysis.cp.tasks import MeasureCrosstalkTask
from lsst.ip.isr import CrosstalkCalib, IsrCalib


@pytest.fixture(scope="module")
def comCam(sharedData):
    return Camera.readFits(str(sharedData / "cameras" / "LSSTComCam.fits"))


@pytest.fixture(scope="module")
def injected(sharedData) -> dict[int, list[tuple[int, int, float]]]:
    """Return what was injected, by detector: row, column and value of the coefficient."""
    truth = json.loads((sharedData / "tables" / "crosstalk" / "truth.json").read_text())
    found: dict[int, list[tuple[int, int, float]]] = {4: []}
    for fault in truth["injected"]:
        row, column = (int(number) for number in re.findall(r"\d+", fault["quantity"]))
        found.setdefault(fault["detector"], []).append((row, column, fault["value"]))
    return found


@pytest.mark.parametrize("detector", [4, 7])
def test_injected_coefficients_are_those_that_differ(sharedData, comCam, injected, detector):
    calib = IsrCalib.readFits(str(sharedData / "tables" / "crosstalk" / f"crosstalk_{detector}.fits"))
    task = MeasureCrosstalkTask(config=MeasureCrosstalkTask.ConfigClass())
    dimensions = {"instrument": "LSSTComCam", "detector": detector}
    table = task.run(calib, camera=comCam, dimensions=dimensions).outputResults
    assert table.meta == {"analysis_cp": __version__}
    names = [amp.getName() for amp in comCam[detector]]
    assert table["amplifier"].tolist() == names
    # Columns of the matrix are the amplifiers that see the crosstalk.
    expected = np.zeros(16)
    for _, column, _ in injected[detector]:
        expected[column] += 1
    assert table["CROSSTALK_N_DIFFERENT"].tolist() == expected.tolist()
    assert table["CROSSTALK_N_NOT_MEASURED"].tolist() == [0] * 16
    assert table["CROSSTALK_N_SIGNIFICANT"].tolist() == expected.tolist()
    pairs = ~np.eye(16, dtype=bool)
    for i in range(16):
        assert table["CROSSTALK_LARGEST_SEEN"][i] == max(abs(calib.coeffs[pairs[:, i], i]))
        assert table["CROSSTALK_LARGEST_SENT"][i] == max(abs(calib.coeffs[i, pairs[i]]))
    data = {"calibrations": {detector: calib}, "references": {}, "detectors": [detector]}
    view = CrosstalkPlot().prepare(data, cameraLayout(comCam))
    rows, columns = np.nonzero(view.isBeyond)
    found = sorted(zip(rows.tolist(), columns.tolist(), view.residual.values[rows, columns], strict=True))
    assert found == sorted(injected[detector])


def test_thresholds_are_those_of_the_configuration(sharedData, comCam):
    calib = IsrCalib.readFits(str(sharedData / "tables" / "crosstalk" / "crosstalk_7.fits"))
    config = MeasureCrosstalkTask.ConfigClass()
    config.tolerance = 1.75e-4
    measured = MeasureCrosstalkTask(config=config).amplifierStatistics(calib, camera=comCam)
    assert sum(own["N_DIFFERENT"] for own in measured.values()) == 2


def test_matrix_that_does_not_fit_the_camera_is_refused(comCam):
    calib = CrosstalkCalib(nAmp=8)
    calib.hasCrosstalk = True
    calib.getMetadata()["DETECTOR"] = 4
    task = MeasureCrosstalkTask(config=MeasureCrosstalkTask.ConfigClass())
    with pytest.raises(ValueError, match=r"detector 4 have the shapes \[\(8, 8\)\], expected \(16, 16\)"):
        task.amplifierStatistics(calib, camera=comCam)
