# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The merge tasks: names, connections, what they make of Stats and tables."""

from types import SimpleNamespace

import numpy as np
import pytest
from astropy.table import Table

import lsst.cp.verify
from lsst.cp.verify.mergeStatistics import listFailures

MERGES = {
    # task: dimensions of the quantum, of the inputs, stem of input and output, merge dimension
    "Exp": ("instrument exposure", "instrument exposure detector", "detector", "exposure", "detector"),
    "Run": ("instrument", "instrument exposure", "exposure", "run", "exposure"),
    "ExpMergeByFilter": (
        "instrument exposure physical_filter",
        "instrument exposure detector physical_filter",
        "exposure",
        "run",
        "detector",
    ),
    "RunMergeByFilter": (
        "instrument physical_filter",
        "instrument exposure physical_filter",
        "exposure",
        "run",
        "exposure",
    ),
    "VisitExp": ("instrument visit", "instrument exposure detector", "detector", "exposure", "detector"),
    "VisitRun": ("instrument", "instrument visit", "exposure", "run", "exposure"),
    "Calib": ("instrument", "instrument detector", "exposure", "run", "exposure"),
}


def className(merge: str, suffix: str) -> str:
    return f"CpVerify{merge if 'Merge' in merge else merge + 'Merge'}{suffix}"


@pytest.fixture
def camera():
    names = {0: "R22_S00", 1: "R22_S01"}
    return {id_: SimpleNamespace(getName=lambda name=name: name) for id_, name in names.items()}


@pytest.fixture
def stats():
    """Statistics of two detectors, the second of which failed a test in one amplifier."""
    good = {"C00": {"MEAN": True, "NOISE": True, "SUCCESS": True}}
    bad = {
        "C00": {"MEAN": True, "NOISE": True, "SUCCESS": True, "READ_NOISE_CONSISTENT": False},
        "C01": {"MEAN": True, "NOISE": False, "SUCCESS": False, "READ_NOISE_CONSISTENT": False},
    }
    return [{"SUCCESS": True, "VERIFY": {"AMP": good}}, {"SUCCESS": False, "VERIFY": {"AMP": bad}}]


def dataIds(exposure: int = 7) -> list[dict[str, int]]:
    return [{"exposure": exposure, "detector": detector} for detector in (0, 1)]


@pytest.mark.parametrize("merge", MERGES)
def test_connections(merge: str) -> None:
    dimensions, input_dimensions, source, output, merge_dimension = MERGES[merge]
    config_class = getattr(lsst.cp.verify, className(merge, "Config"))
    config = config_class(hasInputResults=True, hasMatrixCatalog=True)
    assert config.mergeDimension == merge_dimension
    connections = config_class.ConnectionsClass(config=config)
    assert connections.dimensions == set(dimensions.split())
    for kind, storage in (
        ("Stats", "StructuredDataDict"),
        ("Results", "ArrowAstropy"),
        ("Matrix", "ArrowAstropy"),
    ):
        read, written = getattr(connections, f"input{kind}"), getattr(connections, f"output{kind}")
        expected = "exposureStats" if (merge, kind) == ("Calib", "Stats") else output + kind
        assert (read.name, written.name) == (source + kind, expected)
        assert (read.storageClass, written.storageClass) == (storage, storage)
        assert set(written.dimensions) == set(dimensions.split())
        of_visit = merge == "VisitExp" and kind == "Matrix"
        assert set(read.dimensions) == set(
            "instrument visit detector".split() if of_visit else input_dimensions.split()
        )
        assert read.multiple


@pytest.mark.parametrize("merge", MERGES)
def test_connections_follow_the_configuration(merge: str) -> None:
    config = getattr(lsst.cp.verify, className(merge, "Config"))(doDropStats=True)
    connections = config.ConnectionsClass(config=config)
    assert connections.inputs == {"inputStats"}
    assert connections.outputs == {"outputResults"}
    assert connections.prerequisiteInputs == {"camera"}


def test_filter_merge_has_the_configuration_of_the_run_merge() -> None:
    assert lsst.cp.verify.CpVerifyExpMergeByFilterTask.ConfigClass is lsst.cp.verify.CpVerifyRunMergeConfig


def test_exposure_merge_names_detectors_and_failures(camera, stats) -> None:
    result = lsst.cp.verify.CpVerifyExpMergeTask().run(stats, dataIds(), camera)
    assert result.outputStats == {
        "R22_S00": {"SUCCESS": True},
        "R22_S01": {"SUCCESS": False, "FAILURES": ["C01 NOISE", "C01 READ_NOISE_CONSISTENT"]},
        "SUCCESS": False,
    }


