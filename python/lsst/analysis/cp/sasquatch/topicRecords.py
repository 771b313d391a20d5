# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Records of one topic, as the database gives them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lsst.analysis.cp.core.typing import FloatArray, IdArray, IndexArray
from lsst.analysis.cp.metrics import DetectorName, Labels, TrendBlock, toMjd

from .influxClient import InfluxError, Series
from .schemas import Mode, ownFields, upstreamFields
from .topics import loadTopics

__all__ = ["TopicRecords", "findTool", "measurementFields", "recordFields"]

_TEXTS = ("id", "run", "instrument", "physical_filter", "detector_name", "raft")
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
        self._texts: dict[str, list[Labels]] = {name: [] for name in _TEXTS}
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
            texts.append(Labels.fromValues(value or None for value in columns.get(name, absent)))
        try:
            for name, numbers in self._numbers.items():
                values = [-1 if v in (None, "") else int(v) for v in columns.get(name, absent)]
                numbers.append(np.array(values, dtype=np.int64))
            for name, floats in self._floats.items():
                floats.append(np.array(columns.get(name, absent), dtype=np.float64))
        except (TypeError, ValueError) as error:
            raise InfluxError(f"topic {self._topic}, field {name}: expected numbers: {error}") from None

    def makeBlock(self) -> TrendBlock:
        """Make columns of all rows.

        Returns
        -------
        block
            The records. In upstream's topics 0 may stand for absent, and only those that belong to no
            exposure have a time: that of the run.
        """
        texts = {name: Labels.concatenate(parts) for name, parts in self._texts.items()}
        numbers = {name: _join(parts, np.int64) for name, parts in self._numbers.items()}
        floats = {name: _join(parts, np.float64) for name, parts in self._floats.items()}
        exposure = np.where(numbers["exposure"] >= 0, numbers["exposure"], numbers["visit"])
        seconds = floats[_TIMES[self._mode]]
        if self._mode is Mode.UPSTREAM:
            seconds = np.where(exposure >= 0, np.nan, seconds)
        block = TrendBlock(
            topic=self._topic,
            metric=findTool(self._topic),
            values={name: floats[name] for name in self._measurements},
            units=self._findUnits(),
            instrument=texts["instrument"],
            physical_filter=texts["physical_filter"],
            run=texts["run"],
            detector=numbers["detector"],
            exposure=exposure,
            day_obs=numbers["day_obs"],
            mjd=toMjd(seconds),
            zeroIsAbsent=self._mode is Mode.UPSTREAM,
        )
        return block.select(_lastOfEach(texts["id"]))

    def _findUnits(self) -> dict[str, str]:
        """Find the units of measurements that the list of topics has."""
        listed = loadTopics().get(self._topic)
        units = {} if listed is None else listed.units
        return {name: units[name] for name in self._measurements if name in units}

    def detectors(self) -> dict[tuple[str, int], DetectorName]:
        """Take the names of detectors from the records that have them."""
        texts = {name: Labels.concatenate(parts) for name, parts in self._texts.items()}
        detector = _join(self._numbers["detector"], np.int64)
        rows = np.flatnonzero((detector >= 0) & texts["detector_name"].present)
        found = {}
        _, first = np.unique(
            np.column_stack([texts["instrument"].codes[rows], detector[rows]]), axis=0, return_index=True
        )
        for row in rows[first].tolist():
            values = {name: _nameAt(texts[name], row) for name in ("instrument", "detector_name", "raft")}
            key = (str(values["instrument"]), int(detector[row]))
            found[key] = DetectorName(name=values["detector_name"], raft=values["raft"])
        return found


def _join[T: np.generic](parts: Collection[npt.NDArray[T]], dtype: type[T]) -> npt.NDArray[T]:
    return np.concatenate([np.empty(0, dtype), *parts])


def _nameAt(labels: Labels, row: int) -> str | None:
    code = int(labels.codes[row])
    return labels.names[code] if code >= 0 else None


def _lastOfEach(labels: Labels) -> IndexArray:
    """Choose the last row of each name, and the rows without a name; sorted."""
    last = np.full(len(labels.names), -1, dtype=np.intp)
    last[labels.codes[labels.present]] = np.flatnonzero(labels.present)
    return np.sort(np.concatenate([last[last >= 0], np.flatnonzero(~labels.present)]))
