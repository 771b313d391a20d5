# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pairs of two collections, against lists of all datasets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flipRepository import (
    BY_EXPOSURE,
    BY_FILTER,
    CHAIN,
    DETECTORS,
    EXPOSURES,
    FIRST,
    MEAN,
    NOISE,
    ODD_FILTER,
    OF_FIRST,
    OF_SECOND,
    SECOND,
    FlipRepository,
    makeSearch,
)

from lsst.analysis.cp.navigator.browse.pairs import Pair, Pairing
from lsst.analysis.cp.navigator.browse.selection import SelectionError
from lsst.daf.butler import Butler

COMCAM = {"instrument": "LSSTComCam"}


@pytest.fixture(scope="module")
def butler(flips: FlipRepository) -> Iterator[Butler]:
    with flips.open() as butler:
        yield butler


def makePairing(butler: Butler, left: tuple, right: tuple) -> Pairing:
    """Make a pairing from the type, the collection and the selection of each side."""
    return Pairing(*(makeSearch(butler, *side) for side in (left, right)))


def listSide(butler: Butler, name: str, collection: str, selected: dict, order: tuple) -> dict:
    """List the ids of all datasets by the dimensions that pair."""
    refs = butler.query_datasets(name, collection, data_id=selected, find_first=True, explain=False)
    return {tuple(ref.dataId[each] for each in order): ref.id for ref in refs}


def walk(butler: Butler, pairing: Pairing, limit: int, *, backwards: bool = False) -> list[Pair]:
    """Go through all pages."""
    place, pairs = None, []
    while True:
        page = pairing.findPage(butler, place, limit, backwards=backwards)
        pairs = [*page.pairs, *pairs] if backwards else [*pairs, *page.pairs]
        if page.isFirst if backwards else page.isLast:
            return pairs
        assert len(page.pairs) == limit
        place = tuple(page.pairs[0 if backwards else -1].dataId.values())


def asIds(pairs: list[Pair]) -> list[tuple]:
    return [
        (tuple(each.dataId.values()), each.left and each.left.id, each.right and each.right.id)
        for each in pairs
    ]


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("limit", [1, 5, 100])
@pytest.mark.parametrize("right", [SECOND, CHAIN])
def test_pages_are_the_union_of_two_lists(butler, right, limit, backwards):
    selected = COMCAM | {"detector": 2}
    pairing = makePairing(butler, (NOISE, FIRST, selected), (NOISE, right, selected))
    assert pairing.order == ("exposure",)
    sides = [listSide(butler, NOISE, each, selected, pairing.order) for each in (FIRST, right)]
    wanted = [(key, *(side.get(key) for side in sides)) for key in sorted(sides[0].keys() | sides[1].keys())]
    assert asIds(walk(butler, pairing, limit, backwards=backwards)) == wanted


def test_what_is_in_one_only(butler):
    pairing = makePairing(butler, (BY_EXPOSURE, FIRST, COMCAM), (BY_EXPOSURE, SECOND, COMCAM))
    pairs = {each.dataId["exposure"]: each for each in walk(butler, pairing, 3)}
    assert list(pairs) == list(EXPOSURES)
    assert [key for key, each in pairs.items() if each.left] == list(OF_FIRST)
    assert [key for key, each in pairs.items() if each.right] == list(OF_SECOND)


def test_several_dimensions_pair(butler):
    pairing = makePairing(butler, (NOISE, FIRST, COMCAM), (NOISE, SECOND, COMCAM))
    assert pairing.order == ("detector", "exposure")
    keys = [(*each.dataId.values(),) for each in walk(butler, pairing, 7)]
    assert keys == [(detector, exposure) for detector in DETECTORS for exposure in EXPOSURES]


