# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What the connections and the configurations of all tasks share."""

from __future__ import annotations

import dataclasses
from typing import Any, cast

from lsst.analysis.cp.catalogue import inAdu
from lsst.analysis.tools.interfaces import AnalysisBaseConfig, AnalysisBaseConnections
from lsst.pex.config import Field, ListField
from lsst.pipe.base import connectionTypes as cT

__all__ = [
    "CAMERA",
    "AnalysisConfig",
    "AnalysisConnections",
    "ConfiguredDimensionsConfig",
    "ConfiguredDimensionsConnections",
]

CAMERA = cT.PrerequisiteInput(
    doc="Camera that the inputs belong to.",
    name="camera",
    storageClass="Camera",
    dimensions=("instrument",),
    isCalibration=True,
)
"""The connection of every task that needs the camera."""


class AnalysisConnections(
    AnalysisBaseConnections, dimensions={}, defaultTemplates={"outputName": "Placeholder"}
):
    """Base of connections: inputs and outputs that declare no dimensions have those of the quantum."""

    def __init__(self, *, config: AnalysisConfig) -> None:
        super().__init__(config=config)
        for name in self.inputs | self.outputs:
            if not getattr(self, name).dimensions:
                self.redeclare(name, dimensions=self.dimensions)

    def redeclare(self, name: str, **changes: Any) -> None:
        """Change fields of a connection."""
        setattr(self, name, dataclasses.replace(getattr(self, name), **changes))


class AnalysisConfig(AnalysisBaseConfig, pipelineConnections=AnalysisConnections):
    """Base of configurations."""

    gainsApplied = Field[bool](
        doc="Did the removal of the instrument signature apply the gains, so that statistics are in "
        "electrons? Else they are in ADU, and converted where they are compared with electrons.",
        default=True,
    )

    def setDefaults(self) -> None:
        """Make the names of topics unique."""
        super().setDefaults()
        self.addOutputNamePrefix = True

    def freeze(self) -> None:
        """Tell the tools in which unit the statistics and the pixels are, before they choose their own."""
        if not self._frozen:
            for action in (*self.atools, getattr(self, "detectorMetrics", None)):
                if hasattr(action, "gainsApplied"):
                    action.gainsApplied = self.gainsApplied
            if not self.gainsApplied:
                # What has been said of electrons, by whomever, holds for ADU.
                for action in (self, *(tool.produce.plot for tool in self.atools)):
                    if unit := getattr(action, "unit", ""):
                        cast(Any, action).unit = inAdu(unit)
        super().freeze()


class ConfiguredDimensionsConnections(AnalysisConnections, dimensions={"instrument"}):
    """Base of connections whose dimensions the configuration gives."""

    def __init__(self, *, config: ConfiguredDimensionsConfig) -> None:
        self.dimensions.clear()
        self.dimensions.update(config.dimensions)
        super().__init__(config=config)


class ConfiguredDimensionsConfig(AnalysisConfig, pipelineConnections=ConfiguredDimensionsConnections):
    """Base of configurations that give the dimensions."""

    dimensions = ListField[str](doc="Dimensions of a quantum.", default=["instrument"])
