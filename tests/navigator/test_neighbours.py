# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What stands beside a dataset along a dimension, against lists of all datasets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flipRepository import (
    BY_EXPOSURE,
    BY_FILTER,
    BY_VISIT,
    CHAIN,
    EXPOSURES,
    FILTERS,
    FIRST,
    LATISS_EXPOSURES,
    MEAN,
    NOISE,
    ODD_FILTER,
    ONE,
    SECOND,
    TAGGED,
    FlipRepository,
    makeSearch,
)

from lsst.analysis.cp.navigator.browse.neighbours import Line, findSiblings
from lsst.analysis.cp.navigator.browse.selection import SelectionError
from lsst.analysis.cp.navigator.browse.types import listTypes
from lsst.daf.butler import Butler

COMCAM = {"instrument": "LSSTComCam"}
HERE = COMCAM | {"exposure": EXPOSURES[3], "detector": 1}


@pytest.fixture(scope="module")
def butler(flips: FlipRepository) -> Iterator[Butler]:
    with flips.open() as butler:
        yield butler


def listAll(butler: Butler, name: str, collection: str, along: str, **dataId: object) -> list[tuple]:
    """List the values and runs of all datasets, of each data ID that of the first collection."""
    refs = butler.query_datasets(name, collection, data_id=dataId, find_first=True, explain=False)
    return sorted((ref.dataId[along], ref.run) for ref in refs)


def asPairs(refs, along: str) -> list[tuple]:
    return [(ref.dataId[along], ref.run) for ref in refs]


@pytest.mark.parametrize("collection", [FIRST, SECOND, CHAIN, TAGGED])
@pytest.mark.parametrize("along", ["exposure", "detector"])
@pytest.mark.parametrize("n", [2, 20])
def test_both_sides_are_those_of_a_list(butler, collection, along, n):
    rest = {key: value for key, value in HERE.items() if key != along}
    everything = listAll(butler, NOISE, collection, along, **rest)
    line = Line.through(makeSearch(butler, NOISE, collection, HERE), along)
    assert everything
    for value in (*(value for value, _ in everything), EXPOSURES[0] - 5, EXPOSURES[-1] + 5):
        found = line.findNeighbours(butler, value, nBefore=n, nAfter=n)
        before = [each for each in everything if each[0] < value]
        after = [each for each in everything if each[0] > value]
        assert asPairs(found.before, along) == before[::-1][:n]
        assert asPairs(found.after, along) == after[:n]
        assert asPairs([found.here] if found.here else [], along) == [e for e in everything if e[0] == value]
        assert found.isFirst is (len(before) <= n)
        assert found.isLast is (len(after) <= n)


def test_first_and_last(butler):
    line = Line.through(makeSearch(butler, BY_EXPOSURE, CHAIN, COMCAM), "exposure")
    (first,), (last,) = (line.findNext(butler, None, 1, backwards=each) for each in (False, True))
    assert (first.dataId["exposure"], first.run) == (EXPOSURES[0], FIRST)
    assert (last.dataId["exposure"], last.run) == (EXPOSURES[-1], SECOND)


@pytest.mark.parametrize("collection", [FIRST, CHAIN])
def test_filters_of_any_names_stand_in_the_order_of_the_database(butler, collection):
    names = [name for name, _ in listAll(butler, BY_FILTER, collection, "physical_filter", **COMCAM)]
    with butler.query() as query:
        ids = query.data_ids(["physical_filter"]).where(COMCAM).order_by("physical_filter")
        ordered = [each["physical_filter"] for each in ids if each["physical_filter"] in names]
    assert set(ordered) >= {"i_06", ODD_FILTER, "Z_03"}
    line = Line.through(makeSearch(butler, BY_FILTER, collection, COMCAM), "physical_filter")
    i = ordered.index(ODD_FILTER)
    found = line.findNeighbours(butler, ODD_FILTER, nBefore=9, nAfter=9)
    assert [ref.dataId["physical_filter"] for ref in found.before] == ordered[:i][::-1]
    assert found.here.dataId["physical_filter"] == ODD_FILTER
    assert [ref.dataId["physical_filter"] for ref in found.after] == ordered[i + 1 :]


