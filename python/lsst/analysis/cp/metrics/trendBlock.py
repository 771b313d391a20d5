# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Records of one topic, from which rows of the tidy table are made."""

from __future__ import annotations

__all__ = ["TrendBlock", "makeTrendTable"]

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lsst.analysis.cp.catalogue import findTest
from lsst.analysis.cp.core.amps import STATUS_NAMES
from lsst.analysis.cp.core.typing import FloatArray, IdArray, IndexArray

from .criteria import discardInvalid, findCriterion, isCount, judge
from .detectorNames import DetectorNames
from .labels import Labels
from .trendTable import TrendTable

_VERDICTS = tuple(STATUS_NAMES.values())
_VERDICT_CODES = {status: _VERDICTS.index(name) for status, name in STATUS_NAMES.items()}


_LABELS = ("instrument", "physical_filter", "run")
_NUMBERS = ("detector", "exposure", "day_obs", "mjd")


@dataclass(frozen=True, kw_only=True, eq=False)
class TrendBlock:
    """Records of one tool, each with the same measurements.

    What a record lacks is -1, NaN or no label, as in `TrendTable`.

    Parameters
    ----------
    topic
        Topic in Sasquatch, without namespace.
    metric
        Name of the tool.
    values
        Values by measurement, NaN where there is none, shape (m,) each.
    instrument, physical_filter, run
        Columns of labels, of length m.
    detector, exposure, day_obs
        Ids, shape (m,).
    mjd
        Times (TAI, days), shape (m,).
    units
        Unit of each measurement where it is stored; that of the catalogue is taken for others.
    zeroIsAbsent
        Whether absent values have been replaced by 0.
    """

    topic: str
    metric: str
    values: Mapping[str, FloatArray]
    instrument: Labels
    physical_filter: Labels
    run: Labels
    detector: IdArray
    exposure: IdArray
    day_obs: IdArray
    mjd: FloatArray
    units: Mapping[str, str] = field(default_factory=dict)
    zeroIsAbsent: bool = False

    def __len__(self) -> int:
        return len(self.detector)

    def unit(self, measurement: str) -> str | None:
        """Get the unit of a measurement; None if it is not known."""
        if measurement in self.units:
            return self.units[measurement]
        if (test := findTest(self.metric)) is not None:
            return test.measurementUnit(measurement)
        return "" if isCount(measurement) else None

    @property
    def signature(self) -> tuple[Any, ...]:
        """What blocks have in common that can be joined."""
        units = tuple((name, self.units.get(name)) for name in self.values)
        return (self.topic, self.metric, units, self.zeroIsAbsent)

    def select(self, rows: IndexArray) -> TrendBlock:
        """Choose records by their indices."""
        columns: dict[str, Any] = {"values": {name: column[rows] for name, column in self.values.items()}}
        columns |= {name: getattr(self, name)[rows] for name in (*_LABELS, *_NUMBERS)}
        return replace(self, **columns)

    @classmethod
    def concatenate(cls, blocks: Sequence[TrendBlock]) -> TrendBlock:
        """Join blocks of the same signature, at least one."""
        first = blocks[0]
        columns: dict[str, Any] = {
            "values": {name: np.concatenate([b.values[name] for b in blocks]) for name in first.values}
        }
        columns |= {name: Labels.concatenate([getattr(b, name) for b in blocks]) for name in _LABELS}
        columns |= {name: np.concatenate([getattr(b, name) for b in blocks]) for name in _NUMBERS}
        return replace(first, **columns)

    @property
    def level(self) -> Labels:
        """What each record belongs to, as the catalogue calls it."""
        names = ("run", "runDetector", "exposure", "detector")
        codes = 2 * (self.exposure >= 0) + (self.detector >= 0)
        return Labels(codes.astype(np.int32), names)


def makeTrendTable(
    blocks: Iterable[TrendBlock],
    *,
    detectors: DetectorNames | None = None,
    measurements: Collection[str] | None = None,
) -> TrendTable:
    """Make the tidy table.

    Parameters
    ----------
    blocks
        Records.
    detectors
        Names of the detectors, as far as they are known.
    measurements
        Names of the measurements that get rows; all if None. Records should have the counts, too, by which
        it is told what is valid.

    Returns
    -------
    table
        One row for each record and measurement, sorted. Values that are not valid are NaN.
    """
    names = DetectorNames() if detectors is None else detectors
    parts: dict[tuple[Any, ...], list[TrendBlock]] = {}
    for block in blocks:
        parts.setdefault(block.signature, []).append(block)
    tables = [
        table
        for part in parts.values()
        for table in _makeRows(TrendBlock.concatenate(part), names, measurements)
    ]
    return TrendTable.concatenate(tables).sort()


def _makeRows(
    block: TrendBlock, detectors: DetectorNames, measurements: Collection[str] | None
) -> Iterable[TrendTable]:
    """Make a table for each measurement of a block."""
    n = len(block)
    found = detectors.find(block.instrument, block.detector)
    values = discardInvalid(block.values, zeroIsAbsent=block.zeroIsAbsent)
    n_valid = values.get("nValid", np.full(n, np.nan))
    common: dict[str, Any] = {
        "topic": Labels.constant(block.topic, n),
        "metric": Labels.constant(block.metric, n),
        "nValid": np.where(np.isfinite(n_valid), n_valid, -1).astype(np.int64),
        "level": block.level,
        "instrument": block.instrument,
        "detector": block.detector,
        "detectorName": found.name,
        "raft": found.raft,
        "physicalType": found.physicalType,
        "exposure": block.exposure,
        "day_obs": block.day_obs,
        "physical_filter": block.physical_filter,
        "mjd": block.mjd,
        "run": block.run,
    }
    for name, column in values.items():
        if measurements is not None and name not in measurements:
            continue
        unit = block.unit(name)
        criterion = findCriterion(block.metric, name, unit)
        verdict = Labels.constant(None, n)
        if criterion is not None:
            status = judge(criterion, name, values, found.nAmps)
            codes = np.array([_VERDICT_CODES[code] for code in status.tolist()], dtype=np.int32)
            verdict = Labels(codes, _VERDICTS)
        yield TrendTable(
            **common,
            measurement=Labels.constant(name, n),
            value=column,
            unit=Labels.constant(unit, n),
            threshold=np.full(n, np.nan if criterion is None else criterion.threshold),
            passed=verdict,
        )
