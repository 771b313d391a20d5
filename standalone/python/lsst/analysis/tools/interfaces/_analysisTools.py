# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

from __future__ import annotations

__all__ = ["AnalysisTool"]

from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from operator import attrgetter
from typing import Any, Protocol, override, runtime_checkable

from lsst.pex.config import Config, Field, FieldValidationError, ListField
from lsst.pex.config.configurableActions import ConfigurableActionField
from lsst.pipe.base import Instrument, Pipeline
from lsst.verify import Measurement

from ._actions import AnalysisAction, JointAction, JointResults, NoPlot, PlotAction
from ._interfaces import KeyedData, KeyedDataSchema, KeyedResults, PlotTypes
from ._stages import BasePrep, BaseProcess, BaseProduce


@runtime_checkable
class _HasOutputNames(Protocol):
    def getOutputNames(self, config: Config | None = None) -> Iterable[str]: ...


def _finishAfter(
    finalize: Callable[[AnalysisTool], None], cls: type[AnalysisTool]
) -> Callable[[AnalysisTool], None]:
    """Wrap a class's ``finalize`` so that the base's own part comes last, once.

    A derived ``finalize`` calls its parent's, which is wrapped too: only the
    most derived one of the tool's class goes on with ``_baseFinalize``.
    """

    @wraps(finalize)
    def wrapper(self: AnalysisTool) -> None:
        finalize(self)
        if cls is next(owner for owner in type(self).__mro__ if "finalize" in vars(owner)):
            self._baseFinalize()

    return wrapper


