# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pages that list collections, types and datasets."""

from __future__ import annotations

import html
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from asking import ask, askPage, linksOf
from navigatorRepository import (
    CALIB,
    CHAIN,
    COMCAM,
    DAYS,
    DETECTOR,
    EMPTY,
    EXPOSURE,
    FIRST,
    HOSTILE,
    IMAGE,
    LATISS,
    OTHER,
    PYRAMID,
    RUN,
    SECOND,
    NavigatorRepository,
    exposuresOf,
    writePng,
)
from runningServer import runServer

from lsst.analysis.cp.navigator.browse.paging import PAGE_SIZE
from lsst.daf.butler import Butler, CollectionType, DatasetRef, DatasetType, FileDataset

FIRST_EXPOSURE = exposuresOf(COMCAM)[0]


def shownIds(page: str) -> list[str]:
    """List the datasets that a page shows thumbnails of."""
    return re.findall(r'src="/dataset/([0-9a-f-]{36})/thumbnail"', page)


def queryOf(address: str) -> dict[str, str]:
    return {key: value for key, (value,) in parse_qs(urlsplit(address).query).items()}


def test_home_leads_to_plots_images_and_calibrations(server):
    page = askPage(server)
    links = linksOf(page)
    for path, collection in (("plots", CHAIN), ("images", CHAIN), ("calibrations", CALIB), ("plots", SECOND)):
        assert f"/{path}?collection={collection.replace('/', '%2F')}" in links
    assert not [link for link in linksOf(page, "/plots") if queryOf(link)["collection"] == EMPTY]


def test_home_finds_collections(server):
    page = askPage(server, pattern="verify/f")
    assert {queryOf(link)["collection"] for link in linksOf(page, "/plots")} == {FIRST}
    assert "No collection is called so." in askPage(server, pattern="<b>")
    assert "kind: there is no &#39;X&#39;. There are: RUN" in askPage(server, status=400, kind="X")


def test_repository_without_collections_says_so(tmp_path):
    Butler.makeRepo(str(tmp_path / "repository"))
    with runServer(tmp_path / "repository") as address:
        assert "The repository has no collections." in askPage(address)


def test_types_lead_to_datasets(server):
    page = askPage(server, "/plots", collection=CHAIN)
    types = {queryOf(link)["type"] for link in linksOf(page, "/plots") if "type" in queryOf(link)}
    assert {EXPOSURE, DETECTOR, RUN, OTHER} <= types
    assert IMAGE not in types
    headings = re.findall(r"<h2 [^>]*>(.*?)</h2>", page)
    assert headings == ["Bias", "Defects", "Flat", "theirTool"]


def test_samples_are_the_first_datasets(server, repository):
    response = ask(server, "/sample", collection=CHAIN, type=EXPOSURE, instrument=COMCAM, day_obs=DAYS[1])
    number = repository.find(EXPOSURE, SECOND, instrument=COMCAM, exposure=2026030200001).id
    assert (response.status, response.headers["Location"]) == (302, f"/dataset/{number}/thumbnail")


def test_sample_of_nothing_says_so(server):
    response = ask(
        server, "/sample", collection=SECOND, type=EXPOSURE, instrument=COMCAM, exposure=FIRST_EXPOSURE
    )
    assert response.status == 200
    assert response.headers["Content-Type"] == "image/svg+xml"
    assert "none selected" in response.data.decode()


def test_types_that_lack_a_selected_dimension_are_marked(server):
    page = askPage(server, "/plots", collection=CHAIN, instrument=COMCAM, detector="R22_S11")
    assert "Have no detector: " in page
    assert "Have no detector: " not in askPage(server, "/plots", collection=CHAIN, instrument=COMCAM)
    samples = {queryOf(link)["type"] for link in linksOf(page, "/sample")}
    assert DETECTOR in samples
    assert EXPOSURE not in samples


def test_datasets_have_pages(server):
    seen: list[str] = []
    link = f"/plots?collection={CHAIN}&type={DETECTOR}"
    while link:
        page = askPage(server, link)
        seen += shownIds(page)
        link = next(iter(re.findall(r'rel="next" href="([^"]*)"', page)), "")
        link = html.unescape(link)
    assert len(seen) == len(set(seen)) == 80
    assert PAGE_SIZE < 80


