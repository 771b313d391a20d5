# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The page and the pictures of one dataset; what is lost or damaged costs itself."""

from __future__ import annotations

import html
import io
import os
import re
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import numpy as np
import pytest
from asking import ask, askPage, linksOf
from navigatorRepository import (
    CHAIN,
    COMCAM,
    DETECTOR,
    EXPOSURE,
    EXPOSURE_IMAGE,
    FIRST,
    HOSTILE,
    IMAGE,
    OTHER,
    PYRAMID,
    RAFT,
    RUN,
    SIZE,
    TABLE,
    NavigatorRepository,
    exposuresOf,
    writePng,
)
from PIL import Image
from registries import ON_SQLITE_ALONE
from runningServer import runServer

from lsst.analysis.cp.core.pyramid import PyramidReader
from lsst.analysis.cp.navigator.pictures import stored, thumbnails
from lsst.analysis.cp.navigator.pictures.thumbnails import PictureStore
from lsst.daf.butler import Butler, DatasetRef

pytestmark = ON_SQLITE_ALONE
FIRST_EXPOSURE = exposuresOf(COMCAM)[0]


@pytest.fixture
def plot(repository: NavigatorRepository) -> DatasetRef:
    return repository.find(DETECTOR, instrument=COMCAM, exposure=FIRST_EXPOSURE, detector=4)


def read(response) -> Image.Image:
    assert response.status == 200, response.data
    return Image.open(io.BytesIO(response.data))


def test_page_says_what_a_dataset_is(server, plot):
    page = html.unescape(askPage(server, f"/dataset/{plot.id}", collection=CHAIN))
    for text in (
        DETECTOR,
        FIRST,
        str(plot.id),
        "R22_S11 (4)",
        str(FIRST_EXPOSURE),
        "20260301",
        "analysis_cp 1",
    ):
        assert f">{text}<" in page, text
    assert f"{TABLE} {{instrument: 'LSSTComCam', exposure: {FIRST_EXPOSURE}}} of {FIRST}" in page


def test_links_of_a_page_lead_to_what_they_name(server, plot):
    links = linksOf(askPage(server, f"/dataset/{plot.id}", collection=CHAIN), "/plots")
    of_detector = next(link for link in links if "detector=R22_S11" in link)
    assert f"type={DETECTOR}" in html.unescape(askPage(server, of_detector))
    for link in links:
        askPage(server, link)


@pytest.mark.parametrize(
    ("datasetType", "dataId", "follows"),
    [
        (DETECTOR, {"detector": 4}, "&detector=4"),
        # A raft is stored under one of its detectors, which is not what is meant.
        (RAFT, {}, ""),
        (EXPOSURE, {}, ""),
    ],
)
def test_plots_of_exposures_lead_to_the_pixels(server, repository, datasetType, dataId, follows):
    ref = repository.find(datasetType, instrument=COMCAM, exposure=FIRST_EXPOSURE, **dataId)
    page = askPage(server, f"/dataset/{ref.id}", collection=CHAIN)
    (link,) = linksOf(page, "/view/")
    assert link == f"/view/{repository.find(PYRAMID).id}?collection={quote(CHAIN, safe='')}{follows}"
    askPage(server, link)


def test_plots_without_pixels_have_no_link_to_them(server, repository):
    other = repository.find(DETECTOR, instrument=COMCAM, exposure=exposuresOf(COMCAM)[1], detector=4)
    for ref, collection in ((other, CHAIN), (repository.find(RUN, instrument=COMCAM), CHAIN)):
        assert linksOf(askPage(server, f"/dataset/{ref.id}", collection=collection), "/view/") == []
    # The page stays, whatever became of the collection in its address.
    plot = repository.find(EXPOSURE, instrument=COMCAM, exposure=FIRST_EXPOSURE)
    assert linksOf(askPage(server, f"/dataset/{plot.id}", collection="u/me/removed"), "/view/") == []


def test_page_of_a_raft_names_it(server, repository):
    ref = repository.find(RAFT, instrument=COMCAM, exposure=FIRST_EXPOSURE)
    page = askPage(server, f"/dataset/{ref.id}")
    assert "raft R22, exposure" in page
    assert [link for link in linksOf(page, "/plots") if "raft=R22" in link]


def test_picture_is_as_stored(server, repository, plot):
    response = ask(server, f"/dataset/{plot.id}/picture")
    assert response.data == repository.pathOf(plot).read_bytes()
    assert response.headers["Content-Type"] == "image/png"


@pytest.mark.parametrize("kind", ["picture", "thumbnail"])
def test_browsers_keep_pictures(server, plot, kind):
    response = ask(server, f"/dataset/{plot.id}/{kind}")
    assert "immutable" in response.headers["Cache-Control"]
    again = ask(server, f"/dataset/{plot.id}/{kind}", {"If-None-Match": response.headers["ETag"]})
    assert (again.status, again.data) == (304, b"")
    assert ask(server, f"/dataset/{plot.id}/{kind}", {"If-None-Match": '"other"'}).status == 200


