# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""Plots of the stand-in of analysis_tools, by their artists."""

import io
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from lsst.afw.cameraGeom import Camera
from lsst.analysis.tools.actions.plot import FocalPlaneGeometryPlot, FocalPlanePlot
from lsst.analysis.tools.actions.plot.plotUtils import addPlotInfo, mkColormap, parsePlotInfo
from lsst.analysis.tools.atools import CalibStatisticFocalPlanePlot
from lsst.obs.lsst import LsstCam

INFO = {"run": "u/me/run", "tableName": "verifyBiasResults", "bands": ["r"], "plotName": "biasMean"}


@pytest.fixture(scope="module")
def camera() -> Camera:
    return LsstCam().getCamera()


@pytest.fixture(scope="module")
def table(camera: Camera) -> dict[str, npt.NDArray[Any]]:
    """Make two values for each amplifier of a raft and of a turned corner detector."""
    names = [*(f"R22_S{i}{j}" for i in range(3) for j in range(3)), "R44_SG0"]
    rows = [(camera[name].getId(), amp.getName()) for name in names for amp in camera[name]] * 2
    rng = np.random.default_rng(8)
    order = rng.permutation(len(rows))
    return {
        "detector": np.array([row[0] for row in rows])[order],
        "amplifier": np.array([row[1] for row in rows])[order],
        "z": rng.normal(100.0, 3.0, len(rows)),
    }


def findCorners(detector: Any, box: Any) -> npt.NDArray[np.float64]:
    """Return the corners of a box of pixels in mm, from the detector's place and yaw alone."""
    orientation, pitch = detector.getOrientation(), detector.getPixelSize()
    yaw = orientation.getYaw().asRadians()
    x0, y0, x1, y1 = (box.getMinX(), box.getMinY(), box.getMaxX() + 1, box.getMaxY() + 1)
    pixels = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]) - 0.5
    local = (pixels - [*orientation.getReferencePoint()]) * [*pitch]
    turn = np.array([[math.cos(yaw), -math.sin(yaw)], [math.sin(yaw), math.cos(yaw)]])
    return local @ turn.T + [*orientation.getFpPosition()]


def makeGeometryPlot(table: Any, camera: Camera, **fields: Any) -> Figure:
    action = FocalPlaneGeometryPlot(zAxisLabel="Mean (electron)", statistic="median", **fields)
    return action(table, camera=camera, plotInfo=dict(INFO))


def findTexts(figure: Figure) -> list[str]:
    return [text.get_text() for holder in (figure, *figure.axes) for text in holder.texts]


