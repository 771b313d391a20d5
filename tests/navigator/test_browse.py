# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Types, selections and pages of datasets, against a look at each dataset."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest
from navigatorRepository import (
    CALIB,
    CHAIN,
    COMCAM,
    DAYS,
    DETECTOR,
    EMPTY,
    EXPOSURE,
    FILTER,
    FILTERS,
    FIRST,
    HOSTILE,
    IMAGE,
    LATISS,
    OTHER,
    PYRAMID,
    RAFT,
    RUN,
    SECOND,
    TAGGED,
    VISIT,
    NavigatorRepository,
    exposuresOf,
)

from lsst.analysis.cp.navigator.browse.choices import MOST_OPTIONS, Choice, offerChoices
from lsst.analysis.cp.navigator.browse.collections import findCollections
from lsst.analysis.cp.navigator.browse.labels import summarize
from lsst.analysis.cp.navigator.browse.paging import findPage, keyOf, readKey, writeKey
from lsst.analysis.cp.navigator.browse.selection import Selection, SelectionError, readSelection
from lsst.analysis.cp.navigator.browse.types import (
    BrowsedType,
    findType,
    isImage,
    isPlot,
    isPyramid,
    isShown,
    listTypes,
)
from lsst.daf.butler import Butler, DatasetNotFoundError, DatasetRef, MissingCollectionError

INSTRUMENTS = {"instrument": (LATISS, COMCAM)}
FIRST_EXPOSURE = exposuresOf(COMCAM)[0]


@pytest.fixture(scope="module")
def butler(repository: NavigatorRepository) -> Iterator[Butler]:
    with repository.open() as butler:
        yield butler


def browse(butler: Butler, name: str, collection: str = CHAIN) -> BrowsedType:
    return findType(listTypes(butler, collection, isShown), name, collection)


def expected(
    repository: NavigatorRepository, name: str, runs: list[str], fits: Callable[[DatasetRef], bool]
) -> list[DatasetRef]:
    """Look at each dataset: of one data ID there is the one of the first run, sorted by dimensions."""
    found: dict[tuple, DatasetRef] = {}
    for run, ref in itertools.product(runs, repository.refs.values()):
        if ref.datasetType.name == name and ref.run == run and fits(ref):
            found.setdefault(tuple(ref.dataId.required.values()), ref)
    return [found[key] for key in sorted(found)]


def walk(butler: Butler, browsed: BrowsedType, selection: Selection, size: int) -> list[DatasetRef]:
    """Go through all pages forwards, and back again; both ways lead along the same datasets."""
    pages = [findPage(butler, browsed, selection, size=size)]
    assert pages[0].before is None
    while pages[-1].after is not None:
        pages.append(findPage(butler, browsed, selection, size=size, after=pages[-1].after))
        assert pages[-1].refs
        assert len(pages) < 100
    assert all(len(page.refs) == size for page in pages[:-1])
    for page, following in itertools.pairwise(pages):
        back = findPage(butler, browsed, selection, size=size, before=following.before)
        assert back.refs == page.refs
        assert (back.before is None) == (page is pages[0])
        assert back.after == page.after
    return [ref for page in pages for ref in page.refs]


