# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""Several plots in one action."""

__all__ = ["StructPlotAction"]

from collections.abc import Iterable
from typing import Any, override

from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, PlotAction, PlotResultType
from lsst.pex.config import Config
from lsst.pex.config.configurableActions import ConfigurableActionStructField


class StructPlotAction(PlotAction):
    """Make all plots of a set of named actions."""

    actions = ConfigurableActionStructField[PlotAction](doc="Named plot actions")

    @override
    def getInputSchema(self) -> KeyedDataSchema:
        for action in self.actions:
            yield from action.getInputSchema()

    @override
    def getPlotType(self) -> str:
        return ""

    @override
    def getOutputNames(self, config: Config | None = None) -> Iterable[str]:
        for key, action in self.actions.items():
            for name in tuple(action.getOutputNames(config=config)) or (key,):
                yield f"{name}_{action.getPlotType()}"

    @override
    def __call__(self, data: KeyedData, **kwargs: Any) -> PlotResultType:
        results: dict[str, Any] = {
            f"{key}_{action.getPlotType()}": action(data=data, **kwargs)
            for key, action in self.actions.items()
        }
        return results
