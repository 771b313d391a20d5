# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Records of tools in blocks of the same measurements, and the tidy table made of them."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lsst.analysis.cp.catalogue import findTest
from lsst.analysis.cp.core.amps import STATUS_NAMES
from lsst.analysis.cp.core.typing import FloatArray, IdArray, IndexArray

from .criteria import discardInvalid, findCriterion, isCount, judge
from .table import Labels, TrendTable
from .times import ObservationTimes, toMjd

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera
    from lsst.daf.butler import DatasetRef

__all__ = [
    "BlockGatherer",
    "DetectorName",
    "DetectorNames",
    "DetectorsById",
    "RecordKey",
    "TrendBlock",
    "findRaft",
    "makeTrendTable",
]

_VERDICTS = tuple(STATUS_NAMES.values())
_VERDICT_CODES = {status: _VERDICTS.index(name) for status, name in STATUS_NAMES.items()}

_LABELS = ("instrument", "physical_filter", "run")
_NUMBERS = ("detector", "exposure", "day_obs", "mjd")


def findRaft(name: str) -> str | None:
    """Take the name of the raft from that of a detector (``R22_S11``); None if it has none."""
    raft, separator, _ = name.partition("_")
    return raft if separator else None


@dataclass(frozen=True, kw_only=True)
class DetectorName:
    """What is known of a detector; None where it is not.

    Parameters
    ----------
    name
        Name of the detector.
    raft
        Name of its raft.
    physicalType
        Its vendor.
    nAmps
        Number of its amplifiers.
    """

    name: str | None = None
    raft: str | None = None
    physicalType: str | None = None
    nAmps: int | None = None


type DetectorsById = Mapping[tuple[str, int], DetectorName]


@dataclass(frozen=True, eq=False)
class DetectorNames:
    """Detectors of any number of instruments.

    Parameters
    ----------
    detectors
        Each detector by the name of its instrument and its id.
    """

    detectors: DetectorsById = field(default_factory=dict)

    @classmethod
    def fromCamera(cls, camera: Camera) -> DetectorNames:
        """Take the detectors of a camera, whose name is that of the instrument."""
        return cls(
            {
                (camera.getName(), int(detector.getId())): DetectorName(
                    name=detector.getName(),
                    raft=findRaft(detector.getName()),
                    physicalType=detector.getPhysicalType() or None,
                    nAmps=len(detector.getAmplifiers()),
                )
                for detector in camera
            }
        )

    def __or__(self, other: DetectorNames) -> DetectorNames:
        """Join; a detector that both have is taken from the second."""
        return DetectorNames({**self.detectors, **other.detectors})

    def find(self, instrument: Labels, detector: IdArray) -> tuple[dict[str, Labels], IdArray]:
        """Find the detectors of some rows.

        Parameters
        ----------
        instrument
            Instrument of each row, of length n.
        detector
            Id of each row's detector, -1 for none, shape (n,).

        Returns
        -------
        names
            Columns ``detectorName``, ``raft`` and ``physicalType``, of length n.
        nAmps
            Number of amplifiers, -1 where it is not known, shape (n,).
        """
        keys, which = np.unique(
            np.column_stack([instrument.codes.astype(np.int64), detector]), axis=0, return_inverse=True
        )
        unknown = DetectorName()
        found = [
            self.detectors.get((instrument.names[code], number), unknown) if code >= 0 else unknown
            for code, number in keys.tolist()
        ]
        rows = which.ravel()
        names = {
            "detectorName": Labels.fromValues(item.name for item in found)[rows],
            "raft": Labels.fromValues(item.raft for item in found)[rows],
            "physicalType": Labels.fromValues(item.physicalType for item in found)[rows],
        }
        return names, np.array([-1 if d.nAmps is None else d.nAmps for d in found], dtype=np.int64)[rows]


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
    detectors = DetectorNames() if detectors is None else detectors
    parts: dict[tuple[Any, ...], list[TrendBlock]] = {}
    for block in blocks:
        parts.setdefault(block.signature, []).append(block)
    tables = [
        table
        for part in parts.values()
        for table in _makeRows(TrendBlock.concatenate(part), detectors, measurements)
    ]
    return TrendTable.concatenate(tables).sort()


def _makeRows(
    block: TrendBlock, detectors: DetectorNames, measurements: Collection[str] | None
) -> Iterable[TrendTable]:
    """Make a table for each measurement of a block."""
    n = len(block)
    names, n_amps = detectors.find(block.instrument, block.detector)
    values = discardInvalid(block.values, zeroIsAbsent=block.zeroIsAbsent)
    n_valid = values.get("nValid", np.full(n, np.nan))
    common: dict[str, Any] = {
        "topic": Labels.constant(block.topic, n),
        "metric": Labels.constant(block.metric, n),
        "nValid": np.where(np.isfinite(n_valid), n_valid, -1).astype(np.int64),
        "level": block.level,
        "instrument": block.instrument,
        "detector": block.detector,
        **names,
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
            status = judge(criterion, name, values, n_amps)
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