def test_selection_is_in_the_address_of_each_page(server, repository):
    page = askPage(server, "/plots", collection=CHAIN, type=DETECTOR, instrument=COMCAM)
    following = html.unescape(re.search(r'rel="next" href="([^"]*)"', page)[1])
    assert queryOf(following)["instrument"] == COMCAM
    shown = {ref.dataId["instrument"] for ref in repository.refs.values() if str(ref.id) in shownIds(page)}
    assert shown == {COMCAM}


def test_choices_are_offered(server):
    offered = ask(server, "/choices", collection=CHAIN, type=DETECTOR, instrument=COMCAM).json()
    assert offered["detector"]["options"][4] == ["R22_S11", "4"]
    assert ask(server, "/choices", collection=CHAIN, instrument=LATISS).json()["detector"]["options"] == [
        ["RXX_S00", "0"]
    ]
    assert ask(server, "/choices", collection=EMPTY).json() == {}


@pytest.mark.parametrize("collection", [EMPTY, CALIB])
def test_empty_collections_say_so(server, collection):
    assert "The collection has no plots" in askPage(server, "/plots", collection=collection)
    assert "The collection has no images" in askPage(server, "/images", collection=collection)


def test_types_without_datasets_say_so(changed):
    with Butler.from_config(str(changed.root), writeable=True) as butler:
        refs = [ref for ref in changed.refs.values() if ref.datasetType.name == RUN]
        butler.pruneDatasets(refs, purge=True, unstore=True, disassociate=True)
    with runServer(changed.root) as address:
        assert RUN in askPage(address, "/plots", collection=CHAIN)
        page = askPage(address, "/plots", collection=CHAIN, type=RUN)
        assert "There is no dataset of this type any more." in page


def test_ends_of_lists_say_so(server):
    page = askPage(server, "/plots", collection=CHAIN, type=RUN, after='["Z"]')
    assert "There are no more." in page
    page = askPage(
        server, "/plots", collection=SECOND, type=EXPOSURE, instrument=COMCAM, exposure=FIRST_EXPOSURE
    )
    assert "None is selected." in page
    page = askPage(server, "/plots", collection=CHAIN, type=RUN, instrument=COMCAM, detector=4)
    assert "Plots of this type have no detector." in page


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ({"collection": "no/such"}, 404, "no/such"),
        ({"collection": CHAIN, "type": "no"}, 404, "has no such dataset type: no."),
        ({"collection": CHAIN, "type": IMAGE}, 404, f"has no such dataset type: {IMAGE}."),
        (
            {"collection": CHAIN, "exposure": 1},
            400,
            "instrument: say which is meant. There are: LATISS, LSSTComCam.",
        ),
        (
            {"collection": CHAIN, "instrument": COMCAM, "exposure": 1},
            400,
            "exposure: there is no 1. The nearest are",
        ),
        ({"collection": CHAIN, "type": RUN, "after": "x"}, 400, "page: expected a list of instrument"),
        ({"collection": "a" * 300}, 400, "collection: String should have at most 256 characters"),
        ({}, 400, "collection: Field required"),
    ],
)
def test_what_cannot_be_shown_is_named(server, query, status, says):
    assert says in html.unescape(askPage(server, "/plots", status=status, **query))


def test_images_lead_to_the_viewer_or_to_a_picture(server, repository):
    page = askPage(server, "/images", collection=CHAIN, type=PYRAMID)
    assert linksOf(page, f"/view/{repository.find(PYRAMID).id}?collection=")
    page = askPage(server, "/images", collection=CHAIN, type=IMAGE)
    assert linksOf(page, f"/dataset/{repository.find(IMAGE).id}?")


def test_selection_goes_from_plots_to_images_and_back(server):
    query = {"collection": CHAIN, "instrument": COMCAM, "detector": "R22_S11"}
    for here, there in (("/plots", "/images"), ("/images", "/plots")):
        (link,) = [
            link for link in linksOf(askPage(server, here, **query), there) if "type" not in queryOf(link)
        ][:1]
        assert queryOf(link) == query


def test_types_say_what_there_is_a_plot_of(server):
    page = askPage(server, "/plots", collection=CHAIN)
    for scope in ("for each exposure", "for each detector and exposure", "for each raft and exposure"):
        assert f"<small>{scope}</small>" in page
    assert "<small>for the whole run</small>" in page


