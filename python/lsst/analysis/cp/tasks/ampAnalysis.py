# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tasks that run tools on stored tables of cp_verify."""

from __future__ import annotations

__all__ = [
    "AmpAnalysisConfig",
    "AmpAnalysisConnections",
    "AmpAnalysisDetectorConfig",
    "AmpAnalysisDetectorConnections",
    "AmpAnalysisDetectorTask",
    "AmpAnalysisExposureConfig",
    "AmpAnalysisExposureConnections",
    "AmpAnalysisExposureTask",
    "AmpAnalysisRunConfig",
    "AmpAnalysisRunConnections",
    "AmpAnalysisRunTask",
    "AmpAnalysisTask",
]

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lsst.analysis.cp.actions.keyedData import AMP_TABLE, EncodeAmps, encodeAmps
from lsst.analysis.cp.core import AmpKeyError, ColumnError
from lsst.analysis.tools.interfaces import AnalysisBaseConfig, AnalysisBaseConnections, AnalysisPipelineTask
from lsst.pex.config import Field
from lsst.pipe.base import Struct, UnprocessableDataError
from lsst.pipe.base import connectionTypes as cT

from .reference import VERIFIED_EXPOSURES, readHeaders

if TYPE_CHECKING:
    from astropy.table import Table

    from lsst.analysis.tools.interfaces import KeyedData
    from lsst.daf.butler import DeferredDatasetHandle


class AmpAnalysisConnections(
    AnalysisBaseConnections, dimensions={"instrument"}, defaultTemplates={"outputName": "Placeholder"}
):
    """A table of amplifier results, the camera, and what the verification compared with.

    The table's dimensions are those of the quantum, set when an instance is made.
    """

    data = cT.Input(
        doc="Results of verification, one row an amplifier.",
        name="verifyBiasResults",
        storageClass="ArrowAstropy",
        deferLoad=True,
    )
    camera = cT.PrerequisiteInput(
        doc="Camera that the results belong to.",
        name="camera",
        storageClass="Camera",
        dimensions=("instrument",),
        isCalibration=True,
    )
    verifiedExposures = VERIFIED_EXPOSURES

    def __init__(self, *, config: AmpAnalysisConfig) -> None:
        super().__init__(config=config)
        self.data = dataclasses.replace(self.data, dimensions=self.dimensions)
        if not config.doReadReference:
            self.inputs.remove("verifiedExposures")


class AmpAnalysisConfig(AnalysisBaseConfig, pipelineConnections=AmpAnalysisConnections):
    """Configuration of tools run on a stored table."""

    doReadReference = Field[bool](
        doc="Read the nominal read noise and gain from the headers of the verified exposures, where these "
        "are stored? Else they are the camera's.",
        default=True,
    )

    def setDefaults(self) -> None:
        """Make the names of topics unique."""
        super().setDefaults()
        self.addOutputNamePrefix = True


