# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tables that the tasks of cp_verify have written, against their rows as they are on disk."""

import json
import math
import statistics

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_array_equal

from lsst.afw.cameraGeom import Camera
from lsst.analysis.cp.catalogue import getProduct, readProduct
from lsst.analysis.cp.core import CameraLayout, DetectorSelection
from lsst.analysis.cp.core.amps import (
    AmpTable,
    ampSummaryTable,
    culpritsTable,
    detectorSummaryTable,
    judge,
    statusNames,
    summarize,
)
from lsst.daf.butler.formatters.parquet import arrow_to_astropy

DEFECTS = """
product: defects
prefix: DEFECTS
title: Defects
epoch: visit
tests:
  PROB_TEST: {statistic: STAT_OUTLIERS, verify: computed, label: Outliers,
    quantity: abs(STAT_OUTLIERS - DEFECT_PIXELS), operator: "<=", threshold: 0.0, description: P.}
statistics:
  DEFECT_PIXELS: {unit: "", label: Defect pixels, isCount: true, description: D.}
  MEDIAN: {unit: electron, label: Median, description: M.}
"""

FITTED = ("SLOPE", "OFFSET", "SUCCESS")
"""What cp_verify has of the fit of a covariance."""

BAD_COLUMNS = "  N_BAD_COLUMNS: {row: detector, unit: '', label: Bad columns, description: B.}\n"


@pytest.fixture(scope="module")
def comCam(sharedData):
    return CameraLayout.fromCamera(Camera.readFits(str(sharedData / "cameras" / "LSSTComCam.fits")))


@pytest.fixture(scope="module")
def load(sharedData):
    """Return a reader of a table, as Butler gives it and as a list of rows with None where it is masked."""

    def read(name):
        arrow = pq.read_table(sharedData / "tables" / f"{name}.parq")
        return arrow_to_astropy(arrow), arrow.to_pylist()

    return read


@pytest.fixture(scope="module")
def faults(sharedData):
    """Return what was put into a product that should fail, as (exposure, detector, amplifier, test)."""

    def read(name, exposures=(None,)):
        truth = json.loads((sharedData / "tables" / name / "truth.json").read_text())
        return {
            (exposure, fault["detector"], fault["amplifier"], fault["test"].split(" (")[0])
            for fault in truth["expected_failures"]
            for exposure in ([fault["exposure"]] if fault["exposure"] else exposures)
        }

    return read


def valuesOf(rows, column, kind="amplifier"):
    """List the values of a column in rows of amplifiers or of others; masked ones are None."""
    return [row[column] for row in rows if (row["amplifier"] is None) is (kind != "amplifier")]


def checkCounts(values, verdicts, statistic=None):
    """Compare counts and reductions of one group with those of a list of verdicts and values."""
    assert values["nTested"].tolist() == [sum(verdict is not None for verdict in verdicts)]
    assert values["nFailed"].tolist() == [sum(verdict is False for verdict in verdicts)]
    if statistic is not None:
        finite = [value for value in statistic if value is not None and np.isfinite(value)]
        assert values["nValid"].tolist() == [len(finite)]
        expected = (min(finite), statistics.median(finite), max(finite))
        assert tuple(values[name][0] for name in ("min", "median", "max")) == expected


def failedIn(table):
    """List what failed, as (exposure, detector, amplifier, test)."""
    culprits = culpritsTable(table)
    has_exposures = "exposure" in culprits.colnames
    return {
        (
            int(row["exposure"]) if has_exposures else None,
            int(row["detector"]),
            str(row["amplifier"]) or None,
            str(row["test"]),
        )
        for row in culprits
        if row["status"] == "failed"
    }


def test_dark(load, comCam, faults):
    data, rows = load("dark/verifyDarkResults")
    product = getProduct("dark")
    table = AmpTable.fromColumns(data, product, comCam)
    assert len(table) == len(rows) == 288
    run = summarize(table, "run")
    for test in product:
        if test.isTested and test.statistic:
            values = valuesOf(rows, test.statisticColumn)
            checkCounts(run.tests[test.key].values, valuesOf(rows, test.verifyColumn), values)
    checkCounts(run.tests["SUCCESS"].values, valuesOf(rows, "DARK_VERIFY_SUCCESS"))
    exposures = table.exposures.tolist()
    assert exposures == [2024110501101, 2024110501102]
    assert failedIn(table) == faults("dark", exposures)
    # The fully masked amplifier has no finite value, and has failed.
    assert run.tests["MEAN"].values["nValid"].tolist() == [286]
    assert table.status(product["MEAN"])[np.isnan(table.statistics["DARK_MEAN"])].tolist() == [0, 0]
    detectors = summarize(table, "detector")
    expected = {(row["exposure"], row["detector"]): [] for row in rows}
    for row in rows:
        expected[row["exposure"], row["detector"]].append(row["DARK_VERIFY_NOISE"])
    keys = zip(detectors.exposure.tolist(), detectors.detectorIndex.tolist(), strict=True)
    for key, n_failed in zip(keys, detectors.tests["NOISE"].values["nFailed"].tolist(), strict=True):
        assert n_failed == expected[key].count(False)
    assert "DARK_DIST_50.0_PCT" not in detectors.tests
    assert "DARK_DIST_50.0_PCT" in summarize(table, "runDetector").tests


