# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Gathering of records into columns, one record after the other."""

from __future__ import annotations

__all__ = ["BlockGatherer", "RecordKey"]

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .labels import Labels
from .observationTimes import ObservationTimes, toMjd
from .trendBlock import TrendBlock

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef


@dataclass(frozen=True, kw_only=True)
class RecordKey:
    """What the records of a bundle belong to.

    Parameters
    ----------
    instrument
        Name of the instrument.
    detector
        Id of the detector, -1 for none.
    exposure
        Id of the exposure or visit, -1 for none.
    day_obs
        Day of observation, -1 if it is not known.
    physical_filter
        Name of the filter; None if there is none.
    run
        RUN collection.
    seconds
        Time of the observation, s since 1970 UTC; NaN if it is not known.
    """

    instrument: str
    detector: int
    exposure: int
    day_obs: int
    physical_filter: str | None
    run: str
    seconds: float

    @classmethod
    def fromRef(cls, ref: DatasetRef, times: ObservationTimes) -> RecordKey:
        """Describe a dataset, whose data ID must have dimension records.

        Parameters
        ----------
        ref
            The dataset.
        times
            Finds its time.

        Returns
        -------
        key
            What it belongs to.

        Raises
        ------
        ValueError
            Raised if the data ID has no dimension records.
        """
        seconds = times.find(ref)
        known = ref.dataId.mapping
        physical_filter = known.get("physical_filter")
        return cls(
            instrument=str(known["instrument"]),
            detector=int(known.get("detector", -1)),
            exposure=int(known.get("exposure", known.get("visit", -1))),
            day_obs=int(known.get("day_obs", -1)),
            physical_filter=None if physical_filter is None else str(physical_filter),
            run=ref.run,
            seconds=seconds,
        )


@dataclass
class _Columns:
    """Records with the same topic, measurements and units."""

    topic: str
    metric: str
    units: dict[str, str]
    keys: list[RecordKey] = field(default_factory=list)
    values: array[float] = field(default_factory=lambda: array("d"))


class BlockGatherer:
    """Collects records of any topics."""

    def __init__(self) -> None:
        self._columns: dict[tuple[str, tuple[tuple[str, str], ...]], _Columns] = {}

    def add(
        self,
        key: RecordKey,
        topic: str,
        metric: str,
        values: Mapping[str, float | None],
        units: Mapping[str, str],
    ) -> None:
        """Add a record.

        Parameters
        ----------
        key
            What it belongs to.
        topic, metric
            Its topic, and the name of the tool.
        values, units
            Value (None where there is none) and unit of each measurement.
        """
        signature = (topic, tuple((name, units[name]) for name in values))
        if (columns := self._columns.get(signature)) is None:
            columns = self._columns[signature] = _Columns(topic, metric, dict(signature[1]))
        columns.keys.append(key)
        columns.values.extend(np.nan if value is None else value for value in values.values())

    def blocks(self) -> Iterator[TrendBlock]:
        """Yield all records, those of a topic with the same measurements and units together."""
        for columns in self._columns.values():
            keys = columns.keys
            table = np.frombuffer(columns.values).reshape(len(keys), len(columns.units))
            yield TrendBlock(
                topic=columns.topic,
                metric=columns.metric,
                units=columns.units,
                values={name: table[:, i] for i, name in enumerate(columns.units)},
                instrument=Labels.fromValues(key.instrument for key in keys),
                physical_filter=Labels.fromValues(key.physical_filter for key in keys),
                run=Labels.fromValues(key.run for key in keys),
                detector=np.array([key.detector for key in keys], dtype=np.int64),
                exposure=np.array([key.exposure for key in keys], dtype=np.int64),
                day_obs=np.array([key.day_obs for key in keys], dtype=np.int64),
                mjd=toMjd(np.array([key.seconds for key in keys])),
            )
