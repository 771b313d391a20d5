# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

from __future__ import annotations

__all__ = ["AnalysisBaseConfig", "AnalysisBaseConnections", "AnalysisPipelineTask"]

import datetime
import logging
import pprint
import sys
import traceback
import weakref
from collections.abc import Iterable, Mapping, MutableMapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any, cast, override

from matplotlib.figure import Figure

from lsst.pex.config import Field, ListField
from lsst.pex.config.configurableActions import ConfigurableActionStructField
from lsst.pipe.base import (
    AlgorithmError,
    AnnotatedPartialOutputsError,
    Instrument,
    PipelineTask,
    PipelineTaskConfig,
    Struct,
)
from lsst.pipe.base.pipelineIR import ConfigIR, ParametersIR
from lsst.verify import Measurement

from ._analysisTools import AnalysisTool
from ._interfaces import KeyedData, PlotTypes
from ._metricMeasurementBundle import MetricMeasurementBundle
from ._taskConnections import UNSET, AnalysisBaseConnections

if TYPE_CHECKING:
    from lsst.daf.butler import DataCoordinate, DatasetRef, DeferredDatasetHandle
    from lsst.pipe.base import QuantumContext
    from lsst.pipe.base.connections import InputQuantizedConnection, OutputQuantizedConnection

_LOG = logging.getLogger(__name__)

_TIMESTAMP_FORMAT = "%Y%m%dT%H%M%S%z"

_TIMESTAMP_VERSIONS = (
    "reference_package_timestamp",
    "run_timestamp",
    "current_timestamp",
    "dataset_timestamp",
)

_SASQUATCH_PARAMETERS = ("dataset_identifier", "reference_package", "timestamp_version")


class PartialAtoolsFailureError(AlgorithmError):
    """Raised if some tools of a task have failed.

    Parameters
    ----------
    caughtErrors : `dict` [`str`, `str`]
        Traceback of each failed tool, by its name.
    """

    def __init__(self, caughtErrors: dict[str, str]) -> None:
        self._caughtErrors = caughtErrors
        reasons = ", ".join(f"{name}: {pprint.pformat(text)}" for name, text in caughtErrors.items())
        super().__init__(f"These tasks have failed for the following reasons: {reasons}")

    @property
    @override
    def metadata(self) -> dict[str, Any]:
        return self._caughtErrors


def _checkTimestamp(value: str) -> None:
    """Raise ValueError if an explicit time is not in the right form."""
    try:
        _, time = value.split(":")
    except ValueError as error:
        raise ValueError(
            "Explicit timestamp must be given in the format 'explicit_timestamp:datetime', "
            f"where datetime is given in the form '{_TIMESTAMP_FORMAT}'"
        ) from error
    try:
        datetime.datetime.strptime(time, _TIMESTAMP_FORMAT)
    except ValueError as error:
        raise ValueError(
            f"The supplied datetime {time} could not be parsed correctly into {_TIMESTAMP_FORMAT} format"
        ) from error


def _isTimestampVersion(value: str) -> bool:
    if "explicit_timestamp" not in value:
        return value in _TIMESTAMP_VERSIONS
    try:
        _checkTimestamp(value)
    except ValueError as error:
        # The reason cannot be put into the exception that pex_config raises.
        _LOG.error("%s", error)
        return False
    return True


