# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import pytest

from lsst.analysis.cp.catalogue import EPOCHS, LEVELS, Level


@pytest.mark.parametrize(
    ("name", "epoch", "keys", "dimensions"),
    [
        ("detector", "exposure", ("exposure", "detector"), ("instrument", "exposure", "detector")),
        ("runDetector", "exposure", ("detector",), ("instrument", "detector")),
        ("exposure", "exposure", ("exposure",), ("instrument", "exposure")),
        ("run", "exposure", (), ("instrument",)),
        ("detector", "visit", ("exposure", "detector"), ("instrument", "exposure", "detector")),
        ("runDetector", "visit", ("detector",), ("instrument", "detector")),
        ("exposure", "visit", ("exposure",), ("instrument", "visit")),
        ("run", "visit", (), ("instrument",)),
        ("detector", "none", ("detector",), ("instrument", "detector")),
        ("runDetector", "none", ("detector",), ("instrument", "detector")),
        ("exposure", "none", (), ("instrument",)),
        ("run", "none", (), ("instrument",)),
    ],
)
def test_keys_and_dimensions(name, epoch, keys, dimensions):
    level = Level(name, epoch)
    assert level.keys == keys
    assert level.dimensions == dimensions
    assert level.byDetector is ("detector" in keys)
    assert level.byEpoch is ("exposure" in keys)
    assert level.hasEpochs is (epoch != "none")


def test_results_are_by_exposure_by_default():
    assert Level("run") == Level("run", "exposure")
    assert len({Level(name, epoch) for name in LEVELS for epoch in EPOCHS}) == 12


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (("raft",), "level 'raft' is unknown; expected one of detector, runDetector, exposure, run"),
        (("run", "night"), "epoch 'night' is unknown; expected one of exposure, visit, none"),
    ],
)
def test_unknown_level_is_an_error(fields, message):
    with pytest.raises(ValueError, match=message):
        Level(*fields)
