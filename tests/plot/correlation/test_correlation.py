# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Matrices of correlations: prepared data and artists."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.table import Table, vstack
from numpy.testing import assert_allclose, assert_array_equal

from lsst.analysis.cp.actions.plot import AmpCorrelationPlot
from lsst.analysis.cp.actions.plot.correlation.drawing import drawMatrix, drawWorst, makeCorrelationFigure
from lsst.analysis.cp.actions.plot.correlation.view import CorrelationView
from lsst.analysis.cp.core import AmpKeyError, CameraLayout
from lsst.daf.butler.formatters.parquet import arrow_to_astropy
from lsst.utils.plotting import make_figure

SCIENCE, WAVEFRONT = (21, 5, 7), 31
EXPOSURES = (2026010100001, 2026010100002, 2026010100003)
REAL = [2025110501401, 2025110501402]
LABELS = {"Overscan": "overscanCorr", "Imaging": "imageCorr"}


def makeRows(layout: CameraLayout, detector: int, exposure: int, bad: tuple[str, ...] = ()) -> Table:
    """Make rows as ip_isr does: pairs with a bad amplifier are 0, and it has no row with itself."""
    own = layout.ampDetector == layout.findDetectors(np.array([detector]))[0]
    names = layout.ampName[own].tolist()
    rng = np.random.default_rng([detector, exposure])
    rows = []
    for first in names:
        for second in names:
            if first == second and first in bad:
                continue
            values = [1.0, 1.0] if first == second else rng.normal(0.0, 0.01, 2).tolist()
            if first != second and {first, second} & set(bad):
                values = [0.0, 0.0]
            rows.append((detector, detector, first, second, *values))
    names_of_columns = ("detector", "detectorComp", "ampName", "ampComp", "imageCorr", "overscanCorr")
    return Table(rows=rows, names=names_of_columns)


def prepare(
    table: Table, exposure: Any, detectors: Any, layout: CameraLayout, **info: object
) -> CorrelationView:
    data = {name: table[name] for name in table.colnames}
    data |= {"exposure": exposure, "detectors": np.array(detectors)}
    return AmpCorrelationPlot().prepare(data, layout, {"plotName": "correlations", **info})


def stackTables(tables: list[Table], exposures: list[int]) -> tuple[Table, np.ndarray]:
    """Put tables of exposures one below the other."""
    return vstack(tables), np.repeat(exposures, [len(table) for table in tables])


def test_medians_are_placed_by_name_whatever_the_order(layout):
    tables = [makeRows(layout, 21, exposure) for exposure in EXPOSURES]
    table, exposure = stackTables(tables, list(EXPOSURES))
    order = np.random.default_rng(3).permutation(len(table))
    view = prepare(table[order], exposure[order], [21], layout)
    assert view.epochs.tolist() == list(EXPOSURES)
    for matrix in view.matrices:
        column = LABELS[matrix.label]
        for i, first in enumerate(view.names):
            for j, second in enumerate(view.names):
                values = [
                    float(t[column][(t["ampName"] == first) & (t["ampComp"] == second)][0]) for t in tables
                ]
                expected = np.nan if i == j else sorted(values)[1]
                assert_allclose(matrix.values[i, j], expected)
        worst = [max(abs(row[column]) for row in t if row["ampName"] != row["ampComp"]) for t in tables]
        assert_allclose(matrix.worst, worst)
    assert view.hasDiagonal.all()
    assert not view.notMeasured.any()


def test_amplifier_without_an_overscan_is_not_measured_and_not_zero(layout):
    view = prepare(makeRows(layout, 5, 1, ("C02",)), np.full(63, 1), [5], layout)
    bad = view.names.tolist().index("C02")
    expected = np.zeros((8, 8), dtype=bool)
    expected[bad, :] = expected[:, bad] = True
    assert_array_equal(view.notMeasured, expected)
    for matrix in view.matrices:
        assert np.isnan(matrix.values[bad]).all()
        assert np.isnan(matrix.values[:, bad]).all()
    assert view.headline.endswith("not measured: C02")
    assert view.isBad
    artists = drawMatrix(make_figure().add_subplot(), view, view.matrices[0])
    assert len(artists.cells.get_array()) == 7 * 6
    assert len(artists.notMeasured.get_path().to_polygons()) == 15
    assert artists.unmeasuredBlocks is None