class AnalysisBaseConfig(PipelineTaskConfig, pipelineConnections=AnalysisBaseConnections):
    """Configuration of a task that runs tools."""

    atools = ConfigurableActionStructField[AnalysisTool](
        doc="The analysis tools that are to be run by this task at execution"
    )
    # As upstream, so that configurations stored by either world can be read by the other.
    plots = atools
    metrics = atools
    bands = ListField[str](
        doc="Filter bands on which to run all of the actions", default=["u", "g", "r", "i", "z", "y"]
    )
    metric_tags = ListField[str](
        doc="List of tags which will be added to all configurable actions", default=[]
    )
    dataset_identifier = Field[str](doc="An identifier to be associated with output Metrics", optional=True)
    reference_package = Field[str](
        doc="A package whose version, at the time of metric upload to a time series database, will be"
        " converted to a timestamp of when that version was produced",
        default="lsst_distrib",
    )
    timestamp_version = Field[str](
        doc="Which time stamp should be used as the reference timestamp for a metric in a time series"
        " database, valid values are; reference_package_timestamp, run_timestamp, current_timestamp,"
        " dataset_timestamp and explicit_timestamp:datetime where datetime is given in the form"
        " %Y%m%dT%H%M%S%z",
        default="run_timestamp",
        check=_isTimestampVersion,
    )
    addOutputNamePrefix = Field[bool](
        doc="If True, the connections class output name will be prefixed to the analysis 'atools' name"
        " when the value is dispatched to sasquatch.",
        default=False,
    )

    @override
    def applyConfigOverrides(
        self,
        instrument: Instrument | None,
        taskDefaultName: str,
        pipelineConfigs: Iterable[ConfigIR] | None,
        parameters: ParametersIR,
        label: str,
    ) -> None:
        values = {
            name: value
            for name in _SASQUATCH_PARAMETERS
            if (value := parameters.mapping.get(f"sasquatch_{name}")) is not None
        }
        if "explicit_timestamp" in values.get("timestamp_version", ""):
            _checkTimestamp(values["timestamp_version"])
        overrides = list(pipelineConfigs or ())
        if values:
            # First, so that the configuration in the pipeline wins.
            overrides.insert(0, ConfigIR(rest=values))
        super().applyConfigOverrides(instrument, taskDefaultName, overrides, parameters, label)

    @override
    def freeze(self) -> None:
        if not self._frozen:
            for tool in self.atools:
                for tag in self.metric_tags:
                    tool.metric_tags.insert(-1, tag)
        super().freeze()

    @override
    def validate(self) -> None:
        super().validate()
        if self.connections.outputName == UNSET:
            raise RuntimeError("Connections class 'outputName' must have a config explicitly set")


class _EmptyPlotInfo(dict[str, Any]):
    """Information on a plot where the caller gave none: every entry is empty."""

    def __missing__(self, key: str) -> str:
        return ""


