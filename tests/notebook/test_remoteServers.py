# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Everything that notebooks read, where the files are in a bucket of S3, and from a Butler server."""

import numpy as np
import pytest
from notebookRepository import EXPOSURES, RUNS
from remoteServers import serveBucket, serveRepository

from lsst.analysis.cp.notebook import (
    listPlots,
    readAmpSummary,
    readCulprits,
    readMetrics,
    readPlot,
    readStructures,
    readStructureView,
    readSummary,
    readTrend,
    readView,
)
from lsst.daf.butler import Butler, DatasetNotFoundError, MissingCollectionError
from lsst.daf.butler.tests.server_available import butler_server_import_error, butler_server_is_available

pytest.importorskip("moto", reason="needs moto, of the extra 'test'")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not butler_server_is_available, reason=butler_server_import_error),
]

DATA_ID = {"exposure": EXPOSURES[0]}
TABLES = {
    "plots": lambda butler: listPlots(butler, "bias", DATA_ID),
    "metrics": lambda butler: readMetrics(butler, "bias", DATA_ID),
    "summary": lambda butler: readSummary(butler, "bias", DATA_ID),
    "amplifiers": lambda butler: readAmpSummary(butler, "bias", DATA_ID),
    "culprits": lambda butler: readCulprits(butler, "bias", DATA_ID),
    "structures": lambda butler: readStructures(butler, "bias", DATA_ID),
    "trend": lambda butler: readTrend(butler, "biasNoise", {"detector": 3}),
}


@pytest.fixture(scope="module")
def butlers(repository, tmp_path_factory):
    """Open the repository with its files in a bucket, by itself and through a server."""
    folder = tmp_path_factory.mktemp("servers")
    with (
        serveBucket(repository.root, folder) as config,
        Butler.from_config(str(config), collections=RUNS[0]) as bucket,
        serveRepository(config, folder) as address,
        Butler.from_config(address, collections=RUNS[0]) as served,
    ):
        assert type(served).__name__ == "RemoteButler"
        yield {"bucket": bucket, "server": served}


@pytest.fixture(params=["bucket", "server"])
def remote(request, butlers):
    """Return one of these."""
    return butlers[request.param]


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_the_same(remote, butler, name):
    here, there = (TABLES[name](each) for each in (butler, remote))
    assert here.colnames == there.colnames
    for column in here.colnames:
        np.testing.assert_array_equal(here[column], there[column])


def test_plot_is_the_same_and_names_its_data(remote, butler):
    picture = readPlot(remote, "biasNoise", DATA_ID)
    here = readPlot(butler, "biasNoise", DATA_ID)
    assert picture.png == here.png
    assert {ref.id for ref in picture.findData()} == {ref.id for ref in here.findData()}


@pytest.mark.parametrize(
    "read",
    [
        lambda butler: readView(butler, "bias", DATA_ID, (10, 300.0, 300.0), 0.5),
        lambda butler: readStructureView(butler, "bias", DATA_ID),
    ],
)
def test_pixels_are_the_same(remote, butler, read):
    np.testing.assert_array_equal(read(remote).image, read(butler).image)


@pytest.mark.parametrize(
    "read",
    [
        lambda butler: readPlot(butler, "biasNoises", DATA_ID),
        lambda butler: readPlot(butler, "biasNoise", {"exposure": 1}),
        lambda butler: readPlot(butler, "biasNoise", {"exposure": 1}, collections="nothing"),
        lambda butler: readTrend(butler, "biasNoise", {"detector": 3}, collections=RUNS[1]),
    ],
)
def test_what_is_not_there_is_told_in_the_same_words(remote, butler, read):
    told = []
    for each in (butler, remote):
        with pytest.raises((DatasetNotFoundError, MissingCollectionError)) as caught:
            read(each)
        told.append((caught.type, str(caught.value)))
    assert told[0] == told[1]
