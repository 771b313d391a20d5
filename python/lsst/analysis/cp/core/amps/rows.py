# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Rows of a table of results: which are of amplifiers, of detectors and of exposures, and of which one."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np

from lsst.analysis.cp.catalogue import ROWS, Product, VerifyTest
from lsst.analysis.cp.core.camera import AmpKeyError, CameraLayout
from lsst.analysis.cp.core.columns import ColumnError, idColumn
from lsst.analysis.cp.core.typing import AnyArray, BoolArray, IdArray, IndexArray, NameArray

from .verdicts import UNKNOWN

__all__ = ["Columns", "EncodedRows"]

_LOG = logging.getLogger(__name__)

_SHOWN = 5


class Columns(Protocol):
    """Anything with named columns: an astropy table or a mapping of arrays."""

    def keys(self) -> Iterable[str]:
        """Name the columns."""
        ...

    def __getitem__(self, key: str, /) -> Any: ...


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedRows:
    """Rows of one kind, told apart by integers.

    Parameters
    ----------
    epochIndex
        Index into the exposures of the table, shape (n,).
    member
        Index into the amplifiers or the detectors of the layout, shape (n,); 0 for rows of exposures.
    detectorIndex
        Index into the detectors of the layout, shape (n,); 0 for rows of exposures.
    source
        Row of the table that was read, shape (n,).
    """

    epochIndex: IndexArray
    member: IndexArray
    detectorIndex: IndexArray
    source: IndexArray

    def __len__(self) -> int:
        return len(self.member)

    def take[A: AnyArray](self, column: A) -> A:
        """Take the rows of a column; where these are all of its rows, it is not copied."""
        return column if len(self) == len(column) else cast(A, column[self.source])


def findAbsent(
    data: Columns, product: Product, tests: tuple[VerifyTest, ...], *, hasEpochs: bool
) -> frozenset[str]:
    """Find the columns that are not there, and tell required from conditional."""
    present = set(data.keys())
    required = dict.fromkeys(("exposure",) * hasEpochs + ("detector", "amplifier"))
    required |= dict.fromkeys(c for t in tests if t.presence == "always" for c in t.inputColumns)
    if missing := [column for column in required if column not in present]:
        raise ColumnError(
            f"table of {product.name} results lacks required column(s) {', '.join(missing)}; "
            f"it has {', '.join(sorted(present)) or 'none'}"
        )
    lost = {test: [column for column in test.inputColumns if column not in present] for test in tests}
    skipped = [
        f"{test.key} ({', '.join(columns)})"
        for test, columns in lost.items()
        if columns and test.presence == "conditional"
    ]
    if skipped:
        _LOG.warning("%s: columns are absent, so these are skipped: %s.", product.name, ", ".join(skipped))
    return frozenset(column for columns in lost.values() for column in columns)


def checkLength[A: AnyArray](values: A, name: str, expected: int) -> A:
    """Return a column; raise if it has not the expected number of rows."""
    if len(values) != expected:
        raise ColumnError(f"column {name!r} has {len(values)} rows, expected {expected}")
    return values


def tellRows(
    named: BoolArray,
    hasDetector: BoolArray,
    product: Product,
    tests: tuple[VerifyTest, ...],
    columns: Mapping[str, AnyArray | None],
) -> dict[str, BoolArray]:
    """Tell amplifier rows from those of detectors and of exposures, and leave out what no test asks for."""
    has_result = {kind: np.zeros(len(named), dtype=bool) for kind in ROWS}
    for test in tests:
        for name in test.encodedColumns:
            if (column := columns[name]) is not None:
                # Verdicts are -1 and statistics NaN in rows of another kind, where they are masked.
                has_result[test.row] |= column != UNKNOWN if column.dtype == np.int8 else np.isfinite(column)
    asked = {test.row for test in tests}
    of_exposure = ~named & has_result["exposure"]
    if any(test.row == "exposure" for test in product):
        # An exposure without any result has a row, too.
        of_exposure |= ~named & ~hasDetector & ~has_result["detector"]
        if "detector" in asked and "exposure" not in asked:
            # Without the columns of exposures, their rows are those that have no result of a detector either.
            of_exposure = ~named & ~has_result["detector"]
    kinds = {"amplifier": named, "detector": ~named & ~of_exposure, "exposure": of_exposure}
    for kind in ("detector", "exposure"):
        if kind not in asked:
            if n_left := np.count_nonzero(kinds[kind]):
                _LOG.info("%d row(s) of %s are left out: no test is of such rows.", n_left, ROWS[kind])
            kinds[kind] = np.zeros(len(named), dtype=bool)
    return kinds


