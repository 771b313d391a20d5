# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Data ids and references with dimension records, without a repository."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from astropy.time import Time

from lsst.analysis.cp.metrics import BundleContent
from lsst.daf.butler import DataCoordinate, DatasetRef, DatasetType, DimensionUniverse, Timespan

__all__ = ["makeContent", "makeRef"]

UNIVERSE = DimensionUniverse()
BEGIN = Time("2026-03-01T10:00:00", scale="tai")
TIMESPAN = Timespan(BEGIN, Time("2026-03-01T10:00:15", scale="tai"))
RUN = "u/someone/verifyBias/20260302T000000Z"


def makeRef(
    *dimensions: str,
    detector: int = 94,
    sequence: int | None = 12,
    exposure: int = 2026030100012,
    physicalFilter: str = "r_57",
    instrument: str = "LSSTCam",
    timespan: Timespan | None = TIMESPAN,
    run: str = RUN,
    prefix: str = "cpBiasExp_",
) -> DatasetRef:
    """Make the reference of a bundle with these dimensions besides the instrument."""
    values = {
        "instrument": instrument,
        "detector": detector,
        "exposure": exposure,
        "visit": exposure,
        "day_obs": 20260301,
        "group": "g12",
        "physical_filter": physicalFilter,
        "band": "r",
    }
    records: dict[str, dict[str, Any]] = {
        "instrument": {"name": instrument},
        "detector": {"id": detector, "full_name": f"R22_S{detector % 9}", "raft": "R22"},
        "day_obs": {"id": 20260301},
        "group": {"name": "g12"},
        "physical_filter": {"name": physicalFilter, "band": "r"},
        "exposure": {
            "id": exposure,
            "day_obs": 20260301,
            "group": "g12",
            "physical_filter": physicalFilter,
            "seq_num": sequence,
            "timespan": timespan,
        },
        "visit": {
            "id": exposure,
            "day_obs": 20260301,
            "physical_filter": physicalFilter,
            "seq_num": sequence,
            "timespan": timespan,
        },
    }
    for name in records.keys() - {"instrument"}:
        records[name]["instrument"] = instrument
    group = UNIVERSE.conform(["instrument", *dimensions])
    data_id = DataCoordinate.standardize({k: v for k, v in values.items() if k in group}, dimensions=group)
    known = {
        name: UNIVERSE[name].RecordClass(
            **({} if name == "instrument" else {"instrument": instrument}) | fields
        )
        for name, fields in records.items()
        if name in group
    }
    expanded = data_id.expanded({name: known.get(name) for name in group.elements})
    dataset_type = DatasetType(f"{prefix}metrics", group, "MetricMeasurementBundle")
    return DatasetRef(dataset_type, expanded, run=run)


def makeContent(prefix: str = "cpBiasExp_", **tools: Mapping[str, float | None]) -> BundleContent:
    """Make the content of a bundle from the values of each tool, in electrons."""
    stored: dict[str, Any] = {
        tool: [{"metric": name, "value": value, "unit": "electron"} for name, value in values.items()]
        for tool, values in tools.items()
    }
    return BundleContent.fromJson(json.dumps(stored | {"__metricNamePrefix": prefix}))
