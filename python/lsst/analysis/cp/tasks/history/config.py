# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Connections and configuration of the task that gathers metrics over time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from lsst.analysis.cp.actions.keyedData import AnalyzeTrend
from lsst.analysis.cp.catalogue import EPOCHS, Level
from lsst.analysis.cp.tasks.connections import ConfiguredDimensionsConfig, ConfiguredDimensionsConnections
from lsst.daf.butler import CollectionType
from lsst.pex.config import Field, FieldValidationError, ListField
from lsst.pipe.base import connectionTypes as cT

if TYPE_CHECKING:
    from lsst.daf.butler import DataCoordinate, DatasetRef, DatasetType, Registry

__all__ = ["MetricTrendConfig", "MetricTrendConnections"]

EPOCH_DIMENSIONS = frozenset(EPOCHS) - {"none"}
"""Dimensions that tell the epochs of a run apart."""

INPUTS = {"summaries": "doReadSummaries", "bundles": "doReadBundles"}
"""Inputs with metrics, and the configuration that chooses each."""


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
            Raised if there is no input, or a quantum would have one epoch.
        """
        super().validate()
        if not (self.doReadSummaries or self.doReadBundles):
            raise FieldValidationError(
                type(self).doReadSummaries, self, "neither summaries nor bundles are to be read"
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