SELECTIONS = {
    "all": ({}, lambda ref: True),
    "instrument": ({"instrument": COMCAM}, lambda ref: ref.dataId["instrument"] == COMCAM),
    "exposure": (
        {"instrument": COMCAM, "exposure": str(FIRST_EXPOSURE)},
        lambda ref: (ref.dataId["instrument"], ref.dataId["exposure"]) == (COMCAM, FIRST_EXPOSURE),
    ),
    "name of exposure": (
        {"instrument": LATISS, "exposure": "LA_O_20260302_000003"},
        lambda ref: (ref.dataId["instrument"], ref.dataId["exposure"]) == (LATISS, 2026030200003),
    ),
    "day": (
        {"instrument": COMCAM, "day_obs": str(DAYS[1])},
        lambda ref: (ref.dataId["instrument"], ref.dataId["exposure"] // 100000) == (COMCAM, DAYS[1]),
    ),
    "filter": (
        {"instrument": COMCAM, "physical_filter": FILTERS[COMCAM][1]},
        lambda ref: ref.dataId["instrument"] == COMCAM and ref.dataId["exposure"] % 2 == 0,
    ),
}
OF_DETECTORS = {
    "detector": (
        {"instrument": COMCAM, "detector": "4"},
        lambda ref: (ref.dataId["instrument"], ref.dataId["detector"]) == (COMCAM, 4),
    ),
    "name of detector": (
        {"instrument": COMCAM, "detector": "R22_S11", "day_obs": str(DAYS[0])},
        lambda ref: (
            (ref.dataId["instrument"], ref.dataId["detector"], ref.dataId["exposure"] // 100000)
            == (COMCAM, 4, DAYS[0])
        ),
    ),
    "raft": ({"instrument": COMCAM, "raft": "R22"}, lambda ref: ref.dataId["instrument"] == COMCAM),
}


@pytest.mark.parametrize("size", [1, 3, 48])
@pytest.mark.parametrize("selected", SELECTIONS)
@pytest.mark.parametrize("collection", [CHAIN, FIRST])
def test_pages_lead_past_each_dataset_once(butler, repository, collection, selected, size):
    given, fits = SELECTIONS[selected]
    browsed = browse(butler, EXPOSURE, collection)
    selection = readSelection(butler, given, browsed.governors)
    runs = [SECOND, FIRST] if collection == CHAIN else [FIRST]
    wanted = expected(repository, EXPOSURE, runs, fits)
    assert wanted
    assert [ref.id for ref in walk(butler, browsed, selection, size)] == [ref.id for ref in wanted]


@pytest.mark.parametrize("size", [5, 48])
@pytest.mark.parametrize("selected", SELECTIONS | OF_DETECTORS)
def test_pages_of_detectors(butler, repository, selected, size):
    given, fits = (SELECTIONS | OF_DETECTORS)[selected]
    browsed = browse(butler, DETECTOR)
    selection = readSelection(butler, given, browsed.governors)
    wanted = expected(repository, DETECTOR, [FIRST], fits)
    assert wanted
    assert [ref.id for ref in walk(butler, browsed, selection, size)] == [ref.id for ref in wanted]


@pytest.mark.parametrize("name", [RUN, FILTER, VISIT, OTHER, RAFT])
def test_any_dimensions_have_pages(butler, repository, name):
    wanted = expected(repository, name, [FIRST], lambda ref: True)
    assert wanted
    found = walk(butler, browse(butler, name), Selection(), 2)
    # How text is sorted is a matter of the database.
    assert sorted(found, key=lambda ref: ref.id) == sorted(wanted, key=lambda ref: ref.id)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        (FILTER, {"instrument": LATISS, "physical_filter": FILTERS[LATISS][0]}),
        (VISIT, {"instrument": LATISS, "visit": str(FIRST_EXPOSURE)}),
        (VISIT, {"instrument": LATISS, "visit": "LA_O_20260301_000001"}),
        (OTHER, {"instrument": LATISS, "group": str(FIRST_EXPOSURE)}),
    ],
)
def test_any_dimension_selects(butler, name, given):
    browsed = browse(butler, name)
    (ref,) = findPage(butler, browsed, readSelection(butler, given, browsed.governors)).refs
    assert ref.dataId["instrument"] == LATISS


def test_detector_selects_the_plot_of_its_raft(butler, repository):
    browsed = browse(butler, RAFT)
    selection = readSelection(
        butler,
        {"instrument": COMCAM, "detector": "R22_S11", "exposure": str(FIRST_EXPOSURE)},
        browsed.governors,
    )
    (ref,) = findPage(butler, browsed, selection).refs
    assert ref.id == repository.find(RAFT, instrument=COMCAM, exposure=FIRST_EXPOSURE).id


def test_tagged_datasets_are_found(butler, repository):
    browsed = browse(butler, DETECTOR, TAGGED)
    assert len(walk(butler, browsed, Selection(), 2)) == 5
    assert browsed.collections == (TAGGED,)


def test_names_with_stars_are_no_patterns(butler, repository):
    (browsed,) = listTypes(butler, HOSTILE)
    assert browsed.collections == (HOSTILE,)
    assert {ref.run for ref in walk(butler, browsed, Selection(), 5)} == {HOSTILE}
    with pytest.raises(MissingCollectionError):
        listTypes(butler, "u/*")


def test_selection_of_what_a_type_lacks_finds_nothing(butler):
    browsed = browse(butler, EXPOSURE)
    selection = readSelection(butler, {"instrument": COMCAM, "detector": "4"}, browsed.governors)
    assert selection.lacking(browsed.datasetType.dimensions) == ["detector"]
    assert findPage(butler, browsed, selection).refs == ()


