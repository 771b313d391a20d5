# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What a night should have: in the repository what another one has, in the database each record once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from nightRepository import NightRepository
from services.connector import Connector
from services.influxDatabase import InfluxDatabase
from services.restProxy import RestProxy

from lsst.analysis.cp.sasquatch import Mode, RecordMaker
from lsst.daf.butler import Butler

__all__ = ["compareNights", "expectRecords", "readRecords"]

_COMPARED = ("ArrowAstropy", "MetricMeasurementBundle", "ImageF")

type Rows = dict[str, list[tuple[Any, ...]]]
"""Id and some values of each record by its topic."""


def compareNights(one: NightRepository, other: NightRepository) -> tuple[list[str], int]:
    """Compare the datasets of two nights.

    Returns
    -------
    differences
        Types and data IDs of which only one has a dataset, or whose values differ. A quantum that was killed
        when all but its log was written has none: logs are not compared.
    number
        Number of datasets whose values were compared.
    """
    ids = set(one.ids()) ^ set(other.ids())
    differences = [f"{name} {data_id}" for name, data_id in sorted(ids) if not name.endswith("_log")]
    number = 0
    run = one.night().run
    with Butler.from_config(str(one.root)) as first, Butler.from_config(str(other.root)) as second:
        for ref in first.query_all_datasets(run, find_first=False, limit=None):
            found = second.find_dataset(ref.datasetType, ref.dataId, collections=run)
            if found is None or ref.datasetType.storageClass_name not in _COMPARED:
                continue
            number += 1
            if _describe(first.get(ref)) != _describe(second.get(found)):
                differences.append(f"values of {ref.datasetType.name} {ref.dataId}")
    return differences, number


def _describe(stored: Any) -> str:
    """Describe what is stored, so that equal values compare equal with NaN."""
    if hasattr(stored, "colnames"):
        return repr({name: np.asarray(stored[name]).tolist() for name in sorted(stored.colnames)})
    if hasattr(stored, "array"):
        return repr(stored.array.tolist())
    return repr(
        {
            tool: sorted((str(m.metric_name), str(m.quantity)) for m in measured)
            for tool, measured in stored.items()
        }
    )


def readRecords(proxy: RestProxy, folder: Path) -> Rows:
    """Take all that a proxy took to a database, and read it back."""
    database = InfluxDatabase(folder)
    try:
        Connector(proxy, database).run()
        return {
            topic: sorted(
                ((row["id"], row.get("median"), row.get("max")) for row in database.read(topic)), key=repr
            )
            for topic in database.measurements()
        }
    finally:
        database.stop()


def expectRecords(repository: NightRepository) -> Rows:
    """List what the database should have of the bundles of a night."""
    expected: Rows = {}
    run = repository.night().run
    with Butler.from_config(str(repository.root)) as butler:
        maker = RecordMaker(butler, "lsst.cp", Mode.OWN)
        for name in sorted({name for name, _ in repository.ids() if name.endswith("_metrics")}):
            for ref in butler.query_datasets(name, collections=run, with_dimension_records=True):
                for record in maker.make(ref):
                    value = json.loads(record.payload)
                    numbers = ((value.get(each) or {}).get("double") for each in ("median", "max"))
                    expected.setdefault(record.topic, []).append((value["id"], *numbers))
    return {topic: sorted(rows, key=repr) for topic, rows in expected.items()}
