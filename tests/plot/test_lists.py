# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Lists beside plots."""

import numpy as np

from lsst.analysis.cp.actions.plot.focalPlane.listing import listValues
from lsst.analysis.cp.actions.plot.text import LIST_LENGTH, listFirst

TESTS = "MEAN NOISE CR_NOISE READ_NOISE_CONSISTENT PROCESSING"


def test_names_of_tests_are_whole_however_many_there_are():
    title, *lines = listFirst("Failing", [f"R20_S00 C01  {TESTS}", "R22_S11 C00  NOISE"], 5)
    assert title == "Failing"
    assert lines[0].startswith("R20_S00 C01  MEAN ")
    assert lines[-1] == "R22_S11 C00  NOISE"
    assert " ".join(lines[:-1]).split() == ["R20_S00", "C01", *TESTS.split()]
    assert max(map(len, lines)) <= LIST_LENGTH
    assert all(line.startswith("    ") for line in lines[1:-1])


def test_columns_of_short_lines_stay_aligned():
    lines = [" 1 column  C15   9.86 σ", "10 pixel   C01  11.1 σ"]
    assert listFirst("Structures", lines, 2) == ("Structures", *lines)


def test_what_is_not_listed_is_counted():
    assert listFirst("Failing", ["a", "b", "c"], 1) == ("Failing", "a", "and 2 more")
    assert listFirst("Failing", [], 1) == listFirst("Failing", ["a"], 0) == ()


def test_heads_that_are_longer_than_numbers_stay_apart():
    columns = {name: np.array([1.5e-5, 2.0]) for name in ("value", "PARALLEL_LIMIT", "quantity")}
    listing = listValues("Failing", np.array(["R00 C00", "R00 C01"]), columns, np.array([1, 0]), 5)
    assert listing.header.split() == list(columns)
    ends = [listing.header.index(name) + len(name) for name in columns]
    for line, value in zip(listing.lines, ("2", "1.5e-05"), strict=True):
        assert line.split()[2:] == [value] * 3
        assert all(line[:end].endswith(f" {value}") for end in ends)