@pytest.mark.parametrize("limit", [1, 2, 10])
def test_text_pairs_by_the_order_of_the_database(butler, limit):
    """In Python capitals come before small letters; not in each database."""
    pairing = makePairing(butler, (BY_FILTER, FIRST, COMCAM), (BY_FILTER, SECOND, COMCAM))
    with butler.query() as query:
        ids = query.data_ids(["physical_filter"]).where(COMCAM).order_by("physical_filter")
        ordered = [(each["physical_filter"],) for each in ids]
    sides = [listSide(butler, BY_FILTER, each, COMCAM, pairing.order) for each in (FIRST, SECOND)]
    known = [each for each in ordered if each in sides[0] or each in sides[1]]
    assert len(known) == 4
    assert asIds(walk(butler, pairing, limit)) == [(key, *(side.get(key) for side in sides)) for key in known]


def test_each_side_may_have_an_exposure_of_its_own(butler):
    of_left, of_right = (COMCAM | {"exposure": each} for each in (EXPOSURES[0], EXPOSURES[7]))
    pairing = makePairing(butler, (NOISE, FIRST, of_left), (NOISE, SECOND, of_right))
    pairs = walk(butler, pairing, 3)
    assert [each.dataId for each in pairs] == [{"detector": each} for each in DETECTORS]
    assert {each.left.dataId["exposure"] for each in pairs} == {EXPOSURES[0]}
    assert {each.right.dataId["exposure"] for each in pairs} == {EXPOSURES[7]}
    assert all(each.left.dataId["detector"] == each.right.dataId["detector"] for each in pairs)


def test_two_types(butler):
    selected = COMCAM | {"detector": 0}
    pairing = makePairing(butler, (NOISE, FIRST, selected), (MEAN, FIRST, selected))
    pairs = {each.dataId["exposure"]: each for each in walk(butler, pairing, 4)}
    assert [key for key, each in pairs.items() if each.right is None] == [EXPOSURES[1]]
    assert {each.right.datasetType.name for each in pairs.values() if each.right} == {MEAN}
    of_exposures = makePairing(butler, (NOISE, FIRST, selected), (BY_EXPOSURE, SECOND, COMCAM))
    assert [each.dataId for each in walk(butler, of_exposures, 4)] == [{"exposure": e} for e in EXPOSURES]


def test_a_whole_data_id_is_one_pair(butler):
    selected = COMCAM | {"exposure": EXPOSURES[0], "detector": 0}
    pairing = makePairing(butler, (NOISE, FIRST, selected), (NOISE, SECOND, selected))
    page = pairing.findPage(butler, None, 5)
    assert [(each.dataId, each.left is None, each.right is None) for each in page.pairs] == [
        ({}, False, True)
    ]
    assert page.isFirst
    assert page.isLast


def test_nothing_is_an_empty_page(butler):
    selected = COMCAM | {"detector": 7}
    page = makePairing(butler, (NOISE, FIRST, selected), (NOISE, SECOND, selected)).findPage(butler, None, 5)
    assert (page.pairs, page.isFirst, page.isLast) == ((), True, True)


def test_a_selection_of_other_columns(butler):
    selected = COMCAM | {"physical_filter": ODD_FILTER, "detector": 0}
    pairing = makePairing(butler, (NOISE, FIRST, selected), (NOISE, SECOND, selected))
    assert [each.dataId["exposure"] for each in walk(butler, pairing, 5)] == [EXPOSURES[1], EXPOSURES[5]]


def test_what_cannot_pair_is_refused(butler):
    with pytest.raises(SelectionError, match="left.detector: choose one: cpBiasExpDet.* on the left differ"):
        makePairing(butler, (NOISE, FIRST, COMCAM), (BY_EXPOSURE, FIRST, COMCAM))
    with pytest.raises(SelectionError, match="right.exposure: choose one"):
        makePairing(butler, (NOISE, FIRST, COMCAM | {"exposure": EXPOSURES[0]}), (NOISE, FIRST, COMCAM))
    with pytest.raises(SelectionError, match="there are no pairs of LATISS and LSSTComCam"):
        makePairing(butler, (NOISE, FIRST, {"instrument": "LATISS"}), (NOISE, FIRST, COMCAM))