def test_pages_beyond_the_end_are_empty(butler):
    browsed = browse(butler, EXPOSURE)
    assert findPage(butler, browsed, Selection(), after=("Z", 1)).refs == ()
    assert findPage(butler, browsed, Selection(), before=("A", 1)).refs == ()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"exposure": str(FIRST_EXPOSURE)}, "instrument: say which is meant. There are: LATISS, LSSTComCam."),
        ({"instrument": "HSC"}, "instrument: there is no 'HSC' here. There are: LATISS, LSSTComCam."),
        (
            {"instrument": COMCAM, "exposure": "17"},
            f"exposure: there is no 17. The nearest are {FIRST_EXPOSURE},",
        ),
        ({"instrument": COMCAM, "exposure": "9" * 18}, "The nearest are 2026030100004, 2026030200001"),
        (
            {"instrument": COMCAM, "exposure": "9" * 19},
            f"exposure: there is no '{'9' * 19}'. The most similar are ",
        ),
        ({"instrument": COMCAM, "exposure": "-1"}, "exposure: there is no '-1'."),
        (
            {"instrument": COMCAM, "exposure": "CC_O_20260301"},
            "exposure: there is no 'CC_O_20260301'. The most",
        ),
        (
            {"instrument": COMCAM, "detector": "R22_S33"},
            "detector: there is no 'R22_S33'. The most similar are R22_S",
        ),
        ({"instrument": COMCAM, "detector": "9"}, "detector: there is no 9. The nearest are 4, 5, 6, 7, 8."),
        ({"instrument": COMCAM, "raft": "R99"}, "raft: there is no 'R99'. There are R22."),
        (
            {"instrument": COMCAM, "day_obs": "20260303"},
            "day_obs: there is no 20260303. The nearest are 20260301, ",
        ),
        ({"instrument": COMCAM, "day_obs": "yesterday"}, "day_obs: expected a number, got 'yesterday'."),
        (
            {"instrument": COMCAM, "physical_filter": "r"},
            "physical_filter: there is no 'r'. The most similar are ",
        ),
        (
            {"instrument": COMCAM, "physical_filter": "r' OR 1=1 --"},
            'physical_filter: there is no "r\' OR 1=1 --".',
        ),
        ({"colour": "red"}, "colour: there is no such dimension; raft is the only other key."),
        ({"group": "a" * 300}, "group: expected at most 256 letters."),
        ({"group": "a\0b"}, "group: expected at most 256 letters."),
        ({"tract": "1"}, "skymap: say which is meant. There are: none."),
    ],
)
def test_what_selects_nothing_is_named_with_what_there_is(butler, given, says):
    with pytest.raises(SelectionError) as caught:
        readSelection(butler, given, INSTRUMENTS)
    assert says in str(caught.value)
    assert str(caught.value).startswith(f"{caught.value.key}: ")


def test_only_instrument_need_not_be_said(butler):
    selection = readSelection(
        butler, {"exposure": str(FIRST_EXPOSURE), "raft": " "}, {"instrument": (COMCAM,)}
    )
    assert selection.values == {"instrument": COMCAM, "exposure": FIRST_EXPOSURE}
    assert selection.given == {"exposure": str(FIRST_EXPOSURE)}


def test_keys_go_through_addresses(butler, repository):
    browsed = browse(butler, DETECTOR)
    ref = repository.find(DETECTOR, instrument=COMCAM, exposure=FIRST_EXPOSURE, detector=4)
    key = keyOf(browsed, ref.dataId)
    assert key == (COMCAM, 4, FIRST_EXPOSURE)
    assert readKey(browsed, writeKey(key)) == key
    assert readKey(browsed, writeKey(None)) is None


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "[]",
        "{}",
        "null",
        '["LATISS",0]',
        '["LATISS",0,1.5]',
        '["LATISS",true,1]',
        "[" * 900,
        f'["a",0,{1 << 63}]',
    ],
)
def test_odd_keys_are_refused(butler, text):
    with pytest.raises(SelectionError, match=r"page: expected a list of instrument, detector, exposure"):
        readKey(browse(butler, DETECTOR), text)


def test_types_are_of_one_kind_each(butler):
    plots, images = ({each.name for each in listTypes(butler, CHAIN, kind)} for kind in (isPlot, isImage))
    assert plots == {EXPOSURE, DETECTOR, RAFT, RUN, FILTER, VISIT, OTHER}
    assert images == {IMAGE, PYRAMID, "verifyBiasIsrExp"}
    assert [each.name for each in listTypes(butler, CHAIN, isPyramid)] == [PYRAMID]


def test_types_are_grouped_by_product(butler):
    groups = {each.name: each.group for each in listTypes(butler, CHAIN, isShown)}
    assert groups[EXPOSURE] == groups[RUN] == groups[PYRAMID] == "Bias"
    assert groups[VISIT] == "Defects"
    assert groups[OTHER] == "theirTool"
    listed = [each.group.lower() for each in listTypes(butler, CHAIN, isShown)]
    assert listed == sorted(listed)


@pytest.mark.parametrize("collection", [EMPTY, CALIB])
def test_collections_without_plots_have_no_types(butler, collection):
    assert listTypes(butler, collection) == []


def test_types_that_are_not_there_are_named(butler):
    with pytest.raises(MissingCollectionError, match="no/such"):
        listTypes(butler, "no/such")
    with pytest.raises(
        DatasetNotFoundError, match=rf"{CHAIN} has no such dataset type: no. There are cpBiasExp"
    ):
        browse(butler, "no")