def test_a_selection_leaves_out_others(butler):
    """The filter is no key of the dataset: it is known of its exposure."""
    chosen = HERE | {"physical_filter": ODD_FILTER}
    line = Line.through(makeSearch(butler, NOISE, FIRST, chosen), "exposure")
    found = line.findNext(butler, None, 20)
    assert [ref.dataId["exposure"] for ref in found] == [EXPOSURES[1], EXPOSURES[5]]


def test_instruments_are_apart(butler):
    line = Line.through(makeSearch(butler, NOISE, CHAIN, {"instrument": "LATISS", "detector": 0}), "exposure")
    assert [ref.dataId["exposure"] for ref in line.findNext(butler, None, 20)] == list(LATISS_EXPOSURES)
    with pytest.raises(SelectionError, match=r"instrument: say which is meant\. There are: LATISS, L"):
        makeSearch(butler, NOISE, CHAIN, {"detector": 0})
    alone = Line.through(makeSearch(butler, NOISE, SECOND, {"detector": 0}), "exposure")
    assert alone.findNext(butler, None, 1)[0].dataId["instrument"] == "LSSTComCam"


def test_visits_are_as_good_as_exposures(butler):
    line = Line.through(makeSearch(butler, BY_VISIT, FIRST, COMCAM), "visit")
    found = line.findNeighbours(butler, EXPOSURES[2], nBefore=1, nAfter=1)
    assert [found.before[0].dataId["visit"], found.after[0].dataId["visit"]] == [EXPOSURES[1], EXPOSURES[3]]


def test_records_come_with_datasets(butler):
    line = Line.through(makeSearch(butler, NOISE, CHAIN, HERE), "detector")
    assert [ref.dataId.records["detector"].full_name for ref in line.findNext(butler, 0, 2)] == [
        "R22_S01",
        "R22_S02",
    ]


def test_a_place_needs_no_dataset(butler):
    line = Line.through(makeSearch(butler, NOISE, SECOND, HERE), "exposure")
    found = line.findNeighbours(butler, EXPOSURES[4], nBefore=2, nAfter=2)
    assert found.here is None
    assert [ref.dataId["exposure"] for ref in found.before] == [EXPOSURES[3]]
    assert [ref.dataId["exposure"] for ref in found.after] == list(EXPOSURES[5:7])


def test_what_is_missing_is_named(butler):
    with pytest.raises(SelectionError, match=r"no 'visit'; it has instrument, detector, exposure"):
        Line.through(makeSearch(butler, NOISE, FIRST, HERE), "visit")
    with pytest.raises(SelectionError, match="detector: has to be known to go through cpBiasExpDet"):
        Line.through(makeSearch(butler, NOISE, FIRST, COMCAM), "exposure")
    with pytest.raises(SelectionError, match="visit: cpBiasExpDet.* has no such dimension; it has"):
        makeSearch(butler, NOISE, FIRST, HERE | {"visit": EXPOSURES[0]})


def test_collections_without_the_type_are_not_asked(butler):
    search = makeSearch(butler, ONE, CHAIN, COMCAM)
    assert search.browsed.collections == (FIRST,)
    assert search.openDimensions == ()
    assert search.findFirst(butler).run == FIRST


def test_places_of_several_dimensions(butler):
    search = makeSearch(butler, NOISE, CHAIN, COMCAM)
    order = search.openDimensions
    assert order == ("detector", "exposure")
    refs = butler.query_datasets(NOISE, CHAIN, data_id=COMCAM)
    everything = sorted((*(ref.dataId[each] for each in order), ref.run) for ref in refs)
    place, found = None, []
    while page := search.findNext(butler, order, place, 5):
        found += [(*(ref.dataId[each] for each in order), ref.run) for ref in page]
        place = found[-1][:2]
    assert found == everything
    back = search.findNext(butler, order, place, 7, backwards=True)
    assert [ref.dataId["exposure"] for ref in back] == [each[1] for each in everything[-2:-9:-1]]


def test_other_types_of_the_data_id(butler):
    line = Line.through(makeSearch(butler, NOISE, CHAIN, HERE), "exposure")
    types = listTypes(butler, CHAIN)
    ref = line.findAt(butler, EXPOSURES[0])
    assert [each.datasetType.name for each in findSiblings(butler, types, ref)] == [MEAN, NOISE]
    without = line.findAt(butler, EXPOSURES[1])
    assert [each.datasetType.name for each in findSiblings(butler, types, without)] == [NOISE]
    assert {"physical_filter": FILTERS[1]}.items() <= dict(without.dataId.mapping).items()
