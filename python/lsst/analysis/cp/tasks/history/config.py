# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Connections and configurations of the tasks that gather metrics over time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from lsst.analysis.cp.actions.keyedData import AnalyzeTrend
from lsst.analysis.cp.catalogue import EPOCHS, Level
from lsst.analysis.cp.tasks.connections import ConfiguredDimensionsConfig, ConfiguredDimensionsConnections
from lsst.daf.butler import CollectionType, MissingDatasetTypeError
from lsst.pex.config import Field, FieldValidationError, ListField
from lsst.pipe.base import PipelineTaskConfig, PipelineTaskConnections
from lsst.pipe.base import connectionTypes as cT

if TYPE_CHECKING:
    from lsst.daf.butler import DataCoordinate, DatasetRef, DatasetType, Registry

__all__ = ["GatherNightConfig", "GatherNightConnections", "MetricTrendConfig", "MetricTrendConnections"]

EPOCH_DIMENSIONS = frozenset(EPOCHS) - {"none"}
"""Dimensions that tell the epochs of a run apart."""

INPUTS = {"summaries": "doReadSummaries", "bundles": "doReadBundles"}
"""Inputs with metrics, and the configuration that chooses each."""

_NIGHT = "{outputName}_night"


class MetricTrendConnections(
    ConfiguredDimensionsConnections,
    dimensions={"instrument"},
    defaultTemplates={"inputOutputName": "cpBiasExp"},
):
    """Metrics of any number of exposures, visits or runs, and the history made of them.

    Inputs without epochs have the same data ID in each run, so that
    they are looked up in all runs of the input collections.
    """

    summaries = cT.Input(
        doc="Tables that the metrics of detectors were made of, one an epoch.",
        name="{inputOutputName}_detectorSummary",
        storageClass="ArrowAstropy",
        dimensions=("instrument", "exposure"),
        multiple=True,
        deferLoad=True,
    )
    bundles = cT.Input(
        doc="Metrics of epochs.",
        name="{inputOutputName}_metrics",
        storageClass="MetricMeasurementBundle",
        dimensions=("instrument", "exposure"),
        multiple=True,
        deferLoad=True,
    )
    nights = cT.PrerequisiteInput(
        doc="Tables of nights, whose summaries are not read one by one.",
        name=_NIGHT,
        storageClass="ArrowAstropy",
        dimensions=("instrument", "day_obs"),
        multiple=True,
        deferLoad=True,
        minimum=0,
    )
    trend = cT.Output(
        doc="All values over time, one a row.", name="{outputName}_trend", storageClass="ArrowAstropy"
    )

    def __init__(self, *, config: MetricTrendConfig) -> None:
        super().__init__(config=config)
        read = [name for name, field in INPUTS.items() if getattr(config, field)]
        for name in INPUTS:
            declared = getattr(self, name)
            if name not in read:
                delattr(self, name)
            elif config.hasEpochs:
                # An epoch of which there is only one of the two shall not be left out.
                more = {"minimum": 0, "deferGraphConstraint": True} if name != read[0] else {}
                self.redeclare(name, dimensions=config.readDimensions, **more)
            else:
                looked_up = cT.PrerequisiteInput(
                    doc=declared.doc,
                    name=declared.name,
                    storageClass=declared.storageClass,
                    dimensions=config.readDimensions,
                    multiple=True,
                    deferLoad=True,
                    minimum=int(name == read[0]),
                    lookupFunction=findOfAllRuns,
                )
                setattr(self, name, looked_up)
        if config.doReadNights:
            dimensions = (*config.dimensions, "day_obs")
            # The query does not limit them, so that the task takes those of the summaries that it does.
            self.redeclare("nights", dimensions=dimensions, lookupFunction=findOfChain)
        else:
            del self.nights