class TestGeometryPlot:
    def test_amplifiers_are_where_they_are(self, table, camera):
        (patches,) = makeGeometryPlot(table, camera).axes[0].collections
        expected = [
            findCorners(camera[int(number)], amp.getBBox())
            for number in sorted(set(table["detector"]))
            for amp in camera[int(number)]
        ]
        paths = [path.vertices[:4] for path in patches.get_paths()]
        np.testing.assert_allclose(paths, expected, atol=1e-6)

    def test_amplifier_has_the_median_of_its_values(self, table, camera):
        (patches,) = makeGeometryPlot(table, camera, plotMin=0.0, plotMax=1000.0).axes[0].collections
        keys = [(n, amp.getName()) for n in sorted(set(table["detector"])) for amp in camera[int(n)]]
        rows = list(zip(table["detector"], table["amplifier"], table["z"], strict=True))
        expected = [np.median([z for n, name, z in rows if (n, name) == key]) for key in keys]
        np.testing.assert_allclose(patches.get_array(), expected)

    def test_detector_has_the_median_of_its_values(self, table, camera):
        figure = makeGeometryPlot(table, camera, level="detector", plotMin=0.0, plotMax=1000.0)
        (patches,) = figure.axes[0].collections
        numbers = sorted(set(table["detector"]))
        expected = [np.median(table["z"][table["detector"] == number]) for number in numbers]
        np.testing.assert_allclose(patches.get_array(), expected)

    def test_amplifier_without_value_is_empty(self, table, camera):
        rows = table["amplifier"] != "C00"
        some = {key: column[rows] for key, column in table.items()}
        (patches,) = makeGeometryPlot(some, camera).axes[0].collections
        names = [amp.getName() for n in sorted(set(some["detector"])) for amp in camera[int(n)]]
        assert [name == "C00" for name in names] == np.ma.getmaskarray(patches.get_array()).tolist()

    def test_colour_range_is_four_spreads(self, table, camera):
        outlier = dict(table, z=np.where(table["detector"] == table["detector"][0], 1e6, table["z"]))
        (patches,) = makeGeometryPlot(outlier, camera).axes[0].collections
        values = patches.get_array()
        assert values.max() < 150.0

    def test_zero_is_alimit(self, table, camera):
        figure = makeGeometryPlot(table, camera, plotMin=0.0, plotMax=50.0, addHistogram=True)
        (patches,) = figure.axes[0].collections
        assert set(patches.get_array()) == {50.0}
        (box,) = figure.axes[1].artists
        assert box.txt.get_text() == f"Underflow = 0\nOverflow = {len(table['z'])}\nNon-Finite = 0"

    def test_limits_do_not_need_statistics(self, table, camera):
        figure = makeGeometryPlot(table, camera, showStats=False)
        assert not any("Median:" in text for text in findTexts(figure))

    def test_raft_fills_the_figure(self, table, camera):
        raft = table["detector"] != camera["R44_SG0"].getId()
        some = {key: column[raft] for key, column in table.items()}
        left, right = makeGeometryPlot(some, camera).axes[0].get_xlim()
        assert -70 < left < -60
        assert 60 < right < 70

    def test_origin_is_written(self, table, camera):
        figure = makeGeometryPlot(table, camera)
        texts = findTexts(figure)
        assert texts[:2] == ["biasMean", "\nu/me/run\nTable: verifyBiasResults, Bands: r"]
        assert "Mean (electron)" in texts

    def test_empty_table_says_so(self, camera):
        empty = {"detector": np.array([]), "amplifier": np.array([]), "z": np.array([])}
        texts = findTexts(makeGeometryPlot(empty, camera))
        assert texts[0] == "No data to plot after selectors applied"

    def test_nothing_but_nan_is_drawn(self, table, camera):
        figure = makeGeometryPlot(dict(table, z=table["z"] * math.nan), camera, addHistogram=True)
        figure.savefig(io.BytesIO(), dpi=40)
        assert np.ma.getmaskarray(figure.axes[0].collections[0].get_array()).all()

    def test_missing_column_is_named(self, table, camera):
        with pytest.raises(ValueError, match=r"needs keys {'amplifier'} but they were not found"):
            makeGeometryPlot({"detector": table["detector"], "z": table["z"]}, camera)

    def test_number_is_no_vector(self, table, camera):
        with pytest.raises(ValueError, match=r"keyed by z is the number 3 but action requires a vector"):
            makeGeometryPlot(dict(table, z=3), camera)

    def test_figure_is_not_kept_by_pyplot(self, table, camera):
        assert makeGeometryPlot(table, camera).canvas.manager is None


