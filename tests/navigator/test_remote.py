# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pages of a repository whose files are in a bucket of S3, and of one that a Butler server has."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from asking import ask, askPage
from navigatorRepository import CHAIN, COMCAM, DETECTOR, IMAGE, PYRAMID, SIZE, TABLE, exposuresOf
from PIL import Image
from runningServer import runServer

from lsst.daf.butler.tests.server_available import butler_server_import_error, butler_server_is_available

sys.path += [str(Path(__file__).parents[1] / part) for part in ("sasquatch", "notebook/support")]

from remoteServers import serveBucket, serveRepository

pytest.importorskip("moto", reason="needs moto, of the extra 'test'")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not butler_server_is_available, reason=butler_server_import_error),
]

FIRST_EXPOSURE = exposuresOf(COMCAM)[0]


@pytest.fixture(scope="module")
def addresses(repository, tmp_path_factory) -> Iterator[dict[str, str]]:
    """Serve the repository with its files in a bucket, by itself and through a Butler server."""
    folder = tmp_path_factory.mktemp("servers")
    with (
        serveBucket(repository.root, folder) as config,
        serveRepository(config, folder) as butler,
        runServer(config) as bucket,
        runServer(butler) as remote,
    ):
        yield {"bucket": bucket, "server": remote}


@pytest.fixture(params=["bucket", "server"])
def address(request, addresses) -> str:
    return addresses[request.param]


def test_collections_and_types(address):
    assert CHAIN in askPage(address)
    page = askPage(address, "/plots", collection=CHAIN, instrument=COMCAM, detector="R22_S11")
    assert DETECTOR in page


@pytest.mark.parametrize(
    "selected",
    [{}, {"detector": "R22_S11"}, {"exposure": FIRST_EXPOSURE}, {"raft": "R22", "day_obs": 20260302}],
)
def test_selections_are_those_of_the_repository(server, address, selected):
    query = {"collection": CHAIN, "type": DETECTOR, "instrument": COMCAM} | selected
    assert askPage(address, "/plots", **query) == askPage(server, "/plots", **query)
    assert ask(address, "/choices", **query).json() == ask(server, "/choices", **query).json()


def test_what_is_not_there_is_named(address):
    page = askPage(address, "/plots", status=400, collection=CHAIN, instrument=COMCAM, exposure=1)
    assert "exposure: there is no 1. The nearest are" in page
    askPage(address, "/plots", status=404, collection="no/such")


def test_pictures_are_as_stored(address, repository):
    plot = repository.find(DETECTOR, instrument=COMCAM, exposure=FIRST_EXPOSURE, detector=4)
    assert ask(address, f"/dataset/{plot.id}/picture").data == repository.pathOf(plot).read_bytes()
    small = Image.open(io.BytesIO(ask(address, f"/dataset/{plot.id}/thumbnail").data))
    assert small.size == SIZE
    assert f"{TABLE} {{" in askPage(address, f"/dataset/{plot.id}")


@pytest.mark.parametrize("name", [IMAGE, PYRAMID])
def test_images_have_pictures(address, repository, name):
    assert ask(address, f"/dataset/{repository.find(name).id}/thumbnail").status == 200
