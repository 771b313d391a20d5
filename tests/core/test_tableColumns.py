# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import re

import pytest
from astropy.table import Table
from generatedFiles import ROOT
from tablePage import tablePage

from lsst.analysis.cp import __version__
from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.core.tableColumns import TABLE_COLUMNS, describeColumns
from lsst.analysis.cp.metrics import TREND_SCHEMA


def test_page_is_the_committed_one():
    for name, text in tablePage().items():
        assert (ROOT / name).read_text() == text


@pytest.mark.parametrize("name", TABLE_COLUMNS)
def test_page_has_each_column(name):
    (text,) = tablePage().values()
    (part,) = [part for part in text.split("\n.. list-table::") if part.rstrip("=\n").endswith(f"\n{name}")]
    table = text[text.index(part) + len(part) :].partition("\n\n\n")[0]
    for column in TABLE_COLUMNS[name]:
        assert f"``{column.format(key='<KEY>')}``" in table
    assert all(f"``{column}``" in text for column in TREND_SCHEMA.names)


def test_page_has_the_columns_that_are_measured():
    (text,) = tablePage().values()
    gain = text[text.index("\nGain\n----\n") :].partition("\n\n\n")[0]
    kept = {
        "MEAN_FLUX_FLAT_PAIR",
        "GAIN_FROM_FLAT_PAIR",
        "GAIN_CORRECTION_FACTOR",
        "CORRECTED",
        "AMP_GAIN",
        "ISR_NOISE",
        "AMP_NOISE",
        "PTC_GAIN",
    }
    # Differences are computed from these, and stored nowhere.
    assert set(re.findall(r"\* - ``GAIN_(\w+)``", gain)) == kept


def test_descriptions_name_the_test():
    table = Table({"detector": [1], "NOISE_median": [1.0], "NOISE_quantityMax": [1.0], "NOISE_nFailed": [1]})
    describeColumns(table, "detectorSummary", [getProduct("bias")["NOISE"]])
    assert [column.description for column in table.itercols()] == [
        "Id of the detector.",
        "Median of NOISE over amplifiers.",
        "Maximum of (NOISE - RN)/RN over amplifiers.",
        "Number of amplifiers that failed NOISE.",
    ]


def test_tables_have_the_version():
    assert describeColumns(Table({"detector": [1]}), "culprits").meta == {"analysis_cp": __version__}


def test_column_without_a_meaning_is_an_error():
    with pytest.raises(KeyError, match="unheard"):
        describeColumns(Table({"unheard": [1]}), "culprits")