def test_thumbnail_is_the_picture_in_small(server, repository, plot):
    small = read(ask(server, f"/dataset/{plot.id}/thumbnail"))
    assert small.format == "WEBP"
    assert small.size == SIZE
    colour = np.asarray(Image.open(repository.pathOf(plot)).convert("RGB"))[0, 0].astype(int)
    assert np.abs(np.asarray(small.convert("RGB")).astype(int) - colour).max() < 8


def test_large_plots_have_thumbnails_of_their_shape(changed, plot):
    writePng(changed.pathOf(plot), 1, (3000, 1000))
    with runServer(changed.root) as address:
        assert read(ask(address, f"/dataset/{plot.id}/thumbnail")).size == (480, 160)


def test_images_have_pictures(server, repository):
    pixels = np.asarray(read(ask(server, f"/dataset/{repository.find(IMAGE).id}/picture"))).astype(int)
    assert pixels.shape == (60, 80, 3)
    # The first row is at the bottom, where the values are the least, but the first ten have none.
    assert pixels[-1, 0].tolist() == [38, 50, 72]
    assert pixels[-1, 20, 0] < 5
    assert pixels[0, -1, 0] > 250
    assert read(ask(server, f"/dataset/{repository.find(EXPOSURE_IMAGE).id}/thumbnail")).size == (32, 24)


def test_pyramids_are_shown_by_their_overviews(server, repository, pyramidPath):
    with PyramidReader(pyramidPath) as reader:
        shape = reader.overview().shape
    small = read(ask(server, f"/dataset/{repository.find(PYRAMID).id}/thumbnail"))
    assert small.width / small.height == pytest.approx(shape[1] / shape[0], rel=0.05)


def test_what_is_neither_plot_nor_image_is_not_there(server, repository):
    number = repository.find(TABLE).id
    for path in ("", "/picture"):
        text = askPage(server, f"/dataset/{number}{path}", status=404)
        assert "is neither a plot nor an image." in text
    assert ask(server, f"/dataset/{number}/thumbnail").status == 404


@pytest.mark.parametrize("path", ["", "/picture", "/thumbnail"])
def test_unknown_datasets_are_not_there(server, path):
    number = UUID("01a21ac6-3ed3-7286-8a70-8c28663149c6")
    response = ask(server, f"/dataset/{number}{path}")
    assert response.status == 404
    assert f"There is no dataset {str(number)[:8]}" in response.data.decode()
    assert ask(server, f"/dataset/x{path}").status == 400


def lose(path: Path) -> None:
    path.unlink()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def replace(path: Path) -> None:
    path.write_text("root:x:0:0:root:/root:/bin/bash")


def damage(path: Path) -> None:
    """Spoil the compressed pixels."""
    content = bytearray(path.read_bytes())
    start = content.index(b"IDAT") + 8
    content[start : start + 20] = bytes(20)
    path.write_bytes(content)


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("harm", "status", "says"),
    [
        (lose, 404, "is gone"),
        (cut, 422, "is cut off"),
        (replace, 422, "is no PNG"),
        (damage, 422, "is damaged"),
        (pipe, 422, "is no regular file"),
    ],
)
def test_a_bad_file_costs_itself(changed, plot, harm, status, says):
    other = changed.find(DETECTOR, instrument=COMCAM, exposure=FIRST_EXPOSURE, detector=5)
    harm(changed.pathOf(plot))
    with runServer(changed.root) as address:
        response = ask(address, f"/dataset/{plot.id}/thumbnail")
        assert (response.status, response.headers["Content-Type"]) == (status, "image/svg+xml")
        words = " ".join(
            html.unescape(line) for line in re.findall(r"<text[^>]*>(.*?)</text>", response.data.decode())
        )
        assert words.startswith("The file of cpBiasExpDet_biasNoise_AmpGridPlot")
        assert says in words
        page = askPage(address, f"/dataset/{plot.id}/picture", status=status)
        assert f"{{instrument: LSSTComCam, detector: 4, exposure: {FIRST_EXPOSURE}}}" in html.unescape(page)
        assert says in html.unescape(askPage(address, f"/dataset/{plot.id}"))
        assert ask(address, f"/dataset/{other.id}/thumbnail").status == 200
        assert str(plot.id) in askPage(address, "/plots", collection=CHAIN, type=DETECTOR, instrument=COMCAM)


@pytest.mark.parametrize("harm", [lose, cut, replace, damage])
def test_a_file_that_is_mended_is_seen(changed, plot, harm):
    path = changed.pathOf(plot)
    content = path.read_bytes()
    with runServer(changed.root) as address:
        harm(path)
        for name in ("picture", "thumbnail"):
            # No browser may keep this in place of what comes later.
            assert ask(address, f"/dataset/{plot.id}/{name}").headers["Cache-Control"] == "no-cache"
        path.write_bytes(content)
        assert ask(address, f"/dataset/{plot.id}/picture").data == content
        assert ask(address, f"/dataset/{plot.id}/thumbnail").status == 200