def test_majority_of_a_dark(load, comCam):
    data, _ = load("dark/verifyDarkResults")
    table = AmpTable.fromColumns(data, getProduct("dark"), comCam)
    run = summarize(table, "run", maxFailuresPerDetector=1)
    assert {
        key: reduced.values["nExposuresOverLimit"][0]
        for key, reduced in run.tests.items()
        if reduced.status is not None
    } == {
        "MEAN": 0,
        "NOISE": 0,
        "CR_NOISE": 0,
        "PROCESSING": 0,
        "READ_NOISE_CONSISTENT": 0,
        "SUCCESS": 1,
    }


@pytest.mark.parametrize("key", ["MEAN", "NOISE", "CR_NOISE", "READ_NOISE_CONSISTENT"])
def test_thresholds_of_the_catalogue_are_those_of_a_dark(load, comCam, key):
    data, _ = load("dark/verifyDarkResults")
    test = getProduct("dark")[key]
    table = AmpTable.fromColumns(data, getProduct("dark"), comCam)
    quantity = table.quantity(test)
    judged, stored = judge(test, quantity, table.physicalType["amplifier"]), table.verdict(test)
    assert set(stored.tolist()) == {0, 1}
    # What has no value is failed in the table, and unknown where the verdict is computed.
    differ = judged != stored
    assert differ.sum() == 2
    assert_array_equal(differ, np.isnan(quantity))


FLATS = {"exposure": "verifyFlatExpResults_2024110501201_r_03", "run": "verifyFlatResults_r_03"}


@pytest.mark.parametrize(("level", "n"), [("exposure", 1), ("run", 2)])
def test_flat(load, comCam, faults, level, n):
    data, rows = load(f"flat/{FLATS[level]}")
    table = AmpTable.fromColumns(data, getProduct("flat"), comCam)
    assert {kind: len(own) for kind, own in table.rows.items()} == {
        "amplifier": 144 * n,
        "detector": 9 * n,
        "exposure": n,
    }
    values = {key: reduced.values for key, reduced in summarize(table, level).tests.items()}
    checkCounts(values["NOISE"], valuesOf(rows, "FLAT_VERIFY_NOISE"), valuesOf(rows, "FLAT_NOISE"))
    for key, verdict, statistic in (
        ("DET_SCATTER", "FLAT_DET_VERIFY_SCATTER", "FLAT_DET_SCATTER"),
        ("EXP_SCATTER", "flat_VERIFY_SCATTER", "flat_SCATTER"),
    ):
        checkCounts(values[key], valuesOf(rows, verdict, "other"), valuesOf(rows, statistic, "other"))
    assert values["NOISE"]["nFailed"].tolist() == [2 * n]
    assert values["DET_SCATTER"]["nFailed"].tolist() == [2 * n]
    assert values["DET_SCATTER"]["nDetectorsFailed"].tolist() == [2]
    # A standard deviation of 500 electrons is compared with 0.05; as a fraction it is half of that.
    assert values["EXP_SCATTER"]["nFailed"].tolist() == [n]
    assert values["EXP_SCATTER_FRACTION"]["nFailed"].tolist() == [0]
    expected = {
        (exposure, detector, amplifier, test.replace(" ", "_"))
        for exposure, detector, amplifier, test in faults("flat", table.exposures.tolist())
        if detector is not None
    }
    assert failedIn(table) == expected
    detectors = summarize(table, "runDetector")
    failed = {0, 3, 6}
    assert statusNames(detectors.status).tolist() == [
        "failed" if detector in failed else "good" for detector in comCam.detectorId.tolist()
    ]