def test_amplifier_that_fails_once_has_the_median_of_the_others(layout):
    tables = [makeRows(layout, 5, i, ("C02",) if i == 2 else ()) for i in (1, 2, 3)]
    table, exposure = stackTables(tables, [1, 2, 3])
    view = prepare(table, exposure, [5], layout)
    assert view.hasDiagonal.all()
    row = (table["ampName"] == "C02") & (table["ampComp"] == "C11") & (exposure != 2)
    i, j = (view.names.tolist().index(name) for name in ("C02", "C11"))
    assert_allclose(view.matrices[1].values[i, j], np.mean(table["imageCorr"][row]))
    assert not view.notMeasured.any()


def test_rows_that_are_not_told_apart_are_reduced_and_it_is_said(layout):
    tables = [makeRows(layout, 21, exposure) for exposure in EXPOSURES]
    table, exposure = stackTables(tables, list(EXPOSURES))
    known = prepare(table, exposure, [21], layout)
    view = prepare(table, np.ma.masked_all(len(table), dtype=np.int64), [21], layout)
    assert_array_equal(view.matrices[0].values, known.matrices[0].values)
    assert len(view.epochs) == 0
    assert "does not tell apart by exposure" in " ".join(view.notes)
    assert "does not tell apart" not in " ".join(known.notes)
    # The strip of exposures is absent.
    assert len(makeCorrelationFigure(view).axes) == len(makeCorrelationFigure(known).axes) - 1


def test_raft_has_blocks_that_nobody_measured_and_a_detector_without_data(layout):
    tables = [makeRows(layout, detector, 1) for detector in SCIENCE[:2]]
    view = prepare(vstack(tables), np.full(128, 1), SCIENCE, layout, raft="R01")
    assert view.matrices[0].values.shape == (24, 24)
    assert_array_equal(view.unmeasuredBlocks, ~np.eye(3, dtype=bool))
    absent = view.layout.ampDetector == 2
    assert_array_equal(view.notMeasured, absent[:, np.newaxis] & absent)
    assert view.names[0] == "S00 C00"
    assert "not measured: R01_S02" in view.headline
    assert "no pair of two detectors is measured" in view.notes
    assert view.title.endswith("R01")
    artists = drawMatrix(make_figure().add_subplot(), view, view.matrices[0])
    assert len(artists.unmeasuredBlocks.get_path().to_polygons()) == 6
    assert len(artists.cells.get_array()) == 2 * 8 * 7


def test_pairs_of_two_detectors_are_placed_if_a_table_has_them(layout):
    table = Table(
        {
            "detector": [21],
            "detectorComp": [5],
            "ampName": ["C00"],
            "ampComp": ["C03"],
            "imageCorr": [0.3],
            "overscanCorr": [-0.2],
        }
    )
    view = prepare(table, np.array([1]), [21, 5], layout)
    assert view.matrices[1].values[0, 8 + 3] == 0.3
    assert view.unmeasuredBlocks.tolist() == [[False, False], [True, False]]
    assert view.notMeasured[:8, 8:].sum() == 63


def test_sensors_of_four_amplifiers(layout):
    view = prepare(makeRows(layout, WAVEFRONT, 1), np.full(16, 1), [WAVEFRONT], layout)
    assert view.matrices[0].values.shape == (4, 4)
    assert "R00_SW0, ITL_WF" in view.title


def test_largest_pairs_are_listed_once_with_their_exposures(layout):
    tables = [makeRows(layout, 21, exposure) for exposure in EXPOSURES]
    for table, value in zip(tables, (0.4, 0.5, 0.6), strict=True):
        pair = (table["ampName"] == "C11") & (table["ampComp"] == "C03")
        table["imageCorr"][pair] = -value
    table, exposure = stackTables(tables, list(EXPOSURES))
    view = prepare(table, exposure, [21], layout)
    lines = view.lists[2]
    assert lines[1].split() == ["C11", "–", "C03", "-0.5", "-0.6", str(EXPOSURES[2])]
    assert sum("C11" in line and "C03" in line for line in lines) == 1
    assert "imaging -0.5 (C11 – C03)" in view.headline
    # One pair does not hide the others.
    assert view.matrices[1].limits.high < 0.2
    overscan, imaging = drawWorst(make_figure().add_subplot(), view)
    assert_allclose(imaging.get_ydata(), [0.4, 0.5, 0.6])
    assert overscan.get_ydata().max() < 0.1


def test_empty_table_gives_a_page_that_says_so(layout):
    table = makeRows(layout, 21, 1)[:0]
    view = prepare(table, np.array([], dtype=np.int64), [21], layout)
    assert "No correlation is measured" in view.headline
    assert view.notMeasured.all()
    makeCorrelationFigure(view).savefig(io.BytesIO(), dpi=30)


