# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A merge of a run has no more than one exposure in memory, and writes what its parent writes."""

from __future__ import annotations

import gc
import io
import tracemalloc
import uuid
import warnings
import weakref
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Column, MaskedColumn, Table
from astropy.utils.metadata import MergeConflictWarning

from lsst.analysis.cp.tasks.merge.analysis import ParentContext
from lsst.analysis.cp.tasks.merge.stored import MergedTable, StoredTables, mergeStored
from lsst.cp.verify import CpVerifyRunMergeTask
from lsst.daf.butler import DataCoordinate, DatasetProvenance, DatasetRef, DatasetType, DimensionUniverse
from lsst.daf.butler.formatters.parquet import arrow_to_astropy, astropy_to_arrow
from lsst.pipe.base import InputQuantizedConnection, OutputQuantizedConnection, Struct

N_AMPS = 16

merge = CpVerifyRunMergeTask.mergeTable


def store(table: Table) -> bytes:
    """Write a table as the Butler does."""
    file = io.BytesIO()
    pq.write_table(astropy_to_arrow(table), file)
    return file.getvalue()


class Handle:
    """Handle of a table that is stored, which knows who has read it."""

    read: list[weakref.ref]

    def __init__(self, make: Callable[[], Table], read: list[weakref.ref] | None = None) -> None:
        self._make = make
        self.read = [] if read is None else read

    def get(self, component: str = "") -> Any:
        if component:
            assert component == "schema"
            return SimpleNamespace(schema=self._make()[:0].copy())
        assert all(table() is None for table in self.read), "two tables are in memory"
        # As the Butler reads it, without metadata.
        rows = astropy_to_arrow(self._make())
        stored = {key: text for key, text in rows.schema.metadata.items() if key != b"table_meta_yaml"}
        table = arrow_to_astropy(rows.replace_schema_metadata(stored))
        self.read.append(weakref.ref(table))
        return table


def makeExposure(exposure: int, length: int = 400) -> Table:
    rng = np.random.default_rng(exposure)
    table = Table({"exposure": np.full(N_AMPS, exposure), "amplifier": [f"C{i:02d}" for i in range(N_AMPS)]})
    table["BIAS_NOISE"] = Column(rng.normal(5.0, 1.0, N_AMPS), unit="electron", description="noise")
    table["BIAS_SERIAL_PROF"] = rng.normal(size=(N_AMPS, length))
    return table


def makeRef() -> DatasetRef:
    universe = DimensionUniverse()
    kind = DatasetType("runResults", ("instrument",), "ArrowAstropy", universe=universe)
    return DatasetRef(kind, DataCoordinate.standardize(instrument="LSSTCam", universe=universe), run="run")


def addMask(table: Table) -> None:
    table["BIAS_NOISE"] = MaskedColumn(table["BIAS_NOISE"], mask=np.arange(N_AMPS) % 3 == 0)


def shorten(table: Table) -> None:
    table["BIAS_SERIAL_PROF"] = table["BIAS_SERIAL_PROF"][:, :100]


def rename(table: Table) -> None:
    table["amplifier"] = [f"amplifier {name}" for name in table["amplifier"]]


def toFloats(table: Table) -> None:
    table["exposure"] = table["exposure"].astype(np.float64)


def toOtherUnit(table: Table) -> None:
    table["BIAS_NOISE"].unit = "adu"


CHANGES: dict[str, Callable[[Table], None]] = {
    "nothing": lambda table: None,
    "masked values": addMask,
    "a column too few": lambda table: table.remove_column("BIAS_NOISE"),
    "profiles too few": lambda table: table.remove_column("BIAS_SERIAL_PROF"),
    "a column too many": lambda table: table.add_column(np.arange(N_AMPS), name="BIAS_MORE"),
    "flags": lambda table: table.add_column(np.arange(N_AMPS) % 2 == 0, name="BIAS_VERIFY_MORE"),
    "short profiles": shorten,
    "long names": rename,
    "another type": toFloats,
    "another unit": toOtherUnit,
    "no rows": lambda table: table.remove_rows(slice(None)),
}


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
@pytest.mark.parametrize("newStats", [None, [{"exposure": 9, "RUN_MORE": 1.5}]], ids=["alone", "and a row"])
@pytest.mark.filterwarnings("ignore::astropy.utils.metadata.MergeConflictWarning")
def test_merged_is_what_the_parent_makes(change, place, newStats) -> None:
    tables = [makeExposure(exposure) for exposure in range(3)]
    change(tables[place])
    merged = mergeStored(StoredTables(Handle(table.copy) for table in tables), merge, newStats)
    expected = merge([table.copy() for table in tables], newStats)
    ref, provenance = makeRef(), DatasetProvenance(quantum_id=uuid.uuid4())
    expected.meta.update(provenance.to_flat_dict(ref, prefix="LSST.BUTLER", sep=".", simple_types=True))
    table = merged.describe(ref, provenance)
    wanted = astropy_to_arrow(expected)
    assert table.schema.equals(wanted.schema, check_metadata=True)
    names = [name for name in table.column_names if name != "BIAS_SERIAL_PROF"]
    assert table.select(names).equals(wanted.select(names))
    # What is not there is not equal to itself.
    assertVectorsEqual(table, wanted)


