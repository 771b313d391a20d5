# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Connections and configuration that every merge task with analysis adds to those of its parent."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any

from lsst.analysis.cp.actions.metric import DetectorMetrics
from lsst.analysis.cp.catalogue import products
from lsst.analysis.cp.tasks.connections import AnalysisConfig, AnalysisConnections
from lsst.analysis.cp.tasks.limits import VERIFY_CONFIG, connectVerifyConfig
from lsst.analysis.cp.tasks.reference import VERIFIED_EXPOSURES
from lsst.pex.config import DictField, Field, FieldValidationError
from lsst.pex.config.configurableActions import ConfigurableActionField
from lsst.pipe.base import PipelineTaskConnections
from lsst.pipe.base import connectionTypes as cT
from lsst.pipe.base.quantum_graph_builder import QuantumGraphBuilderError

if TYPE_CHECKING:
    from lsst.daf.butler import DataCoordinate
    from lsst.pipe.base import QuantaAdjuster

__all__ = [
    "MergeAnalysisConfig",
    "MergeAnalysisConnections",
    "MergeOfDetectorsConnections",
    "MergeOfExposuresConnections",
    "joinConnections",
]


class MergeAnalysisConnections(
    AnalysisConnections, dimensions={}, defaultTemplates={"outputName": "cpVerifyRun"}
):
    """Outputs of the analysis of one merge: tables, and metrics of the whole and of each detector."""

    verifyConfig = VERIFY_CONFIG
    detectorMetrics = cT.Output(
        doc="Metrics of each detector.",
        name="{outputName}Det_metrics",
        storageClass="MetricMeasurementBundle",
        multiple=True,
    )
    detectorSummary = cT.Output(
        doc="One row a detector: statistics over its amplifiers, failures, and what is missing.",
        name="{outputName}_detectorSummary",
        storageClass="ArrowAstropy",
    )
    ampSummary = cT.Output(
        doc="One row an amplifier: statistics, tested quantities, status, and the read noise tested against.",
        name="{outputName}_ampSummary",
        storageClass="ArrowAstropy",
    )
    culprits = cT.Output(
        doc="One row for each amplifier and test that is failed or unknown.",
        name="{outputName}_culprits",
        storageClass="ArrowAstropy",
    )

    inputStats: cT.Input  # Declared by every parent.

    def __init__(self, *, config: MergeAnalysisConfig) -> None:
        super().__init__(config=config)
        if config.mergeDimension not in self.inputStats.dimensions:
            raise FieldValidationError(
                type(config).mergeDimension,
                config,
                f"the merged statistics have no dimension {config.mergeDimension!r}, only "
                f"{', '.join(sorted(self.inputStats.dimensions))}",
            )
        connectVerifyConfig(self, [config.product])
        self.redeclare("detectorMetrics", dimensions=self.detectorDimensions)
        if not config.doDetectorMetrics or not config.detectorMetrics.units:
            self.outputs.remove("detectorMetrics")

    @property
    def detectorDimensions(self) -> set[str]:
        """Dimensions of the metrics of each detector."""
        return {*self.dimensions, "detector"}


class MergeOfDetectorsConnections(
    MergeAnalysisConnections, dimensions={}, defaultTemplates={"outputName": "cpVerifyExp"}
):
    """Connections of a merge of detectors: the headers of the verified exposures have the read noise."""

    verifiedExposures = VERIFIED_EXPOSURES

    @property
    def detectorDimensions(self) -> set[str]:
        """Those of the merged results: of exposures, also where these are merged by visit."""
        return set(self.inputStats.dimensions)

    def __init__(self, *, config: MergeAnalysisConfig) -> None:
        super().__init__(config=config)
        if not config.doReadReference:
            self.inputs.remove("verifiedExposures")

    def adjust_all_quanta(self, adjuster: QuantaAdjuster) -> None:
        """Refuse quanta that would write the metrics of the same detector, before any is run.

        Raises
        ------
        lsst.pipe.base.quantum_graph_builder.QuantumGraphBuilderError
            Raised if an exposure belongs to two visits.
        """
        super().adjust_all_quanta(adjuster)
        if "detectorMetrics" not in self.outputs:
            return
        first: dict[DataCoordinate, DataCoordinate] = {}
        for quantum in adjuster.iter_data_ids():
            for data_id in adjuster.get_inputs(quantum).get("inputStats", ()):
                if (other := first.setdefault(data_id, quantum)) != quantum:
                    raise QuantumGraphBuilderError(
                        f"{adjuster.task_label}: the metrics of {data_id} would be written for {other} and "
                        f"for {quantum}. Choose visits without common exposures, or set doDetectorMetrics to "
                        "False."
                    )


