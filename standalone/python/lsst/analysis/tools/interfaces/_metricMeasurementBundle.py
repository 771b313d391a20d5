# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

from __future__ import annotations

__all__ = ["MetricMeasurementBundle"]

import json
import numbers
from collections import UserDict
from typing import Any, override

from lsst.verify import Measurement

_ATTRIBUTES = ("reference_package", "timestamp_version", "dataset_identifier")


class _NumberEncoder(json.JSONEncoder):
    """Write numpy's real numbers, which json does not know, as floats."""

    @override
    def default(self, o: Any) -> Any:
        return float(o) if isinstance(o, numbers.Real) else super().default(o)


class MetricMeasurementBundle(UserDict[str, list[Measurement]]):
    """The measurements of one quantum: a list for each tool, by its name.

    Parameters
    ----------
    *args, **kwargs
        As for `dict`, and by keyword the four attributes below.

    Attributes
    ----------
    reference_package : `str` or `None`
        Package whose version may give the time of the measurements.
    timestamp_version : `str` or `None`
        Which time the measurements get in a time series.
    dataset_identifier : `str` or `None`
        A tag for the measurements.
    metricNamePrefix : `str`
        What is put before the name of each tool in a time series.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.reference_package: str | None = kwargs.pop("reference_package", None)
        self.timestamp_version: str | None = kwargs.pop("timestamp_version", None)
        self.dataset_identifier: str | None = kwargs.pop("dataset_identifier", None)
        self.metricNamePrefix: str = kwargs.pop("metricNamePrefix", "")
        super().__init__(*args, **kwargs)

    def json(self) -> str:
        """Return the bundle as JSON text.

        Returns
        -------
        text : `str`
            An object of lists of measurements and, under names with two
            leading underscores, the attributes that are set.
        """
        result: dict[str, Any] = {name: [item.json for item in items] for name, items in self.items()}
        result |= {f"__{name}": value for name in _ATTRIBUTES if (value := getattr(self, name)) is not None}
        result["__metricNamePrefix"] = self.metricNamePrefix
        return _NumberEncoder().encode(result)

    @classmethod
    def parse_obj(cls, data: dict[str, Any]) -> MetricMeasurementBundle:
        """Make a bundle from what `json` wrote.

        Parameters
        ----------
        data : `dict`
            The JSON text, parsed; its attributes are taken out of it.

        Returns
        -------
        bundle : `MetricMeasurementBundle`
            The bundle. Its measurements have no notes.
        """
        attributes = {name: data.pop(f"__{name}", None) for name in _ATTRIBUTES}
        bundle = cls(metricNamePrefix=data.pop("__metricNamePrefix", ""), **attributes)
        for name, items in data.items():
            bundle[name] = [Measurement.deserialize(**item) for item in items]
        return bundle