def test_scatter_of_the_detectors_of_a_flat_as_a_fraction(load, comCam):
    data, rows = load("flat/verifyFlatResults_r_03")
    table = AmpTable.fromColumns(data, getProduct("flat"), comCam, tests=["EXP_SCATTER_FRACTION"])
    test = getProduct("flat")["EXP_SCATTER_FRACTION"]
    for exposure, found in zip(table.exposures.tolist(), table.quantity(test), strict=True):
        means = [
            row["FLAT_DET_MEAN"]
            for row in rows
            if row["exposure"] == exposure and row["FLAT_DET_MEAN"] is not None
        ]
        assert len(means) == 9
        # cp_verify stores the standard deviation of the very same means.
        assert found == pytest.approx(statistics.pstdev(means) / statistics.mean(means), rel=1e-12)
        assert 0.02 < found < 0.03


@pytest.mark.parametrize("key", ["NOISE", "DET_SCATTER", "EXP_SCATTER"])
def test_thresholds_of_the_catalogue_are_those_of_a_flat(load, comCam, key):
    data, _ = load("flat/verifyFlatResults_r_03")
    test = getProduct("flat")[key]
    table = AmpTable.fromColumns(data, getProduct("flat"), comCam)
    judged, stored = judge(test, table.quantity(test), table.physicalType[test.row]), table.verdict(test)
    assert len(stored) > 0
    # The one amplifier whose mean is below 0 has no photon noise.
    means = table.statistics["FLAT_MEAN"] if key == "NOISE" else np.ones(len(stored))
    assert_array_equal(judged[means >= 0], stored[means >= 0])
    assert set(judged[means < 0].tolist()) <= {-1}


def test_noise_of_a_flat_beside_photon_and_read_noise(load, comCam):
    data, rows = load("flat/verifyFlatResults_r_03")
    table = AmpTable.fromColumns(data, getProduct("flat"), comCam)
    test = getProduct("flat")["NOISE_WITH_READ_NOISE"]
    amps = [row for row in rows if row["amplifier"] is not None]
    keys = zip(comCam.detectorId[comCam.ampDetector].tolist(), comCam.ampName.tolist(), strict=True)
    noise = dict(zip(keys, comCam.ampReadNoise.tolist(), strict=True))
    expected = [
        row["FLAT_NOISE"] / math.sqrt(row["FLAT_MEAN"] + noise[row["detector"], row["amplifier"]] ** 2)
        for row in amps
    ]
    np.testing.assert_allclose(table.quantity(test), expected, rtol=1e-12)
    bad = table.failed(test).tolist()
    failed = {(row["detector"], row["amplifier"]) for row, is_bad in zip(amps, bad, strict=True) if is_bad}
    # Of 10% more noise than that of photons; the dead amplifier has more than its read noise, too.
    assert failed == {(3, "C11"), (0, "C00")}


def test_detectors_of_a_flat(load, comCam, makeProduct):
    data, rows = load("flat/verifyFlatResults_r_03")
    table = AmpTable.fromColumns(data, makeProduct("flat"), comCam)
    detectors = summarize(table, "detector")
    found = {
        (exposure, detector): (scatter, n_failed)
        for exposure, detector, scatter, n_failed in zip(
            detectors.exposure.tolist(),
            comCam.detectorId[detectors.detectorIndex].tolist(),
            detectors.tests["DET_SCATTER"].values["median"].tolist(),
            detectors.tests["DET_SCATTER"].values["nFailed"].tolist(),
            strict=True,
        )
    }
    assert found == {
        (row["exposure"], row["detector"]): (row["FLAT_DET_SCATTER"], int(not row["FLAT_DET_VERIFY_SCATTER"]))
        for row in rows
        if row["FLAT_DET_SCATTER"] is not None
    }


def test_flat_of_one_detector_has_no_row_of_an_exposure(load, comCam, makeProduct):
    data, rows = load("flat/verifyFlatDetResults_2024110501201_6")
    keys = ["NOISE", "DET_SCATTER", "DET_MEAN"]
    table = AmpTable.fromColumns(data, makeProduct("flat"), comCam.select([6]), tests=keys)
    assert {kind: len(own) for kind, own in table.rows.items()} == {
        "amplifier": 16,
        "detector": 1,
        "exposure": 0,
    }
    detector = summarize(table, "detector")
    assert statusNames(detector.status).tolist() == ["failed"]
    assert detector.tests["DET_SCATTER"].values["max"].tolist() == [rows[-1]["FLAT_DET_SCATTER"]]


@pytest.mark.parametrize("keys", [["DET_SCATTER"], ["DET_MEAN"], ["NOISE", "DET_SCATTER"]])
def test_flat_without_tests_of_exposures(load, comCam, makeProduct, keys):
    data, rows = load("flat/verifyFlatResults_r_03")
    table = AmpTable.fromColumns(data, makeProduct("flat"), comCam, tests=keys)
    own = [i for i, row in enumerate(rows) if row["FLAT_DET_MEAN"] is not None]
    assert table.rows["detector"].source.tolist() == own
    assert len(table.rows["exposure"]) == 0