def assertVectorsEqual(table: pa.Table, expected: pa.Table) -> None:
    found, wanted = (
        each["BIAS_SERIAL_PROF"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        for each in (table, expected)
    )
    known = np.isfinite(wanted)
    assert known.any()
    np.testing.assert_array_equal(found[known], wanted[known])
    assert not np.isfinite(found[~known]).any()


def test_the_next_table_is_read_when_the_last_is_gone() -> None:
    read: list[weakref.ref] = []
    handles = [Handle(lambda number=number: makeExposure(number), read) for number in range(4)]
    merged = mergeStored(StoredTables(handles), merge)
    assert len(read) == 4
    assert len(merged) == 4 * N_AMPS


LENGTH = 100_000
VECTORS = N_AMPS * LENGTH * 8
"""Size of the profiles of an exposure whose memory is measured."""


def measurePeak(nExposures: int) -> tuple[int, int]:
    """Merge tables and write what is merged; return the most that numpy and arrow took (bytes)."""
    stored = pa.py_buffer(store(makeExposure(1, LENGTH)))
    handles = [Handle(lambda: arrow_to_astropy(pq.read_table(stored))) for _ in range(nExposures)]
    gc.collect()
    before = pa.total_allocated_bytes()
    most = 0

    class Sink(io.BytesIO):
        """Forgets what is written."""

        def write(self, text: Any) -> int:
            nonlocal most
            most = max(most, pa.total_allocated_bytes() - before)
            return len(text)

    tracemalloc.start()
    merged = mergeStored(StoredTables(handles), merge)
    most = max(most, pa.total_allocated_bytes() - before)
    with merged.released():
        pq.write_table(merged.describe(makeRef(), DatasetProvenance()), Sink(), row_group_size=N_AMPS)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak, most


def test_memory_does_not_grow_with_the_exposures() -> None:
    few, many = measurePeak(3), measurePeak(12)
    # A table, its rows in the columns of all, and these for the file.
    assert many[0] < 4 * VECTORS
    assert many[0] < 1.05 * few[0] + 1e5
    assert many[1] < max(few[1], VECTORS) + 1e5


def test_columns_are_read_without_profiles() -> None:
    merged = mergeStored(StoredTables(Handle(lambda: makeExposure(1)) for _ in range(2)), merge)
    columns = merged.readColumns(["BIAS_SERIAL_PROF", "BIAS_NOISE", "exposure", "amplifier", "absent"])
    assert list(columns) == ["exposure", "amplifier", "BIAS_NOISE"]
    np.testing.assert_array_equal(columns["BIAS_NOISE"], np.tile(makeExposure(1)["BIAS_NOISE"], 2))
    assert columns["BIAS_NOISE"].unit == "electron"


def test_units_that_differ_are_warned_of_once() -> None:
    tables = [makeExposure(exposure) for exposure in range(3)]
    toOtherUnit(tables[1])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mergeStored(StoredTables(Handle(table.copy) for table in tables), merge)
    with warnings.catch_warnings(record=True) as expected:
        warnings.simplefilter("always")
        merge(tables)
    assert {each.category for each in caught} == {MergeConflictWarning}
    assert [str(each.message) for each in caught] == [str(each.message) for each in expected]


def test_no_file_is_left(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    merged = mergeStored(StoredTables([Handle(lambda: makeExposure(1))]), merge)
    assert isinstance(merged, MergedTable)
    assert list(tmp_path.iterdir()) == []


class QuantumContext:
    """Gives the inputs of a quantum, and forgets its outputs."""

    def __init__(self, values: dict) -> None:
        self.values = values

    def get(self, dataset: object) -> dict:
        return self.values

    def put(self, values: object, dataset: object) -> None:
        pass


def makeTable() -> Table:
    table = Table({"amplifier": ["C00", "C01"], "BIAS_SERIAL_PROF": np.zeros((2, 500))})
    table["BIAS_NOISE"] = MaskedColumn([5.0, 6.0], mask=[False, True])
    return table


@pytest.fixture
def run() -> tuple[ParentContext, list[weakref.ref]]:
    """Get inputs and put outputs, as a parent does, and return what remembers them."""
    inputs = [makeTable() for _ in range(3)]
    butler = QuantumContext({"camera": "the camera", "inputResults": inputs})
    context = ParentContext(butler)
    context.get(InputQuantizedConnection())
    results = makeTable()
    context.put(Struct(outputResults=results, outputStats={}), OutputQuantizedConnection())
    butler.values = {}
    return context, [weakref.ref(table) for table in (*inputs, results)]


def test_inputs_are_free_when_the_parent_is_done(run) -> None:
    context, tables = run
    gc.collect()
    assert context.camera == "the camera"
    assert [table() is None for table in tables] == [True, True, True, False]


def test_vectors_are_free_when_the_columns_are_taken(run) -> None:
    context, tables = run
    vectors = weakref.ref(context.results["BIAS_SERIAL_PROF"])
    columns = context.takeColumns(["BIAS_NOISE", "amplifier", "BIAS_SERIAL_PROF"])
    gc.collect()
    assert list(columns) == ["amplifier", "BIAS_NOISE"]
    assert columns["BIAS_NOISE"].mask.tolist() == [False, True]
    assert (tables[-1](), vectors()) == (None, None)


def test_profiles_of_one_exposure_are_there(run) -> None:
    context, _ = run
    assert context.takeColumns(None)["BIAS_SERIAL_PROF"].shape == (2, 500)
