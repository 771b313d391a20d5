# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Residuals and noises of photon transfer curves, and the comparison of two."""

import io

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.actions.plot import PtcComparisonPlot, PtcNoisePlot, PtcResidualPlot
from lsst.analysis.cp.actions.plot.ptc.view import PtcCurves


def seriesOf(panel, kind):
    (found,) = (series for series in panel.series if series.kind == kind)
    return found


@pytest.mark.parametrize("unit", ["percent", "sigma"])
def test_residuals_are_those_of_the_fit(ptc, curves, unit):
    plot = PtcResidualPlot()
    plot.residual = unit
    view = plot.prepare(curves)
    for panel in view.panels:
        name, mask = panel.name, ptc.expIdMask[panel.name]
        a00, gain, noise = ptc.ptcFitPars[name]
        mu = ptc.rawMeans[name]
        model = 0.5 / (a00 * gain**2) * (np.exp(2 * a00 * gain * mu) - 1) + noise / gain**2
        difference = ptc.rawVars[name] - model
        expected = 100 * difference / model
        if unit == "sigma":
            expected = difference * ptc.covariancesSqrtWeights[name][:, 0, 0]
        assert panel.lacks == ("no fit" if name == "C06" else "")
        if not panel.lacks:
            assert_allclose(seriesOf(panel, "used").y, expected[mask], rtol=1e-7, atol=1e-9)
            assert_allclose(seriesOf(panel, "unused").y, expected[~mask], rtol=1e-7)
            rms = np.sqrt(np.mean(expected[mask] ** 2))
            assert float(panel.words[0].split()[1]) == pytest.approx(rms, rel=6e-3)
    assert view.yLimits[0] == -view.yLimits[1]


def test_residuals_of_real_curves(realCalibration):
    calib, camera = realCalibration
    view = PtcResidualPlot().prepare(PtcCurves.fromCalibration(calib, cameraGeometry(camera)))
    for panel in view.panels:
        mask = np.asarray(calib.expIdMask[panel.name], dtype=bool)
        model = calib.evalPtcModel(calib.rawMeans[panel.name])[panel.name]
        model = model if model.ndim == 1 else model[:, 0, 0]
        expected = 100 * (calib.rawVars[panel.name] / model - 1)
        assert_allclose(seriesOf(panel, "used").y, expected[mask], rtol=1e-6, atol=1e-9)


def test_pairs_outside_of_the_axis_are_counted(ptc, camera):
    plot = PtcResidualPlot()
    figure = plot({"calibrations": {4: ptc}}, camera=camera)
    view = plot.prepare(PtcCurves.fromCalibration(ptc, cameraGeometry(camera)))
    low, high = view.yLimits
    beyond = {
        panel.name: int(np.sum(~((low <= y) & (y <= high))))
        for panel in view.panels
        for y in [seriesOf(panel, "used").y]
    }
    texts = {
        ax.get_title(loc="left").split()[0]: [text.get_text() for text in ax.texts] for ax in figure.axes
    }
    for name, number in beyond.items():
        counted = [int(text.split()[1]) for text in texts[name] if text[0] in "▲▼"]
        assert sum(counted) == number, name
    assert sum(beyond.values()) > 0


def test_noise_that_changes_with_the_signal_fails(ptc, curves):
    view = PtcNoisePlot().prepare(curves)
    for panel in view.panels:
        noises = ptc.noiseList[panel.name][ptc.expIdMask[panel.name]]
        assert_array_equal(seriesOf(panel, "used").y, noises)
        # What cp_verify compares, in its own words.
        if len(noises):
            squares = np.sum((noises - np.mean(noises)) ** 2 / np.std(noises))
            assert bool(panel.failed) == (squares / len(noises) >= 1.25)
            assert [s.y[0] for s in panel.series if s.kind == "limit"] == pytest.approx(
                [np.mean(noises) - 1.25, np.mean(noises) + 1.25]
            )
    assert {panel.name for panel in view.panels if panel.failed} == {"C06", "C10"}
    assert "noise changes: C10, C06; no pair used: C06" in view.headline


def test_noise_of_real_curves_has_the_verdict_of_cp_verify(realCalibration, realVerdicts):
    calib, camera = realCalibration
    view = PtcNoisePlot().prepare(PtcCurves.fromCalibration(calib, cameraGeometry(camera)))
    assert {panel.name: not panel.failed for panel in view.panels} == realVerdicts


@pytest.fixture
def realVerdicts(realCalibration, request, sharedData):
    import pyarrow.parquet as pq

    folder, _, detector = request.node.callspec.params["realCalibration"]
    table = pq.read_table(sharedData / "tables" / folder / f"verifyPtcDetResults_{detector}.parq")
    verdicts = table["PTC_VERIFY_NOISE_SIGNAL_INDEPENDENCE"].to_pylist()
    return dict(zip(table["amplifier"].to_pylist(), verdicts, strict=True))


@pytest.fixture(scope="module")
def both(simulator, camera, curves):
    other = simulator.simulatePtc(camera[4], camera, (), seed=5)
    return {"u/a": curves, "u/b": PtcCurves.fromCalibration(other, cameraGeometry(camera))}, other


def test_two_curves_are_laid_upon_each_other(both, ptc):
    curves, other = both
    view = PtcComparisonPlot().prepare(curves)
    for panel in view.panels:
        for letter, calib in (("A", ptc), ("B", other)):
            mask = calib.expIdMask[panel.name]
            assert_array_equal(seriesOf(panel, letter).y, calib.rawVars[panel.name][mask])
            assert seriesOf(panel, f"{letter} unused").x.size == (~mask).sum()
        if panel.name != "C06":
            change = 100 * (other.gain[panel.name] / ptc.gain[panel.name] - 1)
            assert float(panel.words[0].split()[1]) == pytest.approx(change, rel=0.06)
    assert view.headline.endswith("no fit of A: C06")
    assert view.looks["A"].label == "A: u/a"
    largest = view.lists[0][1].split()
    assert largest[0] == "C01"
    assert float(largest[1]) == pytest.approx(100 * (other.gain["C01"] / ptc.gain["C01"] - 1), abs=0.005)


def test_comparison_needs_two_curves_of_a_detector(both, simulator, camera):
    curves, _ = both
    with pytest.raises(ValueError, match=r"expected two .* got u/a \(R22_S11\)"):
        PtcComparisonPlot().prepare({"u/a": curves["u/a"]})
    other = PtcCurves.fromCalibration(
        simulator.simulatePtc(camera[3], camera, (), seed=5), cameraGeometry(camera)
    )
    with pytest.raises(ValueError, match=r"u/a \(R22_S11\), u/b \(R22_S10\)"):
        PtcComparisonPlot().prepare({"u/a": curves["u/a"], "u/b": other})


def test_all_pages_are_drawn_where_there_is_nothing(camera):
    from lsst.ip.isr import PhotonTransferCurveDataset

    nothing = PhotonTransferCurveDataset([amp.getName() for amp in camera[4]], "EXPAPPROXIMATION", 3)
    nothing.updateMetadata(camera=camera, detector=camera[4])
    given = {"calibrations": {4: nothing}, "calibrationsByRun": {"u/a": nothing, "u/b": nothing}}
    for plot in (PtcResidualPlot(), PtcNoisePlot(), PtcComparisonPlot()):
        figure = plot(given, camera=camera)
        figure.savefig(io.BytesIO())
        assert all(ax.patch.get_hatch() for ax in figure.axes)
