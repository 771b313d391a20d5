# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""The task that runs tools on an object table, as far as upstream's tests of tools configure it."""

__all__ = ["ObjectTableTractAnalysisTask"]

from lsst.analysis.tools.interfaces import AnalysisBaseConfig, AnalysisBaseConnections, AnalysisPipelineTask
from lsst.pex.config import Field
from lsst.pipe.base import connectionTypes


class ObjectTableTractAnalysisConnections(
    AnalysisBaseConnections,
    dimensions=("skymap", "tract"),
    defaultTemplates={"inputName": "objectTable_tract", "outputName": "objectTable_tract"},
):
    """Connections of `ObjectTableTractAnalysisTask`."""

    data = connectionTypes.Input(
        doc="Tract based object table to load from the butler",
        name="{inputName}",
        storageClass="ArrowAstropy",
        deferLoad=True,
        dimensions=("skymap", "tract"),
    )

    skymap = connectionTypes.Input(
        doc="The skymap that covers the tract that the data is from.",
        name="skyMap",
        storageClass="SkyMap",
        dimensions=("skymap",),
    )

    def __init__(self, *, config: "ObjectTableTractAnalysisConfig | None" = None) -> None:
        super().__init__(config=config)
        if config is not None and not config.load_skymap:
            del self.skymap


class ObjectTableTractAnalysisConfig(
    AnalysisBaseConfig, pipelineConnections=ObjectTableTractAnalysisConnections
):
    """Configuration of `ObjectTableTractAnalysisTask`."""

    load_skymap = Field[bool](doc="Whether to load the skymap", default=True)


class ObjectTableTractAnalysisTask(AnalysisPipelineTask):
    """Run tools on the objects of a tract."""

    ConfigClass = ObjectTableTractAnalysisConfig
    _DefaultName = "objectTableTractAnalysis"
