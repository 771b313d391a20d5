# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

from __future__ import annotations

__all__ = ["UNSET", "AnalysisBaseConnections"]

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, override

from lsst.pipe.base import PipelineTaskConnections, connectionTypes

from ._actions import JointAction, MetricAction, NoMetric
from ._analysisTools import AnalysisTool

if TYPE_CHECKING:
    from lsst.daf.butler import DataCoordinate, DatasetRef

    from ._task import AnalysisBaseConfig

UNSET = "Placeholder"
"""Name of the outputs of a task whose subclass has to set one."""


class AnalysisBaseConnections(PipelineTaskConnections, dimensions={}, defaultTemplates={"outputName": UNSET}):
    """Connections of a task that runs tools.

    An instance has an output for each plot of the configured tools, named
    ``<outputName>_<plot>``, and ``metrics`` if a tool makes any. All have the
    dimensions of the quantum; plots of a tool that is run for each band have
    ``band`` in addition.
    """

    config: AnalysisBaseConfig

    metrics = connectionTypes.Output(
        doc="Metrics calculated on input dataset type",
        name="{outputName}_metrics",
        storageClass="MetricMeasurementBundle",
    )

    def __init__(self, *, config: AnalysisBaseConfig | None = None) -> None:
        if config is None:
            raise TypeError("AnalysisBaseConnections needs the configuration of its task.")
        self._output_name: str = config.connections.outputName
        if self._output_name == UNSET:
            raise RuntimeError(
                "Subclasses must specify an alternative value for the defaultTemplate `outputName`"
            )
        super().__init__(config=config)
        if any(_hasMetrics(tool) for tool in config.atools):
            self.metrics = connectionTypes.Output(
                name=self.metrics.name,
                doc=self.metrics.doc,
                storageClass=self.metrics.storageClass,
                dimensions=self.dimensions,
                multiple=False,
                isCalibration=False,
            )
        else:
            self.outputs.remove("metrics")
        self._addPlots(config)

    def _addPlots(self, config: AnalysisBaseConfig) -> None:
        """Add an output for each plot of the tools."""
        existing = set(dir(self))
        for full_name, (tool, name) in _plotNames(config).items():
            connection = f"{self._output_name}_{full_name}"
            if connection in self.outputs or connection in existing:
                raise NameError(
                    f"Plot with name {connection} conflicts with existing connection"
                    " are two plots named the same?"
                )
            # With band among the dimensions of the quantum, a band in the name is meant to be there.
            by_band = tool.parameterizedBand and "band" not in self.dimensions
            if by_band:
                connection = f"{self._output_name}_{name}"
            output = connectionTypes.Output(
                name=connection,
                storageClass="Plot",
                doc="Dynamic connection for plotting",
                dimensions=self.dimensions.union({"band"}) if by_band else self.dimensions,
                multiple=by_band,
            )
            setattr(self, connection, output)

    @override
    def adjustQuantum(
        self,
        inputs: dict[str, tuple[connectionTypes.BaseInput, Collection[DatasetRef]]],
        outputs: dict[str, tuple[connectionTypes.Output, Collection[DatasetRef]]],
        label: str,
        data_id: DataCoordinate,
    ) -> tuple[
        Mapping[str, tuple[connectionTypes.BaseInput, Collection[DatasetRef]]],
        Mapping[str, tuple[connectionTypes.Output, Collection[DatasetRef]]],
    ]:
        if "band" in data_id.dimensions.names:
            return super().adjustQuantum(inputs, outputs, label, data_id)
        # Plots that are made for each band are kept only for the configured bands.
        adjusted = {
            name: (connection, [ref for ref in refs if ref.dataId["band"] in self.config.bands])
            for name, (connection, refs) in outputs.items()
            if any("band" in ref.datasetType.dimensions for ref in refs)
        }
        outputs.update(adjusted)
        super().adjustQuantum(inputs, outputs, label, data_id)
        return {}, adjusted


def _hasMetrics(tool: AnalysisTool) -> bool:
    """Tell whether a tool makes metrics, as far as its configuration says."""
    match tool.produce:
        case JointAction(metric=metric):
            return not isinstance(metric, NoMetric) and len(metric.units) != 0
        case MetricAction():
            return True
    return False


def _plotNames(config: AnalysisBaseConfig) -> dict[str, tuple[AnalysisTool, str]]:
    """Return tool and name without band of each plot, by its full name."""
    names: dict[str, tuple[AnalysisTool, str]] = {}
    for tool in config.atools:
        bands = config.bands if tool.parameterizedBand else [""]
        templates = tool.getOutputNames(config=config) if tool.dynamicOutputNames else tool.getOutputNames()
        for template in list(templates):
            bare = template.removeprefix("{band}_")
            names.update({template.format(band=band): (tool, bare) for band in bands})
    return names
