# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What the analysis of a merge keeps in memory of a run."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table

from lsst.analysis.cp.tasks.merge.analysis import ParentContext
from lsst.pipe.base import InputQuantizedConnection, OutputQuantizedConnection, Struct


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


def test_vectors_of_a_run_are_free_when_its_columns_are_taken(run) -> None:
    context, tables = run
    vectors = weakref.ref(context.results["BIAS_SERIAL_PROF"])
    columns = context.takeColumns(narrow=True)
    gc.collect()
    assert list(columns) == ["amplifier", "BIAS_NOISE"]
    assert columns["BIAS_NOISE"].mask.tolist() == [False, True]
    assert (tables[-1](), vectors()) == (None, None)


def test_profiles_of_one_exposure_are_there(run) -> None:
    context, _ = run
    assert context.takeColumns(narrow=False)["BIAS_SERIAL_PROF"].shape == (2, 500)