class MetricTrendConfig(ConfiguredDimensionsConfig, pipelineConnections=MetricTrendConnections):
    """Configuration of the task that gathers metrics over time."""

    dimensions = ListField[str](
        doc="Dimensions of a quantum: with physical_filter each filter has a history of its own.",
        default=["instrument"],
    )
    inputDimensions = ListField[str](
        doc="Dimensions of the metrics that are read. With exposure or visit, these are the epochs of a "
        "history; without, as for a calibration without exposures, the runs of the input collections are. If "
        "empty, those of the product whose tools are added.",
        default=[],
    )
    doReadSummaries = Field[bool](doc="Read the metrics of detectors?", default=True)
    doReadBundles = Field[bool](doc="Read the metrics of exposures, visits or runs?", default=False)
    doReadNights = Field[bool](
        doc="Read summaries from the tables of their nights (`GatherNightTask`), where there are such?",
        default=False,
    )
    gatheredMetrics = ListField[str](
        doc="Names of metrics (biasNoise) that are gathered; those that the tools take if empty.", default=[]
    )
    gatheredMeasurements = ListField[str](
        doc="Names of measurements (median) that are gathered of each; those that the tools take if empty.",
        default=[],
    )

    @property
    def readDimensions(self) -> tuple[str, ...]:
        """Dimensions of the metrics that are read: those of exposures if the configuration has none."""
        return tuple(self.inputDimensions) or Level("exposure").dimensions

    @property
    def hasEpochs(self) -> bool:
        """Whether the metrics that are read are of exposures or visits."""
        return not EPOCH_DIMENSIONS.isdisjoint(self.readDimensions)

    def validate(self) -> None:
        """Check that there is something to read.

        Raises
        ------
        lsst.pex.config.FieldValidationError
            Raised if there is no input, a quantum would have one epoch, or there are nights without epochs.
        """
        super().validate()
        if not (self.doReadSummaries or self.doReadBundles):
            raise FieldValidationError(
                type(self).doReadSummaries, self, "neither summaries nor bundles are to be read"
            )
        if self.doReadNights and not (self.doReadSummaries and self.hasEpochs):
            raise FieldValidationError(
                type(self).doReadNights,
                self,
                "a night has summaries of exposures or visits, which are not read",
            )
        for epoch in sorted(EPOCH_DIMENSIONS.intersection(self.dimensions)):
            raise FieldValidationError(
                type(self).dimensions, self, f"a history has many {epoch}s: leave {epoch} out"
            )

    def gatheredNames(self) -> tuple[set[str], set[str]]:
        """List the metrics, and the measurements, that are gathered; all if empty."""
        taken = [tool.process for tool in self.atools if isinstance(tool.process, AnalyzeTrend)]
        return (
            set(self.gatheredMetrics) or {action.metric for action in taken},
            set(self.gatheredMeasurements) or {action.measurement for action in taken},
        )


def findOfAllRuns(
    datasetType: DatasetType, registry: Registry, dataId: DataCoordinate, collections: Sequence[str]
) -> Iterable[DatasetRef]:
    """Find the datasets of every run, each once; an ordinary search finds that of the first run only."""
    kinds = {CollectionType.RUN, CollectionType.TAGGED}
    runs = list(registry.queryCollections(collections, collectionTypes=kinds, flattenChains=True))
    return set(registry.queryDatasets(datasetType, collections=runs, dataId=dataId, findFirst=False))


def findOfChain(
    datasetType: DatasetType, registry: Registry, dataId: DataCoordinate, collections: Sequence[str]
) -> Iterable[DatasetRef]:
    """Find the first dataset of each data ID, whatever a query asks for; none of a type that is not known."""
    try:
        return set(
            registry.queryDatasets(datasetType, collections=collections, dataId=dataId, findFirst=True)
        )
    except MissingDatasetTypeError:
        return ()


class GatherNightConnections(
    PipelineTaskConnections,
    dimensions={"instrument", "day_obs"},
    defaultTemplates={"inputOutputName": "cpBiasExp", "outputName": "cpBiasTrend"},
):
    """Summaries of a night, and the table that has them all."""

    summaries = cT.Input(
        doc="Tables that the metrics of detectors were made of, one an exposure.",
        name="{inputOutputName}_detectorSummary",
        storageClass="ArrowAstropy",
        dimensions=("instrument", "exposure"),
        multiple=True,
        deferLoad=True,
    )
    night = cT.Output(
        doc="The metrics of the summaries, one row an exposure and detector.",
        name=_NIGHT,
        storageClass="ArrowAstropy",
        dimensions=("instrument", "day_obs"),
    )

    def __init__(self, *, config: GatherNightConfig) -> None:
        super().__init__(config=config)
        self.dimensions.clear()
        self.dimensions.update(config.dimensions)
        self.summaries = replace(self.summaries, dimensions=tuple(config.inputDimensions))
        self.night = replace(self.night, dimensions=tuple(config.dimensions))


class GatherNightConfig(PipelineTaskConfig, pipelineConnections=GatherNightConnections):
    """Configuration of the task that gathers the metrics of a night."""

    dimensions = ListField[str](
        doc="Dimensions of a quantum: those of the histories, and day_obs.", default=["instrument", "day_obs"]
    )
    inputDimensions = ListField[str](doc="Dimensions of the summaries.", default=["instrument", "exposure"])
