# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The page of cells of cp_verify's notebooks: its calls are there, and no cell is left open."""

import re

import pytest
from notebookCellsPage import CellError, notebookCellsPage, readCells

PLOTS = frozenset({"cpBiasRun_biasFailures_FailureMapPlot"})


def makePage(**entry):
    [page] = notebookCellsPage(PLOTS, {"cpVerifyBias": [{"cells": "6", "does": "Map", **entry}]}).values()
    return page


@pytest.mark.parametrize("name", readCells())
def test_cells_are_counted_without_a_gap(name):
    numbers = []
    for entry in readCells()[name]:
        first, _, last = str(entry["cells"]).partition("-")
        numbers += range(int(first), int(last or first) + 1)
    assert numbers == list(range(1, len(numbers) + 1))


def test_every_notebook_is_listed():
    products = {re.sub("cpVerify", "", name) for name in readCells()}
    assert products == {
        *(
            "Bias",
            "Bfk",
            "Crosstalk",
            "Dark",
            "Defects",
            "Flat",
            "GainFromFlatPair",
            "Linearity",
            "Ptc",
            "PtcV2",
        ),
        "PtcWithLinearity",
    }


def test_page_names_calls_and_reasons():
    call = 'readPlot(butler, "biasFailures")'
    assert f"   * - 6\n     - Map\n     - ``{call}``\n" in makePage(calls=[call])
    assert "     - None. It is long.\n" in makePage(none="It is long.")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({}, "cpVerifyBias, cells 6: expected one of calls and none"),
        ({"calls": ["a"], "none": "b"}, "expected one of calls and none"),
        ({"calls": ['readPlots(butler, "biasFailures")']}, "there is no call readPlots"),
        ({"calls": ['readPlot(butler, "biasFailure")']}, "no pipeline makes biasFailure"),
    ],
)
def test_contradictions_are_errors(entry, message):
    with pytest.raises(CellError, match=message):
        makePage(**entry)
