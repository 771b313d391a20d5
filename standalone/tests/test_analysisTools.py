# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""Actions, tools and contexts of the stand-in of analysis_tools."""

import math
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from matplotlib.figure import Figure

from lsst.analysis.tools.actions.scalar import MeanAction, MedianAction
from lsst.analysis.tools.actions.vector import LoadVector
from lsst.analysis.tools.atools import SizeMagnitudePlot, StructPlotAction
from lsst.analysis.tools.interfaces import (
    AnalysisTool,
    BaseMetricAction,
    BasePrep,
    BaseProcess,
    JointAction,
    KeyedDataAction,
    NoMetric,
    PlotAction,
    Scalar,
    Vector,
    VectorAction,
)
from lsst.pex.config import Field, FieldValidationError


class Positive(VectorAction):
    key = Field[str](doc="Key", default="a")

    def getInputSchema(self) -> Any:
        return ((self.key, Vector),)

    def __call__(self, data: Any, **kwargs: Any) -> Any:
        return data[self.key] > 0


class Double(KeyedDataAction):
    key = Field[str](doc="Key", default="a")

    def getInputSchema(self) -> Any:
        return ((self.key, Vector),)

    def getOutputSchema(self) -> Any:
        return (("double", Vector),)

    def __call__(self, data: Any, **kwargs: Any) -> Any:
        return {"double": 2 * data[self.key]}


class Plot(PlotAction):
    def getInputSchema(self) -> Any:
        return (("a", Vector),)

    def __call__(self, data: Any, **kwargs: Any) -> Any:
        return Figure()


class Plots(Plot):
    def getOutputNames(self, config: Any = None) -> Any:
        return ("left", "right")

    def __call__(self, data: Any, **kwargs: Any) -> Any:
        return {"left": Figure(), "right": Figure()}


class Tool(AnalysisTool):
    """The mean of a column, filled in for each band."""

    parameterizedBand = Field[bool](doc="By band", default=True)
    propagateData = Field[bool](doc="Propagate", default=False)

    def setDefaults(self) -> None:
        super().setDefaults()
        self.process.calculateActions.mean = MeanAction(vectorKey="{band}_flux")
        self.produce.metric.units = {"mean": "nJy"}
        self.produce.metric.newNames = {"mean": "{band}_mean"}


@pytest.fixture
def tool() -> Tool:
    tool = Tool()
    tool.identity = "flux"
    return tool


FLUXES = {"g_flux": np.array([1.0, 2.0, math.nan]), "r_flux": np.array([5.0])}


class TestFinalize:
    def test_most_derived_comes_first_and_base_last(self):
        order = []

        class Parent(AnalysisTool):
            def finalize(self) -> None:
                order.append("parent")

            def _baseFinalize(self) -> None:
                order.append("base")

        class Child(Parent):
            def finalize(self) -> None:
                order.append("child")
                super().finalize()

        class Heir(Child):
            pass

        Heir().finalize()
        assert order == ["child", "parent", "base"]

    def test_prep_loads_what_process_needs(self, tool):
        tool.finalize()
        assert list(tool.prep.keysToLoad) == ["{band}_flux"]
        assert list(tool.prep.vectorKeys) == ["{band}_flux"]
        assert [key for key, _ in tool.getFormattedInputSchema(band="r")] == ["r_flux"]

    def test_freeze_finalizes_once(self):
        class Counted(AnalysisTool):
            count = 0

            def finalize(self) -> None:
                Counted.count += 1

        tool = Counted()
        tool.freeze()
        tool.freeze()
        assert Counted.count == 1

    def test_prep_that_cannot_be_told_is_not_overwritten(self):
        tool = AnalysisTool()
        tool.prep = Double()
        with pytest.warns(RuntimeWarning, match="does not implement adding input schemas"):
            tool.finalize()


class TestCall:
    def test_tool_is_run_for_each_band(self, tool):
        tool.finalize()
        results = tool(dict(FLUXES), bands=["g", "r"])
        assert {name: item.quantity.value for name, item in results.items()} == {
            "flux_g_mean": 1.5,
            "flux_r_mean": 5.0,
        }
        assert results["flux_g_mean"].quantity.unit == u.nJy

    def test_plots_of_aband_are_named_after_it(self, tool):
        tool.produce.plot = Plots()
        tool.prep.vectorKeys = ["a"]
        tool.process.buildActions.a = LoadVector(vectorKey="a")
        tool.finalize()
        results = tool({**FLUXES, "a": np.ones(2)}, bands=["g"])
        assert sorted(results) == ["flux_g_mean", "g_flux_left_Plots", "g_flux_right_Plots"]

    def test_tool_without_bands_has_aname(self, tool):
        tool.parameterizedBand = False
        tool.finalize()
        results = tool({"analysisTools_flux": np.array([4.0])}, bands=["g"])
        assert list(results) == ["flux_analysisTools_mean"]

    def test_tags_are_notes(self, tool):
        tool.metric_tags = ["calib"]
        tool.finalize()
        (measurement,) = tool(dict(FLUXES), bands=["r"]).values()
        assert measurement.notes["metric_tags"] == ["calib"]

    def test_plot_is_named_after_the_tool(self, tool):
        tool.finalize()
        info: dict[str, Any] = {}
        tool(dict(FLUXES), bands=["g", "r"], plotInfo=info)
        assert info == {"plotName": "flux", "bands": "r"}

    def test_propagated_data_reach_the_metrics(self, tool):
        tool.produce.metric.units = {"count": ""}
        tool.finalize()
        with pytest.raises(Exception, match="Key 'count' could not be found"):
            tool({**FLUXES, "count": 3}, bands=["g"])
        tool.propagateData = True
        (measurement,) = tool({**FLUXES, "count": 3}, bands=["g"]).values()
        assert measurement.quantity.value == 3

    def test_result_of_another_kind_is_refused(self, tool):
        class Wrong(KeyedDataAction):
            def getInputSchema(self) -> Any:
                return ()

            def __call__(self, data: Any, **kwargs: Any) -> Any:
                return {"wrong": 1}

        tool.produce = Wrong()
        tool.finalize()
        with pytest.raises(RuntimeError, match="Unexpected key='wrong', value=1"):
            tool(dict(FLUXES), bands=["g"])


