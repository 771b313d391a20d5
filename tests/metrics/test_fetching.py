# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Files of datasets, read ahead."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.table import Table
from services.metricRepository import EXPOSURES, MetricRepository

from lsst.analysis.cp.metrics.fetching import fetchFiles
from lsst.daf.butler import DeferredDatasetHandle


@pytest.fixture
def repository(tmp_path):
    """Make a repository with a table of each exposure."""
    made = MetricRepository.make(tmp_path / "repository")
    for i, exposure in enumerate(EXPOSURES):
        table = Table({"number": [i, i + 1], "name": ["a", "b"]})
        table["number"].unit = "adu"
        made.put("cpBiasExp_table", table, "ArrowAstropy", exposure=exposure)
    with made.butler:
        yield made


def makeHandles(butler):
    refs = butler.query_datasets("cpBiasExp_table", "*", with_dimension_records=True, find_first=False)
    refs.sort(key=lambda ref: ref.dataId["exposure"])
    return [DeferredDatasetHandle(butler=butler, ref=ref, parameters=None) for ref in refs]


def test_tables_are_those_of_the_butler(repository):
    for fetched in fetchFiles(makeHandles(repository.butler)):
        assert fetched.content is not None
        assert fetched.listColumns() == [str(name) for name in fetched.handle.get(component="columns")]
        ours, theirs = fetched.readColumns(["number"]), fetched.handle.get(parameters={"columns": ["number"]})
        assert ours.colnames == theirs.colnames == ["number"]
        np.testing.assert_array_equal(ours["number"], theirs["number"])
        assert ours["number"].unit == theirs["number"].unit == "adu"
        assert set(ours.meta) == set(theirs.meta)


def test_many_come_in_their_order(repository):
    handles = list(itertools.islice(itertools.cycle(makeHandles(repository.butler)), 100))
    first = [int(fetched.readColumns(["number"])["number"][0]) for fetched in fetchFiles(handles)]
    assert first == [i % 3 for i in range(100)]


def test_no_more_are_taken_than_are_kept(repository):
    handles = itertools.cycle(makeHandles(repository.butler))
    files = fetchFiles(handles)
    assert next(files).handle.ref.dataId["exposure"] == EXPOSURES[0]
    files.close()


def test_handles_of_no_butler_are_left_to_themselves():
    handle = SimpleNamespace(get=lambda component: ["x"])
    (fetched,) = fetchFiles([handle])
    assert (fetched.read(), fetched.listColumns()) == (None, ["x"])


def test_lost_file_is_an_error_of_its_own(repository):
    handles = makeHandles(repository.butler)
    repository.butler.getURI(handles[1].ref).remove()
    good, lost, other = fetchFiles(handles)
    assert [len(each.readColumns(["name"])) for each in (good, other)] == [2, 2]
    with pytest.raises(FileNotFoundError, match=str(EXPOSURES[1])):
        lost.read()