class AmpAnalysisTask(AnalysisPipelineTask):
    """Run tools on a stored table of amplifier results.

    Only the columns that the tools need are read.
    """

    ConfigClass = AmpAnalysisConfig
    _DefaultName = "ampAnalysis"

    def run(
        self,
        *,
        data: KeyedData | None = None,
        **kwargs: Any,
    ) -> Struct:
        """Run the tools.

        Parameters
        ----------
        data
            Results, one row an amplifier.
        **kwargs
            ``camera`` that they belong to, handles of ``verifiedExposures`` if there are any, and further
            arguments of the tools.

        Returns
        -------
        results : `lsst.pipe.base.Struct`
            Metrics and plots, as `lsst.analysis.tools.interfaces.AnalysisPipelineTask.run` returns them.
        """
        handles = kwargs.pop("verifiedExposures", ())
        kwargs["reference"] = readHeaders(handles, kwargs["camera"]) if handles else None
        return super().run(data=self._encode(data, **kwargs), **kwargs)

    def _encode(self, data: Any, **kwargs: Any) -> Any:
        """Encode the results once for all tools; where that fails, each tool reports it for its own tests."""
        preps = [tool.prep for tool in self.config.atools if isinstance(tool.prep, EncodeAmps)]
        shared = {(prep.product, prep.epoch) for prep in preps}
        if data is None or len(shared) != 1:
            return data
        ((product, epoch),) = shared
        tests = dict.fromkeys(key for prep in preps for key in prep.tests)
        try:
            return {AMP_TABLE: encodeAmps(data, product, tests, epoch=epoch, **kwargs)}
        except (ColumnError, AmpKeyError):
            return data

    def loadData(self, handle: DeferredDatasetHandle, names: Iterable[str] | None = None) -> Table:
        """Read those of the wanted columns that the table has.

        Parameters
        ----------
        handle
            Handle of the table.
        names
            Columns to read; those that the tools ask for if None.

        Returns
        -------
        table
            Tools find out for themselves which of the missing columns they cannot do without.

        Raises
        ------
        lsst.pipe.base.UnprocessableDataError
            Raised if the table has no columns at all, as cp_verify writes it where there are no results.
        lsst.analysis.cp.core.ColumnError
            Raised if the table has none of the wanted columns.
        """
        wanted = set(self.collectInputNames() if names is None else names)
        stored = [str(name) for name in handle.get(component="columns")]
        present = [name for name in stored if name in wanted]
        name = f"{handle.ref.datasetType.name} {handle.dataId}"
        if not stored:
            raise UnprocessableDataError(f"{name} is a table without columns")
        if not present:
            raise ColumnError(
                f"{name} has none of the columns {', '.join(sorted(wanted))}; it has {', '.join(stored)}"
            )
        return handle.get(parameters={"columns": present})


class AmpAnalysisDetectorConnections(
    AmpAnalysisConnections,
    dimensions={"instrument", "exposure", "detector"},
    defaultTemplates={"outputName": "Placeholder"},
):
    """Connections of tools run on the results of one detector of an exposure."""


class AmpAnalysisDetectorConfig(AmpAnalysisConfig, pipelineConnections=AmpAnalysisDetectorConnections):
    """Configuration of tools run on the results of one detector of an exposure."""


class AmpAnalysisDetectorTask(AmpAnalysisTask):
    """Run tools on the results of one detector of an exposure."""

    ConfigClass = AmpAnalysisDetectorConfig
    _DefaultName = "ampAnalysisDetector"


class AmpAnalysisExposureConnections(
    AmpAnalysisConnections,
    dimensions={"instrument", "exposure"},
    defaultTemplates={"outputName": "Placeholder"},
):
    """Connections of tools run on the results of one exposure."""


class AmpAnalysisExposureConfig(AmpAnalysisConfig, pipelineConnections=AmpAnalysisExposureConnections):
    """Configuration of tools run on the results of one exposure."""


class AmpAnalysisExposureTask(AmpAnalysisTask):
    """Run tools on the results of one exposure."""

    ConfigClass = AmpAnalysisExposureConfig
    _DefaultName = "ampAnalysisExposure"


class AmpAnalysisRunConnections(
    AmpAnalysisConnections,
    dimensions={"instrument"},
    defaultTemplates={"outputName": "Placeholder"},
):
    """Connections of tools run on the results of a run."""


class AmpAnalysisRunConfig(AmpAnalysisConfig, pipelineConnections=AmpAnalysisRunConnections):
    """Configuration of tools run on the results of a run."""

    def setDefaults(self) -> None:
        """Do not read headers."""
        super().setDefaults()
        # A run has thousands of exposures of one detector: opening each costs more than all tools.
        self.doReadReference = False


class AmpAnalysisRunTask(AmpAnalysisTask):
    """Run tools on the results of a run."""

    ConfigClass = AmpAnalysisRunConfig
    _DefaultName = "ampAnalysisRun"