def test_defects(load, comCam, faults):
    data, rows = load("defects/verifyDefectsResults")
    table = AmpTable.fromColumns(data, readProduct(DEFECTS, "defects.yaml"), comCam)
    # What is beneath the mask of rows of detectors is -1 and NaN.
    assert {kind: len(own) for kind, own in table.rows.items()} == {
        "amplifier": 96,
        "detector": 0,
        "exposure": 0,
    }
    assert len(rows) == 102
    outliers, pixels = valuesOf(rows, "DEFECTS_STAT_OUTLIERS"), valuesOf(rows, "DEFECTS_DEFECT_PIXELS")
    verdicts = [a == b for a, b in zip(outliers, pixels, strict=True)]
    run = summarize(table, "run").tests
    checkCounts(run["PROB_TEST"].values, verdicts, outliers)
    expected = max(abs(a - b) for a, b in zip(outliers, pixels, strict=True))
    assert run["PROB_TEST"].values["quantityMax"].tolist() == [expected]
    assert failedIn(table) == faults("defects", table.exposures.tolist())
    assert {reason.partition(":")[0] for reason in culpritsTable(table)["reason"]} == {
        "failed (computed, not stored by cp_verify)",
        "no row in the table",
    }
    parts = summarize(table, "exposure", DetectorSelection(detectorTypes=None))
    assert parts.level.dimensions == ("instrument", "visit")
    assert parts.tests["PROB_TEST"].values["nFailed"].tolist() == [2, 2]


def test_rows_of_detectors_of_defects_are_kept_though_they_have_no_value(load, comCam):
    data, rows = load("defects/verifyDefectsResults")
    table = AmpTable.fromColumns(data, readProduct(DEFECTS + BAD_COLUMNS, "defects.yaml"), comCam)
    assert len(table.rows["detector"]) == len(valuesOf(rows, "detector", "other")) == 6
    values = summarize(table, "run").tests["N_BAD_COLUMNS"].values
    assert values["nValid"].tolist() == [0]
    counts = summarize(table, "exposure").counts["detector"]
    assert counts["nDetectors"].tolist() == [3, 3]
    assert counts["nDetectorsMissing"].tolist() == [6, 6]


@pytest.mark.parametrize("kind", ["spline", "spline_node1", "squared"])
def test_linearity(load, comCam, faults, makeProduct, kind):
    data, rows = load(f"linearity_{kind}/verifyLinearizerResults")
    product = makeProduct("linearity")
    table = AmpTable.fromColumns(data, product, comCam)
    assert (len(table), len(table.rows["detector"]), len(rows)) == (32, 0, 34)
    run = summarize(table, "run")
    for test in product:
        checkCounts(run.tests[test.key].values, valuesOf(rows, test.verifyColumn))
    assert failedIn(table) == faults(f"linearity_{kind}")
    assert statusNames(summarize(table, "detector").status).tolist() == [
        "failed" if detector in (4, 8) else "unknown" for detector in comCam.detectorId
    ]


def test_crosstalk(load, comCam, faults, makeProduct):
    data, rows = load("crosstalk/verifyCrosstalkResults")
    table = AmpTable.fromColumns(data, makeProduct("crosstalk"), comCam)
    assert (len(table), len(table.rows["detector"])) == (0, 2)
    run = summarize(table, "run").tests["NO_SIGNIFICANT_DETECTION"].values
    checkCounts(
        run, valuesOf(rows, "CROSSTALK_VERIFY_NO_SIGNIFICANT_DETECTION"), valuesOf(rows, "CROSSTALK_N_VALID")
    )
    assert failedIn(table) == faults("crosstalk")
    assert statusNames(summarize(table, "detector").status).tolist() == [
        {4: "good", 7: "failed"}.get(detector, "unknown") for detector in comCam.detectorId.tolist()
    ]


@pytest.fixture(scope="module", params=["expapprox", "fullcov", "lsstcam"])
def ptc(request, load):
    """Read the results of photon transfer curves: the name of their folder, the table and its rows."""
    name = f"ptc_{request.param}"
    layout = request.getfixturevalue("lsstCamLayout" if request.param == "lsstcam" else "comCam")
    data, rows = load(f"{name}/verifyPtcResults")
    ids = sorted({row["detector"] for row in rows})
    return name, AmpTable.fromColumns(data, getProduct("ptc"), layout.select(ids)), rows