def test_damage_beside_the_pixels_does_not_matter(changed, plot):
    path = changed.pathOf(plot)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"Software\0analysis", b"Software\0Analysis"))
    assert path.read_bytes() != content
    with runServer(changed.root) as address:
        assert ask(address, f"/dataset/{plot.id}/picture").status == 200


def test_datasets_may_be_removed_while_they_are_looked_at(changed, plot):
    with runServer(changed.root) as address:
        assert ask(address, f"/dataset/{plot.id}/picture").status == 200
        with Butler.from_config(str(changed.root), writeable=True) as butler:
            butler.pruneDatasets([plot], purge=True, unstore=True, disassociate=True)
        assert "There is no dataset" in askPage(address, f"/dataset/{plot.id}", status=404)
        assert str(plot.id) not in askPage(
            address, "/plots", collection=CHAIN, type=DETECTOR, instrument=COMCAM
        )


def test_data_that_are_gone_are_no_problem_for_the_page(changed, plot):
    writePng(changed.pathOf(plot), 1, Inputs="no_such", Collections="no/such", Software="<script>")
    with runServer(changed.root) as address:
        page = askPage(address, f"/dataset/{plot.id}")
    assert "no_such" in page
    assert "&lt;script&gt;" in page


def test_data_that_can_be_looked_at_are_linked(changed, plot):
    path = changed.pathOf(plot)
    path.unlink()
    writePng(path, 1, Inputs=f"{IMAGE}, {TABLE}", Collections=FIRST)
    with runServer(changed.root) as address:
        page = askPage(address, f"/dataset/{plot.id}")
    assert linksOf(page, f"/dataset/{changed.find(IMAGE).id}")
    assert not linksOf(page, f"/dataset/{changed.find(TABLE).id}")


def test_bombs_are_refused(changed, plot, monkeypatch):
    """A few kilobytes that stand for a billion pixels are not even decoded."""
    rows = zlib.compress(bytes(1 << 20), 9)

    def chunk(kind: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)

    header = (32000).to_bytes(4) + (32000).to_bytes(4) + bytes([8, 2, 0, 0, 0])
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    changed.pathOf(plot).write_bytes(bomb)
    with runServer(changed.root) as address:
        response = ask(address, f"/dataset/{plot.id}/thumbnail")
        assert response.status == 422
        assert "pixels" in response.data.decode()
        askPage(address, f"/dataset/{plot.id}")


def test_files_that_are_too_large_are_not_read(server, plot, monkeypatch):
    monkeypatch.setattr(stored, "MAX_BYTES", 100)
    response = ask(server, f"/dataset/{plot.id}/picture")
    assert response.status == 422
    assert "bytes, over 100" in response.data.decode()


def test_thumbnails_are_made_once_and_memory_is_bounded(repository, monkeypatch):
    made = []
    draw = thumbnails._shrink
    monkeypatch.setattr(thumbnails, "_shrink", lambda butler, ref: made.append(ref.id) or draw(butler, ref))
    refs = [ref for ref in repository.refs.values() if ref.datasetType.name == EXPOSURE][:8]
    with repository.open() as butler:
        sizes = {ref.id: len(PictureStore().makeThumbnail(butler, ref)) for ref in refs}
        made.clear()
        store = PictureStore(cachedBytes=sum(sizes.values()) // 2)
        first = [store.makeThumbnail(butler, refs[0]) for _ in range(3)]
        assert made == [refs[0].id]
        assert len(set(first)) == 1
        for ref in refs:
            store.makeThumbnail(butler, ref)
        assert store._made.currsize <= store._made.maxsize
        store.makeThumbnail(butler, refs[0])
    assert made.count(refs[0].id) == 2


def test_many_threads_get_the_right_pictures(server, repository):
    """As many requests at a time as the server has threads, each answered with its own dataset."""
    refs = [ref for ref in repository.refs.values() if ref.datasetType.name == DETECTOR]
    content = {ref.id: repository.pathOf(ref).read_bytes() for ref in refs}
    start = threading.Barrier(40)

    def check(i: int) -> bool:
        start.wait(30)
        ref = refs[i % len(refs)]
        listed = askPage(
            server,
            "/plots",
            collection=CHAIN,
            type=DETECTOR,
            instrument=ref.dataId["instrument"],
            exposure=ref.dataId["exposure"],
        )
        return ask(server, f"/dataset/{ref.id}/picture").data == content[ref.id] and str(ref.id) in listed

    with ThreadPoolExecutor(40) as pool:
        assert all(pool.map(check, range(80)))


def test_hostile_run_of_a_dataset_is_text(server, repository):
    ref = repository.find(OTHER, HOSTILE, instrument=COMCAM, group=str(FIRST_EXPOSURE))
    page = askPage(server, f"/dataset/{ref.id}")
    assert "<img src=x" not in page
    assert f">{HOSTILE}<" in html.unescape(page)
    for link in linksOf(page, "/plots"):
        askPage(server, link)