def test_exposures_without_any_correlation_give_a_page_that_says_so(layout):
    """As where no amplifier has an overscan result."""
    names = layout.ampName[layout.ampDetector == layout.findDetectors(np.array([21]))[0]]
    tables = [makeRows(layout, 21, exposure, tuple(names)) for exposure in EXPOSURES[:2]]
    table, exposure = stackTables(tables, list(EXPOSURES[:2]))
    view = prepare(table, exposure, [21], layout)
    assert "No correlation is measured" in view.headline
    assert np.isnan([matrix.worst for matrix in view.matrices]).all()
    ax = make_figure().add_subplot()
    drawWorst(ax, view)
    assert ax.get_ylim() == (0.0, 1.0)
    makeCorrelationFigure(view).savefig(io.BytesIO(), dpi=30)


def test_not_a_number_is_not_measured(layout):
    table = makeRows(layout, 21, 1)
    table["overscanCorr"][table["ampName"] == "C00"] = np.nan
    view = prepare(table, np.full(len(table), 1), [21], layout)
    assert np.isnan(view.matrices[0].values[0]).all()
    assert np.isfinite(view.matrices[1].values[0, 1:]).all()


def test_rows_without_two_names_or_of_other_detectors_are_counted_and_left_out(layout):
    table = vstack([makeRows(layout, 21, 1), makeRows(layout, 5, 1)], metadata_conflicts="silent")
    table = Table(table, masked=True)
    known = prepare(makeRows(layout, 21, 1), np.full(64, 1), [21], layout)
    table["ampComp"].mask[9] = True
    table["detector"].mask[13] = True
    table["detectorComp"].mask[17] = True
    # Ids below a mask are arbitrary.
    table["detector"].data.data[13] = 999
    view = prepare(table, np.full(len(table), 1), [21], layout)
    expected = known.matrices[1].values.copy()
    for row in (9, 13, 17):
        expected[row // 8, row % 8] = np.nan
    assert_array_equal(view.matrices[1].values, expected)
    assert view.notes == ("3 rows without two names left out", "64 rows of other detectors left out")


def test_foreign_amplifier_is_refused(layout):
    table = makeRows(layout, 21, 1)
    table["ampComp"][5] = "C77"
    with pytest.raises(AmpKeyError, match="'C77'"):
        prepare(table, np.full(len(table), 1), [21], layout)


def readReal(sharedData: Path, name: str) -> Table:
    return arrow_to_astropy(pq.read_table(sharedData / "tables" / "bias" / f"{name}.parq"))


def test_real_matrices(lsstCamLayout, sharedData):
    table = readReal(sharedData, "verifyBiasDetMatrix_2025110501401_39")
    view = prepare(table, np.full(256, 2025110501401), [39], lsstCamLayout)
    # The common noise that was injected.
    assert "imaging 0.3" in view.headline
    pair = view.matrices[1].largest
    assert {str(view.names[i]) for i in pair} == {"C11", "C13"}
    expected = np.full((16, 16), np.nan)
    names = view.names.tolist()
    for row in table:
        if row["ampName"] != row["ampComp"]:
            expected[names.index(row["ampName"]), names.index(row["ampComp"])] = row["imageCorr"]
    assert_array_equal(view.matrices[1].values, expected)


def test_real_wavefront_sensor_lacks_an_amplifier(lsstCamLayout, sharedData):
    tables = [
        readReal(sharedData, f"verifyBiasDetMatrix_{exposure}_191")
        for exposure in (2025110501401, 2025110501402)
    ]
    table, exposure = stackTables(tables, [2025110501401, 2025110501402])
    view = prepare(table, exposure, [191], lsstCamLayout)
    assert view.names[~view.hasDiagonal].tolist() == ["C16"]
    assert view.notMeasured.sum() == 15


def test_real_run_table_does_not_tell_exposures_apart(lsstCamLayout, sharedData):
    merged = readReal(sharedData, "verifyBiasMatrix")
    table = merged[merged["detector"] == 189]
    view = prepare(table, np.ma.masked_all(len(table), dtype=np.int64), [189], lsstCamLayout)
    tables = [
        readReal(sharedData, f"verifyBiasDetMatrix_{exposure}_189")
        for exposure in (2025110501401, 2025110501402)
    ]
    known = prepare(*stackTables(tables, [2025110501401, 2025110501402]), [189], lsstCamLayout)
    for own, other in zip(view.matrices, known.matrices, strict=True):
        assert_allclose(own.values, other.values)
    assert "up to 2 rows of a pair" in " ".join(view.notes)
