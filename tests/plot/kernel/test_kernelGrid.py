# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pages of brighter-fatter kernels against the calibrations that they show."""

import io

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.actions.plot import KernelGridPlot
from lsst.analysis.cp.actions.plot.kernel.view import prepareKernels
from lsst.obs.lsst import LsstCam

simulator = pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of the stand-ins")

FAULTS = {
    90: ["flippedKernel detector:90 amplifiers:C03", "maskedAmplifier detector:90 amplifiers:C04"],
    191: ["strongBrighterFatter detector:191 amplifiers:C12"],
}


@pytest.fixture(scope="module")
def camera():
    return LsstCam().getCamera()


@pytest.fixture(scope="module", params=[90, 191], ids=["science", "wavefront"])
def bfk(request, camera):
    faults = simulator.parseFaults(FAULTS[request.param])
    return simulator.simulateKernel(camera[request.param], camera, faults, seed=5)


@pytest.fixture
def view(bfk, camera):
    return prepareKernels(bfk, cameraGeometry(camera))


def test_kernels_and_cuts_are_those_of_the_calibration(view, bfk):
    assert set(view.names) == set(bfk.ampKernels)
    for i, name in enumerate(view.names.tolist()):
        kernel = bfk.ampKernels[name]
        if not kernel.any():
            assert np.isnan(view.kernels[i]).all()
            continue
        assert_array_equal(view.kernels[i], kernel)
        assert_array_equal(view.cuts(0)[i], [kernel[j, 8] for j in range(17)])
        assert_array_equal(view.cuts(1)[i], [kernel[8, j] for j in range(17)])


def test_what_is_not_valid_is_named_and_enters_no_median(view, bfk):
    assert view.names[view.invalid].tolist() == [name for name in view.names.tolist() if not bfk.valid[name]]
    assert view.isBad == (len(bfk.badAmps) > 0)
    valid = np.array([bfk.ampKernels[name] for name in bfk.ampKernels if bfk.valid[name]])
    assert_allclose(view.whole, np.sort(valid, axis=0)[[(len(valid) - 1) // 2, len(valid) // 2]].mean(axis=0))
    assert view.reach == pytest.approx(np.median(-valid[:, 8, 8]), rel=1e-12)
    farthest = view.lists[0][1].split()[0]
    assert farthest in {"C03", "C12"}


def test_kernel_of_the_detector_is_shown_where_there_is_one(bfk, camera):
    own = np.full((17, 17), -1e-7)
    bfk.detKernels["R22_S00"] = own
    try:
        view = prepareKernels(bfk, cameraGeometry(camera))
    finally:
        bfk.detKernels.clear()
    assert_array_equal(view.whole, own)
    assert view.wholeLabel == "kernel of the detector"


def test_figure_draws_each_kernel_with_x_to_the_right(bfk, view, camera):
    figure = KernelGridPlot()({"calibrations": {0: bfk}}, camera=camera, plotInfo={"run": "u/me"})
    panels = {ax.get_title(loc="left"): ax for ax in figure.axes if ax.get_title(loc="left")}
    assert panels.keys() == set(bfk.ampKernels)
    for name, ax in panels.items():
        kernel = bfk.ampKernels[name]
        if kernel.any():
            (image,) = ax.images
            assert_array_equal(np.asarray(image.get_array()), kernel.T)
            assert image.get_clim() == (-view.reach, view.reach)
        else:
            assert not ax.images
            assert [text.get_text() for text in ax.texts] == ["no kernel"]
    cuts = [ax for ax in figure.axes if "Distance" in ax.get_xlabel()]
    assert [ax.get_xlabel() for ax in cuts] == [f"Distance along {axis} (pixels)" for axis in "xy"]
    # One of each kernel, the median, and zero.
    assert {len(ax.lines) for ax in cuts} == {int(view.hasKernel.sum()) + 2}
    figure.savefig(io.BytesIO())


def test_detector_without_any_kernel(camera):
    bfk = simulator.simulateKernel(camera[0], camera, seed=1)
    for name in bfk.ampKernels:
        bfk.ampKernels[name], bfk.valid[name] = np.zeros((17, 17)), False
    view = prepareKernels(bfk, cameraGeometry(camera))
    assert not view.hasKernel.any()
    assert view.isBad
    KernelGridPlot()({"calibrations": {0: bfk}}, camera=camera).savefig(io.BytesIO())
