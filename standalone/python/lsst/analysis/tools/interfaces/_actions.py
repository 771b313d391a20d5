# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

from __future__ import annotations

__all__ = [
    "AnalysisAction",
    "JointAction",
    "JointResults",
    "KeyedDataAction",
    "MetricAction",
    "NoMetric",
    "NoPlot",
    "PlotAction",
    "ScalarAction",
    "VectorAction",
]

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, override

from lsst.analysis.tools.contexts._baseContext import ContextApplier
from lsst.pex.config import Config
from lsst.pex.config.configurableActions import ConfigurableAction, ConfigurableActionField

from ._interfaces import KeyedData, KeyedDataSchema, MetricResultType, PlotResultType, Scalar, Vector


class AnalysisAction(ConfigurableAction):
    """An action that declares what it needs and what it gives."""

    applyContext = ContextApplier()
    """Apply a `~lsst.analysis.tools.contexts.Context` to this action and to those inside it."""

    def getInputSchema(self) -> KeyedDataSchema:
        """Return what a call needs in its data.

        Returns
        -------
        schema : `~collections.abc.Iterable` [`tuple`]
            Keys, which may have fields in braces, and types.
        """
        raise NotImplementedError("This is not implemented on the base class")

    def getOutputSchema(self) -> KeyedDataSchema | None:
        """Return what a call gives, if that is keyed data.

        Returns
        -------
        schema : `~collections.abc.Iterable` [`tuple`] or `None`
            Keys, which may have fields in braces, and types.
        """
        return None

    def getFormattedInputSchema(self, **kwargs: Any) -> KeyedDataSchema:
        """Return what a call needs in its data, with the fields in braces filled in.

        Parameters
        ----------
        **kwargs
            Values of the fields, such as ``band``.

        Returns
        -------
        schema : `~collections.abc.Iterable` [`tuple`]
            Keys and types.
        """
        for key, kind in self.getInputSchema():
            yield key.format_map(kwargs), kind

    def addInputSchema(self, inputSchema: KeyedDataSchema) -> None:
        """Add to what a call needs, where the action allows that.

        Parameters
        ----------
        inputSchema : `~collections.abc.Iterable` [`tuple`]
            Keys and types to add.
        """
        warnings.warn(
            f"{type(self)} does not implement adding input schemas, call will do nothing, "
            "this may be expected",
            RuntimeWarning,
            stacklevel=2,
        )


class KeyedDataAction(AnalysisAction):
    """An action that returns keyed data."""

    @override
    def __call__(self, data: KeyedData, **kwargs: Any) -> KeyedData:
        raise NotImplementedError("This is not implemented on the base class")


class VectorAction(AnalysisAction):
    """An action that returns a vector."""

    @override
    def __call__(self, data: KeyedData, **kwargs: Any) -> Vector:
        raise NotImplementedError("This is not implemented on the base class")


class ScalarAction(AnalysisAction):
    """An action that returns a number."""

    @override
    def __call__(self, data: KeyedData, **kwargs: Any) -> Scalar:
        raise NotImplementedError("This is not implemented on the base class")

    def getMask(self, **kwargs: Any) -> Vector | slice:
        """Return the selection of elements that a caller may give.

        Parameters
        ----------
        **kwargs
            Arguments of a call; ``mask`` is looked for.

        Returns
        -------
        mask : `numpy.ndarray` or `slice`
            The mask, or a slice that takes everything.
        """
        mask = kwargs.get("mask")
        return slice(None) if mask is None else mask


class MetricAction(AnalysisAction):
    """An action that returns one measurement, or several by name."""

    @override
    def __call__(self, data: KeyedData, **kwargs: Any) -> MetricResultType:
        raise NotImplementedError("This is not implemented on the base class")


class PlotAction(AnalysisAction):
    """An action that returns one figure, or several by name."""

    def getOutputNames(self, config: Config | None = None) -> Iterable[str]:
        """Return the names of the figures, where there are several.

        Parameters
        ----------
        config : `lsst.pex.config.Config`, optional
            Configuration of the task, for a tool whose names depend on it.

        Returns
        -------
        names : `~collections.abc.Iterable` [`str`]
            Keys of the mapping that a call returns; none if it returns a
            figure.
        """
        return ()

    @override
    def __call__(self, data: KeyedData, **kwargs: Any) -> PlotResultType:
        raise NotImplementedError("This is not implemented on the base class")

    def getPlotType(self) -> str:
        """Return the last part of a plot's name (`str`)."""
        return type(self).__name__


class NoPlot(PlotAction):
    """Says that there is no plot."""


class NoMetric(MetricAction):
    """Says that there is no metric."""


@dataclass
class JointResults:
    """What a `JointAction` returns."""

    plot: PlotResultType | None
    metric: MetricResultType | None


class JointAction(AnalysisAction):
    """An action that makes both metrics and plots."""

    metric = ConfigurableActionField[MetricAction](doc="Action to run that will produce one or more metrics")
    plot = ConfigurableActionField[PlotAction](doc="Action to run that will produce one or more plots")

    @override
    def __call__(self, data: KeyedData, **kwargs: Any) -> JointResults:
        plots = None if isinstance(self.plot, NoPlot) else self.plot(data, **kwargs)
        metrics = None if isinstance(self.metric, NoMetric) else self.metric(data, **kwargs)
        return JointResults(plots, metrics)

    @override
    def getInputSchema(self) -> KeyedDataSchema:
        yield from self.metric.getInputSchema()
        yield from self.plot.getInputSchema()

    def getOutputNames(self, config: Config | None = None) -> Iterable[str]:
        """Return the names of the figures, where there are several.

        Parameters
        ----------
        config : `lsst.pex.config.Config`, optional
            Configuration of the task, for a tool whose names depend on it.

        Returns
        -------
        names : `~collections.abc.Iterable` [`str`]
            The names of the plot action.
        """
        return self.plot.getOutputNames() if config is None else self.plot.getOutputNames(config=config)