def test_labels_have_names_of_detectors_and_rafts(butler):
    browsed = browse(butler, DETECTOR)
    selection = readSelection(butler, {"instrument": COMCAM, "detector": "4"}, browsed.governors)
    ref = findPage(butler, browsed, selection).refs[0]
    assert summarize(ref, {"instrument"}) == f"detector R22_S11 (4), exposure {FIRST_EXPOSURE}"
    raft = findPage(
        butler, browse(butler, RAFT), readSelection(butler, {"instrument": COMCAM}, INSTRUMENTS)
    ).refs[0]
    assert summarize(raft, {"instrument"}) == f"raft R22, exposure {FIRST_EXPOSURE}"


def offered(butler: Butler, name: str, **given: str) -> dict[str, Choice]:
    browsed = browse(butler, name)
    choices = offerChoices(butler, browsed, readSelection(butler, given, browsed.governors))
    return {choice.key: choice for choice in choices}


def values(choice: Choice) -> list[str]:
    return [option.value for option in choice.options]


def test_choices_are_those_of_the_instrument(butler):
    choices = offered(butler, DETECTOR, instrument=COMCAM)
    assert list(choices) == ["instrument", "physical_filter", "day_obs", "exposure", "raft", "detector"]
    assert values(choices["instrument"]) == [LATISS, COMCAM]
    assert values(choices["detector"]) == [f"R22_S{i}{j}" for i in range(3) for j in range(3)]
    assert values(choices["raft"]) == ["R22"]
    assert values(choices["day_obs"]) == [str(day) for day in DAYS]
    assert values(choices["exposure"]) == [str(number) for number in exposuresOf(COMCAM)]
    # Those of all detectors would take as long as there are datasets.
    note = "List: those of detector R22_S00 (0). Or type another."
    assert choices["exposure"].note == choices["day_obs"].note == note


def test_choices_follow_the_selection(butler):
    choices = offered(butler, DETECTOR, instrument=COMCAM, day_obs=str(DAYS[1]), detector="4")
    assert values(choices["exposure"]) == [str(n) for n in exposuresOf(COMCAM) if n // 100000 == DAYS[1]]
    # These are all that can be selected with this detector.
    assert choices["exposure"].note == ""


def test_of_several_instruments_one_is_chosen_first(butler):
    choices = offered(butler, DETECTOR)
    assert choices["detector"] == Choice("detector", note="choose the instrument first")


def test_no_more_is_offered_than_people_can_read(butler, monkeypatch):
    assert MOST_OPTIONS >= 205
    monkeypatch.setattr("lsst.analysis.cp.navigator.browse.choices.MOST_OPTIONS", 3)
    choices = offered(butler, EXPOSURE, instrument=COMCAM)
    assert choices["exposure"] == Choice("exposure", note="over 3: choose day_obs first")
    choices = offered(butler, EXPOSURE, instrument=COMCAM, day_obs=str(DAYS[0]))
    assert choices["exposure"] == Choice("exposure", note="over 3: give the number")


def names(page) -> list[str]:
    return [row.name for row in page.rows]


def test_collections_are_found_by_name_and_type(butler):
    everything = names(findCollections(butler))
    assert everything == sorted(butler.collections.query("*"))
    assert names(findCollections(butler, pattern="VERIFY")) == [CHAIN, FIRST, SECOND]
    assert names(findCollections(butler, pattern="u/me/*t")) == [FIRST]
    assert names(findCollections(butler, kind="TAGGED")) == [TAGGED]
    assert names(findCollections(butler, isShownOnly=True)) == [HOSTILE, TAGGED, CHAIN, FIRST, SECOND]
    assert names(findCollections(butler, pattern="[x]")) == []
    with pytest.raises(SelectionError, match="kind: there is no 'SOME'. There are: RUN"):
        findCollections(butler, kind="SOME")


@pytest.mark.parametrize("size", [1, 3])
def test_collections_have_pages(butler, size):
    everything = names(findCollections(butler))
    page = findCollections(butler, size=size)
    pages = [names(page)]
    while page.after:
        page = findCollections(butler, size=size, after=page.after)
        pages.append(names(page))
        back = findCollections(butler, size=size, before=page.before)
        assert names(back) == pages[-2]
    assert sum(pages, []) == everything


def test_collections_say_what_they_have(butler):
    rows = {row.name: row for row in findCollections(butler).rows}
    assert (rows[CHAIN].nPlots, rows[CHAIN].nImages, rows[CHAIN].hasCalibrations) == (7, 3, True)
    assert (rows[SECOND].nPlots, rows[SECOND].nImages, rows[SECOND].hasCalibrations) == (1, 0, False)
    assert (rows[EMPTY].nPlots, rows[EMPTY].nImages) == (0, 0)
