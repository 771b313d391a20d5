# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Datasets of notebooks whose files are lost or damaged."""

import pytest
from notebookRepository import EXPOSURES, RUNS, makeStructures
from services.metricRepository import MetricRepository, makeValues

from lsst.analysis.cp.notebook import (
    readCulprits,
    readMetrics,
    readPlot,
    readStructureView,
    readSummary,
    readTrend,
)

EXPOSURE = {"exposure": EXPOSURES[0]}


@pytest.fixture
def changed(repository, tmp_path):
    return repository.copy(tmp_path / "copy")


def test_plot_that_is_cut_off_is_no_picture(changed):
    with changed.open() as butler:
        file = changed.pathOf(butler, "cpBiasExp_biasNoise_FocalPlaneGeometryPlot", **EXPOSURE)
        file.write_bytes(file.read_bytes()[:-500])
        with pytest.raises(ValueError, match=r"cpBiasExp_biasNoise_.* is cut off: it has no end after \d+ b"):
            readPlot(butler, "biasNoise", EXPOSURE)


def test_plot_that_is_no_longer_stored_is_named(changed):
    made = MetricRepository(changed.root)
    with changed.open() as butler:
        ref = butler.find_dataset("cpBiasExp_biasNoise_FocalPlaneGeometryPlot", **EXPOSURE)
        made.butler.pruneDatasets([ref], disassociate=False, unstore=True)
        with pytest.raises(FileNotFoundError, match=r"^cpBiasExp_biasNoise_.* is not stored: "):
            readPlot(butler, "biasNoise", EXPOSURE)
    made.butler.close()


@pytest.mark.parametrize(("read", "ending"), [(readCulprits, "culprits"), (readSummary, "detectorSummary")])
@pytest.mark.parametrize("size", [0, 1000, None])
def test_damaged_table_is_named(changed, read, ending, size):
    with changed.open() as butler:
        file = changed.pathOf(butler, f"cpBiasExp_{ending}", **EXPOSURE)
        content = file.read_bytes()
        # The Butler knows the size of the file, and finds no damage if that is right.
        file.write_bytes(b"x" * len(content) if size is None else content[:size])
        with pytest.raises(OSError, match=rf"^cpBiasExp_{ending} {{.*{EXPOSURES[0]}.* cannot be read: "):
            read(butler, "bias", EXPOSURE)


def test_lost_table_is_named(changed):
    with changed.open() as butler:
        changed.pathOf(butler, "cpBiasExp_culprits", **EXPOSURE).unlink()
        with pytest.raises(FileNotFoundError) as caught:
            readCulprits(butler, "bias", EXPOSURE)
    assert f"cpBiasExp_culprits {{instrument: LSSTComCam, exposure: {EXPOSURES[0]}}}" in "".join(
        caught.value.__notes__
    )


def test_lost_metrics_of_a_test_are_no_empty_table(changed):
    made = MetricRepository(changed.root)
    made.putNoise("cpBiasCore", makeValues(0, "exposure"), **EXPOSURE)
    with changed.open() as butler:
        changed.pathOf(butler, "cpBiasExp_metrics", **EXPOSURE).unlink()
        with pytest.warns(UserWarning, match="cpBiasExp_metrics .* cannot be read"):
            assert set(readMetrics(butler, "biasNoise", EXPOSURE)["topic"]) == {"cpBiasCore_biasNoise"}
        changed.pathOf(butler, "cpBiasCore_metrics", **EXPOSURE).write_text("{}")
        with pytest.raises(OSError, match="cpBiasExp_metrics .* cannot be read"):
            readMetrics(butler, "biasNoise", EXPOSURE)
    made.butler.close()


def test_history_of_which_all_is_lost_is_not_absent(changed):
    with changed.open() as butler:
        for exposure in EXPOSURES:
            changed.pathOf(butler, "cpBiasExp_detectorSummary", exposure=exposure).unlink()
        with pytest.raises(
            OSError, match=rf"cannot be read: (cpBiasExp_detectorSummary .*){{{len(EXPOSURES)}}}"
        ):
            readTrend(butler, "biasNoise")


def test_structures_without_a_column_are_named(changed):
    made = MetricRepository(changed.root)
    structures = makeStructures(EXPOSURES[0])
    structures.remove_columns(["rank", "kind"])
    made.put("cpBiasExpResidual_structures", structures, "ArrowAstropy", run=RUNS[1], **EXPOSURE)
    with changed.open(collections=[RUNS[1], RUNS[0]]) as butler:
        with pytest.raises(
            ValueError, match=r"cpBiasExpResidual_structures .* lacks column\(s\) kind, rank\."
        ):
            readStructureView(butler, "bias", EXPOSURE)
    made.butler.close()