def encodeRows(
    data: Columns,
    names: NameArray,
    kinds: Mapping[str, BoolArray],
    layout: CameraLayout,
    epoch: str,
    expected: Iterable[int] | None,
) -> tuple[IdArray, dict[str, EncodedRows]]:
    """Look up the exposure, detector and amplifier of each row once."""
    keys = ("detector",) if epoch == "none" else ("exposure", "detector")
    ids = {"exposure": np.zeros(len(names), dtype=np.int64)}
    present: dict[str, BoolArray] = {}
    for column in keys:
        ids[column], present[column] = idColumn(data[column], column)
        checkLength(present[column], column, len(names))
    for kind, own in kinds.items():
        try:
            for column in keys if kind != "exposure" else keys[:-1]:
                if len(lost := np.flatnonzero(own & ~present[column])):
                    raise AmpKeyError(f"{len(lost)} {kind} row(s) have no {column}", lost)
        except AmpKeyError as error:
            raise _nameTables(error, kind, kinds, ids, present) from error
    used = np.logical_or.reduce(list(kinds.values()))
    given = np.array([] if expected is None else sorted(set(expected)), dtype=np.int64)
    exposures = np.zeros(1, np.int64) if epoch == "none" else np.union1d(ids["exposure"][used], given)
    rows = {}
    for kind, own in kinds.items():
        source = np.flatnonzero(own)
        detector = ids["detector"][source]
        index = member = np.zeros(len(source), dtype=np.intp)
        epoch_index = np.searchsorted(exposures, ids["exposure"][source])
        try:
            if kind == "detector":
                index = member = layout.findDetectors(detector)
            elif kind == "amplifier":
                member = layout.findAmps(detector, names[source])
                index = layout.ampDetector[member]
            rows[kind] = EncodedRows(
                epochIndex=epoch_index, member=member, detectorIndex=index, source=source
            )
            _rejectDuplicates(kind, rows[kind], exposures if epoch != "none" else None, layout)
        except AmpKeyError as error:
            error.rows = source[error.rows]
            raise _nameTables(error, kind, kinds, ids, present) from error
    return exposures, rows


def _nameTables(
    error: AmpKeyError,
    kind: str,
    kinds: Mapping[str, BoolArray],
    ids: Mapping[str, IdArray],
    present: Mapping[str, BoolArray],
) -> AmpKeyError:
    """Add to an error the other rows of the tables that wrong rows come from, and the names of these tables.

    Those of an amplifier or a detector come from one of their exposure and detector.
    """
    own, columns = kinds[kind], ["exposure"]
    if kind != "exposure":
        own, columns = kinds["amplifier"] | kinds["detector"], ["exposure", "detector"]
    known = [column for column in columns if column in present]
    keys = np.column_stack([part for column in known for part in (present[column], ids[column])])
    unique, table = np.unique(keys, axis=0, return_inverse=True)
    wrong = np.unique(table[error.rows])
    tables = tuple(
        " ".join(
            f"{column} {value}"
            for column, is_known, value in zip(known, key[::2], key[1::2], strict=True)
            if is_known
        )
        or "rows without ids"
        for key in unique[wrong].tolist()
    )
    return AmpKeyError(str(error), np.flatnonzero(own & np.isin(table, wrong)), tables)


def _rejectDuplicates(kind: str, rows: EncodedRows, exposures: IdArray | None, layout: CameraLayout) -> None:
    """Raise if an amplifier, a detector or an exposure has two rows in one exposure."""
    cells = rows.epochIndex * (layout.nAmps + 1) + rows.member
    # Nearly always there is none, and to count takes less than to sort.
    if np.bincount(cells, minlength=1).max() <= 1:
        return
    unique, first, place, counts = np.unique(
        cells, return_index=True, return_inverse=True, return_counts=True
    )
    shown = []
    for row in first[counts > 1][:_SHOWN]:
        words = [] if exposures is None else [f"exposure {exposures[rows.epochIndex[row]]}"]
        if kind != "exposure":
            words.append(f"detector {layout.detectorId[rows.detectorIndex[row]]}")
        if kind == "amplifier":
            words.append(f"amplifier {layout.ampName[rows.member[row]]}")
        shown.append(" ".join(words))
    n_repeated = np.count_nonzero(counts > 1)
    listed = "; ".join(shown) + ("; ..." if n_repeated > _SHOWN else "")
    message = f"{n_repeated} {kind}(s) have more than one row: {listed}"
    raise AmpKeyError(message, np.flatnonzero(counts[place] > 1))
