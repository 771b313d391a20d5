# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Records of one topic, as the database gives them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lsst.analysis.cp.core.typing import FloatArray, IdArray, IndexArray
from lsst.analysis.cp.metrics import KEY_SCHEMA, DetectorName, Records, toMjd

from .influxClient import InfluxError, Series
from .schemas import Mode, ownFields, upstreamFields
from .topics import loadTopics

__all__ = ["TopicRecords", "findTool", "measurementFields", "recordFields"]

_TEXTS = ("id", "run", "instrument", "physical_filter", "detector_name", "raft", "time_source")
_NUMBERS = ("detector", "exposure", "visit", "day_obs")
_TIMES = {Mode.OWN: "observation_time", Mode.UPSTREAM: "run_timestamp"}
_BUNDLE_ENDING = "_metrics"


def recordFields(mode: Mode) -> tuple[str, ...]:
    """Name the fields of a record that are read besides its measurements.

    Parameters
    ----------
    mode
        Which kind of topic it is.

    Returns
    -------
    names
        Names of fields. ``id``, ``run`` and ``instrument`` are in every record, so that one all of whose
        measurements are absent has a row, too.
    """
    fields = ownFields({}, {}) if mode is Mode.OWN else upstreamFields({}, {})
    known = {field["name"] for field in fields}
    return tuple(name for name in (*_TEXTS, *_NUMBERS, _TIMES[mode]) if name in known)


def measurementFields(topic: str, fields: Mapping[str, str], mode: Mode) -> list[str]:
    """Find out which fields of a topic are measurements.

    Parameters
    ----------
    topic
        Name of the topic, without namespace.
    fields
        Types of all fields by name, as InfluxDB calls them.
    mode
        Which kind of topic it is.

    Returns
    -------
    names
        Those that the list of topics has. For a topic that it does not have, all of numbers but those of
        every record.
    """
    if (listed := loadTopics().get(topic)) is not None:
        # The database does not know a field before it has a value that is not null.
        return list(listed.units)
    declared = ownFields({}, {}) if mode is Mode.OWN else upstreamFields({}, {})
    common = {field["name"] for field in declared}
    return sorted(
        name for name, kind in fields.items() if kind in ("float", "integer") and name not in common
    )


def findTool(topic: str) -> str:
    """Find the name of the tool in that of a topic: what follows the name of the output."""
    if (listed := loadTopics().get(topic)) is not None:
        return listed.tool
    return topic.partition("_")[2] or topic


class TopicRecords:
    """Records of one topic, of which that written last counts if a bundle has been sent several times.

    Parameters
    ----------
    topic
        Name of the topic, without namespace.
    measurements
        Names of the fields that are measurements.
    mode
        Which kind of topic it is.
    """

    def __init__(self, topic: str, measurements: Sequence[str], mode: Mode) -> None:
        self._topic = topic
        self._measurements = measurements
        self._mode = mode
        self._texts: dict[str, list[str | None]] = {name: [] for name in _TEXTS}
        self._numbers: dict[str, list[IdArray]] = {name: [] for name in _NUMBERS}
        self._floats: dict[str, list[FloatArray]] = {name: [] for name in (_TIMES[mode], *measurements)}

    def add(self, series: Series) -> None:
        """Add rows, in the order of time.

        Parameters
        ----------
        series
            Rows, which lack the columns that the topic does not have.

        Raises
        ------
        InfluxError
            Raised if a value is not of its kind.
        """
        absent = [None] * len(series.values)
        columns: dict[str, Iterable[Any]] = {
            name: [row[i] for row in series.values] for i, name in enumerate(series.columns)
        }
        for name, texts in self._texts.items():
            texts.extend(value or None for value in columns.get(name, absent))
        try:
            for name, numbers in self._numbers.items():
                values = [-1 if v in (None, "") else int(v) for v in columns.get(name, absent)]
                numbers.append(np.array(values, dtype=np.int64))
            for name, floats in self._floats.items():
                floats.append(np.array(columns.get(name, absent), dtype=np.float64))
        except (TypeError, ValueError) as error:
            raise InfluxError(f"topic {self._topic}, field {name}: expected numbers: {error}") from None

    def makeRecords(self) -> Records:
        """Make columns of all rows.

        Returns
        -------
        records
            The records. In upstream's topics 0 may stand for absent, and only those that belong to no
            exposure have a time: that of the run.
        """
        numbers = {name: _join(parts, np.int64) for name, parts in self._numbers.items()}
        floats = {name: _join(parts, np.float64) for name, parts in self._floats.items()}
        exposure = np.where(numbers["exposure"] >= 0, numbers["exposure"], numbers["visit"])
        seconds, sources = floats[_TIMES[self._mode]], self._texts["time_source"]
        if self._mode is Mode.UPSTREAM:
            seconds = np.where(exposure >= 0, np.nan, seconds)
            sources = ["run" if number < 0 else "night" for number in exposure.tolist()]
        columns = {
            **{name: _labels(self._texts[name]) for name in ("instrument", "physical_filter", "run")},
            "time_source": _labels(sources),
            "mjd": pa.array(toMjd(seconds), from_pandas=True),
            **{name: pa.array(column, mask=column < 0) for name, column in numbers.items()},
            "exposure": pa.array(exposure, mask=exposure < 0),
        }
        rows = _lastOfEach(self._texts["id"])
        keys = pa.Table.from_arrays([columns[name] for name in KEY_SCHEMA.names], schema=KEY_SCHEMA)
        return Records(
            topic=self._topic,
            metric=findTool(self._topic),
            values={name: floats[name][rows] for name in self._measurements},
            units=self._findUnits(),
            keys=keys.take(rows),
            zeroIsAbsent=self._mode is Mode.UPSTREAM,
        )

    def _findUnits(self) -> dict[str, str]:
        """Find the units of measurements that the list of topics has."""
        listed = loadTopics().get(self._topic)
        units = {} if listed is None else listed.units
        return {name: units[name] for name in self._measurements if name in units}

    def detectors(self) -> dict[tuple[str, int], DetectorName]:
        """Take the names of detectors from the records that have them."""
        detector = _join(self._numbers["detector"], np.int64)
        names = zip(*(self._texts[name] for name in ("instrument", "detector_name", "raft")), strict=True)
        return {
            (str(instrument), number): DetectorName(name=name, raft=raft)
            for number, (instrument, name, raft) in zip(detector.tolist(), names, strict=True)
            if number >= 0 and name is not None
        }


def _join[T: np.generic](parts: Collection[npt.NDArray[T]], dtype: type[T]) -> npt.NDArray[T]:
    return np.concatenate([np.empty(0, dtype), *parts])


def _labels(values: Sequence[str | None]) -> pa.DictionaryArray:
    return pa.array(values, pa.string()).dictionary_encode()


def _lastOfEach(ids: Sequence[str | None]) -> IndexArray:
    """Choose the last row of each name, and the rows without a name; sorted."""
    last = {row if name is None else name: row for row, name in enumerate(ids)}
    return np.array(sorted(last.values()), dtype=np.intp)