class TestOutputNames:
    @pytest.mark.parametrize(
        ("plot", "byBand", "names"),
        [
            (Plot, True, ["{band}_flux_Plot"]),
            (Plot, False, ["flux_Plot"]),
            (Plots, False, ["flux_left_Plots", "flux_right_Plots"]),
        ],
    )
    def test_names_have_band_tool_plot_and_type(self, tool, plot, byBand, names):
        tool.produce.plot = plot()
        tool.parameterizedBand = byBand
        assert list(tool.getOutputNames()) == names

    def test_tool_without_plot_has_none(self, tool):
        assert list(tool.getOutputNames()) == []

    def test_metric_action_alone_cannot_name_plots(self, tool):
        tool.produce = BaseMetricAction()
        with pytest.raises(ValueError, match="Unsupported Action type"):
            tool.getOutputNames()

    def test_struct_of_plots_names_each(self, tool):
        plots = StructPlotAction()
        plots.actions.one = Plot()
        plots.actions.pair = Plots()
        tool.produce = JointAction(metric=NoMetric(), plot=plots)
        tool.parameterizedBand = False
        assert list(tool.getOutputNames()) == ["flux_one_Plot", "flux_left_Plots", "flux_right_Plots"]
        assert list(plots.getInputSchema()) == [("a", Vector), ("a", Vector)]


class TestStages:
    def test_prep_selects_only_vectors(self):
        prep = BasePrep(vectorKeys=["{band}_a"], keysToLoad=["table"])
        prep.selectors.one = Positive(key="g_a")
        prep.selectors.two = Positive(key="other")
        data = {"g_a": np.array([1, -1, 2, 3]), "other": np.array([1, 1, 1, -1]), "table": np.arange(9)}
        result = prep(data, band="g")
        assert result["g_a"].tolist() == [1, 2]
        assert result["table"].size == 9
        assert set(result) == {"g_a", "table"}

    def test_prep_leaves_its_input_alone(self):
        prep = BasePrep(vectorKeys=["a"])
        prep.selectors.one = Positive()
        prep.selectors.two = Positive()
        data = {"a": np.array([1, -1])}
        prep(data)
        assert data["a"].tolist() == [1, -1]

    def test_process_steps_see_earlier_ones(self):
        process = BaseProcess()
        process.buildActions.many = Double()
        process.filterActions.copy = LoadVector(vectorKey="double")
        process.calculateActions.median = MedianAction(vectorKey="copy")
        result = process({"a": np.array([1.0, 2.0, 4.0])})
        assert result["double"].tolist() == [2.0, 4.0, 8.0]
        assert result["median"] == 4.0
        assert set(result) == {"double", "copy", "median"}

    def test_process_needs_what_it_does_not_make(self):
        process = BaseProcess()
        process.buildActions.many = Double()
        process.filterActions.copy = LoadVector(vectorKey="double")
        process.calculateActions.median = MedianAction(vectorKey="copy")
        process.calculateActions.other = MedianAction(vectorKey="b")
        assert [key for key, _ in process.getInputSchema()] == ["a", "b"]

    def test_metric_of_amapping_is_one_per_entry(self):
        action = BaseMetricAction(units={"counts": "electron"})
        results = action({"counts": {"C0 0": 1, "C-1": 2}})
        assert {name: item.quantity.value for name, item in results.items()} == {
            "counts_C0_0": 1,
            "counts_C_1": 2,
        }

    def test_metric_that_is_missing_is_named(self):
        with pytest.raises(Exception, match="Key 'g_mean' could not be found in input data {'x': 1}") as info:
            BaseMetricAction(units={"{band}_mean": ""})({"x": 1}, band="g")
        assert info.value.metadata["metadata_key"] == "g_mean"

    def test_minus_in_aname_is_refused(self):
        with pytest.raises(FieldValidationError):
            BaseMetricAction(newNames={"a": "b-c"})

    def test_mask_selects_for_ascalar(self):
        data = {"a": np.array([1.0, 2.0, 30.0])}
        assert MeanAction(vectorKey="a")(data, mask=np.array([True, True, False])) == 1.5

    @pytest.mark.parametrize("action", [MeanAction, MedianAction])
    def test_empty_vector_gives_nan(self, action):
        assert math.isnan(action(vectorKey="a")({"a": np.array([])}))

    @pytest.mark.parametrize("number", [1, 2.5, np.float32(1), np.int64(3)])
    def test_numbers_are_scalars(self, number):
        assert isinstance(number, Scalar)

    def test_scalar_has_no_instances(self):
        with pytest.raises(NotImplementedError, match="only an interface"):
            Scalar()


def test_tool_for_catalogues_refuses_to_run():
    with pytest.raises(NotImplementedError, match="no tools for catalogues"):
        SizeMagnitudePlot()({})
