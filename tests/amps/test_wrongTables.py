# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Merged tables of which a part is wrong, against loops over their rows."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.core import AmpKeyError, ColumnError
from lsst.analysis.cp.core.amps import AmpTable, leaveOutWrong

EXPOSURES = (11, 12)


@pytest.fixture
def columns(layout) -> dict[str, Any]:
    n = layout.nAmps
    detector = layout.detectorId[layout.ampDetector]
    columns = {
        "exposure": np.repeat(EXPOSURES, n),
        "detector": np.tile(detector, 2),
        "amplifier": np.tile(layout.ampName.astype("U8"), 2),
    }
    for name in getProduct("bias").inputColumns()[3:]:
        values = np.arange(2.0 * n)
        columns[name] = values > 3 if "_VERIFY_" in name else values
    return columns


def encode(columns, layout) -> AmpTable:
    return AmpTable.fromColumns(columns, getProduct("bias"), layout, exposures=EXPOSURES)


def test_good_table_is_whole(columns, layout):
    table, left_out = leaveOutWrong(columns, partial(encode, layout=layout))
    assert (len(table), left_out) == (2 * layout.nAmps, {})


def test_each_wrong_table_is_left_out_by_itself(columns, layout):
    first, last = 0, 2 * layout.nAmps - 1
    middle = layout.nAmps + 1
    columns["amplifier"][first] = "X99"
    columns["detector"][last] = 999
    for name, values in columns.items():
        columns[name] = np.append(values, values[middle])
    given = {name: values.copy() for name, values in columns.items()}
    table, left_out = leaveOutWrong(columns, partial(encode, layout=layout))
    detector = columns["detector"]
    wrong = {(11, int(detector[first])), (12, 999), (12, int(detector[middle]))}
    assert left_out.keys() == {f"exposure {exposure} detector {own}" for exposure, own in wrong}
    pairs = zip(columns["exposure"].tolist(), detector.tolist(), strict=True)
    kept = [row for row, pair in enumerate(pairs) if pair not in wrong]
    assert_array_equal(table.statistics["BIAS_NOISE"], columns["BIAS_NOISE"][kept])
    assert table.exposures.tolist() == [*EXPOSURES]
    for name, values in given.items():
        assert_array_equal(columns[name], values)


def test_rows_without_exposure_cost_their_detector_alone(columns, layout):
    mask = np.zeros(2 * layout.nAmps, dtype=bool)
    mask[:2] = True
    columns["exposure"] = np.ma.array(columns["exposure"], mask=mask)
    table, left_out = leaveOutWrong(columns, partial(encode, layout=layout))
    assert left_out.keys() == {f"detector {columns['detector'][0]}"}
    assert len(table) == 2 * layout.nAmps - 2


def test_other_errors_are_raised(columns, layout):
    del columns["BIAS_NOISE"]
    with pytest.raises(ColumnError, match="BIAS_NOISE"):
        leaveOutWrong(columns, partial(encode, layout=layout))

    def refuse(columns):
        raise AmpKeyError("of nobody knows which row")

    with pytest.raises(AmpKeyError, match="nobody"):
        leaveOutWrong(columns, refuse)