def test_new_datasets_and_collections_are_shown_at_the_next_load(changed):
    with runServer(changed.root) as address:
        assert "The collection has no plots" in askPage(address, "/plots", collection=EMPTY)
        with Butler.from_config(str(changed.root), writeable=True) as butler:
            butler.collections.register("u/me/new", CollectionType.CHAINED)
            butler.collections.redefine_chain("u/me/new", [EMPTY])
            ref = changed.find(EXPOSURE, instrument=COMCAM, exposure=FIRST_EXPOSURE)
            path = changed.pathOf(ref)
            kind = DatasetType(
                "cpNew_new_Plot", ("instrument", "exposure"), "Plot", universe=butler.dimensions
            )
            butler.registry.registerDatasetType(kind)
            new = DatasetRef(kind, ref.dataId, EMPTY)
            butler.ingest(FileDataset(path=str(path), refs=[new]), transfer="copy")
        assert "u/me/new" in askPage(address)
        assert "cpNew_new_Plot" in askPage(address, "/plots", collection="u/me/new")
        page = askPage(address, "/plots", collection="u/me/new", type="cpNew_new_Plot")
        assert shownIds(page) == [str(new.id)]


def addPlots(repository: NavigatorRepository, name: str, *dataIds: dict[str, int | str]) -> list[DatasetRef]:
    """Add plots of a new type."""
    with Butler.from_config(str(repository.root), writeable=True) as butler:
        kind = DatasetType(name, tuple(dataIds[0]), "Plot", universe=butler.dimensions)
        butler.registry.registerDatasetType(kind)
        refs = [DatasetRef(kind, butler.registry.expandDataId(each), FIRST) for each in dataIds]
        for i, ref in enumerate(refs):
            path = writePng(repository.root / f"{ref.id}.png", i)
            butler.ingest(FileDataset(path=str(path), refs=[ref]), transfer="move")
    return refs


def test_plots_of_pixels_of_the_sky_have_pages(changed):
    refs = addPlots(changed, "theirs_sky_Plot", *({"htm7": 131072 + i} for i in range(3)))
    with runServer(changed.root) as address:
        page = askPage(address, "/plots", collection=FIRST, type="theirs_sky_Plot")
        assert shownIds(page) == [str(ref.id) for ref in refs]
        line = ask(address, "/flip/line", collection=FIRST, type="theirs_sky_Plot", htm7=131073).json()
        selected = askPage(address, "/plots", collection=FIRST, type="theirs_sky_Plot", htm7=131074)
    assert [each["id"] for each in (*line["before"], line["here"], *line["after"])] == shownIds(page)
    assert shownIds(selected) == [str(refs[2].id)]


def test_detectors_whose_names_are_numbers_are_not_taken_for_others(changed):
    with Butler.from_config(str(changed.root), writeable=True) as butler:
        butler.registry.insertDimensionData("instrument", {"name": "Cam", "detector_max": 9})
        # Each has the number of another one as its name.
        records = ({"instrument": "Cam", "id": i, "full_name": str(3 - i)} for i in range(4))
        butler.registry.insertDimensionData("detector", *records)
    data_ids = ({"instrument": "Cam", "detector": i} for i in range(4))
    refs = addPlots(changed, "theirs_camera_Plot", *data_ids)
    query = {"collection": FIRST, "type": "theirs_camera_Plot", "instrument": "Cam"}
    with runServer(changed.root) as address:
        page = askPage(address, f"/dataset/{refs[1].id}")
        (link,) = (each for each in linksOf(page, "/plots") if "detector" in queryOf(each))
        choices = ask(address, "/choices", **query).json()["detector"]["options"]
        chosen = askPage(address, "/plots", **query, detector=choices[1][0])
    assert queryOf(link)["detector"] == "1"
    assert choices[1] == ["1", "2"]
    assert shownIds(chosen) == [str(refs[1].id)]


def test_hostile_names_are_text(server):
    for path, query in (
        ("/", {}),
        ("/plots", {"collection": HOSTILE}),
        ("/plots", {"collection": HOSTILE, "type": OTHER}),
        ("/images", {"collection": HOSTILE}),
    ):
        page = askPage(server, path, **query)
        assert "<img src=x" not in page
        assert HOSTILE in html.unescape(page)
    links = {link for link in linksOf(askPage(server), "/plots") if queryOf(link)["collection"] == HOSTILE}
    for link in links:
        assert OTHER in askPage(server, link)
    assert links
