# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Which detectors are waited for, and when they are given up."""

from __future__ import annotations

import numpy as np
import pytest
from nights import Clock
from numpy.testing import assert_array_equal

from lsst.analysis.cp.arriving.arrivals import Production
from lsst.analysis.cp.arriving.awaited import Awaited
from lsst.analysis.cp.core import CameraLayout, DetectorSelection


@pytest.fixture
def awaited(layout: CameraLayout, clock: Clock) -> Awaited:
    """Wait for a visit of two exposures."""
    return Awaited((1, 2), layout, DetectorSelection().mask(layout), 100.0)


def idsOf(awaited: Awaited, chosen: np.ndarray) -> list[int]:
    return awaited.layout.detectorId[chosen].tolist()


def countedIds(awaited: Awaited) -> list[int]:
    return idsOf(awaited, awaited.counted)


def allOf(awaited: Awaited, *exposures: int) -> set[tuple[int, int]]:
    return {(exposure, detector) for exposure in exposures for detector in countedIds(awaited)}


def wait(awaited: Awaited, clock: Clock, seconds: float) -> None:
    clock.now += seconds
    awaited.readClock()


def test_the_counted_ones_are_waited_for(awaited):
    assert 0 < len(countedIds(awaited)) < awaited.layout.nDetectors
    assert_array_equal(awaited.expected, awaited.counted)
    assert_array_equal(awaited.notYet, awaited.counted)
    assert not awaited.isOver


def test_others_are_when_somebody_begins_with_them(awaited):
    other = int(awaited.layout.detectorId[~awaited.counted][0])
    assert awaited.update(Production(begun=frozenset({(1, other)})), set())
    assert sorted(idsOf(awaited, awaited.notYet)) == sorted([*countedIds(awaited), other])
    assert not awaited.update(Production(begun=frozenset({(1, other)})), set())


def test_a_detector_is_there_when_all_its_exposures_are(awaited):
    awaited.update(Production(), set())
    awaited.take(allOf(awaited, 1), set())
    assert not awaited.there.any()
    assert not awaited.isOver
    awaited.take(allOf(awaited, 1, 2), set())
    assert_array_equal(awaited.there, awaited.counted)
    assert awaited.isOver


def test_without_a_search_nothing_is_over(awaited):
    awaited.take(allOf(awaited, 1, 2), set())
    assert not awaited.isOver


def test_what_has_no_raw_is_given_up_when_no_other_comes(awaited, clock):
    first, second, *others = countedIds(awaited)
    raws = allOf(awaited, 1, 2) - {(1, first), (1, second)}
    awaited.update(Production(), raws)
    wait(awaited, clock, 9.0)
    awaited.update(Production(), raws | {(1, second)})
    wait(awaited, clock, 9.0)
    assert not awaited.missing
    wait(awaited, clock, 1.0)
    name = awaited.layout.detectorName[awaited.layout.detectorId == first][0]
    assert awaited.missing == {name: "there is no raw of it"}


def test_a_table_that_cannot_be_read_is_given_up(awaited, clock):
    awaited.update(Production(), set())
    member = (1, countedIds(awaited)[0])
    awaited.take(allOf(awaited, 1, 2) - {member}, {member})
    assert not awaited.isOver
    wait(awaited, clock, 5.0)
    awaited.take(allOf(awaited, 1, 2) - {member}, {member})
    assert awaited.isOver
    assert list(awaited.missing.values()) == ["its table cannot be read"]
    assert awaited.there.sum() == awaited.counted.sum() - 1


def test_a_failure_is_none_when_there_is_a_table(awaited):
    member = (2, countedIds(awaited)[0])
    awaited.update(Production(failures={member: "it failed"}), set())
    awaited.take(allOf(awaited, 1, 2) - {member}, set())
    assert list(awaited.missing.values()) == ["it failed"]
    assert awaited.isOver
    awaited.take(allOf(awaited, 1, 2), set())
    assert awaited.missing == {}


def test_after_the_deadline_nothing_is_still_to_come(awaited, clock):
    wait(awaited, clock, 100.0)
    assert awaited.isOver
    assert not awaited.notYet.any()
    assert set(awaited.missing.values()) == {"not there after 100 s"}
    assert len(awaited.missing) == awaited.counted.sum()