def test_run_merge_chains_names(camera, stats) -> None:
    exposure = lsst.cp.verify.CpVerifyExpMergeTask().run(stats, dataIds(), camera).outputStats
    result = lsst.cp.verify.CpVerifyRunMergeTask().run(
        [exposure, {"SUCCESS": True}], [{"exposure": 7}, {"exposure": 8}]
    )
    assert result.outputStats == {
        7: {"SUCCESS": False, "FAILURES": ["R22_S01 C01 NOISE", "R22_S01 C01 READ_NOISE_CONSISTENT"]},
        8: {"SUCCESS": True},
        "SUCCESS": False,
    }


def test_merge_leaves_its_inputs(camera, stats) -> None:
    before = repr(stats)
    lsst.cp.verify.CpVerifyExpMergeTask().run(stats, dataIds(), camera)
    assert repr(stats) == before


def test_failures_of_all_levels() -> None:
    verify = {
        "EXP": {"SCATTER": False, "SUCCESS": False},
        "DET": {"A": False, "B": True, "SUCCESS": False},
        "AMP": {"C00": {"N": False, "SUCCESS": True}, "C01": {"N": False, "SUCCESS": False}},
        "CATALOG": {"K": False, "L": True},
    }
    assert listFailures({"VERIFY": verify}) == ["SCATTER", "A", "C01 N", "K"]


def test_amplifier_without_success_is_named() -> None:
    with pytest.raises(KeyError, match="amplifier 'C00' have no SUCCESS"):
        listFailures({"VERIFY": {"AMP": {"C00": {"N": False}}}})


def test_tables_are_stacked_and_padded() -> None:
    first = Table({"a": [1, 2], "v": np.ones((2, 3)), "ok": np.ones((2, 3), dtype=bool)})
    second = Table({"a": [3], "v": np.ones((1, 5)), "ok": np.ones((1, 5), dtype=bool), "extra": [4.0]})
    merged = lsst.cp.verify.CpVerifyExpMergeTask.mergeTable([first, second])
    np.testing.assert_array_equal(merged["v"][0], [1, 1, 1, np.nan, np.nan])
    np.testing.assert_array_equal(merged["ok"][1], [True, True, True, False, False])
    assert list(merged["extra"].mask) == [True, True, False]
    assert first["v"].shape == (2, 3)


def test_integer_vectors_cannot_be_padded() -> None:
    tables = [Table({"n": np.ones((1, length), dtype=int)}) for length in (3, 4)]
    with pytest.raises(ValueError, match="Column 'n' has vectors of unequal length and type int64"):
        lsst.cp.verify.CpVerifyExpMergeTask.mergeTable(tables)


@pytest.mark.parametrize("tables", [None, []])
def test_no_tables_give_an_empty_table(tables) -> None:
    assert len(lsst.cp.verify.CpVerifyExpMergeTask.mergeTable(tables)) == 0


def test_base_task_has_no_statistics_of_its_own(camera, stats) -> None:
    config = lsst.cp.verify.CpVerifyExpMergeTask.ConfigClass(statKeywords={"X": "MEAN"})
    with pytest.raises(NotImplementedError, match="statKeywords but no calcStatistics"):
        lsst.cp.verify.CpVerifyExpMergeTask(config=config).run(stats, dataIds(), camera)


@pytest.mark.parametrize(("means", "passed"), [((1.0, 1.02), True), ((1.0, 1.2), False)])
def test_merge_of_flats_adds_statistics_of_its_own(camera, means, passed) -> None:
    inputs = [{"SUCCESS": True, "DET": {"MEAN": mean}} for mean in means]
    ids = [{"instrument": "X", **id_} for id_ in dataIds()]
    task = lsst.cp.verify.CpVerifyFlatExpMergeTask(
        config=lsst.cp.verify.CpVerifyFlatExpMergeConfig(stageName="flat")
    )
    tables = [Table({"instrument": ["X"], "exposure": [7], "detector": [n], "mjd": [1.0]}) for n in (0, 1)]
    result = task.run(inputs, ids, camera, inputResults=tables)
    assert result.outputStats["SUCCESS"] is passed
    assert result.outputStats["VERIFY"] == {"EXP": {"SCATTER": passed}}
    row = result.outputResults[-1]
    assert row["flat_SCATTER"] == pytest.approx(np.std(means))
    assert row["flat_VERIFY_SCATTER"] == passed
    assert (row["exposure"], row["detector"]) == (7, 0)
    assert row["mjd"] is np.ma.masked
