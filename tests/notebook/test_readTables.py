# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tables in notebooks: metrics, summaries, culprits and structures."""

import numpy as np
import pytest
from astropy.table import Column, Table
from notebookRepository import EXPOSURES, FAILED, RUNS

from lsst.analysis.cp import __version__
from lsst.analysis.cp.notebook import (
    readAmpSummary,
    readCulprits,
    readMetrics,
    readStructures,
    readSummary,
)
from lsst.analysis.cp.notebook.readTables import showShort
from lsst.daf.butler import DatasetNotFoundError

DATA_ID = {"exposure": EXPOSURES[1]}


def rowsOf(metrics):
    return dict(zip(metrics["measurement"].tolist(), metrics["value"].tolist(), strict=True))


def test_metrics_of_a_detector_are_those_that_were_stored(repository, butler):
    metrics = readMetrics(butler, "bias", {**DATA_ID, "detector": 1})
    assert rowsOf(metrics) == repository.metrics[EXPOSURES[1], 1]
    assert set(metrics["detector"]) == {1}


def test_metrics_of_an_exposure_are_not_those_of_its_detectors(butler):
    metrics = readMetrics(butler, "bias", DATA_ID)
    assert set(metrics["level"]) == {"exposure"}
    assert "detector" not in metrics.colnames


def test_metrics_of_a_test_by_its_name(butler):
    named = readMetrics(butler, "biasNoise", DATA_ID)
    assert set(named["metric"]) == {"biasNoise"}
    assert rowsOf(named) == rowsOf(readMetrics(butler, "cpBiasExp_metrics", DATA_ID))
    assert len(readMetrics(butler, "biasMean", DATA_ID)) == 0


def test_metrics_have_units_meanings_and_descriptions(butler):
    metrics = readMetrics(butler, "bias", DATA_ID)
    by_name = {row["measurement"]: row for row in metrics}
    assert by_name["max"]["unit"] == "electron"
    assert by_name["nAmps"]["unit"] == ""
    assert by_name["max"]["meaning"] == "Maximum of NOISE over amplifiers."
    assert by_name["quantityMax"]["threshold"] == 0.05
    assert all(column.description for column in metrics.itercols())
    assert metrics.colnames[:4] == ["metric", "measurement", "value", "unit"]


def test_numbers_are_shown_in_short_and_times_in_full():
    values, time = [1 / 3, 12345.678, np.nan], 61100.91737847222
    table = showShort(Table({"value": values, "mjd": Column([time] * 3, unit="d"), "nAmps": [16, 3024, 0]}))
    shown = {name: table[name].pformat(show_unit=False)[2:] for name in table.colnames}
    assert [text.strip() for text in shown["value"]] == ["0.333333", "12345.7", "nan"]
    assert [text.strip() for text in shown["nAmps"]] == ["16", "3024", "0"]
    assert {text.strip() for text in shown["mjd"]} == {str(time)}
    np.testing.assert_array_equal(table["value"], values)


def test_tables_that_are_read_are_shown_in_short(butler):
    for read in (readMetrics, readSummary, readAmpSummary, readCulprits):
        columns = [each for each in read(butler, "bias", DATA_ID).itercols() if each.dtype.kind == "f"]
        assert {each.format for each in columns if each.unit != "d"} == {".6g"}


@pytest.mark.parametrize(("read", "nRows"), [(readSummary, 9), (readAmpSummary, 144)])
def test_summaries_have_units_and_descriptions(butler, read, nRows):
    summary = read(butler, "bias", DATA_ID)
    assert len(summary) == nRows
    assert all(column.info.description for column in summary.itercols())
    name = "NOISE_median" if "NOISE_median" in summary.colnames else "NOISE_value"
    assert str(summary[name].unit) == "electron"
    assert summary.meta["dataset"].endswith(f"exposure: {EXPOSURES[1]}}} of {RUNS[0]}")
    assert set(summary["exposure"]) == {EXPOSURES[1]}


def test_stored_tables_have_the_version(butler):
    stored = butler.get("cpBiasExp_culprits", **DATA_ID, parameters={"strip_astropy_meta_yaml": False})
    assert stored.meta["analysis_cp"] == __version__


def test_summary_is_of_the_noise_that_was_stored(repository, butler):
    summary = readSummary(butler, "bias", DATA_ID)
    expected = np.median(repository.noise[EXPOSURES[1]].reshape(9, 16), axis=1)
    np.testing.assert_allclose(summary["NOISE_median"], expected, rtol=1e-14)


def test_culprits_of_a_status(butler):
    everything = readCulprits(butler, "bias", DATA_ID)
    failed = readCulprits(butler, "bias", DATA_ID, status="failed")
    assert [tuple(row) for row in failed["detector", "amplifier", "test"].iterrows()] == [(*FAILED, "NOISE")]
    assert failed["reason"][0] == "failed: (NOISE - RN)/RN is 1, limit <= 0.05"
    assert set(everything["status"]) >= {"failed"}
    assert len(readCulprits(butler, "bias", DATA_ID, status="suspicious")) == 0


def test_unknown_status_names_those_that_are(butler):
    with pytest.raises(ValueError, match="no status 'bad'; expected one of failed, unknown, suspicious"):
        readCulprits(butler, "bias", DATA_ID, status="bad")


def test_structures_are_ranked(butler):
    structures = readStructures(butler, "bias", {"exposure": EXPOSURES[0]})
    assert structures["rank"].tolist() == [1, 2]
    with pytest.raises(DatasetNotFoundError, match=rf"no table of structures .* those of .*{EXPOSURES[0]}"):
        readStructures(butler, "bias", DATA_ID)


@pytest.mark.parametrize("read", [readMetrics, readCulprits, readSummary])
def test_a_lost_file_is_named(repository, tmp_path, read):
    copy = repository.copy(tmp_path / "copy")
    ending = {readMetrics: "metrics", readCulprits: "culprits", readSummary: "detectorSummary"}[read]
    with copy.open() as butler:
        name = f"cpBiasExp_{ending}"
        copy.pathOf(butler, name, **DATA_ID).unlink()
        with pytest.raises(OSError, match=name):
            read(butler, "bias", DATA_ID)
