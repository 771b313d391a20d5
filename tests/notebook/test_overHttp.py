# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Everything that notebooks read, where the files are on an HTTP server and the repository is read-only."""

import numpy as np
import pytest
from notebookRepository import EXPOSURES, RUNS
from rangeServer import openOverHttp, serve

from lsst.analysis.cp.notebook import (
    listPlots,
    readCulprits,
    readMetrics,
    readPlot,
    readStructureView,
    readSummary,
    readTrend,
    readView,
)

DATA_ID = {"exposure": EXPOSURES[0]}
READERS = {
    "plots": lambda butler: listPlots(butler, "bias", DATA_ID),
    "metrics": lambda butler: readMetrics(butler, "bias", DATA_ID),
    "summary": lambda butler: readSummary(butler, "bias", DATA_ID),
    "culprits": lambda butler: readCulprits(butler, "bias", DATA_ID),
    "trend": lambda butler: readTrend(butler, "biasNoise", {"detector": 3}),
}


@pytest.fixture
def remote(repository):
    """Open the repository with its files on a server, and tell what is asked for."""
    with serve(repository.root) as (address, requests):
        with openOverHttp(repository.root, address, collections=RUNS[0]) as butler:
            yield butler, requests


@pytest.mark.parametrize("name", READERS)
def test_tables_are_the_same(remote, butler, name):
    here, there = (READERS[name](each) for each in (butler, remote[0]))
    assert here.colnames == there.colnames
    for column in here.colnames:
        np.testing.assert_array_equal(here[column], there[column])


def test_plot_is_one_request(remote, butler):
    remote[1].clear()
    picture = readPlot(remote[0], "biasNoise", DATA_ID)
    assert picture.png == readPlot(butler, "biasNoise", DATA_ID).png
    assert len(remote[1]) == 1


def test_history_is_one_request_an_exposure(remote):
    remote[1].clear()
    assert len(readTrend(remote[0], "biasNoise", {"detector": 3})) == len(EXPOSURES)
    assert sorted({method for method, _ in remote[1]}) == ["GET"]
    assert len(remote[1]) == len(EXPOSURES)


def test_history_has_all_but_a_lost_file(repository, tmp_path):
    copy = repository.copy(tmp_path / "copy")
    with copy.open() as local:
        copy.pathOf(local, "cpBiasExp_detectorSummary", exposure=EXPOSURES[1]).unlink()
    with serve(copy.root) as (address, _), openOverHttp(copy.root, address, collections=RUNS[0]) as butler:
        with pytest.warns(
            UserWarning, match=rf"cpBiasExp_detectorSummary .*{EXPOSURES[1]}.*FileNotFoundError"
        ):
            trend = readTrend(butler, "biasNoise", {"detector": 3})
    assert trend["exposure"].tolist() == [EXPOSURES[0], EXPOSURES[2]]


@pytest.mark.parametrize(
    "read",
    [
        lambda butler: readView(butler, "bias", DATA_ID, (10, 300.0, 300.0), 0.5),
        lambda butler: readStructureView(butler, "bias", DATA_ID),
    ],
)
def test_pixels_are_the_same(remote, butler, read):
    np.testing.assert_array_equal(read(remote[0]).image, read(butler).image)


def test_lost_file_is_named(repository, tmp_path):
    copy = repository.copy(tmp_path / "copy")
    with copy.open() as local:
        copy.pathOf(local, "cpBiasExp_biasNoise_FocalPlaneGeometryPlot", **DATA_ID).unlink()
    with serve(copy.root) as (address, _), openOverHttp(copy.root, address, collections=RUNS[0]) as butler:
        with pytest.raises(FileNotFoundError) as caught:
            readPlot(butler, "biasNoise", DATA_ID)
    assert "cpBiasExp_biasNoise_FocalPlaneGeometryPlot {" in caught.value.__notes__[0]


def test_files_that_cannot_be_written_are_read(repository, tmp_path):
    copy = repository.copy(tmp_path / "copy")
    for path in [*copy.root.rglob("*"), copy.root]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        with copy.open() as butler:
            assert len(readCulprits(butler, "bias", DATA_ID))
            assert readPlot(butler, "biasNoise", DATA_ID).size
            assert len(readTrend(butler, "biasNoise", {"detector": 3})) == len(EXPOSURES)
    finally:
        for path in [copy.root, *copy.root.rglob("*")]:
            path.chmod(0o755)