def _closePlots(*figures: Figure) -> None:
    """Close figures that an action made with pyplot, which would keep them."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        for figure in figures:
            pyplot.close(figure)


class AnalysisPipelineTask(PipelineTask):
    """Run the configured tools on the data, and store their metrics and plots.

    A tool that fails does not keep the others from being run and stored; the
    task raises at the end.
    """

    config: AnalysisBaseConfig
    ConfigClass = AnalysisBaseConfig

    def _runTools(self, data: KeyedData, **kwargs: Any) -> Struct:
        errors: dict[str, str] = {}
        results = Struct(metrics=self._emptyBundle())
        plot_info = kwargs.pop("plotInfo", None)
        figures: list[Figure] = []
        for name, tool in self.config.atools.items():
            try:
                # A tool may write into the information on its plot.
                named = tool(data, plotInfo=deepcopy(plot_info), **kwargs)
            except Exception:
                errors[name] = traceback.format_exc()
                continue
            measurements = [value for value in named.values() if isinstance(value, Measurement)]
            if measurements:
                results.metrics[name] = measurements
            plots = {key: value for key, value in named.items() if isinstance(value, PlotTypes)}
            for plot_name, figure in plots.items():
                setattr(results, f"{self.config.connections.outputName}_{plot_name}", figure)
            figures += plots.values()
        weakref.finalize(results, _closePlots, *figures)
        results.__caughtErrors = errors
        return results

    def _emptyBundle(self) -> MetricMeasurementBundle:
        config = self.config
        return MetricMeasurementBundle(
            dataset_identifier=config.dataset_identifier,
            reference_package=config.reference_package,
            timestamp_version=config.timestamp_version,
            metricNamePrefix=f"{config.connections.outputName}_" if config.addOutputNamePrefix else "",
        )

    @override
    def run(self, *, data: KeyedData | None = None, **kwargs: Any) -> Struct:
        """Run all tools.

        Parameters
        ----------
        data : `~collections.abc.MutableMapping`
            The data for the tools.
        **kwargs
            Further arguments of the tools, such as ``camera``; ``bands`` and
            ``plotInfo`` have defaults.

        Returns
        -------
        results : `lsst.pipe.base.Struct`
            The bundle ``metrics``, and each plot by the name of its
            connection.

        Raises
        ------
        ValueError
            Raised if there are no data.
        """
        if data is None:
            raise ValueError("data must not be none")
        kwargs.setdefault("bands", list(self.config.bands))
        kwargs.setdefault("plotInfo", _EmptyPlotInfo())
        kwargs["plotInfo"]["bands"] = kwargs["bands"]
        return self._runTools(data, **kwargs)

    @override
    def runQuantum(
        self,
        butlerQC: QuantumContext,
        inputRefs: InputQuantizedConnection,
        outputRefs: OutputQuantizedConnection,
    ) -> None:
        inputs = butlerQC.get(inputRefs)
        plot_info = self.parsePlotInfo(inputs, butlerQC.quantum.dataId)
        if "data" not in inputs:
            raise RuntimeError("'data' is a required input connection, but is not defined.")
        data = self.loadData(inputs.pop("data"))
        outputs = self.run(data=data, plotInfo=plot_info, **inputs)
        self.putByBand(butlerQC, outputs, outputRefs)

    def putByBand(
        self, butlerQC: QuantumContext, outputs: Struct, outputRefs: OutputQuantizedConnection
    ) -> None:
        """Store what the tools made.

        Parameters
        ----------
        butlerQC : `lsst.pipe.base.QuantumContext`
            Where to store.
        outputs : `lsst.pipe.base.Struct`
            What `run` returned.
        outputRefs : `lsst.pipe.base.OutputQuantizedConnection`
            References of the outputs; several for a plot that is made for
            each band.

        Raises
        ------
        lsst.pipe.base.AnnotatedPartialOutputsError
            Raised, when all that is there has been stored, if a tool failed.
        """
        for connection, refs in outputRefs:
            if connection == "metrics":
                butlerQC.put(outputs.metrics, refs)
            elif isinstance(refs, Iterable):
                self._putBands(butlerQC, outputs, connection, refs)
            elif (figure := getattr(outputs, connection, None)) is not None:
                butlerQC.put(figure, refs)
        if outputs.__caughtErrors:
            failure = PartialAtoolsFailureError(outputs.__caughtErrors)
            raise AnnotatedPartialOutputsError.annotate(failure, self, log=self.log) from failure

    def _putBands(
        self, butlerQC: QuantumContext, outputs: Struct, connection: str, refs: Iterable[DatasetRef]
    ) -> None:
        prefix = self.config.connections.outputName
        name = connection.split(prefix, maxsplit=1)[1]
        for ref in refs:
            figure = getattr(outputs, f"{prefix}_{ref.dataId.get('band', '')}{name}", None)
            if figure is not None:
                butlerQC.put(figure, ref)

    def parsePlotInfo(
        self, inputs: Mapping[str, Any] | None, dataId: DataCoordinate | None, connectionName: str = "data"
    ) -> Mapping[str, str]:
        """Return what a plot shall say of its origin.

        Parameters
        ----------
        inputs : `~collections.abc.Mapping` or `None`
            Handles of the task's inputs.
        dataId : `lsst.daf.butler.DataCoordinate` or `None`
            What the quantum is for.
        connectionName : `str`, optional
            The input that is shown as the table.

        Returns
        -------
        plotInfo : `dict`
            ``tableName``, ``run`` and the entries of the data ID.
        """
        plot_info: dict[str, Any] = {"tableName": "", "run": ""}
        if inputs is not None:
            ref = inputs[connectionName].ref
            plot_info = {"tableName": ref.datasetType.name, "run": ref.run}
        self._populatePlotInfoWithDataId(plot_info, dataId)
        return plot_info

    def _populatePlotInfoWithDataId(
        self, plotInfo: MutableMapping[str, Any], dataId: DataCoordinate | None
    ) -> None:
        if dataId is not None:
            plotInfo.update(dataId.mapping)

    def loadData(self, handle: DeferredDatasetHandle, names: Iterable[str] | None = None) -> KeyedData:
        """Load the columns that the tools need.

        Parameters
        ----------
        handle : `lsst.daf.butler.DeferredDatasetHandle`
            Handle of the table.
        names : `~collections.abc.Iterable` [`str`], optional
            The columns, if not those of `collectInputNames`.

        Returns
        -------
        data : `~collections.abc.MutableMapping`
            The table with these columns.
        """
        if names is None:
            names = self.collectInputNames()
        return cast(KeyedData, handle.get(parameters={"columns": names}))

    def collectInputNames(self) -> Iterable[str]:
        """Return the columns that the tools need.

        Returns
        -------
        names : `set` [`str`]
            The columns, for all bands.
        """
        return {
            key
            for band in self.config.bands or [""]
            for tool in self.config.atools
            for key, _ in tool.getFormattedInputSchema(band=band)
        }
