# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Connections and configuration of the task that gathers metrics over time."""

from __future__ import annotations

__all__ = ["MetricTrendConfig", "MetricTrendConnections"]

import dataclasses

from lsst.analysis.cp.actions.keyedData import AnalyzeTrend
from lsst.analysis.tools.interfaces import AnalysisBaseConfig, AnalysisBaseConnections
from lsst.pex.config import Field, FieldValidationError, ListField
from lsst.pipe.base import connectionTypes as cT

INPUTS = {"summaries": "doReadSummaries", "bundles": "doReadBundles"}
"""Inputs with metrics, and the configuration that chooses each."""


class MetricTrendConnections(
    AnalysisBaseConnections,
    dimensions={"instrument"},
    defaultTemplates={"outputName": "Placeholder", "inputOutputName": "cpBiasExp"},
):
    """Metrics of any number of exposures, and the history made of them.

    The configuration gives the dimensions.
    """

    summaries = cT.Input(
        doc="Tables that the metrics of detectors were made of, one an exposure.",
        name="{inputOutputName}_detectorSummary",
        storageClass="ArrowAstropy",
        dimensions=("instrument", "exposure"),
        multiple=True,
        deferLoad=True,
    )
    bundles = cT.Input(
        doc="Metrics of exposures.",
        name="{inputOutputName}_metrics",
        storageClass="MetricMeasurementBundle",
        dimensions=("instrument", "exposure"),
        multiple=True,
        deferLoad=True,
    )
    trend = cT.Output(
        doc="All values over time, one a row.", name="{outputName}_trend", storageClass="ArrowAstropy"
    )

    def __init__(self, *, config: MetricTrendConfig) -> None:
        self.dimensions.clear()
        self.dimensions.update(config.dimensions)
        super().__init__(config=config)
        self.trend = dataclasses.replace(self.trend, dimensions=self.dimensions)
        for name, field in INPUTS.items():
            if not getattr(config, field):
                self.inputs.remove(name)
        if set(INPUTS) <= self.inputs:
            # An exposure of which there is only one of the two shall not be left out.
            self.bundles = dataclasses.replace(self.bundles, minimum=0, deferGraphConstraint=True)


class MetricTrendConfig(AnalysisBaseConfig, pipelineConnections=MetricTrendConnections):
    """Configuration of the task that gathers metrics over time."""

    dimensions = ListField[str](
        doc="Dimensions of a quantum: with physical_filter each filter has a history of its own.",
        default=["instrument"],
    )
    doReadSummaries = Field[bool](doc="Read the metrics of detectors?", default=True)
    doReadBundles = Field[bool](doc="Read the metrics of exposures?", default=False)
    gatheredMetrics = ListField[str](
        doc="Names of metrics (biasNoise) that are gathered; those that the tools take if empty.", default=[]
    )
    gatheredMeasurements = ListField[str](
        doc="Names of measurements (median) that are gathered of each; those that the tools take if empty.",
        default=[],
    )

    def setDefaults(self) -> None:
        """Make the names of topics unique."""
        super().setDefaults()
        self.addOutputNamePrefix = True

    def validate(self) -> None:
        """Check that there is something to read.

        Raises
        ------
        lsst.pex.config.FieldValidationError
            Raised if there is no input, or a quantum would have one exposure.
        """
        super().validate()
        if not (self.doReadSummaries or self.doReadBundles):
            raise FieldValidationError(
                type(self).doReadSummaries, self, "neither summaries nor bundles are to be read"
            )
        if "exposure" in self.dimensions:
            raise FieldValidationError(
                type(self).dimensions, self, "a history has many exposures: leave exposure out"
            )

    def gatheredNames(self) -> tuple[set[str], set[str]]:
        """List what is gathered.

        Returns
        -------
        metrics, measurements
            Names; all if empty.
        """
        taken = [tool.process for tool in self.atools if isinstance(tool.process, AnalyzeTrend)]
        return (
            set(self.gatheredMetrics) or {action.metric for action in taken},
            set(self.gatheredMeasurements) or {action.measurement for action in taken},
        )
