# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Which metrics and measurements are asked for."""

from __future__ import annotations

__all__ = ["WantedMetrics"]

from collections.abc import Collection
from dataclasses import dataclass

from .criteria import neededMeasurements
from .trendTable import TrendTableError


@dataclass(frozen=True)
class WantedMetrics:
    """A choice of metrics.

    Parameters
    ----------
    metrics
        Names of tools or topics; all if None.
    measurements
        Names of measurements; all if None.
    product
        Product of detector summary tables; by default that in their names (``cpBias``).

    Raises
    ------
    TrendTableError
        Raised if one of these is a text, not a collection of texts.
    """

    metrics: Collection[str] | None = None
    measurements: Collection[str] | None = None
    product: str | None = None

    def __post_init__(self) -> None:
        for name in ("metrics", "measurements"):
            if isinstance(value := getattr(self, name), str):
                raise TrendTableError(f"{name} is {value!r}, expected a list of names, such as [{value!r}]")

    def hasMetric(self, topic: str, metric: str) -> bool:
        """Tell whether a metric is asked for by the name of its topic or tool."""
        return self.metrics is None or topic in self.metrics or metric in self.metrics

    def isRead(self, measurement: str) -> bool:
        """Tell whether a measurement is asked for, or tells something of one that is."""
        return self.measurements is None or measurement in neededMeasurements(self.measurements)

    def checkFound(self, found: Collection[tuple[str, str]], source: str) -> None:
        """Raise if a metric is asked for that there is not.

        Parameters
        ----------
        found
            Topics and tools that there are.
        source
            Where they are, for the message.

        Raises
        ------
        TrendTableError
            Raised if there is not one for each.
        """
        known = {name for names in found for name in names}
        if missing := sorted(set(self.metrics or ()) - known):
            tools = ", ".join(sorted({tool for _, tool in found})) or "none"
            raise TrendTableError(f"{source}: no metric {', '.join(missing)}; there are {tools}")