class AnalysisTool(AnalysisAction):
    """One analysis: a prep, a process and a produce action, run in this order.

    Called with keyed data it returns its plots and measurements by name. Once
    its configuration is complete, `finalize` may set what depends on it; then
    the prep action is told what the process action needs.
    """

    prep = ConfigurableActionField[AnalysisAction](doc="Action to run to prepare inputs", default=BasePrep)
    process = ConfigurableActionField[AnalysisAction](
        doc="Action to process data into intended form", default=BaseProcess
    )
    produce = ConfigurableActionField[AnalysisAction](
        doc="Action to perform any finalization steps", default=BaseProduce
    )
    metric_tags = ListField[str](
        doc="List of tags which will be associated with metric measurement(s)", default=[]
    )

    dynamicOutputNames: bool | Field[bool] = False
    """Whether `getOutputNames` is given the configuration of the task."""

    parameterizedBand: bool | Field[bool] = True
    """Whether the tool is run once for each band, with ``{band}`` in its keys filled in."""

    propagateData: bool | Field[bool] = False
    """Whether each stage also sees the tool's input data, which hide equal keys of the stages."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "finalize" in vars(cls):
            cls.finalize = _finishAfter(cls.finalize, cls)  # type: ignore[assignment, method-assign]

    @override
    def __call__(self, data: KeyedData, **kwargs: Any) -> KeyedResults:
        bands = kwargs.pop("bands", None)
        plot_info = kwargs.get("plotInfo")
        if plot_info is not None and plot_info.get("plotName") is None:
            plot_info["plotName"] = self.identity
        if not self.parameterizedBand or bands is None:
            # Keys may name a band even in tools that have none.
            kwargs.setdefault("band", "analysisTools")
            return self._runStages(data, **kwargs)
        results: dict[str, PlotTypes | Measurement] = {}
        for band in bands:
            if plot_info is not None:
                plot_info["bands"] = band
            for name, value in self._runStages(data, **kwargs | {"band": band}).items():
                results[f"{band}_{name}" if isinstance(value, PlotTypes) else name] = value
        return results

    def _runStages(self, data: KeyedData, **kwargs: Any) -> KeyedResults:
        kwargs["metric_tags"] = list(self.metric_tags or ())
        prepared = self.prep(data, **kwargs)
        processed = self.process(self._propagate(data, prepared), **kwargs)
        return self._nameResults(self.produce(self._propagate(data, processed), **kwargs))

    def _propagate(self, data: KeyedData, result: KeyedData) -> KeyedData:
        return ChainMap(data, result) if self.propagateData else result

    def _getPlotType(self) -> str:
        match self.produce:
            case PlotAction() as plot:
                return plot.getPlotType()
            case JointAction(plot=plot) if not isinstance(plot, NoPlot):
                return plot.getPlotType()
        return ""

    def _nameResults(self, results: Any) -> dict[str, PlotTypes | Measurement]:
        """Put the tool's name before, and the type of plot behind each name."""
        match results:
            case JointResults():
                named = {} if results.plot is None else self._nameResults(results.plot)
                return named if results.metric is None else named | self._nameResults(results.metric)
            case PlotTypes():
                return {self._join(self._getPlotType()): results}
            case Measurement():
                return {self._join(): results}
            case Mapping():
                return {self._nameItem(key, value): value for key, value in results.items()}
        return {}

    def _nameItem(self, key: str, value: Any) -> str:
        match value:
            case Measurement():
                return self._join(key)
            case PlotTypes():
                return self._join(key, self._getPlotType())
        raise RuntimeError(f"Unexpected {key=}, {value=} from:\n{self=}")

    def _join(self, *parts: str) -> str:
        return "_".join(part for part in (self.identity, *parts) if part)

    @override
    def getInputSchema(self) -> KeyedDataSchema:
        return self.prep.getInputSchema()

    def populatePrepFromProcess(self) -> None:
        """Let the prep action load what the process action needs, if it can."""
        self.prep.addInputSchema(self.process.getInputSchema())

    def getOutputNames(self, config: Config | None = None) -> Iterable[str]:
        """Return the names of the plots.

        Parameters
        ----------
        config : `lsst.pex.config.Config`, optional
            Configuration of the task, for a tool whose names depend on it.

        Returns
        -------
        names : `~collections.abc.Iterable` [`str`]
            A name for each plot, with ``{band}`` in it if the tool is run for
            each band.

        Raises
        ------
        ValueError
            Raised if the produce action cannot name its plots.
        """
        match self.produce:
            case JointAction(plot=NoPlot()):
                return ()
            case _HasOutputNames():
                names = tuple(self.produce.getOutputNames(config=config))
            case _:
                raise ValueError(f"Unsupported Action type {type(self.produce)} for getting output names")
        band = ("{band}",) if self.parameterizedBand else ()
        parts = [(*band, self.identity, name, self._getPlotType()) for name in names or ("",)]
        return ["_".join(part for part in some if part) for some in parts]

    @classmethod
    def fromPipeline(
        cls,
        pipeline: str | Pipeline,
        name: str,
        fullpath: bool = False,
        instrument: Instrument | str | None = None,
    ) -> AnalysisTool | None:
        """Return a tool as a pipeline configures it.

        Parameters
        ----------
        pipeline : `str` or `lsst.pipe.base.Pipeline`
            The pipeline, or where it is.
        name : `str`
            Name of the tool.
        fullpath : `bool`, optional
            Whether the name is a path from the task's configuration, not from
            its ``atools``.
        instrument : `lsst.pipe.base.Instrument` or `str`, optional
            An instrument for a pipeline that has none.

        Returns
        -------
        tool : `AnalysisTool` or `None`
            The tool in the first task that has it.

        Raises
        ------
        ValueError
            Raised if the name is not that of a tool, if the pipeline is for
            another instrument, or if it cannot be made.
        """
        if not isinstance(pipeline, Pipeline):
            pipeline = Pipeline.fromFile(pipeline)
        if instrument is not None:
            own = pipeline.getInstrument()
            if own and own != instrument:
                raise ValueError(
                    f"The supplied instrument {instrument} conflicts with the pipelines instrument {own}."
                )
            pipeline.addInstrument(instrument)
        try:
            tasks = pipeline.to_graph().tasks.values()
        except (FieldValidationError, ValueError) as error:
            raise ValueError(
                "There was an error instantiating the pipeline, do you need to specify an instrument?"
            ) from error
        find = attrgetter(name if fullpath else f"atools.{name}")
        for task in tasks:
            try:
                tool = find(task.config)
            except AttributeError:
                continue
            if not isinstance(tool, AnalysisTool):
                raise ValueError("The requested name did not refer to an analysisTool")
            return tool
        return None

    def finalize(self) -> None:
        """Set what depends on the configuration, which is now complete."""

    def _baseFinalize(self) -> None:
        self.populatePrepFromProcess()

    @override
    def freeze(self) -> None:
        if not self.__dict__.get("_finalizeRun"):
            self.finalize()
            # Not a field: pex_config would refuse it as an attribute.
            self.__dict__["_finalizeRun"] = True
        super().freeze()


AnalysisTool.finalize = _finishAfter(AnalysisTool.finalize, AnalysisTool)  # type: ignore[assignment, method-assign]