def test_ptc(ptc, faults):
    name, table, rows = ptc
    assert len(table) == len(rows)
    run = summarize(table, "run", DetectorSelection(detectorTypes=None))
    for test in table.tests:
        if test.isTested:
            values = None if test.statistic is None else valuesOf(rows, test.statisticColumn)
            checkCounts(run.tests[test.key].values, valuesOf(rows, test.verifyColumn), values)
    assert failedIn(table) == faults(name)
    assert run.nAmpsMissing.tolist() == [0]
    written = detectorSummaryTable(summarize(table, "runDetector"))
    assert "nExposures" not in written.colnames
    failed = {row["detector"] for row in rows if row["PTC_VERIFY_SUCCESS"] is False}
    assert_array_equal(written["status"] == "failed", np.isin(written["detector"], list(failed)))


def test_quantities_of_ptc(ptc):
    """Against the columns by hand; a fit that is NaN has no quantity."""
    _, table, rows = ptc
    expected = {
        "PTC_GAIN": [100 * abs(r["PTC_PTC_GAIN"] / r["PTC_AMP_GAIN"] - 1) for r in rows],
        "PTC_NOISE": [100 * abs(r["PTC_PTC_NOISE"] / r["PTC_AMP_NOISE"] - 1) for r in rows],
        "PTC_TURNOFF": [r["PTC_PTC_TURNOFF"] * r["PTC_PTC_GAIN"] for r in rows],
        "PTC_BFE_A00": [r["PTC_PTC_BFE_A00"] for r in rows],
    }
    for test in table.tests:
        if test.quantity is not None:
            np.testing.assert_allclose(table.quantity(test), expected.pop(test.key), rtol=1e-9)
    assert expected == {}


def test_thresholds_of_the_catalogue_are_those_of_ptc(ptc):
    _, table, _ = ptc
    for test in table.tests:
        if test.quantity is not None:
            quantity, stored = table.quantity(test), table.verdict(test)
            judged = judge(test, quantity, table.physicalType["amplifier"])
            # What has no value is failed in the table, and unknown where the verdict is computed.
            assert_array_equal(judged != stored, np.isnan(quantity))


def test_fits_of_covariances_without_pairs_are_left_out_and_named(ptc):
    name, table, rows = ptc
    # The amplifier without any pair that the fit could use.
    bad = [row["detector"] == 7 and row["amplifier"] == "C17" and name == "ptc_expapprox" for row in rows]
    kinds = [f"PTC_PTC_COV_{lag}_FIT_{kind}" for lag in ("10", "01", "11", "20", "02") for kind in FITTED]
    for column in kinds:
        stored = np.array([row[column] for row in rows], dtype=float)
        assert_array_equal(table.statistics[column], np.where(bad, np.nan, stored))
    if any(bad):
        written = ampSummaryTable(table)
        for column in kinds:
            text = written[f"{column.removeprefix('PTC_')}_value"].description
            assert text.endswith(" Left out of R22_S21 C17: not measured.")
    else:
        assert table.leftOut == {}


def test_fit_that_is_nan_passes_the_independence_of_noise_and_fails_the_rest(load, comCam):
    data, _ = load("ptc_expapprox/verifyPtcResults")
    table = AmpTable.fromColumns(data, getProduct("ptc"), comCam)
    row = int(np.flatnonzero((data["detector"] == 0) & (data["amplifier"] == "C00"))[0])
    found = {test.key: int(table.status(test)[row]) for test in table.tests if test.isTested}
    assert found.pop("NOISE_SIGNAL_INDEPENDENCE") == 1
    assert set(found.values()) == {0}


def test_detector_with_fewer_pairs_is_read(load, comCam):
    """Its vectors are padded, those of booleans with True; no vector is read."""
    data, rows = load("ptc_expapprox/verifyPtcResults")
    assert {len(row["PTC_PTC_RAW_MEANS"]) for row in rows} == {8}
    vectors = [name for name in data.colnames if data[name].ndim == 2]
    assert "PTC_PTC_EXP_ID_MASK" in vectors
    assert set(getProduct("ptc").inputColumns()).isdisjoint(vectors)
    alone, _ = load("ptc_expapprox/verifyPtcDetResults_8")
    table = AmpTable.fromColumns(alone, getProduct("ptc"), comCam.select([8]))
    merged = AmpTable.fromColumns(data, getProduct("ptc"), comCam)
    own = merged.layout.detectorId[merged.rows["amplifier"].detectorIndex] == 8
    for column, values in table.statistics.items():
        assert_array_equal(values, merged.statistics[column][own], column)