class MergeOfExposuresConnections(
    MergeAnalysisConnections, dimensions={}, defaultTemplates={"inputOutputName": "cpVerifyExp"}
):
    """Connections of a merge of exposures: their amplifier tables have the read noise."""

    inputAmpSummaries = cT.Input(
        doc="Amplifier tables of the merged exposures, for the read noise and gain of each amplifier. Where "
        "there are none, those of the camera are used.",
        name="{inputOutputName}_ampSummary",
        storageClass="ArrowAstropy",
        multiple=True,
        deferLoad=True,
        minimum=0,
        deferGraphConstraint=True,
    )

    def __init__(self, *, config: MergeAnalysisConfig) -> None:
        super().__init__(config=config)
        if config.doCompareVerdicts:
            raise FieldValidationError(
                type(config).doCompareVerdicts,
                config,
                "statistics of exposures have no verdicts of amplifiers: compare in the merge of detectors",
            )
        self.redeclare("inputAmpSummaries", dimensions=self.inputStats.dimensions)
        if not config.doReadReference:
            self.inputs.remove("inputAmpSummaries")


def joinConnections(
    name: str, module: str, analysis: type[MergeAnalysisConnections], parent: type[PipelineTaskConnections]
) -> type[MergeAnalysisConnections]:
    """Make the class of a name that joins the connections of a merge with those of its analysis."""
    body = {
        "__doc__": f"Connections of `{parent.__name__}`, and of the analysis of what is merged.",
        "__module__": module,
    }
    arguments = {"dimensions": parent.dimensions}
    return types.new_class(name, (analysis, parent), arguments, lambda namespace: namespace.update(body))


class MergeAnalysisConfig(AnalysisConfig, pipelineConnections=MergeAnalysisConnections):
    """Configuration of the analysis that follows a merge."""

    hasInputResults: Any  # Declared by every parent, as the next.
    mergeDimension: Any

    epoch = "exposure"
    """What tells the merged results apart, one of the catalogue's ``EPOCHS``."""

    product = Field[str](
        doc="Product that is verified, as the catalogue calls it.",
        default="bias",
        check=lambda name: name in products(),
    )
    limits = DictField[str, float](
        doc="Limits of the verification in the same pipeline, by the names of the fields of cp_verify's "
        "task. Contracts keep them equal. Of results of another run, its stored configuration counts.",
        default={},
    )
    detectorMetrics = ConfigurableActionField[DetectorMetrics](
        doc="Action that makes the metrics of each detector.", default=DetectorMetrics
    )
    doDetectorMetrics = Field[bool](doc="Write the metrics of each detector?", default=True)
    doReadReference = Field[bool](
        doc="Read the nominal read noise and gain from the inputs that have them? Else use the camera's.",
        default=True,
    )
    doCompareVerdicts = Field[bool](
        doc="Compare computed verdicts with those in the statistics that are merged? What differs is logged "
        "and recorded in the task metadata, under verdictDifferences. Only the statistics of detectors have "
        "verdicts.",
        default=False,
    )
    raiseOnToolFailure = Field[bool](
        doc="Fail the quantum, after everything that could be made is written, if a tool raises? By default "
        "the failure is logged and recorded in the task metadata, so that it never costs the merge.",
        default=False,
    )

    def setDefaults(self) -> None:
        """Merge the tables that metrics are made of."""
        super().setDefaults()
        self.hasInputResults = True

    def validate(self) -> None:
        """Check what the analysis needs of the merge.

        Raises
        ------
        lsst.pex.config.FieldValidationError
            Raised if the merge has no tables of results, or if a tool is to be run for each band.
        """
        super().validate()
        if not self.hasInputResults:
            raise FieldValidationError(
                type(self).hasInputResults,
                self,
                "metrics and plots are made of the tables of results: set hasInputResults to True",
            )
        for name, tool in self.atools.items():
            if tool.parameterizedBand:
                raise FieldValidationError(
                    type(self).atools,
                    self,
                    f"tool {name!r} is run for each band, but the rows of a merge have none: "
                    "set its parameterizedBand to False",
                )