class TestFocalPlanePlot:
    def makeData(self, camera: Camera) -> dict[str, Any]:
        """Make one value in the middle of each detector."""
        detectors = [camera["R22_S00"], camera["R22_S22"]]
        return {
            "detector": np.array([detector.getId() for detector in detectors]),
            "x": np.array([detector.getBBox().getWidth() / 2 for detector in detectors]),
            "y": np.array([detector.getBBox().getHeight() / 2 for detector in detectors]),
            "z": np.array([1.0, 2.0]),
            "statMask": np.array([True, False]),
        }

    def test_values_are_where_their_detectors_are(self, camera):
        figure = FocalPlanePlot(zAxisLabel="z", nBins=3)(self.makeData(camera), camera=camera)
        (image,) = figure.axes[0].images
        np.testing.assert_array_equal(image.get_array().filled(0.0), [[1.0, 0.0], [0.0, 2.0]])
        centres = np.array(
            [[*camera[name].getOrientation().getFpPosition()] for name in ("R22_S00", "R22_S22")]
        )
        extent = np.array(image.get_extent()).reshape(2, 2).T
        np.testing.assert_allclose(extent, centres, atol=0.02)

    def test_statistics_are_of_the_mask(self, camera):
        figure = FocalPlanePlot(zAxisLabel="z", nBins=3)(self.makeData(camera), camera=camera)
        assert any(text.startswith("Median: 1.00\n") and text.endswith(": 2") for text in findTexts(figure))

    def test_bins_follow_the_density(self, camera):
        data = {key: np.repeat(column, 100) for key, column in self.makeData(camera).items()}
        action = FocalPlanePlot(zAxisLabel="z", nBins=3, doUseAdaptiveBinning=True)
        (image,) = action(data, camera=camera).axes[0].images
        # A hundred points in each of the coarse bins that have any: 16 times the root of that.
        assert image.get_array().shape == (159, 159)

    def test_colour_range_may_be_set(self, camera):
        action = FocalPlanePlot(zAxisLabel="z", nBins=3, plotMin=0.0, plotMax=5.0, addHistogram=True)
        figure = action(self.makeData(camera), camera=camera)
        assert figure.axes[0].images[0].get_clim() == (0.0, 5.0)
        assert sum(patch.get_height() for patch in figure.axes[1].patches) == 2

    def test_band_of_the_quantum_is_written(self, camera):
        action = FocalPlanePlot(zAxisLabel="z", nBins=3)
        info = INFO | {"band": "i"}
        texts = findTexts(action(self.makeData(camera), camera=camera, plotInfo=info))
        assert any("Bands: i" in text for text in texts)


class TestPlotInfo:
    @pytest.mark.parametrize(
        ("more", "text"),
        [
            ({}, "\nu/me/run\nTable: verifyBiasResults, Bands: r"),
            ({"bands": ["g", "r"]}, "\nu/me/run\nTable: verifyBiasResults, Bands: g, r"),
            ({"tract": 1, "visit": 2}, "\nu/me/run\nTable: verifyBiasResults, Tract: 1, Visit: 2, Bands: r"),
            ({"SN": " > 5"}, "\nu/me/run\nTable: verifyBiasResults, Bands: r, SN > 5"),
            ({"SN": 5, "Mag": 20}, "\nu/me/run\nTable: verifyBiasResults, Bands: r\nSN5, Mag20"),
            (
                {"Selection: a": "b", "Selection: c": "d"},
                "\nu/me/run\nTable: verifyBiasResults, Bands: r, Selections: a: b, c: d",
            ),
        ],
    )
    def test_text_says_what_is_there(self, more, text):
        assert parsePlotInfo(INFO | more) == text

    def test_figure_is_returned(self):
        figure = Figure()
        assert addPlotInfo(figure, INFO) is figure
        assert [text.get_text() for text in figure.texts] == ["biasMean", parsePlotInfo(INFO)]


class TestColormap:
    def test_map_goes_through_its_colours(self):
        cmap = mkColormap(["midnightblue", "lightcyan", "darkgreen"])
        assert cmap(0.0) == pytest.approx(to_rgba("midnightblue"))
        assert cmap(1.0) == pytest.approx(to_rgba("darkgreen"))
        assert cmap(0.5)[3] == pytest.approx(0.3, abs=0.01)

    def test_other_numbers_of_colours_are_refused(self):
        with pytest.raises(NotImplementedError, match="three colours, got \\['red'\\]"):
            mkColormap(["red"])


class TestCalibrationTool:
    def test_label_and_unit_are_upstreams(self):
        tool = CalibStatisticFocalPlanePlot(quantityKey="BIAS_MEAN", unit="electron")
        tool.freeze()
        assert tool.produce.plot.zAxisLabel == "Median of bias_mean (electron)"
        assert dict(tool.produce.metric.units) == {"median": "adu"}
        assert {key for key, _ in tool.getInputSchema()} == {"BIAS_MEAN", "amplifier", "detector"}

    def test_plot_and_metric_of_acolumn(self, table, camera):
        tool = CalibStatisticFocalPlanePlot(quantityKey="z")
        tool.identity = "tool"
        tool.freeze()
        results = tool(dict(table), camera=camera, bands=["r"], plotInfo=dict(INFO))
        assert sorted(results) == ["tool_FocalPlaneGeometryPlot", "tool_median"]
        assert results["tool_median"].quantity.value == np.median(table["z"])
